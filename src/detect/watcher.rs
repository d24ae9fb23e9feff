//! Watches the masters' nodes for as long as somebody wants to know, through anything that happens to ZooKeeper.

use std::future::Future;
use std::time::Duration;

use futures_util::FutureExt as _;
use futures_util::future::{BoxFuture, join_all};
use tokio::sync::watch;
use tracing::{debug, info};
use zookeeper_client as zk;

use super::reader::{ReadError, connect, failed};
use super::{Registered, Seen, Standing, Url, group};

/// The first wait after a failure, doubled up to
const SOON: Duration = Duration::from_millis(200);
/// this.
const LATER: Duration = Duration::from_secs(5);
/// So often the nodes are looked at without a word from ZooKeeper.
const SURE: Duration = Duration::from_secs(10);
/// What is said of a leader's node that can't be read.
const ODD: &str = "the first of the masters' nodes is of no use";

/// Watches who leads; ends when nobody holds the receiver or a clone of it any more. Needs a tokio runtime.
pub fn watch(url: Url) -> watch::Receiver<Seen> {
    let (sender, receiver) = watch::channel(Seen::new(Standing::Connecting));
    tokio::spawn(async move {
        let closed = sender.clone();
        tokio::select! {
            () = Watcher { url, sender }.run() => {}
            () = closed.closed() => {}
        }
    });
    receiver
}

struct Watcher {
    url: Url,
    sender: watch::Sender<Seen>,
}

/// A look at the nodes.
struct Look {
    seen: Result<Seen, ReadError>,
    /// All nodes there, in order; none without the path.
    children: Option<Vec<String>>,
    /// Fires when the list of nodes changes.
    watcher: Option<zk::OneshotWatcher>,
    /// Whether the answer may be another one without such a change.
    passing: bool,
}

impl Watcher {
    async fn run(self) {
        let mut wait = SOON;
        loop {
            match connect(&self.url).await {
                Ok(client) => {
                    info!(session = %client.session_id(), url = %self.url, "ZooKeeper answers");
                    wait = SOON;
                    self.attend(&client).await;
                    // As Mesos's own detector does it: what a dead session knew counts no longer.
                    self.tell(Seen::new(Standing::Silent("its session with us is over".to_owned())));
                }
                Err(error) => self.tell(Seen::new(Standing::Silent(error.to_string()))),
            }
            tokio::time::sleep(wait.mul_f64(0.5 + fastrand::f64() / 2.0)).await;
            wait = (wait * 2).min(LATER);
        }
    }

    /// Looks, and looks again after every change, until the session is over.
    async fn attend(&self, client: &zk::Client) {
        let mut states = client.state_watcher();
        let mut wait = SOON;
        // Let go only when the next look has one: asking for a watch and giving one up at once might cross.
        let mut watch: Option<BoxFuture<'static, ()>> = None;
        loop {
            let Some(look) = self.unless_over(self.look(client), &mut states).await else { return };
            drop(std::mem::replace(&mut watch, look.watcher.map(|watcher| watcher.changed().map(drop).boxed())));
            match look.seen {
                Ok(seen) => self.tell(seen),
                // The session's own watcher tells what becomes of it.
                Err(ReadError::Other(why)) => debug!(why, "ZooKeeper didn't answer"),
                Err(error) => self.tell(Seen::new(Standing::Leaderless(error.to_string()))),
            }
            wait = if look.passing { (wait * 2).min(LATER) } else { SOON };
            let changed = async {
                loop {
                    let fired = async {
                        match &mut watch {
                            Some(watch) => watch.await,
                            None => std::future::pending().await,
                        }
                    };
                    tokio::select! {
                        () = fired => return,
                        () = tokio::time::sleep(if look.passing { wait } else { SURE }) => {
                            if look.passing || self.differs(client, look.children.as_deref()).await {
                                return;
                            }
                        }
                    }
                }
            };
            if self.unless_over(changed, &mut states).await.is_none() {
                return;
            }
        }
    }

    /// Whether the nodes aren't those that were seen: no watch is so sure that nobody need look.
    async fn differs(&self, client: &zk::Client, seen: Option<&[String]>) -> bool {
        match client.list_children(self.url.path()).await {
            Ok(mut names) => {
                names.sort();
                seen != Some(names.as_slice())
            }
            Err(zk::Error::NoNode) => seen.is_some(),
            // The session's own watcher tells what becomes of it.
            Err(_) => false,
        }
    }

