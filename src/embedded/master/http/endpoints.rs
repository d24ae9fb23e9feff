//! The endpoints beside the v1 API: pages of state, and the old ones that change things, which stand for v1 calls.

use std::collections::HashMap;
use std::sync::Arc;

use axum::extract::Request;
use serde_json::Value;

use super::{Answered, Realm, Shared, body_of, redirect, replied, under};
use crate::embedded::flags;
use crate::embedded::http::{empty, json_text, must_be, not_found, pairs, refused, text};
use crate::embedded::master::actor::{Input, Operation, Page};
use crate::embedded::system;
use crate::embedded::wire::{Format, convert, json as lenient};
use crate::mesos::master::{
    Call, CallType, CreateVolumes, DestroyVolumes, QuotaRequest, ReserveResources, Schedule, SetLoggingLevel, SetQuota,
    StartMaintenance, StopMaintenance, Teardown, UnreserveResources, UpdateMaintenanceSchedule, UpdateWeights,
    WeightInfo,
};
use crate::mesos::message::Message;
use crate::mesos::{AgentId, DurationInfo, FrameworkId, MachineId, Resource};

/// A path, what its answers mean, and by which methods it is asked; none is any.
const ROUTES: [(&str, Realm, &[&str]); 23] = [
    ("/create-volumes", Realm::ReadWrite, &["POST"]),
    ("/destroy-volumes", Realm::ReadWrite, &["POST"]),
    ("/files", Realm::ReadOnly, &[]),
    ("/flags", Realm::ReadOnly, &[]),
    ("/frameworks", Realm::ReadOnly, &[]),
    ("/health", Realm::Nobodys, &[]),
    ("/logging/toggle", Realm::ReadWrite, &[]),
    ("/machine/down", Realm::ReadWrite, &["POST"]),
    ("/machine/up", Realm::ReadWrite, &["POST"]),
    ("/maintenance/schedule", Realm::ReadWrite, &["GET", "POST"]),
    ("/maintenance/status", Realm::ReadOnly, &["GET"]),
    ("/metrics/snapshot", Realm::Nobodys, &[]),
    ("/quota", Realm::ReadWrite, &["GET", "POST", "DELETE"]),
    ("/redirect", Realm::Nobodys, &[]),
    ("/reserve", Realm::ReadWrite, &["POST"]),
    ("/roles", Realm::ReadOnly, &[]),
    ("/slaves", Realm::ReadOnly, &[]),
    ("/state", Realm::ReadOnly, &[]),
    ("/state-summary", Realm::ReadOnly, &[]),
    ("/tasks", Realm::ReadOnly, &[]),
    ("/teardown", Realm::ReadWrite, &["POST"]),
    ("/unreserve", Realm::ReadWrite, &["POST"]),
    ("/weights", Realm::ReadWrite, &["GET", "PUT"]),
];

pub(super) async fn answer(shared: &Arc<Shared>, request: Request, path: &str) -> Answered {
    let query = pairs(request.uri().query().unwrap_or(""));
    if path == "/version" {
        return show(shared, "/version", query, None).await;
    }
    if let Some(response) = system::answer(path, &query) {
        return Ok(response);
    }
    let routes = ROUTES.iter().filter(|(route, ..)| under(path, route));
    let Some((route, realm, methods)) = routes.max_by_key(|(route, ..)| route.len()) else {
        return Err(not_found());
    };
    let principal = shared.authenticate(request.headers(), *realm)?;
    if !methods.is_empty() {
        must_be(request.method(), methods)?;
    }
    match (*route, request.method().as_str()) {
        ("/redirect", _) => Ok(redirect(&format!("//{}:{}", shared.hostname, shared.port))),
        ("/health", _) => Ok(empty(200)),
        // A master without a log of its own has no files.
        ("/files", _) => files(path, &query),
        ("/logging/toggle", _) => toggle(shared, &query, principal).await,
        ("/quota", "DELETE") => {
            let path = request.uri().path().to_owned();
            change(shared, Operation::DeleteQuota(path), principal).await
        }
        (_, "POST" | "PUT" | "DELETE") if !methods.is_empty() => {
            let body = body_of(request).await?;
            let call = match read(route, &body) {
                Ok(call) => call,
                Err(why) => return Err(refused(400, why)),
            };
            change(shared, Operation::Call(Box::new(call), Format::Json), principal).await
        }
        _ => show(shared, route, query, principal).await,
    }
}

async fn change(shared: &Arc<Shared>, call: Operation, principal: Option<String>) -> Answered {
    let call = Box::new(call);
    let reply = shared.ask(|reply| Input::Operate { call, principal, reply }).await?;
    Ok(replied(shared, reply, Format::Json).await)
}

