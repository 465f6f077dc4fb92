//! Images that somebody else keeps behind HTTP. They can be read, from the start to the end, and nothing else.

mod addresses;
mod location;
mod options;
mod store;
#[cfg(test)]
mod tests;

pub use addresses::AddressFilter;
pub use options::HttpOptions;
pub use store::HttpStore;
