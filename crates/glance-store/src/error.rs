//! What goes wrong in stores.

use std::error::Error as StdError;
use std::fmt;

/// The result of a store operation.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// The stable kind of a store [`Error`]; use cases decide by it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Kind {
    /// There is no such object.
    NotFound,
    /// The object exists already.
    Duplicate,
    /// No space left.
    Full,
    /// The back end refuses the service access.
    Denied,
    /// The store takes no new data or deletes none.
    ReadOnly,
    /// Reading from the middle is not possible.
    NoRandomAccess,
    /// Something depends on the object.
    InUse,
    /// The object has snapshots of its own.
    HasSnapshots,
    /// The location URI is malformed, foreign or not permitted.
    BadLocation,
    /// No store of that name is configured.
    UnknownStore,
    /// No store reads URIs of that scheme.
    UnknownScheme,
    /// The back end cannot do that.
    Unsupported,
    /// The configuration of the store is wrong.
    Config,
    /// The back end does not answer in time.
    Timeout,
    /// The back end fails.
    Unavailable,
}

/// What is known about an operation that failed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Outcome {
    /// It certainly did not take place: the store refused it, or it was never sent.
    NotDone,
    /// There is certainly nothing that it could act on.
    Nothing,
    /// It may have taken place, or may still do.
    Unknown,
}

impl Kind {
    /// What an error of this kind says about the operation.
    #[must_use]
    pub fn outcome(self) -> Outcome {
        match self {
            Self::NotFound => Outcome::Nothing,
            Self::Timeout | Self::Unavailable => Outcome::Unknown,
            Self::Duplicate
            | Self::Full
            | Self::Denied
            | Self::ReadOnly
            | Self::NoRandomAccess
            | Self::InUse
            | Self::HasSnapshots
            | Self::BadLocation
            | Self::UnknownStore
            | Self::UnknownScheme
            | Self::Unsupported
            | Self::Config => Outcome::NotDone,
        }
    }
}

/// A failed store operation.
///
/// The message is for the log: it may name paths of this machine, never credentials.
pub struct Error {
    kind: Kind,
    message: String,
    source: Option<Box<dyn StdError + Send + Sync>>,
}

impl Error {
    /// An error of `kind` with a message for the log.
    pub fn new(kind: Kind, message: impl Into<String>) -> Self {
        Self { kind, message: message.into(), source: None }
    }

    /// Adds the cause.
    #[must_use]
    pub fn with_source(mut self, source: impl Into<Box<dyn StdError + Send + Sync>>) -> Self {
        self.source = Some(source.into());
        self
    }

    /// What is known about the operation.
    #[must_use]
    pub fn outcome(&self) -> Outcome {
        self.kind.outcome()
    }

    /// The kind.
    #[must_use]
    pub fn kind(&self) -> Kind {
        self.kind
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl fmt::Debug for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?}: {}", self.kind, self.message)?;
        self.source.as_ref().map_or(Ok(()), |source| write!(f, ": {source:?}"))
    }
}

impl StdError for Error {
    fn source(&self) -> Option<&(dyn StdError + 'static)> {
        self.source.as_ref().map(|source| &**source as _)
    }
}
