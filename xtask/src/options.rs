//! `cargo xtask options`: what options Python Glance knows, as data of the project.

use std::fs;
use std::process::Command;

use crate::error::{Context as _, Result};
use crate::{python, shell, workspace};

pub(crate) const HELP: &str = "\
Asks Python Glance and its libraries (installed on first use) for every option that they register and writes names,
types, bounds and defaults to crates/glance-server/src/config/upstream/options.jsonl.";

const SCRIPT: &str = include_str!("options.py");

/// Writes the list.
pub(crate) fn run(_: &[String]) -> Result<()> {
    let python = python::GLANCE.programs()?.join("python");
    // Defaults that depend on the home folder or the machine must not.
    let mut command = Command::new(python);
    command.args(["-c", SCRIPT]).env("HOME", "/root").env_remove("OS_GLANCE_CONFIG_DIR");
    let found = shell::output(&mut command).context("cannot list the options")?;
    let path = workspace::root().join("crates/glance-server/src/config/upstream/options.jsonl");
    fs::write(&path, found.as_bytes())?;
    println!("{}: {} options", path.display(), found.lines().count());
    Ok(())
}
