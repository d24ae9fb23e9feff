//! `show`: the JSON behind an id.

use super::prelude::*;
use crate::engine::names;
use crate::state::Task;

command! {
    Verb {
        summary: "the JSON behind an offer, a task, an agent or a framework",
        about: "Bytes that an executor attached to a status (data, base64) are given by their length: --data decodes them, \
                --raw leaves them as they came.",
        positionals: &[Positional::one("id", Kind::AnyId, "its id")],
        options: &[
            Opt::switch("data", "attached bytes decoded, such as what docker inspect said"),
            Opt::switch("raw", "everything as it came"),
        ],
        examples: &[
            Example::new("show O0", "the offer as it came").after(&["offers"]),
            Example::new("show nap", "the task as it was launched, and every status of it").after(&["run --cmd 'sleep 60' --name nap"]),
        ],
        group: "raw",
        ..Verb::new("show")
    }
}

async fn run(context: &mut Context<'_>, args: Args) -> Result<(), Failure> {
    let id = args.one("id");
    if let Some(mut value) = context.session().read(|state| own(state, id)) {
        let statuses = value.get_mut("statuses").and_then(Value::as_array_mut).into_iter().flatten();
        for status in statuses.filter(|_| !args.switch("raw")) {
            if let Some(data) = status.get_mut("data") {
                *data = attached(data, args.switch("data"));
            }
        }
        context.show(value);
        return Ok(());
    }
    for (path, list) in [("/slaves", "slaves"), ("/frameworks", "frameworks")] {
        let answer = context.get_json(path).await?;
        let items: Vec<&Value> = answer.get(list).and_then(Value::as_array).into_iter().flatten().collect();
        let ids = items.iter().filter_map(|item| item.get("id").and_then(Value::as_str));
        if let Ok(found) = names::whole(id, ids)
            && let Some(item) = items.iter().find(|item| item.get("id").and_then(Value::as_str) == Some(found))
        {
            context.show((*item).clone());
            return Ok(());
        }
    }
    let session = context.session();
    let diagnostic = session.read(|state| {
        let known = state.offers.ids().map(|id| id.as_str()).chain(state.tasks.iter().map(|task| task.id.as_str()));
        match names::whole(id, known) {
            Err(why) => why.told(|what| args.wrong("id", what), "offer, task, agent or framework", id),
            Ok(_) => args.wrong("id", format!("'{id}' can't be shown")),
        }
    });
    Err(diagnostic.help("offers, tasks, agents and frameworks list them").into())
}

/// An offer or a task of this session.
fn own(state: &crate::state::State, part: &str) -> Option<Value> {
    if let Ok(id) = names::whole(part, state.offers.ids().map(|id| id.as_str())) {
        return serde_json::from_slice(&state.offers.get(id)?.record.json).ok();
    }
    let id = names::whole(part, state.tasks.iter().map(|task| task.id.as_str())).ok()?;
    state.tasks.get(id).map(task)
}

/// Attached bytes: decoded as JSON or text, or only counted.
fn attached(data: &Value, decode: bool) -> Value {
    use base64::Engine as _;
    let Some(bytes) = data.as_str().and_then(|text| base64::engine::general_purpose::STANDARD.decode(text).ok()) else {
        return data.clone();
    };
    if !decode {
        return Value::String(format!("({} bytes)", bytes.len()));
    }
    let text = String::from_utf8_lossy(&bytes).into_owned();
    serde_json::from_str(&text).unwrap_or(Value::String(text))
}

fn task(task: &Task) -> Value {
    let status = |json: &[u8]| {
        let value: Value = serde_json::from_slice(json).ok()?;
        Some(value.pointer("/update/status").cloned().unwrap_or(value))
    };
    let statuses: Vec<Value> = task.history().filter_map(|recorded| status(recorded.json)).collect();
    let info = task.launch.as_ref().and_then(|launch| serde_json::to_value(&launch.task).ok());
    serde_json::json!({"task_id": task.id.as_str(), "state": task.state.as_str(), "task_info": info, "statuses": statuses})
}
