//! How fast events become state: `cargo bench --bench apply`.
#![allow(
    clippy::unwrap_used,
    missing_docs,
    reason = "a measurement ends with the first thing that isn't as it should be"
)]

use std::time::{Duration, SystemTime};

use criterion::{BatchSize, Criterion, Throughput, criterion_group, criterion_main};
use mesos_repl::mesos::{Event, decode_event};
use mesos_repl::state::State;

const TASKS: usize = 10_000;

fn update(task: usize, state: &str, uuid: usize) -> Event {
    let json = format!(
        r#"{{"type":"UPDATE","update":{{"status":{{"task_id":{{"value":"task-{task}"}},"state":"{state}","agent_id":{{"value":"S{}"}},"uuid":"{uuid:022}=="}}}}}}"#,
        task % 1000
    );
    decode_event(json.into()).unwrap()
}

fn applied(state: &mut State, events: Vec<Event>) {
    for event in events {
        state.apply(event, Duration::from_secs(1), None);
    }
}

fn updates(criterion: &mut Criterion) {
    let new = || (0..TASKS).map(|task| update(task, "TASK_RUNNING", task)).collect::<Vec<_>>();
    let later = || (0..TASKS).map(|task| update(task, "TASK_FINISHED", TASKS + task)).collect::<Vec<_>>();
    let known = || {
        let mut state = State::new(SystemTime::UNIX_EPOCH);
        applied(&mut state, new());
        state
    };
    let mut group = criterion.benchmark_group("10,000 updates");
    group.throughput(Throughput::Elements(TASKS as u64));
    group.sample_size(20);
    let fresh = || (State::new(SystemTime::UNIX_EPOCH), new());
    let run = |(mut state, events): (State, Vec<Event>)| {
        applied(&mut state, events);
        state
    };
    group.bench_function("of new tasks", |b| b.iter_batched(fresh, run, BatchSize::LargeInput));
    group.bench_function("of known tasks", |b| b.iter_batched(|| (known(), later()), run, BatchSize::LargeInput));
    group.bench_function("that came before", |b| b.iter_batched(|| (known(), new()), run, BatchSize::LargeInput));
    group.finish();
}

criterion_group!(benches, updates);
criterion_main!(benches);
