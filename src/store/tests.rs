//! A session's file on a real disk: what comes back of it, whose it is, and what a disk that refuses does.

use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::time::Duration;

use super::*;
use crate::mesos::{Event, FrameworkInfo, TaskInfo, TaskState, decode_event};
use crate::state::{State, Task};
use serde_json::json;

const MASTER: &str = "http://m:5050";

fn folder() -> (tempfile::TempDir, Folder) {
    let place = tempfile::tempdir().unwrap();
    let folder = Folder::at(place.path().join("state/mesos-repl/sessions"));
    (place, folder)
}

fn named(folder: &Folder, name: &str) -> Result<Found, Trouble> {
    open(folder, &Naming::Named(name.to_owned()), MASTER)
}

fn entry(ms: u64, fact: Fact) -> Entry {
    Entry { at: Duration::from_millis(ms), fact }
}

fn update(task: &str, state: &str, uuid: u8) -> Fact {
    use base64::Engine as _;
    let uuid = base64::engine::general_purpose::STANDARD.encode([uuid; 16]);
    let status = json!({"task_id": {"value": task}, "state": state, "agent_id": {"value": "S0"}, "uuid": uuid});
    Fact::Update(json!({"type": "UPDATE", "update": {"status": status}}).to_string().into())
}

fn launch(call: u64, task: &str) -> Fact {
    let task = TaskInfo { task_id: task.into(), name: task.into(), agent_id: "S0".into(), ..TaskInfo::default() };
    Fact::Call(Box::new(Called { call, kind: "ACCEPT".into(), tasks: vec![task], hostname: "a".into(), task: None }))
}

fn head(name: &str) -> Vec<Entry> {
    let begin = Begin { started: 1_000, session: name.into(), program: "0".into(), master: MASTER.into() };
    let info =
        FrameworkInfo { name: "x".into(), user: "root".into(), failover_timeout: Some(60.0), ..Default::default() };
    vec![
        entry(0, Fact::Begin(Box::new(begin))),
        entry(0, Fact::Opened(Opened { pid: std::process::id() })),
        entry(0, Fact::Framework(Box::new(Framework { info, mark: Some("mark".into()) }))),
    ]
}

/// A session's life: registered, two tasks launched, one ended, one call without an answer.
fn life() -> Vec<Entry> {
    vec![
        entry(1, Fact::Connected(Connected { id: "F".into() })),
        entry(2, launch(1, "a")),
        entry(3, Fact::Answered(Answered { call: 1, taken: true })),
        entry(4, update("a", "TASK_RUNNING", 1)),
        entry(5, Fact::Acknowledged(Acknowledged { task: "a".into(), uuid: "AQEBAQEBAQEBAQEBAQEBAQ==".into() })),
        entry(6, launch(2, "b")),
        entry(7, update("a", "TASK_FINISHED", 2)),
        entry(8, Fact::Lost),
    ]
}

fn begun(found: &Found, name: &str) {
    found.store.renew();
    found.store.fill(head(name));
    found.store.settle();
}

fn states(kept: &Kept) -> Vec<(String, TaskState)> {
    kept.state.tasks.iter().map(|task: &Task| (task.id.to_string(), task.state.clone())).collect()
}

