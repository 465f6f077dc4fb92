//! Private PostgreSQL and MariaDB servers on free ports, empty at every start and without regard for power cuts.

mod mariadb;
mod postgres;

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

pub(crate) use postgres::programs as postgres_programs;

use crate::background::{self, Background, Owner};
use crate::error::Result;
use crate::packages::{self, Purpose};
use crate::{process, shell, workspace};

pub(crate) const HELP: &str = "\
Usage: cargo xtask db start|stop|status

start   starts a PostgreSQL and a MariaDB with empty data folders below target/test-servers and prints their URLs as
        environment variables. `cargo xtask test` uses them when they are set:
            eval \"$(cargo xtask db start)\"
stop    ends them
status  prints the variables if they run
";

/// How long a server may take to answer after its start.
const START: Duration = Duration::from_secs(60);

/// The kinds of servers.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Engine {
    Postgres,
    MariaDb,
}

/// What a server does for what it has promised to keep.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Care {
    /// Nothing: it is never killed.
    None,
    /// It survives its own death, though not the machine's.
    OverKills,
}

impl Care {
    /// A port for a server of this engine. The ranges are apart, because a port stays free until its server starts.
    fn port(self, engine: Engine) -> Result<u16> {
        match (self, engine) {
            (Care::None, _) => background::free_port(),
            (Care::OverKills, Engine::Postgres) => background::lasting_port(20_000..26_000),
            (Care::OverKills, Engine::MariaDb) => background::lasting_port(26_000..32_000),
        }
    }
}

/// A server that has been set up but not started.
struct Prepared {
    command: Command,
    owner: Owner,
    /// A command that succeeds once the server answers.
    probe: Command,
    url: String,
    /// Part of the command line by which the server is recognized later.
    word: &'static str,
}

impl Engine {
    pub(crate) const ALL: [Engine; 2] = [Engine::Postgres, Engine::MariaDb];

    fn name(self) -> &'static str {
        match self {
            Engine::Postgres => "postgres",
            Engine::MariaDb => "mariadb",
        }
    }

    /// The variables in which tests find the URL and the script of a server that they start by themselves.
    pub(crate) fn startable_variables(self) -> [&'static str; 2] {
        match self {
            Engine::Postgres => ["GLANCE_TEST_POSTGRES_STARTABLE_URL", "GLANCE_TEST_POSTGRES_START"],
            Engine::MariaDb => ["GLANCE_TEST_MYSQL_STARTABLE_URL", "GLANCE_TEST_MYSQL_START"],
        }
    }

    /// The variable in which tests find the server's URL.
    pub(crate) fn variable(self) -> &'static str {
        match self {
            Engine::Postgres => "GLANCE_TEST_POSTGRES_URL",
            Engine::MariaDb => "GLANCE_TEST_MYSQL_URL",
        }
    }

    fn prepare(self, folder: &Path, care: Care) -> Result<Prepared> {
        match self {
            Engine::Postgres => postgres::prepare(folder, care),
            Engine::MariaDb => mariadb::prepare(folder, care),
        }
    }
}

/// A running database server; it ends with this value.
pub(crate) struct Database {
    /// From which the owner of the server makes databases.
    pub(crate) url: String,
    folder: PathBuf,
    server: Option<Background>,
}

impl Database {
    /// Starts an empty server of the kind; its files are below `target/test-servers/NAME-PURPOSE`.
    pub(crate) fn start(engine: Engine, purpose: &str) -> Result<Self> {
        let folder = fresh_folder(&format!("{}-{purpose}", engine.name()))?;
        let Prepared { command, owner, mut probe, url, .. } = engine.prepare(&folder, Care::None)?;
        let mut server = Background::start(engine.name(), &command, owner, &folder.join("server.log"))?;
        server.wait_until(START, || shell::succeeds(&mut probe))?;
        Ok(Self { url, folder, server: Some(server) })
    }
}

/// A server that tests start, kill and start again by themselves.
pub(crate) struct Startable {
    /// As that of a running server.
    pub(crate) url: String,
    /// Runs the server in the foreground.
    pub(crate) script: PathBuf,
    folder: PathBuf,
}

