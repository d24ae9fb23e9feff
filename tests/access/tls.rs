//! TLS, ended by nginx before a master: verified always, in words when it fails.

use super::*;
use crate::support::nginx::{Authority, Nginx};
use crate::support::real_mesos::RealMesos;
use mesos_repl::client::Tls;
use mesos_repl::embedded::{Cluster, Config as Embedded, Docker};

macro_rules! needs_nginx {
    () => {
        if let Some(why) = $crate::support::nginx::missing() {
            $crate::skip!("{why}");
        }
    };
}

async fn cluster() -> Cluster {
    Cluster::start(Embedded { agents: 1, docker: Docker::Never, ..Embedded::default() }).await.unwrap()
}

fn trusting(authority: &Authority) -> Access {
    Access { tls: Tls::default().with_authorities(&authority.file).unwrap(), ..Access::default() }
}

#[tokio::test(flavor = "multi_thread")]
async fn everything_works_through_tls() {
    needs_nginx!();
    let authority = Authority::new("the cluster's own");
    let certificate = authority.issue(&["localhost", "127.0.0.1"], 2199);
    let cluster = cluster().await;
    let nginx = Nginx::before(cluster.address(), &certificate, None).await;
    for host in ["localhost", "127.0.0.1"] {
        let person = Person::at(&nginx.url(host), trusting(&authority));
        person.works().await;
        person.engine.close().await;
    }
    cluster.shutdown().await;
    let real = match RealMesos::start(1).await {
        Ok(real) => real,
        Err(why) => crate::skip!("{why}"),
    };
    let nginx = Nginx::before(real.address().parse().unwrap(), &certificate, None).await;
    let person = Person::at(&nginx.url("localhost"), trusting(&authority));
    person.works().await;
    person.engine.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn whoever_isn_t_trusted_gets_nothing() {
    needs_nginx!();
    let (authority, other) = (Authority::new("the cluster's own"), Authority::new("somebody else"));
    let cluster = cluster().await;
    let at = cluster.address();
    let good = authority.issue(&["localhost"], 2199);
    let fine = Nginx::before(at, &good, None).await;
    let expired = Nginx::before(at, &authority.issue(&["localhost"], 2002), None).await;
    let elsewhere = Nginx::before(at, &authority.issue(&["master.example"], 2199), None).await;
    let foreign = Nginx::before(at, &other.issue(&["localhost"], 2199), None).await;
    for (nginx, host, words) in [
        (&fine, "localhost", None),
        (&expired, "localhost", Some(&["its certificate has expired"][..])),
        (&elsewhere, "localhost", Some(&["is for another name", "master.example", "--resolve"])),
        (&fine, "127.0.0.1", Some(&["is for another name"])),
        (&foreign, "localhost", Some(&["nobody who is trusted here", "--ca-file"])),
    ] {
        // With credentials at hand: none may leave.
        let person = Person::at(&nginx.url(host), Access { credentials: credentials(), ..trusting(&authority) });
        match words {
            None => drop(person.does("get /version").await),
            Some(words) => {
                person.fails("get /version", words).await;
                person.fails("subscribe", words).await;
            }
        }
        person.engine.close().await;
    }
    // The system's authorities don't know the test's.
    let person = Person::at(&fine.url("localhost"), Access::default());
    person.fails("get /version", &["nobody who is trusted here"]).await;
    // The name that the certificate has, where the name service doesn't know it.
    let resolve = [("master.example".to_owned(), "127.0.0.1".parse().unwrap())].into();
    let person = Person::at(&elsewhere.url("master.example"), Access { resolve, ..trusting(&authority) });
    person.works().await;
    person.engine.close().await;
    cluster.shutdown().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_client_s_certificate_is_shown_where_it_is_demanded() {
    needs_nginx!();
    let (authority, clients, other) = (Authority::new("servers"), Authority::new("clients"), Authority::new("other"));
    let cluster = cluster().await;
    let nginx = Nginx::before(cluster.address(), &authority.issue(&["localhost"], 2199), Some(&clients)).await;
    let url = nginx.url("localhost");
    let own = clients.issue(&["me"], 2199);
    let with = |chain: &std::path::Path, key: &std::path::Path| {
        let tls = trusting(&authority).tls.with_identity(chain, key).unwrap();
        Person::at(&url, Access { tls, ..Access::default() })
    };
    let person = with(&own.chain, &own.key);
    person.works().await;
    person.engine.close().await;
    Person::at(&url, trusting(&authority))
        .fails("get /version", &["400: No required SSL certificate was sent", "--cert-file"])
        .await;
    let foreign = other.issue(&["me"], 2199);
    with(&foreign.chain, &foreign.key).fails("get /version", &["400"]).await;
    // A key that isn't the certificate's is found at once.
    let wrong = trusting(&authority).tls.with_identity(&own.chain, &foreign.key).unwrap_err().to_string();
    assert!(wrong.contains("can't be used: it isn't the key of that certificate"), "{wrong}");
    cluster.shutdown().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn http_and_https_don_t_mix() {
    needs_nginx!();
    let authority = Authority::new("the cluster's own");
    let cluster = cluster().await;
    let nginx = Nginx::before(cluster.address(), &authority.issue(&["localhost"], 2199), None).await;
    let plain = format!("http://localhost:{}", nginx.port);
    Person::at(&plain, Access::default()).fails("get /version", &["https://HOST:PORT: it speaks TLS"]).await;
    let secure = format!("https://{}", cluster.address());
    Person::at(&secure, trusting(&authority))
        .fails("get /version", &["it doesn't speak TLS", "http://HOST:PORT"])
        .await;
    cluster.shutdown().await;
    let real = match RealMesos::start(1).await {
        Ok(real) => real,
        Err(why) => crate::skip!("{why}"),
    };
    // That one just hangs up.
    let secure = format!("https://{}", real.address());
    Person::at(&secure, trusting(&authority)).fails("get /version", &["the TLS handshake", "http://HOST:PORT"]).await;
}
