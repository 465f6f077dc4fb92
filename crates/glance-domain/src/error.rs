//! What a domain rule answers when it says no.

/// The result of a domain rule.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// A broken rule, in terms of the domain; the service decides which status that is.
///
/// The messages are complete sentences for the client, in the words that Glance's clients know.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    /// Not a possible image identifier.
    #[error("Invalid image id")]
    InvalidId,
    /// The document or a value in it is not acceptable.
    #[error("{0}")]
    Invalid(String),
    /// The attribute exists but clients may not set it.
    #[error("Attribute '{0}' is read-only.")]
    ReadOnly(String),
    /// The attribute name is kept for the service.
    #[error("Attribute '{0}' is reserved.")]
    Reserved(String),
    /// The change is understood and refused.
    #[error("{0}")]
    Forbidden(String),
    /// The change does not fit what is there.
    #[error("{0}")]
    Conflict(String),
    /// The status does not allow the change.
    #[error("Image status transition from {from} to {to} is not allowed")]
    Transition {
        /// The present status.
        from: crate::Status,
        /// The status that was asked for.
        to: crate::Status,
    },
    /// More of something than the configuration permits.
    #[error("{0}")]
    LimitExceeded(String),
}
