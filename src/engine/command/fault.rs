//! `fault`: makes things go wrong in an embedded Mesos, to see what becomes of a framework then.
//!
//! It asks the master over HTTP like everything else, so that it works wherever the embedded Mesos runs: in this process
//! or in another one of this machine.

use std::time::SystemTime;

use serde_json::{Map, json};

use super::prelude::*;
use crate::client::RequestError;
use crate::document::{Column, Table};
use crate::view;

/// Where an embedded master takes them; no real one has that path.
const PATH: &str = "/embedded/faults";

/// What can be asked for: first what isn't a fault itself, then as the embedded Mesos names them.
pub const KINDS: &[&str] = &[
    "list",
    "clear",
    "cut",
    "split",
    "mute",
    "delay",
    "redirect",
    "recovering",
    "no-leader",
    "rescind",
    "lose",
    "partition",
    "return",
    "slow-pull",
    "no-image",
    "drop",
    "double",
    "crash",
    "restart",
    "storm",
];

command! {
    Verb {
        summary: "make something go wrong in the embedded Mesos, on purpose",
        about: "cut: schedulers' streams break off, at once or as --at, --inside and --next say. split: they come byte by \
                byte. mute: no heartbeats. delay TIME: events and answers are late. redirect HOST:PORT, recovering, \
                no-leader: what the master answers. rescind [OFFER...]: offers are taken back. partition [AGENT]: an agent \
                can't be reached, until return [AGENT]. lose [AGENT]: it is gone for good. slow-pull TIME: images take \
                longer. no-image: they can't be had. drop [TASK], double [TASK]: updates get lost (agents send them again \
                after 10 s) or come twice. crash [TASK]: its executor crashes. restart: the master ends without a word \
                and starts again. storm: one after the other, none that a good scheduler can't get over.\n\
                Where nothing is named the seed chooses; it is told, and --seed repeats it. What goes on ends with its \
                --for, or with fault clear. A real Mesos has no such thing.",
        positionals: &[
            Positional::optional("what", Kind::Choice(KINDS), "what goes wrong; list (the default) tells what does, clear ends it"),
            Positional::any("target", Kind::AnyId, "agent, task, offers, time or address; of clear a number or a kind"),
        ],
        options: &[
            Opt::value("for", "TIME", Kind::Duration, "how long it goes on"),
            Opt::value("seed", "N", Kind::Count, "what decides all that is random in it"),
            Opt::value("at", "BYTES", Kind::Count, "of cut: after so many more bytes"),
            Opt::switch("inside", "of cut: inside a record"),
            Opt::switch("next", "of cut: the next stream, counted from its beginning"),
            Opt::value("jitter", "TIME", Kind::Duration, "of delay: up to so much more"),
            Opt::value("count", "N", Kind::Count, "of drop, double: how many updates"),
            Opt::value("chance", "P", Kind::Number, "of drop, double: each with this probability, 0 to 1"),
            Opt::value("down", "TIME", Kind::Duration, "of restart: how long nothing answers"),
            Opt::switch("forget", "of restart: without the registry"),
            Opt::value("every", "TIME", Kind::Duration, "of storm: about so often; 2s unless told"),
        ],
        examples: &[
            Example::new("fault", "what goes wrong now"),
            Example::new("fault cut --inside", "the stream breaks off in the middle of a record").after(&["subscribe"]),
            Example::new("fault cut --next --at 10", "the next subscription breaks off after 10 bytes"),
            Example::new("fault delay 300ms --jitter 200ms --for 1m", "a slow line"),
            Example::new("fault no-leader --for 10s", "503, as between two masters"),
            Example::new("fault partition", "an agent and its tasks can't be reached"),
            Example::new("fault return", "they can again").after(&["fault partition"]),
            Example::new("fault drop --chance 0.2", "every fifth update or so gets lost"),
            Example::new("fault double nap --count 1", "the task's next update comes twice"),
            Example::new("fault crash nap", "as if its executor had a defect").after(&["run --cmd 'sleep 60' --name nap"]),
            Example::new("fault no-image --for 1m", "as if every image had been misspelt"),
            Example::new("fault restart --down 2s", "the master goes and another comes up in its place"),
            Example::new("fault storm --for 1m --seed 7", "all of it, and the same again with the same seed"),
            Example::new("fault clear", "all goes right again").after(&["fault mute"]),
        ],
        group: "cluster",
        ..Verb::new("fault")
    }
}

