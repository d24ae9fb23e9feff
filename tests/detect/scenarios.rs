//! The scenarios of Mesos's own detector tests, each under its name. One of theirs, ContenderPendingElection, is about
//! contending alone, which nothing here does.

use super::*;
use crate::support::zookeeper::{Contender, Network, SESSION, ZooKeeper, mkdir};

/// A single contender is detected; detection can be begun again; when its session expires, nobody leads.
#[tokio::test(flavor = "multi_thread")]
async fn master_contender() {
    needs_zookeeper!();
    let zookeeper = ZooKeeper::one().await;
    let contender = Contender::behind(&zookeeper, "/mesos", &info(master(0))).await;
    let mut first = detector(&zookeeper.url("/mesos"));
    leads(&mut first, 0).await;
    let mut again = detector(&zookeeper.url("/mesos"));
    leads(&mut again, 0).await;
    drop(first);
    assert!(!again.has_changed().unwrap(), "no change to leadership");
    contender.expire(&zookeeper).await;
    assert!(nobody(&mut again).await.contains("none is registered"));
}

/// Two contenders, the first wins. It goes, and the second leads.
#[tokio::test(flavor = "multi_thread")]
async fn master_contenders() {
    needs_zookeeper!();
    let zookeeper = ZooKeeper::one().await;
    let one = Contender::join(&zookeeper.servers(), "/mesos", &info(master(0))).await;
    let mut detector1 = detector(&zookeeper.url("/mesos"));
    leads(&mut detector1, 0).await;
    let _two = Contender::join(&zookeeper.servers(), "/mesos", &info(master(1))).await;
    let mut detector2 = detector(&zookeeper.url("/mesos"));
    leads(&mut detector2, 0).await;
    drop(one);
    leads(&mut detector2, 1).await;
    leads(&mut detector1, 1).await;
}

/// What Mesos's own detector fails on for good is said in words here, and over as soon as it is mended.
#[tokio::test(flavor = "multi_thread")]
async fn non_retryable_errors() {
    needs_zookeeper!();
    let zookeeper = ZooKeeper::one().await;
    let creator = zookeeper.client().await;
    creator.auth("digest", b"creator:creator").await.unwrap();
    let own = zookeeper_client::CreateMode::Persistent.with_acls(zookeeper_client::Acls::creator_all());
    creator.create("/test", b"42", &own).await.unwrap();
    let mut stranger = detector(&zookeeper.url("/test"));
    assert!(nobody(&mut stranger).await.contains("lets us not read /test"));
    let mut wrong = detector(&format!("zk://creator:wrong@{}/test", zookeeper.servers()));
    assert!(nobody(&mut wrong).await.contains("lets us not read /test"));
    let mut right = detector(&format!("zk://creator:creator@{}/test", zookeeper.servers()));
    assert!(nobody(&mut right).await.contains("none is registered"));
    let node = zookeeper_client::CreateMode::EphemeralSequential.with_acls(zookeeper_client::Acls::creator_all());
    creator.create("/test/json.info_", info(master(0)).as_bytes(), &node).await.unwrap();
    leads(&mut right, 0).await;
    // Neither the stranger nor whoever had the wrong password has given up.
    creator
        .set_acl(
            "/test",
            &[zookeeper_client::Acl::new(zookeeper_client::Permission::ALL, zookeeper_client::AuthId::anyone())],
            None,
        )
        .await
        .unwrap();
    let why = stranger.wait_for(|seen| seen.standing.to_string().contains("/test/json.info_"));
    within(DEADLINE, "the node is seen, and can't be read", why).await.map(|_| ()).unwrap();
}

/// Detection ends with the network, and recovers with it.
#[tokio::test(flavor = "multi_thread")]
async fn contender_detector_shutdown_network() {
    needs_zookeeper!();
    let zookeeper = ZooKeeper::one().await;
    let network = Network::before(zookeeper.address()).await;
    let contender = Contender::join(&network.address.to_string(), "/mesos", &info(master(0))).await;
    let mut detector = detector(&format!("zk://{}/mesos", network.address));
    leads(&mut detector, 0).await;
    network.shut_down();
    let away = detector.wait_for(|seen| seen.standing == Standing::Away && leader(seen) == Some(10_000));
    within(DEADLINE, "the leader counts on while its session may live", away).await.map(|_| ()).unwrap();
    assert!(nobody(&mut detector).await.contains("ZooKeeper can't be asked"));
    // Nothing changes until the network is back.
    assert!(tokio::time::timeout(SESSION, leads(&mut detector, 0)).await.is_err());
    drop(contender);
    network.start();
    let _again = Contender::join(&network.address.to_string(), "/mesos", &info(master(1))).await;
    leads(&mut detector, 1).await;
}

