//! What a person sees and does: the program in a pseudo-terminal, on its embedded Mesos or on a master that misbehaves.

pub mod screen;

use std::io::{Read as _, Write as _};
use std::net::{SocketAddr, TcpListener};
use std::os::unix::fs::PermissionsExt as _;

use crate::support::real_mesos::RealMesos;
use mesos_repl::embedded::{Cluster, Config, Docker};
use screen::{CTRL_C, CTRL_D, ENTER, TAB, Terminal, last};

/// Starts on the embedded Mesos, without containers, and waits for the prompt.
fn ready() -> Terminal {
    let terminal = Terminal::start(&[]);
    terminal.prompt();
    terminal
}

/// A master that answers every request with these bytes; none leaves requests unanswered.
fn master(answer: Option<String>) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    std::thread::spawn(move || {
        let mut kept = Vec::new();
        for connection in listener.incoming() {
            let mut connection = connection.unwrap();
            match &answer {
                Some(answer) => {
                    let mut request = [0; 4096];
                    // What is asked doesn't matter here, only that it has been.
                    let _ = connection.read(&mut request);
                    let _ = connection.write_all(answer.as_bytes());
                }
                None => kept.push(connection),
            }
        }
    });
    address
}

#[test]
fn the_prompt_comes_before_the_master_answers() {
    let silent = master(None).to_string();
    let mut terminal = Terminal::start(&["--master", &silent]);
    let screen = terminal.prompt();
    assert!(screen.contains(&silent), "{screen}");
    assert!(last(&screen).contains("(not subscribed)"), "{screen}");
    terminal.line("help");
    terminal.sees("subscribe");
}

#[test]
fn a_master_that_is_down_is_told_and_the_session_stays() {
    let mut terminal = Terminal::start(&["--master", "127.0.0.1:1"]);
    terminal.sees("nothing answers at http://127.0.0.1:1");
    terminal.line("version");
    terminal.sees("error: nothing answers");
    terminal.prompt();
}

#[test]
fn verbs_and_options_complete() {
    let mut terminal = ready();
    terminal.keys("teard");
    terminal.keys(TAB);
    terminal.until("the whole verb", |screen| last(screen).trim_end().ends_with("teardown"));
    terminal.keys(CTRL_C);
    terminal.prompt();
    terminal.keys("kill --no");
    terminal.keys(TAB);
    terminal.sees("kill --no-wait");
    terminal.keys(CTRL_C);
    terminal.prompt();
    terminal.keys("re");
    terminal.keys(TAB);
    let screen = terminal.sees("reconcile");
    assert!(screen.contains("revive"), "{screen}");
}

#[test]
fn json_goes_on_over_several_lines() {
    let mut terminal = ready();
    terminal.line("subscribe");
    terminal.sees("subscribed as");
    terminal.prompt();
    terminal.line("{\"type\":");
    terminal.line("  \"REVIVE\"");
    terminal.line("}");
    terminal.sees("REVIVE answered 202");
    terminal.prompt();
}

#[test]
fn every_pasted_line_runs_in_order() {
    let mut terminal = ready();
    terminal.paste("help quit\nhelp suppress\nhelp revive");
    terminal.sees("help revive");
    terminal.keys(ENTER);
    let shown = terminal.until("three answers", |screen| {
        let answers = screen.split_once("help revive").map_or("", |(_, answers)| answers);
        answers.contains("revive") && last(screen).trim_end().ends_with('>')
    });
    let answers = shown.split_once("help revive").unwrap().1;
    let places = ["quit", "suppress", "revive"].map(|verb| answers.find(verb));
    assert!(places.iter().all(Option::is_some) && places.is_sorted(), "{shown}");
}

#[test]
fn ctrl_c_ends_a_command_and_keeps_the_session() {
    let mut terminal = ready();
    terminal.line("subscribe");
    terminal.sees("subscribed as");
    terminal.prompt();
    terminal.line("heartbeat --wait 90s");
    terminal.sees("(Ctrl-C stops)");
    terminal.keys(CTRL_C);
    let screen = terminal.sees("interrupted");
    assert!(!screen.contains("(Ctrl-C stops)"), "the waiting line is gone: {screen}");
    let screen = terminal.prompt();
    assert!(!last(&screen).contains("not subscribed"), "{screen}");
    terminal.line("status");
    terminal.sees("active tasks");
}

#[test]
fn ctrl_c_clears_the_line_and_twice_tells_how_to_leave() {
    let mut terminal = ready();
    terminal.keys("offers and more");
    terminal.sees("offers and more");
    terminal.keys(CTRL_C);
    terminal.prompt();
    terminal.keys(CTRL_C);
    terminal.sees("quit or Ctrl-D leaves");
    terminal.prompt();
}

#[test]
fn ctrl_d_leaves_at_once_where_nothing_runs() {
    let mut terminal = ready();
    terminal.keys(CTRL_D);
    assert_eq!(terminal.ends(), 0);
}

