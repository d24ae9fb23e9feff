//! The options of `accept` and `run`, and the task that they describe.

use std::time::Duration;

use super::resources::{Needs, PortNeed};
use crate::document::Diagnostic;
use crate::lang::{Args, Kind, Opt, Spanned};
use crate::mesos::*;

/// What a task may use unless told: enough for a small server.
const CPUS: f64 = 0.1;
/// The same in MiB.
const MEM: f64 = 64.0;

/// What `accept` and `run` understand.
pub(in crate::engine) const OPTIONS: &[Opt] = &[
    Opt::value("docker", "IMAGE", Kind::Image, "run a container of this image").short('d'),
    Opt::value("cmd", "COMMAND", Kind::Text, "run this shell command (in the container, with --docker)"),
    Opt::value("arg", "WORD", Kind::Text, "an argument of the image's own entry point, instead of --cmd").repeated(),
    Opt::value("name", "NAME", Kind::Text, "its name; its id too, with a number behind it if that is taken").short('n'),
    Opt::value("id", "ID", Kind::Text, "exactly this id"),
    Opt::value("cpus", "N", Kind::Cpus, "processors (0.1 unless told)"),
    Opt::value("mem", "AMOUNT", Kind::Mem, "memory: 100 (MiB), 512m, 1g (64 MiB unless told)"),
    Opt::value("disk", "AMOUNT", Kind::Mem, "disk: 100 (MiB), 512m, 1g (none unless told)"),
    Opt::value("gpus", "N", Kind::Number, "graphics processors"),
    Opt::value("port", "PORT", Kind::Text, "a port of the agent: 9000, 9000-9002, any, or 9000:80 to map it")
        .short('p')
        .repeated(),
    Opt::value("network", "NET", Kind::Text, "host, bridge, none or a network's name (host unless ports are mapped)"),
    Opt::value("env", "NAME=VALUE", Kind::KeyValue, "an environment variable").short('e').repeated(),
    Opt::value("volume", "HOST:PATH[:ro]", Kind::Text, "a folder of the agent's in the container")
        .short('v')
        .repeated(),
    Opt::value("uri", "URI", Kind::Text, "a file to fetch into the sandbox; add ,noextract ,executable or ,cache")
        .repeated(),
    Opt::value("user", "USER", Kind::Text, "run as this user of the agent's"),
    Opt::value("role", "ROLE", Kind::Role, "use resources of this role or of nobody's"),
    Opt::value("label", "NAME=VALUE", Kind::KeyValue, "a label").short('l').repeated(),
    Opt::value("param", "NAME=VALUE", Kind::KeyValue, "an option of docker run's own").repeated(),
    Opt::switch("privileged", "give the container all rights on the agent"),
    Opt::switch("pull", "pull the image even if the agent has it"),
    Opt::value("health-cmd", "COMMAND", Kind::Text, "healthy while this command ends with 0"),
    Opt::value("health-http", "PORT[/PATH]", Kind::Text, "healthy while this answers"),
    Opt::value("health-tcp", "PORT", Kind::Count, "healthy while this port takes connections"),
    Opt::value("health-interval", "TIME", Kind::Duration, "time between checks (10s)"),
    Opt::value("health-timeout", "TIME", Kind::Duration, "time for one check (20s)"),
    Opt::value("health-delay", "TIME", Kind::Duration, "time before the first check (15s)"),
    Opt::value("health-grace", "TIME", Kind::Duration, "time in which failures don't count (10s)"),
    Opt::value("health-failures", "N", Kind::Count, "failures in a row before it is killed (3)"),
    Opt::value("kill-grace", "TIME", Kind::Duration, "time between SIGTERM and SIGKILL"),
    Opt::value("max-time", "TIME", Kind::Duration, "kill it after this time"),
    Opt::value(
        "json",
        "FILE",
        Kind::Text,
        "a task, or a whole ACCEPT, as JSON: a file, - or the JSON itself; ids may be null",
    )
    .short('j'),
    Opt::value("refuse", "TIME", Kind::Duration, "don't offer the rest again for this time (5s)"),
    Opt::value("until", "STATE", Kind::TaskState, "wait for this state (running)"),
    Opt::value("timeout", "TIME", Kind::Duration, "wait no longer (2m)").short('t'),
    Opt::switch("no-wait", "don't wait: tasks, wait and watch show what becomes of it"),
];