async fn show(shared: &Arc<Shared>, path: &str, query: HashMap<String, String>, principal: Option<String>) -> Answered {
    let page = Page { path: path.to_owned(), query: query.clone() };
    let shown = shared.ask(|reply| Input::Get { page, principal, reply }).await?;
    // The only pages that may be kept from somebody as a whole are the flags.
    let forbidden = || refused(403, "403 Forbidden.");
    match shown.ok_or_else(forbidden)?.written_json().await {
        Some(text) => Ok(json_text(text, &query)),
        None => Ok(empty(500)),
    }
}

fn files(path: &str, query: &HashMap<String, String>) -> Answered {
    match (path, query.get("path")) {
        ("/files/browse" | "/files/read" | "/files/download", None) => {
            Err(refused(400, "Expecting 'path=value' in query.\n"))
        }
        ("/files/browse" | "/files/read", Some(_)) => Err(refused(404, "")),
        _ => Err(not_found()),
    }
}

/// `/logging/toggle`: shows the log's level, or sets it for a while.
async fn toggle(shared: &Arc<Shared>, query: &HashMap<String, String>, principal: Option<String>) -> Answered {
    let bad = |why: String| refused(400, format!("{why}\n"));
    let (level, duration) = match (query.get("level"), query.get("duration")) {
        (None, None) => {
            let page = Page { path: "/logging/toggle".to_owned(), query: HashMap::new() };
            let level = shared.ask(|reply| Input::Get { page, principal, reply }).await?;
            let level = level.unwrap_or_default().into_text();
            return Ok(text(200, [&level[..], b"\n"].concat()));
        }
        (Some(_), None) => return Err(bad("Expecting 'duration=value' in query.".to_owned())),
        (None, Some(_)) => return Err(bad("Expecting 'level=value' in query.".to_owned())),
        (Some(level), Some(duration)) => (level, duration),
    };
    let level: i32 = level.parse().map_err(|_| bad(format!("Failed to convert '{level}' to number.")))?;
    let level = u32::try_from(level).map_err(|_| bad(format!("Invalid level '{level}'.")))?;
    let duration = flags::duration(duration).map_err(|why| bad(format!("{why}.")))?;
    let nanoseconds = i64::try_from(duration.as_nanos()).unwrap_or(i64::MAX);
    let duration = DurationInfo { nanoseconds, ..DurationInfo::default() };
    let call = Call {
        r#type: Some(CallType::SetLoggingLevel),
        set_logging_level: Some(SetLoggingLevel { level, duration, ..SetLoggingLevel::default() }),
        ..Call::default()
    };
    change(shared, Operation::Call(Box::new(call), Format::Json), principal).await
}

/// The v1 call that a body at an old endpoint stands for, or what is wrong with it.
fn read(route: &str, body: &[u8]) -> Result<Call, Vec<u8>> {
    let plain = |kind| Call { r#type: Some(kind), ..Call::default() };
    Ok(match route {
        "/teardown" => {
            let form = pairs(&String::from_utf8_lossy(body));
            let framework_id = FrameworkId::new(part(&form, "frameworkId")?.as_str());
            let teardown = Some(Teardown { framework_id, ..Teardown::default() });
            Call { teardown, ..plain(CallType::Teardown) }
        }
        "/reserve" => {
            let (agent_id, form) = of_agent(body)?;
            let resources = list(&form, "resources", "Error parsing")?;
            let source = if form.contains_key("source") { list(&form, "source", "Error parsing")? } else { Vec::new() };
            let reserve = ReserveResources { agent_id, source, resources, ..ReserveResources::default() };
            Call { reserve_resources: Some(reserve), ..plain(CallType::ReserveResources) }
        }
        "/unreserve" => {
            let (agent_id, form) = of_agent(body)?;
            let resources = list(&form, "resources", "Error in parsing")?;
            let unreserve = UnreserveResources { agent_id, resources, ..UnreserveResources::default() };
            Call { unreserve_resources: Some(unreserve), ..plain(CallType::UnreserveResources) }
        }
        "/create-volumes" => {
            let (agent_id, form) = of_agent(body)?;
            let volumes = list(&form, "volumes", "Error in parsing")?;
            let create = CreateVolumes { agent_id, volumes, ..CreateVolumes::default() };
            Call { create_volumes: Some(create), ..plain(CallType::CreateVolumes) }
        }
        "/destroy-volumes" => {
            let (agent_id, form) = of_agent(body)?;
            let volumes = list(&form, "volumes", "Error in parsing")?;
            let destroy = DestroyVolumes { agent_id, volumes, ..DestroyVolumes::default() };
            Call { destroy_volumes: Some(destroy), ..plain(CallType::DestroyVolumes) }
        }
        "/machine/down" => {
            let start = StartMaintenance { machines: machines(body)?, ..StartMaintenance::default() };
            Call { start_maintenance: Some(start), ..plain(CallType::StartMaintenance) }
        }
        "/machine/up" => {
            let stop = StopMaintenance { machines: machines(body)?, ..StopMaintenance::default() };
            Call { stop_maintenance: Some(stop), ..plain(CallType::StopMaintenance) }
        }
        "/maintenance/schedule" => {
            let schedule: Schedule = one(&object(body)?)?;
            let update = UpdateMaintenanceSchedule { schedule, ..UpdateMaintenanceSchedule::default() };
            Call { update_maintenance_schedule: Some(update), ..plain(CallType::UpdateMaintenanceSchedule) }
        }
        "/weights" => {
            let failed = |what: &str, why: Vec<u8>| [what.as_bytes(), b" '", body, b"': ", &why].concat();
            let parsed = array(body).map_err(|why| failed("Failed to parse update weights request JSON", why))?;
            let infos: Result<Vec<WeightInfo>, _> = parsed.iter().map(one).collect();
            let weight_infos = infos.map_err(|why| failed("Failed to convert weights JSON array to protobuf", why))?;
            let update = UpdateWeights { weight_infos, ..UpdateWeights::default() };
            Call { update_weights: Some(update), ..plain(CallType::UpdateWeights) }
        }
        _ => {
            let failed = |what: &str, why: Vec<u8>| [what.as_bytes(), b" '", body, b"': ", &why].concat();
            let parsed = object(body).map_err(|why| failed("Failed to parse set quota request JSON", why))?;
            let quota_request: QuotaRequest =
                one(&parsed).map_err(|why| failed("Failed to validate set quota request JSON", why))?;
            Call { set_quota: Some(SetQuota { quota_request, ..SetQuota::default() }), ..plain(CallType::SetQuota) }
        }
    })
}

fn part<'a>(form: &'a HashMap<String, String>, name: &str) -> Result<&'a String, Vec<u8>> {
    form.get(name).ok_or_else(|| format!("Missing '{name}' query parameter in the request body").into_bytes())
}

