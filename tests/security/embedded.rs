//! The embedded Mesos attacked: by web pages, with bombs, by clients that never end, by files that lead outside.

use std::net::SocketAddr;
use std::time::{Duration, Instant};

use mesos_repl::embedded::{Cluster, Config, Docker};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

use crate::support::within;

const SOON: Duration = Duration::from_secs(60);

async fn cluster() -> Cluster {
    let besides = |address| mesos_repl::ui::of(address).unwrap();
    Cluster::start(Config { docker: Docker::Never, besides: Some(besides), ..Config::default() }).await.unwrap()
}

/// What comes back for these bytes, until the other side ends it; nothing if it hangs up at once.
async fn sent(to: SocketAddr, bytes: &[u8]) -> String {
    let mut socket = TcpStream::connect(to).await.unwrap();
    let (mut read, mut write) = socket.split();
    let mut answer = Vec::new();
    // A server may refuse before it has read all, and hang up: both ways are looked at together.
    let both = async { tokio::join!(write.write_all(bytes), read.read_to_end(&mut answer)) };
    let _ = within(SOON, "an answer", both).await;
    String::from_utf8_lossy(&answer).into_owned()
}

fn status(answer: &str) -> u16 {
    answer.get(9..12).and_then(|status| status.parse().ok()).unwrap_or(0)
}

fn request(method: &str, path: &str, headers: &[(&str, &str)], body: &str) -> Vec<u8> {
    let mut head = format!("{method} {path} HTTP/1.1\r\nConnection: close\r\nContent-Length: {}\r\n", body.len());
    headers.iter().for_each(|(name, value)| head.push_str(&format!("{name}: {value}\r\n")));
    format!("{head}\r\n{body}").into_bytes()
}

const SUBSCRIBE: &str = r#"{"type":"SUBSCRIBE","subscribe":{"framework_info":{"user":"root","name":"page"}}}"#;
const GET_STATE: &str = r#"{"type":"GET_STATE"}"#;

