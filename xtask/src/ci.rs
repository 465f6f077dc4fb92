//! `cargo xtask ci`: everything about the sources that a program can judge without running the project.

mod dependencies;
mod sources;

use std::time::Instant;

use crate::error::Result;
use crate::packages::{self, Purpose};
use crate::{shell, tools, workspace};

pub(crate) const HELP: &str = "\
Usage: cargo xtask ci [CHECK]...

Runs the named checks, or all of them, and says at the end which failed:
    fmt           cargo fmt --check
    dependencies  which crate may depend on which (ARCHITECTURE.md), from cargo metadata
    sources       file lengths, who names axum, reasons for unsafe code, lints inherited by each crate
    clippy        cargo clippy on all targets, warnings are errors
    machete       dependencies that are declared and not used
    deny          licences, banned and doubled crates, where crates come from (deny.toml)
";

/// A check and its name.
type Check = (&'static str, fn() -> Result<()>);

/// The quick ones first.
const CHECKS: &[Check] = &[
    ("fmt", fmt),
    ("dependencies", dependencies::check),
    ("sources", sources::check),
    ("clippy", clippy),
    ("machete", machete),
    ("deny", deny),
];

/// `cargo xtask ci`.
pub(crate) fn run(arguments: &[String]) -> Result<()> {
    if let Some(unknown) = arguments.iter().find(|wanted| !CHECKS.iter().any(|(name, _)| name == wanted)) {
        return Err(format!("no check {unknown:?}").into());
    }
    packages::ensure(&[Purpose::Build])?;
    let mut failed = Vec::new();
    for (name, check) in CHECKS {
        if !arguments.is_empty() && !arguments.iter().any(|wanted| wanted == name) {
            continue;
        }
        let start = Instant::now();
        let result = check();
        let seconds = start.elapsed().as_secs_f32();
        match result {
            Ok(()) => println!("{name}: ok ({seconds:.1} s)"),
            Err(error) => {
                eprintln!("{error}\n{name}: FAILED ({seconds:.1} s)");
                failed.push(*name);
            }
        }
    }
    if failed.is_empty() { Ok(()) } else { Err(format!("failed: {}", failed.join(", ")).into()) }
}

fn fmt() -> Result<()> {
    shell::run(workspace::cargo().args(["fmt", "--all", "--", "--check", "--files-with-diff"]))
}

fn clippy() -> Result<()> {
    let mut command = workspace::cargo();
    shell::run(command.args(["clippy", "--quiet", "--workspace", "--all-targets", "--locked", "--", "-D", "warnings"]))
}

fn machete() -> Result<()> {
    shell::run(&mut tools::MACHETE.command()?)
}

fn deny() -> Result<()> {
    let mut command = tools::DENY.command()?;
    shell::run(command.args(["--locked", "check", "--hide-inclusion-graph", "bans", "licenses", "sources"]))
}
