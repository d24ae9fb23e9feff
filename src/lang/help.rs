//! A verb's description as documents and as the reference in Markdown.
//!
//! Everything is read from the verbs themselves; nothing here knows one by name.

use std::fmt::Write as _;

use super::kind::wants;
use super::spec::{Kind, Opt, Positional, Verb};
use crate::document::{Document, Fields, Piece, Tone};

/// Usages longer than this don't move the summaries of all others to the right.
const LONGEST_USAGE: usize = 28;

/// All about one verb.
pub fn help_for(verb: &Verb) -> Document {
    let summary = [Piece::new(verb.usage(), Tone::Strong), Piece::from(format!("\n  {}", verb.summary))];
    let mut document = Document::new().with_pieces(summary);
    for paragraph in paragraphs(verb) {
        document = document.with_text(format!("\n{paragraph}"));
    }
    let arguments = glossary("arguments", verb.positionals.iter().map(|p| (p.usage(), p.name, about_argument(p))));
    let options = glossary("options", verb.options.iter().map(|o| (o.usage(), o.long, about_option(o))));
    let examples = glossary("examples", verb.examples.iter().map(|e| (e.text.to_owned(), e.text, e.about.to_owned())));
    for (heading, fields) in [("Arguments", arguments), ("Options", options), ("Examples", examples)] {
        if !fields.rows.is_empty() {
            document = document.with_heading(heading).with(fields);
        }
    }
    if verb.aliases.is_empty() {
        return document;
    }
    document.with_text(format!("\nalso: {}", verb.aliases.join(", ")))
}

fn glossary<'v>(name: &str, entries: impl Iterator<Item = (String, &'v str, String)>) -> Fields {
    entries.fold(Fields::new().named(name).glossary(), |fields, (label, key, about)| fields.keyed(label, key, about))
}

/// All verbs under their groups, a line each.
pub fn help_index(verbs: &[&Verb]) -> Document {
    let column = verbs.iter().map(|verb| short_usage(verb).len()).filter(|len| *len <= LONGEST_USAGE).max();
    let mut document = Document::new();
    for group in groups(verbs) {
        let entries = verbs.iter().filter(|verb| verb.group == group).map(|verb| {
            let usage = short_usage(verb);
            // Blanks bring the summaries of all groups into one column.
            (format!("{usage:column$}", column = column.unwrap_or(0)), verb.name, verb.summary.to_owned())
        });
        document = document.with_heading(capital(group)).with(glossary(group, entries));
    }
    document.with_text(Piece::new(
        "\nhelp COMMAND tells all about one. A JSON object is sent as a v1 call; a pasted curl line says what it does.",
        Tone::Dim,
    ))
}

/// The usage without a word of options: nearly every verb has some.
fn short_usage(verb: &Verb) -> String {
    let usage = verb.usage();
    usage.strip_suffix(" [options]").unwrap_or(&usage).to_owned()
}

/// The groups in the order in which they first come.
fn groups(verbs: &[&Verb]) -> Vec<&'static str> {
    let mut groups = Vec::new();
    for verb in verbs {
        if !groups.contains(&verb.group) {
            groups.push(verb.group);
        }
    }
    groups
}

fn capital(word: &str) -> String {
    let mut letters = word.chars();
    letters.next().map_or_else(String::new, |first| first.to_uppercase().chain(letters).collect())
}

fn paragraphs(verb: &Verb) -> impl Iterator<Item = &'static str> {
    verb.about.split("\n\n").map(str::trim).filter(|paragraph| !paragraph.is_empty())
}

fn about_argument(positional: &Positional) -> String {
    about(positional.about, Some(positional.kind), false)
}

fn about_option(option: &Opt) -> String {
    about(option.about, option.value.map(|(_, kind)| kind), option.repeated)
}

/// What a value means, and what it may be where the words don't tell.
fn about(text: &str, kind: Option<Kind>, is_repeated: bool) -> String {
    let mut about = text.to_owned();
    if let Some(kind @ Kind::Choice(words)) = kind
        && !words.iter().all(|word| text.contains(word))
    {
        // Writing to a String cannot fail.
        let _ = write!(about, " ({})", wants(kind));
    }
    if is_repeated {
        about.push_str("; may be given several times");
    }
    about
}

/// The reference as Markdown: docs/commands.md is this text.
pub fn reference_markdown(verbs: &[&Verb]) -> String {
    let mut out = String::from(
        "# Commands\n\n\
         What `help` and `help COMMAND` tell, on one page. A command is a line in the terminal or in a notebook cell; \
         its words are quoted as in a shell, and a line that ends in `\\` goes on in the next.\n",
    );
    for group in groups(verbs) {
        let _ = write!(out, "\n## {}\n", capital(group));
        for verb in verbs.iter().filter(|verb| verb.group == group) {
            section(verb, &mut out);
        }
    }
    values(verbs, &mut out);
    out
}

