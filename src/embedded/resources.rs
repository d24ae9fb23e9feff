//! Arithmetic on resources as a master does it: three decimals, ranges, sets, reservations, allocations.
//!
//! Pure. Resources here stand in the form with `reservations`; [`upgraded`] and [`for_schedulers`] convert.
//! (apache/mesos: src/common/resources.cpp, src/common/values.cpp)

use std::fmt;

use crate::mesos::{
    AllocationInfo, Range, Ranges, ReservationInfo, ReservationType, Resource, Scalar, Set, ValueType, VolumeMode,
};

/// A number as Mesos counts: thousandths. What doesn't fit is the least number, as the C library has it.
pub(super) fn fixed(value: f64) -> i64 {
    let thousandths = (value * 1000.0).round();
    // The bounds of i64 as doubles; NaN fails both comparisons.
    if (-9_223_372_036_854_775_808.0..9_223_372_036_854_775_808.0).contains(&thousandths) {
        thousandths as i64
    } else {
        i64::MIN
    }
}

/// Back from thousandths, exact where a double can be.
pub(super) fn floating(thousandths: i64) -> f64 {
    (thousandths / 1000) as f64 + (thousandths % 1000) as f64 / 1000.0
}

/// A double as C++ streams print it with `digits` significant digits (`%.{digits}g`).
pub(super) fn printed(value: f64, digits: usize) -> String {
    if value.is_nan() {
        return "nan".to_owned();
    }
    if value.is_infinite() {
        return if value > 0.0 { "inf" } else { "-inf" }.to_owned();
    }
    if value == 0.0 {
        return if value.is_sign_negative() { "-0" } else { "0" }.to_owned();
    }
    let scientific = format!("{value:.*e}", digits - 1);
    let (mantissa, exponent) = scientific.split_once('e').unwrap_or((&scientific, "0"));
    let exponent: i32 = exponent.parse().unwrap_or(0);
    let trim = |text: &str| match text.contains('.') {
        true => text.trim_end_matches('0').trim_end_matches('.').to_owned(),
        false => text.to_owned(),
    };
    if exponent < -4 || exponent >= digits as i32 {
        let sign = if exponent < 0 { '-' } else { '+' };
        return format!("{}e{sign}{:02}", trim(mantissa), exponent.abs());
    }
    let decimals = usize::try_from(digits as i32 - 1 - exponent).unwrap_or(0);
    trim(&format!("{value:.decimals$}"))
}

fn scalar(resource: &Resource) -> i64 {
    fixed(resource.scalar.as_ref().map_or(0.0, |scalar| scalar.value))
}

fn ranges(resource: &Resource) -> &[Range] {
    resource.ranges.as_ref().map_or(&[], |ranges| &ranges.range)
}

fn items(resource: &Resource) -> &[String] {
    resource.set.as_ref().map_or(&[], |set| &set.item)
}

/// Whether there is nothing of it.
fn is_empty(resource: &Resource) -> bool {
    match resource.r#type {
        ValueType::Scalar => scalar(resource) == 0,
        ValueType::Ranges => ranges(resource).is_empty(),
        ValueType::Set => items(resource).is_empty(),
        _ => false,
    }
}

/// Whether it is a persistent volume.
pub(super) fn is_persistent_volume(resource: &Resource) -> bool {
    resource.disk.as_ref().is_some_and(|disk| disk.persistence.is_some())
}

/// Whether its last reservation is a dynamic one.
pub(super) fn is_dynamically_reserved(resource: &Resource) -> bool {
    resource.reservations.last().is_some_and(|last| last.r#type == Some(ReservationType::Dynamic))
}

/// The role that it is reserved for; `*` for none.
pub(super) fn reservation_role(resource: &Resource) -> &str {
    resource.reservations.last().and_then(|last| last.role.as_deref()).unwrap_or("*")
}

/// Whether two differ in their amounts only.
fn same_kind(left: &Resource, right: &Resource) -> bool {
    left.name == right.name
        && left.r#type == right.r#type
        && left.shared.is_some() == right.shared.is_some()
        && left.allocation_info == right.allocation_info
        && left.reservations == right.reservations
        && left.disk == right.disk
        && left.revocable.is_some() == right.revocable.is_some()
        && left.provider_id == right.provider_id
}

fn same_amount(left: &Resource, right: &Resource) -> bool {
    match left.r#type {
        ValueType::Scalar => scalar(left) == scalar(right),
        ValueType::Ranges => coalesced(ranges(left)) == coalesced(ranges(right)),
        _ => items(left).len() == items(right).len() && items(left).iter().all(|item| items(right).contains(item)),
    }
}

