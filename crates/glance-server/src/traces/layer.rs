//! From spans of `tracing` to finished ones: which belong to which trace, when they began and ended, and their fields.

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::SystemTime;

use tokio::sync::mpsc::Sender;
use tracing::Subscriber;
use tracing::field::{Field, Visit};
use tracing::span::{Attributes, Id, Record};
use tracing_subscriber::layer::Context;
use tracing_subscriber::registry::LookupSpan;

use super::export::Job;
use super::{Parent, TARGET};

/// The longest text of an attribute, in characters.
const LONGEST: usize = 256;

/// The part of tracing's subscriber that collects spans.
pub struct Layer {
    queue: Sender<Job>,
    lost: Arc<AtomicU64>,
    ratio: f64,
}

/// A span as long as it lasts.
#[derive(Debug)]
pub(super) struct Traced {
    trace: u128,
    span: u64,
    parent: Option<u64>,
    sampled: bool,
    began: SystemTime,
    fields: Fields,
}

/// A span that is over.
#[derive(Debug)]
pub(super) struct Finished {
    pub(super) trace: u128,
    pub(super) span: u64,
    pub(super) parent: Option<u64>,
    /// The name that `tracing` has for spans of its kind.
    pub(super) kind: &'static str,
    pub(super) began: SystemTime,
    pub(super) ended: SystemTime,
    pub(super) fields: Fields,
}

/// What is said of a span.
#[derive(Debug, Default)]
pub(super) struct Fields {
    pub(super) name: Option<String>,
    pub(super) failed: bool,
    traceparent: Option<Parent>,
    pub(super) attributes: Vec<(&'static str, Value)>,
}

/// The value of an attribute.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Value {
    Text(String),
    Number(i64),
    Truth(bool),
}

impl Traced {
    /// What other services are told of it.
    pub(super) fn header(&self) -> String {
        format!("00-{:032x}-{:016x}-{:02x}", self.trace, self.span, u8::from(self.sampled))
    }
}

impl Layer {
    pub(super) fn new(queue: Sender<Job>, ratio: f64) -> Self {
        Self { queue, lost: Arc::default(), ratio }
    }

    /// A span that begins a trace, or continues one of another service.
    fn root(&self, fields: &Fields) -> (u128, Option<u64>, bool) {
        if let Some(parent) = fields.traceparent {
            return (parent.trace, Some(parent.span), parent.sampled);
        }
        let trace = random();
        // The last half of the id is as good as any other number.
        #[expect(clippy::cast_precision_loss, clippy::cast_possible_truncation, reason = "a share of all traces")]
        let sampled = (trace as u64 as f64) < self.ratio * (u64::MAX as f64) || self.ratio >= 1.0;
        (trace, None, sampled)
    }
}

impl<S> tracing_subscriber::Layer<S> for Layer
where
    S: Subscriber + for<'a> LookupSpan<'a>,
{
    fn on_new_span(&self, attributes: &Attributes<'_>, id: &Id, ctx: Context<'_, S>) {
        let Some(span) = ctx.span(id).filter(|span| span.metadata().target() == TARGET) else { return };
        let mut fields = Fields::default();
        attributes.record(&mut fields);
        let above = span.scope().skip(1).find_map(|above| {
            above.extensions().get::<Traced>().map(|above| (above.trace, Some(above.span), above.sampled))
        });
        let (trace, parent, sampled) = above.unwrap_or_else(|| self.root(&fields));
        let began = SystemTime::now();
        #[expect(clippy::cast_possible_truncation, reason = "half of a random number is one, too")]
        let own = random() as u64;
        span.extensions_mut().insert(Traced { trace, span: own, parent, sampled, began, fields });
    }

    fn on_record(&self, id: &Id, values: &Record<'_>, ctx: Context<'_, S>) {
        let Some(span) = ctx.span(id) else { return };
        if let Some(traced) = span.extensions_mut().get_mut::<Traced>() {
            values.record(&mut traced.fields);
        }
    }

    fn on_close(&self, id: Id, ctx: Context<'_, S>) {
        let Some(span) = ctx.span(&id) else { return };
        let Some(traced) = span.extensions_mut().remove::<Traced>().filter(|traced| traced.sampled) else { return };
        let Traced { trace, span: own, parent, began, fields, .. } = traced;
        let kind = span.name();
        let finished = Finished { trace, span: own, parent, kind, began, ended: SystemTime::now(), fields };
        let lost = self.lost.swap(0, Ordering::Relaxed);
        // Nothing waits for a collector that does not keep up.
        if self.queue.try_send(Job::Span(Box::new(finished), lost)).is_err() {
            self.lost.fetch_add(lost + 1, Ordering::Relaxed);
        }
    }
}

/// A number that nobody else has, and not zero.
fn random() -> u128 {
    uuid::Uuid::new_v4().as_u128()
}

impl Fields {
    fn add(&mut self, field: &Field, value: Value) {
        match (field.name(), value) {
            ("otel.name", Value::Text(name)) => self.name = Some(name),
            ("otel.failed", Value::Truth(failed)) => self.failed = failed,
            ("traceparent", Value::Text(text)) => self.traceparent = Parent::parse(&text),
            (name, value) => self.attributes.push((name, value)),
        }
    }
}

impl Visit for Fields {
    fn record_i64(&mut self, field: &Field, value: i64) {
        self.add(field, Value::Number(value));
    }

    fn record_u64(&mut self, field: &Field, value: u64) {
        self.add(field, Value::Number(i64::try_from(value).unwrap_or(i64::MAX)));
    }

    fn record_bool(&mut self, field: &Field, value: bool) {
        self.add(field, Value::Truth(value));
    }

    fn record_str(&mut self, field: &Field, value: &str) {
        self.add(field, Value::Text(value.chars().take(LONGEST).collect()));
    }

    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        self.record_str(field, &format!("{value:?}"));
    }
}