fn section(verb: &Verb, out: &mut String) {
    let _ = write!(out, "\n### {}\n\n{}.\n\n```\n{}\n```\n", verb.name, capital(verb.summary), verb.usage());
    if !verb.aliases.is_empty() {
        let names: Vec<_> = verb.aliases.iter().map(|alias| format!("`{alias}`")).collect();
        let _ = write!(out, "\nAlso: {}.\n", names.join(", "));
    }
    for paragraph in paragraphs(verb) {
        let _ = write!(out, "\n{}\n", prose(paragraph));
    }
    let arguments = verb.positionals.iter().map(|positional| (positional.usage(), about_argument(positional)));
    let options = verb.options.iter().map(|option| (option.usage(), about_option(option)));
    let examples = verb.examples.iter().map(|example| (example.text.to_owned(), example.about.to_owned()));
    rows("Argument", "Meaning", arguments, out);
    rows("Option", "Meaning", options, out);
    rows("Example", "What it does", examples, out);
}

fn rows(what: &str, meaning: &str, rows: impl Iterator<Item = (String, String)>, out: &mut String) {
    for (at, (code, about)) in rows.enumerate() {
        if at == 0 {
            let _ = write!(out, "\n| {what} | {meaning} |\n| --- | --- |\n");
        }
        let _ = writeln!(out, "| {} | {} |", code_span(&code), prose(&about));
    }
}

/// Code in a table's cell.
fn code_span(text: &str) -> String {
    let text = text.replace('|', "\\|");
    if text.contains('`') { format!("`` {text} ``") } else { format!("`{text}`") }
}

/// Words that Markdown would take for its own signs.
fn prose(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        if matches!(c, '|' | '*' | '<' | '>' | '`' | '[' | ']' | '\\') {
            out.push('\\');
        }
        out.push(c);
    }
    out
}

/// How values are written, of the kinds that some verb takes.
fn values(verbs: &[&Verb], out: &mut String) {
    let of_options = verbs.iter().flat_map(|verb| verb.options).filter_map(|option| option.value);
    let of_words = verbs.iter().flat_map(|verb| verb.positionals).map(|positional| (positional.name, positional.kind));
    let taken: Vec<Kind> = of_options.chain(of_words).map(|(_, kind)| kind).collect();
    let written = [
        (Kind::Mem, "Memory and disk"),
        (Kind::Duration, "Time"),
        (Kind::Ports, "Ports"),
        (Kind::TaskState, "States"),
        (Kind::KeyValue, "Names with values"),
        (Kind::Url, "Addresses"),
    ];
    let rows: Vec<_> = written.into_iter().filter(|(kind, _)| taken.contains(kind)).collect();
    if rows.is_empty() {
        return;
    }
    out.push_str("\n## How values are written\n\n| Value | Written as |\n| --- | --- |\n");
    for (kind, name) in rows {
        let _ = writeln!(out, "| {name} | {} |", prose(&wants(kind)));
    }
}

#[cfg(test)]
mod tests {
    use super::super::spec::{Example, Positional};
    use super::*;
    use crate::render::{Page, plain};

    const KILL: Verb = Verb {
        aliases: &["stop"],
        summary: "stop tasks",
        about: "One paragraph.\n\nAnother.",
        positionals: &[Positional::many("task", Kind::TaskId, "the tasks to stop")],
        options: &[
            Opt::value("grace", "TIME", Kind::Duration, "time between asking and killing").short('g'),
            Opt::value("how", "HOW", Kind::Choice(&["soft", "hard"]), "the way").repeated(),
        ],
        examples: &[Example::new("kill web", "stops web")],
        group: "tasks",
        ..Verb::new("kill")
    };
    const QUIT: Verb = Verb { summary: "leave | stay", group: "other", ..Verb::new("quit") };

    fn drawn(document: &Document) -> String {
        format!("\n{}", plain(document, &Page::plain(80)))
    }

    #[test]
    fn help_tells_all_about_a_verb() {
        assert_eq!(
            drawn(&help_for(&KILL)),
            "
kill TASK... [options]
  stop tasks

One paragraph.

Another.

Arguments
  TASK...  the tasks to stop

Options
  -g, --grace TIME  time between asking and killing
  --how HOW         the way (one of soft, hard); may be given several times

Examples
  kill web  stops web

also: stop
"
        );
        assert_eq!(drawn(&help_for(&QUIT)), "\nquit\n  leave | stay\n");
    }

    #[test]
    fn the_index_has_a_line_for_each_verb() {
        assert_eq!(
            drawn(&help_index(&[&KILL, &QUIT])),
            "
Tasks
  kill TASK...  stop tasks

Other
  quit          leave | stay

help COMMAND tells all about one. A JSON object is sent as a v1 call; a pasted
curl line says what it does.
"
        );
    }

    #[test]
    fn the_reference_is_sound_markdown() {
        let text = reference_markdown(&[&KILL, &QUIT]);
        for part in [
            "\n## Tasks\n\n### kill\n\nStop tasks.\n\n```\nkill TASK... [options]\n```\n\nAlso: `stop`.\n\nOne paragraph.\n",
            "\n| Option | Meaning |\n| --- | --- |\n| `-g, --grace TIME` | time between asking and killing |\n",
            "### quit\n\nLeave | stay.\n",
            "| Time | a time such as 30s, 5m or 1h30m |\n",
        ] {
            assert!(text.contains(part), "{part}\nis not in\n{text}");
        }
        assert_eq!(code_span("a|b"), "`a\\|b`");
        assert_eq!(prose("a|b *"), "a\\|b \\*");
    }
}
