//! A real Apache Mesos that wants to know who asks: frameworks, operators and readers, on master and agents.

use std::io::Write as _;
use std::process::{Command, Stdio};

use super::*;
use crate::support::nginx::restrict;
use crate::support::real_mesos::RealMesos;

/// A master and an agent that know alice and nobody else.
async fn guarded() -> Result<(RealMesos, tempfile::TempDir), String> {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("credentials");
    let known = serde_json::json!({"credentials": [{"principal": PRINCIPAL, "secret": SECRET}]});
    std::fs::write(&file, known.to_string()).unwrap();
    restrict(&file);
    let file = file.display().to_string();
    let settings = [
        ("MESOS_CREDENTIALS", file.as_str()),
        ("MESOS_HTTP_CREDENTIALS", file.as_str()),
        ("MESOS_AUTHENTICATE_HTTP_FRAMEWORKS", "true"),
        ("MESOS_HTTP_FRAMEWORK_AUTHENTICATORS", "basic"),
        ("MESOS_AUTHENTICATE_HTTP_READONLY", "true"),
        ("MESOS_AUTHENTICATE_HTTP_READWRITE", "true"),
    ];
    Ok((RealMesos::guarded(1, &settings, (PRINCIPAL, SECRET)).await?, folder))
}

macro_rules! mesos {
    () => {
        match guarded().await {
            Ok(mesos) => mesos,
            Err(why) => crate::skip!("{why}"),
        }
    };
}

