//! The file of settings: profiles, and which of them is the default. Read from the person's own folder only, never from
//! the current one; written whole, with what else stands in it kept.

use std::collections::BTreeMap;
use std::fs;
use std::io::{Read as _, Write as _};
use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};

use etcetera::BaseStrategy as _;
use serde::Deserialize;
use toml_edit::{DocumentMut, Item, Table};

use super::{Profile, secrets};
use crate::document::Diagnostic;

/// Where the file is; it needn't be there.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct File {
    path: PathBuf,
}

/// A file that is none.
pub type BadFile = Diagnostic;

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case", default)]
struct Content {
    /// The profile that counts where none is named.
    default: Option<String>,
    profiles: BTreeMap<String, Profile>,
}

/// Whether a profile can be called so.
pub fn is_name(name: &str) -> bool {
    let fits = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '_' | '-');
    !name.is_empty() && name.len() <= 64 && name.chars().all(fits) && !matches!(name, "none" | "embedded")
}

impl File {
    /// The person's own: `mesos-repl/config.toml` in the XDG configuration folder.
    pub fn usual() -> Option<Self> {
        // A relative folder would be one in the current folder; the XDG specification has it ignored.
        let folder = etcetera::choose_base_strategy().ok()?.config_dir();
        folder.is_absolute().then(|| Self::at(folder.join("mesos-repl").join("config.toml")))
    }

    /// A file at that place.
    pub fn at(path: PathBuf) -> Self {
        Self { path }
    }

    /// Its place.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// The profile that counts where none is named.
    ///
    /// # Errors
    /// A file that isn't there says nothing; one that can't be believed or understood is an error.
    pub fn default_profile(&self) -> Result<Option<String>, BadFile> {
        Ok(self.content()?.default)
    }

    /// All profiles, by name.
    ///
    /// # Errors
    /// As [`File::default_profile`].
    pub fn profiles(&self) -> Result<BTreeMap<String, Profile>, BadFile> {
        Ok(self.content()?.profiles)
    }

    /// One profile. Its relative paths count from the file's folder.
    ///
    /// # Errors
    /// As [`File::default_profile`], and when there is none of that name.
    pub fn profile(&self, name: &str) -> Result<Profile, BadFile> {
        let mut profiles = self.profiles()?;
        match profiles.remove(name) {
            Some(profile) => Ok(self.resolved(profile)),
            None => {
                let known: Vec<&str> = profiles.keys().map(String::as_str).collect();
                let diagnostic = Diagnostic::new(format!("there is no profile '{name}'")).detail(format!(
                    "{} has {}",
                    self.path.display(),
                    listed(&known)
                ));
                Err(match crate::lang::nearest(name, known) {
                    Some(near) => diagnostic.help(format!("did you mean {near}?")),
                    None => diagnostic.help("profile add NAME --master HOST:PORT makes one"),
                })
            }
        }
    }

    /// Adds a profile, or replaces one.
    ///
    /// # Errors
    /// As [`File::default_profile`], and when it can't be written.
    pub fn add(&self, name: &str, profile: &Profile) -> Result<(), BadFile> {
        let table = toml_edit::ser::to_document(profile);
        let table = table.map_err(|error| Diagnostic::new("the profile can't be written").cause(&error))?;
        self.change(|document| {
            let profiles = document.entry("profiles").or_insert_with(|| {
                let mut table = Table::new();
                table.set_implicit(true);
                Item::Table(table)
            });
            let Some(profiles) = profiles.as_table_mut() else { return false };
            profiles.insert(name, Item::Table(table.as_table().clone())).is_some()
        })
        .map(|_| ())
    }

    /// Removes a profile; whether there was one.
    ///
    /// # Errors
    /// As [`File::add`].
    pub fn remove(&self, name: &str) -> Result<bool, BadFile> {
        self.change(|document| {
            if document.get("default").and_then(Item::as_str) == Some(name) {
                document.remove("default");
            }
            let profiles = document.get_mut("profiles").and_then(Item::as_table_mut);
            profiles.is_some_and(|profiles| profiles.remove(name).is_some())
        })
    }

