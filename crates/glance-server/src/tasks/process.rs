//! This process as a node: who it is, and how to tell that another one is dead.

use std::fs;
use std::time::Duration;

use glance_db::{Node, NodeId};
use rustix::io::Errno;
use rustix::process::{Pid, test_kill_process};

/// Describes this process, so that a later one on the same machine can tell that it has died.
#[must_use]
pub fn this_process(lease: Duration) -> Node {
    let pid = i64::from(std::process::id());
    Node {
        id: NodeId::random(),
        name: read("/proc/sys/kernel/hostname"),
        boot_id: read("/proc/sys/kernel/random/boot_id"),
        pid_namespace: pid_namespace(),
        pid,
        pid_started: look(pid).map_or(0, |process| process.started),
        lease,
    }
}

/// Whether `node` was a process of this machine that certainly no longer runs.
///
/// `false` means "do not know" as well: then only the age of its heartbeat counts. Death is certain if the process id is
/// free, or if a start time was read and differs, within one boot and one PID namespace, so that neither reuse nor
/// containers mislead, nor a `/proc` that hides other users' processes.
#[must_use]
pub fn is_certainly_dead(node: &Node) -> bool {
    let here = !node.boot_id.is_empty()
        && node.boot_id == read("/proc/sys/kernel/random/boot_id")
        && !node.pid_namespace.is_empty()
        && node.pid_namespace == pid_namespace();
    here && (is_free(node.pid) || look(node.pid).is_some_and(|process| process.has_ended(node.pid_started)))
}

/// Whether no process has that id. A process that must not be looked at is there.
fn is_free(pid: i64) -> bool {
    let pid = i32::try_from(pid).ok().and_then(Pid::from_raw);
    pid.is_some_and(|pid| test_kill_process(pid) == Err(Errno::SRCH))
}

fn read(path: &str) -> String {
    fs::read_to_string(path).map(|text| text.trim().to_owned()).unwrap_or_default()
}

fn pid_namespace() -> String {
    fs::read_link("/proc/self/ns/pid").map(|link| link.to_string_lossy().into_owned()).unwrap_or_default()
}

/// What `/proc/<pid>/stat` says about a process (proc(5)).
struct Process {
    /// Field 3.
    state: char,
    /// Field 20.
    threads: u64,
    /// Field 22, in clock ticks since boot.
    started: i64,
}

impl Process {
    /// Whether the process that started at that moment does nothing any more: the id is another one's, or all but its
    /// exit status is gone. A thread that hangs in the kernel keeps it alive.
    fn has_ended(&self, started: i64) -> bool {
        self.started != started || (matches!(self.state, 'Z' | 'X') && self.threads <= 1)
    }
}

/// `None` when it cannot be read.
fn look(pid: i64) -> Option<Process> {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    let after_name = &stat[stat.rfind(')')? + 1..];
    let fields: Vec<&str> = after_name.split_whitespace().collect();
    let (state, threads, started) = (fields.first()?, fields.get(17)?, fields.get(19)?);
    Some(Process { state: state.chars().next()?, threads: threads.parse().ok()?, started: started.parse().ok()? })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_running_process_is_not_dead_and_an_ended_one_is() {
        let this = this_process(Duration::from_secs(60));
        assert!(!is_certainly_dead(&this));
        assert!(is_certainly_dead(&Node { pid_started: this.pid_started + 1, ..this.clone() }));
        assert!(!is_certainly_dead(&Node { pid: 1, pid_started: look(1).unwrap().started, ..this.clone() }));
        let mut child = std::process::Command::new("true").spawn().unwrap();
        let pid = i64::from(child.id());
        child.wait().unwrap();
        assert!(is_certainly_dead(&Node { pid, ..this.clone() }));
    }

    #[test]
    fn nothing_is_said_about_other_machines() {
        let this = this_process(Duration::from_secs(60));
        assert!(!is_certainly_dead(&Node { boot_id: "other".into(), pid: -1, ..this.clone() }));
        assert!(!is_certainly_dead(&Node { pid_namespace: "pid:[1]".into(), pid: -1, ..this }));
    }
}
