//! The ZeroMQ wire protocol (ZMTP 3.0, NULL mechanism), as much of it as a kernel's five sockets need.
//!
//! Written here since what comes before the signature is checked comes from anybody on the machine: a frame is never
//! larger than [`Limits`] say, whatever its header claims, and a subscriber that stops reading holds nobody up.
//! Knows no Jupyter message.

use std::collections::HashMap;
use std::io;
use std::path::PathBuf;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use bytes::{BufMut, Bytes, BytesMut};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt, BufReader};
use tokio::net::{TcpListener, UnixListener};
use tokio::sync::mpsc;
use tokio::time::timeout;
use tokio_util::sync::CancellationToken;
use tracing::{debug, warn};

/// What a peer may send and leave unread.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    /// Bytes of one message, all frames together.
    pub message: usize,
    /// Frames of one message.
    pub frames: usize,
    /// Bytes that wait for a peer that doesn't read; what comes beyond is lost to it.
    pub unread: usize,
    /// Connections at a time.
    pub peers: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self { message: 128 << 20, frames: 1024, unread: 256 << 20, peers: 256 }
    }
}

const HANDSHAKE: Duration = Duration::from_secs(10);
const MORE: u8 = 1;
const LONG: u8 = 2;
const COMMAND: u8 = 4;

/// Where a socket listens.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Endpoint {
    /// `HOST:PORT`.
    Tcp(String),
    /// A Unix socket's path.
    Ipc(PathBuf),
}

type Reader = BufReader<Box<dyn AsyncRead + Send + Unpin>>;
type Writer = Box<dyn AsyncWrite + Send + Unpin>;

enum Listener {
    Tcp(TcpListener),
    Ipc(UnixListener),
}

impl Listener {
    async fn bind(endpoint: &Endpoint) -> io::Result<Self> {
        Ok(match endpoint {
            Endpoint::Tcp(address) => Self::Tcp(TcpListener::bind(address).await?),
            Endpoint::Ipc(path) => {
                // A socket file of a kernel that is gone (restart) is in the way.
                if std::os::unix::net::UnixStream::connect(path).is_err() {
                    let _ = std::fs::remove_file(path);
                }
                Self::Ipc(UnixListener::bind(path)?)
            }
        })
    }

    async fn accept(&self) -> io::Result<(Reader, Writer)> {
        let (reader, writer): (Box<dyn AsyncRead + Send + Unpin>, Writer) = match self {
            Self::Tcp(listener) => {
                let (stream, _) = listener.accept().await?;
                stream.set_nodelay(true)?;
                let (reader, writer) = stream.into_split();
                (Box::new(reader), Box::new(writer))
            }
            Self::Ipc(listener) => {
                let (reader, writer) = listener.accept().await?.0.into_split();
                (Box::new(reader), Box::new(writer))
            }
        };
        Ok((BufReader::with_capacity(16 << 10, reader), writer))
    }
}

/// A frame as it came.
struct Frame {
    flags: u8,
    body: Bytes,
}

/// Reads one frame of at most `limit` bytes. Memory grows with what arrives, never with what the header claims.
async fn read_frame(reader: &mut Reader, limit: usize) -> io::Result<Frame> {
    let flags = reader.read_u8().await?;
    if flags & !(MORE | LONG | COMMAND) != 0 {
        return Err(invalid("unknown frame flags"));
    }
    let length = if flags & LONG == 0 { u64::from(reader.read_u8().await?) } else { reader.read_u64().await? };
    if usize::try_from(length).map_or(true, |length| length > limit) {
        return Err(invalid("frame larger than allowed"));
    }
    let mut body = Vec::with_capacity(length.min(16 << 10) as usize);
    let read = (&mut *reader).take(length).read_to_end(&mut body).await?;
    if read as u64 != length {
        return Err(io::ErrorKind::UnexpectedEof.into());
    }
    Ok(Frame { flags, body: body.into() })
}

fn invalid(what: &str) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, what.to_owned())
}

fn put_frame(buffer: &mut BytesMut, flags: u8, body: &[u8]) {
    match u8::try_from(body.len()) {
        Ok(length) => buffer.put_slice(&[flags, length]),
        Err(_) => {
            buffer.put_u8(flags | LONG);
            buffer.put_u64(body.len() as u64);
        }
    }
    buffer.put_slice(body);
}

/// A multipart message as it goes over the wire.
pub fn encode<'a>(frames: impl ExactSizeIterator<Item = &'a [u8]> + Clone) -> Bytes {
    let mut buffer = BytesMut::with_capacity(frames.clone().map(|frame| frame.len() + 9).sum());
    let last = frames.len().saturating_sub(1);
    for (at, frame) in frames.enumerate() {
        put_frame(&mut buffer, if at < last { MORE } else { 0 }, frame);
    }
    buffer.freeze()
}

