//! The programs that people use to talk to an image service, run as they run them.

use std::io::Write as _;
use std::process::{Command, Stdio};

use serde_json::{Value, json};

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

/// Runs one `openstack` command after the other as typing them would, but without importing everything for each: a
/// process that has done so is copied. Its input is a list of lists of words; its output is one of objects with
/// `status`, `out` and `err`.
const SEVERAL: &str = r#"
import json, os, sys, tempfile
import openstack.connection, openstackclient.image.client, openstackclient.image.v2.image
from openstackclient import shell

def run(words):
    out, err = tempfile.TemporaryFile(), tempfile.TemporaryFile()
    child = os.fork()
    if child == 0:
        os.dup2(out.fileno(), 1)
        os.dup2(err.fileno(), 2)
        sys.exit(shell.main(words))
    status = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    read = lambda file: os.pread(file.fileno(), 1 << 20, 0).decode()
    return {"status": status, "out": read(out), "err": read(err)}

json.dump([run(words) for words in json.load(sys.stdin)], sys.stdout)
"#;

/// What a command did.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Done {
    /// Its exit code.
    pub status: i64,
    /// What it printed.
    pub out: String,
    /// What it complained about.
    pub err: String,
}

/// Runs `openstack` commands one after the other and tells what each did.
///
/// # Panics
/// When the client is not at hand.
#[must_use]
pub fn openstack_commands(commands: &[Vec<String>]) -> Vec<Done> {
    let mut python = alone(environment::python_program("python"));
    let python = python.args(["-W", "ignore", "-c", SEVERAL]).stdin(Stdio::piped()).stdout(Stdio::piped());
    let mut python = python.spawn().unwrap();
    let mut input = python.stdin.take().unwrap();
    input.write_all(json!(commands).to_string().as_bytes()).unwrap();
    drop(input);
    let output = python.wait_with_output().unwrap();
    assert!(output.status.success(), "{}", output.status);
    let done: Vec<Value> = serde_json::from_slice(&output.stdout).unwrap();
    let text = |done: &Value, name: &str| done[name].as_str().unwrap().to_owned();
    done.iter()
        .map(|done| Done { status: done["status"].as_i64().unwrap(), out: text(done, "out"), err: text(done, "err") })
        .collect()
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
