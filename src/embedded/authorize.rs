//! Who may do what: access control lists as a master's and an agent's `--acls` takes them.
//!
//! Pure. For each action the first list entry that fits principal and object decides; where none fits, `permissive`.
//! (apache/mesos: src/authorizer/local/authorizer.cpp, include/mesos/authorizer/acls.proto)

use std::collections::HashMap;

use serde_json::Value;

/// Something that may be forbidden.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) enum Action {
    RegisterFramework,
    RunTask,
    TeardownFramework,
    ReserveResources,
    UnreserveResources,
    CreateVolume,
    DestroyVolume,
    ResizeVolume,
    GetQuota,
    UpdateQuota,
    ViewRole,
    UpdateWeight,
    GetEndpoint,
    ViewFramework,
    ViewTask,
    ViewExecutor,
    AccessSandbox,
    AccessMesosLog,
    ViewFlags,
    LaunchNestedAsUser,
    LaunchNestedUnderParent,
    LaunchSessionAsUser,
    LaunchSessionUnderParent,
    AttachInput,
    AttachOutput,
    KillNested,
    WaitNested,
    RemoveNested,
    ViewContainer,
    SetLogLevel,
    UpdateMaintenanceSchedule,
    GetMaintenanceSchedule,
    StartMaintenance,
    StopMaintenance,
    GetMaintenanceStatus,
    DrainAgent,
    DeactivateAgent,
    ReactivateAgent,
    MarkAgentGone,
    LaunchStandalone,
    KillStandalone,
    WaitStandalone,
    RemoveStandalone,
    ViewStandalone,
    PruneImages,
    CreateBlockDisk,
    DestroyBlockDisk,
    CreateMountDisk,
    DestroyMountDisk,
    DestroyRawDisk,
}

/// An action, its list's name in the ACLs, the list's name for objects, and whether objects are roles, for which
/// `a/%` means all below `a`.
const LISTS: [(Action, &str, &str, bool); 50] = [
    (Action::RegisterFramework, "register_frameworks", "roles", true),
    (Action::RunTask, "run_tasks", "users", false),
    (Action::TeardownFramework, "teardown_frameworks", "framework_principals", false),
    (Action::ReserveResources, "reserve_resources", "roles", true),
    (Action::UnreserveResources, "unreserve_resources", "reserver_principals", false),
    (Action::CreateVolume, "create_volumes", "roles", true),
    (Action::DestroyVolume, "destroy_volumes", "creator_principals", false),
    (Action::ResizeVolume, "resize_volumes", "roles", true),
    (Action::GetQuota, "get_quotas", "roles", true),
    (Action::UpdateQuota, "update_quotas", "roles", true),
    (Action::ViewRole, "view_roles", "roles", true),
    (Action::UpdateWeight, "update_weights", "roles", true),
    (Action::GetEndpoint, "get_endpoints", "paths", false),
    (Action::ViewFramework, "view_frameworks", "users", false),
    (Action::ViewTask, "view_tasks", "users", false),
    (Action::ViewExecutor, "view_executors", "users", false),
    (Action::AccessSandbox, "access_sandboxes", "users", false),
    (Action::AccessMesosLog, "access_mesos_logs", "logs", false),
    (Action::ViewFlags, "view_flags", "flags", false),
    (Action::LaunchNestedAsUser, "launch_nested_containers_as_user", "users", false),
    (Action::LaunchNestedUnderParent, "launch_nested_containers_under_parent_with_user", "users", false),
    (Action::LaunchSessionAsUser, "launch_nested_container_sessions_as_user", "users", false),
    (Action::LaunchSessionUnderParent, "launch_nested_container_sessions_under_parent_with_user", "users", false),
    (Action::AttachInput, "attach_containers_input", "users", false),
    (Action::AttachOutput, "attach_containers_output", "users", false),
    (Action::KillNested, "kill_nested_containers", "users", false),
    (Action::WaitNested, "wait_nested_containers", "users", false),
    (Action::RemoveNested, "remove_nested_containers", "users", false),
    (Action::ViewContainer, "view_containers", "users", false),
    (Action::SetLogLevel, "set_log_level", "level", false),
    (Action::UpdateMaintenanceSchedule, "update_maintenance_schedules", "machines", false),
    (Action::GetMaintenanceSchedule, "get_maintenance_schedules", "machines", false),
    (Action::StartMaintenance, "start_maintenances", "machines", false),
    (Action::StopMaintenance, "stop_maintenances", "machines", false),
    (Action::GetMaintenanceStatus, "get_maintenance_statuses", "machines", false),
    (Action::DrainAgent, "drain_agents", "agents", false),
    (Action::DeactivateAgent, "deactivate_agents", "agents", false),
    (Action::ReactivateAgent, "reactivate_agents", "agents", false),
    (Action::MarkAgentGone, "mark_agents_gone", "agents", false),
    (Action::LaunchStandalone, "launch_standalone_containers", "users", false),
    (Action::KillStandalone, "kill_standalone_containers", "users", false),
    (Action::WaitStandalone, "wait_standalone_containers", "users", false),
    (Action::RemoveStandalone, "remove_standalone_containers", "users", false),
    (Action::ViewStandalone, "view_standalone_containers", "users", false),
    (Action::PruneImages, "prune_images", "images", false),
    (Action::CreateBlockDisk, "create_block_disks", "roles", true),
    (Action::DestroyBlockDisk, "destroy_block_disks", "roles", true),
    (Action::CreateMountDisk, "create_mount_disks", "roles", true),
    (Action::DestroyMountDisk, "destroy_mount_disks", "roles", true),
    (Action::DestroyRawDisk, "destroy_raw_disks", "roles", true),
];

