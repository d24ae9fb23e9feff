//! Apache Mesos itself, started for one test from where `tests/apache-mesos/install` has put it.

use std::io::Write as _;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

/// A running master with agents; both end with this value.
#[derive(Debug)]
pub struct RealMesos {
    child: Child,
    port: u16,
    agents: u32,
    work: tempfile::TempDir,
    home: PathBuf,
    settings: Vec<(String, String)>,
    /// Whom it knows, if it doesn't answer everybody.
    who: Option<(String, String)>,
    /// The master that leads, if this one stands by.
    leader: Option<String>,
}

/// Where it is installed, or why a test has to go without.
pub fn installed() -> Result<PathBuf, String> {
    let named = std::env::var_os("MESOS_DIR").map(PathBuf::from);
    let home =
        named.unwrap_or_else(|| PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("target").join("apache-mesos-1.11.0"));
    if home.join("mesos-local").is_file() {
        Ok(home)
    } else {
        Err(format!(
            "no Apache Mesos in {}; tests/apache-mesos/install puts one there, MESOS_DIR names another",
            home.display()
        ))
    }
}

impl RealMesos {
    /// Starts a master and its agents, and waits until all of them are registered; `Err` says what is missing.
    pub async fn start(agents: u32) -> Result<Self, String> {
        Self::with(agents, &[]).await
    }

    /// The same with flags: `("MESOS_OFFER_TIMEOUT", "2secs")`.
    pub async fn with(agents: u32, settings: &[(&str, &str)]) -> Result<Self, String> {
        Self::made(agents, settings, None).await
    }

    /// The same where only this principal, with this secret, gets answers.
    pub async fn guarded(agents: u32, settings: &[(&str, &str)], who: (&str, &str)) -> Result<Self, String> {
        Self::made(agents, settings, Some((who.0.to_owned(), who.1.to_owned()))).await
    }

    async fn made(agents: u32, settings: &[(&str, &str)], who: Option<(String, String)>) -> Result<Self, String> {
        let home = installed()?;
        let work = tempfile::tempdir().unwrap();
        let mut settings: Vec<_> = settings.iter().map(|(name, value)| (name.to_string(), value.to_string())).collect();
        if !settings.iter().any(|(name, _)| name == "MESOS_ALLOCATION_INTERVAL") {
            settings.push(("MESOS_ALLOCATION_INTERVAL".to_owned(), "200ms".to_owned()));
        }
        let port = super::free_port();
        let child = spawn(&home, port, agents, &work, &settings);
        let mesos = Self { child, port, agents, work, home, settings, who, leader: None };
        mesos.ready().await;
        Ok(mesos)
    }

    /// An agent in a process of its own, registered with this master; and beside it a master that stands by, and
    /// redirects to this one.
    pub async fn agent(&self) -> Result<Self, String> {
        let (home, leader) = (self.home.clone(), self.address());
        let program = std::fs::read(home.join("mesos-local")).unwrap();
        if memchr::memmem::find(&program, b"LOCAL_LEADER").is_none() {
            let home = home.display();
            return Err(format!(
                "{home} can't start an agent by itself; tests/apache-mesos/install makes one that can"
            ));
        }
        let (work, port) = (tempfile::tempdir().unwrap(), super::free_port());
        let settings = vec![("LOCAL_LEADER".to_owned(), leader.clone())];
        let child = spawn(&home, port, 1, &work, &settings);
        let agent = Self { child, port, agents: 1, work, home, settings, who: None, leader: Some(leader) };
        agent.registered(true).await;
        Ok(agent)
    }

    /// Waits until the leader has this agent as registered, or has given it up.
    pub async fn registered(&self, wanted: bool) {
        super::until(Duration::from_secs(60), "the leader knows how the agent is", async || {
            let is_active = self.listed().await?.is_some_and(|agent| agent["active"] == true);
            (is_active == wanted).then_some(())
        })
        .await;
    }

    /// The id that the leader has given this agent.
    pub async fn agent_id(&self) -> String {
        let listed = self.listed().await.flatten().unwrap();
        listed["id"].as_str().unwrap().to_owned()
    }

    /// What the leader knows of this agent, if the leader answers.
    async fn listed(&self) -> Option<Option<serde_json::Value>> {
        let url = format!("http://{}/slaves", self.leader.as_deref().unwrap());
        let body = plain_client().get(url).send().await.ok()?.bytes().await.ok()?;
        let all: serde_json::Value = serde_json::from_slice(&body).ok()?;
        let pid = format!("slave(1)@{}", self.address());
        Some(all["slaves"].as_array()?.iter().find(|one| one["pid"] == *pid).cloned())
    }

