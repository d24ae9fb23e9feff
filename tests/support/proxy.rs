//! A bad network: a proxy on loopback between a session and a master that cuts, resets, stalls, slices, delays and
//! garbles what passes, told apart by what a connection is for.
//!
//! It looks at a connection's first request to learn whether it is a subscription, and at nothing else.

use std::net::SocketAddr;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::tcp::{OwnedReadHalf, OwnedWriteHalf};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;

/// What a connection carries.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Of {
    /// A subscription and its stream.
    Stream,
    /// Calls and their answers.
    Calls,
}

/// Which way.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Way {
    /// From the master.
    Down,
    /// To the master.
    Up,
}

/// What happens to the bytes of one way of a connection. Places count from the connection's first byte.
#[derive(Clone, Copy, Debug)]
pub enum Toxic {
    /// In pieces of so many bytes, with a pause after each.
    Slice(usize, Duration),
    /// Each piece comes later by so much, and by up to so much more.
    Latency(Duration, Duration),
    /// At most so many bytes a second.
    Bandwidth(u32),
    /// What comes within that time comes together.
    Gather(Duration),
    /// The connection is closed after so many bytes.
    Cut(usize),
    /// It is reset after so many bytes.
    Reset(usize),
    /// Nothing comes any more after so many bytes, and the connection stays open.
    Stall(usize),
    /// Its end is passed on later by so much.
    SlowClose(Duration),
    /// The byte at that place is another.
    Garble(usize, u8),
}

/// A toxic, and the connections that it is for: those of a kind, from one (counted from 0) to before another.
#[derive(Clone, Copy, Debug)]
pub struct Rule {
    pub of: Of,
    pub way: Way,
    pub from: usize,
    pub to: usize,
    pub toxic: Toxic,
}

#[derive(Debug, Default)]
struct Plan {
    rules: Vec<Rule>,
    streams: usize,
    calls: usize,
    /// So many next connections are closed at once.
    refuse: usize,
}

/// The proxy. Ends with the runtime.
#[derive(Clone, Debug)]
pub struct Proxy {
    pub address: SocketAddr,
    plan: Arc<Mutex<Plan>>,
    /// Counts up whenever all connections shall end.
    cut: watch::Sender<u64>,
}

impl Proxy {
    /// In front of `upstream`.
    pub async fn start(upstream: SocketAddr, rules: &[Rule]) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let proxy = Self {
            address: listener.local_addr().unwrap(),
            plan: Arc::new(Mutex::new(Plan { rules: rules.to_vec(), ..Plan::default() })),
            cut: watch::Sender::new(0),
        };
        let server = proxy.clone();
        tokio::spawn(async move {
            while let Ok((socket, _)) = listener.accept().await {
                let refused = {
                    let mut plan = server.plan.lock().unwrap();
                    plan.refuse = plan.refuse.saturating_sub(1);
                    plan.refuse > 0
                };
                if !refused {
                    tokio::spawn(server.clone().pass(socket, upstream));
                }
            }
        });
        proxy
    }

    /// The next so many connections are closed at once.
    pub fn refuse(&self, connections: usize) {
        self.plan.lock().unwrap().refuse = connections + 1;
    }

    /// Ends all connections that there are.
    pub fn cut_all(&self) {
        self.cut.send_modify(|times| *times += 1);
    }

    async fn pass(self, mut socket: TcpStream, upstream: SocketAddr) {
        let mut cut = self.cut.subscribe();
        let Some(first) = first_request(&mut socket).await else { return };
        let is_stream = first.windows(11).any(|part| part == b"\"SUBSCRIBE\"");
        let of = if is_stream { Of::Stream } else { Of::Calls };
        let rules = self.rules(of);
        let Ok(master) = TcpStream::connect(upstream).await else { return };
        if socket.set_nodelay(true).and(master.set_nodelay(true)).is_err() {
            return;
        }
        let toxics = |way| rules.iter().filter(|rule| rule.way == way).map(|rule| rule.toxic).collect::<Vec<_>>();
        if rules.iter().any(|rule| matches!(rule.toxic, Toxic::Reset(_))) {
            // Whatever ends it then ends it so.
            let _ = socket.set_zero_linger();
        }
        let (from_session, to_session) = socket.into_split();
        let (from_master, to_master) = master.into_split();
        let up = pump(first, from_session, to_master, toxics(Way::Up));
        let down = pump(Vec::new(), from_master, to_session, toxics(Way::Down));
        tokio::pin!(up, down);
        // A stalled way stays open as long as the other; any end ends both, as most peers do it.
        tokio::select! {
            () = &mut up => {}
            () = &mut down => {}
            _ = cut.changed() => {}
        }
    }

    fn rules(&self, of: Of) -> Vec<Rule> {
        let mut plan = self.plan.lock().unwrap();
        let count = if of == Of::Stream { &mut plan.streams } else { &mut plan.calls };
        let number = *count;
        *count += 1;
        plan.rules.iter().filter(|rule| rule.of == of && (rule.from..rule.to).contains(&number)).copied().collect()
    }
}

