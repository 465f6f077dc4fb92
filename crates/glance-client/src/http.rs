//! One request and its answer: time limits, the debug log, and errors out of statuses and broken connections.

use std::error::Error as StdError;
use std::future::Future;
use std::time::Duration;

use bytes::Bytes;
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use reqwest::{Method, Request, RequestBuilder, Response, StatusCode};
use serde::Serialize;

use crate::client::Client;
use crate::error::{Error, ErrorKind};
use crate::json::Json;
use crate::upload::SourceFailure;
use crate::{error_body, wire_log};

/// More than this is no sensible answer to anything but a download.
const MAX_JSON: usize = 64 << 20;
/// More of an error's body than this is not read.
const MAX_ERROR: usize = 1 << 20;

const UNRESERVED: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');

/// `text` as one segment of a path.
///
/// # Errors
///
/// [`ErrorKind::Invalid`] for what would not stay one: nothing, `.` and `..`.
pub(crate) fn segment(text: &str) -> Result<String, Error> {
    match text {
        "" | "." | ".." => Err(Error::new(ErrorKind::Invalid, format!("'{text}' is not an identifier"))),
        _ => Ok(utf8_percent_encode(text, UNRESERVED).to_string()),
    }
}

impl Client {
    /// A request of `path`, which begins with a slash.
    pub(crate) fn request(&self, method: Method, path: &str) -> RequestBuilder {
        let url = format!("{}{path}", self.shared.base);
        self.shared.http.request(method, url).headers(self.shared.headers.clone())
    }

    /// Sends a request without a body, or with a small one; the answer's body is still to be read.
    pub(crate) async fn send(&self, builder: RequestBuilder) -> Result<Response, Error> {
        let request = builder.build().map_err(|cause| transport_error("the request", cause))?;
        let url = request.url().to_string();
        within(self.shared.timeout, &url, self.exchange(request)).await?
    }

    /// Sends a request, however long it takes.
    pub(crate) async fn exchange(&self, request: Request) -> Result<Response, Error> {
        let url = request.url().to_string();
        self.log(|| wire_log::request(&request));
        let answer = self.shared.http.execute(request).await;
        let response = answer.map_err(|cause| transport_error(&url, cause))?;
        self.log(|| wire_log::response(&response));
        if response.status().is_success() { Ok(response) } else { Err(self.failure(response).await) }
    }

    /// Sends a request and discards what a successful answer says.
    pub(crate) async fn send_only(&self, builder: RequestBuilder) -> Result<(), Error> {
        self.send(builder).await.map(drop)
    }

    /// Sends a request and reads the JSON of the answer.
    pub(crate) async fn send_for_json(&self, builder: RequestBuilder) -> Result<Json, Error> {
        let mut response = self.send(builder).await?;
        let body = self.read(&mut response, MAX_JSON).await?;
        self.log(|| String::from_utf8_lossy(&body).into_owned());
        serde_json::from_slice(&body).map_err(|cause| {
            let message = format!("the answer of {} is not JSON: {cause}", response.url());
            Error::new(ErrorKind::Protocol, message).with_source(cause)
        })
    }

    /// Gets the JSON at `path`.
    pub(crate) async fn get_json(&self, path: &str) -> Result<Json, Error> {
        self.send_for_json(self.request(Method::GET, path)).await
    }

    /// Sends `body` as JSON and reads the JSON of the answer.
    pub(crate) async fn send_json(&self, method: Method, path: &str, body: &impl Serialize) -> Result<Json, Error> {
        self.send_for_json(self.request(method, path).json(body)).await
    }

    /// The next piece of an answer's body.
    pub(crate) async fn chunk(&self, response: &mut Response) -> Result<Option<Bytes>, Error> {
        let url = response.url().to_string();
        let chunk = within(self.shared.timeout, &url, response.chunk()).await?;
        chunk.map_err(|cause| transport_error(&url, cause))
    }

    async fn read(&self, response: &mut Response, limit: usize) -> Result<Vec<u8>, Error> {
        let mut body = Vec::new();
        while let Some(chunk) = self.chunk(response).await? {
            if body.len() + chunk.len() > limit {
                return Err(Error::new(ErrorKind::Protocol, format!("the answer is larger than {limit} bytes")));
            }
            body.extend_from_slice(&chunk);
        }
        Ok(body)
    }

    async fn failure(&self, mut response: Response) -> Error {
        let status = response.status();
        let header = |name: &str| response.headers().get(name).and_then(|value| value.to_str().ok()).map(str::to_owned);
        let content_type = header("content-type").unwrap_or_default();
        let request_id = header("x-openstack-request-id");
        // The status says more than a connection that breaks behind it.
        let body = self.read(&mut response, MAX_ERROR).await.unwrap_or_default();
        self.log(|| String::from_utf8_lossy(&body).into_owned());
        let message = match status {
            StatusCode::MULTIPLE_CHOICES => "300: the requested version of the API is not available".to_owned(),
            _ => error_body::message(status, &content_type, &body),
        };
        Error::from_status(status.as_u16(), message, request_id)
    }

    fn log(&self, entry: impl FnOnce() -> String) {
        if let Some(sink) = &self.shared.log {
            sink(&entry());
        }
    }
}

async fn within<T>(timeout: Duration, url: &str, work: impl Future<Output = T>) -> Result<T, Error> {
    tokio::time::timeout(timeout, work).await.map_err(|_| silent(url, timeout))
}

/// The server did nothing for the whole timeout.
pub(crate) fn silent(url: &str, timeout: Duration) -> Error {
    let message = format!("Error communicating with {url}: no sign of life for {} seconds", timeout.as_secs_f32());
    Error::new(ErrorKind::Timeout, message)
}

fn transport_error(url: &str, cause: reqwest::Error) -> Error {
    let cause = cause.without_url();
    let failure = causes(&cause).find_map(|cause| cause.downcast_ref::<SourceFailure>()).map(ToString::to_string);
    if let Some(failure) = failure {
        return Error::new(ErrorKind::Source, failure).with_source(cause);
    }
    let reason = causes(&cause).last().map_or_else(|| cause.to_string(), ToString::to_string);
    let (kind, what) = match () {
        () if cause.is_builder() => (ErrorKind::Invalid, "Invalid request for"),
        () if cause.is_timeout() => (ErrorKind::Timeout, "Error communicating with"),
        () if cause.is_connect() => (ErrorKind::Connect, "Error finding address for"),
        () => (ErrorKind::Transport, "Error communicating with"),
    };
    Error::new(kind, format!("{what} {url}: {reason}")).with_source(cause)
}

fn causes<'a>(error: &'a (dyn StdError + 'static)) -> impl Iterator<Item = &'a (dyn StdError + 'static)> {
    std::iter::successors(Some(error), |error: &&'a (dyn StdError + 'static)| (*error).source())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn identifiers_stay_one_segment() {
        assert_eq!(segment("a/b?c#d%e é").unwrap(), "a%2Fb%3Fc%23d%25e%20%C3%A9");
        for text in ["", ".", ".."] {
            assert_eq!(segment(text).unwrap_err().kind(), ErrorKind::Invalid, "{text}");
        }
    }
}
