//! A typed client of one kernel process.

use std::net::{Ipv4Addr, TcpListener};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use jupyter_protocol::{ConnectionInfo, JupyterMessage, JupyterMessageContent as Content, *};
use jupyter_zmq_client::{
    ClientControlConnection, ClientIoPubConnection, ClientShellConnection, ClientStdinConnection,
    create_client_control_connection, create_client_iopub_connection, create_client_shell_connection_with_identity,
    create_client_stdin_connection_with_identity, peer_identity_for_session,
};
use mesos_repl::embedded::{Cluster, Config, Docker};
use serde_json::Value;
use tokio::time::timeout;

/// Only what hangs takes so long, on a slow and busy machine, too.
pub const LIMIT: Duration = Duration::from_secs(180);

pub struct Kernel {
    pub process: Process,
    pub info: ConnectionInfo,
    pub shell: ClientShellConnection,
    pub control: ClientControlConnection,
    pub iopub: ClientIoPubConnection,
    pub stdin: ClientStdinConnection,
    pub folder: tempfile::TempDir,
}

/// A kernel's process, which doesn't outlive its test.
pub struct Process(pub Child);

impl Drop for Process {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
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
        Self::start_with(folder, arguments, &[]).await
    }

    /// With environment variables of its own.
    pub async fn start_with(folder: tempfile::TempDir, arguments: &[&str], variables: &[(&str, &str)]) -> Self {
        let (info, path) = connection(folder.path());
        let mut command = Command::new(program());
        command
            .args(["run", "--no-docker", "--connection-file"])
            .arg(&path)
            .args(arguments)
            .env_remove("MESOS_MASTER")
            .env_remove("JPY_PARENT_PID")
            .env_remove("XDG_RUNTIME_DIR")
            .env("XDG_STATE_HOME", folder.path())
            .envs(variables.iter().copied())
            .stdin(Stdio::null());
        let process = Process(command.spawn().unwrap());
        for port in [info.shell_port, info.iopub_port, info.control_port] {
            listening(port).await;
        }
        let session = uuid::Uuid::new_v4().to_string();
        let identity = peer_identity_for_session(&session).unwrap();
        let stdin = create_client_stdin_connection_with_identity(&info, &session, identity.clone()).await.unwrap();
        let shell = create_client_shell_connection_with_identity(&info, &session, identity).await.unwrap();
        let control = create_client_control_connection(&info, &session).await.unwrap();
        let mut iopub = create_client_iopub_connection(&info, "", &session).await.unwrap();
        let welcome = timeout(LIMIT, iopub.read()).await.expect("a welcome in time").unwrap();
        assert!(matches!(welcome.content, Content::IoPubWelcome(_)), "{welcome:?}");
        Self { process, info, shell, control, iopub, stdin, folder }
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
            let message = timeout(LIMIT, self.iopub.read()).await.expect("output in time").unwrap();
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

    /// Reads on until an output of request `id` passes, be it after its idle.
    pub async fn late_output<T>(&mut self, id: &str, mut look: impl FnMut(&Content) -> Option<T>) -> T {
        let read = async {
            loop {
                let message = self.iopub.read().await.unwrap();
                if message.parent_header.as_ref().is_some_and(|parent| parent.msg_id == id)
                    && let Some(found) = look(&message.content)
                {
                    return found;
                }
            }
        };
        timeout(LIMIT, read).await.expect("late output in time")
    }

    /// Reads on until an output of anybody passes.
    pub async fn any_output<T>(&mut self, mut look: impl FnMut(&Content) -> Option<T>) -> T {
        let read = async {
            loop {
                if let Some(found) = look(&self.iopub.read().await.unwrap().content) {
                    return found;
                }
            }
        };
        timeout(LIMIT, read).await.expect("output in time")
    }

    /// Another front end's shell channel.
    pub async fn second_client(&self) -> ClientShellConnection {
        let session = uuid::Uuid::new_v4().to_string();
        let identity = peer_identity_for_session(&session).unwrap();
        create_client_shell_connection_with_identity(&self.info, &session, identity).await.unwrap()
    }

    /// The next question, which is answered so.
    pub async fn answer(&mut self, value: &str) -> InputRequest {
        let asked = timeout(LIMIT, self.stdin.read()).await.expect("a question in time").unwrap();
        let Content::InputRequest(question) = asked.content.clone() else { panic!("{asked:?}") };
        let reply = InputReply { value: value.to_owned(), status: ReplyStatus::Ok, error: None };
        self.stdin.send(JupyterMessage::new(reply, Some(&asked))).await.unwrap();
        question
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

    /// Waits for the answer to a kernel_info_request, whatever else comes before it.
    pub async fn answers(&mut self) {
        let id = self.send(KernelInfoRequest {}).await;
        loop {
            // What the typed crate can't read isn't the answer.
            let Ok(message) = self.shell.read().await else { continue };
            if message.parent_header.is_some_and(|parent| parent.msg_id == id) {
                return;
            }
        }
    }

    /// Waits for the process's end.
    pub async fn ended(&mut self) -> bool {
        let wait = async {
            while self.process.0.try_wait().unwrap().is_none() {
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
        self.outputs.iter().filter_map(plain).collect::<Vec<_>>().join("\n")
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

/// An output's plain text.
pub fn plain(output: &Content) -> Option<String> {
    let of = |media: &Media| {
        media.content.iter().find_map(|media| match media {
            MediaType::Plain(text) => Some(text.clone()),
            _ => None,
        })
    };
    match output {
        Content::DisplayData(display) => of(&display.data),
        Content::UpdateDisplayData(display) => of(&display.data),
        Content::ExecuteResult(result) => of(&result.data),
        Content::StreamContent(stream) => Some(stream.text.clone()),
        Content::ErrorOutput(error) => Some(format!("{}: {}", error.ename, error.traceback.join("\n"))),
        _ => None,
    }
}

/// A Mesos that outlives kernels, with simulated containers.
pub async fn cluster() -> Cluster {
    Cluster::start(Config { docker: Docker::Never, ..Config::default() }).await.unwrap()
}

/// What a master answers to GET.
pub async fn get(master: &str, path: &str) -> Value {
    let address = mesos_repl::client::Address::parse(master).unwrap();
    let client = mesos_repl::client::Client::new(mesos_repl::client::Access::default()).unwrap();
    serde_json::from_slice(&client.get(&address, path).await.unwrap()).unwrap()
}

/// A content that the typed crate can't build.
pub fn raw(kind: &str, content: Value) -> Content {
    Content::from_type_and_content(kind, content).unwrap_or_else(|error| panic!("{kind}: {error}"))
}
