//! `cargo xtask test`: all tests of the workspace, with real databases and Python Glance beside them.

use std::process::Command;

use crate::databases::{Database, Engine};
use crate::error::Result;
use crate::packages::{self, Purpose};
use crate::{python, shell, tools, workspace};

pub(crate) const HELP: &str = "\
Usage: cargo xtask test [--no-servers] [ARGUMENTS OF cargo nextest run]

Starts PostgreSQL and MariaDB, makes a virtual environment with Python Glance (once), runs the unit, conformance and
API tests with nextest, then the documentation's examples, and ends the servers. Tests find them in
    GLANCE_TEST_POSTGRES_URL, GLANCE_TEST_MYSQL_URL   a superuser's URL; each test makes its own database
    GLANCE_TEST_PYTHON                                an interpreter with glance and glance_store
A variable that is set already is left alone, and its server is not started (see `cargo xtask db`).

  --no-servers  start nothing: tests that need a server or Python are skipped

    cargo xtask test                        everything
    cargo xtask test --no-servers -p oslo   one crate, quickly
    cargo xtask test -E 'test(postgres)'    what nextest's filter selects
The tests that run whole processes are `cargo xtask acceptance`.
";

/// `cargo xtask test`.
pub(crate) fn run(arguments: &[String]) -> Result<()> {
    let (own, passed): (Vec<_>, Vec<_>) = arguments.iter().partition(|argument| *argument == "--no-servers");
    let with_servers = own.is_empty();
    packages::ensure(if with_servers { &[Purpose::Build, Purpose::Test] } else { &[Purpose::Build] })?;
    let mut nextest = tools::NEXTEST.command()?;
    nextest.args(["run", "--locked"]).args(scope(&passed)).args(&passed);
    if std::env::var_os("CI").is_some() {
        nextest.args(["--profile", "ci"]);
    }
    // Compile before servers wait for it.
    if with_servers {
        let mut build = tools::NEXTEST.command()?;
        shell::run(build.args(["run", "--locked", "--no-run"]).args(scope(&passed)).args(packages_of(&passed)))?;
    }
    let mut databases = Vec::new();
    if with_servers {
        if std::env::var_os("GLANCE_TEST_PYTHON").is_none() {
            nextest.env("GLANCE_TEST_PYTHON", python::GLANCE.programs()?.join("python"));
        }
        for engine in Engine::ALL.into_iter().filter(|engine| std::env::var_os(engine.variable()).is_none()) {
            let database = Database::start(engine, "test")?;
            nextest.env(engine.variable(), &database.url);
            databases.push(database);
        }
    }
    shell::run(&mut nextest)?;
    drop(databases);
    if passed.is_empty() { doc_tests() } else { Ok(()) }
}

/// Everything but the acceptance tests, unless the arguments name packages.
fn scope(passed: &[&String]) -> &'static [&'static str] {
    if packages_of(passed).is_empty() { &["--workspace", "--exclude", "acceptance"] } else { &[] }
}

/// Those of the arguments that name packages.
fn packages_of(passed: &[&String]) -> Vec<String> {
    let mut packages = Vec::new();
    let mut rest = passed.iter();
    while let Some(argument) = rest.next() {
        if matches!(argument.as_str(), "-p" | "--package") {
            packages.push((*argument).clone());
            packages.extend(rest.next().map(|name| (*name).clone()));
        } else if argument.starts_with("--package=") {
            packages.push((*argument).clone());
        }
    }
    packages
}

fn doc_tests() -> Result<()> {
    let mut command: Command = workspace::cargo();
    shell::run(command.args(["test", "--doc", "--quiet", "--locked", "--workspace", "--exclude", "acceptance"]))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn packages_narrow_the_scope() {
        let words: Vec<String> = ["-p", "oslo", "-E", "test(x)", "--package=y"].map(String::from).into();
        let passed: Vec<&String> = words.iter().collect();
        assert_eq!(packages_of(&passed), ["-p", "oslo", "--package=y"]);
        assert!(scope(&passed).is_empty());
        assert_eq!(scope(&[]), ["--workspace", "--exclude", "acceptance"]);
    }
}