#[tokio::test]
async fn what_was_recorded_comes_back() {
    let (_place, folder) = folder();
    let found = named(&folder, "work").unwrap();
    assert!(found.kept.is_none());
    begun(&found, "work");
    let mark = found.store.append(life());
    found.store.durable(mark).await;
    assert_eq!(found.store.progress().borrow().trouble, None);
    // A process that is killed closes nothing.
    let bytes = std::fs::read(found.store.path()).unwrap();
    found.store.close().await;
    assert_eq!(std::fs::read(found.store.path()).unwrap(), bytes);

    let again = named(&folder, "work").unwrap();
    assert_eq!(again.told, [""; 0]);
    let kept = again.kept.unwrap();
    assert_eq!((kept.session.as_str(), kept.master.as_str()), ("work", MASTER));
    assert_eq!((kept.id().unwrap().as_str(), kept.mark.as_deref()), ("F", Some("mark")));
    assert_eq!((kept.standing, kept.last.as_millis()), (Standing::Lost(Duration::from_millis(8)), 8));
    assert_eq!(states(&kept), [("a".into(), TaskState::Finished), ("b".into(), TaskState::Staging)]);
    let history: Vec<_> = kept.state.tasks.get("a").unwrap().history().map(|one| one.acknowledged_after).collect();
    assert_eq!(history, [Some(Duration::from_millis(1)), None]);
    assert_eq!(kept.open.keys().collect::<Vec<_>>(), [&2]);
    assert_eq!(kept.failover_timeout(), Duration::from_secs(60));
    // It goes on where it was.
    let mark = again.store.append(vec![entry(9, update("b", "TASK_RUNNING", 3))]);
    again.store.durable(mark).await;
    again.store.close().await;
    let kept = named(&folder, "work").unwrap().kept.unwrap();
    assert_eq!(states(&kept)[1].1, TaskState::Running);
}

#[tokio::test]
async fn a_file_that_was_cut_anywhere_gives_back_what_was_whole() {
    let (_place, folder) = folder();
    let found = named(&folder, "cut").unwrap();
    begun(&found, "cut");
    found.store.append(life());
    found.store.close().await;
    let whole = std::fs::read(found.store.path()).unwrap();
    let records: Vec<usize> = memchr::memchr_iter(b'\n', &whole).map(|at| at + 1).collect();
    for cut in 0..=whole.len() {
        std::fs::write(found.store.path(), &whole[..cut]).unwrap();
        let again = named(&folder, "cut").unwrap();
        // The first line and the record that says whose it is come before everything.
        let complete = records.iter().filter(|end| **end <= cut).count();
        match &again.kept {
            None => assert!(complete < 2, "{cut}"),
            Some(kept) => {
                assert_eq!(kept.has_framework(), complete >= 4, "{cut}");
                assert_eq!(kept.id().is_some(), complete >= 5, "{cut}");
                let tasks = usize::from(complete >= 6) + usize::from(complete >= 10);
                assert_eq!(kept.state.tasks.len(), tasks, "{cut}");
                assert_eq!(kept.state.tasks.get("a").is_some_and(Task::is_over), complete >= 11, "{cut}");
            }
        }
        assert!(again.told.len() <= 1 && (again.told.is_empty() || complete == 0), "{cut}: {:?}", again.told);
        // What is recorded next is there, whatever was cut off. (Not each time: a disk is slow.)
        if cut % 13 != 0 && !records.contains(&cut) {
            again.store.close().await;
            continue;
        }
        if again.kept.is_some() {
            again.store.append(vec![entry(50, update("late", "TASK_RUNNING", 9))]);
        }
        again.store.close().await;
        if complete >= 2 {
            let kept = named(&folder, "cut").unwrap().kept.unwrap();
            assert!(kept.state.tasks.get("late").is_some(), "{cut}");
        }
    }
}

#[tokio::test]
async fn damage_is_put_aside_and_the_rest_is_read() {
    let (_place, folder) = folder();
    let found = named(&folder, "hurt").unwrap();
    begun(&found, "hurt");
    found.store.append(life());
    found.store.close().await;
    let mut bytes = std::fs::read(found.store.path()).unwrap();
    let at = memchr::memmem::find(&bytes, b"TASK_RUNNING").unwrap();
    bytes[at] = b'X';
    std::fs::write(found.store.path(), &bytes).unwrap();
    let again = named(&folder, "hurt").unwrap();
    assert!(again.damaged && again.told[0].contains("damaged"), "{:?}", again.told);
    let kept = again.kept.unwrap();
    assert_eq!(states(&kept), [("a".into(), TaskState::Finished), ("b".into(), TaskState::Staging)]);
    assert_eq!(aside(folder.path()), [bytes]);
    again.store.close().await;

    // Something that was never ours is kept too, and the session begins anew.
    std::fs::write(found.store.path(), "#!/bin/sh\necho precious\n").unwrap();
    let again = named(&folder, "hurt").unwrap();
    assert!(again.kept.is_none() && again.told[0].contains("no session's file"), "{:?}", again.told);
    assert!(aside(folder.path()).iter().any(|bytes| bytes.ends_with(b"echo precious\n")));
}

