//! The page at `/`: what its server answers and refuses, and what a browser makes of it.

use std::time::Duration;

use mesos_repl::client::Address;
use mesos_repl::embedded::{Cluster, Config, Docker};
use mesos_repl::engine::{Collected, Engine, Options, Outcome, Target};
use tokio_util::sync::CancellationToken;

use crate::support::{real_mesos::plain_client, within};

/// A cluster with the page, and a task on it whose name is markup.
async fn cluster() -> (Cluster, Engine) {
    let besides = |address| mesos_repl::ui::of(address).unwrap();
    let config = Config { docker: Docker::Never, besides: Some(besides), ..Config::default() };
    let cluster = Cluster::start(config).await.unwrap();
    let address = Address::parse(&cluster.url()).unwrap();
    let engine = Engine::start(Target { embedded: true, ..Target::new(address) }, Options::default()).unwrap();
    let mut output = Collected::default();
    let cancel = CancellationToken::new();
    let text = "run --cmd 'echo one; echo two; sleep 600' --name '<b>bold</b>' --id web";
    let ran = engine.execute(text, &mut output, &cancel);
    let outcome = within(Duration::from_secs(30), "a task that runs", ran).await;
    assert_eq!(outcome, Outcome::Done, "{:?}", output.documents);
    (cluster, engine)
}

#[tokio::test(flavor = "multi_thread")]
async fn the_page_reads_what_it_needs_and_nothing_else() {
    let (cluster, engine) = cluster().await;
    let url = cluster.url();
    let client = plain_client();
    let page = client.get(format!("{url}/")).send().await.unwrap();
    let policy = page.headers().get("content-security-policy").unwrap().to_str().unwrap().to_owned();
    assert!(policy.contains("script-src 'self'"), "{policy}");
    assert!(page.text().await.unwrap().contains("ui/page.js"));

    let text = client.get(format!("{url}/ui/state")).send().await.unwrap().text().await.unwrap();
    let state: serde_json::Value = serde_json::from_str(&text).unwrap();
    let agent = state["slaves"][0]["id"].as_str().unwrap();
    let known = client.get(format!("{url}/ui/agents/{agent}/state")).send().await.unwrap().text().await.unwrap();
    let known: serde_json::Value = serde_json::from_str(&known).unwrap();
    let folder = known["frameworks"][0]["executors"][0]["directory"].as_str().unwrap();
    let read = format!("{url}/ui/agents/{agent}/files/read?path={folder}/stdout&offset=0&length=100");
    let read = client.get(read).send().await.unwrap().text().await.unwrap();
    assert!(read.contains("one\\ntwo\\n"), "{read}");

    for (path, want) in [
        (format!("/ui/agents/{agent}/flags"), 404),
        (format!("/ui/agents/{agent}/files/download?path={folder}/stdout"), 404),
        ("/ui/agents/nobody/state".to_owned(), 404),
        // The master's own API is still there.
        ("/version".to_owned(), 200),
        ("/master/state".to_owned(), 200),
    ] {
        let answer = client.get(format!("{url}{path}")).send().await.unwrap();
        assert_eq!(answer.status().as_u16(), want, "{path}");
    }
    for (headers, want) in [
        (&[("host", "example.org")][..], 403),
        (&[("host", "127.0.0.1.example.org")], 403),
        (&[("sec-fetch-site", "cross-site"), ("sec-fetch-mode", "no-cors")], 403),
        (&[("sec-fetch-site", "cross-site"), ("sec-fetch-mode", "navigate")], 200),
        (&[("sec-fetch-site", "same-origin"), ("sec-fetch-mode", "cors")], 200),
        (&[("origin", "https://example.org")], 403),
        (&[("origin", "null")], 403),
        (&[("origin", "http://localhost:8888")], 200),
    ] {
        let mut request = client.get(format!("{url}/ui/state"));
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        assert_eq!(request.send().await.unwrap().status().as_u16(), want, "{headers:?}");
    }
    engine.close().await;
    cluster.shutdown().await;
}

/// Every view in a real browser: `tests/ui/browser.py`. `PICTURES=docs` takes the pictures of docs/ anew.
#[tokio::test(flavor = "multi_thread")]
async fn a_browser_walks_through_it() {
    let Some(browser) = ["chromium", "chromium-browser", "google-chrome"].into_iter().find_map(found) else {
        return crate::support::say_skipped("ui::a_browser_walks_through_it", "no Chromium on this machine");
    };
    let python = std::env::var("MESOS_TEST_PYTHON").unwrap_or_else(|_| "python3".to_owned());
    let import = tokio::process::Command::new(&python).args(["-c", "import playwright"]).output().await;
    if !import.is_ok_and(|output| output.status.success()) {
        return crate::support::say_skipped("ui::a_browser_walks_through_it", "no playwright (pip install playwright)");
    }
    let (cluster, engine) = cluster().await;
    let text = "run --cmd 'n=0; while :; do n=$((n+1)); echo tick $n; sleep 0.2; done' --id ticks; \
                run --cmd 'exit 3' --id broken --until failed";
    engine.execute(text, &mut Collected::default(), &CancellationToken::new()).await;
    let mut walk = tokio::process::Command::new(&python);
    walk.arg(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/ui/browser.py")).args([&cluster.url(), "ticks"]);
    walk.args(std::env::var_os("PICTURES")).env("MESOS_CHROMIUM", browser).kill_on_drop(true);
    let walked = within(Duration::from_secs(180), "a walk through the page", walk.output()).await.unwrap();
    assert!(walked.status.success(), "{}", String::from_utf8_lossy(&walked.stderr));
    engine.close().await;
    cluster.shutdown().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_comes_from_a_cluster_is_text() {
    let Some(browser) = ["chromium", "chromium-browser", "google-chrome"].into_iter().find_map(found) else {
        return crate::support::say_skipped("ui::what_comes_from_a_cluster_is_text", "no Chromium on this machine");
    };
    let (cluster, engine) = cluster().await;
    let profile = tempfile::tempdir().unwrap();
    let drawn = tokio::process::Command::new(browser)
        .args(["--headless", "--no-sandbox", "--disable-gpu", "--virtual-time-budget=5000", "--dump-dom"])
        .arg(format!("--user-data-dir={}", profile.path().display()))
        .arg(format!("{}/#/tasks", cluster.url()))
        .kill_on_drop(true)
        .output();
    let drawn = within(Duration::from_secs(120), "a page drawn", drawn).await.unwrap();
    let page = String::from_utf8_lossy(&drawn.stdout);
    assert!(page.contains("Active tasks"), "{page} {}", String::from_utf8_lossy(&drawn.stderr));
    assert!(page.contains("RUNNING"), "{page}");
    assert!(page.contains("&lt;b&gt;bold&lt;/b&gt;") && !page.contains("<b>bold"), "a name is text: {page}");
    engine.close().await;
    cluster.shutdown().await;
}

/// Where a program is, if there is one of that name.
fn found(program: &str) -> Option<std::path::PathBuf> {
    let path = std::env::var_os("PATH")?;
    std::env::split_paths(&path).map(|folder| folder.join(program)).find(|path| path.is_file())
}
