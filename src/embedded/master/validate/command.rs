//! Commands, containers, checks: what a task or executor runs.

use super::Check;
use crate::mesos::{
    CheckInfo, CheckType, CommandInfo, ContainerInfo, ContainerType, HealthCheck, HealthCheckType, Secret, SecretType,
    Variable, VariableType, Volume, VolumeSourceType,
};

/// A command's environment.
pub(in crate::embedded) fn command(command: &CommandInfo) -> Check {
    command.environment.iter().flat_map(|environment| &environment.variables).try_for_each(variable)
}

fn variable(variable: &Variable) -> Check {
    let name = &variable.name;
    match variable.r#type {
        Some(VariableType::Secret) => {
            let Some(secret) = &variable.secret else {
                return Err(format!("Environment variable '{name}' of type 'SECRET' must have a secret set"));
            };
            if variable.value.is_some() {
                return Err(format!("Environment variable '{name}' of type 'SECRET' must not have a value set"));
            }
            check_secret(secret)
                .map_err(|why| format!("Environment variable '{name}' specifies an invalid secret: {why}"))?;
            if secret.value.as_ref().is_some_and(|value| value.data.0.contains(&0)) {
                return Err(format!(
                    "Environment variable '{name}' specifies a secret containing null bytes, which is not allowed in \
                     the environment"
                ));
            }
            Ok(())
        }
        None | Some(VariableType::Value) if variable.value.is_none() => {
            Err(format!("Environment variable '{name}' of type 'VALUE' must have a value set"))
        }
        None | Some(VariableType::Value) if variable.secret.is_some() => {
            Err(format!("Environment variable '{name}' of type 'VALUE' must not have a secret set"))
        }
        None | Some(VariableType::Value) => Ok(()),
        Some(_) => Err("Environment variable of type 'UNKNOWN' is not allowed".to_owned()),
    }
}

fn check_secret(secret: &Secret) -> Check {
    match (&secret.r#type, &secret.reference, &secret.value) {
        (Some(SecretType::Reference), None, _) => {
            Err("Secret of type REFERENCE must have the 'reference' field set".to_owned())
        }
        (Some(SecretType::Reference), Some(reference), Some(_)) => {
            Err(format!("Secret '{}' of type REFERENCE must not have the 'value' field set", reference.name))
        }
        (Some(SecretType::Value), _, None) => Err("Secret of type VALUE must have the 'value' field set".to_owned()),
        (Some(SecretType::Value), Some(_), Some(_)) => {
            Err("Secret of type VALUE must not have the 'reference' field set".to_owned())
        }
        _ => Ok(()),
    }
}

/// A container: its volumes, and Docker's own part.
pub(in crate::embedded) fn container(container: &ContainerInfo) -> Check {
    container
        .volumes
        .iter()
        .try_for_each(|volume| check_volume(volume).map_err(|why| format!("Invalid volume: {why}")))?;
    if container.r#type == ContainerType::Docker {
        let Some(docker) = &container.docker else {
            return Err("DockerInfo 'docker' is not set for DOCKER typed ContainerInfo".to_owned());
        };
        if docker.parameters.iter().any(|parameter| parameter.key == "name") {
            return Err("Parameter in DockerInfo must not be 'name'".to_owned());
        }
    }
    Ok(())
}

fn check_volume(volume: &Volume) -> Check {
    let set = [volume.host_path.is_some(), volume.image.is_some(), volume.source.is_some()];
    if set.into_iter().filter(|set| *set).count() != 1 {
        return Err("Only one of them should be set: 'host_path', 'image' and 'source'".to_owned());
    }
    let Some(source) = &volume.source else { return Ok(()) };
    let (there, field, kind) = match source.r#type {
        Some(VolumeSourceType::DockerVolume) => (source.docker_volume.is_some(), "docker_volume", "DOCKER_VOLUME"),
        Some(VolumeSourceType::HostPath) => (source.host_path.is_some(), "host_path", "HOST_PATH"),
        Some(VolumeSourceType::SandboxPath) => (source.sandbox_path.is_some(), "sandbox_path", "SANDBOX_PATH"),
        Some(VolumeSourceType::Secret) => (source.secret.is_some(), "secret", "SECRET"),
        Some(VolumeSourceType::CsiVolume) => match &source.csi_volume {
            Some(csi) => (csi.get("static_provisioning").is_some(), "csi_volume.static_provisioning", "CSI"),
            None => (false, "csi_volume", "CSI"),
        },
        _ => return Err("'source.type' is unknown".to_owned()),
    };
    if there { Ok(()) } else { Err(format!("'source.{field}' is not set for {kind} volume")) }
}

