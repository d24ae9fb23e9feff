//! The master, the framework and its offers: names to call by, and what they answer.

use std::time::Duration;

use crate::error::{Error, Result};
use crate::json::Value;
use crate::link::{ask, command, op};
use crate::show::{Drawn, list, shown, spoken};
use crate::spec::{FrameworkInfo, TaskInfo};
use crate::task::{Task, Tasks};

const SOON: Duration = Duration::ZERO;

/// A command of this crate's own making.
fn run(text: &str) -> Result<Answer> {
    command(text, SOON).map(|answer| Answer(Drawn::from(&answer)))
}

/// What somebody has typed: an error shows where in it.
fn typed(text: &str) -> Result<Answer> {
    ask(op("run", [("text", text.into())]), SOON).map(|answer| Answer(Drawn::from(&answer)))
}

/// The session, on whatever master it is on.
pub fn attach() -> Master {
    Master(())
}

/// The session on this master: `connect("192.168.33.10:5050")`.
///
/// # Errors
/// When nothing that speaks Mesos answers there; the session then stays where it is.
pub fn connect(master: &str) -> Result<Master> {
    let now = ask(op("hello", []), SOON)?;
    let bare = |address: &str| address.trim_start_matches("http://").trim_end_matches('/').to_owned();
    if bare(now.get("address").text()) != bare(master) {
        if master.contains(char::is_whitespace) {
            return Err(Error::new(format!("'{master}' is no master's address")));
        }
        run(&format!("connect {master}"))?;
    }
    Ok(Master(()))
}

/// The session on a Mesos of its own, in the process that holds the session.
///
/// # Errors
/// When that process has none.
pub fn connect_embedded() -> Result<Master> {
    if !ask(op("hello", []), SOON)?.get("embedded").is_true() {
        run("connect embedded")?;
    }
    Ok(Master(()))
}

/// What a command answered.
#[derive(Clone, PartialEq)]
pub struct Answer(pub(crate) Drawn);

impl Answer {
    pub(crate) fn drawn(&self) -> &Drawn {
        &self.0
    }

    /// Its exact values.
    pub fn json(&self) -> &Value {
        &self.0.json
    }
}

/// A master, by the session's eyes. Only a name: copying it copies nothing.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Master(());

impl Master {
    /// The master's version.
    ///
    /// # Errors
    /// When it doesn't answer.
    pub fn version(&self) -> Result<String> {
        Ok(self.get("/version")?.get("version").text().to_owned())
    }

    /// The agents that are registered.
    ///
    /// # Errors
    /// When the master doesn't answer.
    pub fn agents(&self) -> Result<Agents> {
        let answer = self.get("/slaves")?;
        let list = answer.get("slaves").items().iter().map(Agent::from).collect();
        Ok(Agents { list, drawn: run("agents")?.0 })
    }

    /// The frameworks that the master knows.
    ///
    /// # Errors
    /// When the master doesn't answer.
    pub fn frameworks(&self) -> Result<Answer> {
        run("frameworks")
    }

    /// JSON from the master, such as `/state` or `/metrics/snapshot`.
    ///
    /// # Errors
    /// When it doesn't answer, or not with JSON.
    pub fn get(&self, path: &str) -> Result<Value> {
        ask(op("get", [("path", path.into())]), SOON)
    }

    /// Subscribes as this framework. A second time, it is the same framework still.
    ///
    /// # Errors
    /// When the master refuses it, or doesn't answer.
    pub fn subscribe(&self, framework: FrameworkInfo) -> Result<Framework> {
        ask(op("subscribe", [("framework", framework.json())]), SOON).map(|_| Framework(()))
    }

    /// Runs commands as the terminal does.
    ///
    /// # Errors
    /// What the first that failed tells.
    pub fn run(&self, commands: &str) -> Result<Answer> {
        typed(commands)
    }

    /// Where the session stands.
    ///
    /// # Errors
    /// When there is no session.
    pub fn status(&self) -> Result<Answer> {
        run("status")
    }

    fn drawn(self) -> Drawn {
        self.status().map_or_else(|error| Drawn::words(error.to_string()), |answer| answer.0)
    }
}

/// An agent.
#[derive(Clone, PartialEq)]
pub struct Agent {
    /// Its id.
    pub id: String,
    /// Its host name.
    pub hostname: String,
    /// Its version.
    pub version: String,
    /// Its CPUs.
    pub cpus: f64,
    /// Its memory in MiB.
    pub mem: f64,
    json: Value,
}

