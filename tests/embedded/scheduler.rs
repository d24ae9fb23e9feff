//! A scheduler that does what a test says and nothing else, over the bare client.

use std::net::SocketAddr;
use std::time::Duration;

use mesos_repl::embedded::{Cluster, Config, Docker};
use serde_json::{Value, json};

use super::client::{Answer, Stream, call, send};

/// Nothing here takes longer on a busy machine.
pub const SOON: Duration = Duration::from_secs(20);

/// A cluster that doesn't let a test wait.
pub fn quick(agents: usize) -> Config {
    Config {
        docker: Docker::Never,
        allocation_interval: Duration::from_millis(50),
        heartbeat: Duration::from_millis(200),
        ..super::recorded(agents)
    }
}

/// A subscribed framework.
pub struct Framework {
    pub to: SocketAddr,
    pub id: Value,
    pub stream: Stream,
}

impl Framework {
    pub async fn new(cluster: &Cluster, more: Value) -> Self {
        Self::at(cluster.address(), more).await
    }

    pub async fn at(to: SocketAddr, more: Value) -> Self {
        let mut info = json!({"user": "root", "name": "life"});
        info.as_object_mut().unwrap().extend(more.as_object().cloned().unwrap());
        let mut body = json!({"type": "SUBSCRIBE", "subscribe": {"framework_info": info}});
        if let Some(id) = info.get("id") {
            body["framework_id"] = id.clone();
        }
        let mut stream = call(to, None, &body).await.stream();
        let id = stream.wait("SUBSCRIBED").await["subscribed"]["framework_id"].clone();
        Self { to, id, stream }
    }

    pub async fn call(&self, mut body: Value) -> u16 {
        body["framework_id"] = self.id.clone();
        call(self.to, Some(&self.stream.id()), &body).await.whole().status
    }

    /// An offer that isn't used yet.
    pub async fn offer(&mut self) -> Value {
        while self.stream.offers.is_empty() {
            self.stream.next().await.expect("an offer");
        }
        self.stream.offers.remove(0)
    }

    /// Launches a command on the first agent that is offered; that agent's id.
    pub async fn launch(&mut self, name: &str, command: &str) -> Value {
        self.launch_with(name, json!({"command": {"value": command}})).await
    }

    /// The same on this agent.
    pub async fn launch_on(&mut self, name: &str, command: &str, agent: &str) {
        let offer = self.offer_of(agent).await;
        self.launch_in(&offer, name, json!({"command": {"value": command}}), &[]).await;
    }

    /// An offer of this agent that isn't used yet.
    pub async fn offer_of(&mut self, agent: &str) -> Value {
        loop {
            let found = self.stream.offers.iter().position(|offer| offer["agent_id"]["value"] == agent);
            if let Some(at) = found {
                return self.stream.offers.remove(at);
            }
            self.stream.next().await.expect("an offer");
        }
    }

    /// Launches a task in this offer, with these resources besides.
    pub async fn launch_in(&self, offer: &Value, name: &str, more: Value, resources: &[Value]) {
        let mut task = task(name, offer, more);
        task["resources"].as_array_mut().unwrap().extend_from_slice(resources);
        self.accept(offer, json!({"type": "LAUNCH", "launch": {"task_infos": [task]}})).await;
    }

    /// Launches a task of which `more` says what it is.
    pub async fn launch_with(&mut self, name: &str, more: Value) -> Value {
        let offer = self.offer().await;
        self.launch_in(&offer, name, more, &[]).await;
        offer["agent_id"].clone()
    }

    /// Launches commands as a group, under a default executor of its own.
    pub async fn launch_group(&mut self, executor: &str, commands: &[(&str, &str)]) {
        let tasks: Vec<_> =
            commands.iter().map(|(name, command)| (*name, json!({"command": {"value": command}}))).collect();
        self.launch_group_with(executor, &tasks).await;
    }

    /// The same with tasks of which is said what they are; without a command they sleep.
    pub async fn launch_group_with(&mut self, executor: &str, tasks: &[(&str, Value)]) {
        let offer = self.offer().await;
        let whole = |(name, more): &(&str, Value)| {
            let mut task = task(name, &offer, json!({"command": {"value": "exec sleep 1000"}}));
            task.as_object_mut().unwrap().extend(more.as_object().cloned().unwrap());
            task
        };
        let tasks: Vec<Value> = tasks.iter().map(whole).collect();
        let executor = json!({"type": "DEFAULT", "executor_id": {"value": executor}, "framework_id": self.id,
            "resources": [
                {"name": "cpus", "type": "SCALAR", "scalar": {"value": 0.1}},
                {"name": "mem", "type": "SCALAR", "scalar": {"value": 32}},
                {"name": "disk", "type": "SCALAR", "scalar": {"value": 32}}]});
        let group = json!({"executor": executor, "task_group": {"tasks": tasks}});
        self.accept(&offer, json!({"type": "LAUNCH_GROUP", "launch_group": group})).await;
    }

    /// Does an operation with an offer; the rest of it comes again at once.
    pub async fn accept(&self, offer: &Value, operation: Value) {
        let accept = json!({"type": "ACCEPT", "accept": {"offer_ids": [offer["id"]], "operations": [operation],
            "filters": {"refuse_seconds": 0}}});
        assert_eq!(self.call(accept).await, 202);
    }

    /// An agent's id as text.
    pub fn at_agent(agent: &Value) -> String {
        agent["value"].as_str().unwrap().to_owned()
    }

    /// The next update, acknowledged.
    pub async fn update(&mut self) -> Value {
        let status = self.stream.wait("UPDATE").await["update"]["status"].clone();
        self.acknowledge(&status).await;
        status
    }

    pub async fn acknowledge(&self, status: &Value) {
        if status.get("uuid").is_some() {
            let body = json!({"type": "ACKNOWLEDGE", "acknowledge": {"agent_id": status["agent_id"],
                "task_id": status["task_id"], "uuid": status["uuid"]}});
            assert_eq!(self.call(body).await, 202);
        }
    }

    pub async fn until(&mut self, state: &str) -> Value {
        loop {
            let status = self.update().await;
            if status["state"] == state {
                return status;
            }
        }
    }
}

/// A small task on an offer's agent.
fn task(name: &str, offer: &Value, more: Value) -> Value {
    let mut task = json!({"name": name, "task_id": {"value": name}, "agent_id": offer["agent_id"], "resources": [
        {"name": "cpus", "type": "SCALAR", "scalar": {"value": 0.1}},
        {"name": "mem", "type": "SCALAR", "scalar": {"value": 32}}]});
    task.as_object_mut().unwrap().extend(more.as_object().cloned().unwrap());
    task
}

/// A page of a master's or an agent's, as JSON.
pub async fn page(to: SocketAddr, path: &str) -> Value {
    send(to, "GET", path, &[], b"").await.whole().json()
}

/// An operator's call.
pub async fn operate(to: SocketAddr, body: Value) -> Answer {
    let headers = [("Content-Type".to_owned(), "application/json".to_owned())];
    send(to, "POST", "/api/v1", &headers, body.to_string().as_bytes()).await.whole()
}
