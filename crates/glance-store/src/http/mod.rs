//! Images that somebody else keeps behind HTTP. They can be read, from the start to the end, and nothing else.

mod location;
mod store;
#[cfg(test)]
mod tests;

pub use store::HttpStore;
