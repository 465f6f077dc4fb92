//! Request ids: taken from the client or made, shown in the answer and in the log.

use axum::body::Body;
use axum::response::Response;
use http::header::{HeaderName, HeaderValue};
use http::{HeaderMap, Request};

use crate::app::context::RequestContext;

/// The header in both directions.
pub const HEADER: HeaderName = HeaderName::from_static("x-openstack-request-id");

/// The id of a request: the client's, always starting with `req-`, or a new one.
///
/// A client's id that is longer than `most` characters or holds anything but visible ASCII is replaced.
#[must_use]
pub fn choose(headers: &HeaderMap, most: usize) -> String {
    let given = headers.get(HEADER).and_then(|value| value.to_str().ok()).map(str::trim);
    match given.filter(|id| !id.is_empty() && id.len() <= most && id.bytes().all(|byte| byte.is_ascii_graphic())) {
        Some(id) if id.starts_with("req-") => id.to_owned(),
        Some(id) => format!("req-{id}"),
        None => format!("req-{}", uuid::Uuid::new_v4()),
    }
}

/// The id that the context filter gave the request.
#[must_use]
pub fn of(request: &Request<Body>) -> String {
    request.extensions().get::<RequestContext>().map(|context| context.request_id.clone()).unwrap_or_default()
}

/// Shows the id in the answer.
pub fn add(response: &mut Response, id: &str) {
    if let Ok(value) = HeaderValue::from_str(id) {
        response.headers_mut().insert(HEADER, value);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_are_taken_over_or_made() {
        let chosen = |id: &'static str| {
            let headers = HeaderMap::from_iter([(HEADER, HeaderValue::from_static(id))]);
            choose(&headers, 64)
        };
        assert_eq!(chosen("abc"), "req-abc");
        assert_eq!(chosen("req-abc"), "req-abc");
        let long = "x".repeat(65);
        let headers = HeaderMap::from_iter([(HEADER, HeaderValue::from_str(&long).unwrap())]);
        assert_eq!(choose(&headers, 64).len(), "req-".len() + 36);
        assert_eq!(choose(&HeaderMap::new(), 64).len(), "req-".len() + 36);
    }
}
