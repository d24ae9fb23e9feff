//! Who leads, whose framework it is, and what becomes of it: takeovers, removals, leaders that change, masters that start
//! anew.

use std::time::Duration;

use mesos_repl::mesos::FrameworkInfo;
use mesos_repl::session::{Closed, Session};
use serde_json::json;

use super::Table;
use super::rig::{Rig, SOON, Setup, accept, config, info, raw, so};
use crate::support::books::{FRAMEWORK, Master, Reply};
use crate::support::within;

async fn ended(during: fn(&Rig), is: fn(&Closed) -> bool) {
    let rig = Rig::new(Setup::default()).await;
    rig.launched("before").await;
    rig.settled().await;
    during(&rig);
    rig.closed(is).await;
}

fn error(rig: &Rig, message: &str) {
    rig.master.event(&json!({"type": "ERROR", "error": {"message": message}}));
    rig.master.end();
}

/// A second client takes the framework: the first is told and keeps off, the second has it, with its tasks.
async fn taken(by_its_next_call: bool) {
    let rig = Rig::new(Setup::default()).await;
    let task = rig.launched("before").await;
    rig.settled().await;
    let thief = Session::start(config(&rig.master.address.to_string(), SOON)).unwrap();
    thief.subscribe(FrameworkInfo { id: Some(FRAMEWORK.into()), ..info() }).await;
    within(SOON, "subscribed", thief.subscribed()).await.unwrap();
    if by_its_next_call {
        // Whatever comes first tells it.
        let _ = rig.session.call(raw(json!({"type": "REVIVE"}))).await;
    }
    let known =
        thief.changed_until(|state| state.tasks.get(&task).is_some_and(|task| task.state.as_str() == "TASK_RUNNING"));
    within(SOON, "the task's new owner knows it", known).await;
    let subscribes = rig.master.count("SUBSCRIBE");
    assert_eq!(subscribes, 2);
    rig.closed(|why| *why == Closed::Stolen).await;
    assert!(thief.status().borrow().is_subscribed());
    thief.close().await;
}

/// The framework is taken back because somebody asks for it.
async fn taken_back() {
    let rig = Rig::new(Setup::default()).await;
    rig.launched("before").await;
    rig.settled().await;
    rig.master.event(&json!({"type": "ERROR", "error": {"message": "Framework failed over"}}));
    rig.master.end();
    so("closed", || matches!(rig.session.status().borrow().phase, mesos_repl::session::Phase::Closed(_))).await;
    rig.session.subscribe(FrameworkInfo { id: Some(FRAMEWORK.into()), ..info() }).await;
    rig.goes_on(2..=2).await;
}

async fn removed_elsewhere(while_away: bool) {
    let rig = Rig::new(Setup::default()).await;
    rig.launched("before").await;
    rig.settled().await;
    if while_away {
        rig.master.cut();
    }
    rig.master.remove();
    rig.closed(|why| *why == Closed::Removed).await;
}

/// An offer is taken back just as it is used: the task is lost, and another takes its place.
async fn rescinded(told: bool) {
    let rig = Rig::new(Setup::default()).await;
    let offer = rig.offered("o").await;
    if told {
        rig.master.rescind(&offer, true);
    } else {
        rig.master.rescind(&offer, false);
    }
    rig.session.call(raw(accept(&offer, "t"))).await.unwrap();
    rig.settled().await;
    assert_eq!(rig.master.tasks()["t"].0, "TASK_LOST");
    rig.goes_on(1..=1).await;
}

/// Offers don't outlive their subscription, and whoever uses one all the same loses a task, not the session.
async fn void_offers() {
    let rig = Rig::new(Setup::default()).await;
    let offer = rig.offered("o").await;
    rig.master.cut();
    so("subscribed again", || rig.master.count("SUBSCRIBE") == 2).await;
    rig.subscribed().await;
    assert!(rig.session.read(|state| state.offers.is_empty()));
    rig.session.call(raw(accept(&offer, "t"))).await.unwrap();
    rig.settled().await;
    rig.goes_on(2..=2).await;
}

/// The first master sends on to the leader, with a Location like this one.
async fn redirected(location: &'static str) {
    let leader = Master::start(super::rig::NO_BEAT).await;
    let place =
        location.replace("LEADER", &leader.address.to_string()).replace("PORT", &leader.address.port().to_string());
    let reply = Reply::status(307, &format!("Location: {place}\r\n"), "");
    let standby = Rig::begin(Setup { before: Box::new(move |master| master.refuse(reply)), ..Setup::default() }).await;
    standby.subscribed().await;
    standby.session.call(raw(json!({"type": "REVIVE"}))).await.unwrap();
    assert_eq!((leader.count("SUBSCRIBE"), leader.count("REVIVE")), (1, 1));
    assert_eq!((standby.master.count("SUBSCRIBE"), standby.master.count("REVIVE")), (1, 0));
    leader.moves("t", "TASK_RUNNING");
    so("acknowledged with the leader", || leader.tasks()["t"].2 == 0).await;
    standby.close().await;
}

/// A Location that leads nowhere: tried again, and well when the standby leads itself.
async fn misdirected(location: &'static str) {
    let reply = Reply::status(307, location, "");
    let rig = Rig::begin(Setup {
        before: Box::new(move |master| master.refuse(reply)),
        patience: Duration::from_secs(3),
        ..Setup::default()
    })
    .await;
    so("tried again", || rig.master.count("SUBSCRIBE") == 2).await;
    rig.goes_on(2..=2).await;
}

