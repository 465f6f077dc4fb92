//! This process as a node: who it is, and how to tell that another one is dead.

use std::fs;

use glance_db::{Node, NodeId};

/// Describes this process, so that a later one on the same machine can tell that it has died.
#[must_use]
pub fn this_process() -> Node {
    let pid = i64::from(std::process::id());
    Node {
        id: NodeId::random(),
        name: read("/proc/sys/kernel/hostname"),
        boot_id: read("/proc/sys/kernel/random/boot_id"),
        pid_namespace: pid_namespace(),
        pid,
        pid_started: started(pid).unwrap_or_default(),
    }
}

/// Whether `node` was a process of this machine that certainly no longer runs.
///
/// `false` means "do not know" as well: then only the age of its heartbeat counts. Process ids are compared with the
/// start time, within one boot and one PID namespace, so that neither reuse nor containers mislead.
#[must_use]
pub fn is_certainly_dead(node: &Node) -> bool {
    let here = !node.boot_id.is_empty()
        && node.boot_id == read("/proc/sys/kernel/random/boot_id")
        && !node.pid_namespace.is_empty()
        && node.pid_namespace == pid_namespace();
    here && started(node.pid) != Some(node.pid_started)
}

fn read(path: &str) -> String {
    fs::read_to_string(path).map(|text| text.trim().to_owned()).unwrap_or_default()
}

fn pid_namespace() -> String {
    fs::read_link("/proc/self/ns/pid").map(|link| link.to_string_lossy().into_owned()).unwrap_or_default()
}

/// When a live process started, in clock ticks since boot (field 22 of `/proc/<pid>/stat`, proc(5)).
fn started(pid: i64) -> Option<i64> {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    let after_name = &stat[stat.rfind(')')? + 1..];
    let mut fields = after_name.split_whitespace();
    let state = fields.next()?;
    if state == "Z" || state == "X" {
        return None;
    }
    fields.nth(18)?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_running_process_is_not_dead_and_an_ended_one_is() {
        let this = this_process();
        assert!(!is_certainly_dead(&this));
        assert!(is_certainly_dead(&Node { pid_started: this.pid_started + 1, ..this.clone() }));
        let mut child = std::process::Command::new("true").spawn().unwrap();
        let pid = i64::from(child.id());
        child.wait().unwrap();
        assert!(is_certainly_dead(&Node { pid, ..this.clone() }));
    }

    #[test]
    fn nothing_is_said_about_other_machines() {
        let this = this_process();
        assert!(!is_certainly_dead(&Node { boot_id: "other".into(), pid: -1, ..this.clone() }));
        assert!(!is_certainly_dead(&Node { pid_namespace: "pid:[1]".into(), pid: -1, ..this }));
    }
}
