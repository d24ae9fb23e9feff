//! A task's container as the Docker Engine wants it described: what a real agent makes `docker run` options of.
//!
//! Pure; a task that asks for what can't be is refused in the real agent's words.

use std::collections::HashMap;
use std::path::{Path, PathBuf};

use bollard::models::{
    ContainerCreateBody, DeviceMapping, HostConfig, HostConfigLogConfig, PortBinding, ResourcesUlimits,
};

use crate::mesos::{CommandInfo, ContainerInfo, DockerInfo, DockerNetwork, Resource, TaskInfo, Volume, VolumeMode};

/// The sandbox within a container.
pub(super) const SANDBOX: &str = "/mnt/mesos/sandbox";
/// The least that a container gets.
const MIN_MEMORY: f64 = 32.0;
const MIN_CPU_SHARES: f64 = 2.0;
const CFS_PERIOD_MICROSECONDS: f64 = 100_000.0;
const MIN_CFS_QUOTA: f64 = 1_000.0;
const MEGABYTE: f64 = 1_048_576.0;

/// Describes the container of a task.
///
/// # Errors
/// What is wrong with it.
pub(super) fn container(
    task: &TaskInfo,
    sandbox: &Path,
    persistent: &[(PathBuf, PathBuf)],
    name: &str,
) -> Result<ContainerCreateBody, String> {
    let container = task.container.as_ref().ok_or("No docker info found in container info")?;
    let docker = container.docker.as_ref().ok_or("No docker info found in container info")?;
    let command = task.command.clone().unwrap_or_default();
    let mut host = HostConfig { privileged: docker.privileged, ..Default::default() };
    limit(&mut host, task);
    volumes(&mut host, container, docker, sandbox)?;
    let bound = |(folder, path): &(PathBuf, PathBuf)| {
        format!("{}:{}:rw", folder.display(), Path::new(SANDBOX).join(path).display())
    };
    host.binds.get_or_insert_default().extend(persistent.iter().map(bound));
    let mut body = ContainerCreateBody {
        image: Some(docker.image.clone()),
        env: Some(environment(&command, task, name)),
        hostname: container.hostname.clone(),
        ..Default::default()
    };
    let network = network(container, docker)?;
    if body.hostname.is_some() && network == "host" {
        return Err("Unable to set hostname with host network mode".to_owned());
    }
    ports(&mut body, &mut host, docker, &network, &task.resources)?;
    host.network_mode = Some(network);
    run(&mut body, &command);
    for parameter in &docker.parameters {
        apply(&mut body, &mut host, &parameter.key, &parameter.value)?;
    }
    body.host_config = Some(host);
    Ok(body)
}

fn scalar(resources: &[Resource], name: &str) -> Option<f64> {
    let amounts = resources.iter().filter(|resource| resource.name == name);
    let amounts: Vec<f64> =
        amounts.filter_map(|resource| resource.scalar.as_ref()).map(|amount| amount.value).collect();
    (!amounts.is_empty()).then(|| amounts.iter().sum())
}

/// CPU and memory: what the task was given, or the limits it asked for.
fn limit(host: &mut HostConfig, task: &TaskInfo) {
    let limit = |name: &str| task.limits.get(name).map(|limit| limit.value);
    let bytes = |megabytes: f64| (megabytes.max(MIN_MEMORY) * MEGABYTE) as i64;
    host.cpu_shares = scalar(&task.resources, "cpus").map(|cpus| (cpus * 1024.0).max(MIN_CPU_SHARES) as i64);
    if let Some(cpus) = limit("cpus").filter(|cpus| cpus.is_finite()) {
        host.cpu_quota = Some((cpus * CFS_PERIOD_MICROSECONDS).max(MIN_CFS_QUOTA) as i64);
    }
    let request = scalar(&task.resources, "mem");
    match limit("mem") {
        Some(limit) => {
            host.memory = limit.is_finite().then(|| bytes(limit.trunc()));
            host.memory_reservation = request.map(bytes);
        }
        None => host.memory = request.map(bytes),
    }
}

