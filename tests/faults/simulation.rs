//! Days of a session's life in a minute: tasks come and go, and by chance everything goes wrong that can; nothing
//! may be lost, and nothing may grow: neither memory nor the session's file.
//!
//! The clock is in the test's hand; the disk's isn't, so that it seems slow, by seconds. The master's books forget what
//! the session has forgotten: what is left of all that is allocated is the same at the end as in the beginning. Chance has a seed, which is told; `MESOS_TEST_SEED` gives one, `MESOS_TEST_HOURS`
//! another length than the twelve hours of an ordinary test run, `MESOS_TEST_LIVES` how many short lives there are.

use std::collections::HashMap;
use std::io::Write as _;
use std::time::Duration;

use mesos_repl::client::{Access, Address, Patience};
use mesos_repl::session::{Config, Notice, Session};
use mesos_repl::store::{self, Folder, Naming};
use serde_json::json;
use tokio::time::Instant;

use super::rig::{accept, info, raw};
use crate::support::books::{Known, Master, Opening, Reply};

const HOUR: Duration = Duration::from_secs(3600);
/// So few that two hours reach it: what is held must not grow from then on.
const KEPT: usize = 250;
/// So small that the file is written anew every few hours.
const REWRITE: u64 = 512 << 10;
const NAME: &str = "days";

struct World {
    master: Master,
    session: Session,
    home: tempfile::TempDir,
    chance: fastrand::Rng,
    launched: usize,
    running: Vec<String>,
    faults: usize,
    /// Tasks that the master has forgotten since their ends were acknowledged.
    retired: HashMap<String, Known>,
    /// How many of them the session has forgotten too.
    gone: usize,
    /// Notices that nobody takes.
    _unread: tokio::sync::broadcast::Receiver<Notice>,
}

/// What a session holds on to.
#[derive(Clone, Copy)]
struct Held {
    tasks: usize,
    text: usize,
    journal: usize,
    offers: usize,
}

impl std::fmt::Display for Held {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self { tasks, text, journal, offers } = self;
        let (text, journal) = (*text as f64 / 1e6, *journal as f64 / 1e6);
        write!(f, "{tasks} tasks with {text:.1} MB of updates, {journal:.1} MB of journal, {offers} offers")
    }
}

/// Sizes over some hours, in bytes.
#[derive(Clone, Copy, Default)]
struct Sizes {
    count: usize,
    /// The sum of what was allocated in the process, at each look.
    allocated: usize,
    /// The largest file.
    file: u64,
}

impl Sizes {
    fn look(&mut self, world: &World) {
        self.count += 1;
        self.allocated += crate::ALLOCATED.allocated();
        let file = std::fs::metadata(world.home.path().join(format!("{NAME}.session")));
        self.file = self.file.max(file.map_or(0, |file| file.len()));
    }

    fn of(hours: &[Self]) -> Self {
        let sum = |one: fn(&Self) -> usize| hours.iter().map(one).sum();
        let file = hours.iter().map(|hour| hour.file).max().unwrap_or(0);
        Self { count: sum(|hour| hour.count), allocated: sum(|hour| hour.allocated), file }
    }

    fn mean(&self) -> f64 {
        self.allocated as f64 / self.count.max(1) as f64
    }
}

impl std::fmt::Display for Sizes {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(
            f,
            "{:.2} MB allocated in the mean, a file of {:.2} MB at most",
            self.mean() / 1e6,
            self.file as f64 / 1e6
        )
    }
}

/// A folder in memory where there is one: a disk would be waited for some hundred thousand times.
fn home() -> tempfile::TempDir {
    tempfile::tempdir_in("/dev/shm").or_else(|_| tempfile::tempdir()).unwrap()
}

