//! Frameworks that come, come back, change and go.

use std::sync::Arc;
use std::time::{Duration, SystemTime};

use super::actor::{Answer, Master, Timer, event};
use super::framework::Framework;
use super::stream::Stream;
use super::validate::constraints::Constraints;
use super::validate::{self, Check, framework as check, is_duration};
use crate::embedded::link::ToAgent;
use crate::mesos::{
    CallMessage, ErrorEvent, EventMessage, EventType, FrameworkId, FrameworkInfo, OfferConstraints, Subscribed,
    TaskState, TaskStatus, UpdateFramework,
};

/// What a framework wants to be offered.
struct Wanted {
    suppressed: Vec<String>,
    /// Its constraints as it gave them.
    said: Option<OfferConstraints>,
    /// The same, read.
    constraints: Constraints,
}

impl Master {
    /// SUBSCRIBE. What is refused gets one ERROR event, and the stream ends.
    pub(super) fn subscribe(&mut self, call: CallMessage, principal: Option<String>, stream: Stream) {
        let Some(mut subscribe) = call.subscribe else { return };
        let is_new = subscribe.framework_info.id.as_ref().is_none_or(|id| id.as_str().is_empty());
        self.count(if is_new { "messages_register_framework" } else { "messages_reregister_framework" });
        subscribe.offer_constraints.iter_mut().for_each(validate::constraints::one_of_each);
        let mut info = subscribe.framework_info;
        if info.principal.is_none() {
            info.principal = principal;
        }
        let checked = self
            .may_be(&info, &subscribe.suppressed_roles)
            .and_then(|()| self.is_its_own(&info))
            .and_then(|()| Constraints::new(subscribe.offer_constraints.as_ref()))
            .and_then(|constraints| self.may_register(&info).map(|()| constraints));
        let taken = checked.and_then(|constraints| self.take_in(&mut info).map(|id| (id, constraints)));
        match taken {
            Ok((id, constraints)) => {
                let wanted =
                    Wanted { suppressed: subscribe.suppressed_roles, said: subscribe.offer_constraints, constraints };
                self.change(&id, info, wanted);
                self.connect(&id, stream);
            }
            Err(why) => stream.send(&error(&why)),
        }
    }

    /// Whether a framework may be as it says, at this master.
    fn may_be(&self, info: &FrameworkInfo, suppressed: &[String]) -> Check {
        check::check(info)?;
        let roles = check::roles(info);
        if self.settings.roles.is_some() {
            let mut unknown: Vec<&str> =
                roles.iter().filter(|role| !self.is_allowed_role(role)).map(String::as_str).collect();
            unknown.sort_unstable();
            if !unknown.is_empty() {
                return Err(format!("Roles {{ {} }} are not present in the master's --roles", unknown.join(", ")));
            }
        }
        check::suppressed(&roles, suppressed)?;
        if info.user == "root" && !self.settings.root_submissions {
            return Err("User 'root' is not allowed to run frameworks without --root_submissions set".to_owned());
        }
        let removed = |id: &FrameworkId| self.completed.iter().any(|framework| framework.id == *id);
        if info.id.as_ref().is_some_and(removed) {
            return Err("Framework has been removed".to_owned());
        }
        check::failover_timeout(info)
    }

    /// Whether the framework that it says it is has this principal.
    fn is_its_own(&self, info: &FrameworkInfo) -> Check {
        match info.id.as_ref().and_then(|id| self.framework(id)) {
            Some(known) => check::principal(&known.info, info),
            None => Ok(()),
        }
    }

    /// Whether it may have its roles.
    fn may_register(&self, info: &FrameworkInfo) -> Check {
        let roles = check::roles(info);
        if self.settings.acls.allow_roles(info.principal.as_deref(), &roles) {
            return Ok(());
        }
        let id = info.id.clone().unwrap_or_default();
        let sorted: std::collections::BTreeSet<&str> = roles.iter().map(String::as_str).collect();
        let roles = sorted.into_iter().collect::<Vec<_>>().join(", ");
        Err(format!("Not authorized to register framework {id} with roles {{ {roles} }}"))
    }

