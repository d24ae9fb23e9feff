//! Sandboxes over HTTP: browsed, read in parts, downloaded.
//!
//! Only what lies below a run of an executor or in a persistent volume is reachable, after links have been followed.

use std::io::{self, Read as _, Seek as _, SeekFrom};
use std::os::unix::fs::MetadataExt as _;
use std::path::{Component, Path, PathBuf};

use axum::body::Body;
use axum::http::{HeaderValue, Uri, header};
use axum::response::{IntoResponse as _, Response};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use nix::unistd::{Gid, Group, Uid, User};
use serde_json::json;
use tokio_util::io::ReaderStream;

use super::{answer_json, query};
use crate::embedded::agent::volumes;
use crate::embedded::http::{not_found, text};
use crate::mesos::{AgentId, Json};

/// As much as one read gives, 16 pages as on a real agent.
const MOST: u64 = 16 * 4096;

/// What can be reached of an agent's folders.
#[derive(Clone, Debug)]
pub(super) struct Files {
    /// `None` until the agent has an id: no sandbox exists before.
    frameworks: Option<PathBuf>,
    /// Persistent volumes, to which sandboxes lead.
    volumes: Option<PathBuf>,
}

/// Why a file isn't shown.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Refused {
    /// Not there, or not to be reached.
    Missing,
    /// There, but not what was asked for.
    Bad(String),
}

/// One entry of a folder, as `/files/browse` and the v1 API show it.
#[derive(Debug)]
struct Entry {
    path: String,
    metadata: std::fs::Metadata,
}

impl Files {
    /// The files of an agent.
    pub(super) fn new(work_dir: &Path, agent_id: Option<&AgentId>) -> Self {
        let frameworks = agent_id.map(|id| work_dir.join("slaves").join(id.as_str()).join("frameworks"));
        // What is compared later has its links followed, so must this.
        let real = |path: PathBuf| path.canonicalize().ok();
        Self { frameworks: frameworks.and_then(real), volumes: real(volumes::root(work_dir)) }
    }

    /// `/files/browse`, `/files/read` and `/files/download`.
    pub(super) async fn answer(self, uri: &Uri) -> Response {
        let what = uri.path().trim_start_matches("/files/").split('/').next().unwrap_or("").to_owned();
        if !matches!(what.as_str(), "browse" | "read" | "download") {
            return *not_found();
        }
        let mut asked = query(uri);
        let Some(path) = asked.remove("path").filter(|path| !path.is_empty()) else {
            return bad("Expecting 'path=value' in query.\n");
        };
        let (offset, length) = (asked.remove("offset"), asked.remove("length"));
        if what == "download" {
            return self.download(path).await;
        }
        // The disk may be slow: not on the threads that serve everybody.
        let answered = tokio::task::spawn_blocking(move || match what.as_str() {
            "browse" => self.browse(&path).map(Json::Array),
            _ => self.read(&path, offset.as_deref(), length.as_deref()),
        });
        match answered.await {
            Ok(Ok(answer)) => answer_json(uri, Some(answer)),
            Ok(Err(refused)) => refusal(refused),
            Err(error) => text(500, error.to_string()),
        }
    }

    /// Where a path leads, if that is within a sandbox. `/frameworks/...` is short for the whole way.
    fn resolve(&self, path: &str) -> Result<PathBuf, Refused> {
        let root = self.frameworks.as_ref().ok_or(Refused::Missing)?;
        let wanted = match path.strip_prefix("/frameworks/") {
            Some(below) => root.join(below),
            None => PathBuf::from(path),
        };
        if path.contains('\0') || !wanted.is_absolute() {
            return Err(Refused::Missing);
        }
        let found = wanted.canonicalize().map_err(|_| Refused::Missing)?;
        let volume = self.volumes.as_ref().and_then(|volumes| found.strip_prefix(volumes).ok());
        // <role>/<volume>/...
        if volume.is_some_and(|below| below.components().count() >= 2) {
            return Ok(found);
        }
        let below = found.strip_prefix(root).map_err(|_| Refused::Missing)?;
        let steps: Vec<_> = below.components().collect();
        let is = |at: usize, name: &str| matches!(steps.get(at), Some(Component::Normal(step)) if *step == name);
        // <framework>/executors/<executor>/runs/<container>/...
        if is(1, "executors") && is(3, "runs") && steps.len() >= 5 { Ok(found) } else { Err(Refused::Missing) }
    }

