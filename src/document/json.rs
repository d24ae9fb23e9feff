//! The exact JSON of documents: for scripts, so nothing is rounded, shortened or phrased.
//!
//! What a terminal shows may change with taste; these shapes are an interface and may only grow.

use std::time::SystemTime;

use serde_json::{Map, Value, json};

use super::{Block, Cell, Diagnostic, Document, Fields, Table, Timeline};

/// See [`Document::to_json`].
pub(super) fn document(document: &Document) -> Value {
    let facts = document.blocks.iter().any(carries_facts);
    // Words beside a table explain it to a person; a script that asked for JSON wants the table.
    let parts: Vec<&Block> = document.blocks.iter().filter(|block| !facts || carries_facts(block)).collect();
    let mut values: Vec<(&str, Value)> =
        parts.into_iter().filter_map(|part| block(part).map(|value| (name(part), value))).collect();
    match values.len() {
        0 => Value::Null,
        1 => values.remove(0).1,
        _ if all_named(&values) => Value::Object(values.into_iter().map(|(k, v)| (k.to_owned(), v)).collect()),
        _ => Value::Array(values.into_iter().map(|(_, value)| value).collect()),
    }
}

/// Whether a block is an answer rather than words around one.
fn carries_facts(block: &Block) -> bool {
    !matches!(block, Block::Text(_) | Block::Heading(_) | Block::Next(_))
}

/// Whether every part has a name and no two share one.
fn all_named(values: &[(&str, Value)]) -> bool {
    values
        .iter()
        .enumerate()
        .all(|(i, (name, _))| !name.is_empty() && !values.iter().take(i).any(|(earlier, _)| earlier == name))
}

fn name(block: &Block) -> &str {
    match block {
        Block::Table(table) => &table.name,
        Block::Fields(fields) => &fields.name,
        Block::Log(log) => &log.name,
        Block::Timeline(timeline) => &timeline.name,
        Block::Diagnostic(_) => "error",
        Block::Text(_) | Block::Heading(_) | Block::Json(_) | Block::Next(_) => "",
    }
}

fn block(block: &Block) -> Option<Value> {
    Some(match block {
        Block::Text(pieces) => Value::String(pieces.iter().map(|piece| piece.text.as_str()).collect()),
        Block::Table(table) => rows(table),
        Block::Fields(fields) => object(fields),
        Block::Json(value) => value.clone(),
        Block::Log(log) => Value::String(log.text.clone()),
        Block::Timeline(timeline) => story(timeline),
        Block::Diagnostic(diagnostic) => trouble(diagnostic),
        Block::Heading(_) | Block::Next(_) => return None,
    })
}

fn rows(table: &Table) -> Value {
    let row = |cells: &Vec<Cell>| -> Value {
        let keys = table.columns.iter().map(|column| column.key.clone());
        let cells = cells.iter().map(cell_json).chain(std::iter::repeat(Value::Null));
        Value::Object(keys.zip(cells).collect())
    };
    table.rows.iter().map(row).collect()
}

fn object(fields: &Fields) -> Value {
    Value::Object(fields.rows.iter().map(|field| (field.key.clone(), cell_json(&field.value))).collect())
}

fn story(timeline: &Timeline) -> Value {
    let entry = |entry: &super::Entry| {
        let mut value = json!({"at": entry.at.as_secs_f64(), "kind": entry.kind.name()});
        for (key, text) in [("label", &entry.label), ("text", &entry.text)] {
            if !text.is_empty() {
                value[key] = Value::String(text.clone());
            }
        }
        value
    };
    json!({"name": timeline.name, "entries": timeline.entries.iter().map(entry).collect::<Vec<_>>()})
}

fn trouble(diagnostic: &Diagnostic) -> Value {
    let mut value = json!({"error": diagnostic.what});
    if let Some(input) = &diagnostic.input {
        value["input"] = json!({"text": input.text, "start": input.span.start, "end": input.span.end});
        if let Some(label) = &input.label {
            value["label"] = json!(label);
        }
    }
    for (key, lines) in [("details", &diagnostic.details), ("help", &diagnostic.help), ("causes", &diagnostic.causes)] {
        if !lines.is_empty() {
            value[key] = json!(lines);
        }
    }
    value
}

