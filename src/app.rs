//! The wiring: settings in, a master found or started, an engine on it, and a front in front of it.
//!
//! No protocol and no drawing is done here. What needs no network (`--help`, bad usage) starts nothing.

use std::fs::OpenOptions;
use std::future::Future;
use std::io::{self, IsTerminal as _, Write as _};
use std::net::{Ipv4Addr, SocketAddr};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

use clap::{CommandFactory as _, FromArgMatches as _};
use nix::sys::termios;
use tokio::net::TcpListener;
use tracing_subscriber::EnvFilter;

use crate::cli::{self, Action, Cli, Local, Serve, Ui};
use crate::client::Address;
use crate::config::{Around, Config, Origin};
use crate::demo;
use crate::document::{Diagnostic, Document, Piece, Tone};
use crate::embedded::{self, Cluster, Docker};
use crate::engine::{self, Engine, Leave, Options, Outcome, Output as _, Target};
use crate::lang::Completeness;
use crate::render::{self, Page, Theme};
use crate::repl::{self, Asked, Look, Ran, Screen, Signals, window};
use crate::secret::Secret;
use crate::session::Masters;
use crate::settings;
use crate::store::{Folder, Naming};
use crate::ui;

/// All is done.
const DONE: u8 = 0;
/// A command failed.
const FAILED: u8 = 1;
/// Bad usage.
const USAGE: u8 = 2;
/// Interrupted.
const INTERRUPTED: u8 = 130;

/// The program.
pub fn main() -> ExitCode {
    let matches = match Cli::command().try_get_matches() {
        Ok(matches) => matches,
        Err(error) => return usage(&error),
    };
    let cli = match Cli::from_arg_matches(&matches) {
        Ok(cli) => cli,
        Err(error) => return usage(&error),
    };
    let env = |name: &str| std::env::var(name).ok();
    let around = Around { env: &env, file: settings::File::usual(), sessions: Folder::usual().ok(), ask: &mut ask };
    let config = match Config::new(&cli, &matches, around) {
        Ok(config) => config,
        Err(diagnostic) => return tell(diagnostic, false, USAGE),
    };
    let colour = config.colour_errors;
    for warning in config.place.iter().flat_map(|place| &place.warnings) {
        warn(warning, colour);
    }
    match start(&cli, &config) {
        Ok(status) => ExitCode::from(status),
        Err((diagnostic, status)) => tell(*diagnostic, colour, status),
    }
}

/// Asks for a secret at the terminal, without showing it; not even if the standard input is something else.
fn ask(what: &str) -> Option<Secret> {
    // What is typed ahead of the question isn't shown either.
    let _quiet = Quiet::start();
    // Whoever has no terminal can't be asked.
    rpassword::prompt_password(what).ok().filter(|secret| !secret.is_empty()).map(Secret::new)
}

/// A terminal that shows nothing of what is typed, until this ends.
struct Quiet {
    terminal: std::fs::File,
    before: termios::Termios,
}

impl Quiet {
    /// None without a terminal.
    fn start() -> Option<Self> {
        let terminal = OpenOptions::new().read(true).write(true).open("/dev/tty").ok()?;
        let before = termios::tcgetattr(&terminal).ok()?;
        let mut quiet = before.clone();
        quiet.local_flags.remove(termios::LocalFlags::ECHO);
        termios::tcsetattr(&terminal, termios::SetArg::TCSANOW, &quiet).ok()?;
        Some(Self { terminal, before })
    }
}

impl Drop for Quiet {
    fn drop(&mut self) {
        // A terminal that has gone needs no mending.
        let _ = termios::tcsetattr(&self.terminal, termios::SetArg::TCSANOW, &self.before);
    }
}

fn warn(warning: &str, colour: bool) {
    tell_aside(&Document::text(Piece::new(format!("warning: {warning}"), Tone::Unsure)), colour);
}

