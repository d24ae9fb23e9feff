//! The input language against whatever people and clipboards bring, with the real commands: nothing panics, every span
//! lies inside the text and on character boundaries, and long input takes no more than its share of time.

use std::ops::Range;
use std::time::{Duration, Instant};

use mesos_repl::document::Diagnostic;
use mesos_repl::engine::verbs;
use mesos_repl::lang::{
    Completeness, Input, Kind, Names, complete, completeness, find, highlight, hint, parse, parse_args, parse_cell,
};
use mesos_repl::render::{Page, plain};
use proptest::prelude::*;

/// Names as a cluster may have them, hostile ones too.
struct Live;

impl Names for Live {
    fn candidates(&self, _: Kind) -> Vec<(String, String)> {
        ["O0", "web", "a b", "it's", "\"", "日本", "-x", "", "{\"a\":1}", "\u{1b}[31m", "a\\"]
            .map(|name| (name.to_owned(), String::new()))
            .to_vec()
    }

    fn fields(&self, path: &[String]) -> Vec<(String, String)> {
        vec![("type".to_owned(), String::new()), (path.join("/"), String::new())]
    }

    fn values(&self, _: &[String]) -> Vec<(String, String)> {
        vec![("SUBSCRIBE".to_owned(), String::new())]
    }
}

/// Words, signs and scraps that the language knows, one after another in any order.
fn any_input() -> impl Strategy<Value = String> {
    let scraps = vec![
        "{",
        "}",
        "[",
        "]",
        "(",
        ")",
        "\"",
        "'",
        "\\",
        "\\\n",
        "\n",
        ";",
        "#",
        "#[",
        "%%",
        "%%json\n",
        "%%mesos ",
        "%%rust\n",
        "//",
        "/*",
        "*/",
        "r#\"",
        "--",
        "-",
        "=",
        ":",
        "::",
        "|",
        ">",
        "@",
        " ",
        "\t",
        "\r\n",
        "let x = 1;",
        "é",
        "日本",
        "🦀",
        "\u{202e}",
        "\u{0}",
        "\u{1b}[31m",
        "\"type\": \"KILL\"",
        "{\"type\":",
        "curl -X POST http://a:5050/api/v1/scheduler",
        "-d @file",
        "-H 'a: b'",
        "zkCli.sh -server h:2181 get /mesos",
        "mesos-leader zk://h/mesos",
        "http://h:5050",
        "null",
        "1e999",
        "\\u12",
        "\\ud800",
        "--json={",
        "--cpus",
        "0.2",
        "-9",
        "31000-32000",
        "TASK_RUNNING",
        "O0",
    ];
    let names: Vec<&'static str> =
        verbs().iter().flat_map(|verb| std::iter::once(verb.name).chain(verb.aliases.iter().copied())).collect();
    let options: Vec<String> =
        verbs().iter().flat_map(|verb| verb.options).map(|option| format!("--{} ", option.long)).collect();
    let examples: Vec<&'static str> =
        verbs().iter().flat_map(|verb| verb.examples).map(|example| example.text).collect();
    let scrap = prop_oneof![
        6 => prop::sample::select(scraps).prop_map(str::to_owned),
        3 => prop::sample::select(names).prop_map(|name| format!("{name} ")),
        2 => prop::sample::select(options),
        1 => prop::sample::select(examples).prop_map(str::to_owned),
        1 => any::<String>(),
    ];
    prop_oneof![4 => prop::collection::vec(scrap, 0..10).prop_map(|scraps| scraps.concat()), 1 => any::<String>()]
}

fn is_sound(text: &str, span: &Range<usize>) -> bool {
    text.get(span.clone()).is_some()
}

/// A diagnostic points into the text that was given, and can be drawn.
fn check(text: &str, diagnostic: &Diagnostic) -> Result<(), TestCaseError> {
    if let Some(input) = &diagnostic.input {
        prop_assert_eq!(&input.text, text);
        prop_assert!(is_sound(text, &input.span), "{:?}", input.span);
    }
    let drawn = plain(&diagnostic.clone().into(), &Page::plain(60));
    prop_assert!(drawn.starts_with("error:"));
    Ok(())
}

