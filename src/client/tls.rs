//! TLS by rustls: whose certificates are trusted, our own certificate, and what went wrong in words.
//!
//! Verification can't be turned off.

use std::error::Error;
use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use rustls::pki_types::pem::{self, PemObject as _};
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::{AlertDescription, CertificateError, ClientConfig, RootCertStore};
use rustls_platform_verifier::BuilderVerifierExt as _;

/// Whose certificates are trusted, and what our own is. The default trusts the system's authorities and has none.
#[derive(Clone, Default)]
pub struct Tls {
    authorities: Option<Arc<Vec<CertificateDer<'static>>>>,
    identity: Option<Arc<Identity>>,
}

struct Identity {
    chain: Vec<CertificateDer<'static>>,
    key: PrivateKeyDer<'static>,
}

impl fmt::Debug for Tls {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let authorities = self.authorities.as_ref().map(|all| all.len());
        f.debug_struct("Tls").field("authorities", &authorities).field("identity", &self.identity.is_some()).finish()
    }
}

/// A file that is no use for TLS.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{file} can't be used: {why}", file = .file.display())]
pub struct BadTlsFile {
    /// Which.
    pub file: PathBuf,
    /// What is wrong with it.
    pub why: String,
}

impl Tls {
    /// The same, trusting the authorities of that PEM file and no others.
    ///
    /// # Errors
    /// [`BadTlsFile`].
    pub fn with_authorities(mut self, file: &Path) -> Result<Self, BadTlsFile> {
        let authorities = certificates(file)?;
        let mut store = RootCertStore::empty();
        for certificate in &authorities {
            store.add(certificate.clone()).map_err(|error| bad(file, error.to_string()))?;
        }
        self.authorities = Some(Arc::new(authorities));
        Ok(self)
    }

    /// The same, showing that certificate where a server demands one: PEM files, the chain's own certificate first.
    ///
    /// # Errors
    /// [`BadTlsFile`], also when the key is not the certificate's.
    pub fn with_identity(mut self, chain: &Path, key: &Path) -> Result<Self, BadTlsFile> {
        let certificates = certificates(chain)?;
        let found = PrivateKeyDer::from_pem_file(key).map_err(|error| match error {
            pem::Error::NoItemsFound => bad(key, "it has no private key in PEM".to_owned()),
            other => bad(key, other.to_string()),
        })?;
        self.identity = Some(Arc::new(Identity { chain: certificates, key: found }));
        // A key that isn't the certificate's shows now, not at the first connection.
        self.config().map_err(|why| bad(key, why))?;
        Ok(self)
    }

    /// Whether nothing was said of TLS.
    pub fn is_default(&self) -> bool {
        self.authorities.is_none() && self.identity.is_none()
    }

    pub(super) fn config(&self) -> Result<ClientConfig, String> {
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let builder = ClientConfig::builder_with_provider(provider).with_safe_default_protocol_versions();
        let builder = builder.map_err(|error| error.to_string())?;
        let builder = match &self.authorities {
            None => builder.with_platform_verifier().map_err(|error| error.to_string())?,
            Some(authorities) => {
                let mut store = RootCertStore::empty();
                for certificate in authorities.iter() {
                    store.add(certificate.clone()).map_err(|error| error.to_string())?;
                }
                builder.with_root_certificates(store)
            }
        };
        let mut config =
            match &self.identity {
                None => builder.with_no_client_auth(),
                Some(identity) => builder
                    .with_client_auth_cert(identity.chain.clone(), identity.key.clone_key())
                    .map_err(|error| match error {
                        rustls::Error::InconsistentKeys(_) => "it isn't the key of that certificate".to_owned(),
                        other => other.to_string(),
                    })?,
            };
        config.alpn_protocols = vec![b"http/1.1".to_vec()];
        Ok(config)
    }
}

fn certificates(file: &Path) -> Result<Vec<CertificateDer<'static>>, BadTlsFile> {
    let found = CertificateDer::pem_file_iter(file).map_err(|error| bad(file, error.to_string()))?;
    let found: Vec<_> = found.collect::<Result<_, _>>().map_err(|error| bad(file, error.to_string()))?;
    if found.is_empty() { Err(bad(file, "it has no certificate in PEM".to_owned())) } else { Ok(found) }
}

fn bad(file: &Path, why: String) -> BadTlsFile {
    BadTlsFile { file: file.to_owned(), why }
}

/// What of TLS lies beneath an error, in words; `None` if it is about something else.
pub(super) fn trouble(error: &(dyn Error + 'static)) -> Option<String> {
    let mut at = Some(error);
    while let Some(error) = at {
        if let Some(found) = error.downcast_ref() {
            return Some(words(found));
        }
        // An io::Error hides what it was made of from `source`.
        at = match error.downcast_ref::<std::io::Error>().and_then(std::io::Error::get_ref) {
            Some(inner) => Some(inner),
            None => error.source(),
        };
    }
    None
}

/// Why no connection stands, where somebody hung up instead of speaking TLS; anything else as it is.
pub(super) fn ended(why: String) -> String {
    // tokio-rustls has no type for it.
    if why == "tls handshake eof" { "it ended the TLS handshake: perhaps it speaks no TLS".to_owned() } else { why }
}

fn words(error: &rustls::Error) -> String {
    use rustls::Error as E;
    match error {
        E::InvalidCertificate(CertificateError::UnknownIssuer) => {
            "its certificate was issued by nobody who is trusted here".to_owned()
        }
        E::InvalidCertificate(CertificateError::Expired | CertificateError::ExpiredContext { .. }) => {
            "its certificate has expired".to_owned()
        }
        E::InvalidCertificate(CertificateError::NotValidYet | CertificateError::NotValidYetContext { .. }) => {
            "its certificate isn't valid yet: is this machine's clock right?".to_owned()
        }
        E::InvalidCertificate(why @ CertificateError::NotValidForNameContext { .. }) => {
            format!("its certificate is for another name: {why}")
        }
        E::InvalidCertificate(CertificateError::NotValidForName) => "its certificate is for another name".to_owned(),
        E::InvalidCertificate(CertificateError::Revoked) => "its certificate has been revoked".to_owned(),
        E::InvalidMessage(_) => "it doesn't speak TLS".to_owned(),
        E::AlertReceived(AlertDescription::CertificateRequired) => "it demands a client certificate".to_owned(),
        E::AlertReceived(AlertDescription::UnknownCA | AlertDescription::BadCertificate) => {
            "it doesn't trust our client certificate".to_owned()
        }
        other => other.to_string(),
    }
}
