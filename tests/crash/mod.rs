//! The program is killed at seeded points of everything it does, and started again: the same framework, no task launched
//! twice, and in the end the view that the master has.
//!
//! A point is a piece of traffic on its way through a proxy: the program dies before it is passed on, in the middle of
//! it, right behind it, or a little later. A failure tells the seed.

mod gate;
mod life;

use std::collections::{BTreeMap, BTreeSet};
use std::net::SocketAddr;
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::support::real_mesos::{RealMesos, plain_client};
use gate::{Gate, When};
use life::{Ended, Life};
use mesos_repl::embedded::{Cluster, Config, Docker};

/// For anything that a life does.
const DEADLINE: Duration = Duration::from_secs(120);
/// Lives that end at their point in the middle of the flow; then comes one in the middle of the framework's end.
const LIVES: usize = 10;

/// One session, one framework, many lives.
struct Chain {
    name: String,
    master: SocketAddr,
    gate: Gate,
    home: tempfile::TempDir,
    random: fastrand::Rng,
    /// How many pieces pass in a whole life.
    pieces: usize,
    killed: usize,
}

impl Chain {
    async fn new(seed: u64, master: SocketAddr) -> Self {
        let home = tempfile::tempdir().unwrap();
        std::fs::create_dir(home.path().join("ran")).unwrap();
        let gate = Gate::before(master).await;
        let random = fastrand::Rng::with_seed(seed);
        Self { name: format!("crash-{seed}"), master, gate, home, random, pieces: 0, killed: 0 }
    }

    /// The flow: a task that stays, one that ends, one that is killed, a call as JSON, and what was left before.
    fn flow(&self, life: usize) -> Vec<String> {
        let ran = self.home.path().join("ran");
        let run = |task: &str, then: &str, how: &str| {
            let name = format!("{task}{life}");
            let marker = ran.join(&name);
            format!("run --cmd 'echo ran >> {}; {then}' --name {name} --cpus 0.1 --mem 32 {how}", marker.display())
        };
        let mut lines = vec![
            format!("subscribe --name {} --failover-timeout 10m", self.name),
            run("stays", "exec sleep 600", ""),
            run("ends", "exit 0", "--until finished"),
            run("fails", "exit 3", "--no-wait"),
            r#"{"type": "REVIVE"}"#.to_owned(),
            format!("kill stays{life}"),
        ];
        // One stays over the end of its life, to be met by the next.
        if life.is_multiple_of(2) {
            lines.push(run("left", "exec sleep 600", ""));
        }
        lines
    }

    /// A whole life is counted first: points are drawn from what passes in it.
    async fn measure(&mut self) {
        self.gate.count();
        let lines = self.flow(0);
        let ended = self.lives(&lines).await;
        assert_eq!(ended, Ended::Through, "{}", self.told());
        self.pieces = self.gate.counted();
        assert!(self.pieces > 20, "only {} pieces", self.pieces);
    }

    /// One life, up to a point drawn by the seed.
    async fn dies(&mut self, lines: &[String], pieces: usize) {
        let piece = self.random.usize(0..pieces);
        let when = match self.random.u8(0..4) {
            0 => When::Before,
            1 => When::Within,
            2 => When::Behind,
            _ => When::Later(Duration::from_micros(self.random.u64(0..5_000))),
        };
        self.gate.trap(piece, when);
        let ended = self.lives(lines).await;
        assert_ne!(ended, Ended::Itself, "{}", self.told());
        // A life may need fewer pieces than the one that was counted.
        self.killed += usize::from(ended == Ended::Killed);
        let known = self.frameworks().await;
        assert!(known.len() <= 1, "killed {when:?} of piece {piece}: {known:?}\n{}", self.told());
    }

    async fn lives(&self, lines: &[String]) -> Ended {
        let mut life = Life::start(self.gate.address, self.home.path(), &["--session", &self.name]);
        self.gate.aims_at(life.pid());
        life.types(lines).await;
        crate::support::within(DEADLINE, "a life", life.ends(&self.gate)).await
    }

    /// What the program said in all its lives.
    fn told(&self) -> String {
        format!("{}\n{}", self.name, std::fs::read_to_string(self.home.path().join("told")).unwrap_or_default())
    }

