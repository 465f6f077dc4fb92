//! `cargo xtask acceptance`: the release build of the server, as a process, in the hands of real clients.

use crate::databases::{Database, Engine, Startable};
use crate::error::Result;
use crate::packages::{self, Purpose};
use crate::{python, shell, tools, workspace};

pub(crate) const HELP: &str = "\
Usage: cargo xtask acceptance [--full] [ARGUMENTS OF cargo nextest run]

Builds server and client for release, makes virtual environments with python-glanceclient, openstack and openstacksdk,
with schemathesis, with Tempest, with Python Glance and with Keystone (once), starts PostgreSQL and MariaDB, and runs the package
`acceptance`. Its tests find them in
    GLANCE_SERVER, GLANCE_CLIENT   the two programs
    GLANCE_TEST_CLIENTS            the folder of the Python clients
    GLANCE_TEST_SCHEMATHESIS       the program that makes up requests from the OpenAPI document
    GLANCE_TEST_TEMPEST            the folder of Tempest's programs
    GLANCE_TEST_PYTHON             the interpreter that has Python Glance
    GLANCE_TEST_KEYSTONE           the interpreter that has Keystone; each test that needs one starts its own
    GLANCE_TEST_POSTGRES_URL, GLANCE_TEST_MYSQL_URL   a superuser's URL; each test makes its own database
    GLANCE_TEST_POSTGRES_START, GLANCE_TEST_POSTGRES_STARTABLE_URL and the same for MYSQL: a script that runs a server
                                   which a test may kill, and its URL
GLANCE_TEST_PYTHON, GLANCE_TEST_KEYSTONE, GLANCE_TEST_POSTGRES_URL and GLANCE_TEST_MYSQL_URL are left alone when they
are set already, and their servers are not started.

Files of failed tests, with the servers' logs, stay below target/acceptance.

  --full  also what takes long: 200 kills instead of 20, an image of 20 GiB, 10,000 operations beside Python Glance,
          64 clients for a minute while databases die, or on SQLite the service, and 1,000 requests made up for each
          operation; tests tell what they have counted
GLANCE_ACCEPTANCE_KILLS and GLANCE_ACCEPTANCE_SEED choose the number of kills and repeat a sequence of them, or of
made-up requests.
";

/// `cargo xtask acceptance`.
pub(crate) fn run(arguments: &[String]) -> Result<()> {
    let (own, passed): (Vec<_>, Vec<_>) = arguments.iter().partition(|argument| *argument == "--full");
    packages::ensure(&[Purpose::Build, Purpose::Test, Purpose::Acceptance])?;
    let programs = workspace::build_release()?;
    let mut nextest = tools::NEXTEST.command()?;
    nextest.args(["run", "--locked", "-p", "acceptance"]).args(passed);
    if std::env::var_os("CI").is_some() {
        nextest.args(["--profile", "ci"]);
    }
    if !own.is_empty() {
        nextest.args(["--run-ignored", "all", "--success-output", "final"]).env("GLANCE_ACCEPTANCE_FULL", "1");
    }
    let folder = workspace::target().join("acceptance");
    std::fs::create_dir_all(&folder)?;
    nextest.env("GLANCE_ACCEPTANCE_DIR", folder);
    nextest.env("GLANCE_SERVER", programs.join("glance-server"));
    nextest.env("GLANCE_CLIENT", programs.join("glance"));
    nextest.env("GLANCE_TEST_CLIENTS", python::CLIENTS.programs()?);
    nextest.env("GLANCE_TEST_SCHEMATHESIS", python::SCHEMATHESIS.programs()?.join("schemathesis"));
    nextest.env("GLANCE_TEST_TEMPEST", python::TEMPEST.programs()?);
    for (variable, environment) in [("GLANCE_TEST_PYTHON", python::GLANCE), ("GLANCE_TEST_KEYSTONE", python::KEYSTONE)]
    {
        if std::env::var_os(variable).is_none() {
            nextest.env(variable, environment.programs()?.join("python"));
        }
    }
    let mut databases = Vec::new();
    for engine in Engine::ALL.into_iter().filter(|engine| std::env::var_os(engine.variable()).is_none()) {
        let database = Database::start(engine, "acceptance")?;
        nextest.env(engine.variable(), &database.url);
        databases.push(database);
    }
    let mut startable = Vec::new();
    for engine in Engine::ALL {
        let server = Startable::prepare(engine)?;
        let [url, script] = engine.startable_variables();
        nextest.env(url, &server.url).env(script, &server.script);
        startable.push(server);
    }
    shell::run(&mut nextest)
}
