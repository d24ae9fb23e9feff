//! What holds of a state whatever comes, in whatever order: compared with a model that is too simple to be wrong.
#![allow(clippy::unwrap_used, reason = "a test ends with the first thing that isn't as it should be")]

use std::collections::{BTreeMap, BTreeSet};
use std::time::{Duration, SystemTime};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use proptest::prelude::*;
use serde_json::{Value, json};

use super::*;

const STATES: [&str; 10] = [
    "TASK_STAGING",
    "TASK_STARTING",
    "TASK_RUNNING",
    "TASK_KILLING",
    "TASK_UNREACHABLE",
    "TASK_LOST",
    "TASK_FINISHED",
    "TASK_FAILED",
    "TASK_KILLED",
    "TASK_ERROR",
];

/// One thing that can happen.
#[derive(Clone, Debug)]
enum Step {
    /// An update: task, state, uuid (of sixteen), whether it answers a reconciliation.
    Update(u8, usize, Option<u8>, bool),
    /// The acknowledgement of a uuid was answered.
    Acknowledged(u8, u8),
    Launch(u8),
    Unlaunch(u8),
    Offer(u8),
    Rescind(u8),
    /// Offers are used together.
    Spend(Vec<u8>),
    Lease(u8),
    Void,
}

fn step() -> impl Strategy<Value = Step> {
    let (task, uuid, offer) = (0u8..5, 0u8..16, 0u8..8);
    prop_oneof![
        6 => (task.clone(), 0usize..STATES.len(), prop::option::of(uuid.clone()), any::<bool>())
            .prop_map(|(task, state, uuid, reconciled)| Step::Update(task, state, uuid, reconciled)),
        2 => (task.clone(), uuid).prop_map(|(task, uuid)| Step::Acknowledged(task, uuid)),
        1 => task.clone().prop_map(Step::Launch),
        1 => task.prop_map(Step::Unlaunch),
        3 => offer.clone().prop_map(Step::Offer),
        1 => offer.clone().prop_map(Step::Rescind),
        2 => prop::collection::vec(offer.clone(), 0..4).prop_map(Step::Spend),
        1 => offer.prop_map(Step::Lease),
        1 => Just(Step::Void),
    ]
}

fn name(task: u8) -> String {
    format!("t{task}")
}

fn update(task: u8, state: usize, uuid: Option<u8>, reconciled: bool) -> Event {
    let mut status = json!({"task_id": {"value": name(task)}, "state": STATES[state], "agent_id": {"value": "S0"}});
    if let Some(uuid) = uuid {
        status["uuid"] = STANDARD.encode([uuid; 16]).into();
    }
    if reconciled {
        status["reason"] = "REASON_RECONCILIATION".into();
    }
    event(json!({"type": "UPDATE", "update": {"status": status}}))
}

fn event(value: Value) -> Event {
    decode_event(value.to_string().into()).unwrap()
}

/// What the model knows of a task.
#[derive(Default)]
struct Model {
    uuids: Vec<u8>,
    acknowledged: BTreeSet<u8>,
    /// The first final state that an update told.
    last: Option<TaskState>,
}

