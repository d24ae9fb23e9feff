//! Every example of every command does what it says: it is typed into a fresh session on a fresh cluster.

use mesos_repl::engine::verbs;

use super::Bench;

#[tokio::test(flavor = "multi_thread")]
async fn every_example_works() {
    for verb in verbs() {
        for example in verb.examples.iter().filter(|example| example.needs.is_none()) {
            let bench = Bench::start(1).await;
            for before in example.after {
                bench.done(before).await;
            }
            let answers = bench.done(example.text).await;
            assert!(verb.name == "quit" || !answers.is_empty(), "{} answers nothing", example.text);
            bench.stop().await;
        }
    }
}