#[tokio::test(flavor = "multi_thread")]
async fn whoever_it_knows_works_with_it() {
    let (mesos, _folder) = mesos!();
    let person = Person::at(&mesos.address(), Access { trust_agents: true, ..alice() });
    person.works().await;
    person.does("subscribe").await;
    person.does("run --cmd 'echo hello; sleep 300' --name web").await;
    assert!(person.does("logs web").await.contains("hello"));
    person.does("files web").await;
    // It calls itself localhost, and we don't.
    let masters = person.does("masters").await;
    assert!(masters.contains("leads") && !masters.contains("stands by"), "{masters}");
    assert!(person.does("get /state .frameworks[0].principal").await.contains(PRINCIPAL));
    person.does("teardown").await;
    person.engine.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn agents_aren_t_told_who_we_are_unless_they_may() {
    let (mesos, _folder) = mesos!();
    // The agent has the master's own address here, which is named; another name for it isn't the agent's.
    let master = mesos.address().replace("127.0.0.1", "localhost");
    let person = Person::at(&master, alice());
    // Of an agent in the master's own process, this is what wants to know who asks.
    person.fails("get /state --agent localhost", &["wasn't told", "--trust-agents"]).await;
    person.engine.close().await;
    let trusted = Person::at(&master, Access { trust_agents: true, ..alice() });
    assert!(trusted.does("get /state --agent localhost").await.contains("slave(1)"));
    trusted.engine.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn whoever_it_doesn_t_know_is_told_what_to_do() {
    let (mesos, _folder) = mesos!();
    let token = |token: &str| Some(Credentials::Token { scheme: Default::default(), token: Secret::new(token) });
    let basic = |principal: &str, secret: &str| {
        Some(Credentials::Basic { principal: principal.to_owned(), secret: Secret::new(secret) })
    };
    for credentials in [None, basic(PRINCIPAL, "wrong"), basic("mallory", SECRET), token("ey.J")] {
        let who = credentials
            .as_ref()
            .map_or("401 Unauthorized".to_owned(), |who| format!("doesn't believe that we are {who}"));
        let person = Person::at(&mesos.address(), Access { credentials, ..Access::default() });
        person.fails("subscribe", &["401", who.as_str(), "--principal NAME with --secret-file FILE"]).await;
        person.fails("get /state", &["401", who.as_str(), "--principal NAME"]).await;
        person.engine.close().await;
    }
}

/// The program, with everything that it writes.
#[tokio::test(flavor = "multi_thread")]
async fn the_program_writes_its_secrets_nowhere() {
    let (mesos, _folder) = mesos!();
    let home = tempfile::tempdir().unwrap();
    let log = home.path().join("log");
    let secret = home.path().join("secret");
    std::fs::write(&secret, format!("{SECRET}\n")).unwrap();
    restrict(&secret);
    let run = |args: &[&str], env: &[(&str, &str)]| {
        let mut command = Command::new(env!("CARGO_BIN_EXE_mesos-repl"));
        for name in ["MESOS_MASTER", "MESOS_PROFILE", "MESOS_PRINCIPAL", "MESOS_SECRET", "MESOS_TOKEN"] {
            command.env_remove(name);
        }
        command.env("HOME", home.path()).env("XDG_CONFIG_HOME", home.path().join("config")).env("RUST_LOG", "trace");
        command.args(["--log", &log.display().to_string()]).args(args).envs(env.iter().copied()).stdin(Stdio::null());
        let output = command.output().unwrap();
        let text = String::from_utf8_lossy(&[output.stdout, output.stderr].concat()).into_owned();
        let logged = std::fs::read_to_string(&log).unwrap();
        for secret in [SECRET, BASIC] {
            assert!(!text.contains(secret), "{args:?}: {text}");
            assert!(!logged.contains(secret), "{args:?}: the log has it");
        }
        (output.status.code(), text)
    };
    let master = mesos.address();
    let secret = secret.display().to_string();
    let work = "run --cmd 'env; sleep 300' --name web; logs web; events; status; profile; kill web";
    let (status, text) = run(
        &["--master", &master, "--principal", PRINCIPAL, "--secret-file", &secret, "--trust-agents", "-c", work],
        &[("MESOS_MASTER", "nowhere:1")],
    );
    assert_eq!(status, Some(0), "{text}");
    assert!(text.contains("secret-file") && text.contains("we are principal alice"), "{text}");
    // The same by a profile, and by the environment.
    let add =
        format!("profile add guarded --master {master} --principal {PRINCIPAL} --secret-file {secret} --trust-agents");
    let (status, text) = run(&["-c", &add], &[]);
    assert_eq!(status, Some(0), "{text}");
    let (status, text) = run(&["--profile", "guarded", "-c", "subscribe; agents; profile"], &[]);
    assert_eq!(status, Some(0), "{text}");
    assert!(text.contains("profile guarded"), "{text}");
    let env = [("MESOS_MASTER", master.as_str()), ("MESOS_PRINCIPAL", PRINCIPAL), ("MESOS_SECRET", SECRET)];
    let (status, text) = run(&["-c", "subscribe; profile"], &env);
    assert_eq!(status, Some(0), "{text}");
    assert!(text.contains("MESOS_SECRET") && text.contains("***"), "{text}");
    let (status, text) = run(&["-c", "profile use guarded; subscribe; agents"], &[("MESOS_MASTER", &master)]);
    assert_eq!(status, Some(0), "{text}");
    assert!(text.contains("profile guarded is the default"), "{text}");
    let (status, text) = run(&["-c", "subscribe; profile; profile use none"], &[]);
    assert_eq!(status, Some(0), "{text}");
    assert!(text.contains("profile guarded") && text.contains("we are principal alice"), "{text}");
    // Everything that is left in the home, but for the file of the secret itself.
    let mut folders = vec![home.path().to_owned()];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder).unwrap().flatten() {
            let path = entry.path();
            if path.is_dir() {
                folders.push(path);
            } else if path != std::path::Path::new(&secret) {
                let text = String::from_utf8_lossy(&std::fs::read(&path).unwrap()).into_owned();
                assert!(!text.contains(SECRET) && !text.contains(BASIC), "{} has it", path.display());
            }
        }
    }
    let _ = std::io::stderr().flush();
}