/// Everything up to the end of the first request.
async fn first_request(socket: &mut TcpStream) -> Option<Vec<u8>> {
    let mut bytes = Vec::new();
    loop {
        if let Some(end) = bytes.windows(4).position(|four| four == b"\r\n\r\n") {
            let head = String::from_utf8_lossy(&bytes[..end]).to_ascii_lowercase();
            let length = head.lines().find_map(|line| line.strip_prefix("content-length:")?.trim().parse().ok());
            if bytes.len() >= end + 4 + length.unwrap_or(0) {
                return Some(bytes);
            }
        }
        if socket.read_buf(&mut bytes).await.ok()? == 0 {
            return None;
        }
    }
}

/// Passes one way on until it ends.
async fn pump(first: Vec<u8>, mut from: OwnedReadHalf, mut to: OwnedWriteHalf, toxics: Vec<Toxic>) {
    let mut passed = 0;
    let mut piece = first;
    loop {
        if piece.is_empty() {
            let slow = toxics.iter().find_map(|toxic| if let Toxic::SlowClose(by) = toxic { Some(*by) } else { None });
            if !matches!(from.read_buf(&mut piece).await, Ok(1..)) {
                tokio::time::sleep(slow.unwrap_or_default()).await;
                return;
            }
        }
        for toxic in &toxics {
            if let Toxic::Gather(within) = toxic {
                let more = async { while matches!(from.read_buf(&mut piece).await, Ok(1..)) {} };
                let _ = tokio::time::timeout(*within, more).await;
            }
        }
        let Some(end) = spread(&mut to, std::mem::take(&mut piece), &mut passed, &toxics).await else { continue };
        match end {
            End::Closed => return,
            End::Stalled => std::future::pending().await,
        }
    }
}

enum End {
    Closed,
    Stalled,
}

async fn spread(to: &mut OwnedWriteHalf, mut bytes: Vec<u8>, passed: &mut usize, toxics: &[Toxic]) -> Option<End> {
    let start = *passed;
    let mut end = None;
    let mut slice = (usize::MAX, Duration::ZERO);
    let mut wait = Duration::ZERO;
    for toxic in toxics {
        match *toxic {
            Toxic::Garble(at, byte) => {
                if let Some(place) = at.checked_sub(start).and_then(|at| bytes.get_mut(at)) {
                    *place = byte;
                }
            }
            Toxic::Cut(at) | Toxic::Reset(at) | Toxic::Stall(at) if at <= start + bytes.len() => {
                bytes.truncate(at.saturating_sub(start));
                end = Some(if matches!(toxic, Toxic::Stall(_)) { End::Stalled } else { End::Closed });
            }
            Toxic::Slice(size, pause) => slice = (size.max(1), pause),
            Toxic::Latency(by, jitter) => wait = by + jitter.mul_f64(fastrand::f64()),
            Toxic::Bandwidth(rate) => slice = (16, Duration::from_secs_f64(16.0 / f64::from(rate))),
            _ => {}
        }
    }
    *passed += bytes.len();
    if !wait.is_zero() {
        tokio::time::sleep(wait).await;
    }
    for part in bytes.chunks(slice.0.min(bytes.len().max(1))) {
        if to.write_all(part).await.is_err() {
            return Some(End::Closed);
        }
        if slice.1.is_zero() { tokio::task::yield_now().await } else { tokio::time::sleep(slice.1).await }
    }
    end
}
