//! Errors of the build tool: sentences for the person who runs it.

use std::fmt::Display;

/// A sentence that says what failed.
pub(crate) type Error = Box<dyn std::error::Error + Send + Sync>;

pub(crate) type Result<T, E = Error> = std::result::Result<T, E>;

/// Says what was being done when something failed.
pub(crate) trait Context<T> {
    /// Puts `doing` before the error's own words.
    fn context(self, doing: impl Display) -> Result<T>;
}

impl<T, E: Display> Context<T> for Result<T, E> {
    fn context(self, doing: impl Display) -> Result<T> {
        self.map_err(|error| format!("{doing}: {error}").into())
    }
}
