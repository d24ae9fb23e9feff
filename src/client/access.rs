//! How masters and agents may be spoken to: who we are, whom we trust, where names lead.
//!
//! Plain settings; [`super::Client`] holds to them.

use std::collections::BTreeMap;
use std::fmt;
use std::net::IpAddr;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use reqwest::header::HeaderValue;
use zeroize::Zeroizing;

use super::{Patience, RequestError, Tls};
use crate::secret::Secret;

/// How masters and agents may be spoken to. The default is anonymous, trusts the system's authorities, and is wary.
#[derive(Clone, Debug, Default)]
pub struct Access {
    /// How long things may take.
    pub patience: Patience,
    /// Who we are; sent to named masters only.
    pub credentials: Option<Credentials>,
    /// Whose certificates are trusted, and what our own is.
    pub tls: Tls,
    /// Names and addresses that lead elsewhere than the name service says.
    pub resolve: BTreeMap<String, IpAddr>,
    /// Whether a named master's redirect counts as naming its target.
    pub trust_redirects: bool,
    /// Whether agents that the master lists get the credentials too.
    pub trust_agents: bool,
    /// Whether credentials may go over a network unencrypted.
    pub plain_credentials: bool,
}

/// Who we are, for an `Authorization` header.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Credentials {
    /// HTTP Basic, as a master with `--authenticate_http_frameworks` takes it.
    Basic {
        /// The principal.
        principal: String,
        /// Its secret.
        secret: Secret,
    },
    /// A token that somebody has issued.
    Token {
        /// How it is announced.
        scheme: TokenScheme,
        /// The token.
        token: Secret,
    },
}

/// How a token is announced in the header.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub enum TokenScheme {
    /// `Bearer TOKEN`. (RFC 6750)
    #[default]
    Bearer,
    /// `token=TOKEN`, as DC/OS's admin router takes it.
    Dcos,
}

impl Credentials {
    /// The principal, where it is known.
    pub fn principal(&self) -> Option<&str> {
        match self {
            Self::Basic { principal, .. } => Some(principal),
            Self::Token { .. } => None,
        }
    }

    pub(super) fn header(&self) -> Result<HeaderValue, RequestError> {
        let text = match self {
            Self::Basic { principal, secret } => {
                let pair = Zeroizing::new(format!("{principal}:{}", secret.reveal()));
                Zeroizing::new(format!("Basic {}", STANDARD.encode(pair.as_bytes())))
            }
            Self::Token { scheme: TokenScheme::Bearer, token } => Zeroizing::new(format!("Bearer {}", token.reveal())),
            Self::Token { scheme: TokenScheme::Dcos, token } => Zeroizing::new(format!("token={}", token.reveal())),
        };
        // The error says nothing of the text.
        let mut value = HeaderValue::from_str(&text)
            .map_err(|_| RequestError::Setup("the token has characters that no header can carry".to_owned()))?;
        value.set_sensitive(true);
        Ok(value)
    }
}

impl fmt::Display for Credentials {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Basic { principal, .. } => write!(f, "principal {principal}"),
            Self::Token { .. } => f.write_str("a token"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn headers_are_as_the_schemes_say() {
        let basic = Credentials::Basic { principal: "alice".to_owned(), secret: Secret::new("wonder:land") };
        let token = |scheme| Credentials::Token { scheme, token: Secret::new("ey.J") };
        for (credentials, text) in [
            (basic.clone(), "Basic YWxpY2U6d29uZGVyOmxhbmQ="),
            (token(TokenScheme::Bearer), "Bearer ey.J"),
            (token(TokenScheme::Dcos), "token=ey.J"),
        ] {
            let header = credentials.header().unwrap();
            assert_eq!(header.to_str().unwrap(), text);
            assert!(header.is_sensitive());
            let shown = format!(
                "{credentials:?} {credentials} {header:?} {:?}",
                Access { credentials: Some(credentials.clone()), ..Access::default() }
            );
            assert!(!shown.contains("wonder") && !shown.contains("ey.J") && !shown.contains("YWxp"), "{shown}");
        }
        let odd = Credentials::Token { scheme: TokenScheme::Bearer, token: Secret::new("a\r\nHost: evil") };
        assert!(!odd.header().unwrap_err().to_string().contains("evil"));
    }
}