fn aside(folder: &Path) -> Vec<Vec<u8>> {
    let all = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    all.filter(|path| path.to_str().unwrap().contains(".broken-")).map(|path| std::fs::read(path).unwrap()).collect()
}

#[tokio::test]
async fn what_a_newer_program_wrote_is_left_alone() {
    let (_place, folder) = folder();
    named(&folder, "new").unwrap().store.close().await;
    let path = folder.path().join("new.session");
    std::fs::write(&path, "mesos-repl session 7\nwhatever\n").unwrap();
    match named(&folder, "new") {
        Err(trouble @ Trouble::Newer { version: 7, .. }) => assert!(trouble.to_string().contains("newer mesos-repl")),
        other => panic!("{other:?}"),
    }
    assert_eq!(std::fs::read_to_string(&path).unwrap(), "mesos-repl session 7\nwhatever\n");
    assert!(matches!(folder.look("new").unwrap().unwrap().kept, Err(Trouble::Newer { .. })));
}

#[tokio::test]
async fn only_its_owner_may_look_and_only_one_process_may_write() {
    let (_place, folder) = folder();
    let first = open(&folder, &Naming::ByMaster, MASTER).unwrap();
    begun(&first, "m:5050");
    let mark = first.store.mark();
    first.store.durable(mark).await;
    let mode = |path: &Path| std::fs::metadata(path).unwrap().permissions().mode() & 0o7777;
    assert_eq!((mode(folder.path()), mode(&first.store.path())), (0o700, 0o600));
    match named(&folder, "m:5050") {
        Err(Trouble::Busy { name, pid }) => {
            assert_eq!((name.as_str(), pid), ("m:5050", Some(std::process::id())));
        }
        other => panic!("{other:?}"),
    }
    assert!(folder.look("m:5050").unwrap().unwrap().busy);
    assert!(matches!(folder.forget("m:5050"), Err(Trouble::Busy { .. })));
    // Another prompt on the same master has a name of its own, and is told why.
    let second = open(&folder, &Naming::ByMaster, MASTER).unwrap();
    assert_eq!(second.store.name(), "m:5050.2");
    assert!(second.told[0].contains("in use by process") && second.told[0].contains("m:5050.2"), "{:?}", second.told);
    // The file that takes the first one's place is locked as that was.
    begun(&first, "m:5050");
    first.store.durable(first.store.mark()).await;
    assert!(matches!(named(&folder, "m:5050"), Err(Trouble::Busy { .. })));
    first.store.close().await;
    second.store.close().await;
    assert!(!folder.path().join("m:5050.2.session").exists(), "nothing was recorded in it");
    assert!(!folder.look("m:5050").unwrap().unwrap().busy);

    // A file and a folder that stand open to others are closed to them.
    let open_to_all = std::fs::Permissions::from_mode(0o755);
    std::fs::set_permissions(folder.path(), open_to_all.clone()).unwrap();
    std::fs::set_permissions(first.store.path(), open_to_all).unwrap();
    named(&folder, "m:5050").unwrap();
    assert_eq!((mode(folder.path()), mode(&first.store.path())), (0o700, 0o600));
}

