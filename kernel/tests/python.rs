//! Jupyter's own suites, from Python: jupyter_kernel_test, and nbclient on the notebooks.

use std::path::PathBuf;
use std::process::Command;

use crate::client::program;

/// A Python with these modules: the one that `MESOS_TEST_PYTHON` names, or `python3`.
fn python(modules: &str, test: &str) -> Option<PathBuf> {
    let python = std::env::var_os("MESOS_TEST_PYTHON").map_or_else(|| PathBuf::from("python3"), PathBuf::from);
    let found = Command::new(&python).args(["-c", &format!("import {modules}")]).output();
    if found.is_ok_and(|output| output.status.success()) {
        return Some(python);
    }
    eprintln!("SKIPPED {test}: {} has no {modules} (pip install them, or set MESOS_TEST_PYTHON)", python.display());
    None
}

/// Rust cells need cargo and the library's sources.
pub fn has_toolchain(test: &str) -> bool {
    let sysroot = Command::new("rustc").args(["--print", "sysroot"]).output();
    let sources = sysroot.ok().map(|output| {
        PathBuf::from(String::from_utf8_lossy(&output.stdout).trim()).join("lib/rustlib/src/rust/library")
    });
    let there = cfg!(feature = "rust-cells") && sources.is_some_and(|sources| sources.is_dir());
    if !there {
        eprintln!("SKIPPED {test}: no rustc with rust-src (rustup component add rust-src)");
    }
    there
}

fn install(folder: &tempfile::TempDir) {
    let status = Command::new(program()).args(["install", "--prefix"]).arg(folder.path()).output().unwrap();
    assert!(status.status.success(), "{status:?}");
}

fn passes(mut command: Command, folder: &tempfile::TempDir) {
    let output = command
        .env("JUPYTER_PATH", folder.path().join("share/jupyter"))
        .env("XDG_STATE_HOME", folder.path())
        .env("MESOS_NO_DOCKER", "1")
        .env_remove("MESOS_MASTER")
        .output()
        .unwrap();
    let text = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success(), "{text}\n{}", String::from_utf8_lossy(&output.stderr));
    // With pytest, a failed subtest may leave its test passed.
    assert!(!text.contains("SUBFAILED"), "{text}");
}

#[test]
fn jupyter_kernel_test_passes() {
    let name = "jupyter_kernel_test_passes";
    let Some(python) = python("jupyter_kernel_test, pytest", name).filter(|_| has_toolchain(name)) else { return };
    let folder = tempfile::tempdir().unwrap();
    install(&folder);
    let mut command = Command::new(python);
    let suite = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/suite.py");
    command.args(["-m", "pytest", "-q", "-p", "no:cacheprovider", suite]);
    passes(command, &folder);
}

#[test]
fn the_notebooks_run_and_mean_what_is_saved() {
    let name = "the_notebooks_run_and_mean_what_is_saved";
    let Some(python) = python("nbclient, nbformat", name).filter(|_| has_toolchain(name)) else { return };
    let folder = tempfile::tempdir().unwrap();
    install(&folder);
    let mut command = Command::new(python);
    command.arg(concat!(env!("CARGO_MANIFEST_DIR"), "/../notebooks/headless.py")).arg("--check");
    passes(command, &folder);
}

/// A program that is built beside the kernel, if it was.
fn beside(program_name: &str, test: &str) -> Option<PathBuf> {
    let path = PathBuf::from(program()).with_file_name(program_name);
    if !path.exists() {
        eprintln!("SKIPPED {test}: no {} (cargo test --workspace builds it)", path.display());
        return None;
    }
    Some(path)
}

/// The very kernel that most people know for Rust, with another first cell: the handle is a crate like any other there.
#[test]
fn the_tour_runs_in_the_plain_evcxr_jupyter_too() {
    let name = "the_tour_runs_in_the_plain_evcxr_jupyter_too";
    let Some(python) = python("nbclient, nbformat", name).filter(|_| has_toolchain(name)) else { return };
    let Some((plain, holder)) = beside("examples/evcxr_jupyter", name).zip(beside("mesos-repl", name)) else { return };
    let folder = tempfile::tempdir().unwrap();
    let mut command = Command::new(python);
    command.arg(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/plain_evcxr.py")).arg(plain).env("MESOS_REPL", holder);
    passes(command, &folder);
}

#[test]
fn the_tour_means_the_same_on_apache_mesos_itself() {
    let name = "the_tour_means_the_same_on_apache_mesos_itself";
    let Some(python) = python("nbclient, nbformat", name).filter(|_| has_toolchain(name)) else { return };
    let usual = concat!(env!("CARGO_MANIFEST_DIR"), "/../target/apache-mesos-1.11.0");
    let home = std::env::var_os("MESOS_DIR").map_or_else(|| PathBuf::from(usual), PathBuf::from);
    if !home.join("mesos-local").is_file() {
        eprintln!("SKIPPED {name}: no Apache Mesos in {} (tests/apache-mesos/install puts one there)", home.display());
        return;
    }
    let image = Command::new("docker").args(["image", "inspect", "busybox:latest"]).output();
    if !image.is_ok_and(|output| output.status.success()) {
        eprintln!("SKIPPED {name}: no Docker Engine with the image busybox:latest");
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    install(&folder);
    let mut command = Command::new(python);
    command.arg(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/real_mesos.py")).env("MESOS_DIR", home);
    passes(command, &folder);
}

#[test]
fn the_notebooks_work_in_jupyterlab() {
    let name = "the_notebooks_work_in_jupyterlab";
    let Some(python) = python("jupyterlab, playwright, nbformat", name).filter(|_| has_toolchain(name)) else { return };
    let chromium = std::env::var("MESOS_CHROMIUM").unwrap_or_else(|_| "/usr/bin/chromium".to_owned());
    if !std::path::Path::new(&chromium).exists() {
        eprintln!("SKIPPED {name}: no {chromium} (install Chromium, or set MESOS_CHROMIUM)");
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    install(&folder);
    let mut command = Command::new(python);
    command.arg(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/browser.py"));
    passes(command, &folder);
}
