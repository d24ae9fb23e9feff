//! Maintenance as an operator plans, begins and ends it, and what is shown of it.
//!
//! (apache/mesos: src/master/http.cpp, src/master/maintenance.cpp)

use std::net::Ipv4Addr;

use serde_json::{Map, Value, json};

use super::{Answered, Reply};
use crate::embedded::authorize::{Action, Approver};
use crate::embedded::master::actor::{Master, nanoseconds};
use crate::embedded::master::maintenance::{Machine, Mode, is};
use crate::embedded::master::validate::Check;
use crate::mesos::master::Schedule;
use crate::mesos::{AgentId, MachineId, Unavailability};

fn check_machine(id: &MachineId) -> Check {
    let (hostname, ip) = (id.hostname.as_deref().unwrap_or(""), id.ip.as_deref().unwrap_or(""));
    if hostname.is_empty() && ip.is_empty() {
        return Err("Both 'hostname' and 'ip' for a machine are empty".to_owned());
    }
    if !ip.is_empty() && ip.parse::<Ipv4Addr>().is_err() {
        return Err(format!("Failed to parse IPv4: {ip}"));
    }
    Ok(())
}

fn told(id: &MachineId) -> String {
    format!("Machine '{}'", json!(id))
}

/// All are well named, and each once.
fn check_once<'a>(ids: impl IntoIterator<Item = &'a MachineId>, seen: &mut Vec<&'a MachineId>) -> Check {
    for id in ids {
        check_machine(id)?;
        if seen.iter().any(|other| is(other, id)) {
            return Err(format!("{} appears more than once in the schedule", told(id)));
        }
        seen.push(id);
    }
    Ok(())
}

fn check_schedule<'a>(schedule: &'a Schedule, machines: &[Machine]) -> Check {
    let mut seen: Vec<&'a MachineId> = Vec::new();
    for window in &schedule.windows {
        if window.machine_ids.is_empty() {
            return Err("List of machines in the maintenance window is empty".to_owned());
        }
        if window.unavailability.duration.as_ref().is_some_and(|duration| duration.nanoseconds < 0) {
            return Err("Unavailability 'duration' is negative".to_owned());
        }
        check_once(&window.machine_ids, &mut seen)?;
    }
    let down = machines.iter().filter(|machine| machine.mode == Mode::Down);
    match down.into_iter().find(|machine| !seen.iter().any(|id| is(id, &machine.id))) {
        Some(machine) => Err(format!("{} is deactivated and cannot be removed from the schedule", told(&machine.id))),
        None => Ok(()),
    }
}

impl Master {
    /// UPDATE_MAINTENANCE_SCHEDULE, and POST of `/maintenance/schedule`.
    pub(in crate::embedded::master) fn schedule(&mut self, schedule: &Schedule, principal: Option<&str>) -> Answered {
        check_schedule(schedule, &self.maintenance.machines).map_err(Reply::bad)?;
        let who = self.approver(principal);
        let any = schedule.windows.iter().any(|window| !window.machine_ids.is_empty());
        if any && !who.may(Action::UpdateMaintenanceSchedule, None) {
            return Err(Reply::forbidden());
        }
        let planned: Vec<(MachineId, Unavailability)> = schedule
            .windows
            .iter()
            .flat_map(|window| window.machine_ids.iter().map(|id| (id.clone(), window.unavailability.clone())))
            .collect();
        let known: Vec<MachineId> = self.maintenance.machines.iter().map(|machine| machine.id.clone()).collect();
        for id in known.iter().filter(|id| !planned.iter().any(|(other, _)| is(other, id))) {
            self.plan(id, None);
        }
        for (id, unavailability) in planned {
            self.plan(&id, Some(unavailability));
        }
        self.maintenance.schedule.clone_from(&schedule.windows);
        self.registry_changed = true;
        Ok(Reply::Done(200))
    }

    /// When a machine is not to be used, from now on; its offers are made anew.
    fn plan(&mut self, id: &MachineId, unavailability: Option<Unavailability>) {
        let machine = self.maintenance.entry(id);
        machine.mode = match (&unavailability, machine.mode) {
            (None, _) => Mode::Up,
            (Some(_), Mode::Down) => Mode::Down,
            (Some(_), Mode::Up | Mode::Draining) => Mode::Draining,
        };
        machine.unavailability = unavailability;
        machine.answers.clear();
        for agent in self.agents_at(id) {
            let offers: Vec<_> =
                self.offers.values().filter(|offer| offer.agent_id == agent).map(|offer| offer.id.clone()).collect();
            offers.iter().for_each(|offer| self.rescind(offer));
            self.drop_inverse_offers_of(&agent);
            self.maintenance.forget_refusals(&agent);
        }
    }

