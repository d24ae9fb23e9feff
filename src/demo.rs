//! A walk through a scheduler's life, as if somebody typed it: connect, subscribe, take an offer, run a container, read
//! its log, kill it, tear the framework down.
//!
//! After each command it looks for the command's effect, with the session and with the master; words on the screen count
//! for nothing. It ends well only if each effect was seen.

use std::io;
use std::time::Duration;

use bollard::Docker;
use bollard::query_parameters::ListImagesOptions;
use serde_json::Value;

use crate::cli;
use crate::document::{Diagnostic, Document, Piece, Tone};
use crate::engine::{Engine, Leave, Outcome, Output as _};
use crate::mesos::TaskState;
use crate::render::{Style, Theme, safe_line};
use crate::repl::{self, Look, Ran, Screen, Signals};
use crate::view;

/// The framework, as the tutorial names it.
const FRAMEWORK: &str = "Example HTTP Framework";
/// The task.
const TASK: &str = "web";
/// What the task says, so that its log has something to show.
const GREETING: &str = "Hello from the task";
/// The tutorial's image, of today.
const IMAGE: &str = "nginx:alpine";
/// Local images with a shell, tried in this order where the first isn't there.
const SUBSTITUTES: [&str; 4] = ["nginx", "busybox", "alpine", "debian"];
/// How long the Docker Engine may take to list its images.
const LIMIT: Duration = Duration::from_secs(5);

/// Walks through it; the exit status. `docker` is the embedded Mesos's Docker Engine, if it is embedded and has one.
///
/// # Errors
/// When signals can't be had.
pub async fn run(engine: Engine, look: Look, asked: &cli::Demo, docker: Option<Option<String>>) -> io::Result<u8> {
    let signals = Signals::take()?;
    let embedded = docker.is_some();
    let engine_version = docker.flatten();
    let theme = look.theme;
    let mut walk = Walk { engine, screen: Screen::standard(look), signals, theme, seen: Vec::new() };
    let (task, why) = choose(asked, embedded, engine_version.is_some()).await;
    let ended = walk.all(task.clone(), why).await;
    // Nothing that a demonstration began may outlive it.
    let told = repl::leave(&walk.engine, Leave::Teardown).await;
    match ended {
        Ok(task) => {
            walk.screen.line("");
            walk.screen.show(summary(embedded, engine_version.as_deref(), &task, &walk.seen));
            Ok(0)
        }
        Err(stopped) => {
            told.into_iter().for_each(|told| walk.screen.show(told));
            Ok(walk.stopped(stopped))
        }
    }
}

/// What the task is.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Task {
    Container(String),
    Command,
}

/// What to run, and why not what the tutorial runs.
async fn choose(asked: &cli::Demo, embedded: bool, engine: bool) -> (Task, Option<String>) {
    match &asked.image {
        Some(image) => return (Task::Container(image.clone()), None),
        None if asked.no_docker => return (Task::Command, None),
        // The agents of a real cluster have their own Docker; an embedded one without simulates every image.
        None if !embedded || !engine => return (Task::Container(IMAGE.to_owned()), None),
        None => {}
    }
    let local = local_images().await.unwrap_or_default();
    if local.iter().any(|tag| tag == IMAGE) {
        return (Task::Container(IMAGE.to_owned()), None);
    }
    let named = |name: &&str| local.iter().find(|tag| tag.split(':').next() == Some(*name)).cloned();
    match SUBSTITUTES.iter().find_map(named) {
        Some(image) => {
            let why = format!("{IMAGE} isn't among this machine's images, {image} is");
            (Task::Container(image), Some(why))
        }
        None => (Task::Container(IMAGE.to_owned()), None),
    }
}

/// The tags of this machine's images.
async fn local_images() -> Option<Vec<String>> {
    let docker = Docker::connect_with_defaults().ok()?;
    let list = docker.list_images(None::<ListImagesOptions>);
    let images = tokio::time::timeout(LIMIT, list).await.ok()?.ok()?;
    Some(images.into_iter().flat_map(|image| image.repo_tags).collect())
}

/// Why the walk didn't get to its end.
enum Stopped {
    /// The command itself failed, and has said so.
    Command(String),
    /// The command went well, but what it should have done wasn't seen.
    Unseen { command: String, missing: String },
    /// Ctrl-C, or a signal with this status.
    Interrupted(u8),
}

