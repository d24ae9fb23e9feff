//! `status`: how the session stands.

use super::prelude::*;
use crate::detect::Standing;
use crate::session::{Masters, Phase, Session, Status};

command! {
    Verb {
        summary: "how the session stands",
        examples: &[Example::new("status", "master, subscription, offers, tasks, the last sign of life")],
        group: "session",
        ..Verb::new("status")
    }
}

async fn run(context: &mut Context<'_>, _args: Args) -> Result<(), Failure> {
    let session = context.session();
    let status = session.status().borrow().clone();
    let target = context.target();
    let now = session.now();
    let mut fields = Fields::new().named("session").field("master", status.master());
    if let (Masters::ZooKeeper { url, .. }, Some(seen)) = (&target.masters, &status.seen) {
        fields = fields.keyed("found by", "zookeeper", url.to_string());
        if status.address.is_none() || seen.leader().is_none() || seen.standing == Standing::Away {
            fields = fields.keyed("", "standing", seen.standing.to_string());
        }
    }
    if let Some(label) = &target.label {
        fields = fields.keyed("", "note", label.as_str());
    }
    fields = phase(fields, &status.phase, now, &session);
    fields = patience(fields, &status, now);
    if let Some(info) = &status.framework {
        fields = fields.field("name", info.name.as_str());
    }
    let document = session.read(|state| {
        let mut fields = fields;
        if let Some(id) = &state.framework_id {
            fields = fields.keyed("framework", "framework_id", Cell::id(id.as_str(), id.as_str()));
        }
        let supply = if status.suppressed {
            "suppressed: the master was asked for no more"
        } else if status.filtered {
            "what was given back stays away for a while, until offers are asked for"
        } else {
            ""
        };
        fields = fields.field("offers", Cell::Count(state.offers.len() as u64));
        if !supply.is_empty() {
            fields = fields.keyed("", "supply", supply);
        }
        fields = fields
            .field("active tasks", Cell::Count(state.tasks.active() as u64))
            .keyed("all tasks", "tasks", Cell::Count(state.tasks.len() as u64))
            .keyed("last event", "last_event", Cell::maybe(state.last_event, |at| Cell::Ago(now.saturating_sub(at))))
            .field("events", Cell::Count(state.counts.events))
            .field("updates", Cell::Count(state.counts.updates));
        if state.counts.repeats > 0 {
            fields = fields.field("repeated", Cell::Count(state.counts.repeats));
        }
        if state.counts.bad > 0 {
            fields = fields.keyed("unreadable records", "bad", Cell::Count(state.counts.bad));
        }
        Document::from(fields)
    });
    let next: &[&str] = match &status.phase {
        Phase::Idle | Phase::Closed(_) => &["subscribe", "connect HOST:PORT"],
        Phase::Subscribed { .. } => &["offers", "tasks", "events"],
        _ => &["reconnect", "events"],
    };
    context.show(document.with_next(next.iter().copied()));
    Ok(())
}

/// How long the master waits, or still waits.
fn patience(fields: Fields, status: &Status, now: Duration) -> Fields {
    if status.framework.is_none() || matches!(status.phase, Phase::Idle | Phase::Closed(_)) {
        return fields;
    }
    match (status.failover_timeout(), status.time_left(now)) {
        (Duration::ZERO, _) => {
            fields.field("failover timeout", Cell::state("none: its tasks end with its connection", Tone::Bad))
        }
        (_, Some(Duration::ZERO)) => {
            fields.field("failover timeout", Cell::state("over: the master may have ended the framework", Tone::Bad))
        }
        (timeout, None) => fields.field("failover timeout", Cell::Lasted(timeout)),
        (_, Some(left)) => fields.keyed("the master waits for", "failover_timeout_left", Cell::Left(left)),
    }
}

fn phase(fields: Fields, phase: &Phase, now: Duration, session: &Session) -> Fields {
    let state = |text: &str, tone| Cell::state(text, tone);
    match phase {
        Phase::Idle => fields.field("state", state("not subscribed", Tone::Dim)),
        Phase::Waiting { until, why } => fields
            .field("state", state("not connected", Tone::Bad))
            .keyed("because", "why", why.as_str())
            .keyed("next try in", "retry", Cell::Left(until.saturating_sub(now))),
        Phase::Subscribing { since, .. } => fields.field("state", state("subscribing", Tone::Waiting)).keyed(
            "for",
            "since",
            Cell::Lasted(now.saturating_sub(*since)),
        ),
        Phase::Subscribed { since, heartbeat, .. } => fields
            .field("state", state("subscribed", Tone::Running))
            .keyed("for", "since", Cell::Lasted(now.saturating_sub(*since)))
            .field("heartbeat", Cell::Lasted(*heartbeat)),
        Phase::Closed(why) => fields.field("state", state("closed", Tone::Dim)).keyed(
            "because",
            "why",
            crate::engine::explain::closed(why, session).what,
        ),
    }
}
