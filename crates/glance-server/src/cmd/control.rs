//! `glance-control`: starts, stops and looks after the service by a file with its process number.
//!
//! Arguments and messages are those of Glance. A file that names a process of another program is stale and never leads
//! to a signal: processes are held by descriptors, so that none is mistaken for another that got its number.
//! `shutdown` and `stop` are one here, because every stop lets running requests end.

use std::ffi::OsString;
use std::fs;
use std::io::Write as _;
use std::os::fd::OwnedFd;
use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitCode, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context as _, bail};
use clap::{Parser, ValueEnum};
use rustix::event::{PollFd, PollFlags, poll};
use rustix::process::{Pid, PidfdFlags, Signal, pidfd_open, pidfd_send_signal};

/// How long a stop is waited for: transfers get a minute to end.
const STOP_TIME: Duration = Duration::from_secs(75);

/// A service that ends sooner than this after its start is not started again.
const BOUNCING: Duration = Duration::from_secs(1);

/// The one service that there is.
const SERVER: &str = "glance-api";

/// Start, stop and look after the service.
#[derive(Debug, Parser)]
#[command(name = "glance-control", version)]
struct Arguments {
    /// File with the number of the process [default: /var/run/glance/glance-api.pid]
    #[arg(long, value_name = "PATH")]
    pid_file: Option<PathBuf>,
    /// Wait so many seconds for the service to fail, and report its exit status
    #[arg(long, value_name = "SECONDS", default_value_t = 0)]
    await_child: u64,
    /// Send the output of the service to the system's log instead of nowhere
    #[arg(long)]
    capture_output: bool,
    /// Stay, and start the service again when it ends unexpectedly
    #[arg(long, conflicts_with = "await_child")]
    respawn: bool,
    /// Configuration file for the service; may be given several times, later files win
    #[arg(long, value_name = "FILE")]
    config_file: Vec<PathBuf>,
    /// Which service
    server: Server,
    /// What to do
    command: Action,
    /// Configuration file for the service
    confpath: Option<PathBuf>,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum Server {
    All,
    #[value(alias = "glance-api")]
    Api,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Action {
    Start,
    Status,
    Stop,
    Shutdown,
    Restart,
    #[value(alias = "force-reload")]
    Reload,
}

/// Runs the program.
///
/// # Errors
/// When the service cannot be started, does not stop, or is not there to be reloaded.
pub fn main(arguments: Vec<OsString>) -> anyhow::Result<ExitCode> {
    let arguments: Arguments = match super::parse(arguments)? {
        Ok(arguments) => arguments,
        Err(answered) => return Ok(answered),
    };
    let (Server::All | Server::Api) = arguments.server;
    let default = || PathBuf::from(format!("/var/run/glance/{SERVER}.pid"));
    let file = arguments.pid_file.clone().unwrap_or_else(default);
    match arguments.command {
        Action::Start => return start(&arguments, &file, "Start"),
        Action::Status => match Running::find(&file) {
            Some(running) => say(&format!("{SERVER} (pid {}) is running...", running.pid))?,
            None => say(&format!("{SERVER} is stopped"))?,
        },
        Action::Stop | Action::Shutdown => stop(&file)?,
        Action::Restart => {
            stop(&file)?;
            return start(&arguments, &file, "Restart");
        }
        Action::Reload => {
            let Some(running) = Running::find(&file) else { bail!("{SERVER} is stopped") };
            say(&format!("Reloading {SERVER} (pid {}) with signal({})", running.pid, Signal::HUP.as_raw()))?;
            pidfd_send_signal(&running.process, Signal::HUP)?;
        }
    }
    Ok(ExitCode::SUCCESS)
}

fn say(text: &str) -> std::io::Result<()> {
    writeln!(std::io::stdout(), "{text}")
}

/// The service as it runs.
struct Running {
    pid: i32,
    /// The process itself, whatever becomes of its number.
    process: OwnedFd,
}

impl Running {
    /// The process that the file names, if that runs and is the service.
    fn find(file: &Path) -> Option<Self> {
        let pid: i32 = fs::read_to_string(file).ok()?.trim().parse().ok().filter(|pid| *pid > 0)?;
        let process = pidfd_open(Pid::from_raw(pid)?, PidfdFlags::empty()).ok()?;
        (is_service(pid) && !has_ended(&process, Duration::ZERO).ok()?).then_some(Self { pid, process })
    }
}

/// Whether a process runs this binary as the service.
fn is_service(pid: i32) -> bool {
    let Ok(program) = fs::read_link(format!("/proc/{pid}/exe")) else { return false };
    let Ok(own) = std::env::current_exe() else { return false };
    // A program that was replaced meanwhile is shown as deleted; the new one may have been installed elsewhere.
    let program = program.to_string_lossy().trim_end_matches(" (deleted)").to_owned();
    if Path::new(&program).file_name() != own.file_name() {
        return false;
    }
    let words = fs::read(format!("/proc/{pid}/cmdline")).unwrap_or_default();
    let mut words = words.split(|byte| *byte == 0).map(|word| String::from_utf8_lossy(word).into_owned());
    let called = words.next().unwrap_or_default();
    let is_named = |word: &str| Path::new(word).file_name().is_some_and(|name| name == SERVER);
    is_named(&called) || words.next().is_some_and(|word| word == "api" || word == SERVER)
}

/// Waits until a process has ended, at most so long.
fn has_ended(process: &OwnedFd, at_most: Duration) -> anyhow::Result<bool> {
    let deadline = Instant::now() + at_most;
    loop {
        let left = deadline.saturating_duration_since(Instant::now());
        match poll(&mut [PollFd::new(process, PollFlags::IN)], Some(&left.try_into()?)) {
            Ok(ready) => return Ok(ready > 0),
            Err(rustix::io::Errno::INTR) => {}
            Err(error) => return Err(error.into()),
        }
    }
}

fn start(arguments: &Arguments, file: &Path, verb: &str) -> anyhow::Result<ExitCode> {
    if Running::find(file).is_some() {
        say(&format!("{SERVER} appears to already be running: {}", file.display()))?;
        return Ok(ExitCode::SUCCESS);
    }
    if file.exists() {
        say(&format!("Removing stale pid file {}", file.display()))?;
        fs::remove_file(file).with_context(|| format!("cannot remove {}", file.display()))?;
    }
    if let Some(folder) = file.parent() {
        fs::create_dir_all(folder).with_context(|| format!("cannot create {}", folder.display()))?;
    }
    let mut child = launch(arguments, file, verb)?;
    if arguments.respawn {
        respawn(arguments, file, child)?;
        return Ok(ExitCode::SUCCESS);
    }
    let process = pidfd_open(Pid::from_child(&child), PidfdFlags::empty())?;
    if arguments.await_child > 0 && has_ended(&process, Duration::from_secs(arguments.await_child))? {
        let code = child.wait()?.code().and_then(|code| u8::try_from(code).ok());
        return Ok(ExitCode::from(code.unwrap_or(1)));
    }
    Ok(ExitCode::SUCCESS)
}

/// Starts the service in a process group of its own, so that the terminal's signals do not reach it.
fn launch(arguments: &Arguments, file: &Path, verb: &str) -> anyhow::Result<Child> {
    let configuration: Vec<&PathBuf> = arguments.config_file.iter().chain(&arguments.confpath).collect();
    let names: Vec<String> = configuration.iter().map(|path| path.display().to_string()).collect();
    let with = if names.is_empty() { String::new() } else { format!(" with {}", names.join(" ")) };
    say(&format!("{verb}ing {SERVER}{with}"))?;
    let mut command = Command::new(std::env::current_exe()?);
    command.arg("api");
    for path in configuration {
        command.arg("--config-file").arg(std::path::absolute(path)?);
    }
    command.stdin(Stdio::null()).process_group(0);
    if arguments.capture_output {
        let mut logger = Command::new("logger");
        let logger = logger.args(["-t", SERVER]).stdin(Stdio::piped()).process_group(0).spawn();
        let input = logger.context("cannot run logger, for --capture-output")?.stdin.take();
        let output = OwnedFd::from(input.context("the logger takes no input")?);
        command.stdout(output.try_clone()?).stderr(output);
    } else {
        command.stdout(Stdio::null()).stderr(Stdio::null());
    }
    let mut child = command.spawn().with_context(|| format!("unable to launch {SERVER}"))?;
    if let Err(error) = fs::write(file, format!("{}\n", child.id())) {
        // Nobody could stop it.
        child.kill()?;
        return Err(error).with_context(|| format!("cannot write {}", file.display()));
    }
    Ok(child)
}

/// Starts the service again whenever it ends, unless its file is gone or it only just began.
fn respawn(arguments: &Arguments, file: &Path, mut child: Child) -> anyhow::Result<()> {
    loop {
        let began = Instant::now();
        child.wait()?;
        let reason = match file.exists() {
            false => "deliberately stopped",
            true if began.elapsed() < BOUNCING => "bouncing",
            true => {
                child = launch(arguments, file, "Respawn")?;
                continue;
            }
        };
        say(&format!("Suppressed respawn as {SERVER} was {reason}."))?;
        return Ok(());
    }
}

fn stop(file: &Path) -> anyhow::Result<()> {
    let Some(running) = Running::find(file) else {
        say(&format!("{SERVER} is already stopped"))?;
        return Ok(());
    };
    // First the file: who starts it again whenever it ends has to see that this is meant.
    fs::remove_file(file).with_context(|| format!("cannot remove {}", file.display()))?;
    say(&format!("Stopping {SERVER} (pid {}) with signal({})", running.pid, Signal::TERM.as_raw()))?;
    pidfd_send_signal(&running.process, Signal::TERM)?;
    if !has_ended(&running.process, STOP_TIME)? {
        // It is still there, to be found by another stop.
        fs::write(file, format!("{}\n", running.pid))?;
        bail!("Waited {} seconds for pid {} ({}) to die; giving up", STOP_TIME.as_secs(), running.pid, file.display());
    }
    Ok(())
}