/// A task as it is asked for, without an agent.
#[derive(Clone, Debug)]
pub(in crate::engine) struct Wish {
    /// All but agent, id and resources.
    pub info: TaskInfo,
    /// The id asked for.
    pub id: Option<String>,
    /// What it needs.
    pub needs: Needs,
    /// Whose resources it may use.
    pub role: Option<String>,
    /// Container ports, in the order of the needs' ports; `None` where nothing is mapped.
    pub mappings: Vec<Option<u32>>,
}

/// The task that the options describe.
///
/// # Errors
/// A diagnostic that points at the option.
pub(in crate::engine) fn wish(args: &Args) -> Result<Wish, Diagnostic> {
    if !["docker", "cmd", "arg"].iter().any(|name| args.has(name)) {
        return Err(args
            .wrong("", format!("{} wants something to launch", args.verb().value))
            .help("--docker IMAGE runs a container, --cmd COMMAND a shell command, --json FILE a task of your own"));
    }
    if args.has("arg") && args.has("cmd") {
        return Err(args.wrong("arg", "--arg and --cmd exclude each other").help("--cmd 'program word word'"));
    }
    let (ports, mappings) = ports(args)?;
    let is_mapped = mappings.iter().any(Option::is_some);
    let mut scalars =
        vec![("cpus", args.number("cpus").unwrap_or(CPUS)), ("mem", args.mebibytes("mem").unwrap_or(MEM))];
    scalars.extend(args.mebibytes("disk").map(|disk| ("disk", disk)));
    scalars.extend(args.number("gpus").map(|gpus| ("gpus", gpus)));
    scalars.retain(|(_, amount)| *amount > 0.0);
    let container = args.text("docker").map(|image| container(args, image, is_mapped)).transpose()?;
    if container.is_none() {
        only_with_docker(args, is_mapped)?;
    }
    let info = TaskInfo {
        name: args.text("name").unwrap_or_default().to_owned(),
        command: Some(command(args, container.is_some())?),
        container: container.map(Box::new),
        health_check: health_check(args)?.map(Box::new),
        kill_policy: args
            .duration("kill-grace")
            .map(|grace| KillPolicy { grace_period: Some(duration_info(grace)), ..KillPolicy::default() }),
        max_completion_time: args.duration("max-time").map(duration_info),
        labels: labels(args),
        ..TaskInfo::default()
    };
    let id = args.text("id").map(str::to_owned);
    let role = args.text("role").map(str::to_owned);
    Ok(Wish { info, id, needs: Needs { scalars, ports }, role, mappings })
}

