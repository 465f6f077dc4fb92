//! Where image bytes live: the seam to the back ends, the registry of named stores, and the drivers.

pub mod error;
pub mod store;

pub use error::{Error, Kind, Result};
pub use store::{
    Access, ByteRange, ByteStream, Capabilities, NewObject, Object, Phase, Store, StoreContext, StoreWriter, Stored,
};
