//! A scheduler on the library, without the REPL: one task, from its offer to its end.
//!
//! `cargo run --example scheduler [HOST:PORT]`; without an address it starts an embedded Mesos.
#![allow(clippy::print_stdout, reason = "it is a program")]

use std::error::Error;
use std::time::Duration;

use mesos_repl::client::Address;
use mesos_repl::embedded::{self, Cluster};
use mesos_repl::mesos::{
    Accept, Call, CommandInfo, FrameworkInfo, Launch, Operation, OperationType, Resource, Scalar, TaskId, TaskInfo,
    ValueType,
};
use mesos_repl::session::{Config, Session};
use mesos_repl::state::Task;

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let (address, cluster) = match std::env::args().nth(1) {
        Some(address) => (Address::parse(&address)?, None),
        None => {
            let cluster = Cluster::start(embedded::Config::default()).await?;
            (Address::parse(&cluster.url())?, Some(cluster))
        }
    };
    let session = Session::start(Config::new(address))?;
    let result = tokio::time::timeout(Duration::from_secs(60), run(&session)).await;
    session.close().await;
    if let Some(cluster) = cluster {
        cluster.shutdown().await;
    }
    result?
}

async fn run(session: &Session) -> Result<(), Box<dyn Error>> {
    let info = FrameworkInfo { user: "root".into(), name: "example".into(), ..FrameworkInfo::default() };
    session.subscribe(info).await;
    println!("subscribed as {}", session.subscribed().await?);

    session.changed_until(|state| !state.offers.is_empty()).await;
    let offers = session.read(|state| state.offers.in_order().first().map(|held| held.record.offer()));
    let offer = offers.ok_or("the offer was rescinded")??;
    println!("offer {} of {}", offer.id, offer.hostname);

    let id = TaskId::from("hello");
    let task = TaskInfo {
        name: "hello".into(),
        task_id: id.clone(),
        agent_id: offer.agent_id,
        resources: vec![scalar("cpus", 0.1), scalar("mem", 32.0)],
        command: Some(CommandInfo { value: Some("echo hello".into()), ..CommandInfo::default() }),
        ..TaskInfo::default()
    };
    let launch = Operation {
        r#type: Some(OperationType::Launch),
        launch: Some(Launch { task_infos: vec![task], ..Launch::default() }),
        ..Operation::default()
    };
    let accept = Accept { offer_ids: vec![offer.id], operations: vec![launch], ..Accept::default() };
    let answer = session.call(Call::Accept(Box::new(accept))).await?;
    println!("ACCEPT answered {}: what becomes of it comes as updates, which the session acknowledges", answer.status);

    session.changed_until(|state| state.tasks.get(id.as_str()).is_some_and(Task::is_over)).await;
    session.read(|state| {
        for recorded in state.tasks.get(id.as_str()).iter().flat_map(|task| task.history()) {
            if let Ok(status) = recorded.status() {
                println!("{id} {} {}", status.state, status.message.unwrap_or_default());
            }
        }
    });
    session.teardown().await?;
    Ok(())
}

fn scalar(name: &str, value: f64) -> Resource {
    Resource {
        name: name.into(),
        r#type: ValueType::Scalar,
        scalar: Some(Scalar { value, ..Scalar::default() }),
        ..Resource::default()
    }
}