/// What ends the program before it has begun, and its exit status.
type Ended = (Box<Diagnostic>, u8);

fn usage(error: &clap::Error) -> ExitCode {
    // A closed standard error can't be told anything; the status says it all the same.
    let _ = error.print();
    ExitCode::from(if error.use_stderr() { USAGE } else { DONE })
}

fn tell(diagnostic: Diagnostic, colour: bool, status: u8) -> ExitCode {
    let columns = window().map_or(100, |(columns, _)| columns);
    let text = render::ansi(&diagnostic.into(), &Page::plain(columns).coloured(colour));
    let _ = io::stderr().write_all(text.as_bytes());
    ExitCode::from(status)
}

fn failed(what: &str, error: &dyn std::error::Error) -> Ended {
    (Box::new(Diagnostic::new(what).cause(error)), FAILED)
}

fn start(cli: &Cli, config: &Config) -> Result<u8, Ended> {
    let work = work(cli)?;
    log(config.log.as_deref(), matches!(work, Work::Session(Front::Prompt)))?;
    tracing::debug!(?config, "settings");
    // One thread is enough for a few commands on a master; an embedded one and a prompt's session run beside it.
    let alone = config.place.is_some() && matches!(work, Work::Session(Front::Text(_) | Front::Input));
    let runtime = if alone {
        tokio::runtime::Builder::new_current_thread().enable_all().build()
    } else {
        tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build()
    };
    let runtime = runtime.map_err(|error| failed("can't start", &error))?;
    let result = runtime.block_on(work.run(config));
    // Somebody may still be reading the terminal or the standard input: that must not hold up the end.
    runtime.shutdown_background();
    result
}

/// What there is to do.
enum Work {
    /// A session, and what speaks to it.
    Session(Front),
    Local(Box<Local>),
    Ui(Ui),
    /// Somebody else's session.
    Attach(Option<PathBuf>),
    Completions(clap_complete::Shell),
}

/// What speaks to a session.
enum Front {
    /// Somebody at a prompt.
    Prompt,
    /// These commands.
    Text(String),
    /// What comes on the standard input, each input when it is complete.
    Input,
    /// The walk through a scheduler's life.
    Demo(cli::Demo),
    /// Whoever connects to a socket.
    Socket(cli::Serve),
}

fn work(cli: &Cli) -> Result<Work, Ended> {
    let dash = cli.script.as_deref() == Some(Path::new("-"));
    Ok(match (&cli.action, &cli.script) {
        (Some(Action::Demo(demo)), _) => Work::Session(Front::Demo(demo.clone())),
        (Some(Action::Local(local)), _) => Work::Local(local.clone()),
        (Some(Action::Ui(shown)), _) => Work::Ui(shown.clone()),
        (Some(Action::Serve(offer)), _) => Work::Session(Front::Socket(offer.clone())),
        (Some(Action::Attach { socket }), _) => Work::Attach(socket.clone()),
        (Some(Action::Completions { shell }), _) => Work::Completions(*shell),
        (None, _) if !cli.commands.is_empty() => Work::Session(Front::Text(cli.commands.join("\n"))),
        (None, Some(script)) if !dash => Work::Session(Front::Text(read(script)?)),
        (None, None) if io::stdin().is_terminal() && io::stdout().is_terminal() => Work::Session(Front::Prompt),
        (None, _) => Work::Session(Front::Input),
    })
}

fn read(script: &Path) -> Result<String, Ended> {
    std::fs::read_to_string(script).map_err(|error| {
        let what = format!("can't read the script {}", script.display());
        (Box::new(Diagnostic::new(what).cause(&error)), USAGE)
    })
}