    /// Finds or makes the framework; one that comes back keeps what can't be changed.
    fn take_in(&mut self, info: &mut FrameworkInfo) -> Result<FrameworkId, String> {
        let Some(id) = info.id.clone().filter(|id| !id.as_str().is_empty()) else {
            let id = self.new_framework_id();
            self.add_framework(id.clone(), info);
            return Ok(id);
        };
        match self.framework(&id) {
            Some(known) => {
                info.user.clone_from(&known.info.user);
                info.checkpoint = known.info.checkpoint;
                check::update(&known.info, info)?;
            }
            // One of another master, or of this one before a restart.
            None => self.add_framework(id.clone(), info),
        }
        Ok(id)
    }

    fn add_framework(&mut self, id: FrameworkId, info: &FrameworkInfo) {
        self.allocator.add_framework(&id, info, &[], Constraints::default());
        self.frameworks.push(Framework::new(id, info.clone()));
    }

    /// Takes over what a framework says of itself.
    fn change(&mut self, id: &FrameworkId, mut info: FrameworkInfo, wanted: Wanted) {
        info.id = Some(id.clone());
        self.allocator.update_framework(id, &info, &wanted.suppressed, wanted.constraints);
        let roles = check::roles(&info);
        let lost: Vec<_> = self
            .offers
            .values()
            .filter(|offer| offer.framework_id == *id)
            .filter(|offer| {
                let role = offer.allocation_info.as_ref().and_then(|info| info.role.as_ref());
                role.is_some_and(|role| !roles.contains(role))
            })
            .map(|offer| offer.id.clone())
            .collect();
        lost.iter().for_each(|offer| self.rescind(offer));
        // Agents keep it for a master that doesn't know the framework.
        let info = Arc::new(info);
        self.agents.values().for_each(|agent| agent.tell(ToAgent::Framework(info.clone())));
        if let Some(framework) = self.framework_mut(id) {
            framework.info = info;
            framework.constraints = wanted.said;
        }
    }

    /// Gives the framework its stream; whoever had it before is told and cut off.
    fn connect(&mut self, id: &FrameworkId, stream: Stream) {
        if let Some(cut) = self.faults.take_cut() {
            stream.sender.cut(cut);
        }
        let mute = self.faults.mute();
        let Some(framework) = self.framework_mut(id) else { return };
        if framework.stream.is_some() {
            framework.send(&error("Framework failed over"));
        }
        framework.count("calls", "SUBSCRIBE");
        framework.subscriptions += 1;
        let again = framework.subscriptions > 1 || framework.recovered;
        framework.recovered = false;
        if again {
            framework.reregistered = SystemTime::now();
        }
        framework.stream = Some(stream.clone());
        let offers: Vec<_> = framework.offers.iter().cloned().collect();
        offers.iter().for_each(|offer| self.discard(offer, None));
        self.drop_inverse_offers(id);
        let subscribed = EventMessage {
            subscribed: Some(Subscribed {
                framework_id: id.clone(),
                heartbeat_interval_seconds: Some(self.settings.heartbeat.as_secs_f64()),
                master_info: Some(self.master_info()),
                ..Subscribed::default()
            }),
            ..event(EventType::Subscribed)
        };
        self.send(id, &subscribed);
        if !mute {
            self.send(id, &event(EventType::Heartbeat));
        }
        self.after(self.settings.heartbeat, Timer::Heartbeat { framework: id.clone(), stream: stream.id().to_owned() });
        self.tell_operators(if again { "FRAMEWORK_UPDATED" } else { "FRAMEWORK_ADDED" }, Some(id), None);
        self.allocator.set_active(id, true);
        self.allocate();
        self.offer_inverse();
    }

    /// A stream has ended. Its framework, if it has no newer one, has its failover timeout to come back.
    pub(super) fn closed(&mut self, stream: &str) {
        self.operators.retain(|operator| operator.stream() != stream);
        let Some(framework) = self
            .frameworks
            .iter_mut()
            .find(|framework| framework.stream.as_ref().is_some_and(|open| open.id() == stream))
        else {
            return;
        };
        framework.stream = None;
        let (id, subscriptions) = (framework.id.clone(), framework.subscriptions);
        let timeout = framework.info.failover_timeout.filter(|seconds| is_duration(*seconds)).unwrap_or(0.0);
        let offers: Vec<_> = framework.offers.iter().cloned().collect();
        self.allocator.set_active(&id, false);
        offers.iter().for_each(|offer| self.discard(offer, None));
        self.drop_inverse_offers(&id);
        let timeout = Duration::try_from_secs_f64(timeout.max(0.0)).unwrap_or(Duration::MAX);
        self.after(timeout, Timer::Failover { framework: id, subscriptions });
    }

