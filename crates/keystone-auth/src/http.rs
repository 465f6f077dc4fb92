//! Talking to the identity service: bounded answers, a time limit, and further attempts when it cannot be reached.

use std::path::Path;
use std::time::Duration;

use reqwest::header::{HeaderMap, HeaderValue};
use reqwest::{Request, StatusCode};

use crate::cloud::Tls;
use crate::error::{Error, ErrorKind};

/// The longest answer that is read, in bytes: catalogues of large clouds have some hundred KiB.
const LONGEST: usize = 8 << 20;

/// The first pause between two attempts; each further one is twice as long.
const PAUSE: Duration = Duration::from_millis(500);

/// How the identity service is talked to.
#[derive(Debug, Clone)]
pub struct HttpOptions {
    /// How connections are protected.
    pub tls: Tls,
    /// How long one attempt may take.
    pub timeout: Duration,
    /// How many further attempts follow one that did not reach the service.
    pub retries: u32,
    /// What tells the service to which trace a request belongs: the value of `traceparent`, where there is one.
    pub trace: fn() -> Option<String>,
}

impl Default for HttpOptions {
    fn default() -> Self {
        Self { tls: Tls::default(), timeout: Duration::from_secs(60), retries: 3, trace: || None }
    }
}

/// Connections to the identity service.
#[derive(Debug, Clone)]
pub(crate) struct Http {
    pub(crate) client: reqwest::Client,
    retries: u32,
    trace: fn() -> Option<String>,
}

/// An answer, read to its end.
pub(crate) struct Answer {
    pub(crate) status: StatusCode,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Vec<u8>,
}

impl Http {
    pub(crate) fn new(options: &HttpOptions) -> Result<Self, Error> {
        let mut builder = reqwest::Client::builder()
            .user_agent(concat!("keystone-auth/", env!("CARGO_PKG_VERSION")))
            .timeout(options.timeout)
            // Another server must get neither the service's credentials nor its callers' tokens.
            .redirect(reqwest::redirect::Policy::none());
        if options.tls.insecure {
            builder = builder.tls_danger_accept_invalid_certs(true);
        } else if let Some(bundle) = &options.tls.cacert {
            let certificates = reqwest::Certificate::from_pem_bundle(&read(bundle)?);
            builder = builder.tls_certs_only(certificates.map_err(|cause| unusable(bundle, cause))?);
        }
        if let Some(certificate) = &options.tls.cert {
            let mut pem = read(certificate)?;
            if let Some(key) = &options.tls.key {
                pem.push(b'\n');
                pem.extend(read(key)?);
            }
            let identity = reqwest::Identity::from_pem(&pem).map_err(|cause| unusable(certificate, cause))?;
            builder = builder.identity(identity);
        }
        let client = builder.build().map_err(|cause| {
            Error::new(ErrorKind::Invalid, "the settings for TLS cannot be used").with_source(cause)
        })?;
        Ok(Self { client, retries: options.retries, trace: options.trace })
    }

    /// Sends a request without a streamed body, again and again while the service cannot be reached.
    pub(crate) async fn send(&self, request: Request) -> Result<Answer, Error> {
        let mut pause = PAUSE;
        for _ in 0..self.retries {
            let Some(attempt) = request.try_clone() else { break };
            match self.send_once(attempt).await {
                Err(error) if error.is_connect() => {
                    tracing::warn!(error = %error.without_url(), "the identity service cannot be reached; trying again");
                }
                done => return done.map_err(unreachable),
            }
            tokio::time::sleep(pause).await;
            pause *= 2;
        }
        self.send_once(request).await.map_err(unreachable)
    }

    async fn send_once(&self, mut request: Request) -> Result<Answer, reqwest::Error> {
        if let Some(Ok(trace)) = (self.trace)().map(|trace| HeaderValue::from_str(&trace)) {
            request.headers_mut().insert("traceparent", trace);
        }
        let mut response = self.client.execute(request).await?;
        let (status, headers) = (response.status(), response.headers().clone());
        let mut body = Vec::new();
        // What is cut off is no longer JSON, and reported as that.
        while let Some(chunk) = response.chunk().await? {
            if body.len() + chunk.len() > LONGEST {
                break;
            }
            body.extend_from_slice(&chunk);
        }
        Ok(Answer { status, headers, body })
    }
}

fn unreachable(cause: reqwest::Error) -> Error {
    let cause = cause.without_url();
    let text = if cause.is_timeout() { "does not answer in time" } else { "cannot be reached" };
    Error::new(ErrorKind::Unavailable, format!("the identity service {text}")).with_source(cause)
}

fn unusable(path: &Path, cause: reqwest::Error) -> Error {
    Error::in_file(ErrorKind::Invalid, path, cause)
}

fn read(path: &Path) -> Result<Vec<u8>, Error> {
    std::fs::read(path).map_err(|cause| Error::in_file(ErrorKind::Unreadable, path, cause))
}
