//! Sends finished spans to a collector: OTLP over HTTP in its JSON form, <https://opentelemetry.io/docs/specs/otlp/>.
//!
//! One task sends, a batch at a time. What a collector does not take is dropped: traces are worth less than requests.

use std::time::{Duration, SystemTime};

use serde_json::{Value as Json, json};
use tokio::sync::mpsc::{Receiver, Sender};
use tokio::sync::oneshot;

use super::layer::{Fields, Finished, Value};
use super::{Settings, TIMEOUT};

/// The most spans that are sent at once.
const BATCH: usize = 512;

/// How long a span waits for others to be sent with.
const DELAY: Duration = Duration::from_secs(1);

/// How long the end of the process is held up for the last spans.
const LAST: Duration = Duration::from_secs(5);

/// What the exporter is to do.
#[derive(Debug)]
pub(super) enum Job {
    /// Send this, and know that so many before it found no place in the queue.
    Span(Box<Finished>, u64),
    /// Send what there is, then say so.
    Flush(oneshot::Sender<()>),
}

/// Sends spans.
#[derive(Debug)]
pub struct Exporter {
    client: reqwest::Client,
    endpoint: reqwest::Url,
    service: String,
    queue: Sender<Job>,
    jobs: Receiver<Job>,
}

/// The way to have the last spans sent.
#[derive(Clone, Debug)]
pub struct Flush(Sender<Job>);

impl Flush {
    /// Waits, not for long, until all spans that are over have been sent.
    pub async fn finish(self) {
        let (done, sent) = oneshot::channel();
        if self.0.send(Job::Flush(done)).await.is_ok() {
            // Without an answer the spans are lost; there is nothing else to do.
            let _ = tokio::time::timeout(LAST, sent).await;
        }
    }
}

impl Exporter {
    pub(super) fn new(settings: &Settings, queue: Sender<Job>, jobs: Receiver<Job>) -> anyhow::Result<Self> {
        let client = reqwest::Client::builder()
            .user_agent(concat!("glance-server/", env!("CARGO_PKG_VERSION")))
            .timeout(TIMEOUT)
            .redirect(reqwest::redirect::Policy::none())
            .build()?;
        let (endpoint, service) = (settings.endpoint.clone(), settings.service_name.clone());
        Ok(Self { client, endpoint, service, queue, jobs })
    }

    /// The way to have the last spans sent.
    #[must_use]
    pub fn flush(&self) -> Flush {
        Flush(self.queue.clone())
    }

    /// Sends spans for ever.
    pub async fn run(mut self) {
        let mut reachable = true;
        loop {
            let Some(Gathered { spans, lost, waiting }) = self.gather().await else { return };
            if lost > 0 {
                tracing::warn!("{lost} spans were dropped: the collector of traces does not keep up");
            }
            if !spans.is_empty() {
                match (self.send(&spans).await, reachable) {
                    (Ok(()), _) => reachable = true,
                    (Err(reason), true) => {
                        tracing::warn!("traces are lost: {reason}");
                        reachable = false;
                    }
                    (Err(_), false) => {}
                }
            }
            if let Some(waiting) = waiting {
                // Who waited may have given up.
                let _ = waiting.send(());
            }
        }
    }

    /// Waits for spans, then for more of them until there are enough or the first has waited for long.
    async fn gather(&mut self) -> Option<Gathered> {
        let mut gathered = Gathered::default();
        gathered.add(self.jobs.recv().await?);
        let until = tokio::time::Instant::now() + DELAY;
        while gathered.spans.len() < BATCH && gathered.waiting.is_none() {
            match tokio::time::timeout_at(until, self.jobs.recv()).await {
                Ok(Some(job)) => gathered.add(job),
                Ok(None) | Err(_) => break,
            }
        }
        Some(gathered)
    }

    async fn send(&self, spans: &[Finished]) -> Result<(), String> {
        let request = self.client.post(self.endpoint.clone()).json(&document(&self.service, spans));
        let sent = request.send().await.map_err(|error| error.without_url().to_string())?;
        match sent.status() {
            status if status.is_success() => Ok(()),
            status => Err(format!("the collector answers with {status}")),
        }
    }
}

#[derive(Debug, Default)]
struct Gathered {
    spans: Vec<Finished>,
    lost: u64,
    waiting: Option<oneshot::Sender<()>>,
}

impl Gathered {
    fn add(&mut self, job: Job) {
        match job {
            Job::Span(span, lost) => {
                self.spans.push(*span);
                self.lost += lost;
            }
            Job::Flush(waiting) => self.waiting = Some(waiting),
        }
    }
}

/// The document of an `ExportTraceServiceRequest`.
fn document(service: &str, spans: &[Finished]) -> Json {
    let version = env!("CARGO_PKG_VERSION");
    let resource = [("service.name", service), ("service.version", version)];
    let resource = resource.map(|(name, value)| attribute(name, &Value::Text(value.to_owned())));
    json!({"resourceSpans": [{
        "resource": {"attributes": resource},
        "scopeSpans": [{
            "scope": {"name": "glance-server", "version": version},
            "spans": spans.iter().map(span).collect::<Vec<_>>(),
        }],
    }]})
}

fn span(span: &Finished) -> Json {
    const SERVER: u8 = 2;
    const CLIENT: u8 = 3;
    const ERROR: u8 = 2;
    let Fields { name, failed, attributes, .. } = &span.fields;
    let mut document = json!({
        "traceId": format!("{:032x}", span.trace),
        "spanId": format!("{:016x}", span.span),
        "name": name.as_deref().unwrap_or(span.kind),
        "kind": if span.kind == "server" { SERVER } else { CLIENT },
        "startTimeUnixNano": nanoseconds(span.began),
        "endTimeUnixNano": nanoseconds(span.ended),
        "attributes": attributes.iter().map(|(name, value)| attribute(name, value)).collect::<Vec<_>>(),
        "status": if *failed { json!({"code": ERROR}) } else { json!({}) },
    });
    if let Some(parent) = span.parent {
        document["parentSpanId"] = json!(format!("{parent:016x}"));
    }
    document
}

fn attribute(name: &str, value: &Value) -> Json {
    let value = match value {
        Value::Text(text) => json!({"stringValue": text}),
        Value::Number(number) => json!({"intValue": number.to_string()}),
        Value::Truth(truth) => json!({"boolValue": truth}),
    };
    json!({"key": name, "value": value})
}

/// 64-bit numbers are text in the JSON form of protocol buffers.
fn nanoseconds(time: SystemTime) -> String {
    time.duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default().as_nanos().to_string()
}
