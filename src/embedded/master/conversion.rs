//! What an operation makes of which resources.
//!
//! Pure. (apache/mesos: src/common/resources_utils.cpp)

use super::validate::operation::stripped;
use crate::embedded::resources::{Resources, fixed, floating};
use crate::mesos::{Operation, OperationType, Resource, Scalar};

/// Resources that are used up, and what becomes of them.
#[derive(Clone, Debug)]
pub(super) struct Conversion {
    pub(super) from: Resources,
    pub(super) to: Resources,
}

impl Conversion {
    fn one(from: Resource, to: &Resource) -> Self {
        Self { from: Resources::of(&[from]), to: Resources::of(std::slice::from_ref(to)) }
    }
}

/// The conversions of an operation, in order; none for one that converts nothing.
pub(super) fn conversions(operation: &Operation) -> Vec<Conversion> {
    match operation {
        Operation { reserve: Some(reserve), r#type: Some(OperationType::Reserve), .. } => {
            let plain: Vec<Resource> = reserve.resources.iter().map(unreserved).collect();
            let from = if reserve.source.is_empty() { &plain } else { &reserve.source };
            vec![Conversion { from: Resources::of(from), to: Resources::of(&reserve.resources) }]
        }
        Operation { unreserve: Some(unreserve), r#type: Some(OperationType::Unreserve), .. } => {
            unreserve.resources.iter().map(|from| Conversion::one(from.clone(), &unreserved(from))).collect()
        }
        Operation { create: Some(create), r#type: Some(OperationType::Create), .. } => create
            .volumes
            .iter()
            // What is shared comes of what isn't.
            .map(|volume| Conversion::one(Resource { shared: None, ..stripped(volume) }, volume))
            .collect(),
        Operation { destroy: Some(destroy), r#type: Some(OperationType::Destroy), .. } => destroy
            .volumes
            .iter()
            .map(|volume| Conversion::one(volume.clone(), &Resource { shared: None, ..stripped(volume) }))
            .collect(),
        Operation { grow_volume: Some(grow), r#type: Some(OperationType::GrowVolume), .. } => {
            let bigger = set_scalar(grow.volume.clone(), scalar(&grow.volume).saturating_add(scalar(&grow.addition)));
            let from = Resources::of(&[grow.volume.clone(), grow.addition.clone()]);
            vec![Conversion { from, to: Resources::of(&[bigger]) }]
        }
        Operation { shrink_volume: Some(shrink), r#type: Some(OperationType::ShrinkVolume), .. } => {
            let less = fixed(shrink.subtract.value);
            let freed = set_scalar(stripped(&shrink.volume), less);
            let smaller = set_scalar(shrink.volume.clone(), scalar(&shrink.volume).saturating_sub(less));
            let from = Resources::of(std::slice::from_ref(&shrink.volume));
            vec![Conversion { from, to: Resources::of(&[smaller, freed]) }]
        }
        _ => Vec::new(),
    }
}

/// Makes the conversions one after the other, as each may be made of what the one before left.
///
/// # Errors
/// What isn't there.
pub(super) fn applied(to: &Resources, conversions: &[Conversion]) -> Result<Resources, String> {
    let mut rest = to.clone();
    for Conversion { from, to } in conversions {
        if !rest.contains(from) {
            return Err(format!("{rest} does not contain {from}"));
        }
        rest.subtract(from);
        rest.add(to);
    }
    Ok(rest)
}

/// The resource without its last reservation.
pub(super) fn unreserved(resource: &Resource) -> Resource {
    let mut plain = resource.clone();
    plain.reservations.pop();
    plain
}

fn scalar(resource: &Resource) -> i64 {
    fixed(resource.scalar.as_ref().map_or(0.0, |scalar| scalar.value))
}

fn set_scalar(mut resource: Resource, thousandths: i64) -> Resource {
    resource.scalar = Some(Scalar { value: floating(thousandths), ..Scalar::default() });
    resource
}
