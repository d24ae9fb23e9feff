//! `get`: JSON of the master's or an agent's, or a part of it.

use super::prelude::*;
use crate::client::{Address, Client, Meaning};
use crate::engine::{agents, names};

command! {
    Verb {
        summary: "read JSON from the master or an agent, or a part of it",
        about: "A path with a slash is an endpoint's (/state, /metrics/snapshot); one with a dot leads into the JSON: \
                .slaves[0].id, of /state unless another endpoint stands before it. [-1] is the last item.",
        positionals: &[
            Positional::one("path", Kind::Path, "/ENDPOINT or .PART.OF[0].STATE"),
            Positional::optional("part", Kind::Path, "a path into that endpoint's JSON"),
        ],
        options: &[Opt::value("agent", "AGENT", Kind::AgentId, "from this agent").short('a')],
        examples: &[
            Example::new("get /version", "the master's version"),
            Example::new("get .slaves[0].hostname", "a part of its /state"),
            Example::new("get /state .flags.port --agent S0", "a part of an agent's"),
        ],
        group: "cluster",
        ..Verb::new("get")
    }
}

async fn run(context: &mut Context<'_>, args: Args) -> Result<(), Failure> {
    let path = args.one("path");
    let (endpoint, part, name) = match path.strip_prefix('/') {
        Some(_) => (path, args.text("part").unwrap_or_default(), "part"),
        None => ("/state", path, "path"),
    };
    fetch(context, &args, endpoint, part, name).await
}

/// Reads an endpoint and shows a part of what it answers; `name` is the argument that the part came from.
pub(super) async fn fetch(
    context: &mut Context<'_>,
    args: &Args,
    endpoint: &str,
    part: &str,
    name: &str,
) -> Result<(), Failure> {
    let steps = steps(part).map_err(|what| args.wrong(name, what).help("a path looks like .slaves[0].id"))?;
    let value = match args.text("agent") {
        None => {
            let (client, address) = (context.client(), context.address().await?);
            read(context, args, &client, &address, endpoint).await?
        }
        Some(agent) => {
            let agent = agents::find(context, Some(agent)).await?;
            let client = context.client();
            let own = ["/state", "/flags", "/health", "/containers", "/monitor/statistics"];
            let path =
                if own.contains(&endpoint) { format!("{}{endpoint}", agent.prefix) } else { endpoint.to_owned() };
            read(context, args, &client, &agent.address, &path).await?
        }
    };
    let mut at = &value;
    let mut gone = String::new();
    for step in &steps {
        at = into(at, step).map_err(|what| {
            let place = if gone.is_empty() { endpoint.to_owned() } else { gone.clone() };
            let diagnostic = args.wrong(name, format!("{what} in {place}"));
            match step {
                Step::Field(field) => near(at, field, diagnostic),
                Step::Item(_) => diagnostic,
            }
        })?;
        gone.push_str(&step.to_string());
    }
    context.show(at.clone());
    Ok(())
}

/// JSON from an endpoint; one that isn't there is pointed at.
async fn read(
    context: &mut Context<'_>,
    args: &Args,
    client: &Client,
    address: &Address,
    endpoint: &str,
) -> Result<Value, Failure> {
    let body = context.during(&format!("{address}{endpoint}"), client.get(address, endpoint)).await?;
    match body {
        Err(error) if error.meaning() == Some(Meaning::NotFound) && args.has("path") => {
            let diagnostic = args.wrong("path", format!("{address} has no {endpoint}"));
            let known = names::endpoints();
            let near = crate::lang::nearest(endpoint, known.clone());
            let diagnostic = match near {
                Some(near) => diagnostic.label(format!("did you mean {near}?")),
                None => diagnostic,
            };
            Err(diagnostic.help(format!("there are {}", known.collect::<Vec<_>>().join(", "))).into())
        }
        body => context.json_of(&body?, address, endpoint),
    }
}

