//! Where the masters are: addresses that a person names, or whoever ZooKeeper says leads.
//!
//! Reads text and nodes; contacts nobody.

use std::collections::BTreeMap;
use std::fmt;
use std::net::{IpAddr, Ipv4Addr};

use crate::client::{Address, BadAddress};
use crate::detect::{self, Registered};
use crate::mesos::MasterInfo;

/// Where the masters are.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Masters {
    /// At these addresses, at least one, all of one scheme; whoever doesn't lead redirects to whoever does.
    Named(Vec<Address>),
    /// Where ZooKeeper says.
    ZooKeeper {
        /// Its servers, and the path of the masters' nodes.
        url: detect::Url,
        /// Whether the masters speak TLS; their nodes don't tell.
        tls: bool,
    },
}

impl Masters {
    /// Reads `HOST:PORT`, several with commas, URLs, or `zk://HOST:PORT,HOST:PORT/PATH`; with `tls`, addresses without a
    /// scheme are https.
    ///
    /// # Errors
    /// [`BadAddress`]; a password isn't repeated in it.
    pub fn parse(text: &str, tls: bool) -> Result<Self, BadAddress> {
        let bad = |text: &str, why: String| BadAddress { text: text.to_owned(), why };
        if detect::Url::is_meant(text) {
            let shown = format!("zk://{}", text.rsplit('@').next().unwrap_or_default().trim_start_matches("zk://"));
            let url = detect::Url::parse(text).map_err(|error| bad(&shown, error.0))?;
            return Ok(Self::ZooKeeper { url, tls });
        }
        let parts: Vec<&str> = text.split(',').map(str::trim).filter(|part| !part.is_empty()).collect();
        let said = |scheme: &str| parts.iter().any(|part| part.starts_with(scheme));
        // One that says nothing speaks as those do that say something.
        let scheme = if said("https://") || (tls && !said("http://")) { "https" } else { "http" };
        let addresses: Vec<Address> =
            parts.iter().map(|part| Address::parse_as(scheme, part)).collect::<Result<_, _>>()?;
        match addresses.as_slice() {
            [] => Err(bad(text, "it names nobody; write HOST:PORT".to_owned())),
            [first, rest @ ..] if rest.iter().any(|other| other.is_https() != first.is_https()) => {
                Err(bad(text, "http and https don't mix: what one keeps secret, the other would tell".to_owned()))
            }
            [first, ..] if tls && !first.is_https() => {
                Err(bad(text, "TLS is asked for, and the address says http".to_owned()))
            }
            _ => Ok(Self::Named(addresses)),
        }
    }

    /// The addresses that a person has named.
    pub fn named(&self) -> &[Address] {
        match self {
            Self::Named(addresses) => addresses,
            Self::ZooKeeper { .. } => &[],
        }
    }

    /// Whether TLS is spoken with them.
    pub fn is_tls(&self) -> bool {
        match self {
            Self::Named(addresses) => addresses.iter().any(Address::is_https),
            Self::ZooKeeper { tls, .. } => *tls,
        }
    }
}

impl From<Address> for Masters {
    fn from(address: Address) -> Self {
        Self::Named(vec![address])
    }
}

impl fmt::Display for Masters {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Named(addresses) => {
                for (index, address) in addresses.iter().enumerate() {
                    write!(f, "{}{address}", if index > 0 { "," } else { "" })?;
                }
                Ok(())
            }
            Self::ZooKeeper { url, .. } => url.fmt(f),
        }
    }
}

/// A registered master's address. Its host name counts where it must (TLS holds the certificate against it) or where the
/// person has said where it leads; otherwise its IP address, which needs no name service.
///
/// # Errors
/// What is wrong with the node.
pub fn address_of(master: &Registered, tls: bool, resolve: &BTreeMap<String, IpAddr>) -> Result<Address, BadAddress> {
    let (host, port) = place(&master.info, tls, resolve);
    let scheme = if tls { "https" } else { "http" };
    Address::parse(&format!("{scheme}://{host}:{port}"))
}

