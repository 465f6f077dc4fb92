//! What a server and its children use, as /proc tells.

use std::collections::HashMap;
use std::fs;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread;
use std::time::Duration;

/// Units of the times in /proc/PID/stat on Linux (`getconf CLK_TCK`).
const TICKS_PER_SECOND: f64 = 100.0;

/// How often memory is looked at while work goes on.
const SAMPLE: Duration = Duration::from_millis(20);

/// CPU seconds of the process and all below it since they started.
pub(super) fn cpu_seconds(root: u32) -> f64 {
    let ticks: u64 = tree(root)
        .iter()
        .filter_map(|pid| {
            let stat = stat(*pid)?;
            Some(stat.get(11)?.parse::<u64>().ok()? + stat.get(12)?.parse::<u64>().ok()?)
        })
        .sum();
    ticks as f64 / TICKS_PER_SECOND
}

/// MiB that the process and all below it have resident; what processes share is counted once.
pub(super) fn memory_mib(root: u32) -> f64 {
    let kib: u64 = tree(root)
        .iter()
        .filter_map(|pid| {
            let smaps = fs::read_to_string(format!("/proc/{pid}/smaps_rollup")).ok()?;
            let line = smaps.lines().find_map(|line| line.strip_prefix("Pss:"))?;
            line.trim().trim_end_matches(" kB").parse::<u64>().ok()
        })
        .sum();
    kib as f64 / 1024.0
}

/// Does `work` and returns the most memory, in MiB, that was seen meanwhile.
pub(super) fn peak_memory_during<T>(root: u32, work: impl FnOnce() -> T) -> (T, f64) {
    let (over, most_kib) = (AtomicBool::new(false), AtomicU64::new(0));
    let result = thread::scope(|scope| {
        scope.spawn(|| {
            while !over.load(Ordering::Relaxed) {
                most_kib.fetch_max((memory_mib(root) * 1024.0) as u64, Ordering::Relaxed);
                thread::sleep(SAMPLE);
            }
        });
        let result = work();
        over.store(true, Ordering::Relaxed);
        result
    });
    (result, most_kib.load(Ordering::Relaxed) as f64 / 1024.0)
}

/// The process and everything below it.
fn tree(root: u32) -> Vec<u32> {
    let mut children: HashMap<u32, Vec<u32>> = HashMap::new();
    for entry in fs::read_dir("/proc").into_iter().flatten().flatten() {
        let Some(pid) = entry.file_name().to_str().and_then(|name| name.parse().ok()) else { continue };
        if let Some(parent) = stat(pid).and_then(|fields| fields.get(1)?.parse().ok()) {
            children.entry(parent).or_default().push(pid);
        }
    }
    let mut found = vec![root];
    let mut next = 0;
    while let Some(pid) = found.get(next) {
        let below = children.remove(pid).unwrap_or_default();
        found.extend(below);
        next += 1;
    }
    found
}

/// The fields of /proc/PID/stat after the name: state, parent, …
fn stat(pid: u32) -> Option<Vec<String>> {
    let text = fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    let (_, fields) = text.rsplit_once(')')?;
    Some(fields.split_whitespace().map(str::to_owned).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn this_process_uses_cpu_and_memory() {
        let me = std::process::id();
        assert!(memory_mib(me) > 0.1);
        let before = cpu_seconds(me);
        let mut sum = 0_u64;
        while cpu_seconds(me) < before + 0.02 {
            sum = std::hint::black_box(sum.wrapping_add(1));
        }
        let (_, peak) = peak_memory_during(me, || thread::sleep(5 * SAMPLE));
        assert!(peak > 0.1);
    }
}
