//! Bytes to the Jupyter kernel: ZeroMQ's wire, and messages in their frames.

use std::sync::OnceLock;
use std::time::Duration;

use bytes::Bytes;
use mesos_kernel::wire::{Request, Seen, Signer};
use mesos_kernel::zmtp::{Endpoint, Limits, encode, router};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::UnixStream;

/// The targets of this file.
pub const TARGETS: [(&str, fn(&[u8])); 2] = [("frames", frames), ("zmtp", zmtp)];

/// Frames as they come off the wire, each with its length before it; the first byte says whether there is a key.
pub fn frames(data: &[u8]) {
    let Some((&keyed, mut rest)) = data.split_first() else { return };
    let mut frames = Vec::new();
    while let Some((&length, after)) = rest.split_first() {
        // A length of 255 stands for the delimiter, which chance doesn't find.
        let wanted = if length == 255 { 0 } else { usize::from(length) };
        let (frame, after) = after.split_at(wanted.min(after.len()));
        frames.push(Bytes::copy_from_slice(if length == 255 { b"<IDS|MSG>" } else { frame }));
        rest = after;
    }
    let signer = Signer::new(if keyed & 1 == 1 { "key" } else { "" });
    let mut seen = Seen::default();
    let opened = Request::open(Bytes::from_static(b"peer"), frames.clone(), &signer, &mut seen);
    assert!(keyed & 1 == 0 || opened.is_err(), "signed by chance");
    if let Ok(request) = opened {
        let _ = (request.text("code"), request.number("cursor_pos"), request.flag("silent", false));
        assert!(frames.len() >= 6);
    }
}

/// A connection's bytes after the greeting, to a socket that a kernel would listen on.
pub fn zmtp(data: &[u8]) {
    static RUNTIME: OnceLock<tokio::runtime::Runtime> = OnceLock::new();
    let runtime = RUNTIME.get_or_init(|| {
        tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().expect("a runtime")
    });
    runtime.block_on(async {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("s");
        let stop = tokio_util::sync::CancellationToken::new();
        let limits = Limits { message: 1 << 16, frames: 16, unread: 1 << 16, peers: 4 };
        let (_sender, mut messages) =
            router(&Endpoint::Ipc(path.clone()), limits, stop.clone()).await.expect("a socket");
        let mut socket = UnixStream::connect(&path).await.expect("a connection");
        let mut greeting = [0; 64];
        (greeting[0], greeting[9], greeting[10]) = (0xff, 0x7f, 3);
        greeting[12..16].copy_from_slice(b"NULL");
        let ready = b"\x04\x19\x05READY\x0bSocket-Type\x00\x00\x00\x06DEALER";
        let _ = socket.write_all(&[&greeting[..], &ready[..], data].concat()).await;
        let _ = socket.shutdown().await;
        // The other side's end is the sign that all of it has been read.
        let mut theirs = Vec::new();
        let read = socket.read_to_end(&mut theirs);
        assert!(tokio::time::timeout(Duration::from_secs(10), read).await.is_ok(), "it doesn't end");
        while let Ok((_, frames)) = messages.try_recv() {
            assert!(frames.len() <= limits.frames && frames.iter().map(Bytes::len).sum::<usize>() <= limits.message);
            let _ = encode(frames.iter().map(|frame| &frame[..]));
        }
        stop.cancel();
    });
}
