//! `version`: of the master, its agents and this program.

use super::prelude::*;
use crate::document::{Column, Table};

command! {
    Verb {
        summary: "the versions of the master, its agents and this program",
        examples: &[Example::new("version", "and whether they agree")],
        group: "cluster",
        ..Verb::new("version")
    }
}

async fn run(context: &mut Context<'_>, _args: Args) -> Result<(), Failure> {
    let master = context.get_json("/version").await?;
    let answer = context.get_json("/slaves").await?;
    let text = |value: &Value, name: &str| value.get(name).and_then(Value::as_str).unwrap_or_default().to_owned();
    let version = text(&master, "version");
    let columns = [
        Column::new("What"),
        Column::new("Where"),
        Column::new("Version"),
        Column::new("Built").key("build_date").drops(2),
        Column::new("Commit").key("git_sha").drops(1),
    ];
    let mut table = Table::new(columns, "").named("versions");
    let git = text(&master, "git_sha");
    table.push([
        Cell::text("master"),
        Cell::text(context.address().await?.host_port()),
        Cell::text(version.clone()),
        Cell::text(text(&master, "build_date")),
        Cell::id(git.clone(), git.get(..8).unwrap_or(&git)),
    ]);
    let mut odd = 0_usize;
    let agents: Vec<&Value> = answer.get("slaves").and_then(Value::as_array).into_iter().flatten().collect();
    for agent in &agents {
        let own = text(agent, "version");
        odd += usize::from(own != version);
        table.push([Cell::text("agent"), Cell::text(text(agent, "hostname")), Cell::text(own)]);
    }
    table.push([Cell::text("mesos-repl"), Cell::Empty, Cell::text(env!("CARGO_PKG_VERSION"))]);
    let mut document = Document::from(table);
    if odd > 0 {
        // What a rolling upgrade looks like; Mesos allows it.
        let line =
            format!("{odd} of {} agents have another version than the master: an upgrade under way?", agents.len());
        document = document.with_text(line);
    }
    context.show(document);
    Ok(())
}
