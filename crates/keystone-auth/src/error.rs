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
}

/// A configuration that cannot be used, with a message for the person who wrote it.
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
