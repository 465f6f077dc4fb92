//! From tracing's events to lines: who keeps them, on whose behalf they happened, and how they look.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{SyncSender, TrySendError};
use std::time::Instant;

use arc_swap::ArcSwap;
use oslo::logging::{Destination, Level, Process, Record};
use tracing::level_filters::LevelFilter;
use tracing::span::{Attributes, Id, Record as SpanRecord};
use tracing::subscriber::Interest;
use tracing::{Event, Metadata, Subscriber};
use tracing_subscriber::layer::Context;
use tracing_subscriber::registry::LookupSpan;

use super::context::{ALIASES, NAMES, REQUEST, RESOURCES};
use super::fields::Collected;
use super::plan::Plan;
use super::rate_limit::{Limiter, Verdict};
use super::writer::{Job, Line};
use crate::traces;

/// What is logged now.
pub(super) struct State {
    plan: Plan,
    limiter: Option<Limiter>,
}

impl State {
    pub(super) fn new(plan: Plan) -> Self {
        Self { limiter: plan.rate_limit.map(Limiter::new), plan }
    }
}

/// The part of tracing's subscriber that logs.
pub(super) struct Layer {
    state: Arc<ArcSwap<State>>,
    queue: SyncSender<Job>,
    lost: AtomicU64,
    host: String,
    started: Instant,
    /// Whether somebody else wants the spans of traces.
    traces: bool,
}

