//! Offers: leased, held, given back, wanted again.

use super::*;
use crate::support::hostile::{offers, update};
use mesos_repl::mesos::{Accept, Call, Decline};
use serde_json::json;

async fn with(lease: Option<u64>, idle: Option<u64>) -> (Hostile, Session) {
    let master = Hostile::start([Answer::Stream { heartbeat: 100_000.0 }]).await;
    let seconds = |seconds: Option<u64>| seconds.map(Duration::from_secs);
    let session = Session::start(Config { lease: seconds(lease), idle: seconds(idle), ..config(&master) }).unwrap();
    session.subscribe(info()).await;
    within(LONG, "subscribed", session.subscribed()).await.unwrap();
    (master, session)
}

async fn have(session: &Session, count: usize) {
    within(LONG, &format!("{count} offers"), session.changed_until(|state| state.offers.len() == count)).await;
}

#[tokio::test(start_paused = true)]
async fn what_nobody_asked_for_is_given_back_and_what_is_held_is_kept() {
    let (master, session) = with(Some(60), None).await;
    let mut notices = session.notices();
    master.event(&offers(&["O1", "O2"]));
    have(&session, 2).await;
    assert_eq!(session.hold(&["O2".into(), "O9".into()]), ["O2".into()]);
    tokio::time::sleep(Duration::from_secs(30)).await;
    master.event(&offers(&["O3"]));
    have(&session, 3).await;
    tokio::time::sleep(Duration::from_secs(31)).await;
    let decline = master.call("DECLINE", 0).await.json();
    assert_eq!(decline["decline"], json!({"offer_ids": [{"value": "O1"}], "filters": {"refuse_seconds": 120.0}}));
    assert!(heard(&mut notices).iter().any(|notice| matches!(notice, Notice::Declined(ids) if ids.len() == 1)));
    assert_eq!(master.call("DECLINE", 1).await.json()["decline"]["offer_ids"], json!([{"value": "O3"}]));
    tokio::time::sleep(LONG / 10).await;
    assert_eq!(session.read(|state| state.offers.ids().map(|id| id.as_str().to_owned()).collect::<Vec<_>>()), ["O2"]);

    // The session's own filters end when offers are wanted.
    assert!(session.status().borrow().filtered);
    session.want_offers().await.unwrap();
    assert_eq!(master.count("REVIVE"), 1);
    session.want_offers().await.unwrap();
    assert_eq!(master.count("REVIVE"), 1, "there was nothing to revive");
}

#[tokio::test(start_paused = true)]
async fn an_idle_session_asks_for_no_more_until_somebody_wants_offers() {
    let (master, session) = with(None, Some(300)).await;
    let mut notices = session.notices();
    tokio::time::sleep(Duration::from_secs(299)).await;
    assert_eq!(master.count("SUPPRESS"), 0);
    master.call("SUPPRESS", 0).await;
    let mut status = session.status();
    within(LONG, "suppressed", status.wait_for(|status| status.suppressed)).await.unwrap();
    assert!(heard(&mut notices).iter().any(|notice| matches!(notice, Notice::Suppressed)));
    tokio::time::sleep(LONG / 10).await;
    assert_eq!(master.count("SUPPRESS"), 1);
    session.want_offers().await.unwrap();
    assert_eq!(master.count("REVIVE"), 1);
    assert!(!session.status().borrow().suppressed);
    master.call("SUPPRESS", 1).await;
}

#[tokio::test(start_paused = true)]
async fn an_offer_leaves_when_used_declined_or_rescinded() {
    let (master, session) = with(None, None).await;
    master.event(&offers(&["O1", "O2", "O3", "O4"]));
    have(&session, 4).await;
    let accept = Accept { offer_ids: vec!["O1".into()], ..Accept::default() };
    session.call(Call::Accept(Box::new(accept))).await.unwrap();
    have(&session, 3).await;
    session.call(Call::Decline(Decline { offer_ids: vec!["O2".into()], ..Decline::default() })).await.unwrap();
    have(&session, 2).await;
    master.event(&json!({"type": "RESCIND", "rescind": {"offer_id": {"value": "O3"}}}));
    have(&session, 1).await;
    let raw = json!({"type": "DECLINE", "decline": {"offer_ids": [{"value": "O4"}]}});
    let serde_json::Value::Object(raw) = raw else { panic!() };
    session.call(Call::Raw(raw)).await.unwrap();
    have(&session, 0).await;
}

#[tokio::test(start_paused = true)]
async fn a_launch_is_staging_at_once_and_gone_when_it_never_left() {
    let (master, session) = with(None, None).await;
    master.event(&offers(&["O1", "O2"]));
    have(&session, 2).await;
    let launch = |offer: &str, task: &str| {
        let value = json!({"type": "ACCEPT", "accept": {"offer_ids": [{"value": offer}], "operations": [{"type": "LAUNCH",
            "launch": {"task_infos": [{"name": "t", "task_id": {"value": task}, "agent_id": {"value": "S0"}}]}}]}});
        match value {
            serde_json::Value::Object(fields) => Call::Raw(fields),
            _ => panic!(),
        }
    };
    session.call(launch("O1", "a")).await.unwrap();
    session.read(|state| {
        let task = state.tasks.get("a").unwrap();
        assert_eq!((&task.state, task.launch.as_ref().unwrap().hostname.as_str()), (&TaskState::Staging, "a"));
    });
    master.event(&update("a", "TASK_RUNNING", Some(1)));
    task_is(&session, "a", TaskState::Running).await;
    master.answer("ACCEPT", 400, "Failed to validate scheduler::Call: no");
    assert!(session.call(launch("O2", "b")).await.is_err());
    assert_eq!(session.read(|state| state.tasks.get("b").map(|task| task.is_over())), Some(true));
    assert_eq!(session.read(|state| state.tasks.active()), 1);
}
