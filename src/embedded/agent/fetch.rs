//! What a task wants in its sandbox before it starts: downloads, copies, archives unpacked.
//!
//! Nothing is written outside the sandbox, whatever an archive or a file name says.

use std::fs::File;
use std::io::{self, Read, Seek, Write as _};
use std::os::unix::fs::{OpenOptionsExt as _, PermissionsExt as _};
use std::path::{Component, Path, PathBuf};

use futures_util::StreamExt as _;
use tokio::io::AsyncWriteExt as _;

use super::user::User;
use crate::mesos::CommandUri;

/// Fetches all of `uris` into `sandbox`, in their order. What goes wrong is told in the sandbox's `stderr` too, as a
/// real fetcher does.
///
/// # Errors
/// The first that failed, in words.
pub(super) async fn fetch(
    uris: &[CommandUri],
    sandbox: &Path,
    user: Option<&User>,
    cache: &Path,
) -> Result<(), String> {
    for uri in uris {
        if let Err(error) = fetch_one(uri, sandbox, user, cache).await {
            let told = format!("Failed to fetch '{}': {error}\n", uri.value);
            tell(sandbox, user, &told).await;
            return Err(told);
        }
    }
    Ok(())
}

async fn tell(sandbox: &Path, user: Option<&User>, text: &str) {
    let written =
        super::process::open_output(sandbox, "stderr", user).and_then(|mut file| file.write_all(text.as_bytes()));
    if let Err(error) = written {
        tracing::warn!(%error, sandbox = %sandbox.display(), "the fetcher couldn't write to a sandbox");
    }
}

/// Where an agent keeps downloads that tasks want cached.
pub(super) fn cache_dir(work_dir: &Path) -> PathBuf {
    work_dir.join("fetch")
}

/// How much is kept in the cache.
const CACHE: u64 = 2 << 30;

/// The file for a URI in the cache, which is fetched if it isn't there yet.
async fn cached(value: &str, cache: &Path) -> Result<PathBuf, String> {
    use std::hash::{Hash as _, Hasher as _};
    let mut hasher = std::hash::DefaultHasher::new();
    value.hash(&mut hasher);
    let kept = cache.join(format!("{:016x}", hasher.finish()));
    // Two URIs may have one hash: which one is kept stands beside it.
    let named = kept.with_extension("uri");
    if kept.is_file() && std::fs::read_to_string(&named).is_ok_and(|uri| uri == value) {
        return Ok(kept);
    }
    std::fs::create_dir_all(cache).map_err(|error| error.to_string())?;
    let fresh = kept.with_extension(uuid::Uuid::new_v4().to_string());
    let got = get(value, &fresh).await.and_then(|()| {
        let placed = std::fs::write(&named, value).and_then(|()| std::fs::rename(&fresh, &kept));
        placed.map_err(|error| error.to_string())
    });
    if let Err(error) = got {
        // What is left of it, if anything, is of no use.
        let _ = std::fs::remove_file(&fresh);
        return Err(error);
    }
    if let Err(error) = shrink(cache, &kept, CACHE) {
        tracing::warn!(%error, "can't keep the fetcher's cache small");
    }
    Ok(kept)
}

/// Removes the oldest files until the cache is no larger than `most`; `newest` stays.
fn shrink(cache: &Path, newest: &Path, most: u64) -> io::Result<()> {
    let mut files = Vec::new();
    for entry in cache.read_dir()?.flatten() {
        let metadata = entry.metadata()?;
        files.push((metadata.modified()?, metadata.len(), entry.path()));
    }
    files.sort_unstable();
    let mut size: u64 = files.iter().map(|(_, size, _)| size).sum();
    for (_, freed, path) in files {
        if size > most && path != newest {
            std::fs::remove_file(path)?;
            size = size.saturating_sub(freed);
        }
    }
    Ok(())
}

async fn get(value: &str, target: &Path) -> Result<(), String> {
    if value.starts_with("http://") || value.starts_with("https://") {
        download(value, target).await
    } else {
        copy(&local_path(value)?, target).await
    }
}

