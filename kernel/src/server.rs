//! The five channels: binds them, opens what comes, and hands it to whoever answers. Ends with shutdown or its parent.

use std::collections::HashMap;
use std::io;
use std::sync::atomic::Ordering;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use bytes::Bytes;
use jupyter_protocol::connection_info::ConnectionInfo;
use serde_json::{Value, json};
use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;
use tracing::{debug, warn};

use crate::connection::endpoint;
use crate::execute::{self, Queue, reply};
use crate::iopub::Iopub;
use crate::kernel::{Kernel, Settings, info, refusal};
use crate::stdin::Stdin;
use crate::wire::{Parent, Request, Seen, Sender, Signer};
use crate::zmtp::{self, Limits, Peer, RouterSender};

/// Runs a kernel until it is shut down.
///
/// # Errors
/// When a channel can't be bound.
pub async fn run(connection: &ConnectionInfo, settings: Settings) -> io::Result<()> {
    let stop = CancellationToken::new();
    let limits = Limits::default();
    let bind = async |port| zmtp::router(&endpoint(connection, port), limits, stop.clone()).await;
    let iopub = endpoint(connection, connection.iopub_port);
    let (publisher, subscriptions) = zmtp::publisher(&iopub, limits, stop.clone()).await?;
    let (shell, shell_in) = bind(connection.shell_port).await?;
    let (control, control_in) = bind(connection.control_port).await?;
    let (questions, answers_in) = bind(connection.stdin_port).await?;
    let (heart, beats) = bind(connection.hb_port).await?;

    let sender = Arc::new(Sender::new(Signer::new(&connection.key)));
    let iopub = Iopub::start(publisher, subscriptions, Arc::clone(&sender));
    let stdin = Arc::new(Stdin::new(questions, Arc::clone(&sender)));
    tokio::spawn(Arc::clone(&stdin).listen(open_all("stdin", answers_in, Arc::clone(&sender))));
    tokio::spawn(echo(heart, beats));
    let kernel = Arc::new(Kernel::new(settings, iopub, Arc::clone(&sender), stdin, stop.clone()));
    kernel.iopub.status("starting", &Parent::none());

    let shells = Arc::new(Shells::new(Arc::clone(&kernel), shell.clone()));
    let shell_in = open_all("shell", shell_in, Arc::clone(&sender));
    let control_in = open_all("control", control_in, sender);
    tokio::spawn(serve_shell(Arc::clone(&kernel), shell, shell_in, Arc::clone(&shells)));
    tokio::spawn(serve_control(Arc::clone(&kernel), control, control_in, shells));
    // Both take a moment, and nobody should wait for them who only wants to know who we are.
    let warm = Arc::clone(&kernel);
    tokio::spawn(async move {
        if warm.engine().await.is_ok() {
            warm.rust.warm_up(&warm).await;
            warm.offer_to_terminals().await;
        }
    });
    let late = Arc::clone(&kernel);
    tokio::spawn(async move { late.keep_outputs().await });
    let keeping = Arc::clone(&kernel);
    tokio::spawn(async move { keeping.keep().await });
    tokio::select! {
        () = kernel.end.cancelled() => {}
        () = signals(&kernel) => {}
        () = parent_gone() => {
            warn!("the process that started this kernel is gone: so is the kernel");
        }
    }
    finish(kernel, stop).await;
    Ok(())
}

