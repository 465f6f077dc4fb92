//! Formatters: from a record to its line, as `logging.Formatter`, oslo.log's `ContextFormatter` and `JSONFormatter` do.

use serde_json::{Value, json};

use super::format::{Format, Style};
use super::record::{Field, Fields, Record};
use super::{Level, redact};

/// How records become lines.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Formatter {
    /// A format string.
    Plain {
        /// The string.
        format: Format,
        /// How `asctime` is written.
        date_format: Option<String>,
    },
    /// oslo.log's: one string for requests and one for everything else.
    Context(Box<ContextFormat>),
    /// oslo.log's JSON document.
    Json {
        /// How `asctime` is written.
        date_format: Option<String>,
    },
}

/// The format strings of oslo.log, by the names of its options.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ContextFormat {
    /// `logging_context_format_string`.
    pub context: Format,
    /// `logging_default_format_string`.
    pub default: Format,
    /// `logging_debug_format_suffix`.
    pub debug_suffix: Option<Format>,
    /// `logging_user_identity_format`.
    pub user_identity: Format,
    /// `log_date_format`.
    pub date_format: Option<String>,
}

impl ContextFormat {
    /// Compiles the strings of oslo.log.
    ///
    /// # Errors
    /// What is wrong with one of them, named by its option.
    pub fn new(options: &ContextStrings<'_>) -> Result<Self, String> {
        let compile = |name: &str, text: &str| {
            Format::fragment(text, Style::Percent).map_err(|reason| format!("{name}: {reason}"))
        };
        let suffix = options.debug_suffix;
        Ok(Self {
            context: compile("logging_context_format_string", options.context)?,
            default: compile("logging_default_format_string", options.default)?,
            debug_suffix: match suffix {
                "" => None,
                suffix => Some(compile("logging_debug_format_suffix", suffix)?),
            },
            user_identity: compile("logging_user_identity_format", options.user_identity)?,
            date_format: options.date_format.filter(|format| !format.is_empty()).map(str::to_owned),
        })
    }
}

/// The texts of [`ContextFormat`]; the default is oslo.log's.
#[derive(Clone, Copy, Debug)]
pub struct ContextStrings<'a> {
    /// `logging_context_format_string`.
    pub context: &'a str,
    /// `logging_default_format_string`.
    pub default: &'a str,
    /// `logging_debug_format_suffix`.
    pub debug_suffix: &'a str,
    /// `logging_user_identity_format`.
    pub user_identity: &'a str,
    /// `log_date_format`.
    pub date_format: Option<&'a str>,
}

impl Default for ContextStrings<'_> {
    fn default() -> Self {
        Self {
            context: "%(asctime)s.%(msecs)03d %(process)d %(levelname)s %(name)s \
                      [%(global_request_id)s %(request_id)s %(user_identity)s] %(instance)s%(message)s",
            default: "%(asctime)s.%(msecs)03d %(process)d %(levelname)s %(name)s [-] %(instance)s%(message)s",
            debug_suffix: "%(funcName)s %(pathname)s:%(lineno)d",
            user_identity: "%(user)s %(project)s %(domain)s %(system_scope)s %(user_domain)s %(project_domain)s",
            date_format: Some("%Y-%m-%d %H:%M:%S"),
        }
    }
}

impl Formatter {
    /// The line of a record, without the line's end. Control characters and secrets are not shown, wherever they stand.
    #[must_use]
    pub fn line(&self, record: &Record<'_>) -> String {
        let message = redact::clean(record.message);
        let error = record.error.map(redact::clean);
        let extra: Vec<_> =
            record.extra.iter().map(|(name, value)| (*name, redact::clean_field(name, value))).collect();
        let context: Option<Vec<_>> = record
            .context
            .map(|context| context.iter().map(|(name, value)| (*name, value.as_deref().map(redact::clean))).collect());
        let record = &Record {
            message: &message,
            error: error.as_deref(),
            extra: &extra,
            context: context.as_deref(),
            ..record.clone()
        };
        let mut out = String::with_capacity(message.len() + 160);
        match self {
            Self::Plain { format, date_format } => {
                let view = View { record, date_format: date_format.as_deref(), user_identity: None };
                format.push(&mut out, &view);
                if let Some(error) = record.error {
                    out.push_str(": ");
                    out.push_str(error);
                }
            }
            Self::Context(strings) => strings.push(&mut out, record),
            Self::Json { date_format } => push_json(&mut out, record, date_format.as_deref()),
        }
        out
    }
}

