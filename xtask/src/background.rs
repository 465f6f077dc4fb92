//! Servers that run while a subcommand works: started with a log file, ended by their process id whatever happens.

use std::fs::File;
use std::io::{Read as _, Seek as _, SeekFrom};
use std::net::TcpListener;
use std::ops::Range;
use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use crate::error::{Context as _, Result};
use crate::{process, shell};

/// How long a server may take to end after it was asked to.
const PATIENCE: Duration = Duration::from_secs(30);

/// User and group that a server runs as, if not as the caller.
pub(crate) type Owner = Option<(u32, u32)>;

/// A running server; it is ended when this value goes.
pub(crate) struct Background {
    name: String,
    log: PathBuf,
    child: Child,
}

impl Background {
    /// Starts `command` with its output in `log`.
    ///
    /// The kernel ends it too if this process is killed; `setpriv`, which asks for that, is on every Debian.
    pub(crate) fn start(name: &str, command: &Command, owner: Owner, log: &Path) -> Result<Self> {
        let mut guarded = Command::new("setpriv");
        guarded.args(["--pdeathsig", "TERM", "--"]).arg(command.get_program()).args(command.get_args());
        copy_surroundings(command, &mut guarded);
        run_as(owner, &mut guarded);
        let child = spawn(name, &mut guarded, log)?;
        Ok(Self { name: name.to_owned(), log: log.to_owned(), child })
    }

    pub(crate) fn pid(&self) -> u32 {
        self.child.id()
    }

    /// Waits until `ready`; an error with the end of the log if the server ends before, or takes longer than `limit`.
    pub(crate) fn wait_until(&mut self, limit: Duration, mut ready: impl FnMut() -> bool) -> Result<()> {
        let mut ended = None;
        let child = &mut self.child;
        let in_time = process::wait_until(limit, || {
            ended = child.try_wait().ok().flatten();
            ended.is_some() || ready()
        });
        let name = &self.name;
        match ended {
            Some(status) => Err(format!("{name} ended at once: {status}\n{}", tail(&self.log)).into()),
            None if !in_time => Err(format!("{name} is not ready after {limit:?}\n{}", tail(&self.log)).into()),
            None => Ok(()),
        }
    }
}

impl Drop for Background {
    fn drop(&mut self) {
        if let Err(error) = process::end(self.child.id(), PATIENCE) {
            eprintln!("{}: {error}", self.name);
        }
        // Only collects the exit status; the process has ended.
        let _ = self.child.try_wait();
    }
}

/// Starts `command` in a process group of its own, to go on after this tool, and returns its process id.
pub(crate) fn detach(name: &str, command: &mut Command, owner: Owner, log: &Path) -> Result<u32> {
    command.process_group(0);
    run_as(owner, command);
    spawn(name, command, log).map(|child| child.id())
}

fn spawn(name: &str, command: &mut Command, log: &Path) -> Result<Child> {
    let file = File::create(log).context(log.display())?;
    command.stdin(Stdio::null()).stdout(file.try_clone()?).stderr(file);
    command.spawn().context(format!("cannot start {name} (`{}`)", shell::show(command)))
}

fn run_as(owner: Owner, command: &mut Command) {
    if let Some((uid, gid)) = owner {
        command.uid(uid).gid(gid);
    }
}

fn copy_surroundings(from: &Command, to: &mut Command) {
    for (name, value) in from.get_envs() {
        match value {
            Some(value) => to.env(name, value),
            None => to.env_remove(name),
        };
    }
    if let Some(folder) = from.get_current_dir() {
        to.current_dir(folder);
    }
}

/// The last lines of a log, for an error message.
pub(crate) fn tail(log: &Path) -> String {
    const BYTES: u64 = 4096;
    let read = || -> std::io::Result<String> {
        let mut file = File::open(log)?;
        let length = file.metadata()?.len();
        file.seek(SeekFrom::Start(length.saturating_sub(BYTES)))?;
        let mut bytes = Vec::new();
        file.read_to_end(&mut bytes)?;
        Ok(String::from_utf8_lossy(&bytes).into_owned())
    };
    let text = read().unwrap_or_else(|error| error.to_string());
    format!("--- {}\n{}", log.display(), text.trim_end())
}

/// A free port of `range`, which lies below those that Linux gives to outgoing connections, so that nobody takes it while
/// its server is down.
pub(crate) fn lasting_port(range: Range<u16>) -> Result<u16> {
    let first = range.start + (std::process::id() % u32::from(range.end - range.start)) as u16;
    let candidates = (first..range.end).chain(range.start..first);
    let free = candidates.into_iter().find(|port| TcpListener::bind(("127.0.0.1", *port)).is_ok());
    free.ok_or_else(|| "no free port".into())
}

/// A port of this machine that nobody listens to now.
pub(crate) fn free_port() -> Result<u16> {
    let listener = TcpListener::bind("127.0.0.1:0")?;
    Ok(listener.local_addr()?.port())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_server_ends_with_its_value_and_an_early_end_is_told_with_the_log() {
        let log = std::env::temp_dir().join(format!("xtask-background-{}.log", std::process::id()));
        let server = Background::start("sleep", Command::new("sleep").arg("600"), None, &log).unwrap();
        let pid = server.child.id();
        assert!(process::runs(pid));
        drop(server);
        assert!(!process::runs(pid));

        let mut broken =
            Background::start("broken", Command::new("sh").args(["-c", "echo why; exit 1"]), None, &log).unwrap();
        let error = broken.wait_until(Duration::from_secs(10), || false).unwrap_err().to_string();
        assert!(error.contains("broken ended at once") && error.contains("why"), "{error}");
        std::fs::remove_file(log).unwrap();
    }
}