fn greeting() -> [u8; 64] {
    let mut bytes = [0; 64];
    bytes[0] = 0xff;
    bytes[9] = 0x7f;
    bytes[10] = 3;
    bytes[12..16].copy_from_slice(b"NULL");
    bytes
}

/// Greets the peer; its identity, if it has one.
async fn handshake(reader: &mut Reader, writer: &mut Writer, our_type: &str) -> io::Result<Bytes> {
    writer.write_all(&greeting()).await?;
    let mut theirs = [0; 64];
    reader.read_exact(&mut theirs).await?;
    if theirs[0] != 0xff || theirs[9] & 1 == 0 || theirs[10] < 3 || !theirs[12..32].starts_with(b"NULL\0") {
        return Err(invalid("no ZMTP 3 greeting with the NULL mechanism"));
    }
    let mut ready = BytesMut::new();
    ready.put_slice(b"\x05READY\x0bSocket-Type");
    ready.put_u32(our_type.len() as u32);
    ready.put_slice(our_type.as_bytes());
    let mut buffer = BytesMut::new();
    put_frame(&mut buffer, COMMAND, &ready);
    writer.write_all(&buffer).await?;
    writer.flush().await?;
    let frame = read_frame(reader, 4096).await?;
    let Some(properties) = frame.body.strip_prefix(b"\x05READY").filter(|_| frame.flags & COMMAND != 0) else {
        return Err(invalid("no READY"));
    };
    Ok(property(properties, b"identity").unwrap_or_default())
}

/// A property of a READY command; names are compared without case.
fn property(mut rest: &[u8], name: &[u8]) -> Option<Bytes> {
    while let Some((&length, after)) = rest.split_first() {
        let (key, after) = after.split_at_checked(length.into())?;
        let (size, after) = after.split_first_chunk::<4>()?;
        let (value, after) = after.split_at_checked(u32::from_be_bytes(*size) as usize)?;
        if key.eq_ignore_ascii_case(name) {
            return Some(Bytes::copy_from_slice(value));
        }
        rest = after;
    }
    None
}

/// Reads a whole message; commands between messages are answered or ignored.
async fn read_message(reader: &mut Reader, queue: &Queue, limits: &Limits) -> io::Result<Vec<Bytes>> {
    let mut frames = Vec::new();
    let mut left = limits.message;
    loop {
        let frame = read_frame(reader, left).await?;
        if frame.flags & COMMAND != 0 {
            // A 3.1 peer may ping even a 3.0 one: the answer carries its context back.
            if let Some(context) = frame.body.strip_prefix(b"\x04PING").and_then(|rest| rest.get(2..)) {
                let mut buffer = BytesMut::new();
                put_frame(&mut buffer, COMMAND, &[b"\x04PONG", context].concat());
                queue.push(buffer.freeze());
            }
            continue;
        }
        left -= frame.body.len();
        frames.push(frame.body);
        if frame.flags & MORE == 0 {
            return Ok(frames);
        }
        if frames.len() >= limits.frames {
            return Err(invalid("more frames than allowed"));
        }
    }
}

/// What waits to be written to one peer.
#[derive(Clone, Debug)]
struct Queue {
    sender: mpsc::UnboundedSender<Bytes>,
    unread: Arc<AtomicUsize>,
    limit: usize,
}

impl Queue {
    /// A queue, and the task that empties it until the peer is gone.
    fn start(mut writer: Writer, limit: usize, gone: CancellationToken) -> Self {
        let (sender, mut receiver) = mpsc::unbounded_channel::<Bytes>();
        let unread = Arc::new(AtomicUsize::new(0));
        let queue = Self { sender, unread: Arc::clone(&unread), limit };
        tokio::spawn(async move {
            while let Some(Some(bytes)) = gone.run_until_cancelled(receiver.recv()).await {
                unread.fetch_sub(bytes.len(), Ordering::Relaxed);
                let written = gone.run_until_cancelled(writer.write_all(&bytes)).await;
                if !matches!(written, Some(Ok(()))) {
                    break;
                }
            }
            gone.cancel();
        });
        queue
    }

    /// Whether there was room.
    fn push(&self, bytes: Bytes) -> bool {
        let length = bytes.len();
        if self.unread.fetch_add(length, Ordering::Relaxed) > self.limit {
            self.unread.fetch_sub(length, Ordering::Relaxed);
            return false;
        }
        self.sender.send(bytes).is_ok()
    }
}

/// A peer of a ROUTER socket: its routing identity.
pub type Peer = Bytes;

