//! What a SUBSCRIBE can be answered with: at the first, and after a loss.

use mesos_repl::session::Closed;

use super::Table;
use super::rig::{Rig, Setup, so};
use super::statuses::STATUSES;
use crate::support::books::{Master, Opening, Reply};

/// What happens then.
#[derive(Clone, Copy)]
enum Then {
    /// It is tried again, and there is nothing else to it.
    Again,
    /// The session gives up and says why.
    Over,
}

fn prepare(answer: Result<Opening, Reply>) -> impl FnOnce(&Master) + Send {
    move |master| match answer {
        Ok(opening) => master.open(opening),
        Err(reply) => master.refuse(reply),
    }
}

/// The first attempt is answered so.
async fn first(answer: Result<Opening, Reply>, then: Then) {
    let setup =
        Setup { before: Box::new(prepare(answer)), patience: std::time::Duration::from_secs(3), ..Setup::default() };
    let rig = Rig::begin(setup).await;
    match then {
        Then::Again => {
            so("tried again", || rig.master.count("SUBSCRIBE") == 2).await;
            rig.goes_on(2..=2).await;
        }
        Then::Over => rig.closed(|why| matches!(why, Closed::Refused(_))).await,
    }
}

/// The first attempt after a loss is answered so.
async fn second(answer: Result<Opening, Reply>, then: Then) {
    let setup = Setup { patience: std::time::Duration::from_secs(3), ..Setup::default() };
    let rig = Rig::new(setup).await;
    let task = rig.launched("before").await;
    rig.settled().await;
    prepare(answer)(&rig.master);
    rig.master.cut();
    match then {
        Then::Again => {
            so("tried again", || rig.master.count("SUBSCRIBE") == 3).await;
            rig.master.moves(&task, "TASK_FAILED");
            rig.goes_on(3..=3).await;
        }
        Then::Over => rig.closed(|why| matches!(why, Closed::Refused(_))).await,
    }
}

/// A stream that is odd and yet good.
async fn good(opening: Opening) {
    let rig = Rig::new(Setup { before: Box::new(|master| master.open(opening)), ..Setup::default() }).await;
    rig.goes_on(1..=1).await;
}

/// What must be so of each status; `Mesos` is what a master itself says with it.
fn of_status(status: u16) -> Then {
    match status {
        307 | 408 | 429 | 500 | 502..=504 => Then::Again,
        _ => Then::Over,
    }
}

fn head(lines: &str) -> String {
    format!("HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n{lines}")
}

