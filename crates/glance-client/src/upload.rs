//! Image data on its way to the server.

use std::fmt;
use std::io;
use std::pin::pin;

use bytes::Bytes;
use futures_util::future::{Either, select};
use futures_util::stream::{self, BoxStream};
use futures_util::{Stream, StreamExt, TryStreamExt};
use reqwest::Method;
use reqwest::header::{CONTENT_LENGTH, CONTENT_TYPE};
use tokio::io::AsyncRead;
use tokio_util::io::ReaderStream;

use crate::client::Client;
use crate::error::Error;
use crate::http::{segment, silent};
use crate::stall::{ServersTurn, Watched};

/// Bytes read at a time from a reader.
const READ_SIZE: usize = 256 << 10;

/// The data of an image, as it becomes available.
pub struct ImageData {
    stream: BoxStream<'static, io::Result<Bytes>>,
    size: Option<u64>,
}

impl ImageData {
    /// Data from a stream of pieces.
    pub fn from_stream(stream: impl Stream<Item = io::Result<Bytes>> + Send + 'static) -> Self {
        Self { stream: stream.boxed(), size: None }
    }

    /// Data from a reader.
    pub fn from_reader(reader: impl AsyncRead + Send + 'static) -> Self {
        Self::from_stream(ReaderStream::with_capacity(reader, READ_SIZE))
    }

    /// Data that is in memory.
    pub fn from_bytes(data: impl Into<Bytes>) -> Self {
        let data = data.into();
        let size = data.len() as u64;
        Self::from_stream(stream::iter([Ok(data)])).with_size(size)
    }

    /// Announces the size in bytes, so that the server can refuse at once and notices when data is missing. A transfer
    /// of another size fails.
    #[must_use]
    pub fn with_size(mut self, bytes: u64) -> Self {
        self.size = Some(bytes);
        self
    }
}

/// Where and how to upload.
#[derive(Debug, Clone, Default)]
pub struct UploadOptions {
    store: Option<String>,
}

impl UploadOptions {
    /// Puts the data into the store of this name in place of the default one.
    #[must_use]
    pub fn store(mut self, store: impl Into<String>) -> Self {
        self.store = Some(store.into());
        self
    }
}

/// The data's source failed, as opposed to the connection.
#[derive(Debug)]
pub(crate) struct SourceFailure(io::Error);

impl fmt::Display for SourceFailure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "the image data could not be read: {}", self.0)
    }
}

impl std::error::Error for SourceFailure {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        Some(&self.0)
    }
}

/// Sends `data` to `images/{id}/file`.
pub(crate) async fn upload(
    client: &Client,
    image_id: &str,
    data: ImageData,
    options: UploadOptions,
) -> Result<(), Error> {
    let turn = ServersTurn::new();
    let source = data.stream.map_err(SourceFailure);
    let body = reqwest::Body::wrap_stream(Watched { source, turn: turn.clone() });
    let path = format!("/v2/images/{}/file", segment(image_id)?);
    let mut builder = client.request(Method::PUT, &path).header(CONTENT_TYPE, "application/octet-stream").body(body);
    if let Some(size) = data.size {
        builder = builder.header(CONTENT_LENGTH, size).header("x-openstack-image-size", size);
    }
    if let Some(store) = options.store {
        builder = builder.header("x-image-meta-store", store);
    }
    let request = builder.build().map_err(|cause| {
        Error::new(crate::ErrorKind::Invalid, format!("invalid upload of {image_id}: {cause}")).with_source(cause)
    })?;
    let url = request.url().to_string();
    let patience = client.shared.timeout;
    match select(pin!(client.exchange(request)), pin!(turn.wasted(patience))).await {
        Either::Left((answer, _)) => answer.map(drop),
        Either::Right(((), _)) => Err(silent(&url, patience)),
    }
}
