//! The other end of the socket: runs commands in a session that another process offers.

use std::io;
use std::path::{Path, PathBuf};
use std::time::Duration;

use serde_json::{Value, json};
use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader};
use tokio::net::UnixStream;

/// A session that a program of this person offers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Offered {
    /// Its socket.
    pub path: PathBuf,
    /// What it is on, in a few words.
    pub what: String,
}

/// How long somebody who listens may take to say who they are.
const LIMIT: Duration = Duration::from_secs(2);

/// The sessions in the usual folder that somebody still offers, in the order of their names.
pub async fn offered() -> Vec<Offered> {
    let entries = std::fs::read_dir(super::usual_folder()).into_iter().flatten().flatten();
    let mut paths: Vec<PathBuf> = entries.map(|entry| entry.path()).collect();
    paths.retain(|path| path.extension().is_some_and(|extension| extension == "sock"));
    paths.sort();
    let mut found = Vec::new();
    for path in paths {
        if let Ok(Ok(what)) = tokio::time::timeout(LIMIT, who(&path)).await {
            found.push(Offered { path, what });
        }
    }
    found
}

async fn who(path: &Path) -> io::Result<String> {
    let hello = Client::connect(path).await?.ask(&json!({"op": "hello"})).await?;
    let hello = hello.map_err(|_| io::ErrorKind::InvalidData)?;
    let address = hello["address"].as_str().unwrap_or_default();
    Ok(match hello["framework"].as_str() {
        Some(id) => format!("{}, framework {id}, on {address}", hello["name"].as_str().unwrap_or_default()),
        None => format!("not subscribed, on {address}"),
    })
}

/// A connection to somebody's session.
#[derive(Debug)]
pub struct Client {
    stream: BufReader<UnixStream>,
}

impl Client {
    /// Connects to the session that is offered there.
    ///
    /// # Errors
    /// When none is.
    pub async fn connect(path: &Path) -> io::Result<Self> {
        Ok(Self { stream: BufReader::new(UnixStream::connect(path).await?) })
    }

    /// Asks for something; the answer, or the error's text.
    ///
    /// # Errors
    /// When the session is gone.
    pub async fn ask(&mut self, request: &Value) -> io::Result<Result<Value, String>> {
        self.stream.write_all(format!("{request}\n").as_bytes()).await?;
        let mut line = String::new();
        self.stream.read_line(&mut line).await?;
        let mut answer: Value = serde_json::from_str(&line).map_err(|_| io::ErrorKind::UnexpectedEof)?;
        match answer.get_mut("ok").map(Value::take) {
            Some(value) => Ok(Ok(value)),
            None => Ok(Err(answer["error"]["text"].as_str().unwrap_or_default().to_owned())),
        }
    }

    /// Runs commands; what they show as plain text, or the error's text.
    ///
    /// # Errors
    /// When the session is gone.
    pub async fn run(&mut self, text: &str) -> io::Result<Result<String, String>> {
        let answer = self.ask(&json!({"op": "run", "text": text})).await?;
        Ok(answer.map(|value| value["plain"].as_str().unwrap_or_default().to_owned()))
    }
}
