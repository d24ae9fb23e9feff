//! `masters`: every master that is there, and which of them leads.

use serde_json::Value;

use super::prelude::*;
use crate::client::{Address, Client, RequestError};
use crate::document::{Column, Table};
use crate::engine::masters;

command! {
    Verb {
        summary: "all masters, the leader first",
        about: "Those that are registered with ZooKeeper, where the session is found through it; otherwise those that were \
                named, each asked whether it leads.",
        examples: &[Example::new("masters", "who leads, and who stands by")],
        group: "cluster",
        ..Verb::new("masters")
    }
}

async fn run(context: &mut Context<'_>, _args: Args) -> Result<(), Failure> {
    let Some(seen) = masters::seen(context).await? else { return named(context).await };
    let columns = [
        Column::new("Master"),
        Column::new("Role"),
        Column::new("Version").drops(1),
        Column::new("Node").drops(2),
        Column::new("Id").drops(3),
    ];
    let mut table = Table::new(columns, seen.standing.to_string()).named("masters");
    for master in &seen.masters {
        let info = &master.info;
        table.push([
            Cell::text(masters::place(info)),
            role(seen.leader() == Some(master)),
            Cell::text(info.version.clone().unwrap_or_default()),
            Cell::text(master.node.clone()),
            Cell::id(info.id.clone(), info.id.get(..8).unwrap_or(&info.id)),
        ]);
    }
    context.show(table);
    Ok(())
}

fn role(leads: bool) -> Cell {
    if leads { Cell::state("leads", Tone::Running) } else { Cell::state("stands by", Tone::Dim) }
}

/// Without ZooKeeper nobody has a list: whoever was named is asked.
async fn named(context: &mut Context<'_>) -> Result<(), Failure> {
    let mut all = context.target().masters.named().to_vec();
    if let Some(present) = context.known_address()
        && !all.contains(&present)
    {
        all.push(present);
    }
    let client = context.client();
    let mut table = Table::new([Column::new("Master"), Column::new("Role")], "no masters").named("masters");
    let (mut led, mut known) = (Vec::new(), false);
    for address in &all {
        let asked = async {
            let leader = client.leader_by(address).await?;
            // A master calls itself by its own host name, which needn't be what we call it.
            let itself = leader.host_port() == address.host_port() || is_elected(&client, address).await;
            Ok::<_, RequestError>((leader, itself))
        };
        let role = match context.during(&format!("{address}"), asked).await? {
            Ok((_, true)) => {
                known = true;
                role(true)
            }
            Ok((leader, false)) => {
                led.push(leader);
                role(false)
            }
            Err(error) => Cell::state(error.to_string(), Tone::Bad),
        };
        table.push([Cell::text(address.to_string()), role]);
    }
    led.dedup();
    let unnamed = led.iter().filter(|leader| !all.iter().any(|known| known.host_port() == leader.host_port()));
    let mut document = Document::new().with(table);
    for leader in unnamed.filter(|_| !known) {
        let turns = format!("connect {} turns to it", leader.host_port());
        document = document.with_text(format!("{leader} leads by their word, and wasn't named: {turns}"));
    }
    context.show(document);
    Ok(())
}

/// Whether a master says of itself that it leads; one that can't be asked doesn't.
async fn is_elected(client: &Client, address: &Address) -> bool {
    let Ok(metrics) = client.get(address, "/metrics/snapshot").await else { return false };
    let metrics: Option<Value> = serde_json::from_slice(&metrics).ok();
    metrics.and_then(|metrics| metrics.get("master/elected")?.as_f64()) == Some(1.0)
}