impl World {
    async fn new(seed: u64) -> Self {
        let master = Master::start(15.0).await;
        let patience = Patience { connect: Duration::from_secs(5), answer: Duration::from_secs(75) };
        let address = Address::parse(&master.address.to_string()).unwrap();
        let access = Access { patience, ..Access::default() };
        let home = home();
        let found =
            store::open(&Folder::at(home.path()), &Naming::Named(NAME.to_owned()), &address.to_string()).unwrap();
        let config = Config { access, idle: None, kept: KEPT, rewrite: REWRITE, ..Config::new(address) };
        let session = Session::resume(config, found).unwrap();
        let unread = session.notices();
        session.subscribe(info()).await;
        let chance = fastrand::Rng::with_seed(seed);
        let (launched, running, faults, retired, gone) = (0, Vec::new(), 0, HashMap::new(), 0);
        Self { master, session, home, chance, launched, running, faults, retired, gone, _unread: unread }
    }

    fn held(&self) -> Held {
        self.session.read(|state| {
            let text = state.tasks.iter().flat_map(|task| task.history()).map(|update| update.json.len()).sum();
            let journal = state.journal.since(0).map(|entry| entry.what.text().len()).sum();
            Held { tasks: state.tasks.len(), text, journal, offers: state.offers.len() }
        })
    }

    /// The books let go of what nobody will ask for any more.
    fn forget(&mut self) {
        self.retired.extend(self.master.retire());
        self.master.forget_asked();
        let before = self.retired.len();
        let Self { retired, session, .. } = self;
        session.read(|state| retired.retain(|id, _| state.tasks.get(id).is_some()));
        self.gone += before - self.retired.len();
    }

    /// What the file says is what is known.
    fn check_file(&self) {
        let kept = Folder::at(self.home.path()).look(NAME).unwrap().unwrap().kept.unwrap().unwrap();
        self.session.read(|state| {
            assert_eq!(kept.id(), state.framework_id.as_ref());
            for task in state.tasks.iter() {
                let recorded = kept.state.tasks.get(task.id.as_str()).map(|task| (&task.state, task.updates()));
                assert_eq!(recorded, Some((&task.state, task.updates())), "{}", task.id.as_str());
            }
        });
    }

    /// Half a minute or so of ordinary work.
    async fn work(&mut self) {
        if self.session.status().borrow().is_subscribed() && self.running.len() < 40 {
            let offer = format!("O{}", self.launched);
            self.master.offer(&[&offer]);
            let has = self.session.changed_until(|state| state.offers.get(&offer).is_some());
            if tokio::time::timeout(Duration::from_secs(1), has).await.is_ok() {
                let task = format!("task-{}", self.launched);
                // Whether it was launched is the books' to know.
                let _ = self.session.call(raw(accept(&offer, &task))).await;
                self.running.push(task);
            }
            self.launched += 1;
        }
        let known = self.master.tasks();
        let mut still = Vec::new();
        for task in std::mem::take(&mut self.running) {
            match known.get(&task) {
                Some((state, _, 0)) if state == "TASK_RUNNING" && self.chance.u8(..) < 60 => {
                    match self.chance.u8(0..10) {
                        0..6 => self.master.moves(&task, "TASK_FINISHED"),
                        6 => self.master.moves(&task, "TASK_FAILED"),
                        7 => {
                            let kill = json!({"type": "KILL", "kill": {"task_id": {"value": task}}});
                            let _ = self.session.call(raw(kill)).await;
                            still.push(task);
                        }
                        // The agent is lost: by the master's word, told or not.
                        _ => self.master.says(&task, "TASK_LOST", "REASON_AGENT_REMOVED", self.chance.bool()),
                    }
                }
                Some((state, ..)) if !matches!(state.as_str(), "TASK_RUNNING" | "TASK_STARTING") => {}
                None => {}
                Some(_) => still.push(task),
            }
        }
        self.running = still;
    }

