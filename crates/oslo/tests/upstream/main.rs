//! Comparison with the Python libraries of the same purpose, on cases made up from fixed seeds.
//!
//! `GLANCE_TEST_PYTHON` names an interpreter that has Glance with its libraries. Without it the tests say that they
//! are skipped. `OSLO_CASES` is how many cases each comparison makes up; 10 000 if it is not set.

#![expect(clippy::unwrap_used, clippy::expect_used, reason = "a test ends at what it does not expect")]

mod config;
mod logging;
mod paste;
mod policy;
mod random;

use std::ffi::OsString;
use std::io::Write as _;
use std::process::{Command, Stdio};

use serde_json::Value;

/// The interpreter, or nothing and a message.
fn python() -> Option<OsString> {
    let found = std::env::var_os("GLANCE_TEST_PYTHON");
    if found.is_none() {
        let _ = writeln!(std::io::stderr(), "SKIPPED: GLANCE_TEST_PYTHON names no interpreter with Glance");
    }
    found
}

fn number_of_cases() -> usize {
    std::env::var_os("OSLO_CASES").map_or(10_000, |number| number.to_string_lossy().parse().expect("a number"))
}

/// Runs a script once, hands it one line for each input and returns its answer to each.
fn answers(python: &OsString, script: &str, inputs: &[Value]) -> Vec<Value> {
    let folder = tempfile::tempdir().unwrap();
    let [script_path, input_path] = ["script.py", "input"].map(|name| folder.path().join(name));
    std::fs::write(&script_path, script).unwrap();
    let lines: String = inputs.iter().map(|input| format!("{input}\n")).collect();
    std::fs::write(&input_path, lines).unwrap();
    let input = std::fs::File::open(&input_path).unwrap();
    let mut command = Command::new(python);
    command.arg(&script_path).current_dir(&folder).env("PYTHONUTF8", "1").stdin(input).stderr(Stdio::piped());
    let output = command.output().expect("start GLANCE_TEST_PYTHON");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let output = String::from_utf8(output.stdout).unwrap();
    let found: Vec<Value> = output.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!(found.len(), inputs.len());
    found
}
