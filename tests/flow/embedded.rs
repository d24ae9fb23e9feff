//! On the embedded Mesos: both sides of this project together.

use super::*;
use crate::support::docker;
use mesos_repl::embedded::{Cluster, Config, Docker};

async fn cluster(agents: usize, docker: Docker) -> Cluster {
    let config = Config { agents, docker, allocation_interval: Duration::from_millis(100), ..Config::default() };
    Cluster::start(config).await.unwrap()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn command_tasks() {
    let cluster = cluster(1, Docker::Never).await;
    let person = Person::at(&cluster.url());
    steps::walk(&person, &steps::commands()).await;
    steps::used_up_offer(&person).await;
    steps::teardown(&person).await;
    person.engine.close().await;
    cluster.shutdown().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn docker_tasks() {
    if let Some(why) = docker::missing() {
        skip!("{why}");
    }
    let cluster = cluster(1, Docker::Auto).await;
    let person = Person::at(&cluster.url());
    steps::walk(&person, &steps::containers()).await;
    steps::teardown(&person).await;
    person.engine.close().await;
    cluster.shutdown().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_simulated_container_says_so() {
    let cluster = cluster(1, Docker::Never).await;
    let person = Person::at(&cluster.url());
    person.does("run --docker nginx:alpine --name web").await;
    let told = person.does("task web").await;
    assert!(told.contains("simulated"), "{told}");
    let agents = person.does("get /slaves .slaves[0].attributes").await;
    assert!(agents.contains("simulated"), "{agents}");
    person.does("teardown").await;
    person.engine.close().await;
    cluster.shutdown().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn bad_input_leaves_the_session_as_it_was() {
    let cluster = cluster(1, Docker::Never).await;
    let person = Person::at(&cluster.url());
    bad_input::try_all(&person).await;
    person.does("teardown").await;
    person.engine.close().await;
    cluster.shutdown().await;
}