/// The values of a request's context, kept with its span.
struct RequestValues(Vec<(&'static str, Option<String>)>);

/// The fields of any other span.
struct SpanFields(Vec<(&'static str, String)>);

impl Layer {
    pub(super) fn new(state: Arc<ArcSwap<State>>, queue: SyncSender<Job>) -> Self {
        let host = rustix::system::uname().nodename().to_string_lossy().into_owned();
        Self { state, queue, lost: AtomicU64::new(0), host, started: Instant::now(), traces: false }
    }

    /// The same beside a layer that collects traces.
    pub(super) fn beside(self, traces: Option<&traces::Layer>) -> Self {
        Self { traces: traces.is_some(), ..self }
    }

    /// Sends the lines of a record to the handlers that get it.
    fn send(&self, state: &State, record: &Record<'_>) {
        let configuration = &state.plan.configuration;
        for name in configuration.receivers(record.name, record.level) {
            let Some(handler) = configuration.handlers.get(name) else { continue };
            let color = matches!(handler.destination, Destination::Stream { color: true, .. });
            let text = handler.formatter.line(&Record { color, ..record.clone() });
            let journal = matches!(handler.destination, Destination::Journal { .. });
            let fields = if journal { journal_fields(record) } else { Vec::new() };
            self.queue(Job::Line(Line { handler: name.to_owned(), level: record.level, text, fields }));
        }
    }

    fn queue(&self, job: Job) {
        let lost = self.lost.load(Ordering::Relaxed);
        if lost > 0 && self.queue.try_send(Job::Lost(lost)).is_ok() {
            self.lost.fetch_sub(lost, Ordering::Relaxed);
        }
        if let Err(TrySendError::Full(_)) = self.queue.try_send(job) {
            self.lost.fetch_add(1, Ordering::Relaxed);
        }
    }
}

fn journal_fields(record: &Record<'_>) -> Vec<(&'static str, String)> {
    let mut fields = vec![
        ("CODE_FILE", record.pathname.to_owned()),
        ("CODE_LINE", record.line.to_string()),
        ("CODE_FUNC", record.function.to_owned()),
        ("THREAD_NAME", record.process.thread_name.to_owned()),
        ("PROCESS_NAME", record.process.name.to_owned()),
        ("LOGGER_NAME", record.name.to_owned()),
        ("LOGGER_LEVEL", record.level.name().into_owned()),
    ];
    for (name, field) in [
        ("project_name", "PROJECT_NAME"),
        ("project_id", "PROJECT_ID"),
        ("user_name", "USER_NAME"),
        ("user_id", "USER_ID"),
        ("request_id", "REQUEST_ID"),
    ] {
        fields.extend(record.in_context(name).map(|value| (field, value.to_owned())));
    }
    fields
}

/// The name that a logger has for operators: that of the Python module with the same task, as far as there is one.
pub(super) fn logger(target: &str) -> String {
    let (root, rest) = target.split_once("::").unwrap_or((target, ""));
    let root = match root {
        "glance_server" => "glance",
        "glance_db" => "glance.db",
        "glance_domain" => "glance.domain",
        "keystone_auth" => "keystonemiddleware",
        "sqlx" => "sqlalchemy",
        other => other,
    };
    if rest.is_empty() { root.to_owned() } else { format!("{root}.{}", rest.replace("::", ".")) }
}

fn level(metadata: &Metadata<'_>) -> Level {
    match *metadata.level() {
        tracing::Level::ERROR => Level::ERROR,
        tracing::Level::WARN => Level::WARNING,
        tracing::Level::INFO => Level::INFO,
        tracing::Level::DEBUG => Level::DEBUG,
        tracing::Level::TRACE => Level::TRACE,
    }
}

impl<S> tracing_subscriber::Layer<S> for Layer
where
    S: Subscriber + for<'a> LookupSpan<'a>,
{
    fn register_callsite(&self, metadata: &'static Metadata<'static>) -> Interest {
        if self.keeps(metadata) { Interest::always() } else { Interest::never() }
    }

    fn enabled(&self, metadata: &Metadata<'_>, _: Context<'_, S>) -> bool {
        self.keeps(metadata)
    }

    fn max_level_hint(&self) -> Option<LevelFilter> {
        let lowest = self.state.load().plan.configuration.lowest_level();
        Some(match lowest {
            level if level < Level::DEBUG => LevelFilter::TRACE,
            level if level < Level::INFO => LevelFilter::DEBUG,
            // Spans of requests are of this level.
            _ => LevelFilter::INFO,
        })
    }

    fn on_new_span(&self, attributes: &Attributes<'_>, id: &Id, ctx: Context<'_, S>) {
        let Some(span) = ctx.span(id).filter(|span| span.metadata().target() != traces::TARGET) else { return };
        let mut collected = Collected::default();
        attributes.record(&mut collected);
        if span.name() == REQUEST {
            span.extensions_mut().insert(RequestValues(context_values(&collected)));
            collected.others.retain(|(name, _)| RESOURCES.contains(name));
            span.extensions_mut().insert(SpanFields(collected.others));
        } else {
            span.extensions_mut().insert(SpanFields(collected.others));
        }
    }

    fn on_record(&self, id: &Id, values: &SpanRecord<'_>, ctx: Context<'_, S>) {
        let Some(span) = ctx.span(id) else { return };
        let mut collected = Collected::default();
        values.record(&mut collected);
        if let Some(SpanFields(fields)) = span.extensions_mut().get_mut() {
            fields.append(&mut collected.others);
        }
    }

    fn on_event(&self, event: &Event<'_>, ctx: Context<'_, S>) {
        let state = self.state.load();
        let metadata = event.metadata();
        let mut collected = Collected::default();
        event.record(&mut collected);
        let mut context = None;
        let mut extra = Vec::new();
        for span in ctx.event_scope(event).into_iter().flatten() {
            let extensions = span.extensions();
            if let Some(RequestValues(values)) = extensions.get() {
                context.get_or_insert_with(|| values.clone());
            }
            if let Some(SpanFields(fields)) = extensions.get() {
                extra.extend(fields.iter().cloned());
            }
        }
        extra.extend(collected.others.iter().cloned());
        let message = message(&mut collected, level(metadata));
        let thread = std::thread::current();
        let record = Record {
            name: &logger(metadata.target()),
            level: level(metadata),
            message: &message,
            error: collected.error.as_deref(),
            time: now(),
            pathname: metadata.file().unwrap_or_default(),
            line: metadata.line().unwrap_or_default(),
            function: metadata.module_path().and_then(|path| path.rsplit("::").next()).unwrap_or_default(),
            process: self.process(thread.name().unwrap_or("worker")),
            context: context.as_deref(),
            extra: &extra,
            color: false,
        };
        self.pass(&state, &record);
    }
}

impl Layer {
    fn keeps(&self, metadata: &Metadata<'_>) -> bool {
        if metadata.target() == traces::TARGET {
            return self.traces;
        }
        if metadata.is_span() {
            return *metadata.level() <= tracing::Level::INFO;
        }
        let state = self.state.load();
        level(metadata) >= state.plan.configuration.effective_level(&logger(metadata.target()))
    }

    fn process<'a>(&'a self, thread_name: &'a str) -> Process<'a> {
        Process {
            id: std::process::id(),
            name: "MainProcess",
            thread: u64::from(rustix::thread::gettid().as_raw_nonzero().get().unsigned_abs()),
            thread_name,
            host: &self.host,
            uptime: u64::try_from(self.started.elapsed().as_millis()).unwrap_or(u64::MAX),
        }
    }

    /// Sends the record unless there are too many.
    fn pass(&self, state: &State, record: &Record<'_>) {
        let Some(limiter) = &state.limiter else { return self.send(state, record) };
        match limiter.judge(record.level, Instant::now()) {
            Verdict::Keep => self.send(state, record),
            Verdict::Drop => {}
            Verdict::Complain => {
                let complaint = limiter.complaint();
                let record =
                    Record { name: "root", level: Level::ERROR, message: &complaint, error: None, ..record.clone() };
                self.send(state, &record);
            }
        }
    }
}

/// oslo.log shows causes of warnings and errors behind the message; those of lesser lines are part of it here.
fn message(collected: &mut Collected, level: Level) -> String {
    let mut message = collected.full_message();
    if level < Level::WARNING
        && let Some(error) = collected.error.take()
    {
        message.push_str(": ");
        message.push_str(&error);
    }
    message
}

fn context_values(collected: &Collected) -> Vec<(&'static str, Option<String>)> {
    let value = |name: &str| {
        let source = ALIASES.iter().find(|(_, alias)| *alias == name).map_or(name, |(source, _)| source);
        collected.others.iter().find(|(known, _)| *known == source).map(|(_, value)| value.clone())
    };
    NAMES.iter().map(|name| (*name, value(name))).collect()
}

#[expect(clippy::disallowed_methods, reason = "the log has the time of the machine, whatever a test's clock says")]
fn now() -> chrono::DateTime<chrono::FixedOffset> {
    chrono::Utc::now().with_timezone(&chrono::Local).fixed_offset()
}