async fn fetch_one(uri: &CommandUri, sandbox: &Path, user: Option<&User>, cache: &Path) -> Result<(), String> {
    let target = sandbox.join(output_name(uri)?);
    if let Some(folder) = target.parent().filter(|folder| *folder != sandbox) {
        create_folders(sandbox, folder, user).map_err(|error| error.to_string())?;
    }
    if uri.cache.unwrap_or(false) {
        copy(&cached(&uri.value, cache).await?, &target).await?;
    } else {
        get(&uri.value, &target).await?;
    }
    if let Some(user) = user {
        user.own(&target).map_err(|error| error.to_string())?;
    }
    let (executable, extract) = (uri.executable.unwrap_or(false), uri.extract.unwrap_or(true));
    if executable {
        return make_executable(&target).map_err(|error| format!("can't make it executable: {error}"));
    }
    let Some(kind) = Archive::of(&target).filter(|_| extract) else { return Ok(()) };
    let (sandbox, user) = (sandbox.to_owned(), user.cloned());
    let unpacked = tokio::task::spawn_blocking(move || kind.unpack(&target, &sandbox, user.as_ref())).await;
    unpacked.map_err(|error| error.to_string())?.map_err(|error| format!("can't extract it: {error}"))
}

/// Where in the sandbox a URI goes: below it, always.
fn output_name(uri: &CommandUri) -> Result<PathBuf, String> {
    let name = match &uri.output_file {
        Some(name) => PathBuf::from(name),
        None => {
            let path = uri.value.split_once("://").map_or(uri.value.as_str(), |(_, rest)| rest);
            let path = path.split(['?', '#']).next().unwrap_or(path);
            let last = path.trim_end_matches('/').rsplit('/').next().unwrap_or("");
            PathBuf::from(last)
        }
    };
    let plain = name.components().all(|part| matches!(part, Component::Normal(_)));
    if !plain || name.as_os_str().is_empty() {
        return Err(format!("'{}' is no name within the sandbox", name.display()));
    }
    Ok(name)
}

fn local_path(value: &str) -> Result<PathBuf, String> {
    let path = match value.split_once("://") {
        Some(("file", path)) => {
            Path::new("/").join(path.strip_prefix("localhost").unwrap_or(path).trim_start_matches('/'))
        }
        Some((scheme, _)) => return Err(format!("'{scheme}' is none of http, https and file")),
        None if value.starts_with('/') => PathBuf::from(value),
        None => {
            return Err(
                "a relative path was passed for the resource but the Mesos framework home was not specified".to_owned()
            );
        }
    };
    Ok(path)
}

async fn download(url: &str, target: &Path) -> Result<(), String> {
    // Already installed is as good.
    let _ = rustls::crypto::ring::default_provider().install_default();
    let asked = reqwest::get(url).await.and_then(reqwest::Response::error_for_status);
    let answer = asked.map_err(|error| with_causes(&error))?;
    let mut body = answer.bytes_stream();
    let mut file = tokio::fs::File::from_std(create_file(target).map_err(|error| error.to_string())?);
    while let Some(part) = body.next().await {
        let part = part.map_err(|error| with_causes(&error))?;
        file.write_all(&part).await.map_err(|error| error.to_string())?;
    }
    file.flush().await.map_err(|error| error.to_string())
}

fn with_causes(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        text = format!("{text}: {error}");
        cause = error.source();
    }
    text
}

async fn copy(from: &Path, target: &Path) -> Result<(), String> {
    let (from, target) = (from.to_owned(), target.to_owned());
    let copied = tokio::task::spawn_blocking(move || {
        let mut source = File::open(&from)?;
        if source.metadata()?.is_dir() {
            return Err(io::Error::other("it is a folder"));
        }
        io::copy(&mut source, &mut create_file(&target)?).map(|_| ())
    });
    copied.await.map_err(|error| error.to_string())?.map_err(|error| error.to_string())
}

/// Makes or empties a file; a link that lies in its place is not followed.
fn create_file(path: &Path) -> io::Result<File> {
    let mut options = File::options();
    options.write(true).create(true).truncate(true).mode(0o644).custom_flags(nix::fcntl::OFlag::O_NOFOLLOW.bits());
    options.open(path)
}

fn make_executable(path: &Path) -> io::Result<()> {
    let mode = std::fs::metadata(path)?.permissions().mode();
    std::fs::set_permissions(path, std::fs::Permissions::from_mode(mode | 0o111))
}

