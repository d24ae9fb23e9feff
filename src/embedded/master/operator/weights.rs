//! Weights: how much more than others a role may have.
//!
//! (apache/mesos: src/master/weights_handler.cpp)

use serde_json::{Value, json};

use super::{Answered, Reply};
use crate::embedded::authorize::Action;
use crate::embedded::master::actor::Master;
use crate::embedded::master::validate::role;
use crate::embedded::resources::printed;
use crate::mesos::master::WeightInfo;

impl Master {
    /// GET_WEIGHTS.
    pub(super) fn get_weights(&self, principal: Option<&str>) -> Reply {
        match self.weights_page(principal) {
            Value::Array(infos) if !infos.is_empty() => {
                Reply::Json(json!({"type": "GET_WEIGHTS", "get_weights": {"weight_infos": infos}}).into())
            }
            _ => Reply::Json(json!({"type": "GET_WEIGHTS"}).into()),
        }
    }

    /// `/weights`.
    pub(in crate::embedded::master) fn weights_page(&self, principal: Option<&str>) -> Value {
        let who = self.approver(principal);
        let shown = self.weights.iter().filter(|(role, _)| who.may(Action::ViewRole, Some(role)));
        Value::Array(shown.map(|(role, weight)| json!({"weight": weight, "role": role})).collect())
    }

    /// A role's weight.
    pub(in crate::embedded::master) fn weight(&self, role: &str) -> f64 {
        self.weights.get(role).copied().unwrap_or(1.0)
    }

    /// UPDATE_WEIGHTS, and PUT of `/weights`.
    pub(in crate::embedded::master) fn update_weights(
        &mut self,
        infos: &[WeightInfo],
        principal: Option<&str>,
    ) -> Answered {
        let failed = "Failed to validate update weights request JSON";
        let mut new = Vec::new();
        for info in infos {
            let role = info.role.as_deref().unwrap_or("").trim().to_owned();
            role::check(&role).map_err(|why| Reply::bad(format!("{failed}: Invalid role '{role}': {why}")))?;
            if !self.is_allowed_role(&role) {
                return Err(Reply::bad(format!("{failed}: Unknown role '{role}'")));
            }
            if info.weight <= 0.0 {
                let weight = printed(info.weight, 6);
                let why = format!("Invalid weight '{weight}': Weights must be positive");
                return Err(Reply::bad(format!("{failed} for role '{role}': {why}")));
            }
            new.push((role, info.weight));
        }
        let who = self.approver(principal);
        let may = match new.is_empty() {
            true => who.may(Action::UpdateWeight, None),
            false => new.iter().all(|(role, _)| who.may(Action::UpdateWeight, Some(role))),
        };
        if !may {
            return Err(Reply::forbidden());
        }
        // Where somebody has such a role, offers are made anew.
        let rescind = new.iter().any(|(role, _)| self.is_role_in_use(role));
        for (role, weight) in new {
            self.allocator.set_weight(&role, weight);
            self.weights.insert(role, weight);
        }
        self.registry_changed = true;
        if rescind {
            let offers: Vec<_> = self.offers.keys().cloned().collect();
            offers.iter().for_each(|offer| self.rescind(offer));
        }
        Ok(Reply::Done(200))
    }
}