/// Whether a command check says what to run, `name` being how the message calls it.
fn check_command(command: &CommandInfo, name: &str) -> Check {
    if command.value.is_none() {
        let what = if command.shell.unwrap_or(true) { "'shell command'" } else { "'executable path'" };
        return Err(format!("{name} must contain {what}"));
    }
    Ok(())
}

fn not_negative(seconds: &[(&str, Option<f64>)]) -> Check {
    match seconds.iter().find(|(_, value)| value.is_some_and(|value| value < 0.0)) {
        Some((name, _)) => Err(format!("Expecting '{name}' to be non-negative")),
        None => Ok(()),
    }
}

/// A health check.
pub(in crate::embedded::master) fn health_check(check: &HealthCheck) -> Check {
    let unset = |field: &str, kind: &str| Err(format!("Expecting '{field}' to be set for {kind} health check"));
    match &check.r#type {
        None => return Err("HealthCheck must specify 'type'".to_owned()),
        Some(HealthCheckType::Command) => {
            let Some(run) = &check.command else { return unset("command", "COMMAND") };
            check_command(run, "Command health check")?;
            super::because("Health check's `CommandInfo` is invalid: ", command(run))?;
        }
        Some(HealthCheckType::Http) => {
            let Some(http) = &check.http else { return unset("http", "HTTP") };
            if let Some(scheme) = http.scheme.as_deref().filter(|scheme| !matches!(*scheme, "http" | "https")) {
                return Err(format!("Unsupported HTTP health check scheme: '{scheme}'"));
            }
            if let Some(path) = http.path.as_deref().filter(|path| !path.starts_with('/')) {
                return Err(format!("The path '{path}' of HTTP health check must start with '/'"));
            }
        }
        Some(HealthCheckType::Tcp) if check.tcp.is_none() => return unset("tcp", "TCP"),
        Some(HealthCheckType::Tcp) => {}
        Some(other) => return Err(format!("'{other}' is not a valid health check type")),
    }
    not_negative(&[
        ("delay_seconds", check.delay_seconds),
        ("grace_period_seconds", check.grace_period_seconds),
        ("interval_seconds", check.interval_seconds),
        ("timeout_seconds", check.timeout_seconds),
    ])
}

/// A check.
pub(in crate::embedded::master) fn check(check: &CheckInfo) -> Check {
    let unset = |field: &str, kind: &str| Err(format!("Expecting '{field}' to be set for {kind} check"));
    match &check.r#type {
        None => return Err("CheckInfo must specify 'type'".to_owned()),
        Some(CheckType::Command) => {
            let Some(run) = &check.command else { return unset("command", "COMMAND") };
            check_command(&run.command, "Command check")?;
            super::because("Check's `CommandInfo` is invalid: ", command(&run.command))?;
        }
        Some(CheckType::Http) => {
            let Some(http) = &check.http else { return unset("http", "HTTP") };
            if let Some(path) = http.path.as_deref().filter(|path| !path.starts_with('/')) {
                return Err(format!("The path '{path}' of HTTP check must start with '/'"));
            }
        }
        Some(CheckType::Tcp) if check.tcp.is_none() => return unset("tcp", "TCP"),
        Some(CheckType::Tcp) => {}
        Some(other) => return Err(format!("'{other}' is not a valid check type")),
    }
    not_negative(&[
        ("delay_seconds", check.delay_seconds),
        ("interval_seconds", check.interval_seconds),
        ("timeout_seconds", check.timeout_seconds),
    ])
}
