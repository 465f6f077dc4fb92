//! Where image bytes live: the seam to the back ends, the registry of named stores, and the drivers.

pub mod budget;
#[cfg(any(test, feature = "conformance"))]
pub mod conformance;
pub mod error;
#[cfg(feature = "http")]
pub mod fetch;
#[cfg(feature = "file")]
pub mod file;
#[cfg(feature = "http")]
pub mod http;
pub mod identity;
pub mod registry;
pub mod store;
pub mod survey;

pub use budget::{Budget, Share};
pub use error::{Error, Kind, Outcome, Result};
pub use identity::{Expectation, Identified};
pub use registry::{StoreEntry, Stores};
pub use store::{
    Access, ByteRange, ByteStream, Capabilities, Hold, Journal, NewObject, NoJournal, Object, Phase, Store,
    StoreContext, StoreWriter, Stored,
};
pub use survey::{Found, Survey, What};
