//! What happens to every request on its way to a route, one file for each paste filter.

pub mod context;
pub mod request_id;
pub mod version_negotiation;
