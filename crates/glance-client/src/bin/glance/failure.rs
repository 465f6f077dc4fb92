//! How a command ends: what it says on standard error, and its exit code.

use std::io::{self, Write};
use std::process::ExitCode;

use glance_client::ErrorKind;

use crate::output::printable;

/// Why a command did not do what it was asked to.
#[derive(Debug)]
pub(crate) enum Failure {
    /// The arguments make no sense: exit code 2.
    Usage(String),
    /// What the user must know: exit code 1.
    Message(String),
    /// It is on standard error already: exit code 1.
    Reported,
    /// The user pressed Ctrl-C.
    Interrupted,
    /// Whoever read standard output has enough of it, which is a normal end.
    ClosedPipe,
}

impl Failure {
    pub(crate) fn message(text: impl Into<String>) -> Self {
        Self::Message(text.into())
    }
}

impl From<glance_client::Error> for Failure {
    fn from(error: glance_client::Error) -> Self {
        match error.kind() {
            ErrorKind::Unauthorized => Self::message("Invalid OpenStack Identity credentials."),
            _ => Self::Message(error.to_string()),
        }
    }
}

impl From<keystone_auth::Error> for Failure {
    fn from(error: keystone_auth::Error) -> Self {
        Self::Message(error.to_string())
    }
}

impl From<io::Error> for Failure {
    fn from(error: io::Error) -> Self {
        match error.kind() {
            io::ErrorKind::BrokenPipe => Self::ClosedPipe,
            _ => Self::Message(error.to_string()),
        }
    }
}

/// Writes a line to standard error. When that is closed, there is nobody left to tell.
pub(crate) fn complain(text: &str) {
    let _ = writeln!(io::stderr().lock(), "{}", printable(text));
}

/// Says what there is to say, and the exit code.
pub(crate) fn exit_code(outcome: Result<(), Failure>) -> ExitCode {
    match outcome {
        Ok(()) | Err(Failure::ClosedPipe) => ExitCode::SUCCESS,
        Err(Failure::Reported) => ExitCode::FAILURE,
        Err(Failure::Message(text)) => {
            complain(&text);
            ExitCode::FAILURE
        }
        Err(Failure::Usage(text)) => {
            complain(&text);
            ExitCode::from(2)
        }
        Err(Failure::Interrupted) => {
            complain("... terminating glance client");
            ExitCode::from(130)
        }
    }
}
