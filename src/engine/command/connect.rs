//! `connect`: which master the session works on.

use super::prelude::*;
use crate::client::Client;
use crate::detect;
use crate::document::Piece;
use crate::engine::Target;
use crate::session::{Masters, address_of};
use crate::settings;

/// How long ZooKeeper may take to name a leader.
const WAIT: Duration = Duration::from_secs(10);

command! {
    Verb {
        summary: "turn to another master, or say which one this is",
        about: "The master is asked for its version first; if nothing answers, everything stays as it is. A framework on \
                the old master is left to its failover timeout: teardown or detach before, if it shall not be. Credentials \
                stay with the masters that they were given for; profile use changes them.",
        positionals: &[Positional::optional("master", Kind::Url, "HOST:PORT, several with commas, a URL, zk://HOST:PORT/PATH; embedded")],
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
        let client = context.client();
        let address = context.address().await?;
        let label = context.target().label;
        return greet(context, &client, &address, label).await;
    };
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
        let said = settings::masters_text(&given.value)?;
        let parsed = Masters::parse(said.reveal(), false);
        let masters =
            parsed.map_err(|error| args.wrong("master", format!("that is no master's address: {}", error.why)))?;
        // Who we are goes on to masters that we have told already, and to nobody by a mere connect.
        let mut access = context.target().access;
        let client = context.client();
        if !masters.named().iter().all(|address| client.knows(address)) || masters.named().is_empty() {
            access.credentials = None;
        }
        Target { access, ..Target::new(masters) }
    };
    turn(context, target).await
}

/// Turns to other masters, once one of them has answered; to those behind ZooKeeper, once it has.
pub(super) async fn turn(context: &mut Context<'_>, target: Target) -> Result<(), Failure> {
    let client = Client::new(target.access.clone())?;
    let named = target.masters.named().to_vec();
    named.iter().for_each(|address| client.name(address));
    let address = match (&target.masters, named.as_slice()) {
        (Masters::ZooKeeper { url, tls }, _) => leader(context, &client, url, *tls).await?,
        (_, [only]) => only.clone(),
        (_, several) => context.answering(&client, several).await?,
    };
    greet(context, &client, &address, target.label.clone()).await?;
    if target.masters != context.target().masters || target.access.credentials != context.target().access.credentials {
        let left = left_behind(context);
        context.engine().switch(target, None).await?;
        if let Some(left) = left {
            context.show(Document::text(left));
        }
        take_up(context).await?;
    }
    Ok(())
}

/// Takes up what another process of the session that is turned to has left, and tells of it.
pub(in crate::engine) async fn take_up(context: &mut Context<'_>) -> Result<(), Failure> {
    let engine = context.engine();
    let mut told = engine.opening();
    told.extend(context.during("the framework that was left", engine.take_up(Some(engine.options().patience))).await?);
    let document = |notice: crate::engine::Notice| Document::text(Piece::new(notice.text, notice.tone));
    told.into_iter().map(document).for_each(|document| context.show(document));
    Ok(())
}

/// Who leads by ZooKeeper's word; waits a while for it.
async fn leader(context: &mut Context<'_>, client: &Client, url: &detect::Url, tls: bool) -> Result<Address, Failure> {
    let mut seen = detect::watch(url.clone());
    let asked = async {
        // The watch lives as long as its receiver.
        let _ = seen.wait_for(|seen| seen.leader().is_some()).await;
    };
    let _ = context.during(&format!("{url}"), tokio::time::timeout(WAIT, asked)).await?;
    let seen = seen.borrow().clone();
    let resolve = &client.access().resolve;
    let Some(leader) = seen.leader() else {
        return Err(Diagnostic::new(seen.standing.to_string()).help("everything stays as it is").into());
    };
    let address = address_of(leader, tls, resolve)
        .map_err(|error| Diagnostic::new(format!("{} names no master of use", leader.node)).cause(&error))?;
    client.learn(&address).map_err(|why| Diagnostic::new(format!("{} can't be: {why}", leader.node)))?;
    Ok(address)
}

/// What a switch leaves on the old master.
pub(super) fn left_behind(context: &Context<'_>) -> Option<String> {
    let session = context.session();
    if !session.status().borrow().is_subscribed() {
        return None;
    }
    let (id, active) = session.read(|state| (state.framework_id.clone(), state.tasks.active()));
    let id = id?;
    Some(format!("framework {id} with {active} active tasks is left on the old master until its failover timeout"))
}

async fn greet(
    context: &mut Context<'_>,
    client: &Client,
    address: &Address,
    label: Option<String>,
) -> Result<(), Failure> {
    let version = context.get_json_from(client, address, "/version").await?;
    let Some(version) = version.get("version").and_then(Value::as_str) else {
        return Err(Diagnostic::new(format!("{address} answers /version, but not as a Mesos master does")).into());
    };
    let agents = context.get_json_from(client, address, "/slaves").await?;
    let agents = agents.get("slaves").and_then(Value::as_array).map_or(0, Vec::len);
    let mut fields = Fields::new().named("master").field("master", address.to_string()).field("version", version);
    fields = fields.field("agents", Cell::Count(agents as u64));
    if let Some(label) = label {
        fields = fields.keyed("", "note", label);
    }
    let next: &[&str] = if context.session().status().borrow().is_subscribed() {
        &["status", "offers"]
    } else {
        &["subscribe", "agents"]
    };
    context.show(Document::from(fields).with_next(next.iter().copied()));
    Ok(())
}
