//! What a task costs beyond the text that came with it.

use std::time::{Duration, SystemTime};

use bytes::Bytes;
use mesos_repl::mesos::decode_event;
use mesos_repl::state::State;

const TASKS: usize = 300_000;

/// Takes in three updates of each task, and compares the process's growth with the text that it holds.
pub fn measure() {
    let mut state = State::new(SystemTime::now());
    let mut text = 0;
    // The journal fills to its bounds first: it is not the tasks'.
    for number in 0..2_000 {
        take(&mut state, number, "TASK_RUNNING");
    }
    let before = resident();
    for number in 2_000..2_000 + TASKS {
        for state_name in ["TASK_STARTING", "TASK_RUNNING", "TASK_FINISHED"] {
            text += take(&mut state, number, state_name);
        }
    }
    let grown = resident() - before;
    let beyond = (grown as f64 - text as f64) / TASKS as f64;
    println!(
        "  {TASKS} tasks with 3 updates each: {:.1} MB resident for {:.1} MB of text, {beyond:.0} bytes a task beyond its own text",
        grown as f64 / 1e6,
        text as f64 / 1e6
    );
}

fn take(state: &mut State, number: usize, name: &str) -> usize {
    let json = format!(
        r#"{{"type":"UPDATE","update":{{"status":{{"task_id":{{"value":"task-{number}"}},"state":"{name}","source":"SOURCE_EXECUTOR","agent_id":{{"value":"bench-S{}"}},"executor_id":{{"value":"task-{number}"}},"timestamp":1795345242.0,"uuid":"{number:022}==","container_status":{{"container_id":{{"value":"00000000-0000-0000-0000-000000000000"}},"network_infos":[{{"ip_addresses":[{{"protocol":"IPv4","ip_address":"127.0.0.1"}}]}}]}}}}}}}}"#,
        number % 1000
    );
    let length = json.len();
    state.apply(decode_event(Bytes::from(json)).unwrap(), Duration::from_secs(1), None);
    length
}

fn resident() -> usize {
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let line = status.lines().find(|line| line.starts_with("VmRSS:")).unwrap();
    line.split_whitespace().nth(1).unwrap().parse::<usize>().unwrap() * 1024
}
