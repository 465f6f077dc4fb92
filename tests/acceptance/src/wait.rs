//! Waiting for conditions, never for time to pass.

use std::thread;
use std::time::{Duration, Instant};

/// How long anything may take that is expected to happen soon.
pub const SOON: Duration = Duration::from_secs(30);

/// Returns what `look` finds, looking again until there is something.
///
/// # Panics
/// When there is nothing after [`SOON`].
pub fn until<T>(what: &str, mut look: impl FnMut() -> Option<T>) -> T {
    let start = Instant::now();
    loop {
        if let Some(found) = look() {
            return found;
        }
        assert!(start.elapsed() < SOON, "after {SOON:?} still not: {what}");
        thread::sleep(Duration::from_millis(10));
    }
}
