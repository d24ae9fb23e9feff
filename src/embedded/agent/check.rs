//! Checks and health checks of a running task: commands, HTTP, TCP, at their intervals.
//!
//! Only looks and tells; what follows from it (updates, a kill) is the task's own to do.

use std::collections::BTreeMap;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::path::PathBuf;
use std::process::Stdio;
use std::time::Duration;

use tokio::net::TcpStream;
use tokio::process::Command;
use tokio::sync::mpsc;
use tokio::time::Instant;

use super::docker::Container;
use super::process;
use super::user::User;
use crate::mesos::{
    CheckInfo, CheckStatusInfo, CheckType, CommandCheckStatus, CommandInfo, HealthCheck, HealthCheckType,
    HttpCheckStatus, Protocol, TcpCheckStatus,
};

/// What a check found.
#[derive(Debug)]
pub(super) enum Found {
    /// A health check's outcome, where it is news or a failure.
    Health {
        /// Whether it passed.
        healthy: bool,
        /// Whether it has failed too often: the task must go.
        kill: bool,
    },
    /// A check's outcome, where it differs from the last.
    Check(Box<CheckStatusInfo>),
}

/// Where command checks run.
#[derive(Clone, Debug)]
pub(super) enum Place {
    /// Beside a process, with its environment.
    Sandbox {
        /// Its folder.
        folder: PathBuf,
        /// Its environment.
        environment: BTreeMap<String, String>,
        /// Whom it runs as.
        user: Option<User>,
    },
    /// In a container.
    Container {
        /// It.
        container: Container,
        /// Its address, where it has a network of its own.
        ip: Option<IpAddr>,
    },
}

impl Place {
    /// Where the task's own `127.0.0.1` is reached from here. A real agent enters the container's network instead.
    fn host(&self) -> IpAddr {
        match self {
            Self::Container { ip: Some(ip), .. } => *ip,
            _ => IpAddr::V4(Ipv4Addr::LOCALHOST),
        }
    }
}

/// One look at a task.
#[derive(Clone, Debug)]
enum Probe {
    Command(CommandInfo),
    Http { scheme: String, host: IpAddr, port: u32, path: String },
    Tcp { host: IpAddr, port: u32 },
}

/// How often to look, and for how long.
#[derive(Clone, Copy, Debug)]
struct Pace {
    delay: Duration,
    interval: Duration,
    timeout: Duration,
}

impl Pace {
    fn of(delay: Option<f64>, interval: Option<f64>, timeout: Option<f64>) -> Self {
        // A master refuses negative ones; what is no duration at all becomes the default.
        let seconds = |given: Option<f64>, default: f64| {
            Duration::try_from_secs_f64(given.unwrap_or(default)).unwrap_or(Duration::from_secs_f64(default))
        };
        Self { delay: seconds(delay, 15.0), interval: seconds(interval, 10.0), timeout: seconds(timeout, 20.0) }
    }
}

/// Runs a health check until it is dropped or nobody listens any more.
pub(super) async fn health(check: HealthCheck, place: Place, found: mpsc::UnboundedSender<Found>) {
    let Some(probe) = health_probe(&check, &place) else { return };
    let pace = Pace::of(check.delay_seconds, check.interval_seconds, check.timeout_seconds);
    let grace = Duration::try_from_secs_f64(check.grace_period_seconds.unwrap_or(10.0)).unwrap_or_default();
    let limit = check.consecutive_failures.unwrap_or(3);
    let (start, mut failures, mut passed) = (Instant::now(), 0_u32, false);
    tokio::time::sleep(pace.delay).await;
    loop {
        let healthy = match look(&probe, &place, pace.timeout).await {
            Ok(status) => is_healthy(&status),
            Err(_) => false,
        };
        let news = if healthy {
            let news = !passed || failures > 0;
            (passed, failures) = (true, 0);
            news.then_some(Found::Health { healthy, kill: false })
        } else if !passed && !grace.is_zero() && start.elapsed() <= grace {
            None
        } else {
            failures = failures.saturating_add(1);
            Some(Found::Health { healthy, kill: failures >= limit })
        };
        if news.is_some_and(|news| found.send(news).is_err()) {
            return;
        }
        tokio::time::sleep(pace.interval).await;
    }
}

