//! Rust cells: what they show, what a failure costs, and that it never costs the framework.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use jupyter_protocol::{JupyterMessageContent as Content, *};
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

use crate::client::{Kernel, LIMIT, cluster, get, plain};
use crate::python::has_toolchain;

/// Runs code that fails, and returns the error's name and text.
async fn failing(kernel: &mut Kernel, code: &str) -> (String, String) {
    let ran = kernel.run(code).await;
    assert_eq!(ran.status(), &ReplyStatus::Error, "{code}: {}", ran.text());
    let error = ran.error().expect("an error message");
    (error.ename.clone(), error.traceback.join("\n"))
}

async fn fine(kernel: &mut Kernel, code: &str) -> String {
    let ran = kernel.run(code).await;
    assert_eq!(ran.status(), &ReplyStatus::Ok, "{code}: {}", ran.text());
    ran.text()
}

/// What a cell prints, or its value.
async fn shown(kernel: &mut Kernel, code: &str) -> String {
    let ran = kernel.run(code).await;
    assert_eq!(ran.status(), &ReplyStatus::Ok, "{code}: {}", ran.text());
    let result = ran.outputs.iter().filter(|output| matches!(output, Content::ExecuteResult(_)));
    ran.printed() + &result.filter_map(plain).collect::<String>()
}