proptest! {
    #![proptest_config(ProptestConfig { cases: ProptestConfig::default().cases.max(600), failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn any_text_is_taken_apart_soundly(text in any_input()) {
        for parsed in [parse(&text, verbs()), parse_cell(&text, verbs())] {
            let inputs = match parsed {
                Ok(inputs) => inputs,
                Err(diagnostic) => {
                    check(&text, &diagnostic)?;
                    continue;
                }
            };
            let mut last = 0;
            for input in &inputs {
                prop_assert!(is_sound(&text, &input.span()) && input.span().start >= last, "{:?}", input);
                last = input.span().end;
                if let Input::Command(invocation) = input {
                    prop_assert!(invocation.words.iter().all(|word| is_sound(&text, &word.span)));
                    let verb = find(verbs(), &invocation.verb.value);
                    prop_assert!(verb.is_some(), "{:?} is no verb", invocation.verb);
                    if let Some(Err(diagnostic)) = verb.map(|verb| parse_args(verb, invocation)) {
                        check(&text, &diagnostic)?;
                    }
                }
            }
        }
    }

    #[test]
    fn what_can_be_performed_is_complete(text in any_input()) {
        match completeness(&text, verbs()) {
            Completeness::Invalid(diagnostic) => {
                check(&text, &diagnostic)?;
                // A prompt that refuses a line must not have been able to perform it.
                prop_assert!(parse(&text, verbs()).is_err() || is_rust(&text), "{:?}", diagnostic);
            }
            Completeness::Incomplete { why } => {
                prop_assert!(parse(&text, verbs()).is_err() || is_rust(&text), "{:?}", why);
            }
            Completeness::Complete => {}
        }
    }

    #[test]
    fn completion_ends_at_the_cursor(text in any_input(), cursor in 0_usize..200) {
        let completion = complete(&text, cursor, verbs(), &Live);
        prop_assert!(is_sound(&text, &completion.span), "{:?}", completion.span);
        prop_assert!(completion.span.end <= cursor.min(text.len()));
        let _ = hint(&text, text.len(), verbs(), &Live);
        let _ = hint(&text, cursor, verbs(), &Live);
    }

    #[test]
    fn highlights_are_in_order(text in any_input()) {
        let mut last = 0;
        for (span, role) in highlight(&text, verbs()) {
            prop_assert!(is_sound(&text, &span) && span.start >= last && span.end > span.start, "{:?} {:?}", span, role);
            last = span.end;
        }
    }
}

/// Whether Rust is among what is typed: its brackets are the compiler's matter.
fn is_rust(text: &str) -> bool {
    parse(text, verbs()).is_ok_and(|inputs| inputs.iter().any(|input| matches!(input, Input::Rust(_))))
}

/// Somebody pastes a file, or a key sticks: no answer may take longer than a blink, whatever it is made of.
#[test]
fn long_input_takes_its_share_of_time_only() {
    for scrap in [
        "{",
        "[",
        "\"",
        "'",
        "a",
        "é",
        "#\n",
        "offers\n",
        "offers;",
        "{} ",
        "{\"a\":1}\n",
        "[1].x ",
        "--a=[ ",
        "'a ",
        "\\\n",
        "/*",
        "r#\"",
        "x.y(\n",
        "kill a ",
        "{'",
        "curl -d '",
        "http://a\n",
        "%%",
        "{]",
    ] {
        let text = scrap.repeat(40_000 / scrap.len());
        let begun = Instant::now();
        let _ = (parse(&text, verbs()), parse_cell(&text, verbs()), completeness(&text, verbs()));
        let _ = (
            highlight(&text, verbs()),
            complete(&text, text.len(), verbs(), &Live),
            hint(&text, text.len(), verbs(), &Live),
        );
        let took = begun.elapsed();
        assert!(took < Duration::from_secs(5), "{scrap:?} over and over took {took:?}");
    }
}
