//! 307 in every form, several addresses, and whom a redirect's target may be.

use super::*;
use crate::support::hostile::{Answer, Hostile};

const BEAT: Answer = Answer::Stream { heartbeat: 15.0 };
const LONG: Duration = Duration::from_secs(4 * 3600);

fn redirect(location: &str) -> Answer {
    Answer::status(307, &format!("Location: {location}\r\n"), "")
}

/// Subscribes; why not, if not at the first attempt.
async fn subscribe(session: &Session) -> Result<(), String> {
    use mesos_repl::session::Phase;
    session.subscribe(info()).await;
    let mut status = session.status();
    let settled = status
        .wait_for(|status| matches!(status.phase, Phase::Subscribed { .. } | Phase::Waiting { .. } | Phase::Closed(_)));
    let phase = within(LONG, "an end of the first attempt", settled).await.unwrap().phase.clone();
    match phase {
        Phase::Subscribed { .. } => Ok(()),
        Phase::Waiting { why, .. } => Err(why),
        other => Err(format!("{other:?}")),
    }
}

#[tokio::test(start_paused = true)]
async fn a_stranger_that_a_master_redirects_to_isn_t_told_who_we_are() {
    for (trusts, named, told) in [(false, false, false), (true, false, true), (false, true, true)] {
        let leader = Hostile::start([BEAT]).await;
        let standby = Hostile::start([redirect(&format!("//{}/api/v1/scheduler", leader.address))]).await;
        let masters = match named {
            true => format!("{},{}", standby.address, leader.address),
            false => standby.address.to_string(),
        };
        let session = session(&masters, Access { trust_redirects: trusts, ..alice() });
        subscribe(&session).await.unwrap();
        let header = |asked: &crate::support::hostile::Asked| asked.header("authorization").map(str::to_owned);
        let basic = Some(format!("Basic {BASIC}"));
        assert_eq!(header(&standby.call("SUBSCRIBE", 0).await), basic);
        let expected = basic.filter(|_| told);
        assert_eq!(header(&leader.call("SUBSCRIBE", 0).await), expected, "{trusts} {named}");
        // Calls over the other connection are no different.
        session.teardown().await.unwrap();
        assert_eq!(header(&leader.call("TEARDOWN", 0).await), expected, "{trusts} {named}");
        session.close().await;
    }
}

#[tokio::test(start_paused = true)]
async fn a_stranger_that_wants_to_know_who_we_are_is_explained() {
    let leader = Hostile::start([Answer::status(401, "", "401 Unauthorized.")]).await;
    let standby = Hostile::start([redirect(&leader.address.to_string())]).await;
    let session = session(&standby.address.to_string(), alice());
    let why = subscribe(&session).await.unwrap_err();
    assert!(why.contains("wasn't told: nobody has named it"), "{why}");
    session.close().await;
}

#[tokio::test(start_paused = true)]
async fn a_stranger_s_stranger_isn_t_followed() {
    let third = Hostile::start([BEAT]).await;
    let second = Hostile::start([redirect(&format!("//{}/", third.address))]).await;
    let first = Hostile::start([redirect(&format!("//{}/", second.address))]).await;
    let session = session(&first.address.to_string(), Access::default());
    let why = subscribe(&session).await.unwrap_err();
    assert!(why.contains("nobody has named"), "{why}");
    assert_eq!(third.count("SUBSCRIBE"), 0);
    session.close().await;
}

#[tokio::test(start_paused = true)]
async fn places_that_no_master_has_are_refused() {
    for location in [
        "//169.254.169.254/latest/meta-data/",
        "//169.254.169.254:80",
        "//[fe80::1]:5050/",
        "//[::ffff:169.254.169.254]:80/",
        "//0.0.0.0:5050/",
        "//224.0.0.1:5050/",
        "https://LEADER/",
        "ftp://LEADER/",
        "//alice:wonder@LEADER/",
        "",
        "//",
        "/api/v1/scheduler",
        "//LEADER:99999/",
    ] {
        let leader = Hostile::start([BEAT]).await;
        let master = Hostile::start([redirect(&location.replace("LEADER", &leader.address.to_string()))]).await;
        let session = session(&master.address.to_string(), alice());
        let why = subscribe(&session).await.unwrap_err();
        assert!(why.contains("redirects") && !why.contains("wonder"), "{location}: {why}");
        assert_eq!(leader.count("SUBSCRIBE"), 0, "{location}");
        session.close().await;
    }
}