    /// Something goes wrong.
    fn fault(&mut self) {
        self.faults += 1;
        let kinds = ["ACCEPT", "ACKNOWLEDGE", "KILL", "RECONCILE", "DECLINE"];
        let kind = kinds[self.chance.usize(..kinds.len())];
        match self.chance.u8(0..16) {
            0 | 1 => self.master.cut(),
            2 => self.master.end(),
            3 => self.master.bytes(b"no length\n"),
            4 => self.master.bytes(b"7\n{\"type\""),
            5 => {
                // In the middle of a record.
                self.master.bytes(b"500\n{\"type\":\"UPDATE\"");
                self.master.cut();
            }
            6 => (0..self.chance.usize(1..6))
                .for_each(|_| self.master.refuse(Reply::status(503, "", "No leader elected"))),
            7 => self.master.refuse(Reply::bytes("")),
            8 => self.master.open(Opening { subscribed: false, ..Opening::default() }),
            9 => self.master.reply(kind, Reply::bytes("")),
            10 => self.master.reply(kind, Reply::bytes("HTTP/1.1 202 Acc").then_end().but_taken()),
            11 => self.master.reply(kind, Reply::status(502, "", "<html>").but_taken()),
            12 => self.master.reply(kind, Reply::status(500, "", "")),
            13 => self.master.reply(kind, Reply::status(403, "", "Framework is not subscribed")),
            14 => self.master.send_pending(),
            _ => self.master.event(&json!({"type": "NEWS", "news": "x".repeat(self.chance.usize(..5_000))})),
        }
    }

    /// The updates that wait are sent again and again, and heartbeats come, unless they are muted for now.
    fn agents(&self) -> tokio::task::JoinHandle<()> {
        let (master, mut chance) = (self.master.clone(), fastrand::Rng::with_seed(self.chance.clone().u64(..)));
        tokio::spawn(async move {
            let mut mute = 0;
            loop {
                tokio::time::sleep(Duration::from_secs(10)).await;
                if chance.u16(..) < 60 {
                    mute = 12;
                }
                mute = i32::max(mute - 1, 0);
                if mute == 0 {
                    master.event(&json!({"type": "HEARTBEAT"}));
                    master.send_pending();
                }
            }
        })
    }

    /// What differs between the session's view and what is or was so.
    fn differs(&self) -> Option<String> {
        let known = self.master.tasks();
        let all = self.retired.iter().chain(&known);
        let forgotten = self.session.read(|state| state.tasks.forgotten());
        let mut missing = 0;
        for (id, (wanted, sent, pending)) in all {
            if *pending > 0 {
                return Some(format!("{id}: {pending} updates aren't acknowledged"));
            }
            let seen = self.session.read(|state| {
                state.tasks.get(id).map(|task| {
                    let updates = task.history().filter(|update| update.wants_acknowledgement).count();
                    (task.state.as_str().to_owned(), updates)
                })
            });
            match seen {
                Some((state, updates)) if (&state, updates) != (wanted, sent.len()) => {
                    return Some(format!(
                        "{id} is {state} with {updates} updates, and {wanted} with {} by the books",
                        sent.len()
                    ));
                }
                Some(_) => {}
                None => missing += 1,
            }
        }
        let missing = missing + self.gone;
        if missing > forgotten {
            return Some(format!("{missing} tasks are missing, and {forgotten} were let go of"));
        }
        self.session.read(|state| {
            let ghost = state.tasks.iter().find(|task| {
                !task.is_over() && !known.contains_key(task.id.as_str()) && !self.retired.contains_key(task.id.as_str())
            });
            ghost.map(|task| format!("{} is {:?}, and unknown by the books", task.id.as_str(), task.state))
        })
    }

    /// Calm, until all has come out.
    async fn calm(&mut self) {
        let begun = Instant::now();
        while let Some(why) = self.differs() {
            assert!(begun.elapsed() < HOUR, "an hour of calm, and {why}");
            tokio::time::sleep(Duration::from_secs(5)).await;
        }
    }
}

