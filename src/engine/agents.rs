//! Finding an agent and a task's sandbox on it, and reading files there.
//!
//! Only agents that the master lists are asked. An agent's address is the master's word, and whoever registered it made
//! it up: nothing but JSON and files is read from it, and it isn't told who we are unless somebody wants that.

use serde::Deserialize;
use serde_json::Value;

use super::context::{Context, Failure};
use super::names::{self, NoId};
use crate::client::{Address, Meaning, RequestError};
use crate::document::Diagnostic;
use crate::state::Task;

/// An agent's HTTP API.
#[derive(Clone, Debug)]
pub(super) struct Agent {
    /// Where it listens.
    pub address: Address,
    /// What comes before its paths, such as `/slave(1)`.
    pub prefix: String,
    /// Its host, as it names itself.
    pub hostname: String,
}

/// The agent of this id, short id or host name; or the only one.
pub(super) async fn find(context: &mut Context<'_>, part: Option<&str>) -> Result<Agent, Failure> {
    let answer = context.get_json("/slaves").await?;
    let agents: Vec<&Value> = answer.get("slaves").and_then(Value::as_array).into_iter().flatten().collect();
    let text = |agent: &Value, field: &str| agent.get(field).and_then(Value::as_str).unwrap_or_default().to_owned();
    let found = match part {
        None => match agents.as_slice() {
            [only] => *only,
            [] => return Err(Diagnostic::new("the cluster has no agents").into()),
            several => {
                return Err(Diagnostic::new(format!("the cluster has {} agents: which one?", several.len()))
                    .help("agents lists them; --agent ID or HOST names one")
                    .into());
            }
        },
        Some(part) => {
            let ids: Vec<String> = agents.iter().map(|agent| text(agent, "id")).collect();
            let by_host = agents.iter().find(|agent| text(agent, "hostname") == part);
            match (by_host, names::whole(part, ids.iter().map(String::as_str))) {
                (Some(agent), _) => *agent,
                (None, Ok(id)) => match agents.iter().find(|agent| text(agent, "id") == id) {
                    Some(agent) => *agent,
                    None => return Err(unknown(NoId::Unknown(None), part)),
                },
                (None, Err(why)) => return Err(unknown(why, part)),
            }
        }
    };
    let pid = text(found, "pid");
    let master = context.address().await?;
    let agent = agent_at(&master, &pid, text(found, "hostname"))?;
    context.client().admit_agent(&master, &agent.address)?;
    Ok(agent)
}

fn unknown(why: NoId, part: &str) -> Failure {
    why.told(Diagnostic::new, "agent", part).help("agents lists them").into()
}

/// `slave(1)@127.0.0.1:5051` as an address and a prefix.
fn agent_at(master: &Address, pid: &str, hostname: String) -> Result<Agent, Failure> {
    let scheme = if master.is_https() { "https" } else { "http" };
    let parsed = pid.split_once('@').and_then(|(process, at)| {
        Address::parse(&format!("{scheme}://{at}")).ok().map(|address| (address, format!("/{process}")))
    });
    match parsed {
        Some((address, prefix)) => Ok(Agent { address, prefix, hostname }),
        None => Err(Diagnostic::new(format!("the master names its agent '{pid}', which is no address")).into()),
    }
}

/// A task's files on its agent.
#[derive(Clone, Debug)]
pub(super) struct Sandbox {
    agent: Agent,
    /// The directory as the agent's `/files` API names it.
    pub directory: String,
}

/// A file as `/files/browse` lists it.
#[derive(Clone, Debug, Deserialize)]
pub(super) struct Listed {
    /// Its whole path.
    pub path: String,
    /// `drwxr-xr-x`.
    #[serde(default)]
    pub mode: String,
    /// Bytes.
    #[serde(default)]
    pub size: u64,
    /// Seconds since 1970.
    #[serde(default)]
    pub mtime: f64,
    /// Its owner.
    #[serde(default)]
    pub uid: String,
}