async fn finish(kernel: Arc<Kernel>, stop: CancellationToken) {
    kernel.interrupt();
    kernel.iopub.flush().await;
    // What was said last shall leave before the sockets close.
    tokio::time::sleep(Duration::from_millis(50)).await;
    stop.cancel();
    let mut kernel = kernel;
    // Cells that were interrupted let go of it in a moment.
    for _ in 0..100 {
        match Arc::try_unwrap(kernel) {
            Ok(kernel) => return kernel.close().await,
            Err(shared) => kernel = shared,
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    warn!("something still runs at the end");
}

/// Opens the messages of a channel; what can't be opened is dropped and told of in the log.
fn open_all(
    channel: &'static str,
    mut frames: mpsc::Receiver<(Peer, Vec<Bytes>)>,
    sender: Arc<Sender>,
) -> mpsc::Receiver<Request> {
    let (opened, receiver) = mpsc::channel(64);
    tokio::spawn(async move {
        let mut seen = Seen::default();
        while let Some((peer, frames)) = frames.recv().await {
            match Request::open(peer, frames, sender.signer(), &mut seen) {
                Ok(request) => {
                    debug!("{channel}: {:?}", request.kind);
                    if opened.send(request).await.is_err() {
                        return;
                    }
                }
                Err(why) => warn!("{channel}: a message is dropped: {why}"),
            }
        }
    });
    receiver
}

/// The heartbeat: everything comes back as it was.
async fn echo(heart: RouterSender, mut beats: mpsc::Receiver<(Peer, Vec<Bytes>)>) {
    while let Some((peer, frames)) = beats.recv().await {
        heart.send(&peer, frames.iter().map(|frame| frame.as_ref()));
    }
}

/// The shell's queues of cells: the main one, and one for each subshell (JEP 91).
struct Shells {
    kernel: Arc<Kernel>,
    router: RouterSender,
    main: Queue,
    sub: Mutex<HashMap<String, Queue>>,
}

impl Shells {
    fn new(kernel: Arc<Kernel>, router: RouterSender) -> Self {
        let main = execute::start(Arc::clone(&kernel), router.clone());
        Self { kernel, router, main, sub: Mutex::default() }
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, HashMap<String, Queue>> {
        self.sub.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Queues a cell; the request comes back if its subshell doesn't exist.
    fn queue(&self, request: Request) -> Option<Request> {
        let sent = match &request.subshell {
            None => self.main.send(request),
            Some(id) => match self.lock().get(id) {
                Some(queue) => queue.send(request),
                None => return Some(request),
            },
        };
        sent.err().map(|unsent| unsent.0)
    }

    fn create(&self) -> String {
        let id = uuid::Uuid::new_v4().to_string();
        let queue = execute::start(Arc::clone(&self.kernel), self.router.clone());
        self.lock().insert(id.clone(), queue);
        id
    }
}

async fn serve_shell(
    kernel: Arc<Kernel>,
    router: RouterSender,
    mut requests: mpsc::Receiver<Request>,
    shells: Arc<Shells>,
) {
    let stop = kernel.stop.clone();
    while let Some(Some(request)) = stop.run_until_cancelled(requests.recv()).await {
        if request.kind == "execute_request" {
            if let Some(request) = shells.queue(request) {
                let why = "there is no such subshell";
                reply(&kernel, &router, &request, "execute_reply", refusal("UnknownSubshell", why));
            }
            continue;
        }
        // Answered beside the running cell: completion that waits for it would be of no use.
        let (kernel, router) = (Arc::clone(&kernel), router.clone());
        tokio::spawn(async move { serve_aside(&kernel, &router, &request).await });
    }
}

/// Answers a shell message that runs no cell.
async fn serve_aside(kernel: &Kernel, router: &RouterSender, request: &Request) {
    kernel.iopub.status("busy", &request.parent);
    match request.kind.as_str() {
        "comm_open" => {
            // Nobody here offers a target: the front end is told so by a close, as the protocol has it.
            let id = request.text("comm_id").unwrap_or_default();
            kernel.iopub.send("comm_close", &request.parent, json!({"comm_id": id, "data": {}}));
        }
        "comm_msg" | "comm_close" => {}
        kind => match kernel.answer(request).await {
            Some((kind, content)) => reply(kernel, router, request, kind, content),
            None => unknown(kernel, router, request, kind),
        },
    }
    kernel.iopub.status("idle", &request.parent);
}

fn unknown(kernel: &Kernel, router: &RouterSender, request: &Request, kind: &str) {
    // Anything may stand in it.
    warn!("an unknown message: {:?}", kind.chars().take(60).collect::<String>());
    if let Some(name) = kind.strip_suffix("_request") {
        let why = format!("this kernel knows no {kind}");
        reply(kernel, router, request, &format!("{name}_reply"), refusal("UnknownMessage", &why));
    }
}

async fn serve_control(
    kernel: Arc<Kernel>,
    router: RouterSender,
    mut requests: mpsc::Receiver<Request>,
    shells: Arc<Shells>,
) {
    let stop = kernel.stop.clone();
    while let Some(Some(request)) = stop.run_until_cancelled(requests.recv()).await {
        kernel.iopub.status("busy", &request.parent);
        let (kind, content) = match request.kind.as_str() {
            "kernel_info_request" => ("kernel_info_reply", info()),
            "interrupt_request" => {
                kernel.interrupt();
                ("interrupt_reply", json!({"status": "ok"}))
            }
            "shutdown_request" => {
                shutdown(&kernel, &router, &request);
                return;
            }
            "create_subshell_request" => {
                ("create_subshell_reply", json!({"status": "ok", "subshell_id": shells.create()}))
            }
            "delete_subshell_request" => ("delete_subshell_reply", delete(&shells, &request)),
            "list_subshell_request" => {
                let ids: Vec<String> = shells.lock().keys().cloned().collect();
                ("list_subshell_reply", json!({"status": "ok", "subshell_id": ids}))
            }
            kind => {
                unknown(&kernel, &router, &request, kind);
                kernel.iopub.status("idle", &request.parent);
                continue;
            }
        };
        reply(&kernel, &router, &request, kind, content);
        kernel.iopub.status("idle", &request.parent);
    }
}

fn delete(shells: &Shells, request: &Request) -> Value {
    let id = request.text("subshell_id").unwrap_or_default();
    match shells.lock().remove(id) {
        Some(_) => json!({"status": "ok"}),
        None => refusal("UnknownSubshell", "there is no such subshell"),
    }
}

/// Ends the kernel. What becomes of the framework is the settings' to say.
fn shutdown(kernel: &Kernel, router: &RouterSender, request: &Request) {
    let restart = request.flag("restart", false);
    kernel.restart.store(restart, Ordering::Relaxed);
    let content = json!({"status": "ok", "restart": restart});
    reply(kernel, router, request, "shutdown_reply", content.clone());
    kernel.iopub.send("shutdown_reply", &request.parent, content);
    kernel.iopub.status("idle", &request.parent);
    kernel.end.cancel();
}

/// SIGINT interrupts, SIGTERM ends.
async fn signals(kernel: &Kernel) {
    let (Ok(mut interrupts), Ok(mut ends)) = (signal(SignalKind::interrupt()), signal(SignalKind::terminate())) else {
        return std::future::pending().await;
    };
    loop {
        tokio::select! {
            _ = interrupts.recv() => kernel.interrupt(),
            _ = ends.recv() => return,
        }
    }
}

/// Returns when the process that started this one is gone. Only asked for where Jupyter says who that is.
async fn parent_gone() {
    use nix::sys::signal::kill;
    use nix::unistd::{Pid, getppid};
    let named = std::env::var("JPY_PARENT_PID").ok().and_then(|text| text.parse().ok());
    let Some(named) = named.filter(|number| *number > 1).map(Pid::from_raw) else {
        return std::future::pending().await;
    };
    let parent = getppid();
    // With a wrapper between us, Jupyter is no parent of ours; and it may have been gone before we looked.
    while getppid() == parent && kill(named, None) != Err(nix::errno::Errno::ESRCH) {
        tokio::time::sleep(Duration::from_millis(500)).await;
    }
}
