//! Offer constraints: which agents' offers a framework wants, by their attributes.

use regex::Regex;

use super::pattern;
use crate::mesos::{AgentInfo, AttributeConstraint, OfferConstraints, Predicate, PseudoattributeType, Selector};

/// Constraints, checked and ready to be asked.
#[derive(Clone, Debug, Default)]
pub(in crate::embedded::master) struct Constraints(Vec<(String, Vec<Vec<Constraint>>)>);

#[derive(Clone, Debug)]
struct Constraint {
    selector: Selector,
    test: Test,
}

#[derive(Clone, Debug)]
enum Test {
    Exists,
    NotExists,
    Equals(String),
    NotEquals(String),
    Matches(Regex),
    NotMatches(Regex),
}

impl Constraints {
    /// Reads them, or says what is wrong.
    pub(in crate::embedded::master) fn new(constraints: Option<&OfferConstraints>) -> Result<Self, String> {
        let mut all = Vec::new();
        for (role, of_role) in constraints.iter().flat_map(|constraints| &constraints.role_constraints) {
            if of_role.groups.is_empty() {
                return Err(format!(
                    "'OfferConstraints::role_constraints' has an empty 'RoleConstraints::groups' for role {role}"
                ));
            }
            let mut groups = Vec::new();
            for group in &of_role.groups {
                if group.attribute_constraints.is_empty() {
                    // The missing space is the original's.
                    return Err(format!(
                        "'OfferConstraints::RoleConstraints::groups' for role {role}contains an empty \
                         RoleConstraints::Group"
                    ));
                }
                let group: Result<Vec<_>, _> = group.attribute_constraints.iter().map(read).collect();
                groups.push(group.map_err(|why| format!("A role {role} has an invalid 'AttributeConstraint': {why}"))?);
            }
            all.push((role.clone(), groups));
        }
        Ok(Self(all))
    }

    /// Whether a role's constraints keep an agent out.
    pub(in crate::embedded::master) fn exclude(&self, role: &str, agent: &AgentInfo) -> bool {
        self.0.iter().find(|(of, _)| of == role).is_some_and(|(_, groups)| {
            !groups.iter().any(|group| group.iter().all(|constraint| constraint.holds(agent)))
        })
    }
}

fn read(constraint: &AttributeConstraint) -> Result<Constraint, String> {
    let selector = constraint.selector.clone();
    match (&selector.attribute_name, &selector.pseudoattribute_type) {
        (Some(_), _) => {}
        (None, Some(PseudoattributeType::Unknown | PseudoattributeType::Other(_))) => {
            return Err("Unknown pseudoattribute type".to_owned());
        }
        (None, Some(_)) => {}
        (None, None) => {
            return Err("Exactly one of 'AttributeConstraint::Selector::name' or \
                        'AttributeConstraint::Selector::pseudoattribute_type' must be set"
                .to_owned());
        }
    }
    Ok(Constraint { selector, test: test(&constraint.predicate)? })
}

fn test(predicate: &Predicate) -> Result<Test, String> {
    Ok(match predicate {
        Predicate { exists: Some(_), .. } => Test::Exists,
        Predicate { not_exists: Some(_), .. } => Test::NotExists,
        Predicate { text_equals: Some(text), .. } => Test::Equals(text.value.clone()),
        Predicate { text_not_equals: Some(text), .. } => Test::NotEquals(text.value.clone()),
        Predicate { text_matches: Some(text), .. } => Test::Matches(matching(&text.regex)?),
        Predicate { text_not_matches: Some(text), .. } => Test::NotMatches(matching(&text.regex)?),
        _ => return Err("Unknown predicate type".to_owned()),
    })
}

/// A pattern, or what is wrong with it.
fn matching(text: &str) -> Result<Regex, String> {
    pattern::read(text).map_err(|why| format!("Failed to construct regex from pattern '{text}': {why}"))
}

/// Of fields that exclude each other the one that is read last stays: the last by name.
pub(in crate::embedded::master) fn one_of_each(constraints: &mut OfferConstraints) {
    let groups = constraints.role_constraints.values_mut().flat_map(|of_role| &mut of_role.groups);
    for constraint in groups.flat_map(|group| &mut group.attribute_constraints) {
        if constraint.selector.pseudoattribute_type.is_some() {
            constraint.selector.attribute_name = None;
        }
        let said = std::mem::take(&mut constraint.predicate);
        constraint.predicate = match said {
            Predicate { text_not_matches: Some(it), .. } => {
                Predicate { text_not_matches: Some(it), ..Predicate::default() }
            }
            Predicate { text_not_equals: Some(it), .. } => {
                Predicate { text_not_equals: Some(it), ..Predicate::default() }
            }
            Predicate { text_matches: Some(it), .. } => Predicate { text_matches: Some(it), ..Predicate::default() },
            Predicate { text_equals: Some(it), .. } => Predicate { text_equals: Some(it), ..Predicate::default() },
            Predicate { not_exists: Some(it), .. } => Predicate { not_exists: Some(it), ..Predicate::default() },
            other => other,
        };
    }
}

impl Constraint {
    fn holds(&self, agent: &AgentInfo) -> bool {
        if let Some(name) = &self.selector.attribute_name {
            return match agent.attributes.iter().find(|attribute| attribute.name == *name) {
                None => self.test.on(None),
                // What isn't text is no match for a text, and no reason to keep the agent out.
                Some(attribute) if attribute.text.is_none() => !matches!(self.test, Test::NotExists),
                Some(attribute) => self.test.on(attribute.text.as_ref().map(|text| text.value.as_str())),
            };
        }
        let fault = agent.domain.as_ref().and_then(|domain| domain.fault_domain.as_ref());
        self.test.on(match self.selector.pseudoattribute_type {
            Some(PseudoattributeType::Hostname) => Some(agent.hostname.as_str()),
            Some(PseudoattributeType::Region) => fault.map(|fault| fault.region.name.as_str()),
            _ => fault.map(|fault| fault.zone.name.as_str()),
        })
    }
}

impl Test {
    fn on(&self, text: Option<&str>) -> bool {
        match (self, text) {
            (Self::Exists, text) => text.is_some(),
            (Self::NotExists, text) => text.is_none(),
            (Self::Equals(_) | Self::Matches(_), None) => false,
            (Self::NotEquals(_) | Self::NotMatches(_), None) => true,
            (Self::Equals(value), Some(text)) => value == text,
            (Self::NotEquals(value), Some(text)) => value != text,
            (Self::Matches(pattern), Some(text)) => pattern.is_match(text),
            (Self::NotMatches(pattern), Some(text)) => !pattern.is_match(text),
        }
    }
}
