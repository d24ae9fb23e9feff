//! What every renderer promises, whatever a document holds.

use std::time::{Duration, SystemTime};

use proptest::prelude::*;
use serde_json::{Value, json};

use super::safe::is_unsafe;
use super::tree::tests::any_json;
use super::*;
use crate::document::{
    Block, Cell, Column, Diagnostic, Entry, EntryKind, Field, Fields, Log, Piece, Table, Timeline, Tone, Unit,
};

fn drawn(document: impl Into<Document>, width: usize) -> String {
    format!("\n{}", plain(&document.into(), &Page::plain(width)))
}

#[test]
fn a_launch_reads_as_a_story() {
    let story = Timeline::new("web")
        .update(Duration::ZERO, "TASK_STAGING", "")
        .update(Duration::from_millis(400), "TASK_STARTING", "pulling nginx:1.10-alpine")
        .update(Duration::from_millis(13_100), "TASK_RUNNING", "container 9b949593, 192.168.33.11");
    assert_eq!(
        drawn(story.clone(), 80),
        "
web  STAGING    0.0s
     STARTING   0.4s  pulling nginx:1.10-alpine
     RUNNING   13.1s  container 9b949593, 192.168.33.11
"
    );
    assert_eq!(
        drawn(Timeline { name: "a-task-with-a-long-name".into(), ..story }, 44),
        "
a-task-with-a-long-name
  STAGING    0.0s
  STARTING   0.4s  pulling nginx:1.10-alpine
  RUNNING   13.1s  container 9b949593,
                   192.168.33.11
"
    );
    let mixed = Timeline::new("web")
        .call(Duration::ZERO, "ACCEPT", "")
        .update(Duration::from_secs(1), "TASK_FAILED", "exited with status 1")
        .ack(Duration::from_millis(1001), "")
        .note(Duration::from_secs(150), "gone");
    assert_eq!(
        drawn(mixed, 80),
        "
web  -> ACCEPT   0.0s
     <- FAILED   1.0s  exited with status 1
     -> ACK      1.0s
     --         2m30s  gone
"
    );
    assert_eq!(drawn(Timeline::new("web"), 80), "\nweb\n");
}

#[test]
fn fields_stand_in_two_columns_while_there_is_room() {
    let fields = Fields::new()
        .field("framework", Cell::id("48ba5286-94c4-47a0-b6b4-bb4e6b0d4a7e-0000", "48ba-0000"))
        .field("state", Cell::task_state("TASK_RUNNING"))
        .field("message", "one\ntwo")
        .field("launched", Cell::Ago(Duration::from_secs(3)))
        .field("agent", Cell::Empty);
    assert_eq!(
        drawn(fields.clone(), 80),
        "
framework  48ba5286-94c4-47a0-b6b4-bb4e6b0d4a7e-0000
state      RUNNING
message    one
           two
launched   3s ago
agent      -
"
    );
    assert_eq!(
        drawn(fields, 24),
        "
framework
  48ba5286-94c4-47a0-b6b
  4-bb4e6b0d4a7e-0000
state
  RUNNING
message
  one
  two
launched
  3s ago
agent
  -
"
    );
}

#[test]
fn a_glossary_shows_its_labels() {
    let fields = Fields::new().field("-g, --grace TIME", "time between asking and killing").glossary();
    assert_eq!(
        drawn(fields.clone(), 40),
        "\n  -g, --grace TIME  time between asking\n                    and killing\n"
    );
    let page = Page::plain(80).coloured(true);
    assert!(ansi(&fields.into(), &page).starts_with("  \x1b[1m-g, --grace TIME\x1b[0m  time"));
}

#[test]
fn suggestions_break_between_commands() {
    let commands = ["accept O0 --docker nginx:alpine --cpus 0.2 --mem 100", "hold O0", "decline O0"];
    let document = Document::text("one offer").with_next(commands);
    assert_eq!(
        drawn(document.clone(), 100),
        "\none offer\nNext: accept O0 --docker nginx:alpine --cpus 0.2 --mem 100  |  hold O0  |  decline O0\n"
    );
    assert_eq!(
        drawn(document, 40),
        "
one offer
Next: accept O0 --docker nginx:alpine
      --cpus 0.2 --mem 100  |  hold O0
      decline O0
"
    );
}

#[test]
fn blocks_are_set_apart_where_neither_says_where_it_ends() {
    let table = Table::new([Column::new("Task")], "no tasks").row(["web".into()]);
    let document = Document::text("two things:")
        .with(table.clone())
        .with(Fields::new().field("a", "b"))
        .with_heading("More")
        .with(Table::new([Column::new("Task")], "no tasks"))
        .with_next(["x"]);
    assert_eq!(drawn(document, 80), "\ntwo things:\nTASK\nweb\n\na  b\n\nMore\nno tasks\nNext: x\n");
}

