//! A hostile cluster in front of everything that shows something: no command's answer, completion, prompt, notice, log
//! file or pipe lets through what a terminal or a browser would obey.

use std::process::{Command, Stdio};
use std::time::Duration;

use mesos_repl::client::Address;
use mesos_repl::document::Document;
use mesos_repl::embedded::{AgentConfig, Cluster, Config, Docker};
use mesos_repl::engine::{Collected, Engine, Options, Outcome, Target};
use tokio_util::sync::CancellationToken;

use crate::fuzz::engine::{harmless, show};
use crate::support::poison::Poison;
use crate::support::within;
use crate::terminal::screen::{CTRL_D, TAB, Terminal};

/// A word of the attack that is harmless in itself: where it is, the rest was.
const TRACE: &str = "owned";

/// Takes away what was typed.
const CTRL_U: &str = "\u{15}";

/// An honest cluster behind the proxy that makes it hostile.
pub struct Hostile {
    cluster: Cluster,
    pub poison: Poison,
}

impl Hostile {
    pub async fn start() -> Self {
        let agent = AgentConfig::of("", "rack:r1").unwrap();
        let config = Config { docker: Docker::Never, agent, ..Config::default() };
        let cluster = Cluster::start(config).await.unwrap();
        let agents: Vec<_> = cluster.agents().to_vec();
        let poison = Poison::of_cluster(cluster.address(), &agents).await;
        Self { cluster, poison }
    }

    fn engine(&self) -> Engine {
        let address = Address::parse(&self.poison.address.to_string()).unwrap();
        Engine::start(Target::new(address), Options::default()).unwrap()
    }
}

async fn typed(engine: &Engine, text: &str) -> (Outcome, Vec<Document>) {
    let mut output = Collected::default();
    let cancel = CancellationToken::new();
    let outcome = within(Duration::from_secs(60), text, engine.execute(text, &mut output, &cancel)).await;
    (outcome, output.documents)
}

