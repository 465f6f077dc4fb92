//! Following URLs that users name: the one way of the service to servers that it was not configured to ask.
//!
//! Whatever a user can make the service ask could be asked of the service's own machine or of a cloud's metadata
//! service. So a URL is judged as it is written, its host is resolved here, connections are made to addresses that were
//! judged, and each redirect is judged as if the user had named it.

mod address;
mod fetcher;
mod filter;
mod names;
#[cfg(test)]
pub(crate) mod server;
#[cfg(test)]
mod tests;

pub use address::{Network, network_of};
pub use fetcher::{Fetch, FetchOptions, Fetcher, Redirects};
pub use filter::UrlFilter;