/// Lists that an agent or a master knows and nothing here asks: there is nothing to be forbidden.
const UNASKED: [&str; 4] =
    ["register_agents", "modify_resource_provider_configs", "mark_resource_providers_gone", "view_resource_providers"];

/// Lists whose objects can only be all or nobody, and how their messages are called.
const ALL_OR_NONE: [(&str, &str, &str); 10] = [
    ("set_log_level", "level", "SetLogLevel"),
    ("register_agents", "agents", "RegisterAgent"),
    ("update_maintenance_schedules", "machines", "UpdateMaintenanceSchedule"),
    ("get_maintenance_schedules", "machines", "GetMaintenanceSchedule"),
    ("start_maintenances", "machines", "StartMaintenance"),
    ("stop_maintenances", "machines", "StopMaintenance"),
    ("get_maintenance_statuses", "machines", "GetMaintenanceStatus"),
    ("drain_agents", "agents", "DrainAgent"),
    ("deactivate_agents", "agents", "DeactivateAgent"),
    ("reactivate_agents", "agents", "ReactivateAgent"),
];

/// Paths that `get_endpoints` may name.
const PATHS: [&str; 6] = [
    "/containers",
    "/containerizer/debug",
    "/files/debug",
    "/logging/toggle",
    "/metrics/snapshot",
    "/monitor/statistics",
];

/// Some, all or none.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Entity {
    Some(Vec<String>),
    Any,
    None,
}

#[derive(Clone, Debug, PartialEq, Eq)]
struct Entry {
    subjects: Entity,
    objects: Entity,
}

/// Access control lists.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Acls {
    permissive: bool,
    lists: HashMap<&'static str, Vec<Entry>>,
}

impl Default for Acls {
    fn default() -> Self {
        Self { permissive: true, lists: HashMap::new() }
    }
}