/// Sends to a router's peers.
#[derive(Clone, Debug, Default)]
pub struct RouterSender {
    peers: Arc<Mutex<HashMap<Peer, (u64, Queue)>>>,
}

impl RouterSender {
    /// Sends to one peer; a peer that is gone, or reads nothing, loses it.
    pub fn send<'a>(&self, peer: &Peer, frames: impl ExactSizeIterator<Item = &'a [u8]> + Clone) {
        let peers = self.peers.lock().unwrap_or_else(PoisonError::into_inner);
        match peers.get(peer) {
            Some((_, queue)) if queue.push(encode(frames)) => {}
            Some(_) => warn!("a client reads nothing: a reply to it is lost"),
            None => debug!("a client is gone: a reply to it is lost"),
        }
    }
}

/// A ROUTER socket: messages with the peer they came from. It ends with `stop`.
///
/// # Errors
/// When the endpoint can't be bound.
pub async fn router(
    endpoint: &Endpoint,
    limits: Limits,
    stop: CancellationToken,
) -> io::Result<(RouterSender, mpsc::Receiver<(Peer, Vec<Bytes>)>)> {
    let listener = Listener::bind(endpoint).await?;
    // Bounded: a client that floods us waits in its own socket.
    let (incoming, receiver) = mpsc::channel(64);
    let sender = RouterSender::default();
    let peers = sender.clone();
    tokio::spawn(accept_all(listener, limits, stop, move |reader, writer, number, gone| {
        serve_dealer(reader, writer, number, gone, limits, peers.clone(), incoming.clone())
    }));
    Ok((sender, receiver))
}

async fn accept_all<F, Served>(listener: Listener, limits: Limits, stop: CancellationToken, serve: F)
where
    F: Fn(Reader, Writer, u64, CancellationToken) -> Served,
    Served: Future<Output = io::Result<()>> + Send + 'static,
{
    let number = AtomicU64::new(0);
    let room = Arc::new(tokio::sync::Semaphore::new(limits.peers));
    while let Some(accepted) = stop.run_until_cancelled(listener.accept()).await {
        let Ok((reader, writer)) = accepted else {
            // Out of file descriptors, mostly: others may end meanwhile.
            tokio::time::sleep(Duration::from_millis(50)).await;
            continue;
        };
        let Ok(permit) = Arc::clone(&room).try_acquire_owned() else {
            warn!("too many connections: one is refused");
            continue;
        };
        let gone = stop.child_token();
        let served = serve(reader, writer, number.fetch_add(1, Ordering::Relaxed), gone.clone());
        tokio::spawn(async move {
            if let Some(Err(error)) = gone.run_until_cancelled(served).await
                && error.kind() != io::ErrorKind::UnexpectedEof
            {
                debug!("a connection ends: {error}");
            }
            gone.cancel();
            drop(permit);
        });
    }
}

async fn serve_dealer(
    mut reader: Reader,
    mut writer: Writer,
    number: u64,
    gone: CancellationToken,
    limits: Limits,
    sender: RouterSender,
    incoming: mpsc::Sender<(Peer, Vec<Bytes>)>,
) -> io::Result<()> {
    let identity = timeout(HANDSHAKE, handshake(&mut reader, &mut writer, "ROUTER")).await??;
    // As ZeroMQ does: a made-up identity begins with a zero, which a peer's own may not.
    let own = [&[0][..], &number.to_be_bytes()].concat();
    let peer = if identity.is_empty() || identity[0] == 0 { Bytes::from(own) } else { identity };
    let queue = Queue::start(writer, limits.unread, gone.clone());
    let entry = Entry { peers: Arc::clone(&sender.peers), peer: peer.clone(), number };
    entry.lock().insert(peer.clone(), (number, queue.clone()));
    loop {
        let message = read_message(&mut reader, &queue, &limits).await?;
        if incoming.send((peer.clone(), message)).await.is_err() {
            return Ok(());
        }
    }
}

/// A peer's place in the routing table, given up however its connection ends.
struct Entry {
    peers: Arc<Mutex<HashMap<Peer, (u64, Queue)>>>,
    peer: Peer,
    number: u64,
}

