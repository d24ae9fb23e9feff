//! Which addresses may be contacted, which of them get credentials, and where their names lead.
//!
//! What a person named is trusted. What ZooKeeper names is known. What a master or an agent names may be contacted, within
//! limits, and gets no credentials: whoever can make up an address must gain nothing by it.

use std::collections::{BTreeMap, HashSet};
use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::sync::{Arc, PoisonError, RwLock};

use reqwest::dns::{Addrs, Name, Resolve, Resolving};

use super::{Access, Address, RequestError};

/// The addresses that are known, and the map of names. Shared by all that a client opens.
#[derive(Clone, Debug)]
pub(super) struct Trust {
    resolve: Arc<BTreeMap<String, IpAddr>>,
    known: Arc<RwLock<Known>>,
}

#[derive(Debug, Default)]
struct Known {
    /// By the person: contacted wherever they are.
    named: HashSet<Address>,
    /// By ZooKeeper, or by whom the person trusts to name others.
    learnt: HashSet<Address>,
    /// Agents, by a master: whoever can register one has made up its address.
    agents: HashSet<Address>,
}

impl Trust {
    pub fn new(access: &Access) -> Self {
        let resolve = access.resolve.iter().map(|(name, to)| (name.to_ascii_lowercase(), *to)).collect();
        Self { resolve: Arc::new(resolve), known: Arc::default() }
    }

    pub fn name(&self, address: &Address) {
        self.write().named.insert(address.clone());
    }

    /// Takes in what somebody who may name others has named.
    pub fn learn(&self, address: &Address) -> Result<(), String> {
        self.may_lead_to(address, None)?;
        self.write().learnt.insert(address.clone());
        Ok(())
    }

    /// Takes in an agent that a master lists.
    pub fn admit(&self, agent: &Address) {
        self.write().agents.insert(agent.clone());
    }

    /// Whether it may name others: everybody whom a person asks may, agents may not.
    pub fn may_redirect(&self, address: &Address) -> bool {
        self.knows(address) || !self.known.read().unwrap_or_else(PoisonError::into_inner).agents.contains(address)
    }

    /// Whether it may get credentials.
    pub fn knows(&self, address: &Address) -> bool {
        let known = self.known.read().unwrap_or_else(PoisonError::into_inner);
        known.named.contains(address) || known.learnt.contains(address)
    }

    fn is_named(&self, host: &str) -> bool {
        let known = self.known.read().unwrap_or_else(PoisonError::into_inner);
        known.named.iter().any(|address| address.host().eq_ignore_ascii_case(host))
    }

