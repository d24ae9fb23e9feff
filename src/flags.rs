//! What a Mesos master's and agent's flags say of the embedded ones, under the names they have there.
//!
//! Options of `local`, or the environment's `MESOS_` variables. Reads files that they name, starts nothing.

use std::path::Path;
use std::time::Duration;

use crate::embedded::{Acls, AgentConfig, Config, flags};

/// Flags that a Mesos has too.
#[derive(Debug, Clone, Default, clap::Args)]
#[command(next_help_heading = "Flags of Mesos")]
pub struct Flags {
    /// What each agent has, as `cpus:4;mem:4096;ports:[31000-32000]`; what isn't named as usual
    #[arg(long, value_name = "TEXT", env = "MESOS_RESOURCES", hide_env_values = true)]
    pub resources: Option<String>,

    /// Of what each agent is, as `rack:a;zone:b`
    #[arg(long, value_name = "TEXT", env = "MESOS_ATTRIBUTES", hide_env_values = true)]
    pub attributes: Option<String>,

    /// The only roles that frameworks may have, with commas
    #[arg(long, value_name = "ROLES", env = "MESOS_ROLES", hide_env_values = true)]
    pub roles: Option<String>,

    /// Principals and secrets: a file of JSON, or of lines with both. With them everybody must say who they are
    #[arg(long, value_name = "FILE", env = "MESOS_CREDENTIALS", hide_env_values = true)]
    pub credentials: Option<String>,

    /// Whether schedulers must say who they are
    #[arg(long, value_name = "BOOL", env = "MESOS_AUTHENTICATE_HTTP_FRAMEWORKS", hide_env_values = true)]
    pub authenticate_http_frameworks: Option<bool>,

    /// Whether who looks must say so
    #[arg(long, value_name = "BOOL", env = "MESOS_AUTHENTICATE_HTTP_READONLY", hide_env_values = true)]
    pub authenticate_http_readonly: Option<bool>,

    /// Whether who changes something must say so
    #[arg(long, value_name = "BOOL", env = "MESOS_AUTHENTICATE_HTTP_READWRITE", hide_env_values = true)]
    pub authenticate_http_readwrite: Option<bool>,

    /// Who may do what: JSON, or a file of it
    #[arg(long, value_name = "FILE|JSON", env = "MESOS_ACLS", hide_env_values = true)]
    pub acls: Option<String>,

    /// Whether frameworks may run tasks as root
    #[arg(long, value_name = "BOOL", env = "MESOS_ROOT_SUBMISSIONS", hide_env_values = true)]
    pub root_submissions: Option<bool>,

    /// Between two rounds of offers, as 1secs or 100ms
    #[arg(long, value_name = "TIME", env = "MESOS_ALLOCATION_INTERVAL", hide_env_values = true, value_parser = flags::duration)]
    pub allocation_interval: Option<Duration>,

    /// How long an offer may stay unanswered; for ever otherwise
    #[arg(long, value_name = "TIME", env = "MESOS_OFFER_TIMEOUT", hide_env_values = true, value_parser = flags::duration)]
    pub offer_timeout: Option<Duration>,

    /// How often a master looks whether its agents are there: with the next one, how long it takes to notice that one
    /// can't be reached. At once otherwise
    #[arg(long, value_name = "TIME", env = "MESOS_AGENT_PING_TIMEOUT", hide_env_values = true, value_parser = flags::duration)]
    pub agent_ping_timeout: Option<Duration>,

    /// How often an agent may not answer that
    #[arg(long, value_name = "COUNT", env = "MESOS_MAX_AGENT_PING_TIMEOUTS", hide_env_values = true)]
    pub max_agent_ping_timeouts: Option<u32>,

    /// How long agents may take to come back to a master that has started again, before they count as out of reach;
    /// ten minutes otherwise
    #[arg(long, value_name = "TIME", env = "MESOS_AGENT_REREGISTER_TIMEOUT", hide_env_values = true, value_parser = flags::duration)]
    pub agent_reregister_timeout: Option<Duration>,
}

