//! The client that follows users' URLs.

use std::error::Error as StdError;
use std::fs;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use reqwest::header::{HeaderMap, LOCATION};
use reqwest::redirect::Policy;
use reqwest::{Certificate, Client, ClientBuilder, Method, Proxy, Response, StatusCode};
use url::Url;

use crate::error::{Error, Kind, Result};

use super::filter::UrlFilter;
use super::names::{JudgedNames, NameError, Names, ProxyNames};

/// How a [`Fetcher`] reaches servers.
#[derive(Clone, Debug)]
pub struct FetchOptions {
    /// Which URLs and addresses may be asked.
    pub filter: UrlFilter,
    /// PEM file of the only authorities to trust (`https_ca_certificates_file`). If set, `insecure` is ignored.
    pub ca_certificates_file: Option<PathBuf>,
    /// Servers' certificates are not verified (`https_insecure`, on by default as in Glance).
    pub insecure: bool,
    /// Proxies by the scheme of the URL (`http_proxy_information`), such as `http` to `10.0.0.1:3128`. A proxy may be
    /// anywhere, and resolves the names that it is asked for. Proxies of the environment are not used.
    pub proxies: Vec<(String, String)>,
    /// How long resolving a name may take.
    pub resolve_timeout: Duration,
    /// How long a connection may take to come about, its name included.
    pub connect_timeout: Duration,
    /// How long a server may be silent.
    pub read_timeout: Duration,
}

impl Default for FetchOptions {
    fn default() -> Self {
        Self {
            filter: UrlFilter::default(),
            ca_certificates_file: None,
            insecure: true,
            proxies: Vec::new(),
            resolve_timeout: Duration::from_secs(10),
            connect_timeout: Duration::from_secs(30),
            read_timeout: Duration::from_secs(60),
        }
    }
}

/// Which redirects are followed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Redirects {
    /// As Glance reads locations: 301 and 302, five times.
    Location,
    /// As Glance downloads: 301, 302, 303, 307 and 308, ten times.
    Download,
}

impl Redirects {
    fn most(self) -> usize {
        match self {
            Self::Location => 5,
            Self::Download => 10,
        }
    }

    fn follows(self, status: StatusCode) -> bool {
        match self {
            Self::Location => matches!(status.as_u16(), 301 | 302),
            Self::Download => matches!(status.as_u16(), 301 | 302 | 303 | 307 | 308),
        }
    }
}

/// One request.
#[derive(Clone, Debug)]
pub struct Fetch<'a> {
    /// `GET` or `HEAD`: redirects repeat it.
    pub method: Method,
    /// The URL that the user names. Credentials in it go to its own host only.
    pub url: &'a str,
    /// Headers such as tokens: they go to the first server only, never along a redirect to another one.
    pub headers: HeaderMap,
    /// Which redirects are followed.
    pub redirects: Redirects,
}

/// Follows users' URLs to where they may lead.
pub struct Fetcher {
    filter: Arc<UrlFilter>,
    direct: Client,
    /// The schemes that are fetched through proxies, and the client that does it.
    proxied: Option<(Vec<String>, Client)>,
}

impl Fetcher {
    /// Sets up the clients. Reads the file of authorities, but opens no connection.
    ///
    /// # Errors
    /// `Config` when that file or a proxy cannot be used.
    pub fn new(options: &FetchOptions) -> Result<Self> {
        Self::resolving(options, Names::system(options.resolve_timeout))
    }

    pub(super) fn resolving(options: &FetchOptions, names: Names) -> Result<Self> {
        let (filter, names) = (Arc::new(options.filter.clone()), Arc::new(names));
        let judged = JudgedNames { names: Arc::clone(&names), filter: Arc::clone(&filter) };
        let direct = built(client(options)?.dns_resolver(Arc::new(judged)))?;
        let mut proxied = None;
        if !options.proxies.is_empty() {
            let mut builder = client(options)?.dns_resolver(Arc::new(ProxyNames(names)));
            for (scheme, address) in &options.proxies {
                builder = builder.proxy(proxy(scheme, address)?);
            }
            let schemes = options.proxies.iter().map(|(scheme, _)| scheme.clone()).collect();
            proxied = Some((schemes, built(builder)?));
        }
        Ok(Self { filter, direct, proxied })
    }

    /// Judges a URL by what is written in it, without I/O.
    ///
    /// # Errors
    /// `BadLocation`.
    pub fn judge(&self, url: &str) -> Result<Url> {
        self.filter.judge(url)
    }