    /// The frameworks of this chain that the master has ever had, and whether they are over.
    async fn frameworks(&self) -> BTreeMap<String, bool> {
        let answer = asked(self.master, "GET_FRAMEWORKS").await;
        let lists = [("frameworks", false), ("completed_frameworks", true)];
        let all = lists.iter().flat_map(|(list, over)| {
            let entries = answer["get_frameworks"][*list].as_array().cloned().unwrap_or_default();
            entries.into_iter().map(move |entry| (entry["framework_info"].clone(), *over))
        });
        all.filter(|(info, _)| info["name"] == *self.name)
            .map(|(info, over)| (info["id"]["value"].as_str().unwrap().to_owned(), over))
            .collect()
    }

    /// The tasks that the master knows, and the states of them that it has told: one may have ended meanwhile, which waits
    /// behind an update that nobody has acknowledged.
    async fn tasks(&self, framework: &str) -> BTreeMap<String, String> {
        let answer = asked(self.master, "GET_TASKS").await;
        let lists = answer["get_tasks"].as_object().cloned().unwrap_or_default();
        let all = lists.values().filter_map(Value::as_array).flatten();
        all.filter(|task| task["framework_id"]["value"] == framework)
            .map(|task| {
                let text = |value: &Value| value.as_str().unwrap().to_owned();
                let told = task.get("status_update_state").unwrap_or(&task["state"]);
                (text(&task["task_id"]["value"]), text(told))
            })
            .collect()
    }

    /// The tasks that the program knows, asked of a process that nobody kills. It leaves the framework to the next.
    async fn view(&self) -> BTreeMap<String, String> {
        self.gate.count();
        let args = ["--session", &self.name, "--output", "json", "-c", "tasks; detach"];
        let output = Life::whole(self.gate.address, self.home.path(), &args).await;
        let text = String::from_utf8(output.stdout).unwrap();
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        assert!(output.status.success(), "{text}\n{said}\n{}", self.told());
        let mut answers = serde_json::Deserializer::from_str(&text).into_iter::<Value>();
        let tasks = answers.next().unwrap().unwrap();
        let rows = tasks.as_array().unwrap_or_else(|| panic!("no tasks in {text}"));
        rows.iter()
            .map(|row| (row["id"].as_str().unwrap().to_owned(), row["state"].as_str().unwrap().to_owned()))
            .collect()
    }

    /// The program and the master tell the same, and nothing has run twice.
    async fn agrees(&self) {
        let frameworks = self.frameworks().await;
        let living: Vec<_> = frameworks.iter().filter(|(_, over)| !**over).map(|(id, _)| id).collect();
        assert!(living.len() == 1 && frameworks.len() == 1, "{frameworks:?}\n{}", self.told());
        let framework = living[0];
        let started = Instant::now();
        loop {
            let (view, master) = (self.view().await, self.tasks(framework).await);
            let differ: Vec<_> = master.iter().filter(|(task, state)| view.get(*task) != Some(*state)).collect();
            let ghosts: Vec<_> =
                view.iter().filter(|(task, state)| !master.contains_key(*task) && !is_over(state)).collect();
            if differ.is_empty() && ghosts.is_empty() {
                self.ran_once(&view, &master);
                return;
            }
            // What ends at this moment may be known to one of them only.
            assert!(
                started.elapsed() < DEADLINE / 4,
                "the master says {differ:?}, the program {view:?}, {ghosts:?} aren't there\n{}",
                self.told()
            );
        }
    }

    fn ran_once(&self, view: &BTreeMap<String, String>, master: &BTreeMap<String, String>) {
        for entry in std::fs::read_dir(self.home.path().join("ran")).unwrap() {
            let entry = entry.unwrap();
            let task = entry.file_name().into_string().unwrap();
            let times = std::fs::read_to_string(entry.path()).unwrap().lines().count();
            assert_eq!(times, 1, "{task} was launched more than once\n{}", self.told());
            assert!(view.contains_key(&task) && master.contains_key(&task), "{task}: {view:?}, {master:?}");
        }
        // A master that was asked a second time would say so.
        assert!(master.values().all(|state| state != "TASK_ERROR"), "{master:?}\n{}", self.told());
    }