impl Acls {
    /// Reads them from JSON, as `--acls` takes it.
    ///
    /// # Errors
    /// What a real master says before it gives up, or what it would have ignored: a list that nobody knows.
    pub fn read(text: &str) -> Result<Self, String> {
        let value: Value = serde_json::from_str(text).map_err(|error| format!("no JSON: {error}"))?;
        let Value::Object(fields) = value else { return Err("Expecting a JSON object".to_owned()) };
        let mut acls = Self::default();
        for (name, value) in &fields {
            if name == "permissive" {
                acls.permissive = value.as_bool().ok_or("'permissive' is true or false")?;
                continue;
            }
            let known = LISTS.iter().map(|(_, list, objects, _)| (*list, *objects));
            let Some((list, objects)) = known.chain(UNASKED.map(unasked)).find(|(list, _)| list == name) else {
                return Err(format!("There is no ACL '{name}'"));
            };
            let entries = value.as_array().ok_or_else(|| format!("'{name}' is a list"))?;
            let entries: Result<Vec<Entry>, String> = entries.iter().map(|one| entry(name, objects, one)).collect();
            acls.lists.insert(list, entries?);
        }
        acls.check()?;
        Ok(acls)
    }

    fn check(&self) -> Result<(), String> {
        for (list, _, message) in ALL_OR_NONE {
            let named = |entry: &Entry| matches!(entry.objects, Entity::Some(_));
            if self.lists.get(list).is_some_and(|entries| entries.iter().any(named)) {
                return Err(format!("ACL.{message} type must be either NONE or ANY"));
            }
        }
        for entry in self.lists.get("get_endpoints").into_iter().flatten() {
            let Entity::Some(paths) = &entry.objects else { continue };
            if let Some(path) = paths.iter().find(|path| !PATHS.contains(&path.as_str())) {
                return Err(format!("Path: '{path}' is not an authorizable path"));
            }
        }
        Ok(())
    }

    /// Whether somebody may do something to an object; `None` stands for anybody, and for any object.
    pub(super) fn allow(&self, action: Action, subject: Option<&str>, object: Option<&str>) -> bool {
        let Some((_, list, _, roles)) = LISTS.iter().find(|(known, ..)| *known == action) else { return false };
        for entry in self.lists.get(list).into_iter().flatten() {
            let names = match &entry.objects {
                Entity::Some(names) if *roles => names.as_slice(),
                _ => &[],
            };
            let above = |name: &String| name.strip_suffix('%').filter(|name| name.ends_with('/')).map(str::to_owned);
            let is_below = |role: &str| names.iter().filter_map(above).any(|above| role.starts_with(&above));
            let objects = match object {
                Some(role) if is_below(role) => &Entity::Any,
                _ if !names.is_empty() && names.iter().all(|name| above(name).is_some()) => continue,
                _ => &entry.objects,
            };
            if fits(subject, &entry.subjects) && fits(object, objects) {
                return allowed(subject, &entry.subjects) && allowed(object, objects);
            }
        }
        self.permissive
    }

    /// Whether a framework may have these roles: each of them.
    pub(super) fn allow_roles(&self, subject: Option<&str>, roles: &[String]) -> bool {
        if roles.is_empty() {
            return self.permissive;
        }
        roles.iter().all(|role| self.allow(Action::RegisterFramework, subject, Some(role)))
    }
}

/// What somebody may do.
#[derive(Clone, Copy, Debug)]
pub(super) struct Approver<'a> {
    acls: &'a Acls,
    principal: Option<&'a str>,
}

impl<'a> Approver<'a> {
    pub(super) fn new(acls: &'a Acls, principal: Option<&'a str>) -> Self {
        Self { acls, principal }
    }

    /// Whether that may be done to an object; `None` is any.
    pub(super) fn may(&self, action: Action, object: Option<&str>) -> bool {
        self.acls.allow(action, self.principal, object)
    }
}

fn unasked(list: &'static str) -> (&'static str, &'static str) {
    (list, if list == "register_agents" { "agents" } else { "resource_providers" })
}

fn entry(list: &str, objects: &str, value: &Value) -> Result<Entry, String> {
    let of = |name: &str| {
        let entity = value.get(name).ok_or_else(|| format!("'{list}' lacks '{name}'"))?;
        self::entity(entity).ok_or_else(|| format!("'{name}' of '{list}' has a 'type' or 'values'"))
    };
    Ok(Entry { subjects: of("principals")?, objects: of(objects)? })
}

