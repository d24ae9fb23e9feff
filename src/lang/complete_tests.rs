//! What completes where. `|` in a text is the cursor.

use proptest::prelude::*;

use super::*;

const ACCEPT: Verb = Verb {
    summary: "use an offer",
    positionals: &[Positional::one("offer", Kind::OfferId, "")],
    options: &[
        Opt::value("cpus", "N", Kind::Cpus, "processors"),
        Opt::value("command", "CMD", Kind::Text, "what to run"),
        Opt::value("network", "MODE", Kind::Choice(&["host", "bridge"]), ""),
        Opt::value("env", "NAME=VALUE", Kind::KeyValue, "").repeated(),
        Opt::switch("follow", "").short('f'),
    ],
    ..Verb::new("accept")
};
const WAIT: Verb = Verb {
    positionals: &[Positional::one("task", Kind::TaskId, ""), Positional::optional("state", Kind::TaskState, "")],
    ..Verb::new("wait")
};
const VERBS: &[&Verb] = &[
    &ACCEPT,
    &WAIT,
    &Verb { positionals: &[Positional::one("call", Kind::Json, "")], ..Verb::new("call") },
    &Verb { positionals: &[Positional::optional("command", Kind::Verb, "")], ..Verb::new("help") },
    &Verb { aliases: &["ls"], ..Verb::new("offers") },
    &Verb { positionals: &[Positional::many("task", Kind::TaskId, "")], ..Verb::new("kill") },
];

struct Live;

impl Names for Live {
    fn candidates(&self, kind: Kind) -> Vec<(String, String)> {
        let names: &[&str] = match kind {
            Kind::OfferId => &["O0", "O12"],
            Kind::TaskId => &["web", "web two", "db"],
            _ => &[],
        };
        names.iter().map(|name| ((*name).to_owned(), String::new())).collect()
    }

    fn fields(&self, path: &[String]) -> Vec<(String, String)> {
        let path: Vec<&str> = path.iter().map(String::as_str).collect();
        let names: &[&str] = match path.as_slice() {
            [] => &["type", "accept", "kill"],
            ["accept"] => &["offer_ids", "operations"],
            ["accept", "offer_ids"] => &["value"],
            _ => &[],
        };
        names.iter().map(|name| ((*name).to_owned(), String::new())).collect()
    }

    fn values(&self, path: &[String]) -> Vec<(String, String)> {
        let names: &[&str] = if path == ["type"] { &["ACCEPT", "ACKNOWLEDGE", "KILL"] } else { &[] };
        names.iter().map(|name| ((*name).to_owned(), String::new())).collect()
    }
}

fn at_cursor(text: &str) -> (String, usize) {
    let cursor = text.find('|').expect("a cursor");
    (text.replacen('|', "", 1), cursor)
}

#[test]
fn candidates() {
    for (text, replaced, want) in [
        ("|", "", "accept wait call help offers kill"),
        ("ac|", "ac", "accept"),
        (":ac|", "ac", "accept"),
        ("AC|", "AC", "accept"),
        ("l|", "l", "ls"),
        ("wait web; o|", "o", "offers"),
        ("wait web\no|", "o", "offers"),
        ("offers;|", "", "accept wait call help offers kill"),
        ("accept |", "", "O0 O12"),
        ("accept O1|", "O1", "O12"),
        ("accept O0 |", "", "--cpus --command --network --env --follow"),
        ("accept O0 --c|", "--c", "--cpus --command"),
        ("accept O0 -|", "-", "--cpus --command --network --env --follow"),
        ("accept O0 --cpus 1 --env a=b --|", "--", "--command --network --env --follow"),
        ("accept O0 --network |", "", "host bridge"),
        ("accept O0 --network=h|", "h", "host"),
        ("accept --network host |", "", "O0 O12"),
        ("accept -f |", "", "O0 O12"),
        ("accept -- |", "", "O0 O12"),
        (
            "wait web |",
            "",
            "STAGING STARTING RUNNING KILLING FINISHED FAILED KILLED ERROR LOST DROPPED UNREACHABLE GONE GONE_BY_OPERATOR UNKNOWN",
        ),
        ("wait web run|", "run", "RUNNING"),
        ("wait web TASK_R|", "TASK_R", "TASK_RUNNING"),
        ("wait w|", "w", "web \"web two\""),
        ("wait \"web t|", "\"web t", "\"web two\""),
        ("kill web |", "", "web \"web two\" db"),
        ("help wa|", "wa", "wait"),
        ("offers # a|", "", ""),
        ("# a|", "", ""),
        ("{|", "", "\"type\":  \"accept\":  \"kill\": "),
        ("{\"t|", "\"t", "\"type\": "),
        ("{ty|", "ty", "\"type\": "),
        ("{\"type\": |", "", "\"ACCEPT\" \"ACKNOWLEDGE\" \"KILL\""),
        ("{\"type\": \"AC|", "\"AC", "\"ACCEPT\" \"ACKNOWLEDGE\""),
        ("{\"type\": \"KILL\"|", "", ""),
        ("{\"type\": \"KILL\", |", "", "\"accept\":  \"kill\": "),
        ("{\"accept\": {|", "", "\"offer_ids\":  \"operations\": "),
        ("{\"accept\": {\"offer_ids\": [{\"value\": \"x\"}, {|", "", "\"value\": "),
        ("call {\"t|", "\"t", "\"type\": "),
        ("call {\"type\": {}, |", "", "\"accept\":  \"kill\": "),
        ("%%json\n{\"t|", "\"t", "\"type\": "),
        ("let x = 1; ac|", "", ""),
        ("curl ht|", "", ""),
        ("accept |O0", "", "O0 O12"),
    ] {
        let (text, cursor) = at_cursor(text);
        let completion = complete(&text, cursor, VERBS, &Live);
        let inserts: Vec<&str> = completion.candidates.iter().map(|c| c.insert.as_str()).collect();
        assert_eq!((&text[completion.span], inserts.join(" ").as_str()), (replaced, want), "{text} at {cursor}");
    }
}

#[test]
fn hints() {
    for (text, want) in [
        ("acc", Some("ept")),
        ("accept ", Some("OFFER")),
        ("accept O1", Some("2")),
        ("accept O0 --cpus ", Some("N")),
        ("accept O0 --cp", Some("us")),
        ("accept O0 ", None),
        ("wait web ", Some("[STATE]")),
        ("kill web ", Some("TASK...")),
        ("offers", None),
        ("", None),
        ("nonsense ", None),
        ("{\"t", Some("ype\": ")),
    ] {
        assert_eq!(hint(text, text.len(), VERBS, &Live).as_deref(), want, "{text}");
    }
    assert_eq!(hint("acc", 1, VERBS, &Live), None, "only at the end");
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(ProptestConfig::default().cases.max(1000)))]
    #[test]
    fn nothing_panics_and_spans_end_at_the_cursor(text in crate::lang::parse::tests::nearly(), cursor in 0..80_usize) {
        let completion = complete(&text, cursor, VERBS, &Live);
        prop_assert!(text.get(completion.span.clone()).is_some());
        prop_assert!(completion.span.end <= cursor && (completion.span.end == cursor || !text.is_char_boundary(cursor) || cursor > text.len()));
        let _ = hint(&text, text.len(), VERBS, &Live);
    }

    #[test]
    fn a_quoted_value_reads_back(value in "[ -~é\n]{1,12}") {
        let word = quoted(&value);
        let words = token::line(&word, 0).words;
        prop_assert_eq!(words.len(), 1);
        prop_assert_eq!(&words[0].text, &value);
    }
}