    fn list(&self, path: &str) -> Result<Vec<Entry>, Refused> {
        let folder = self.resolve(path)?;
        if !folder.is_dir() {
            return Ok(Vec::new());
        }
        let mut entries = Vec::new();
        for entry in folder.read_dir().map_err(|_| Refused::Missing)?.flatten() {
            // A link is shown as what it leads to; one that leads nowhere is left out.
            let Ok(metadata) = std::fs::metadata(entry.path()) else { continue };
            let name = entry.file_name();
            entries
                .push(Entry { path: format!("{}/{}", path.trim_end_matches('/'), name.to_string_lossy()), metadata });
        }
        entries.sort_by(|a, b| a.path.cmp(&b.path));
        Ok(entries)
    }

    fn browse(&self, path: &str) -> Result<Vec<Json>, Refused> {
        let shown = |entry: &Entry| {
            json!({
                "gid": group_name(entry.metadata.gid()),
                "mode": mode_text(entry.metadata.mode()),
                "mtime": entry.metadata.mtime() as f64,
                "nlink": entry.metadata.nlink(),
                "path": entry.path,
                "size": entry.metadata.size(),
                "uid": user_name(entry.metadata.uid()),
            })
        };
        Ok(self.list(path)?.iter().map(shown).collect())
    }

    /// `LIST_FILES`.
    pub(super) fn list_v1(&self, path: &str) -> Result<Vec<Json>, Refused> {
        let shown = |entry: &Entry| {
            let nanoseconds = entry.metadata.mtime().saturating_mul(1_000_000_000);
            json!({
                "path": entry.path,
                "nlink": entry.metadata.nlink(),
                "size": entry.metadata.size(),
                "mtime": {"nanoseconds": nanoseconds},
                "mode": entry.metadata.mode(),
                "uid": user_name(entry.metadata.uid()),
                "gid": group_name(entry.metadata.gid()),
            })
        };
        Ok(self.list(path)?.iter().map(shown).collect())
    }

    fn open(&self, path: &str) -> Result<std::fs::File, Refused> {
        let found = self.resolve(path)?;
        let metadata = found.metadata().map_err(|_| Refused::Missing)?;
        if metadata.is_dir() {
            return Err(Refused::Bad("Cannot read a directory.\n".to_owned()));
        }
        if !metadata.is_file() {
            // A pipe would never end.
            return Err(Refused::Bad("Not a regular file.\n".to_owned()));
        }
        std::fs::File::open(found).map_err(|_| Refused::Missing)
    }

    fn read(&self, path: &str, offset: Option<&str>, length: Option<&str>) -> Result<Json, Refused> {
        let number = |name: &str, text: Option<&str>| match text {
            None | Some("") => Ok(-1),
            Some(text) => text
                .parse::<i64>()
                .map_err(|_| Refused::Bad(format!("Failed to parse {name}: Failed to convert '{text}' to number.\n"))),
        };
        let offset = number("offset", offset)?;
        let length = number("length", length)?;
        if offset < -1 {
            return Err(Refused::Bad(format!("Negative offset provided: {offset}.\n")));
        }
        if length < -1 {
            return Err(Refused::Bad(format!("Negative length provided: {length}.\n")));
        }
        let mut file = self.open(path)?;
        let size = file.metadata().map_err(|_| Refused::Missing)?.len();
        let Ok(from) = u64::try_from(offset) else { return Ok(json!({"data": "", "offset": size})) };
        let data = part(&mut file, size, from, u64::try_from(length).ok()).map_err(|_| Refused::Missing)?;
        // As on a real agent the offset is the one asked for, and what is no UTF-8 is replaced.
        Ok(json!({"data": String::from_utf8_lossy(&data), "offset": from}))
    }

    /// `READ_FILE`.
    pub(super) fn read_v1(&self, path: &str, offset: u64, length: Option<u64>) -> Result<Json, Refused> {
        let mut file = self.open(path)?;
        let size = file.metadata().map_err(|_| Refused::Missing)?.len();
        let data = part(&mut file, size, offset, length).map_err(|_| Refused::Missing)?;
        Ok(json!({"size": size, "data": STANDARD.encode(data)}))
    }

