//! Logging as operators configure it: Python's logging configuration files, formatters, and levels.
//!
//! [`read`] understands the files that `logging.config.fileConfig` reads (oslo.log's `log_config_append`). Where Python
//! would run code, this accepts constants only. Classes that are not available here are errors that name the line.

mod arguments;
mod format;
mod formatter;
mod handler;
mod level;
mod record;
mod redact;

use std::collections::{BTreeMap, HashMap};

pub use format::{Format, Style};
pub use formatter::{ContextFormat, ContextStrings, Formatter, color};
pub use handler::{Destination, Rotation, Stream, SyslogAddress, When, facility};
pub use level::Level;
pub use record::{Field, Fields, Process, Record};

use crate::configparser::{Document, Entry, Section, parse};
use arguments::{Expression, evaluate};

/// What is wrong with a logging configuration file.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("line {line}: {reason}")]
pub struct Error {
    /// The line, from 1; 0 where something is missing.
    pub line: usize,
    /// What is wrong.
    pub reason: String,
}

/// A logger: where the records of one part of the program go.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Logger {
    /// Records below are dropped; [`Level::NOTSET`] is the parent's level.
    pub level: Level,
    /// The names of its handlers.
    pub handlers: Vec<String>,
    /// Whether the parent's handlers get the records, too.
    pub propagate: bool,
}

impl Default for Logger {
    fn default() -> Self {
        Self { level: Level::NOTSET, handlers: Vec::new(), propagate: true }
    }
}

/// A handler: a destination with a formatter.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Handler {
    /// Where records go.
    pub destination: Destination,
    /// Records below are dropped.
    pub level: Level,
    /// How records become lines.
    pub formatter: Formatter,
}

/// A logging configuration.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Configuration {
    /// The logger at the root.
    pub root: Logger,
    /// The other loggers by their names (`qualname`).
    pub loggers: BTreeMap<String, Logger>,
    /// The handlers by name.
    pub handlers: BTreeMap<String, Handler>,
}

/// Understands a logging configuration file. `context` formats what is said to be oslo.log's `ContextFormatter`.
///
/// # Errors
/// [`Error`] with the line.
pub fn read(text: &str, context: &ContextFormat) -> Result<Configuration, Error> {
    let mut document = parse(text).map_err(|(line, reason)| Error { line, reason })?;
    lower_keys(&mut document)?;
    let reader = Reader { document, context };
    let formatters = reader.formatters()?;
    let handlers = reader.handlers(&formatters)?;
    reader.loggers(handlers)
}

/// Names of options are the same in capitals.
fn lower_keys(document: &mut Document) -> Result<(), Error> {
    for section in document.sections.iter_mut().chain([&mut document.defaults]) {
        for position in 0..section.entries.len() {
            let key = section.entries[position].key.to_lowercase();
            if section.entries[..position].iter().any(|entry| entry.key == key) {
                let line = section.entries[position].line;
                return Err(Error { line, reason: format!("the option {key} occurs twice in [{}]", section.name) });
            }
            section.entries[position].key = key;
        }
    }
    Ok(())
}

struct Reader<'a> {
    document: Document,
    context: &'a ContextFormat,
}

