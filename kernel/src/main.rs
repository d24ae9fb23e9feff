//! `mesos-kernel`: installs the kernel for Jupyter, runs it, and looks at what it needs.

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::{Args, Parser, Subcommand};
use mesos_kernel::install::{self, Place, Spec};
use mesos_kernel::kernel::{Fate, Fates, Settings};
use mesos_kernel::rust::Cells;
use mesos_kernel::{connection, doctor, server};
use mesos_repl::embedded::Docker;

/// A Jupyter kernel for Apache Mesos: commands, v1 calls and Rust on a live scheduler session.
#[derive(Parser)]
#[command(version)]
struct Cli {
    #[command(subcommand)]
    action: Action,
}

#[derive(Subcommand)]
enum Action {
    /// Make the kernel known to Jupyter
    Install(Install),
    /// Take it away again
    Uninstall(Where),
    /// Run it (Jupyter does this)
    Run(Run),
    /// Look at what the kernel needs, and tell what to do about what is missing
    Doctor {
        /// The master that notebooks will use; an embedded one without it
        #[arg(long, env = "MESOS_MASTER", value_name = "HOST:PORT")]
        master: Option<String>,
    },
    /// Evaluate Rust cells (the kernel does this)
    #[cfg(feature = "rust-cells")]
    #[command(hide = true)]
    Evaluate,
}

#[derive(Args)]
struct Where {
    /// For this person (the default)
    #[arg(long, group = "place")]
    user: bool,
    /// For everybody on this machine
    #[arg(long, group = "place")]
    system: bool,
    /// Into the active virtual environment
    #[arg(long, group = "place")]
    sys_prefix: bool,
    /// Under DIR/share/jupyter
    #[arg(long, group = "place", value_name = "DIR")]
    prefix: Option<PathBuf>,
    /// The kernel's name for Jupyter
    #[arg(long, default_value = "mesos")]
    name: String,
}

#[derive(Args)]
struct Install {
    #[command(flatten)]
    place: Where,
    /// What people see
    #[arg(long, default_value = "Mesos")]
    display_name: String,
    /// An environment variable of the kernel, such as MESOS_MASTER=10.0.0.1:5050
    #[arg(long, value_name = "NAME=VALUE", value_parser = pair)]
    env: Vec<(String, String)>,
}

#[derive(Args)]
struct Run {
    /// Written by Jupyter
    #[arg(long, short = 'f', value_name = "FILE")]
    connection_file: PathBuf,
    /// The master; an embedded one without it
    #[arg(long, env = "MESOS_MASTER", value_name = "HOST:PORT")]
    master: Option<String>,
    /// Docker tasks of the embedded Mesos are simulated, even where there is a Docker
    #[arg(long, env = "MESOS_NO_DOCKER", value_parser = clap::builder::FalseyValueParser::new(), action = clap::ArgAction::SetTrue)]
    no_docker: bool,
    /// When Rust cells get ready
    #[arg(long, env = "MESOS_RUST_CELLS", value_name = "WHEN", default_value = "warm")]
    rust: Cells,
    /// What becomes of the framework when the kernel is restarted
    #[arg(long, env = "MESOS_ON_RESTART", value_name = "WHAT", default_value = "keep")]
    on_restart: Fate,
    /// What becomes of the notebook's own framework when the kernel is shut down for good, or its parent is gone
    #[arg(long, env = "MESOS_ON_SHUTDOWN", value_name = "WHAT", default_value = "teardown")]
    on_shutdown: Fate,
}

fn pair(text: &str) -> Result<(String, String), String> {
    match text.split_once('=') {
        Some((name, value)) if !name.is_empty() => Ok((name.to_owned(), value.to_owned())),
        _ => Err("NAME=VALUE".to_owned()),
    }
}

fn main() -> ExitCode {
    // The child that runs Rust cells is this program: it must turn into it before anything else happens.
    mesos_kernel::rust::become_child_if_asked();
    let result = match Cli::parse().action {
        Action::Install(install) => do_install(&install),
        Action::Uninstall(place) => do_uninstall(&place),
        Action::Run(run) => do_run(run),
        Action::Doctor { master } => return do_doctor(master.as_deref()),
        #[cfg(feature = "rust-cells")]
        Action::Evaluate => {
            log();
            mesos_kernel::rust::evaluator::run().map_err(Failure::from)
        }
    };
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            tell_error(&format!("error: {error}"));
            ExitCode::FAILURE
        }
    }
}