pub fn table(table: &mut Table) {
    for status in STATUSES {
        let reply = || Err(Reply::status(status, "Content-Type: text/html\r\n", "<html>no</html>"));
        table.case(format!("{status} to the first SUBSCRIBE"), first(reply(), of_status(status)));
        table.case(format!("{status} to SUBSCRIBE after a loss"), second(reply(), of_status(status)));
    }
    let said = [
        ("no leader", 503, "No leader elected"),
        ("recovering", 503, "Master has not finished recovery"),
        ("routes to come", 404, "404 Not Found."),
    ];
    for (name, status, text) in said {
        let reply = || Err(Reply::status(status, "Content-Type: text/plain; charset=utf-8\r\n", text));
        table.case(format!("{name} at the first SUBSCRIBE"), first(reply(), Then::Again));
        table.case(format!("{name} at SUBSCRIBE after a loss"), second(reply(), Then::Again));
    }
    let lost: Vec<(&str, Result<Opening, Reply>)> = vec![
        ("closed without a word", Err(Reply::bytes("").then_end())),
        ("reset", Err(Reply::bytes("").then_reset())),
        ("cut in the status line", Err(Reply::bytes("HTTP/1.1 20").then_end())),
        ("cut in a header", Err(Reply::bytes("HTTP/1.1 200 OK\r\nContent-Ty").then_end())),
        ("another protocol", Err(Reply::bytes("SSH-2.0-OpenSSH_9.2\r\n").then_end())),
        ("HTTP/2 at once", Err(Reply::bytes("\0\0\x12\x04\0\0\0\0\0").then_end())),
        ("TLS where none is", Err(Reply::bytes("\x15\x03\x01\0\x02\x02\x46").then_end())),
        ("a head of 1 MB", Err(Reply::bytes(format!("HTTP/1.1 200 OK\r\nX: {}\r\n", "x".repeat(1 << 20))).then_end())),
        ("200 headers", Err(Reply::bytes(format!("HTTP/1.1 200 OK\r\n{}\r\n", "X: y\r\n".repeat(200))).then_end())),
        ("a negative length", Err(Reply::bytes(head("Content-Length: -5\r\n\r\n")).then_end())),
        ("two lengths", Err(Reply::bytes(head("Content-Length: 5\r\nContent-Length: 6\r\n\r\nabcde")).then_end())),
        ("silence", Err(Reply::bytes(""))),
        ("silence after the head", Ok(Opening { subscribed: false, ..Opening::default() })),
        ("an end after the head", Ok(Opening { subscribed: false, end: true, ..Opening::default() })),
        ("an end after SUBSCRIBED", Ok(Opening { end: true, ..Opening::default() })),
        (
            "a cut inside SUBSCRIBED",
            Ok(Opening {
                before: b"100\n{\"type\":\"SUBSCR".to_vec(),
                subscribed: false,
                end: true,
                ..Opening::default()
            }),
        ),
        ("a bad chunk", Err(Reply::bytes(head("Transfer-Encoding: chunked\r\n\r\nzz\r\n")).then_end())),
        (
            "an endless chunk",
            Err(Reply::bytes(head("Transfer-Encoding: chunked\r\n\r\nffffffffffffffffff\r\n")).then_end()),
        ),
        (
            "no framing",
            Ok(Opening { before: b"{\"type\":\"SUBSCRIBED\"}".to_vec(), subscribed: false, ..Opening::default() }),
        ),
        (
            "events of another kind only",
            Ok(Opening {
                before: b"20\n{\"type\":\"HEARTBEAT\"}".to_vec(),
                subscribed: false,
                end: true,
                ..Opening::default()
            }),
        ),
    ];
    for (name, answer) in lost {
        table.case(format!("{name}, at the first SUBSCRIBE"), first(answer.clone(), Then::Again));
        table.case(format!("{name}, at SUBSCRIBE after a loss"), second(answer, Then::Again));
    }
    let html = "Content-Type: text/html\r\n";
    let no_master: Vec<(&str, Reply)> = vec![
        ("a login page", Reply::status(200, html, "<html>log in</html>")),
        (
            "a page that goes on",
            Reply::bytes(format!("HTTP/1.1 200 OK\r\n{html}Transfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n")),
        ),
        ("plain text", Reply::status(200, "Content-Type: text/plain\r\n", "fine")),
        ("no media type", Reply::status(200, "", "fine")),
        ("204", Reply::bytes("HTTP/1.1 204 No Content\r\n\r\n")),
        ("202 to a SUBSCRIBE", Reply::bytes("HTTP/1.1 202 Accepted\r\nContent-Length: 0\r\n\r\n")),
        (
            "a stream in gzip",
            Reply::bytes(head(
                "Content-Encoding: gzip\r\nTransfer-Encoding: chunked\r\n\r\n14\r\n\x1f\x08abcdefghijklmnopqr\r\n",
            )),
        ),
        (
            "protobuf",
            Reply::bytes(
                "HTTP/1.1 200 OK\r\nContent-Type: application/x-protobuf\r\nTransfer-Encoding: chunked\r\n\r\n",
            ),
        ),
        ("301", Reply::status(301, "Location: http://127.0.0.1:1/\r\n", "")),
        ("302", Reply::status(302, "Location: http://127.0.0.1:1/\r\n", "")),
    ];
    for (name, reply) in no_master {
        table.case(format!("{name}, at the first SUBSCRIBE"), first(Err(reply.clone()), Then::Over));
        table.case(format!("{name}, at SUBSCRIBE after a loss"), second(Err(reply), Then::Over));
    }
    let odd: Vec<(&str, Opening)> = vec![
        ("a body until the end", Opening { head: head(""), chunked: false, ..Opening::default() }),
        (
            "HTTP/1.0",
            Opening {
                head: "HTTP/1.0 200 OK\r\nContent-Type: application/json\r\n".into(),
                chunked: false,
                ..Opening::default()
            },
        ),
        (
            "100 Continue before",
            Opening { head: format!("HTTP/1.1 100 Continue\r\n\r\n{}", Opening::default().head), ..Opening::default() },
        ),
        (
            "a media type with a parameter",
            Opening {
                head:
                    "HTTP/1.1 200 OK\r\nContent-Type: application/json; charset=utf-8\r\nTransfer-Encoding: chunked\r\n"
                        .into(),
                ..Opening::default()
            },
        ),
        (
            "lower-case headers",
            Opening {
                head: "HTTP/1.1 200 ok\r\ncontent-type:application/json\r\ntransfer-encoding:chunked\r\n".into(),
                ..Opening::default()
            },
        ),
        (
            "a heartbeat before SUBSCRIBED",
            Opening { before: b"20\n{\"type\":\"HEARTBEAT\"}".to_vec(), ..Opening::default() },
        ),
        ("empty records before SUBSCRIBED", Opening { before: b"0\n0\n\n".to_vec(), ..Opening::default() }),
        (
            "an unknown event before SUBSCRIBED",
            Opening { before: b"16\n{\"type\":\"HELLO\"}".to_vec(), ..Opening::default() },
        ),
        ("a record that is none before SUBSCRIBED", Opening { before: b"3\n{]}".to_vec(), ..Opening::default() }),
        (
            "a close announced",
            Opening { head: format!("{}Connection: close\r\n", Opening::default().head), ..Opening::default() },
        ),
        (
            "an identity encoding",
            Opening {
                head: format!("{}Content-Encoding: identity\r\n", Opening::default().head),
                ..Opening::default()
            },
        ),
        (
            "60 odd headers",
            Opening {
                head: format!("{}{}", Opening::default().head, "X-Odd: \u{e9}\u{9b}\r\n".repeat(60)),
                ..Opening::default()
            },
        ),
    ];
    for (name, opening) in odd {
        table.case(format!("a good stream with {name}"), good(opening));
    }
}