/// A piece of a file.
#[derive(Clone, Debug, Deserialize)]
struct Read {
    data: String,
    offset: u64,
}

/// The sandbox of a task of this session.
pub(super) async fn sandbox(context: &mut Context<'_>, task: &str) -> Result<Sandbox, Failure> {
    let session = context.session();
    let (agent, executor, framework) = session.read(|state| {
        let task = state.tasks.get(task);
        let agent = task.and_then(|task| state.tasks.agent_of(task)).map(|id| id.as_str().to_owned());
        (agent, task.and_then(executor_of), state.framework_id.clone())
    });
    let Some(agent) = agent else {
        return Err(Diagnostic::new(format!("nobody has said yet on which agent '{task}' runs")).into());
    };
    let Some(framework) = framework else {
        return Err(Diagnostic::new("the session has no framework").into());
    };
    let executor = executor.unwrap_or_else(|| task.to_owned());
    let agent = find(context, Some(&agent)).await?;
    let directory = match latest(context, &agent, framework.as_str(), &executor, task).await? {
        Some(directory) => directory,
        None => directory(context, &agent, framework.as_str(), &executor).await?,
    };
    Ok(Sandbox { agent, directory })
}

/// The newest run by the path that agents since 1.5 give it; a task of a group has a sandbox of its own below its
/// executor's. `None` where the agent has no such path. (apache/mesos: MESOS-7899; docs/sandbox.md)
async fn latest(
    context: &mut Context<'_>,
    agent: &Agent,
    framework: &str,
    executor: &str,
    task: &str,
) -> Result<Option<String>, Failure> {
    let run = format!("/frameworks/{framework}/executors/{executor}/runs/latest");
    let of_group = (executor != task).then(|| format!("{run}/tasks/{task}"));
    for directory in of_group.into_iter().chain([run]) {
        let client = context.client();
        let path = format!("/files/browse?path={}", encoded(&directory));
        let what = format!("the sandbox on {}", agent.hostname);
        match context.during(&what, client.get(&agent.address, &path)).await? {
            Ok(_) => return Ok(Some(directory)),
            Err(error) if error.meaning() == Some(Meaning::NotFound) => {}
            // Older agents say otherwise that they know no such path.
            Err(RequestError::Refused(_)) => return Ok(None),
            Err(error) => return Err(error.into()),
        }
    }
    Ok(None)
}

/// The executor that an update named; a task without one of its own has one of the task's id.
fn executor_of(task: &Task) -> Option<String> {
    let statuses = task.history().filter_map(|recorded| recorded.status().ok());
    let told = statuses.filter_map(|status| status.executor_id).last().map(|id| id.as_str().to_owned());
    let own = || task.launch.as_ref()?.task.executor.as_ref().map(|executor| executor.executor_id.as_str().to_owned());
    told.filter(|id| !id.is_empty()).or_else(own)
}

/// The newest run's directory, out of the agent's whole state.
async fn directory(
    context: &mut Context<'_>,
    agent: &Agent,
    framework: &str,
    executor: &str,
) -> Result<String, Failure> {
    let client = context.client();
    let state = context.get_json_from(&client, &agent.address, &format!("{}/state", agent.prefix)).await?;
    let lists = |value: &'_ Value, names: &[&str]| -> Vec<Value> {
        names.iter().filter_map(|name| value.get(*name)).filter_map(Value::as_array).flatten().cloned().collect()
    };
    let frameworks = lists(&state, &["frameworks", "completed_frameworks"]);
    let framework = frameworks.iter().find(|one| one.get("id").and_then(Value::as_str) == Some(framework));
    let executors = framework.map(|one| lists(one, &["executors", "completed_executors"])).unwrap_or_default();
    let found = executors.iter().rev().find(|one| one.get("id").and_then(Value::as_str) == Some(executor));
    match found.and_then(|one| one.get("directory")).and_then(Value::as_str) {
        Some(directory) => Ok(directory.to_owned()),
        None => Err(Diagnostic::new(format!("the agent {} knows no sandbox of '{executor}'", agent.hostname))
            .detail("the task may not have started, or its sandbox was collected as garbage")
            .into()),
    }
}

