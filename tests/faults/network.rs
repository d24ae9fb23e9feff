//! A bad network between: cuts, resets, silence, slow and sliced bytes, on streams and on calls, both ways.

use std::time::Duration;

use super::Table;
use mesos_repl::session::{Phase, Status};

use super::rig::{NO_BEAT, Rig, SOON, Setup, so};
use crate::support::proxy::{Of, Rule, Toxic, Way};
use crate::support::within;

const fn ms(ms: u64) -> Duration {
    Duration::from_millis(ms)
}

const ALL: usize = usize::MAX;

fn rule(of: Of, way: Way, toxic: Toxic) -> Rule {
    Rule { of, way, from: 0, to: ALL, toxic }
}

/// Only the first connection of its kind suffers.
fn once(of: Of, way: Way, toxic: Toxic) -> Rule {
    Rule { of, way, from: 0, to: 1, toxic }
}

/// Slow or odd, and nothing is lost: one subscription, all the same.
async fn harmless(rules: Vec<Rule>) {
    let rig = Rig::new(Setup { rules, ..Setup::default() }).await;
    let task = rig.launched("before").await;
    rig.settled().await;
    rig.master.moves(&task, "TASK_FINISHED");
    rig.goes_on(1..=1).await;
}

/// A connection is lost somewhere; by the next one all is well.
async fn lost(rules: Vec<Rule>, subscribes: std::ops::RangeInclusive<usize>) {
    let rig = Rig::begin(Setup { rules, ..Setup::default() }).await;
    let task = rig.launched("before").await;
    rig.settled().await;
    if rig.master.tasks().contains_key(&task) {
        rig.master.moves(&task, "TASK_FINISHED");
    }
    // A cut that is still to come shall come.
    for number in 0..40 {
        rig.master.event(&serde_json::json!({"type": "NEWS", "number": number}));
    }
    let least = *subscribes.start();
    so("subscribed as often as it must", || rig.master.count("SUBSCRIBE") >= least).await;
    rig.goes_on(subscribes).await;
}

/// Nothing comes any more, and the connection stays open: found by the silence of heartbeats.
async fn silent(rules: Vec<Rule>) {
    let setup = Setup { heartbeat: 0.2, rules, patience: Duration::from_secs(2), ..Setup::default() };
    let rig = Rig::begin(setup).await;
    let beats = rig.master.beat(ms(100));
    so("subscribed again", || rig.master.count("SUBSCRIBE") >= 2).await;
    rig.goes_on(2..).await;
    beats.abort();
}

/// The proxy itself ends or refuses connections while a session is at work.
async fn storm(cuts: usize, refused: usize) {
    let rules = vec![rule(Of::Stream, Way::Down, Toxic::Latency(ms(1), ms(0)))];
    let rig = Rig::new(Setup { rules, ..Setup::default() }).await;
    let proxy = rig.proxy.clone().unwrap();
    let task = rig.launched("before").await;
    rig.settled().await;
    for _ in 0..cuts {
        proxy.refuse(refused);
        proxy.cut_all();
        so("the loss is seen", || !rig.session.status().borrow().is_subscribed()).await;
        // Whoever doesn't want to wait needn't.
        for _ in 0..=refused {
            rig.session.reconnect().await;
            tokio::time::sleep(ms(5)).await;
        }
        rig.subscribed().await;
    }
    rig.master.moves(&task, "TASK_FINISHED");
    rig.goes_on(1 + cuts..).await;
}