    /// The time to come back is over.
    pub(super) fn failover_over(&mut self, id: &FrameworkId, subscriptions: u64) {
        let late = |framework: &Framework| framework.stream.is_none() && framework.subscriptions == subscriptions;
        if self.framework(id).is_some_and(late) {
            tracing::info!(%id, "the framework's failover timeout is over");
            self.remove_framework(id);
        }
    }

    /// Ends a framework: its agents kill what it runs.
    pub(super) fn remove_framework(&mut self, id: &FrameworkId) {
        let Some(at) = self.frameworks.iter().position(|framework| framework.id == *id) else { return };
        self.allocator.set_active(id, false);
        let offers: Vec<_> = self.frameworks[at].offers.iter().cloned().collect();
        offers.iter().for_each(|offer| self.discard(offer, None));
        self.drop_inverse_offers(id);
        for agent in self.agents.values() {
            agent.tell(ToAgent::ShutdownFramework(id.clone()));
        }
        let tasks: Vec<_> = self.frameworks[at].tasks.keys().cloned().collect();
        for task in tasks {
            let agent_id =
                self.framework(id).and_then(|framework| framework.task(&task)).map(|task| task.agent().clone());
            let reason = Some(crate::mesos::StatusReason::FrameworkRemoved);
            let why = Some(format!("Framework {id} removed"));
            let status = Arc::new(TaskStatus { agent_id, ..self.status(&task, TaskState::Killed, reason, why) });
            self.update_task(id, &task, &status, None);
            self.remove_task(id, &task);
        }
        let mut framework = self.frameworks.remove(at);
        for mut task in std::mem::take(&mut framework.unreachable) {
            Arc::make_mut(&mut task).state = TaskState::Killed;
            framework.complete(task);
        }
        framework.executors.clear();
        framework.unregistered = Some(SystemTime::now());
        // The stream ends as its sender goes.
        framework.stream = None;
        self.allocator.remove_framework(id);
        self.remember(framework);
        self.tell_operators("FRAMEWORK_REMOVED", Some(id), None);
    }

    /// UPDATE_FRAMEWORK.
    pub(super) fn update_framework(&mut self, id: &FrameworkId, mut update: UpdateFramework) -> Answer {
        update.offer_constraints.iter_mut().for_each(validate::constraints::one_of_each);
        let info = update.framework_info;
        if let Err(why) = self.may_be(&info, &update.suppressed_roles) {
            return Answer::new(400, format!("Supplied FrameworkInfo is not valid: {why}"));
        }
        let Some(framework) = self.framework(id) else { return Answer::new(400, "Framework cannot be found") };
        if let Err(why) = check::update(&framework.info, &info) {
            return Answer::new(400, format!("FrameworkInfo update is not valid: {why}"));
        }
        let changed = *framework.info != info;
        let constraints = match Constraints::new(update.offer_constraints.as_ref()) {
            Ok(constraints) => constraints,
            Err(why) => return Answer::new(400, format!("'UpdateFramework.offer_constraints' are not valid: {why}")),
        };
        if let Err(why) = self.may_register(&info) {
            return Answer::new(403, why);
        }
        let wanted = Wanted { suppressed: update.suppressed_roles, said: update.offer_constraints, constraints };
        self.change(id, info, wanted);
        if changed {
            self.tell_operators("FRAMEWORK_UPDATED", Some(id), None);
        }
        Answer::new(200, "")
    }
}

/// An ERROR event.
fn error(message: &str) -> EventMessage {
    EventMessage {
        error: Some(ErrorEvent { message: message.to_owned(), ..ErrorEvent::default() }),
        ..event(EventType::Error)
    }
}
