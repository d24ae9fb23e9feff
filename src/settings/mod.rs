//! What is said of a cluster, where it was said, and what that comes to: whom to ask, and how.
//!
//! Flags outrank the environment, and that a profile. Files are read, nobody is contacted; secrets come from files, the
//! environment or whoever is asked, never from a command line.

mod file;
mod origin;
mod secrets;

use std::collections::BTreeMap;
use std::net::IpAddr;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

pub use file::{BadFile, File, is_name};
pub use origin::{Origin, Setting};

use crate::client::{Access, Credentials, Tls, TokenScheme};
use crate::document::Diagnostic;
use crate::secret::Secret;
use crate::session::Masters;

/// What one source says of a cluster; a profile in the file of settings has these names, with dashes.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize, Serialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case", default)]
pub struct Profile {
    /// `HOST:PORT`, several with commas, URLs, `zk://...`, or `file://PATH` of a file that holds it.
    pub master: Option<String>,
    /// Whether addresses without a scheme, and masters that ZooKeeper knows, speak TLS.
    pub tls: Option<bool>,
    /// PEM file of the authorities to trust instead of the system's.
    pub ca_file: Option<PathBuf>,
    /// PEM file of our own certificate.
    pub cert_file: Option<PathBuf>,
    /// PEM file of its key.
    pub key_file: Option<PathBuf>,
    /// Who we are.
    pub principal: Option<String>,
    /// File that holds the principal's secret.
    pub secret_file: Option<PathBuf>,
    /// File that holds principal and secret, as Mesos's `--credential` has it.
    pub credential_file: Option<PathBuf>,
    /// File that holds a token.
    pub token_file: Option<PathBuf>,
    /// How the token is announced.
    pub token_scheme: Option<Scheme>,
    /// `NAME=IP`: where names lead.
    pub resolve: Vec<String>,
    /// Whether a named master's redirect counts as naming its target.
    pub trust_redirects: Option<bool>,
    /// Whether agents that the master lists get the credentials too.
    pub trust_agents: Option<bool>,
    /// Whether credentials may go over a network unencrypted.
    pub plain_credentials: Option<bool>,
    /// The framework's name where nobody says one.
    pub name: Option<String>,
    /// Who tasks run as.
    pub user: Option<String>,
    /// The framework's role.
    pub role: Option<String>,
}

/// How a token is announced.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize, clap::ValueEnum)]
#[serde(rename_all = "lowercase")]
pub enum Scheme {
    /// Authorization: Bearer TOKEN
    Bearer,
    /// Authorization: token=TOKEN, as DC/OS has it
    Dcos,
}

/// What all sources say, the strongest first.
#[derive(Clone, Debug, Default)]
pub struct Said {
    sources: Vec<(Origin, Profile)>,
    /// Secrets of the environment, and the variables' names.
    secret: Option<(&'static str, Secret)>,
    token: Option<(&'static str, Secret)>,
}

/// What it comes to.
#[derive(Clone, Debug)]
pub struct Place {
    /// Where the masters are.
    pub masters: Setting<Masters>,
    /// How they may be spoken to.
    pub access: Access,
    /// What was said, for people to see: a name, a value without secrets, and where it was said.
    pub shown: Vec<Shown>,
    /// What isn't as it should be, though it works.
    pub warnings: Vec<String>,
}

/// A setting as it is shown.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Shown {
    /// Its name, as in the file.
    pub name: &'static str,
    /// Its value; a secret's is `***`.
    pub value: String,
    /// Where it was said.
    pub origin: Origin,
}

/// Asks a person for a secret; none if there is nobody to ask.
pub type Ask<'a> = &'a mut dyn FnMut(&str) -> Option<Secret>;

impl Said {
    /// Adds a source that is weaker than those before it.
    #[must_use]
    pub fn then(mut self, origin: Origin, profile: Profile) -> Self {
        self.sources.push((origin, profile));
        self
    }

