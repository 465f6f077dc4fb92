//! Cross-origin requests: what browsers may do on behalf of other sites, as oslo.middleware's filter `cors` decides it.

use axum::body::Body;
use axum::response::Response;
use http::header::{
    ACCESS_CONTROL_ALLOW_CREDENTIALS, ACCESS_CONTROL_ALLOW_HEADERS, ACCESS_CONTROL_ALLOW_METHODS,
    ACCESS_CONTROL_ALLOW_ORIGIN, ACCESS_CONTROL_EXPOSE_HEADERS, ACCESS_CONTROL_MAX_AGE, ACCESS_CONTROL_REQUEST_HEADERS,
    ACCESS_CONTROL_REQUEST_METHOD, HeaderName, HeaderValue, ORIGIN, VARY,
};
use http::{HeaderMap, Method, Request};

/// Headers that every request may have.
const SIMPLE: [&str; 8] = [
    "accept",
    "accept-language",
    "content-type",
    "cache-control",
    "content-language",
    "expires",
    "last-modified",
    "pragma",
];

/// The sites that may send requests, and which ones.
#[derive(Clone, Debug, Default)]
pub struct Cors {
    /// In the order in which they are looked through.
    pub sites: Vec<Sites>,
}

/// Sites that are treated alike: the options of one section `[cors]` or `[cors.NAME]`.
#[derive(Clone, Debug, Default)]
#[expect(missing_docs, reason = "the names of oslo.middleware's options")]
pub struct Sites {
    pub allowed_origin: Vec<String>,
    pub allow_credentials: bool,
    pub expose_headers: Vec<String>,
    pub max_age: u64,
    pub allow_methods: Vec<String>,
    pub allow_headers: Vec<String>,
}

/// What of a request matters for its answer.
#[derive(Clone, Debug, Default)]
pub struct Origin {
    value: Option<HeaderValue>,
    preflight: Option<(String, Vec<String>)>,
}

impl Origin {
    /// Looks at a request before it is answered.
    #[must_use]
    pub fn of(request: &Request<Body>) -> Self {
        let headers = request.headers();
        let preflight = (request.method() == Method::OPTIONS)
            .then(|| Some((text(headers, &ACCESS_CONTROL_REQUEST_METHOD)?, wanted_headers(headers))))
            .flatten();
        Self { value: headers.get(ORIGIN).cloned(), preflight }
    }
}

fn wanted_headers(headers: &HeaderMap) -> Vec<String> {
    let all = text(headers, &ACCESS_CONTROL_REQUEST_HEADERS).unwrap_or_default();
    all.split(',').map(str::trim).filter(|name| !name.is_empty()).map(str::to_owned).collect()
}

fn text(headers: &HeaderMap, name: &HeaderName) -> Option<String> {
    headers.get(name)?.to_str().ok().map(str::to_owned)
}

impl Cors {
    /// Adds what browsers want to know to the answer of a request with this method and origin.
    pub fn decorate(&self, method: &Method, origin: &Origin, response: &mut Response) {
        if response.headers().contains_key(ACCESS_CONTROL_ALLOW_ORIGIN) {
            return;
        }
        let Some((value, sites)) = self.sites_of(origin) else { return };
        let headers = match (method == Method::OPTIONS, &origin.preflight) {
            (true, Some((wanted, names))) => match sites.preflight(wanted, names) {
                Some(headers) => headers,
                None => return,
            },
            (true, None) => return,
            (false, _) => vec![(ACCESS_CONTROL_EXPOSE_HEADERS, sites.expose_headers.join(","))],
        };
        let answer = response.headers_mut();
        answer.insert(VARY, HeaderValue::from_static("Origin"));
        answer.insert(ACCESS_CONTROL_ALLOW_ORIGIN, value);
        if sites.allow_credentials {
            answer.insert(ACCESS_CONTROL_ALLOW_CREDENTIALS, HeaderValue::from_static("true"));
        }
        for (name, value) in headers.into_iter().filter(|(_, value)| !value.is_empty()) {
            if let Ok(value) = HeaderValue::from_str(&value) {
                answer.insert(name, value);
            }
        }
    }

    /// The sites that the request comes from, and what they are called in the answer.
    fn sites_of(&self, origin: &Origin) -> Option<(HeaderValue, &Sites)> {
        let value = origin.value.as_ref()?;
        let asked = value.to_str().ok()?;
        let named = |name: &str| self.sites.iter().find(|sites| sites.allowed_origin.iter().any(|known| known == name));
        match named(asked) {
            Some(sites) => Some((value.clone(), sites)),
            None => named("*").map(|sites| (HeaderValue::from_static("*"), sites)),
        }
    }
}

impl Sites {
    fn preflight(&self, method: &str, names: &[String]) -> Option<Vec<(HeaderName, String)>> {
        let may_have = |name: &String| {
            SIMPLE.iter().any(|known| name.eq_ignore_ascii_case(known))
                || self.allow_headers.iter().any(|known| name.eq_ignore_ascii_case(known))
        };
        if !self.allow_methods.iter().any(|known| known == method) || !names.iter().all(may_have) {
            return None;
        }
        let age = if self.max_age > 0 { self.max_age.to_string() } else { String::new() };
        Some(vec![
            (ACCESS_CONTROL_MAX_AGE, age),
            (ACCESS_CONTROL_ALLOW_METHODS, method.to_owned()),
            (ACCESS_CONTROL_ALLOW_HEADERS, names.join(",")),
        ])
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn answer(method: Method, pairs: &[(&'static str, &'static str)]) -> HeaderMap {
        let site = Sites {
            allowed_origin: vec!["https://a".to_owned()],
            allow_credentials: true,
            expose_headers: vec!["X-One".to_owned(), "X-Two".to_owned()],
            max_age: 60,
            allow_methods: vec!["GET".to_owned()],
            allow_headers: vec!["X-Auth-Token".to_owned()],
        };
        let cors = Cors { sites: vec![site] };
        let mut request = Request::builder().method(method.clone());
        for (name, value) in pairs {
            request = request.header(*name, *value);
        }
        let mut response = Response::new(Body::empty());
        cors.decorate(&method, &Origin::of(&request.body(Body::empty()).unwrap()), &mut response);
        response.headers().clone()
    }

    #[test]
    fn a_request_from_a_known_site_may_be_read_there() {
        let headers = answer(Method::GET, &[("origin", "https://a")]);
        assert_eq!(headers["access-control-allow-origin"], "https://a");
        assert_eq!(headers["access-control-allow-credentials"], "true");
        assert_eq!(headers["access-control-expose-headers"], "X-One,X-Two");
        assert_eq!(headers["vary"], "Origin");
        assert!(answer(Method::GET, &[("origin", "https://b")]).is_empty());
        assert!(answer(Method::GET, &[]).is_empty());
    }

    #[test]
    fn browsers_may_ask_beforehand() {
        let asks = |method, names| {
            let pairs = [
                ("origin", "https://a"),
                ("access-control-request-method", method),
                ("access-control-request-headers", names),
            ];
            answer(Method::OPTIONS, &pairs)
        };
        let headers = asks("GET", "x-auth-token, accept");
        assert_eq!(headers["access-control-allow-methods"], "GET");
        assert_eq!(headers["access-control-allow-headers"], "x-auth-token,accept");
        assert_eq!(headers["access-control-max-age"], "60");
        assert!(asks("DELETE", "").is_empty());
        assert!(asks("GET", "x-other").is_empty());
        assert!(answer(Method::OPTIONS, &[("origin", "https://a")]).is_empty());
    }
}