/// Detectors don't fail when the time of their session is over.
#[tokio::test(flavor = "multi_thread")]
async fn master_detector_timedout_session() {
    needs_zookeeper!();
    let mut zookeeper = ZooKeeper::one().await;
    let _leader = Contender::join(&zookeeper.servers(), "/mesos", &info(master(0))).await;
    let _follower = Contender::join(&zookeeper.servers(), "/mesos", &info(master(1))).await;
    let mut detectors = [0; 3].map(|_| detector(&zookeeper.url("/mesos")));
    for detector in &mut detectors {
        leads(detector, 0).await;
    }
    zookeeper.kill(0);
    for detector in &mut detectors {
        assert!(nobody(detector).await.contains("ZooKeeper can't be asked"));
    }
    zookeeper.start_again(0);
    let _new = Contender::join(&zookeeper.servers(), "/mesos", &info(master(2))).await;
    for detector in &mut detectors {
        let anybody = detector.wait_for(|seen| seen.leader().is_some());
        within(DEADLINE, "somebody leads again", anybody).await.map(|_| ()).unwrap();
    }
}

/// The leading master's session expires: the follower leads.
#[tokio::test(flavor = "multi_thread")]
async fn master_detector_expire_master_zk_session() {
    needs_zookeeper!();
    let zookeeper = ZooKeeper::one().await;
    let leader = Contender::behind(&zookeeper, "/mesos", &info(master(0))).await;
    let mut of_leader = detector(&zookeeper.url("/mesos"));
    leads(&mut of_leader, 0).await;
    let _follower = Contender::join(&zookeeper.servers(), "/mesos", &info(master(1))).await;
    let mut of_follower = detector(&zookeeper.url("/mesos"));
    leads(&mut of_follower, 0).await;
    leader.expire(&zookeeper).await;
    leads(&mut of_leader, 1).await;
    leads(&mut of_follower, 1).await;
}

/// Our own session expires: nobody is known for a moment, then the same master.
#[tokio::test(flavor = "multi_thread")]
async fn master_detector_expire_slave_zk_session() {
    needs_zookeeper!();
    let zookeeper = ZooKeeper::one().await;
    let network = Network::before(zookeeper.address()).await;
    let _contender = Contender::join(&zookeeper.servers(), "/mesos", &info(master(0))).await;
    let mut detector = detector(&format!("zk://{}/mesos", network.address));
    leads(&mut detector, 0).await;
    network.shut_down();
    nobody(&mut detector).await;
    network.start();
    leads(&mut detector, 0).await;
}

/// Our own session expires, and a new master is elected before we are back.
#[tokio::test(flavor = "multi_thread")]
async fn master_detector_expire_slave_zk_session_new_master() {
    needs_zookeeper!();
    let zookeeper = ZooKeeper::one().await;
    let network = Network::before(zookeeper.address()).await;
    let leader = Contender::behind(&zookeeper, "/mesos", &info(master(0))).await;
    let _follower = Contender::join(&zookeeper.servers(), "/mesos", &info(master(1))).await;
    let mut detector = detector(&format!("zk://{}/mesos", network.address));
    leads(&mut detector, 0).await;
    network.shut_down();
    leader.expire(&zookeeper).await;
    nobody(&mut detector).await;
    network.start();
    leads(&mut detector, 1).await;
}

/// A node in JSON says who the master is.
#[tokio::test(flavor = "multi_thread")]
async fn master_detector_uses_json() {
    needs_zookeeper!();
    let zookeeper = ZooKeeper::one().await;
    mkdir(&zookeeper.client().await, "/mesos").await;
    let at: SocketAddr = "10.10.1.22:8080".parse().unwrap();
    let _contender = Contender::join(&zookeeper.servers(), "/mesos", &info(at)).await;
    let mut detector = detector(&zookeeper.url("/mesos"));
    let seen = detector.wait_for(|seen| seen.leader().is_some());
    let seen = within(DEADLINE, "a leader", seen).await.unwrap().clone();
    let found = &seen.leader().unwrap().info;
    let address = found.address.as_ref().unwrap();
    assert_eq!((address.ip.as_deref(), address.port), (Some("10.10.1.22"), 8080));
    assert_eq!(found.pid.as_deref(), Some("master@10.10.1.22:8080"));
    assert_eq!(found.ip.to_le_bytes(), [10, 10, 1, 22]);
}