    /// Adds what the environment says: `MESOS_MASTER` and its like.
    #[must_use]
    pub fn then_environment(mut self, env: &dyn Fn(&str) -> Option<String>) -> Self {
        let env = |name: &'static str| env(name).filter(|value| !value.trim().is_empty());
        let file = |name: &'static str| env(name).map(PathBuf::from);
        // A source each, so that every value knows its own variable.
        let mut one = |name: &'static str, profile: Profile| {
            if profile != Profile::default() {
                self.sources.push((Origin::Environment(name), profile));
            }
        };
        let none = Profile::default;
        one("MESOS_MASTER", Profile { master: env("MESOS_MASTER"), ..none() });
        one("MESOS_PRINCIPAL", Profile { principal: env("MESOS_PRINCIPAL"), ..none() });
        one("MESOS_SECRET_FILE", Profile { secret_file: file("MESOS_SECRET_FILE"), ..none() });
        one("MESOS_TOKEN_FILE", Profile { token_file: file("MESOS_TOKEN_FILE"), ..none() });
        one("MESOS_CA_FILE", Profile { ca_file: file("MESOS_CA_FILE"), ..none() });
        one("MESOS_CERT_FILE", Profile { cert_file: file("MESOS_CERT_FILE"), ..none() });
        one("MESOS_KEY_FILE", Profile { key_file: file("MESOS_KEY_FILE"), ..none() });
        self.with_secrets(&env)
    }