/// Logs to the file, or to the standard error if `RUST_LOG` asks for it and no prompt is in the way.
fn log(file: Option<&Path>, prompt: bool) -> Result<(), Ended> {
    let asked = std::env::var("RUST_LOG").is_ok_and(|value| !value.is_empty());
    let filter = || EnvFilter::try_from_default_env().unwrap_or_else(|_| EnvFilter::new("mesos_repl=debug"));
    match file {
        Some(file) => {
            let opened = OpenOptions::new().append(true).create(true).mode(0o600).open(file);
            let opened = opened.map_err(|error| failed(&format!("can't log to {}", file.display()), &error))?;
            let log = tracing_subscriber::fmt().with_env_filter(filter()).with_ansi(false);
            log.with_writer(std::sync::Mutex::new(opened)).init();
        }
        None if asked && !prompt => {
            let log = tracing_subscriber::fmt().with_env_filter(filter()).with_ansi(false);
            log.with_writer(io::stderr).init();
        }
        None => {}
    }
    Ok(())
}

impl Work {
    async fn run(self, config: &Config) -> Result<u8, Ended> {
        match self {
            Work::Session(front) => front.run(config).await,
            Work::Local(local) => serve(&local, config).await,
            Work::Ui(shown) => look_at(&shown, config).await,
            Work::Attach(socket) => attach(socket).await,
            Work::Completions(shell) => completions(shell),
        }
    }
}

impl Front {
    async fn run(self, config: &Config) -> Result<u8, Ended> {
        let docker = match &self {
            Front::Demo(demo) if demo.no_docker => Docker::Never,
            Front::Socket(offer) if offer.no_docker => Docker::Never,
            _ => Docker::Auto,
        };
        if let (None, Some(name)) = (&config.place, &config.session) {
            return Err((Box::new(no_cluster(name)), USAGE));
        }
        let place = Place::find(config, docker).await?;
        let person = matches!(self, Front::Prompt | Front::Demo(_));
        let options = config.options(person, self.naming());
        let engine = Engine::start(place.target.clone(), options)
            .map_err(|error| (Box::new(Diagnostic::from(&error)), FAILED))?;
        let status = match self {
            Front::Prompt => {
                let end = repl::interact(engine, look(config, true), place.welcome(config)).await;
                end.map_err(|error| failed("the terminal can't be used", &error))
            }
            Front::Demo(demo) => {
                let docker = place.cluster.as_ref().map(|cluster| cluster.docker().map(str::to_owned));
                let end = demo::run(engine, look(config, false), &demo, docker).await;
                end.map_err(|error| failed("can't start", &error))
            }
            Front::Socket(socket) => offer(engine, &socket, config).await,
            Front::Text(text) => script(&engine, config, Script::Text(text)).await,
            Front::Input => script(&engine, config, Script::Input).await,
        };
        if let Some(cluster) = place.cluster {
            cluster.shutdown().await;
        }
        status
    }
}

impl Front {
    /// What its session is called: whoever comes back to a prompt finds it again, and no script meets another's.
    fn naming(&self) -> Naming {
        match self {
            Front::Prompt | Front::Socket(_) => Naming::ByMaster,
            Front::Text(_) | Front::Input => Naming::Own("script"),
            Front::Demo(_) => Naming::Own("demo"),
        }
    }
}

/// A session of that name has no record that says where its cluster is.
fn no_cluster(name: &str) -> Diagnostic {
    Diagnostic::new(format!("session {name} isn't recorded yet, and no master is named for it"))
        .detail("an embedded Mesos ends with this program, so that nothing of it can be taken up again")
        .help(format!("mesos-repl --session {name} --master HOST:PORT; sessions lists those that are recorded"))
}

/// `completions`: for a shell to source.
fn completions(shell: clap_complete::Shell) -> Result<u8, Ended> {
    let mut text = Vec::new();
    clap_complete::generate(shell, &mut Cli::command(), "mesos-repl", &mut text);
    io::stdout().write_all(&text).map(|()| DONE).map_err(|error| failed("can't write", &error))
}

