//! Tasks as a person reads them: the table, one task's story, a launch in progress.

use std::time::Duration;

use crate::document::{Cell, Column, Document, EntryKind, Fields, Piece, Table, Timeline, Tone};
use crate::mesos::{TaskInfo, TaskStatus};
use crate::state::{Recorded, State, Task};

use super::{resources_of, short, since, verdict};

/// Tasks that pass `keep`, in the order they became known.
pub fn tasks(state: &State, now: Duration, keep: impl Fn(&Task) -> bool) -> Document {
    let columns = [
        Column::new("Task").key("id"),
        Column::new("State"),
        Column::new("Agent"),
        Column::new("What").drops(4),
        Column::number("CPUs").drops(3),
        Column::number("Mem").drops(3),
        Column::number("Since").drops(1),
        Column::new("Message").drops(2),
    ];
    let mut table = Table::new(columns, "no tasks").named("tasks");
    for task in state.tasks.iter().filter(|task| keep(task)) {
        table.push(row(state, task, now));
    }
    let document = Document::from(table);
    match state.tasks.forgotten() {
        0 => document,
        count => {
            let told = format!("{count} older tasks that are over have been let go of");
            document.with_pieces([Piece::new(told, Tone::Dim)])
        }
    }
}

fn row(state: &State, task: &Task, now: Duration) -> Vec<Cell> {
    let info = task.launch.as_ref().map(|launch| &launch.task);
    let resources = info.map(|info| resources_of(&info.resources));
    let latest = task.latest();
    let at = latest.map(|latest| latest.at).or(task.launch.as_ref().map(|launch| launch.at));
    let message = latest.and_then(|latest| latest.status().ok()).and_then(|status| status.message);
    vec![
        Cell::text(task.id.as_str()),
        Cell::task_state(task.state.as_str()),
        agent(state, task),
        Cell::text(info.map(what_runs).unwrap_or_default()),
        Cell::maybe(resources.as_ref().map(|resources| resources.cpus), Cell::Cpus),
        Cell::maybe(resources.map(|resources| resources.mem), Cell::Mebibytes),
        Cell::maybe(at, |at| Cell::Ago(since(at, now))),
        Cell::maybe(message, Cell::text),
    ]
}

fn agent(state: &State, task: &Task) -> Cell {
    let id = state.tasks.agent_of(task).map(|id| id.as_str());
    let host = task.launch.as_ref().map(|launch| launch.hostname.as_str()).filter(|host| !host.is_empty());
    match (id, host) {
        (Some(id), Some(host)) => Cell::text(format!("{} {host}", short(id))),
        (Some(id), None) => Cell::id(id, short(id)),
        (None, host) => Cell::text(host.unwrap_or_default()),
    }
}

/// What a task runs, in a few words: its image, or its command.
fn what_runs(info: &TaskInfo) -> String {
    let docker = info.container.as_ref().and_then(|container| container.docker.as_ref());
    let command = info.command.as_ref().and_then(|command| command.value.clone());
    match (docker, command) {
        (Some(docker), _) => docker.image.clone(),
        (None, Some(command)) => command,
        (None, None) => String::new(),
    }
}

/// All that is known of a task: its properties, what was said of it, what it means.
pub fn task(state: &State, task: &Task, now: Duration) -> Document {
    let status = task.latest().and_then(|latest| latest.status().ok());
    let mut fields = Fields::new().named("task").keyed("task", "id", task.id.as_str());
    fields = fields.field("state", Cell::task_state(task.state.as_str())).field("agent", agent(state, task));
    if let Some(launch) = &task.launch {
        let resources = resources_of(&launch.task.resources);
        fields = fields
            .field("runs", what_runs(&launch.task))
            .field("cpus", Cell::Cpus(resources.cpus))
            .field("mem", Cell::Mebibytes(resources.mem))
            .field("launched", Cell::Ago(since(launch.at, now)));
        if !resources.ports.is_empty() {
            fields = fields.field("ports", Cell::Ports(resources.ports));
        }
    }
    if let Some(status) = &status {
        fields = with_status(fields, status);
    }
    let mut document = Document::from(fields).with(timeline(task));
    for line in status.iter().flat_map(verdict) {
        document = document.with_text(line);
    }
    let id = task.id.as_str();
    let logs = task.had_sandbox().then(|| if task.is_over() { format!("logs {id}") } else { format!("logs {id} -f") });
    let kill = (!task.is_over()).then(|| format!("kill {id}"));
    document.with_next([logs, kill, Some(format!("show {id}"))].into_iter().flatten())
}