    async fn download(self, path: String) -> Response {
        let opened = tokio::task::spawn_blocking(move || {
            let file = self.open(&path).map_err(|refused| match refused {
                Refused::Bad(why) => Refused::Bad(why.replace("Cannot read", "Cannot download")),
                missing => missing,
            })?;
            let name = Path::new(&path).file_name().map(|name| name.to_string_lossy().into_owned());
            let size = file.metadata().map_err(|_| Refused::Missing)?.len();
            Ok((file, name.unwrap_or_default(), size))
        });
        let (file, name, size) = match opened.await {
            Ok(Ok(opened)) => opened,
            Ok(Err(Refused::Missing)) => return *not_found(),
            Ok(Err(refused)) => return refusal(refused),
            Err(error) => return text(500, error.to_string()),
        };
        let plain: String = name.chars().filter(|c| c.is_ascii_graphic() && !matches!(c, '"' | '\\')).collect();
        // A file that grows meanwhile ends at the length that was announced.
        let file = tokio::io::AsyncReadExt::take(tokio::fs::File::from_std(file), size);
        let mut response = Body::from_stream(ReaderStream::new(file)).into_response();
        let headers = response.headers_mut();
        headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/octet-stream"));
        headers.insert(header::CONTENT_LENGTH, HeaderValue::from(size));
        if let Ok(value) = HeaderValue::try_from(format!("attachment; filename=\"{plain}\"")) {
            headers.insert(header::CONTENT_DISPOSITION, value);
        }
        response
    }
}

/// At most [`MOST`] bytes from `offset` on.
fn part(file: &mut std::fs::File, size: u64, offset: u64, length: Option<u64>) -> io::Result<Vec<u8>> {
    let length = length.unwrap_or(MOST).min(MOST).min(size.saturating_sub(offset));
    let mut data = Vec::new();
    if length > 0 {
        file.seek(SeekFrom::Start(offset))?;
        file.take(length).read_to_end(&mut data)?;
    }
    Ok(data)
}

fn bad(told: &str) -> Response {
    text(400, told)
}

/// The answer to a path that isn't shown.
pub(super) fn refusal(refused: Refused) -> Response {
    match refused {
        Refused::Missing => text(404, ""),
        Refused::Bad(told) => bad(&told),
    }
}

fn user_name(uid: u32) -> String {
    let known = User::from_uid(Uid::from_raw(uid)).ok().flatten();
    known.map_or_else(|| uid.to_string(), |user| user.name)
}

fn group_name(gid: u32) -> String {
    let known = Group::from_gid(Gid::from_raw(gid)).ok().flatten();
    known.map_or_else(|| gid.to_string(), |group| group.name)
}