fn place(info: &MasterInfo, tls: bool, resolve: &BTreeMap<String, IpAddr>) -> (String, u32) {
    let told = info.address.as_ref();
    let name = told.and_then(|address| address.hostname.clone()).or_else(|| info.hostname.clone());
    let name = name.filter(|name| !name.is_empty());
    // Four bytes in the network's order, read as a number of this order. (apache/mesos: include/mesos/mesos.proto)
    let packed = IpAddr::V4(Ipv4Addr::from(info.ip.to_le_bytes()));
    let ip = told.and_then(|address| address.ip.as_deref()?.parse().ok()).unwrap_or(packed);
    let port = told.and_then(|address| u32::try_from(address.port).ok()).filter(|port| *port > 0).unwrap_or(info.port);
    let mapped = name.as_ref().is_some_and(|name| resolve.contains_key(&name.to_ascii_lowercase()));
    let host = match name {
        Some(name) if tls || mapped || ip.is_unspecified() => name,
        _ if ip.is_ipv6() => format!("[{ip}]"),
        _ => ip.to_string(),
    };
    (host, port)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::mesos;

    #[test]
    fn what_a_person_names() {
        for (text, tls, shown) in [
            ("m", false, "http://m:5050"),
            ("a:1, b:2", false, "http://a:1,http://b:2"),
            ("https://a:1,b:2", false, "https://a:1,https://b:2"),
            ("a:1,b:2", true, "https://a:1,https://b:2"),
            ("zk://u:hunter2@a,b:2/mesos", false, "zk://***@a:2181,b:2/mesos"),
        ] {
            assert_eq!(Masters::parse(text, tls).unwrap().to_string(), shown, "{text}");
        }
        for (text, tls, why) in [
            ("", false, "nobody"),
            (",", false, "nobody"),
            ("https://a,http://b", false, "mix"),
            ("http://a", true, "TLS"),
            ("http://u:hunter2@a", false, "credentials"),
            ("zk://u:hunter2@a:x/mesos", false, "port"),
            ("a,zk://b/mesos", false, "single"),
        ] {
            let error = Masters::parse(text, tls).unwrap_err().to_string();
            assert!(error.contains(why) && !error.contains("hunter2"), "{text}: {error}");
        }
    }

    #[test]
    fn where_a_node_says_that_its_master_is() {
        let told = |hostname: Option<&str>, ip: Option<&str>, port| mesos::Address {
            hostname: hostname.map(str::to_owned),
            ip: ip.map(str::to_owned),
            port,
            ..mesos::Address::default()
        };
        let old = MasterInfo { ip: 169_978_048, port: 5050, hostname: Some("m".to_owned()), ..MasterInfo::default() };
        let new = |address| MasterInfo { address: Some(address), ..old.clone() };
        let map = BTreeMap::from([("mapped".to_owned(), IpAddr::V4(Ipv4Addr::LOCALHOST))]);
        for (info, tls, want) in [
            (old.clone(), false, "http://192.168.33.10:5050"),
            (old.clone(), true, "https://m:5050"),
            (MasterInfo { hostname: None, ..old.clone() }, true, "https://192.168.33.10:5050"),
            (new(told(Some("x"), Some("10.0.0.1"), 5051)), false, "http://10.0.0.1:5051"),
            (new(told(Some("x"), Some("fd00::1"), 5051)), false, "http://[fd00::1]:5051"),
            (new(told(Some("x"), Some("0.0.0.0"), 5051)), false, "http://x:5051"),
            (new(told(Some("Mapped"), Some("10.0.0.1"), 5051)), false, "http://mapped:5051"),
            (new(told(None, Some("10.0.0.1"), 5051)), true, "https://m:5051"),
        ] {
            let master = Registered { node: String::new(), sequence: 0, info };
            assert_eq!(address_of(&master, tls, &map).unwrap().to_string(), want);
        }
        let odd = MasterInfo { hostname: Some("a b/c".to_owned()), ..old };
        let master = Registered { node: String::new(), sequence: 0, info: odd };
        assert!(address_of(&master, true, &map).is_err());
    }
}
