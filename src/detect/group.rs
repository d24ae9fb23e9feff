//! The masters' nodes: which names are theirs, who leads among them, and what a node says.
//!
//! Pure. (apache/mesos: src/zookeeper/group.cpp, src/master/constants.hpp)

use serde_json::Value;

use crate::mesos::message::Message as _;
use crate::mesos::{MasterInfo, protobuf, schema};

/// Nodes in JSON, by masters from 0.24 on.
const JSON: &str = "json.info_";
/// Nodes in protobuf, by older ones.
const PROTOBUF: &str = "info_";

/// A master that is registered.
#[derive(Clone, Debug, PartialEq)]
pub struct Registered {
    /// Its node's name.
    pub node: String,
    /// The node's number: ZooKeeper counts up, and the lowest leads.
    pub sequence: i32,
    /// What the node says.
    pub info: MasterInfo,
}

/// A node that says nothing of use.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the node {node} is no master's: {why}")]
pub struct BadNode {
    /// Its name.
    pub node: String,
    /// What is wrong.
    pub why: String,
}

/// The number in the name of a master's node; none for others, such as the replicas of the log.
pub(super) fn sequence(node: &str) -> Option<i32> {
    let number = node.strip_prefix(JSON).or_else(|| node.strip_prefix(PROTOBUF))?;
    // ZooKeeper writes ten digits, and after the highest number goes on with the lowest.
    let digits = number.strip_prefix('-').unwrap_or(number);
    let is_number = digits.len() == 10 && digits.bytes().all(|byte| byte.is_ascii_digit());
    number.parse().ok().filter(|_| is_number)
}

/// Whether a node's name is a master's.
pub fn is_master(node: &str) -> bool {
    sequence(node).is_some()
}

/// The masters' nodes in the order in which they lead, one kind as good as the other.
pub(super) fn in_order(children: Vec<String>) -> Vec<(i32, String)> {
    let mut nodes: Vec<_> = children.into_iter().filter_map(|node| Some((sequence(&node)?, node))).collect();
    nodes.sort();
    nodes
}

/// What a master's node says.
///
/// # Errors
/// [`BadNode`].
pub fn decode(node: &str, data: &[u8]) -> Result<MasterInfo, BadNode> {
    let bad = |why: String| BadNode { node: node.to_owned(), why };
    let value: Value = if node.starts_with(JSON) {
        serde_json::from_slice(data).map_err(|error| bad(format!("it is no JSON: {error}")))?
    } else {
        let found = protobuf::decode(MasterInfo::schema(), data);
        found.ok_or_else(|| bad("it is no MasterInfo in protobuf".to_owned()))?
    };
    // What is missing is missing; what is unknown is from the future.
    let missing = schema::check::<MasterInfo>(&value).into_iter().find(|problem| problem.missing);
    if let Some(problem) = missing {
        return Err(bad(problem.what));
    }
    serde_json::from_value(value).map_err(|error| bad(format!("it is no MasterInfo: {error}")))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn the_lowest_number_leads_whatever_its_kind() {
        let children =
            ["json.info_0000000012", "log_replicas", "info_0000000007", "json.info_x", "json.info_0000000009"];
        let order = in_order(children.map(str::to_owned).to_vec());
        let names: Vec<_> = order.iter().map(|(_, node)| node.as_str()).collect();
        assert_eq!(names, ["info_0000000007", "json.info_0000000009", "json.info_0000000012"]);
        assert_eq!(sequence("json.info_-2147483648"), Some(i32::MIN));
        for other in ["", "info_", "info_1", "json.info_+000000001", "json.info_99999999999", "xinfo_0000000001"] {
            assert!(!is_master(other), "{other}");
        }
    }

    #[test]
    fn both_kinds_say_the_same() {
        // As the tutorial shows it.
        let json = r#"{"address":{"hostname":"mesos-master","ip":"192.168.33.10","port":5050},"hostname":"mesos-master",
            "id":"4ad2d1d4","ip":169978048,"pid":"master@192.168.33.10:5050","port":5050,"version":"0.28.1"}"#;
        let info = decode("json.info_0000000000", json.as_bytes()).unwrap();
        assert_eq!((info.ip, info.pid.as_deref()), (169_978_048, Some("master@192.168.33.10:5050")));
        let value: Value = serde_json::from_str(json).unwrap();
        let bytes = protobuf::encode(MasterInfo::schema(), &value);
        assert_eq!(decode("info_0000000000", &bytes).unwrap(), info);
        for (node, data) in [
            ("json.info_0000000000", &b"not JSON"[..]),
            ("json.info_0000000000", b"[]"),
            ("json.info_0000000000", b"{}"),
            ("json.info_0000000000", b""),
            ("info_0000000000", json.as_bytes()),
            ("info_0000000000", &bytes[..bytes.len() - 3]),
        ] {
            assert!(decode(node, data).is_err(), "{node}: {data:?}");
        }
    }

    proptest! {
        #[test]
        fn no_bytes_make_it_fail_otherwise(data in prop::collection::vec(any::<u8>(), 0..200)) {
            let _ = decode("info_0000000000", &data);
            let _ = decode("json.info_0000000000", &data);
        }
    }
}
