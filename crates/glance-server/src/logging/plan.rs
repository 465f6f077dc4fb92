//! From options to loggers and handlers: oslo.log's `setup`.

use std::path::Path;
use std::time::Duration;

use anyhow::{Context as _, anyhow, bail};
use oslo::config::Config;
use oslo::logging::{
    Configuration, ContextFormat, ContextStrings, Destination, Formatter, Handler, Level, Logger, Rotation, Stream,
    SyslogAddress, When, facility, read,
};

use crate::config::catalogue;

/// Libraries that show foreign data, such as headers with tokens, at levels below INFO. They never get to.
const DISCREET: [&str; 7] = ["hyper", "hyper_util", "h2", "reqwest", "rustls", "sqlalchemy", "tower"];

/// The logger of what the database is asked.
const DATABASE: &str = "sqlalchemy";

/// What is logged and where.
#[derive(Clone, Debug)]
pub struct Plan {
    /// The name of the program in the system's log, such as `glance-api`.
    pub program: &'static str,
    /// Loggers and handlers.
    pub configuration: Configuration,
    /// How many lines there may be.
    pub rate_limit: Option<RateLimit>,
}

/// oslo.log's rate limit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RateLimit {
    /// Lines in one interval.
    pub burst: u64,
    /// Length of an interval.
    pub interval: Duration,
    /// From this level on everything is logged; `None`: nothing is exempt.
    pub except: Option<Level>,
}

impl Plan {
    /// As the options of oslo.log say.
    ///
    /// # Errors
    /// In words for the operator, naming file and line where there is one.
    pub fn from_options(program: &'static str, options: &Config) -> anyhow::Result<Self> {
        let text = |name: &str| options.get::<Option<String>>("DEFAULT", name);
        let format = context_format(options)?;
        if let Some(path) = text("log_config_append")?.filter(|path| !path.is_empty()) {
            let content = std::fs::read_to_string(&path).with_context(|| format!("log_config_append: {path}"))?;
            let configuration = read(&content, &format).with_context(|| format!("log_config_append: {path}"))?;
            return Ok(Self { program, configuration: discreet(configuration), rate_limit: None });
        }
        let date_format = format.date_format.clone();
        let formatter = match options.get("DEFAULT", "use_json")? {
            true => Formatter::Json { date_format },
            false => Formatter::Context(Box::new(format)),
        };
        let mut configuration = Configuration::default();
        configuration.root.level = if options.get("DEFAULT", "debug")? { Level::DEBUG } else { Level::INFO };
        for (name, destination) in destinations(program, options)? {
            add_handler(&mut configuration, name, destination, &formatter);
        }
        default_levels(&mut configuration, options)?;
        if catalogue::logs_statements(options)? {
            let logger = configuration.loggers.entry(DATABASE.to_owned()).or_default();
            logger.level = Level::INFO;
        }
        Ok(Self { program, configuration: discreet(configuration), rate_limit: rate_limit(options)? })
    }
}

fn add_handler(configuration: &mut Configuration, name: &str, destination: Destination, formatter: &Formatter) {
    let handler = Handler { destination, level: Level::NOTSET, formatter: formatter.clone() };
    configuration.handlers.insert(name.to_owned(), handler);
    configuration.root.handlers.push(name.to_owned());
}

/// Raises the level of libraries that would show too much.
fn discreet(mut configuration: Configuration) -> Configuration {
    for library in DISCREET {
        let logger = configuration.loggers.entry(library.to_owned()).or_default();
        logger.level = logger.level.max(Level::INFO);
    }
    configuration
}

fn context_format(options: &Config) -> anyhow::Result<ContextFormat> {
    let text = |name: &str| options.get::<Option<String>>("DEFAULT", name).map(Option::unwrap_or_default);
    let [context, default] = [text("logging_context_format_string")?, text("logging_default_format_string")?];
    let [debug_suffix, user_identity, date_format] =
        [text("logging_debug_format_suffix")?, text("logging_user_identity_format")?, text("log_date_format")?];
    let strings = ContextStrings {
        context: &context,
        default: &default,
        debug_suffix: &debug_suffix,
        user_identity: &user_identity,
        date_format: Some(&date_format),
    };
    ContextFormat::new(&strings).map_err(|reason| anyhow!("[DEFAULT] {reason}"))
}

