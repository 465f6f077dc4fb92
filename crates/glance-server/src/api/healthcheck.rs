//! `/healthcheck`: whether this process can do its work.

use axum::body::Body;
use axum::response::{IntoResponse, Response};
use http::header::{CONTENT_TYPE, HeaderValue};
use http::{Method, StatusCode};

use crate::api::error::Refusal;
use crate::app::SharedApp;

/// `OK` while the catalogue answers, 503 otherwise.
pub async fn show(app: &SharedApp, method: &Method) -> Response {
    if method != Method::GET && method != Method::HEAD {
        return Refusal::method_not_allowed(method, "GET, HEAD").into_response();
    }
    let (status, text) = match app.db.ping().await {
        Ok(()) => (StatusCode::OK, "OK"),
        Err(error) => {
            tracing::warn!(%error, "the catalogue does not answer the health check");
            (StatusCode::SERVICE_UNAVAILABLE, "The catalogue does not answer")
        }
    };
    let mut response = Response::new(Body::from(text));
    *response.status_mut() = status;
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("text/plain; charset=UTF-8"));
    response
}
