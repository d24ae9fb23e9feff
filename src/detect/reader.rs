//! A short connection to ZooKeeper that reads nodes.
//!
//! Changes nothing there and keeps nothing.

use std::time::Duration;

use zookeeper_client as zk;

use super::Url;

/// How long ZooKeeper keeps a session of ours that it doesn't hear of, as Mesos's own.
/// (apache/mesos: src/master/constants.hpp, MASTER_DETECTOR_ZK_SESSION_TIMEOUT)
pub(super) const SESSION: Duration = Duration::from_secs(10);

/// A connection.
#[derive(Debug)]
pub struct Reader {
    client: zk::Client,
}

/// What ZooKeeper knows of a node beside its data.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Stat {
    /// The transaction that made it.
    pub created_by: i64,
    /// When, in milliseconds since 1970.
    pub created: i64,
    /// The transaction that last changed its data.
    pub modified_by: i64,
    /// When, in milliseconds since 1970.
    pub modified: i64,
    /// The transaction that last changed its children.
    pub children_by: i64,
    /// How often its data changed.
    pub version: i32,
    /// How often its children changed.
    pub children_version: i32,
    /// How often its access list changed.
    pub acl_version: i32,
    /// The session that it ends with; 0 for one that stays.
    pub owner: i64,
    /// Bytes of data.
    pub length: i32,
    /// Children.
    pub children: i32,
}

/// Why ZooKeeper gave nothing.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ReadError {
    /// None of the servers took us.
    #[error("no ZooKeeper answers at {servers}: {why}")]
    Unreachable {
        /// Who was asked.
        servers: String,
        /// What came of it.
        why: String,
    },
    /// The node isn't there.
    #[error("ZooKeeper has no {0}")]
    NoNode(String),
    /// Its access list doesn't have us.
    #[error("ZooKeeper lets us not read {0}")]
    Denied(String),
    /// The path is none.
    #[error("'{path}' is no path in ZooKeeper: {why}")]
    BadPath {
        /// What was asked for.
        path: String,
        /// Why it is none.
        why: String,
    },
    /// Anything else.
    #[error("ZooKeeper: {0}")]
    Other(String),
}

/// Connects once to each server; says what the first of them did if all fail.
pub(super) async fn connect(url: &Url) -> Result<zk::Client, ReadError> {
    let mut connector = zk::Client::connector().with_session_timeout(SESSION).with_fail_eagerly();
    if let Some(digest) = url.digest() {
        connector = connector.with_auth("digest", digest.reveal().as_bytes());
    }
    let unreachable = |why: String| ReadError::Unreachable { servers: url.cluster(), why };
    match connector.connect(&url.cluster()).await {
        Ok(client) => Ok(client),
        Err(zk::Error::NoHosts) => Err(unreachable(why_not(url).await)),
        Err(zk::Error::Timeout) => Err(unreachable("none of them took us in time".to_owned())),
        Err(error) => Err(unreachable(error.to_string())),
    }
}

/// The library says only that there is no host.
async fn why_not(url: &Url) -> String {
    let Some(server) = url.servers().first() else { return "no server is named".to_owned() };
    match tokio::time::timeout(Duration::from_secs(2), tokio::net::TcpStream::connect(server)).await {
        Ok(Ok(_)) => "it takes connections, and no session: has it lost its quorum?".to_owned(),
        Ok(Err(error)) => error.to_string(),
        Err(_) => "no connection within 2 s".to_owned(),
    }
}

pub(super) fn failed(path: &str, error: &zk::Error) -> ReadError {
    match error {
        zk::Error::NoNode => ReadError::NoNode(path.to_owned()),
        zk::Error::NoAuth => ReadError::Denied(path.to_owned()),
        zk::Error::BadArguments(why) => ReadError::BadPath { path: path.to_owned(), why: (**why).to_owned() },
        other => ReadError::Other(other.to_string()),
    }
}

impl Reader {
    /// Connects.
    ///
    /// # Errors
    /// [`ReadError::Unreachable`].
    pub async fn open(url: &Url) -> Result<Self, ReadError> {
        Ok(Self { client: connect(url).await? })
    }

    /// The names of a node's children, in order.
    ///
    /// # Errors
    /// [`ReadError`].
    pub async fn list(&self, path: &str) -> Result<Vec<String>, ReadError> {
        check(path)?;
        let mut names = self.client.list_children(path).await.map_err(|error| failed(path, &error))?;
        names.sort();
        Ok(names)
    }

    /// A node's data.
    ///
    /// # Errors
    /// [`ReadError`].
    pub async fn get(&self, path: &str) -> Result<(Vec<u8>, Stat), ReadError> {
        check(path)?;
        let (data, stat) = self.client.get_data(path).await.map_err(|error| failed(path, &error))?;
        Ok((data, stat.into()))
    }

    /// What is known of a node.
    ///
    /// # Errors
    /// [`ReadError`].
    pub async fn stat(&self, path: &str) -> Result<Stat, ReadError> {
        check(path)?;
        let stat = self.client.check_stat(path).await.map_err(|error| failed(path, &error))?;
        stat.map(Stat::from).ok_or_else(|| ReadError::NoNode(path.to_owned()))
    }
}

fn check(path: &str) -> Result<(), ReadError> {
    super::url::is_path(path).map_err(|why| ReadError::BadPath { path: path.to_owned(), why: why.to_owned() })
}

impl From<zk::Stat> for Stat {
    fn from(stat: zk::Stat) -> Self {
        Self {
            created_by: stat.czxid,
            created: stat.ctime,
            modified_by: stat.mzxid,
            modified: stat.mtime,
            children_by: stat.pzxid,
            version: stat.version,
            children_version: stat.cversion,
            acl_version: stat.aversion,
            owner: stat.ephemeral_owner,
            length: stat.data_length,
            children: stat.num_children,
        }
    }
}
