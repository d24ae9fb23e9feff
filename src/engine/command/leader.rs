//! `leader`: which master leads, by whose word.

use super::prelude::*;
use crate::detect::Registered;
use crate::engine::masters;

command! {
    Verb {
        summary: "which master leads",
        about: "ZooKeeper says it where the session is found through it; otherwise the master itself is asked, which knows \
                its leader.",
        examples: &[Example::new("leader", "its address, and who says so")],
        group: "cluster",
        ..Verb::new("leader")
    }
}

async fn run(context: &mut Context<'_>, _args: Args) -> Result<(), Failure> {
    match masters::seen(context).await? {
        Some(seen) => match seen.leader() {
            Some(leader) => context.show(by_zookeeper(leader)),
            None => return Err(Diagnostic::new(seen.standing.to_string()).into()),
        },
        None => {
            let address = context.address().await?;
            let client = context.client();
            let leader = context.during(&format!("{address}"), client.leader_by(&address)).await??;
            let fields = Fields::new().named("leader").field("leader", leader.to_string());
            let by = if leader.host_port() == address.host_port() {
                "by its own word".to_owned()
            } else {
                format!("by the word of {address}")
            };
            context.show(fields.keyed("", "source", by));
        }
    }
    Ok(())
}

fn by_zookeeper(leader: &Registered) -> Document {
    let info = &leader.info;
    let mut fields = Fields::new().named("leader").field("leader", masters::place(info));
    for (label, value) in [("pid", &info.pid), ("hostname", &info.hostname), ("version", &info.version)] {
        if let Some(value) = value {
            fields = fields.field(label, value.as_str());
        }
    }
    fields = fields.field("id", Cell::id(info.id.as_str(), info.id.as_str()));
    Document::from(fields.keyed("node", "node", leader.node.as_str())).with_next(["masters", "status"])
}
