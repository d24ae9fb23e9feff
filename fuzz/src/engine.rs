//! Bytes from a master, from a person, and into what is shown: nothing here opens a socket.

use std::time::{Duration, SystemTime};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use mesos_repl::client::Address;
use mesos_repl::detect;
use mesos_repl::document::{Block, Cell, Column, Diagnostic, Document, Fields, Log, Table, Timeline, Tone};
use mesos_repl::engine::verbs;
use mesos_repl::lang::{self, NoNames};
use mesos_repl::mesos::{Event, EventMessage, decode_event};
use mesos_repl::recordio::{Decoder, End, FramingError, encode};
use mesos_repl::render::{self, Page};
use mesos_repl::state::{State, What};
use mesos_repl::view;

/// One target's function.
pub type Target = fn(&[u8]);

/// The targets of this file.
pub const TARGETS: [(&str, Target); 7] = [
    ("recordio", recordio),
    ("event_json", event_json),
    ("line", line),
    ("sanitizer", sanitizer),
    ("address", address),
    ("journal", journal),
    ("zk_node", zk_node),
];

fn records(parts: &mut dyn Iterator<Item = &[u8]>) -> (Vec<Bytes>, Result<End, FramingError>) {
    let mut decoder = Decoder::with_limit(1 << 20);
    let mut all = Vec::new();
    for part in parts {
        decoder.push(Bytes::copy_from_slice(part));
        loop {
            match decoder.next_record() {
                Ok(Some(record)) => all.push(record),
                Ok(None) => break,
                Err(error) => return (all, Err(error)),
            }
        }
    }
    (all, Ok(decoder.end()))
}

/// A stream's framing: any split gives the same records and the same end; what was read can be written again.
pub fn recordio(data: &[u8]) {
    let Some((&size, stream)) = data.split_first() else { return };
    let whole = records(&mut [stream].into_iter());
    assert_eq!(records(&mut stream.chunks(usize::from(size).max(1))), whole);
    assert_eq!(records(&mut stream.chunks(1)), whole);
    let written: Vec<u8> = whole.0.iter().flat_map(|record| encode(record)).collect();
    assert_eq!(records(&mut [&written[..]].into_iter()), (whole.0, Ok(End::Clean)));
}

/// Records of a stream, one a line: read, taken in, looked at in every form.
pub fn event_json(data: &[u8]) {
    let mut state = State::new(SystemTime::UNIX_EPOCH);
    for (number, line) in data.split(|byte| *byte == b'\n').enumerate().take(64) {
        let json = Bytes::copy_from_slice(line);
        let at = Duration::from_millis(number as u64);
        let event = match decode_event(json.clone()) {
            Ok(event) => event,
            Err(bad) => {
                assert_eq!(bad.json, json);
                state.journal.push(at, What::BadRecord { why: format!("{bad}: {}", bad.source).into(), json });
                continue;
            }
        };
        match &event {
            Event::Update(update) => {
                // What the session acts on is what the whole says.
                if let Ok(status) = update.status() {
                    assert_eq!((&status.task_id, &status.state), (&update.task_id, &update.state));
                }
            }
            Event::Offers(offers) => {
                for record in offers {
                    // Where a field is told twice, the session acts on the first: it reads no further.
                    let once = |name: &str| String::from_utf8_lossy(&record.json).matches(name).count() == 1;
                    if let Ok(offer) = record.offer()
                        && once("agent_id")
                        && once("\"id\"")
                        && !record.json.contains(&b'\\')
                    {
                        assert_eq!((&offer.id, &offer.agent_id), (&record.id, &record.agent_id));
                    }
                }
            }
            _ => {}
        }
        if let Ok(message) = serde_json::from_slice::<EventMessage>(&json) {
            let written = serde_json::to_vec(&message).unwrap_or_default();
            assert!(serde_json::from_slice::<EventMessage>(&written).is_ok(), "what was written can't be read");
        }
        state.journal.push(at, What::Event { kind: event.kept_kind(), json });
        state.apply(event, at, Some(Duration::from_secs(60)));
    }
    look(&state);
}

/// Everything that can be shown of a state.
fn look(state: &State) {
    let now = Duration::from_secs(100);
    let active = state.tasks.iter().filter(|task| !task.is_over()).count();
    assert_eq!(active, state.tasks.active());
    show(&view::tasks(state, now, |_| true));
    show(&view::offers(state, now));
    for task in state.tasks.iter() {
        show(&view::task(state, task, now));
    }
    let mut table = Table::new(["one", "two", "three", "four"].map(Column::new), "nothing");
    state.journal.since(0).for_each(|entry| table.push(view::entry(entry, now)));
    show(&table.into());
}

