//! Agents that an operator drains, takes out and back in, or gives up.

use super::{Answered, Reply};
use crate::embedded::authorize::Action;
use crate::embedded::link::ToAgent;
use crate::embedded::master::actor::Master;
use crate::mesos::master::DrainAgent;
use crate::mesos::{AgentId, DrainConfig, DurationInfo};

impl Master {
    fn is_known(&self, id: &AgentId) -> bool {
        let recovering = || self.recovering.agents().any(|admitted| admitted.info.id.as_ref() == Some(id));
        self.agent(id).is_some() || self.unreachable.contains_key(id) || recovering()
    }

    /// MARK_AGENT_GONE.
    pub(super) fn operator_gone(&mut self, id: &AgentId, principal: Option<&str>) -> Answered {
        if !self.approver(principal).may(Action::MarkAgentGone, None) {
            return Err(Reply::forbidden());
        }
        if self.gone.contains(id) {
            return Ok(Reply::Done(200));
        }
        if !self.is_known(id) {
            return Err(Reply::Refused(404, format!("Agent '{id}' not found")));
        }
        self.mark_gone(id);
        Ok(Reply::Done(200))
    }

    /// DRAIN_AGENT.
    pub(super) fn drain(&mut self, drain: &DrainAgent, principal: Option<&str>) -> Answered {
        let id = &drain.agent_id;
        let mark_gone = drain.mark_gone.unwrap_or(false);
        let grace = drain.max_grace_period.as_ref().map(|period| {
            let (seconds, more) = (period.seconds.unwrap_or(0), period.nanos.unwrap_or(0));
            seconds.saturating_mul(1_000_000_000).saturating_add(more.into())
        });
        let who = self.approver(principal);
        if !who.may(Action::DrainAgent, None) || mark_gone && !who.may(Action::MarkAgentGone, None) {
            return Err(Reply::forbidden());
        }
        if !self.is_known(id) {
            return Err(Reply::bad("Unknown agent"));
        }
        let config = DrainConfig {
            max_grace_period: grace.map(|nanoseconds| DurationInfo { nanoseconds, ..DurationInfo::default() }),
            mark_gone: Some(mark_gone),
            ..DrainConfig::default()
        };
        self.recovering.drain(id, &config);
        self.registry_changed = true;
        let Some(agent) = self.agent_mut(id) else { return Ok(Reply::Done(200)) };
        agent.draining = Some(config.clone());
        agent.drain_started = Some(std::time::SystemTime::now());
        self.take_out(id);
        if let Some(agent) = self.agent(id) {
            agent.tell(ToAgent::Drain(Box::new(config)));
        }
        self.drained(id);
        Ok(Reply::Done(200))
    }

    /// DEACTIVATE_AGENT.
    pub(super) fn deactivate(&mut self, id: &AgentId, principal: Option<&str>) -> Answered {
        if !self.approver(principal).may(Action::DeactivateAgent, None) {
            return Err(Reply::forbidden());
        }
        if !self.is_known(id) {
            return Err(Reply::bad("Unknown agent"));
        }
        self.recovering.deactivate(id, true);
        self.take_out(id);
        Ok(Reply::Done(200))
    }

    /// REACTIVATE_AGENT.
    pub(super) fn reactivate(&mut self, id: &AgentId, principal: Option<&str>) -> Answered {
        if !self.approver(principal).may(Action::ReactivateAgent, None) {
            return Err(Reply::forbidden());
        }
        let agent = self.agent(id).filter(|agent| agent.deactivated);
        let Some(agent) = agent else {
            if self.recovering.deactivate(id, false) {
                self.registry_changed = true;
                return Ok(Reply::Done(200));
            }
            return Err(Reply::bad("Agent is not deactivated"));
        };
        if agent.draining.is_some() && self.is_busy(id) {
            return Err(Reply::bad("Agent is still in the DRAINING state"));
        }
        self.registry_changed = true;
        if let Some(agent) = self.agent_mut(id) {
            (agent.active, agent.deactivated) = (true, false);
            (agent.draining, agent.drain_started) = (None, None);
        }
        self.allocator.set_agent_active(id, true);
        Ok(Reply::Done(200))
    }

    /// No more offers from an agent, and those that are out come back.
    fn take_out(&mut self, id: &AgentId) {
        self.registry_changed = true;
        let Some(agent) = self.agent_mut(id) else { return };
        (agent.active, agent.deactivated) = (false, true);
        self.allocator.set_agent_active(id, false);
        let offers: Vec<_> =
            self.offers.values().filter(|offer| offer.agent_id == *id).map(|offer| offer.id.clone()).collect();
        offers.iter().for_each(|offer| self.rescind(offer));
    }
}
