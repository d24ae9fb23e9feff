//! What must not harm the kernel: bytes from anybody on the machine, unsigned, cut short, too large, or repeated.

use std::time::Duration;

use bytes::Bytes;
use jupyter_zmq_client::ClientShellConnection;
use ring::hmac;
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use zeromq::{SocketSend as _, ZmqMessage};

use crate::client::{Kernel, LIMIT};

const DELIMITER: &[u8] = b"<IDS|MSG>";

fn sign(key: &str, parts: &[Vec<u8>]) -> Vec<u8> {
    let tag = hmac::sign(&hmac::Key::new(hmac::HMAC_SHA256, key.as_bytes()), &parts.concat());
    tag.as_ref().iter().map(|byte| format!("{byte:02x}")).collect::<String>().into_bytes()
}

fn header(kind: &str, more: &Value) -> Value {
    let mut header = json!({"msg_id": uuid::Uuid::new_v4().to_string(), "session": "s", "username": "u",
        "date": "2026-01-01T00:00:00Z", "msg_type": kind, "version": "5.4"});
    for (name, value) in more.as_object().into_iter().flatten() {
        header[name] = value.clone();
    }
    header
}

fn parts(header: &Value, content: &[u8]) -> Vec<Vec<u8>> {
    vec![header.to_string().into_bytes(), b"{}".to_vec(), b"{}".to_vec(), content.to_vec()]
}

fn framed(signature: Vec<u8>, parts: Vec<Vec<u8>>) -> Vec<Vec<u8>> {
    [vec![DELIMITER.to_vec(), signature], parts].concat()
}

fn message(frames: &[Vec<u8>]) -> ZmqMessage {
    ZmqMessage::try_from(frames.iter().map(|frame| Bytes::copy_from_slice(frame)).collect::<Vec<_>>()).unwrap()
}

async fn send(kernel: &mut Kernel, frames: &[Vec<u8>]) {
    kernel.shell.socket.send(message(frames)).await.unwrap();
}

/// Sends a signed message over another client's shell channel.
pub async fn send_on(shell: &mut ClientShellConnection, key: &str, kind: &str, content: &Value) {
    let parts = parts(&header(kind, &json!({})), content.to_string().as_bytes());
    let signature = sign(key, &parts);
    shell.socket.send(message(&framed(signature, parts))).await.unwrap();
}

/// Sends a signed message with more in its header than the typed crate knows.
pub async fn send_with(kernel: &mut Kernel, kind: &str, content: &Value, more: Value) {
    let parts = parts(&header(kind, &more), content.to_string().as_bytes());
    let signature = sign(&kernel.info.key, &parts);
    send(kernel, &framed(signature, parts)).await;
}