/// The handlers of the root, in oslo.log's order.
fn destinations(program: &str, options: &Config) -> anyhow::Result<Vec<(&'static str, Destination)>> {
    let flag = |name: &str| options.get::<bool>("DEFAULT", name);
    let color = flag("log_color")?;
    let mut found = Vec::new();
    if let Some(path) = log_path(program, options)? {
        found.push(("file", file(path, options)?));
    }
    if flag("use_stderr")? {
        found.push(("stderr", Destination::Stream { stream: Stream::Stderr, color }));
    }
    let name: String = options.get("DEFAULT", "syslog_log_facility")?;
    let facility = facility(&name).with_context(|| format!("[DEFAULT] syslog_log_facility: {name} is not known"))?;
    if flag("use_journal")? {
        found.push(("journal", Destination::Journal { facility }));
    }
    if found.is_empty() {
        found.push(("stdout", Destination::Stream { stream: Stream::Stdout, color }));
    }
    if flag("use_syslog")? {
        let address = SyslogAddress::Unix("/dev/log".to_owned());
        found.push(("syslog", Destination::Syslog { address, facility, header: true }));
    }
    Ok(found)
}

fn log_path(program: &str, options: &Config) -> anyhow::Result<Option<String>> {
    let text =
        |name: &str| options.get::<Option<String>>("DEFAULT", name).map(|text| text.filter(|text| !text.is_empty()));
    let joined = |folder: &str, file: &str| Path::new(folder).join(file).display().to_string();
    Ok(match (text("log_dir")?, text("log_file")?) {
        (Some(folder), Some(file)) => Some(joined(&folder, &file)),
        (Some(folder), None) => Some(joined(&folder, &format!("{program}.log"))),
        (None, file) => file,
    })
}

fn file(path: String, options: &Config) -> anyhow::Result<Destination> {
    let kind: String = options.get("DEFAULT", "log_rotation_type")?;
    let backups: u32 = options.get::<u64>("DEFAULT", "max_logfile_count")?.try_into()?;
    let rotation = match kind.to_lowercase().as_str() {
        "interval" => {
            let interval: u32 = options.get::<u64>("DEFAULT", "log_rotate_interval")?.try_into()?;
            Rotation::Time { when: when(options, interval)?, interval, utc: false }
        }
        "size" => Rotation::Size(options.get::<u64>("DEFAULT", "max_logfile_size_mb")?.saturating_mul(1 << 20)),
        _ => return Ok(Destination::File { path, watched: true, truncate: false }),
    };
    Ok(Destination::Rotating { path, rotation, backups })
}

fn when(options: &Config, interval: u32) -> anyhow::Result<When> {
    let unit: String = options.get("DEFAULT", "log_rotate_interval_type")?;
    Ok(match unit.to_lowercase().as_str() {
        "seconds" => When::Second,
        "minutes" => When::Minute,
        "hours" => When::Hour,
        "midnight" => When::Midnight,
        "weekday" => match u8::try_from(interval) {
            Ok(day) if day < 7 => When::Weekday(day),
            _ => bail!("[DEFAULT] log_rotate_interval: a day of the week is a number from 0 to 6"),
        },
        _ => When::Day,
    })
}

fn default_levels(configuration: &mut Configuration, options: &Config) -> anyhow::Result<()> {
    let pairs: Vec<String> = options.get("DEFAULT", "default_log_levels")?;
    for pair in &pairs {
        let (name, level) = pair.split_once('=').unwrap_or((pair, ""));
        let numeric = level.parse().ok().map(Level);
        let level = numeric.or_else(|| Level::named(level));
        let level = level.with_context(|| format!("[DEFAULT] default_log_levels: {pair} names no level"))?;
        let logger = Logger { level, ..Logger::default() };
        if name.is_empty() || name == "root" {
            configuration.root.level = level;
        } else {
            configuration.loggers.insert(name.to_owned(), logger);
        }
    }
    Ok(())
}

fn rate_limit(options: &Config) -> anyhow::Result<Option<RateLimit>> {
    let [burst, seconds] = ["rate_limit_burst", "rate_limit_interval"].map(|name| options.get::<i64>("DEFAULT", name));
    let (Ok(burst), Ok(seconds)) = (u64::try_from(burst?), u64::try_from(seconds?)) else { return Ok(None) };
    if burst == 0 || seconds == 0 {
        return Ok(None);
    }
    let except: String = options.get("DEFAULT", "rate_limit_except_level")?;
    Ok(Some(RateLimit { burst, interval: Duration::from_secs(seconds), except: Level::named(&except) }))
}
