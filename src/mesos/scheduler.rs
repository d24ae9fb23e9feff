//! The scheduler API's calls and events as messages.
//!
//! [`super::call::Call`] and [`super::event::Event`] are what the rest of the crate works with.

use std::collections::BTreeMap;

use super::message::{Base64, enums, messages};
use super::*;

messages! {
    /// `Event` of the v1 API.
    pub struct EventMessage {
        r#type: opt EventType = 1;
        subscribed: opt Subscribed = 2;
        offers: opt Offers = 3;
        inverse_offers: opt InverseOffers = 9;
        rescind: opt Rescind = 4;
        rescind_inverse_offer: opt RescindInverseOffer = 10;
        update: opt Update = 5;
        update_operation_status: opt UpdateOperationStatus = 11;
        message: opt ExecutorMessage = 6;
        failure: opt Failure = 7;
        error: opt ErrorEvent = 8;
    }

    /// `Event.Subscribed` of the v1 API.
    pub struct Subscribed {
        framework_id: req FrameworkId = 1;
        heartbeat_interval_seconds: opt f64 = 2;
        master_info: opt MasterInfo = 3;
    }

    /// `Event.Offers` of the v1 API.
    pub struct Offers {
        offers: rep Offer = 1;
    }

    /// `Event.InverseOffers` of the v1 API.
    pub struct InverseOffers {
        inverse_offers: rep InverseOffer = 1;
    }

    /// `Event.Rescind` of the v1 API.
    pub struct Rescind {
        offer_id: req OfferId = 1;
    }

    /// `Event.RescindInverseOffer` of the v1 API.
    pub struct RescindInverseOffer {
        inverse_offer_id: req OfferId = 1;
    }

    /// `Event.Update` of the v1 API.
    pub struct Update {
        status: req TaskStatus = 1;
    }

    /// `Event.UpdateOperationStatus` of the v1 API.
    pub struct UpdateOperationStatus {
        status: req OperationStatus = 1;
    }

    /// `Event.Message` of the v1 API.
    pub struct ExecutorMessage {
        agent_id: req AgentId = 1;
        executor_id: req ExecutorId = 2;
        data: req Base64 = 3;
    }

    /// `Event.Failure` of the v1 API.
    pub struct Failure {
        agent_id: opt AgentId = 1;
        executor_id: opt ExecutorId = 2;
        status: opt i32 = 3;
    }

    /// `Event.Error` of the v1 API.
    pub struct ErrorEvent {
        message: req String = 1;
    }

    /// `AttributeConstraint` of the v1 API.
    pub struct AttributeConstraint {
        selector: req Selector = 1;
        predicate: req Predicate = 2;
    }

    /// `AttributeConstraint.Selector` of the v1 API.
    pub struct Selector {
        pseudoattribute_type: opt PseudoattributeType = 1;
        attribute_name: opt String = 2;
    }

    /// `AttributeConstraint.Predicate` of the v1 API.
    pub struct Predicate {
        exists: opt Exists = 1;
        not_exists: opt NotExists = 2;
        text_equals: opt TextEquals = 3;
        text_not_equals: opt TextNotEquals = 4;
        text_matches: opt TextMatches = 5;
        text_not_matches: opt TextNotMatches = 6;
    }

    /// `AttributeConstraint.Predicate.Exists` of the v1 API.
    pub struct Exists {
    }

    /// `AttributeConstraint.Predicate.NotExists` of the v1 API.
    pub struct NotExists {
    }

    /// `AttributeConstraint.Predicate.TextEquals` of the v1 API.
    pub struct TextEquals {
        value: req String = 1;
    }

    /// `AttributeConstraint.Predicate.TextNotEquals` of the v1 API.
    pub struct TextNotEquals {
        value: req String = 1;
    }

    /// `AttributeConstraint.Predicate.TextMatches` of the v1 API.
    pub struct TextMatches {
        regex: req String = 1;
    }

    /// `AttributeConstraint.Predicate.TextNotMatches` of the v1 API.
    pub struct TextNotMatches {
        regex: req String = 1;
    }

    /// `OfferConstraints` of the v1 API.
    pub struct OfferConstraints {
        role_constraints: map BTreeMap<String, RoleConstraints> = 1;
    }

    /// `OfferConstraints.RoleConstraints` of the v1 API.
    pub struct RoleConstraints {
        groups: rep ConstraintGroup = 1;
    }

    /// `OfferConstraints.RoleConstraints.Group` of the v1 API.
    pub struct ConstraintGroup {
        attribute_constraints: rep AttributeConstraint = 1;
    }

    /// `Call` of the v1 API.
    pub struct CallMessage {
        framework_id: opt FrameworkId = 1;
        r#type: opt CallType = 2;
        subscribe: opt Subscribe = 3;
        accept: opt Accept = 4;
        decline: opt Decline = 5;
        accept_inverse_offers: opt AcceptInverseOffers = 13;
        decline_inverse_offers: opt DeclineInverseOffers = 14;
        revive: opt Revive = 15;
        kill: opt Kill = 6;
        shutdown: opt Shutdown = 7;
        acknowledge: opt Acknowledge = 8;
        acknowledge_operation_status: opt AcknowledgeOperationStatus = 17;
        reconcile: opt Reconcile = 9;
        reconcile_operations: opt ReconcileOperations = 18;
        message: opt Message = 10;
        request: opt RequestCall = 11;
        suppress: opt Suppress = 16;
        update_framework: opt UpdateFramework = 19;
    }

    /// `Call.Subscribe` of the v1 API.
    pub struct Subscribe {
        framework_info: req FrameworkInfo = 1;
        suppressed_roles: rep String = 2;
        offer_constraints: opt OfferConstraints = 3;
    }

    /// `Call.Accept` of the v1 API.
    pub struct Accept {
        offer_ids: rep OfferId = 1;
        operations: rep Operation = 2;
        filters: opt Filters = 3;
    }

    /// `Call.Decline` of the v1 API.
    pub struct Decline {
        offer_ids: rep OfferId = 1;
        filters: opt Filters = 2;
    }

    /// `Call.AcceptInverseOffers` of the v1 API.
    pub struct AcceptInverseOffers {
        inverse_offer_ids: rep OfferId = 1;
        filters: opt Filters = 2;
    }

    /// `Call.DeclineInverseOffers` of the v1 API.
    pub struct DeclineInverseOffers {
        inverse_offer_ids: rep OfferId = 1;
        filters: opt Filters = 2;
    }

    /// `Call.Revive` of the v1 API.
    pub struct Revive {
        roles: rep String = 1;
    }

    /// `Call.Kill` of the v1 API.
    pub struct Kill {
        task_id: req TaskId = 1;
        agent_id: opt AgentId = 2;
        kill_policy: opt KillPolicy = 3;
    }

    /// `Call.Shutdown` of the v1 API.
    pub struct Shutdown {
        executor_id: req ExecutorId = 1;
        agent_id: req AgentId = 2;
    }

    /// `Call.Acknowledge` of the v1 API.
    pub struct Acknowledge {
        agent_id: req AgentId = 1;
        task_id: req TaskId = 2;
        uuid: req Base64 = 3;
    }

    /// `Call.AcknowledgeOperationStatus` of the v1 API.
    pub struct AcknowledgeOperationStatus {
        agent_id: opt AgentId = 1;
        resource_provider_id: opt ResourceProviderId = 2;
        uuid: req Base64 = 3;
        operation_id: req OperationId = 4;
    }

    /// `Call.Reconcile` of the v1 API.
    pub struct Reconcile {
        tasks: rep ReconcileTask = 1;
    }

    /// `Call.Reconcile.Task` of the v1 API.
    pub struct ReconcileTask {
        task_id: req TaskId = 1;
        agent_id: opt AgentId = 2;
    }

    /// `Call.ReconcileOperations` of the v1 API.
    pub struct ReconcileOperations {
        operations: rep ReconcileOperation = 1;
    }

    /// `Call.ReconcileOperations.Operation` of the v1 API.
    pub struct ReconcileOperation {
        operation_id: req OperationId = 1;
        agent_id: opt AgentId = 2;
        resource_provider_id: opt ResourceProviderId = 3;
    }

    /// `Call.Message` of the v1 API.
    pub struct Message {
        agent_id: req AgentId = 1;
        executor_id: req ExecutorId = 2;
        data: req Base64 = 3;
    }

    /// `Call.Request` of the v1 API.
    pub struct RequestCall {
        requests: rep ResourceRequest = 1;
    }

    /// `Call.Suppress` of the v1 API.
    pub struct Suppress {
        roles: rep String = 1;
    }

    /// `Call.UpdateFramework` of the v1 API.
    pub struct UpdateFramework {
        framework_info: req FrameworkInfo = 1;
        suppressed_roles: rep String = 2;
        offer_constraints: opt OfferConstraints = 3;
    }
}

