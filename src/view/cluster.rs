//! Agents and frameworks, from the master's own JSON. Fields that an old or a newer master lacks stay empty.

use serde_json::Value;

use super::short;
use crate::document::{Cell, Column, Table, Tone, Unit};

/// `/slaves` as a table.
pub fn agents(answer: &Value) -> Table {
    let columns = [
        Column::new("Agent").key("id"),
        Column::new("Host").key("hostname"),
        Column::new("Address").key("pid").drops(5),
        Column::new("State"),
        Column::number("CPUs"),
        Column::number("Mem"),
        Column::number("Disk").drops(4),
        Column::new("Ports").drops(6),
        Column::new("Attributes").drops(3),
        Column::new("Version").drops(2),
    ];
    let mut table = Table::new(columns, "no agents").named("agents");
    for agent in items(answer, "slaves") {
        let share = |name: &str, unit| {
            let used = number(agent, &["used_resources", name]);
            Cell::Share { used, total: number(agent, &["resources", name]), unit }
        };
        let is_active = agent.get("active").and_then(Value::as_bool).unwrap_or(false);
        let (state, tone) = if is_active { ("active", Tone::Running) } else { ("inactive", Tone::Unsure) };
        let id = text(agent, "id");
        table.push([
            Cell::id(id, short(id)),
            Cell::text(text(agent, "hostname")),
            Cell::text(text(agent, "pid")),
            Cell::state(state, tone),
            share("cpus", Unit::Cpus),
            share("mem", Unit::Mebibytes),
            share("disk", Unit::Mebibytes),
            Cell::text(
                agent.pointer("/resources/ports").and_then(Value::as_str).unwrap_or("").trim_matches(['[', ']']),
            ),
            Cell::Pairs(pairs(agent.get("attributes"))),
            Cell::text(text(agent, "version")),
        ]);
    }
    table
}

/// `/frameworks` as a table; `own` is this session's.
pub fn frameworks(answer: &Value, own: Option<&str>) -> Table {
    let columns = [
        Column::new("Framework").key("id"),
        Column::new("Name"),
        Column::new("State"),
        Column::new("User").drops(3),
        Column::new("Roles").drops(4),
        Column::number("Tasks"),
        Column::number("Offers").drops(2),
        Column::number("CPUs").drops(1),
        Column::number("Mem").drops(1),
        Column::new("").key("own"),
    ];
    let mut table = Table::new(columns, "no frameworks").named("frameworks");
    let active = items(answer, "frameworks").map(|framework| (framework, false));
    let completed = items(answer, "completed_frameworks").map(|framework| (framework, true));
    for (framework, is_over) in active.chain(completed) {
        let id = text(framework, "id");
        let flag = |name: &str| framework.get(name).and_then(Value::as_bool).unwrap_or(false);
        let (state, tone) = match (is_over, flag("connected"), flag("active")) {
            (true, ..) => ("completed", Tone::Dim),
            (false, false, _) => ("disconnected", Tone::Unsure),
            (false, true, false) => ("inactive", Tone::Waiting),
            (false, true, true) => ("active", Tone::Running),
        };
        let count = |name: &str| framework.get(name).and_then(Value::as_array).map_or(0, Vec::len) as u64;
        let roles = match framework.get("roles").and_then(Value::as_array) {
            Some(roles) => roles.iter().filter_map(Value::as_str).collect::<Vec<_>>().join(","),
            None => text(framework, "role").to_owned(),
        };
        table.push([
            Cell::id(id, super::short_framework(id)),
            Cell::text(text(framework, "name")),
            Cell::state(state, tone),
            Cell::text(text(framework, "user")),
            Cell::text(roles),
            Cell::Count(count("tasks")),
            Cell::Count(count("offers")),
            Cell::Cpus(number(framework, &["used_resources", "cpus"])),
            Cell::Mebibytes(number(framework, &["used_resources", "mem"])),
            if own == Some(id) { Cell::text("this session") } else { Cell::Empty },
        ]);
    }
    table
}

fn items<'a>(answer: &'a Value, field: &str) -> impl Iterator<Item = &'a Value> {
    answer.get(field).and_then(Value::as_array).into_iter().flatten()
}

fn text<'a>(value: &'a Value, field: &str) -> &'a str {
    value.get(field).and_then(Value::as_str).unwrap_or("")
}

fn number(value: &Value, path: &[&str]) -> f64 {
    path.iter().try_fold(value, |value, field| value.get(field)).and_then(Value::as_f64).unwrap_or(0.0)
}

fn pairs(attributes: Option<&Value>) -> Vec<(String, String)> {
    let Some(Value::Object(attributes)) = attributes else { return Vec::new() };
    let value = |value: &Value| value.as_str().map_or_else(|| value.to_string(), str::to_owned);
    attributes.iter().map(|(name, text)| (name.clone(), value(text))).collect()
}