/// A whole that can't be added to another or divided: a persistent volume, a mounted or identified disk, shared ones.
fn is_indivisible(resource: &Resource) -> bool {
    use crate::mesos::DiskSourceType::{Block, Mount, Raw};
    resource.shared.is_some()
        || resource.disk.as_ref().is_some_and(|disk| {
            disk.persistence.is_some()
                || disk.source.as_ref().is_some_and(|source| {
                    matches!(source.r#type, Mount | Block) || source.r#type == Raw && source.id.is_some()
                })
        })
}

fn addable(left: &Resource, right: &Resource) -> bool {
    same_kind(left, right) && !is_indivisible(left)
}

fn subtractable(left: &Resource, right: &Resource) -> bool {
    same_kind(left, right) && (!is_indivisible(left) || same_amount(left, right))
}

/// Ranges in order, those that touch or overlap joined.
pub(super) fn coalesced(ranges: &[Range]) -> Vec<(u64, u64)> {
    let mut sorted: Vec<(u64, u64)> = ranges.iter().map(|range| (range.begin, range.end)).collect();
    sorted.sort_unstable();
    let mut joined: Vec<(u64, u64)> = Vec::new();
    for (begin, end) in sorted {
        match joined.last_mut() {
            Some(last) if begin <= last.1.saturating_add(1) => last.1 = last.1.max(end),
            _ => joined.push((begin, end)),
        }
    }
    joined
}

fn without(left: &[Range], right: &[Range]) -> Vec<(u64, u64)> {
    let mut rest = coalesced(left);
    for (begin, end) in coalesced(right) {
        rest = rest
            .into_iter()
            .flat_map(|(from, to)| {
                let before = (from < begin).then(|| (from, to.min(begin.saturating_sub(1))));
                let after = (to > end).then(|| (from.max(end.saturating_add(1)), to));
                [before, after]
            })
            .flatten()
            .filter(|(from, to)| from <= to)
            .collect();
    }
    rest
}

fn set_ranges(resource: &mut Resource, ranges: Vec<(u64, u64)>) {
    let range = ranges.into_iter().map(|(begin, end)| Range { begin, end, ..Range::default() }).collect();
    resource.ranges = Some(Ranges { range, ..Ranges::default() });
}

fn set_scalar(resource: &mut Resource, thousandths: i64) {
    resource.scalar = Some(Scalar { value: floating(thousandths), ..Scalar::default() });
}

/// What becomes of resources that a bound doesn't name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Rest {
    /// They are unbounded.
    All,
    /// There is none of them.
    Nothing,
}

/// Resources of many kinds, each kind once.
#[derive(Clone, Debug, Default)]
pub(super) struct Resources(Vec<Resource>);

impl Resources {
    /// The sum of a list.
    pub(super) fn of(list: &[Resource]) -> Self {
        let mut sum = Self::default();
        sum.add_list(list);
        sum
    }