impl Reader<'_> {
    fn section(&self, name: &str) -> Result<&Section, Error> {
        let found = self.document.sections.iter().find(|section| section.name == name);
        found.ok_or_else(|| Error { line: 0, reason: format!("the section [{name}] is missing") })
    }

    fn entry<'s>(&'s self, section: &'s Section, key: &str) -> Option<&'s Entry> {
        let found = |section: &'s Section| section.entries.iter().find(|entry| entry.key == key);
        found(section).or_else(|| found(&self.document.defaults))
    }

    /// The text as it stands, for format strings.
    fn raw<'s>(&'s self, section: &'s Section, key: &str) -> Option<(&'s str, usize)> {
        self.entry(section, key).map(|entry| (entry.value.as_str(), entry.line))
    }

    /// The text with `%(name)s` filled in.
    fn text(&self, section: &Section, key: &str) -> Result<Option<(String, usize)>, Error> {
        let Some(entry) = self.entry(section, key) else { return Ok(None) };
        let text = self.document.interpolate(section, entry, &HashMap::new());
        text.map(|text| Some((text, entry.line))).map_err(|(line, reason)| Error { line, reason })
    }

    fn required(&self, section: &Section, key: &str) -> Result<(String, usize), Error> {
        let reason = || format!("[{}] needs the option {key}", section.name);
        self.text(section, key)?.ok_or_else(|| Error { line: section.line, reason: reason() })
    }

    /// The names that a list section gives.
    fn keys(&self, section: &str) -> Result<Vec<String>, Error> {
        Ok(names(&self.required(self.section(section)?, "keys")?.0))
    }

    fn level(&self, section: &Section) -> Result<Option<Level>, Error> {
        let Some((name, line)) = self.text(section, "level")? else { return Ok(None) };
        match Level::named(&name) {
            Some(level) => Ok(Some(level)),
            None => {
                Err(Error { line, reason: format!("'{name}' is not a level: use DEBUG, INFO, WARNING, ERROR …") })
            }
        }
    }

    fn formatters(&self) -> Result<HashMap<String, Formatter>, Error> {
        let keys = self.keys("formatters")?;
        keys.into_iter().map(|name| Ok((name.clone(), self.formatter(&format!("formatter_{name}"))?))).collect()
    }

    /// A formatter; its section may be missing only where Python does not look at it.
    fn formatter(&self, section: &str) -> Result<Formatter, Error> {
        let section = self.section(section)?;
        let date_format = self.raw(section, "datefmt").map(|(text, _)| text).filter(|text| !text.is_empty());
        let date_format = date_format.map(str::to_owned);
        let class = self.text(section, "class")?.filter(|(class, _)| !class.is_empty());
        match class.as_ref().map(|(class, line)| (class.as_str(), *line)) {
            None | Some(("logging.Formatter", _)) => self.plain(section, date_format),
            Some(("oslo_log.formatters.ContextFormatter", _)) => {
                let context = ContextFormat { date_format, ..self.context.clone() };
                Ok(Formatter::Context(Box::new(context)))
            }
            Some(("oslo_log.formatters.JSONFormatter", _)) => Ok(Formatter::Json { date_format }),
            Some((other, line)) => {
                Err(Error { line, reason: format!("formatters of class {other} are not available") })
            }
        }
    }

    fn plain(&self, section: &Section, date_format: Option<String>) -> Result<Formatter, Error> {
        let (style, line) = self.raw(section, "style").unwrap_or(("%", 0));
        let style = Style::named(style)
            .ok_or_else(|| Error { line, reason: format!("the style '{style}' is none of %, {{ and $") })?;
        let (text, line) =
            self.raw(section, "format").filter(|(text, _)| !text.is_empty()).unwrap_or((style.message(), 0));
        let format = Format::new(text, style).map_err(|reason| Error { line, reason })?;
        Ok(Formatter::Plain { format, date_format })
    }

    fn handlers(&self, formatters: &HashMap<String, Formatter>) -> Result<BTreeMap<String, Handler>, Error> {
        let keys = self.keys("handlers")?;
        keys.into_iter().map(|name| Ok((name.clone(), self.handler(&format!("handler_{name}"), formatters)?))).collect()
    }

    fn handler(&self, section: &str, formatters: &HashMap<String, Formatter>) -> Result<Handler, Error> {
        let section = self.section(section)?;
        let (class, line) = self.required(section, "class")?;
        let args = self.expression(section, "args", Expression::Sequence(Vec::new()))?;
        let kwargs = self.expression(section, "kwargs", Expression::Map(Vec::new()))?;
        let destination = handler::destination(&class, args, kwargs).map_err(|reason| Error { line, reason })?;
        let formatter = match self.text(section, "formatter")?.filter(|(name, _)| !name.is_empty()) {
            Some((name, line)) => formatters
                .get(&name)
                .cloned()
                .ok_or_else(|| Error { line, reason: format!("there is no formatter {name}") })?,
            None => {
                let format = Format::new(Style::Percent.message(), Style::Percent);
                Formatter::Plain { format: format.map_err(|reason| Error { line, reason })?, date_format: None }
            }
        };
        Ok(Handler { destination, level: self.level(section)?.unwrap_or(Level::NOTSET), formatter })
    }

    fn expression(&self, section: &Section, key: &str, default: Expression) -> Result<Expression, Error> {
        match self.text(section, key)? {
            Some((text, line)) => evaluate(&text).map_err(|reason| Error { line, reason }),
            None => Ok(default),
        }
    }

    fn loggers(&self, handlers: BTreeMap<String, Handler>) -> Result<Configuration, Error> {
        let mut configuration = Configuration { handlers, ..Configuration::default() };
        let mut keys = self.keys("loggers")?;
        let root = keys.iter().position(|name| name == "root");
        let missing = || Error { line: 0, reason: "the list of loggers must contain root".to_owned() };
        keys.remove(root.ok_or_else(missing)?);
        configuration.root = self.logger("logger_root", Logger::default(), &configuration.handlers)?;
        for name in keys {
            let section = self.section(&format!("logger_{name}"))?;
            let (name, _) = self.required(section, "qualname")?;
            let is_root = matches!(name.as_str(), "" | "root");
            let known = if is_root { Some(&configuration.root) } else { configuration.loggers.get(&name) };
            let mut logger = self.logger(&section.name, known.cloned().unwrap_or_default(), &configuration.handlers)?;
            logger.propagate = self.propagates(section)?;
            if is_root {
                configuration.root = logger;
            } else {
                configuration.loggers.insert(name, logger);
            }
        }
        Ok(configuration)
    }

    /// `known` is what an earlier section said of the same logger.
    fn logger(&self, section: &str, known: Logger, handlers: &BTreeMap<String, Handler>) -> Result<Logger, Error> {
        let section = self.section(section)?;
        let level = self.level(section)?.unwrap_or(known.level);
        let (text, line) = self.required(section, "handlers")?;
        let wanted = names(&text);
        if let Some(name) = wanted.iter().find(|name| !handlers.contains_key(*name)) {
            return Err(Error { line, reason: format!("there is no handler {name}") });
        }
        Ok(Logger { level, handlers: wanted, propagate: known.propagate })
    }

    fn propagates(&self, section: &Section) -> Result<bool, Error> {
        let Some((text, line)) = self.text(section, "propagate")? else { return Ok(true) };
        let number: Result<i64, _> = text.trim().parse();
        number.map(|number| number != 0).map_err(|_| Error { line, reason: format!("'{text}' is not a whole number") })
    }
}