fn environment(command: &CommandInfo, task: &TaskInfo, name: &str) -> Vec<String> {
    let own = command.environment.iter().flat_map(|environment| &environment.variables);
    let mut all: Vec<_> =
        own.map(|variable| format!("{}={}", variable.name, variable.value.as_deref().unwrap_or(""))).collect();
    all.push(format!("MESOS_SANDBOX={SANDBOX}"));
    all.push(format!("MESOS_CONTAINER_NAME={name}"));
    let allocation = task.resources.first().and_then(|resource| resource.allocation_info.as_ref());
    all.push(format!("MESOS_ALLOCATION_ROLE={}", allocation.and_then(|role| role.role.as_deref()).unwrap_or("*")));
    all
}

/// `shell` commands go to the image's `/bin/sh`; otherwise value and arguments follow the image's own entry point.
fn run(body: &mut ContainerCreateBody, command: &CommandInfo) {
    match (command.shell.unwrap_or(true), &command.value) {
        (true, Some(value)) => {
            body.entrypoint = Some(vec!["/bin/sh".to_owned()]);
            body.cmd = Some(vec!["-c".to_owned(), value.clone()]);
        }
        (true, None) => {}
        (false, value) => {
            let words: Vec<_> = value.iter().chain(&command.arguments).cloned().collect();
            body.cmd = (!words.is_empty()).then_some(words);
        }
    }
}

fn network(container: &ContainerInfo, docker: &DockerInfo) -> Result<String, String> {
    let name = match docker.network.as_ref().unwrap_or(&DockerNetwork::Host) {
        DockerNetwork::Host => "host",
        DockerNetwork::Bridge => "bridge",
        DockerNetwork::None => "none",
        DockerNetwork::User => match container.network_infos.as_slice() {
            [] => return Err("No network info found in container info".to_owned()),
            [only] => only.name.as_deref().ok_or("No network name found in network info")?,
            _ => return Err("Only a single network can be defined in Docker run".to_owned()),
        },
        DockerNetwork::Other(name) => return Err(format!("Unsupported Network mode: {name}")),
    };
    // A parameter wins, as on the command line.
    let parameter = docker.parameters.iter().find(|parameter| parameter.key == "net" || parameter.key == "network");
    Ok(parameter.map_or(name, |parameter| &parameter.value).to_owned())
}

fn ports(
    body: &mut ContainerCreateBody,
    host: &mut HostConfig,
    docker: &DockerInfo,
    network: &str,
    resources: &[Resource],
) -> Result<(), String> {
    if docker.port_mappings.is_empty() {
        return Ok(());
    }
    if network == "host" || network == "none" {
        return Err("Port mappings are only supported for bridge and user-defined networks".to_owned());
    }
    let given: Vec<_> = resources
        .iter()
        .filter(|resource| resource.name == "ports")
        .filter_map(|resource| resource.ranges.as_ref())
        .flat_map(|ranges| &ranges.range)
        .collect();
    if given.is_empty() {
        return Err("Port mappings require port resources".to_owned());
    }
    for mapping in &docker.port_mappings {
        let port = mapping.host_port;
        if !given.iter().any(|range| (range.begin..=range.end).contains(&u64::from(port))) {
            return Err(format!("Port [{port}] not included in resources"));
        }
        let protocol = mapping.protocol.as_deref().unwrap_or("tcp").to_ascii_lowercase();
        publish(body, host, &port.to_string(), &format!("{}/{protocol}", mapping.container_port));
    }
    Ok(())
}

fn publish(body: &mut ContainerCreateBody, host: &mut HostConfig, host_port: &str, container_port: &str) {
    body.exposed_ports.get_or_insert_default().push(container_port.to_owned());
    let binding = PortBinding { host_ip: None, host_port: Some(host_port.to_owned()) };
    let bindings = host.port_bindings.get_or_insert_default().entry(container_port.to_owned()).or_default();
    bindings.get_or_insert_default().push(binding);
}

