//! Waiting for conditions, never for time to pass.

use std::thread;
use std::time::{Duration, Instant};

/// How long anything may take that is expected to happen soon.
pub const SOON: Duration = Duration::from_secs(30);

/// Returns what `look` finds, looking again until there is something.
///
/// # Panics
/// When there is nothing after [`SOON`].
pub fn until<T>(what: &str, look: impl FnMut() -> Option<T>) -> T {
    until_within(SOON, what, look)
}

/// As [`until`], for what takes longer.
///
/// # Panics
/// When there is nothing after `limit`.
pub fn until_within<T>(limit: Duration, what: &str, mut look: impl FnMut() -> Option<T>) -> T {
    let start = Instant::now();
    loop {
        if let Some(found) = look() {
            return found;
        }
        assert!(start.elapsed() < limit, "after {limit:?} still not: {what}");
        thread::sleep(Duration::from_millis(10));
    }
}