/// How answers look; at a prompt, errors belong among them.
fn look(config: &Config, prompt: bool) -> Look {
    let live = io::stdout().is_terminal() && std::env::var("TERM").as_deref() != Ok("dumb");
    Look {
        format: config.output.value,
        wide: config.wide.value,
        theme: Theme { colour: config.colour.value },
        error_theme: Theme { colour: config.colour_errors },
        live,
        errors_apart: !prompt,
    }
}

/// A master, and the embedded Mesos behind it if it is one.
struct Place {
    target: Target,
    cluster: Option<Cluster>,
}

impl Place {
    async fn find(config: &Config, docker: Docker) -> Result<Self, Ended> {
        if let Some(place) = &config.place {
            return Ok(Self { target: place.clone().into(), cluster: None });
        }
        let settings = embedded::Config { docker, besides: Some(ui::beside), ..embedded::Config::default() };
        let cluster =
            Cluster::start(settings).await.map_err(|error| failed("the embedded Mesos didn't start", &error))?;
        let address =
            Address::parse(&cluster.url()).map_err(|error| failed("the embedded Mesos has no address", &error))?;
        let target = Target { label: Some("embedded".to_owned()), embedded: true, ..Target::new(address) };
        Ok(Self { target, cluster: Some(cluster) })
    }

    /// The first lines at a prompt.
    fn welcome(&self, config: &Config) -> Document {
        let program = Piece::new(concat!("mesos-repl ", env!("CARGO_PKG_VERSION")), Tone::Strong);
        let address = &self.target.masters;
        let Some(cluster) = &self.cluster else {
            let whence = match config.place.as_ref().map(|place| &place.masters.origin) {
                Some(origin @ (Origin::Environment(_) | Origin::Profile(_))) => format!(" (from {origin})"),
                _ => String::new(),
            };
            let who = self.target.access.credentials.as_ref().map(|who| format!(", as {who}")).unwrap_or_default();
            let place = format!(" on the master at {address}{whence}{who}; help lists the commands");
            return Document::new().with_pieces([program, Piece::from(place)]);
        };
        let place = format!(" on an embedded Mesos at {address}; --master HOST:PORT for a real one; help");
        let pieces = [program, Piece::from(place)];
        Document::new().with_pieces(pieces).with_text(Piece::new(containers(cluster), Tone::Dim))
    }
}

/// Whether containers are real.
fn containers(cluster: &Cluster) -> String {
    match cluster.docker() {
        Some(version) => {
            format!("Docker Engine {version} answers: containers are real; commands run as processes here")
        }
        None => "no Docker Engine: containers are simulated, and say so; commands run as processes here".to_owned(),
    }
}

/// Commands without a prompt.
enum Script {
    Text(String),
    Input,
}

/// Runs commands up to the first that fails, and ends the session; the exit status.
async fn script(engine: &Engine, config: &Config, script: Script) -> Result<u8, Ended> {
    let mut signals = Signals::take().map_err(|error| failed("can't start", &error))?;
    let mut screen = Screen::standard(look(config, false));
    let taken_up = unless_interrupted(repl::take_up(engine), &mut signals).await.unwrap_or_default();
    tell_aside(&taken_up, config.colour_errors);
    let unrecorded = engine.session().store().map(|store| store.progress());
    let unrecorded = unrecorded.map(|progress| tokio::spawn(tell_unrecorded(progress, config.colour_errors)));
    let ran = match script {
        Script::Text(text) => repl::run(engine, &text, &mut screen, &mut signals).await,
        Script::Input => input(engine, &mut screen, &mut signals).await,
    };
    let (status, how) = match ran {
        Ran::Ended(Outcome::Done) => (DONE, Leave::Unsaid),
        Ran::Ended(Outcome::Failed) => (FAILED, Leave::Unsaid),
        Ran::Ended(Outcome::Misused) => (USAGE, Leave::Unsaid),
        Ran::Ended(Outcome::Cancelled) => (INTERRUPTED, Leave::Unsaid),
        Ran::Ended(Outcome::Quit(how)) => (DONE, how),
        Ran::Told(status) => (status, Leave::Unsaid),
    };
    let told = unless_interrupted(repl::leave(engine, how), &mut signals).await.flatten();
    if let Some(told) = told {
        tell_aside(&told, config.colour_errors);
    }
    if let Some(telling) = unrecorded {
        telling.abort();
    }
    Ok(status)
}