type Failure = Box<dyn std::error::Error>;

#[allow(clippy::print_stdout, reason = "answers of a command line go to its stdout")]
fn tell(text: &str) {
    println!("{text}");
}

#[allow(clippy::print_stderr, reason = "errors of a command line go to its stderr")]
fn tell_error(text: &str) {
    eprintln!("{text}");
}

fn environment(name: &str) -> Option<String> {
    std::env::var(name).ok()
}

fn folder(place: &Where) -> Result<PathBuf, Failure> {
    let to = if place.system {
        Place::System
    } else if let Some(prefix) = &place.prefix {
        Place::Prefix(prefix.clone())
    } else if place.sys_prefix {
        let active = environment("VIRTUAL_ENV").or_else(|| environment("CONDA_PREFIX"));
        Place::Prefix(active.ok_or("no virtual environment is active; --prefix DIR names one")?.into())
    } else {
        Place::User
    };
    Ok(install::folder(&to, &place.name, environment)?)
}

fn do_install(arguments: &Install) -> Result<(), Failure> {
    let folder = folder(&arguments.place)?;
    let spec = Spec {
        name: arguments.place.name.clone(),
        display_name: arguments.display_name.clone(),
        env: install::environment(&arguments.env, environment),
    };
    install::install(&folder, &std::env::current_exe()?, &spec)?;
    tell(&format!("installed {} in {}", spec.name, folder.display()));
    tell(&format!("try: jupyter lab, or jupyter console --kernel {}", spec.name));
    Ok(())
}

fn do_uninstall(place: &Where) -> Result<(), Failure> {
    let folder = folder(place)?;
    let was = install::uninstall(&folder)?;
    tell(&format!("{} {}", if was { "removed" } else { "nothing in" }, folder.display()));
    Ok(())
}

/// Logs to stderr, which Jupyter shows in its own log.
fn log() {
    let filter = tracing_subscriber::EnvFilter::try_from_env("MESOS_LOG")
        .unwrap_or_else(|_| tracing_subscriber::EnvFilter::new("mesos_kernel=warn,mesos_repl=error"));
    tracing_subscriber::fmt().with_env_filter(filter).with_writer(std::io::stderr).init();
}

fn do_run(run: Run) -> Result<(), Failure> {
    log();
    let connection = connection::read(&run.connection_file)?;
    let settings = Settings {
        master: run.master,
        docker: if run.no_docker { Docker::Never } else { Docker::Auto },
        history: state("kernel-history.jsonl"),
        keep: keep(&run.connection_file),
        rust: run.rust,
        fates: Fates { restart: run.on_restart, shutdown: run.on_shutdown },
    };
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build()?;
    runtime.block_on(server::run(&connection, settings))?;
    // A thread that still waits for something shall not hold the process.
    runtime.shutdown_background();
    Ok(())
}

/// A file that lasts over starts.
fn state(name: &str) -> Option<PathBuf> {
    let set = |name: &str| environment(name).filter(|value| !value.is_empty()).map(PathBuf::from);
    let state = set("XDG_STATE_HOME").or_else(|| Some(set("HOME")?.join(".local/state")))?;
    Some(state.join("mesos-repl").join(name))
}

/// Where the framework of this connection is remembered.
fn keep(connection_file: &Path) -> Option<PathBuf> {
    let name = connection_file.file_stem()?.to_string_lossy();
    state(&format!("kernels/{name}.json"))
}

fn do_doctor(master: Option<&str>) -> ExitCode {
    let findings = doctor::examine(master, Path::new("/var/run/docker.sock"));
    let mut well = true;
    for finding in &findings {
        match &finding.state {
            Ok(state) => tell(&format!("ok       {:17} {state}", finding.what)),
            Err(wrong) => {
                let whom = if finding.rust_only { " (Rust cells)" } else { "" };
                tell(&format!("missing  {:17} {wrong}{whom}\n         {:17} -> {}", finding.what, "", finding.cure));
                well = false;
            }
        }
    }
    if well { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}
