//! The client: one server, one identity, any number of requests at a time.

use std::sync::Arc;
use std::time::Duration;

use reqwest::header::{HeaderMap, HeaderName, HeaderValue};
use url::Url;

use crate::error::{Error, ErrorKind};
use crate::images::Images;
use crate::info::Info;
use crate::members::Members;
use crate::wire_log::Sink;

/// A client of one image service. Clones share connections.
#[derive(Clone)]
pub struct Client {
    pub(crate) shared: Arc<Shared>,
}

pub(crate) struct Shared {
    pub(crate) http: reqwest::Client,
    /// The endpoint without a version and without a slash at the end.
    pub(crate) base: String,
    pub(crate) headers: HeaderMap,
    pub(crate) timeout: Duration,
    pub(crate) log: Option<Sink>,
}

impl Client {
    /// Begins a client of the service at `endpoint`, with or without `/v2` at the end.
    pub fn builder(endpoint: impl Into<String>) -> ClientBuilder {
        ClientBuilder {
            endpoint: endpoint.into(),
            timeout: Duration::from_secs(600),
            user_agent: concat!("glance-client/", env!("CARGO_PKG_VERSION")).to_owned(),
            token: None,
            headers: Vec::new(),
            verify: true,
            authorities: None,
            identity: None,
            log: None,
        }
    }

    /// Images and their data.
    pub fn images(&self) -> Images<'_> {
        Images { client: self }
    }

    /// The members that the image `image_id` is shared with.
    pub fn members<'a>(&'a self, image_id: &'a str) -> Members<'a> {
        Members { client: self, image_id }
    }

    /// What the service says about itself.
    pub fn info(&self) -> Info<'_> {
        Info { client: self }
    }
}

/// The settings of a [`Client`].
pub struct ClientBuilder {
    endpoint: String,
    timeout: Duration,
    user_agent: String,
    token: Option<String>,
    headers: Vec<(String, String)>,
    verify: bool,
    authorities: Option<Vec<u8>>,
    identity: Option<Vec<u8>>,
    log: Option<Sink>,
}

impl ClientBuilder {
    /// Sends `token` as `X-Auth-Token`.
    #[must_use]
    pub fn token(mut self, token: impl Into<String>) -> Self {
        self.token = Some(token.into());
        self
    }

    /// Sends a header with each request.
    #[must_use]
    pub fn header(mut self, name: impl Into<String>, value: impl Into<String>) -> Self {
        self.headers.push((name.into(), value.into()));
        self
    }

    /// How long the server may be silent before a request fails: 600 seconds unless set. A transfer that moves never
    /// times out.
    #[must_use]
    pub fn timeout(mut self, timeout: Duration) -> Self {
        self.timeout = timeout;
        self
    }

    /// Sends `agent` as `User-Agent`.
    #[must_use]
    pub fn user_agent(mut self, agent: impl Into<String>) -> Self {
        self.user_agent = agent.into();
        self
    }

    /// Accepts any certificate: for tests only.
    #[must_use]
    pub fn danger_accept_any_certificate(mut self) -> Self {
        self.verify = false;
        self
    }

    /// Trusts the authorities of this PEM bundle in place of the system's.
    #[must_use]
    pub fn authorities(mut self, pem: Vec<u8>) -> Self {
        self.authorities = Some(pem);
        self
    }

    /// Shows the server this certificate; `pem` holds the certificate and its key.
    #[must_use]
    pub fn identity(mut self, pem: Vec<u8>) -> Self {
        self.identity = Some(pem);
        self
    }

    /// Hands each request and each answer, tokens masked, to `sink`.
    #[must_use]
    pub fn log(mut self, sink: impl Fn(&str) + Send + Sync + 'static) -> Self {
        self.log = Some(Arc::new(sink));
        self
    }

