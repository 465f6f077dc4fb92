//! The versions of the API: which are listed, which are understood.
//!
//! The order of the list is Python Glance's, because clients have been seen to take the first or last entry.

use axum::body::Body;
use axum::response::Response;
use http::header::{CONTENT_TYPE, HeaderValue};
use http::{Request, StatusCode};
use serde_json::{Value, json};

use crate::api::middleware::proxy;
use crate::config::Config;

/// The versions in listing order, with their status.
fn listed(config: &Config) -> Vec<(&'static str, &'static str)> {
    const SUPPORTED: &str = "SUPPORTED";
    let mut versions = Vec::new();
    if config.api.caching {
        versions.push(("v2.18", "CURRENT"));
        versions.extend(["v2.17", "v2.16", "v2.15", "v2.14"].map(|version| (version, SUPPORTED)));
    } else {
        versions.push(("v2.15", SUPPORTED));
    }
    if config.api.multi_store {
        versions.extend(["v2.13", "v2.12", "v2.11", "v2.10", "v2.9", "v2.8"].map(|version| (version, SUPPORTED)));
    } else {
        versions.push(("v2.9", SUPPORTED));
    }
    if !config.api.caching {
        versions.push(("v2.17", "CURRENT"));
    }
    versions
        .extend(["v2.7", "v2.6", "v2.5", "v2.4", "v2.3", "v2.2", "v2.1", "v2.0"].map(|version| (version, SUPPORTED)));
    versions
}

/// Whether `segment` (`v2`, `v2.7`) names a version that this deployment understands.
#[must_use]
pub fn is_known(config: &Config, segment: &str) -> bool {
    segment == "v2" || listed(config).iter().any(|(version, _)| *version == segment)
}

/// The list of versions.
#[must_use]
pub fn index(config: &Config, request: &Request<Body>, status: StatusCode) -> Response {
    let href = format!("{}/v2/", proxy::base_url(&config.api, request));
    let versions: Vec<Value> = listed(config)
        .into_iter()
        .map(|(id, status)| json!({"id": id, "status": status, "links": [{"rel": "self", "href": href}]}))
        .collect();
    let mut response = Response::new(Body::from(json!({"versions": versions}).to_string()));
    *response.status_mut() = status;
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    response
}
