//! Apache ZooKeeper itself, started for one test: one server or an ensemble of three; and a network before it that can
//! be cut.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use zookeeper_client as zk;

/// Debian's.
const SCRIPT: &str = "/usr/share/zookeeper/bin/zkServer.sh";
/// Sessions end after so long without a sign of life: short, since tests wait for it.
pub const SESSION: Duration = Duration::from_secs(2);
/// So long where sessions shall outlive the election of another server.
const STEADY: Duration = Duration::from_secs(10);
const DEADLINE: Duration = Duration::from_secs(60);

/// Why a test has to go without, if it has to.
pub fn missing() -> Option<String> {
    (!Path::new(SCRIPT).is_file()).then(|| format!("no ZooKeeper: {SCRIPT} isn't there (apt install zookeeper)"))
}

/// Running servers; they end with this value.
#[derive(Debug)]
pub struct ZooKeeper {
    servers: Vec<Server>,
    _work: tempfile::TempDir,
}

#[derive(Debug)]
struct Server {
    config: PathBuf,
    log: PathBuf,
    port: u16,
    child: Option<Child>,
}

impl ZooKeeper {
    /// One server.
    pub async fn one() -> Self {
        Self::start(1).await
    }

    /// Three, of which two are a quorum.
    pub async fn three() -> Self {
        Self::start(3).await
    }

    async fn start(count: usize) -> Self {
        let work = tempfile::tempdir().unwrap();
        let ports: Vec<[u16; 3]> = (0..count).map(|_| std::array::from_fn(|_| super::free_port())).collect();
        let members: String = match count {
            1 => String::new(),
            _ => ports
                .iter()
                .enumerate()
                .map(|(id, [_, peer, election])| format!("server.{}=127.0.0.1:{peer}:{election}\n", id + 1))
                .collect(),
        };
        let servers = ports.iter().enumerate().map(|(id, [client, ..])| {
            let data = work.path().join(format!("data{id}"));
            std::fs::create_dir(&data).unwrap();
            std::fs::write(data.join("myid"), format!("{}\n", id + 1)).unwrap();
            let config = work.path().join(format!("{id}.cfg"));
            let text = format!(
                "tickTime=500\ninitLimit=20\nsyncLimit=10\nmaxClientCnxns=0\nadmin.enableServer=false\n\
                 4lw.commands.whitelist=*\nmaxSessionTimeout={}\ndataDir={}\nclientPort={client}\n\
                 clientPortAddress=127.0.0.1\n{members}",
                if count == 1 { SESSION } else { STEADY }.as_millis(),
                data.display()
            );
            std::fs::write(&config, text).unwrap();
            let log = work.path().join(format!("{id}.log"));
            Server { config, log, port: *client, child: None }
        });
        let mut ensemble = Self { servers: servers.collect(), _work: work };
        for server in 0..count {
            ensemble.spawn(server);
        }
        ensemble.ready().await;
        ensemble
    }

    fn spawn(&mut self, server: usize) {
        let server = &mut self.servers[server];
        let log = std::fs::OpenOptions::new().create(true).append(true).open(&server.log).unwrap();
        let child = Command::new(SCRIPT)
            .arg("start-foreground")
            .arg(&server.config)
            .env("JVMFLAGS", "-Xmx96m -XX:TieredStopAtLevel=1 -XX:+UseSerialGC")
            .stdin(Stdio::null())
            .stdout(log.try_clone().unwrap())
            .stderr(log)
            .spawn()
            .unwrap();
        server.child = Some(child);
    }

    /// Waits until it takes sessions.
    async fn ready(&self) {
        takes_sessions(&self.servers()).await;
    }

    /// Waits until this server is a member again.
    pub async fn serves(&self, server: usize) {
        takes_sessions(&format!("127.0.0.1:{}", self.servers[server].port)).await;
    }

    /// `127.0.0.1:PORT,...`
    pub fn servers(&self) -> String {
        let all: Vec<_> = self.servers.iter().map(|server| format!("127.0.0.1:{}", server.port)).collect();
        all.join(",")
    }

    /// The first server's address.
    pub fn address(&self) -> SocketAddr {
        SocketAddr::from(([127, 0, 0, 1], self.servers[0].port))
    }

    /// `zk://SERVERS/PATH`
    pub fn url(&self, path: &str) -> String {
        format!("zk://{}{path}", self.servers())
    }

    /// A session that reads and writes.
    pub async fn client(&self) -> zk::Client {
        connect(&self.servers()).await
    }

    /// Ends a server at once.
    pub fn kill(&mut self, server: usize) {
        if let Some(mut child) = self.servers[server].child.take() {
            let _ = child.kill();
            let _ = child.wait();
        }
    }

    /// Starts one again, with what it knew.
    pub fn start_again(&mut self, server: usize) {
        self.spawn(server);
    }
}