fn near(at: &Value, field: &str, diagnostic: Diagnostic) -> Diagnostic {
    let Value::Object(fields) = at else { return diagnostic };
    match crate::lang::nearest(field, fields.keys().map(String::as_str)) {
        Some(near) => diagnostic.label(format!("did you mean {near}?")),
        None => {
            diagnostic.detail(format!("there are {}", fields.keys().take(30).cloned().collect::<Vec<_>>().join(", ")))
        }
    }
}

/// A step into JSON.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Step {
    Field(String),
    Item(i64),
}

impl std::fmt::Display for Step {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Field(name) => write!(f, ".{name}"),
            Self::Item(item) => write!(f, "[{item}]"),
        }
    }
}

fn into<'a>(value: &'a Value, step: &Step) -> Result<&'a Value, String> {
    match (step, value) {
        (Step::Field(name), Value::Object(fields)) => fields.get(name).ok_or_else(|| format!("there is no '{name}'")),
        (Step::Item(item), Value::Array(items)) => {
            let index = if *item < 0 { item + i64::try_from(items.len()).unwrap_or(i64::MAX) } else { *item };
            let found = usize::try_from(index).ok().and_then(|index| items.get(index));
            found.ok_or_else(|| format!("there is no item {item} of {}", items.len()))
        }
        (Step::Field(name), Value::Array(items)) => Err(format!("'{name}' of a list of {}: which item?", items.len())),
        (step, _) => Err(format!("'{step}' leads nowhere")),
    }
}

/// `.a.b[0]["c d"]` as steps.
fn steps(path: &str) -> Result<Vec<Step>, String> {
    let mut steps = Vec::new();
    let mut rest = path.trim();
    while !rest.is_empty() {
        if let Some(inner) = rest.strip_prefix('[') {
            let end = inner.find(']').ok_or_else(|| "a ] is missing".to_owned())?;
            let (index, after) = (inner.get(..end).unwrap_or_default(), inner.get(end + 1..).unwrap_or_default());
            let quoted = index.trim().trim_matches(['"', '\'']);
            steps.push(match index.trim().parse() {
                Ok(item) => Step::Item(item),
                Err(_) if quoted.len() + 2 == index.trim().len() => Step::Field(quoted.to_owned()),
                Err(_) => return Err(format!("'{index}' is no item's number")),
            });
            rest = after;
            continue;
        }
        let name = rest.strip_prefix('.').unwrap_or(rest);
        let end = name.find(['.', '[']).unwrap_or(name.len());
        if end > 0 {
            steps.push(Step::Field(name.get(..end).unwrap_or_default().to_owned()));
        } else if name.starts_with('.') {
            return Err("two dots with nothing between".to_owned());
        }
        rest = name.get(end..).unwrap_or_default();
    }
    Ok(steps)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_lead_into_json() {
        let value = serde_json::json!({"slaves": [{"id": "S0"}, {"id": "S1", "a b": [1, 2]}]});
        for (path, want) in [
            ("", value.clone()),
            (".", value.clone()),
            (".slaves[0].id", "S0".into()),
            ("slaves[-1].id", "S1".into()),
            (r#".slaves[1]["a b"][1]"#, 2.into()),
        ] {
            let found = steps(path).unwrap().iter().try_fold(&value, |at, step| into(at, step)).unwrap();
            assert_eq!(found, &want, "{path}");
        }
        for (path, want) in [
            (".slavs", "there is no 'slavs'"),
            (".slaves[2]", "there is no item 2 of 2"),
            (".slaves.id", "'id' of a list of 2: which item?"),
            (".slaves[0].id.x", "'.x' leads nowhere"),
        ] {
            let found = steps(path).unwrap().iter().try_fold(&value, |at, step| into(at, step));
            assert_eq!(found.unwrap_err(), want, "{path}");
        }
        assert!(steps(".a[0").is_err() && steps("..a").is_err() && steps("[x]").is_err());
    }
}