/// The exact JSON of one cell.
pub fn cell_json(cell: &Cell) -> Value {
    match cell {
        Cell::Empty => Value::Null,
        Cell::Text(text) => json!(text),
        Cell::Toned(piece) => json!(piece.text),
        Cell::Id { whole, .. } => json!(whole),
        Cell::Cpus(number) | Cell::Mebibytes(number) | Cell::Number(number) => exact(*number),
        Cell::Bytes(number) | Cell::Count(number) => json!(number),
        Cell::Ports(ranges) => ranges.iter().map(|(begin, end)| json!({"begin": begin, "end": end})).collect(),
        Cell::State { name, .. } => json!(name),
        Cell::Ago(time) | Cell::Left(time) | Cell::Lasted(time) => json!(time.as_secs_f64()),
        Cell::Time(time) => moment(*time),
        Cell::Pairs(pairs) => several(pairs),
        Cell::Share { used, total, .. } => json!({"used": exact(*used), "total": exact(*total)}),
        Cell::Bool(yes) => json!(yes),
        Cell::List(cells) => cells.iter().map(cell_json).collect(),
        Cell::Json(value) => value.clone(),
    }
}

/// A whole number without `.0`, as Mesos's own clients expect of a memory size in a script.
fn exact(number: f64) -> Value {
    // Beyond 2^53 a float no longer tells neighbours apart, so it stays a float.
    if number.fract() == 0.0 && number.abs() < 9_007_199_254_740_992.0 { json!(number as i64) } else { json!(number) }
}

fn moment(time: SystemTime) -> Value {
    // A clock outside jiff's years (±9999) has no RFC 3339 form.
    jiff::Timestamp::try_from(time).map_or(Value::Null, |time| json!(time.to_string()))
}

/// Names with values as an object; a name that comes again (attributes may) gathers its values in an array.
fn several(pairs: &[(String, String)]) -> Value {
    let mut object = Map::new();
    for (key, value) in pairs {
        match object.get_mut(key) {
            None => {
                object.insert(key.clone(), json!(value));
            }
            Some(Value::Array(values)) => values.push(json!(value)),
            Some(single) => *single = json!([single.take(), value]),
        }
    }
    Value::Object(object)
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::super::*;
    use super::*;

    #[test]
    fn cells_are_exact() {
        let hour = SystemTime::UNIX_EPOCH + Duration::from_secs(3600);
        let pairs = |pairs: &[(&str, &str)]| {
            Cell::Pairs(pairs.iter().map(|(k, v)| ((*k).to_owned(), (*v).to_owned())).collect())
        };
        for (cell, want) in [
            (Cell::Empty, json!(null)),
            (Cell::id("48ba5286-0000-O1", "O1"), json!("48ba5286-0000-O1")),
            (Cell::Cpus(0.2), json!(0.2)),
            (Cell::Mebibytes(496.0), json!(496)),
            (Cell::Ports(vec![(9000, 10000)]), json!([{"begin": 9000, "end": 10000}])),
            (Cell::task_state("TASK_RUNNING"), json!("TASK_RUNNING")),
            (Cell::Ago(Duration::from_millis(1500)), json!(1.5)),
            (Cell::Time(hour), json!("1970-01-01T01:00:00Z")),
            (
                pairs(&[("rack", "r2"), ("pod", "a"), ("pod", "b"), ("pod", "c")]),
                json!({"rack": "r2", "pod": ["a", "b", "c"]}),
            ),
            (Cell::Share { used: 1.0, total: 4.0, unit: Unit::Cpus }, json!({"used": 1, "total": 4})),
            (Cell::List(vec![Cell::Count(1), Cell::from("x")]), json!([1, "x"])),
        ] {
            assert_eq!(cell_json(&cell), want, "{cell:?}");
        }
    }

    #[test]
    fn documents_have_sensible_shapes() {
        let table = Table::new([Column::new("Task"), Column::number("CPUs")], "no tasks")
            .row([Cell::from("web"), Cell::Cpus(0.2)])
            .row([Cell::from("db")]);
        let rows = json!([{"task": "web", "cpus": 0.2}, {"task": "db", "cpus": null}]);
        let fields = Fields::new().field("Framework id", "f1").keyed("Master", "leader", "m");
        let object = json!({"framework_id": "f1", "leader": "m"});
        for (document, want) in [
            (Document::new(), json!(null)),
            (Document::text("hello"), json!("hello")),
            (Document::text("two tasks").with(table.clone()).with_next(["kill web"]), rows.clone()),
            (fields.clone().into(), object.clone()),
            (json!({"a": 1}).into(), json!({"a": 1})),
            (Document::from(table.clone()).with(fields.clone()), json!([rows, object])),
            (
                Document::from(table.named("tasks")).with(fields.named("session")),
                json!({"tasks": rows, "session": object}),
            ),
            (Diagnostic::new("no").help("try").into(), json!({"error": "no", "help": ["try"]})),
            (
                Timeline::new("web").update(Duration::from_secs(1), "TASK_RUNNING", "").into(),
                json!({"name": "web", "entries": [{"at": 1.0, "kind": "update", "label": "TASK_RUNNING"}]}),
            ),
        ] {
            assert_eq!(document.to_json(), want, "{document:?}");
        }
    }
}
