//! What the catalogue answers when it cannot do what was asked.
//!
//! Callers decide by [`Kind`]; the message and the chain of sources are for the log. Neither ever
//! holds the database's URL or password.

use std::fmt;

/// The result of a catalogue operation.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// What kind of failure it is; callers match on this.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Kind {
    /// No such row, or it is deleted, or the viewer may not know of it.
    NotFound,
    /// The identifier or the pair is taken.
    Duplicate,
    /// The row is not in the state that the caller expected; somebody else was faster.
    Conflict,
    /// The image was deleted while its data was being uploaded.
    Gone,
    /// The marker of a list names no live image.
    MarkerUnknown,
    /// The marker of a list names an image that the viewer must not see.
    MarkerInvisible,
    /// The database does not answer, or every connection stays busy; trying again later may help.
    Unavailable,
    /// The settings or an argument make no sense.
    Invalid,
    /// The database holds something that this service cannot have written and cannot understand.
    Corrupt,
    /// Anything else: a defect here, or a statement that the database refuses.
    Internal,
}

/// A failed catalogue operation.
#[derive(Debug)]
pub struct Error {
    kind: Kind,
    message: String,
    source: Option<Box<dyn std::error::Error + Send + Sync>>,
}

impl Error {
    pub(crate) fn new(kind: Kind, message: impl Into<String>) -> Self {
        Self { kind, message: message.into(), source: None }
    }

    pub(crate) fn caused_by(mut self, source: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> Self {
        self.source = Some(source.into());
        self
    }

    /// What kind of failure it is.
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

impl std::error::Error for Error {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        self.source.as_deref().map(|source| source as _)
    }
}