fn volumes(
    host: &mut HostConfig,
    container: &ContainerInfo,
    docker: &DockerInfo,
    sandbox: &Path,
) -> Result<(), String> {
    let mut driver = docker.volume_driver.clone();
    let mut binds = Vec::new();
    for volume in &container.volumes {
        let mode = match volume.mode {
            VolumeMode::Rw => "rw",
            VolumeMode::Ro => "ro",
            VolumeMode::Other(_) => return Err("Unsupported volume mode".to_owned()),
        };
        if let Some(from) = volume_source(volume, docker, sandbox, &mut driver)? {
            let to = Path::new(SANDBOX).join(&volume.container_path);
            binds.push(format!("{from}:{}:{mode}", to.display()));
        }
    }
    binds.push(format!("{}:{SANDBOX}", sandbox.display()));
    host.binds = Some(binds);
    host.volume_driver = driver;
    Ok(())
}

fn volume_source(
    volume: &Volume,
    docker: &DockerInfo,
    sandbox: &Path,
    driver: &mut Option<String>,
) -> Result<Option<String>, String> {
    let relative = |path: &str| !Path::new(path).is_absolute();
    if let Some(path) = &volume.host_path {
        if relative(path) && relative(&volume.container_path) {
            let container = &volume.container_path;
            return Err(format!("Both host_path '{path}' and container_path '{container}' of a volume are relative"));
        }
        // Without a driver a relative path is one in the sandbox.
        let within = relative(path) && docker.volume_driver.is_none();
        return Ok(Some(if within { sandbox.join(path).display().to_string() } else { path.clone() }));
    }
    let source = volume.source.as_ref().ok_or("Host path or volume source is required")?;
    let Some(named) = &source.docker_volume else { return Ok(None) };
    if let Some(own) = &named.driver {
        if driver.as_ref().is_some_and(|driver| driver != own) {
            return Err("Only one volume driver is supported".to_owned());
        }
        *driver = Some(own.clone());
    }
    Ok(Some(named.name.clone()))
}