    /// Makes a profile the default, or none.
    ///
    /// # Errors
    /// As [`File::add`].
    pub fn set_default(&self, name: Option<&str>) -> Result<(), BadFile> {
        self.change(|document| match name {
            Some(name) => document.insert("default", toml_edit::value(name)).is_some(),
            None => document.remove("default").is_some(),
        })
        .map(|_| ())
    }

    fn resolved(&self, mut profile: Profile) -> Profile {
        let folder = self.path.parent().unwrap_or(Path::new("/"));
        let files = [
            &mut profile.ca_file,
            &mut profile.cert_file,
            &mut profile.key_file,
            &mut profile.secret_file,
            &mut profile.credential_file,
            &mut profile.token_file,
        ];
        for file in files.into_iter().flatten() {
            // An absolute path stays what it is.
            *file = folder.join(&*file);
        }
        profile
    }

    fn text(&self) -> Result<String, BadFile> {
        match fs::symlink_metadata(&self.path) {
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(String::new()),
            _ => {}
        }
        // Whoever can change it decides where credentials go.
        let (mut file, _) = secrets::open(&self.path)?;
        let mut text = String::new();
        file.read_to_string(&mut text)
            .map_err(|error| Diagnostic::new(format!("{} can't be read", self.path.display())).cause(&error))?;
        Ok(text)
    }

    fn content(&self) -> Result<Content, BadFile> {
        let text = self.text()?;
        let content: Content =
            toml_edit::de::from_str(&text).map_err(|error| self.wrong(&text, error.span(), error.message()))?;
        if let Some(name) = content.profiles.keys().find(|name| !is_name(name)) {
            return Err(self.wrong(&text, None, &format!("'{name}' can't be a profile's name")));
        }
        Ok(content)
    }

    /// Points at the place, unless a password might stand there.
    fn wrong(&self, text: &str, span: Option<std::ops::Range<usize>>, what: &str) -> Diagnostic {
        let line = span.as_ref().map(|span| text.get(..span.start).unwrap_or_default().lines().count().max(1));
        let place = line.map_or_else(String::new, |line| format!(", line {line}"));
        let what = what.lines().next().unwrap_or_default();
        let what = if what.contains('@') { "a value isn't what it should be" } else { what };
        Diagnostic::new(format!("{}{place}: {what}", self.path.display()))
    }

    fn change<T>(&self, change: impl FnOnce(&mut DocumentMut) -> T) -> Result<T, BadFile> {
        // What can't be understood isn't written over.
        self.content()?;
        let text = self.text()?;
        let mut document: DocumentMut =
            text.parse().map_err(|error: toml_edit::TomlError| self.wrong(&text, error.span(), error.message()))?;
        let changed = change(&mut document);
        let written = self.write(&document.to_string());
        written.map_err(|error| Diagnostic::new(format!("{} can't be written", self.path.display())).cause(&error))?;
        Ok(changed)
    }

    /// Beside it first, then in its place: at no time is it half written. A link stays one.
    fn write(&self, text: &str) -> std::io::Result<()> {
        let path = fs::canonicalize(&self.path).unwrap_or_else(|_| self.path.clone());
        let folder = path.parent().unwrap_or(Path::new("/"));
        fs::DirBuilder::new().recursive(true).mode(0o700).create(folder)?;
        let beside = folder.join(format!(".config.toml.{}.{:08x}", std::process::id(), fastrand::u32(..)));
        let mut file = fs::OpenOptions::new().write(true).create_new(true).mode(0o600).open(&beside)?;
        let written =
            file.write_all(text.as_bytes()).and_then(|()| file.sync_all()).and_then(|()| fs::rename(&beside, &path));
        if written.is_err() {
            // It is of no use any more; the error is the first one.
            let _ = fs::remove_file(&beside);
        }
        written.and_then(|()| fs::File::open(folder)?.sync_all())
    }
}

fn listed(names: &[&str]) -> String {
    if names.is_empty() { "none".to_owned() } else { names.join(", ") }
}
