//! `/embedded/faults`: how other programs on this machine ask for faults, and see which go on.
//!
//! No real Mesos has that path. Who may ask is checked before anything gets here.

use axum::http::Method;
use serde::Deserialize;
use serde_json::{Value, json};
use tokio::sync::{mpsc, oneshot};

use super::active::Faults;
use super::{Effect, Fault, FaultError, Ongoing, Order};

/// Where it is, and below it `/clear`.
pub(in crate::embedded) const PATH: &str = "/embedded/faults";

/// What the cluster is asked.
#[derive(Debug)]
pub(in crate::embedded) enum Ask {
    /// Make something go wrong.
    Fault { order: Order, reply: oneshot::Sender<Result<Effect, FaultError>> },
    /// Let it go right again.
    Clear { chosen: Chosen, reply: oneshot::Sender<Vec<Ongoing>> },
}

/// Which of the faults that go on: all, unless told.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(in crate::embedded) struct Chosen {
    /// The one of this number.
    #[serde(default)]
    pub(in crate::embedded) id: Option<u64>,
    /// Those of this kind.
    #[serde(default)]
    pub(in crate::embedded) kind: Option<String>,
}

impl Chosen {
    /// Whether it is one of them.
    pub(in crate::embedded) fn is(&self, id: u64, fault: &Fault) -> bool {
        self.id.is_none_or(|wanted| wanted == id) && self.kind.as_deref().is_none_or(|kind| kind == fault.kind())
    }
}

/// Where requests for faults are taken.
#[derive(Clone, Debug)]
pub(in crate::embedded) struct Desk {
    /// The cluster, while it is there.
    pub(in crate::embedded) asks: mpsc::WeakUnboundedSender<Ask>,
    /// What goes wrong.
    pub(in crate::embedded) faults: Faults,
}

/// A status, and what to say: JSON where all is well, otherwise text.
pub(in crate::embedded) type Told = Result<Value, (u16, String)>;

impl Desk {
    /// Answers a request.
    pub(in crate::embedded) async fn answer(&self, method: &Method, path: &str, body: &[u8]) -> Told {
        match (method, path.strip_prefix(PATH)) {
            (&Method::GET, Some("")) => Ok(json!({"faults": self.faults.list(), "kinds": Fault::KINDS})),
            (&Method::POST, Some("")) => {
                let order: Order = read(body)?;
                let effect = self.ask(|reply| Ask::Fault { order, reply }).await?;
                effect.map(|effect| json!(effect)).map_err(|why| (400, why.to_string()))
            }
            (&Method::POST, Some("/clear")) => {
                let chosen: Chosen = read(body)?;
                if let Some(kind) = chosen.kind.as_deref().filter(|kind| !Fault::KINDS.contains(kind)) {
                    return Err((400, format!("there is no fault '{kind}'")));
                }
                let cleared = self.ask(|reply| Ask::Clear { chosen, reply }).await?;
                Ok(json!({"cleared": cleared}))
            }
            (_, Some("" | "/clear")) => Err((405, "405 Method Not Allowed.".to_owned())),
            _ => Err((404, "404 Not Found.".to_owned())),
        }
    }

    async fn ask<T>(&self, ask: impl FnOnce(oneshot::Sender<T>) -> Ask) -> Result<T, (u16, String)> {
        let stopping = || (503, FaultError::Stopping.to_string());
        let (reply, answer) = oneshot::channel();
        let asks = self.asks.upgrade().ok_or_else(stopping)?;
        asks.send(ask(reply)).map_err(|_| stopping())?;
        drop(asks);
        answer.await.map_err(|_| stopping())
    }
}

fn read<T: for<'de> Deserialize<'de>>(body: &[u8]) -> Result<T, (u16, String)> {
    let body = if body.is_empty() { b"{}" } else { body };
    serde_json::from_slice(body).map_err(|error| (400, format!("that is no fault: {error}")))
}
