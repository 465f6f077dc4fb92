//! What audits see of a store.

use std::pin::Pin;

use futures_util::Stream;
use glance_domain::ImageId;

use crate::error::Result;

/// Something that a store holds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Found {
    /// What it is.
    pub what: What,
    /// Its name in the store.
    pub name: String,
    /// Where it is.
    pub url: String,
}

/// What something in a store is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum What {
    /// An object, visible under its name.
    Object,
    /// What an unfinished transfer has written.
    Draft {
        /// The image that the data is for.
        image: ImageId,
        /// The attempt.
        attempt: String,
    },
    /// Nothing that a driver of this service or of Glance would write.
    Unknown,
}

/// All that a store holds, in batches.
pub type Survey = Pin<Box<dyn Stream<Item = Result<Vec<Found>>> + Send>>;
