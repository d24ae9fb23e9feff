//! What a verb's words become, or why they do not.

use std::ops::Range;
use std::time::Duration;

use proptest::prelude::*;
use serde_json::json;

use super::*;
use crate::lang::{Input, parse};

const ACCEPT: Verb = Verb {
    positionals: &[
        Positional::one("offer", Kind::OfferId, "the offer to use"),
        Positional::any("more", Kind::OfferId, ""),
    ],
    options: &[
        Opt::value("docker", "IMAGE", Kind::Image, ""),
        Opt::value("cpus", "N", Kind::Cpus, ""),
        Opt::value("mem", "MIB", Kind::Mem, ""),
        Opt::value("env", "NAME=VALUE", Kind::KeyValue, "").repeated().short('e'),
        Opt::value("port", "PORTS", Kind::Ports, "").repeated(),
        Opt::value("network", "MODE", Kind::Choice(&["host", "bridge", "none"]), ""),
        Opt::value("timeout", "TIME", Kind::Duration, ""),
        Opt::value("json", "FILE", Kind::Json, ""),
        Opt::value("until", "STATE", Kind::TaskState, ""),
        Opt::switch("follow", "").short('f'),
        Opt::switch("stderr", "").short('s'),
    ],
    ..Verb::new("accept")
};
const CALL: Verb = Verb { positionals: &[Positional::one("json", Kind::Json, "the call")], ..Verb::new("call") };
const SET: Verb = Verb {
    positionals: &[Positional::one("name", Kind::Text, ""), Positional::rest("value", Kind::Text, "")],
    ..Verb::new("set")
};
const QUIT: Verb = Verb::new("quit");
const ALL: &[&Verb] = &[&ACCEPT, &CALL, &SET, &QUIT];

fn read(text: &str) -> Result<Args, Diagnostic> {
    let inputs = parse(text, ALL)?;
    let Some(Input::Command(invocation)) = inputs.first() else { panic!("no command: {text}") };
    let verb = crate::lang::find(ALL, &invocation.verb.value).expect("known");
    parse_args(verb, invocation)
}

#[test]
fn values_have_types_and_places() {
    let text = r#"accept O0 --cpus 0.2 -e A=1 --mem=1g O1 --env "B=x y" --port 9000-9010 --port 80 --timeout 1m -fs --until running"#;
    let args = read(text).expect("sound");
    assert_eq!((args.one("offer"), args.many("more")), ("O0", vec!["O1"]));
    assert_eq!((args.number("cpus"), args.mebibytes("mem")), (Some(0.2), Some(1024.0)));
    assert_eq!(args.pairs("env"), [("A", "1"), ("B", "x y")]);
    assert_eq!(args.ports("port"), [(9000, 9010), (80, 80)]);
    assert_eq!(args.duration("timeout"), Some(Duration::from_secs(60)));
    assert_eq!(args.task_state("until").as_deref(), Some("TASK_RUNNING"));
    assert!(args.switch("follow") && args.switch("stderr") && !args.has("docker"));
    for (name, at) in [("cpus", "0.2"), ("mem", "1g"), ("env", "\"B=x y\""), ("offer", "O0"), ("docker", "accept")] {
        assert_eq!(&text[args.span(name)], at, "{name}");
    }
}

#[test]
fn odd_but_sound() {
    for (text, name, want) in [
        ("accept -- --cpus", "offer", "--cpus"),
        ("accept '--cpus'", "offer", "--cpus"),
        ("accept - ", "offer", "-"),
        (r#"call {"type": "KILL"}"#, "json", r#"{"type": "KILL"}"#),
        (r#"call '{"type": "KILL"}'"#, "json", r#"{"type": "KILL"}"#),
        (r#"accept O --json={"a": [1, 2]}"#, "json", r#"{"a": [1, 2]}"#),
        (r#"set prompt "a b" --x 'c'"#, "value", r#""a b" --x 'c'"#),
        (r#"set prompt "a b""#, "value", "a b"),
        ("accept O -eA=1", "env", "A=1"),
    ] {
        assert_eq!(read(text).expect(text).text(name), Some(want), "{text}");
    }
    assert_eq!(read(r#"call {"a": 1}"#).expect("json").json("json"), Some(json!({"a": 1})));
}

#[test]
fn faults_point_at_their_place() {
    for (text, what, at, label) in [
        ("accept O3 --docker nginx --cpu 0.2", "accept has no option --cpu", "--cpu", Some("did you mean --cpus?")),
        ("accept O3 --cpus two", "--cpus wants a number, not 'two'", "two", None),
        ("accept O3 --cpus=two", "--cpus wants a number, not 'two'", "two", None),
        ("accept O3 --cpus -1", "--cpus wants a number, not '-1'", "-1", Some("less than nothing")),
        ("accept O3 --cpus", "--cpus wants a number", "--cpus", Some("N is missing")),
        ("accept O3 --cpus --mem 1", "--cpus wants a number", "--cpus", Some("N is missing")),
        ("accept O3 --cpus -f", "--cpus wants a number", "--cpus", Some("N is missing")),
        ("accept O3 --cpus 1 --cpus 2", "--cpus stands here twice", "--cpus", Some("once is enough")),
        ("accept O3 --follow=yes", "--follow takes no value", "yes", None),
        ("accept O3 -x", "accept has no option -x", "-x", None),
        (
            "accept O3 --network hots",
            "--network wants one of host, bridge, none, not 'hots'",
            "hots",
            Some("did you mean host?"),
        ),
        (
            "accept O3 --until runing",
            "--until wants a task state such as running, not 'runing'",
            "runing",
            Some("did you mean TASK_RUNNING?"),
        ),
        ("accept O3 --docker=", "--docker wants an image, not ''", "--docker=", None),
        ("accept O3 --env A", "--env wants NAME=VALUE, not 'A'", "A", None),
        ("accept", "accept wants an OFFER", "accept", Some("the offer to use")),
        ("quit now", "quit takes no arguments", "now", Some("one too many")),
        ("call {} {}", "call takes 1 argument, no more", "{}", Some("one too many")),
        ("call nope", "JSON wants JSON, not 'nope'", "nope", None),
    ] {
        let fault = read(text).expect_err(text);
        let input = fault.input.expect("a place");
        assert_eq!((fault.what.as_str(), &text[input.span]), (what, at), "{text}");
        if label.is_some() {
            assert_eq!(input.label.as_deref(), label, "{text}");
        }
    }
}

proptest! {
    #[test]
    fn nothing_panics_and_spans_are_sound(rest in r#"[a-f'"\\ =é{}\[\],0-9-]{0,30}"#) {
        let text = format!(":accept {rest}");
        let sound = |span: Range<usize>| text.get(span).is_some();
        match read(&text) {
            Ok(args) => for name in ["offer", "more", "env", "cpus", "follow"] {
                prop_assert!(args.all(name).all(|given| sound(given.span.clone())));
            },
            Err(fault) => prop_assert!(fault.input.is_some_and(|input| sound(input.span.clone()))),
        }
    }
}