/// A document in every form: none may let through what a terminal or a browser would obey.
pub fn show(document: &Document) {
    for width in [20, 80] {
        harmless(&render::plain(document, &Page::plain(width)));
    }
    harmless(&without_colours(&render::ansi(document, &Page::plain(80).coloured(true))));
    harmless(&without_colours(&render::json_coloured(document)));
    let json = render::json(document);
    harmless(&json);
    assert_eq!(serde_json::from_str::<serde_json::Value>(&json).ok(), Some(document.to_json()), "other JSON");
    harmless(&render::yaml(document));
    let html = render::html(document);
    harmless(&html);
    only_our_tags(&html);
}

/// Our own colours taken out; whatever else begins with ESC stays, to be found.
fn without_colours(text: &str) -> String {
    let mut parts = text.split('\u{1b}');
    let mut out = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        let sequence = part.strip_prefix('[').and_then(|rest| rest.split_once('m'));
        match sequence.filter(|(codes, _)| codes.bytes().all(|byte| byte.is_ascii_digit() || byte == b';')) {
            Some((_, rest)) => out.push_str(rest),
            None => {
                out.push('\u{1b}');
                out.push_str(part);
            }
        }
    }
    out
}

/// No control characters but line ends and tabs, no bidi controls, nothing invisible that reorders text.
pub fn harmless(text: &str) {
    for c in text.chars() {
        let control = c.is_control() && !matches!(c, '\n' | '\t');
        let bidi = matches!(c, '\u{61c}' | '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}');
        assert!(!control && !bidi, "{c:?} got through: {text:?}");
    }
}

/// Tags of a small set, no handlers, no addresses of scripts. Our own style sheet is passed over.
pub fn only_our_tags(html: &str) {
    const KNOWN: [&str; 30] = [
        "b", "br", "circle", "code", "details", "div", "em", "g", "h4", "hr", "i", "img", "li", "line", "p", "path",
        "pre", "rect", "span", "strong", "summary", "svg", "table", "tbody", "td", "text", "th", "thead", "tr", "ul",
    ];
    let html = html.split_once("</style>").map_or(html, |(_, rest)| rest);
    for tag in html.split('<').skip(1) {
        let (tag, _) = tag.split_once('>').unwrap_or((tag, ""));
        let name: String = tag.trim_start_matches('/').chars().take_while(char::is_ascii_alphanumeric).collect();
        assert!(KNOWN.contains(&name.as_str()), "a tag of its own: <{tag}>");
        if name == "img" {
            // A picture of our own making, within the page: no script runs in it, and it is checked all the same.
            let picture =
                tag.split_once("src=\"data:image/svg+xml;base64,").and_then(|(_, rest)| rest.split('"').next());
            let picture =
                picture.and_then(|text| STANDARD.decode(text).ok()).and_then(|svg| String::from_utf8(svg).ok());
            let Some(picture) = picture else { panic!("a picture from elsewhere: <{tag}>") };
            harmless(&picture);
            only_our_tags(&picture);
            continue;
        }
        // What stands outside quotes: the attributes' names.
        let names: String = tag.split('"').step_by(2).collect::<String>().to_ascii_lowercase();
        for name in names.split_ascii_whitespace() {
            assert!(!name.starts_with("on") && !name.starts_with("href") && !name.starts_with("src"), "<{tag}>");
        }
    }
}

/// A text in every place of a document where text from outside can stand.
pub fn everywhere(text: &str) -> Document {
    let cells = || {
        vec![
            Cell::text(text),
            Cell::toned(text, Tone::Bad),
            Cell::id(text, text),
            Cell::state(text, Tone::Good),
            Cell::task_state(text),
            Cell::Pairs(vec![(text.to_owned(), text.to_owned())]),
            Cell::List(vec![Cell::text(text), Cell::id(text, text)]),
            Cell::Json(serde_json::json!({ text: [text, {text: 1}] })),
        ]
    };
    let mut table = Table::new(cells().iter().map(|_| Column::new(text)), text).named(text);
    table.push(cells());
    let mut fields = Fields::new().named(text);
    let mut glossary = Fields::new().named(text).glossary();
    for cell in cells() {
        fields = fields.field(text, cell.clone());
        glossary = glossary.keyed(text, text, cell);
    }
    let at = Duration::from_secs(1);
    let timeline = Timeline::new(text).update(at, text, text).call(at, text, text).ack(at, text).note(at, text);
    let end = text.char_indices().nth(1).map_or(text.len(), |(at, _)| at);
    let diagnostic = Diagnostic::new(text).at(text, 0..end).label(text).detail(text).help(text);
    Document::text(text)
        .with_heading(text)
        .with(table)
        .with(Table::new([Column::new(text)], text).named(text))
        .with(fields)
        .with(glossary)
        .with(timeline)
        .with(diagnostic)
        .with(Block::Json(serde_json::json!({ text: [text, {"title": text}] })))
        .with(Block::Log(Log { name: text.to_owned(), text: text.to_owned() }))
        .with_next([text])
}

