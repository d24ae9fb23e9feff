//! What tutorials give people to paste, done as far as it can be: curl lines, addresses, ZooKeeper's tools.
//!
//! A request to the session's own master or to its scheduler API becomes what the session would do; nothing is sent to
//! an address that the line doesn't name.

use serde_json::Value;

use super::Target;
use super::command;
use super::context::{Context, Failure};
use super::masters::{self, Look};
use crate::client::{Access, Address};
use crate::detect::{Registered, Url};
use crate::document::{Diagnostic, Document};
use crate::lang::{Header, JsonCall, Paste, PasteKind, Spanned};
use crate::settings::without_password;

/// Does what a pasted line asks for.
pub(super) async fn run(context: &mut Context<'_>, paste: Paste) -> Result<(), Failure> {
    match &paste.kind {
        PasteKind::Http { url, method, headers, body, ignored } => {
            for part in ignored {
                context.show(Document::text(format!("left out: {}", part.value)));
            }
            http(context, &paste, url, method, headers, body.as_ref()).await
        }
        PasteKind::ZooKeeper { servers, command } => zookeeper(context, &paste, servers, command.as_ref()).await,
        PasteKind::Leader { zk, all } => leader(context, &paste, zk.as_ref(), *all).await,
        PasteKind::Address(address) => open(context, &paste, address).await,
    }
}

/// What `zkCli.sh` would show.
async fn zookeeper(
    context: &mut Context<'_>,
    paste: &Paste,
    servers: &Spanned<String>,
    command: Option<&(String, Spanned<String>)>,
) -> Result<(), Failure> {
    let wrong = |span: std::ops::Range<usize>, what: String| Diagnostic::new(what).at(&*paste.source, span);
    let url = Url::of_servers(&servers.value).map_err(|error| wrong(servers.span.clone(), error.to_string()))?;
    let (look, path) = match command {
        // The client alone, which shows a prompt: what one would look at first.
        None => (Look::List, url.path()),
        Some((command, path)) => match command.as_str() {
            "ls" | "ls2" => (Look::List, path.value.as_str()),
            "get" => (Look::Whole, path.value.as_str()),
            "stat" => (Look::Stat, path.value.as_str()),
            other => {
                return Err(wrong(paste.span.clone(), format!("zkCli.sh's '{other}' isn't done from here"))
                    .help("ls, get and stat are; nothing is changed in ZooKeeper")
                    .into());
            }
        },
    };
    let document = masters::read(context, &url, look, path).await?;
    context.show(document);
    Ok(())
}

/// What `mesos-leader` would print: the leader as JSON, or all masters, the leader first.
async fn leader(
    context: &mut Context<'_>,
    paste: &Paste,
    zk: Option<&Spanned<String>>,
    all: bool,
) -> Result<(), Failure> {
    let span = zk.map_or(paste.span.clone(), |zk| zk.span.clone());
    let wrong = |what: String| Diagnostic::new(what).at(&*paste.source, span.clone());
    let url = match zk {
        Some(zk) => Url::parse(&zk.value).map_err(|error| wrong(error.to_string()))?,
        None => masters::own(context).ok_or_else(|| {
            wrong("which ZooKeeper is to be asked?".to_owned()).help("mesos-leader --zk zk://HOST:PORT/PATH")
        })?,
    };
    let seen = masters::look(context, &url).await?;
    if seen.leader().is_none() {
        return Err(wrong(seen.standing.to_string()).into());
    }
    let told = |master: &Registered| serde_json::to_value(&master.info).unwrap_or_default();
    let mut found = seen.masters.iter().map(told);
    let value = if all { Value::Array(found.collect()) } else { found.next().unwrap_or_default() };
    context.show(value);
    Ok(())
}

/// A URL as an address and the path behind it.
fn parts(paste: &Paste, url: &Spanned<String>) -> Result<(Address, String), Diagnostic> {
    let wrong = |what: String| Diagnostic::new(what).at(&*paste.source, url.span.clone());
    let (scheme, rest) = url.value.split_once("://").unwrap_or(("http", url.value.as_str()));
    let at = rest.find(['/', '?', '#']).unwrap_or(rest.len());
    let (host, path) = (rest.get(..at).unwrap_or_default(), rest.get(at..).unwrap_or_default());
    if host.contains('@') {
        return Err(wrong("a name and a password in an address would be kept in the history".to_owned()));
    }
    let address =
        Address::parse(&format!("{scheme}://{host}")).map_err(|error| wrong(format!("no address: {}", error.why)))?;
    let path = path.split('#').next().unwrap_or_default();
    Ok((address, path.to_owned()))
}

