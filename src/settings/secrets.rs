//! Files that hold secrets: who may write and read them is looked at before they are believed.

use std::fs::File;
use std::io::Read as _;
use std::os::unix::fs::MetadataExt as _;
use std::path::Path;

use zeroize::Zeroizing;

use crate::document::Diagnostic;
use crate::secret::Secret;

/// More is no secret.
const LIMIT: u64 = 64 << 10;

/// Opens a file that nobody else can change. Whether others can read it, is told.
pub(super) fn open(path: &Path) -> Result<(File, bool), Diagnostic> {
    let shown = path.display();
    let file = File::open(path).map_err(|error| Diagnostic::new(format!("{shown} can't be read")).cause(&error))?;
    let about = file.metadata().map_err(|error| Diagnostic::new(format!("{shown} can't be read")).cause(&error))?;
    if about.is_dir() {
        return Err(Diagnostic::new(format!("{shown} is a folder")));
    }
    let me = nix::unistd::geteuid().as_raw();
    let others = about.uid() != me && about.uid() != 0;
    if others || about.mode() & 0o022 != 0 {
        let why = if others { "it is somebody else's" } else { "others can change it" };
        return Err(Diagnostic::new(format!("{shown} isn't believed: {why}")).help(format!("chmod 600 {shown}")));
    }
    Ok((file, about.mode() & 0o044 != 0))
}

fn read(path: &Path, warnings: &mut Vec<String>) -> Result<Zeroizing<String>, Diagnostic> {
    let (file, seen) = open(path)?;
    let shown = path.display();
    if seen {
        warnings.push(format!("{shown} can be read by others on this machine: chmod 600 {shown}"));
    }
    let mut text = Zeroizing::new(String::new());
    let read = file.take(LIMIT + 1).read_to_string(&mut text);
    read.map_err(|error| Diagnostic::new(format!("{shown} can't be read")).cause(&error))?;
    if text.len() as u64 > LIMIT {
        return Err(Diagnostic::new(format!("{shown} is too long for a secret")));
    }
    Ok(text)
}

/// A file with a secret and nothing else; the end of its line is none of it.
pub(super) fn secret_file(path: &Path, warnings: &mut Vec<String>) -> Result<Secret, Diagnostic> {
    let text = read(path, warnings)?;
    let secret = text.trim_end_matches(['\r', '\n']);
    match secret {
        "" => Err(Diagnostic::new(format!("{} is empty", path.display()))),
        _ if secret.contains('\n') => Err(Diagnostic::new(format!("{} has more than one line", path.display()))
            .help("--credential-file takes Mesos's own files, with a principal and a secret")),
        secret => Ok(Secret::new(secret)),
    }
}

/// A file as Mesos's `--credential` has it: JSON with `principal` and `secret`, or both in a line.
/// (apache/mesos: docs/authentication.md)
pub(super) fn credential_file(path: &Path, warnings: &mut Vec<String>) -> Result<(String, Secret), Diagnostic> {
    #[derive(serde::Deserialize)]
    struct Credential {
        principal: String,
        secret: String,
    }
    let text = read(path, warnings)?;
    if text.trim_start().starts_with('{') {
        // The error of a JSON reader may quote what it read.
        let found: Credential = serde_json::from_str(&text).map_err(|error| {
            Diagnostic::new(format!("{} has no principal and secret, line {}", path.display(), error.line()))
                .help(r#"{"principal": "NAME", "secret": "SECRET"}"#)
        })?;
        return Ok((found.principal, Secret::new(found.secret)));
    }
    let mut words = text.split_whitespace();
    match (words.next(), words.next(), words.next()) {
        (Some(principal), Some(secret), None) => Ok((principal.to_owned(), Secret::new(secret))),
        _ => Err(Diagnostic::new(format!("{} is no file of a credential", path.display()))
            .help(r#"{"principal": "NAME", "secret": "SECRET"}, or both in one line"#)),
    }
}

/// A file that holds a master's address, perhaps with a password in it.
pub(super) fn address_file(path: &Path, warnings: &mut Vec<String>) -> Result<Secret, Diagnostic> {
    let mut seen = Vec::new();
    let text = read(path, &mut seen)?;
    if text.contains('@') {
        warnings.append(&mut seen);
    }
    Ok(Secret::new(text.trim()))
}

/// A private key that others can change is nobody's.
pub(super) fn checked(path: &Path) -> Result<(), Diagnostic> {
    open(path).map(|_| ())
}
