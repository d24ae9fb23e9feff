//! What ZooKeeper knows of the masters, and reads of any node there.

use serde_json::Value;

use super::context::{Context, Failure};
use crate::detect::{self, ReadError, Reader, Seen, Stat, Url};
use crate::document::{Cell, Diagnostic, Document, Fields};
use crate::mesos::MasterInfo;
use crate::session::Masters;

/// What the session's ZooKeeper knows; none for a session that isn't found through one. Waits a while for its first word.
pub(super) async fn seen(context: &mut Context<'_>) -> Result<Option<Seen>, Failure> {
    if !matches!(context.target().masters, Masters::ZooKeeper { .. }) {
        return Ok(None);
    }
    // What keeps it from a leader is said by what was seen.
    if context.known_address().is_none() && matches!(context.address().await, Err(Failure::Cancelled)) {
        return Err(Failure::Cancelled);
    }
    let status = context.session().status().borrow().clone();
    Ok(Some(status.seen.unwrap_or_else(|| Seen::new(detect::Standing::Connecting))))
}

/// What is seen at another ZooKeeper, once.
pub(super) async fn look(context: &mut Context<'_>, url: &Url) -> Result<Seen, Failure> {
    let mut seen = detect::watch(url.clone());
    let asked = async {
        // The watch lives as long as its receiver.
        let _ = seen.wait_for(|seen| seen.standing != detect::Standing::Connecting).await;
    };
    context.during(&url.to_string(), asked).await?;
    let seen = seen.borrow().clone();
    Ok(seen)
}

/// `host:port` as the master's node tells it.
pub(super) fn place(info: &MasterInfo) -> String {
    let at = info.pid.as_deref().and_then(|pid| pid.split_once('@')).map(|(_, at)| at.to_owned());
    at.unwrap_or_else(|| format!("{}:{}", info.hostname.as_deref().unwrap_or("?"), info.port))
}

/// The ZooKeeper that the session is found through.
pub(super) fn own(context: &Context<'_>) -> Option<Url> {
    match context.target().masters {
        Masters::ZooKeeper { url, .. } => Some(url),
        Masters::Named(_) => None,
    }
}

/// What to read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Look {
    /// The names of the children.
    List,
    /// The data.
    Data,
    /// The data, and what is known of the node.
    Whole,
    /// What is known of the node.
    Stat,
}

/// Reads a node.
pub(super) async fn read(context: &mut Context<'_>, url: &Url, look: Look, path: &str) -> Result<Document, Failure> {
    let reading = async {
        let reader = Reader::open(url).await?;
        Ok::<_, ReadError>(match look {
            Look::List => {
                let names = reader.list(path).await?;
                let listed: Value = names.iter().map(|name| Value::from(name.as_str())).collect();
                Document::from(listed)
            }
            Look::Data => data(path, &reader.get(path).await?.0),
            Look::Whole => {
                let (bytes, stat) = reader.get(path).await?;
                data(path, &bytes).with(fields(&stat))
            }
            Look::Stat => Document::from(fields(&reader.stat(path).await?)),
        })
    };
    let read = context.during(&url.to_string(), reading).await?;
    Ok(read.map_err(|error| explained(&error))?)
}

fn explained(error: &ReadError) -> Diagnostic {
    let diagnostic = Diagnostic::from_error(error);
    match error {
        ReadError::Unreachable { .. } => diagnostic.help("ZooKeeper listens on 2181 by habit"),
        ReadError::NoNode(path) => {
            let parent = path.rsplit_once('/').map_or("/", |(parent, _)| if parent.is_empty() { "/" } else { parent });
            diagnostic.help(format!("zk ls {parent} lists what there is"))
        }
        ReadError::Denied(_) => diagnostic.help("zk://USER:PASSWORD@HOST:PORT/PATH, in a file: --master file://PATH"),
        _ => diagnostic,
    }
}

/// A node's data: a master's as JSON, be it protobuf or not; other JSON; text; or how many bytes it is.
fn data(path: &str, bytes: &[u8]) -> Document {
    let node = path.rsplit('/').next().unwrap_or_default();
    if detect::is_master(node)
        && let Ok(info) = detect::decode(node, bytes)
        && let Ok(value) = serde_json::to_value(info)
    {
        return Document::from(value);
    }
    match std::str::from_utf8(bytes) {
        Ok("") => Document::text("no data"),
        Ok(text) => match serde_json::from_str::<Value>(text) {
            Ok(value @ (Value::Object(_) | Value::Array(_))) => Document::from(value),
            _ => Document::text(text.to_owned()),
        },
        Err(_) => {
            let start: Vec<String> = bytes.iter().take(32).map(|byte| format!("{byte:02x}")).collect();
            let more = if bytes.len() > 32 { " ..." } else { "" };
            Document::text(format!("{} bytes that are no text: {}{more}", bytes.len(), start.join(" ")))
        }
    }
}

/// Named as `zkCli.sh` names them.
fn fields(stat: &Stat) -> Fields {
    let hex = |number: i64| format!("{number:#x}");
    let when = |milliseconds: i64| {
        let at = std::time::UNIX_EPOCH + std::time::Duration::from_millis(u64::try_from(milliseconds).unwrap_or(0));
        Cell::Time(at)
    };
    let number = |number: i32| Cell::Count(u64::try_from(number).unwrap_or(0));
    Fields::new()
        .named("stat")
        .keyed("cZxid", "cZxid", hex(stat.created_by))
        .keyed("ctime", "ctime", when(stat.created))
        .keyed("mZxid", "mZxid", hex(stat.modified_by))
        .keyed("mtime", "mtime", when(stat.modified))
        .keyed("pZxid", "pZxid", hex(stat.children_by))
        .keyed("cversion", "cversion", number(stat.children_version))
        .keyed("dataVersion", "dataVersion", number(stat.version))
        .keyed("aclVersion", "aclVersion", number(stat.acl_version))
        .keyed("ephemeralOwner", "ephemeralOwner", hex(stat.owner))
        .keyed("dataLength", "dataLength", number(stat.length))
        .keyed("numChildren", "numChildren", number(stat.children))
}
