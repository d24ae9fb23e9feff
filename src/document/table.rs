//! Tables, fields and their cells: values with units and meanings, not strings with spaces.
//!
//! A column says how it may be drawn (side, what goes first when room is short); it never says how wide it is.

use std::time::{Duration, SystemTime};

use super::Tone;

/// Rows under columns.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Table {
    /// What it is a table of (`offers`): its key in JSON when a document has several parts. May be empty.
    pub name: String,
    /// The columns, from left to right.
    pub columns: Vec<Column>,
    /// The rows; a row shorter than the columns ends in empty cells.
    pub rows: Vec<Vec<Cell>>,
    /// Said in place of the table when there are no rows, such as `no offers`.
    pub empty: String,
}

/// A column of a [`Table`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Column {
    /// The heading; renderers write it in capitals or not.
    pub title: String,
    /// The name of its values in JSON.
    pub key: String,
    /// On which side its values stand.
    pub align: Align,
    /// What is dropped first in a narrow window: the highest number. Zero always stays.
    pub priority: u8,
    /// Whether its amounts are worth comparing at a glance: a picture may measure each against the largest.
    pub is_measured: bool,
}

/// On which side values stand in their column.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Align {
    /// Words.
    #[default]
    Left,
    /// Numbers.
    Right,
}

impl Column {
    /// A column of words that always stays; its JSON key is the title in lower case with `_` for spaces.
    pub fn new(title: impl Into<String>) -> Self {
        let title = title.into();
        let key = title.to_lowercase().replace(' ', "_");
        Column { title, key, align: Align::Left, priority: 0, is_measured: false }
    }

    /// A column of numbers that always stays.
    pub fn number(title: impl Into<String>) -> Self {
        Column { align: Align::Right, ..Self::new(title) }
    }

    /// The same column, with amounts that are compared at a glance.
    #[must_use]
    pub fn measured(mut self) -> Self {
        self.is_measured = true;
        self
    }

    /// The same column under another name in JSON.
    #[must_use]
    pub fn key(mut self, key: impl Into<String>) -> Self {
        self.key = key.into();
        self
    }

    /// The same column, dropped when the window is narrow; higher numbers go first.
    #[must_use]
    pub fn drops(mut self, priority: u8) -> Self {
        self.priority = priority;
        self
    }
}

impl Table {
    /// A table of these columns, without rows yet, and what to say if it stays so.
    pub fn new(columns: impl IntoIterator<Item = Column>, empty: impl Into<String>) -> Self {
        Table { columns: columns.into_iter().collect(), empty: empty.into(), ..Self::default() }
    }

    /// The same table with a name, its key in JSON beside other parts.
    #[must_use]
    pub fn named(mut self, name: impl Into<String>) -> Self {
        self.name = name.into();
        self
    }

    /// Adds a row.
    pub fn push(&mut self, row: impl IntoIterator<Item = Cell>) {
        self.rows.push(row.into_iter().collect());
    }

    /// The same table with another row below.
    #[must_use]
    pub fn row(mut self, row: impl IntoIterator<Item = Cell>) -> Self {
        self.push(row);
        self
    }
}

/// One thing's properties.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Fields {
    /// What it is (`master`): its key in JSON when a document has several parts. May be empty.
    pub name: String,
    /// The properties, from top to bottom.
    pub rows: Vec<Field>,
    /// Whether the labels are what one looks for (commands, options) and the values explain them; else the other way
    /// round.
    pub is_glossary: bool,
}

/// One property.
#[derive(Debug, Clone, PartialEq)]
pub struct Field {
    /// What a person reads before the value.
    pub label: String,
    /// Its name in JSON.
    pub key: String,
    /// The value.
    pub value: Cell,
}

impl Fields {
    /// Nothing known yet.
    pub fn new() -> Self {
        Self::default()
    }

    /// The same fields with a name, their key in JSON beside other parts.
    #[must_use]
    pub fn named(mut self, name: impl Into<String>) -> Self {
        self.name = name.into();
        self
    }

    /// The same fields as a glossary: the labels are what one looks for.
    #[must_use]
    pub fn glossary(mut self) -> Self {
        self.is_glossary = true;
        self
    }