/// Names separated by commas; none at all for an empty text.
fn names(text: &str) -> Vec<String> {
    if text.is_empty() {
        return Vec::new();
    }
    text.split(',').map(|name| name.trim().to_owned()).collect()
}

impl Configuration {
    /// The level from which on a logger keeps records: its own or that of the nearest parent that has one.
    #[must_use]
    pub fn effective_level(&self, logger: &str) -> Level {
        let own = self.family(logger).map(|logger| logger.level).find(|level| *level != Level::NOTSET);
        own.unwrap_or(Level::NOTSET)
    }

    /// The names of the handlers that get a record of this logger and level.
    pub fn receivers<'a>(&'a self, logger: &'a str, level: Level) -> impl Iterator<Item = &'a str> {
        let mut open = level >= self.effective_level(logger);
        let loggers = self.family(logger).take_while(move |logger| {
            let reached = open;
            open &= logger.propagate;
            reached
        });
        loggers
            .flat_map(|logger| &logger.handlers)
            .map(String::as_str)
            .filter(move |name| self.handlers.get(*name).is_some_and(|handler| level >= handler.level))
    }

    /// The lowest level at which any logger keeps records.
    #[must_use]
    pub fn lowest_level(&self) -> Level {
        let set = self.loggers.values().map(|logger| logger.level).filter(|level| *level != Level::NOTSET);
        set.chain([self.root.level]).min().unwrap_or(Level::NOTSET)
    }

    /// The configured loggers from the named one up to the root.
    fn family<'a>(&'a self, logger: &'a str) -> impl Iterator<Item = &'a Logger> {
        let names = std::iter::successors(Some(logger), |name| name.rsplit_once('.').map(|(parent, _)| parent));
        names.filter_map(|name| self.loggers.get(name)).chain([&self.root])
    }
}