impl Flags {
    /// Puts what was said into the settings.
    ///
    /// # Errors
    /// Which flag is wrong, and why.
    pub fn apply(&self, config: &mut Config) -> Result<(), String> {
        let usual = std::mem::take(&mut config.agent);
        config.agent = match (&self.resources, &self.attributes) {
            (None, None) => usual,
            (resources, attributes) => {
                let wrong = |why: String| format!("--resources or --attributes: {why}");
                AgentConfig::of(resources.as_deref().unwrap_or(""), attributes.as_deref().unwrap_or(""))
                    .map_err(wrong)?
            }
        };
        config.roles = self.roles.as_deref().map(flags::roles);
        if let Some(path) = &self.credentials {
            let text = read(path).map_err(|error| format!("--credentials: {error}"))?;
            config.credentials = flags::credentials(&text).map_err(|why| format!("--credentials: {why}"))?;
        }
        if let Some(acls) = &self.acls {
            let text = match acls.trim_start().starts_with('{') {
                true => acls.clone(),
                false => read(acls).map_err(|error| format!("--acls: {error}"))?,
            };
            config.acls = Acls::read(&text).map_err(|why| format!("--acls: {why}"))?;
        }
        let asked = &mut config.authenticate;
        asked.frameworks = self.authenticate_http_frameworks.unwrap_or(asked.frameworks);
        asked.readonly = self.authenticate_http_readonly.unwrap_or(asked.readonly);
        asked.readwrite = self.authenticate_http_readwrite.unwrap_or(asked.readwrite);
        config.root_submissions = self.root_submissions.unwrap_or(config.root_submissions);
        config.allocation_interval = self.allocation_interval.unwrap_or(config.allocation_interval);
        config.offer_timeout = self.offer_timeout;
        config.agent_reregister_timeout = self.agent_reregister_timeout.unwrap_or(config.agent_reregister_timeout);
        config.agent_timeout = match (self.agent_ping_timeout, self.max_agent_ping_timeouts) {
            (None, None) => config.agent_timeout,
            (each, most) => each.unwrap_or(PING_TIMEOUT).saturating_mul(most.unwrap_or(PING_TIMEOUTS)),
        };
        Ok(())
    }
}

/// What a master waits for one answer of an agent, unless it is told otherwise.
const PING_TIMEOUT: Duration = Duration::from_secs(15);
/// How often.
const PING_TIMEOUTS: u32 = 5;

/// A file, as Mesos's flags name it.
fn read(path: &str) -> std::io::Result<String> {
    std::fs::read_to_string(Path::new(path.strip_prefix("file://").unwrap_or(path)))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn applied(flags: &Flags) -> Result<Config, String> {
        let mut config = Config::default();
        flags.apply(&mut config).map(|()| config)
    }

    #[test]
    fn nothing_said_changes_nothing() {
        let (config, usual) = (applied(&Flags::default()).unwrap(), Config::default());
        assert_eq!(format!("{config:?}"), format!("{usual:?}"));
    }

    #[test]
    fn each_flag_says_what_is_wrong_with_it() {
        let flags = |acls: &str| Flags { acls: Some(acls.to_owned()), ..Flags::default() };
        assert!(applied(&flags("{\"permissive\": 1}")).unwrap_err().starts_with("--acls: "));
        assert!(applied(&flags("/nowhere/acls.json")).unwrap_err().starts_with("--acls: "));
        let flags = Flags { credentials: Some("/nowhere".to_owned()), ..Flags::default() };
        assert!(applied(&flags).unwrap_err().starts_with("--credentials: "));
        let flags = Flags { resources: Some("cpus:[1".to_owned()), ..Flags::default() };
        assert!(applied(&flags).unwrap_err().starts_with("--resources or --attributes: "));
    }

    #[test]
    fn an_agent_is_missed_as_late_as_a_real_one_where_one_of_its_flags_is_given() {
        let flags = Flags { agent_ping_timeout: Some(Duration::from_secs(10)), ..Flags::default() };
        assert_eq!(applied(&flags).unwrap().agent_timeout, Duration::from_secs(50));
        let flags = Flags { max_agent_ping_timeouts: Some(5), ..Flags::default() };
        assert_eq!(applied(&flags).unwrap().agent_timeout, Duration::from_secs(75));
        assert_eq!(applied(&Flags::default()).unwrap().agent_timeout, Duration::ZERO);
    }
}