struct Walk {
    engine: Engine,
    screen: Screen<io::Stdout, io::Stderr>,
    signals: Signals,
    theme: Theme,
    /// What was seen, in order.
    seen: Vec<String>,
}

impl Walk {
    /// The whole walk; what was run in the end.
    async fn all(&mut self, task: Task, why: Option<String>) -> Result<Task, Stopped> {
        self.meet().await?;
        let offer = self.offer().await?;
        why.into_iter().for_each(|why| self.say(&why));
        let task = self.launch(&offer, task).await?;
        self.task_runs().await?;
        self.log().await?;
        self.kill().await?;
        self.farewell().await?;
        Ok(task)
    }

    /// Types a command and runs it.
    async fn type_in(&mut self, command: &str) -> Result<String, Stopped> {
        match self.try_command(command).await? {
            (true, said) => Ok(said),
            (false, _) => Err(Stopped::Command(command.to_owned())),
        }
    }

    /// Types a command and runs it; whether it went well, and what it said.
    async fn try_command(&mut self, command: &str) -> Result<(bool, String), Stopped> {
        let (_, prompt) = repl::prompt(&self.engine.standing(), self.theme);
        self.screen.line(&format!("\n{prompt}{command}"));
        let before = self.screen.said().len();
        let ran = repl::run(&self.engine, command, &mut self.screen, &mut self.signals).await;
        let said = self.screen.said().get(before..).unwrap_or_default().to_owned();
        match ran {
            Ran::Ended(Outcome::Done) => Ok((true, said)),
            Ran::Ended(Outcome::Cancelled) => Err(Stopped::Interrupted(130)),
            Ran::Told(status) => Err(Stopped::Interrupted(status)),
            Ran::Ended(_) => Ok((false, said)),
        }
    }

    fn say(&mut self, text: &str) {
        let line = self.theme.paint(Style::Hint, &format!("# {}", safe_line(text))).into_owned();
        self.screen.line(&format!("\n{line}"));
    }

    /// Notes what was seen, or stops.
    fn check(&mut self, command: &str, seen: bool, what: impl Into<String>) -> Result<(), Stopped> {
        let what = what.into();
        if seen {
            self.seen.push(what);
            return Ok(());
        }
        Err(Stopped::Unseen { command: command.to_owned(), missing: what })
    }

    /// JSON from the master, asked for beside the session.
    async fn master(&self, path: &str) -> Option<Value> {
        let session = self.engine.session();
        let address = session.status().borrow().address.clone()?;
        let body = session.client().get(&address, path).await.ok()?;
        serde_json::from_slice(&body).ok()
    }

    /// Whether the master lists our framework as active.
    async fn is_registered(&self, id: &str) -> Option<bool> {
        let answer = self.master("/frameworks").await?;
        let frameworks = answer.get("frameworks")?.as_array()?;
        Some(frameworks.iter().any(|framework| framework.get("id").and_then(Value::as_str) == Some(id)))
    }

    fn framework_id(&self) -> Option<String> {
        self.engine.session().read(|state| state.framework_id.as_ref().map(ToString::to_string))
    }

    async fn meet(&mut self) -> Result<(), Stopped> {
        self.say("which master is this?");
        let connect = format!("connect {}", self.engine.target().masters);
        self.type_in(&connect).await?;
        let version = self.master("/version").await;
        let version = version.as_ref().and_then(|version| version.get("version")).and_then(Value::as_str);
        let version = version.unwrap_or_default().to_owned();
        self.check(&connect, !version.is_empty(), "the master tells its version")?;
        self.say("do master and agents run the same version?");
        let said = self.type_in("version").await?;
        let agents = self.master("/slaves").await;
        let agents = agents.as_ref().and_then(|answer| answer.get("slaves")).and_then(Value::as_array);
        let known = agents.is_some_and(|agents| {
            let told = |agent: &Value| agent.get("version").and_then(Value::as_str).is_some_and(|v| said.contains(v));
            !agents.is_empty() && agents.iter().all(told)
        });
        self.check("version", known && said.contains(&version), format!("master and agents run Mesos {version}"))?;
        self.say("a framework subscribes, and holds its event stream open");
        let subscribe = format!("subscribe --name \"{FRAMEWORK}\"");
        self.type_in(&subscribe).await?;
        let id = self.framework_id();
        let registered = match &id {
            Some(id) => self.is_registered(id).await,
            None => None,
        };
        self.check(&subscribe, registered == Some(true), "the master lists the framework as subscribed")
    }

