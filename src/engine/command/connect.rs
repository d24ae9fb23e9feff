//! `connect`: which master the session works on.

use super::prelude::*;
use crate::client::Client;
use crate::engine::Target;
use crate::session::Config;

command! {
    Verb {
        summary: "turn to another master, or say which one this is",
        about: "The master is asked for its version first; if nothing answers, everything stays as it is. A framework on \
                the old master is left to its failover timeout: teardown or detach before, if it shall not be.",
        positionals: &[Positional::optional("master", Kind::Url, "HOST:PORT or a URL; embedded for the embedded Mesos")],
        examples: &[
            Example::new("connect", "says which master this is and whether it answers"),
            Example::new("connect embedded", "back to the embedded Mesos"),
        ],
        group: "session",
        ..Verb::new("connect")
    }
}

async fn run(context: &mut Context<'_>, args: Args) -> Result<(), Failure> {
    let Some(given) = args.spanned("master") else {
        let (client, target) = (context.client(), context.target());
        let address = context.address();
        return greet(context, &client, &Target { address, ..target }).await;
    };
    if given.value.starts_with("zk://") || given.value.starts_with("file://") {
        return Err(args
            .wrong("master", "a master is named by its own address here, not through ZooKeeper")
            .help("connect HOST:PORT of any master: it redirects to the leading one")
            .into());
    }
    let target = if given.value == "embedded" {
        let home = context.engine().home();
        if !home.embedded {
            return Err(args
                .wrong("master", "no embedded Mesos runs in this process")
                .help("mesos-repl without --master starts one")
                .into());
        }
        home
    } else {
        let parsed = Address::parse(&given.value);
        let address =
            parsed.map_err(|error| args.wrong("master", format!("that is no master's address: {}", error.why)))?;
        Target { address, label: None, embedded: false }
    };
    let client = Client::new(&target.address, Config::new(target.address.clone()).patience)?;
    greet(context, &client, &target).await?;
    if target.address != context.target().address {
        let left = left_behind(context);
        context.engine().switch(target).await?;
        if let Some(left) = left {
            context.show(Document::text(left));
        }
    }
    Ok(())
}

/// What a switch leaves on the old master.
fn left_behind(context: &Context<'_>) -> Option<String> {
    let session = context.session();
    if !session.status().borrow().is_subscribed() {
        return None;
    }
    let (id, active) = session.read(|state| (state.framework_id.clone(), state.tasks.active()));
    let id = id?;
    Some(format!("framework {id} with {active} active tasks is left on the old master until its failover timeout"))
}

async fn greet(context: &mut Context<'_>, client: &Client, target: &Target) -> Result<(), Failure> {
    let version = context.get_json_from(client, &target.address, "/version").await?;
    let Some(version) = version.get("version").and_then(Value::as_str) else {
        return Err(
            Diagnostic::new(format!("{} answers /version, but not as a Mesos master does", target.address)).into()
        );
    };
    let agents = context.get_json_from(client, &target.address, "/slaves").await?;
    let agents = agents.get("slaves").and_then(Value::as_array).map_or(0, Vec::len);
    let mut fields =
        Fields::new().named("master").field("master", target.address.to_string()).field("version", version);
    fields = fields.field("agents", Cell::Count(agents as u64));
    if let Some(label) = &target.label {
        fields = fields.keyed("", "note", label.as_str());
    }
    let next: &[&str] = if context.session().status().borrow().is_subscribed() {
        &["status", "offers"]
    } else {
        &["subscribe", "agents"]
    };
    context.show(Document::from(fields).with_next(next.iter().copied()));
    Ok(())
}