    /// The kinds, in the order they came.
    pub(super) fn list(&self) -> &[Resource] {
        &self.0
    }

    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    fn add_one(&mut self, more: &Resource) {
        if is_empty(more) {
            return;
        }
        let Some(have) = self.0.iter_mut().find(|have| addable(have, more)) else {
            self.0.push(more.clone());
            return;
        };
        match have.r#type {
            ValueType::Scalar => set_scalar(have, scalar(have).saturating_add(scalar(more))),
            ValueType::Ranges => {
                let both = [ranges(have), ranges(more)].concat();
                set_ranges(have, coalesced(&both));
            }
            _ => {
                let new: Vec<String> = items(more).iter().filter(|item| !items(have).contains(item)).cloned().collect();
                have.set.get_or_insert_with(Set::default).item.extend(new);
            }
        }
    }

    fn subtract_one(&mut self, less: &Resource) {
        let Some(at) = self.0.iter().position(|have| subtractable(have, less)) else { return };
        let have = &mut self.0[at];
        let gone = match have.r#type {
            _ if is_indivisible(have) => true,
            ValueType::Scalar => {
                set_scalar(have, scalar(have).saturating_sub(scalar(less)));
                scalar(have) <= 0
            }
            ValueType::Ranges => {
                let rest = without(ranges(have), ranges(less));
                set_ranges(have, rest);
                is_empty(have)
            }
            _ => {
                let drop = items(less).to_vec();
                if let Some(set) = &mut have.set {
                    set.item.retain(|item| !drop.contains(item));
                }
                is_empty(have)
            }
        };
        if gone {
            self.0.swap_remove(at);
        }
    }

    pub(super) fn add(&mut self, more: &Resources) {
        self.add_list(&more.0);
    }

    /// Adds a list.
    pub(super) fn add_list(&mut self, more: &[Resource]) {
        more.iter().for_each(|resource| self.add_one(resource));
    }

    pub(super) fn subtract(&mut self, less: &Resources) {
        less.0.iter().for_each(|resource| self.subtract_one(resource));
    }

    pub(super) fn plus(&self, more: &Resources) -> Resources {
        let mut sum = self.clone();
        sum.add(more);
        sum
    }

    pub(super) fn minus(&self, less: &Resources) -> Resources {
        let mut rest = self.clone();
        rest.subtract(less);
        rest
    }

    fn contains_one(&self, part: &Resource) -> bool {
        self.0.iter().any(|have| {
            subtractable(have, part)
                && match have.r#type {
                    ValueType::Scalar => scalar(part) <= scalar(have),
                    ValueType::Ranges => without(ranges(part), ranges(have)).is_empty(),
                    _ => items(part).iter().all(|item| items(have).contains(item)),
                }
        })
    }

    pub(super) fn contains(&self, part: &Resources) -> bool {
        let mut rest = self.clone();
        part.0.iter().all(|resource| {
            let there = rest.contains_one(resource);
            if there && is_persistent_volume(resource) {
                rest.subtract_one(resource);
            }
            there
        })
    }

    /// Those that pass the test.
    pub(super) fn filtered(&self, test: impl Fn(&Resource) -> bool) -> Resources {
        Resources(self.0.iter().filter(|resource| test(resource)).cloned().collect())
    }

    /// At most so much of what is named in `most`; of the rest all, or nothing.
    pub(super) fn shrunk(&self, most: &std::collections::BTreeMap<String, i64>, rest: Rest) -> Resources {
        let mut left = most.clone();
        let take = |resource: &Resource| {
            let Some(left) = left.get_mut(&resource.name) else {
                return (rest == Rest::All).then(|| resource.clone());
            };
            let (have, may) = (scalar(resource), (*left).max(0));
            if have > may && is_indivisible(resource) || may == 0 {
                return None;
            }
            let taken = have.min(may);
            *left -= taken;
            let mut part = resource.clone();
            set_scalar(&mut part, taken);
            Some(part)
        };
        Resources(self.0.iter().filter_map(take).collect())
    }

    /// Marked as given to a role.
    pub(super) fn allocated(mut self, role: &str) -> Resources {
        let info = AllocationInfo { role: Some(role.to_owned()), ..AllocationInfo::default() };
        self.0.iter_mut().for_each(|resource| resource.allocation_info = Some(info.clone()));
        self
    }

    /// Marked as given to nobody.
    pub(super) fn unallocated(&self) -> Resources {
        let mut sum = Resources::default();
        for resource in &self.0 {
            sum.add_one(&Resource { allocation_info: None, ..resource.clone() });
        }
        sum
    }

    /// How many of a scalar, over all its kinds; `None` where there are none.
    pub(super) fn scalar(&self, name: &str) -> Option<f64> {
        let mut found = self.0.iter().filter(|resource| resource.name == name && resource.r#type == ValueType::Scalar);
        let first = scalar(found.next()?);
        Some(floating(found.fold(first, |sum, resource| sum.saturating_add(scalar(resource)))))
    }

    /// The same, 0 where there are none.
    pub(super) fn amount(&self, name: &str) -> f64 {
        self.scalar(name).unwrap_or(0.0)
    }

    /// Names in the order they came, each once.
    pub(super) fn names(&self) -> Vec<&str> {
        let mut names: Vec<&str> = Vec::new();
        for resource in &self.0 {
            if !names.contains(&resource.name.as_str()) {
                names.push(&resource.name);
            }
        }
        names
    }

    /// Amounts by name, in thousandths: those of scalars, and how many elements ranges and sets have.
    pub(super) fn quantities(&self) -> std::collections::BTreeMap<String, i64> {
        let mut sum = std::collections::BTreeMap::new();
        for resource in &self.0 {
            let amount = match resource.r#type {
                ValueType::Scalar => scalar(resource),
                ValueType::Ranges => coalesced(ranges(resource))
                    .iter()
                    .fold(0, |sum: i64, (begin, end)| {
                        sum.saturating_add(i64::try_from(end.saturating_sub(*begin)).unwrap_or(i64::MAX - 1) + 1)
                    })
                    .saturating_mul(1000),
                _ => (items(resource).len() as i64).saturating_mul(1000),
            };
            let entry: &mut i64 = sum.entry(resource.name.clone()).or_default();
            *entry = entry.saturating_add(amount);
        }
        sum
    }

    /// The same of scalars alone.
    pub(super) fn scalar_quantities(&self) -> std::collections::BTreeMap<String, i64> {
        self.filtered(|resource| resource.r#type == ValueType::Scalar).quantities()
    }

    /// As schedulers without RESERVATION_REFINEMENT see them.
    pub(super) fn for_schedulers(&self, refinement: bool) -> Vec<Resource> {
        self.0.iter().map(|resource| for_scheduler(resource.clone(), refinement)).collect()
    }

    pub(super) fn into_list(self) -> Vec<Resource> {
        self.0
    }
}

