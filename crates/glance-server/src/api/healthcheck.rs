//! Whether this process can do its work, as load balancers ask it: oslo.middleware's `healthcheck`.

use std::collections::BTreeMap;
use std::path::PathBuf;

use axum::body::Body;
use axum::response::{IntoResponse, Response};
use http::header::{CONTENT_TYPE, HeaderValue};
use http::{Method, StatusCode};

use crate::app::App;

/// A path at which the state of the service is told.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Healthcheck {
    path: String,
    /// While one of these files is there, the service says that it is out of order.
    disabled_by: Vec<PathBuf>,
}

impl Healthcheck {
    /// With nothing but the service itself to look at.
    #[must_use]
    pub fn at(path: &str) -> Self {
        Self { path: path.to_owned(), disabled_by: Vec::new() }
    }

    /// With the options of its section in the paste file. Of the back ends, `disable_by_file` is here.
    #[must_use]
    pub fn with_options(path: &str, options: &BTreeMap<String, String>) -> Self {
        let backends = options.get("backends").map(String::as_str).unwrap_or_default();
        let by_file = backends.split(',').any(|name| name.trim() == "disable_by_file");
        let file = options.get("disable_by_file_path").filter(|file| by_file && !file.is_empty());
        Self { path: path.to_owned(), disabled_by: file.map(PathBuf::from).into_iter().collect() }
    }

    /// Whether a request for this path is for it.
    #[must_use]
    pub fn answers(&self, path: &str) -> bool {
        path.strip_prefix(self.path.as_str()).is_some_and(|rest| rest.is_empty() || rest == "/")
    }

    /// `OK` while the catalogue answers and no file says otherwise, 503 else, whatever the method: some load balancers
    /// ask with `OPTIONS`.
    pub async fn show(&self, app: &App, method: &Method) -> Response {
        let (status, text) = match app.db.ping().await {
            _ if self.is_disabled() => (StatusCode::SERVICE_UNAVAILABLE, "DISABLED BY FILE"),
            Ok(()) => (StatusCode::OK, "OK"),
            Err(error) => {
                tracing::warn!(%error, "the catalogue does not answer the health check");
                (StatusCode::SERVICE_UNAVAILABLE, "The catalogue does not answer")
            }
        };
        if method == Method::HEAD && status == StatusCode::OK {
            return StatusCode::NO_CONTENT.into_response();
        }
        let mut response = Response::new(Body::from(text));
        *response.status_mut() = status;
        response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("text/plain; charset=UTF-8"));
        response
    }

    fn is_disabled(&self) -> bool {
        self.disabled_by.iter().any(|file| file.exists())
    }
}