/// Makes `folder` and those above it up to `root`, none of them through a link.
fn create_folders(root: &Path, folder: &Path, user: Option<&User>) -> io::Result<()> {
    let below = folder.strip_prefix(root).map_err(io::Error::other)?;
    let mut at = root.to_owned();
    for part in below.components() {
        let Component::Normal(part) = part else { return Err(io::Error::other("a path that leads elsewhere")) };
        at.push(part);
        match std::fs::symlink_metadata(&at) {
            Ok(found) if found.is_dir() => continue,
            Ok(_) => return Err(io::Error::other(format!("{} is no folder", at.display()))),
            Err(error) if error.kind() == io::ErrorKind::NotFound => std::fs::create_dir(&at)?,
            Err(error) => return Err(error),
        }
        if let Some(user) = user {
            user.own(&at)?;
        }
    }
    Ok(())
}

/// The archives a fetcher unpacks, told by the file's name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Archive {
    Tar,
    TarGz,
    Gz,
    Zip,
    /// Known, but not to this agent.
    Other,
}

impl Archive {
    fn of(path: &Path) -> Option<Self> {
        let name = path.file_name()?.to_str()?;
        let ends = |ends: &[&str]| ends.iter().any(|end| name.ends_with(end));
        if ends(&[".tar"]) {
            Some(Self::Tar)
        } else if ends(&[".tgz", ".tar.gz"]) {
            Some(Self::TarGz)
        } else if ends(&[".tbz2", ".tar.bz2", ".txz", ".tar.xz"]) {
            Some(Self::Other)
        } else if ends(&[".zip"]) {
            Some(Self::Zip)
        } else if ends(&[".gz"]) {
            Some(Self::Gz)
        } else {
            None
        }
    }

    fn unpack(self, archive: &Path, sandbox: &Path, user: Option<&User>) -> io::Result<()> {
        let file = File::open(archive)?;
        match self {
            Self::Tar => unpack_tar(file, sandbox, user),
            Self::TarGz => unpack_tar(flate2::read::MultiGzDecoder::new(file), sandbox, user),
            Self::Zip => unpack_zip(file, sandbox, user),
            Self::Gz => {
                let target = archive.with_extension("");
                io::copy(&mut flate2::read::MultiGzDecoder::new(file), &mut create_file(&target)?)?;
                user.map_or(Ok(()), |user| user.own(&target))
            }
            Self::Other => Err(io::Error::other("this agent unpacks tar, tar.gz, gz and zip only")),
        }
    }
}

/// `tar` itself refuses names and links that lead out of the folder.
fn unpack_tar(archive: impl Read, sandbox: &Path, user: Option<&User>) -> io::Result<()> {
    let mut archive = tar::Archive::new(archive);
    archive.set_preserve_ownerships(false);
    for entry in archive.entries()? {
        let mut entry = entry?;
        let path = entry.path()?.into_owned();
        if !entry.unpack_in(sandbox)? {
            return Err(io::Error::other(format!("'{}' lies outside the sandbox", path.display())));
        }
        if let Some(user) = user {
            user.own(&sandbox.join(&path))?;
        }
    }
    Ok(())
}

