//! What a proxy in front says about the request it got, as oslo.middleware's filter `http_proxy_to_wsgi` takes it.
//!
//! It matters for links in answers. Whoever can send these headers decides what those links say, so they are looked at
//! only where the operator says that there is a proxy (`enable_proxy_headers_parsing`).

use axum::body::Body;
use http::header::{FORWARDED, HOST, HeaderValue};
use http::{HeaderMap, Request};

use crate::config::Api;
use crate::listen::Peer;

/// Under what the proxy was reached.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Forwarded {
    /// `http` or `https`, where the proxy says so.
    pub scheme: Option<&'static str>,
    /// The path in front of the service's own.
    pub prefix: String,
}

/// Takes the proxy's word: the host that the client named becomes the request's own.
///
/// Others than the trusted are not listened to; where nobody is at the other end of a connection, as in tests, all are.
pub fn apply(request: &mut Request<Body>) {
    if request.extensions().get::<Peer>().is_some_and(|peer| !peer.trusted) {
        return;
    }
    let headers = request.headers();
    let (scheme, host) = match text(headers, FORWARDED.as_str()) {
        Some(forwarded) => (parameter(forwarded, "proto"), parameter(forwarded, "host")),
        None => (text(headers, "x-forwarded-proto"), text(headers, "x-forwarded-host")),
    };
    let scheme = match scheme {
        Some("https") => Some("https"),
        Some("http") => Some("http"),
        _ => None,
    };
    let host = host.and_then(|host| HeaderValue::from_str(host).ok());
    let prefix = text(headers, "x-forwarded-prefix").unwrap_or_default().trim_end_matches('/').to_owned();
    if let Some(host) = host {
        request.headers_mut().insert(HOST, host);
    }
    request.extensions_mut().insert(Forwarded { scheme, prefix });
}

/// The URL under which the sender of the request reaches the service, without a slash at the end.
#[must_use]
pub fn base_url(api: &Api, request: &Request<Body>) -> String {
    match request.extensions().get::<Forwarded>() {
        Some(forwarded) => api.base_url_behind(request.headers(), forwarded.scheme, &forwarded.prefix),
        None => api.base_url(request.headers()),
    }
}

fn text<'a>(headers: &'a HeaderMap, name: &str) -> Option<&'a str> {
    headers.get(name)?.to_str().ok().filter(|text| !text.is_empty())
}

/// A parameter of the first proxy in a `Forwarded` header (RFC 7239).
fn parameter<'a>(forwarded: &'a str, name: &str) -> Option<&'a str> {
    let first = forwarded.split(',').next()?;
    let value = first.split(';').find_map(|pair| {
        let (key, value) = pair.split_once('=')?;
        key.trim().eq_ignore_ascii_case(name).then(|| value.trim().trim_matches('"'))
    });
    value.filter(|value| !value.is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn applied(pairs: &[(&str, &str)]) -> (Option<String>, Forwarded) {
        let mut request = Request::builder().header("host", "inside");
        for (name, value) in pairs {
            request = request.header(*name, *value);
        }
        let mut request = request.body(Body::empty()).unwrap();
        apply(&mut request);
        let host = request.headers().get(HOST).map(|value| value.to_str().unwrap().to_owned());
        (host, request.extensions().get::<Forwarded>().cloned().unwrap())
    }

    #[test]
    fn the_first_proxy_counts() {
        let (host, forwarded) = applied(&[("forwarded", "for=1.2.3.4;Proto=https; host=\"a:1\", host=b;proto=http")]);
        assert_eq!((host.as_deref(), forwarded.scheme), (Some("a:1"), Some("https")));
        let (host, forwarded) = applied(&[("x-forwarded-proto", "https"), ("x-forwarded-prefix", "/image/")]);
        assert_eq!((host.as_deref(), forwarded.scheme), (Some("inside"), Some("https")));
        assert_eq!(forwarded.prefix, "/image");
        assert_eq!(applied(&[("x-forwarded-proto", "javascript")]).1, Forwarded::default());
    }

    #[test]
    fn strangers_are_not_believed() {
        let mut request = Request::builder().header("host", "inside").header("x-forwarded-host", "evil");
        request = request.extension(Peer { address: None, encrypted: false, trusted: false });
        let mut request = request.body(Body::empty()).unwrap();
        apply(&mut request);
        assert_eq!(request.headers()[HOST], "inside");
        assert!(request.extensions().get::<Forwarded>().is_none());
    }
}
