//! Reservations and volumes that an operator makes, of what nobody uses: offers in the way are taken back.

use super::{Answered, Reply};
use crate::embedded::master::actor::Master;
use crate::embedded::master::authorization::asked;
use crate::embedded::master::conversion::{self, conversions};
use crate::embedded::master::validate::operation as check;
use crate::embedded::resources::{Resources, upgraded};
use crate::mesos::master::{Call, CallType};
use crate::mesos::{
    AgentId, Create, Destroy, GrowVolume, Operation, OperationType, Reserve, Resource, ShrinkVolume, Unreserve,
};

/// An operation that a call stands for, and its agent.
fn operation(call: Call) -> Option<(AgentId, Operation)> {
    let plain = |kind| Operation { r#type: Some(kind), ..Operation::default() };
    Some(match call.r#type {
        Some(CallType::ReserveResources) => {
            let call = call.reserve_resources?;
            let reserve = Reserve { source: call.source, resources: call.resources, ..Reserve::default() };
            (call.agent_id, Operation { reserve: Some(reserve), ..plain(OperationType::Reserve) })
        }
        Some(CallType::UnreserveResources) => {
            let call = call.unreserve_resources?;
            let unreserve = Unreserve { resources: call.resources, ..Unreserve::default() };
            (call.agent_id, Operation { unreserve: Some(unreserve), ..plain(OperationType::Unreserve) })
        }
        Some(CallType::CreateVolumes) => {
            let call = call.create_volumes?;
            let create = Create { volumes: call.volumes, ..Create::default() };
            (call.agent_id, Operation { create: Some(create), ..plain(OperationType::Create) })
        }
        Some(CallType::DestroyVolumes) => {
            let call = call.destroy_volumes?;
            let destroy = Destroy { volumes: call.volumes, ..Destroy::default() };
            (call.agent_id, Operation { destroy: Some(destroy), ..plain(OperationType::Destroy) })
        }
        Some(CallType::GrowVolume) => {
            let call = call.grow_volume?;
            let grow = GrowVolume { volume: call.volume, addition: call.addition, ..GrowVolume::default() };
            (call.agent_id?, Operation { grow_volume: Some(grow), ..plain(OperationType::GrowVolume) })
        }
        Some(CallType::ShrinkVolume) => {
            let call = call.shrink_volume?;
            let shrink = ShrinkVolume { volume: call.volume, subtract: call.subtract, ..ShrinkVolume::default() };
            (call.agent_id?, Operation { shrink_volume: Some(shrink), ..plain(OperationType::ShrinkVolume) })
        }
        _ => return None,
    })
}

/// All resources in the form with `reservations`.
fn upgrade(operation: &mut Operation) {
    let all = |list: &mut Vec<Resource>| *list = std::mem::take(list).into_iter().map(upgraded).collect();
    let one = |resource: &mut Resource| *resource = upgraded(std::mem::take(resource));
    if let Some(reserve) = &mut operation.reserve {
        all(&mut reserve.resources);
        all(&mut reserve.source);
    }
    operation.unreserve.iter_mut().for_each(|unreserve| all(&mut unreserve.resources));
    operation.create.iter_mut().for_each(|create| all(&mut create.volumes));
    operation.destroy.iter_mut().for_each(|destroy| all(&mut destroy.volumes));
    if let Some(grow) = &mut operation.grow_volume {
        one(&mut grow.volume);
        one(&mut grow.addition);
    }
    operation.shrink_volume.iter_mut().for_each(|shrink| one(&mut shrink.volume));
}

impl Master {
    /// The six calls that make other resources of an agent's.
    pub(super) fn convert_resources(&mut self, call: Call, principal: Option<&str>) -> Answered {
        let unknown = || Reply::bad("No agent found with specified ID");
        let Some((id, mut operation)) = operation(call) else { return Err(Reply::bad("")) };
        let agent = self.agent(&id).ok_or_else(unknown)?.printed();
        check::form(&operation).map_err(Reply::bad)?;
        upgrade(&mut operation);
        let kind = operation.r#type.as_ref().map_or("", |kind| kind.as_str());
        // Two of the six say nothing of the agent.
        let of_agent = match operation.r#type {
            Some(OperationType::Unreserve | OperationType::Destroy) => String::new(),
            _ => format!(" on agent {agent}"),
        };
        self.may_convert(&id, &operation, principal)
            .map_err(|why| Reply::bad(format!("Invalid {kind} operation{of_agent}: {why}")))?;
        let approver = self.approver(principal);
        if !asked(&operation).iter().all(|one| approver.may(one.action, one.value.as_deref())) {
            return Err(Reply::forbidden());
        }
        self.take_back(&id, &operation);
        let made = conversions(&operation);
        self.allocator.exchange(&id, &made).map_err(|why| Reply::Refused(409, why))?;
        self.keep_resources(&id);
        Ok(Reply::Done(202))
    }

    fn may_convert(&self, id: &AgentId, operation: &Operation, principal: Option<&str>) -> Result<(), String> {
        let volumes = self.volumes(id);
        match operation {
            Operation { reserve: Some(reserve), .. } => check::reserve(reserve, principal, None),
            Operation { unreserve: Some(unreserve), .. } => check::unreserve(&unreserve.resources),
            Operation { create: Some(create), .. } => check::create(&create.volumes, &volumes, principal, None),
            Operation { destroy: Some(destroy), .. } => check::destroy(&destroy.volumes, &volumes, &self.used_on(id)),
            Operation { grow_volume: Some(grow), .. } => check::grow(grow),
            Operation { shrink_volume: Some(shrink), .. } => check::shrink(shrink),
            _ => Ok(()),
        }
    }

    /// Takes offers of the agent back until what the operation needs is there.
    fn take_back(&mut self, id: &AgentId, operation: &Operation) {
        let made = conversions(operation);
        let mut required = Resources::default();
        made.iter().for_each(|conversion| required.add(&conversion.from));
        let mut offers: Vec<_> = self.offers.values().filter(|offer| offer.agent_id == *id).cloned().collect();
        offers.sort_by(|left, right| left.id.as_str().cmp(right.id.as_str()));
        let mut recovered = Resources::default();
        for offer in offers {
            let resources = Resources::of(&offer.resources).unallocated();
            let still = required.minus(&resources);
            // One that holds nothing of what is needed stays.
            if still == required {
                continue;
            }
            recovered.add(&resources);
            required = still;
            self.rescind_with(&offer.id, Some(&crate::mesos::Filters::default()));
            if conversion::applied(&recovered, &made).is_ok() {
                break;
            }
        }
    }

    /// The agent keeps its resources as they are now: they are there again when a master has ended.
    pub(in crate::embedded::master) fn keep_resources(&self, id: &AgentId) {
        let total = self.allocator.total(id).into_list();
        if let Some(agent) = self.agent(id) {
            agent.tell(crate::embedded::link::ToAgent::Resources(total));
        }
    }
}