impl Agent {
    /// What the master's `/slaves` says of it.
    pub fn json(&self) -> &Value {
        &self.json
    }

    fn drawn(&self) -> Drawn {
        Drawn::of("agent", self.json.clone(), || format!("{}: {} cpus, {} MiB", self.hostname, self.cpus, self.mem))
    }
}

impl From<&Value> for Agent {
    fn from(value: &Value) -> Self {
        let number = |name: &str| value.at(&["resources", name]).number().unwrap_or_default();
        Self {
            id: value.get("id").text().to_owned(),
            hostname: value.get("hostname").text().to_owned(),
            version: value.get("version").text().to_owned(),
            cpus: number("cpus"),
            mem: number("mem"),
            json: value.clone(),
        }
    }
}

/// Agents.
#[derive(Clone, PartialEq)]
pub struct Agents {
    list: Vec<Agent>,
    drawn: Drawn,
}

impl Agents {
    fn drawn(&self) -> &Drawn {
        &self.drawn
    }
}

/// The session's framework. Only a name: copying it copies nothing, and losing it loses nothing.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Framework(());

impl Framework {
    /// Its id.
    ///
    /// # Errors
    /// When the session isn't subscribed.
    pub fn id(&self) -> Result<String> {
        match ask(op("hello", []), SOON)?.get("framework").text() {
            "" => {
                Err(Error::new("the session isn't subscribed")
                    .help("master.subscribe(FrameworkInfo::new(user, name))?"))
            }
            id => Ok(id.to_owned()),
        }
    }

    /// The offers in hand, waiting for one if there is none. They are kept until they are used or declined.
    ///
    /// # Errors
    /// When none comes in time.
    pub fn wait_for_offers(&self, limit: Duration) -> Result<Offers> {
        ask(op("offers", [("wait", limit.as_secs_f64().into())]), limit).map(Offers::from)
    }

    /// The offers in hand.
    ///
    /// # Errors
    /// When the session isn't subscribed.
    pub fn offers(&self) -> Result<Offers> {
        self.wait_for_offers(Duration::ZERO)
    }

    /// Launches a task on an offer. What the task leaves of it goes back to the master.
    ///
    /// # Errors
    /// When the offer is too small or no longer there (nothing is sent then), or the master refuses.
    pub fn accept(&self, offer: &Offer, task: TaskInfo) -> Result<Task> {
        let short = offer.shortages(&task);
        if !short.is_empty() {
            let text = format!("error: the offer is too small\n  {}\n  help: nothing was sent", short.join("\n  "));
            return Err(Error::told("the offer is too small", text));
        }
        self.launch_on(vec![offer.id.as_str().into()], &task)
    }

    /// Launches a task on whatever offer is large enough, waiting for one.
    ///
    /// # Errors
    /// When none is, or the master refuses.
    pub fn launch(&self, task: TaskInfo) -> Result<Task> {
        self.launch_on(Vec::new(), &task)
    }

    fn launch_on(&self, offers: Vec<Value>, task: &TaskInfo) -> Result<Task> {
        let request = op("launch", [("offers", offers.into()), ("tasks", vec![task.json()].into())]);
        let answer = ask(request, SOON)?;
        match answer.get("tasks").items() {
            [id, ..] => Ok(Task::new(id.text())),
            [] => Err(Error::new("the session names no task")),
        }
    }

    /// Gives an offer back, for a while.
    ///
    /// # Errors
    /// When it isn't in hand.
    pub fn decline(&self, offer: &Offer) -> Result<Answer> {
        run(&format!("decline {}", offer.id))
    }

    /// Asks for offers again, whatever was declined.
    ///
    /// # Errors
    /// When the session isn't subscribed.
    pub fn revive(&self) -> Result<Answer> {
        run("revive")
    }

    /// Asks for no more offers.
    ///
    /// # Errors
    /// When the session isn't subscribed.
    pub fn suppress(&self) -> Result<Answer> {
        run("suppress")
    }

    /// Asks the master how the tasks stand: all of them.
    ///
    /// # Errors
    /// When the session isn't subscribed.
    pub fn reconcile(&self) -> Result<Answer> {
        run("reconcile")
    }

    /// A task by its id.
    pub fn task(&self, id: &str) -> Task {
        Task::new(id)
    }

    /// All its tasks, those that are over too.
    ///
    /// # Errors
    /// When there is no session.
    pub fn tasks(&self) -> Result<Tasks> {
        ask(op("tasks", []), SOON).map(|answer| Tasks::from(&answer))
    }

