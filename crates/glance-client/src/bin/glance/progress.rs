//! A bar on standard error which shows how far a transfer is, how fast it goes and how long it takes.

use std::io::{IsTerminal, Write, stderr};

use indicatif::{ProgressBar, ProgressStyle};

const KNOWN: &str = "[{bar:30}] {percent:>3}% {bytes}/{total_bytes} {bytes_per_sec} {eta}";
const UNKNOWN: &str = "{spinner} {bytes} {bytes_per_sec} {elapsed}";

/// A bar for a transfer of `size` bytes of which `done` are over. It shows only when `wanted` and on a terminal.
pub(crate) fn bar(wanted: bool, size: Option<u64>, done: u64) -> ProgressBar {
    if !wanted || !stderr().is_terminal() {
        return ProgressBar::hidden();
    }
    let (bar, template) = match size {
        Some(size) => (ProgressBar::new(size), KNOWN),
        None => (ProgressBar::no_length(), UNKNOWN),
    };
    let style = ProgressStyle::with_template(template).map(|style| style.progress_chars("=> "));
    let bar = bar.with_style(style.unwrap_or_else(|_| ProgressStyle::default_bar()));
    bar.with_position(done)
}

/// Leaves the bar as it is, full or not, and goes to the next line.
pub(crate) fn end(bar: &ProgressBar, outcome: Outcome) {
    match outcome {
        Outcome::Complete => bar.finish(),
        Outcome::Broken => bar.abandon(),
    }
    if !bar.is_hidden() {
        // A bar that cannot be seen needs no line of its own.
        let _ = writeln!(stderr());
    }
}

/// How a transfer ended.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Outcome {
    Complete,
    Broken,
}

impl<T, E> From<&Result<T, E>> for Outcome {
    fn from(result: &Result<T, E>) -> Self {
        if result.is_ok() { Self::Complete } else { Self::Broken }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_templates_are_valid() {
        for template in [KNOWN, UNKNOWN] {
            ProgressStyle::with_template(template).unwrap();
        }
    }
}