#[test]
fn ctrl_d_asks_about_running_tasks() {
    let mut terminal = ready();
    terminal.line("run --cmd 'sleep 600' --name nap");
    terminal.sees("RUNNING");
    let screen = terminal.prompt();
    assert!(last(&screen).contains("1 task"), "{screen}");
    terminal.keys(CTRL_D);
    terminal.sees("1 task still runs");
    terminal.line("s");
    terminal.prompt();
    terminal.line("quit");
    terminal.until("the question again", |screen| screen.matches("1 task still runs").count() == 2);
    terminal.line("l");
    terminal.sees("torn down; 1 task killed");
    assert_eq!(terminal.ends(), 0);
}

#[test]
fn what_is_typed_ahead_is_read_after_the_command() {
    let mut terminal = ready();
    terminal.line("run --cmd 'sleep 600' --name nap");
    terminal.sees("RUNNING");
    terminal.prompt();
    terminal.line("heartbeat --wait 3s");
    terminal.sees("(Ctrl-C stops)");
    terminal.keys("help quit\r");
    terminal.keys(CTRL_D);
    // The line, then Ctrl-D on an empty one.
    terminal.sees("--teardown");
    terminal.sees("1 task still runs");
}

#[test]
fn notices_come_above_the_line_being_typed() {
    let mut terminal = ready();
    terminal.line("run --cmd 'sleep 3' --name short --no-wait");
    terminal.sees("answered 202");
    terminal.prompt();
    terminal.keys("help qu");
    terminal.sees("short FINISHED");
    terminal.until("the line, unbroken", |screen| last(screen).contains("> help qu"));
    terminal.line("it");
    terminal.until("the answer", |screen| screen.contains("> help quit") && screen.contains("--teardown"));
}

#[test]
fn text_from_a_master_cannot_reach_the_terminal() {
    let body = r#"{"version": "1.11.0\u001b]0;owned\u0007\u001b[31mred", "git_sha": "\u009b2J"}"#;
    let head = "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\nconnection: close";
    let answer = format!("{head}\r\ncontent-length: {}\r\n\r\n{body}", body.len());
    let hostile = master(Some(answer)).to_string();
    let mut terminal = Terminal::start(&["--master", &hostile, "--color", "never"]);
    terminal.sees("1.11.0\\x1b]0;owned");
    terminal.line("get /version");
    terminal.prompt();
    let raw = String::from_utf8_lossy(&terminal.raw()).into_owned();
    for sequence in ["\x1b]0;", "\x1b[31m", "\x07", "\u{9b}"] {
        assert!(!raw.contains(sequence), "{sequence:?} got through");
    }
}

#[test]
fn rust_is_told_apart() {
    let mut terminal = ready();
    terminal.line("let x = 5;");
    terminal.sees("this looks like Rust");
    terminal.prompt();
}

#[test]
fn the_history_is_private_and_holds_no_secrets() {
    let mut terminal = ready();
    terminal.line("help offers");
    terminal.sees("--timeout");
    terminal.prompt();
    terminal.line("connect http://me:hunter2@127.0.0.1:1");
    terminal.sees("error");
    terminal.prompt();
    terminal.keys(CTRL_D);
    assert_eq!(terminal.ends(), 0);
    let file = terminal.home().join("state/mesos-repl/history");
    let text = std::fs::read_to_string(&file).unwrap();
    assert!(text.contains("help offers"), "{text}");
    assert!(!text.contains("hunter2"), "{text}");
    let mode = std::fs::metadata(&file).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o600);
}

#[test]
fn a_hangup_ends_it_without_a_word() {
    let mut terminal = ready();
    let pid = nix::unistd::Pid::from_raw(i32::try_from(terminal.pid()).unwrap());
    nix::sys::signal::kill(pid, nix::sys::signal::Signal::SIGHUP).unwrap();
    assert_eq!(terminal.ends(), 129);
}

