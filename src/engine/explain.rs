//! What went wrong between us and a master, in words: closed subscriptions, refused calls, addresses where nothing is.

use super::StartError;
use crate::client::{Meaning, RequestError};
use crate::document::Diagnostic;
use crate::session::{CallError, Closed, Session};
use crate::store::Trouble;

/// What to try where nobody trusts anybody: words that an error has, and what helps. Options of the start are also those
/// of `profile add`.
const TRUST: [(&str, &str); 10] = [
    ("issued by nobody who is trusted", "--ca-file FILE names the authorities that a cluster has of its own"),
    ("for another name", "connect by a name that the certificate has; --resolve NAME=IP says where it leads"),
    (
        "doesn't believe that we are",
        "is the secret right, and is this the cluster that knows it? --principal NAME with --secret-file FILE, --token-file FILE, or another profile",
    ),
    (
        "ended the TLS handshake",
        "http://HOST:PORT, if it is meant to be without TLS; agents are asked as their master is",
    ),
    ("doesn't speak TLS", "http://HOST:PORT, if it is meant to be without TLS"),
    ("plain HTTP request was sent to HTTPS port", "https://HOST:PORT: it speaks TLS"),
    ("demands a client certificate", "--cert-file FILE and --key-file FILE name one"),
    ("No required SSL certificate", "it demands a client certificate: --cert-file FILE and --key-file FILE name one"),
    (
        "wasn't told",
        "name it too (connect A:5050,B:5050), or allow it: --trust-redirects for masters, --trust-agents for agents",
    ),
    ("the network unencrypted", "https://HOST:PORT, or --plain-credentials if the network is yours alone"),
];
/// What to do about a 401.
const WHO: &str = "it wants to know who asks: --principal NAME with --secret-file FILE, --token-file FILE, or a profile (help profile)";

fn trust(text: &str) -> Option<&'static str> {
    TRUST.iter().find(|(words, _)| text.contains(words)).map(|(_, help)| *help)
}

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
    // It is us who don't go on.
    let ours = ["no trust between us", "nothing sent to"].iter().any(|words| message.starts_with(words));
    let what = if ours { message.to_owned() } else { format!("the master refused the subscription: {message}") };
    let diagnostic = Diagnostic::new(what);
    if let Some(help) = trust(message) {
        diagnostic.help(help)
    } else if message.contains("--root_submissions") {
        diagnostic.help("subscribe --user NAME, a user that exists on the agents")
    } else if message.contains("--roles") {
        diagnostic.help("subscribe --role ROLE, one of the master's roles (get /roles)")
    } else if message.contains("401") {
        diagnostic.help(WHO)
    } else {
        diagnostic
    }
}

/// Why a request brought nothing.
pub(super) fn request_failed(error: &RequestError) -> Diagnostic {
    let diagnostic = Diagnostic::new(error.to_string());
    if let Some(help) = trust(&diagnostic.what) {
        return diagnostic.help(help);
    }
    match error {
        RequestError::Unreachable { .. } => {
            diagnostic.help("is the address right and the master up? connect HOST:PORT names another; a master listens on 5050 by habit")
        }
        RequestError::Unanswered { .. } => diagnostic.help("it may or may not have arrived; status and tasks show what is known"),
        RequestError::NotMesos { .. } => diagnostic.help("a Mesos master answers GET /version with its version"),
        RequestError::Redirect { .. } => diagnostic.help("connect to the leading master's own address, or name all masters: connect A:5050,B:5050"),
        RequestError::Refused(refusal) => match refusal.meaning {
            Meaning::UnknownFramework => diagnostic.detail("the master doesn't know this framework (any more)").help("subscribe --new registers a new one"),
            Meaning::NotSubscribed => diagnostic.detail("the subscription was lost; the session subscribes again by itself"),
            Meaning::StreamTaken => diagnostic.detail("another client has subscribed as this framework since"),
            Meaning::Unauthenticated => diagnostic.help(WHO),
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

/// Why a session's file can't be used, and what to do.
pub(super) fn trouble(trouble: &Trouble) -> Diagnostic {
    let diagnostic = Diagnostic::from_error(trouble);
    match trouble {
        Trouble::Busy { .. } => diagnostic.help("--session NAME names another; serve and attach share one session"),
        Trouble::Newer { .. } => diagnostic.help("--session NAME names another; its file is left as it is"),
        Trouble::Owner { .. } => diagnostic.help("--session NAME names another, XDG_STATE_HOME another place"),
        Trouble::Elsewhere { name, framework, .. } => diagnostic
            .detail("a session belongs to one cluster")
            .help(format!(
                "without --master, --session {name} goes on there; --session NAME names another for this one"
            ))
            .help(format!("if it is the same cluster: subscribe --id {framework}, then sessions forget {name}")),
        Trouble::Unknown { .. } => diagnostic.help("sessions lists them"),
        Trouble::Name { .. } => diagnostic.help("letters, digits and . _ - : @ +, and no dot at the beginning"),
        _ => diagnostic,
    }
}

impl From<&StartError> for Diagnostic {
    fn from(error: &StartError) -> Self {
        match error {
            StartError::Request(error) => request_failed(error),
            StartError::Session(error) => trouble(error),
        }
    }
}
