//! The process of a framework's own executor: fetched, started, waited for, killed when it must go.
//!
//! What it says over the executor API is the actor's; here is only whether it runs.

use std::collections::BTreeMap;
use std::os::unix::process::ExitStatusExt;
use std::path::PathBuf;
use std::time::Duration;

use nix::sys::signal::Signal;
use tokio::sync::mpsc;
use tokio::time::Instant;

use super::fetch;
use super::keeper::Keeper;
use super::process::{Adopted, Process, Start};
use super::user::User;
use crate::mesos::{CommandInfo, ExecutorId, FrameworkId};

/// How long an executor may take to subscribe.
const REGISTRATION: Duration = Duration::from_secs(60);
/// How long one may take to come back to an agent that has started again.
pub(super) const REREGISTRATION: Duration = Duration::from_secs(10);
/// How long an executor that was told to end may take.
const SHUTDOWN: Duration = Duration::from_secs(5);

/// An executor to run.
#[derive(Debug)]
pub(super) struct Job {
    /// Its framework.
    pub(super) framework_id: FrameworkId,
    /// Which.
    pub(super) executor_id: ExecutorId,
    /// Its command.
    pub(super) command: CommandInfo,
    /// Where downloads are kept for others.
    pub(super) cache: PathBuf,
    /// Its container's id.
    pub(super) container_id: String,
    /// Its folder, which exists.
    pub(super) sandbox: PathBuf,
    /// Its environment, without the command's own part.
    pub(super) environment: BTreeMap<String, String>,
    /// Whom it runs as.
    pub(super) user: Option<User>,
    /// Who ends it should the agent be killed.
    pub(super) keeper: Option<Keeper>,
}

/// How an executor is to end.
#[derive(Clone, Copy, Debug)]
pub(super) enum Stop {
    /// It was told; it may take a moment.
    Asked,
    /// It can't be told.
    Now,
}

/// What an executor's process came to.
#[derive(Debug)]
pub(super) struct Report {
    /// Its framework.
    pub(super) framework_id: FrameworkId,
    /// Which.
    pub(super) executor_id: ExecutorId,
    /// What happened.
    pub(super) what: What,
}

/// What happened to it.
#[derive(Debug)]
pub(super) enum What {
    /// It runs.
    Pid(u32),
    /// It should have subscribed by now, if it has not.
    Late,
    /// It is over.
    Ended(Ended),
}

/// How it ended.
#[derive(Debug)]
pub(super) enum Ended {
    /// With that wait status.
    Exited(i32),
    /// It never ran.
    NotLaunched(String),
}

/// Its process, started by this agent or by an earlier one.
#[derive(Debug)]
enum Alive {
    Own(Process),
    Adopted(Adopted),
}

impl Alive {
    async fn wait(&mut self) -> Ended {
        match self {
            Self::Own(process) => match process.wait().await {
                Ok(status) => Ended::Exited(status.into_raw()),
                Err(error) => Ended::NotLaunched(format!("Failed to get exit status: {error}")),
            },
            // Only its parent hears how a process ends; a real agent tells -1 then.
            Self::Adopted(process) => Ended::Exited(process.wait().await.map_or(-1, ExitStatusExt::into_raw)),
        }
    }

    fn kill(&self) {
        match self {
            Self::Own(process) => process.signal(Signal::SIGKILL),
            Self::Adopted(process) => process.signal(Signal::SIGKILL),
        }
    }
}

/// Runs an executor to its end.
pub(super) async fn run(job: Job, mut stops: mpsc::UnboundedReceiver<Stop>, reports: mpsc::UnboundedSender<Report>) {
    let tell = |what| {
        let (framework_id, executor_id) = (job.framework_id.clone(), job.executor_id.clone());
        // The actor outlives its executors; when it doesn't, nobody is left to hear.
        let _ = reports.send(Report { framework_id, executor_id, what });
    };
    let started = tokio::select! {
        started = start(&job) => started,
        _ = stops.recv() => Err("Executor killed before it ran".to_owned()),
    };
    let process = match started {
        Ok(process) => process,
        Err(why) => return tell(What::Ended(Ended::NotLaunched(why))),
    };
    tell(What::Pid(process.pid()));
    attend(Alive::Own(process), REGISTRATION, &mut stops, tell).await;
}

/// Goes on with the process of an executor that an earlier agent has left running.
pub(super) async fn adopt(
    whose: (FrameworkId, ExecutorId),
    process: Adopted,
    mut stops: mpsc::UnboundedReceiver<Stop>,
    reports: mpsc::UnboundedSender<Report>,
) {
    let tell = |what| {
        let (framework_id, executor_id) = whose.clone();
        // As in `run`.
        let _ = reports.send(Report { framework_id, executor_id, what });
    };
    attend(Alive::Adopted(process), REREGISTRATION, &mut stops, tell).await;
}

/// Waits for its end; it has to subscribe in time.
async fn attend(mut alive: Alive, patience: Duration, stops: &mut mpsc::UnboundedReceiver<Stop>, tell: impl Fn(What)) {
    let (mut late, mut kill) = (Some(Instant::now() + patience), None);
    let ended = loop {
        tokio::select! {
            ended = alive.wait() => break ended,
            Some(stop) = stops.recv() => match stop {
                Stop::Asked => kill = kill.or_else(|| Instant::now().checked_add(SHUTDOWN)),
                Stop::Now => alive.kill(),
            },
            () = super::task::at(late) => {
                late = None;
                tell(What::Late);
            }
            () = super::task::at(kill) => {
                kill = None;
                alive.kill();
            }
        }
    };
    tell(What::Ended(ended));
}

async fn start(job: &Job) -> Result<Process, String> {
    if fetch::fetch(&job.command.uris, &job.sandbox, job.user.as_ref(), &job.cache).await.is_err() {
        let container = &job.container_id;
        return Err(format!("Failed to fetch all URIs for container '{container}': exited with status 1"));
    }
    let mut environment = job.environment.clone();
    for variable in job.command.environment.iter().flat_map(|own| &own.variables) {
        if let Some(value) = &variable.value {
            environment.insert(variable.name.clone(), value.clone());
        }
    }
    let user = job.user.as_ref();
    Process::start(&Start {
        command: &job.command,
        environment: &environment,
        sandbox: &job.sandbox,
        user,
        exit: None,
        keeper: job.keeper.as_ref(),
    })
}