    /// `127.0.0.1:PORT`.
    pub fn address(&self) -> String {
        format!("127.0.0.1:{}", self.port)
    }

    /// Ends it at once, as a crash would.
    pub fn kill(&mut self) {
        // The executors are its children: they would outlive it for a while, and so would what they run.
        let executors = descendants(self.child.id());
        let _ = self.child.kill();
        let _ = self.child.wait();
        for pid in executors {
            let _ = Command::new("kill").args(["-KILL", &pid.to_string()]).stderr(Stdio::null()).status();
        }
    }

    /// Stops it where it is: it keeps its connections and answers nothing.
    pub fn pause(&self) {
        self.signal("-STOP");
    }

    /// Lets it go on after [`Self::pause`].
    pub fn resume(&self) {
        self.signal("-CONT");
    }

    fn signal(&self, signal: &str) {
        let sent = Command::new("kill").args([signal, &self.child.id().to_string()]).status().unwrap();
        assert!(sent.success());
    }

    /// Starts it again after [`Self::kill`], at the same address.
    pub async fn start_again(&mut self) {
        self.child = spawn(&self.home, self.port, self.agents, &self.work, &self.settings);
        match self.leader {
            Some(_) => self.registered(true).await,
            None => self.ready().await,
        }
    }

    async fn ready(&self) {
        let url = format!("http://{}/state", self.address());
        let client = plain_client();
        super::until(Duration::from_secs(60), "the master answers and knows its agents", async || {
            let request = client.get(&url);
            let request = match &self.who {
                Some((principal, secret)) => request.basic_auth(principal, Some(secret)),
                None => request,
            };
            let state: serde_json::Value =
                serde_json::from_slice(&request.send().await.ok()?.bytes().await.ok()?).ok()?;
            (state["activated_slaves"].as_f64()? as u32 >= self.agents).then_some(())
        })
        .await;
    }
}

impl Drop for RealMesos {
    fn drop(&mut self) {
        self.kill();
        if std::thread::panicking() {
            let log = std::fs::read_to_string(self.work.path().join("log")).unwrap_or_default();
            let tail: Vec<_> = log.lines().rev().take(40).collect();
            for line in tail.iter().rev() {
                let _ = writeln!(std::io::stderr().lock(), "mesos: {line}");
            }
        }
    }
}

/// An HTTP client with nothing of this crate's own in it.
pub fn plain_client() -> reqwest::Client {
    let _ = rustls::crypto::ring::default_provider().install_default();
    reqwest::Client::builder().tls_certs_only([]).timeout(Duration::from_secs(5)).build().unwrap()
}

fn spawn(
    home: &std::path::Path,
    port: u16,
    agents: u32,
    work: &tempfile::TempDir,
    settings: &[(String, String)],
) -> Child {
    let log = std::fs::File::create(work.path().join("log")).unwrap();
    Command::new(home.join("run"))
        .args([port.to_string(), agents.to_string()])
        .env("MESOS_WORK_DIR", work.path().join("work"))
        .envs(settings.iter().map(|(name, value)| (name, value)))
        .stdin(Stdio::null())
        .stdout(log.try_clone().unwrap())
        .stderr(log)
        .spawn()
        .unwrap()
}

/// The processes that a process has started, and those have.
fn descendants(of: u32) -> Vec<u32> {
    let mut parents = Vec::new();
    for entry in std::fs::read_dir("/proc").unwrap().flatten() {
        let Some(pid) = entry.file_name().to_str().and_then(|name| name.parse::<u32>().ok()) else { continue };
        // "pid (name) state parent ...": the name may hold anything, the last bracket ends it.
        let Ok(stat) = std::fs::read_to_string(entry.path().join("stat")) else { continue };
        let parent = stat.rsplit(')').next().and_then(|rest| rest.split_whitespace().nth(1)?.parse::<u32>().ok());
        parents.extend(parent.map(|parent| (pid, parent)));
    }
    let mut found = vec![of];
    let mut at = 0;
    while let Some(&parent) = found.get(at) {
        found.extend(parents.iter().filter(|(_, of)| *of == parent).map(|(pid, _)| *pid));
        at += 1;
    }
    found.split_off(1)
}
