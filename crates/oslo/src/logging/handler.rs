//! Handlers: where records go. A class of Python's logging or of oslo.log with its arguments becomes a [`Destination`].

use super::arguments::Expression;

/// Where the records of a handler go.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Destination {
    /// Nowhere.
    Null,
    /// An output of the process.
    Stream {
        /// Which one.
        stream: Stream,
        /// Whether lines are coloured by their level.
        color: bool,
    },
    /// A file that somebody else may move away.
    File {
        /// The path.
        path: String,
        /// Whether the file is opened anew when another one has taken its path (`WatchedFileHandler`).
        watched: bool,
        /// Whether it is emptied first (mode `w`).
        truncate: bool,
    },
    /// A file that is moved away when it is full or old.
    Rotating {
        /// The path.
        path: String,
        /// When.
        rotation: Rotation,
        /// How many old files are kept; 0: all of them, or for [`Rotation::Size`] none.
        backups: u32,
    },
    /// The system's log by the protocol of RFC 3164.
    Syslog {
        /// Where the log listens.
        address: SyslogAddress,
        /// The facility, 0–23.
        facility: u8,
        /// Whether lines begin with the time and the program's name, as syslog(3) writes them.
        header: bool,
    },
    /// The journal of systemd by its own protocol.
    Journal {
        /// The facility, 0–23.
        facility: u8,
    },
}

/// An output of the process.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stream {
    /// Standard output.
    Stdout,
    /// Standard error.
    Stderr,
}

/// When a file is moved away.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Rotation {
    /// Before it gets larger than this many bytes; never if 0.
    Size(u64),
    /// After a while.
    Time {
        /// The unit.
        when: When,
        /// How many of them; has no effect for days of the week.
        interval: u32,
        /// Whether days begin in UTC.
        utc: bool,
    },
}

/// The unit of [`Rotation::Time`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum When {
    /// Seconds.
    Second,
    /// Minutes.
    Minute,
    /// Hours.
    Hour,
    /// Days of 24 hours.
    Day,
    /// Days, at midnight.
    Midnight,
    /// Midnight before this day of the week, from Monday (0) to Sunday (6).
    Weekday(u8),
}

impl When {
    /// `S`, `M`, `H`, `D`, `MIDNIGHT` or `W0`–`W6`.
    #[must_use]
    pub fn named(text: &str) -> Option<Self> {
        Some(match text.to_uppercase().as_str() {
            "S" => Self::Second,
            "M" => Self::Minute,
            "H" => Self::Hour,
            "D" => Self::Day,
            "MIDNIGHT" => Self::Midnight,
            other => {
                let day = other.strip_prefix('W')?.parse().ok().filter(|day| *day < 7)?;
                Self::Weekday(day)
            }
        })
    }
}

/// Where the system's log listens.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SyslogAddress {
    /// A Unix socket.
    Unix(String),
    /// Host and port, with UDP.
    Udp(String, u16),
    /// Host and port, with TCP.
    Tcp(String, u16),
}

const FACILITIES: [&str; 24] = [
    "KERN", "USER", "MAIL", "DAEMON", "AUTH", "SYSLOG", "LPR", "NEWS", "UUCP", "CRON", "AUTHPRIV", "FTP", "NTP",
    "SECURITY", "CONSOLE", "SOLCRON", "LOCAL0", "LOCAL1", "LOCAL2", "LOCAL3", "LOCAL4", "LOCAL5", "LOCAL6", "LOCAL7",
];

/// The number of a facility of syslog, such as `LOG_LOCAL0`, `local0` or `user`.
#[must_use]
pub fn facility(name: &str) -> Option<u8> {
    let name = name.to_uppercase();
    let name = name.strip_prefix("LOG_").unwrap_or(&name);
    FACILITIES.iter().position(|known| *known == name).and_then(|position| u8::try_from(position).ok())
}

