//! API v2: one module for each noun; a handler parses, calls one use case and renders.

pub mod image_actions;
pub mod image_data;
pub mod image_locations;
pub mod image_members;
pub mod image_tags;
pub mod images;
pub mod info;
pub mod list_query;
pub mod range;
pub mod schemas;
pub mod stores;
pub mod view;

use axum::body::Body;
use axum::response::Response;
use http::StatusCode;
use http::header::{CONTENT_TYPE, HeaderValue};
use serde::Serialize;

use crate::api::error::Refusal;
use crate::app::error::Error;

/// What handlers return.
pub type Answer = Result<Response, Refusal>;

/// A JSON document as an answer.
fn json(status: StatusCode, document: &impl Serialize) -> Answer {
    let text = serde_json::to_vec(document).map_err(Error::internal)?;
    let mut response = Response::new(Body::from(text));
    *response.status_mut() = status;
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    Ok(response)
}

/// 204: done, nothing to say.
fn no_content() -> Answer {
    let mut response = Response::new(Body::empty());
    *response.status_mut() = StatusCode::NO_CONTENT;
    // Glance says so even of nothing.
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("text/html; charset=UTF-8"));
    Ok(response)
}