    fn write(&self) -> std::sync::RwLockWriteGuard<'_, Known> {
        self.known.write().unwrap_or_else(PoisonError::into_inner)
    }

    /// Whether an address that `by` has named may be contacted at all; `by` is none for ZooKeeper.
    /// A name is looked at here only as far as it is an address; see [`Trust::lookup`].
    pub fn may_lead_to(&self, address: &Address, by: Option<&Address>) -> Result<(), String> {
        if self.is_named(address.host()) || self.resolve.contains_key(&address.host().to_ascii_lowercase()) {
            return Ok(());
        }
        match self.literal(address) {
            Some(ip) if is_never_a_master(ip) => Err(format!("{ip} is no address that a master or agent has")),
            // Whoever is elsewhere has no business with what listens on this machine only.
            Some(ip) if ip.is_loopback() && by.is_some_and(|by| !self.is_loopback(by)) => {
                Err(format!("{ip} is this machine"))
            }
            _ => Ok(()),
        }
    }

    /// Whether everything that is said to it stays on this machine.
    pub fn is_loopback(&self, address: &Address) -> bool {
        self.literal(address).is_some_and(|ip| ip.is_loopback())
    }

    /// The address, if it needs no name service.
    fn literal(&self, address: &Address) -> Option<IpAddr> {
        let host = address.host().to_ascii_lowercase();
        let host = host.trim_start_matches('[').trim_end_matches(']');
        match self.resolve.get(host) {
            Some(mapped) => Some(*mapped),
            None if host == "localhost" => Some(IpAddr::V4(Ipv4Addr::LOCALHOST)),
            None => host.parse().ok(),
        }
    }

    /// The literal address that another literal one is mapped to: the HTTP library asks no resolver for those.
    pub fn mapped(&self, address: &Address) -> Option<IpAddr> {
        let host = address.host().trim_start_matches('[').trim_end_matches(']');
        host.parse::<IpAddr>().ok().and_then(|_| self.resolve.get(host).copied())
    }

    /// Where a name leads. Link-local addresses are left out unless the person named the host.
    pub async fn lookup(&self, host: &str, port: u16) -> io::Result<Vec<SocketAddr>> {
        let plain = host.trim_start_matches('[').trim_end_matches(']').to_ascii_lowercase();
        if let Some(ip) = self.resolve.get(&plain) {
            return Ok(vec![SocketAddr::new(*ip, port)]);
        }
        let found: Vec<SocketAddr> = tokio::net::lookup_host((plain.as_str(), port)).await?.collect();
        if self.is_named(host) {
            return Ok(found);
        }
        let fit: Vec<_> = found.iter().copied().filter(|found| !is_never_a_master(found.ip())).collect();
        match (fit.is_empty(), found.first()) {
            (true, Some(only)) => {
                Err(io::Error::other(format!("{host} leads to {}, which no master or agent has", only.ip())))
            }
            (true, None) => Err(io::Error::other(format!("{host} leads nowhere"))),
            (false, _) => Ok(fit),
        }
    }
}

/// For the HTTP library.
impl Resolve for Trust {
    fn resolve(&self, name: Name) -> Resolving {
        let trust = self.clone();
        Box::pin(async move {
            let found = trust.lookup(name.as_str(), 0).await?;
            Ok(Box::new(found.into_iter()) as Addrs)
        })
    }
}

/// Link-local addresses (a cloud's own secrets are there), multicast, and addresses that are none.
fn is_never_a_master(ip: IpAddr) -> bool {
    // The one that a cloud has besides, in a range that others use for good reasons.
    const METADATA: Ipv6Addr = Ipv6Addr::new(0xfd00, 0xec2, 0, 0, 0, 0, 0, 0x254);
    match ip {
        IpAddr::V4(ip) => ip.is_link_local() || ip.is_multicast() || ip.is_broadcast() || ip.octets()[0] == 0,
        IpAddr::V6(ip) => match ip.to_ipv4_mapped() {
            Some(ip) => is_never_a_master(IpAddr::V4(ip)),
            None => ip.is_unicast_link_local() || ip.is_multicast() || ip.is_unspecified() || ip == METADATA,
        },
    }
}

/// What a redirect to an address means.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Onward {
    /// Known: credentials go along.
    Known,
    /// Named by a known one: followed without credentials.
    Stranger,
}

