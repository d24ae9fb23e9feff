//! An ensemble of three: members that go and come, a quorum that is lost, nobody there at the beginning.

use super::*;
use crate::support::zookeeper::{Contender, ZooKeeper};

#[tokio::test(flavor = "multi_thread")]
async fn any_one_member_may_go() {
    needs_zookeeper!();
    let mut zookeeper = ZooKeeper::three().await;
    let _contender = Contender::join(&zookeeper.servers(), "/mesos", &info(master(0))).await;
    let mut detector = detector(&zookeeper.url("/mesos"));
    leads(&mut detector, 0).await;
    for server in 0..3 {
        zookeeper.kill(server);
        // Whether it was ours or not, the watch must still fire.
        let other = Contender::join(&zookeeper.servers(), "/mesos", &info(master(1))).await;
        let both = detector.wait_for(|seen| seen.masters.len() == 2 && leader(seen).is_some());
        within(DEADLINE, "both masters are seen", both).await.map(|_| ()).unwrap();
        other.withdraw().await;
        leads(&mut detector, 0).await;
        zookeeper.start_again(server);
        // Before the next goes: two of three are needed.
        zookeeper.serves(server).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_lost_quorum_is_said_and_its_return_found() {
    needs_zookeeper!();
    let mut zookeeper = ZooKeeper::three().await;
    let contender = Contender::join(&zookeeper.servers(), "/mesos", &info(master(0))).await;
    let mut detector = detector(&zookeeper.url("/mesos"));
    leads(&mut detector, 0).await;
    zookeeper.kill(0);
    zookeeper.kill(1);
    assert!(nobody(&mut detector).await.contains("ZooKeeper can't be asked"));
    drop(contender);
    zookeeper.start_again(0);
    zookeeper.start_again(1);
    let _new = Contender::join(&zookeeper.servers(), "/mesos", &info(master(1))).await;
    let anybody = detector.wait_for(|seen| seen.masters.iter().any(|master| master.info.port == 10_001));
    within(DEADLINE, "the new master is seen", anybody).await.map(|_| ()).unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn nobody_there_at_first_is_no_end() {
    needs_zookeeper!();
    let mut zookeeper = ZooKeeper::one().await;
    zookeeper.kill(0);
    let mut detector = detector(&zookeeper.url("/mesos"));
    let why = nobody(&mut detector).await;
    assert!(why.contains(&zookeeper.servers()) && why.contains("refused"), "{why}");
    zookeeper.start_again(0);
    let _contender = Contender::join(&zookeeper.servers(), "/mesos", &info(master(0))).await;
    leads(&mut detector, 0).await;
}
