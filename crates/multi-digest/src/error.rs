//! Why a state cannot be imported.

use std::fmt;

/// The bytes are no exported state.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum ImportError {
    /// The state has a version that this crate does not know.
    Version(u8),
    /// The state is of an algorithm that this crate does not know.
    Algorithm(u8),
    /// There are too few bytes, or too many.
    Length,
}

impl fmt::Display for ImportError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Version(version) => write!(f, "the digest's state has the unknown version {version}"),
            Self::Algorithm(code) => write!(f, "the digest's state is of the unknown algorithm {code}"),
            Self::Length => f.write_str("the digest's state has the wrong length"),
        }
    }
}

impl std::error::Error for ImportError {}
