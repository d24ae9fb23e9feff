//! Answers to calls that are cut, garbled or no HTTP at all: nobody knows whether the call was taken, the stream stands,
//! and it comes out what is so.

use std::time::Duration;

use mesos_repl::session::CallError;
use serde_json::{Value, json};

use super::Table;
use super::rig::{Rig, SOON, Setup};
use super::statuses::{kind, make};
use crate::support::books::Reply;
use crate::support::within;

/// What the call was told.
#[derive(Clone, Copy)]
enum Told {
    Failed,
    Fine,
    /// Either is right.
    Any,
}

async fn answered(call: Value, reply: Reply, told: Told, patience: Duration) {
    let rig = Rig::new(Setup { patience, ..Setup::default() }).await;
    rig.master.reply(&kind(&call), reply);
    let outcome = within(SOON, "an outcome", make(&rig, &call)).await;
    match (outcome, told) {
        (None, _) | (_, Told::Any) | (Some(Ok(())), Told::Fine) | (Some(Err(CallError::Request(_))), Told::Failed) => {}
        (other, _) => panic!("{other:?}"),
    }
    rig.goes_on(1..=1).await;
}

pub fn table(table: &mut Table) {
    let accepted = "HTTP/1.1 202 Accepted\r\n";
    let whole = format!("{accepted}Content-Length: 0\r\n\r\n");
    let bad: Vec<(&str, Reply)> = vec![
        ("a close instead", Reply::bytes("").then_end()),
        ("a reset instead", Reply::bytes("").then_reset()),
        ("one byte, then a close", Reply::bytes("H").then_end()),
        ("half a status line", Reply::bytes("HTTP/1.1 2").then_end()),
        ("half a header", Reply::bytes(format!("{accepted}Content-Le")).then_end()),
        ("no end of the head", Reply::bytes(format!("{accepted}Content-Length: 0\r\n")).then_end()),
        ("a body cut short", Reply::bytes(format!("{accepted}Content-Length: 9\r\n\r\nabc")).then_end()),
        ("a chunk cut short", Reply::bytes(format!("{accepted}Transfer-Encoding: chunked\r\n\r\n9\r\nabc")).then_end()),
        (
            "chunks without an end",
            Reply::bytes(format!("{accepted}Transfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n")).then_end(),
        ),
        (
            "a chunk size that is none",
            Reply::bytes(format!("{accepted}Transfer-Encoding: chunked\r\n\r\nxyz\r\n")).then_end(),
        ),
        (
            "a huge chunk",
            Reply::bytes(format!("{accepted}Transfer-Encoding: chunked\r\n\r\nffffffffffffffff\r\n")).then_end(),
        ),
        ("a negative length", Reply::bytes(format!("{accepted}Content-Length: -1\r\n\r\n")).then_end()),
        ("a length that is none", Reply::bytes(format!("{accepted}Content-Length: two\r\n\r\n")).then_end()),
        (
            "a length over any limit",
            Reply::bytes(format!("{accepted}Content-Length: 99999999999999999999\r\n\r\n")).then_end(),
        ),
        (
            "a body of a terabyte announced",
            Reply::bytes(format!("{accepted}Content-Length: 1099511627776\r\n\r\n")).then_end(),
        ),
        (
            "two lengths that differ",
            Reply::bytes(format!("{accepted}Content-Length: 3\r\nContent-Length: 5\r\n\r\nabcde")),
        ),
        (
            "a length and chunks",
            Reply::bytes(format!("{accepted}Content-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\nabc")).then_end(),
        ),
        ("garbage", Reply::bytes(vec![0, 255, 254, 10, 10]).then_end()),
        ("another protocol", Reply::bytes("SSH-2.0-OpenSSH_9.2\r\n").then_end()),
        ("a status of four digits", Reply::bytes("HTTP/1.1 2020 X\r\n\r\n").then_end()),
        ("a head without end", Reply::bytes(format!("{accepted}X: {}", "x".repeat(200_000))).then_end()),
        ("100 headers", Reply::bytes(format!("{accepted}{}\r\n", "X: y\r\n".repeat(100))).then_end()),
    ];
    let good: Vec<(&str, Reply)> = vec![
        ("100 Continue before", Reply::bytes(format!("HTTP/1.1 100 Continue\r\n\r\n{whole}"))),
        (
            "a chunked body with extensions and trailers",
            Reply::bytes(format!("{accepted}Transfer-Encoding: chunked\r\n\r\n3;x=y\r\nabc\r\n0\r\nT: u\r\n\r\n")),
        ),
        ("HTTP/1.0 and a close", Reply::bytes("HTTP/1.0 202 Accepted\r\n\r\nfine").then_end()),
        (
            "a close announced",
            Reply::bytes(format!("{accepted}Connection: close\r\nContent-Length: 0\r\n\r\n")).then_end(),
        ),
        ("a close that nobody announced", Reply::bytes(whole.clone()).then_end()),
        ("a reset afterwards", Reply::bytes(whole.clone()).then_reset()),
        ("bytes that nobody asked for after it", Reply::bytes(format!("{whole}nonsense"))),
        ("a second answer after it", Reply::bytes(format!("{whole}HTTP/1.1 500 X\r\nContent-Length: 0\r\n\r\n"))),
        ("line ends of one byte", Reply::bytes("HTTP/1.1 202 Accepted\nContent-Length: 0\n\n")),
        (
            "a body in gzip",
            Reply::bytes(format!("{accepted}Content-Encoding: gzip\r\nContent-Length: 3\r\n\r\n\x1f\x08x")),
        ),
        ("a page of HTML", Reply::bytes("HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nContent-Length: 4\r\n\r\n<p/>")),
    ];
    let calls = [
        json!({"type": "ACCEPT"}),
        json!({"type": "ACKNOWLEDGE"}),
        json!({"type": "KILL", "kill": {"task_id": {"value": "nobody"}}}),
    ];
    for call in calls {
        let kind = kind(&call);
        for (name, reply) in &bad {
            let case = format!("{kind} is answered with {name}");
            table.case(case.clone(), answered(call.clone(), reply.clone(), Told::Failed, SOON));
            table.case(
                format!("{case}, taken all the same"),
                answered(call.clone(), reply.clone().but_taken(), Told::Failed, SOON),
            );
        }
        for (name, reply) in &good {
            // HTML in the place of an answer is no answer of a master's: it says nothing of the call.
            let told = if name.contains("HTML") { Told::Any } else { Told::Fine };
            table.case(
                format!("{kind} is taken, with {name}"),
                answered(call.clone(), reply.clone().but_taken(), told, SOON),
            );
        }
        for taken in [false, true] {
            let silence = if taken { Reply::bytes("").but_taken() } else { Reply::bytes("") };
            let name = format!("{kind} gets no answer{}", if taken { ", taken all the same" } else { "" });
            table.case(name, answered(call.clone(), silence, Told::Failed, Duration::from_secs(1)));
        }
    }
}
