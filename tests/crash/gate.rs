//! A proxy that counts what passes, and kills a process at a point of it.

use std::net::SocketAddr;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::tcp::{OwnedReadHalf, OwnedWriteHalf};
use tokio::net::{TcpListener, TcpStream};

/// When, with a view to the piece, the process dies.
#[derive(Clone, Copy, Debug)]
pub enum When {
    /// The piece never arrives.
    Before,
    /// Half of it arrives.
    Within,
    /// All of it has been handed on.
    Behind,
    /// So much later.
    Later(Duration),
}

#[derive(Debug, Default)]
struct Plan {
    process: Option<Pid>,
    passed: usize,
    trap: Option<(usize, When)>,
}

/// Between a program and a master.
#[derive(Clone, Debug)]
pub struct Gate {
    pub address: SocketAddr,
    plan: Arc<Mutex<Plan>>,
}

impl Gate {
    /// Ends with the runtime.
    pub async fn before(master: SocketAddr) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let gate = Self { address: listener.local_addr().unwrap(), plan: Arc::default() };
        let server = gate.clone();
        tokio::spawn(async move {
            while let Ok((socket, _)) = listener.accept().await {
                tokio::spawn(server.clone().pass(socket, master));
            }
        });
        gate
    }

    /// Kills nobody and counts.
    pub fn count(&self) {
        let mut plan = self.plan.lock().unwrap();
        (plan.passed, plan.trap) = (0, None);
    }

    /// How many pieces have passed.
    pub fn counted(&self) -> usize {
        self.plan.lock().unwrap().passed
    }

    /// From now on, the process that it aims at dies at that piece.
    pub fn trap(&self, piece: usize, when: When) {
        let mut plan = self.plan.lock().unwrap();
        (plan.passed, plan.trap) = (0, Some((piece, when)));
    }

    /// Whom it kills.
    pub fn aims_at(&self, process: u32) {
        self.plan.lock().unwrap().process = Some(Pid::from_raw(process.try_into().unwrap()));
    }

    /// Nobody is aimed at any more: the number may be another's soon.
    pub fn is_over(&self) {
        self.plan.lock().unwrap().process = None;
    }

    /// Kills it now, if it is there.
    pub fn shoot(&self) {
        if let Some(process) = self.plan.lock().unwrap().process {
            // It may have died by itself, which its end shows.
            let _ = kill(process, Signal::SIGKILL);
        }
    }

    async fn pass(self, socket: TcpStream, master: SocketAddr) {
        let Ok(master) = TcpStream::connect(master).await else { return };
        if socket.set_nodelay(true).and(master.set_nodelay(true)).is_err() {
            return;
        }
        let (from_program, to_program) = socket.into_split();
        let (from_master, to_master) = master.into_split();
        tokio::select! {
            () = self.pump(from_program, to_master) => {}
            () = self.pump(from_master, to_program) => {}
        }
    }

    async fn pump(&self, mut from: OwnedReadHalf, mut to: OwnedWriteHalf) {
        let mut piece = vec![0; 64 * 1024];
        while let Ok(length @ 1..) = from.read(&mut piece).await {
            let piece = &piece[..length];
            let passed = match self.next() {
                None => to.write_all(piece).await,
                Some(When::Before) => return self.shoot(),
                Some(When::Within) => {
                    let passed = to.write_all(&piece[..length / 2]).await;
                    self.shoot();
                    let _ = passed;
                    return;
                }
                Some(When::Behind) => {
                    let passed = to.write_all(piece).await;
                    self.shoot();
                    passed
                }
                Some(When::Later(by)) => {
                    let passed = to.write_all(piece).await;
                    let gate = self.clone();
                    tokio::spawn(async move {
                        tokio::time::sleep(by).await;
                        gate.shoot();
                    });
                    passed
                }
            };
            if passed.is_err() {
                return;
            }
        }
    }

    /// Whether this piece is the one.
    fn next(&self) -> Option<When> {
        let mut plan = self.plan.lock().unwrap();
        let at = plan.passed;
        plan.passed += 1;
        let (piece, when) = plan.trap?;
        (piece == at).then_some(when)
    }
}