    /// The answer of the server to which the URL leads, whatever its status. Each new place is judged like the first.
    ///
    /// # Errors
    /// `BadLocation` for what may not be asked and for redirects without end, `Timeout`, `Unavailable`.
    pub async fn send(&self, fetch: &Fetch<'_>) -> Result<Response> {
        let mut url = self.judge(fetch.url)?;
        let first = url.origin();
        for _ in 0..=fetch.redirects.most() {
            let mut request = self.client_for(&url).request(fetch.method.clone(), url.clone());
            if url.origin() == first {
                request = request.headers(fetch.headers.clone());
            }
            let response = request.send().await.map_err(unanswered)?;
            if !fetch.redirects.follows(response.status()) {
                return Ok(response);
            }
            url = self.next_place(&url, &response)?;
        }
        Err(Error::new(Kind::BadLocation, format!("there are more than {} redirects", fetch.redirects.most())))
    }

    fn next_place(&self, url: &Url, response: &Response) -> Result<Url> {
        let location = response.headers().get(LOCATION).and_then(|value| value.to_str().ok());
        let next = location.and_then(|location| Some((url.join(location).ok()?, place_in(url, location))));
        let (next, written) = next.ok_or_else(|| Error::new(Kind::BadLocation, "the server redirects to nowhere"))?;
        let carries_credentials = !next.username().is_empty() || next.password().is_some();
        if carries_credentials && next.origin() != url.origin() {
            return Err(Error::new(Kind::BadLocation, "the server redirects with credentials"));
        }
        let refused = "the server redirects to what may not be asked";
        written
            .map_or(Ok(next.clone()), |written| self.judge(&written))
            .and_then(|_| self.judge(next.as_str()))
            .map_err(|error| Error::new(Kind::BadLocation, refused).with_source(error))
    }

    fn client_for(&self, url: &Url) -> &Client {
        let through = |schemes: &[String]| schemes.iter().any(|scheme| scheme == url.scheme() || scheme == "all");
        match &self.proxied {
            Some((schemes, client)) if through(schemes) => client,
            _ => &self.direct,
        }
    }
}

/// The place in a `Location` as it is written there, before a parser makes sense of odd forms; none in a relative one.
fn place_in(url: &Url, location: &str) -> Option<String> {
    let (scheme, rest) = match location.strip_prefix("//") {
        Some(rest) => (url.scheme(), rest),
        None => location.split_once("://").filter(|(scheme, _)| !scheme.contains(['/', '?', '#']))?,
    };
    let authority = rest.split(['/', '?', '#']).next().unwrap_or_default();
    Some(format!("{scheme}://{authority}/"))
}

/// A client that does nothing of its own accord: no redirects, no proxy of the environment.
fn client(options: &FetchOptions) -> Result<ClientBuilder> {
    let builder = Client::builder()
        .redirect(Policy::none())
        .no_proxy()
        .connect_timeout(options.connect_timeout)
        .read_timeout(options.read_timeout);
    trust(builder, options)
}

fn built(builder: ClientBuilder) -> Result<Client> {
    builder.build().map_err(|error| config("the HTTP client cannot be set up").with_source(error))
}

/// Decides whose certificates are believed.
fn trust(builder: ClientBuilder, options: &FetchOptions) -> Result<ClientBuilder> {
    let Some(file) = &options.ca_certificates_file else {
        return Ok(builder.tls_danger_accept_invalid_certs(options.insecure));
    };
    let bad = |why: &dyn std::fmt::Display| config(&format!("{} cannot be used: {why}", file.display()));
    let pem = fs::read(file).map_err(|error| bad(&error))?;
    let certificates = Certificate::from_pem_bundle(&pem).map_err(|error| bad(&error))?;
    if certificates.is_empty() {
        return Err(bad(&"it holds no certificate"));
    }
    Ok(builder.tls_certs_only(certificates))
}

fn proxy(scheme: &str, address: &str) -> Result<Proxy> {
    // Python's requests takes an address without a scheme for an HTTP proxy.
    let url = if address.contains("://") { address.to_owned() } else { format!("http://{address}") };
    let proxy = match scheme {
        "http" => Proxy::http(url),
        "https" => Proxy::https(url),
        "all" => Proxy::all(url),
        _ => return Err(config(&format!("there are no proxies for '{scheme}'"))),
    };
    proxy.map_err(|_| config(&format!("the proxy for '{scheme}' is malformed")))
}

/// Without the URL, which may hold credentials.
fn unanswered(error: reqwest::Error) -> Error {
    let kind = match cause(&error) {
        Some(NameError::Refused) => {
            return Error::new(Kind::BadLocation, "the URL leads to an address that may not be asked");
        }
        Some(NameError::Late) => Kind::Timeout,
        Some(NameError::Unknown) => Kind::Unavailable,
        None if error.is_timeout() => Kind::Timeout,
        None => Kind::Unavailable,
    };
    Error::new(kind, "the server does not answer").with_source(error.without_url())
}

/// What was wrong with the name, if that is what was wrong.
fn cause(error: &reqwest::Error) -> Option<NameError> {
    let mut next = error.source();
    while let Some(error) = next {
        if let Some(found) = error.downcast_ref::<NameError>() {
            return Some(*found);
        }
        next = error.source();
    }
    None
}

fn config(why: &str) -> Error {
    Error::new(Kind::Config, why)
}