/// Messages that are wrong in one way each.
fn wrong(key: &str) -> Vec<(String, Vec<Vec<u8>>)> {
    let good = || parts(&header("kernel_info_request", &json!({})), b"{}");
    let signed = |parts: Vec<Vec<u8>>| framed(sign(key, &parts), parts);
    let mut cases: Vec<(String, Vec<Vec<u8>>)> = Vec::new();
    let mut add = |name: &str, frames: Vec<Vec<u8>>| cases.push((name.to_owned(), frames));
    add("nothing", vec![vec![]]);
    add("no delimiter", good());
    add("only a delimiter", vec![DELIMITER.to_vec()]);
    add("no signature", framed(vec![], good()));
    add("a wrong signature", framed(vec![b'0'; 64], good()));
    add("half a signature", framed(sign(key, &good())[..32].to_vec(), good()));
    add("a signature that is no hex", framed("ü".repeat(32).into_bytes(), good()));
    add("a signature of odd length", framed(vec![b'a'; 63], good()));
    add("a huge signature", framed(vec![b'a'; 1 << 20], good()));
    add("another key", framed(sign("other", &good()), good()));
    for missing in 0..4 {
        let cut: Vec<_> = good().into_iter().take(missing).collect();
        add(&format!("{missing} parts"), signed(cut));
    }
    for (at, part) in ["header", "parent", "metadata", "content"].iter().enumerate() {
        for (what, bytes) in [
            ("empty", &b""[..]),
            ("not JSON", b"nonsense"),
            ("not UTF-8", b"\xff\xfe{}"),
            ("cut", b"{\"a\":"),
            ("a list", b"[]"),
        ] {
            // A parent and metadata that aren't objects harm nobody and may pass.
            let mut parts = good();
            parts[at] = bytes.to_vec();
            if at == 0 || at == 3 {
                add(&format!("{part} {what}"), signed(parts));
            } else {
                add(&format!("{part} {what}, unsigned"), framed(vec![b'0'; 64], parts));
            }
        }
    }
    let info = |header: Value, content: &[u8]| signed(parts(&header, content));
    let usual = || header("kernel_info_request", &json!({}));
    add("deep JSON", info(usual(), &b"[".repeat(100_000)));
    add(
        "deep JSON in the header",
        signed(vec![b"{\"a\":".repeat(100_000), b"{}".to_vec(), b"{}".to_vec(), b"{}".to_vec()]),
    );
    add("no msg_type", info(json!({"msg_id": "1"}), b"{}"));
    for (what, kind) in [("a number", json!(7)), ("null", Value::Null), ("a list", json!([])), ("true", json!(true))] {
        add(&format!("a msg_type that is {what}"), info(json!({"msg_id": "1", "msg_type": kind}), b"{}"));
    }
    add("an empty msg_type", info(json!({"msg_type": ""}), b"{}"));
    add("a msg_type of control characters", info(json!({"msg_type": "\u{0}\u{1b}[2J\n"}), b"{}"));
    add("a msg_type of a megabyte", info(json!({"msg_type": "x".repeat(1 << 20)}), b"{}"));
    add("a msg_id of a megabyte", info(header("kernel_info_request", &json!({"msg_id": "x".repeat(1 << 20)})), b"{}"));
    add("a subshell that is no text", info(header("execute_request", &json!({"subshell_id": {"a": []}})), b"{}"));
    add("a number larger than any", info(usual(), b"{\"cursor_pos\": 1e999}"));
    add("NaN", info(usual(), b"{\"code\": NaN}"));
    add("half a pair", info(usual(), br#"{"code": "\ud800"}"#));
    add("a field twice", info(usual(), br#"{"code": "a", "code": 7}"#));
    add("JSON and more", info(usual(), b"{}{}"));
    add("ten megabytes of content", info(usual(), format!("{{\"code\": \"{}\"}}", "x".repeat(10 << 20)).as_bytes()));
    let mut heavy = info(usual(), b"{}");
    heavy.extend(vec![vec![0xff; 1 << 20]; 8]);
    add("eight buffers of a megabyte", heavy);
    add("a reply", info(header("execute_reply", &json!({})), br#"{"status": "ok"}"#));
    add("an answer that nobody asked for", info(header("input_reply", &json!({})), br#"{"value": "y"}"#));
    add("a shutdown without content", framed(vec![b'0'; 64], parts(&header("shutdown_request", &json!({})), b"{}")));
    add("two delimiters", [vec![DELIMITER.to_vec()], info(usual(), b"{}")].concat());
    add("only empty frames", vec![vec![]; 8]);
    add("1000 frames", vec![b"x".to_vec(); 1000]);
    add("identities without end", [vec![b"i".to_vec(); 900], vec![DELIMITER.to_vec()]].concat());
    cases
}

#[tokio::test(flavor = "multi_thread")]
async fn wrong_messages_are_dropped_and_the_kernel_lives_on() {
    let mut kernel = Kernel::start(&["--rust", "off"]).await;
    let cases = wrong(&kernel.info.key);
    assert!(cases.len() >= 60, "{}", cases.len());
    for (name, frames) in cases {
        for channel in ["shell", "control", "stdin"] {
            let sent = message(&frames);
            match channel {
                "shell" => kernel.shell.socket.send(sent).await.unwrap(),
                "control" => kernel.control.socket.send(sent).await.unwrap(),
                _ => kernel.stdin.socket.send(sent).await.unwrap(),
            }
            let alive = tokio::time::timeout(LIMIT, kernel.answers()).await;
            assert!(alive.is_ok(), "after: {name} on {channel}");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_message_counts_once() {
    let mut kernel = Kernel::start(&["--rust", "off"]).await;
    let content = json!({"code": "version"}).to_string();
    let parts = parts(&header("execute_request", &json!({})), content.as_bytes());
    let frames = framed(sign(&kernel.info.key, &parts), parts);
    for _ in 0..3 {
        send(&mut kernel, &frames).await;
    }
    kernel.reply().await;
    // The next reply is to what comes next: the repetitions got none.
    kernel.assert_alive().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn requests_that_lack_fields_are_answered() {
    let mut kernel = Kernel::start(&["--rust", "off"]).await;
    for kind in ["execute", "complete", "inspect", "is_complete", "history", "comm_info", "nonsense"] {
        for content in [
            json!({}),
            json!({"code": 7, "cursor_pos": -1, "n": "x", "silent": "yes"}),
            json!({"cursor_pos": 1u64 << 60}),
        ] {
            send_with(&mut kernel, &format!("{kind}_request"), &content, json!({})).await;
            // The typed crate may not know the reply; that one comes is enough.
            let read = tokio::time::timeout(LIMIT, kernel.shell.read()).await;
            assert!(read.is_ok(), "{kind} {content}");
        }
    }
    for kind in ["comm_open", "comm_msg", "comm_close"] {
        send_with(&mut kernel, kind, &json!({}), json!({})).await;
    }
    kernel.assert_alive().await;
}

/// The first bytes of a ZMTP peer.
fn greeting() -> Vec<u8> {
    let mut bytes = vec![0; 64];
    bytes[0] = 0xff;
    bytes[9] = 0x7f;
    bytes[10] = 3;
    bytes[12..16].copy_from_slice(b"NULL");
    bytes
}

#[tokio::test(flavor = "multi_thread")]
async fn bytes_that_are_no_zeromq_end_their_own_connection_only() {
    let mut kernel = Kernel::start(&["--rust", "off"]).await;
    let ready = b"\x04\x19\x05READY\x0bSocket-Type\x00\x00\x00\x06DEALER";
    let after = |bytes: &[u8]| [greeting(), ready.to_vec(), bytes.to_vec()].concat();
    let cases = [
        b"GET / HTTP/1.1\r\n\r\n".to_vec(),
        vec![0xff; 200],
        vec![0; 64],
        greeting(),
        [greeting(), vec![4, 0]].concat(),
        // A frame that claims to be 2^62 bytes long.
        after(&[2, 0x40, 0, 0, 0, 0, 0, 0, 0]),
        // One of a terabyte, and one of 127 MiB that never comes.
        after(&[2, 0, 0, 1, 0, 0, 0, 0, 0]),
        after(&[2, 0, 0, 0, 0, 7, 0xf0, 0, 0]),
        after(&[0xf8, 1, 1]),
        // Frames without end.
        after(&[1, 0].repeat(5000)),
        after(&[4, 0]),
        after(b"\x04\x07\x04PING\x00\x00"),
    ];
    for port in [kernel.info.shell_port, kernel.info.iopub_port, kernel.info.hb_port, kernel.info.stdin_port] {
        for bytes in &cases {
            let mut stream = TcpStream::connect(("127.0.0.1", port)).await.unwrap();
            // The kernel may hang up while we write.
            let _ = stream.write_all(bytes).await;
            let mut answer = [0; 64];
            let _ = tokio::time::timeout(Duration::from_millis(20), stream.read(&mut answer)).await;
        }
        kernel.assert_alive().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_subscriber_that_reads_nothing_holds_nobody_up() {
    let mut kernel = Kernel::start(&["--rust", "off"]).await;
    let mut stalled = TcpStream::connect(("127.0.0.1", kernel.info.iopub_port)).await.unwrap();
    let ready = b"\x04\x16\x05READY\x0bSocket-Type\x00\x00\x00\x03SUB";
    stalled.write_all(&[greeting(), ready.to_vec(), vec![0, 1, 1]].concat()).await.unwrap();
    for _ in 0..200 {
        let ran = kernel.run("help").await;
        assert!(!ran.text().is_empty());
    }
    drop(stalled);
}
