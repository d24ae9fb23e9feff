//! Docker for the tests: whether an engine answers, and whether it has a small image.

use std::process::{Command, Stdio};

/// The image that the tests run; made by `.ci/run` from Debian's busybox-static.
pub const BUSYBOX: &str = "busybox:latest";

/// Why Docker tasks can't be tested on this machine, if they can't.
pub fn missing() -> Option<String> {
    if !succeeds(&["version", "--format", "{{.Server.Version}}"]) {
        return Some("no Docker Engine answers to `docker version`".to_owned());
    }
    (!succeeds(&["image", "inspect", BUSYBOX])).then(|| format!("the Docker Engine has no image {BUSYBOX}"))
}

/// The names and images of running containers.
pub fn running() -> String {
    let output = Command::new("docker").args(["ps", "--format", "{{.ID}} {{.Image}} {{.Names}}"]).output().unwrap();
    String::from_utf8_lossy(&output.stdout).into_owned()
}

/// A network of its own for containers: an engine may have no default one. Removed when it is dropped.
pub struct Network {
    /// Its name, no other process's.
    pub name: String,
}

impl Network {
    /// Makes it.
    pub fn new(name: &str) -> Self {
        let name = format!("{name}-{}", std::process::id());
        assert!(succeeds(&["network", "create", &name]), "the engine makes no network");
        Self { name }
    }
}

impl Drop for Network {
    fn drop(&mut self) {
        let removed = succeeds(&["network", "rm", &self.name]);
        assert!(removed || std::thread::panicking(), "the network {} is left behind", self.name);
    }
}

fn succeeds(arguments: &[&str]) -> bool {
    let status = Command::new("docker").args(arguments).stdout(Stdio::null()).stderr(Stdio::null()).status();
    status.is_ok_and(|status| status.success())
}