    /// Waits for offers; the one to take.
    async fn offer(&mut self) -> Result<String, Stopped> {
        self.say("what does the cluster offer?");
        self.type_in("offers --timeout 60s").await?;
        let offer = self.engine.session().read(|state| {
            let mut fits = state.offers.in_order().into_iter().filter(|held| {
                let offer = held.record.offer();
                offer.is_ok_and(|offer| enough(&offer.resources))
            });
            fits.next().map(|held| view::short(held.record.id.as_str()).to_owned())
        });
        self.check("offers", offer.is_some(), "an offer came with 0.2 cpus and 100 MiB at least")?;
        Ok(offer.unwrap_or_default())
    }

    /// Launches the task; what was launched in the end.
    async fn launch(&mut self, offer: &str, task: Task) -> Result<Task, Stopped> {
        self.say("take the offer for a task, and watch it come up");
        let accept = accept(offer, &task);
        let (fine, _) = self.try_command(&accept).await?;
        if fine {
            return Ok(task);
        }
        let embedded = self.engine.target().embedded;
        if !(embedded && task == Task::Container(IMAGE.to_owned()) && self.lacks_image()) {
            return Err(Stopped::Command(accept));
        }
        self.say("the image isn't here and couldn't be pulled; a command takes the container's place");
        let run = format!("run {} --cpus 0.2 --mem 100 --name {TASK}2", command_options());
        self.type_in(&run).await?;
        Ok(Task::Command)
    }

    /// Whether the task never ran for want of its image: the pull failed, or takes longer than anybody waits.
    fn lacks_image(&self) -> bool {
        let said = self.engine.session().read(|state| {
            let task = state.tasks.get(TASK)?;
            let status = task.latest().and_then(|recorded| recorded.status().ok());
            Some((task.is_over(), status.and_then(|status| status.message).unwrap_or_default()))
        });
        let ran = self.states(TASK).contains(&TaskState::Running);
        said.is_some_and(|(over, message)| !ran && (!over || message.contains("pull") || message.contains("image")))
    }

    /// The task that the walk is about: the second one if the first couldn't be.
    fn task(&self) -> String {
        let second = format!("{TASK}2");
        let known = self.engine.session().read(|state| state.tasks.get(&second).is_some());
        if known { second } else { TASK.to_owned() }
    }

    /// The states that the master told of a task.
    fn states(&self, task: &str) -> Vec<TaskState> {
        self.engine.session().read(|state| {
            let Some(task) = state.tasks.get(task) else { return Vec::new() };
            task.history().filter_map(|recorded| recorded.status().ok()).map(|status| status.state).collect()
        })
    }

    async fn task_runs(&mut self) -> Result<(), Stopped> {
        let task = self.task();
        let wait = format!("wait {task} RUNNING");
        self.type_in(&wait).await?;
        let states = self.states(&task);
        let seen = states.contains(&TaskState::Running);
        self.check(&wait, seen, format!("{task} came up: STAGING, {}", told(&states)))?;
        self.type_in(&format!("task {task}")).await?;
        Ok(())
    }

    async fn log(&mut self) -> Result<(), Stopped> {
        self.say("what did it write?");
        let task = self.task();
        let logs = format!("logs {task}");
        let said = self.type_in(&logs).await?;
        // A simulated container writes that it is one instead.
        let simulated = said.to_lowercase().contains("simulated");
        self.check(&logs, said.contains(GREETING) || simulated, "its output was read from its sandbox")
    }

    async fn kill(&mut self) -> Result<(), Stopped> {
        self.say("enough: kill it");
        let task = self.task();
        let kill = format!("kill {task}");
        self.type_in(&kill).await?;
        let killed = self.states(&task).contains(&TaskState::Killed);
        self.check(&kill, killed, format!("{task} was KILLED"))
    }

