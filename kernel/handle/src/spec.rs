//! What is asked for: a framework, a task. Built step by step, with the v1 protocol's own names.

use std::time::Duration;

use crate::json::Value;
use crate::show::{Drawn, Show};

/// So many seconds.
pub const fn secs(seconds: u64) -> Duration {
    Duration::from_secs(seconds)
}

/// So many minutes.
pub const fn mins(minutes: u64) -> Duration {
    Duration::from_secs(60 * minutes)
}

impl Show for FrameworkInfo {
    fn evcxr_display(&self) {
        Drawn::of("json", self.json(), || self.json().to_string()).show();
    }
}

impl Show for TaskInfo {
    fn evcxr_display(&self) {
        Drawn::of("json", self.json(), || self.json().to_string()).show();
    }
}

fn value(text: &str) -> Value {
    Value::object([("value", text.into())])
}

/// What a framework says of itself.
#[derive(Clone, Debug, PartialEq)]
pub struct FrameworkInfo(Value);

impl FrameworkInfo {
    /// A framework whose tasks run as `user`. The master keeps it for an hour while nobody is there, and tells more than
    /// RUNNING and LOST of its tasks.
    pub fn new(user: &str, name: &str) -> Self {
        let capability = |kind: &str| Value::object([("type", kind.into())]);
        Self(Value::object([
            ("user", user.into()),
            ("name", name.into()),
            ("failover_timeout", 3600.0.into()),
            ("capabilities", vec![capability("PARTITION_AWARE"), capability("TASK_KILLING_STATE")].into()),
        ]))
    }

    /// For how long the master keeps the framework and its tasks while nobody is subscribed.
    #[must_use]
    pub fn failover_timeout(mut self, time: Duration) -> Self {
        self.0.set("failover_timeout", time.as_secs_f64().into());
        self
    }

    /// Whose resources are offered.
    #[must_use]
    pub fn role(mut self, role: &str) -> Self {
        self.0.set("role", role.into());
        self
    }

    /// Tasks outlive a restart of their agent.
    #[must_use]
    pub fn checkpoint(mut self) -> Self {
        self.0.set("checkpoint", true.into());
        self
    }

    /// Takes this framework up again.
    #[must_use]
    pub fn id(mut self, id: &str) -> Self {
        self.0.set("id", value(id));
        self
    }

    pub(crate) fn json(&self) -> Value {
        self.0.clone()
    }
}

/// A task to launch. The id and the agent are filled in when it is.
#[derive(Clone, Debug, PartialEq)]
pub struct TaskInfo {
    name: String,
    image: Option<String>,
    network: &'static str,
    command: Option<String>,
    arguments: Vec<String>,
    environment: Vec<(String, String)>,
    uris: Vec<(String, bool)>,
    ports: Vec<(u32, u32)>,
    resources: Vec<(String, f64)>,
    user: Option<String>,
}

impl TaskInfo {
    fn with_name(name: &str) -> Self {
        Self {
            name: name.to_owned(),
            image: None,
            network: "BRIDGE",
            command: None,
            arguments: Vec::new(),
            environment: Vec::new(),
            uris: Vec::new(),
            ports: Vec::new(),
            resources: vec![("cpus".to_owned(), 0.1), ("mem".to_owned(), 32.0)],
            user: None,
        }
    }

    /// A container of a Docker image, with what the image itself runs.
    pub fn docker(image: &str) -> Self {
        let name = image.rsplit('/').next().and_then(|last| last.split([':', '@']).next()).unwrap_or("task");
        Self { image: Some(image.to_owned()), ..Self::with_name(name) }
    }

    /// A shell command.
    pub fn command(command: &str) -> Self {
        let name = command.split(|c: char| !c.is_alphanumeric()).find(|word| !word.is_empty()).unwrap_or("task");
        Self { command: Some(command.to_owned()), ..Self::with_name(name) }
    }

    /// Its name, which also becomes its id (with a number behind it where that is taken).
    #[must_use]
    pub fn name(mut self, name: &str) -> Self {
        name.clone_into(&mut self.name);
        self
    }

    /// CPUs, whole or in part.
    #[must_use]
    pub fn cpus(self, cpus: f64) -> Self {
        self.resource("cpus", cpus)
    }

    /// Memory in MiB.
    #[must_use]
    pub fn mem(self, mem: f64) -> Self {
        self.resource("mem", mem)
    }

    /// Disk in MiB.
    #[must_use]
    pub fn disk(self, disk: f64) -> Self {
        self.resource("disk", disk)
    }

    /// Any scalar resource.
    #[must_use]
    pub fn resource(mut self, name: &str, amount: f64) -> Self {
        match self.resources.iter_mut().find(|(known, _)| known == name) {
            Some((_, old)) => *old = amount,
            None => self.resources.push((name.to_owned(), amount)),
        }
        self
    }

    /// The agent's network instead of one of its own.
    #[must_use]
    pub fn host_network(mut self) -> Self {
        self.network = "HOST";
        self
    }

    /// Makes a container's port reachable as a port of the agent, which must be among those offered.
    #[must_use]
    pub fn port(mut self, agent: u32, container: u32) -> Self {
        self.ports.push((agent, container));
        self
    }