fn with_status(mut fields: Fields, status: &TaskStatus) -> Fields {
    if let Some(message) = &status.message {
        fields = fields.field("message", message.as_str());
    }
    if let Some(reason) = &status.reason {
        fields = fields.field("reason", reason.as_str());
    }
    if let Some(source) = &status.source {
        fields = fields.field("source", source.as_str());
    }
    if let Some(healthy) = status.healthy {
        fields = fields.field("healthy", Cell::Bool(healthy));
    }
    let container = status.container_status.as_ref();
    if let Some(id) = container.and_then(|container| container.container_id.as_ref()) {
        fields = fields.field("container", Cell::id(id.value.as_str(), id.value.get(..8).unwrap_or(&id.value)));
    }
    match address(status) {
        Some(address) => fields.field("address", address),
        None => fields,
    }
}

fn address(status: &TaskStatus) -> Option<&str> {
    let networks = &status.container_status.as_ref()?.network_infos;
    networks.iter().flat_map(|network| &network.ip_addresses).find_map(|address| address.ip_address.as_deref())
}

/// Calls, updates and acknowledgements of a task, from its beginning.
fn timeline(task: &Task) -> Timeline {
    let mut timeline = Timeline::new(task.id.as_str());
    let start = task
        .launch
        .as_ref()
        .map(|launch| launch.at)
        .or(task.history().next().map(|first| first.at))
        .unwrap_or_default();
    if task.launch.is_some() {
        timeline.entries.push(entry(Duration::ZERO, EntryKind::Call, "ACCEPT", Tone::Dim, String::new()));
    }
    for recorded in task.history() {
        let at = since(start, recorded.at);
        let (state, text) = line(&recorded);
        let tone = Tone::of_task_state(&state);
        timeline.entries.push(entry(at, EntryKind::Update, &state, tone, text));
        if let Some(after) = recorded.acknowledged_after {
            timeline.entries.push(entry(at + after, EntryKind::Ack, "ACKNOWLEDGE", Tone::Dim, String::new()));
        }
    }
    timeline
}

fn entry(at: Duration, kind: EntryKind, label: &str, tone: Tone, text: String) -> crate::document::Entry {
    crate::document::Entry { at, kind, label: label.to_owned(), tone, text }
}

/// The state of an update and what is worth saying beside it.
fn line(recorded: &Recorded<'_>) -> (String, String) {
    match recorded.status() {
        Ok(status) => {
            let text = detail(&status);
            let repeats = recorded.repeats;
            let again = if repeats == 0 { text } else { format!("{text} (came {} times)", u32::from(repeats) + 1) };
            (status.state.as_str().to_owned(), again)
        }
        Err(error) => (String::new(), format!("can't be read: {error}")),
    }
}

fn detail(status: &TaskStatus) -> String {
    let mut parts = Vec::new();
    parts.extend(status.message.as_deref().map(str::trim).filter(|message| !message.is_empty()).map(str::to_owned));
    let container = status.container_status.as_ref().and_then(|container| container.container_id.as_ref());
    if parts.is_empty()
        && let Some(id) = container
    {
        parts.push(format!("container {}", id.value.get(..8).unwrap_or(&id.value)));
        parts.extend(address(status).map(str::to_owned));
    }
    if let Some(healthy) = status.healthy {
        parts.push(if healthy { "healthy" } else { "unhealthy" }.to_owned());
    }
    parts.join(", ")
}

/// An update as one line beneath its task: state, and what is worth saying.
pub fn update_line(recorded: &Recorded<'_>) -> (String, String) {
    line(recorded)
}

/// A launch in progress: the states so far, with the time each came after the launch.
pub fn progress(task: &Task, now: Duration) -> Timeline {
    let mut story = timeline(task);
    story.entries.retain(|entry| entry.kind == EntryKind::Update);
    if let Some(launch) = &task.launch {
        // How long it has been waited for; what came at once needs no such word.
        let seconds = since(launch.at, now).as_secs();
        let text = if story.entries.is_empty() && seconds > 0 { format!("for {seconds}s") } else { String::new() };
        story.entries.insert(0, entry(Duration::ZERO, EntryKind::Update, "TASK_STAGING", Tone::Waiting, text));
    }
    story
}