#[test]
fn logs_keep_their_lines_and_lose_their_colours() {
    let text = "\x1b[1;32mok\x1b[0m\tdone\r\nmoved \x1b[2J \x1b[31\x1b[mhere\n\nlast";
    let log = Log { name: "web stdout".into(), text: text.into() };
    assert_eq!(drawn(log, 10), "\nweb stdout\nok      done\nmoved \\x1b[2J \\x1b[31here\n\nlast\n");
}

#[test]
fn json_and_yaml_are_exact() {
    let table = Table::new([Column::new("Task").key("id"), Column::number("Mem")], "")
        .row([Cell::id("m-T1", "T1"), Cell::Mebibytes(1536.5)]);
    let document = Document::from(table).with_next(["x"]);
    assert_eq!(json(&document), "[\n  {\n    \"id\": \"m-T1\",\n    \"mem\": 1536.5\n  }\n]\n");
    assert_eq!(yaml(&document), "- id: m-T1\n  mem: 1536.5\n");
    assert_eq!(json(&Document::text("a\u{202e}\u{7f}")), "\"a\\u202e\\u007f\"\n");
}

/// Any text, much of it of the kind that does harm.
fn any_text() -> impl Strategy<Value = String> {
    prop_oneof![
        any::<String>(),
        "[a-z <>&\"'\n\r\t\u{1b}\u{7}\u{8}\u{7f}\u{9b}\u{200b}-\u{202f}\u{2066}\u{feff}日é\u{301}]{0,40}",
        "(\u{1b}\\[[0-9;]{0,4}[a-zA-Z]|<script>|\"onload=x|</td>|&amp;|[a-z ]{1,5}){0,6}",
    ]
}

fn any_tone() -> impl Strategy<Value = Tone> {
    use Tone::{Bad, Dim, Good, Plain, Running, Strong, Unsure, Waiting};
    prop::sample::select(vec![Waiting, Running, Good, Bad, Unsure, Plain, Dim, Strong])
}

fn any_cell() -> impl Strategy<Value = Cell> {
    let time = || any::<u32>().prop_map(|millis| Duration::from_millis(millis.into()));
    let unit = prop::sample::select(vec![Unit::Cpus, Unit::Mebibytes, Unit::Count]);
    let leaf = prop_oneof![
        Just(Cell::Empty),
        any_text().prop_map(Cell::from),
        (any_text(), any_tone()).prop_map(|(text, tone)| Cell::toned(text, tone)),
        (any_text(), any_text()).prop_map(|(whole, short)| Cell::id(whole, short)),
        any::<f64>().prop_map(Cell::Cpus),
        any::<f64>().prop_map(Cell::Mebibytes),
        any::<f64>().prop_map(Cell::Number),
        any::<u64>().prop_map(Cell::Bytes),
        any::<u64>().prop_map(Cell::Count),
        prop::collection::vec(any::<(u64, u64)>(), 0..4).prop_map(Cell::Ports),
        (any_text(), any_tone()).prop_map(|(name, tone)| Cell::state(name, tone)),
        time().prop_map(Cell::Ago),
        any::<Duration>().prop_map(Cell::Left),
        any::<Duration>().prop_map(Cell::Lasted),
        time().prop_map(|time| Cell::Time(SystemTime::UNIX_EPOCH + time)),
        prop::collection::vec((any_text(), any_text()), 0..4).prop_map(Cell::Pairs),
        (any::<f64>(), any::<f64>(), unit).prop_map(|(used, total, unit)| Cell::Share { used, total, unit }),
        any::<bool>().prop_map(Cell::Bool),
        any_json().prop_map(Cell::Json),
    ];
    leaf.prop_recursive(2, 8, 4, |inner| prop::collection::vec(inner, 0..4).prop_map(Cell::List))
}

fn any_entry() -> impl Strategy<Value = Entry> {
    let kind = prop::sample::select(vec![EntryKind::Call, EntryKind::Update, EntryKind::Ack, EntryKind::Note]);
    (any::<Duration>(), kind, any_text(), any_tone(), any_text()).prop_map(|(at, kind, label, tone, text)| Entry {
        at,
        kind,
        label,
        tone,
        text,
    })
}