pub fn table(table: &mut Table) {
    let mild = [
        ("one byte at a time", Toxic::Slice(1, ms(0))),
        ("two bytes at a time", Toxic::Slice(2, ms(0))),
        ("seven bytes at a time", Toxic::Slice(7, ms(0))),
        ("slices of 64 bytes with pauses", Toxic::Slice(64, ms(3))),
        ("late by 50 ms", Toxic::Latency(ms(50), ms(0))),
        ("late by up to 100 ms", Toxic::Latency(ms(0), ms(100))),
        ("8 kB a second", Toxic::Bandwidth(8_000)),
        ("gathered for 60 ms", Toxic::Gather(ms(60))),
        ("a slow close", Toxic::SlowClose(ms(300))),
    ];
    for (name, toxic) in mild {
        for (of, which) in [(Of::Stream, "the stream"), (Of::Calls, "calls")] {
            for (way, side) in [(Way::Down, "from the master"), (Way::Up, "to the master")] {
                table.case(format!("{which} {side}: {name}"), harmless(vec![rule(of, way, toxic)]));
            }
        }
    }
    let everything = |toxic| {
        [Of::Stream, Of::Calls]
            .into_iter()
            .flat_map(move |of| [Way::Down, Way::Up].map(move |way| rule(of, way, toxic)))
            .collect()
    };
    table.case("everything one byte at a time", harmless(everything(Toxic::Slice(1, ms(0)))));
    table.case("everything late by up to 60 ms", harmless(everything(Toxic::Latency(ms(0), ms(60)))));

    // The head of an answer has some 130 bytes, SUBSCRIBED as many.
    for after in [0, 1, 17, 100, 135, 150, 200, 260, 300, 420, 700, 1_000] {
        table.case(
            format!("the stream is cut after {after} bytes"),
            lost(vec![once(Of::Stream, Way::Down, Toxic::Cut(after))], 2..=3),
        );
        table.case(
            format!("the stream is reset after {after} bytes"),
            lost(vec![once(Of::Stream, Way::Down, Toxic::Reset(after))], 2..=3),
        );
    }
    for after in [0, 1, 40, 200, 330] {
        table.case(
            format!("SUBSCRIBE is cut after {after} bytes"),
            lost(vec![once(Of::Stream, Way::Up, Toxic::Cut(after))], 1..=3),
        );
        table.case(
            format!("calls are cut after {after} bytes"),
            lost(vec![once(Of::Calls, Way::Up, Toxic::Cut(after))], 1..=1),
        );
        table.case(
            format!("calls are reset after {after} bytes"),
            lost(vec![once(Of::Calls, Way::Up, Toxic::Reset(after))], 1..=1),
        );
        table.case(
            format!("answers are cut after {after} bytes"),
            lost(vec![once(Of::Calls, Way::Down, Toxic::Cut(after))], 1..=1),
        );
        table.case(
            format!("answers are reset after {after} bytes"),
            lost(vec![once(Of::Calls, Way::Down, Toxic::Reset(after))], 1..=1),
        );
    }
    let every = |of, way, toxic| vec![Rule { of, way, from: 0, to: 3, toxic }];
    table.case("three streams in a row are cut", lost(every(Of::Stream, Way::Down, Toxic::Cut(400)), 3..=5));
    table
        .case("three connections for calls in a row are cut", lost(every(Of::Calls, Way::Down, Toxic::Cut(60)), 1..=1));
    for after in [0, 60, 200, 400] {
        table.case(
            format!("the stream goes silent after {after} bytes"),
            silent(vec![once(Of::Stream, Way::Down, Toxic::Stall(after))]),
        );
    }
    table.case("heartbeats are slower than told", silent(vec![once(Of::Stream, Way::Down, Toxic::Gather(ms(2_500)))]));

    // The answer's status line, a chunk's size, a record's length, the JSON, the last line end of the head.
    for at in [9, 30, 100, 132, 134, 136, 137, 140, 160, 230] {
        let rules = vec![once(Of::Stream, Way::Down, Toxic::Garble(at, b'#'))];
        table.case(format!("byte {at} of the stream is another"), garbled(rules));
    }
    for (cuts, refused) in [(1, 0), (3, 0), (2, 3), (5, 1)] {
        table.case(format!("{cuts} losses of everything, {refused} attempts refused after each"), storm(cuts, refused));
    }
    table.case("a slow reader of the state", slow_reader());
    table.case("nobody reads the notices", unread());
}

fn is_over(status: &Status) -> bool {
    matches!(status.phase, Phase::Closed(_))
}

/// One wrong byte may cost an event, the connection or nothing; never the session, unless it no longer looks like Mesos.
async fn garbled(rules: Vec<Rule>) {
    let setup = Setup { rules, heartbeat: NO_BEAT, patience: Duration::from_secs(2), ..Setup::default() };
    let rig = Rig::begin(setup).await;
    // A call tells whether the stream's id is the right one.
    let mut status = rig.session.status();
    let _ = within(SOON, "an outcome", status.wait_for(|status| status.is_subscribed() || is_over(status))).await;
    let _ = rig.session.call(super::rig::raw(serde_json::json!({"type": "REVIVE"}))).await;
    let settled = status.wait_for(|status| status.is_subscribed() || is_over(status));
    let over = within(SOON, "an outcome", settled).await.map(|status| is_over(&status)).unwrap();
    if over {
        // It no longer looks like a Mesos, or like our stream: told, and the person decides.
        let id = rig.session.read(|state| state.framework_id.clone());
        rig.session.subscribe(mesos_repl::mesos::FrameworkInfo { id, ..super::rig::info() }).await;
    }
    rig.goes_on(1..=3).await;
}

/// Somebody looks at the state for long, again and again, while the stream goes on.
async fn slow_reader() {
    let rig = Rig::new(Setup::default()).await;
    let looking = rig.session.clone();
    let slow = tokio::task::spawn_blocking(move || {
        for _ in 0..20 {
            looking.read(|_| std::thread::sleep(ms(30)));
            std::thread::sleep(ms(1));
        }
    });
    for number in 0..50 {
        rig.master.moves(&format!("t{number}"), "TASK_RUNNING");
    }
    rig.settled().await;
    slow.await.unwrap();
    rig.goes_on(1..=1).await;
}

/// Notices are a ring: who doesn't read loses the oldest, and nobody waits for him.
async fn unread() {
    let rig = Rig::new(Setup::default()).await;
    let mut lazy = rig.session.notices();
    for number in 0..3_000 {
        rig.master.event(&serde_json::json!({"type": "NEWS", "number": number}));
    }
    rig.master.moves("t", "TASK_RUNNING");
    rig.settled().await;
    assert_eq!(rig.session.read(|state| state.counts.unknown), 3_000);
    assert!(matches!(lazy.try_recv(), Err(tokio::sync::broadcast::error::TryRecvError::Lagged(_))));
    rig.close().await;
}