impl ContextFormat {
    fn push(&self, out: &mut String, record: &Record<'_>) {
        let mut identity = String::new();
        if let Some(context) = record.context {
            self.user_identity.push(&mut identity, &OrDash(context));
        }
        let view = View { record, date_format: self.date_format.as_deref(), user_identity: Some(&identity) };
        let format = match record.in_context("request_id") {
            Some(id) if !id.is_empty() => &self.context,
            _ => &self.default,
        };
        format.push(out, &view);
        if let Some(error) = record.error.filter(|_| !format.has("error_summary")) {
            out.push_str(": ");
            out.push_str(error);
        }
        if let (Level::DEBUG, Some(suffix)) = (record.level, &self.debug_suffix) {
            out.push(' ');
            suffix.push(out, &view);
        }
    }
}

/// The values of a context, with a dash for what is missing.
struct OrDash<'a>(&'a [(&'static str, Option<String>)]);

impl Fields for OrDash<'_> {
    fn field(&self, name: &str) -> Option<Field<'_>> {
        let value = self.0.iter().find(|(known, _)| *known == name).and_then(|(_, value)| value.as_deref());
        Some(Field::Str(value.filter(|value| !value.is_empty()).unwrap_or("-").into()))
    }
}

/// A record as a formatter shows it: with the time in its format and the values of the context.
struct View<'a> {
    record: &'a Record<'a>,
    date_format: Option<&'a str>,
    user_identity: Option<&'a str>,
}

impl Fields for View<'_> {
    fn field(&self, name: &str) -> Option<Field<'_>> {
        if name == "asctime" {
            return Some(Field::Str(self.record.asctime(self.date_format).into()));
        }
        if let Some(field) = self.record.field(name) {
            return Some(field);
        }
        match name {
            "user_identity" => return Some(Field::Str(self.user_identity.unwrap_or_default().into())),
            "error_summary" => return Some(Field::Str(self.record.error.unwrap_or("-").into())),
            "color" if self.record.color => return Some(Field::Str(color(self.record.level).into())),
            "reset_color" => return Some(Field::Str("\u{1b}[00m".into())),
            _ => {}
        }
        let context = self.record.context.unwrap_or_default();
        context.iter().find(|(known, _)| *known == name).map(|(_, value)| match value {
            Some(value) => Field::Str(value.as_str().into()),
            None => Field::None,
        })
    }
}

/// The escape sequence of a terminal that oslo.log gives a level.
#[must_use]
pub fn color(level: Level) -> &'static str {
    match level {
        Level::TRACE => "\u{1b}[00;35m",
        Level::DEBUG => "\u{1b}[00;32m",
        Level::INFO => "\u{1b}[00;36m",
        Level::AUDIT => "\u{1b}[01;36m",
        Level::WARNING => "\u{1b}[01;33m",
        Level::ERROR | Level::CRITICAL => "\u{1b}[01;31m",
        _ => "",
    }
}

/// The document of oslo.log's `JSONFormatter`, with its keys in the same order.
fn push_json(out: &mut String, record: &Record<'_>, date_format: Option<&str>) {
    let context: serde_json::Map<String, Value> = record
        .context
        .unwrap_or_default()
        .iter()
        .map(|(name, value)| ((*name).to_owned(), value.as_deref().map_or(Value::Null, Value::from)))
        .collect();
    let extra: serde_json::Map<String, Value> =
        record.extra.iter().map(|(name, value)| ((*name).to_owned(), Value::from(value.as_str()))).collect();
    let created = record.created();
    let pairs = [
        ("message", json!(record.message)),
        ("asctime", json!(record.asctime(date_format))),
        ("name", json!(record.name)),
        ("msg", json!(record.message)),
        ("args", json!([])),
        ("levelname", json!(record.level.name())),
        ("levelno", json!(record.level.0)),
        ("pathname", json!(record.pathname)),
        ("filename", json!(record.filename())),
        ("module", json!(record.module())),
        ("lineno", json!(record.line)),
        ("funcname", json!(record.function)),
        ("created", json!(created)),
        ("msecs", json!(f64::from(record.time.timestamp_subsec_millis()))),
        ("relative_created", json!(record.process.uptime)),
        ("thread", json!(record.process.thread)),
        ("thread_name", json!(record.process.thread_name)),
        ("process_name", json!(record.process.name)),
        ("process", json!(record.process.id)),
        ("traceback", Value::Null),
        ("hostname", json!(record.process.host)),
        ("error_summary", json!(record.error.unwrap_or_default())),
        ("context", Value::Object(context)),
        ("extra", Value::Object(extra)),
    ];
    for (position, (key, value)) in pairs.iter().enumerate() {
        out.push_str(if position == 0 { "{\"" } else { ", \"" });
        out.push_str(key);
        out.push_str("\": ");
        out.push_str(&value.to_string());
    }
    out.push('}');
}
