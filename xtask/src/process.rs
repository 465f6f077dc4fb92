//! Other processes as /proc tells of them: whether they run, what they used.

use std::fs;
use std::path::Path;
use std::process::Command;
use std::thread;
use std::time::{Duration, Instant};

use crate::error::Result;
use crate::shell;

/// How often a condition is looked at again while waiting for it.
const POLL: Duration = Duration::from_millis(20);

/// Whether the process exists and is not a zombie.
pub(crate) fn runs(pid: u32) -> bool {
    fs::read_to_string(format!("/proc/{pid}/stat"))
        .is_ok_and(|stat| stat.rsplit_once(')').is_some_and(|(_, rest)| !rest.trim_start().starts_with('Z')))
}

/// Sends a signal such as `TERM`.
pub(crate) fn signal(pid: u32, name: &str) -> Result<()> {
    shell::output(Command::new("kill").args(["-s", name, &pid.to_string()])).map(drop)
}

/// Asks the process to end, insists after `patience`, and returns when it is gone.
pub(crate) fn end(pid: u32, patience: Duration) -> Result<()> {
    if !runs(pid) {
        return Ok(());
    }
    signal(pid, "TERM")?;
    if wait_until(patience, || !runs(pid)) {
        return Ok(());
    }
    signal(pid, "KILL")?;
    if wait_until(patience, || !runs(pid)) { Ok(()) } else { Err(format!("process {pid} does not end").into()) }
}

/// Waits until `condition` holds; false if it still does not after `limit`.
pub(crate) fn wait_until(limit: Duration, mut condition: impl FnMut() -> bool) -> bool {
    let start = Instant::now();
    loop {
        if condition() {
            return true;
        }
        if start.elapsed() > limit {
            return false;
        }
        thread::sleep(POLL);
    }
}

/// Remembers a process beyond the life of this one.
pub(crate) fn write_pid(file: &Path, pid: u32) -> Result<()> {
    fs::write(file, pid.to_string())?;
    Ok(())
}

/// The process that `file` remembers, if it still runs and its command line mentions `word` (its number may by now be
/// somebody else's).
pub(crate) fn read_pid(file: &Path, word: &str) -> Option<u32> {
    let pid: u32 = fs::read_to_string(file).ok()?.trim().parse().ok()?;
    let command = fs::read(format!("/proc/{pid}/cmdline")).ok()?;
    (runs(pid) && String::from_utf8_lossy(&command).contains(word)).then_some(pid)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ends_a_process_by_its_number() {
        let mut child = Command::new("sleep").arg("600").spawn().unwrap();
        let pid = child.id();
        assert!(runs(pid));
        end(pid, Duration::from_secs(5)).unwrap();
        assert!(!runs(pid));
        child.wait().unwrap();
    }
}
