//! `events`: what came and what was sent.

use super::prelude::*;
use crate::document::{Column, Piece, Table};
use crate::state::{Entry, Journal};
use crate::view;

command! {
    Verb {
        summary: "what came from the master and what was sent to it",
        about: "Heartbeats are counted, not listed: heartbeat shows the last. The journal keeps the newest 2000 entries.",
        options: &[
            Opt::switch("follow", "go on as things happen, until Ctrl-C").short('f'),
            Opt::value("number", "N", Kind::Count, "so many of the newest (20)").short('n'),
            Opt::value("kind", "KIND", Kind::Text, "only this kind, such as OFFERS or KILL").short('k'),
            Opt::value("for", "TIME", Kind::Duration, "stop following after this time"),
            Opt::switch("json", "the JSON itself"),
        ],
        examples: &[
            Example::new("events", "the newest twenty").after(&["offers"]),
            Example::new("events -n 5 --kind UPDATE --json", "five updates, whole").after(&["run --cmd 'exit 0'"]),
        ],
        group: "session",
        ..Verb::new("events")
    }
}

async fn run(context: &mut Context<'_>, args: Args) -> Result<(), Failure> {
    let session = context.session();
    let count = args.count("number").and_then(|count| usize::try_from(count).ok()).unwrap_or(20);
    let filter = args.text("kind").map(str::to_uppercase);
    let now = session.now();
    let (document, mut next) = session.read(|state| {
        let mut newest: Vec<&Entry> =
            matching(&state.journal, state.journal.first(), filter.as_deref()).rev().take(count).collect();
        newest.reverse();
        let document = if args.switch("json") { exact(&newest) } else { table(&newest, now) };
        (document, state.journal.next())
    });
    context.show(document);
    if !args.switch("follow") {
        return Ok(());
    }
    let mut changes = session.changes();
    let end = tokio::time::Instant::now() + args.duration("for").unwrap_or(Duration::from_secs(u64::from(u32::MAX)));
    loop {
        changes.mark_unchanged();
        let (documents, newest) = session.read(|state| {
            let entries: Vec<&Entry> = matching(&state.journal, next, filter.as_deref()).collect();
            let show = |entry: &&Entry| if args.switch("json") { exact(&[*entry]) } else { line(entry) };
            (entries.iter().map(show).collect::<Vec<_>>(), state.journal.next())
        });
        next = newest;
        documents.into_iter().for_each(|document| context.show(document));
        tokio::select! {
            changed = changes.changed() => if changed.is_err() { return Ok(()) },
            () = tokio::time::sleep_until(end) => return Ok(()),
        }
    }
}

fn matching<'a>(journal: &'a Journal, from: u64, kind: Option<&str>) -> impl DoubleEndedIterator<Item = &'a Entry> {
    journal
        .since(from)
        .filter(move |entry| kind.is_none_or(|kind| view::summary(&entry.what).0.eq_ignore_ascii_case(kind)))
}

fn table(entries: &[&Entry], now: Duration) -> Document {
    let columns = [
        Column::number("#").key("number"),
        Column::number("Ago").drops(1),
        Column::new("").key("direction"),
        Column::new("What").key("kind"),
        Column::new("Text").key("text"),
    ];
    let mut table = Table::new(columns, "nothing has happened yet").named("events");
    for entry in entries {
        table.push(view::entry(entry, now));
    }
    table.into()
}

fn line(entry: &Entry) -> Document {
    let (kind, text) = view::summary(&entry.what);
    let number = Piece::new(format!("{}  ", entry.number), Tone::Dim);
    Document::new().with_pieces([number, Piece::new(kind, Tone::Strong), Piece::from(format!("  {text}"))])
}

fn exact(entries: &[&Entry]) -> Document {
    let value = |entry: &&Entry| {
        let text = String::from_utf8_lossy(entry.what.text()).into_owned();
        serde_json::from_str(&text).unwrap_or(Value::String(text))
    };
    match entries {
        [one] => value(one).into(),
        several => Value::Array(several.iter().map(value).collect()).into(),
    }
}
