//! What texts turn out to be, and whether they are all there.

use proptest::prelude::*;

use super::*;
use crate::lang::PasteKind;

const VERBS: &[&Verb] = &[
    &Verb::new("accept"),
    &Verb { aliases: &["ls"], ..Verb::new("offers") },
    &Verb::new("tasks"),
    &Verb::new("state"),
    &Verb::new("call"),
    &Verb::new("get"),
    &Verb::new("help"),
];

/// `kind text` of each input.
fn shapes(text: &str) -> Vec<(&'static str, String)> {
    let kind = |input: &Input| match input {
        Input::Command(_) => "command",
        Input::Call(_) => "call",
        Input::Paste(_) => "paste",
        Input::Rust(_) => "rust",
    };
    parse(text, VERBS).expect(text).iter().map(|input| (kind(input), input.text().to_owned())).collect()
}

#[test]
fn statements_are_told_apart() {
    for (text, want) in [
        ("", vec![]),
        ("  # nothing\n\n;;", vec![]),
        ("offers", vec![("command", "offers")]),
        (":offers", vec![("command", ":offers")]),
        ("ls --x # why", vec![("command", "ls --x")]),
        ("offers; tasks\nstate", vec![("command", "offers"), ("command", "tasks"), ("command", "state")]),
        ("call {\n \"a\": 1 }\ntasks", vec![("command", "call {\n \"a\": 1 }"), ("command", "tasks")]),
        ("{\"type\": \"REVIVE\"}", vec![("call", "{\"type\": \"REVIVE\"}")]),
        (
            "{}\n{\"a\": 1} [1]; tasks",
            vec![("call", "{}"), ("call", "{\"a\": 1}"), ("call", "[1]"), ("command", "tasks")],
        ),
        ("[{\"name\": \"cpus\"}]", vec![("call", "[{\"name\": \"cpus\"}]")]),
        ("curl http://h:5050/state; offers", vec![("paste", "curl http://h:5050/state"), ("command", "offers")]),
        ("http://h:5050/", vec![("paste", "http://h:5050/")]),
        ("zk://h:2181/mesos", vec![("paste", "zk://h:2181/mesos")]),
        ("let x = 1;\nx + 1", vec![("rust", "let x = 1;\nx + 1")]),
        ("offers\nlet x = 1;\n", vec![("command", "offers"), ("rust", "let x = 1;")]),
        ("state = 3", vec![("rust", "state = 3")]),
        ("state.len()", vec![("rust", "state.len()")]),
        ("{ let x = 1; x }", vec![("rust", "{ let x = 1; x }")]),
        ("[1, 2].len()", vec![("rust", "[1, 2].len()")]),
        ("#[derive(Debug)]\nstruct A;", vec![("rust", "#[derive(Debug)]\nstruct A;")]),
        ("%%rust\noffers", vec![("rust", "offers")]),
        ("%%rust\n# x", vec![("rust", "# x")]),
        ("%%mesos\noffers", vec![("command", "offers")]),
        ("%%json {\"a\": 1}", vec![("call", "{\"a\": 1}")]),
        ("get /x \\\n --y", vec![("command", "get /x \\\n --y")]),
    ] {
        let want: Vec<_> = want.into_iter().map(|(kind, text)| (kind, text.to_owned())).collect();
        assert_eq!(shapes(text), want, "{text}");
    }
}