impl PartialEq for Resources {
    fn eq(&self, other: &Self) -> bool {
        self.contains(other) && other.contains(self)
    }
}

/// From the form with `role` and `reservation` to the one with `reservations`.
pub(super) fn upgraded(mut resource: Resource) -> Resource {
    let role = resource.role.take();
    let reservation = resource.reservation.take();
    if !resource.reservations.is_empty() || matches!(role.as_deref(), None | Some("*")) {
        return resource;
    }
    let kind = if reservation.is_some() { ReservationType::Dynamic } else { ReservationType::Static };
    let base = reservation.unwrap_or_default();
    resource.reservations = vec![ReservationInfo { r#type: Some(kind), role, ..base }];
    resource
}

/// A whole list of them.
pub(super) fn upgraded_list(list: &[Resource]) -> Vec<Resource> {
    list.iter().cloned().map(upgraded).collect()
}

/// The other way, for schedulers that don't know refined reservations.
fn for_scheduler(mut resource: Resource, refinement: bool) -> Resource {
    if refinement {
        return resource;
    }
    match resource.reservations.as_slice() {
        [] => resource.role = Some("*".to_owned()),
        [only] => {
            if only.r#type == Some(ReservationType::Dynamic) {
                resource.reservation = Some(ReservationInfo {
                    principal: only.principal.clone(),
                    labels: only.labels.clone(),
                    ..ReservationInfo::default()
                });
            }
            resource.role.clone_from(&only.role);
            resource.reservations.clear();
        }
        _ => {}
    }
    resource
}

/// A resource as the endpoints that show state write it: both forms at once where both can tell it.
pub(super) fn for_endpoints(resource: &Resource) -> Resource {
    let mut both = for_scheduler(resource.clone(), false);
    both.reservations.clone_from(&resource.reservations);
    both
}

/// A resource as Mesos prints it, in messages that schedulers get to read.
pub(super) struct Printed<'a>(pub(super) &'a Resource);

impl fmt::Display for Printed<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let resource = self.0;
        f.write_str(&resource.name)?;
        if let Some(info) = &resource.allocation_info {
            write!(f, "(allocated: {})", info.role.as_deref().unwrap_or(""))?;
        }
        if !resource.reservations.is_empty() {
            f.write_str("(reservations: [")?;
            for (index, reservation) in resource.reservations.iter().enumerate() {
                f.write_str(if index > 0 { ",(" } else { "(" })?;
                print_reservation(reservation, f)?;
                f.write_str(")")?;
            }
            f.write_str("])")?;
        }
        if let Some(disk) = &resource.disk {
            write!(f, "[{}]", printed_disk(disk))?;
        }
        if resource.revocable.is_some() {
            f.write_str("{REV}")?;
        }
        if resource.shared.is_some() {
            f.write_str("<SHARED>")?;
        }
        f.write_str(":")?;
        print_amount(resource, f)
    }
}

