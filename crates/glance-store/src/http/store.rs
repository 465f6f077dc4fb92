//! The driver itself: the [`Store`] of what is behind HTTP.

use std::sync::Arc;

use async_trait::async_trait;
use futures_util::TryStreamExt;
use reqwest::header::{CONTENT_LENGTH, HeaderMap};
use reqwest::{Method, Response, StatusCode};
use serde_json::{Map, Value};

use crate::error::{Error, Kind, Result};
use crate::fetch::{Fetch, FetchOptions, Fetcher, Redirects};
use crate::store::{ByteRange, Capabilities, Journal, NewObject, Object, Phase, Store, StoreContext, StoreWriter};

use super::location::{SCHEMES, check, has_scheme};

/// Images behind HTTP.
pub struct HttpStore {
    fetcher: Fetcher,
}

impl HttpStore {
    /// Sets up the client. Reads the file of authorities, but opens no connection.
    ///
    /// # Errors
    /// `Config` when that file or a proxy cannot be used.
    pub fn open(options: &FetchOptions) -> Result<Self> {
        Ok(Self { fetcher: Fetcher::new(options)? })
    }

    /// The answer with the data, after redirects.
    async fn request(&self, method: Method, location: &str) -> Result<Response> {
        check(location)?;
        let fetch = Fetch { method, url: location, headers: HeaderMap::new(), redirects: Redirects::Location };
        let response = self.fetcher.send(&fetch).await?;
        match response.status() {
            status if status.is_success() => Ok(response),
            StatusCode::NOT_FOUND => Err(Error::new(Kind::NotFound, "the server has no image there")),
            status => Err(refused(status)),
        }
    }
}

fn refused(status: StatusCode) -> Error {
    let kind = if status.is_server_error() { Kind::Unavailable } else { Kind::BadLocation };
    Error::new(kind, format!("the server answers {status}"))
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
