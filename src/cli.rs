//! The command line of `mesos-repl`, as it is typed. What it means is [`crate::config`]'s business; nothing runs here.

use std::net::IpAddr;
use std::path::PathBuf;

use clap::{Parser, Subcommand, ValueEnum};

use crate::flags::Flags;
use crate::settings::Scheme;

/// A live Apache Mesos scheduler session in the terminal.
///
/// Without a master it starts an embedded Mesos. Without commands it opens a prompt.
#[derive(Debug, Clone, Parser)]
#[command(name = "mesos-repl", version, max_term_width = 100, after_help = AFTER)]
pub struct Cli {
    /// Where the masters are, and how they are spoken to
    #[command(flatten)]
    pub cluster: Cluster,

    /// Commands to run, separated by ';' or line breaks
    #[arg(short = 'c', long = "command", value_name = "COMMANDS", conflicts_with = "script")]
    pub commands: Vec<String>,

    /// A file of commands, or '-' for the standard input
    #[arg(value_name = "SCRIPT")]
    pub script: Option<PathBuf>,

    /// How answers are written
    #[arg(long, value_name = "FORMAT", default_value = "table")]
    pub output: Format,

    /// When to colour; NO_COLOR and CLICOLOR_FORCE are heeded
    #[arg(long, alias = "colour", value_name = "WHEN", default_value = "auto", global = true)]
    pub color: When,

    /// Whole ids and all columns, however wide
    #[arg(long, global = true)]
    pub wide: bool,

    /// The session: its framework outlives this program, and the next start under this name takes it up again. Without
    /// --master, its own cluster
    #[arg(long, value_name = "NAME", global = true)]
    pub session: Option<String>,

    /// The framework's name where 'subscribe' says none [default: mesos-repl]
    #[arg(long, value_name = "NAME")]
    pub name: Option<String>,

    /// The user that tasks run as where nothing else is said [default: you]
    #[arg(long, value_name = "USER")]
    pub user: Option<String>,

    /// The role whose offers the framework takes where 'subscribe' says none
    #[arg(long, value_name = "ROLE")]
    pub role: Option<String>,

    /// Log to this file; RUST_LOG says how much
    #[arg(long, value_name = "FILE", global = true)]
    pub log: Option<PathBuf>,

    /// What to do instead of opening a prompt
    #[command(subcommand)]
    pub action: Option<Action>,
}

/// Where the masters are, and how they are spoken to. Secrets have no option: whoever uses the machine can see a command
/// line.
#[derive(Debug, Clone, Default, clap::Args)]
#[command(next_help_heading = "Cluster")]
pub struct Cluster {
    /// The master, or several with commas; zk://HOST:PORT/PATH, or file://PATH of a file with it; without one, or as
    /// 'embedded', an embedded Mesos is started [env: MESOS_MASTER]
    #[arg(long, value_name = "ADDRESS", global = true)]
    pub master: Option<String>,

    /// Settings under this name in the file of settings; 'none' for none of them [env: MESOS_PROFILE]
    #[arg(long, value_name = "NAME", global = true)]
    pub profile: Option<String>,

    /// Speak TLS with addresses that name no scheme, and with masters that ZooKeeper knows
    #[arg(long, global = true)]
    pub tls: bool,

    /// Trust the authorities in this PEM file instead of the system's [env: MESOS_CA_FILE]
    #[arg(long, value_name = "FILE", global = true)]
    pub ca_file: Option<PathBuf>,

    /// Our own certificate, for servers that demand one [env: MESOS_CERT_FILE]
    #[arg(long, value_name = "FILE", global = true)]
    pub cert_file: Option<PathBuf>,

    /// Its key, unless the same file has it [env: MESOS_KEY_FILE]
    #[arg(long, value_name = "FILE", global = true)]
    pub key_file: Option<PathBuf>,

    /// Who we are; the secret comes from a file, from MESOS_SECRET, or is asked for [env: MESOS_PRINCIPAL]
    #[arg(long, value_name = "NAME", global = true)]
    pub principal: Option<String>,

    /// The principal's secret [env: MESOS_SECRET_FILE]
    #[arg(long, value_name = "FILE", global = true)]
    pub secret_file: Option<PathBuf>,

    /// Principal and secret, as Mesos's own --credential has it
    #[arg(long, value_name = "FILE", global = true)]
    pub credential_file: Option<PathBuf>,

    /// A token; MESOS_TOKEN may hold it too [env: MESOS_TOKEN_FILE]
    #[arg(long, value_name = "FILE", global = true)]
    pub token_file: Option<PathBuf>,

    /// How the token is announced [default: bearer]
    #[arg(long, value_name = "SCHEME", global = true)]
    pub token_scheme: Option<Scheme>,

    /// Where a name or an address leads, whatever the name service says; may come several times
    #[arg(long, value_name = "NAME=IP", global = true)]
    pub resolve: Vec<String>,

    /// Whom a named master redirects to is told who we are, too
    #[arg(long, global = true)]
    pub trust_redirects: bool,

    /// Agents that the master lists are told who we are, too
    #[arg(long, global = true)]
    pub trust_agents: bool,