#[tokio::test(flavor = "multi_thread")]
async fn under_a_foreign_name_neither_master_nor_agent_nor_page_answers() {
    let cluster = cluster().await;
    let (master, agent) = (cluster.address(), cluster.agents().to_vec()[0]);
    let foreign = [
        "evil.example",
        "evil.example:5050",
        "localhost.evil.example",
        "127.0.0.1.evil.example",
        "[::1].evil.example",
        "evil.example#localhost",
        "localhost@evil.example",
    ];
    for host in foreign {
        let json = [("Host", host), ("Content-Type", "application/json")];
        for (to, method, path, body) in [
            (master, "GET", "/", ""),
            (master, "GET", "/state", ""),
            (master, "GET", "/master/state?jsonp=steal", ""),
            (master, "GET", "/ui/state", ""),
            (master, "POST", "/api/v1", GET_STATE),
            (master, "POST", "/api/v1/scheduler", SUBSCRIBE),
            (agent, "GET", "/state", ""),
            (agent, "GET", "/files/browse?path=/", ""),
            (agent, "POST", "/api/v1", GET_STATE),
        ] {
            let answer = sent(to, &request(method, path, &json, body)).await;
            // Some are no host at all, which the server says before us.
            assert!(matches!(status(&answer), 400 | 403), "{host} {path}: {answer}");
            assert!(!answer.contains("framework") && !answer.contains("steal("), "{host} {path}: {answer}");
        }
    }
    cluster.shutdown().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_page_elsewhere_can_neither_launch_nor_read() {
    let cluster = cluster().await;
    let (master, agent) = (cluster.address(), cluster.agents().to_vec()[0]);
    let host = master.to_string();
    let by_page = |more: &[(&'static str, &'static str)], method: &str, path: &str, body: &str| {
        let mut headers = vec![("Host", host.as_str())];
        headers.extend(more);
        request(method, path, &headers, body)
    };
    // What a browser sends to other sites without asking them first.
    for kind in ["text/plain", "application/x-www-form-urlencoded", "multipart/form-data; boundary=x"] {
        for (to, path, body) in
            [(master, "/api/v1/scheduler", SUBSCRIBE), (master, "/api/v1", GET_STATE), (agent, "/api/v1", GET_STATE)]
        {
            let answer = sent(to, &by_page(&[("Content-Type", kind)], "POST", path, body)).await;
            assert_eq!(status(&answer), 415, "{kind} {path}: {answer}");
        }
    }
    // What it asks first, and the answer that would allow it.
    let asks = [("Origin", "https://evil.example"), ("Access-Control-Request-Method", "POST")];
    for to in [master, agent] {
        let answer = sent(to, &by_page(&asks, "OPTIONS", "/api/v1", "")).await;
        assert!(status(&answer) >= 400, "{answer}");
        assert!(!answer.to_ascii_lowercase().contains("access-control-allow"), "{answer}");
    }
    // A script of another site, which a browser runs with whatever comes back: what it is asked for, the browser says.
    let elsewhere: [&[(&'static str, &'static str)]; 4] = [
        &[("Sec-Fetch-Site", "cross-site"), ("Sec-Fetch-Mode", "no-cors"), ("Sec-Fetch-Dest", "script")],
        &[("Sec-Fetch-Site", "cross-site"), ("Sec-Fetch-Mode", "cors")],
        &[("Origin", "https://evil.example"), ("Content-Type", "application/json")],
        &[("Origin", "null"), ("Content-Type", "application/json")],
    ];
    for headers in elsewhere {
        for (to, method, path, body) in [
            (master, "GET", "/state?jsonp=steal", ""),
            (master, "POST", "/api/v1", GET_STATE),
            (master, "POST", "/api/v1/scheduler", SUBSCRIBE),
            (agent, "GET", "/state?jsonp=steal", ""),
            (agent, "POST", "/api/v1", GET_STATE),
        ] {
            let answer = sent(to, &by_page(headers, method, path, body)).await;
            assert_eq!(status(&answer), 403, "{headers:?} {path}: {answer}");
        }
    }
    // A link is followed, and our own page reads what it needs.
    for headers in [
        &[("Sec-Fetch-Site", "cross-site"), ("Sec-Fetch-Mode", "navigate")][..],
        &[("Sec-Fetch-Site", "same-origin"), ("Sec-Fetch-Mode", "cors")],
        &[("Sec-Fetch-Site", "none"), ("Sec-Fetch-Mode", "navigate")],
        &[("Origin", "http://127.0.0.1:8888")],
        &[("Origin", "http://localhost:8888")],
        &[],
    ] {
        for to in [master, agent] {
            let answer = sent(to, &by_page(headers, "GET", "/state", "")).await;
            assert_eq!(status(&answer), 200, "{headers:?}: {answer}");
        }
    }
    cluster.shutdown().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn bombs_are_refused_and_cost_nobody_else() {
    let cluster = cluster().await;
    let (master, agent) = (cluster.address(), cluster.agents().to_vec()[0]);
    let json = |body: &str, to: SocketAddr| {
        request("POST", "/api/v1", &[("Host", &to.to_string()), ("Content-Type", "application/json")], body)
    };
    let deep = [
        "[".repeat(1_000_000),
        "{\"a\":".repeat(300_000),
        format!("{}1{}", "[".repeat(201), "]".repeat(201)),
        format!("{{\"type\":{}1{}}}", "{\"a\":".repeat(5_000), "}".repeat(5_000)),
        format!("{{\"type\":\"GET_STATE\",\"a\":{}1{}}}", "[".repeat(50_000), "]".repeat(50_000)),
    ];
    for to in [master, agent] {
        for body in &deep {
            let answer = sent(to, &json(body, to)).await;
            assert_eq!(status(&answer), 400, "{}…: {}", &body[..40], answer.get(..300).unwrap_or(&answer));
        }
        // Longer than any call; and a head that never ends.
        let answer = sent(to, &json(&" ".repeat(65 << 20), to)).await;
        assert!(matches!(status(&answer), 0 | 400 | 413), "{}", answer.get(..300).unwrap_or(&answer));
        let head = format!("GET /state HTTP/1.1\r\nHost: {to}\r\nX: {}\r\n\r\n", "x".repeat(1 << 20));
        let answer = sent(to, head.as_bytes()).await;
        assert!(matches!(status(&answer), 0 | 400 | 431), "{}", answer.get(..300).unwrap_or(&answer));
        let head: String = (0..2_000).map(|number| format!("X-{number}: 1\r\n")).collect();
        let answer = sent(to, format!("GET /state HTTP/1.1\r\nHost: {to}\r\n{head}\r\n").as_bytes()).await;
        assert!(matches!(status(&answer), 0 | 400 | 431), "{}", answer.get(..300).unwrap_or(&answer));
        let begun = Instant::now();
        let answer = sent(to, &request("GET", "/health", &[("Host", &to.to_string())], "")).await;
        assert_eq!(status(&answer), 200, "{answer}");
        assert!(begun.elapsed() < Duration::from_secs(5), "{:?}", begun.elapsed());
    }
    cluster.shutdown().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn clients_that_never_end_hold_up_nobody() {
    let cluster = cluster().await;
    for to in [cluster.address(), cluster.agents().to_vec()[0]] {
        let mut idle = Vec::new();
        for number in 0..200 {
            let mut socket = TcpStream::connect(to).await.unwrap();
            let begun = match number % 3 {
                0 => "GET /sta".to_owned(),
                1 => format!(
                    "POST /api/v1 HTTP/1.1\r\nHost: {to}\r\nContent-Type: application/json\r\nContent-Length: 9999\r\n\r\n{{"
                ),
                // A whole request whose answer nobody reads.
                _ => format!("GET /state HTTP/1.1\r\nHost: {to}\r\n\r\n"),
            };
            socket.write_all(begun.as_bytes()).await.unwrap();
            idle.push(socket);
        }
        let begun = Instant::now();
        let answer = sent(to, &request("GET", "/state", &[("Host", &to.to_string())], "")).await;
        assert_eq!(status(&answer), 200, "{answer}");
        assert!(begun.elapsed() < Duration::from_secs(5), "{:?}", begun.elapsed());
    }
    cluster.shutdown().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn no_path_leads_out_of_a_sandbox() {
    let cluster = cluster().await;
    let agent = cluster.agents().to_vec()[0];
    for verb in ["read", "browse", "download"] {
        for path in [
            "/etc/passwd",
            "../../../../../../../../etc/passwd",
            "/frameworks/../../../../etc/passwd",
            "/slave/log/../../../../etc/passwd",
            "%2e%2e%2f%2e%2e%2f%2e%2e%2fetc%2fpasswd",
            "/frameworks/F/executors/E/runs/latest/../../../../../../../../etc/passwd",
            "//etc//passwd",
            "/proc/self/environ",
            "/etc/passwd%00",
            "file:///etc/passwd",
        ] {
            let path = format!("/files/{verb}?path={path}&offset=0");
            let answer = sent(agent, &request("GET", &path, &[("Host", &agent.to_string())], "")).await;
            assert!(matches!(status(&answer), 400 | 404), "{path}: {answer}");
            assert!(!answer.contains("root:") && !answer.contains("PATH="), "{path}: {answer}");
        }
    }
    cluster.shutdown().await;
}