/// Commands of a whole session, and whether words of the cluster stand in what they answer.
const COMMANDS: [(&str, bool); 34] = [
    ("version", true),
    ("connect", true),
    ("subscribe --name <b>bold</b>", true),
    ("status", true),
    ("heartbeat", false),
    ("agents", true),
    ("frameworks --all", true),
    ("offers", true),
    ("hold --all", true),
    ("run --cmd 'echo hello; echo oops >&2; sleep 300' --name job", true),
    ("tasks", true),
    ("task job", true),
    ("show job", true),
    ("wait job running", false),
    ("logs job", true),
    ("logs job --stderr", true),
    ("files job", true),
    ("cat job stdout", true),
    ("cat job nothing-of-that-name", true),
    ("events -n 200", true),
    ("events -n 200 --json", true),
    ("state", true),
    ("state .flags --agent S0", true),
    ("get /slaves", true),
    ("get .slaves[0].hostname", true),
    ("get .slaves[0].nothing", false),
    ("reconcile", false),
    ("watch --for 1s", true),
    ("decline --all", false),
    ("kill job", true),
    ("kill nobody", false),
    (r#"{"type": "KILL", "kill": {"task_id": {"value": "x"}, "agent_id": {"value": "nobody"}}}"#, false),
    ("set", false),
    ("teardown --yes", true),
];

#[tokio::test(flavor = "multi_thread")]
async fn no_command_passes_on_what_a_hostile_cluster_says() {
    let hostile = Hostile::start().await;
    let engine = hostile.engine();
    let mut silent = Vec::new();
    for (command, told) in COMMANDS {
        let (_, documents) = typed(&engine, command).await;
        let mut traces = 0;
        for document in &documents {
            show(document);
            traces += usize::from(document.to_json().to_string().contains(TRACE));
        }
        if told && traces == 0 {
            silent.push(format!("{command}: {:?}", documents.iter().map(Document::to_json).collect::<Vec<_>>()));
        }
        for text in ["show ", "decline ", "accept ", "task ", "kill ", "get /state .", "state --agent ", "logs "] {
            for candidate in engine.complete(text, text.len()).candidates {
                // What the line editor inserts is what is typed then: it leaves out what isn't plain.
                let _ = mesos_repl::render::safe_line(&candidate.shown);
            }
        }
    }
    assert!(silent.is_empty(), "the attack doesn't reach these:\n{}", silent.join("\n"));
    engine.close().await;
    hostile.cluster.shutdown().await;
}

/// Bytes that a terminal got: nothing of the attack, but its trace.
fn unharmed(raw: &[u8]) {
    let text = String::from_utf8_lossy(raw);
    assert!(text.contains(TRACE), "the attack didn't get there");
    for attack in ["\u{1b}]0;", "\u{9b}", "\u{202e}", "\u{2066}"] {
        assert!(!text.contains(attack), "{attack:?} got through: {text:?}");
    }
    // Our own way to clear the screen is another.
    assert!(!text.contains("\u{1b}[2J"), "{text:?}");
}

#[test]
fn no_prompt_notice_or_completion_passes_it_on() {
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let hostile = runtime.block_on(Hostile::start());
    let mut terminal = Terminal::start(&["--master", &hostile.poison.address.to_string()]);
    terminal.prompt();
    terminal.line("subscribe");
    terminal.sees("subscribed as");
    terminal.prompt();
    terminal.line("run --cmd 'echo hello; sleep 2' --name job");
    terminal.sees("RUNNING");
    // The task's end is told above the prompt.
    terminal.sees("FINISHED");
    for command in ["agents", "offers", "tasks", "logs job", "task job"] {
        terminal.prompt();
        terminal.line(command);
    }
    terminal.prompt();
    for begun in ["decline ", "show ", "task ", "state --agent ", "logs "] {
        // Asked for twice, all candidates are listed; then the line is taken away again.
        [begun, TAB, TAB, CTRL_U].into_iter().for_each(|keys| terminal.keys(keys));
    }
    terminal.line("help suppress");
    terminal.sees("ask for no more offers");
    terminal.prompt();
    terminal.keys(CTRL_D);
    unharmed(&terminal.raw());
    runtime.block_on(hostile.cluster.shutdown());
}

#[test]
fn no_pipe_and_no_log_file_passes_it_on() {
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let hostile = runtime.block_on(Hostile::start());
    let folder = tempfile::tempdir().unwrap();
    let log = folder.path().join("log");
    let commands = "version; agents; subscribe; offers; run --cmd 'echo hello' --name job --until finished; \
                    tasks; logs job; events; frameworks; events --json; get .slaves[0]; cat job nothing";
    for (format, errors) in [("table", "stderr"), ("json", "stderr"), ("yaml", "stderr"), ("table", "log")] {
        let mut command = Command::new(env!("CARGO_BIN_EXE_mesos-repl"));
        command.args(["--output", format, "--master", &hostile.poison.address.to_string(), "-c", commands]);
        command.env("RUST_LOG", "trace").env("XDG_STATE_HOME", folder.path()).stdin(Stdio::null());
        command.env_remove("CLICOLOR_FORCE");
        if errors == "log" {
            command.args(["--log", &log.display().to_string()]);
        }
        let output = command.output().unwrap();
        let (out, mut err) = (text(&output.stdout), text(&output.stderr));
        if errors == "log" {
            err.push_str(&text(&std::fs::read(&log).unwrap()));
        }
        for stream in [&out, &err] {
            assert!(stream.contains(TRACE), "{format}: the attack didn't get there: {stream}");
            harmless(stream);
        }
    }
    use std::os::unix::fs::PermissionsExt as _;
    assert_eq!(log.metadata().unwrap().permissions().mode() & 0o777, 0o600);
    runtime.block_on(hostile.cluster.shutdown());
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8(bytes.to_vec()).unwrap()
}