/// One `--key=value` of `docker run`.
fn apply(body: &mut ContainerCreateBody, host: &mut HostConfig, key: &str, value: &str) -> Result<(), String> {
    let bad = || format!("parameter '--{key}={value}' can't be read");
    let number = || value.parse::<i64>().map_err(|_| bad());
    let decimal = || value.parse::<f64>().map_err(|_| bad());
    let size = || bytes(value).ok_or_else(bad);
    let truth = || if value.is_empty() { Ok(true) } else { value.parse::<bool>().map_err(|_| bad()) };
    let pair = |map: &mut Option<HashMap<String, String>>| {
        let (name, value) = value.split_once('=').unwrap_or((value, ""));
        map.get_or_insert_default().insert(name.to_owned(), value.to_owned());
    };
    let text = || Some(value.to_owned());
    let add = |list: &mut Option<Vec<String>>| list.get_or_insert_default().push(value.to_owned());
    match key {
        // Taken care of by `network`.
        "net" | "network" => {}
        "label" | "l" => pair(&mut body.labels),
        "env" | "e" => add(&mut body.env),
        "entrypoint" => body.entrypoint = Some(vec![value.to_owned()]),
        "hostname" | "h" => body.hostname = text(),
        "domainname" => body.domainname = text(),
        "user" | "u" => body.user = text(),
        "workdir" | "w" => body.working_dir = text(),
        "stop-signal" => body.stop_signal = text(),
        "stop-timeout" => body.stop_timeout = Some(number()?),
        "tty" | "t" => body.tty = Some(truth()?),
        "interactive" | "i" => body.open_stdin = Some(truth()?),
        "expose" => add(&mut body.exposed_ports),
        "publish" | "p" => {
            let (from, to) = value.rsplit_once(':').ok_or_else(bad)?;
            let to = if to.contains('/') { to.to_owned() } else { format!("{to}/tcp") };
            publish(body, host, from, &to);
        }
        "add-host" => add(&mut host.extra_hosts),
        "cap-add" => add(&mut host.cap_add),
        "cap-drop" => add(&mut host.cap_drop),
        "dns" => add(&mut host.dns),
        "dns-search" => add(&mut host.dns_search),
        "dns-opt" | "dns-option" => add(&mut host.dns_options),
        "group-add" => add(&mut host.group_add),
        "link" => add(&mut host.links),
        "security-opt" => add(&mut host.security_opt),
        "volume" | "v" => add(&mut host.binds),
        "volumes-from" => add(&mut host.volumes_from),
        "device" => host.devices.get_or_insert_default().push(device(value)),
        "ulimit" => host.ulimits.get_or_insert_default().push(ulimit(value).ok_or_else(bad)?),
        "sysctl" => pair(&mut host.sysctls),
        "tmpfs" => {
            let (path, options) = value.split_once(':').unwrap_or((value, ""));
            host.tmpfs.get_or_insert_default().insert(path.to_owned(), options.to_owned());
        }
        "log-driver" => host.log_config.get_or_insert_with(HostConfigLogConfig::default).typ = text(),
        "log-opt" => pair(&mut host.log_config.get_or_insert_with(HostConfigLogConfig::default).config),
        "volume-driver" => host.volume_driver = text(),
        "ipc" => host.ipc_mode = text(),
        "pid" => host.pid_mode = text(),
        "uts" => host.uts_mode = text(),
        "userns" => host.userns_mode = text(),
        "runtime" => host.runtime = text(),
        "cgroup-parent" => host.cgroup_parent = text(),
        "cpuset-cpus" => host.cpuset_cpus = text(),
        "cpuset-mems" => host.cpuset_mems = text(),
        "cpus" => host.nano_cpus = Some((decimal()? * 1e9) as i64),
        "cpu-shares" | "c" => host.cpu_shares = Some(number()?),
        "cpu-period" => host.cpu_period = Some(number()?),
        "cpu-quota" => host.cpu_quota = Some(number()?),
        "memory" | "m" => host.memory = Some(size()?),
        "memory-swap" => host.memory_swap = Some(if value == "-1" { -1 } else { size()? }),
        "memory-reservation" => host.memory_reservation = Some(size()?),
        "memory-swappiness" => host.memory_swappiness = Some(number()?),
        "shm-size" => host.shm_size = Some(size()?),
        "pids-limit" => host.pids_limit = Some(number()?),
        "oom-kill-disable" => host.oom_kill_disable = Some(truth()?),
        "oom-score-adj" => host.oom_score_adj = Some(number()?),
        "init" => host.init = Some(truth()?),
        "privileged" => host.privileged = Some(truth()?),
        "publish-all" | "P" => host.publish_all_ports = Some(truth()?),
        "read-only" => host.readonly_rootfs = Some(truth()?),
        // A task's container is removed in any case, and never restarted.
        "rm" => {}
        "restart" if value == "no" => {}
        _ => return Err(format!("parameter '--{key}={value}' is none that this agent knows")),
    }
    Ok(())
}

fn device(value: &str) -> DeviceMapping {
    let mut parts = value.split(':').map(str::to_owned);
    let on_host = parts.next();
    let in_container = parts.next().or_else(|| on_host.clone());
    let permissions = parts.next().or_else(|| Some("rwm".to_owned()));
    DeviceMapping { path_on_host: on_host, path_in_container: in_container, cgroup_permissions: permissions }
}

fn ulimit(value: &str) -> Option<ResourcesUlimits> {
    let (name, limits) = value.split_once('=')?;
    let (soft, hard) = limits.split_once(':').unwrap_or((limits, limits));
    Some(ResourcesUlimits {
        name: Some(name.to_owned()),
        soft: Some(soft.parse().ok()?),
        hard: Some(hard.parse().ok()?),
    })
}

