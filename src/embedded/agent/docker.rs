//! Docker tasks on a Docker Engine: images pulled, containers run, their output kept in the sandbox, and removed.
//!
//! Speaks to the Engine that `DOCKER_HOST` names, or the local one. Every container is named and labelled, so that
//! what a crashed agent left behind is found.

use std::collections::HashMap;
use std::io::Write as _;
use std::path::Path;
use std::time::Duration;

use bollard::Docker;
use bollard::container::LogOutput;
use bollard::errors::Error;
use bollard::exec::{CreateExecOptions, StartExecResults};
use bollard::models::{ContainerCreateBody, ContainerInspectResponse};
use bollard::query_parameters::{
    CreateContainerOptions, CreateImageOptions, ListContainersOptions, LogsOptions, RemoveContainerOptions,
    StopContainerOptions, WaitContainerOptions,
};
use futures_util::StreamExt as _;

use super::process::{listed, open_output};

/// Says which process owns a container; when it is dead, so should the container be.
const OWNER: &str = "mesos-repl.owner";
/// Says from which agent's work folder a container can be taken up again.
const WORK_DIR: &str = "mesos-repl.work-dir";
/// How long an Engine may take to say that it is there.
const PATIENCE: Duration = Duration::from_secs(2);
/// A container may run, and be stopped, as long as it likes.
const NO_LIMIT: Duration = Duration::from_secs(10 * 365 * 86_400);
/// How long after a container's end its last output may take to arrive.
const LAST_OUTPUT: Duration = Duration::from_secs(10);

/// A Docker Engine that answers.
#[derive(Clone, Debug)]
pub(in crate::embedded) struct Engine {
    docker: Docker,
    host: String,
    version: String,
}

/// Where the Engine is looked for.
fn host() -> String {
    let named = std::env::var("DOCKER_HOST").ok().filter(|host| !host.is_empty());
    named.unwrap_or_else(|| "unix:///var/run/docker.sock".to_owned())
}

/// That an image can't be had, in the words of the command line that a real agent runs.
fn not_pulled(host: &str, image: &str, why: &str) -> String {
    format!(
        "Failed to run 'docker -H {host} pull {image}': exited with status 1; \
         stderr='Error response from daemon: {why}\n'"
    )
}

/// That no registry knows an image, as one says it.
pub(super) fn unknown(image: &str) -> String {
    not_pulled(&host(), image, &format!("manifest for {image} not found: manifest unknown: manifest unknown"))
}

impl Engine {
    /// The Engine of this machine or of `DOCKER_HOST`, if it answers.
    pub(super) async fn find() -> Option<Self> {
        let host = host();
        // Connecting panics nowhere, but a socket that doesn't exist is only found out by asking.
        let docker = Docker::connect_with_host(&host).ok()?;
        let asked = tokio::time::timeout(PATIENCE, async {
            let docker = docker.negotiate_version().await?;
            let version = docker.version().await?.version.unwrap_or_default();
            Ok::<_, Error>((docker, version))
        });
        match asked.await {
            Ok(Ok((docker, version))) => Some(Self { docker: docker.with_timeout(NO_LIMIT), host, version }),
            Ok(Err(error)) => {
                tracing::debug!(%error, host, "no Docker Engine");
                None
            }
            Err(_) => {
                tracing::debug!(host, "a Docker Engine that doesn't answer");
                None
            }
        }
    }

    /// Its version.
    pub(super) fn version(&self) -> &str {
        &self.version
    }

    /// Makes sure that an image is there.
    ///
    /// # Errors
    /// In the words of the command line that a real agent runs.
    pub(super) async fn pull(&self, image: &str, force: bool) -> Result<(), String> {
        if !force && self.docker.inspect_image(image).await.is_ok() {
            return Ok(());
        }
        // A name without tag or digest would mean all tags.
        let last = image.rsplit('/').next().unwrap_or(image);
        let tag = (!last.contains([':', '@'])).then(|| "latest".to_owned());
        let options = CreateImageOptions { from_image: Some(image.to_owned()), tag, ..Default::default() };
        let mut progress = self.docker.create_image(Some(options), None, None);
        while let Some(step) = progress.next().await {
            let step = step.map_err(|error| self.pull_failed(image, &engine_words(&error)))?;
            if let Some(error) = step.error_detail.and_then(|detail| detail.message) {
                return Err(self.pull_failed(image, &error));
            }
        }
        Ok(())
    }

    fn pull_failed(&self, image: &str, why: &str) -> String {
        not_pulled(&self.host, image, why)
    }

