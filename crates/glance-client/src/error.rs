//! The one error of this crate.

use std::error::Error as StdError;
use std::fmt;

/// What went wrong, as a stable value to match on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum ErrorKind {
    /// 400: the server found the request wrong.
    BadRequest,
    /// 401: the token is missing, wrong or expired.
    Unauthorized,
    /// 403: the caller may not do this.
    Forbidden,
    /// 404: no such image, or not for this caller.
    NotFound,
    /// 409: the image's state does not allow it.
    Conflict,
    /// 413: a quota or a size limit.
    OverLimit,
    /// 416: a byte range outside of the image.
    RangeNotSatisfiable,
    /// 503: the server is overloaded or lacks a backend.
    Unavailable,
    /// Another 5xx: the server failed.
    Server,
    /// Another status than those above.
    Status,
    /// No connection to the server.
    Connect,
    /// The server said nothing, or took nothing, for the whole timeout.
    Timeout,
    /// The connection broke.
    Transport,
    /// The server's answer is not what the API promises.
    Protocol,
    /// The caller's arguments make no request.
    Invalid,
    /// The data to send could not be read.
    Source,
    /// The data that arrived has another digest than the image.
    Corrupt,
}

/// A failed request or transfer.
#[derive(Debug)]
pub struct Error {
    kind: ErrorKind,
    status: Option<u16>,
    message: String,
    request_id: Option<String>,
    source: Option<Box<dyn StdError + Send + Sync>>,
}

impl Error {
    pub(crate) fn new(kind: ErrorKind, message: impl Into<String>) -> Self {
        Self { kind, status: None, message: message.into(), request_id: None, source: None }
    }

    pub(crate) fn with_source(mut self, source: impl Into<Box<dyn StdError + Send + Sync>>) -> Self {
        self.source = Some(source.into());
        self
    }

    pub(crate) fn from_status(status: u16, message: String, request_id: Option<String>) -> Self {
        Self { kind: ErrorKind::of_status(status), status: Some(status), message, request_id, source: None }
    }

    /// What went wrong, to match on.
    pub fn kind(&self) -> ErrorKind {
        self.kind
    }

    /// The status of the server's answer, when it answered.
    pub fn status(&self) -> Option<u16> {
        self.status
    }

    /// The server's own words or, when it did not answer, ours.
    pub fn message(&self) -> &str {
        &self.message
    }

    /// The id under which the server logged the request.
    pub fn request_id(&self) -> Option<&str> {
        self.request_id.as_deref()
    }
}

impl ErrorKind {
    fn of_status(status: u16) -> Self {
        match status {
            400 => Self::BadRequest,
            401 => Self::Unauthorized,
            403 => Self::Forbidden,
            404 => Self::NotFound,
            409 => Self::Conflict,
            413 => Self::OverLimit,
            416 => Self::RangeNotSatisfiable,
            503 => Self::Unavailable,
            500..=599 => Self::Server,
            _ => Self::Status,
        }
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.status.is_some() {
            f.write_str("HTTP ")?;
        }
        f.write_str(&self.message)
    }
}

impl StdError for Error {
    fn source(&self) -> Option<&(dyn StdError + 'static)> {
        self.source.as_deref().map(|source| source as _)
    }
}
