//! What stands under the masters' path: nothing, other things, nodes of old masters, nodes that come and go or are odd.

use mesos_repl::mesos::message::Message as _;
use mesos_repl::mesos::{MasterInfo, protobuf};

use super::*;
use crate::support::zookeeper::{Contender, ZooKeeper, mkdir};

#[tokio::test(flavor = "multi_thread")]
async fn a_path_that_isn_t_there_yet_is_waited_for() {
    needs_zookeeper!();
    let zookeeper = ZooKeeper::one().await;
    let mut detector = detector(&zookeeper.url("/not/yet"));
    assert!(nobody(&mut detector).await.contains("ZooKeeper has no /not/yet"));
    let client = zookeeper.client().await;
    mkdir(&client, "/not/yet/log_replicas").await;
    let empty = detector.wait_for(|seen| seen.standing.to_string().contains("none is registered"));
    within(DEADLINE, "an empty path", empty).await.map(|_| ()).unwrap();
    let _contender = Contender::join(&zookeeper.servers(), "/not/yet", &info(master(3))).await;
    leads(&mut detector, 3).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn masters_before_0_24_are_understood_and_the_lowest_number_leads_whatever_its_kind() {
    needs_zookeeper!();
    let zookeeper = ZooKeeper::one().await;
    let old = |number| {
        let value: serde_json::Value = serde_json::from_str(&info(master(number))).unwrap();
        protobuf::encode(MasterInfo::schema(), &value)
    };
    let first = Contender::join_as(&zookeeper.servers(), "/mesos", "info_", &old(0)).await;
    let second = Contender::join(&zookeeper.servers(), "/mesos", &info(master(1))).await;
    let _third = Contender::join_as(&zookeeper.servers(), "/mesos", "info_", &old(2)).await;
    let mut detector = detector(&zookeeper.url("/mesos"));
    leads(&mut detector, 0).await;
    assert_eq!(detector.borrow().masters.len(), 3);
    first.withdraw().await;
    leads(&mut detector, 1).await;
    second.withdraw().await;
    leads(&mut detector, 2).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_leader_s_node_that_can_t_be_read_is_said_and_nobody_leads_in_its_place() {
    needs_zookeeper!();
    let zookeeper = ZooKeeper::one().await;
    let odd = Contender::join(&zookeeper.servers(), "/mesos", "hello \u{1b}[31m").await;
    let _fine = Contender::join(&zookeeper.servers(), "/mesos", &info(master(1))).await;
    let mut detector = detector(&zookeeper.url("/mesos"));
    let why = nobody(&mut detector).await;
    assert!(why.contains("json.info_") && why.contains("no JSON"), "{why}");
    // It may be mended without another node coming or going.
    let client = zookeeper.client().await;
    client.set_data(&odd.node, info(master(0)).as_bytes(), None).await.unwrap();
    leads(&mut detector, 0).await;
    odd.withdraw().await;
    leads(&mut detector, 1).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn nodes_that_come_and_go_leave_the_last_word_to_what_is() {
    needs_zookeeper!();
    let zookeeper = ZooKeeper::one().await;
    let mut detector = detector(&zookeeper.url("/mesos"));
    let servers = zookeeper.servers();
    for round in 0..30 {
        let contender = Contender::join(&servers, "/mesos", &info(master(round))).await;
        // Some go before they were read, some after.
        if round % 3 == 0 {
            leads(&mut detector, round).await;
        }
        contender.withdraw().await;
    }
    let _last = Contender::join(&servers, "/mesos", &info(master(99))).await;
    leads(&mut detector, 99).await;
}
