//! How fast records become events: `cargo bench --bench decode`.
#![allow(
    clippy::unwrap_used,
    missing_docs,
    reason = "a measurement ends with the first thing that isn't as it should be"
)]

use std::hint::black_box;

use bytes::Bytes;
use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use mesos_repl::mesos::{EventMessage, decode_event};
use mesos_repl::recordio::{Decoder, encode};

/// The newest recorded event of a kind, from a real master.
fn recorded(kind: &str) -> Bytes {
    let text = include_str!("../tests/golden/1.11.0/command-task.jsonl");
    let steps = text.lines().map(|line| serde_json::from_str::<serde_json::Value>(line).unwrap());
    let events = steps.filter_map(|mut step| step.get_mut("event").map(serde_json::Value::take));
    Bytes::from(events.rev().find(|event| event["type"] == kind).unwrap().to_string())
}

/// An OFFERS event of a hundred agents.
fn hundred_offers() -> Bytes {
    let mut event: serde_json::Value = serde_json::from_slice(&recorded("OFFERS")).unwrap();
    let offer = event["offers"]["offers"][0].clone();
    event["offers"]["offers"] = vec![offer; 100].into();
    Bytes::from(event.to_string())
}

fn decoding(criterion: &mut Criterion) {
    for (name, record) in [("UPDATE", recorded("UPDATE")), ("OFFERS, 100", hundred_offers())] {
        let mut group = criterion.benchmark_group(name);
        group.throughput(Throughput::Bytes(record.len() as u64));
        group.bench_function("as a session reads it", |b| b.iter(|| decode_event(black_box(record.clone())).unwrap()));
        group.bench_function("every field, typed", |b| {
            b.iter(|| serde_json::from_slice::<EventMessage>(black_box(&record)).unwrap());
        });
        group.finish();
    }
}

fn framing(criterion: &mut Criterion) {
    let stream: Vec<u8> = (0..1000).flat_map(|_| encode(&recorded("UPDATE"))).collect();
    let mut group = criterion.benchmark_group("RecordIO, 1000 records");
    group.throughput(Throughput::Bytes(stream.len() as u64));
    for piece in [1 << 10, 64 << 10] {
        let pieces: Vec<_> = stream.chunks(piece).map(Bytes::copy_from_slice).collect();
        group.bench_function(format!("in pieces of {piece} bytes"), |b| {
            b.iter(|| {
                let mut decoder = Decoder::default();
                let mut records = 0;
                for piece in &pieces {
                    decoder.push(piece.clone());
                    while decoder.next_record().unwrap().is_some() {
                        records += 1;
                    }
                }
                assert_eq!(black_box(records), 1000);
            });
        });
    }
    group.finish();
}

criterion_group!(benches, decoding, framing);
criterion_main!(benches);
