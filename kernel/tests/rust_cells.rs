//! Rust cells: what they show, what a failure costs, and that it never costs the framework.

use jupyter_protocol::{JupyterMessageContent as Content, *};
use std::time::{Duration, Instant};

use crate::client::Kernel;
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

#[tokio::test(flavor = "multi_thread")]
async fn a_cell_may_fail_in_every_way_and_the_task_runs_on() {
    if !has_toolchain("a_cell_may_fail_in_every_way_and_the_task_runs_on") {
        return;
    }
    let mut kernel = Kernel::start(&[]).await;
    fine(&mut kernel, "let framework = mesos.subscribe(FrameworkInfo::new(\"root\", \"test\"))?;").await;
    fine(&mut kernel, "let nap = framework.launch(TaskInfo::command(\"sleep 600\").name(\"nap\"))?;").await;
    let reached = fine(&mut kernel, "println!(\"{}\", nap.wait_for(TaskState::Running, secs(30))?);").await;
    assert!(reached.contains("RUNNING"), "{reached}");

    let (name, text) = failing(&mut kernel, "let kept = 1; panic!(\"boom\");").await;
    assert_eq!(name, "Panic");
    assert!(text.contains("boom") && text.contains("are kept"), "{text}");
    let (name, text) = failing(&mut kernel, "framework.task(\"no-such\").state()?").await;
    assert_eq!(name, "Err");
    assert!(text.contains("no-such"), "{text}");
    let (name, text) = failing(&mut kernel, "let x: i32 = \"a\";").await;
    assert_eq!(name, "CompileError");
    assert!(text.contains("mismatched types"), "{text}");
    assert!(fine(&mut kernel, "nap.state()?.name().to_owned()").await.contains("TASK_RUNNING"));

    for (code, says) in [
        ("std::process::exit(3);", "exit status: 3"),
        ("unsafe { std::ptr::null_mut::<i32>().write_volatile(1) };", "ended"),
        ("std::process::abort();", "signal: 6"),
        (
            "fn deep(n: u64) -> u64 { let a = [n; 1000]; if n == u64::MAX { 0 } else { deep(n + 1) + std::hint::black_box(a)[7] } }\ndeep(0)",
            "ended",
        ),
        ("let v: Vec<u8> = vec![1; 1 << 62]; v[7]", ""),
    ] {
        let (name, text) = failing(&mut kernel, code).await;
        assert!(matches!(name.as_str(), "ChildExit" | "Panic"), "{code}: {name} {text}");
        assert!(text.contains(says), "{code}: {text}");
        // `mesos` is bound again, the framework and its task are as they were.
        let state = fine(
            &mut kernel,
            "mesos.subscribe(FrameworkInfo::new(\"root\", \"test\"))?.task(\"nap\").state()?.to_string()",
        )
        .await;
        assert!(state.contains("RUNNING"), "after {code}: {state}");
    }
    // The master's own record is the witness.
    let record = fine(&mut kernel, "get /tasks").await;
    assert!(record.contains("nap") && record.contains("TASK_RUNNING"), "{record}");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_interrupt_ends_a_wait_in_place_and_a_loop_at_last() {
    if !has_toolchain("an_interrupt_ends_a_wait_in_place_and_a_loop_at_last") {
        return;
    }
    let mut kernel = Kernel::start(&[]).await;
    fine(&mut kernel, "let framework = mesos.subscribe(FrameworkInfo::new(\"root\", \"test\"))?; let kept = 7;").await;
    fine(&mut kernel, "let nap = framework.launch(TaskInfo::command(\"sleep 600\").name(\"nap\"))?;").await;
    for (code, still) in [("nap.wait(secs(300))?;", true), ("loop { std::hint::spin_loop(); }", false)] {
        let id = kernel.send(ExecuteRequest::new(code.to_owned())).await;
        tokio::time::sleep(Duration::from_secs(4)).await;
        let begin = Instant::now();
        kernel.ask_control(InterruptRequest {}).await;
        let outputs = kernel.outputs(&id).await;
        assert!(begin.elapsed() < Duration::from_secs(10), "{code}: {:?}", begin.elapsed());
        let interrupted =
            |output: &Content| matches!(output, Content::ErrorOutput(error) if error.ename == "Interrupted");
        assert!(outputs.iter().any(interrupted), "{code}: {outputs:?}");
        kernel.reply().await;
        let kept = kernel.run("kept").await;
        assert_eq!(kept.status() == &ReplyStatus::Ok, still, "{code}: {}", kept.text());
    }
    assert!(fine(&mut kernel, "tasks").await.contains("RUNNING"));
}

#[tokio::test(flavor = "multi_thread")]
async fn many_lines_are_few_messages() {
    if !has_toolchain("many_lines_are_few_messages") {
        return;
    }
    let mut kernel = Kernel::start(&[]).await;
    fine(&mut kernel, "1+1").await;
    let ran = kernel.run("for n in 0..20_000 { println!(\"{n}\"); }").await;
    let streams = ran.outputs.iter().filter(|output| matches!(output, Content::StreamContent(_))).count();
    assert!(streams <= 50, "{streams} messages");
    let printed = ran.printed();
    assert!(printed.lines().eq((0..20_000).map(|n| n.to_string())), "{} lines", printed.lines().count());
}
