//! The connection file: where to listen and what to sign with.

use std::path::{Path, PathBuf};

use jupyter_protocol::connection_info::{ConnectionInfo, Transport};

use crate::zmtp::Endpoint;

/// Why a connection file can't be used.
#[derive(Debug, thiserror::Error)]
pub enum ConnectionError {
    /// It can't be read.
    #[error("{path}: {source}")]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// It isn't what it should be.
    #[error("{path} is no connection file: {source}")]
    Malformed {
        /// The file.
        path: PathBuf,
        /// Where.
        source: serde_json::Error,
    },
    /// It asks for another signature.
    #[error("signature scheme {0} is not supported; hmac-sha256 is")]
    Scheme(String),
}

/// Reads a connection file.
///
/// # Errors
/// [`ConnectionError`].
pub fn read(path: &Path) -> Result<ConnectionInfo, ConnectionError> {
    let unreadable = |source| ConnectionError::Unreadable { path: path.to_owned(), source };
    let text = std::fs::read(path).map_err(unreadable)?;
    let malformed = |source| ConnectionError::Malformed { path: path.to_owned(), source };
    let info: ConnectionInfo = serde_json::from_slice(&text).map_err(malformed)?;
    if !info.key.is_empty() && info.signature_scheme != "hmac-sha256" {
        return Err(ConnectionError::Scheme(info.signature_scheme));
    }
    Ok(info)
}

/// Where a channel with this "port" listens.
pub fn endpoint(info: &ConnectionInfo, port: u16) -> Endpoint {
    match info.transport {
        Transport::TCP if info.ip.contains(':') => Endpoint::Tcp(format!("[{}]:{port}", info.ip)),
        Transport::TCP => Endpoint::Tcp(format!("{}:{port}", info.ip)),
        Transport::IPC => Endpoint::Ipc(format!("{}-{port}", info.ip).into()),
    }
}