#[test]
fn faults_point_at_their_place() {
    for (text, what, at, label) in [
        ("acept O0", "unknown command acept", "acept", Some("did you mean accept?")),
        ("Offers", "unknown command Offers", "Offers", Some("did you mean offers?")),
        (":off", "unknown command off", ":off", Some("did you mean offers?")),
        ("xyzzy 1", "unknown command xyzzy", "xyzzy", None),
        ("offers\n  taks", "unknown command taks", "taks", Some("did you mean tasks?")),
        ("offers 'x", "a quote is not closed", "'", Some("opened here")),
        ("{\"a\": [1", "a [ is not closed", "[", Some("opened here")),
        ("{\"a\": 1,}", "a comma stands before the closing bracket", ",", Some("JSON wants none here")),
        ("{'a': 1}", "JSON strings stand in double quotes", "'", Some("\" instead of '")),
        ("{type: 1}", "a key is not in double quotes", "type", None),
        ("{\"a\": 1]", "a comma or a } is missing", "]", None),
        ("{} offers", "more text follows the JSON", "offers", None),
        ("%%python\nx", "unknown %%python", "%%python", None),
        ("%%mesos\nlet x = 1", "unknown command let", "let", None),
        ("curl -s", "curl wants an address", "curl", None),
        ("http://h:1/ x", "an address stands alone", "x", None),
    ] {
        let fault = parse(text, VERBS).expect_err(text);
        let input = fault.input.expect("a place");
        assert_eq!((fault.what.as_str(), &text[input.span]), (what, at), "{text}");
        if label.is_some() {
            assert_eq!(input.label.as_deref(), label, "{text}");
        }
    }
}

#[test]
fn cells_let_unknown_words_be_rust() {
    assert!(matches!(parse_cell("framework", VERBS).as_deref(), Ok([Input::Rust(_)])));
    assert!(parse_cell("ofers", VERBS).is_err(), "a mistyped verb stays one");
    assert!(parse("framework", VERBS).is_err());
}

fn paste(text: &str) -> PasteKind {
    match parse(text, VERBS).expect(text).remove(0) {
        Input::Paste(paste) => paste.kind,
        other => panic!("{other:?}"),
    }
}

#[test]
fn curl_lines() {
    let post = "curl -sS -XPOST -H 'Content-Type: application/json' -d '{\"type\": \"X\"}' h:5050/api/v1 | jq .";
    for (text, url, method, body, ignored) in [
        ("curl http://h:5050/state", "http://h:5050/state", "GET", None, 0),
        ("$ curl -i h:5050/state", "http://h:5050/state", "GET", None, 0),
        (post, "http://h:5050/api/v1", "POST", Some("{\"type\": \"X\"}"), 3),
        ("curl --data @kill.json \\\n  https://h/api/v1", "https://h/api/v1", "POST", Some("@kill.json"), 0),
        ("curl -d {\"a\":1} --request=put h", "http://h", "PUT", Some("{\"a\":1}"), 0),
        ("curl -I h -o out.txt -k", "http://h", "HEAD", None, 3),
    ] {
        let PasteKind::Http { url: u, method: m, body: b, ignored: i, .. } = paste(text) else { panic!("{text}") };
        assert_eq!(
            (u.value.as_str(), m.as_str(), b.as_ref().map(|b| b.value.as_str()), i.len()),
            (url, method, body, ignored),
            "{text}"
        );
    }
    let PasteKind::Http { headers, .. } = paste(post) else { panic!() };
    assert_eq!((headers[0].name.as_str(), headers[0].value.as_str()), ("Content-Type", "application/json"));
}

#[test]
fn zookeeper_and_leader_lines() {
    let node = "/mesos/vagrant/json.info_0000000000";
    for text in [
        format!("zkCli.sh -server h:2181 get {node}"),
        format!("./bin/zkCli.sh -timeout 5 -server h:2181 get -s {node}"),
        format!("[zk: h:2181(CONNECTED) 0] get {node}"),
    ] {
        let PasteKind::ZooKeeper { servers, command } = paste(&text) else { panic!("{text}") };
        let (verb, path) = command.expect("a command");
        assert_eq!((servers.value.as_str(), verb.as_str(), path.value.as_str()), ("h:2181", "get", node), "{text}");
    }
    assert!(
        matches!(paste("zkCli.sh"), PasteKind::ZooKeeper { servers, command: None } if servers.value == "localhost:2181")
    );
    for text in [
        "mesos-leader --zk zk://h:2181/m -a",
        "mesos-leader -a --zk=zk://h:2181/m",
        "mesos-resolve zk://h:2181/m --all",
    ] {
        let PasteKind::Leader { zk, all } = paste(text) else { panic!("{text}") };
        assert_eq!((zk.map(|zk| zk.value).as_deref(), all), (Some("zk://h:2181/m"), true), "{text}");
    }
}

