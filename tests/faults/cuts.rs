//! Three streams of a real master, cut and split at every byte: what came whole counts, the rest is told, and the next
//! subscription makes up for it without anything counted twice.

use std::time::{Duration, SystemTime};

use bytes::Bytes;
use futures_util::StreamExt as _;
use mesos_repl::mesos::{Event, decode_event};
use mesos_repl::recordio::{Decoder, End, FramingError};
use mesos_repl::session::{Phase, Session};
use mesos_repl::state::{State, Task};

use super::rig::{SOON, config, info};
use crate::support::hostile::{Answer, Hostile};
use crate::support::within;

/// The recorded streams that are taken, in which a task runs and ends, is killed, and is asked for.
const RECORDED: [&str; 3] = ["docker-task.jsonl", "kill-running.jsonl", "disconnect-and-return.jsonl"];
/// Cuts of sessions on real sockets are that far apart; 1 tries every byte.
const STRIDE: &str = "MESOS_TEST_CUT_STRIDE";

/// A recorded stream: its bytes, and where each record ends.
struct Recorded {
    name: &'static str,
    bytes: Bytes,
    ends: Vec<usize>,
}

fn recorded() -> Vec<Recorded> {
    let steps = crate::golden::steps();
    RECORDED
        .iter()
        .map(|name| {
            let (mut bytes, mut ends) = (Vec::new(), Vec::new());
            for (_, _, step) in steps.iter().filter(|(file, _, _)| file == name) {
                if let Some(event) = step.get("event").filter(|event| event["type"].is_string()) {
                    bytes.extend(crate::support::hostile::record(event));
                    ends.push(bytes.len());
                }
            }
            assert!(bytes.len() > 1_000 && ends.len() > 4, "{name}");
            Recorded { name, bytes: bytes.into(), ends }
        })
        .collect()
}

fn records(decoder: &mut Decoder) -> Result<Vec<Bytes>, FramingError> {
    let mut records = Vec::new();
    while let Some(record) = decoder.next_record()? {
        records.push(record);
    }
    Ok(records)
}

impl Recorded {
    /// How many records lie whole before a place, and the bytes of the next one, its length line included, that do too.
    fn before(&self, place: usize) -> (usize, usize) {
        let whole = self.ends.iter().filter(|end| **end <= place).count();
        (whole, place - whole.checked_sub(1).map_or(0, |last| self.ends[last]))
    }

    fn whole(&self) -> Vec<Bytes> {
        self.until(self.bytes.len()).1
    }

    /// What comes of the bytes before a place, and the decoder that waits for more.
    fn until(&self, place: usize) -> (Decoder, Vec<Bytes>) {
        let mut decoder = Decoder::default();
        decoder.push(self.bytes.slice(..place));
        let came = records(&mut decoder).unwrap();
        (decoder, came)
    }
}

/// What a session would know of these records.
fn known(records: &[Bytes]) -> (u64, u64, Vec<(String, String, u32)>) {
    let mut state = State::new(SystemTime::UNIX_EPOCH);
    for record in records {
        state.apply(decode_event(record.clone()).unwrap(), Duration::ZERO, None);
    }
    (state.counts.events, state.counts.repeats, tasks(&state))
}

/// Each task, its state, and how many updates it has had.
fn tasks(state: &State) -> Vec<(String, String, u32)> {
    let one = |task: &Task| (task.id.as_str().to_owned(), task.state.as_str().to_owned(), task.updates());
    state.tasks.iter().map(one).collect()
}

#[test]
fn cut_at_every_byte_what_came_whole_is_what_counts() {
    for stream in recorded() {
        let whole = stream.whole();
        assert_eq!(whole.len(), stream.ends.len());
        for place in 0..=stream.bytes.len() {
            let (decoder, came) = stream.until(place);
            let (count, tail) = stream.before(place);
            assert_eq!(came, whole[..count], "{} cut at {place}", stream.name);
            match decoder.end() {
                End::Clean => assert_eq!(tail, 0, "{} cut at {place}", stream.name),
                End::Cut { have, want } => {
                    let line = want.map_or(0, |want| want.to_string().len() as u64 + 1);
                    assert_eq!(have + line, tail as u64, "{} cut at {place}", stream.name);
                }
            }
            // All of it again, on the next connection: nothing is lost, nothing is there twice.
            let both: Vec<_> = came.iter().chain(&whole).cloned().collect();
            let ((_, _, once), (_, repeats, twice)) = (known(&whole), known(&both));
            assert_eq!(once, twice, "{} cut at {place}", stream.name);
            let updates = came.iter().filter(|record| has_uuid(record)).count() as u64;
            assert_eq!(repeats, updates, "{} cut at {place}", stream.name);
        }
    }
}

fn has_uuid(record: &Bytes) -> bool {
    matches!(decode_event(record.clone()), Ok(Event::Update(update)) if update.uuid.is_some())
}

