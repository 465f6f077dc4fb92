//! `cargo xtask acceptance`: the release build of the server, as a process, in the hands of real clients.

use crate::error::Result;
use crate::packages::{self, Purpose};
use crate::{python, shell, tools, workspace};

pub(crate) const HELP: &str = "\
Usage: cargo xtask acceptance [--full] [ARGUMENTS OF cargo nextest run]

Builds server and client for release, makes a virtual environment with python-glanceclient, openstack and openstacksdk
(once), and runs the package `acceptance`. Its tests find the programs in
    GLANCE_SERVER, GLANCE_CLIENT   the two programs
    GLANCE_TEST_CLIENTS            the folder of the Python clients

Files of failed tests, with the servers' logs, stay below target/acceptance.

  --full  also what takes long: 200 kills instead of 20, an image of 20 GiB
GLANCE_ACCEPTANCE_KILLS and GLANCE_ACCEPTANCE_SEED choose the number of kills and repeat a sequence of them.
";

/// `cargo xtask acceptance`.
pub(crate) fn run(arguments: &[String]) -> Result<()> {
    let (own, passed): (Vec<_>, Vec<_>) = arguments.iter().partition(|argument| *argument == "--full");
    packages::ensure(&[Purpose::Build, Purpose::Acceptance])?;
    let programs = workspace::build_release()?;
    let mut nextest = tools::NEXTEST.command()?;
    nextest.args(["run", "--locked", "-p", "acceptance"]).args(passed);
    if std::env::var_os("CI").is_some() {
        nextest.args(["--profile", "ci"]);
    }
    if !own.is_empty() {
        nextest.args(["--run-ignored", "all"]).env("GLANCE_ACCEPTANCE_FULL", "1");
    }
    let folder = workspace::target().join("acceptance");
    std::fs::create_dir_all(&folder)?;
    nextest.env("GLANCE_ACCEPTANCE_DIR", folder);
    nextest.env("GLANCE_SERVER", programs.join("glance-server"));
    nextest.env("GLANCE_CLIENT", programs.join("glance"));
    nextest.env("GLANCE_TEST_CLIENTS", python::CLIENTS.programs()?);
    shell::run(&mut nextest)
}