#[tokio::test]
async fn what_belongs_to_others_is_not_touched() {
    let (place, folder) = folder();
    named(&folder, "x").unwrap().store.close().await;
    let elsewhere = place.path().join("elsewhere");
    std::fs::write(&elsewhere, "precious").unwrap();
    std::os::unix::fs::symlink(&elsewhere, folder.path().join("link.session")).unwrap();
    assert!(matches!(named(&folder, "link"), Err(Trouble::Io { .. })));
    assert_eq!(std::fs::read_to_string(&elsewhere).unwrap(), "precious");
    if !nix::unistd::geteuid().is_root() {
        return;
    }
    std::fs::write(folder.path().join("theirs.session"), "").unwrap();
    std::os::unix::fs::chown(folder.path().join("theirs.session"), Some(4711), None).unwrap();
    assert!(matches!(named(&folder, "theirs"), Err(Trouble::Owner { .. })));
}

#[tokio::test]
async fn a_session_belongs_to_its_master() {
    let (_place, folder) = folder();
    let found = named(&folder, "work").unwrap();
    begun(&found, "work");
    found.store.append(life());
    found.store.close().await;
    match open(&folder, &Naming::Named("work".into()), "http://other:5050") {
        Err(trouble @ Trouble::Elsewhere { .. }) => {
            assert_eq!(trouble.to_string(), "session work belongs to the master at http://m:5050, with framework F");
        }
        other => panic!("{other:?}"),
    }
    // Whatever is found there, a name is only a name.
    for name in ["../x", "/etc/passwd", ".x", "", "a/b"] {
        assert!(matches!(named(&folder, name), Err(Trouble::Name { .. })), "{name}");
    }
    folder.forget("work").unwrap();
    assert!(matches!(folder.forget("work"), Err(Trouble::Unknown { .. })));
    assert!(folder.list().unwrap().is_empty());
}

#[tokio::test]
async fn an_own_session_leaves_nothing_unless_it_has_something() {
    let (_place, folder) = folder();
    let found = open(&folder, &Naming::Own("script"), MASTER).unwrap();
    found.store.close().await;
    assert!(!folder.path().exists());
    let found = open(&folder, &Naming::Own("script"), MASTER).unwrap();
    begun(&found, found.store.name());
    found.store.append(life());
    found.store.clear();
    found.store.close().await;
    assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 0);
    let found = open(&folder, &Naming::Own("script"), MASTER).unwrap();
    begun(&found, found.store.name());
    found.store.close().await;
    let listed = folder.list().unwrap();
    assert!(listed.len() == 1 && listed[0].name.starts_with("script-"), "{listed:?}");
}

#[tokio::test]
async fn a_new_framework_takes_the_old_ones_place_at_once() {
    let (_place, folder) = folder();
    let found = named(&folder, "work").unwrap();
    begun(&found, "work");
    found.store.durable(found.store.append(life())).await;
    let old = std::fs::read(found.store.path()).unwrap();
    // Until it is complete, the old file is what a crash would leave.
    found.store.renew();
    found.store.fill(head("work"));
    found.store.append(vec![entry(20, update("c", "TASK_RUNNING", 7))]);
    found.store.durable(found.store.mark()).await;
    let during = std::fs::read(found.store.path()).unwrap();
    assert!(during.starts_with(&old) && during.len() > old.len());
    found.store.settle();
    found.store.close().await;
    let kept = named(&folder, "work").unwrap().kept.unwrap();
    assert_eq!(states(&kept), [("c".into(), TaskState::Running)]);
    assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 1);
}

#[tokio::test]
async fn facts_of_a_state_give_that_state_back() {
    let mut state = State::new(std::time::SystemTime::now());
    for (at, fact) in [(4, update("a", "TASK_STARTING", 1)), (5, update("a", "TASK_RUNNING", 2))] {
        let Fact::Update(event) = fact else { panic!() };
        let Ok(Event::Update(record)) = decode_event(event) else { panic!() };
        state.tasks.update(&record, Duration::from_millis(at));
    }
    state.tasks.acknowledged("a", &[1; 16], Duration::from_millis(9));
    let mut kept = Kept::new(&Begin { started: 0, session: "s".into(), program: "0".into(), master: "m".into() });
    // In the order in which a file that is written anew may have them: the newest update twice.
    let mut facts: Vec<Entry> = state.tasks.iter().flat_map(of_task).collect();
    facts.push(entry(5, update("a", "TASK_RUNNING", 2)));
    facts.into_iter().for_each(|entry| kept.take(entry.at, entry.fact));
    let told = |state: &State| format!("{:?}", state.tasks.get("a").unwrap().history().collect::<Vec<_>>());
    assert_eq!(told(&kept.state), told(&state));
}