/// An address alone: a master to turn to, or JSON to read.
async fn open(context: &mut Context<'_>, paste: &Paste, address: &Spanned<String>) -> Result<(), Failure> {
    if Url::is_meant(&address.value) {
        leader(context, paste, Some(address), false).await?;
        let hint = format!("connect {} turns the session to it", without_password(&address.value));
        context.show(Document::text(hint));
        return Ok(());
    }
    let (master, path) = parts(paste, address)?;
    if matches!(path.as_str(), "" | "/") && Some(&master) != context.known_address().as_ref() {
        let hint = format!("connect {} turns the session to it", master.host_port());
        let client = context.client();
        let version = context.get_json_from(&client, &master, "/version").await?;
        context.show(Document::from(version).with_text(hint));
        return Ok(());
    }
    let path = if matches!(path.as_str(), "" | "/") { "/version".to_owned() } else { path };
    read(context, &master, &path).await
}

async fn read(context: &mut Context<'_>, address: &Address, path: &str) -> Result<(), Failure> {
    // /state.json is what the tutorial has; newer masters know only /state.
    let path = path.replacen("/state.json", "/state", 1);
    let client = context.client();
    let value = context.get_json_from(&client, address, &path).await?;
    context.show(value);
    Ok(())
}

async fn http(
    context: &mut Context<'_>,
    paste: &Paste,
    url: &Spanned<String>,
    method: &str,
    headers: &[Header],
    body: Option<&Spanned<String>>,
) -> Result<(), Failure> {
    let (address, path) = parts(paste, url)?;
    if headers.iter().any(|header| header.name.eq_ignore_ascii_case("authorization")) {
        let what = "credentials aren't sent from a pasted line, which histories and notebooks keep";
        return Err(Diagnostic::new(what)
            .at(&*paste.source, paste.span.clone())
            .help("leave the header out: the session tells its own masters who we are (help profile)")
            .into());
    }
    match (method, body) {
        ("GET", None) => read(context, &address, &path).await,
        ("POST", Some(body)) => post(context, paste, address, path.trim_end_matches('/'), body).await,
        (method, _) => {
            let what = format!("{method} with{} a body isn't done from here", if body.is_some() { "" } else { "out" });
            Err(Diagnostic::new(what).at(&*paste.source, paste.span.clone()).help("GET, or POST with a body").into())
        }
    }
}

async fn post(
    context: &mut Context<'_>,
    paste: &Paste,
    address: Address,
    path: &str,
    body: &Spanned<String>,
) -> Result<(), Failure> {
    let wrong = |what: String| Diagnostic::new(what).at(&*paste.source, body.span.clone());
    let text = match body.value.strip_prefix('@') {
        None => body.value.clone(),
        Some(file) => tokio::fs::read_to_string(file)
            .await
            .map_err(|error| wrong(format!("'{file}' can't be read")).cause(&error))?,
    };
    let value: Value = serde_json::from_str(&text).map_err(|error| wrong(format!("the body is no JSON: {error}")))?;
    // The tutorial's own URL has two slashes.
    match path.replace("//", "/").as_str() {
        "/api/v1/scheduler" | "/master/api/v1/scheduler" => {
            let target = context.target();
            if Some(&address) != context.known_address().as_ref() && !target.masters.named().contains(&address) {
                if context.session().status().borrow().is_subscribed() {
                    return Err(wrong(format!(
                        "the session is subscribed with {}, not with {address}",
                        context.session().status().borrow().master()
                    ))
                    .help(format!("connect {} turns it there", address.host_port()))
                    .into());
                }
                let access = Access { credentials: None, ..target.access };
                context.engine().switch(Target { access, ..Target::new(address) }, None).await?;
                command::connect::take_up(context).await?;
            }
            context.show(Document::text("the session sends it, with its own framework and stream"));
            let call = JsonCall { value, span: 0..text.len(), source: text.into() };
            command::call::pasted(context, call).await
        }
        path if path.ends_with("/api/v1") => {
            let prefix = path.strip_suffix("/api/v1").unwrap_or_default().to_owned();
            let client = context.client();
            let kind = value.get("type").and_then(Value::as_str).unwrap_or("the call").to_owned();
            let answer = client.operator(&address, &prefix, text.into_bytes());
            let answer = context.during(&format!("{address}'s answer to {kind}"), answer).await??;
            match serde_json::from_slice::<Value>(&answer) {
                Ok(value) => context.show(value),
                Err(_) if answer.is_empty() => context.show(Document::text(format!("{kind} answered, without a body"))),
                Err(_) => context.show(Document::text(String::from_utf8_lossy(&answer).into_owned())),
            }
            Ok(())
        }
        other => Err(wrong(format!("nothing is posted to {other} from here"))
            .help("/api/v1/scheduler takes scheduler calls, /api/v1 operator calls")
            .into()),
    }
}
