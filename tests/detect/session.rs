//! A session that finds its master through a real ZooKeeper, and the commands that look there.

use std::time::Instant;

use mesos_repl::client::{Access, Credentials};
use mesos_repl::document::Document;
use mesos_repl::embedded::{Cluster, Config as Embedded, Docker};
use mesos_repl::engine::{Collected, Engine, Options, Outcome, Target, verbs};
use mesos_repl::mesos::FrameworkInfo;
use mesos_repl::secret::Secret;
use mesos_repl::session::{Config, Masters, Phase, Session};
use tokio_util::sync::CancellationToken;

use super::*;
use crate::support::hostile::{Answer, Hostile};
use crate::support::real_mesos::RealMesos;
use crate::support::zookeeper::{Contender, ZooKeeper};

const BEAT: Answer = Answer::Stream { heartbeat: 15.0 };

fn session(url: &str, access: Access) -> Session {
    let masters = Masters::parse(url, false).unwrap();
    Session::start(Config { access, ..Config::new(masters) }).unwrap()
}

async fn subscribe(session: &Session) {
    // Without a timeout, a master forgets whoever turns to another.
    let info = FrameworkInfo {
        user: "root".into(),
        name: "test".into(),
        failover_timeout: Some(3600.0),
        ..FrameworkInfo::default()
    };
    session.subscribe(info).await;
}

/// Waits until it is subscribed with that master; the epoch.
async fn subscribed_at(session: &Session, at: SocketAddr) -> u64 {
    let mut status = session.status();
    let there = status.wait_for(|status| {
        let address = status.address.as_ref().map(mesos_repl::client::Address::host_port);
        status.is_subscribed() && address == Some(at.to_string())
    });
    let status = within(DEADLINE, &format!("subscribed at {at}"), there).await.unwrap().clone();
    match status.phase {
        Phase::Subscribed { epoch, .. } => epoch,
        other => panic!("{other:?}"),
    }
}