    /// Makes a container and starts it.
    ///
    /// # Errors
    /// How `docker run` would have ended, and the Engine's words.
    pub(super) async fn run(&self, name: &str, body: ContainerCreateBody) -> Result<Container, (i64, String)> {
        let options = CreateContainerOptions { name: Some(name.to_owned()), ..Default::default() };
        let created = self.docker.create_container(Some(options), body).await;
        created.map_err(|error| (125, engine_words(&error)))?;
        let container = Container { engine: self.clone(), name: name.to_owned() };
        if let Err(error) = self.docker.start_container(name, None).await {
            let words = engine_words(&error);
            container.remove().await;
            // As `docker run` tells a command that is missing from one that may not be run.
            let code = if words.contains("not found") || words.contains("no such file") {
                127
            } else if words.contains("permission denied") {
                126
            } else {
                125
            };
            return Err((code, words));
        }
        Ok(container)
    }

    /// A container of an earlier run, if it still exists.
    pub(super) async fn find_container(&self, name: &str) -> Option<Container> {
        self.docker.inspect_container(name, None).await.ok()?;
        Some(Container { engine: self.clone(), name: name.to_owned() })
    }

    /// Removes the containers of processes that are no more. Only sure where Engine and agent share a machine.
    pub(super) async fn remove_orphans(&self) {
        if !self.host.starts_with("unix://") {
            return;
        }
        for (container, _, owner) in self.labelled(OWNER).await {
            if !lives(&owner) {
                tracing::info!(container = container.name, owner, "removing a container whose agent is gone");
                container.remove().await;
            }
        }
    }

    /// Removes the containers of an agent's work folder, except those of these names.
    pub(super) async fn remove_strays(&self, work_dir: &Path, known: &[String]) {
        for (container, names, folder) in self.labelled(WORK_DIR).await {
            let is_known = names.iter().any(|name| known.iter().any(|known| name.trim_start_matches('/') == known));
            if Path::new(&folder) == work_dir && !is_known {
                tracing::info!(container = container.name, "removing a container that no task belongs to");
                container.remove().await;
            }
        }
    }

    /// Containers with a label, their names, and its value.
    async fn labelled(&self, label: &str) -> Vec<(Container, Vec<String>, String)> {
        let filters = HashMap::from([("label".to_owned(), vec![label.to_owned()])]);
        let options = ListContainersOptions { all: true, filters: Some(filters), ..Default::default() };
        let found = match self.docker.list_containers(Some(options)).await {
            Ok(found) => found,
            Err(error) => {
                tracing::warn!(%error, "can't look for containers left behind");
                return Vec::new();
            }
        };
        let labelled = found.into_iter().filter_map(|one| {
            let value = one.labels?.get(label)?.clone();
            Some((Container { engine: self.clone(), name: one.id? }, one.names.unwrap_or_default(), value))
        });
        labelled.collect()
    }
}

/// This process's name on its containers: its number, and when it started, since numbers are used again.
fn owner() -> String {
    let pid = std::process::id();
    let started = i32::try_from(pid).ok().and_then(listed).map_or(0, |process| process.started);
    format!("{pid}-{started}")
}

fn lives(owner: &str) -> bool {
    let Some((pid, started)) = owner.split_once('-') else { return true };
    let (Ok(pid), Ok(started)) = (pid.parse(), started.parse::<u64>()) else { return true };
    started == 0 || listed(pid).is_some_and(|process| process.started == started)
}

/// Labels a container as this process's own, to go when it does, or as that work folder's, to be taken up from it.
pub(super) fn own(body: &mut ContainerCreateBody, work_dir: Option<&Path>) {
    let (label, value) = match work_dir {
        Some(work_dir) => (WORK_DIR, work_dir.display().to_string()),
        None => (OWNER, owner()),
    };
    body.labels.get_or_insert_default().insert(label.to_owned(), value);
}

/// The Engine's own words.
fn engine_words(error: &Error) -> String {
    match error {
        Error::DockerResponseServerError { message, .. } => message.clone(),
        Error::DockerStreamError { error } => error.clone(),
        other => other.to_string(),
    }
}

/// A container on an Engine.
#[derive(Clone, Debug)]
pub(super) struct Container {
    engine: Engine,
    name: String,
}

impl Container {
    /// What `docker inspect` says, and in it what a status update tells apart.
    ///
    /// # Errors
    /// The Engine's words.
    pub(super) async fn inspect(&self) -> Result<Inspected, String> {
        let found = self.engine.docker.inspect_container(&self.name, None).await;
        found.map_err(|error| engine_words(&error)).map(|found| Inspected::of(&found))
    }

    /// Waits for its end; returns its exit status.
    ///
    /// # Errors
    /// The Engine's words.
    pub(super) async fn wait(&self) -> Result<i64, String> {
        let options = WaitContainerOptions { condition: "not-running".to_owned() };
        match self.engine.docker.wait_container(&self.name, Some(options)).next().await {
            Some(Ok(ended)) => Ok(ended.status_code),
            Some(Err(Error::DockerContainerWaitError { code, .. })) => Ok(code),
            Some(Err(error)) => Err(engine_words(&error)),
            None => Err("the Engine said nothing".to_owned()),
        }
    }

