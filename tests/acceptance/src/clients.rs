//! The programs that people use to talk to an image service, run as they run them.

use std::process::{Command, Stdio};

use crate::environment;
use crate::http::Endpoint;

/// Runs a command and returns what it printed.
///
/// # Panics
/// When it fails; the message has what it said.
pub fn run(command: &mut Command) -> String {
    let output = command.stdin(Stdio::null()).output().unwrap_or_else(|error| panic!("{command:?}: {error}"));
    let (out, err) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    assert!(output.status.success(), "{command:?}: {}\n{out}{err}", output.status);
    out.into_owned()
}

/// Our own client.
#[must_use]
pub fn glance(endpoint: Endpoint) -> Command {
    let mut command = alone(environment::client_program());
    command.args(["--os-auth-type", "none", "--os-endpoint", &endpoint.url()]);
    command
}

/// python-glanceclient's command. It insists on a token, which a service without authentication ignores.
#[must_use]
pub fn python_glance(endpoint: Endpoint) -> Command {
    let mut command = alone(environment::python_program("glance"));
    command.args(["--os-auth-token", "none", "--os-image-url", &endpoint.url()]);
    command
}

/// The `openstack` command.
#[must_use]
pub fn openstack(endpoint: Endpoint) -> Command {
    let mut command = alone(environment::python_program("openstack"));
    command.args(["--os-auth-type", "none", "--os-endpoint", &endpoint.url()]);
    command
}

/// A Python script with the clients' libraries; it finds the service's URL in its first argument.
#[must_use]
pub fn python(endpoint: Endpoint, script: &str) -> Command {
    let mut command = alone(environment::python_program("python"));
    command.args(["-c", script, &endpoint.url()]);
    command
}

/// A program that no variable of the caller's cloud can mislead.
fn alone(program: std::path::PathBuf) -> Command {
    let mut command = Command::new(program);
    for (name, _) in std::env::vars_os() {
        if name.to_string_lossy().starts_with("OS_") {
            command.env_remove(name);
        }
    }
    command
}