proptest! {
    #[test]
    fn updates_and_offers_are_kept_as_they_must(steps in prop::collection::vec(step(), 0..80)) {
        let mut state = State::new(SystemTime::UNIX_EPOCH);
        let mut tasks: BTreeMap<u8, Model> = BTreeMap::new();
        let (mut held, mut used, mut offered): (BTreeSet<u8>, Vec<u8>, Vec<u8>) = Default::default();
        for (number, step) in steps.into_iter().enumerate() {
            let at = Duration::from_millis(number as u64);
            match step {
                Step::Update(task, to, uuid, reconciled) => {
                    let model = tasks.entry(task).or_default();
                    let seen = uuid.is_some_and(|uuid| model.uuids.contains(&uuid));
                    let change = state.apply(update(task, to, uuid, reconciled), at, None);
                    let Change::Updated { effect, acknowledge, .. } = change else { panic!("{change:?}") };
                    // Whatever has a uuid is acknowledged each time it comes, and nothing else ever is.
                    prop_assert_eq!(acknowledge.map(|(_, uuid)| uuid[0]), uuid);
                    // It is new once.
                    prop_assert_eq!(effect == Effect::Repeated, seen);
                    if let Some(uuid) = uuid.filter(|_| !seen) {
                        model.uuids.push(uuid);
                    }
                    let now = state.tasks.get(&name(task)).unwrap().state.clone();
                    let may_return = |state: &TaskState| matches!(state, TaskState::Lost | TaskState::Unknown);
                    if let Some(last) = &model.last {
                        prop_assert_eq!(&now, last, "final is final");
                    } else if is_terminal(&now) && !may_return(&now) {
                        model.last = Some(now);
                    }
                }
                Step::Acknowledged(task, uuid) => {
                    state.tasks.acknowledged(&name(task), &[uuid; 16], at);
                    if let Some(model) = tasks.get_mut(&task).filter(|model| model.uuids.contains(&uuid)) {
                        model.acknowledged.insert(uuid);
                    }
                }
                Step::Launch(task) => {
                    // A session launches under new ids.
                    if state.tasks.get(&name(task)).is_none() {
                        let task = serde_json::from_value(json!({"name": "t", "task_id": {"value": name(task)}, "agent_id": {"value": "S0"}}));
                        state.tasks.launched(Launch { task: task.unwrap(), hostname: String::new(), at });
                    }
                }
                Step::Unlaunch(task) => state.tasks.unlaunched(&name(task)),
                Step::Offer(offer) => {
                    // A master never gives an id twice.
                    if !offered.contains(&offer) {
                        offered.push(offer);
                        held.insert(offer);
                        state.apply(event(json!({"type": "OFFERS", "offers": {"offers": [
                            {"id": {"value": offer.to_string()}, "agent_id": {"value": "S0"}}]}})), at, Some(Duration::from_millis(9)));
                    }
                }
                Step::Rescind(offer) => {
                    let change = state.apply(event(json!({"type": "RESCIND", "rescind": {"offer_id": {"value": offer.to_string()}}})), at, None);
                    prop_assert!(matches!(change, Change::Rescinded(_, was) if was == held.remove(&offer)));
                }
                Step::Spend(offers) => {
                    let ids: Vec<OfferId> = offers.iter().map(|offer| offer.to_string().as_str().into()).collect();
                    let spent = state.spend(&ids);
                    for one in spent {
                        let offer: u8 = one.record.id.as_str().parse().unwrap();
                        prop_assert!(held.remove(&offer), "{offer} wasn't in hand");
                        prop_assert!(!used.contains(&offer), "{offer} is used twice");
                        used.push(offer);
                    }
                    prop_assert!(offers.iter().all(|offer| !held.contains(offer)));
                }
                Step::Lease(offer) => {
                    state.offers.hold(&offer.to_string().as_str().into());
                    let expired = state.offers.expired(at);
                    state.spend(&expired);
                    for id in expired {
                        prop_assert!(held.remove(&id.as_str().parse::<u8>().unwrap()));
                    }
                }
                Step::Void => {
                    prop_assert_eq!(state.void_offers(), held.len());
                    held.clear();
                }
            }
            prop_assert_eq!(state.offers.len(), held.len());
            let active = state.tasks.iter().filter(|task| !task.is_over()).count();
            prop_assert_eq!(state.tasks.active(), active);
        }
        for (task, model) in tasks {
            let known = state.tasks.get(&name(task)).unwrap();
            let history: Vec<u8> = known
                .history()
                .filter(|update| update.wants_acknowledgement)
                .map(|update| update.status().unwrap().uuid.unwrap().0[0])
                .collect();
            prop_assert_eq!(&history, &model.uuids, "each once, in the order they came");
            for uuid in model.uuids {
                prop_assert_eq!(state.tasks.is_acknowledged(&name(task), &[uuid; 16]), model.acknowledged.contains(&uuid));
            }
        }
    }
}