fn print_amount(resource: &Resource, f: &mut fmt::Formatter<'_>) -> fmt::Result {
    match resource.r#type {
        ValueType::Scalar => f.write_str(&printed(floating(scalar(resource)), 15)),
        ValueType::Ranges => {
            let parts: Vec<String> =
                ranges(resource).iter().map(|range| format!("{}-{}", range.begin, range.end)).collect();
            write!(f, "[{}]", parts.join(", "))
        }
        _ => write!(f, "{{{}}}", items(resource).join(", ")),
    }
}

fn print_reservation(reservation: &ReservationInfo, f: &mut fmt::Formatter<'_>) -> fmt::Result {
    let kind = reservation.r#type.as_ref().map_or("UNKNOWN", |kind| kind.as_str());
    write!(f, "{kind},{}", reservation.role.as_deref().unwrap_or(""))?;
    if let Some(principal) = &reservation.principal {
        write!(f, ",{principal}")?;
    }
    if let Some(labels) = &reservation.labels {
        let all: Vec<String> = labels
            .labels
            .iter()
            .map(|label| match &label.value {
                Some(value) => format!("{}: {value}", label.key),
                None => label.key.clone(),
            })
            .collect();
        write!(f, ",{{{}}}", all.join(", "))?;
    }
    Ok(())
}

fn printed_disk(disk: &crate::mesos::DiskInfo) -> String {
    let mut text = disk.source.as_ref().map(printed_source).unwrap_or_default();
    if let Some(persistence) = &disk.persistence {
        if disk.source.is_some() {
            text.push(',');
        }
        text.push_str(&persistence.id);
    }
    if let Some(volume) = &disk.volume {
        text.push(':');
        // The mode is told only beside a path of the host.
        match &volume.host_path {
            None => text.push_str(&volume.container_path),
            Some(host_path) => {
                let mode = if volume.mode == VolumeMode::Ro { "ro" } else { "rw" };
                text.push_str(&format!("{host_path}:{}:{mode}", volume.container_path));
            }
        }
    }
    text
}

/// Where a disk comes from: which one a plugin knows it as, or else where it is mounted.
fn printed_source(source: &crate::mesos::DiskSource) -> String {
    use crate::mesos::DiskSourceType::{Mount, Path};
    let kind = source.r#type.as_str();
    if source.id.is_some() || source.profile.is_some() {
        let told = |field: &Option<String>| field.clone().unwrap_or_default();
        return format!("{kind}({},{},{})", told(&source.vendor), told(&source.id), told(&source.profile));
    }
    let root = match source.r#type {
        Path => source.path.as_ref().and_then(|path| path.root.as_deref()),
        Mount => source.mount.as_ref().and_then(|mount| mount.root.as_deref()),
        _ => None,
    };
    root.map_or_else(|| kind.to_owned(), |root| format!("{kind}:{root}"))
}

impl fmt::Display for Resources {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.0.is_empty() {
            return f.write_str("{}");
        }
        for (index, resource) in self.0.iter().enumerate() {
            write!(f, "{}{}", if index > 0 { "; " } else { "" }, Printed(resource))?;
            // How often a shared one is held; here each is kept once.
            if resource.shared.is_some() {
                f.write_str("<1>")?;
            }
        }
        Ok(())
    }
}

/// A scalar resource.
#[cfg(test)]
pub(super) fn scalar_resource(name: &str, value: f64) -> Resource {
    Resource {
        name: name.to_owned(),
        r#type: ValueType::Scalar,
        scalar: Some(Scalar { value, ..Scalar::default() }),
        ..Resource::default()
    }
}