    /// The client. Nothing is sent yet.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Invalid`] when the endpoint is no HTTP URL, a header is malformed or the PEM data is unusable.
    pub fn build(self) -> Result<Client, Error> {
        let base = base_of(&self.endpoint)?;
        let headers = self.default_headers()?;
        let mut http = reqwest::Client::builder()
            .user_agent(&self.user_agent)
            .connect_timeout(self.timeout)
            .redirect(same_origin_redirects());
        if !self.verify {
            http = http.tls_danger_accept_invalid_certs(true);
        }
        if let Some(pem) = &self.authorities {
            let bundle = reqwest::Certificate::from_pem_bundle(pem).map_err(|cause| invalid("CA bundle", cause))?;
            http = http.tls_certs_only(bundle);
        }
        if let Some(pem) = &self.identity {
            let identity = reqwest::Identity::from_pem(pem).map_err(|cause| invalid("client certificate", cause))?;
            http = http.identity(identity);
        }
        let http = http.build().map_err(|cause| invalid("client settings", cause))?;
        let shared = Shared { http, base, headers, timeout: self.timeout, log: self.log };
        Ok(Client { shared: Arc::new(shared) })
    }

    fn default_headers(&self) -> Result<HeaderMap, Error> {
        let mut headers = HeaderMap::new();
        for (name, value) in &self.headers {
            let name = HeaderName::try_from(name).map_err(|cause| invalid("header name", cause))?;
            headers.append(name, HeaderValue::try_from(value).map_err(|cause| invalid("header value", cause))?);
        }
        if let Some(token) = &self.token {
            let mut value = HeaderValue::try_from(token).map_err(|cause| invalid("token", cause))?;
            value.set_sensitive(true);
            headers.insert("x-auth-token", value);
        }
        Ok(headers)
    }
}

fn invalid(what: &str, cause: impl std::error::Error + Send + Sync + 'static) -> Error {
    Error::new(ErrorKind::Invalid, format!("invalid {what}: {cause}")).with_source(cause)
}

/// The endpoint without query, slash and version at the end.
fn base_of(endpoint: &str) -> Result<String, Error> {
    let refused = |why: &str| Error::new(ErrorKind::Invalid, format!("invalid endpoint '{endpoint}': {why}"));
    let url = Url::parse(endpoint).map_err(|cause| refused(&cause.to_string()))?;
    if !matches!(url.scheme(), "http" | "https") || url.host().is_none() {
        return Err(refused("expected http://host or https://host"));
    }
    let path = url.path().trim_end_matches('/');
    let path = match path.rsplit_once('/') {
        Some((before, last)) if is_version(last) => before.trim_end_matches('/'),
        _ => path,
    };
    Ok(format!("{}{path}", &url[..url::Position::BeforePath]))
}

/// `v2`, `v2.0`, …
fn is_version(segment: &str) -> bool {
    segment.strip_prefix('v').is_some_and(|number| {
        number.starts_with(|c: char| c.is_ascii_digit()) && number.chars().all(|c| c.is_ascii_digit() || c == '.')
    })
}

/// Follows redirects within the same server only: another one must not get the token.
fn same_origin_redirects() -> reqwest::redirect::Policy {
    reqwest::redirect::Policy::custom(|attempt| {
        let from_here = attempt.previous().first().is_some_and(|first| first.origin() == attempt.url().origin());
        if from_here && attempt.previous().len() < 10 { attempt.follow() } else { attempt.stop() }
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_version_at_the_end_of_an_endpoint_is_optional() {
        for endpoint in ["http://h:1/image", "http://h:1/image/", "http://h:1/image/v2", "http://h:1/image/v2.15/"] {
            assert_eq!(base_of(endpoint).unwrap(), "http://h:1/image", "{endpoint}");
        }
        assert_eq!(base_of("https://h").unwrap(), "https://h");
        assert_eq!(base_of("http://h/volumes").unwrap(), "http://h/volumes");
    }

    #[test]
    fn what_is_no_http_url_is_refused() {
        for endpoint in ["", "localhost:9292", "ftp://h/", "http://"] {
            assert_eq!(base_of(endpoint).unwrap_err().kind(), ErrorKind::Invalid, "{endpoint}");
        }
    }

    #[test]
    fn a_token_with_a_line_break_is_refused() {
        assert!(Client::builder("http://h").token("a\r\nb").build().is_err());
    }
}