enums! {
    /// `Event.Type` of the v1 API.
    pub enum EventType {
        Unknown = "UNKNOWN", 0;
        Subscribed = "SUBSCRIBED", 1;
        Offers = "OFFERS", 2;
        InverseOffers = "INVERSE_OFFERS", 9;
        Rescind = "RESCIND", 3;
        RescindInverseOffer = "RESCIND_INVERSE_OFFER", 10;
        Update = "UPDATE", 4;
        UpdateOperationStatus = "UPDATE_OPERATION_STATUS", 11;
        Message = "MESSAGE", 5;
        Failure = "FAILURE", 6;
        Error = "ERROR", 7;
        Heartbeat = "HEARTBEAT", 8;
    }

    /// `AttributeConstraint.Selector.PseudoattributeType` of the v1 API.
    pub enum PseudoattributeType {
        Unknown = "UNKNOWN", 0;
        Hostname = "HOSTNAME", 1;
        Region = "REGION", 2;
        Zone = "ZONE", 3;
    }

    /// `Call.Type` of the v1 API.
    pub enum CallType {
        Unknown = "UNKNOWN", 0;
        Subscribe = "SUBSCRIBE", 1;
        Teardown = "TEARDOWN", 2;
        Accept = "ACCEPT", 3;
        Decline = "DECLINE", 4;
        AcceptInverseOffers = "ACCEPT_INVERSE_OFFERS", 13;
        DeclineInverseOffers = "DECLINE_INVERSE_OFFERS", 14;
        Revive = "REVIVE", 5;
        Kill = "KILL", 6;
        Shutdown = "SHUTDOWN", 7;
        Acknowledge = "ACKNOWLEDGE", 8;
        AcknowledgeOperationStatus = "ACKNOWLEDGE_OPERATION_STATUS", 15;
        Reconcile = "RECONCILE", 9;
        ReconcileOperations = "RECONCILE_OPERATIONS", 16;
        Message = "MESSAGE", 10;
        Request = "REQUEST", 11;
        Suppress = "SUPPRESS", 12;
        UpdateFramework = "UPDATE_FRAMEWORK", 17;
    }
}