#[test]
fn completeness_of_texts() {
    use Completeness::{Complete, Incomplete};
    let waits = |why| Incomplete { why };
    for (text, want) in [
        ("", Complete),
        ("offers", Complete),
        ("offers 'x", waits(Open::Quote)),
        ("offers \\", waits(Open::Backslash)),
        ("offers \\\n", Complete),
        ("{", waits(Open::Brace)),
        ("{\"type\": \"A\", \"x\": [", waits(Open::Bracket)),
        ("{\"type\": \"A", waits(Open::Quote)),
        ("{\"type\": 1,}", Complete),
        ("call {\"a\":", waits(Open::Brace)),
        ("offers\n{\"a\"", waits(Open::Brace)),
        ("curl -d '{", waits(Open::Quote)),
        ("let it = 'a'; fn f(", waits(Open::Paren)),
        ("let x: &'static str = \"a\";", Complete),
        ("%%rust\nfn f() {", waits(Open::Brace)),
        ("%%json\n{", waits(Open::Brace)),
        ("%%json", Complete),
        ("nonsense", Complete),
        ("offers # it's", Complete),
    ] {
        assert_eq!(completeness(text, VERBS), want, "{text}");
    }
    for text in ["{\"a\": ]", "f(})"] {
        assert!(matches!(completeness(text, VERBS), Completeness::Invalid(_)), "{text}");
    }
}

/// Pieces that make texts which nearly mean something.
pub(crate) fn nearly() -> impl Strategy<Value = String> {
    let piece = prop_oneof![
        Just("offers".to_owned()),
        Just("call ".to_owned()),
        Just("%%json\n".to_owned()),
        Just("curl ".to_owned()),
        Just("http://h/".to_owned()),
        Just("{\"type\": ".to_owned()),
        Just("let x = ".to_owned()),
        Just("--cpus".to_owned()),
        Just("[zk: ".to_owned()),
        Just("zkCli.sh -server ".to_owned()),
        Just("-d".to_owned()),
        r#"[a-d'"\\ ;:#=%é日\n{}\[\](),0-9|-]{0,6}"#,
        any::<String>(),
    ];
    proptest::collection::vec(piece, 0..6).prop_map(|pieces| pieces.concat())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(ProptestConfig::default().cases.max(1000)))]
    #[test]
    fn nothing_panics_and_spans_are_sound(text in nearly()) {
        let _ = completeness(&text, VERBS);
        let _ = parse_cell(&text, VERBS);
        match parse(&text, VERBS) {
            Ok(inputs) => {
                let mut last = 0;
                for input in inputs {
                    let span = input.span();
                    prop_assert!(span.start >= last && span.start <= span.end && text.get(span.clone()).is_some());
                    last = span.end;
                    if let Input::Command(command) = input {
                        let inside = |s: &Range<usize>| s.start >= span.start && s.end <= span.end && text.get(s.clone()).is_some();
                        prop_assert!(inside(&command.verb.span) && command.words.iter().all(|word| inside(&word.span)));
                    }
                }
            }
            Err(fault) => prop_assert!(fault.input.is_none_or(|input| text.get(input.span.clone()).is_some())),
        }
    }

    #[test]
    fn complete_input_does_not_lack_an_end(text in nearly()) {
        // What the editor lets through must not fail for being unfinished.
        if completeness(&text, VERBS) == Completeness::Complete
            && let Err(fault) = parse(&text, VERBS) {
            prop_assert!(!fault.what.ends_with("is not closed"), "{fault}");
        }
    }
}