impl Trust {
    /// Whether a redirect is followed; `known` says whether whoever redirects is known, or was named for this request.
    pub fn onward(&self, from: &Address, to: &Address, known: bool, trusting: bool) -> Result<Onward, RequestError> {
        let refused = |why: String| RequestError::Redirect { from: from.to_string(), why };
        if self.knows(to) {
            return Ok(Onward::Known);
        }
        if !known {
            return Err(refused(format!(
                "to {to}, which nobody has named, and it was itself named by a redirect only"
            )));
        }
        self.may_lead_to(to, Some(from)).map_err(|why| refused(format!("to {to}, which isn't contacted: {why}")))?;
        if trusting {
            self.write().learnt.insert(to.clone());
            return Ok(Onward::Known);
        }
        Ok(Onward::Stranger)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn at(text: &str) -> Address {
        Address::parse(text).unwrap()
    }

    fn trust(map: &[(&str, &str)]) -> Trust {
        let resolve = map.iter().map(|(name, to)| ((*name).to_owned(), to.parse().unwrap())).collect();
        Trust::new(&Access { resolve, ..Access::default() })
    }

    #[test]
    fn who_is_followed_and_who_gets_credentials() {
        let trust = trust(&[("inner", "169.254.7.7")]);
        trust.name(&at("a"));
        trust.name(&at("169.254.1.1"));
        trust.learn(&at("b")).unwrap();
        for (from, to, known, want) in [
            ("a", "a", true, Some(Onward::Known)),
            ("a", "b", true, Some(Onward::Known)),
            ("a", "c", true, Some(Onward::Stranger)),
            ("a", "a:5051", true, Some(Onward::Stranger)),
            ("a", "https://b", true, Some(Onward::Stranger)),
            ("c", "b", false, Some(Onward::Known)),
            ("c", "d", false, None),
            // Whoever named it knows why.
            ("a", "169.254.1.1", true, Some(Onward::Known)),
            ("a", "169.254.1.1:80", true, Some(Onward::Stranger)),
            ("a", "inner", true, Some(Onward::Stranger)),
            ("a", "169.254.169.254:80", true, None),
            ("a", "[::ffff:169.254.169.254]:80", true, None),
            ("a", "[fe80::1]", true, None),
            ("a", "[fd00:ec2::254]", true, None),
            ("a", "0.0.0.0", true, None),
            ("a", "224.0.0.1", true, None),
            ("a", "127.0.0.1", true, None),
            ("a", "localhost", true, None),
            ("10.0.0.1", "[::1]", true, None),
            ("127.0.0.1:5050", "127.0.0.1:5051", true, Some(Onward::Stranger)),
            ("localhost:5050", "127.0.0.1:5051", true, Some(Onward::Stranger)),
        ] {
            let got = trust.onward(&at(from), &at(to), known, false).ok();
            assert_eq!(got, want, "{from} -> {to}");
        }
        assert_eq!(trust.onward(&at("a"), &at("e"), true, true).unwrap(), Onward::Known);
        assert!(trust.knows(&at("e")), "who is trusted to name others has named it");
        assert!(trust.onward(&at("a"), &at("169.254.169.254"), true, true).is_err());
        assert!(trust.learn(&at("169.254.169.254")).is_err());
    }

    #[tokio::test]
    async fn names_lead_where_the_person_says() {
        let trust = trust(&[("mesos-master", "127.0.0.9"), ("10.0.0.1", "127.0.0.8")]);
        for host in ["mesos-master", "Mesos-Master"] {
            assert_eq!(trust.lookup(host, 5050).await.unwrap(), ["127.0.0.9:5050".parse().unwrap()]);
        }
        assert_eq!(trust.mapped(&at("10.0.0.1:5050")), Some("127.0.0.8".parse().unwrap()));
        assert_eq!(trust.mapped(&at("mesos-master")), None);
        assert!(trust.is_loopback(&at("mesos-master")));
        assert!(trust.lookup("169.254.169.254", 80).await.unwrap_err().to_string().contains("no master"));
    }

    proptest! {
        /// Whatever a stranger names, nothing gets credentials that wasn't named or learnt.
        #[test]
        fn credentials_go_to_known_hosts_only(hosts in prop::collection::vec("[a-d]", 1..6), ports in prop::collection::vec(1u16..4, 6)) {
            let trust = trust(&[]);
            trust.name(&at("a:1"));
            let (mut here, mut known) = (at("a:1"), true);
            for (host, port) in hosts.iter().zip(ports) {
                let there = at(&format!("{host}:{port}"));
                match trust.onward(&here, &there, known, false) {
                    Ok(Onward::Known) => prop_assert_eq!(&there, &at("a:1")),
                    Ok(Onward::Stranger) => prop_assert!(known && there != at("a:1")),
                    Err(_) => prop_assert!(!known),
                }
                known = trust.knows(&there);
                here = there;
            }
        }
    }
}
