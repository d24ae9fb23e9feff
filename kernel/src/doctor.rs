//! `mesos-kernel doctor`: what Rust cells, containers and the master need, whether it is there, and the cure.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use mesos_repl::client::Address;
use mesos_repl::session::Masters;

/// One thing looked at.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finding {
    /// What.
    pub what: &'static str,
    /// How it is; `Err` with what is wrong.
    pub state: Result<String, String>,
    /// What to do if it is wrong.
    pub cure: &'static str,
    /// Whether only Rust cells need it.
    pub rust_only: bool,
}

/// The first line that a program says of its version.
fn version(program: &str, arguments: &[&str]) -> Result<String, String> {
    let output = Command::new(program).args(arguments).output().map_err(|error| format!("{program}: {error}"))?;
    if !output.status.success() {
        return Err(String::from_utf8_lossy(&output.stderr).trim().to_owned());
    }
    Ok(String::from_utf8_lossy(&output.stdout).lines().next().unwrap_or_default().to_owned())
}

/// Looks at everything. Blocks for a few seconds at worst.
pub fn examine(master: Option<&str>, docker_socket: &Path) -> Vec<Finding> {
    let rust = |what, state, cure| Finding { what, state, cure, rust_only: true };
    let mut findings = vec![
        rust("cargo", version("cargo", &["--version"]), "install Rust: https://rustup.rs"),
        rust("rustc", version("rustc", &["--version"]), "install Rust: https://rustup.rs"),
        rust(
            "standard library",
            shared_library(),
            "rustup component add rust-std (a distribution's own Rust may lack the shared library)",
        ),
        rust(
            "rust-src",
            sources(),
            "rustup component add rust-src (without it the types of variables can't be inferred)",
        ),
        rust(
            "build folder",
            build_folder(),
            "set EVCXR_TMPDIR or XDG_CACHE_HOME to a folder that can be written to and isn't mounted noexec",
        ),
    ];
    findings.push(Finding {
        what: "Docker",
        state: connect_unix(docker_socket),
        cure: "start Docker, or do without: containers are simulated then and say so",
        rust_only: false,
    });
    findings.push(Finding {
        what: "master",
        state: master.map_or_else(|| Ok("an embedded Mesos (MESOS_MASTER names another)".to_owned()), reach),
        cure: "is the address right and the master up? Unset MESOS_MASTER to use an embedded one",
        rust_only: false,
    });
    findings
}

fn sysroot() -> Result<PathBuf, String> {
    version("rustc", &["--print", "sysroot"]).map(PathBuf::from)
}

fn shared_library() -> Result<String, String> {
    let folder = version("rustc", &["--print", "target-libdir"])?;
    let entries = std::fs::read_dir(&folder).map_err(|error| format!("{folder}: {error}"))?;
    let found = entries.flatten().map(|entry| entry.file_name().to_string_lossy().into_owned());
    let mut shared =
        found.filter(|name| name.starts_with("libstd-") && (name.ends_with(".so") || name.ends_with(".dylib")));
    shared.next().ok_or_else(|| format!("no libstd-*.so in {folder}"))
}

fn sources() -> Result<String, String> {
    let folder = sysroot()?.join("lib/rustlib/src/rust/library");
    if folder.is_dir() { Ok(folder.display().to_string()) } else { Err(format!("no {}", folder.display())) }
}

fn build_folder() -> Result<String, String> {
    let folder = crate::rust::build_root().unwrap_or_else(std::env::temp_dir);
    std::fs::create_dir_all(&folder).map_err(|error| format!("{}: {error}", folder.display()))?;
    let probe = folder.join(format!("mesos-kernel-{}", std::process::id()));
    let run = || -> std::io::Result<bool> {
        std::fs::write(&probe, "#!/bin/sh\nexit 0\n")?;
        std::fs::set_permissions(&probe, std::os::unix::fs::PermissionsExt::from_mode(0o700))?;
        Ok(Command::new(&probe).status()?.success())
    };
    let result = run();
    // Only a probe; what is left of it is harmless.
    let _ = std::fs::remove_file(&probe);
    match result {
        Ok(true) => Ok(folder.display().to_string()),
        Ok(false) => Err(format!("programs in {} don't run", folder.display())),
        Err(error) => Err(format!("{}: {error}", folder.display())),
    }
}

fn connect_unix(path: &Path) -> Result<String, String> {
    match std::os::unix::net::UnixStream::connect(path) {
        Ok(_) => Ok(format!("{} answers", path.display())),
        Err(error) => Err(format!("{}: {error}", path.display())),
    }
}

fn reach(master: &str) -> Result<String, String> {
    use std::net::{TcpStream, ToSocketAddrs as _};
    let text = mesos_repl::settings::masters_text(master).map_err(|error| error.what)?;
    let masters = Masters::parse(text.reveal(), false).map_err(|error| error.to_string())?;
    let places: Vec<String> = match &masters {
        Masters::Named(addresses) => addresses.iter().map(Address::host_port).collect(),
        Masters::ZooKeeper { url, .. } => url.servers().to_vec(),
    };
    let mut why = Vec::new();
    for place in places {
        let tried = place.to_socket_addrs().and_then(|mut found| {
            let address = found.next().ok_or_else(|| std::io::Error::other("no address"))?;
            TcpStream::connect_timeout(&address, Duration::from_secs(3))
        });
        match tried {
            Ok(_) => return Ok(format!("{place} answers")),
            Err(error) => why.push(format!("{place}: {error}")),
        }
    }
    Err(why.join("; "))
}