#[tokio::test(start_paused = true)]
async fn at_most_five_redirects() {
    for (count, fine) in [(5, true), (6, false)] {
        let masters: Vec<Hostile> = futures_util::future::join_all((0..=count).map(|_| Hostile::start([]))).await;
        for pair in masters.windows(2) {
            pair[0].then(redirect(&format!("//{}/api/v1/scheduler", pair[1].address)));
        }
        masters.last().unwrap().then(BEAT);
        let session = session(&masters[0].address.to_string(), Access { trust_redirects: true, ..alice() });
        let got = subscribe(&session).await;
        assert_eq!(got.is_ok(), fine, "{count}: {got:?}");
        session.close().await;
    }
}

#[tokio::test(start_paused = true)]
async fn the_first_of_several_that_is_there_is_taken() {
    let gone = crate::support::free_port();
    let master = Hostile::start([BEAT]).await;
    let recovering = Hostile::start([Answer::status(503, "", "Master has not finished recovery")]).await;
    let masters = format!("127.0.0.1:{gone},{},{}", recovering.address, master.address);
    let session = session(&masters, Access::default());
    subscribe(&session).await.unwrap();
    assert_eq!(session.status().borrow().address.as_ref().unwrap().host_port(), master.address.to_string());
    session.close().await;
}

#[tokio::test(start_paused = true)]
async fn when_none_is_there_each_is_named() {
    let (one, other) = (crate::support::free_port(), crate::support::free_port());
    let session = session(&format!("127.0.0.1:{one},127.0.0.1:{other}"), Access::default());
    let why = subscribe(&session).await.unwrap_err();
    assert!(
        why.contains("none of 2 masters") && why.contains(&one.to_string()) && why.contains(&other.to_string()),
        "{why}"
    );
    session.close().await;
}

#[tokio::test(start_paused = true)]
async fn a_name_leads_where_the_person_says() {
    let leader = Hostile::start([BEAT]).await;
    let port = leader.address.port();
    let standby = Hostile::start([redirect(&format!("//mesos-master.invalid:{port}/api/v1/scheduler"))]).await;
    let lost = session(&standby.address.to_string(), Access::default());
    assert!(subscribe(&lost).await.unwrap_err().contains("mesos-master.invalid"));
    lost.close().await;
    standby.then(redirect(&format!("//mesos-master.invalid:{port}/api/v1/scheduler")));
    let resolve = [("mesos-master.invalid".to_owned(), "127.0.0.1".parse().unwrap())].into();
    let found = session(&standby.address.to_string(), Access { resolve, ..Access::default() });
    subscribe(&found).await.unwrap();
    found.teardown().await.unwrap();
    assert_eq!(leader.count("TEARDOWN"), 1);
    found.close().await;
    // An address leads elsewhere, too: behind a translation of addresses no other way is left.
    leader.then(BEAT);
    let resolve = [("10.99.99.99".to_owned(), "127.0.0.1".parse().unwrap())].into();
    let translated = session(&format!("10.99.99.99:{port}"), Access { resolve, ..Access::default() });
    subscribe(&translated).await.unwrap();
    translated.teardown().await.unwrap();
    assert_eq!(leader.count("TEARDOWN"), 2);
    translated.close().await;
}

#[tokio::test(start_paused = true)]
async fn credentials_don_t_cross_a_network_unencrypted_unless_they_may() {
    // Not this machine's loopback address, so far as anybody can tell.
    let master = Hostile::start([BEAT]).await;
    let resolve = |to: &str| [("m.invalid".to_owned(), to.parse().unwrap())].into();
    let at = format!("m.invalid:{}", master.address.port());
    let exposed = session(&at, Access { resolve: resolve("192.0.2.1"), ..alice() });
    let why = subscribe(&exposed).await.unwrap_err();
    assert!(why.contains("unencrypted") && !why.contains("wonder"), "{why}");
    exposed.close().await;
    // A name that leads to the loopback address stays on this machine.
    let here = session(&at, Access { resolve: resolve("127.0.0.1"), ..alice() });
    subscribe(&here).await.unwrap();
    assert!(master.call("SUBSCRIBE", 0).await.header("authorization").is_some());
    here.close().await;
    assert_eq!(master.count("SUBSCRIBE"), 1);
}