/// Two masters that name each other: an end after five, and another try.
async fn in_a_circle() {
    let rig = Rig::begin(Setup {
        before: Box::new(|master| {
            let reply = Reply::status(307, &format!("Location: //{}/api/v1/scheduler\r\n", master.address), "");
            (0..6).for_each(|_| master.refuse(reply.clone()));
        }),
        ..Setup::default()
    })
    .await;
    so("tried again", || rig.master.count("SUBSCRIBE") == 7).await;
    rig.goes_on(7..=7).await;
}

/// Losses one after the other, each while the last is being made good.
async fn again_and_again(times: usize) {
    let rig = Rig::new(Setup::default()).await;
    let task = rig.launched("before").await;
    rig.settled().await;
    for number in 1..=times {
        rig.master.cut();
        so("the loss is seen", || !rig.master.has_stream()).await;
        so("and by the session", || {
            !rig.session.status().borrow().is_subscribed() || rig.master.count("SUBSCRIBE") > number
        })
        .await;
        rig.session.reconnect().await;
        so("subscribed again", || rig.master.count("SUBSCRIBE") == number + 1).await;
        rig.subscribed().await;
    }
    rig.master.moves(&task, "TASK_FINISHED");
    rig.goes_on(times + 1..=times + 1).await;
}

/// Whoever asks for a new connection gets one, and it is one only.
async fn asked_for() {
    let rig = Rig::new(Setup::default()).await;
    let task = rig.launched("before").await;
    rig.settled().await;
    rig.session.reconnect().await;
    so("subscribed again", || rig.master.count("SUBSCRIBE") == 2).await;
    rig.master.moves(&task, "TASK_FINISHED");
    rig.goes_on(2..=2).await;
}

/// Updates wait for a session that is away, and come when it is back.
async fn away(moves: &'static [&'static str]) {
    let rig = Rig::new(Setup::default()).await;
    let task = rig.launched("before").await;
    rig.settled().await;
    rig.master.cut();
    so("the loss is seen", || !rig.master.has_stream()).await;
    moves.iter().for_each(|state| rig.master.moves(&task, state));
    rig.goes_on(2..=2).await;
}

pub fn table(table: &mut Table) {
    table.case("another client takes the framework", taken(false));
    table.case("another client takes the framework, learnt by a call", taken(true));
    table.case("the framework is taken back on request", taken_back());
    table.case("ERROR: failed over", ended(|rig| error(rig, "Framework failed over"), |why| *why == Closed::Stolen));
    table.case("ERROR: removed", ended(|rig| error(rig, "Framework has been removed"), |why| *why == Closed::Removed));
    for message in
        ["Roles { x } are not present in the master's --roles", "", "\u{1b}[31mno", "Framework unknown to this version"]
    {
        table.case(format!("ERROR: {message:?}"), said(message));
    }
    table.case("torn down elsewhere", removed_elsewhere(false));
    table.case("torn down elsewhere while the connection is lost", removed_elsewhere(true));
    table.case("torn down by ourselves", torn_down());
    table.case("an offer is rescinded and used all the same", rescinded(true));
    table.case("an offer is rescinded as it is used", rescinded(false));
    table.case("an offer of a subscription that is gone is used", void_offers());
    for location in [
        "http://LEADER/api/v1/scheduler",
        "//LEADER/api/v1/scheduler",
        "LEADER",
        "http://LEADER",
        "//LEADER",
        "http://LEADER/master/api/v1/scheduler?x=1",
        "//localhost:PORT/api/v1/scheduler",
    ] {
        table.case(format!("307 to {location}"), redirected(location));
    }
    for location in [
        "",
        "Location: \r\n",
        "Location: /api/v1/scheduler\r\n",
        "Location: //\r\n",
        "Location: ftp://127.0.0.1/\r\n",
        "Location: https://127.0.0.1/\r\n",
        "Location: //user:pw@127.0.0.1:1/\r\n",
        "Location: //127.0.0.1:99999/\r\n",
        "Location: //127.0.0.1:1/api/v1/scheduler\r\n",
        "Location: //[::1/\r\n",
        "Location: \u{9b}31m\r\n",
    ] {
        table.case(format!("307 without use: {location:?}"), misdirected(location));
    }
    table.case("307 in a circle", in_a_circle());
    for times in [1, 2, 5, 10] {
        table.case(format!("{times} losses in a row"), again_and_again(times));
    }
    table.case("a new connection is asked for", asked_for());
    table.case("one update waits for a session that is away", away(&["TASK_FINISHED"]));
    table.case("three updates wait for a session that is away", away(&["TASK_KILLING", "TASK_RUNNING", "TASK_KILLED"]));
    table.case("nothing happens while the session is away", away(&[]));
    table.case("calls while the connection is lost", while_lost());
}

async fn said(message: &'static str) {
    let rig = Rig::new(Setup::default()).await;
    error(&rig, message);
    rig.closed(|why| matches!(why, Closed::Refused(text) if text == message)).await;
}

async fn torn_down() {
    let rig = Rig::new(Setup::default()).await;
    rig.launched("before").await;
    rig.session.teardown().await.unwrap();
    rig.closed(|why| *why == Closed::TornDown).await;
}

/// Each says at once that it can't be made, and none is made later behind the person's back.
async fn while_lost() {
    let rig = Rig::new(Setup::default()).await;
    let offer = rig.offered("o").await;
    rig.master.cut();
    so("the loss is seen", || !rig.session.status().borrow().is_subscribed()).await;
    for call in [accept(&offer, "t"), json!({"type": "REVIVE"}), json!({"type": "TEARDOWN"})] {
        assert!(rig.session.call(raw(call)).await.is_err());
    }
    rig.subscribed().await;
    assert_eq!((rig.master.count("ACCEPT"), rig.master.count("REVIVE"), rig.master.count("TEARDOWN")), (0, 0, 0));
    rig.goes_on(2..=2).await;
}