    /// Many lives, and then the framework's end, in whose middle the program dies too.
    async fn runs(mut self, lives: usize) -> usize {
        self.measure().await;
        let pieces = self.pieces;
        let mut life = 0;
        while self.killed < lives {
            life += 1;
            assert!(life < 4 * lives, "only {} of {life} lives were killed at their point", self.killed);
            let lines = self.flow(life);
            self.dies(&lines, pieces).await;
            if life.is_multiple_of(5) {
                self.agrees().await;
            }
        }
        self.agrees().await;
        let id: BTreeSet<_> = self.frameworks().await.into_keys().collect();
        self.dies(&["teardown".to_owned()], 24).await;
        // Whether the master heard of it or not, the next start finds out, and ends what is there.
        self.gate.count();
        let is_there = self.frameworks().await.values().any(|over| !over);
        let then = if is_there { "teardown" } else { "status" };
        let output = Life::whole(self.gate.address, self.home.path(), &["--session", &self.name, "-c", then]).await;
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        assert!(output.status.success(), "{then}: {said}\n{}", self.told());
        assert_eq!(said.contains("taken up again"), is_there, "{said}\n{}", self.told());
        let end = self.frameworks().await;
        assert!(end.values().all(|over| *over), "{end:?}\n{}", self.told());
        assert_eq!(end.into_keys().collect::<BTreeSet<_>>(), id);
        self.killed
    }
}

fn is_over(state: &str) -> bool {
    !matches!(state, "TASK_STAGING" | "TASK_STARTING" | "TASK_RUNNING" | "TASK_KILLING" | "TASK_UNREACHABLE")
}

async fn asked(master: SocketAddr, kind: &str) -> Value {
    let (client, begun) = (plain_client(), Instant::now());
    loop {
        let request = client
            .post(format!("http://{master}/api/v1"))
            .header("content-type", "application/json")
            .header("accept", "application/json")
            .body(json!({ "type": kind }).to_string());
        match request.send().await {
            Ok(answer) => return serde_json::from_slice(&answer.bytes().await.unwrap()).unwrap(),
            // The machine is busy with what dies and starts.
            Err(error) => assert!(begun.elapsed() < DEADLINE, "{error}"),
        }
    }
}

/// Chains side by side; how often the program was killed.
async fn chains(master: SocketAddr, seeds: std::ops::Range<u64>, lives: usize, together: usize) -> usize {
    use futures_util::StreamExt as _;
    let all = futures_util::stream::iter(seeds)
        .map(|seed| async move { tokio::spawn(Chain::new(seed, master).await.runs(lives)).await.unwrap() });
    all.buffer_unordered(together).fold(0, |sum, killed| async move { sum + killed }).await
}

#[expect(clippy::print_stdout, reason = "the harness keeps it, and shows it when asked to")]
fn report(what: &str, killed: usize, begun: Instant) {
    println!("{what}: killed {killed} times in {:.1} s", begun.elapsed().as_secs_f64());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn killed_at_200_points_on_the_embedded_mesos() {
    let begun = Instant::now();
    let allocation_interval = Duration::from_millis(50);
    let config = Config { agents: 2, docker: Docker::Never, allocation_interval, ..Config::default() };
    let cluster = Cluster::start(config).await.unwrap();
    let seed = seed();
    let killed = chains(cluster.address(), seed..seed + 20, LIVES, 4).await;
    report("embedded", killed, begun);
    assert!(killed >= 200, "{killed}");
    cluster.shutdown().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn killed_at_20_points_on_an_apache_mesos() {
    let begun = Instant::now();
    let mesos = match RealMesos::start(2).await {
        Ok(mesos) => mesos,
        Err(why) => skip!("{why}"),
    };
    // Its tasks take their time: two sessions in each run of the tests, 20 for 200 points.
    let sessions = number("MESOS_TEST_SESSIONS", 2);
    let seed = seed();
    let killed = chains(mesos.address().parse().unwrap(), seed..seed + sessions, LIVES, 4).await;
    report("Apache Mesos", killed, begun);
    assert!(killed >= LIVES * sessions as usize, "{killed}");
}

/// Always the same points, unless other ones are asked for.
fn seed() -> u64 {
    number("MESOS_TEST_SEED", 1)
}

fn number(variable: &str, usual: u64) -> u64 {
    std::env::var(variable).map_or(usual, |number| number.parse().unwrap())
}