/// Files and folders only: links are refused, as nothing says where they would lead.
fn unpack_zip(archive: impl Read + Seek, sandbox: &Path, user: Option<&User>) -> io::Result<()> {
    let mut archive = zip::ZipArchive::new(archive)?;
    for index in 0..archive.len() {
        let mut entry = archive.by_index(index)?;
        let outside = || io::Error::other("an entry lies outside the sandbox");
        let path = sandbox.join(entry.enclosed_name().ok_or_else(outside)?);
        if entry.is_symlink() {
            return Err(io::Error::other(format!("'{}' is a link", path.display())));
        }
        if entry.is_dir() {
            create_folders(sandbox, &path, user)?;
            continue;
        }
        create_folders(sandbox, path.parent().unwrap_or(sandbox), user)?;
        io::copy(&mut entry, &mut create_file(&path)?)?;
        if let Some(mode) = entry.unix_mode() {
            std::fs::set_permissions(&path, std::fs::Permissions::from_mode(mode & 0o777))?;
        }
        if let Some(user) = user {
            user.own(&path)?;
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn uri(value: impl Into<String>) -> CommandUri {
        CommandUri { value: value.into(), ..Default::default() }
    }

    #[test]
    fn names_stay_within_the_sandbox() {
        let named = |value: &str, output: Option<&str>| {
            output_name(&CommandUri { output_file: output.map(str::to_owned), ..uri(value) })
                .ok()
                .map(|path| path.display().to_string())
        };
        let cases = [
            (("http://h/a/b.tgz", None), Some("b.tgz")),
            (("http://h/a/b.tgz?x=/y", None), Some("b.tgz")),
            (("file:///etc/hosts", None), Some("hosts")),
            (("/etc/hosts", Some("conf/h")), Some("conf/h")),
            (("/etc/hosts", Some("../h")), None),
            (("/etc/hosts", Some("/etc/h")), None),
            (("http://h/..", None), None),
            (("", None), None),
        ];
        for ((value, output), expected) in cases {
            assert_eq!(named(value, output).as_deref(), expected, "{value} {output:?}");
        }
    }

    #[tokio::test]
    async fn archives_are_unpacked_and_scripts_made_executable() {
        let (source, sandbox) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        let gz = flate2::write::GzEncoder::new(
            File::create(source.path().join("a.tar.gz")).unwrap(),
            flate2::Compression::default(),
        );
        let mut tar = tar::Builder::new(gz);
        let mut header = tar::Header::new_gnu();
        header.set_size(2);
        header.set_mode(0o644);
        tar.append_data(&mut header, "dir/in", &b"in"[..]).unwrap();
        tar.into_inner().unwrap().finish().unwrap();
        let mut zip = zip::ZipWriter::new(File::create(source.path().join("b.zip")).unwrap());
        zip.start_file("zipped/x", zip::write::SimpleFileOptions::default()).unwrap();
        zip.write_all(b"zip").unwrap();
        zip.finish().unwrap();
        std::fs::write(source.path().join("run.sh"), "#!/bin/sh\n").unwrap();
        let at = |name: &str| uri(source.path().join(name).display().to_string());
        let script = CommandUri { executable: Some(true), ..at("run.sh") };
        fetch(&[at("a.tar.gz"), at("b.zip"), script], sandbox.path(), None, source.path()).await.unwrap();
        let read = |name: &str| std::fs::read_to_string(sandbox.path().join(name)).unwrap();
        assert_eq!((read("dir/in"), read("zipped/x")), ("in".to_owned(), "zip".to_owned()));
        let mode = std::fs::metadata(sandbox.path().join("run.sh")).unwrap().permissions().mode();
        assert_eq!(mode & 0o111, 0o111);
    }

    #[tokio::test]
    async fn what_is_cached_is_fetched_once() {
        let (source, sandbox) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        let cache = source.path().join("cache");
        let file = source.path().join("data");
        std::fs::write(&file, "first").unwrap();
        let cached = CommandUri { cache: Some(true), ..uri(file.display().to_string()) };
        let read = || std::fs::read_to_string(sandbox.path().join("data")).unwrap();
        fetch(std::slice::from_ref(&cached), sandbox.path(), None, &cache).await.unwrap();
        std::fs::write(&file, "second").unwrap();
        fetch(std::slice::from_ref(&cached), sandbox.path(), None, &cache).await.unwrap();
        assert_eq!(read(), "first");
        fetch(&[uri(file.display().to_string())], sandbox.path(), None, &cache).await.unwrap();
        assert_eq!(read(), "second");
        shrink(&cache, &cache, 0).unwrap();
        fetch(&[cached], sandbox.path(), None, &cache).await.unwrap();
        assert_eq!(read(), "second");
    }

    #[tokio::test]
    async fn an_archive_cannot_write_outside() {
        let (source, sandbox) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        let mut tar = tar::Builder::new(File::create(source.path().join("evil.tar")).unwrap());
        let mut header = tar::Header::new_gnu();
        header.set_entry_type(tar::EntryType::Symlink);
        header.set_size(0);
        header.set_cksum();
        tar.append_link(&mut header, "out", source.path()).unwrap();
        let mut header = tar::Header::new_gnu();
        header.set_size(2);
        header.set_mode(0o644);
        tar.append_data(&mut header, "out/written", &b"no"[..]).unwrap();
        tar.into_inner().unwrap();
        let evil = uri(source.path().join("evil.tar").display().to_string());
        fetch(&[evil], sandbox.path(), None, source.path()).await.unwrap_err();
        assert!(!source.path().join("written").exists());
        let told = std::fs::read_to_string(sandbox.path().join("stderr")).unwrap();
        assert!(told.starts_with("Failed to fetch '"), "{told}");
    }
}