fn of_agent(body: &[u8]) -> Result<(AgentId, HashMap<String, String>), Vec<u8>> {
    let form = pairs(&String::from_utf8_lossy(body));
    let id = AgentId::new(part(&form, "slaveId")?.as_str());
    Ok((id, form))
}

fn list(form: &HashMap<String, String>, name: &str, failed: &str) -> Result<Vec<Resource>, Vec<u8>> {
    let told = |why: Vec<u8>| {
        [format!("{failed} '{name}' query parameter in the request body: ").as_bytes(), &why[..]].concat()
    };
    let parsed = array(part(form, name)?.as_bytes()).map_err(told)?;
    parsed.iter().map(|value| one(value).map_err(told)).collect()
}

fn machines(body: &[u8]) -> Result<Vec<MachineId>, Vec<u8>> {
    array(body)?.iter().map(one).collect()
}

fn one<T: Message>(value: &Value) -> Result<T, Vec<u8>> {
    convert::message(value).map_err(String::into_bytes)
}

fn array(text: &[u8]) -> Result<Vec<Value>, Vec<u8>> {
    match lenient::parse(text)? {
        Value::Array(items) => Ok(items),
        _ => Err(b"Unexpected JSON type parsed".to_vec()),
    }
}

fn object(text: &[u8]) -> Result<Value, Vec<u8>> {
    match lenient::parse(text)? {
        value @ Value::Object(_) => Ok(value),
        _ => Err(b"Unexpected JSON type parsed".to_vec()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn forms_and_lists_stand_for_calls() {
        let resource = r#"{"name":"cpus","type":"SCALAR","scalar":{"value":1}}"#;
        let call = read("/reserve", format!("slaveId=S0&resources=[{resource}]").as_bytes()).unwrap();
        assert_eq!(call.reserve_resources.unwrap().resources.len(), 1);
        let cases: [(&str, &str, &str); 6] = [
            (
                "/reserve",
                "slaveId=x&resources=[{}]",
                "Error parsing 'resources' query parameter in the request body: \
              Missing required fields: name, type",
            ),
            ("/unreserve", "slaveId=x", "Missing 'resources' query parameter in the request body"),
            ("/machine/up", "{}", "Unexpected JSON type parsed"),
            ("/weights", "x", "Failed to parse update weights request JSON 'x': syntax error at line 1 near: x"),
            (
                "/weights",
                "[{}]",
                "Failed to convert weights JSON array to protobuf '[{}]': Missing required fields: \
              weight",
            ),
            ("/quota", "[]", "Failed to parse set quota request JSON '[]': Unexpected JSON type parsed"),
        ];
        for (route, body, why) in cases {
            assert_eq!(read(route, body.as_bytes()).map_err(|why| String::from_utf8(why).unwrap()).unwrap_err(), why);
        }
    }
}
