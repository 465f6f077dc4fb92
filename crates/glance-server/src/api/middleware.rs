//! What happens to every request on its way to a route, one file for each paste filter.

pub mod auth_token;
pub mod context;
pub mod cors;
pub mod http_basic;
pub mod proxy;
pub mod request_id;
pub mod version_negotiation;

use std::sync::Arc;

use crate::app::identity::Identity;

/// What an authenticating filter found out, kept beside the request: who it is, or that nobody knows.
#[derive(Clone, Debug)]
pub struct Authenticated(pub Option<Arc<Identity>>);