/// `-rw-r--r--`.
fn mode_text(mode: u32) -> String {
    let kind = match mode & 0o170_000 {
        0o040_000 => 'd',
        0o120_000 => 'l',
        0o010_000 => 'p',
        0o140_000 => 's',
        0o020_000 => 'c',
        0o060_000 => 'b',
        _ => '-',
    };
    let letters = "rwxrwxrwx".chars().enumerate();
    let permissions = letters.map(|(at, letter)| if mode & (0o400 >> at) == 0 { '-' } else { letter });
    std::iter::once(kind).chain(permissions).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// A work folder with one sandbox, and a secret beside it.
    fn work_folder() -> (tempfile::TempDir, Files, PathBuf) {
        let folder = tempfile::tempdir().unwrap();
        let run = folder.path().join("slaves/S0/frameworks/F/executors/E/runs/C");
        std::fs::create_dir_all(&run).unwrap();
        std::fs::write(run.join("stdout"), "0123456789").unwrap();
        std::fs::write(folder.path().join("secret"), "no").unwrap();
        std::os::unix::fs::symlink(&run, run.with_file_name("latest")).unwrap();
        std::os::unix::fs::symlink(folder.path().join("secret"), run.join("link")).unwrap();
        let volume = volumes::root(folder.path()).join("web/data");
        std::fs::create_dir_all(&volume).unwrap();
        std::fs::write(volume.join("file"), "kept").unwrap();
        std::os::unix::fs::symlink(&volume, run.join("data")).unwrap();
        let files = Files::new(folder.path(), Some(&"S0".into()));
        (folder, files, run)
    }

    #[test]
    fn a_sandbox_is_found_by_its_path_and_by_its_short_one() {
        let (_folder, files, run) = work_folder();
        let whole = run.join("stdout").display().to_string();
        for path in [whole.as_str(), "/frameworks/F/executors/E/runs/latest/stdout"] {
            let read = files.read(path, Some("2"), Some("3")).unwrap();
            assert_eq!(read, json!({"data": "234", "offset": 2}), "{path}");
        }
        let listed = files.browse("/frameworks/F/executors/E/runs/latest").unwrap();
        assert_eq!(listed[2]["path"], "/frameworks/F/executors/E/runs/latest/stdout");
        assert_eq!((&listed[2]["mode"], &listed[2]["size"]), (&json!("-rw-r--r--"), &json!(10)));
        let kept = files.read("/frameworks/F/executors/E/runs/latest/data/file", Some("0"), None).unwrap();
        assert_eq!(kept["data"], "kept", "a volume that stands in it");
    }

    #[test]
    fn nothing_outside_a_sandbox_is_reached() {
        let (folder, files, run) = work_folder();
        let run = run.display();
        let secret = folder.path().join("secret").display().to_string();
        let paths = [
            "/etc/passwd".to_owned(),
            secret,
            format!("{run}/../../../../../../../../secret"),
            format!("{run}/link"),
            format!("{run}/.."),
            "/frameworks/../../../secret".to_owned(),
            "/frameworks//etc/passwd".to_owned(),
            "/frameworks/F/executors/E".to_owned(),
            "relative".to_owned(),
            volumes::root(folder.path()).join("web").display().to_string(),
            "a\0b".to_owned(),
            String::new(),
        ];
        for path in paths {
            assert_eq!(files.read(&path, Some("0"), None).unwrap_err(), Refused::Missing, "{path:?}");
            assert_eq!(files.browse(&path).unwrap_err(), Refused::Missing, "{path:?}");
        }
    }

    #[test]
    fn offsets_and_lengths_beyond_the_file_give_what_there_is() {
        let (_folder, files, _) = work_folder();
        let path = "/frameworks/F/executors/E/runs/latest/stdout";
        let read = |offset, length| files.read(path, offset, length);
        assert_eq!(read(Some("-1"), None).unwrap(), json!({"data": "", "offset": 10}));
        assert_eq!(read(None, None).unwrap(), json!({"data": "", "offset": 10}));
        assert_eq!(read(Some("8"), Some("100")).unwrap(), json!({"data": "89", "offset": 8}));
        assert_eq!(read(Some("99"), Some("1")).unwrap(), json!({"data": "", "offset": 99}));
        assert_eq!(read(Some("9223372036854775807"), Some("1")).unwrap()["data"], "");
        for bad in ["x", "-2", "99999999999999999999"] {
            assert!(matches!(read(Some(bad), None), Err(Refused::Bad(_))), "{bad}");
        }
    }

    #[test]
    fn modes_are_written_as_ls_does() {
        for (mode, expected) in [(0o100_644, "-rw-r--r--"), (0o040_750, "drwxr-x---")] {
            assert_eq!(mode_text(mode), expected);
        }
    }

    proptest! {
        /// Whatever a path is made of, what it leads to lies in the sandbox or in the volume, or it leads nowhere.
        #[test]
        fn a_path_stays_inside(
            start in 0usize..5,
            steps in prop::collection::vec(prop::sample::select(vec![
                "..", ".", "", "stdout", "link", "data", "file", "latest", "C", "runs", "E", "executors", "F", "frameworks",
                "slaves", "S0", "secret", "volumes", "etc", "passwd", "\u{0}", "%2e%2e", "~",
            ]), 0..14),
        ) {
            let (folder, files, run) = work_folder();
            let run = run.canonicalize().unwrap();
            let volume = volumes::root(folder.path()).join("web/data").canonicalize().unwrap();
            let start = match start {
                0 => "/frameworks/F/executors/E/runs/latest".to_owned(),
                1 => "/frameworks".to_owned(),
                2 => run.display().to_string(),
                3 => volume.display().to_string(),
                _ => String::new(),
            };
            let path = format!("{start}/{}", steps.join("/"));
            if let Ok(found) = files.resolve(&path) {
                prop_assert!(found.starts_with(&run) || found.starts_with(&volume), "{path} leads to {}", found.display());
            }
            if let Ok(read) = files.read(&path, Some("0"), None) {
                prop_assert!(read["data"] == "0123456789" || read["data"] == "kept", "{path}: {read}");
            }
        }
    }
}