/// Of which faults an option is one; all that aren't here are everybody's.
const OWN: &[(&str, &[&str])] = &[
    ("at", &["cut"]),
    ("inside", &["cut"]),
    ("next", &["cut"]),
    ("jitter", &["delay"]),
    ("count", &["drop", "double"]),
    ("chance", &["drop", "double"]),
    ("down", &["restart"]),
    ("forget", &["restart"]),
    ("every", &["storm"]),
];

async fn run(context: &mut Context<'_>, args: Args) -> Result<(), Failure> {
    let what = args.text("what").unwrap_or("list").to_owned();
    fits(&args, &what)?;
    match what.as_str() {
        "list" => list(context).await,
        "clear" => clear(context, &args).await,
        kind => make(context, &args, kind).await,
    }
}

/// Options and words that mean nothing for this fault are mistakes.
fn fits(args: &Args, what: &str) -> Result<(), Diagnostic> {
    let stray = OWN.iter().find(|(option, kinds)| args.has(option) && !kinds.contains(&what));
    if let Some((option, kinds)) = stray {
        return Err(args.wrong(option, format!("--{option} is of fault {}", kinds.join(" and "))));
    }
    let (least, most) = match what {
        "delay" | "redirect" | "slow-pull" => (1, 1),
        "rescind" => (0, usize::MAX),
        "clear" | "lose" | "partition" | "return" | "drop" | "double" | "crash" => (0, 1),
        _ => (0, 0),
    };
    let given = args.all("target").count();
    if given < least {
        let wanted = if what == "redirect" { "HOST:PORT" } else { "TIME" };
        return Err(args.wrong("what", format!("fault {what} wants {wanted}")).help(format!("fault {what} {wanted}")));
    }
    match args.all("target").nth(most) {
        Some(stray) => Err(args.wrong_at(stray.span.clone(), format!("fault {what} takes no such word"))),
        None => Ok(()),
    }
}

/// The fault as the embedded Mesos reads it.
fn order(args: &Args, kind: &str) -> Result<Value, Diagnostic> {
    let mut fault = Map::from_iter([("kind".to_owned(), json!(kind))]);
    let mut put = |name: &str, value: Option<Value>| fault.extend(value.map(|value| (name.to_owned(), value)));
    let seconds = |name: &str| args.duration(name).map(|time| json!(time.as_secs_f64()));
    let target = args.text("target").map(|text| json!(text));
    match kind {
        "cut" => {
            put("after", args.count("at").map(|bytes| json!(bytes)));
            put("inside", Some(json!(args.switch("inside"))));
            put("next", Some(json!(args.switch("next"))));
        }
        "delay" | "slow-pull" => {
            let time = args.text("target").and_then(crate::lang::duration);
            let time = time.ok_or_else(|| args.wrong("target", "that is no time such as 300ms, 5s or 1m"))?;
            put("by", Some(json!(time.as_secs_f64())));
            put("jitter", seconds("jitter"));
        }
        "redirect" => put("to", target),
        "rescind" => put("offers", Some(json!(args.many("target")))),
        "lose" | "partition" | "return" => put("agent", target),
        "drop" | "double" => {
            put("task", target);
            put("count", args.count("count").map(|count| json!(count)));
            put("chance", args.number("chance").map(|chance| json!(chance)));
        }
        "crash" => put("task", target),
        "restart" => {
            put("registry", Some(json!(!args.switch("forget"))));
            put("down", seconds("down"));
        }
        "storm" => put("every", seconds("every")),
        _ => {}
    }
    let mut order = Map::from_iter([("fault".to_owned(), Value::Object(fault))]);
    order.extend(seconds("for").map(|time| ("for".to_owned(), time)));
    order.extend(args.count("seed").map(|seed| ("seed".to_owned(), json!(seed))));
    Ok(Value::Object(order))
}