impl Entry {
    fn lock(&self) -> std::sync::MutexGuard<'_, HashMap<Peer, (u64, Queue)>> {
        self.peers.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Entry {
    fn drop(&mut self) {
        let mut peers = self.lock();
        // The peer may have come back under its identity meanwhile: that connection stays.
        if peers.get(&self.peer).is_some_and(|(number, _)| *number == self.number) {
            peers.remove(&self.peer);
        }
    }
}

#[derive(Debug)]
struct Subscriber {
    topics: Vec<Bytes>,
    /// Topics that it hasn't been welcomed for yet.
    wished: Vec<Bytes>,
    queue: Queue,
    lost: bool,
}

/// A publishing (XPUB) socket's sending end.
#[derive(Clone, Debug, Default)]
pub struct Publisher {
    subscribers: Arc<Mutex<HashMap<u64, Subscriber>>>,
}

/// A wish to hear something. It counts from the welcome on, so that nothing comes before that.
#[derive(Debug)]
pub struct Subscription {
    number: u64,
    /// What it wants to hear.
    pub topic: Bytes,
}

impl Publisher {
    fn lock(&self) -> std::sync::MutexGuard<'_, HashMap<u64, Subscriber>> {
        self.subscribers.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Sends to all whose subscription is a beginning of the first frame. Never waits: who doesn't read, loses.
    pub fn publish<'a>(&self, frames: impl ExactSizeIterator<Item = &'a [u8]> + Clone) {
        let topic = frames.clone().next().unwrap_or_default();
        let bytes = encode(frames);
        for subscriber in self.lock().values_mut() {
            if subscriber.topics.iter().any(|prefix| topic.starts_with(prefix)) {
                subscriber.push(bytes.clone());
            }
        }
    }

    /// Fulfils the wish, with a message for this subscriber only.
    pub fn welcome<'a>(&self, to: &Subscription, frames: impl ExactSizeIterator<Item = &'a [u8]> + Clone) {
        if let Some(subscriber) = self.lock().get_mut(&to.number)
            && let Some(at) = subscriber.wished.iter().position(|topic| *topic == to.topic)
        {
            let topic = subscriber.wished.remove(at);
            subscriber.topics.push(topic);
            subscriber.push(encode(frames));
        }
    }
}

impl Subscriber {
    fn push(&mut self, bytes: Bytes) {
        let lost = !self.queue.push(bytes);
        if lost && !self.lost {
            warn!("a subscriber reads nothing: output is lost to it from now on");
        }
        self.lost = lost;
    }
}

/// An XPUB socket: the sending end, and the subscriptions as they come. It ends with `stop`.
///
/// # Errors
/// When the endpoint can't be bound.
pub async fn publisher(
    endpoint: &Endpoint,
    limits: Limits,
    stop: CancellationToken,
) -> io::Result<(Publisher, mpsc::UnboundedReceiver<Subscription>)> {
    let listener = Listener::bind(endpoint).await?;
    let (subscriptions, receiver) = mpsc::unbounded_channel();
    let publisher = Publisher::default();
    let served = publisher.clone();
    tokio::spawn(accept_all(listener, limits, stop, move |reader, writer, number, gone| {
        serve_subscriber(reader, writer, number, gone, limits, served.clone(), subscriptions.clone())
    }));
    Ok((publisher, receiver))
}

async fn serve_subscriber(
    mut reader: Reader,
    mut writer: Writer,
    number: u64,
    gone: CancellationToken,
    limits: Limits,
    publisher: Publisher,
    subscriptions: mpsc::UnboundedSender<Subscription>,
) -> io::Result<()> {
    timeout(HANDSHAKE, handshake(&mut reader, &mut writer, "XPUB")).await??;
    let queue = Queue::start(writer, limits.unread, gone);
    publisher
        .lock()
        .insert(number, Subscriber { topics: Vec::new(), wished: Vec::new(), queue: queue.clone(), lost: false });
    let _leave = Leave { publisher: publisher.clone(), number };
    let small = Limits { message: 4096, frames: 1, ..limits };
    loop {
        let message = read_message(&mut reader, &queue, &small).await?;
        let Some((&kind, topic)) = message.first().and_then(|frame| frame.split_first()) else { continue };
        let topic = Bytes::copy_from_slice(topic);
        let mut subscribers = publisher.lock();
        let Some(subscriber) = subscribers.get_mut(&number) else { return Ok(()) };
        match kind {
            1 if subscriber.topics.len() + subscriber.wished.len() < 1024 => {
                subscriber.wished.push(topic.clone());
                // The receiver lives as long as the server does.
                let _ = subscriptions.send(Subscription { number, topic });
            }
            0 => {
                let Subscriber { topics, wished, .. } = subscriber;
                let of = |known: &[Bytes]| known.iter().position(|known| *known == topic);
                if let Some(at) = of(topics) {
                    topics.remove(at);
                } else if let Some(at) = of(wished) {
                    wished.remove(at);
                }
            }
            _ => {}
        }
    }
}

struct Leave {
    publisher: Publisher,
    number: u64,
}

impl Drop for Leave {
    fn drop(&mut self) {
        self.publisher.lock().remove(&self.number);
    }
}
