//! Identifiers as types, so that a project cannot be passed where an image is meant.

use std::fmt;

use crate::error::{Error, Result};

/// The identifier of an image: 1 to 36 characters.
///
/// New images get a UUID, but old catalogues hold other strings (Cactus had integers), so this is
/// not a UUID type. The characters are restricted to what is safe in a file name and a URL path,
/// because stores name objects after images.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct ImageId(String);

impl ImageId {
    /// The longest identifier that the `images.id` column holds, in characters.
    pub const MAX_CHARS: usize = 36;

    /// Checks `text`.
    ///
    /// # Errors
    /// [`Error::InvalidId`] when it is empty, longer than 36 characters, starts with a dot or holds
    /// anything but ASCII letters, digits, `-`, `_` and `.`.
    pub fn parse(text: &str) -> Result<Self> {
        let safe = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.');
        let ok = !text.is_empty() && text.len() <= Self::MAX_CHARS && !text.starts_with('.') && text.chars().all(safe);
        if ok { Ok(Self(text.to_owned())) } else { Err(Error::InvalidId) }
    }

    /// A new random (version 4) UUID.
    #[must_use]
    pub fn random() -> Self {
        Self(uuid::Uuid::new_v4().to_string())
    }

    /// The identifier as text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for ImageId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Declares a newtype over a string without rules of its own.
macro_rules! text_id {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
        pub struct $name(String);

        impl $name {
            /// Wraps `text` unchanged.
            pub fn new(text: impl Into<String>) -> Self {
                Self(text.into())
            }

            /// The identifier as text.
            #[must_use]
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }
    };
}

text_id! {
    /// A project (tenant) as Keystone names it.
    ProjectId
}
text_id! {
    /// The name of a configured store, such as `fast` in `enabled_backends = fast:file`.
    StoreId
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn image_ids_are_short_and_safe_in_paths() {
        for good in ["1", "71c675ab-d94f-49cd-a114-e12490b328d9", "a.b_c-D"] {
            assert_eq!(ImageId::parse(good).unwrap().as_str(), good);
        }
        let long = "x".repeat(37);
        for bad in ["", ".", "..", ".hidden", "a/b", "a b", "a\0b", "é", long.as_str()] {
            assert!(ImageId::parse(bad).is_err(), "{bad:?}");
        }
    }

    #[test]
    fn random_ids_differ_and_are_valid() {
        let (a, b) = (ImageId::random(), ImageId::random());
        assert_ne!(a, b);
        assert_eq!(ImageId::parse(a.as_str()).unwrap(), a);
    }
}
