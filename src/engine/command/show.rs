//! `show`: the JSON behind an id.

use super::prelude::*;
use crate::engine::names;
use crate::state::Task;

command! {
    Verb {
        summary: "the JSON behind an offer, a task, an agent or a framework",
        positionals: &[Positional::one("id", Kind::AnyId, "its id")],
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
    if let Some(value) = context.session().read(|state| own(state, id)) {
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

fn task(task: &Task) -> Value {
    let statuses: Vec<Value> =
        task.history().filter_map(|recorded| serde_json::from_slice(recorded.json).ok()).collect();
    let info = task.launch.as_ref().and_then(|launch| serde_json::to_value(&launch.task).ok());
    serde_json::json!({"task_id": task.id.as_str(), "state": task.state.as_str(), "task_info": info, "statuses": statuses})
}