async fn make(context: &mut Context<'_>, args: &Args, kind: &str) -> Result<(), Failure> {
    let order = order(args, kind)?;
    let effect = ask(context, args, "", &order).await?;
    let text = |name: &str| effect.get(name).and_then(Value::as_str).unwrap_or_default();
    let mut fields = Fields::new().named("fault").field("fault", kind).keyed("", "told", text("told"));
    if let Some(id) = effect.get("id").and_then(Value::as_u64) {
        fields = fields.keyed("number", "id", Cell::Count(id));
    }
    if let Some(seed) = effect.get("seed").and_then(Value::as_u64) {
        fields = fields.field("seed", Cell::Count(seed));
    }
    let mut document = Document::from(fields);
    if let Some(planned) = effect.get("planned").and_then(Value::as_array) {
        document.push(forecast(planned));
    }
    let next: &[&str] = match kind {
        "partition" => &["tasks", "fault return"],
        _ if effect.get("id").is_some() => &["fault list", "fault clear"],
        _ => &["events"],
    };
    context.show(document.with_next(next.iter().copied()));
    Ok(())
}

/// A storm's faults to come.
fn forecast(planned: &[Value]) -> Table {
    let columns = [
        Column::number("In").key("seconds"),
        Column::new("Fault").key("kind"),
        Column::number("For").key("lasts"),
        Column::new("How"),
    ];
    let mut table = Table::new(columns, "no faults").named("planned");
    for one in planned {
        let order = one.get(1).unwrap_or(&Value::Null);
        let fault = order.get("fault").unwrap_or(&Value::Null);
        table.push([
            Cell::maybe(one.get(0).and_then(seconds), Cell::Left),
            Cell::text(kind_of(fault)),
            Cell::maybe(order.get("for").and_then(seconds), Cell::Lasted),
            Cell::Pairs(how(fault)),
        ]);
    }
    table
}

fn seconds(value: &Value) -> Option<Duration> {
    Duration::try_from_secs_f64(value.as_f64()?).ok()
}

fn kind_of(fault: &Value) -> &str {
    fault.get("kind").and_then(Value::as_str).unwrap_or_default()
}

/// What a fault says beside its kind; what is as always is left out.
fn how(fault: &Value) -> Vec<(String, String)> {
    let fields = fault.as_object().into_iter().flatten();
    let shown = fields.filter(|(name, value)| {
        let usual = matches!(value, Value::Null | Value::Bool(false)) || value.as_array().is_some_and(Vec::is_empty);
        *name != "kind" && !usual && value.as_f64() != Some(0.0)
    });
    let text = |name: &str, value: &Value| match value {
        Value::String(text) if name == "agent" => view::short(text).to_owned(),
        Value::String(text) => text.clone(),
        other => other.to_string(),
    };
    shown.map(|(name, value)| (name.clone(), text(name, value))).collect()
}

async fn list(context: &mut Context<'_>) -> Result<(), Failure> {
    let (client, address) = (context.client(), context.named_address().await?);
    let asked = context.during(&format!("{address}{PATH}"), client.get(&address, PATH)).await?;
    let answer = read(&asked.map_err(|error| failed(&address, &error))?, &address)?;
    let faults = answer.get("faults").and_then(Value::as_array).cloned().unwrap_or_default();
    context.show(table(&faults, "nothing goes wrong on purpose"));
    Ok(())
}

fn table(faults: &[Value], empty: &str) -> Table {
    let columns = [
        Column::number("#").key("id"),
        Column::new("Fault").key("kind"),
        Column::new("How"),
        Column::number("Since"),
        Column::number("Left"),
        Column::number("Updates left").drops(2),
        Column::number("Seed").drops(1),
    ];
    let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
    let mut table = Table::new(columns, empty).named("faults");
    for one in faults {
        let number = |name: &str| one.get(name).and_then(Value::as_u64);
        let fault = one.get("fault").unwrap_or(&Value::Null);
        table.push([
            Cell::maybe(number("id"), Cell::Count),
            Cell::text(kind_of(fault)),
            Cell::Pairs(how(fault)),
            Cell::maybe(one.get("since").and_then(seconds), |since| Cell::Ago(now.saturating_sub(since))),
            Cell::maybe(one.get("left").and_then(seconds), Cell::Left),
            Cell::maybe(number("updates_left"), Cell::Count),
            Cell::maybe(number("seed"), Cell::Count),
        ]);
    }
    table
}