impl Startable {
    /// Sets up an empty server; its files are below `target/test-servers/NAME-startable`.
    pub(crate) fn prepare(engine: Engine) -> Result<Self> {
        let folder = fresh_folder(&format!("{}-startable", engine.name()))?;
        let prepared = engine.prepare(&folder, Care::OverKills)?;
        let script = folder.join("start");
        fs::write(&script, start_script(&prepared))?;
        Ok(Self { url: prepared.url, script, folder })
    }
}

impl Drop for Startable {
    fn drop(&mut self) {
        postgres::remove_data(&self.folder);
    }
}

fn start_script(prepared: &Prepared) -> String {
    let quoted = |word: &std::ffi::OsStr| format!("'{}'", word.to_string_lossy().replace('\'', r"'\''"));
    let mut text = String::from("#!/bin/sh\n");
    if let Some(folder) = prepared.command.get_current_dir() {
        text += &format!("cd {} || exit 1\n", quoted(folder.as_os_str()));
    }
    text += "exec";
    if let Some((uid, gid)) = prepared.owner {
        text += &format!(" setpriv --reuid {uid} --regid {gid} --clear-groups --");
    }
    let words = std::iter::once(prepared.command.get_program()).chain(prepared.command.get_args());
    text + &words.map(|word| format!(" {}", quoted(word))).collect::<String>() + "\n"
}

impl Drop for Database {
    fn drop(&mut self) {
        drop(self.server.take());
        postgres::remove_data(&self.folder);
    }
}

/// `cargo xtask db`.
pub(crate) fn run(arguments: &[String]) -> Result<()> {
    match arguments.iter().map(String::as_str).collect::<Vec<_>>()[..] {
        ["start"] => start_detached(),
        ["stop"] => stop_detached(),
        ["status"] => {
            print_running();
            Ok(())
        }
        _ => Err(HELP.into()),
    }
}

fn start_detached() -> Result<()> {
    packages::ensure(&[Purpose::Test])?;
    stop_detached()?;
    for engine in Engine::ALL {
        let folder = fresh_folder(&format!("{}-db", engine.name()))?;
        let mut prepared = engine.prepare(&folder, Care::None)?;
        let log = folder.join("server.log");
        let pid = background::detach(engine.name(), &mut prepared.command, prepared.owner, &log)?;
        process::write_pid(&folder.join("pid"), pid)?;
        fs::write(folder.join("word"), prepared.word)?;
        fs::write(folder.join("url"), &prepared.url)?;
        let answers = || shell::succeeds(&mut prepared.probe);
        if !process::wait_until(START, answers) {
            return Err(format!("no answer\n{}", background::tail(&log)).into());
        }
    }
    print_running();
    Ok(())
}

fn stop_detached() -> Result<()> {
    for engine in Engine::ALL {
        let folder = servers_folder().join(format!("{}-db", engine.name()));
        if let Some(pid) = running(&folder) {
            process::end(pid, START)?;
        }
        postgres::remove_data(&folder);
    }
    Ok(())
}

fn print_running() {
    for engine in Engine::ALL {
        let folder = servers_folder().join(format!("{}-db", engine.name()));
        if let (Some(_), Ok(url)) = (running(&folder), fs::read_to_string(folder.join("url"))) {
            println!("export {}='{url}'", engine.variable());
        }
    }
}

fn running(folder: &Path) -> Option<u32> {
    let word = fs::read_to_string(folder.join("word")).ok()?;
    process::read_pid(&folder.join("pid"), &word)
}

fn servers_folder() -> PathBuf {
    workspace::target().join("test-servers")
}

fn fresh_folder(name: &str) -> Result<PathBuf> {
    let folder = servers_folder().join(name);
    if folder.exists() {
        fs::remove_dir_all(&folder)?;
    }
    fs::create_dir_all(&folder)?;
    Ok(folder)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_script_says_the_same_as_the_command() {
        let mut command = Command::new("server");
        command.args(["--word", "it's"]).current_dir("/a folder");
        let prepared =
            Prepared { command, owner: Some((5, 6)), probe: Command::new("true"), url: String::new(), word: "server" };
        let expected = "#!/bin/sh\ncd '/a folder' || exit 1\n\
            exec setpriv --reuid 5 --regid 6 --clear-groups -- 'server' '--word' 'it'\\''s'\n";
        assert_eq!(start_script(&prepared), expected);
    }
}