/// A resource of one range.
#[cfg(test)]
pub(super) fn range_resource(name: &str, begin: u64, end: u64) -> Resource {
    let range = Range { begin, end, ..Range::default() };
    Resource {
        name: name.to_owned(),
        r#type: ValueType::Ranges,
        ranges: Some(Ranges { range: vec![range], ..Ranges::default() }),
        ..Resource::default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn some(cpus: f64, ports: (u64, u64)) -> Resources {
        Resources::of(&[scalar_resource("cpus", cpus), range_resource("ports", ports.0, ports.1)])
    }

    #[test]
    fn thousandths_add_up() {
        let mut sum = Resources::default();
        for _ in 0..10 {
            sum.add(&some(0.1, (1, 1)));
        }
        assert_eq!(sum.scalar("cpus"), Some(1.0));
        sum.subtract(&some(0.9, (1, 1)));
        assert_eq!(sum.to_string(), "cpus:0.1");
        sum.subtract(&some(0.1, (1, 1)));
        assert_eq!(sum.to_string(), "{}");
    }

    #[test]
    fn numbers_print_as_in_cpp() {
        let cases = [
            (0.1, 15, "0.1"),
            (4.0, 15, "4"),
            (1e300, 6, "1e+300"),
            (9.3e9, 6, "9.3e+09"),
            (floating(fixed(1e300)), 15, "-9.22337203685478e+15"),
            (0.0001, 6, "0.0001"),
            (0.00001, 6, "1e-05"),
            (1_000_000.0, 6, "1e+06"),
            (123_456.0, 6, "123456"),
            (-1.5, 6, "-1.5"),
        ];
        for (value, digits, text) in cases {
            assert_eq!(printed(value, digits), text);
        }
    }

    #[test]
    fn ranges_are_cut_and_joined() {
        let whole = some(4.0, (31000, 32000));
        let part = some(1.0, (31500, 31500));
        assert!(whole.contains(&part));
        let rest = whole.minus(&part);
        assert_eq!(rest.to_string(), "cpus:3; ports:[31000-31499, 31501-32000]");
        assert!(!rest.contains(&part));
        assert_eq!(rest.plus(&part), whole);
        assert!(!whole.contains(&some(1.0, (30999, 31000))));
    }

    #[test]
    fn reservations_and_allocations_are_other_kinds() {
        let mut reserved = scalar_resource("cpus", 0.1);
        reserved.role = Some("prod".to_owned());
        let reserved = Resources::of(&[upgraded(reserved)]).allocated("*");
        assert_eq!(reserved.to_string(), "cpus(allocated: *)(reservations: [(STATIC,prod)]):0.1");
        let plain = Resources::of(&[scalar_resource("cpus", 4.0)]).allocated("*");
        assert!(!plain.contains(&reserved));
        assert!(plain.contains(&Resources::of(&[scalar_resource("cpus", 1.0)]).allocated("*")));
        assert!(!plain.contains(&Resources::of(&[scalar_resource("cpus", 1.0)])));
        assert_eq!(reserved.for_schedulers(false)[0].role.as_deref(), Some("prod"));
    }

    /// Their ports begin there: those of one are no others'.
    fn any_resources(ports: u64) -> impl Strategy<Value = Resources> {
        let one = (0usize..3, 1u64..5_000, ports..ports + 200, 0u64..40, prop::sample::select(vec!["*", "dev"]));
        prop::collection::vec(one, 0..8).prop_map(|list| {
            let resources: Vec<_> = list
                .into_iter()
                .map(|(kind, thousandths, begin, length, role)| {
                    let mut resource = match kind {
                        0 => scalar_resource("cpus", thousandths as f64 / 1000.0),
                        1 => scalar_resource("mem", thousandths as f64),
                        _ => range_resource("ports", begin, begin + length),
                    };
                    if role != "*" {
                        resource = Resources::of(&[resource]).allocated(role).into_list().remove(0);
                    }
                    resource
                })
                .collect();
            let mut sum = Resources::default();
            for resource in &resources {
                let one = Resources::of(std::slice::from_ref(resource));
                // The same port twice isn't twice as much.
                if resource.name != "ports" || !sum.names().contains(&"ports") {
                    sum.add(&one);
                }
            }
            sum
        })
    }

    proptest! {
        /// What is put together and taken apart again is what it was, to the thousandth.
        #[test]
        fn nothing_gets_lost_or_made(a in any_resources(1_000), b in any_resources(2_000), c in any_resources(3_000)) {
            let all = a.plus(&b).plus(&c);
            prop_assert!(all.contains(&a) && all.contains(&b) && all.contains(&c));
            prop_assert_eq!(all.minus(&b).minus(&a).quantities(), c.quantities());
            prop_assert_eq!(a.plus(&b).quantities(), b.plus(&a).quantities());
            prop_assert!(all.minus(&all).is_empty());
            let mut sum = a.quantities();
            for (name, amount) in b.quantities().into_iter().chain(c.quantities()) {
                *sum.entry(name).or_default() += amount;
            }
            prop_assert_eq!(all.quantities(), sum);
        }
    }
}