impl Wish {
    /// What the task is called if nobody names it: the image's or the program's own name.
    pub fn base_name(&self) -> String {
        if !self.info.name.is_empty() {
            return self.info.name.clone();
        }
        let docker = self.info.container.as_ref().and_then(|container| container.docker.as_ref());
        let command = self.info.command.as_ref().and_then(|command| command.value.as_deref());
        let name = match (docker, command) {
            (Some(docker), _) => {
                let path = docker.image.split('@').next().unwrap_or_default();
                let last = path.rsplit('/').next().unwrap_or_default();
                last.split(':').next().unwrap_or_default()
            }
            (None, Some(command)) => {
                let word = command.split_whitespace().next().unwrap_or_default();
                word.rsplit('/').next().unwrap_or_default()
            }
            (None, None) => "",
        };
        let name: String = name.chars().filter(|c| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.')).collect();
        if name.is_empty() || name.starts_with('.') { "task".to_owned() } else { name }
    }

    /// Writes the ports that were taken where the container's mapping wants them, and into PORT, PORT0, PORT1 ...
    pub fn map_ports(&self, task: &mut TaskInfo, ports: &[u64]) {
        let number = |port: u64| u32::try_from(port).unwrap_or_default();
        if let Some(docker) = task.container.as_mut().and_then(|container| container.docker.as_mut()) {
            let mapped = ports.iter().zip(&self.mappings).filter_map(|(host, container)| {
                container.map(|container_port| PortMapping {
                    host_port: number(*host),
                    container_port,
                    protocol: Some("tcp".to_owned()),
                    ..PortMapping::default()
                })
            });
            docker.port_mappings.extend(mapped);
        }
        // As Marathon and Aurora name them; a task can't know otherwise which port it was given.
        let Some(command) = task.command.as_mut().filter(|_| !ports.is_empty()) else { return };
        let variables = &mut command.environment.get_or_insert_default().variables;
        let names = std::iter::once(("PORT".to_owned(), ports.first()));
        let numbered = ports.iter().enumerate().map(|(index, port)| (format!("PORT{index}"), Some(port)));
        for (name, port) in names.chain(numbered) {
            if let Some(port) = port
                && !variables.iter().any(|variable| variable.name == name)
            {
                variables.push(Variable { name, value: Some(port.to_string()), ..Variable::default() });
            }
        }
    }
}

fn ports(args: &Args) -> Result<(Vec<PortNeed>, Vec<Option<u32>>), Diagnostic> {
    let mut needs = Vec::new();
    let mut mappings = Vec::new();
    for given in args.all("port") {
        let wrong = || {
            args.wrong_at(given.span.clone(), format!("--port wants a port, not '{}'", given.value))
                .label("9000, 9000-9002, any, or 9000:80 to map it into the container")
        };
        let (host, container) = match given.value.split_once(':') {
            Some((host, container)) => {
                let port: u16 = container.trim_end_matches("/tcp").parse().map_err(|_| wrong())?;
                (host, Some(u32::from(port)))
            }
            None => (given.value.as_str(), None),
        };
        if matches!(host, "any" | "" | "0") {
            needs.push(PortNeed::Any);
            mappings.push(container);
            continue;
        }
        let ranges = crate::lang::ports(host).ok_or_else(wrong)?;
        if ranges.iter().any(|(_, end)| *end > u64::from(u16::MAX)) {
            let what = format!("there is no port above {}", u16::MAX);
            return Err(args.wrong_at(given.span.clone(), what));
        }
        let hosts: Vec<u64> = ranges.into_iter().flat_map(|(begin, end)| begin..=end).collect();
        if hosts.len() > 1 && container.is_some() {
            return Err(wrong());
        }
        needs.extend(hosts.iter().map(|port| PortNeed::Exactly(*port)));
        mappings.extend(hosts.iter().map(|_| container));
    }
    Ok((needs, mappings))
}

fn only_with_docker(args: &Args, is_mapped: bool) -> Result<(), Diagnostic> {
    let name = ["volume", "param", "privileged", "pull", "network", "arg"].into_iter().find(|name| args.has(name));
    match name {
        Some(name) => Err(args.wrong(name, format!("--{name} needs a container")).help("--docker IMAGE runs one")),
        None if is_mapped => Err(args.wrong("port", "only a container's ports can be mapped").help("--port 9000")),
        None => Ok(()),
    }
}

fn command(args: &Args, in_container: bool) -> Result<CommandInfo, Diagnostic> {
    let variable = |(name, value): (&str, &str)| Variable {
        name: name.to_owned(),
        value: Some(value.to_owned()),
        ..Variable::default()
    };
    let variables: Vec<_> = args.pairs("env").into_iter().map(variable).collect();
    let environment = (!variables.is_empty()).then(|| Environment { variables, ..Environment::default() });
    let uris = args.all("uri").map(|given| uri(args, given)).collect::<Result<_, _>>()?;
    let user = args.text("user").map(str::to_owned);
    let command = CommandInfo { uris, environment, user, ..CommandInfo::default() };
    Ok(match args.text("cmd") {
        Some(value) => CommandInfo { shell: Some(true), value: Some(value.to_owned()), ..command },
        // A container without a command runs its image's own; Mesos wants a CommandInfo all the same.
        None => {
            debug_assert!(in_container || args.has("arg"), "checked before");
            let arguments = args.many("arg").into_iter().map(str::to_owned).collect();
            CommandInfo { shell: Some(false), arguments, ..command }
        }
    })
}

fn uri(args: &Args, given: &Spanned<String>) -> Result<CommandUri, Diagnostic> {
    let mut parts = given.value.split(',');
    let value = parts.next().unwrap_or_default().to_owned();
    if value.is_empty() {
        return Err(args.wrong_at(given.span.clone(), "--uri wants an address"));
    }
    let mut uri = CommandUri { value, ..CommandUri::default() };
    for part in parts {
        match part.trim() {
            "extract" => uri.extract = Some(true),
            "noextract" => uri.extract = Some(false),
            "executable" => uri.executable = Some(true),
            "cache" => uri.cache = Some(true),
            // A comma may also be part of an address.
            other => {
                uri.value.push(',');
                uri.value.push_str(other);
            }
        }
    }
    Ok(uri)
}

fn container(args: &Args, image: &str, is_mapped: bool) -> Result<ContainerInfo, Diagnostic> {
    let (network, named) = match args.text("network") {
        None if is_mapped => (DockerNetwork::Bridge, None),
        None => (DockerNetwork::Host, None),
        Some(name) => match name.to_lowercase().as_str() {
            "host" => (DockerNetwork::Host, None),
            "bridge" => (DockerNetwork::Bridge, None),
            "none" => (DockerNetwork::None, None),
            _ => (DockerNetwork::User, Some(name.to_owned())),
        },
    };
    if is_mapped && network == DockerNetwork::Host {
        return Err(args
            .wrong("network", "ports can't be mapped on the host's network")
            .help("--port 9000 without a mapping, or --network bridge"));
    }
    let parameter =
        |(key, value): (&str, &str)| Parameter { key: key.to_owned(), value: value.to_owned(), ..Parameter::default() };
    let docker = DockerInfo {
        image: image.to_owned(),
        network: Some(network),
        privileged: args.switch("privileged").then_some(true),
        force_pull_image: args.switch("pull").then_some(true),
        parameters: args.pairs("param").into_iter().map(parameter).collect(),
        ..DockerInfo::default()
    };
    let network_infos = named.map(|name| NetworkInfo { name: Some(name), ..NetworkInfo::default() });
    Ok(ContainerInfo {
        r#type: ContainerType::Docker,
        volumes: args.all("volume").map(|given| volume(args, given)).collect::<Result<_, _>>()?,
        docker: Some(docker),
        network_infos: network_infos.into_iter().collect(),
        ..ContainerInfo::default()
    })
}

fn volume(args: &Args, given: &Spanned<String>) -> Result<Volume, Diagnostic> {
    let parts: Vec<&str> = given.value.split(':').collect();
    let (host, path, mode) = match parts.as_slice() {
        [host, path] => (*host, *path, VolumeMode::Rw),
        [host, path, "rw"] => (*host, *path, VolumeMode::Rw),
        [host, path, "ro"] => (*host, *path, VolumeMode::Ro),
        _ => ("", "", VolumeMode::Rw),
    };
    if host.is_empty() || path.is_empty() {
        let what = format!("--volume wants HOST:PATH or HOST:PATH:ro, not '{}'", given.value);
        return Err(args.wrong_at(given.span.clone(), what));
    }
    Ok(Volume { mode, container_path: path.to_owned(), host_path: Some(host.to_owned()), ..Volume::default() })
}

fn health_check(args: &Args) -> Result<Option<HealthCheck>, Diagnostic> {
    let given: Vec<_> = ["health-cmd", "health-http", "health-tcp"].into_iter().filter(|name| args.has(name)).collect();
    let check = HealthCheck {
        delay_seconds: args.duration("health-delay").map(|time| time.as_secs_f64()),
        interval_seconds: args.duration("health-interval").map(|time| time.as_secs_f64()),
        timeout_seconds: args.duration("health-timeout").map(|time| time.as_secs_f64()),
        grace_period_seconds: args.duration("health-grace").map(|time| time.as_secs_f64()),
        consecutive_failures: args.count("health-failures").and_then(|count| u32::try_from(count).ok()),
        ..HealthCheck::default()
    };
    match given.as_slice() {
        [] if check == HealthCheck::default() => Ok(None),
        [] => Err(args.wrong("", "what shall be checked?").help("--health-cmd, --health-http or --health-tcp")),
        [only] => kind_of_check(args, only, check).map(Some),
        [_, second, ..] => Err(args.wrong(second, "a task has one health check")),
    }
}

fn kind_of_check(args: &Args, name: &str, check: HealthCheck) -> Result<HealthCheck, Diagnostic> {
    let text = args.one(name);
    let port = |text: &str| {
        let parsed: Result<u16, _> = text.parse();
        parsed.map(u32::from).map_err(|_| args.wrong(name, format!("--{name} wants a port, not '{text}'")))
    };
    Ok(match name {
        "health-cmd" => {
            let command = CommandInfo { shell: Some(true), value: Some(text.to_owned()), ..CommandInfo::default() };
            HealthCheck { r#type: Some(HealthCheckType::Command), command: Some(command), ..check }
        }
        "health-tcp" => {
            let tcp = TcpHealthCheck { port: port(text)?, ..TcpHealthCheck::default() };
            HealthCheck { r#type: Some(HealthCheckType::Tcp), tcp: Some(tcp), ..check }
        }
        _ => {
            let (number, path) =
                text.split_once('/').map_or((text, None), |(port, path)| (port, Some(format!("/{path}"))));
            let http = HttpHealthCheck { port: port(number)?, path, ..HttpHealthCheck::default() };
            HealthCheck { r#type: Some(HealthCheckType::Http), http: Some(http), ..check }
        }
    })
}

fn labels(args: &Args) -> Option<Labels> {
    let label =
        |(key, value): (&str, &str)| Label { key: key.to_owned(), value: Some(value.to_owned()), ..Label::default() };
    let labels: Vec<_> = args.pairs("label").into_iter().map(label).collect();
    (!labels.is_empty()).then(|| Labels { labels, ..Labels::default() })
}

/// A time as the protocol has it: nanoseconds.
pub(in crate::engine) fn duration_info(time: Duration) -> DurationInfo {
    DurationInfo { nanoseconds: i64::try_from(time.as_nanos()).unwrap_or(i64::MAX), ..DurationInfo::default() }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engine::command;
    use crate::lang;

    fn wished(text: &str) -> Result<Wish, Diagnostic> {
        let inputs = lang::parse(text, command::verbs()).unwrap();
        let lang::Input::Command(invocation) = &inputs[0] else { panic!("{text}") };
        let command = command::find(&invocation.verb.value).unwrap();
        wish(&lang::parse_args(&command.verb, invocation)?)
    }

    #[test]
    fn a_container_with_mapped_ports_is_bridged() {
        let wish =
            wished("run --docker nginx:1.10-alpine -p any:80 -p 9001 -e A=b -v /data:/d:ro --kill-grace 5s").unwrap();
        let json = serde_json::to_value(&wish.info).unwrap();
        assert_eq!(json["container"]["docker"]["network"], "BRIDGE");
        assert_eq!(json["container"]["volumes"][0]["mode"], "RO");
        assert_eq!(json["command"]["shell"], false);
        assert_eq!(json["kill_policy"]["grace_period"]["nanoseconds"], 5_000_000_000_i64);
        assert_eq!(wish.base_name(), "nginx");
        let mut task = wish.info.clone();
        wish.map_ports(&mut task, &[31_000, 9001]);
        let json = serde_json::to_value(&task).unwrap();
        assert_eq!(json["container"]["docker"]["port_mappings"][0]["host_port"], 31_000);
        assert_eq!(json["container"]["docker"]["port_mappings"][1], serde_json::Value::Null);
        let variables = json["command"]["environment"]["variables"].as_array().unwrap();
        assert!(variables.iter().any(|variable| variable["name"] == "PORT1" && variable["value"] == "9001"));
    }

    #[test]
    fn what_makes_no_sense_is_said() {
        for (text, want) in [
            ("run", "run wants something to launch"),
            ("run --cmd x --volume /a:/b", "--volume needs a container"),
            ("run --docker x --port 9000:80 --network host", "ports can't be mapped on the host's network"),
            ("run --docker x --port http", "--port wants a port, not 'http'"),
            ("run --cmd x --health-http x/y", "--health-http wants a port, not 'x'"),
            ("run --cmd x --health-tcp 80 --health-cmd y", "a task has one health check"),
            ("run --cmd x --port 65536", "there is no port above 65535"),
            ("run --cmd x --port 65530-70000", "there is no port above 65535"),
            ("run --docker x --volume /a", "--volume wants HOST:PATH or HOST:PATH:ro, not '/a'"),
        ] {
            assert_eq!(wished(text).unwrap_err().what, want, "{text}");
        }
    }

    #[test]
    fn names_come_from_what_runs() {
        for (text, want) in [
            ("run --docker registry:5000/a/b@sha256:00", "b"),
            ("run --cmd '/bin/sleep 5'", "sleep"),
            ("run --cmd '$(x)'", "x"),
            ("run --cmd ' '", "task"),
            ("run --cmd x --name web", "web"),
        ] {
            assert_eq!(wished(text).unwrap().base_name(), want, "{text}");
        }
    }
}
