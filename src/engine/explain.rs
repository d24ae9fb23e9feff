//! What went wrong between us and a master, in words: closed subscriptions, refused calls, addresses where nothing is.

use crate::client::{Meaning, RequestError};
use crate::document::Diagnostic;
use crate::session::{CallError, Closed, Session};

/// Why a subscription is over, and the command that goes on from there.
pub(super) fn closed(why: &Closed, session: &Session) -> Diagnostic {
    let id = session.read(|state| state.framework_id.as_ref().map(ToString::to_string));
    let id = id.as_deref().unwrap_or("ID");
    match why {
        Closed::TornDown => Diagnostic::new("the framework has been torn down").help("subscribe registers a new one"),
        Closed::Detached => {
            Diagnostic::new("the framework was left running").help(format!("subscribe --id {id} takes it up again"))
        }
        Closed::Stolen => Diagnostic::new(
            "another client has subscribed as this framework, and the master gave it the stream",
        )
        .detail("a framework has one scheduler at a time; its tasks run on under the other one")
        .help(format!(
            "subscribe --id {id} takes it back from the other client; subscribe --new registers another framework"
        )),
        Closed::Removed => Diagnostic::new("the master has removed this framework")
            .detail("it was torn down, or was away for longer than its failover timeout; its tasks were killed")
            .help("subscribe --new registers a new one"),
        Closed::Refused(message) => refused(message),
    }
}

fn refused(message: &str) -> Diagnostic {
    let diagnostic = Diagnostic::new(format!("the master refused the subscription: {message}"));
    if message.contains("--root_submissions") {
        diagnostic.help("subscribe --user NAME, a user that exists on the agents")
    } else if message.contains("--roles") {
        diagnostic.help("subscribe --role ROLE, one of the master's roles (get /roles)")
    } else if message.contains("401") {
        diagnostic.help("this master wants to know who asks; credentials aren't supported yet")
    } else {
        diagnostic
    }
}

/// Why a request brought nothing.
pub(super) fn request_failed(error: &RequestError) -> Diagnostic {
    let diagnostic = Diagnostic::new(error.to_string());
    match error {
        RequestError::Unreachable { .. } => {
            diagnostic.help("is the address right and the master up? connect HOST:PORT names another; a master listens on 5050 by habit")
        }
        RequestError::Unanswered { .. } => diagnostic.help("it may or may not have arrived; status and tasks show what is known"),
        RequestError::NotMesos { .. } => diagnostic.help("a Mesos master answers GET /version with its version"),
        RequestError::Redirect { .. } => diagnostic.help("connect to the leading master's own address"),
        RequestError::Refused(refusal) => match refusal.meaning {
            Meaning::UnknownFramework => diagnostic.detail("the master doesn't know this framework (any more)").help("subscribe --new registers a new one"),
            Meaning::NotSubscribed => diagnostic.detail("the subscription was lost; the session subscribes again by itself"),
            Meaning::StreamTaken => diagnostic.detail("another client has subscribed as this framework since"),
            Meaning::Unauthenticated => diagnostic.help("this master wants to know who asks; credentials aren't supported yet"),
            Meaning::NotNow => diagnostic.help("it will answer later; try again"),
            Meaning::NotFound => diagnostic.detail("there is no such endpoint or file").help("get /state, /version and /metrics/snapshot are always there"),
            Meaning::NotMesos => diagnostic.help("is this a Mesos master? GET /version should answer with its version"),
            Meaning::Wrong | Meaning::Forbidden | Meaning::Trouble => diagnostic,
        },
        _ => diagnostic,
    }
}

/// Why a call brought nothing.
pub(super) fn call_failed(error: &CallError) -> Diagnostic {
    match error {
        CallError::Request(error) => request_failed(error),
        CallError::Fatal(_) => Diagnostic::from_error(error).detail(
            "a real Mesos master has this defect: everybody's frameworks on it would be lost for the time being",
        ),
        CallError::NotSubscribed => Diagnostic::from_error(error).help("subscribe"),
        _ => Diagnostic::from_error(error).help("status shows how the session stands"),
    }
}
