//! Definitions of metadata as files hold them, and their way into the catalogue and out of it.

mod definition;
mod export;
mod load;

pub use definition::{Association, Definition, Named, ObjectDefinition};
pub use load::{Loaded, Merge};