    /// Waits for something, and tells meanwhile how the connection stands; none when the session is over.
    async fn unless_over<T>(&self, what: impl Future<Output = T>, states: &mut zk::StateWatcher) -> Option<T> {
        tokio::pin!(what);
        loop {
            tokio::select! {
                done = &mut what => return Some(done),
                state = states.changed() => match state {
                    zk::SessionState::Disconnected => self.away(),
                    zk::SessionState::SyncConnected => self.back(),
                    state if state.is_terminated() => return None,
                    _ => {}
                },
            }
        }
    }

    /// What the nodes say now, and what fires when they change.
    async fn look(&self, client: &zk::Client) -> Look {
        let path = self.url.path();
        let mut names = None;
        let (seen, watcher, passing) = match client.list_and_watch_children(path).await {
            Ok((mut children, watcher)) => {
                children.sort();
                names = Some(children.clone());
                match self.read(client, children).await {
                    Some(seen) => {
                        // A leader's node that can't be read may be mended without a change of the list.
                        let passing = matches!(&seen.standing, Standing::Leaderless(why) if why.starts_with(ODD));
                        (Ok(seen), Some(watcher), passing)
                    }
                    None => (Err(ReadError::Other("a node went while it was read".to_owned())), Some(watcher), true),
                }
            }
            Err(zk::Error::NoNode) => match client.check_and_watch_stat(path).await {
                Ok((None, watcher)) => (Err(ReadError::NoNode(path.to_owned())), Some(watcher), false),
                Ok((Some(_), _)) => (Err(ReadError::Other("the path has just been made".to_owned())), None, true),
                Err(error) => (Err(failed(path, &error)), None, true),
            },
            Err(error) => (Err(failed(path, &error)), None, true),
        };
        Look { seen, children: names, watcher, passing }
    }

    /// Reads the masters' nodes; none if the leader's has gone or the connection has.
    async fn read(&self, client: &zk::Client, children: Vec<String>) -> Option<Seen> {
        let nodes = group::in_order(children);
        let base = self.url.path().trim_end_matches('/');
        let reads = nodes.iter().map(|(_, node)| {
            let path = format!("{base}/{node}");
            async move { client.get_data(&path).await }
        });
        let mut masters = Vec::new();
        let mut trouble = None;
        for ((sequence, node), data) in nodes.iter().zip(join_all(reads).await) {
            let is_leader = masters.is_empty() && trouble.is_none();
            let read = match data {
                Ok((data, _)) => group::decode(node, &data).map_err(|error| error.to_string()),
                Err(zk::Error::NoAuth) => Err(format!("ZooKeeper lets us not read {base}/{node}")),
                Err(_) if is_leader => return None,
                Err(_) => continue,
            };
            match read {
                Ok(info) => masters.push(Registered { node: node.clone(), sequence: *sequence, info }),
                // No other leads because this one is odd.
                Err(why) if is_leader => trouble = Some(format!("{ODD}: {why}")),
                Err(why) => debug!(why, "a master's node is of no use"),
            }
        }
        let standing = match trouble {
            Some(why) => Standing::Leaderless(why),
            None if masters.is_empty() && self.url.path() == "/" => {
                let why =
                    format!("none is registered at {} (masters are at a path of theirs, /mesos by habit)", self.url);
                Standing::Leaderless(why)
            }
            None if masters.is_empty() => Standing::Leaderless(format!("none is registered at {}", self.url)),
            None => Standing::Led,
        };
        Some(Seen { masters, standing })
    }

    fn tell(&self, seen: Seen) {
        self.sender.send_if_modified(|last| {
            let differs = *last != seen;
            if differs {
                debug!(standing = ?seen.standing, masters = seen.masters.len(), "masters");
                *last = seen;
            }
            differs
        });
    }

    /// ZooKeeper is away; what is known stays known as long as the session may live.
    fn away(&self) {
        self.sender.send_if_modified(|last| {
            let led = last.standing == Standing::Led;
            last.standing = if led { Standing::Away } else { Standing::Silent("the connection is lost".to_owned()) };
            true
        });
    }

    /// The session goes on: its watches tell what has changed meanwhile.
    fn back(&self) {
        self.sender.send_if_modified(|last| {
            let away = last.standing == Standing::Away;
            if away {
                last.standing = Standing::Led;
            }
            away
        });
    }
}
