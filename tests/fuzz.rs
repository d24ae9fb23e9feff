//! What the fuzz targets do, over their corpus: each input that ever failed stays good.

#[path = "../fuzz/src/cluster.rs"]
mod cluster;
#[path = "../fuzz/src/engine.rs"]
pub mod engine;

use std::path::Path;

/// Runs a target over its corpus; how many inputs there were.
fn corpus(name: &str, target: engine::Target) -> usize {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("fuzz/corpus").join(name);
    let mut inputs: Vec<_> = std::fs::read_dir(&folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    inputs.sort();
    for input in &inputs {
        let bytes = std::fs::read(input).unwrap();
        let run = std::panic::catch_unwind(|| target(&bytes));
        assert!(run.is_ok(), "{name}: {} fails", input.display());
    }
    inputs.len()
}

#[test]
fn what_is_read_and_shown_holds_over_the_corpus() {
    for (name, target) in engine::TARGETS {
        assert!(corpus(name, target) > 1, "{name}: no corpus");
    }
}

#[test]
fn an_embedded_mesos_endures_the_corpus() {
    for (name, target) in cluster::TARGETS {
        assert!(corpus(name, target) > 4, "{name}: no corpus");
    }
}

#[test]
fn each_target_has_a_binary_and_a_corpus() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("fuzz");
    let names = |of: &str| -> Vec<String> {
        let mut names: Vec<String> = std::fs::read_dir(folder.join(of))
            .unwrap()
            .map(|entry| entry.unwrap().path().file_stem().unwrap().to_string_lossy().into_owned())
            .collect();
        names.sort();
        names
    };
    assert_eq!(names("fuzz_targets"), names("corpus"));
    assert!(names("corpus").len() >= 9);
}