impl Sandbox {
    /// The files in a directory below the sandbox; `""` is the sandbox itself.
    pub async fn list(&self, context: &mut Context<'_>, below: &str) -> Result<Vec<Listed>, Failure> {
        let path = self.path("browse", below, "");
        let client = context.client();
        let what = format!("the sandbox's files on {}", self.agent.hostname);
        let body = context.during(&what, client.get(&self.agent.address, &path)).await?;
        let body = body.map_err(|error| self.missing(error, below))?;
        serde_json::from_slice(&body)
            .map_err(|error| Diagnostic::new("the agent's list of files can't be read").cause(&error).into())
    }

    /// Up to `length` bytes of a file from `offset`, as text, and how many bytes those were; none at its end.
    pub async fn read(
        &self,
        context: &mut Context<'_>,
        file: &str,
        offset: u64,
        length: u64,
    ) -> Result<(String, u64), Failure> {
        let path = self.path("read", file, &format!("&offset={offset}&length={length}"));
        let client = context.client();
        let body = client.get(&self.agent.address, &path).await;
        let body = body.map_err(|error| self.missing(error, file))?;
        let text = self.piece(&body)?.data;
        if !text.contains('\u{fffd}') {
            let bytes = text.len() as u64;
            return Ok((text, bytes));
        }
        // What was no text has another length now than in the file.
        let size = self.size(context, file).await?;
        Ok((text, length.min(size.saturating_sub(offset))))
    }

    /// A file's size in bytes.
    pub async fn size(&self, context: &mut Context<'_>, file: &str) -> Result<u64, Failure> {
        let path = self.path("read", file, "&offset=-1");
        let client = context.client();
        let body = context
            .during(&format!("{file} on {}", self.agent.hostname), client.get(&self.agent.address, &path))
            .await?;
        let body = body.map_err(|error| self.missing(error, file))?;
        Ok(self.piece(&body)?.offset)
    }

    fn piece(&self, body: &[u8]) -> Result<Read, Failure> {
        // A piece may end, or a file consist, in bytes that are no text.
        serde_json::from_str(&String::from_utf8_lossy(body)).map_err(|error| {
            Diagnostic::new(format!("{} answers a read oddly", self.agent.hostname)).cause(&error).into()
        })
    }

    fn path(&self, verb: &str, below: &str, more: &str) -> String {
        let whole = if below.is_empty() { self.directory.clone() } else { format!("{}/{below}", self.directory) };
        format!("/files/{verb}?path={}{more}", encoded(&whole))
    }

    fn missing(&self, error: RequestError, file: &str) -> Failure {
        if error.meaning() != Some(Meaning::NotFound) {
            return error.into();
        }
        let what = format!("there is no '{file}' in the sandbox on {}", self.agent.hostname);
        Diagnostic::new(what).help("files TASK lists what there is").into()
    }
}

/// A path as a query's value.
fn encoded(path: &str) -> String {
    let mut encoded = String::with_capacity(path.len() + 16);
    for byte in path.bytes() {
        match byte {
            b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' | b'/' => {
                encoded.push(char::from(byte))
            }
            _ => encoded.push_str(&format!("%{byte:02X}")),
        }
    }
    encoded
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_agents_pid_is_an_address() {
        let master = Address::parse("127.0.0.1:5050").unwrap();
        let agent = agent_at(&master, "slave(1)@10.0.0.7:5051", "agent1".to_owned()).unwrap();
        assert_eq!((agent.address.host_port().as_str(), agent.prefix.as_str()), ("10.0.0.7:5051", "/slave(1)"));
        assert!(agent_at(&master, "nonsense", String::new()).is_err());
    }

    #[test]
    fn odd_names_survive_a_query() {
        assert_eq!(encoded("/a b/ü&x=1#"), "/a%20b/%C3%BC%26x%3D1%23");
    }
}