fn any_block() -> impl Strategy<Value = Block> {
    let texts = || prop::collection::vec(any_text(), 0..3);
    let piece = (any_text(), any_tone()).prop_map(|(text, tone)| Piece::new(text, tone));
    let column = (any_text(), any_text(), any::<bool>(), 0_u8..4).prop_map(|(title, key, is_number, priority)| {
        if is_number { Column::number(title) } else { Column::new(title) }.key(key).drops(priority)
    });
    let rows = prop::collection::vec(prop::collection::vec(any_cell(), 0..5), 0..4);
    let field = (any_text(), any_text(), any_cell()).prop_map(|(label, key, value)| Field { label, key, value });
    let diagnostic = (any_text(), any_text(), 0_usize..50, 0_usize..20, any_text(), [texts(), texts(), texts()]);
    prop_oneof![
        prop::collection::vec(piece, 0..4).prop_map(Block::Text),
        any_text().prop_map(Block::Heading),
        (any_text(), prop::collection::vec(column, 0..5), rows, any_text())
            .prop_map(|(name, columns, rows, empty)| Block::Table(Table { name, columns, rows, empty })),
        (any_text(), prop::collection::vec(field, 0..4), any::<bool>())
            .prop_map(|(name, rows, is_glossary)| Block::Fields(Fields { name, rows, is_glossary })),
        any_json().prop_map(Block::Json),
        (any_text(), any_text()).prop_map(|(name, text)| Block::Log(Log { name, text })),
        (any_text(), prop::collection::vec(any_entry(), 0..5))
            .prop_map(|(name, entries)| Block::Timeline(Timeline { name, entries })),
        diagnostic.prop_map(|(what, text, start, len, label, [details, help, causes])| {
            let mut trouble = Diagnostic::new(what).at(text, start..start + len).label(label);
            (trouble.details, trouble.help, trouble.causes) = (details, help, causes);
            Block::Diagnostic(trouble)
        }),
        texts().prop_map(Block::Next),
    ]
}

pub(super) fn any_document() -> impl Strategy<Value = Document> {
    prop::collection::vec(any_block(), 0..4).prop_map(|blocks| Document { blocks })
}

/// Whether a block's lines are laid out by us; logs and JSON keep their own.
fn is_laid_out(block: &Block) -> bool {
    !matches!(block, Block::Log(_) | Block::Json(_))
}

proptest! {
    #[test]
    fn no_control_code_survives(document in any_document(), width in 0_usize..120, wide in any::<bool>()) {
        let out = plain(&document, &Page { wide, ..Page::plain(width) });
        prop_assert!(!out.chars().any(|c| is_unsafe(c) && c != '\n'), "{out:?}");
    }

    #[test]
    fn colours_are_the_only_sequences_and_change_no_words(document in any_document(), width in 16_usize..120) {
        let page = Page::plain(width);
        let coloured = ansi(&document, &page.clone().coloured(true));
        let mut rest = coloured.as_str();
        let mut bare = String::new();
        while let Some((head, tail)) = rest.split_once("\x1b[") {
            let (parameters, tail) = tail.split_once('m').unwrap();
            prop_assert!(parameters.chars().all(|c| c.is_ascii_digit() || c == ';'), "{parameters:?}");
            bare.push_str(head);
            rest = tail;
        }
        bare.push_str(rest);
        prop_assert_eq!(bare, plain(&document, &page));
    }

    #[test]
    fn no_line_of_ours_is_wider_than_the_page(mut document in any_document(), width in 16_usize..120) {
        document.blocks.retain(is_laid_out);
        let out = plain(&document, &Page::plain(width));
        for line in out.lines() {
            prop_assert!(line::width(line) <= width, "{:?} is wider than {}", line, width);
        }
    }

    #[test]
    fn exact_forms_give_back_the_same_value(document in any_document()) {
        let value = document.to_json();
        prop_assert_eq!(serde_json::from_str::<Value>(&json(&document)).unwrap(), value.clone());
        prop_assert_eq!(serde_saphyr::from_str::<Value>(&yaml(&document)).unwrap(), value);
    }
}

#[test]
fn nothing_said_is_nothing_shown() {
    assert_eq!(plain(&Document::new(), &Page::plain(80)), "");
    assert_eq!(json(&Document::new()), "null\n");
    assert_eq!(yaml(&json!({"a": []}).into()), "a: []\n");
}

#[test]
fn coloured_json_holds_no_sequence_but_its_own() {
    let document = Document::from(serde_json::json!({"name": "\u{1b}]0;owned\u{7}\u{9b}2J\u{202e}", "n": 1}));
    let text = render_coloured(&document);
    let bare: String = text.split('\u{1b}').map(|part| part.split_once('m').map_or(part, |(_, rest)| rest)).collect();
    assert!(!bare.contains(['\u{7}', '\u{9b}', '\u{202e}']), "{text:?}");
    assert!(!text.contains("\u{1b}]"), "{text:?}");
    assert!(text.contains("\\u001b]0;owned"), "{text:?}");
}

fn render_coloured(document: &Document) -> String {
    super::json_coloured(document)
}