    /// What a container runs instead of what its image says, or a command's arguments.
    #[must_use]
    pub fn run(mut self, command: &str) -> Self {
        self.command = Some(command.to_owned());
        self
    }

    /// Arguments for what the image runs.
    #[must_use]
    pub fn arg(mut self, argument: &str) -> Self {
        self.arguments.push(argument.to_owned());
        self
    }

    /// An environment variable.
    #[must_use]
    pub fn env(mut self, name: &str, value: &str) -> Self {
        self.environment.push((name.to_owned(), value.to_owned()));
        self
    }

    /// A file to be fetched into the sandbox first, and unpacked if it is an archive.
    #[must_use]
    pub fn uri(mut self, uri: &str) -> Self {
        self.uris.push((uri.to_owned(), true));
        self
    }

    /// As whom it runs.
    #[must_use]
    pub fn user(mut self, user: &str) -> Self {
        self.user = Some(user.to_owned());
        self
    }

    /// The amounts that it wants.
    pub(crate) fn scalars(&self) -> impl Iterator<Item = (&str, f64)> {
        self.resources.iter().map(|(name, amount)| (name.as_str(), *amount))
    }

    fn command_json(&self) -> Value {
        let mut command = match &self.command {
            Some(shell) => Value::object([("shell", true.into()), ("value", shell.as_str().into())]),
            None => Value::object([("shell", false.into())]),
        };
        let list = |items: Vec<Value>| Value::List(items);
        if !self.arguments.is_empty() {
            command.set("arguments", list(self.arguments.iter().map(|argument| argument.as_str().into()).collect()));
        }
        if !self.environment.is_empty() {
            let variable = |(name, value): &(String, String)| {
                Value::object([("name", name.as_str().into()), ("value", value.as_str().into())])
            };
            command.set(
                "environment",
                Value::object([("variables", list(self.environment.iter().map(variable).collect()))]),
            );
        }
        if !self.uris.is_empty() {
            let uri = |(uri, extract): &(String, bool)| {
                Value::object([("value", uri.as_str().into()), ("extract", (*extract).into())])
            };
            command.set("uris", list(self.uris.iter().map(uri).collect()));
        }
        if let Some(user) = &self.user {
            command.set("user", user.as_str().into());
        }
        command
    }

    fn container_json(&self, image: &str) -> Value {
        // The agent's own network has no ports to map.
        let network = self.network;
        let mapping = |(agent, container): &(u32, u32)| {
            Value::object([("host_port", f64::from(*agent).into()), ("container_port", f64::from(*container).into())])
        };
        let mut docker = Value::object([("image", image.into()), ("network", network.into())]);
        if network == "BRIDGE" && !self.ports.is_empty() {
            docker.set("port_mappings", Value::List(self.ports.iter().map(mapping).collect()));
        }
        Value::object([("type", "DOCKER".into()), ("docker", docker)])
    }

    /// The v1 `TaskInfo`, without what a launch fills in.
    pub(crate) fn json(&self) -> Value {
        let scalar = |(name, amount): &(String, f64)| {
            Value::object([
                ("name", name.as_str().into()),
                ("type", "SCALAR".into()),
                ("scalar", Value::object([("value", (*amount).into())])),
            ])
        };
        let mut resources: Vec<Value> = self.resources.iter().map(scalar).collect();
        if !self.ports.is_empty() {
            let range = |(port, _): &(u32, u32)| {
                Value::object([("begin", f64::from(*port).into()), ("end", f64::from(*port).into())])
            };
            let ranges = Value::object([("range", Value::List(self.ports.iter().map(range).collect()))]);
            resources.push(Value::object([("name", "ports".into()), ("type", "RANGES".into()), ("ranges", ranges)]));
        }
        let mut task = Value::object([("name", self.name.as_str().into()), ("resources", resources.into())]);
        task.set("command", self.command_json());
        if let Some(image) = &self.image {
            task.set("container", self.container_json(image));
        }
        task
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tasks_become_what_the_protocol_wants() {
        for (task, want) in [
            (
                TaskInfo::docker("library/nginx:1.10-alpine").host_network().cpus(0.2).mem(100.0),
                r#"{"name":"nginx","resources":[{"name":"cpus","type":"SCALAR","scalar":{"value":0.2}},{"name":"mem","type":"SCALAR","scalar":{"value":100}}],"command":{"shell":false},"container":{"type":"DOCKER","docker":{"image":"library/nginx:1.10-alpine","network":"HOST"}}}"#,
            ),
            (
                TaskInfo::command("sleep 60").name("nap").env("A", "b").uri("http://x/y.tar.gz").port(9000, 80),
                r#"{"name":"nap","resources":[{"name":"cpus","type":"SCALAR","scalar":{"value":0.1}},{"name":"mem","type":"SCALAR","scalar":{"value":32}},{"name":"ports","type":"RANGES","ranges":{"range":[{"begin":9000,"end":9000}]}}],"command":{"shell":true,"value":"sleep 60","environment":{"variables":[{"name":"A","value":"b"}]},"uris":[{"value":"http://x/y.tar.gz","extract":true}]}}"#,
            ),
        ] {
            assert_eq!(task.json().to_string(), want);
        }
    }
}
