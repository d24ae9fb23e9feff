//! Messages: their order, their content, what runs beside what.

use std::time::{Duration, Instant};

use jupyter_protocol::{JupyterMessageContent as Content, *};
use serde_json::json;

use crate::client::{Kernel, LIMIT, cluster, get, plain, raw};

#[tokio::test(flavor = "multi_thread")]
async fn a_command_is_shown_and_answered_in_order() {
    let mut kernel = Kernel::start(&["--rust", "off"]).await;
    let ran = kernel.run("version").await;
    assert_eq!(ran.status(), &ReplyStatus::Ok, "{}", ran.text());
    let kinds: Vec<&str> = ran.outputs.iter().map(Content::message_type).collect();
    assert_eq!(kinds.first(), Some(&"execute_input"));
    assert_eq!(kinds.last(), Some(&"execute_result"));
    assert!(ran.text().contains("1.11.0"), "{}", ran.text());
    let Content::ExecuteReply(reply) = &ran.reply else { panic!("{:?}", ran.reply) };
    assert_eq!(reply.execution_count.value(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_error_is_an_error_and_what_waits_behind_it_is_aborted() {
    let mut kernel = Kernel::start(&["--rust", "off"]).await;
    kernel.run("subscribe").await;
    // Something that takes a moment, so that the others are queued behind it when it fails.
    let first = kernel.send(ExecuteRequest::new("run --cmd 'sleep 1; exit 3' --until finished".to_owned())).await;
    kernel.send(ExecuteRequest::new("tasks".to_owned())).await;
    let outputs = kernel.outputs(&first).await;
    let error = outputs.iter().find_map(|output| match output {
        Content::ErrorOutput(error) => Some(error.clone()),
        _ => None,
    });
    let error = error.expect("an error message");
    assert_eq!(error.ename, "MesosError");
    assert!(error.evalue.contains("TASK_FAILED"), "{}", error.evalue);
    let (failed, aborted) = (kernel.reply().await, kernel.reply().await);
    for (reply, want) in [(failed, ReplyStatus::Error), (aborted, ReplyStatus::Aborted)] {
        let Content::ExecuteReply(reply) = reply.content else { panic!("{reply:?}") };
        assert_eq!(reply.status, want);
    }
    assert_eq!(kernel.run("tasks").await.status(), &ReplyStatus::Ok);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_launch_is_one_picture_that_changes_in_place() {
    let mut kernel = Kernel::start(&["--rust", "off"]).await;
    kernel.run("subscribe").await;
    let ran = kernel.run("run --cmd 'sleep 2' --name nap --until finished").await;
    assert_eq!(ran.status(), &ReplyStatus::Ok, "{}", ran.text());
    let id_of = |transient: &Option<Transient>| transient.as_ref().and_then(|transient| transient.display_id.clone());
    let places: Vec<String> = ran
        .outputs
        .iter()
        .filter_map(|output| match output {
            Content::DisplayData(display) => id_of(&display.transient),
            _ => None,
        })
        .collect();
    let [place] = places.as_slice() else { panic!("one living place: {places:?}") };
    let updates = ran.outputs.iter().filter(|output| match output {
        Content::UpdateDisplayData(display) => display.transient.display_id.as_ref() == Some(place),
        _ => false,
    });
    assert!(updates.count() >= 1);
    assert!(ran.text().contains("FINISHED"), "{}", ran.text());
}

#[tokio::test(flavor = "multi_thread")]
async fn what_happens_later_goes_to_the_cell_that_brought_it_about() {
    let mut kernel = Kernel::start(&["--rust", "off"]).await;
    for (code, shown) in
        [("run --cmd 'sleep 3' --name nap", "RUNNING"), ("run --cmd 'sleep 3' --name doze --no-wait", "STAGING")]
    {
        let id = kernel.send(ExecuteRequest::new(code.to_owned())).await;
        let outputs = kernel.outputs(&id).await;
        let place = outputs.iter().find_map(|output| match output {
            Content::DisplayData(display) => display.transient.as_ref()?.display_id.clone(),
            _ => None,
        });
        let text: Vec<String> = outputs.iter().filter_map(plain).collect();
        assert!(text.concat().contains(shown), "{code}: {text:?}");
        kernel.reply().await;
        let ended = |output: &Content| match output {
            Content::UpdateDisplayData(update) if plain(output)?.contains("FINISHED") => {
                update.transient.display_id.clone()
            }
            _ => None,
        };
        assert_eq!(Some(kernel.late_output(&id, ended).await), place, "{code}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_befalls_the_framework_is_told_under_the_cell_that_subscribed() {
    let cluster = cluster().await;
    let mut kernel = Kernel::start(&["--rust", "off", "--master", &cluster.url()]).await;
    let mut thief = Kernel::start(&["--rust", "off", "--master", &cluster.url()]).await;
    let id = kernel.send(ExecuteRequest::new("subscribe".to_owned())).await;
    kernel.outputs(&id).await;
    kernel.reply().await;
    let framework = framework(&cluster.url()).await;
    assert_eq!(thief.run(&format!("subscribe --id {framework}")).await.status(), &ReplyStatus::Ok);
    let told = |output: &Content| plain(output).filter(|text| text.contains("another client has taken"));
    kernel.late_output(&id, told).await;
}

/// The id of the only framework that the master knows.
async fn framework(master: &str) -> String {
    let answer = get(master, "/frameworks").await;
    let [framework] = answer["frameworks"].as_array().unwrap().as_slice() else { panic!("{answer}") };
    framework["id"].as_str().unwrap().to_owned()
}

#[tokio::test(flavor = "multi_thread")]
async fn what_another_session_has_launched_is_killed_when_confirmed() {
    let cluster = cluster().await;
    let mut first = Kernel::start(&["--rust", "off", "--master", &cluster.url(), "--on-shutdown", "keep"]).await;
    assert_eq!(first.run("run --cmd 'sleep 600' --name nap").await.status(), &ReplyStatus::Ok);
    first.ask_control(ShutdownRequest { restart: false }).await;
    assert!(first.ended().await);
    let framework = framework(&cluster.url()).await;
    let mut second = Kernel::start(&["--rust", "off", "--master", &cluster.url()]).await;
    assert_eq!(second.run(&format!("subscribe --id {framework}")).await.status(), &ReplyStatus::Ok);
    let kill = r#"{"type": "KILL", "kill": {"task_id": {"value": "nap"}}}"#;
    for (code, answer, want) in
        [("teardown", "n", ReplyStatus::Error), (kill, "", ReplyStatus::Error), ("kill nap", "y", ReplyStatus::Ok)]
    {
        let id = second.send(ExecuteRequest { allow_stdin: true, ..ExecuteRequest::new(code.to_owned()) }).await;
        let question = second.answer(answer).await;
        assert!(question.prompt.contains("another session"), "{question:?}");
        assert!(!question.password);
        let outputs = second.outputs(&id).await;
        let Content::ExecuteReply(reply) = second.reply().await.content else { panic!("no reply") };
        assert_eq!(reply.status, want, "{code}: {outputs:?}");
        let tasks = get(&cluster.url(), "/tasks").await;
        let killed = tasks["tasks"].to_string().contains("TASK_KILLED");
        assert_eq!(killed, want == ReplyStatus::Ok, "{code}: {tasks}");
    }
    // What the front end can't be asked was typed, and that is enough.
    let quiet = ExecuteRequest {
        allow_stdin: false,
        ..ExecuteRequest::new("run --cmd 'sleep 600' --name own\nkill own".to_owned())
    };
    second.send(quiet).await;
    let Content::ExecuteReply(reply) = second.reply().await.content else { panic!("no reply") };
    assert_eq!(reply.status, ReplyStatus::Ok);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_restarted_kernel_takes_its_framework_up_again_and_a_shutdown_ends_it() {
    let cluster = cluster().await;
    let arguments = ["--rust", "off", "--master", &cluster.url()];
    let mut kernel = Kernel::start(&arguments).await;
    assert_eq!(kernel.run("run --cmd 'sleep 600' --name nap").await.status(), &ReplyStatus::Ok);
    let before = framework(&cluster.url()).await;
    kernel.ask_control(ShutdownRequest { restart: true }).await;
    assert!(kernel.ended().await);
    let folder = std::mem::replace(&mut kernel.folder, tempfile::tempdir().unwrap());
    let mut again = Kernel::start_in(folder, &arguments).await;
    let wait = again.run("wait nap running --timeout 120s").await;
    let tasks = again.run("tasks").await.text();
    assert!(tasks.contains("RUNNING"), "{} {tasks}", wait.text());
    assert_eq!(framework(&cluster.url()).await, before);
    // It was this notebook's before the restart: it ends with it.
    again.ask_control(ShutdownRequest { restart: false }).await;
    assert!(again.ended().await);
    let answer = get(&cluster.url(), "/frameworks").await;
    assert_eq!(answer["frameworks"].as_array().map(Vec::len), Some(0), "{answer}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_framework_outlives_a_shutdown_where_the_person_wants_it_to() {
    let cluster = cluster().await;
    for (arguments, cell, left) in [
        (vec!["--on-shutdown", "keep"], "subscribe", 1),
        // Taken up from somebody: not this notebook's to end.
        (vec![], "subscribe --id ID", 1),
        (vec![], "subscribe --id ID\nteardown --yes", 0),
        (vec![], "subscribe\ndetach", 1),
    ] {
        let url = cluster.url();
        let mut kernel = Kernel::start(&[vec!["--rust", "off", "--master", &url], arguments].concat()).await;
        let known = get(&url, "/frameworks").await;
        let id = known["frameworks"][0]["id"].as_str().unwrap_or_default();
        let ran = kernel.run(&cell.replace("ID", id)).await;
        assert_eq!(ran.status(), &ReplyStatus::Ok, "{}", ran.text());
        kernel.ask_control(ShutdownRequest { restart: false }).await;
        assert!(kernel.ended().await);
        let known = get(&url, "/frameworks").await;
        assert_eq!(known["frameworks"].as_array().map(Vec::len), Some(left), "{cell}: {known}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_terminal_attaches_to_the_session_and_a_second_client_sees_the_same() {
    let mut kernel = Kernel::start(&["--rust", "off"]).await;
    kernel.run("run --cmd 'sleep 600' --name nap").await;
    let line = kernel.run("%session").await.text();
    let path = line.trim().strip_prefix("mesos-repl attach --socket ").expect(&line);
    let mode = std::os::unix::fs::PermissionsExt::mode(&std::fs::metadata(path).unwrap().permissions());
    assert_eq!(mode & 0o777, 0o600);
    let mut terminal = mesos_repl::serve::Client::connect(path.as_ref()).await.unwrap();
    let tasks = terminal.run("tasks").await.unwrap().unwrap();
    assert!(tasks.contains("nap") && tasks.contains("RUNNING"), "{tasks}");
    terminal.run("kill nap").await.unwrap().unwrap();
    // A second front end on the same kernel, as `jupyter console --existing` is one.
    let mut other = kernel.second_client().await;
    let content = json!({"code": "tasks", "silent": false});
    crate::hostile::send_on(&mut other, &kernel.info.key, "execute_request", &content).await;
    let seen = |output: &Content| plain(output).filter(|text| text.contains("KILLED"));
    kernel.any_output(seen).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_waiting_cell_is_interrupted_at_once_and_nothing_is_lost() {
    let mut kernel = Kernel::start(&["--rust", "off"]).await;
    kernel.run("run --cmd 'sleep 600' --name nap").await;
    let id = waits(&mut kernel).await;
    // While it waits, the kernel completes and explains.
    kernel.send(CompleteRequest { code: "kill na".to_owned(), cursor_pos: 7 }).await;
    let Content::CompleteReply(reply) = kernel.reply().await.content else { panic!("no completion") };
    assert_eq!((reply.matches.as_slice(), reply.cursor_start), (&["nap".to_owned()][..], 5));
    kernel.ask_control(InterruptRequest {}).await;
    let outputs = kernel.outputs(&id).await;
    assert!(outputs.iter().any(|output| matches!(output, Content::ErrorOutput(error) if error.ename == "Interrupted")));
    kernel.reply().await;
    let mut took = Vec::new();
    for _ in 0..7 {
        let id = waits(&mut kernel).await;
        let begin = Instant::now();
        kernel.ask_control(InterruptRequest {}).await;
        kernel.outputs(&id).await;
        took.push(begin.elapsed());
        kernel.reply().await;
    }
    // Where others take the processor, some are late; the kernel itself isn't.
    assert!(took.iter().min() < Some(&Duration::from_millis(200)), "{took:?}");
    assert!(kernel.run("tasks").await.text().contains("RUNNING"));
}

/// Sends a cell that waits for the task `nap`, and sees it wait.
async fn waits(kernel: &mut Kernel) -> String {
    let id = kernel.send(ExecuteRequest::new("wait nap finished --timeout 600s".to_owned())).await;
    let running = |output: &Content| plain(output).filter(|text| text.contains("RUNNING"));
    kernel.late_output(&id, running).await;
    id
}

#[tokio::test(flavor = "multi_thread")]
async fn cells_in_a_subshell_run_beside_the_main_one() {
    let mut kernel = Kernel::start(&["--rust", "off"]).await;
    kernel.run("run --cmd 'sleep 600' --name nap").await;
    let made = kernel.ask_control(raw("create_subshell_request", json!({}))).await;
    let Content::UnknownMessage(made) = made else { panic!("{made:?}") };
    let subshell = made.content["subshell_id"].as_str().unwrap().to_owned();
    kernel.send(ExecuteRequest::new("wait nap killed --timeout 600s".to_owned())).await;
    let beside = json!({"code": "kill nap", "silent": false});
    crate::hostile::send_with(&mut kernel, "execute_request", &beside, json!({"subshell_id": subshell})).await;
    // Both end: the main cell waits for what the other does.
    for _ in 0..2 {
        let Content::ExecuteReply(reply) = kernel.reply().await.content else { panic!("no reply") };
        assert_eq!(reply.status, ReplyStatus::Ok);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_typed_is_found_again_after_a_restart() {
    let mut kernel = Kernel::start(&["--rust", "off"]).await;
    kernel.run("version").await;
    kernel.run("status").await;
    kernel.ask_control(ShutdownRequest { restart: true }).await;
    assert!(kernel.ended().await, "the kernel ends when told to");
    let folder = std::mem::replace(&mut kernel.folder, tempfile::tempdir().unwrap());
    let mut again = Kernel::start_in(folder, &["--rust", "off"]).await;
    again.send(HistoryRequest::Tail { n: 2, output: false, raw: true }).await;
    let reply = again.reply().await;
    let Content::HistoryReply(history) = reply.content else { panic!("{reply:?}") };
    let text = serde_json::to_string(&history.history).unwrap();
    assert_eq!(text, r#"[[1,1,"version"],[1,2,"status"]]"#);
}

#[tokio::test(flavor = "multi_thread")]
async fn cursors_count_code_points() {
    let mut kernel = Kernel::start(&["--rust", "off"]).await;
    let code = "task 'é😀' ; subscr".to_owned();
    let cursor_pos = code.chars().count();
    kernel.send(CompleteRequest { code, cursor_pos }).await;
    let Content::CompleteReply(reply) = kernel.reply().await.content else { panic!("no completion") };
    assert_eq!(reply.matches, ["subscribe"]);
    assert_eq!((reply.cursor_start, reply.cursor_end), (cursor_pos - 6, cursor_pos));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_silent_cell_shows_nothing_and_counts_nothing() {
    let mut kernel = Kernel::start(&["--rust", "off"]).await;
    let request = ExecuteRequest { silent: true, ..ExecuteRequest::new("version".to_owned()) };
    let id = kernel.send(request).await;
    assert_eq!(kernel.outputs(&id).await.len(), 0);
    kernel.reply().await;
    let Content::ExecuteReply(reply) = kernel.run("version").await.reply else { panic!("no reply") };
    assert_eq!(reply.execution_count.value(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_came_from_the_cluster_is_escaped() {
    let mut kernel = Kernel::start(&["--rust", "off"]).await;
    kernel.run("run --cmd 'echo <script>alert(1)</script>; sleep 9' --name x").await;
    let ran = kernel.run("tasks").await;
    let html: String = ran
        .outputs
        .iter()
        .filter_map(|output| match output {
            Content::ExecuteResult(result) => Some(&result.data),
            _ => None,
        })
        .flat_map(|media| media.content.iter())
        .filter_map(|media| match media {
            MediaType::Html(html) => Some(html.clone()),
            _ => None,
        })
        .collect();
    assert!(html.contains("&lt;script&gt;"), "{html}");
    assert!(!html.contains("<script>"), "{html}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_kernel_whose_parent_is_gone_leaves_no_framework_behind() {
    let cluster = cluster().await;
    let mut parent = std::process::Command::new("sleep").arg("600").spawn().unwrap();
    let (folder, named) = (tempfile::tempdir().unwrap(), parent.id().to_string());
    let arguments = ["--rust", "off", "--master", &cluster.url()];
    let mut kernel = Kernel::start_with(folder, &arguments, &[("JPY_PARENT_PID", &named)]).await;
    assert_eq!(kernel.run("run --cmd 'sleep 600' --name nap").await.status(), &ReplyStatus::Ok);
    framework(&cluster.url()).await;
    parent.kill().unwrap();
    parent.wait().unwrap();
    assert!(kernel.ended().await);
    let known = get(&cluster.url(), "/frameworks").await;
    assert_eq!(known["frameworks"].as_array().map(Vec::len), Some(0), "{known}");
}

#[tokio::test(flavor = "multi_thread")]
async fn signals_interrupt_and_end() {
    let mut kernel = Kernel::start(&["--rust", "off"]).await;
    kernel.run("run --cmd 'sleep 600' --name nap").await;
    let pid = nix::unistd::Pid::from_raw(i32::try_from(kernel.process.0.id()).unwrap());
    let mut took = Vec::new();
    for _ in 0..7 {
        let id = waits(&mut kernel).await;
        let begin = Instant::now();
        nix::sys::signal::kill(pid, nix::sys::signal::Signal::SIGINT).unwrap();
        kernel.outputs(&id).await;
        took.push(begin.elapsed());
        kernel.reply().await;
    }
    assert!(took.iter().min() < Some(&Duration::from_millis(200)), "{took:?}");
    assert!(kernel.run("tasks").await.text().contains("RUNNING"));
    nix::sys::signal::kill(pid, nix::sys::signal::Signal::SIGTERM).unwrap();
    assert!(kernel.ended().await);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_kernel_ends_with_its_parent() {
    let folder = tempfile::tempdir().unwrap();
    let ipc = folder.path().join("k").display().to_string();
    let connection = json!({"ip": ipc, "transport": "ipc", "shell_port": 1, "iopub_port": 2, "stdin_port": 3,
        "control_port": 4, "hb_port": 5, "key": "", "signature_scheme": "hmac-sha256"});
    let path = folder.path().join("c.json");
    std::fs::write(&path, connection.to_string()).unwrap();
    // A shell that ends at once leaves its child behind.
    let script = format!(
        "JPY_PARENT_PID=$$ {} run --rust off --no-docker -f {} & echo $!",
        crate::client::program(),
        path.display()
    );
    let mut child = tokio::process::Command::new("sh")
        .args(["-c", &script])
        .env("XDG_STATE_HOME", folder.path())
        .stderr(std::process::Stdio::null())
        .stdout(std::process::Stdio::piped())
        .kill_on_drop(true)
        .spawn()
        .unwrap();
    let mut line = String::new();
    use tokio::io::AsyncBufReadExt as _;
    tokio::io::BufReader::new(child.stdout.take().unwrap()).read_line(&mut line).await.unwrap();
    child.wait().await.unwrap();
    let process = std::path::PathBuf::from(format!("/proc/{}", line.trim()));
    let gone = async {
        while std::fs::read_to_string(process.join("stat")).is_ok_and(|stat| !stat.contains(") Z ")) {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    };
    tokio::time::timeout(LIMIT, gone).await.expect("the kernel has ended");
}
