//! Image data on its way from the server.

use bytes::Bytes;
use futures_util::Stream;
use futures_util::stream::try_unfold;
use reqwest::header::{CONTENT_RANGE, HeaderMap, RANGE};
use reqwest::{Method, Response, StatusCode};
use url::form_urlencoded::Serializer;

use crate::client::Client;
use crate::error::{Error, ErrorKind};
use crate::http::segment;

/// Which part of an image to download, and from where.
#[derive(Debug, Clone, Default)]
pub struct DownloadOptions {
    offset: u64,
    prefer: Vec<String>,
}

impl DownloadOptions {
    /// Leaves out the first `bytes`. The server may ignore this: see [`Download::offset`].
    #[must_use]
    pub fn offset(mut self, bytes: u64) -> Self {
        self.offset = bytes;
        self
    }

    /// Asks the server to try these stores first, in this order.
    #[must_use]
    pub fn prefer(mut self, stores: impl IntoIterator<Item = impl Into<String>>) -> Self {
        self.prefer = stores.into_iter().map(Into::into).collect();
        self
    }
}

/// The data of an image, as it arrives.
pub struct Download {
    client: Client,
    response: Response,
    offset: u64,
}

impl Download {
    /// Where in the image the data begins: the offset that was asked for, or 0 when the server sends everything.
    pub fn offset(&self) -> u64 {
        self.offset
    }

    /// Bytes that are still to come, when the server says so.
    pub fn remaining(&self) -> Option<u64> {
        self.response.content_length()
    }

    /// The next piece, or `None` at the end.
    ///
    /// # Errors
    ///
    /// When the connection breaks, or nothing arrives for the whole timeout.
    pub async fn chunk(&mut self) -> Result<Option<Bytes>, Error> {
        self.client.chunk(&mut self.response).await
    }

    /// The pieces as a stream.
    pub fn into_stream(self) -> impl Stream<Item = Result<Bytes, Error>> + Send {
        try_unfold(self, |mut download| async move { Ok(download.chunk().await?.map(|chunk| (chunk, download))) })
    }
}

/// Requests `images/{id}/file`.
pub(crate) async fn download(
    client: &Client,
    image_id: &str,
    options: DownloadOptions,
) -> Result<Option<Download>, Error> {
    let mut path = format!("/v2/images/{}/file", segment(image_id)?);
    if !options.prefer.is_empty() {
        let query = Serializer::new(String::new()).append_pair("prefer", &options.prefer.join(",")).finish();
        path = format!("{path}?{query}");
    }
    let mut builder = client.request(Method::GET, &path);
    if options.offset > 0 {
        builder = builder.header(RANGE, format!("bytes={}-", options.offset));
    }
    let response = client.send(builder).await?;
    let offset = match response.status() {
        StatusCode::NO_CONTENT => return Ok(None),
        StatusCode::PARTIAL_CONTENT => start_of(response.headers(), options.offset)?,
        _ => 0,
    };
    Ok(Some(Download { client: client.clone(), response, offset }))
}

/// Where a partial answer begins, which must be where it was asked to.
fn start_of(headers: &HeaderMap, wanted: u64) -> Result<u64, Error> {
    let range = headers.get(CONTENT_RANGE).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let start = range.strip_prefix("bytes ").and_then(|range| range.split_once('-')).map(|(start, _)| start.trim());
    match start.and_then(|start| start.parse().ok()) {
        Some(start) if start == wanted => Ok(start),
        _ => {
            let message = format!("asked for the bytes from {wanted} on, the server sends '{range}'");
            Err(Error::new(ErrorKind::Protocol, message))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use reqwest::header::HeaderValue;

    fn start(range: &'static str, wanted: u64) -> Option<u64> {
        let headers = HeaderMap::from_iter([(CONTENT_RANGE, HeaderValue::from_static(range))]);
        start_of(&headers, wanted).ok()
    }

    #[test]
    fn a_part_must_begin_where_it_was_asked_to() {
        assert_eq!(start("bytes 5-9/10", 5), Some(5));
        assert_eq!(start("bytes 0-9/10", 5), None);
        assert_eq!(start("bytes */10", 5), None);
        assert_eq!(start("", 5), None);
    }
}
