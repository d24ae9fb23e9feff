//! Taking resources out of offers: amounts and ports, from what is reserved for a role first.
//!
//! Amounts count in thousandths, as a master counts them, so that 0.1 + 0.2 fits into 0.3.

use crate::mesos::{Range, Ranges, Resource, Scalar, ValueType};

/// Amounts and ports that a task needs.
#[derive(Clone, Debug, Default, PartialEq)]
pub(in crate::engine) struct Needs {
    /// Scalars by name: `cpus`, `mem` (MiB), `disk` (MiB), `gpus`.
    pub scalars: Vec<(&'static str, f64)>,
    /// Ports.
    pub ports: Vec<PortNeed>,
}

/// A port that a task needs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::engine) enum PortNeed {
    /// This one on the agent.
    Exactly(u64),
    /// Any that is offered.
    Any,
}

/// What was taken.
#[derive(Clone, Debug, Default, PartialEq)]
pub(in crate::engine) struct Taken {
    /// The resources, as parts of the offers'.
    pub resources: Vec<Resource>,
    /// The ports, in the order of the needs.
    pub ports: Vec<u64>,
}

/// What offers are short of.
#[derive(Clone, Debug, PartialEq)]
pub(in crate::engine) struct Shortage {
    /// The resource.
    pub name: String,
    /// What is wanted, in words: `64`, `port 80`.
    pub wanted: String,
    /// What there is, in words.
    pub has: String,
}

/// Takes what is needed, or says everything that is short.
pub(in crate::engine) fn take(needs: &Needs, offered: &[Resource], role: Option<&str>) -> Result<Taken, Vec<Shortage>> {
    let mut offered: Vec<Resource> = offered.iter().filter(|resource| is_usable(resource, role)).cloned().collect();
    // What is reserved comes before what everybody could use.
    offered.sort_by_key(|resource| !is_reserved(resource));
    let mut taken = Taken::default();
    let mut short = Vec::new();
    for (name, amount) in &needs.scalars {
        match take_scalar(name, *amount, &mut offered) {
            Ok(parts) => taken.resources.extend(parts),
            Err(shortage) => short.push(shortage),
        }
    }
    match take_ports(&needs.ports, &mut offered) {
        Ok((parts, ports)) => {
            taken.resources.extend(parts);
            taken.ports = ports;
        }
        Err(shortages) => short.extend(shortages),
    }
    if short.is_empty() { Ok(taken) } else { Err(short) }
}

/// What these resources are short of.
pub(in crate::engine) fn shortages(needs: &Needs, offered: &[Resource], role: Option<&str>) -> Vec<Shortage> {
    take(needs, offered, role).err().unwrap_or_default()
}

/// Plain resources only: a persistent volume or a revocable processor has to be asked for in JSON.
fn is_usable(resource: &Resource, role: Option<&str>) -> bool {
    let special_disk = resource.disk.as_ref().is_some_and(|disk| disk.persistence.is_some() || disk.source.is_some());
    let reserved = reserved_role(resource);
    let fits = match role {
        Some(role) => reserved.is_none_or(|reserved| reserved == role),
        None => true,
    };
    fits && !special_disk && resource.revocable.is_none() && resource.shared.is_none()
}

fn is_reserved(resource: &Resource) -> bool {
    reserved_role(resource).is_some()
}

fn reserved_role(resource: &Resource) -> Option<&str> {
    let newest = resource.reservations.last().and_then(|reservation| reservation.role.as_deref());
    newest.or(resource.role.as_deref()).filter(|role| *role != "*")
}

// A double holds every amount of thousandths that a cluster can have.
#[allow(clippy::cast_possible_truncation)]
fn thousandths(value: f64) -> i64 {
    (value * 1000.0).round() as i64
}

#[allow(clippy::cast_precision_loss)]
fn amount(thousandths: i64) -> f64 {
    thousandths as f64 / 1000.0
}