/// A session, as soon as there can be one.
pub async fn connect(servers: &str) -> zk::Client {
    // With several servers, one may go.
    let timeout = if servers.contains(',') { STEADY } else { SESSION };
    super::until(DEADLINE, "a session with ZooKeeper", async || {
        zk::Client::connector().with_session_timeout(timeout).connect(servers).await.ok()
    })
    .await
}

async fn takes_sessions(servers: &str) {
    super::until(DEADLINE, "ZooKeeper takes sessions", async || {
        let connector = zk::Client::connector().with_session_timeout(SESSION).with_fail_eagerly();
        connector.connect(servers).await.ok()
    })
    .await;
}

impl Drop for ZooKeeper {
    fn drop(&mut self) {
        for server in 0..self.servers.len() {
            self.kill(server);
        }
    }
}

/// Makes a path, whose nodes stay.
pub async fn mkdir(client: &zk::Client, path: &str) {
    client.mkdir(path, &zk::CreateMode::Persistent.with_acls(zk::Acls::anyone_all())).await.unwrap();
}

/// What stands for a master: a session, and a node as a master makes it.
pub struct Contender {
    client: zk::Client,
    network: Option<Network>,
    /// Its node.
    pub node: String,
}

impl Contender {
    /// Registers, as masters do since 0.24.
    pub async fn join(servers: &str, path: &str, info: &str) -> Self {
        Self::join_as(servers, path, "json.info_", info.as_bytes()).await
    }

    /// The same with any node.
    pub async fn join_as(servers: &str, path: &str, label: &str, data: &[u8]) -> Self {
        let client = connect(servers).await;
        mkdir(&client, path).await;
        let options = zk::CreateMode::EphemeralSequential.with_acls(zk::Acls::anyone_all());
        let (_, sequence) = client.create(&format!("{path}/{label}"), data, &options).await.unwrap();
        Self { client, network: None, node: format!("{path}/{label}{sequence}") }
    }

    /// Registers over a network of its own.
    pub async fn behind(zookeeper: &ZooKeeper, path: &str, info: &str) -> Self {
        let network = Network::before(zookeeper.address()).await;
        let joined = Self::join(&network.address.to_string(), path, info).await;
        Self { network: Some(network), ..joined }
    }

    /// Withdraws: the node goes at once.
    pub async fn withdraw(&self) {
        self.client.delete(&self.node, None).await.unwrap();
    }

    /// Is silent for too long: ZooKeeper ends its session, and its node goes. For one that is [`Contender::behind`].
    pub async fn expire(&self, zookeeper: &ZooKeeper) {
        self.network.as_ref().expect("a network that can be cut").shut_down();
        let other = zookeeper.client().await;
        super::until(DEADLINE, "the contender's session is over", async || {
            other.check_stat(&self.node).await.unwrap().is_none().then_some(())
        })
        .await;
    }
}

/// A network between a client and a server, which can be cut.
pub struct Network {
    /// Where clients connect.
    pub address: SocketAddr,
    up: watch::Sender<bool>,
    /// How many connections there were.
    pub connections: Arc<Mutex<usize>>,
}

impl Network {
    /// A network before that server.
    pub async fn before(server: SocketAddr) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let (up, state) = watch::channel(true);
        let connections = Arc::new(Mutex::new(0));
        let count = Arc::clone(&connections);
        tokio::spawn(async move {
            while let Ok((client, _)) = listener.accept().await {
                // A cut network takes a connection and loses it.
                if !*state.borrow() {
                    continue;
                }
                *count.lock().unwrap() += 1;
                tokio::spawn(pass(client, server, state.clone()));
            }
        });
        Self { address, up, connections }
    }

    /// Cuts every connection; none comes about any more.
    pub fn shut_down(&self) {
        self.up.send_replace(false);
    }

    /// Lets connections through again.
    pub fn start(&self) {
        self.up.send_replace(true);
    }
}

async fn pass(client: TcpStream, server: SocketAddr, mut state: watch::Receiver<bool>) {
    let Ok(server) = TcpStream::connect(server).await else { return };
    let (mut from_client, mut to_client) = client.into_split();
    let (mut from_server, mut to_server) = server.into_split();
    let there = async {
        let mut buffer = vec![0; 4096];
        while let Ok(read @ 1..) = from_client.read(&mut buffer).await {
            if to_server.write_all(&buffer[..read]).await.is_err() {
                break;
            }
        }
    };
    let back = async {
        let mut buffer = vec![0; 4096];
        while let Ok(read @ 1..) = from_server.read(&mut buffer).await {
            if to_client.write_all(&buffer[..read]).await.is_err() {
                break;
            }
        }
    };
    tokio::select! {
        () = there => {}
        () = back => {}
        _ = state.wait_for(|up| !up) => {}
    }
}