    /// Sends any v1 call as JSON; ids that are missing or null are filled in.
    ///
    /// # Errors
    /// When it is no call, or the master refuses it.
    pub fn call(&self, json: &str) -> Result<Answer> {
        if Value::parse(json).is_none() {
            return Err(Error::new("that is no JSON").help(r##"framework.call(r#"{"type": "REVIVE"}"#)?"##));
        }
        typed(json)
    }

    /// Ends the framework; its tasks are killed.
    ///
    /// # Errors
    /// When the master doesn't take it.
    pub fn teardown(&self) -> Result<Answer> {
        run("teardown")
    }

    /// Leaves the framework to its failover timeout; its tasks run on.
    ///
    /// # Errors
    /// When the session isn't subscribed.
    pub fn detach(&self) -> Result<Answer> {
        run("detach")
    }

    fn drawn(self) -> Drawn {
        attach().drawn()
    }
}

/// An offer: what an agent has free, for the taking.
#[derive(Clone, PartialEq)]
pub struct Offer {
    /// Its id.
    pub id: String,
    /// The agent's id.
    pub agent_id: String,
    /// The agent's host name.
    pub hostname: String,
    /// CPUs offered.
    pub cpus: f64,
    /// Memory offered, in MiB.
    pub mem: f64,
    /// Disk offered, in MiB.
    pub disk: f64,
    /// Ports offered, first and last of each range.
    pub ports: Vec<(u32, u32)>,
    /// The agent's attributes.
    pub attributes: Vec<(String, String)>,
    json: Value,
}

impl Offer {
    /// The v1 `Offer` as it came.
    pub fn json(&self) -> &Value {
        &self.json
    }

    /// What the task wants beyond what is offered, a line each.
    fn shortages(&self, task: &TaskInfo) -> Vec<String> {
        let line = |(name, wanted): (&str, f64)| {
            let offered = scalar(&self.json, name);
            (wanted > offered)
                .then(|| format!("{name}: {wanted} wanted, {offered} offered (short of {})", wanted - offered))
        };
        task.scalars().filter_map(line).collect()
    }

    fn drawn(&self) -> Drawn {
        let words = || format!("{}: {} cpus, {} MiB on {}", self.id, self.cpus, self.mem, self.hostname);
        Drawn::of("offer", self.json.clone(), words)
    }
}

/// A resource's parts: it may come in several, such as one per role.
fn parts<'a>(offer: &'a Value, name: &'a str) -> impl Iterator<Item = &'a Value> {
    offer.get("resources").items().iter().filter(move |resource| resource.get("name").text() == name)
}

fn scalar(offer: &Value, name: &str) -> f64 {
    parts(offer, name).filter_map(|part| part.at(&["scalar", "value"]).number()).sum()
}

impl From<&Value> for Offer {
    fn from(value: &Value) -> Self {
        let bound = |range: &Value, name: &str| range.get(name).number().unwrap_or_default() as u32;
        let ranges = parts(value, "ports").flat_map(|resource| resource.at(&["ranges", "range"]).items());
        let attribute = |value: &Value| {
            let text = value.at(&["text", "value"]);
            let number = value.at(&["scalar", "value"]);
            let shown = if text.text().is_empty() { number.to_string() } else { text.text().to_owned() };
            (value.get("name").text().to_owned(), shown)
        };
        Self {
            id: value.at(&["id", "value"]).text().to_owned(),
            agent_id: value.at(&["agent_id", "value"]).text().to_owned(),
            hostname: value.get("hostname").text().to_owned(),
            cpus: scalar(value, "cpus"),
            mem: scalar(value, "mem"),
            disk: scalar(value, "disk"),
            ports: ranges.map(|range| (bound(range, "begin"), bound(range, "end"))).collect(),
            attributes: value.get("attributes").items().iter().map(attribute).collect(),
            json: value.clone(),
        }
    }
}

/// Offers in hand.
#[derive(Clone, PartialEq)]
pub struct Offers {
    list: Vec<Offer>,
    drawn: Drawn,
}

impl Offers {
    fn drawn(&self) -> &Drawn {
        &self.drawn
    }
}

impl From<Value> for Offers {
    fn from(answer: Value) -> Self {
        let list = answer.get("offers").items().iter().map(Offer::from).collect();
        Self { list, drawn: Drawn::from(&answer) }
    }
}

shown!(Answer, Master, Agent, Agents, Framework, Offer, Offers);
list!(Agents: Agent, Offers: Offer);
spoken!(Answer, Master, Agent, Framework, Offer);
