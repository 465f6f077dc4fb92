//! `cargo xtask`: builds, tests, demonstrates and measures the project.
//!
//! Nothing but the standard library, so that it builds in seconds on a machine that has only a Rust toolchain.

#![expect(clippy::print_stdout, clippy::print_stderr, reason = "a build tool talks to the person who runs it")]

mod acceptance;
mod background;
mod bench;
mod ci;
mod databases;
mod demo;
mod error;
mod http;
mod install;
mod json;
mod options;
mod packages;
mod process;
mod python;
mod shell;
mod test;
mod tools;
mod workspace;

use std::process::ExitCode;

use error::Result;

/// One word after `cargo xtask`.
struct Subcommand {
    name: &'static str,
    /// One line for the list of subcommands.
    summary: &'static str,
    /// What `cargo xtask NAME --help` says below the summary.
    help: &'static str,
    run: fn(&[String]) -> Result<()>,
}

const SUBCOMMANDS: &[Subcommand] = &[
    Subcommand {
        name: "demo",
        summary: "Start a server and take a real image through it",
        help: demo::HELP,
        run: demo::run,
    },
    Subcommand {
        name: "test",
        summary: "Run all tests of the workspace against real databases",
        help: test::HELP,
        run: test::run,
    },
    Subcommand {
        name: "acceptance",
        summary: "Run the release build as a process, with real clients",
        help: acceptance::HELP,
        run: acceptance::run,
    },
    Subcommand {
        name: "bench",
        summary: "Measure the service beside Python Glance and nginx",
        help: bench::HELP,
        run: bench::run,
    },
    Subcommand {
        name: "ci",
        summary: "Check format, lints, licences, dependency rules and sources",
        help: ci::HELP,
        run: ci::run,
    },
    Subcommand {
        name: "db",
        summary: "Start or stop PostgreSQL and MariaDB for tests",
        help: databases::HELP,
        run: databases::run,
    },
    Subcommand {
        name: "options",
        summary: "Write the list of Python Glance's options anew",
        help: options::HELP,
        run: options::run,
    },
    Subcommand {
        name: "install",
        summary: "Install the programs and their conventional names",
        help: install::HELP,
        run: install::run,
    },
    Subcommand {
        name: "install-deps",
        summary: "Install what the other subcommands need",
        help: packages::HELP,
        run: packages::run,
    },
];

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    match dispatch(&arguments) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error}");
            ExitCode::FAILURE
        }
    }
}

fn dispatch(arguments: &[String]) -> Result<()> {
    let Some((name, rest)) = arguments.split_first() else {
        print_overview();
        return Err("say what to do".into());
    };
    if matches!(name.as_str(), "--help" | "-h" | "help") {
        print_overview();
        return Ok(());
    }
    let subcommand = SUBCOMMANDS
        .iter()
        .find(|subcommand| subcommand.name == name)
        .ok_or_else(|| format!("no subcommand {name:?}; `cargo xtask --help` lists them"))?;
    // What follows `--` belongs to another program.
    let own = rest.split(|argument| argument == "--").next().unwrap_or_default();
    if own.iter().any(|argument| argument == "--help" || argument == "-h") {
        println!("{}.\n\n{}", subcommand.summary, subcommand.help.trim_end());
        return Ok(());
    }
    (subcommand.run)(rest)
}

fn print_overview() {
    println!("Usage: cargo xtask <SUBCOMMAND> [ARGUMENTS]\n");
    for subcommand in SUBCOMMANDS {
        println!("  {:<14}{}", subcommand.name, subcommand.summary);
    }
    println!("\n`cargo xtask <SUBCOMMAND> --help` says more.");
}
