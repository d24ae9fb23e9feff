//! A typed client of one kernel process.

use std::net::{Ipv4Addr, TcpListener};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use jupyter_protocol::{ConnectionInfo, JupyterMessage, JupyterMessageContent as Content, *};
use jupyter_zmq_client::{
    ClientControlConnection, ClientIoPubConnection, ClientShellConnection, create_client_control_connection,
    create_client_iopub_connection, create_client_shell_connection_with_identity, peer_identity_for_session,
};
use serde_json::Value;
use tokio::time::timeout;

pub const LIMIT: Duration = Duration::from_secs(20);

pub struct Kernel {
    pub process: Child,
    pub info: ConnectionInfo,
    pub shell: ClientShellConnection,
    pub control: ClientControlConnection,
    pub iopub: ClientIoPubConnection,
    pub folder: tempfile::TempDir,
}

impl Drop for Kernel {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

/// What one request brought.
#[derive(Debug)]
pub struct Ran {
    pub reply: Content,
    pub outputs: Vec<Content>,
}

pub fn program() -> &'static str {
    env!("CARGO_BIN_EXE_mesos-kernel")
}

fn connection(folder: &Path) -> (ConnectionInfo, PathBuf) {
    // Bound all at once, so that they differ.
    let listeners: Vec<_> = (0..5).map(|_| TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap()).collect();
    let port = |at: usize| listeners[at].local_addr().unwrap().port();
    let info = ConnectionInfo {
        ip: "127.0.0.1".to_owned(),
        transport: jupyter_protocol::connection_info::Transport::TCP,
        shell_port: port(0),
        iopub_port: port(1),
        stdin_port: port(2),
        control_port: port(3),
        hb_port: port(4),
        key: "a key".to_owned(),
        signature_scheme: "hmac-sha256".to_owned(),
        kernel_name: None,
    };
    let path = folder.join("connection.json");
    std::fs::write(&path, serde_json::to_vec(&info).unwrap()).unwrap();
    (info, path)
}

impl Kernel {
    /// A kernel on an embedded Mesos with simulated containers.
    pub async fn start(arguments: &[&str]) -> Self {
        Self::start_in(tempfile::tempdir().unwrap(), arguments).await
    }

    pub async fn start_in(folder: tempfile::TempDir, arguments: &[&str]) -> Self {
        let (info, path) = connection(folder.path());
        let process = Command::new(program())
            .args(["run", "--no-docker", "--connection-file"])
            .arg(&path)
            .args(arguments)
            .env_remove("MESOS_MASTER")
            .env_remove("JPY_PARENT_PID")
            .env("XDG_STATE_HOME", folder.path())
            .stdin(Stdio::null())
            .spawn()
            .unwrap();
        for port in [info.shell_port, info.iopub_port, info.control_port] {
            listening(port).await;
        }
        let session = uuid::Uuid::new_v4().to_string();
        let identity = peer_identity_for_session(&session).unwrap();
        let shell = create_client_shell_connection_with_identity(&info, &session, identity).await.unwrap();
        let control = create_client_control_connection(&info, &session).await.unwrap();
        let mut iopub = create_client_iopub_connection(&info, "", &session).await.unwrap();
        let welcome = timeout(LIMIT, iopub.read()).await.expect("a welcome in time").unwrap();
        assert!(matches!(welcome.content, Content::IoPubWelcome(_)), "{welcome:?}");
        Self { process, info, shell, control, iopub, folder }
    }

    /// Sends on the shell channel; the message's id.
    pub async fn send(&mut self, content: impl Into<Content>) -> String {
        let message = JupyterMessage::new(content, None);
        let id = message.header.msg_id.clone();
        self.shell.send(message).await.unwrap();
        id
    }

    pub async fn reply(&mut self) -> JupyterMessage {
        timeout(LIMIT, self.shell.read()).await.expect("a reply in time").unwrap()
    }

    /// The outputs of request `id` up to its idle, without the statuses.
    pub async fn outputs(&mut self, id: &str) -> Vec<Content> {
        let mut outputs = Vec::new();
        loop {
            let message = timeout(Duration::from_secs(90), self.iopub.read()).await.expect("output in time").unwrap();
            if message.parent_header.as_ref().is_none_or(|parent| parent.msg_id != id) {
                continue;
            }
            match message.content {
                Content::Status(Status { execution_state: ExecutionState::Idle, .. }) => return outputs,
                Content::Status(_) => {}
                content => outputs.push(content),
            }
        }
    }

    /// Runs a cell.
    pub async fn run(&mut self, code: &str) -> Ran {
        let id = self.send(ExecuteRequest::new(code.to_owned())).await;
        let outputs = self.outputs(&id).await;
        Ran { reply: self.reply().await.content, outputs }
    }

    pub async fn ask_control(&mut self, content: impl Into<Content>) -> Content {
        self.control.send(JupyterMessage::new(content, None)).await.unwrap();
        timeout(LIMIT, self.control.read()).await.expect("an answer in time").unwrap().content
    }

    /// Asserts that the kernel still answers.
    pub async fn assert_alive(&mut self) {
        self.send(KernelInfoRequest {}).await;
        let reply = self.reply().await;
        assert!(matches!(reply.content, Content::KernelInfoReply(_)), "{reply:?}");
    }

    /// Waits for the process's end.
    pub async fn ended(&mut self) -> bool {
        let wait = async {
            while self.process.try_wait().unwrap().is_none() {
                tokio::time::sleep(Duration::from_millis(10)).await;
            }
        };
        timeout(LIMIT, wait).await.is_ok()
    }
}

async fn listening(port: u16) {
    let connect = async {
        while tokio::net::TcpStream::connect((Ipv4Addr::LOCALHOST, port)).await.is_err() {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    };
    timeout(LIMIT, connect).await.expect("the kernel listens");
}

impl Ran {
    pub fn status(&self) -> &ReplyStatus {
        match &self.reply {
            Content::ExecuteReply(reply) => &reply.status,
            other => panic!("no execute_reply: {other:?}"),
        }
    }

    /// All that was shown as text.
    pub fn text(&self) -> String {
        let plain = |media: &Media| {
            media.content.iter().find_map(|media| match media {
                MediaType::Plain(text) => Some(text.clone()),
                _ => None,
            })
        };
        let texts = self.outputs.iter().filter_map(|output| match output {
            Content::DisplayData(display) => plain(&display.data),
            Content::UpdateDisplayData(display) => plain(&display.data),
            Content::ExecuteResult(result) => plain(&result.data),
            Content::StreamContent(stream) => Some(stream.text.clone()),
            Content::ErrorOutput(error) => Some(format!("{}: {}", error.ename, error.traceback.join("\n"))),
            _ => None,
        });
        texts.collect::<Vec<_>>().join("\n")
    }

    /// What went to stdout and stderr.
    pub fn printed(&self) -> String {
        let texts = self.outputs.iter().filter_map(|output| match output {
            Content::StreamContent(stream) => Some(stream.text.as_str()),
            _ => None,
        });
        texts.collect()
    }

    pub fn error(&self) -> Option<&ErrorOutput> {
        self.outputs.iter().find_map(|output| match output {
            Content::ErrorOutput(error) => Some(error),
            _ => None,
        })
    }
}

/// A content that the typed crate can't build.
pub fn raw(kind: &str, content: Value) -> Content {
    Content::from_type_and_content(kind, content).unwrap_or_else(|error| panic!("{kind}: {error}"))
}