fn take_scalar(name: &str, wanted: f64, offered: &mut [Resource]) -> Result<Vec<Resource>, Shortage> {
    let of_name = |resource: &&mut Resource| resource.name == name && resource.scalar.is_some();
    let has: i64 = offered
        .iter()
        .filter(|resource| resource.name == name)
        .filter_map(|r| r.scalar.as_ref())
        .map(|s| thousandths(s.value))
        .sum();
    let mut left = thousandths(wanted);
    if has < left {
        return Err(Shortage { name: name.to_owned(), wanted: wanted.to_string(), has: amount(has).to_string() });
    }
    let mut parts = Vec::new();
    for resource in offered.iter_mut().filter(of_name) {
        if left == 0 {
            break;
        }
        let Some(scalar) = &mut resource.scalar else { continue };
        let part = left.min(thousandths(scalar.value));
        if part == 0 {
            continue;
        }
        scalar.value = amount(thousandths(scalar.value) - part);
        left -= part;
        let scalar = Some(Scalar { value: amount(part), ..Scalar::default() });
        parts.push(Resource { scalar, r#type: ValueType::Scalar, ..resource.clone() });
    }
    Ok(parts)
}

fn take_ports(needs: &[PortNeed], offered: &mut [Resource]) -> Result<(Vec<Resource>, Vec<u64>), Vec<Shortage>> {
    let mut short = Vec::new();
    let mut chosen: Vec<(usize, u64)> = Vec::new();
    // Those that must be this one first, so that "any" takes none of them away.
    let mut order: Vec<usize> = (0..needs.len()).collect();
    order.sort_by_key(|index| needs.get(*index) == Some(&PortNeed::Any));
    let mut ports = vec![0; needs.len()];
    let has = describe(offered);
    for index in order {
        let Some(need) = needs.get(index) else { continue };
        let is_free = |port: u64| !chosen.iter().any(|(_, taken)| *taken == port);
        match find_port(*need, offered, is_free) {
            Some(found) => {
                chosen.push(found);
                if let Some(place) = ports.get_mut(index) {
                    *place = found.1;
                }
            }
            None => {
                let wanted = match need {
                    PortNeed::Exactly(port) => format!("port {port}"),
                    PortNeed::Any => "any port".to_owned(),
                };
                short.push(Shortage { name: "ports".to_owned(), wanted, has: has.clone() });
            }
        }
    }
    if short.is_empty() { Ok((port_resources(&chosen, offered), ports)) } else { Err(short) }
}

fn ranges(resource: &Resource) -> &[Range] {
    match &resource.ranges {
        Some(ranges) if resource.name == "ports" => &ranges.range,
        _ => &[],
    }
}

fn find_port(need: PortNeed, offered: &[Resource], is_free: impl Fn(u64) -> bool) -> Option<(usize, u64)> {
    offered.iter().enumerate().find_map(|(index, resource)| {
        let port = match need {
            PortNeed::Exactly(port) => {
                let inside = ranges(resource).iter().any(|range| (range.begin..=range.end).contains(&port));
                (inside && is_free(port)).then_some(port)
            }
            PortNeed::Any => {
                ranges(resource).iter().find_map(|range| (range.begin..=range.end).find(|port| is_free(*port)))
            }
        };
        port.map(|port| (index, port))
    })
}

fn port_resources(chosen: &[(usize, u64)], offered: &[Resource]) -> Vec<Resource> {
    let mut parts = Vec::new();
    for (index, resource) in offered.iter().enumerate() {
        let mut ports: Vec<u64> = chosen.iter().filter(|(from, _)| *from == index).map(|(_, port)| *port).collect();
        if ports.is_empty() {
            continue;
        }
        ports.sort_unstable();
        let mut merged: Vec<Range> = Vec::new();
        for port in ports {
            match merged.last_mut() {
                Some(last) if last.end + 1 == port => last.end = port,
                _ => merged.push(Range { begin: port, end: port, ..Range::default() }),
            }
        }
        let ranges = Some(Ranges { range: merged, ..Ranges::default() });
        parts.push(Resource { ranges, ..resource.clone() });
    }
    parts
}

fn describe(offered: &[Resource]) -> String {
    let ranges: Vec<_> =
        offered.iter().flat_map(ranges).map(|range| format!("{}-{}", range.begin, range.end)).collect();
    if ranges.is_empty() { "no ports".to_owned() } else { ranges.join(",") }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn scalar(name: &str, value: f64, role: Option<&str>) -> Resource {
        Resource {
            name: name.to_owned(),
            r#type: ValueType::Scalar,
            scalar: Some(Scalar { value, ..Scalar::default() }),
            role: role.map(str::to_owned),
            ..Resource::default()
        }
    }

    fn ports(begin: u64, end: u64) -> Resource {
        let range = vec![Range { begin, end, ..Range::default() }];
        Resource {
            name: "ports".to_owned(),
            r#type: ValueType::Ranges,
            ranges: Some(Ranges { range, ..Ranges::default() }),
            ..Resource::default()
        }
    }

    fn amounts(taken: &Taken) -> Vec<(String, Option<String>, f64)> {
        let one = |resource: &Resource| {
            resource.scalar.as_ref().map(|scalar| (resource.name.clone(), resource.role.clone(), scalar.value))
        };
        taken.resources.iter().filter_map(one).collect()
    }

    #[test]
    fn reserved_resources_are_taken_first() {
        let offered = [scalar("cpus", 1.0, None), scalar("cpus", 0.5, Some("web")), scalar("mem", 64.0, None)];
        let needs = Needs { scalars: vec![("cpus", 0.7), ("mem", 64.0)], ports: vec![] };
        let taken = take(&needs, &offered, Some("web")).unwrap();
        let want = [
            ("cpus".to_owned(), Some("web".to_owned()), 0.5),
            ("cpus".to_owned(), None, 0.2),
            ("mem".to_owned(), None, 64.0),
        ];
        assert_eq!(amounts(&taken), want);
        // Another role's reservation is not for us.
        assert!(take(&needs, &offered, Some("db")).is_ok());
        let needs = Needs { scalars: vec![("cpus", 1.2)], ports: vec![] };
        assert_eq!(take(&needs, &offered, Some("db")).unwrap_err()[0].has, "1");
    }

    #[test]
    fn ports_are_chosen_without_collision() {
        let offered = [ports(9000, 9002)];
        let needs = |ports: Vec<PortNeed>| Needs { scalars: vec![], ports };
        let taken = take(&needs(vec![PortNeed::Any, PortNeed::Exactly(9000)]), &offered, None).unwrap();
        assert_eq!(taken.ports, [9001, 9000]);
        assert_eq!(taken.resources.len(), 1);
        assert_eq!(ranges(&taken.resources[0]).iter().map(|r| (r.begin, r.end)).collect::<Vec<_>>(), [(9000, 9001)]);
        let short = take(&needs(vec![PortNeed::Exactly(80), PortNeed::Exactly(9000)]), &offered, None).unwrap_err();
        assert_eq!((short[0].wanted.as_str(), short[0].has.as_str()), ("port 80", "9000-9002"));
        assert!(take(&needs(vec![PortNeed::Any; 4]), &offered, None).is_err());
    }

    #[test]
    fn thousandths_add_up() {
        let offered = [scalar("cpus", 0.1, None), scalar("cpus", 0.2, None)];
        assert!(shortages(&Needs { scalars: vec![("cpus", 0.3)], ports: vec![] }, &offered, None).is_empty());
    }
}