/// `512m`, `1g`, `64KB` or plain bytes.
fn bytes(text: &str) -> Option<i64> {
    let text = text.trim().to_ascii_lowercase();
    let text = text.strip_suffix('b').unwrap_or(&text);
    let (digits, factor) = match text.char_indices().last()? {
        (at, 'k') => (text.get(..at)?, 1_i64 << 10),
        (at, 'm') => (text.get(..at)?, 1 << 20),
        (at, 'g') => (text.get(..at)?, 1 << 30),
        (at, 't') => (text.get(..at)?, 1 << 40),
        _ => (text, 1),
    };
    digits.parse::<i64>().ok()?.checked_mul(factor)
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::{Value, json};

    fn described(task: Value) -> Result<Value, String> {
        let mut whole = json!({"name": "t", "task_id": {"value": "t"}, "agent_id": {"value": "S0"},
            "resources": [
                {"name": "cpus", "type": "SCALAR", "scalar": {"value": 0.5}, "allocation_info": {"role": "dev"}},
                {"name": "mem", "type": "SCALAR", "scalar": {"value": 64}},
                {"name": "ports", "type": "RANGES", "ranges": {"range": [{"begin": 31000, "end": 31001}]}}]});
        let fields = task.as_object().unwrap().clone();
        whole.as_object_mut().unwrap().extend(fields);
        let task: TaskInfo = serde_json::from_value(whole).unwrap();
        container(&task, Path::new("/sandbox"), &[], "mesos-x").map(|body| serde_json::to_value(body).unwrap())
    }

    #[test]
    fn resources_command_and_network_are_passed_on() {
        let body = described(json!({
            "command": {"value": "sleep 60", "environment": {"variables": [{"name": "A", "value": "b"}]}},
            "container": {"type": "DOCKER", "docker": {"image": "busybox", "network": "BRIDGE",
                "port_mappings": [{"host_port": 31000, "container_port": 80}],
                "parameters": [{"key": "label", "value": "x=y"}, {"key": "memory", "value": "128m"}]},
                "volumes": [{"container_path": "data", "host_path": "/srv", "mode": "RO"}]}}))
        .unwrap();
        assert_eq!(body["Cmd"], json!(["-c", "sleep 60"]));
        assert_eq!(body["Entrypoint"], json!(["/bin/sh"]));
        assert_eq!(body["Labels"], json!({"x": "y"}));
        let host = &body["HostConfig"];
        assert_eq!((&host["CpuShares"], &host["Memory"]), (&json!(512), &json!(128 << 20)));
        assert_eq!(host["NetworkMode"], "bridge");
        assert_eq!(host["PortBindings"]["80/tcp"][0]["HostPort"], "31000");
        assert_eq!(host["Binds"], json!(["/srv:/mnt/mesos/sandbox/data:ro", "/sandbox:/mnt/mesos/sandbox"]));
        let environment = body["Env"].as_array().unwrap();
        for expected in ["A=b", "MESOS_SANDBOX=/mnt/mesos/sandbox", "MESOS_ALLOCATION_ROLE=dev"] {
            assert!(environment.iter().any(|variable| variable == expected), "{expected}");
        }
    }

    #[test]
    fn what_cannot_be_is_refused_in_the_real_agents_words() {
        let docker = |docker: Value| described(json!({"container": {"type": "DOCKER", "docker": docker}})).unwrap_err();
        let port = |port: u32| json!([{"host_port": port, "container_port": 80}]);
        let cases = [
            (
                json!({"image": "i", "port_mappings": port(31000)}),
                "Port mappings are only supported for bridge and user-defined networks",
            ),
            (
                json!({"image": "i", "network": "BRIDGE", "port_mappings": port(80)}),
                "Port [80] not included in resources",
            ),
            (json!({"image": "i", "network": "USER"}), "No network info found in container info"),
            (
                json!({"image": "i", "parameters": [{"key": "no-such", "value": "1"}]}),
                "parameter '--no-such=1' is none that this agent knows",
            ),
        ];
        for (docker_info, expected) in cases {
            assert_eq!(docker(docker_info), expected);
        }
    }

    #[test]
    fn sizes() {
        let cases = [("1", Some(1)), ("64k", Some(65_536)), ("1GB", Some(1 << 30)), ("x", None), ("", None)];
        for (text, expected) in cases {
            assert_eq!(bytes(text), expected, "{text}");
        }
    }
}