async fn clear(context: &mut Context<'_>, args: &Args) -> Result<(), Failure> {
    let chosen = match args.text("target") {
        None => json!({}),
        Some(target) => match target.trim_start_matches('#').parse::<u64>() {
            Ok(id) => json!({"id": id}),
            Err(_) => json!({"kind": target}),
        },
    };
    let answer = ask(context, args, "/clear", &chosen).await?;
    let cleared = answer.get("cleared").and_then(Value::as_array).cloned().unwrap_or_default();
    if cleared.is_empty() && args.has("target") {
        return Err(args.wrong("target", "no such fault goes on").help("fault lists those that do").into());
    }
    let told = match cleared.len() {
        0 => "nothing went wrong on purpose".to_owned(),
        1 => "1 fault is over".to_owned(),
        count => format!("{count} faults are over"),
    };
    context.show(Document::text(told).with(table(&cleared, "")));
    Ok(())
}

/// Posts to the master that the session was pointed at: it may redirect everything else.
async fn ask(context: &mut Context<'_>, args: &Args, below: &str, body: &Value) -> Result<Value, Failure> {
    let (client, address) = (context.client(), context.named_address().await?);
    let path = format!("{PATH}{below}");
    let body = body.to_string().into_bytes();
    match context.during(&format!("{address}{path}"), client.post(&address, &path, body)).await? {
        Ok(answer) => read(&answer, &address).map_err(Failure::from),
        Err(RequestError::Refused(refusal)) if refusal.status == 400 => {
            let at = if args.has("target") { "target" } else { "what" };
            Err(args.wrong(at, refusal.text).into())
        }
        Err(error) => Err(failed(&address, &error)),
    }
}

fn read(answer: &[u8], address: &Address) -> Result<Value, Diagnostic> {
    serde_json::from_slice(answer).map_err(|_| no_faults(address))
}

fn failed(address: &Address, error: &RequestError) -> Failure {
    match error {
        // A real master answers so whatever it has no path for.
        RequestError::Refused(refusal) if matches!(refusal.status, 404 | 405) => no_faults(address).into(),
        other => other.clone().into(),
    }
}

fn no_faults(address: &Address) -> Diagnostic {
    Diagnostic::new(format!("{address} is no embedded Mesos: nothing goes wrong there on purpose"))
        .help("mesos-repl without --master starts an embedded one, and so does mesos-repl local for several programs")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn args(text: &str) -> Args {
        let input = crate::lang::parse(text, &[&COMMAND.verb]).unwrap().remove(0);
        let crate::lang::Input::Command(invocation) = input else { panic!("{text}") };
        crate::lang::parse_args(&COMMAND.verb, &invocation).unwrap()
    }

    #[test]
    fn words_become_an_order() {
        for (text, want) in [
            ("fault mute --for 1m", json!({"fault": {"kind": "mute"}, "for": 60.0})),
            ("fault no-image", json!({"fault": {"kind": "no-image"}})),
            ("fault cut --at 3 --next", json!({"fault": {"kind": "cut", "after": 3, "inside": false, "next": true}})),
            ("fault delay 300ms --jitter 1s", json!({"fault": {"kind": "delay", "by": 0.3, "jitter": 1.0}})),
            ("fault redirect m:1", json!({"fault": {"kind": "redirect", "to": "m:1"}})),
            ("fault rescind O1 O2", json!({"fault": {"kind": "rescind", "offers": ["O1", "O2"]}})),
            ("fault partition S0 --seed 7", json!({"fault": {"kind": "partition", "agent": "S0"}, "seed": 7})),
            ("fault drop web --count 2", json!({"fault": {"kind": "drop", "task": "web", "count": 2}})),
            ("fault restart --forget", json!({"fault": {"kind": "restart", "registry": false}})),
            ("fault storm --every 1s", json!({"fault": {"kind": "storm", "every": 1.0}})),
        ] {
            let args = args(text);
            let kind = args.one("what").to_owned();
            assert_eq!(fits(&args, &kind), Ok(()), "{text}");
            assert_eq!(order(&args, &kind).unwrap(), want, "{text}");
        }
    }

    #[test]
    fn what_does_not_belong_together_is_pointed_at() {
        for (text, under) in [
            ("fault mute --count 3", "3"),
            ("fault list --inside", "--inside"),
            ("fault mute S0", "S0"),
            ("fault partition S0 S1", "S1"),
            ("fault delay", "delay"),
            ("fault redirect", "redirect"),
        ] {
            let args = args(text);
            let input = fits(&args, args.one("what")).unwrap_err().input.unwrap();
            assert_eq!(&input.text[input.span.clone()], under, "{text}");
        }
        assert!(order(&args("fault delay soon"), "delay").is_err());
    }
}
