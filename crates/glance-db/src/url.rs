//! Database URLs as SQLAlchemy reads them: `dialect[+driver]://user:password@host:port/database?option=value`.
//!
//! The driver's name is a matter of Python and is ignored. Format:
//! <https://docs.sqlalchemy.org/en/20/core/engines.html#database-urls>.

mod mysql;
mod postgres;

use std::time::Duration;

use percent_encoding::percent_decode_str;
use sqlx::mysql::MySqlConnectOptions;
use sqlx::postgres::PgConnectOptions;
use sqlx::sqlite::SqliteConnectOptions;

use crate::error::{Error, Kind, Result};

/// What a URL names.
#[derive(Debug)]
pub(crate) enum Target {
    Sqlite(Box<Place<SqliteConnectOptions>>),
    Postgres(Box<Place<PgConnectOptions>>),
    MySql(Box<Place<MySqlConnectOptions>>),
}

impl Target {
    /// The names of parameters that have no effect here.
    pub(crate) fn unheeded(&self) -> &[String] {
        match self {
            Self::Sqlite(place) => &place.unheeded,
            Self::Postgres(place) => &place.unheeded,
            Self::MySql(place) => &place.unheeded,
        }
    }
}

/// Where a database is and how to get there.
#[derive(Debug, Default)]
pub(crate) struct Place<Options> {
    pub(crate) options: Options,
    /// How long the server may take to let the service in.
    pub(crate) connect_timeout: Option<Duration>,
    /// What to run on every new connection.
    pub(crate) init_command: Option<String>,
    unheeded: Vec<String>,
}

/// The parts of a URL that names a server, decoded. Parameters that name the same count before the place that a part
/// has in the URL, as they do for SQLAlchemy's drivers.
#[derive(Default)]
struct Address {
    user: Option<String>,
    password: Option<String>,
    host: Option<String>,
    port: Option<u16>,
    database: Option<String>,
    options: Vec<(String, String)>,
}

/// Reads `url`; the message of an error never holds the password.
pub(crate) fn parse(url: &str) -> Result<Target> {
    let (scheme, rest) = url.split_once("://").ok_or_else(|| invalid("a database URL starts like mysql://"))?;
    let dialect = scheme.split('+').next().unwrap_or_default();
    match dialect {
        "sqlite" => Ok(Target::Sqlite(Box::new(sqlite(rest)?))),
        "postgresql" | "postgres" => Ok(Target::Postgres(Box::new(postgres::place(address(rest)?)?))),
        "mysql" | "mariadb" => Ok(Target::MySql(Box::new(mysql::place(address(rest)?)?))),
        _ => Err(invalid(format!("'{scheme}' is no database that this service knows"))),
    }
}

/// The URL without its password, for messages.
pub(crate) fn redact(url: &str) -> String {
    let Some((scheme, rest)) = url.split_once("://") else { return "…".into() };
    let rest = rest.split('?').next().unwrap_or_default();
    let Some((login, place)) = rest.rsplit_once('@') else { return format!("{scheme}://{rest}") };
    let user = login.split(':').next().unwrap_or_default();
    format!("{scheme}://{user}:***@{place}")
}

fn invalid(message: impl Into<String>) -> Error {
    Error::new(Kind::Invalid, message)
}

fn decode(text: &str) -> Result<String> {
    let decoded = percent_decode_str(text).decode_utf8();
    decoded.map(Into::into).map_err(|_| invalid("a part of the database URL is not UTF-8 after decoding"))
}

/// Three slashes and a relative path, four and an absolute one, nothing for a database in memory.
fn sqlite(rest: &str) -> Result<Place<SqliteConnectOptions>> {
    let (path, query) = rest.split_once('?').unwrap_or((rest, ""));
    let file = match path.strip_prefix('/') {
        Some("") => ":memory:",
        Some(file) => file,
        None if path.is_empty() => ":memory:",
        None => return Err(invalid("a SQLite URL looks like sqlite:///relative/path or sqlite:////absolute/path")),
    };
    let unheeded = parameters(query)?.into_iter().map(|(name, _)| name).collect();
    Ok(Place { options: SqliteConnectOptions::new().filename(file), unheeded, ..Place::default() })
}

fn address(rest: &str) -> Result<Address> {
    let (rest, query) = rest.split_once('?').unwrap_or((rest, ""));
    let (login, place) = match rest.rsplit_once('@') {
        Some((login, place)) => (Some(login), place),
        None => (None, rest),
    };
    let (server, database) = place.split_once('/').unwrap_or((place, ""));
    let mut address = Address { database: non_empty(database)?, ..Address::default() };
    if let Some(login) = login {
        let (user, password) = match login.split_once(':') {
            Some((user, password)) => (user, Some(password)),
            None => (login, None),
        };
        address.user = non_empty(user)?;
        address.password = password.map(decode).transpose()?;
    }
    (address.host, address.port) = host_and_port(server)?;
    for (name, value) in parameters(query)? {
        match name.as_str() {
            "user" => address.user = Some(value),
            "password" | "passwd" => address.password = Some(value),
            "port" => address.port = Some(port(&value)?),
            "database" | "db" | "dbname" => address.database = Some(value),
            _ => address.options.push((name, value)),
        }
    }
    Ok(address)
}