    /// Stops it: first asks it, after the grace period kills it.
    ///
    /// # Errors
    /// The Engine's words.
    pub(super) async fn stop(&self, grace: Duration) -> Result<(), String> {
        let t = i32::try_from(grace.as_secs()).unwrap_or(i32::MAX);
        let options = StopContainerOptions { t: Some(t), ..Default::default() };
        self.engine.docker.stop_container(&self.name, Some(options)).await.map_err(|error| engine_words(&error))
    }

    /// Copies its output into the sandbox until it ends, from its start, so that nothing is missed or doubled when an
    /// earlier agent has copied some of it.
    pub(super) async fn keep_output(&self, sandbox: &Path) {
        let opened =
            open_output(sandbox, "stdout", None).and_then(|out| Ok((out, open_output(sandbox, "stderr", None)?)));
        let (mut out, mut err) = match opened {
            Ok(opened) => opened,
            Err(error) => return tracing::warn!(%error, container = self.name, "can't keep its output"),
        };
        if let Err(error) = out.set_len(0).and_then(|()| err.set_len(0)) {
            return tracing::warn!(%error, container = self.name, "can't keep its output");
        }
        let options =
            LogsOptions { follow: true, stdout: true, stderr: true, tail: "all".to_owned(), ..Default::default() };
        let mut logs = self.engine.docker.logs(&self.name, Some(options));
        while let Some(part) = logs.next().await {
            // Small writes to a local file: not worth a thread each.
            let written = match part {
                Ok(LogOutput::StdErr { message }) => err.write_all(&message),
                Ok(other) => out.write_all(&other.into_bytes()),
                Err(error) => return tracing::debug!(%error, container = self.name, "its output ended"),
            };
            if let Err(error) = written {
                return tracing::warn!(%error, container = self.name, "can't keep its output");
            }
        }
    }

    /// Runs a command in it; returns its exit status.
    ///
    /// # Errors
    /// The Engine's words.
    pub(super) async fn execute(
        &self,
        program: String,
        arguments: Vec<String>,
        environment: Vec<String>,
    ) -> Result<i32, String> {
        let command = std::iter::once(program).chain(arguments.into_iter().skip(1)).collect();
        let options = CreateExecOptions {
            cmd: Some(command),
            env: Some(environment),
            attach_stdout: Some(true),
            attach_stderr: Some(true),
            ..Default::default()
        };
        let docker = &self.engine.docker;
        let words = |error: Error| engine_words(&error);
        let id = docker.create_exec(&self.name, options).await.map_err(words)?.id;
        if let StartExecResults::Attached { mut output, .. } = docker.start_exec(&id, None).await.map_err(words)? {
            // Its end is the command's end.
            while output.next().await.is_some() {}
        }
        let code = docker.inspect_exec(&id).await.map_err(words)?.exit_code;
        code.and_then(|code| i32::try_from(code).ok()).ok_or_else(|| "the Engine tells no exit status".to_owned())
    }

    /// Removes it, running or not.
    pub(super) async fn remove(&self) {
        let options = RemoveContainerOptions { force: true, v: true, ..Default::default() };
        match self.engine.docker.remove_container(&self.name, Some(options)).await {
            Ok(()) | Err(Error::DockerResponseServerError { status_code: 404 | 409, .. }) => {}
            Err(error) => tracing::warn!(%error, container = self.name, "can't remove it"),
        }
    }
}

/// Waits for the last of a container's output, but not for ever.
pub(super) async fn last_output(mut output: tokio::task::JoinHandle<()>) {
    if tokio::time::timeout(LAST_OUTPUT, &mut output).await.is_err() {
        output.abort();
    }
}

/// What `docker inspect` said.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Inspected {
    /// As the command line prints it.
    pub(super) text: String,
    /// Its first process.
    pub(super) pid: Option<u32>,
    /// Its own address, if it has one.
    pub(super) ip: Option<String>,
}

impl Inspected {
    fn of(found: &ContainerInspectResponse) -> Self {
        let mut text = Vec::new();
        let format = serde_json::ser::PrettyFormatter::with_indent(b"    ");
        let mut serializer = serde_json::Serializer::with_formatter(&mut text, format);
        if let Err(error) = serde::Serialize::serialize(&[found], &mut serializer) {
            tracing::warn!(%error, "what the Engine said of a container can't be written");
        }
        text.push(b'\n');
        let pid = found.state.as_ref().and_then(|state| state.pid).and_then(|pid| u32::try_from(pid).ok());
        let networks = found.network_settings.as_ref().and_then(|settings| settings.networks.as_ref());
        let ips = networks.into_iter().flat_map(|networks| networks.values());
        let ip = ips.filter_map(|network| network.ip_address.clone()).find(|ip| !ip.is_empty());
        Self { text: String::from_utf8_lossy(&text).into_owned(), pid: pid.filter(|pid| *pid > 0), ip }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_container_belongs_to_a_living_process_or_to_none() {
        assert!(lives(&owner()));
        assert!(!lives("1-18446744073709551615"));
        assert!(lives("what is that"), "what can't be told is left alone");
    }
}