/// Tells once that the disk refuses the session's record: a script hears no notices.
async fn tell_unrecorded(mut progress: tokio::sync::watch::Receiver<crate::store::Progress>, colour: bool) {
    let refused = progress.wait_for(|progress| progress.trouble.is_some()).await;
    let why = refused.ok().and_then(|progress| progress.trouble.clone());
    if let Some(why) = why {
        tell_aside(&Document::text(Piece::new(engine::unrecorded(&why), Tone::Bad)), colour);
    }
}

/// What is no answer to a command goes to the standard error.
fn tell_aside(told: &Document, colour: bool) {
    let text = render::ansi(told, &Page::plain(window().map_or(100, |(columns, _)| columns)).coloured(colour));
    // A closed standard error can't be told anything.
    let _ = io::stderr().write_all(text.as_bytes());
}

/// The end may take a while with a master that doesn't answer; whoever presses Ctrl-C then wants out.
async fn unless_interrupted<T>(work: impl Future<Output = T>, signals: &mut Signals) -> Option<T> {
    tokio::select! {
        result = work => Some(result),
        _ = signals.next() => None,
    }
}

/// Runs each input of the standard input as soon as it is complete, so that another program can drive the session.
async fn input(engine: &Engine, screen: &mut Screen<io::Stdout, io::Stderr>, signals: &mut Signals) -> Ran {
    let mut lines = match lines() {
        Ok(lines) => lines,
        Err(error) => {
            screen.show(Diagnostic::new("the standard input can't be read").cause(&error).into());
            return Ran::Ended(Outcome::Failed);
        }
    };
    let mut text = String::new();
    loop {
        let line = tokio::select! {
            line = lines.recv() => line,
            asked = signals.next() => return match asked {
                Asked::Stop => Ran::Ended(Outcome::Cancelled),
                Asked::End(status) => Ran::Told(status),
            },
        };
        let end = line.is_none();
        match line {
            Some(Ok(line)) => text.push_str(&line),
            Some(Err(error)) => {
                screen.show(Diagnostic::new("the standard input can't be read").cause(&error).into());
                return Ran::Ended(Outcome::Failed);
            }
            None => {}
        }
        // At the end an incomplete input is run too: the engine says what it lacks.
        if !end && matches!(engine.completeness(&text), Completeness::Incomplete { .. }) {
            continue;
        }
        if !text.trim().is_empty() {
            let ran = repl::run(engine, &text, screen, signals).await;
            if ran != Ran::Ended(Outcome::Done) || screen.is_closed() {
                return ran;
            }
        }
        text.clear();
        if end {
            return Ran::Ended(Outcome::Done);
        }
    }
}

/// The standard input's lines, read by a thread of their own: a blocked read can't be called off.
fn lines() -> io::Result<tokio::sync::mpsc::Receiver<io::Result<String>>> {
    let (sender, lines) = tokio::sync::mpsc::channel(64);
    let read = move || {
        let mut stdin = io::stdin().lock();
        loop {
            let mut line = String::new();
            let read = match io::BufRead::read_line(&mut stdin, &mut line) {
                Ok(0) => return,
                Ok(_) => sender.blocking_send(Ok(line)),
                Err(error) => {
                    let _ = sender.blocking_send(Err(error));
                    return;
                }
            };
            if read.is_err() {
                return;
            }
        }
    };
    std::thread::Builder::new().name("standard input".to_owned()).spawn(read)?;
    Ok(lines)
}

