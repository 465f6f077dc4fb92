//! Lines on standard error that tell somebody who watches how far long work is.

use std::fmt;
use std::io::{IsTerminal as _, Write, stderr};
use std::time::{Duration, Instant};

/// Nobody reads faster.
const INTERVAL: Duration = Duration::from_secs(1);

/// How far some work is.
pub(super) struct Progress {
    /// `None` when nobody watches.
    out: Option<Box<dyn Write + Send>>,
    last: Instant,
}

impl Progress {
    /// Tells it on standard error, if that is a terminal.
    pub(super) fn new() -> Self {
        let out = stderr().is_terminal().then(|| Box::new(stderr()) as Box<dyn Write + Send>);
        Self { out, last: Instant::now() }
    }

    /// Tells it, unless something was told just now.
    pub(super) fn tell(&mut self, text: fmt::Arguments<'_>) {
        let Some(out) = self.out.as_mut().filter(|_| self.last.elapsed() >= INTERVAL) else { return };
        self.last = Instant::now();
        // Work goes on when the terminal is gone.
        let _ = writeln!(out, "{text}");
    }
}

#[cfg(test)]
mod tests {
    use std::sync::{Arc, Mutex};

    use super::*;

    #[derive(Clone, Default)]
    struct Shown(Arc<Mutex<Vec<u8>>>);

    impl Write for Shown {
        fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
            self.0.lock().unwrap().write(bytes)
        }

        fn flush(&mut self) -> std::io::Result<()> {
            Ok(())
        }
    }

    #[test]
    fn tells_no_more_than_can_be_read() {
        let shown = Shown::default();
        let mut progress = Progress { out: Some(Box::new(shown.clone())), last: Instant::now() };
        progress.tell(format_args!("too early"));
        progress.last -= INTERVAL;
        progress.tell(format_args!("table: {} rows", 7));
        progress.tell(format_args!("too early again"));
        assert_eq!(*shown.0.lock().unwrap(), b"table: 7 rows\n");
    }
}
