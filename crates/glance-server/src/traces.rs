//! Traces for OpenTelemetry: what became of each request, and what database, stores and Keystone had to do with it.
//!
//! Work is marked with spans of `tracing` whose target is [`TARGET`]; nothing else is exported. Their fields are written
//! for that purpose: routes, statuses, names of stores, never a token, a path of a client or a value of a statement.
//! Without an endpoint such spans are not even made. Names follow OpenTelemetry's semantic conventions, links between
//! services W3C's Trace Context: <https://www.w3.org/TR/trace-context/>.

mod export;
mod layer;
mod parent;

use std::time::Duration;

use anyhow::Context as _;
use http::Method;
use oslo::config::Config;
use reqwest::Url;
use tracing::field::Empty;
use tracing_subscriber::Registry;
use tracing_subscriber::registry::LookupSpan as _;

pub use export::Exporter;
pub use layer::Layer;

use layer::Traced;
use parent::Parent;

use crate::listen::Peer;

/// The target of the spans that are exported; other crates write it out.
pub const TARGET: &str = "glance_trace";

/// Finished spans that wait to be sent; more are dropped and counted.
const QUEUE: usize = 8192;

/// How long a collector may take.
const TIMEOUT: Duration = Duration::from_secs(10);

/// Where traces go (`[traces]`).
#[derive(Clone, Debug)]
pub struct Settings {
    /// Where OTLP is understood over HTTP (`endpoint`).
    pub endpoint: Url,
    /// What the service is called there (`service_name`).
    pub service_name: String,
    /// The share of traces that begin here and are exported, from 0 to 1 (`ratio`).
    pub ratio: f64,
}

impl Settings {
    /// The settings; `None` where nothing is traced.
    ///
    /// # Errors
    /// In words for the operator.
    pub fn from_options(options: &Config) -> anyhow::Result<Option<Self>> {
        let endpoint: Option<String> = options.get("traces", "endpoint")?;
        let Some(endpoint) = endpoint.filter(|text| !text.is_empty()) else { return Ok(None) };
        let url = Url::parse(&endpoint).ok().filter(|url| matches!(url.scheme(), "http" | "https"));
        let ratio: f64 = options.get("traces", "ratio")?;
        Ok(Some(Self {
            endpoint: url.with_context(|| format!("[traces] endpoint: {endpoint} is no URL of http or https"))?,
            service_name: options.get("traces", "service_name")?,
            ratio: ratio.clamp(0.0, 1.0),
        }))
    }
}

/// What collects spans, and what sends them.
///
/// # Errors
/// When no client for HTTP can be made.
pub fn start(settings: &Settings) -> anyhow::Result<(Layer, Exporter)> {
    let (sender, receiver) = tokio::sync::mpsc::channel(QUEUE);
    let layer = Layer::new(sender.clone(), settings.ratio);
    Ok((layer, Exporter::new(settings, sender, receiver)?))
}

/// The span of a request, which continues the trace of the caller if that names one.
#[must_use]
pub fn request<B>(request: &http::Request<B>) -> tracing::Span {
    let (method, headers) = (request.method(), request.headers());
    let peer = request.extensions().get::<Peer>();
    tracing::info_span!(
        target: TARGET,
        "server",
        otel.name = Empty,
        otel.failed = Empty,
        traceparent = parent::header(headers),
        http.request.method = crate::metrics::known_method(method),
        http.route = Empty,
        http.response.status_code = Empty,
        openstack.request_id = Empty,
        client.address = peer.and_then(|peer| peer.address).map(|address| display(address.ip())),
    )
}

/// What became of a request.
pub fn answered(span: &tracing::Span, method: &Method, route: &'static str, response: &http::Response<impl Sized>) {
    if span.is_disabled() {
        return;
    }
    let status = response.status().as_u16();
    let name = format!("{} {route}", crate::metrics::known_method(method));
    span.record("otel.name", name.trim_end()).record("http.route", route).record("http.response.status_code", status);
    let id = response.headers().get(crate::api::middleware::request_id::HEADER).and_then(|value| value.to_str().ok());
    if let Some(id) = id {
        span.record("openstack.request_id", id);
    }
    if status >= 500 {
        span.record("otel.failed", true);
    }
}

/// The span of what a store does.
#[must_use]
pub fn store(operation: &'static str, store: &str) -> tracing::Span {
    tracing::info_span!(target: TARGET, "store", otel.name = operation, otel.failed = Empty, glance.store = store)
}

/// How other services are told to which trace their work belongs: the value of `traceparent`.
#[must_use]
pub fn current() -> Option<String> {
    tracing::Span::current()
        .with_subscriber(|(id, dispatch)| {
            let span = dispatch.downcast_ref::<Registry>()?.span(id)?;
            span.scope().find_map(|span| span.extensions().get::<Traced>().map(Traced::header))
        })
        .flatten()
}
