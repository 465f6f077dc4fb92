//! Cargo's helpers (nextest, deny, machete): those on the path are used, missing ones are built into `target/tools`.

use std::path::PathBuf;
use std::process::Command;
use std::time::Instant;

use crate::error::Result;
use crate::{shell, workspace};

/// A program of crates.io that the build tool runs.
pub(crate) struct Tool {
    /// Of the crate and of its program.
    name: &'static str,
    version: &'static str,
}

pub(crate) const NEXTEST: Tool = Tool { name: "cargo-nextest", version: "0.9.143" };
pub(crate) const DENY: Tool = Tool { name: "cargo-deny", version: "0.20.2" };
pub(crate) const MACHETE: Tool = Tool { name: "cargo-machete", version: "0.9.2" };

impl Tool {
    /// The program, built first if the machine does not have it.
    pub(crate) fn program(&self) -> Result<PathBuf> {
        let own = workspace::target().join("tools");
        let built = own.join("bin").join(self.name);
        if built.is_file() {
            return Ok(built);
        }
        if let Some(found) = shell::find(self.name) {
            return Ok(found);
        }
        println!("building {} {} (once)", self.name, self.version);
        let start = Instant::now();
        let mut install = workspace::cargo();
        install.args(["install", "--quiet", "--locked", self.name, "--version", self.version]);
        install.arg("--root").arg(&own).arg("--target-dir").arg(own.join("build"));
        shell::run(&mut install)?;
        // Its intermediate files are large and never used again.
        std::fs::remove_dir_all(own.join("build"))?;
        println!("built {} in {} s", self.name, start.elapsed().as_secs());
        Ok(built)
    }

    /// A call of the tool as a subcommand of cargo, in the workspace's root.
    pub(crate) fn command(&self) -> Result<Command> {
        let program = self.program()?;
        let folder = program.parent().map(PathBuf::from);
        let path = std::env::var_os("PATH").unwrap_or_default();
        let mut command = workspace::cargo();
        // Cargo looks for its subcommands on the path.
        command.env("PATH", std::env::join_paths(folder.into_iter().chain(std::env::split_paths(&path)))?);
        command.arg(self.name.trim_start_matches("cargo-"));
        Ok(command)
    }
}