/// `ui`: serves the page of a master until a signal comes.
async fn look_at(shown: &Ui, config: &Config) -> Result<u8, Ended> {
    let Some(place) = config.place.clone() else {
        let diagnostic = Diagnostic::new("ui wants a master")
            .help("mesos-repl ui --master HOST:PORT; an embedded Mesos has the page at / by itself");
        return Err((Box::new(diagnostic), USAGE));
    };
    let mut signals = Signals::take().map_err(|error| failed("can't start", &error))?;
    let masters = place.masters.value.clone();
    // It never subscribes: it only knows who leads.
    let engine = {
        let options = Options { memory: None, ..config.options(false, Naming::ByMaster) };
        Engine::start(place.into(), options).map_err(|error| failed("can't start", &error))?
    };
    // Who answers nothing now is told of now, not by an empty page.
    let found = engine.find_master().await.map_err(|diagnostic| (Box::new(diagnostic), FAILED))?;
    let session = engine.session();
    let client = session.client().clone();
    let leader: ui::Leader = match &masters {
        // Any of those named redirects to whoever leads.
        Masters::Named(_) => Arc::new(move || Some(found.clone())),
        Masters::ZooKeeper { .. } => Arc::new(move || session.status().borrow().address.clone()),
    };
    if client.access().credentials.is_some() {
        warn("whoever uses this machine can read through this page what you may read", config.colour_errors);
    }
    let at = SocketAddr::from((Ipv4Addr::LOCALHOST, shown.port));
    let listening = TcpListener::bind(at).await.map_err(|error| failed(&format!("can't listen at {at}"), &error))?;
    let address = listening.local_addr().map_err(|error| failed("can't start", &error))?;
    let mut screen = Screen::standard(look(config, false));
    screen.show(
        Document::text(format!("{masters} at http://{address}/")).with_text(Piece::new("Ctrl-C ends it", Tone::Dim)),
    );
    tokio::select! {
        served = async { axum::serve(listening, ui::router(leader, client)).await } => {
            served.map_err(|error| failed("the server ended", &error))?;
        }
        _ = signals.next() => {}
    }
    Ok(DONE)
}

/// `serve`: offers the session over a socket until a signal comes.
async fn offer(engine: Engine, asked: &Serve, config: &Config) -> Result<u8, Ended> {
    let mut signals = Signals::take().map_err(|error| failed("can't start", &error))?;
    let path = asked.socket.clone().unwrap_or_else(crate::serve::usual_path);
    let server = crate::serve::Server::start(engine.clone(), &path, None);
    let server = server.map_err(|error| failed("the session can't be offered", &error))?;
    let mut screen = Screen::standard(look(config, false));
    let told = format!("the session on {} is offered at {}", engine.target().masters, path.display());
    screen.show(Document::text(told).with_text(Piece::new("Ctrl-C ends it", Tone::Dim)));
    if let Some(told) = unless_interrupted(repl::take_up(&engine), &mut signals).await {
        screen.show(told);
        // Ctrl-C is how it ends: no failure.
        tokio::select! {
            _ = signals.next() => {}
            () = gone(asked.process) => {}
        }
    }
    server.close().await;
    unless_interrupted(repl::leave(&engine, Leave::Unsaid), &mut signals).await;
    Ok(DONE)
}

/// Returns when this process is there no more; never without one.
async fn gone(process: Option<i32>) {
    use nix::{errno::Errno, sys::signal::kill, unistd::Pid};
    const LOOK: Duration = Duration::from_millis(500);
    // 0 and negative numbers are groups of processes.
    let Some(process) = process.filter(|number| *number > 0).map(Pid::from_raw) else {
        return std::future::pending().await;
    };
    while kill(process, None) != Err(Errno::ESRCH) {
        tokio::time::sleep(LOOK).await;
    }
}

