//! The other end of the socket: runs commands in a session that another process offers.

use std::io;
use std::path::Path;

use serde_json::{Value, json};
use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader};
use tokio::net::UnixStream;

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