/// Makes a destination of a class and its arguments.
///
/// # Errors
/// For a class that does not exist here, or arguments that it does not take.
pub(super) fn destination(class: &str, args: Expression, kwargs: Expression) -> Result<Destination, String> {
    let short = class.strip_prefix("logging.").unwrap_or(class);
    let bind = |names: &[&'static str]| Bound::new(names, args.clone(), kwargs.clone());
    match short {
        "NullHandler" => bind(&["level"]).map(|_| Destination::Null),
        "StreamHandler" => stream(&bind(&["stream"])?, false),
        "oslo_log.handlers.ColorHandler" => stream(&bind(&["stream"])?, true),
        "FileHandler" => file(&bind(&["filename", "mode", "encoding", "delay", "errors"])?, false),
        "handlers.WatchedFileHandler" => file(&bind(&["filename", "mode", "encoding", "delay", "errors"])?, true),
        "handlers.RotatingFileHandler" => {
            by_size(&bind(&["filename", "mode", "maxBytes", "backupCount", "encoding", "delay", "errors"])?)
        }
        "handlers.TimedRotatingFileHandler" => by_time(&bind(&[
            "filename",
            "when",
            "interval",
            "backupCount",
            "encoding",
            "delay",
            "utc",
            "atTime",
            "errors",
        ])?),
        "handlers.SysLogHandler" => syslog(&bind(&["address", "facility", "socktype"])?),
        "oslo_log.handlers.OSSysLogHandler" => {
            let facility = shifted_facility(&bind(&["facility"])?)?;
            Ok(Destination::Syslog { address: SyslogAddress::Unix("/dev/log".to_owned()), facility, header: true })
        }
        "oslo_log.handlers.OSJournalHandler" => {
            Ok(Destination::Journal { facility: shifted_facility(&bind(&["facility"])?)? })
        }
        _ => Err(format!("handlers of class {class} are not available")),
    }
}

fn stream(bound: &Bound, color: bool) -> Result<Destination, String> {
    let stream = match bound.get("stream") {
        None | Some(Expression::None) => Stream::Stderr,
        Some(Expression::Name(name)) if matches!(name.as_str(), "sys.stderr" | "sys.__stderr__") => Stream::Stderr,
        Some(Expression::Name(name)) if matches!(name.as_str(), "sys.stdout" | "sys.__stdout__") => Stream::Stdout,
        Some(_) => return Err("the stream must be sys.stdout or sys.stderr".to_owned()),
    };
    Ok(Destination::Stream { stream, color })
}

fn file(bound: &Bound, watched: bool) -> Result<Destination, String> {
    Ok(Destination::File { path: bound.path()?, watched, truncate: bound.truncates()? })
}

fn by_size(bound: &Bound) -> Result<Destination, String> {
    let rotation = Rotation::Size(bound.number("maxBytes", 0)?);
    bound.truncates()?;
    Ok(Destination::Rotating { path: bound.path()?, rotation, backups: bound.small("backupCount", 0)? })
}

fn by_time(bound: &Bound) -> Result<Destination, String> {
    let when = match bound.get("when") {
        None => When::Hour,
        Some(Expression::Str(text)) => {
            When::named(text).ok_or_else(|| format!("'{text}' is none of S, M, H, D, MIDNIGHT, W0 to W6"))?
        }
        Some(_) => return Err("when must be a text".to_owned()),
    };
    if !matches!(bound.get("atTime"), None | Some(Expression::None)) {
        return Err("atTime is not available".to_owned());
    }
    let utc = matches!(bound.get("utc"), Some(Expression::Bool(true) | Expression::Int(1)));
    let rotation = Rotation::Time { when, interval: bound.small("interval", 1)?, utc };
    Ok(Destination::Rotating { path: bound.path()?, rotation, backups: bound.small("backupCount", 0)? })
}

fn syslog(bound: &Bound) -> Result<Destination, String> {
    let tcp = match bound.get("socktype") {
        None | Some(Expression::None | Expression::Int(2)) => false,
        Some(Expression::Int(1)) => true,
        Some(_) => return Err("socktype must be 1 (TCP) or 2 (UDP)".to_owned()),
    };
    let address = match bound.get("address") {
        None => SyslogAddress::Udp("localhost".to_owned(), 514),
        Some(Expression::Str(path)) => SyslogAddress::Unix(path.clone()),
        Some(Expression::Sequence(items)) => match items.as_slice() {
            [Expression::Str(host), Expression::Int(port)] => {
                let port = u16::try_from(*port).map_err(|_| format!("{port} is not a port"))?;
                if tcp { SyslogAddress::Tcp(host.clone(), port) } else { SyslogAddress::Udp(host.clone(), port) }
            }
            [Expression::Str(host), Expression::Name(name)]
                if matches!(name.as_str(), "handlers.SYSLOG_UDP_PORT" | "SYSLOG_UDP_PORT") =>
            {
                SyslogAddress::Udp(host.clone(), 514)
            }
            _ => return Err("the address must be a path or (host, port)".to_owned()),
        },
        Some(_) => return Err("the address must be a path or (host, port)".to_owned()),
    };
    Ok(Destination::Syslog { address, facility: plain_facility(bound)?, header: false })
}

/// `LOG_USER` if nothing is said; a name, or a number as Python's handler counts them.
fn plain_facility(bound: &Bound) -> Result<u8, String> {
    let unknown = || "the facility is none of syslog's".to_owned();
    match bound.get("facility") {
        None => Ok(1),
        Some(Expression::Int(number)) => u8::try_from(*number).ok().filter(|number| *number < 24).ok_or_else(unknown),
        Some(Expression::Str(name)) => facility(name).ok_or_else(unknown),
        Some(Expression::Name(name)) => {
            let constant = name.strip_prefix("handlers.SysLogHandler.LOG_").ok_or_else(unknown)?;
            facility(constant).ok_or_else(unknown)
        }
        Some(_) => Err(unknown()),
    }
}

/// As `syslog.LOG_USER` is counted: eight times the number.
fn shifted_facility(bound: &Bound) -> Result<u8, String> {
    match bound.get("facility") {
        None | Some(Expression::None) => Ok(1),
        Some(Expression::Int(number)) if number % 8 == 0 && (0..192).contains(number) => {
            u8::try_from(number / 8).map_err(|_| "the facility is none of syslog's".to_owned())
        }
        Some(_) => plain_facility(bound),
    }
}

/// Arguments by the names of the parameters.
struct Bound(Vec<(&'static str, Expression)>);

impl Bound {
    fn new(names: &[&'static str], args: Expression, kwargs: Expression) -> Result<Self, String> {
        let args = match args {
            Expression::Sequence(items) => items,
            _ => return Err("args must be a tuple: one argument needs a comma after it".to_owned()),
        };
        if args.len() > names.len() {
            return Err(format!("at most {} arguments are taken", names.len()));
        }
        let mut bound: Vec<(&'static str, Expression)> = names.iter().copied().zip(args).collect();
        let Expression::Map(kwargs) = kwargs else { return Err("kwargs must be a dictionary".to_owned()) };
        for (key, value) in kwargs {
            let Expression::Str(key) = key else { return Err("the keys of kwargs must be texts".to_owned()) };
            let name = names.iter().find(|name| **name == key);
            let name = name.ok_or_else(|| format!("there is no argument '{key}'"))?;
            if bound.iter().any(|(known, _)| known == name) {
                return Err(format!("the argument '{key}' is given twice"));
            }
            bound.push((name, value));
        }
        Ok(Self(bound))
    }

    fn get(&self, name: &str) -> Option<&Expression> {
        self.0.iter().find(|(known, _)| *known == name).map(|(_, value)| value)
    }

    fn path(&self) -> Result<String, String> {
        match self.get("filename") {
            Some(Expression::Str(path)) if !path.is_empty() => Ok(path.clone()),
            Some(Expression::Name(name)) if name == "os.devnull" => Ok("/dev/null".to_owned()),
            _ => Err("the name of a file is missing".to_owned()),
        }
    }

    fn truncates(&self) -> Result<bool, String> {
        match self.get("mode") {
            None => Ok(false),
            Some(Expression::Str(mode)) if matches!(mode.as_str(), "a" | "at" | "a+") => Ok(false),
            Some(Expression::Str(mode)) if matches!(mode.as_str(), "w" | "wt" | "w+") => Ok(true),
            Some(_) => Err("the mode must be 'a' or 'w'".to_owned()),
        }
    }

    fn number(&self, name: &str, default: u64) -> Result<u64, String> {
        match self.get(name) {
            None => Ok(default),
            Some(Expression::Int(number)) => u64::try_from(*number).map_err(|_| format!("{name} must not be negative")),
            Some(_) => Err(format!("{name} must be a whole number")),
        }
    }

    fn small(&self, name: &str, default: u32) -> Result<u32, String> {
        let number = self.number(name, u64::from(default))?;
        u32::try_from(number).map_err(|_| format!("{name} is too large"))
    }
}
