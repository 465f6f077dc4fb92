//! The driver itself: the [`Store`] of what is behind HTTP.

use std::fs;
use std::sync::Arc;

use async_trait::async_trait;
use futures_util::TryStreamExt;
use reqwest::header::{CONTENT_LENGTH, LOCATION};
use reqwest::redirect::Policy;
use reqwest::{Certificate, Client, ClientBuilder, Method, Proxy, Response, StatusCode};
use serde_json::{Map, Value};
use url::Url;

use crate::error::{Error, Kind, Result};
use crate::store::{ByteRange, Capabilities, Journal, NewObject, Object, Phase, Store, StoreContext, StoreWriter};

use super::addresses::AddressFilter;
use super::location::{SCHEMES, has_scheme, parse};
use super::options::HttpOptions;

/// Redirects that are followed before a location is given up.
const MAX_REDIRECTS: usize = 5;

/// Images behind HTTP.
pub struct HttpStore {
    client: Client,
    addresses: Option<AddressFilter>,
}

impl HttpStore {
    /// Sets up the client. Reads the file of authorities, but opens no connection.
    ///
    /// # Errors
    /// `Config` when that file or a proxy cannot be used.
    pub fn open(options: &HttpOptions) -> Result<Self> {
        let mut builder = Client::builder()
            .redirect(Policy::none())
            .connect_timeout(options.connect_timeout)
            .read_timeout(options.read_timeout);
        for (scheme, address) in &options.proxies {
            builder = builder.proxy(proxy(scheme, address)?);
        }
        if let Some(addresses) = &options.addresses {
            let proxies = options.proxies.iter().filter_map(|(_, address)| host_of_proxy(address));
            builder = builder.dns_resolver(Arc::new(addresses.resolver(proxies.collect())));
        }
        let client = trust(builder, options)?.build();
        let client = client.map_err(|error| config("the HTTP client cannot be set up").with_source(error))?;
        Ok(Self { client, addresses: options.addresses.clone() })
    }

    /// The answer with the data, after redirects. Each new place must be a valid location in its own right.
    async fn request(&self, method: Method, location: &str) -> Result<Response> {
        let mut url = parse(location)?;
        for _ in 0..=MAX_REDIRECTS {
            if self.addresses.as_ref().is_some_and(|addresses| !addresses.allows(&url)) {
                return Err(Error::new(Kind::BadLocation, "the location leads to an address that may not be asked"));
            }
            let response = self.client.request(method.clone(), url.clone()).send().await.map_err(unanswered)?;
            match response.status() {
                status if status.is_success() => return Ok(response),
                StatusCode::MOVED_PERMANENTLY | StatusCode::FOUND => url = next_place(&url, &response)?,
                StatusCode::NOT_FOUND => return Err(Error::new(Kind::NotFound, "the server has no image there")),
                status => return Err(refused(status)),
            }
        }
        Err(Error::new(Kind::BadLocation, format!("the location leads through more than {MAX_REDIRECTS} redirects")))
    }
}

/// Decides whose certificates are believed.
fn trust(builder: ClientBuilder, options: &HttpOptions) -> Result<ClientBuilder> {
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

/// Python's requests takes an address without a scheme for an HTTP proxy.
fn url_of_proxy(address: &str) -> String {
    if address.contains("://") { address.to_owned() } else { format!("http://{address}") }
}

fn host_of_proxy(address: &str) -> Option<String> {
    Url::parse(&url_of_proxy(address)).ok()?.host_str().map(str::to_owned)
}

fn proxy(scheme: &str, address: &str) -> Result<Proxy> {
    let url = url_of_proxy(address);
    let proxy = match scheme {
        "http" => Proxy::http(url),
        "https" => Proxy::https(url),
        "all" => Proxy::all(url),
        _ => return Err(config(&format!("there are no proxies for '{scheme}'"))),
    };
    proxy.map_err(|_| config(&format!("the proxy for '{scheme}' is malformed")))
}

fn next_place(url: &Url, response: &Response) -> Result<Url> {
    let location = response.headers().get(LOCATION).and_then(|value| value.to_str().ok());
    let next = location.and_then(|location| url.join(location).ok());
    let next = next.ok_or_else(|| Error::new(Kind::BadLocation, "the server redirects to nowhere"))?;
    parse(next.as_str())
}

fn refused(status: StatusCode) -> Error {
    let kind = if status.is_server_error() { Kind::Unavailable } else { Kind::BadLocation };
    Error::new(kind, format!("the server answers {status}"))
}

fn unanswered(error: reqwest::Error) -> Error {
    let kind = if error.is_timeout() { Kind::Timeout } else { Kind::Unavailable };
    Error::new(kind, "the server does not answer").with_source(error.without_url())
}

fn config(why: &str) -> Error {
    Error::new(Kind::Config, why)
}

fn read_only() -> Error {
    Error::new(Kind::ReadOnly, "HTTP locations can only be read")
}

#[async_trait]
impl Store for HttpStore {
    fn schemes(&self) -> &'static [&'static str] {
        SCHEMES
    }

    fn capabilities(&self) -> Capabilities {
        Capabilities { write: false, delete: false, read_random: false, owns_data: false }
    }

    fn recognises(&self, url: &str) -> bool {
        has_scheme(url)
    }

    async fn begin(
        &self,
        _context: &StoreContext,
        _object: &NewObject,
        _journal: Arc<dyn Journal>,
    ) -> Result<Box<dyn StoreWriter>> {
        Err(read_only())
    }

    async fn open(&self, _context: &StoreContext, url: &str, range: Option<ByteRange>) -> Result<Object> {
        if range.is_some() {
            return Err(Error::new(Kind::NoRandomAccess, "HTTP locations can only be read from the start"));
        }
        let response = self.request(Method::GET, url).await?;
        let length = announced_length(&response);
        let broken = |error: reqwest::Error| {
            Error::new(Kind::Unavailable, "the connection to the server broke").with_source(error.without_url())
        };
        let not_empty = |chunk: &bytes::Bytes| std::future::ready(!chunk.is_empty());
        let chunks = response.bytes_stream().map_err(broken).try_filter(not_empty);
        Ok(Object { length, chunks: Box::pin(chunks) })
    }

    /// The length that the server announces, or 0 when it announces none: what Glance records for such a location.
    ///
    /// A server that cannot be asked makes the location a bad one, since that is asked when a location is added.
    async fn size(&self, _context: &StoreContext, url: &str) -> Result<u64> {
        let response = self.request(Method::HEAD, url).await.map_err(|error| match error.kind() {
            Kind::Unavailable => Error::new(Kind::BadLocation, "the location cannot be used").with_source(error),
            _ => error,
        })?;
        Ok(announced_length(&response).unwrap_or(0))
    }

    async fn delete(&self, _context: &StoreContext, _url: &str) -> Result<()> {
        Err(read_only())
    }

    async fn abandon(&self, _: &StoreContext, _object: &NewObject, _: Phase, _journal: Option<&str>) -> Result<()> {
        Ok(())
    }

    async fn list(&self, _context: &StoreContext) -> Result<Vec<String>> {
        Err(Error::new(Kind::Unsupported, "HTTP servers do not say what they have"))
    }

    async fn health(&self) -> Result<()> {
        Ok(())
    }

    fn properties(&self) -> Map<String, Value> {
        Map::new()
    }
}

fn announced_length(response: &Response) -> Option<u64> {
    response.headers().get(CONTENT_LENGTH)?.to_str().ok()?.parse().ok()
}