fn parameters(query: &str) -> Result<Vec<(String, String)>> {
    let pairs = query.split('&').filter(|pair| !pair.is_empty());
    pairs
        .map(|pair| {
            let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
            Ok((decode(name)?, decode(&value.replace('+', " "))?))
        })
        .collect()
}

fn port(text: &str) -> Result<u16> {
    text.parse().map_err(|_| invalid("the database URL's port is no number"))
}

fn non_empty(text: &str) -> Result<Option<String>> {
    if text.is_empty() { Ok(None) } else { decode(text).map(Some) }
}

fn host_and_port(server: &str) -> Result<(Option<String>, Option<u16>)> {
    let (host, digits) = match server.strip_prefix('[').and_then(|rest| rest.split_once(']')) {
        Some((host, rest)) => (host, rest.strip_prefix(':')),
        None => match server.rsplit_once(':') {
            Some((host, digits)) => (host, Some(digits)),
            None => (server, None),
        },
    };
    let number = digits.filter(|digits| !digits.is_empty()).map(port).transpose()?;
    Ok((non_empty(host)?, number))
}

/// The parameter's meaning by SQLAlchemy's words for true and false.
fn flag(name: &str, value: &str) -> Result<bool> {
    match value.to_ascii_lowercase().as_str() {
        "1" | "true" | "t" | "yes" | "y" | "on" => Ok(true),
        "0" | "false" | "f" | "no" | "n" | "off" => Ok(false),
        _ => Err(invalid(format!("{name} in the database URL is neither true nor false"))),
    }
}

/// A whole number of seconds; none of them, or fewer, mean no limit.
fn seconds(name: &str, value: &str) -> Result<Option<Duration>> {
    let number: i64 = value.parse().map_err(|_| invalid(format!("{name} in the database URL is no number")))?;
    Ok(u64::try_from(number).ok().filter(|seconds| *seconds > 0).map(Duration::from_secs))
}

/// Fails, naming parameter and file, when the file cannot be opened.
fn readable(name: &str, path: &str) -> Result<()> {
    let opened = std::fs::File::open(path);
    opened.map(drop).map_err(|error| invalid(format!("{name} of the database URL: {path}")).caused_by(error))
}

/// For what would be weaker or elsewhere than asked if it were passed over.
fn refused(name: &str, advice: &str) -> Error {
    invalid(format!("{name} in the database URL is not supported: {advice}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sqlite_paths_are_relative_with_three_slashes_and_absolute_with_four() {
        let cases = [
            ("sqlite:///glance.sqlite", "glance.sqlite"),
            ("sqlite:////var/lib/glance.sqlite", "/var/lib/glance.sqlite"),
            ("sqlite:////var/lib/a b.sqlite?timeout=3", "/var/lib/a b.sqlite"),
            ("sqlite://", ":memory:"),
            ("sqlite:///:memory:", ":memory:"),
        ];
        for (url, file) in cases {
            match parse(url).unwrap() {
                Target::Sqlite(place) => assert_eq!(place.options.get_filename().to_str(), Some(file), "{url}"),
                other => panic!("{url}: {other:?}"),
            }
        }
        assert!(parse("sqlite://host/file").is_err());
    }

    #[test]
    fn parameters_without_effect_are_told() {
        let told = |url| parse(url).unwrap().unheeded().join(" ");
        assert_eq!(told("sqlite:////x?timeout=3"), "timeout");
        assert_eq!(told("mysql://h/d?charset=utf8&read_timeout=3&plugin=dbcounter"), "read_timeout plugin");
        assert_eq!(
            told("postgresql://h/d?client_encoding=utf8&target_session_attrs=read-write"),
            "target_session_attrs"
        );
    }

    #[test]
    fn nonsense_is_refused_without_repeating_the_password() {
        for bad in
            ["", "mysql", "oracle://u:secret@h/d", "mysql://u:secret@h:port/d", "postgresql://u:secret@h/d?sslmode=x"]
        {
            let error = parse(bad).unwrap_err();
            assert_eq!(error.kind(), Kind::Invalid, "{bad}");
            assert!(!error.to_string().contains("secret"), "{error}");
        }
    }

    #[test]
    fn messages_do_not_hold_the_password() {
        assert_eq!(redact("mysql://u:s@cret/x@h:1/d?password=y"), "mysql://u:***@h:1/d");
        assert_eq!(redact("sqlite:////a/b"), "sqlite:////a/b");
        assert_eq!(redact("junk"), "…");
    }
}