    /// The same fields with one more; its JSON key is the label in lower case with `_` for spaces.
    #[must_use]
    pub fn field(self, label: impl Into<String>, value: impl Into<Cell>) -> Self {
        let label = label.into();
        let key = label.to_lowercase().replace(' ', "_");
        self.keyed(label, key, value)
    }

    /// The same fields with one more that has another name in JSON.
    #[must_use]
    pub fn keyed(mut self, label: impl Into<String>, key: impl Into<String>, value: impl Into<Cell>) -> Self {
        self.rows.push(Field { label: label.into(), key: key.into(), value: value.into() });
        self
    }
}

/// One value, with its meaning.
#[derive(Debug, Clone, PartialEq, Default)]
pub enum Cell {
    /// Nothing there.
    #[default]
    Empty,
    /// Words.
    Text(String),
    /// Words with a meaning.
    Toned(super::Piece),
    /// An id: whole in JSON and wide output, short elsewhere.
    Id {
        /// The id as Mesos knows it.
        whole: String,
        /// What is unambiguous here.
        short: String,
    },
    /// Processors.
    Cpus(f64),
    /// An amount of memory or disk, in MiB.
    Mebibytes(f64),
    /// An amount of bytes, such as a file's size.
    Bytes(u64),
    /// A number without a unit.
    Number(f64),
    /// How many.
    Count(u64),
    /// Port ranges, both ends included.
    Ports(Vec<(u64, u64)>),
    /// A state by its protocol name, such as `TASK_RUNNING`.
    State {
        /// The protocol's name.
        name: String,
        /// What it means.
        tone: Tone,
    },
    /// How long ago.
    Ago(Duration),
    /// How long it still lasts.
    Left(Duration),
    /// How long it took, or lasts.
    Lasted(Duration),
    /// A moment.
    Time(SystemTime),
    /// Names with values, such as attributes or labels.
    Pairs(Vec<(String, String)>),
    /// A part of a whole.
    Share {
        /// The part in use.
        used: f64,
        /// The whole.
        total: f64,
        /// What is counted.
        unit: Unit,
    },
    /// Yes or no.
    Bool(bool),
    /// Several values.
    List(Vec<Cell>),
    /// Anything else, as JSON.
    Json(serde_json::Value),
}

/// What a [`Cell::Share`] counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Unit {
    /// Processors.
    Cpus,
    /// Memory or disk in MiB.
    Mebibytes,
    /// Plain things.
    Count,
}

impl Cell {
    /// Words; an empty text is an empty cell.
    pub fn text(text: impl Into<String>) -> Self {
        let text = text.into();
        if text.is_empty() { Cell::Empty } else { Cell::Text(text) }
    }

    /// Words with a meaning.
    pub fn toned(text: impl Into<String>, tone: Tone) -> Self {
        Cell::Toned(super::Piece::new(text, tone))
    }

    /// An id and what is unambiguous of it.
    pub fn id(whole: impl Into<String>, short: impl Into<String>) -> Self {
        Cell::Id { whole: whole.into(), short: short.into() }
    }

    /// A state and what it means.
    pub fn state(name: impl Into<String>, tone: Tone) -> Self {
        Cell::State { name: name.into(), tone }
    }

    /// A task state by its protocol name.
    pub fn task_state(name: impl Into<String>) -> Self {
        let name = name.into();
        let tone = Tone::of_task_state(&name);
        Cell::State { name, tone }
    }

    /// The cell, or an empty one.
    pub fn maybe<T>(value: Option<T>, cell: impl FnOnce(T) -> Cell) -> Self {
        value.map_or(Cell::Empty, cell)
    }
}

macro_rules! cell_from {
    ($($type:ty => $variant:ident),*) => {$(
        impl From<$type> for Cell {
            fn from(value: $type) -> Self {
                Cell::$variant(value)
            }
        }
    )*};
}
cell_from!(u64 => Count, f64 => Number, bool => Bool, SystemTime => Time, serde_json::Value => Json,
    super::Piece => Toned);

impl From<String> for Cell {
    fn from(text: String) -> Self {
        Cell::text(text)
    }
}

impl From<&str> for Cell {
    fn from(text: &str) -> Self {
        Cell::text(text)
    }
}

impl<T: Into<Cell>> From<Option<T>> for Cell {
    fn from(value: Option<T>) -> Self {
        value.map_or(Cell::Empty, Into::into)
    }
}
