//! What there is to log: one record, and its fields by the names that format strings use.

use std::borrow::Cow;

use chrono::format::{Item, StrftimeItems};
use chrono::{DateTime, FixedOffset};

use super::Level;
use crate::python::float_repr;

/// The value of a field.
#[derive(Clone, Debug, PartialEq)]
pub enum Field<'a> {
    /// Text.
    Str(Cow<'a, str>),
    /// A whole number.
    Int(i64),
    /// A number.
    Float(f64),
    /// Known, but without a value: Python's `None`.
    None,
}

impl Field<'_> {
    /// As Python's `str` shows it.
    #[must_use]
    pub fn to_text(&self) -> Cow<'_, str> {
        match self {
            Self::Str(text) => Cow::Borrowed(text),
            Self::Int(number) => Cow::Owned(number.to_string()),
            Self::Float(number) => Cow::Owned(float_repr(*number)),
            Self::None => Cow::Borrowed("None"),
        }
    }

    #[expect(clippy::cast_precision_loss, reason = "fields are line numbers and process ids")]
    pub(super) fn as_float(&self) -> Option<f64> {
        match self {
            Self::Int(number) => Some(*number as f64),
            Self::Float(number) => Some(*number),
            Self::Str(_) | Self::None => None,
        }
    }
}

/// Something that has fields.
pub trait Fields {
    /// The field of this name.
    fn field(&self, name: &str) -> Option<Field<'_>>;
}

/// One thing that happened.
#[derive(Clone, Debug)]
pub struct Record<'a> {
    /// The logger, such as `glance.api.v2.images`.
    pub name: &'a str,
    /// How severe it is.
    pub level: Level,
    /// What happened, without its cause.
    pub message: &'a str,
    /// Why: what oslo.log calls the summary of the error.
    pub error: Option<&'a str>,
    /// When, in local time.
    pub time: DateTime<FixedOffset>,
    /// The source file.
    pub pathname: &'a str,
    /// The line there, from 1.
    pub line: u32,
    /// The function or module there.
    pub function: &'a str,
    /// Who runs.
    pub process: Process<'a>,
    /// On whose behalf: names and values of `oslo.context`, such as `request_id`. `None` outside of requests.
    pub context: Option<&'a [(&'static str, Option<String>)]>,
    /// What else is known, by name.
    pub extra: &'a [(&'static str, String)],
    /// Whether the field `color` has a value.
    pub color: bool,
}

/// The process and thread that log.
#[derive(Clone, Copy, Debug)]
pub struct Process<'a> {
    /// The number of the process.
    pub id: u32,
    /// The name of the process.
    pub name: &'a str,
    /// A number of the thread.
    pub thread: u64,
    /// The name of the thread.
    pub thread_name: &'a str,
    /// The name of the machine.
    pub host: &'a str,
    /// Milliseconds since the process began.
    pub uptime: u64,
}

impl Record<'_> {
    /// The value of `oslo.context` of this name; `None` when it is unknown or has no value.
    #[must_use]
    pub fn in_context(&self, name: &str) -> Option<&str> {
        let (_, value) = self.context?.iter().find(|(known, _)| *known == name)?;
        value.as_deref()
    }

    /// Seconds since 1970, with microseconds.
    #[must_use]
    #[expect(clippy::cast_precision_loss, reason = "Python's time is a float, too")]
    pub fn created(&self) -> f64 {
        self.time.timestamp_micros() as f64 / 1e6
    }

    /// The file name of the source, without its folder.
    #[must_use]
    pub fn filename(&self) -> &str {
        self.pathname.rsplit('/').next().unwrap_or_default()
    }

    /// The file name of the source, without its ending.
    #[must_use]
    pub fn module(&self) -> &str {
        self.filename().split('.').next().unwrap_or_default()
    }

    /// The time as strftime(3) writes it; milliseconds follow the standard format where none is given.
    #[must_use]
    pub fn asctime(&self, format: Option<&str>) -> String {
        match format {
            Some(format) => strftime(&self.time, format),
            None => strftime(&self.time, "%Y-%m-%d %H:%M:%S") + &format!(",{:03}", self.time.timestamp_subsec_millis()),
        }
    }
}

impl Fields for Record<'_> {
    fn field(&self, name: &str) -> Option<Field<'_>> {
        let text = |text| Some(Field::Str(Cow::Borrowed(text)));
        match name {
            "name" => text(self.name),
            "levelname" => Some(Field::Str(self.level.name())),
            "levelno" => Some(Field::Int(i64::from(self.level.0))),
            "message" | "msg" => text(self.message),
            "pathname" => text(self.pathname),
            "filename" => text(self.filename()),
            "module" => text(self.module()),
            "lineno" => Some(Field::Int(i64::from(self.line))),
            "funcName" => text(self.function),
            "created" => Some(Field::Float(self.created())),
            "msecs" => Some(Field::Float(f64::from(self.time.timestamp_subsec_millis()))),
            #[expect(clippy::cast_precision_loss, reason = "an uptime fits")]
            "relativeCreated" => Some(Field::Float(self.process.uptime as f64)),
            "thread" => Some(Field::Int(i64::try_from(self.process.thread).unwrap_or(i64::MAX))),
            "threadName" => text(self.process.thread_name),
            "process" => Some(Field::Int(i64::from(self.process.id))),
            "processName" => text(self.process.name),
            "hostname" => text(self.process.host),
            "args" => text("()"),
            "exc_info" | "exc_text" | "stack_info" => Some(Field::None),
            "isotime" => Some(Field::Str(Cow::Owned(self.time.format("%Y-%m-%dT%H:%M:%S%.6f%:z").to_string()))),
            _ => None,
        }
    }
}

/// As strftime(3) in the locale C; what it does not know stays as it is.
fn strftime(time: &DateTime<FixedOffset>, format: &str) -> String {
    let known = StrftimeItems::new(format).all(|item| !matches!(item, Item::Error));
    if known { time.format(format).to_string() } else { format.to_owned() }
}
