//! Whether any agent of a cluster could ever offer what a task wants: from the totals in the master's `/slaves`.
//!
//! Pure. What is offered now, and what others hold, is not looked at.

use serde_json::Value;

use super::task::{Needs, PortNeed, shortages};
use crate::lang;
use crate::mesos::{Range, Ranges, Resource, Scalar, ValueType};

/// An agent's totals.
#[derive(Clone, Debug)]
pub(super) struct Agent {
    host: String,
    resources: Vec<Resource>,
}

/// Why no offer can ever fit.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Never {
    /// No agent has that much of one resource.
    Amount {
        /// The resource.
        name: &'static str,
        /// What is wanted.
        wanted: f64,
        /// What the largest agent has,
        largest: f64,
        /// and its host.
        host: String,
    },
    /// No agent has this port, in words.
    Port(String),
    /// Each agent is short of something, though none of it is too much by itself.
    Together,
}

/// The agents of an answer to `/slaves`.
pub(super) fn agents(answer: &Value) -> Vec<Agent> {
    let agents = answer.get("slaves").and_then(Value::as_array).into_iter().flatten();
    agents
        .map(|agent| Agent {
            host: agent.get("hostname").and_then(Value::as_str).unwrap_or("?").to_owned(),
            resources: agent
                .get("resources")
                .and_then(Value::as_object)
                .into_iter()
                .flatten()
                .filter_map(total)
                .collect(),
        })
        .collect()
}

/// `"cpus": 4`, `"ports": "[9000-10000]"`.
fn total((name, value): (&String, &Value)) -> Option<Resource> {
    let named = Resource { name: name.clone(), ..Resource::default() };
    match value {
        Value::Number(_) => {
            let scalar = Some(Scalar { value: value.as_f64()?, ..Scalar::default() });
            Some(Resource { scalar, r#type: ValueType::Scalar, ..named })
        }
        Value::String(text) => {
            let range = |(begin, end)| Range { begin, end, ..Range::default() };
            let ranges = Ranges { range: lang::ports(text)?.into_iter().map(range).collect(), ..Ranges::default() };
            Some(Resource { ranges: Some(ranges), r#type: ValueType::Ranges, ..named })
        }
        _ => None,
    }
}

/// Why none of these agents can ever offer it; `None` if one might.
pub(super) fn never(needs: &Needs, agents: &[Agent]) -> Option<Never> {
    let fits = |needs: &Needs| agents.iter().any(|agent| shortages(needs, &agent.resources, None).is_empty());
    if fits(needs) {
        return None;
    }
    for (name, wanted) in &needs.scalars {
        if !fits(&Needs { scalars: vec![(name, *wanted)], ports: Vec::new() }) {
            let has = |agent: &Agent| amount(agent, name);
            let largest = agents.iter().max_by(|a, b| has(a).total_cmp(&has(b)))?;
            let host = largest.host.clone();
            return Some(Never::Amount { name, wanted: *wanted, largest: has(largest), host });
        }
    }
    let alone = |need: &&PortNeed| !fits(&Needs { scalars: Vec::new(), ports: vec![**need] });
    Some(match needs.ports.iter().find(alone) {
        Some(PortNeed::Exactly(port)) => Never::Port(format!("port {port}")),
        Some(PortNeed::Any) => Never::Port("a port".to_owned()),
        None => Never::Together,
    })
}

fn amount(agent: &Agent, name: &str) -> f64 {
    let scalars = agent.resources.iter().filter(|resource| resource.name == name).filter_map(|r| r.scalar.as_ref());
    scalars.map(|scalar| scalar.value).sum()
}

/// The agents' ports, each range once.
pub(super) fn ports(agents: &[Agent]) -> String {
    let ports = agents.iter().flat_map(|agent| &agent.resources).filter(|resource| resource.name == "ports");
    let ranges = ports.filter_map(|resource| resource.ranges.as_ref()).flat_map(|ranges| &ranges.range);
    let mut said: Vec<String> = ranges.map(|range| format!("{}-{}", range.begin, range.end)).collect();
    said.sort_unstable();
    said.dedup();
    match said.as_slice() {
        [] => "no ports".to_owned(),
        [first, .., last] if said.len() > 5 => format!("ports {first} ... {last}"),
        some => format!("ports {}", some.join(",")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn what_no_agent_has_will_never_be_offered() {
        let answer = json!({"slaves": [
            {"hostname": "small", "resources": {"cpus": 2.0, "mem": 4096.0, "ports": "[9000-9010, 9050-9050]"}},
            {"hostname": "large", "resources": {"cpus": 8.0, "mem": 512.0, "gpus": 0.0}},
        ]});
        let agents = agents(&answer);
        let needs = |cpus, mem, ports: &[PortNeed]| Needs {
            scalars: vec![("cpus", cpus), ("mem", mem)],
            ports: ports.to_vec(),
        };
        let much = |name, wanted, largest, host: &str| Some(Never::Amount { name, wanted, largest, host: host.into() });
        for (needs, want) in [
            (needs(2.0, 4096.0, &[PortNeed::Exactly(9050), PortNeed::Any]), None),
            (needs(8.0, 512.0, &[]), None),
            (needs(9.0, 1.0, &[]), much("cpus", 9.0, 8.0, "large")),
            (needs(1.0, 5000.0, &[]), much("mem", 5000.0, 4096.0, "small")),
            (needs(1.0, 1.0, &[PortNeed::Exactly(80)]), Some(Never::Port("port 80".to_owned()))),
            (needs(8.0, 4096.0, &[]), Some(Never::Together)),
            (needs(8.0, 1.0, &[PortNeed::Any]), Some(Never::Together)),
        ] {
            assert_eq!(never(&needs, &agents), want, "{needs:?}");
        }
        assert_eq!(ports(&agents), "ports 9000-9010,9050-9050");
        assert_eq!(never(&needs(0.1, 1.0, &[PortNeed::Any]), &agents[1..]), Some(Never::Port("a port".to_owned())));
        assert_eq!(ports(&agents[1..]), "no ports");
    }
}
