//! How long it takes to draw large documents: a table of 10,000 tasks in every form, and a master's JSON.
//!
//! Needs no cluster and no network. `cargo bench --bench render`
#![allow(missing_docs, reason = "criterion's macros make functions without any")]

use std::hint::black_box;
use std::time::Duration;

use criterion::{BatchSize, Criterion, Throughput, criterion_group, criterion_main};
use mesos_repl::document::{Cell, Column, Document, Table};
use mesos_repl::render::{Page, ansi, html, json, plain, yaml};

const ROWS: u64 = 10_000;

/// Tasks as a large framework has them, every hundredth with text that must be escaped.
fn tasks() -> Document {
    let states = ["TASK_RUNNING", "TASK_FINISHED", "TASK_FAILED", "TASK_STAGING"];
    let columns = [
        Column::new("Task").key("id"),
        Column::new("State"),
        Column::new("Agent"),
        Column::new("What").drops(4),
        Column::number("CPUs").drops(3),
        Column::number("Mem").drops(3),
        Column::number("Since").drops(1),
        Column::new("Message").drops(2),
    ];
    let mut table = Table::new(columns, "no tasks").named("tasks");
    for (row, state) in (0..ROWS).zip(states.iter().cycle()) {
        let message =
            if row % 100 == 0 { "\x1b[31mnaïve <b>日本</b>\nthe end" } else { "Command exited with status 1" };
        table.push([
            Cell::text(format!("task-{row}")),
            Cell::task_state(*state),
            Cell::text(format!("S{} agent{}.example.com", row % 100, row % 100)),
            Cell::text("nginx:1.10-alpine"),
            Cell::Cpus(0.2),
            Cell::Mebibytes(100.0),
            Cell::Ago(Duration::from_secs(row)),
            Cell::text(message),
        ]);
    }
    table.into()
}

fn tables(criterion: &mut Criterion) {
    let tasks = tasks();
    let page = Page::plain(120);
    let coloured = page.clone().coloured(true);
    let mut group = criterion.benchmark_group("10,000 tasks");
    group.throughput(Throughput::Elements(ROWS)).sample_size(20);
    group.bench_function("terminal", |bench| bench.iter(|| ansi(black_box(&tasks), &coloured)));
    group.bench_function("plain, 60 columns", |bench| bench.iter(|| plain(black_box(&tasks), &Page::plain(60))));
    group.bench_function("html", |bench| bench.iter(|| html(black_box(&tasks))));
    group.bench_function("json", |bench| bench.iter(|| json(black_box(&tasks))));
    group.bench_function("yaml", |bench| bench.iter(|| yaml(black_box(&tasks))));
    group.finish();

    // What a prompt waits for after nearly every command.
    let mut small = tasks;
    small.blocks.truncate(1);
    if let Some(mesos_repl::document::Block::Table(table)) = small.blocks.first_mut() {
        table.rows.truncate(20);
    }
    criterion.bench_function("20 tasks, terminal", |bench| bench.iter(|| ansi(black_box(&small), &coloured)));
}

fn state(criterion: &mut Criterion) {
    let slave = serde_json::json!({
        "id": "48ba5286-94c4-47a0-b6b4-bb4e6b0d4a7e-S0", "hostname": "agent1", "pid": "slave(1)@127.0.0.1:5051",
        "resources": {"cpus": 4.0, "mem": 4096.0, "disk": 10035.0, "ports": "[31000-32000]"},
        "attributes": {"rack": "r2d2"}, "active": true, "version": "1.11.0"
    });
    let slaves: Vec<_> = std::iter::repeat_n(slave, 1000).collect();
    let answer = serde_json::json!({"slaves": slaves});
    let page = Page::plain(120).coloured(true);
    let mut group = criterion.benchmark_group("/slaves of 1,000 agents");
    group.sample_size(20);
    group.bench_function("terminal", |bench| {
        bench.iter_batched(|| Document::from(answer.clone()), |document| ansi(&document, &page), BatchSize::LargeInput);
    });
    group.finish();
}

criterion_group!(benches, tables, state);
criterion_main!(benches);