    /// Adds the secrets that the environment holds, and nothing else of it.
    #[must_use]
    pub fn with_secrets(mut self, env: &dyn Fn(&'static str) -> Option<String>) -> Self {
        let secret = |name| env(name).filter(|value| !value.is_empty()).map(|value| (name, Secret::new(value)));
        self.secret = secret("MESOS_SECRET");
        self.token = secret("MESOS_TOKEN");
        self
    }

    /// Adds the profile of that name, or the default one if nobody has named a master: its credentials are for its own
    /// cluster. `none` is no profile.
    ///
    /// # Errors
    /// A profile that isn't there, a file that can't be read or believed.
    pub fn then_profile(self, name: Option<&str>, file: Option<&File>) -> Result<Self, Diagnostic> {
        let no_file =
            || Diagnostic::new("there is no place for a file of settings: HOME and XDG_CONFIG_HOME are unset");
        let default = match name.map(str::trim).filter(|name| !name.is_empty()) {
            Some("none") => return Ok(self),
            Some(name) => {
                let profile = file.ok_or_else(no_file)?.profile(name)?;
                return Ok(self.then(Origin::Profile(name.to_owned()), profile));
            }
            None if self.pick(|profile| profile.master.clone()).is_some() => return Ok(self),
            None => file.map(File::default_profile).transpose()?.flatten(),
        };
        match (default, file) {
            (Some(name), Some(file)) => {
                let profile = file.profile(&name)?;
                Ok(self.then(Origin::Profile(name), profile))
            }
            _ => Ok(self),
        }
    }

    /// The strongest word on something.
    pub fn pick<T: Clone>(&self, get: impl Fn(&Profile) -> Option<T>) -> Option<Setting<T>> {
        self.sources
            .iter()
            .find_map(|(origin, profile)| get(profile).map(|value| Setting { value, origin: origin.clone() }))
    }

    fn flag(&self, get: impl Fn(&Profile) -> Option<bool>) -> bool {
        self.pick(get).is_some_and(|setting| setting.value)
    }

    /// How strong a source is; less is stronger.
    fn rank(&self, origin: &Origin) -> usize {
        match origin {
            Origin::Flag => 0,
            Origin::Environment(_) => 1,
            _ => 2,
        }
    }

    /// What all that comes to; none if nobody names a master.
    ///
    /// # Errors
    /// What doesn't fit together, can't be read, or isn't safe.
    pub fn place(&self, ask: Ask<'_>) -> Result<Option<Place>, Diagnostic> {
        let Some(master) = self.pick(|profile| profile.master.clone()) else {
            return match self.unused() {
                Some(shown) => Err(Diagnostic::new(format!("{} is said, and no master", shown.name))
                    .detail(format!("said by {}", shown.origin))
                    .help("--master HOST:PORT")),
                None => Ok(None),
            };
        };
        let mut warnings = Vec::new();
        let masters = self.masters(&master, &mut warnings)?;
        let access = self.access(&masters, &mut warnings, ask)?;
        let shown = self.shown(&masters, &access);
        Ok(Some(Place { masters: Setting { value: masters, origin: master.origin }, access, shown, warnings }))
    }

    /// Something that was said on purpose and has no effect without a master.
    fn unused(&self) -> Option<Shown> {
        let flags = self.sources.iter().filter(|(origin, _)| *origin == Origin::Flag || origin.is_profile());
        let (origin, profile) = flags.clone().find(|(_, profile)| {
            Profile { name: None, user: None, role: None, ..profile.clone() } != Profile::default()
        })?;
        let names = entries(profile);
        names.into_iter().find(|(name, _)| !matches!(*name, "name" | "user" | "role")).map(|(name, value)| Shown {
            name,
            value,
            origin: origin.clone(),
        })
    }

    fn masters(&self, said: &Setting<String>, warnings: &mut Vec<String>) -> Result<Masters, Diagnostic> {
        let tls = self.flag(|profile| profile.tls);
        let text = match said.value.trim().strip_prefix("file://") {
            Some(path) => secrets::address_file(Path::new(path), warnings)?,
            None => {
                if said.origin == Origin::Flag && crate::detect::Url::is_meant(&said.value) && said.value.contains('@')
                {
                    let what = "everybody on this machine can see a command line, and the password in it: \
                                --master file://PATH of a file with the address";
                    warnings.push(what.to_owned());
                }
                Secret::new(said.value.clone())
            }
        };
        Masters::parse(text.reveal(), tls)
            .map_err(|error| Diagnostic::from_error(&error).detail(format!("said by {}", said.origin)))
    }

    fn access(&self, masters: &Masters, warnings: &mut Vec<String>, ask: Ask<'_>) -> Result<Access, Diagnostic> {
        let mut resolve = BTreeMap::new();
        for (origin, profile) in self.sources.iter().rev() {
            for pair in &profile.resolve {
                let (name, ip) = mapping(pair).map_err(|what| what.detail(format!("said by {origin}")))?;
                resolve.insert(name, ip);
            }
        }
        let tls = self.tls()?;
        if !tls.is_default() && !masters.is_tls() {
            return Err(Diagnostic::new(format!("certificates are named, and {masters} is spoken to without TLS"))
                .help("https://HOST:PORT, or --tls with a ZooKeeper address"));
        }
        Ok(Access {
            credentials: self.credentials(warnings, ask)?,
            tls,
            resolve,
            trust_redirects: self.flag(|profile| profile.trust_redirects),
            trust_agents: self.flag(|profile| profile.trust_agents),
            plain_credentials: self.flag(|profile| profile.plain_credentials),
            ..Access::default()
        })
    }

    fn tls(&self) -> Result<Tls, Diagnostic> {
        let bad = |error: crate::client::BadTlsFile| Diagnostic::from_error(&error);
        let mut tls = Tls::default();
        if let Some(file) = self.pick(|profile| profile.ca_file.clone()) {
            tls = tls.with_authorities(&file.value).map_err(bad)?;
        }
        let (chain, key) =
            (self.pick(|profile| profile.cert_file.clone()), self.pick(|profile| profile.key_file.clone()));
        match (chain, key) {
            (None, None) => {}
            // One file may hold both, as they often do.
            (Some(chain), key) => {
                let key = key.as_ref().map_or(&chain.value, |key| &key.value);
                secrets::checked(key)?;
                tls = tls.with_identity(&chain.value, key).map_err(bad)?;
            }
            (None, Some(key)) => {
                return Err(Diagnostic::new("a key without its certificate is of no use")
                    .detail(format!("said by {}", key.origin))
                    .help("--cert-file FILE"));
            }
        }
        Ok(tls)
    }

    fn credentials(&self, warnings: &mut Vec<String>, ask: Ask<'_>) -> Result<Option<Credentials>, Diagnostic> {
        let token_file = self.pick(|profile| profile.token_file.clone());
        let token = match (&token_file, &self.token) {
            (Some(file), Some((_, _))) if self.rank(&file.origin) == 0 => Some(file.origin.clone()),
            (_, Some((name, _))) => Some(Origin::Environment(name)),
            (Some(file), None) => Some(file.origin.clone()),
            (None, None) => None,
        };
        let principal = self.pick(|profile| profile.principal.clone());
        let credential = self.pick(|profile| profile.credential_file.clone());
        let basic = [principal.as_ref().map(|it| &it.origin), credential.as_ref().map(|it| &it.origin)];
        let basic = basic.into_iter().flatten().min_by_key(|origin| self.rank(origin));
        match (token, basic) {
            (None, None) => Ok(None),
            (Some(token), Some(basic)) if self.rank(&token) == self.rank(basic) => {
                Err(Diagnostic::new("a token and a principal are said: which of them are we?")
                    .detail(format!("by {token} and by {basic}")))
            }
            (Some(origin), basic) if basic.is_none_or(|basic| self.rank(&origin) < self.rank(basic)) => {
                let token = match (&self.token, token_file) {
                    (Some((_, token)), _) if matches!(origin, Origin::Environment("MESOS_TOKEN")) => token.clone(),
                    (_, Some(file)) => secrets::secret_file(&file.value, warnings)?,
                    _ => return Ok(None),
                };
                let scheme = match self.pick(|profile| profile.token_scheme).map(|scheme| scheme.value) {
                    Some(Scheme::Dcos) => TokenScheme::Dcos,
                    _ => TokenScheme::Bearer,
                };
                Ok(Some(Credentials::Token { scheme, token }))
            }
            _ => self.basic(principal, credential, warnings, ask).map(Some),
        }
    }

    fn basic(
        &self,
        principal: Option<Setting<String>>,
        credential: Option<Setting<PathBuf>>,
        warnings: &mut Vec<String>,
        ask: Ask<'_>,
    ) -> Result<Credentials, Diagnostic> {
        let principal = match (principal, credential) {
            (principal, Some(file))
                if principal.as_ref().is_none_or(|it| self.rank(&file.origin) <= self.rank(&it.origin)) =>
            {
                let (named, secret) = secrets::credential_file(&file.value, warnings)?;
                if principal.as_ref().is_some_and(|it| it.value != named) {
                    return Err(Diagnostic::new(format!("{} is another principal's", file.value.display())));
                }
                return Ok(Credentials::Basic { principal: named, secret });
            }
            (Some(principal), _) => principal.value,
            (None, _) => return Err(Diagnostic::new("no principal is named")),
        };
        if principal.contains(':') || principal.contains(char::is_control) {
            return Err(Diagnostic::new("a principal can't have ':' or control characters: HTTP has no room for them"));
        }
        let file = self.pick(|profile| profile.secret_file.clone());
        let secret = match (file, &self.secret) {
            (Some(file), Some(_)) if self.rank(&file.origin) == 0 => secrets::secret_file(&file.value, warnings)?,
            (_, Some((_, secret))) => secret.clone(),
            (Some(file), None) => secrets::secret_file(&file.value, warnings)?,
            (None, None) => ask(&format!("secret of {principal}: ")).ok_or_else(|| {
                Diagnostic::new(format!("the principal {principal} has no secret, and it can't be asked for here"))
                    .help("--secret-file FILE, or MESOS_SECRET in the environment; at a terminal, the program asks when it starts")
            })?,
        };
        if secret.reveal().contains(':') {
            // (apache/mesos: src/authentication/http/basic_authenticator_factory.cpp splits at every colon)
            warnings.push("a Mesos master takes no secret with a ':' in it".to_owned());
        }
        Ok(Credentials::Basic { principal, secret })
    }

    /// What was said, the stronger word where there are two.
    fn shown(&self, masters: &Masters, access: &Access) -> Vec<Shown> {
        let mut shown: Vec<Shown> = Vec::new();
        for (origin, profile) in &self.sources {
            for (name, value) in entries(profile) {
                if shown.iter().all(|known| known.name != name || name == "resolve") {
                    let value = if name == "master" { masters.to_string() } else { value };
                    shown.push(Shown { name, value, origin: origin.clone() });
                }
            }
        }
        let secret = match &access.credentials {
            Some(Credentials::Basic { .. }) => self.secret.as_ref().map(|(name, _)| ("secret", *name)),
            Some(Credentials::Token { .. }) => self.token.as_ref().map(|(name, _)| ("token", *name)),
            None => None,
        };
        shown.extend(secret.map(|(name, variable)| Shown {
            name,
            value: "***".to_owned(),
            origin: Origin::Environment(variable),
        }));
        shown
    }
}

/// Everything that a profile says, as it is shown: an address without its password.
pub fn entries(profile: &Profile) -> Vec<(&'static str, String)> {
    let path = |path: &Option<PathBuf>| path.as_ref().map(|path| path.display().to_string());
    let flag = |flag: Option<bool>| flag.map(|flag| if flag { "yes" } else { "no" }.to_owned());
    let scheme = profile.token_scheme.map(|scheme| match scheme {
        Scheme::Bearer => "bearer".to_owned(),
        Scheme::Dcos => "dcos".to_owned(),
    });
    let resolve = (!profile.resolve.is_empty()).then(|| profile.resolve.join(", "));
    [
        ("master", profile.master.as_deref().map(without_password)),
        ("tls", flag(profile.tls)),
        ("ca-file", path(&profile.ca_file)),
        ("cert-file", path(&profile.cert_file)),
        ("key-file", path(&profile.key_file)),
        ("principal", profile.principal.clone()),
        ("secret-file", path(&profile.secret_file)),
        ("credential-file", path(&profile.credential_file)),
        ("token-file", path(&profile.token_file)),
        ("token-scheme", scheme),
        ("resolve", resolve),
        ("trust-redirects", flag(profile.trust_redirects)),
        ("trust-agents", flag(profile.trust_agents)),
        ("plain-credentials", flag(profile.plain_credentials)),
        ("name", profile.name.clone()),
        ("user", profile.user.clone()),
        ("role", profile.role.clone()),
    ]
    .into_iter()
    .filter_map(|(name, value)| Some((name, value?)))
    .collect()
}

/// The address that a person means: what they wrote, or what the file holds that they named by `file://PATH`.
///
/// # Errors
/// A file that can't be read or believed.
pub fn masters_text(said: &str) -> Result<Secret, Diagnostic> {
    match said.trim().strip_prefix("file://") {
        Some(path) => secrets::address_file(Path::new(path), &mut Vec::new()),
        None => Ok(Secret::new(said)),
    }
}

/// An address as it may be shown, be it a good one or not.
pub fn without_password(master: &str) -> String {
    let Some(at) = master.rfind('@') else { return master.to_owned() };
    let start = master.find("://").filter(|scheme| *scheme < at).map_or(0, |scheme| scheme + 3);
    format!("{}***{}", master.get(..start).unwrap_or_default(), master.get(at..).unwrap_or_default())
}

/// `NAME=IP`.
fn mapping(pair: &str) -> Result<(String, IpAddr), Diagnostic> {
    let wrong = || {
        Diagnostic::new(format!("'{pair}' says not where a name leads")).help("NAME=IP, such as mesos-master=10.0.0.1")
    };
    let (name, ip) = pair.split_once('=').ok_or_else(wrong)?;
    let ip = ip.trim().trim_start_matches('[').trim_end_matches(']').parse().map_err(|_| wrong())?;
    let name = name.trim().to_ascii_lowercase();
    if name.is_empty() { Err(wrong()) } else { Ok((name, ip)) }
}

#[cfg(test)]
mod tests;
