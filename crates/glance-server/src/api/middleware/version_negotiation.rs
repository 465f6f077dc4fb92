//! Which version a client speaks: by the first segment of the path, or by `Accept`.
//!
//! All minor versions behave alike; what is not a version gets the list of versions.

use axum::body::Body;
use axum::response::{IntoResponse, Response};
use http::uri::{PathAndQuery, Uri};
use http::{Request, StatusCode, header};

use super::proxy;
use crate::api::versions;
use crate::config::Config;

const MEDIA_PREFIX: &str = "application/vnd.openstack.images-";

/// Rewrites the request's path to `/v2/…`, or answers it.
///
/// # Errors
/// The answer: the list of versions, or a redirect to `/v2/`.
pub fn negotiate(config: &Config, request: &mut Request<Body>) -> Result<(), Box<Response>> {
    let path = request.uri().path();
    if path == "/versions" {
        return Err(Box::new(versions::index(config, request, StatusCode::OK)));
    }
    let trimmed = path.trim_start_matches('/');
    let (first, rest) = trimmed.split_once('/').map_or((trimmed, None), |(first, rest)| (first, Some(rest)));
    let by_path = versions::is_known(config, first);
    let by_media = !by_path && accepts_known_version(config, request);
    if !by_path && !by_media {
        return Err(Box::new(versions::index(config, request, StatusCode::MULTIPLE_CHOICES)));
    }
    let Some(rest) = (if by_path { rest } else { Some(trimmed) }) else {
        let location = format!("{}/v2/", proxy::base_url(&config.api, request));
        return Err(Box::new((StatusCode::FOUND, [(header::LOCATION, location)]).into_response()));
    };
    let target = match request.uri().query() {
        Some(query) => format!("/v2/{rest}?{query}"),
        None => format!("/v2/{rest}"),
    };
    if let Ok(target) = target.parse::<PathAndQuery>() {
        let mut parts = std::mem::take(request.uri_mut()).into_parts();
        parts.path_and_query = Some(target);
        *request.uri_mut() = Uri::from_parts(parts).unwrap_or_default();
    }
    Ok(())
}

fn accepts_known_version(config: &Config, request: &Request<Body>) -> bool {
    let accept = request.headers().get(header::ACCEPT).and_then(|value| value.to_str().ok()).unwrap_or_default();
    accept
        .strip_prefix(MEDIA_PREFIX)
        .is_some_and(|version| versions::is_known(config, version.split(['+', ';', ',']).next().unwrap_or_default()))
}