#[test]
fn split_at_every_byte_it_is_the_same_stream() {
    for stream in recorded() {
        let whole = stream.whole();
        let pushed = |parts: &mut dyn Iterator<Item = Bytes>, lazily: bool| {
            let mut decoder = Decoder::default();
            let mut came = Vec::new();
            for part in parts {
                decoder.push(part);
                if !lazily {
                    came.extend(records(&mut decoder).unwrap());
                }
            }
            came.extend(records(&mut decoder).unwrap());
            assert_eq!(decoder.end(), End::Clean);
            came
        };
        for place in 0..=stream.bytes.len() {
            for lazily in [false, true] {
                let mut parts = [stream.bytes.slice(..place), stream.bytes.slice(place..)].into_iter();
                assert_eq!(pushed(&mut parts, lazily), whole, "{} split at {place}", stream.name);
            }
        }
        for size in [1, 2, 3, 7, 64, 1_000] {
            for lazily in [false, true] {
                let mut parts = stream.bytes.chunks(size).map(Bytes::copy_from_slice);
                assert_eq!(pushed(&mut parts, lazily), whole, "{} in parts of {size}", stream.name);
            }
        }
    }
}

/// A session whose stream is cut there and comes again whole; what is wrong, if anything is.
async fn cut_at(stream: &Recorded, place: usize) {
    let head =
        "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nMesos-Stream-Id: s\r\nTransfer-Encoding: chunked\r\n\r\n";
    let chunk = |bytes: &[u8]| {
        let framed = if bytes.is_empty() {
            Vec::new()
        } else {
            [format!("{:x}\r\n", bytes.len()).as_bytes(), bytes, b"\r\n"].concat()
        };
        [head.as_bytes(), &framed].concat()
    };
    let first = Answer::Bytes(chunk(&stream.bytes[..place]));
    let master = Hostile::start([first, Answer::Silent]).await;
    let session = Session::start(config(&master.address.to_string(), SOON)).unwrap();
    session.subscribe(info()).await;
    let (count, tail) = stream.before(place);
    let mut status = session.status();
    let lost = within(SOON, "the loss", status.wait_for(|status| matches!(status.phase, Phase::Waiting { .. })))
        .await
        .unwrap()
        .phase
        .clone();
    let Phase::Waiting { why, .. } = lost else { panic!("{lost:?}") };
    assert_eq!(session.read(|state| state.counts.events), count as u64, "at {place}");
    assert_eq!(tail != 0, why.contains("cut inside a record"), "at {place}: {why}");
    session.reconnect().await;
    master.call("SUBSCRIBE", 1).await;
    master.bytes(&stream.bytes);
    let whole = stream.whole();
    let all = (count + whole.len()) as u64;
    within(SOON, "all events", session.changed_until(|state| state.counts.events == all)).await;
    let updates = whole.iter().filter(|record| has_uuid(record)).count();
    let acknowledged = session.changed_until(|state| {
        state
            .tasks
            .iter()
            .all(|task| task.history().all(|it| !it.wants_acknowledgement || it.acknowledged_after.is_some()))
    });
    within(SOON, "all acknowledged", acknowledged).await;
    session.read(|state| {
        assert_eq!(tasks(state), known(&whole).2, "at {place}");
        assert_eq!(state.counts.bad, 0);
    });
    assert_eq!(master.count("SUBSCRIBE"), 2, "at {place}");
    assert!(master.count("ACKNOWLEDGE") >= updates);
    session.close().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_session_that_is_cut_anywhere_subscribes_once_more_and_misses_nothing() {
    let stride: usize = std::env::var(STRIDE).ok().and_then(|text| text.parse().ok()).unwrap_or(23).max(1);
    let begun = std::time::Instant::now();
    let mut cuts = 0;
    for stream in recorded() {
        let stream = std::sync::Arc::new(stream);
        // Around the ends of records every byte, elsewhere some.
        let near =
            |place: &usize| stream.ends.iter().chain(&[0]).any(|end| (end.saturating_sub(2)..end + 6).contains(place));
        let places: Vec<_> = (0..=stream.bytes.len()).filter(|place| place % stride == 0 || near(place)).collect();
        cuts += places.len();
        let runs = futures_util::stream::iter(places).map(|place| {
            let stream = std::sync::Arc::clone(&stream);
            async move { tokio::spawn(async move { cut_at(&stream, place).await }).await }
        });
        let outcomes: Vec<_> = runs.buffer_unordered(32).collect().await;
        for outcome in outcomes {
            outcome.unwrap_or_else(|panic| panic!("{}: {}", stream.name, super::said(panic)));
        }
    }
    use std::io::Write as _;
    let _ = writeln!(
        std::io::stderr().lock(),
        "faults: {cuts} sessions cut, every {stride} bytes, in {:.1} s",
        begun.elapsed().as_secs_f64()
    );
}

/// Bytes of a request, sent on a connection of their own; the answer's status and what has come when `enough` says so.
async fn posted(to: std::net::SocketAddr, kind: &str, body: &[u8], enough: impl Fn(&[u8]) -> bool) -> (u16, Vec<u8>) {
    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
    let mut socket = tokio::net::TcpStream::connect(to).await.unwrap();
    let head = format!(
        "POST /api/v1/scheduler HTTP/1.1\r\nHost: localhost\r\nContent-Type: {kind}\r\nAccept: {kind}\r\nContent-Length: {}\r\n\r\n",
        body.len()
    );
    socket.write_all(&[head.as_bytes(), body].concat()).await.unwrap();
    let mut came = Vec::new();
    let status =
        |came: &[u8]| String::from_utf8_lossy(came).get(9..12).and_then(|status| status.parse().ok()).unwrap_or(0);
    let read = async {
        let refused = |came: &[u8]| has_head(came) && status(came) != 200;
        while !enough(&came) && !refused(&came) {
            assert!(socket.read_buf(&mut came).await.unwrap() > 0, "{}", String::from_utf8_lossy(&came));
        }
    };
    within(SOON, "an answer", read).await;
    (status(&came), came)
}

fn has_head(came: &[u8]) -> bool {
    came.windows(4).any(|four| four == b"\r\n\r\n")
}

/// type = SUBSCRIBE, subscribe.framework_info {user: "root", name: "pb"}.
fn subscribe_in_protobuf() -> Vec<u8> {
    [&[0x10, 1, 0x1a, 12, 0x0a, 10, 0x0a, 4][..], b"root", &[0x12, 2][..], b"pb"].concat()
}

async fn embedded() -> mesos_repl::embedded::Cluster {
    let config = mesos_repl::embedded::Config {
        docker: mesos_repl::embedded::Docker::Never,
        heartbeat: Duration::from_millis(300),
        allocation_interval: Duration::from_millis(50),
        ..Default::default()
    };
    mesos_repl::embedded::Cluster::start(config).await.unwrap()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_stream_in_protobuf_is_cut_and_split_at_every_byte() {
    let cluster = embedded().await;
    // SUBSCRIBED, heartbeats and offers: their chunks are the records.
    let enough = |came: &[u8]| came.windows(4).filter(|four| four == b"2\n\x08\x08").count() > 3;
    let (status, came) = posted(cluster.address(), "application/x-protobuf", &subscribe_in_protobuf(), enough).await;
    assert_eq!(status, 200);
    let head = came.windows(4).position(|four| four == b"\r\n\r\n").unwrap() + 4;
    let (mut rest, mut bytes, mut ends) = (&came[head..], Vec::new(), Vec::new());
    while let Some(line) = rest.windows(2).position(|two| two == b"\r\n") {
        let size = usize::from_str_radix(std::str::from_utf8(&rest[..line]).unwrap(), 16).unwrap();
        let Some(chunk) = rest.get(line + 2..line + 2 + size) else { break };
        bytes.extend_from_slice(chunk);
        ends.push(bytes.len());
        rest = rest.get(line + 4 + size..).unwrap_or_default();
    }
    assert!(ends.len() > 4 && bytes.len() > 200, "{} records, {} bytes", ends.len(), bytes.len());
    let stream = Recorded { name: "protobuf", bytes: bytes.into(), ends };
    let whole = stream.whole();
    assert_eq!(whole.len(), stream.ends.len());
    for place in 0..=stream.bytes.len() {
        let (mut decoder, came) = stream.until(place);
        let (count, tail) = stream.before(place);
        assert_eq!(came, whole[..count], "cut at {place}");
        assert_eq!(decoder.end() == End::Clean, tail == 0, "cut at {place}");
        decoder.push(stream.bytes.slice(place..));
        let more = records(&mut decoder).unwrap();
        assert_eq!([came, more].concat(), whole, "split at {place}");
    }
    cluster.shutdown().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_call_that_is_cut_anywhere_is_refused_and_does_nothing() {
    let cluster = embedded().await;
    let json =
        br#"{"type":"SUBSCRIBE","subscribe":{"framework_info":{"user":"root","name":"cut","roles":["*"]}}}"#.to_vec();
    for (kind, call) in [("application/json", json), ("application/x-protobuf", subscribe_in_protobuf())] {
        for place in 0..call.len() {
            let (status, came) = posted(cluster.address(), kind, &call[..place], has_head).await;
            assert_eq!(status, 400, "{kind} cut at {place}: {}", String::from_utf8_lossy(&came));
        }
    }
    let state =
        crate::support::real_mesos::plain_client().get(format!("{}/frameworks", cluster.url())).send().await.unwrap();
    let state: serde_json::Value = serde_json::from_str(&state.text().await.unwrap()).unwrap();
    assert_eq!(state["frameworks"], serde_json::json!([]));
    cluster.shutdown().await;
}
