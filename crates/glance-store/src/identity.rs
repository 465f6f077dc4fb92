//! How a store knows that it is itself, and not what is left when its file system is not mounted.

use async_trait::async_trait;

use crate::error::Result;

/// What a place of a store must hold for the store to use it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Expectation {
    /// The place is not judged.
    Anything,
    /// This identity, nothing else.
    Identity(String),
    /// Nothing will do until somebody decides: every operation fails as `Unavailable` with these words.
    Refused(String),
}

/// A store whose data is in places that can be mistaken for others, such as folders where something is mounted.
///
/// Each place holds its identity, which the catalogue knows, too. The store compares them before every operation.
#[async_trait]
pub trait Identified: Send + Sync {
    /// The places, by their names.
    fn places(&self) -> Vec<String>;

    /// The place of the object at `url` as it is written. Does no I/O.
    fn place_of(&self, url: &str) -> Option<String>;

    /// The identity that `place` holds.
    ///
    /// # Errors
    /// `Unavailable` when the place cannot be reached, `Config` when it holds something that is no identity.
    async fn read_identity(&self, place: &str) -> Result<Option<String>>;

    /// Gives `identity` to `place` unless it has one; returns the one that it has then.
    ///
    /// # Errors
    /// `Denied` when the place cannot be written, and as [`Identified::read_identity`].
    async fn write_identity(&self, place: &str, identity: &str) -> Result<String>;

    /// Whether one of the objects is in `place`, whatever is expected of it.
    ///
    /// # Errors
    /// `Unavailable` when the place cannot be reached.
    async fn holds_any(&self, place: &str, urls: Vec<String>) -> Result<bool>;

    /// Whether `place` holds no object, whatever is expected of it.
    ///
    /// # Errors
    /// `Unavailable` when the place cannot be reached.
    async fn is_empty(&self, place: &str) -> Result<bool>;

    /// From now on the store uses `place` only if it is as expected.
    fn expect(&self, place: &str, expectation: Expectation);
}
