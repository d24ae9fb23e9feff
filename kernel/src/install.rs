//! Puts the kernel where Jupyter finds it, and takes it away again.

use std::collections::HashMap;
use std::io;
use std::path::{Path, PathBuf};

use jupyter_protocol::JupyterKernelspec;
use serde_json::json;

/// Where to install.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Place {
    /// For this person.
    User,
    /// For everybody on this machine.
    System,
    /// Under a prefix, such as a virtual environment.
    Prefix(PathBuf),
}

/// What is installed.
#[derive(Clone, Debug)]
pub struct Spec {
    /// The name of its folder, which `jupyter --kernel` takes.
    pub name: String,
    /// What people see.
    pub display_name: String,
    /// Environment variables of the kernel.
    pub env: HashMap<String, String>,
}

/// Why it can't be installed.
#[derive(Debug, thiserror::Error)]
pub enum InstallError {
    /// The name would be no folder's name.
    #[error("'{0}' is no name for a kernel: letters, digits, -, _ and . make one")]
    Name(String),
    /// Nobody's home is known.
    #[error("no home directory: where should it go? --prefix DIR names a place")]
    Homeless,
    /// A file can't be written or removed.
    #[error("{path}: {source}")]
    File {
        /// The file.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
}

/// The folder of a kernel of this name.
///
/// # Errors
/// [`InstallError`].
pub fn folder(place: &Place, name: &str, env: impl Fn(&str) -> Option<String>) -> Result<PathBuf, InstallError> {
    let plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.');
    if name.is_empty() || name.starts_with('.') || !name.chars().all(plain) {
        return Err(InstallError::Name(name.to_owned()));
    }
    let data = match place {
        Place::System => PathBuf::from("/usr/local/share/jupyter"),
        Place::Prefix(prefix) => prefix.join("share/jupyter"),
        Place::User => user(env)?,
    };
    Ok(data.join("kernels").join(name))
}

/// Jupyter's data folder of this person, found as Jupyter finds it.
fn user(env: impl Fn(&str) -> Option<String>) -> Result<PathBuf, InstallError> {
    let set = |name: &str| env(name).filter(|value| !value.is_empty()).map(PathBuf::from);
    let home = || set("HOME").ok_or(InstallError::Homeless);
    if let Some(folder) = set("JUPYTER_DATA_DIR") {
        return Ok(folder);
    }
    if cfg!(target_os = "macos") {
        return Ok(home()?.join("Library/Jupyter"));
    }
    match set("XDG_DATA_HOME") {
        Some(data) => Ok(data.join("jupyter")),
        None => Ok(home()?.join(".local/share/jupyter")),
    }
}

const FILES: [(&str, &[u8]); 3] = [
    ("logo-32x32.png", include_bytes!("../logo/logo-32x32.png")),
    ("logo-64x64.png", include_bytes!("../logo/logo-64x64.png")),
    ("logo-svg.svg", include_bytes!("../logo/logo-svg.svg")),
];

/// Installs this very program as a kernel in `folder`. Installing again replaces what was there.
///
/// # Errors
/// [`InstallError::File`].
pub fn install(folder: &Path, program: &Path, spec: &Spec) -> Result<(), InstallError> {
    let at = |path: &Path| {
        let path = path.to_owned();
        move |source| InstallError::File { path, source }
    };
    std::fs::create_dir_all(folder).map_err(at(folder))?;
    let argv = [&program.to_string_lossy(), "run", "--connection-file", "{connection_file}"];
    let kernelspec = JupyterKernelspec {
        argv: argv.iter().map(ToString::to_string).collect(),
        display_name: spec.display_name.clone(),
        language: "rust".to_owned(),
        metadata: Some(HashMap::from([("debugger".to_owned(), json!(false))])),
        interrupt_mode: Some("message".to_owned()),
        env: Some(spec.env.clone()),
    };
    let json = serde_json::to_vec_pretty(&kernelspec).map_err(|error| at(folder)(error.into()))?;
    for (name, bytes) in FILES.into_iter().chain([("kernel.json", json.as_slice())]) {
        let path = folder.join(name);
        std::fs::write(&path, bytes).map_err(at(&path))?;
    }
    Ok(())
}

/// Removes an installed kernel; whether there was one.
///
/// # Errors
/// [`InstallError::File`].
pub fn uninstall(folder: &Path) -> Result<bool, InstallError> {
    match std::fs::remove_dir_all(folder) {
        Ok(()) => Ok(true),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(false),
        Err(source) => Err(InstallError::File { path: folder.to_owned(), source }),
    }
}

/// The environment that a kernel needs and that a desktop's menu may not have: where cargo and rustc are.
pub fn environment(extra: &[(String, String)], env: impl Fn(&str) -> Option<String>) -> HashMap<String, String> {
    let kept = ["CARGO_HOME", "RUSTUP_HOME"].iter().filter_map(|name| Some(((*name).to_owned(), env(name)?)));
    let path = env("PATH").map(|path| ("PATH".to_owned(), format!("{path}:${{PATH}}")));
    // Jupyter expands ${PATH} in kernel.json, so what was on the path at install time goes first.
    kept.chain(path.filter(|_| env("CARGO_HOME").is_some() || on_path("cargo", &env)))
        .chain(extra.iter().cloned())
        .collect()
}

fn on_path(program: &str, env: &impl Fn(&str) -> Option<String>) -> bool {
    env("PATH").is_some_and(|path| std::env::split_paths(&path).any(|folder| folder.join(program).is_file()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn folders() {
        let env = |name: &str| (name == "HOME").then(|| "/home/a".to_owned());
        for (place, name, want) in [
            (Place::User, "mesos", Some("/home/a/.local/share/jupyter/kernels/mesos")),
            (Place::Prefix("/venv".into()), "m-1", Some("/venv/share/jupyter/kernels/m-1")),
            (Place::System, "mesos", Some("/usr/local/share/jupyter/kernels/mesos")),
            (Place::User, "../x", None),
            (Place::User, "", None),
        ] {
            assert_eq!(folder(&place, name, env).ok(), want.map(PathBuf::from), "{name}");
        }
        assert!(folder(&Place::User, "x", |_| None).is_err());
    }

    #[test]
    fn installing_twice_and_removing_twice() {
        let temporary = tempfile::tempdir().unwrap();
        let folder = temporary.path().join("kernels/mesos");
        let spec = Spec { name: "mesos".into(), display_name: "Mesos".into(), env: HashMap::new() };
        for _ in 0..2 {
            install(&folder, Path::new("/bin/mesos-kernel"), &spec).unwrap();
        }
        let json: serde_json::Value =
            serde_json::from_slice(&std::fs::read(folder.join("kernel.json")).unwrap()).unwrap();
        assert_eq!(json["argv"], json!(["/bin/mesos-kernel", "run", "--connection-file", "{connection_file}"]));
        assert_eq!(json["interrupt_mode"], "message");
        assert!(std::fs::read(folder.join("logo-64x64.png")).unwrap().starts_with(b"\x89PNG"));
        assert!(uninstall(&folder).unwrap());
        assert!(!uninstall(&folder).unwrap());
    }
}
