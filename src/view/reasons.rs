//! Why a task is in its state, in words: Mesos's reasons explained, and what one would try.
//! (apache/mesos: include/mesos/v1/mesos.proto, TaskStatus.Reason; docs/high-availability-framework-guide.md)

use crate::mesos::{StatusReason, StatusSource, TaskState, TaskStatus};

/// A reason in words, where its name doesn't say enough.
pub fn reason_in_words(reason: &StatusReason) -> Option<&'static str> {
    use StatusReason as R;
    Some(match reason {
        R::InvalidOffers => {
            "an offer named in the ACCEPT no longer holds: it was used, declined or rescinded before, or another offer of the call was"
        }
        R::TaskInvalid => "the master found the task itself wrong and didn't launch it",
        R::TaskGroupInvalid => "the master found the task group wrong and launched none of its tasks",
        R::TaskUnauthorized => "the framework's principal may not run this task as this user",
        R::ContainerLaunchFailed => {
            "the agent couldn't start the container: the image can't be pulled, an URI can't be fetched, or the user doesn't exist there"
        }
        R::ContainerLimitationMemory => "it used more memory than it was given",
        R::ContainerLimitationDisk => "it used more disk than it was given",
        R::ContainerLimitation => "it used more than it was given",
        R::CommandExecutorFailed => "the command ended with a failure",
        R::ExecutorTerminated => "its executor ended before it",
        R::ExecutorRegistrationTimeout => {
            "its executor didn't come up in time, often because an image takes long to pull (agent flag --executor_registration_timeout)"
        }
        R::ExecutorReregistrationTimeout | R::ExecutorUnregistered => "its executor was lost",
        R::AgentRemoved => "its agent was removed from the cluster; the task may come back with it",
        R::AgentDisconnected => "its agent was disconnected",
        R::AgentRestarted => "its agent was restarted",
        R::AgentUnknown => "the master doesn't know the agent",
        R::AgentRemovedByOperator => "an operator removed its agent",
        R::AgentDraining => "its agent is being drained for maintenance",
        R::MasterDisconnected => "the master lost its leadership meanwhile",
        R::FrameworkRemoved => "its framework was removed",
        R::Reconciliation => "the answer to a question (reconciliation), not news",
        R::TaskUnknown => "the master doesn't know the task",
        R::TaskKilledDuringLaunch => "it was killed before it had started",
        R::MaxCompletionTimeReached => "it ran longer than its max_completion_time",
        R::ResourcesUnknown => "it wants resources that the agent doesn't have",
        R::TaskHealthCheckStatusUpdated => "its health check gave another result",
        R::TaskCheckStatusUpdated => "its check gave another result",
        R::GcError => "the agent couldn't prepare the sandbox",
        _ => return None,
    })
}

/// What a status means for the person who launched the task, and what to try; nothing where all is well.
pub fn verdict(status: &TaskStatus) -> Vec<String> {
    let mut lines = Vec::new();
    let message = status.message.as_deref().unwrap_or("");
    let no_user = message.contains("user information") || message.contains("No such user");
    let not_pulled = message.contains("pull") && status.state == TaskState::Failed;
    if let Some(words) = status.reason.as_ref().and_then(reason_in_words).filter(|_| !not_pulled && !no_user) {
        lines.push(words.to_owned());
    }
    if status.state == TaskState::Lost && status.source == Some(StatusSource::Master) {
        lines.push(
            "LOST to a framework without PARTITION_AWARE: dropped, gone or unreachable; it may not be final".to_owned(),
        );
    }
    if message.contains("already in use") || message.contains("ddress already in use") {
        lines.push("a port is taken on the agent's host".to_owned());
    } else if no_user {
        lines.push("the user doesn't exist on the agent: subscribe --user NAME or --user NAME for the task".to_owned());
    } else if not_pulled {
        lines.push(
            "the agent's Docker couldn't pull the image: is the name right, and the registry in its reach?".to_owned(),
        );
    } else if message.contains("exited with status 127") {
        lines.push("127 is the shell's: there is no such command there".to_owned());
    } else if message.contains("exited with status 126") {
        lines.push("126 is the shell's: that can't be executed".to_owned());
    } else if message.contains("exited with status 137") {
        lines.push("137 is SIGKILL: out of memory, or killed after its grace period".to_owned());
    }
    lines
}