/// A file system of that many KiB; none where this process may not mount one.
fn small_disk(kib: usize) -> Option<Disk> {
    let place = tempfile::tempdir().unwrap();
    let path = place.path().to_str().unwrap().to_owned();
    let mounted = std::process::Command::new("mount")
        .args(["-t", "tmpfs", "-o", &format!("size={kib}k,mode=700"), "tmpfs", &path])
        .output();
    mounted.is_ok_and(|output| output.status.success()).then_some(Disk(place))
}

struct Disk(tempfile::TempDir);

impl Drop for Disk {
    fn drop(&mut self) {
        let _ = std::process::Command::new("umount").arg(self.0.path()).status();
    }
}

#[tokio::test]
async fn a_full_disk_is_said_and_costs_nothing_that_was_recorded() {
    let Some(disk) = small_disk(256) else {
        use std::io::Write as _;
        let _ = writeln!(std::io::stderr(), "SKIPPED store::tests: no file system can be mounted here to be filled");
        return;
    };
    let folder = Folder::at(disk.0.path().join("sessions"));
    let found = named(&folder, "full").unwrap();
    begun(&found, "full");
    found.store.durable(found.store.append(life())).await;
    let recorded = std::fs::read(found.store.path()).unwrap();
    std::fs::write(disk.0.path().join("ballast"), vec![0; 200 << 10]).unwrap();
    // More than there is room for. Nobody waits for a disk that refuses.
    let many = (0..2_000u64).map(|number| entry(100 + number, update(&format!("t{number}"), "TASK_RUNNING", 1)));
    let mark = found.store.append(many.collect());
    tokio::time::timeout(Duration::from_secs(4), found.store.durable(mark)).await.unwrap();
    let trouble = found.store.progress().borrow().trouble.clone().unwrap();
    assert!(trouble.contains("No space left"), "{trouble}");
    let now = std::fs::read(found.store.path()).unwrap();
    assert!(now.starts_with(&recorded));
    let kept = folder.look("full").unwrap().unwrap().kept.unwrap().unwrap();
    assert_eq!(states(&kept)[0], ("a".into(), TaskState::Finished));
    // With room again, all is written anew by whoever knows it.
    std::fs::remove_file(disk.0.path().join("ballast")).unwrap();
    let mut progress = found.store.progress();
    let asked = progress.wait_for(|progress| progress.renew);
    tokio::time::timeout(Duration::from_secs(20), asked).await.unwrap().unwrap();
    begun(&found, "full");
    found.store.append(vec![entry(5_000, update("after", "TASK_RUNNING", 1))]);
    let well = progress.wait_for(|progress| progress.trouble.is_none());
    tokio::time::timeout(Duration::from_secs(4), well).await.unwrap().unwrap();
    found.store.close().await;
    let kept = named(&folder, "full").unwrap().kept.unwrap();
    assert_eq!(states(&kept), [("after".into(), TaskState::Running)]);
    // A file can't even be made, and that is said in the same way.
    std::fs::write(disk.0.path().join("ballast"), vec![0; 300 << 10]).unwrap_err();
    let other = open(&folder, &Naming::Own("script"), MASTER).unwrap();
    begun(&other, "other");
    tokio::time::timeout(Duration::from_secs(4), other.store.durable(other.store.mark())).await.unwrap();
    assert!(other.store.progress().borrow().trouble.is_some());
    other.store.close().await;
}
