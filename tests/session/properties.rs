//! Whatever updates come, in whatever order and however often: as many acknowledgements leave, in that order.

use super::*;
use crate::support::hostile::update;
use proptest::prelude::*;
use proptest::test_runner::{Config as Cases, TestRunner};

#[test]
fn each_update_that_comes_is_acknowledged_once() {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().start_paused(true).build().unwrap();
    let begin = || runtime.block_on(connected([Answer::Stream { heartbeat: 1e9 }]));
    let now = std::cell::RefCell::new((begin(), 0));
    let mut runner = TestRunner::new(Cases { failure_persistence: None, ..Cases::default() });
    // Task and uuid, or none; the tasks of each case are its own.
    let updates = prop::collection::vec((0u8..3, prop::option::weighted(0.8, 0u8..4)), 1..12);
    let outcome = runner.run(&updates, |updates| {
        let mut now = now.borrow_mut();
        now.1 += 1;
        if now.1 % 50 == 0 {
            // All that was ever asked is looked through each time.
            runtime.block_on(now.0.1.close());
            now.0 = begin();
        }
        let ((master, _), case) = &*now;
        let (mut wanted, before) = (Vec::new(), master.count("ACKNOWLEDGE"));
        for (task, uuid) in &updates {
            let id = format!("{case}-{task}");
            master.event(&update(&id, "TASK_RUNNING", *uuid));
            wanted.extend(uuid.map(|uuid| (id, uuid)));
        }
        runtime.block_on(async {
            if let Some(last) = wanted.len().checked_sub(1) {
                master.call("ACKNOWLEDGE", before + last).await;
            }
            // Nothing comes after them.
            tokio::time::sleep(Duration::from_secs(5)).await;
        });
        let came: Vec<_> = master.all("ACKNOWLEDGE").split_off(before).iter().map(acknowledged).collect();
        prop_assert_eq!(came, wanted);
        Ok(())
    });
    runtime.block_on(now.borrow().0.1.close());
    if let Err(error) = outcome {
        panic!("{error}");
    }
}

fn acknowledged(asked: &crate::support::hostile::Asked) -> (String, u8) {
    use base64::Engine as _;
    let body = asked.json()["acknowledge"].clone();
    let uuid = base64::engine::general_purpose::STANDARD.decode(body["uuid"].as_str().unwrap()).unwrap();
    (body["task_id"]["value"].as_str().unwrap().to_owned(), uuid[0])
}
