//! The outcomes of a use case that are not success.
//!
//! A use case decides what a failure below means *there* (an unknown store is a bad request on upload and a conflict on
//! import); `api::error` only renders. Messages are for the client: no location URL, no path, no secret.

use std::error::Error as StdError;
use std::fmt;

/// The result of a use case.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// What the client is told: an explanation that replaces the standard sentence of the status, or a detail under it.
///
/// Glance's answers differ in which of the two they use, and clients show both.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Text {
    /// Instead of the standard sentence.
    Explanation(String),
    /// After the standard sentence.
    Detail(String),
}

impl Text {
    /// The words themselves.
    #[must_use]
    pub fn as_str(&self) -> &str {
        match self {
            Self::Explanation(text) | Self::Detail(text) => text,
        }
    }
}

impl From<String> for Text {
    fn from(text: String) -> Self {
        Self::Explanation(text)
    }
}

impl From<&str> for Text {
    fn from(text: &str) -> Self {
        Self::Explanation(text.to_owned())
    }
}

impl fmt::Display for Text {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// Why a use case did not do what was asked.
#[derive(Debug)]
pub enum Error {
    /// The request makes no sense: malformed, out of range, unknown words.
    Invalid(Text),
    /// Nobody has said who is asking.
    Unauthenticated(Text),
    /// Understood and refused.
    Forbidden(Text),
    /// There is no such thing, or the caller may not know of it.
    NotFound(Text),
    /// The state of the image does not allow it now.
    Conflict(Text),
    /// It was there and is no longer, or the store takes nothing.
    Gone(Text),
    /// Too large or too many.
    LimitExceeded(Text),
    /// The data is not what it is said to be, or not acceptable.
    UnacceptableData(Text),
    /// The asked part of the data does not exist.
    RangeNotSatisfiable(Text),
    /// A part that the service depends on does not answer; trying again may help.
    Unavailable(Text),
    /// A fault of the service. The client sees a fixed sentence, the log the whole chain.
    Internal(Box<dyn StdError + Send + Sync>),
}

impl Error {
    /// A fault of the service with its cause.
    pub fn internal(cause: impl Into<Box<dyn StdError + Send + Sync>>) -> Self {
        Self::Internal(cause.into())
    }

    /// The standard "there is no such image".
    #[must_use]
    pub fn no_image(id: impl fmt::Display) -> Self {
        Self::NotFound(format!("No image found with ID {id}").into())
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Invalid(text)
            | Self::Unauthenticated(text)
            | Self::Forbidden(text)
            | Self::NotFound(text)
            | Self::Conflict(text)
            | Self::Gone(text)
            | Self::LimitExceeded(text)
            | Self::UnacceptableData(text)
            | Self::RangeNotSatisfiable(text)
            | Self::Unavailable(text) => text.fmt(f),
            Self::Internal(cause) => cause.fmt(f),
        }
    }
}

impl StdError for Error {
    fn source(&self) -> Option<&(dyn StdError + 'static)> {
        match self {
            Self::Internal(cause) => cause.source(),
            _ => None,
        }
    }
}

impl From<glance_domain::Error> for Error {
    fn from(error: glance_domain::Error) -> Self {
        use glance_domain::Error as Rule;
        let text = Text::from(error.to_string());
        match error {
            Rule::InvalidId | Rule::Invalid(_) => Self::Invalid(text),
            Rule::ReadOnly(_) | Rule::Reserved(_) | Rule::Forbidden(_) => Self::Forbidden(text),
            Rule::Conflict(_) | Rule::Transition { .. } => Self::Conflict(text),
            Rule::LimitExceeded(_) => Self::LimitExceeded(text),
        }
    }
}

/// What the catalogue's failures mean where nothing more special is said.
impl From<glance_db::Error> for Error {
    fn from(error: glance_db::Error) -> Self {
        use glance_db::Kind;
        match error.kind() {
            Kind::NotFound => Self::NotFound("The resource could not be found.".into()),
            Kind::Duplicate | Kind::Conflict => {
                Self::Conflict("The image was changed by another request at the same time.".into())
            }
            Kind::Gone => Self::Gone("The image was deleted.".into()),
            Kind::Fenced => Self::Unavailable("Another node has taken over from this one. Please try again.".into()),
            Kind::MarkerUnknown => Self::Invalid("Invalid marker. Image could not be found.".into()),
            Kind::MarkerInvisible => Self::Forbidden("Forbidding request, image not visible".into()),
            Kind::Unavailable => Self::Unavailable("The catalogue cannot be reached. Please try again later.".into()),
            Kind::LimitReached => Self::LimitExceeded("A limit of the service is reached.".into()),
            Kind::Invalid | Kind::Corrupt | Kind::Internal => Self::internal(error),
        }
    }
}