#[tokio::test]
async fn a_lost_master_is_told_above_the_line_and_its_return_too() {
    let mut mesos = match RealMesos::start(1).await {
        Ok(mesos) => mesos,
        Err(why) => skip!("{why}"),
    };
    let mut terminal = Terminal::start(&["--master", &mesos.address()]);
    terminal.sees("Apache Mesos 1.11.0 answers");
    terminal.line("subscribe");
    terminal.sees("subscribed as");
    terminal.prompt();
    terminal.keys("half a li");
    terminal.sees("half a li");
    mesos.kill();
    terminal.sees("connection to the master lost");
    terminal.until("the line, unbroken", |screen| last(screen).ends_with("> half a li"));
    terminal.keys(CTRL_C);
    terminal.until("a prompt that says so", |screen| last(screen).contains("(connection lost, "));
    mesos.start_again().await;
    terminal.sees("subscribed again");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_idle_prompt_says_by_itself_how_the_session_stands() {
    let config = Config { agents: 1, docker: Docker::Never, ..Config::default() };
    let cluster = Cluster::start(config).await.unwrap();
    let mut terminal = Terminal::start(&["--master", &cluster.address().to_string()]);
    terminal.prompt();
    terminal.line("subscribe --failover-timeout 100s; offers");
    terminal.sees("LEASE");
    terminal.until("what is in hand", |screen| last(screen).contains("1 offer"));
    terminal.keys("half a li");
    let before = terminal.until("the line", |screen| last(screen).ends_with("> half a li"));
    cluster.shutdown().await;
    // Nobody types anything: the prompt changes where it stands, and the line stays.
    let after = terminal.until("the loss in the prompt", |screen| {
        last(screen).contains("s left") && screen.contains("was removed from the cluster")
    });
    assert!(last(&after).contains("(lost, ") && last(&after).ends_with("> half a li"), "{after}");
    assert_eq!(last(&after).find("> half"), last(&before).find("> half"), "{before}\n{after}");
    // One prompt: what it said before is nowhere any more.
    assert_eq!(after.matches("half a li").count(), 1, "{after}");
    // It counts down without leaving a line: the screen above stays what it was.
    let above = |screen: &str| {
        screen.lines().take_while(|line| !line.contains("half a li")).map(str::to_owned).collect::<Vec<_>>()
    };
    let later =
        terminal.until("the countdown", |screen| last(screen).contains("s left") && last(screen) != last(&after));
    assert_eq!(above(&later), above(&after));
    terminal.keys("ne");
    terminal.until("typing goes on", |screen| last(screen).ends_with("> half a line"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_killed_program_s_session_is_told_of_counted_down_and_taken_up() {
    let config = Config { agents: 1, docker: Docker::Never, ..Config::default() };
    let cluster = Cluster::start(config).await.unwrap();
    // To the program it is a master like any other.
    let master = cluster.address().to_string();
    let mut terminal = Terminal::start(&["--master", &master]);
    terminal.prompt();
    terminal.line("run --cmd 'sleep 600' --name web");
    terminal.sees("RUNNING");
    terminal.prompt();
    terminal.line("run --cmd 'exit 3' --name bad --no-wait");
    terminal.sees("bad FAILED");

    let terminal = terminal.killed_and_started(&["--master", &master]);
    let screen = terminal.sees("the master keeps it for 60 min more");
    assert!(screen.contains("with 1 task, left "), "{screen}");
    terminal.sees("is taken up again after");
    terminal.sees("still there: web RUNNING");
    // The first prompt knows it already.
    terminal.until("its task in the prompt", |screen| last(screen).contains("1 task"));

    // A master that is away: the prompt says for how long it waits.
    let kept = terminal.home().join("state/mesos-repl/sessions");
    assert_eq!(std::fs::metadata(&kept).unwrap().permissions().mode() & 0o777, 0o700);
    for file in std::fs::read_dir(&kept).unwrap() {
        assert_eq!(file.unwrap().metadata().unwrap().permissions().mode() & 0o777, 0o600);
    }
    cluster.shutdown().await;
    terminal.sees("connection to the master lost");
    let mut terminal = terminal.killed_and_started(&["--master", &master]);
    terminal.sees("the master keeps it for 60 min more");
    let screen = terminal.until("a countdown in the prompt", |screen| last(screen).contains("min left"));
    assert!(last(&screen).contains("connection lost"), "{screen}");
    terminal.line("sessions");
    terminal.sees("this one");
}

#[tokio::test]
async fn ctrl_d_can_leave_tasks_running_on_a_real_mesos() {
    let mesos = match RealMesos::start(1).await {
        Ok(mesos) => mesos,
        Err(why) => skip!("{why}"),
    };
    let mut terminal = Terminal::start(&["--master", &mesos.address()]);
    terminal.prompt();
    terminal.line("run --cmd 'sleep 600' --name nap");
    terminal.sees("RUNNING");
    terminal.prompt();
    terminal.keys(CTRL_D);
    terminal.sees("[k]eep and leave");
    terminal.line("k");
    let screen = terminal.sees("runs on; the master waits 1 h");
    assert_eq!(terminal.ends(), 0);
    let taken_up = screen.split_once("framework ").map(|(_, rest)| rest.split_whitespace().next().unwrap()).unwrap();

    let mut terminal = Terminal::start(&["--master", &mesos.address()]);
    terminal.prompt();
    terminal.line(&format!("subscribe --id {taken_up}"));
    terminal.sees("nap RUNNING");
    terminal.line("");
    terminal.until("the task that was left", |screen| last(screen).contains("1 task"));
    terminal.keys(CTRL_D);
    terminal.sees("[t]ear down");
    terminal.line("t");
    terminal.sees("torn down; 1 task killed");
    assert_eq!(terminal.ends(), 0);
}