async fn life(seed: u64, hours: u32) {
    let real = std::time::Instant::now();
    let mut world = World::new(seed).await;
    let agents = world.agents();
    let begun = Instant::now();
    let mut sizes = vec![Sizes::default(); hours as usize];
    for hour in 1..=hours {
        while begun.elapsed() < HOUR * hour {
            world.work().await;
            if world.chance.u8(..) < 24 {
                world.fault();
            }
            sizes[hour as usize - 1].look(&world);
            tokio::time::sleep(Duration::from_secs(world.chance.u64(5..40))).await;
        }
        world.forget();
        let broken = world.master.broken();
        assert!(broken.is_empty(), "in hour {hour}: {}", broken.join("; "));
    }
    let held = world.held();
    world.calm().await;
    agents.abort();
    let updates = world.session.read(|state| state.counts);
    // Of as many hours each: those before a quarter is over, and the last.
    let (quarter, some) = (sizes.len() / 4, (sizes.len() / 6).max(1));
    let first = Sizes::of(&sizes[(quarter + 1).saturating_sub(some).min(sizes.len() - 1)..=quarter]);
    let last = Sizes::of(&sizes[sizes.len() - some..]);
    let _ = writeln!(
        std::io::stderr().lock(),
        "simulation: seed {seed}: {hours} h in {:.1} s: {} launches, {} updates, {} repeats, {} faults; at the end {held}; after a quarter {first}, at the end {last}",
        real.elapsed().as_secs_f64(),
        world.launched,
        updates.updates,
        updates.repeats,
        world.faults,
    );
    assert!(held.tasks <= KEPT + KEPT / 8 + 100 && held.journal <= 16 << 20 && held.offers <= 100, "{held}");
    // What is held grows with the tasks that are kept, and those are bounded.
    assert!(held.text <= held.tasks * 2_000, "{held}");
    if hours >= 12 {
        let grown = last.mean() / first.mean();
        // Over hours the number of tasks that are kept, and their faults, still make a difference of some percent.
        let most = if hours >= 72 { 1.05 } else { 1.1 };
        assert!(grown < most, "memory grows {grown:.3} times in three quarters of {hours} h: {first}; {last}");
    }
    // What it must say is less than that: written anew, it begins small.
    let largest = Sizes::of(&sizes).file;
    assert!(largest <= 2 * REWRITE, "a file of {largest} bytes");
    world.session.close().await;
    world.check_file();
}

fn from_env(name: &str) -> Option<u64> {
    std::env::var(name).ok()?.parse().ok()
}

/// Runs lives one after the other; the seed of one that fails is told.
fn lives(seeds: impl IntoIterator<Item = u64>, hours: u32) {
    for seed in seeds {
        let run = std::panic::catch_unwind(|| {
            let runtime =
                tokio::runtime::Builder::new_current_thread().enable_all().start_paused(true).build().unwrap();
            runtime.block_on(life(seed, hours));
        });
        assert!(run.is_ok(), "seed {seed}, {hours} h");
    }
}

/// In a process of its own, where nobody else allocates.
#[test]
fn days_with_faults_lose_nothing_and_stay_small() {
    const ALONE: &str = "MESOS_TEST_ALONE";
    if std::env::var_os(ALONE).is_some() {
        let hours = from_env("MESOS_TEST_HOURS").unwrap_or(12) as u32;
        return lives([from_env("MESOS_TEST_SEED").unwrap_or(1)], hours);
    }
    let name = "faults::simulation::days_with_faults_lose_nothing_and_stay_small";
    let mut alone = std::process::Command::new(std::env::current_exe().unwrap());
    let status = alone.args(["--exact", name, "--nocapture"]).env(ALONE, "1").status().unwrap();
    assert!(status.success(), "{status}");
}

#[test]
fn many_short_lives_lose_nothing() {
    let first = from_env("MESOS_TEST_SEED").unwrap_or(100);
    lives(first..first + from_env("MESOS_TEST_LIVES").unwrap_or(4), 2);
}