fn entity(value: &Value) -> Option<Entity> {
    match value.get("type").map(|kind| kind.as_str()) {
        Some(Some("ANY")) => Some(Entity::Any),
        Some(Some("NONE")) => Some(Entity::None),
        Some(Some("SOME")) | None => {
            let values = value.get("values").and_then(Value::as_array)?;
            values.iter().map(|one| one.as_str().map(str::to_owned)).collect::<Option<_>>().map(Entity::Some)
        }
        _ => None,
    }
}

/// Whether an entry is about this one.
fn fits(asked: Option<&str>, entity: &Entity) -> bool {
    match (asked, entity) {
        (_, Entity::Any | Entity::None) => true,
        (None, Entity::Some(_)) => false,
        (Some(name), Entity::Some(names)) => names.iter().any(|known| known == name),
    }
}

fn allowed(asked: Option<&str>, entity: &Entity) -> bool {
    match (asked, entity) {
        (_, Entity::Any) => true,
        (_, Entity::None) | (None, Entity::Some(_)) => false,
        (Some(name), Entity::Some(names)) => names.iter().any(|known| known == name),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn the_first_entry_that_fits_decides() {
        let acls = json!({"permissive": false, "run_tasks": [
            {"principals": {"values": ["alice"]}, "users": {"values": ["nobody", "games"]}},
            {"principals": {"values": ["bob"]}, "users": {"type": "NONE"}},
            {"principals": {"type": "ANY"}, "users": {"values": ["nobody"]}}]});
        let acls = Acls::read(&acls.to_string()).unwrap();
        for (who, user, may) in [
            (Some("alice"), "games", true),
            (Some("alice"), "root", false),
            (Some("bob"), "nobody", false),
            (Some("carol"), "nobody", true),
            (None, "nobody", true),
            (None, "root", false),
        ] {
            assert_eq!(acls.allow(Action::RunTask, who, Some(user)), may, "{who:?} {user}");
        }
        assert!(!acls.allow(Action::RunTask, Some("alice"), None));
        assert!(!acls.allow(Action::ViewFlags, Some("alice"), None));
        assert!(Acls::default().allow(Action::ViewFlags, None, None));
    }

    #[test]
    fn roles_have_roles_below_them() {
        let acls = json!({"permissive": false, "register_frameworks": [
            {"principals": {"values": ["bob"]}, "roles": {"values": ["c", "a/%"]}},
            {"principals": {"values": ["bob"]}, "roles": {"values": ["b/%"]}}]});
        let acls = Acls::read(&acls.to_string()).unwrap();
        let may = |roles: &[&str]| {
            acls.allow_roles(Some("bob"), &roles.iter().map(|role| (*role).to_owned()).collect::<Vec<_>>())
        };
        assert!(may(&["a/b", "c"]) && may(&["a/b/c"]) && may(&["b/c", "c"]));
        assert!(!may(&["a"]) && !may(&["c", "d"]) && !may(&["ab"]) && !may(&[]));
    }

    #[test]
    fn what_cannot_be_read_is_told() {
        let cases = [
            ("{", "no JSON: "),
            ("[]", "Expecting a JSON object"),
            (r#"{"nope": []}"#, "There is no ACL 'nope'"),
            (r#"{"run_tasks": [{"users": {"type": "ANY"}}]}"#, "'run_tasks' lacks 'principals'"),
            (
                r#"{"set_log_level": [{"principals": {"type": "ANY"}, "level": {"values": ["1"]}}]}"#,
                "ACL.SetLogLevel type must be either NONE or ANY",
            ),
            (
                r#"{"get_endpoints": [{"principals": {"type": "ANY"}, "paths": {"values": ["/flags"]}}]}"#,
                "Path: '/flags' is not an authorizable path",
            ),
        ];
        for (text, why) in cases {
            assert!(Acls::read(text).unwrap_err().starts_with(why), "{text}");
        }
    }
}