/// A line or a cell as somebody types it: read, completed, coloured, at every cursor.
pub fn line(data: &[u8]) {
    let text = String::from_utf8_lossy(data.get(..512).unwrap_or(data));
    let verbs = verbs();
    let _ = lang::completeness(&text, verbs);
    for read in [lang::parse(&text, verbs), lang::parse_cell(&text, verbs)] {
        match read {
            Ok(inputs) => {
                for input in inputs {
                    let span = input.span();
                    assert!(text.get(span.clone()).is_some(), "{span:?} is no part of {text:?}");
                    if let lang::Input::Command(invocation) = &input
                        && let Some(verb) = lang::find(verbs, &invocation.verb.value)
                        && let Err(diagnostic) = lang::parse_args(verb, invocation)
                    {
                        told(diagnostic);
                    }
                }
            }
            Err(diagnostic) => told(diagnostic),
        }
    }
    let mut end = 0;
    for (span, _) in lang::highlight(&text, verbs) {
        assert!(span.start >= end && text.get(span.clone()).is_some(), "{span:?} in {text:?}");
        end = span.end;
    }
    for cursor in 0..=text.len() + 1 {
        let completion = lang::complete(&text, cursor, verbs, &NoNames);
        assert!(text.get(completion.span.clone()).is_some(), "{:?} at {cursor} of {text:?}", completion.span);
        let _ = lang::hint(&text, cursor, verbs, &NoNames);
    }
}

fn told(diagnostic: Diagnostic) {
    show(&Document::from(diagnostic));
}

/// Text from outside in every place where text can stand.
pub fn sanitizer(data: &[u8]) {
    let text = String::from_utf8_lossy(data);
    harmless(&render::safe(&text));
    harmless(&render::safe_line(&text));
    assert!(!render::safe_line(&text).contains(['\n', '\t', '\r']));
    show(&everywhere(&text));
}

/// What people write for an address, and what a master writes into a Location.
pub fn address(data: &[u8]) {
    let text = String::from_utf8_lossy(data);
    let (named, location) = text.split_once('\n').unwrap_or((&text, ""));
    match Address::parse(named) {
        Ok(address) => {
            assert_eq!(Address::parse(&address.to_string()).as_ref(), Ok(&address), "{named:?}");
            assert!(!address.to_string().contains('@'), "credentials stay in {address}");
            if let Ok(next) = address.redirected(location) {
                assert_eq!(next.is_https(), address.is_https(), "{location:?} changes the scheme");
                assert!(!next.host_port().is_empty() && !next.to_string().contains('@'));
            }
        }
        Err(error) => {
            // What stands before an @ may be a password.
            if let Some((before, host)) = named.rsplit_once('@')
                && let Some((_, password)) = before.rsplit_once(':')
                && password.len() > 6
                && !format!("***@{host}").contains(password)
            {
                assert!(!error.to_string().contains(password), "{error}");
            }
        }
    }
}

/// What is kept of what happened stays within bounds, whatever comes.
pub fn journal(data: &[u8]) {
    let mut state = State::new(SystemTime::UNIX_EPOCH);
    let mut pushed = 0;
    for pair in data.chunks(2) {
        let size = usize::from(pair[0]) * if pair.len() > 1 { usize::from(pair[1]) * 16 } else { 1 };
        for _ in 0..16 {
            state.journal.push(Duration::from_secs(pushed), What::Note("x".repeat(size).into()));
            pushed += 1;
        }
    }
    let kept: Vec<_> = state.journal.since(0).collect();
    assert!(kept.len() <= 2_000 && kept.iter().map(|entry| entry.what.text().len()).sum::<usize>() <= 16 << 20);
    assert_eq!(state.journal.next(), pushed);
    assert!(kept.windows(2).all(|pair| pair[0].number + 1 == pair[1].number));
}

/// What stands in ZooKeeper where masters should: a node's name, and what it says after the first line's end. The name
/// is read as somebody's address of ZooKeeper, too.
pub fn zk_node(data: &[u8]) {
    let end = data.iter().position(|byte| *byte == b'\n').unwrap_or(data.len());
    let name = String::from_utf8_lossy(&data[..end]);
    let said = data.get(end + 1..).unwrap_or_default();
    let _ = detect::is_master(&name);
    for node in [&name, "json.info_0000000001", "info_0000000002"] {
        match detect::decode(node, said) {
            Ok(info) => harmless(&render::safe(&format!("{info:?}"))),
            Err(error) => told(Diagnostic::new(error.to_string())),
        }
    }
    match detect::Url::parse(&name) {
        Ok(url) => {
            assert!(!url.servers().is_empty() && url.path().starts_with('/'), "{name:?}");
            assert!(url.servers().iter().all(|server| server.contains(':')), "{name:?}");
        }
        Err(error) => told(Diagnostic::new(error.to_string())),
    }
}