    async fn farewell(&mut self) -> Result<(), Stopped> {
        self.type_in("heartbeat").await?;
        let beat = self.engine.session().read(|state| state.last_heartbeat.is_some());
        self.check("heartbeat", beat, "the master's heartbeat came")?;
        let id = self.framework_id().unwrap_or_default();
        self.type_in("teardown").await?;
        let gone = self.is_registered(&id).await;
        self.check("teardown", gone == Some(false), "the master lists the framework no more")
    }

    /// Says why the walk ended early; the exit status.
    fn stopped(&mut self, stopped: Stopped) -> u8 {
        let diagnostic = match stopped {
            Stopped::Interrupted(status) => {
                self.screen.show(Document::text(Piece::new("interrupted; the framework is torn down", Tone::Dim)));
                return status;
            }
            Stopped::Command(command) => Diagnostic::new(format!("the walk ends here: '{command}' failed")),
            Stopped::Unseen { command, missing } => {
                Diagnostic::new(format!("the walk ends here: after '{command}' this wasn't seen: {missing}"))
            }
        };
        let help = match self.engine.target().embedded {
            true => "demo --no-docker runs a command in the container's place",
            false => "demo --master URL --image IMAGE takes another image, --no-docker runs a command in its place",
        };
        self.screen.show(diagnostic.help(help).into());
        1
    }
}

fn enough(resources: &[crate::mesos::Resource]) -> bool {
    let sum = view::resources_of(resources);
    sum.cpus >= 0.2 && sum.mem >= 100.0
}

fn accept(offer: &str, task: &Task) -> String {
    let what = match task {
        Task::Container(image) => format!("--docker {image} --network host {}", command_options()),
        Task::Command => command_options(),
    };
    format!("accept {offer} {what} --cpus 0.2 --mem 100 --name {TASK}")
}

fn command_options() -> String {
    format!("--cmd \"echo {GREETING}; sleep 1000\"")
}

fn told(states: &[TaskState]) -> String {
    let names = states.iter().map(|state| state.to_string().trim_start_matches("TASK_").to_owned());
    names.collect::<Vec<_>>().join(", ")
}

/// What was seen, and what of it was real.
fn summary(embedded: bool, docker: Option<&str>, task: &Task, seen: &[String]) -> Document {
    let mut document = Document::new().with_heading("Seen");
    for what in seen {
        document = document.with_text(format!("  {what}"));
    }
    let container = matches!(task, Task::Container(_));
    let real = match (embedded, docker, container) {
        (false, _, true) => "real: the cluster, its Docker containers, every call and event".to_owned(),
        (false, _, false) => "real: the cluster, the process, every call and event".to_owned(),
        (true, Some(version), true) => format!(
            "embedded: master and agent, in this process, spoken to over HTTP; real: the container, by Docker Engine {version}"
        ),
        (true, None, true) => {
            "embedded: master and agent, in this process, spoken to over HTTP; simulated: the container, for no Docker Engine answers"
                .to_owned()
        }
        (true, _, false) => {
            "embedded: master and agent, in this process, spoken to over HTTP; real: the process".to_owned()
        }
    };
    let next =
        if embedded { "demo --master HOST:PORT does the same on a real cluster" } else { "mesos-repl opens a prompt" };
    document.with_text(real).with_text(Piece::new(next, Tone::Dim))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_typed_can_be_parsed() {
        for task in [Task::Container("nginx:alpine".to_owned()), Task::Command] {
            let parsed = crate::lang::parse(&accept("O0", &task), crate::engine::verbs());
            assert!(parsed.is_ok_and(|inputs| inputs.len() == 1));
        }
    }

    #[test]
    fn a_summary_says_what_was_simulated() {
        let container = Task::Container(IMAGE.to_owned());
        for (embedded, docker, task, word) in [
            (true, None, &container, "simulated: the container"),
            (true, Some("28"), &container, "real: the container, by Docker Engine 28"),
            (true, None, &Task::Command, "real: the process"),
            (false, None, &container, "real: the cluster"),
        ] {
            let text = crate::render::plain(&summary(embedded, docker, task, &[]), &crate::render::Page::plain(400));
            assert!(text.contains(word), "{text}");
        }
    }
}
