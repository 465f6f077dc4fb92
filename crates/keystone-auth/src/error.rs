//! The error of this crate.

use std::path::Path;

/// What went wrong, as a stable value to match on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum ErrorKind {
    /// A configuration file exists but cannot be read.
    Unreadable,
    /// A configuration file or an option has a value that makes no sense.
    Invalid,
    /// The named cloud or vendor profile is in no configuration file.
    UnknownCloud,
    /// An authentication method lacks an option that it needs.
    Incomplete,
    /// The authentication method is known, but this program cannot use it.
    Unsupported,
    /// The identity service does not accept the credentials.
    Rejected,
    /// The identity service cannot be reached, or what it answers makes no sense.
    Unavailable,
}

/// A configuration that cannot be used or an identity service that does not help, with a message for people.
#[derive(Debug, thiserror::Error)]
#[error("{message}")]
pub struct Error {
    kind: ErrorKind,
    message: String,
    #[source]
    source: Option<Box<dyn std::error::Error + Send + Sync>>,
}

impl Error {
    pub(crate) fn new(kind: ErrorKind, message: impl Into<String>) -> Self {
        Self { kind, message: message.into(), source: None }
    }

    pub(crate) fn with_source(mut self, source: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> Self {
        self.source = Some(source.into());
        self
    }

    pub(crate) fn in_file(
        kind: ErrorKind,
        path: &Path,
        source: impl Into<Box<dyn std::error::Error + Send + Sync>>,
    ) -> Self {
        let source = source.into();
        Self { kind, message: format!("{}: {source}", path.display()), source: Some(source) }
    }

    /// The stable kind of the error.
    pub fn kind(&self) -> ErrorKind {
        self.kind
    }
}
