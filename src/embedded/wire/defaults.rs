//! Fields that a message leaves out and that have a default: Mesos writes them into its JSON as if they had been said.
//!
//! Pure. (apache/mesos: include/mesos/v1/mesos.proto, 3rdparty/stout/include/stout/protobuf.hpp)

use serde_json::{Map, Value, json};

use crate::mesos::message::{Kind, Message, Schema};

/// The defaults of a message's fields.
fn of(message: &str) -> Vec<(&'static str, Value)> {
    match message {
        "FrameworkInfo" => vec![("failover_timeout", json!(0.0)), ("checkpoint", json!(false))],
        "CheckInfo" => {
            vec![("delay_seconds", json!(15.0)), ("interval_seconds", json!(10.0)), ("timeout_seconds", json!(20.0))]
        }
        "HealthCheck" => vec![
            ("delay_seconds", json!(15.0)),
            ("interval_seconds", json!(10.0)),
            ("timeout_seconds", json!(20.0)),
            ("consecutive_failures", json!(3)),
            ("grace_period_seconds", json!(10.0)),
        ],
        "HttpHealthCheck" | "TcpHealthCheck" | "IpAddress" => vec![("protocol", json!("IPv4"))],
        "CommandUri" => vec![("extract", json!(true))],
        "CommandInfo" => vec![("shell", json!(true))],
        "AgentInfo" => vec![("port", json!(5051))],
        "Filters" => vec![("refuse_seconds", json!(5.0))],
        "Variable" => vec![("type", json!("VALUE"))],
        "Image" => vec![("cached", json!(true))],
        "LinuxInfo" => vec![("share_cgroups", json!(true))],
        "DockerInfo" => vec![("network", json!("HOST")), ("privileged", json!(false))],
        "DrainConfig" => vec![("mark_gone", json!(false))],
        _ => Vec::new(),
    }
}

/// A message as Mesos shows it.
pub(in crate::embedded) fn shown<T: Message>(message: &T) -> Value {
    let mut value = serde_json::to_value(super::Wrapped(message)).unwrap_or_default();
    complete(T::schema(), &mut value);
    value
}

/// Writes defaults into a message's JSON.
pub(super) fn complete(schema: &Schema, value: &mut Value) {
    let Value::Object(fields) = value else { return };
    inner(schema, fields);
    let missing: Vec<_> = of(schema.name).into_iter().filter(|(name, _)| !fields.contains_key(*name)).collect();
    if missing.is_empty() {
        return;
    }
    let mut said = std::mem::take(fields);
    said.extend(missing.into_iter().map(|(name, default)| (name.to_owned(), default)));
    // In the protocol's order; what that doesn't know comes last.
    let known =
        schema.fields.iter().filter_map(|field| said.shift_remove(field.name).map(|it| (field.name.to_owned(), it)));
    fields.extend(known);
    fields.extend(said);
}

fn inner(schema: &Schema, fields: &mut Map<String, Value>) {
    for (name, value) in fields.iter_mut() {
        let Some(Kind::Message(schema)) = schema.field(name).map(|field| (field.kind)()) else { continue };
        match value {
            Value::Array(items) => items.iter_mut().for_each(|item| complete(schema, item)),
            value => complete(schema, value),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::mesos::{ContainerInfo, ContainerType, DockerInfo};

    #[test]
    fn what_has_a_default_is_written() {
        let docker = DockerInfo { image: "busybox".to_owned(), ..DockerInfo::default() };
        let container =
            ContainerInfo { r#type: ContainerType::Docker, docker: Some(docker), ..ContainerInfo::default() };
        let text = json!({"type": "DOCKER", "docker": {"image": "busybox", "network": "HOST", "privileged": false}});
        assert_eq!(shown(&container), text);
    }
}
