//! The programs of the service, one module each, in one binary.
//!
//! A program is chosen by the name under which the binary is called (`glance-api` is a link to it), or by its first
//! argument (`glance-server api`).

pub mod api;
pub mod config;
pub mod control;
pub mod manage;
pub mod options;
pub mod policy;

use std::ffi::OsString;
use std::io::Write as _;
use std::path::Path;
use std::process::ExitCode;

/// A program: its name without `glance-`, what it is, and its entry.
struct Program {
    name: &'static str,
    about: &'static str,
    run: fn(Vec<OsString>) -> anyhow::Result<ExitCode>,
}

static PROGRAMS: [Program; 5] = [
    Program { name: "api", about: "Serve the Images API", run: api::main },
    Program { name: "control", about: "Start, stop and look after the service", run: control::main },
    Program { name: "manage", about: "Manage the catalogue: create, upgrade, purge, back up", run: manage::main },
    Program { name: "config", about: "Show all options; check an existing configuration", run: config::main },
    Program { name: "policy", about: "Show the rules about who may do what; ask them", run: policy::main },
];

/// Finds the program and runs it.
#[must_use]
pub fn main() -> ExitCode {
    let mut arguments: Vec<OsString> = std::env::args_os().collect();
    let called = arguments.first().map(Path::new).and_then(Path::file_stem);
    let called = called.map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
    let by_name = called.strip_prefix("glance-").and_then(find);
    let program = by_name.or_else(|| {
        let wanted = arguments.get(1)?.to_string_lossy().into_owned();
        let program = find(wanted.strip_prefix("glance-").unwrap_or(&wanted))?;
        arguments.remove(0);
        Some(program)
    });
    let Some(program) = program else { return introduce(arguments.get(1)) };
    match (program.run)(arguments) {
        Ok(code) => code,
        Err(error) => {
            let _ = writeln!(std::io::stderr(), "glance-{}: {}", program.name, explain(&error));
            ExitCode::FAILURE
        }
    }
}

/// An error and its causes, those left out that it has named already.
fn explain(error: &anyhow::Error) -> String {
    let mut text = String::new();
    for cause in error.chain().map(ToString::to_string) {
        match (text.is_empty(), text.ends_with(&cause)) {
            (true, _) => text = cause,
            (false, true) => {}
            (false, false) => text += &format!(": {cause}"),
        }
    }
    text
}

/// Reads a program's arguments. A question such as `--help`, or arguments that cannot be, are answered at once; then
/// there is only the exit status left.
fn parse<A: clap::Parser>(arguments: Vec<OsString>) -> anyhow::Result<Result<A, ExitCode>> {
    A::try_parse_from(arguments).map(Ok).or_else(|answer| {
        answer.print()?;
        Ok(Err(ExitCode::from(u8::try_from(answer.exit_code()).unwrap_or(2))))
    })
}

fn find(name: &str) -> Option<&'static Program> {
    PROGRAMS.iter().find(|program| program.name == name)
}

/// Says what there is, for `--help`, `--version` and everything unknown.
fn introduce(argument: Option<&OsString>) -> ExitCode {
    let version = env!("CARGO_PKG_VERSION");
    let argument = argument.map(|argument| argument.to_string_lossy());
    match argument.as_deref() {
        Some("--version" | "-V") => {
            let _ = writeln!(std::io::stdout(), "glance-server {version}");
            return ExitCode::SUCCESS;
        }
        None | Some("--help" | "-h" | "help") => {}
        Some(unknown) => {
            let _ = writeln!(std::io::stderr(), "glance-server: there is no program '{unknown}'\n");
        }
    }
    let known = matches!(argument.as_deref(), Some("--help" | "-h" | "help"));
    let mut text =
        format!("glance-server {version}: the OpenStack Image Service\n\nUsage: glance-server <program> [options]\n\n");
    for program in &PROGRAMS {
        text.push_str(&format!("  {:12} {}\n", program.name, program.about));
    }
    text.push_str("\nEach program has --help. A link named glance-<program> to this binary runs it directly.\n");
    if known {
        let _ = std::io::stdout().write_all(text.as_bytes());
        ExitCode::SUCCESS
    } else {
        let _ = std::io::stderr().write_all(text.as_bytes());
        ExitCode::from(2)
    }
}

#[cfg(test)]
mod tests {
    use anyhow::anyhow;

    use super::*;

    #[test]
    fn nothing_is_said_twice() {
        let cause = || anyhow!("no such file");
        assert_eq!(explain(&cause()), "no such file");
        assert_eq!(explain(&cause().context("cannot read a.conf")), "cannot read a.conf: no such file");
        assert_eq!(explain(&cause().context("a.conf: no such file")), "a.conf: no such file");
    }
}