async fn cluster(agents: usize) -> Cluster {
    Cluster::start(Embedded { agents, docker: Docker::Never, ..Embedded::default() }).await.unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_new_leader_has_us_within_two_seconds_of_zookeeper_s_word() {
    needs_zookeeper!();
    let zookeeper = ZooKeeper::one().await;
    let servers = zookeeper.servers();
    let clusters = [cluster(0).await, cluster(0).await];
    let mut leader = Contender::join(&servers, "/mesos", &info(clusters[0].address())).await;
    let session = session(&zookeeper.url("/mesos"), Access::default());
    subscribe(&session).await;
    subscribed_at(&session, clusters[0].address()).await;
    let mut took = Vec::new();
    for round in 1..=20 {
        let next = clusters[round % 2].address();
        let follower = Contender::join(&servers, "/mesos", &info(next)).await;
        leader.withdraw().await;
        let event = Instant::now();
        subscribed_at(&session, next).await;
        took.push(event.elapsed());
        leader = follower;
    }
    took.sort();
    let line = format!("leader change to SUBSCRIBED: median {:?}, longest {:?} of 20", took[10], took[19]);
    let _ = std::io::Write::write_fmt(&mut std::io::stderr().lock(), format_args!("{line}\n"));
    assert!(took[19] < Duration::from_secs(2), "{line}");
    session.close().await;
    for cluster in clusters {
        cluster.shutdown().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_real_master_is_found_and_left_for_another() {
    needs_zookeeper!();
    let real = match RealMesos::start(1).await {
        Ok(real) => real,
        Err(why) => crate::skip!("{why}"),
    };
    let at: SocketAddr = real.address().parse().unwrap();
    let zookeeper = ZooKeeper::one().await;
    let other = cluster(0).await;
    let first = Contender::join(&zookeeper.servers(), "/mesos", &info(at)).await;
    let _second = Contender::join(&zookeeper.servers(), "/mesos", &info(other.address())).await;
    let session = session(&zookeeper.url("/mesos"), Access::default());
    subscribe(&session).await;
    subscribed_at(&session, at).await;
    session.changed_until(|state| !state.offers.is_empty()).await;
    first.withdraw().await;
    subscribed_at(&session, other.address()).await;
    assert!(session.read(|state| state.offers.is_empty()), "the old master's offers are void");
    session.close().await;
    other.shutdown().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn while_nobody_leads_it_waits_and_then_doesn_t_wait_on() {
    needs_zookeeper!();
    let zookeeper = ZooKeeper::one().await;
    let master = Hostile::start([BEAT]).await;
    let session = session(&zookeeper.url("/mesos"), Access::default());
    subscribe(&session).await;
    let mut status = session.status();
    let said = status
        .wait_for(|status| matches!(&status.phase, Phase::Waiting { why, .. } if why.contains("no master leads")));
    let said = within(DEADLINE, "it is said that nobody leads", said).await.map(|status| status.address.clone());
    assert_eq!(said.unwrap(), None);
    // The waits have grown by then.
    tokio::time::timeout(Duration::from_secs(3), session.subscribed()).await.unwrap_err();
    let _contender = Contender::join(&zookeeper.servers(), "/mesos", &info(master.address)).await;
    let began = Instant::now();
    subscribed_at(&session, master.address).await;
    assert!(began.elapsed() < Duration::from_secs(2), "{:?}", began.elapsed());
    session.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_standing_subscription_outlives_zookeeper() {
    needs_zookeeper!();
    let mut zookeeper = ZooKeeper::one().await;
    let master = Hostile::start([BEAT]).await;
    let contender = Contender::join(&zookeeper.servers(), "/mesos", &info(master.address)).await;
    let session = session(&zookeeper.url("/mesos"), Access::default());
    subscribe(&session).await;
    let epoch = subscribed_at(&session, master.address).await;
    zookeeper.kill(0);
    let mut status = session.status();
    let silent =
        status.wait_for(|status| matches!(status.seen.as_ref().map(|seen| &seen.standing), Some(Standing::Silent(_))));
    within(DEADLINE, "ZooKeeper's end is seen", silent).await.map(|_| ()).unwrap();
    assert!(session.status().borrow().is_subscribed());
    drop(contender);
    zookeeper.start_again(0);
    let _again = Contender::join(&zookeeper.servers(), "/mesos", &info(master.address)).await;
    let led = status.wait_for(|status| matches!(status.seen.as_ref().map(|seen| &seen.standing), Some(Standing::Led)));
    within(DEADLINE, "the same master leads", led).await.map(|_| ()).unwrap();
    assert_eq!(subscribed_at(&session, master.address).await, epoch, "the connection is the same");
    assert_eq!(master.count("SUBSCRIBE"), 1);
    session.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn masters_that_zookeeper_names_are_told_who_we_are_and_link_local_ones_aren_t_asked() {
    needs_zookeeper!();
    let zookeeper = ZooKeeper::one().await;
    let master = Hostile::start([BEAT]).await;
    let metadata = Contender::join(&zookeeper.servers(), "/mesos", &info("169.254.169.254:80".parse().unwrap())).await;
    let _contender = Contender::join(&zookeeper.servers(), "/mesos", &info(master.address)).await;
    let secret = Secret::new("wonder");
    let credentials = Some(Credentials::Basic { principal: "alice".to_owned(), secret });
    let session = session(&zookeeper.url("/mesos"), Access { credentials, ..Access::default() });
    subscribe(&session).await;
    let mut status = session.status();
    let said = status.wait_for(|status| {
        status.seen.as_ref().is_some_and(|seen| seen.standing.to_string().contains("169.254.169.254"))
    });
    within(DEADLINE, "it is said why that one isn't asked", said).await.map(|_| ()).unwrap();
    metadata.withdraw().await;
    subscribed_at(&session, master.address).await;
    let asked = master.call("SUBSCRIBE", 0).await;
    assert_eq!(asked.header("authorization"), Some("Basic YWxpY2U6d29uZGVy"));
    session.close().await;
}

/// An engine on an embedded cluster that ZooKeeper knows.
struct Bench {
    zookeeper: ZooKeeper,
    cluster: Cluster,
    contenders: Vec<Contender>,
    engine: Engine,
}

impl Bench {
    async fn start() -> Self {
        let zookeeper = ZooKeeper::one().await;
        let cluster = cluster(1).await;
        let mut contenders = Vec::new();
        contenders.push(Contender::join(&zookeeper.servers(), "/mesos", &info(cluster.address())).await);
        contenders.push(Contender::join(&zookeeper.servers(), "/mesos", &info(master(7))).await);
        let target = Target::new(Masters::parse(&zookeeper.url("/mesos"), false).unwrap());
        let engine = Engine::start(target, Options::default()).unwrap();
        Self { zookeeper, cluster, contenders, engine }
    }

    async fn types(&self, text: &str) -> (Outcome, Vec<serde_json::Value>) {
        let mut output = Collected::default();
        let never = CancellationToken::new();
        let outcome = within(DEADLINE, text, self.engine.execute(text, &mut output, &never)).await;
        (outcome, output.documents.iter().map(Document::to_json).collect())
    }

    async fn does(&self, text: &str) -> serde_json::Value {
        let (outcome, documents) = self.types(text).await;
        assert_eq!(outcome, Outcome::Done, "{text}: {documents:#?}");
        documents.into_iter().next().unwrap_or_default()
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn commands_and_pasted_lines_show_what_zookeeper_s_own_tools_show() {
    needs_zookeeper!();
    let bench = Bench::start().await;
    let (url, servers) = (bench.zookeeper.url("/mesos"), bench.zookeeper.servers());
    let own: serde_json::Value = serde_json::from_str(&info(bench.cluster.address())).unwrap();
    let pid = format!("master@{}", bench.cluster.address());

    let leader = bench.does("leader").await;
    assert_eq!((&leader["pid"], &leader["node"]), (&json!(pid), &json!("json.info_0000000000")), "{leader}");
    let masters = bench.does("masters").await;
    let roles: Vec<_> = masters.as_array().unwrap().iter().map(|row| row["role"].clone()).collect();
    assert_eq!(roles, [json!("leads"), json!("stands by")], "{masters}");
    assert_eq!(masters[1]["master"], json!("10.0.0.1:10007"));

    assert_eq!(bench.does("zk ls /mesos").await, json!(["json.info_0000000000", "json.info_0000000001"]));
    assert_eq!(bench.does("zk ls").await.as_array().unwrap().len(), 2, "the masters' own path");
    assert_eq!(bench.does("zk get /mesos/json.info_0000000000").await, own);
    let stat = bench.does("zk stat /mesos").await;
    assert_eq!((&stat["numChildren"], &stat["ephemeralOwner"]), (&json!(2), &json!("0x0")), "{stat}");

    for line in [
        format!("zkCli.sh -server {servers} get /mesos/json.info_0000000000"),
        format!("[zk: {servers}(CONNECTED) 0] get /mesos/json.info_0000000000"),
    ] {
        let shown = bench.does(&line).await;
        assert!(shown.to_string().contains(&pid) && shown[1]["dataLength"].is_number(), "{line}: {shown}");
    }
    let listed = bench.does(&format!("zkCli.sh -server {servers} ls /mesos")).await;
    assert_eq!(listed.as_array().unwrap().len(), 2);
    assert!(bench.does(&format!("zkCli.sh -server {servers} stat /mesos")).await["cZxid"].is_string());
    assert_eq!(bench.does(&format!("mesos-leader --zk {url}")).await, own);
    let all = bench.does(&format!("mesos-leader --zk {url} -a")).await;
    assert_eq!((all.as_array().unwrap().len(), &all[0]), (2, &own));
    assert_eq!(bench.does(&url).await, own, "the address alone");

    for (line, why) in [
        (format!("zkCli.sh -server {servers} get /nothing"), "ZooKeeper has no /nothing"),
        (format!("mesos-leader --zk zk://{servers}/nothing"), "ZooKeeper has no /nothing"),
        ("zk get mesos".to_owned(), "doesn't begin with /"),
    ] {
        let (outcome, documents) = bench.types(&line).await;
        assert_eq!(outcome, Outcome::Failed, "{line}");
        assert!(format!("{documents:?}").contains(why), "{line}: {documents:?}");
    }

    for verb in verbs() {
        for example in verb.examples.iter().filter(|example| example.needs == Some("ZooKeeper")) {
            bench.does(example.text).await;
        }
    }
    // Everything else works through it too.
    assert_eq!(bench.does("agents").await.as_array().unwrap().len(), 1);
    assert!(bench.does("status").await["zookeeper"].as_str().unwrap().contains("/mesos"));
    let task = bench.does("run --cmd 'sleep 60' --name nap").await;
    assert!(!task.is_null());
    for contender in &bench.contenders {
        contender.withdraw().await;
    }
    let mut status = bench.engine.session().status();
    let gone = status.wait_for(|status| status.seen.as_ref().is_some_and(|seen| seen.leader().is_none()));
    within(DEADLINE, "nobody leads", gone).await.map(|_| ()).unwrap();
    let (outcome, documents) = bench.types("leader").await;
    assert_eq!(outcome, Outcome::Failed);
    assert!(format!("{documents:?}").contains("none is registered"), "{documents:?}");
    bench.engine.close().await;
    bench.cluster.shutdown().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn connect_turns_to_masters_behind_zookeeper() {
    needs_zookeeper!();
    let bench = Bench::start().await;
    let elsewhere = cluster(0).await;
    let engine =
        Engine::start(Target::new(mesos_repl::client::Address::parse(&elsewhere.url()).unwrap()), Options::default());
    let engine = engine.unwrap();
    let mut output = Collected::default();
    let never = CancellationToken::new();
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("zk");
    std::fs::write(&file, bench.zookeeper.url("/mesos")).unwrap();
    for line in [format!("connect {}", bench.zookeeper.url("/mesos")), format!("connect file://{}", file.display())] {
        let outcome = within(DEADLINE, &line, engine.execute(&line, &mut output, &never)).await;
        assert_eq!(outcome, Outcome::Done, "{line}: {:?}", output.documents);
        assert_eq!(engine.target().masters.to_string(), bench.zookeeper.url("/mesos"));
    }
    // A ZooKeeper where nobody leads leaves everything as it is.
    let nobody = format!("connect zk://{}/empty", bench.zookeeper.servers());
    let outcome = within(DEADLINE, &nobody, engine.execute(&nobody, &mut output, &never)).await;
    assert_eq!(outcome, Outcome::Failed);
    assert_eq!(engine.target().masters.to_string(), bench.zookeeper.url("/mesos"));
    engine.close().await;
    bench.engine.close().await;
    bench.cluster.shutdown().await;
    elsewhere.shutdown().await;
}