    /// Tell who we are over a network without TLS
    #[arg(long, global = true)]
    pub plain_credentials: bool,
}

const AFTER: &str = "\
Exit status: 0 all is done, 1 a command failed, 2 bad usage, 130 interrupted.
With --output json each answer is one JSON document; errors go to the standard error.
A framework that commands from -c, a script or a pipe leave behind is torn down at the end, unless they say detach.
A program that is killed loses nothing: 'sessions' at a prompt lists what it left, and takes it up again.";

/// What else the program does.
#[derive(Debug, Clone, Subcommand)]
pub enum Action {
    /// Walk through a scheduler's life: subscribe, take an offer, run a task, kill it, tear down
    Demo(Demo),
    /// Serve an embedded Mesos for other clients until Ctrl-C
    Local(Box<Local>),
    /// Serve a page to look at a master's agents, frameworks, tasks and sandboxes in a browser
    Ui(Ui),
    /// Offer a session to programs and other terminals over a Unix socket, until Ctrl-C
    Serve(Serve),
    /// Type commands into a session that another process offers: `serve`, or a Jupyter kernel
    Attach {
        /// Its socket; the only one that is offered otherwise
        #[arg(long, value_name = "PATH")]
        socket: Option<PathBuf>,
    },
    /// Print completions of this command line for a shell, to be sourced by it
    Completions {
        /// The shell
        shell: clap_complete::Shell,
    },
}

/// `demo`
#[derive(Debug, Clone, clap::Args)]
pub struct Demo {
    /// The container image to run; taken as it is
    #[arg(long, value_name = "IMAGE", conflicts_with = "no_docker")]
    pub image: Option<String>,

    /// Run a command in the container's place
    #[arg(long)]
    pub no_docker: bool,
}

/// `ui`
#[derive(Debug, Clone, clap::Args)]
pub struct Ui {
    /// The page's port on the loopback address; 0 takes any free one
    #[arg(long, default_value_t = 5080)]
    pub port: u16,
}

/// `serve`
#[derive(Debug, Clone, clap::Args)]
pub struct Serve {
    /// Where to listen [default: mesos-repl/session.sock in the runtime directory]
    #[arg(long, value_name = "PATH")]
    pub socket: Option<PathBuf>,

    /// Simulate containers even if a Docker Engine answers
    #[arg(long)]
    pub no_docker: bool,

    /// End when this process has ended, too
    #[arg(long = "while", value_name = "PID")]
    pub process: Option<i32>,
}

/// `local`
#[derive(Debug, Clone, clap::Args)]
pub struct Local {
    /// The master's port; 0 takes any free one
    #[arg(long, default_value_t = 5050)]
    pub port: u16,

    /// How many agents
    #[arg(long, default_value_t = 2, value_parser = clap::value_parser!(u16).range(0..=100))]
    pub agents: u16,

    /// The first agent's port, the others' follow; any free ones, or with a work folder those of the last time, otherwise
    #[arg(long, value_name = "PORT", default_value_t = 0, hide_default_value = true)]
    pub agent_port: u16,

    /// Where sandboxes and all that must not be forgotten are kept: started again on it, even after a kill, the cluster
    /// goes on where it was. A temporary folder otherwise
    #[arg(long, value_name = "DIR")]
    pub work_dir: Option<PathBuf>,

    /// Simulate containers even if a Docker Engine answers
    #[arg(long)]
    pub no_docker: bool,

    /// Where to listen; anybody who reaches it can run programs as you
    #[arg(long, value_name = "ADDRESS", default_value = "127.0.0.1")]
    pub ip: IpAddr,

    /// What a Mesos can be told too
    #[command(flatten)]
    pub flags: Flags,
}

/// How answers are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Format {
    /// For people
    Table,
    /// Exact values, one JSON document per answer
    Json,
    /// The same as YAML
    Yaml,
}

/// When to colour.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum When {
    /// If a terminal reads it
    Auto,
    /// In any case
    Always,
    /// In no case
    Never,
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory as _;

    use super::*;

    #[test]
    fn the_definition_is_sound() {
        Cli::command().debug_assert();
    }

    #[test]
    fn usage_is_told_apart() {
        for (args, fine) in [
            (&["-c", "offers", "-c", "tasks"][..], true),
            (&["script.mesos"], true),
            (&["-"], true),
            (&["-c", "offers", "script.mesos"], false),
            (&["demo", "--master", "m:5050", "--no-docker"], true),
            (&["--master", "m:5050", "demo"], true),
            (&["demo", "--image", "x", "--no-docker"], false),
            (&["local", "--port", "0", "--agents", "3", "--ip", "127.0.0.2"], true),
            (&["local", "--agents", "many"], false),
            (&["local", "--agent-port", "5051", "--work-dir", "x"], true),
            (&["--output", "xml"], false),
            (&["a", "b"], false),
        ] {
            let words = std::iter::once("mesos-repl").chain(args.iter().copied());
            assert_eq!(Cli::try_parse_from(words).is_ok(), fine, "{args:?}");
        }
    }
}
