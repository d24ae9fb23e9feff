//! Commands as data: what a verb is called, what it takes, and how it is explained.
//!
//! All of it can stand in a `const`; nothing here says what a verb does.

/// A command's description: one constant each.
///
/// ```
/// use mesos_repl::lang::{Example, Kind, Opt, Positional, Verb};
///
/// const KILL: Verb = Verb {
///     summary: "stop tasks",
///     positionals: &[Positional::many("task", Kind::TaskId, "the tasks to stop")],
///     options: &[Opt::value("grace", "TIME", Kind::Duration, "time between asking and killing").short('g')],
///     examples: &[Example::new("kill web", "stops web")],
///     group: "tasks",
///     ..Verb::new("kill")
/// };
/// assert_eq!(KILL.usage(), "kill TASK... [options]");
/// ```
#[derive(Debug, Clone, Copy)]
pub struct Verb {
    /// What one types.
    pub name: &'static str,
    /// Other words for it.
    pub aliases: &'static [&'static str],
    /// What it does, in one short line without a full stop.
    pub summary: &'static str,
    /// What there is to know besides, in paragraphs; may be empty.
    pub about: &'static str,
    /// The words it takes, in their order.
    pub positionals: &'static [Positional],
    /// The options it takes.
    pub options: &'static [Opt],
    /// How it is used.
    pub examples: &'static [Example],
    /// Under which heading `help` lists it.
    pub group: &'static str,
}

impl Verb {
    /// A verb that takes nothing and explains nothing: the rest of a struct literal.
    pub const fn new(name: &'static str) -> Self {
        Verb { name, aliases: &[], summary: "", about: "", positionals: &[], options: &[], examples: &[], group: "" }
    }

    /// Whether this word means this verb.
    pub fn is_called(&self, word: &str) -> bool {
        self.name == word || self.aliases.contains(&word)
    }

    /// The option of this long name (without dashes).
    pub fn option(&self, long: &str) -> Option<&'static Opt> {
        self.options.iter().find(|option| option.long == long)
    }

    /// The option of this letter.
    pub fn short_option(&self, short: char) -> Option<&'static Opt> {
        self.options.iter().find(|option| option.short == Some(short))
    }

    /// How it is typed, in one line: `kill TASK... [options]`.
    pub fn usage(&self) -> String {
        let mut usage = self.name.to_owned();
        for positional in self.positionals {
            usage.push(' ');
            usage.push_str(&positional.usage());
        }
        if !self.options.is_empty() {
            usage.push_str(" [options]");
        }
        usage
    }
}

/// A word that a verb takes by its place.
#[derive(Debug, Clone, Copy)]
pub struct Positional {
    /// What [`Args`](super::Args) calls it, in lower case; shown in capitals.
    pub name: &'static str,
    /// What it means, in one line.
    pub about: &'static str,
    /// What it must look like and what completes it.
    pub kind: Kind,
    /// How many of it.
    pub arity: Arity,
}

/// How many words a [`Positional`] takes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Arity {
    /// Exactly one.
    One,
    /// One or none.
    Optional,
    /// One or more.
    Many,
    /// Any number, none too.
    Any,
    /// The rest of the command just as it was typed, options and quotes included; possibly nothing.
    Rest,
}

impl Positional {
    /// A word that must be there.
    pub const fn one(name: &'static str, kind: Kind, about: &'static str) -> Self {
        Positional { name, about, kind, arity: Arity::One }
    }

    /// A word that may be there.
    pub const fn optional(name: &'static str, kind: Kind, about: &'static str) -> Self {
        Positional { name, about, kind, arity: Arity::Optional }
    }

    /// One or more words.
    pub const fn many(name: &'static str, kind: Kind, about: &'static str) -> Self {
        Positional { name, about, kind, arity: Arity::Many }
    }

    /// Any number of words.
    pub const fn any(name: &'static str, kind: Kind, about: &'static str) -> Self {
        Positional { name, about, kind, arity: Arity::Any }
    }

    /// The rest of the command as it was typed.
    pub const fn rest(name: &'static str, kind: Kind, about: &'static str) -> Self {
        Positional { name, about, kind, arity: Arity::Rest }
    }

    /// How it is shown: `TASK`, `[TASK]`, `TASK...`, `[TASK...]`.
    pub fn usage(&self) -> String {
        let name = self.name.to_uppercase();
        match self.arity {
            Arity::One => name,
            Arity::Optional => format!("[{name}]"),
            Arity::Many => format!("{name}..."),
            Arity::Any | Arity::Rest => format!("[{name}...]"),
        }
    }
}

/// An option, `--long` or `--long VALUE`.
#[derive(Debug, Clone, Copy)]
pub struct Opt {
    /// Its name without dashes.
    pub long: &'static str,
    /// One letter for it.
    pub short: Option<char>,
    /// The value's name in help and its kind; `None` is a switch.
    pub value: Option<(&'static str, Kind)>,
    /// Whether it may come several times.
    pub repeated: bool,
    /// What it means, in one line.
    pub about: &'static str,
}

impl Opt {
    /// An option that is there or not.
    pub const fn switch(long: &'static str, about: &'static str) -> Self {
        Opt { long, short: None, value: None, repeated: false, about }
    }