/// `attach`: lines go to somebody else's session, answers come back.
async fn attach(socket: Option<PathBuf>) -> Result<u8, Ended> {
    let path = match socket {
        Some(path) => path,
        None => the_one_offered().await?,
    };
    let told = |error: &io::Error| failed(&format!("no session is offered at {}", path.display()), error);
    let mut session = crate::serve::Client::connect(&path).await.map_err(|error| told(&error))?;
    let prompt = io::stdin().is_terminal();
    let mut lines = lines().map_err(|error| failed("can't start", &error))?;
    let mut status = DONE;
    loop {
        if prompt {
            write(&mut io::stdout(), "attached > ");
        }
        let Some(line) = lines.recv().await else { return Ok(status) };
        let line = line.map_err(|error| failed("the input can't be read", &error))?;
        match line.trim() {
            "" => {}
            // The session isn't ours to end.
            "quit" | "exit" => return Ok(status),
            text => match session.run(text).await.map_err(|error| told(&error))? {
                Ok(answer) => write(&mut io::stdout(), &format!("{answer}\n")),
                Err(wrong) => {
                    write(&mut io::stderr(), &format!("{wrong}\n"));
                    status = FAILED;
                    if !prompt {
                        return Ok(status);
                    }
                }
            },
        }
    }
}

/// The session that this person's programs offer, if it is one.
async fn the_one_offered() -> Result<PathBuf, Ended> {
    let mut offered = crate::serve::offered().await;
    if offered.len() > 1 {
        let mut diagnostic = Diagnostic::new(format!("{} sessions are offered: which one?", offered.len()));
        for session in &offered {
            diagnostic = diagnostic.detail(format!("--socket {}  {}", session.path.display(), session.what));
        }
        return Err((Box::new(diagnostic), USAGE));
    }
    offered.pop().map(|session| session.path).ok_or_else(|| {
        let diagnostic = Diagnostic::new("no session is offered")
            .detail(format!("looked in {}", crate::serve::usual_folder().display()))
            .help("mesos-repl serve offers one, and so does every Jupyter kernel of Mesos");
        (Box::new(diagnostic), FAILED)
    })
}

/// Writes and shows it at once. A reader that has gone is told of by the next line that can't be read.
fn write(to: &mut dyn io::Write, text: &str) {
    let _ = to.write_all(text.as_bytes()).and_then(|()| to.flush());
}

/// `local`: serves the embedded Mesos until a signal comes.
async fn serve(local: &Local, config: &Config) -> Result<u8, Ended> {
    let mut signals = Signals::take().map_err(|error| failed("can't start", &error))?;
    let mut settings = embedded::Config {
        address: local.ip,
        port: local.port,
        agents: usize::from(local.agents),
        agent_ports: local.agent_port,
        work_dir: local.work_dir.clone(),
        docker: if local.no_docker { Docker::Never } else { Docker::Auto },
        besides: Some(ui::beside),
        ..embedded::Config::default()
    };
    local.flags.apply(&mut settings).map_err(|why| (Box::new(Diagnostic::new(&why)), USAGE))?;
    let asks_nobody = settings.credentials.is_empty();
    let cluster = Cluster::start(settings).await.map_err(|error| failed("the embedded Mesos didn't start", &error))?;
    let mut screen = Screen::standard(look(config, false));
    let mut told = Document::new().with_text(format!("embedded Mesos: master at {}", cluster.url()));
    for agent in cluster.agents() {
        told = told.with_text(format!("agent at http://{agent}"));
    }
    if !local.ip.is_loopback() && asks_nobody {
        let warning = "whoever reaches this address can run programs as you: it asks nobody who they are";
        told = told.with_text(Piece::new(warning, Tone::Bad));
    }
    told =
        told.with_text(containers(&cluster)).with_text(Piece::new("Ctrl-C ends it, and every task with it", Tone::Dim));
    screen.show(told);
    // Ctrl-C is how it ends: no failure.
    let _ = signals.next().await;
    unless_interrupted(cluster.shutdown(), &mut signals).await;
    Ok(DONE)
}
