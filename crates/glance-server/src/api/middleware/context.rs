//! Who asks. Without an authenticating filter every caller is an administrator.

use std::sync::Arc;

use axum::body::Body;
use http::Request;

use super::request_id;
use crate::app::context::RequestContext;
use crate::config::Config;

/// Gives the request its context.
pub fn insert(config: &Arc<Config>, request: &mut Request<Body>) {
    let id = request_id::choose(request.headers(), config.api.max_request_id_length);
    let context = RequestContext::administrator(id, config.api.open_project.clone(), config.clone());
    request.extensions_mut().insert(context);
}