    fn agents_at(&self, id: &MachineId) -> Vec<AgentId> {
        let at = self.agents.values().filter(|agent| is(&agent.machine(), id));
        at.map(|agent| agent.id.clone()).collect()
    }

    fn check_modes(
        &self,
        ids: &[MachineId],
        mode: Mode,
        told_mode: &str,
        action: Action,
        who: Approver<'_>,
    ) -> Result<(), Reply> {
        if ids.is_empty() {
            return Err(Reply::bad("List of machines is empty"));
        }
        check_once(ids, &mut Vec::new()).map_err(Reply::bad)?;
        for id in ids {
            let Some(machine) = self.maintenance.find(id) else {
                return Err(Reply::bad(format!("{} is not part of a maintenance schedule", told(id))));
            };
            if machine.mode != mode {
                return Err(Reply::bad(format!("{} is not in {told_mode}", told(id))));
            }
            if !who.may(action, None) {
                return Err(Reply::forbidden());
            }
        }
        Ok(())
    }

    /// START_MAINTENANCE, and POST of `/machine/down`.
    pub(in crate::embedded::master) fn bring_down(&mut self, ids: &[MachineId], principal: Option<&str>) -> Answered {
        let (who, mode) = (self.approver(principal), "DRAINING mode and cannot be brought down");
        self.check_modes(ids, Mode::Draining, mode, Action::StartMaintenance, who)?;
        self.registry_changed = true;
        for id in ids {
            for agent in self.agents_at(id) {
                let why = "Operator initiated 'Machine DOWN'";
                self.refuse_agent(&agent, why, true);
                self.remove_agent(&agent, why);
            }
            self.maintenance.entry(id).mode = Mode::Down;
        }
        Ok(Reply::Done(200))
    }

    /// STOP_MAINTENANCE, and POST of `/machine/up`.
    pub(in crate::embedded::master) fn bring_up(&mut self, ids: &[MachineId], principal: Option<&str>) -> Answered {
        let (who, mode) = (self.approver(principal), "DOWN mode and cannot be brought up");
        self.check_modes(ids, Mode::Down, mode, Action::StopMaintenance, who)?;
        self.registry_changed = true;
        for id in ids {
            let machine = self.maintenance.entry(id);
            (machine.mode, machine.unavailability) = (Mode::Up, None);
        }
        for window in &mut self.maintenance.schedule {
            window.machine_ids.retain(|id| !ids.iter().any(|other| is(other, id)));
        }
        self.maintenance.schedule.retain(|window| !window.machine_ids.is_empty());
        Ok(Reply::Done(200))
    }

    /// `/maintenance/schedule`.
    pub(in crate::embedded::master) fn maintenance_schedule(&self, who: Approver<'_>) -> Value {
        let windows = &self.maintenance.schedule;
        if windows.is_empty() || !who.may(Action::GetMaintenanceSchedule, None) {
            return json!({});
        }
        json!({"windows": windows})
    }

    /// `/maintenance/status`.
    pub(in crate::embedded::master) fn maintenance_status(&self, who: Approver<'_>) -> Value {
        let mut fields = Map::new();
        if !who.may(Action::GetMaintenanceStatus, None) {
            return Value::Object(fields);
        }
        let in_mode = |mode| self.maintenance.machines.iter().filter(move |machine| machine.mode == mode);
        let draining: Vec<Value> = in_mode(Mode::Draining)
            .map(|machine| {
                let answers: Vec<Value> = machine
                    .answers
                    .iter()
                    .map(|(id, (accepted, time))| {
                        json!({"status": if *accepted { "ACCEPT" } else { "DECLINE" }, "framework_id": id,
                               "timestamp": {"nanoseconds": nanoseconds(*time)}})
                    })
                    .collect();
                match answers.is_empty() {
                    true => json!({"id": machine.id}),
                    false => json!({"id": machine.id, "statuses": answers}),
                }
            })
            .collect();
        if !draining.is_empty() {
            fields.insert("draining_machines".to_owned(), json!(draining));
        }
        let down: Vec<&MachineId> = in_mode(Mode::Down).map(|machine| &machine.id).collect();
        if !down.is_empty() {
            fields.insert("down_machines".to_owned(), json!(down));
        }
        Value::Object(fields)
    }
}