    /// An option with a value.
    pub const fn value(long: &'static str, metavar: &'static str, kind: Kind, about: &'static str) -> Self {
        Opt { long, short: None, value: Some((metavar, kind)), repeated: false, about }
    }

    /// The same option with a letter.
    #[must_use]
    pub const fn short(mut self, short: char) -> Self {
        self.short = Some(short);
        self
    }

    /// The same option, allowed several times.
    #[must_use]
    pub const fn repeated(mut self) -> Self {
        self.repeated = true;
        self
    }

    /// How it is shown: `-f, --follow`, `--cpus N`.
    pub fn usage(&self) -> String {
        let mut usage = self.short.map_or_else(String::new, |short| format!("-{short}, "));
        usage.push_str("--");
        usage.push_str(self.long);
        if let Some((metavar, _)) = self.value {
            usage.push(' ');
            usage.push_str(metavar);
        }
        usage
    }
}

/// A use of a verb: shown by help, run by tests.
#[derive(Debug, Clone, Copy)]
pub struct Example {
    /// What one types.
    pub text: &'static str,
    /// What that does, in one line.
    pub about: &'static str,
    /// What must have been typed before, for a test that runs the example.
    pub after: &'static [&'static str],
    /// What must be there that not every session has.
    pub needs: Option<&'static str>,
}

impl Example {
    /// An example that needs nothing before it.
    pub const fn new(text: &'static str, about: &'static str) -> Self {
        Example { text, about, after: &[], needs: None }
    }

    /// The same example, for sessions that have this.
    #[must_use]
    pub const fn needs(mut self, what: &'static str) -> Self {
        self.needs = Some(what);
        self
    }

    /// The same example, run after these commands.
    #[must_use]
    pub const fn after(mut self, commands: &'static [&'static str]) -> Self {
        self.after = commands;
        self
    }
}

/// What a value must look like, and what completes it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Kind {
    /// Any words.
    Text,
    /// An offer's id or the unambiguous short of it.
    OfferId,
    /// A task's id or the unambiguous short of it.
    TaskId,
    /// An agent's id, short id or host name.
    AgentId,
    /// A framework's id or the unambiguous short of it.
    FrameworkId,
    /// Any id that the session knows.
    AnyId,
    /// A task state, with or without `TASK_`, in any case.
    TaskState,
    /// A role.
    Role,
    /// A command's name.
    Verb,
    /// A path into JSON, such as `.slaves[0].id`, or of an endpoint.
    Path,
    /// A local file, or `-`.
    File,
    /// A container image.
    Image,
    /// A number.
    Number,
    /// A number without fraction or sign.
    Count,
    /// Processors: a number above or equal to zero.
    Cpus,
    /// Memory or disk: `100` (MiB), `512m`, `1g`, `"100 MiB"`.
    Mem,
    /// A span of time: `30` (seconds), `30s`, `5m`, `1h30m`.
    Duration,
    /// Port ranges: `9000`, `9000-10000`, `9000-9010,9050`.
    Ports,
    /// `NAME=VALUE`.
    KeyValue,
    /// JSON.
    Json,
    /// A profile of the file of settings.
    Profile,
    /// An address: `http://...`, `zk://...` or `HOST:PORT`.
    Url,
    /// One of these words.
    Choice(&'static [&'static str]),
}

/// The verb of this name or alias.
pub fn find<'a>(verbs: &[&'a Verb], word: &str) -> Option<&'a Verb> {
    verbs.iter().copied().find(|verb| verb.is_called(word))
}

/// From here on, a word is near enough to be meant.
const NEAR: f64 = 0.7;

/// What was probably meant by a mistyped word, if anything is near enough.
pub fn nearest<'a>(word: &str, known: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let lower = word.to_lowercase();
    known
        .into_iter()
        .map(|name| (likeness(&lower, &name.to_lowercase()), name))
        .filter(|(likeness, _)| *likeness >= NEAR)
        .max_by(|a, b| a.0.total_cmp(&b.0))
        .map(|(_, name)| name)
}

/// How near two words are, from 0 to 1; a beginning counts as near, since people leave off endings.
fn likeness(word: &str, name: &str) -> f64 {
    if word.len() >= 2 && name.starts_with(word) {
        return strsim::normalized_damerau_levenshtein(word, name).max(0.9);
    }
    // A difference in length costs an edit each: where that alone is too much, a pasted page isn't compared.
    let (one, other) = (word.chars().count(), name.chars().count());
    let (short, long) = (one.min(other), one.max(other));
    if (short as f64) < NEAR * long as f64 { 0.0 } else { strsim::normalized_damerau_levenshtein(word, name) }
}