/// Waits until the master has no task of this name any more but a completed one: a task's end that isn't acknowledged
/// keeps it among the others.
async fn acknowledged_to_its_end(master: &str, task: &str) {
    let look = async {
        loop {
            let state = get(master, "/state").await;
            let of = |list: &str| {
                state["frameworks"][0][list].as_array().is_some_and(|all| all.iter().any(|one| one["id"] == task))
            };
            if of("completed_tasks") && !of("tasks") {
                return;
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    };
    tokio::time::timeout(LIMIT, look).await.unwrap_or_else(|_| panic!("{task} isn't acknowledged"));
}

/// The master's own record of a task's state.
async fn recorded(master: &str, task: &str) -> String {
    let tasks = get(master, "/tasks").await;
    let found = tasks["tasks"].as_array().unwrap().iter().find(|one| one["id"] == task);
    found.unwrap_or_else(|| panic!("no {task} in {tasks}"))["state"].as_str().unwrap().to_owned()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_cell_may_fail_in_every_way_and_the_task_runs_on() {
    if !has_toolchain("a_cell_may_fail_in_every_way_and_the_task_runs_on") {
        return;
    }
    let cluster = cluster().await;
    let master = cluster.url();
    let folder = tempfile::tempdir().unwrap();
    let variables = [("MESOS_CELL_MEMORY", "2GiB"), ("RUST_LOG", "off")];
    let mut kernel = Kernel::start_with(folder, &["--master", &master], &variables).await;
    fine(&mut kernel, "let framework = mesos.subscribe(FrameworkInfo::new(\"root\", \"test\"))?;").await;
    fine(&mut kernel, "let nap = framework.launch(TaskInfo::command(\"sleep 600\").name(\"nap\"))?;").await;
    let reached = fine(&mut kernel, "println!(\"{}\", nap.wait_for(TaskState::Running, secs(30))?);").await;
    assert!(reached.contains("RUNNING"), "{reached}");

    let (name, text) = failing(&mut kernel, "let kept = 1; panic!(\"boom\");").await;
    assert_eq!(name, "Panic");
    assert!(text.contains("boom") && text.contains("are kept"), "{text}");
    let (name, text) =
        failing(&mut kernel, ":offline 1\nlet none: Option<u8> = None;\nnone.expect(\"something\");").await;
    assert_eq!(name, "Panic");
    assert!(text.contains("something"), "{text}");
    let (name, text) = failing(&mut kernel, "framework.task(\"no-such\").state()?").await;
    assert_eq!(name, "Err");
    assert!(text.contains("no-such") && text.contains("the others are kept"), "{text}");
    let (name, text) = failing(&mut kernel, "let x: i32 = \"a\";").await;
    assert_eq!(name, "CompileError");
    assert!(text.contains("mismatched types"), "{text}");
    assert!(fine(&mut kernel, "nap.state()?.name().to_owned()").await.contains("TASK_RUNNING"));

    for (number, (code, says)) in [
        ("std::process::exit(3);", "exit status: 3"),
        ("unsafe { std::ptr::null_mut::<i32>().write_volatile(1) };", "ended"),
        ("std::process::abort();", "signal: 6"),
        (
            "fn deep(n: u64) -> u64 { let a = [n; 1000]; if n == u64::MAX { 0 } else { deep(n + 1) + std::hint::black_box(a)[7] } }\ndeep(0)",
            "ended",
        ),
        ("let mut all: Vec<Vec<u8>> = Vec::new(); loop { all.push(vec![1; 32 << 20]); }", "memory allocation of"),
    ]
    .into_iter()
    .enumerate()
    {
        fine(&mut kernel, &format!("let lost{number} = 1;")).await;
        let (name, text) = failing(&mut kernel, code).await;
        assert_eq!(name, "ChildExit", "{code}: {text}");
        assert!(text.contains(says), "{code}: {text}");
        assert!(text.contains(&format!("lost{number}")) && text.contains("its tasks and `mesos` are as they were"), "{text}");
        // The master's own record is the witness: the task runs, and what is launched now is acknowledged to its end.
        assert_eq!(recorded(&master, "nap").await, "TASK_RUNNING", "after {code}");
        fine(&mut kernel, &format!("run --cmd true --name after-{number} --until finished")).await;
        acknowledged_to_its_end(&master, &format!("after-{number}")).await;
    }
    // `mesos` is bound again, and finds the framework as it was.
    let state = "mesos.subscribe(FrameworkInfo::new(\"root\", \"test\"))?.task(\"nap\").state()?.to_string()";
    assert!(fine(&mut kernel, state).await.contains("RUNNING"));
}

#[tokio::test(flavor = "multi_thread")]
async fn an_interrupt_ends_a_wait_in_place_a_compilation_before_it_runs_and_a_loop_at_last() {
    if !has_toolchain("an_interrupt_ends_a_wait_in_place_a_compilation_before_it_runs_and_a_loop_at_last") {
        return;
    }
    let mut kernel = Kernel::start(&[]).await;
    fine(&mut kernel, "let framework = mesos.subscribe(FrameworkInfo::new(\"root\", \"test\"))?; let kept = 7;").await;
    fine(&mut kernel, "let nap = framework.launch(TaskInfo::command(\"sleep 600\").name(\"nap\"))?;").await;
    let slow = "#[allow(long_running_const_eval)]\nconst SLOW: u64 = { let (mut n, mut sum) = (0u64, 0u64); \
                while n < 1_000_000_000_000 { sum = sum.wrapping_add(n); n += 1; } sum };\nprintln!(\"{SLOW}\");";
    // What is kept tells that nothing was killed but a compiler.
    for (code, shown, still) in [
        ("println!(\"it waits\"); nap.wait(secs(3000))?;", "it waits", true),
        (slow, "the cell to be compiled", true),
        ("println!(\"it spins\"); loop { std::hint::spin_loop(); }", "it spins", false),
    ] {
        let id = kernel.send(ExecuteRequest::new(code.to_owned())).await;
        kernel.late_output(&id, |output| plain(output).filter(|text| text.contains(shown))).await;
        kernel.ask_control(InterruptRequest {}).await;
        let outputs = kernel.outputs(&id).await;
        let interrupted =
            |output: &Content| matches!(output, Content::ErrorOutput(error) if error.ename == "Interrupted");
        assert!(outputs.iter().any(interrupted), "{code}: {outputs:?}");
        kernel.reply().await;
        let kept = kernel.run("kept").await;
        assert_eq!(kept.status() == &ReplyStatus::Ok, still, "{code}: {}", kept.text());
    }
    assert!(fine(&mut kernel, "tasks").await.contains("RUNNING"));
    // The process that compiles is no more than that either.
    let id = kernel.send(ExecuteRequest::new("println!(\"on\"); loop {}".to_owned())).await;
    kernel.late_output(&id, |output| plain(output).filter(|text| text.contains("on"))).await;
    let evaluator = evaluator_of(&kernel).expect("an evaluator");
    kill(Pid::from_raw(evaluator), Signal::SIGKILL).unwrap();
    let outputs = kernel.outputs(&id).await;
    let text: Vec<String> = outputs.iter().filter_map(plain).collect();
    assert!(text.concat().contains("EvaluatorExit"), "{text:?}");
    kernel.reply().await;
    assert!(fine(&mut kernel, "mesos.status()?").await.contains("subscribed"));
}

/// The process below a kernel that evaluates, if there is one.
fn evaluator_of(kernel: &Kernel) -> Option<i32> {
    let parent = kernel.process.0.id().to_string();
    let output = Command::new("ps").args(["-o", "pid=,args=", "--ppid", &parent]).output().unwrap();
    let text = String::from_utf8(output.stdout).unwrap();
    text.lines()
        .find(|line| line.ends_with(" evaluate"))
        .map(|line| line.split_whitespace().next().unwrap().parse().unwrap())
}

/// A crate that takes a while to build.
fn slow_crate(folder: &Path) -> PathBuf {
    let place = folder.join("slow");
    std::fs::create_dir_all(place.join("src")).unwrap();
    let manifest = "[package]\nname = \"slow\"\nversion = \"0.1.0\"\nedition = \"2021\"\nbuild = \"build.rs\"\n";
    std::fs::write(place.join("Cargo.toml"), manifest).unwrap();
    std::fs::write(place.join("src/lib.rs"), "pub fn seven() -> u8 { 7 }").unwrap();
    let build = "fn main() { std::thread::sleep(std::time::Duration::from_millis(2500)); }";
    std::fs::write(place.join("build.rs"), build).unwrap();
    place
}

#[tokio::test(flavor = "multi_thread")]
async fn what_cells_show_and_what_evcxrs_commands_do() {
    if !has_toolchain("what_cells_show_and_what_evcxrs_commands_do") {
        return;
    }
    let mut kernel = Kernel::start(&[]).await;
    fine(&mut kernel, "1+1").await;
    let ran = kernel.run("for n in 0..20_000 { println!(\"{n}\"); }").await;
    let streams = ran.outputs.iter().filter(|output| matches!(output, Content::StreamContent(_))).count();
    assert!(streams <= 50, "{streams} messages");
    let printed = ran.printed();
    assert!(printed.lines().eq((0..20_000).map(|n| n.to_string())), "{} lines", printed.lines().count());

    // A build's progress is shown while it lasts.
    let place = slow_crate(kernel.folder.path());
    let code = format!(":dep slow = {{ path = {place:?} }}\nslow::seven()");
    let ran = kernel.run(&code).await;
    assert_eq!(ran.status(), &ReplyStatus::Ok, "{}", ran.text());
    assert!(ran.text().contains("Compiling slow v0.1.0") && ran.text().ends_with('7'), "{}", ran.text());

    for (code, shows) in [
        (":vars", "mesos: Master"),
        (":help", "Print command help"),
        (":timing", "Timing: true"),
        ("1+1", "took "),
        (":timing", "Timing: false"),
        (":opt 0", "Optimization: 0"),
        (":clear", ""),
        // Bound again by itself.
        ("mesos.version()?", "1.11.0"),
        ("!echo a shell", "a shell"),
        ("let x = 5;\n// the last expression\nx * 2", "10"),
        ("mesos.subscribe(FrameworkInfo::new(\"root\", \"shown\"))?", "shown"),
    ] {
        let text = fine(&mut kernel, code).await;
        assert!(text.contains(shows), "{code}: {text}");
    }
    let framework = "let framework = mesos.subscribe(FrameworkInfo::new(\"root\", \"shown\"))?;\n";
    for value in [
        "framework",
        "framework.wait_for_offers(secs(30))?",
        "framework.wait_for_offers(secs(30))",
        "framework.offers()?.first()",
        "framework.offers()?[0].clone()",
        "mesos.agents()?",
        "mesos.agents()?[0]",
        "framework.launch(TaskInfo::command(\"echo hi; sleep 60\").name(\"nap\"))?.wait_for(TaskState::Running, secs(30))?",
        "framework.task(\"nap\")",
        "framework.task(\"nap\").state()?",
        "framework.task(\"nap\").logs()?",
        "framework.tasks()?",
        "TaskInfo::docker(\"nginx\")",
        "FrameworkInfo::new(\"root\", \"x\")",
        "mesos.get(\"/version\")?",
    ] {
        let ran = kernel.run(&format!("{framework}{value}")).await;
        assert_eq!(ran.status(), &ReplyStatus::Ok, "{value}: {}", ran.text());
        let result = ran.outputs.iter().find_map(|output| match output {
            Content::ExecuteResult(result) => Some(&result.data.content),
            _ => None,
        });
        let kinds = result.unwrap_or_else(|| panic!("{value} shows nothing: {:?}", ran.outputs));
        let has = |wanted: fn(&MediaType) -> bool| kinds.iter().any(wanted);
        assert!(has(|media| matches!(media, MediaType::Html(html) if html.contains('<'))), "{value}: {kinds:?}");
        assert!(has(|media| matches!(media, MediaType::Plain(text) if !text.is_empty())), "{value}: {kinds:?}");
        let text = value.contains("logs");
        assert!(
            text || has(|media| matches!(media, MediaType::Other((kind, _)) if kind.ends_with("json"))),
            "{value}: {kinds:?}"
        );
    }

    // Questions, and help.
    let asks = "println!(\"{} {}\", input(\"Who?\"), password(\"Secret\").len());";
    let id = kernel.send(ExecuteRequest { allow_stdin: true, ..ExecuteRequest::new(asks.to_owned()) }).await;
    let (first, second) = (kernel.answer("me").await, kernel.answer("12345").await);
    assert_eq!((first.prompt.as_str(), first.password, second.password), ("Who?", false, true));
    let outputs = kernel.outputs(&id).await;
    assert!(outputs.iter().filter_map(plain).any(|text| text.contains("me 5")), "{outputs:?}");
    kernel.reply().await;
    let code = "TaskInfo::docker(\"x\").cp".to_owned();
    let cursor_pos = code.len();
    kernel.send(CompleteRequest { code, cursor_pos }).await;
    let Content::CompleteReply(reply) = kernel.reply().await.content else { panic!("no completion") };
    assert!(reply.matches.iter().any(|found| found.starts_with("cpus")), "{reply:?}");
    kernel.send(InspectRequest { code: "let y = secs(3);".to_owned(), cursor_pos: 10, detail_level: None }).await;
    let Content::InspectReply(reply) = kernel.reply().await.content else { panic!("no help") };
    assert!(format!("{reply:?}").contains("So many seconds"), "{reply:?}");
}

/// What plain values look like, what is looked for before that, and who has the last word.
const SHOWN: [(&str, &str); 22] = [
    ("1+1", "2"),
    ("2.5", "2.5"),
    ("'x'", "'x'"),
    ("\"a\\n\".to_string()", "\"a\\n\""),
    ("&\"a\"[..]", "\"a\""),
    ("vec![Some(1), None]", "[Some(1), None]"),
    ("mesos.version()", "Ok(\"1.11.0\")"),
    ("(1, \"a\")", "(1, \"a\")"),
    ("()", ""),
    ("for _ in 0..2 {}", ""),
    ("if true { 1 } else { 2 }", "1"),
    ("let mut map = std::collections::HashMap::new(); map.insert(1, 2);\nmap", "{1: 2}"),
    ("let text = \"kept\".to_string();\ntext", "\"kept\""),
    ("text", "\"kept\""),
    ("std::mem::drop(mesos); mesos.version()?.len()", "6"),
    ("struct Plain; fn attach() -> u8 { 7 } attach()", "7"),
    ("#[derive(Debug)] struct Own { a: u8 }\nOwn { a: 1 }", "Own { a: 1 }"),
    ("Some(Own { a: 1 })", "Some(Own { a: 1 })"),
    ("#[derive(Debug)] struct Rich;\nimpl Rich { fn evcxr_display(&self) { println!(\"rich\"); } }\nRich", "rich\n"),
    ("Box::new(Rich)", "rich\n"),
    (
        "trait Fancy { fn evcxr_display(&self) { println!(\"fancy\"); } }\nimpl Fancy for str {}\nimpl Fancy for [Own] {}\n\
         \"a\".to_string()",
        "fancy\n",
    ),
    ("vec![Own { a: 1 }]", "fancy\n"),
];

#[tokio::test(flavor = "multi_thread")]
async fn a_plain_value_is_shown_as_ever_unless_it_shows_itself() {
    if !has_toolchain("a_plain_value_is_shown_as_ever_unless_it_shows_itself") {
        return;
    }
    let mut kernel = Kernel::start(&[]).await;
    fine(&mut kernel, "1+1").await;
    for (code, shows) in SHOWN {
        assert_eq!(shown(&mut kernel, code).await, shows, "{code}");
    }
    // As somebody has chosen, from that cell on.
    for (code, shows) in [
        (":clear", ""),
        (":fmt {:#?}\nvec![1]", "Output format: {:#?}\n[\n    1,\n]"),
        ("vec![1]", "[\n    1,\n]"),
        (":types", "Types: true\n"),
        ("Some(1)", ": Option<i32> = Some(\n    1,\n)"),
        ("mesos.version()?", ": String = \"1.11.0\""),
    ] {
        assert_eq!(shown(&mut kernel, code).await, shows, "{code}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn mesos_is_in_every_cell_unless_the_name_is_taken() {
    if !has_toolchain("mesos_is_in_every_cell_unless_the_name_is_taken") {
        return;
    }
    let mut kernel = Kernel::start(&[]).await;
    fine(&mut kernel, "1+1").await;
    for (code, shows) in [
        (":type mesos", "mesos: Master"),
        ("fn of(mesos: &Master) -> Result<String, Error> { mesos.version() }\nof(&mesos)?", "1.11.0"),
        ("let versions = [mesos].map(|mesos| mesos.version().is_ok());\nversions", "[true]"),
        ("let same = mesos; let mesos = \"mine\";\nmesos.len()", "4"),
        ("mesos", "mine"),
        (":vars", "mesos: &str"),
        ("same.version()?", "1.11.0"),
        (":clear", ""),
        (":vars", "mesos: Master"),
        ("mesos.version()?", "1.11.0"),
        ("let mesos = 7;", ""),
        ("mesos + 1", "8"),
    ] {
        let text = fine(&mut kernel, code).await;
        assert!(text.contains(shows), "{code}: {text}");
    }
    // Who has taken the name loses it like any other variable; then it is the handle's again.
    let (_, text) = failing(&mut kernel, "std::process::exit(3);").await;
    assert!(text.contains("Lost: mesos."), "{text}");
    assert!(fine(&mut kernel, "mesos.version()?").await.contains("1.11.0"));

    // What the compiler says points at the person's own text.
    let (_, text) = failing(&mut kernel, "let wrong: i32 = mesos;").await;
    let pointed = format!("     | {}\x1b[31m^^^^^ expected `i32`, found `Master`", " ".repeat(17));
    assert!(text.contains(&pointed), "{text}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_task_that_a_cell_launches_is_pictured_under_it_to_its_end() {
    if !has_toolchain("a_task_that_a_cell_launches_is_pictured_under_it_to_its_end") {
        return;
    }
    let cluster = cluster().await;
    let mut other = Kernel::start(&["--rust", "off", "--master", &cluster.url(), "--on-shutdown", "keep"]).await;
    fine(&mut other, "run --cmd 'sleep 60' --name foreign").await;
    other.ask_control(ShutdownRequest { restart: false }).await;
    assert!(other.ended().await);
    let known = get(&cluster.url(), "/frameworks").await;
    let framework = known["frameworks"][0]["id"].as_str().unwrap();
    let mut kernel = Kernel::start(&["--master", &cluster.url(), "--rust", "lazy"]).await;
    fine(&mut kernel, &format!("subscribe --id {framework}")).await;
    // Nothing of Rust runs until a cell wants it.
    assert_eq!(evaluator_of(&kernel), None);

    let code = "let framework = mesos.subscribe(FrameworkInfo::new(\"root\", \"mesos-repl\"))?;\n\
                let nap = framework.launch(TaskInfo::command(\"sleep 4\").name(\"nap\"))?;";
    let id = kernel.send(ExecuteRequest::new(code.to_owned())).await;
    let outputs = kernel.outputs(&id).await;
    kernel.reply().await;
    assert!(outputs.iter().filter_map(plain).any(|text| text.contains("nap  STAGING")), "{outputs:?}");
    kernel.late_output(&id, |output| plain(output).filter(|text| text.contains("FINISHED"))).await;

    let kill = "framework.task(\"foreign\").kill()?;";
    for (answer, want) in [("n", ReplyStatus::Error), ("y", ReplyStatus::Ok)] {
        let id = kernel.send(ExecuteRequest { allow_stdin: true, ..ExecuteRequest::new(kill.to_owned()) }).await;
        assert!(kernel.answer(answer).await.prompt.contains("foreign"));
        let outputs = kernel.outputs(&id).await;
        let Content::ExecuteReply(reply) = kernel.reply().await.content else { panic!("no reply") };
        assert_eq!(reply.status, want, "{outputs:?}");
    }
}

/// Links to everything in a folder but one entry; the place of the links.
fn without(folder: &Path, entry: &str, place: PathBuf) -> PathBuf {
    std::fs::create_dir_all(&place).unwrap();
    for there in std::fs::read_dir(folder).unwrap().flatten().filter(|there| there.file_name() != entry) {
        std::os::unix::fs::symlink(there.path(), place.join(there.file_name())).unwrap();
    }
    place
}

const SUBSCRIBE: &str =
    r#"{"type": "SUBSCRIBE", "subscribe": {"framework_info": {"user": "root", "name": "no Rust needed"}}}"#;

#[tokio::test(flavor = "multi_thread")]
async fn what_a_machine_lacks_is_said_and_everything_else_works() {
    if !has_toolchain("what_a_machine_lacks_is_said_and_everything_else_works") {
        return;
    }
    // No Rust at all.
    let folder = tempfile::tempdir().unwrap();
    let nowhere = folder.path().join("nowhere").display().to_string();
    let bare = [("PATH", nowhere.as_str()), ("HOME", nowhere.as_str()), ("XDG_CACHE_HOME", nowhere.as_str())];
    let mut kernel = Kernel::start_with(folder, &[], &bare).await;
    let (name, text) = failing(&mut kernel, "1+1").await;
    assert_eq!(name, "RustUnavailable");
    assert!(text.contains("rustup.rs"), "{text}");
    assert!(fine(&mut kernel, "version").await.contains("1.11.0"));
    assert!(fine(&mut kernel, SUBSCRIBE).await.contains("subscribed as"));
    drop(kernel);

    // Rust without its sources, and no network: types that can be told are.
    let sysroot = Command::new("rustc").args(["--print", "sysroot"]).output().unwrap().stdout;
    let sysroot = PathBuf::from(String::from_utf8(sysroot).unwrap().trim());
    let folder = tempfile::tempdir().unwrap();
    let fake = without(&sysroot, "lib", folder.path().join("rust"));
    without(&sysroot.join("lib"), "rustlib", fake.join("lib"));
    without(&sysroot.join("lib/rustlib"), "src", fake.join("lib/rustlib"));
    let tools = folder.path().join("tools");
    std::fs::create_dir(&tools).unwrap();
    let rustc = format!("#!/bin/sh\nexec {}/bin/rustc --sysroot {} \"$@\"\n", sysroot.display(), fake.display());
    std::fs::write(tools.join("rustc"), rustc).unwrap();
    let executable = std::os::unix::fs::PermissionsExt::from_mode(0o755);
    std::fs::set_permissions(tools.join("rustc"), executable).unwrap();
    std::os::unix::fs::symlink(sysroot.join("bin/cargo"), tools.join("cargo")).unwrap();
    let (path, cache) = (format!("{}:/usr/bin:/bin", tools.display()), folder.path().display().to_string());
    let variables = [("PATH", path.as_str()), ("XDG_CACHE_HOME", cache.as_str()), ("CARGO_NET_OFFLINE", "true")];
    let mut kernel = Kernel::start_with(folder, &[], &variables).await;
    assert!(fine(&mut kernel, "1+1").await.ends_with('2'));
    fine(&mut kernel, "let x: i32 = 7; let offers: Option<Offers> = None;").await;
    assert!(fine(&mut kernel, "println!(\"{x} {}\", mesos.version()?);").await.contains("7 1.11.0"));
    let ran = kernel.run("let y = mesos.version()?;").await;
    if ran.status() == &ReplyStatus::Error {
        assert!(ran.text().contains("rustup component add rust-src"), "{}", ran.text());
    }
}