/// Runs a check until it is dropped or nobody listens any more.
pub(super) async fn check(check: CheckInfo, place: Place, found: mpsc::UnboundedSender<Found>) {
    let Some(probe) = check_probe(&check, &place) else { return };
    let pace = Pace::of(check.delay_seconds, check.interval_seconds, check.timeout_seconds);
    // What every task says of itself at first: finding nothing is no news then.
    let mut last = nothing_found(check.r#type.as_ref());
    tokio::time::sleep(pace.delay).await;
    loop {
        // A check that could not be made leaves an empty result, so that nobody takes the last one for current.
        let status = match look(&probe, &place, pace.timeout).await {
            Ok(status) => status,
            Err(error) => {
                tracing::debug!(%error, "a check could not be made");
                nothing_found(check.r#type.as_ref())
            }
        };
        if last != status {
            last = status.clone();
            if found.send(Found::Check(Box::new(status))).is_err() {
                return;
            }
        }
        tokio::time::sleep(pace.interval).await;
    }
}

/// A check's status before anything is known.
pub(super) fn nothing_found(kind: Option<&CheckType>) -> CheckStatusInfo {
    let mut status = CheckStatusInfo { r#type: kind.cloned(), ..Default::default() };
    match kind {
        Some(CheckType::Command) => status.command = Some(CommandCheckStatus::default()),
        Some(CheckType::Http) => status.http = Some(HttpCheckStatus::default()),
        Some(CheckType::Tcp) => status.tcp = Some(TcpCheckStatus::default()),
        _ => {}
    }
    status
}

fn health_probe(check: &HealthCheck, place: &Place) -> Option<Probe> {
    let host = |protocol: Option<&Protocol>| match protocol {
        Some(Protocol::Ipv6) => IpAddr::V6(Ipv6Addr::LOCALHOST),
        _ => place.host(),
    };
    match check.r#type.as_ref()? {
        HealthCheckType::Command => check.command.clone().map(Probe::Command),
        HealthCheckType::Http => check.http.as_ref().map(|http| Probe::Http {
            scheme: http.scheme.clone().unwrap_or_else(|| "http".to_owned()),
            host: host(http.protocol.as_ref()),
            port: http.port,
            path: http.path.clone().unwrap_or_default(),
        }),
        HealthCheckType::Tcp => {
            check.tcp.as_ref().map(|tcp| Probe::Tcp { host: host(tcp.protocol.as_ref()), port: tcp.port })
        }
        _ => None,
    }
}

fn check_probe(check: &CheckInfo, place: &Place) -> Option<Probe> {
    match check.r#type.as_ref()? {
        CheckType::Command => check.command.clone().map(|command| Probe::Command(command.command)),
        CheckType::Http => check.http.as_ref().map(|http| Probe::Http {
            scheme: "http".to_owned(),
            host: place.host(),
            port: http.port,
            path: http.path.clone().unwrap_or_default(),
        }),
        CheckType::Tcp => check.tcp.as_ref().map(|tcp| Probe::Tcp { host: place.host(), port: tcp.port }),
        _ => None,
    }
}

fn is_healthy(status: &CheckStatusInfo) -> bool {
    let command = status.command.as_ref().map(|command| command.exit_code == Some(0));
    // A real agent doesn't look at the list of statuses in a health check either.
    let http = status.http.as_ref().map(|http| http.status_code.is_some_and(|code| (200..400).contains(&code)));
    let tcp = status.tcp.as_ref().map(|tcp| tcp.succeeded == Some(true));
    command.or(http).or(tcp).unwrap_or(false)
}

async fn look(probe: &Probe, place: &Place, timeout: Duration) -> Result<CheckStatusInfo, String> {
    // Zero means no limit.
    let timeout = if timeout.is_zero() { Duration::from_secs(86_400) } else { timeout };
    let late = |_| format!("timed out after {} s", timeout.as_secs_f64());
    match probe {
        Probe::Command(command) => {
            let exit_code = tokio::time::timeout(timeout, run_command(command, place)).await.map_err(late)??;
            let command = Some(CommandCheckStatus { exit_code: Some(exit_code), ..Default::default() });
            Ok(CheckStatusInfo { r#type: Some(CheckType::Command), command, ..Default::default() })
        }
        Probe::Http { scheme, host, port, path } => {
            let host = if host.is_ipv6() { format!("[{host}]") } else { host.to_string() };
            let url = format!("{scheme}://{host}:{port}{path}");
            let code = tokio::time::timeout(timeout, ask(&url)).await.map_err(late)??;
            let http = Some(HttpCheckStatus { status_code: Some(code), ..Default::default() });
            Ok(CheckStatusInfo { r#type: Some(CheckType::Http), http, ..Default::default() })
        }
        Probe::Tcp { host, port } => {
            let port = u16::try_from(*port).map_err(|_| "the port is out of range".to_owned())?;
            let connected = tokio::time::timeout(timeout, TcpStream::connect((*host, port))).await.map_err(late)?;
            let tcp = Some(TcpCheckStatus { succeeded: Some(connected.is_ok()), ..Default::default() });
            Ok(CheckStatusInfo { r#type: Some(CheckType::Tcp), tcp, ..Default::default() })
        }
    }
}

async fn ask(url: &str) -> Result<u32, String> {
    // Already installed is as good.
    let _ = rustls::crypto::ring::default_provider().install_default();
    // As a real agent asks: certificates are not what is checked here.
    let client = reqwest::Client::builder().danger_accept_invalid_certs(true).no_proxy().build();
    let answer = client.map_err(|error| error.to_string())?.get(url).send().await;
    Ok(answer.map_err(|error| error.to_string())?.status().as_u16().into())
}

async fn run_command(command: &CommandInfo, place: &Place) -> Result<i32, String> {
    let (program, arguments) = process::arguments(command)?;
    let own = command.environment.iter().flat_map(|environment| &environment.variables);
    let own = own.map(|variable| (variable.name.clone(), variable.value.clone().unwrap_or_default()));
    match place {
        Place::Container { container, .. } => {
            let own: Vec<_> = own.map(|(name, value)| format!("{name}={value}")).collect();
            container.execute(program, arguments, own).await
        }
        Place::Sandbox { folder, environment, user } => {
            let mut check = Command::new(program);
            if let Some(name) = arguments.first() {
                check.arg0(name);
            }
            check.args(arguments.iter().skip(1)).env_clear().envs(environment).envs(own).current_dir(folder);
            check.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
            check.process_group(0).kill_on_drop(true);
            if let Some(user) = user {
                check.uid(user.uid).gid(user.gid);
            }
            let status = check.status().await.map_err(|error| error.to_string())?;
            status.code().ok_or_else(|| process::told(status))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn command_check(value: &str) -> HealthCheck {
        HealthCheck {
            r#type: Some(HealthCheckType::Command),
            command: Some(CommandInfo { value: Some(value.to_owned()), ..Default::default() }),
            delay_seconds: Some(0.0),
            interval_seconds: Some(0.0),
            grace_period_seconds: Some(0.0),
            ..Default::default()
        }
    }

    fn sandbox(folder: &std::path::Path) -> Place {
        Place::Sandbox { folder: folder.to_owned(), environment: BTreeMap::new(), user: None }
    }

    #[tokio::test]
    async fn health_is_told_when_it_changes_and_a_kill_is_asked_for_at_the_limit() {
        let folder = tempfile::tempdir().unwrap();
        let (sender, mut found) = mpsc::unbounded_channel();
        // Passes once, then fails.
        let check = command_check("test ! -e seen && : > seen");
        let running = tokio::spawn(health(check, sandbox(folder.path()), sender));
        let mut told = Vec::new();
        while told.len() < 4 {
            match found.recv().await {
                Some(Found::Health { healthy, kill }) => told.push((healthy, kill)),
                other => panic!("{other:?}"),
            }
        }
        running.abort();
        assert_eq!(told, [(true, false), (false, false), (false, false), (false, true)]);
    }

    #[tokio::test]
    async fn a_tcp_check_tells_whether_somebody_listens() {
        let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        let port = u32::from(listener.local_addr().unwrap().port());
        let place = sandbox(std::path::Path::new("/"));
        let probe = Probe::Tcp { host: place.host(), port };
        let open = look(&probe, &place, Duration::from_secs(5)).await.unwrap();
        assert!(is_healthy(&open));
        drop(listener);
        let closed = look(&probe, &place, Duration::from_secs(5)).await.unwrap();
        assert_eq!(closed.tcp.unwrap().succeeded, Some(false));
    }
}
