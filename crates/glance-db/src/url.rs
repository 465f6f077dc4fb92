//! Database URLs as SQLAlchemy reads them: `dialect[+driver]://user:password@host:port/database?option=value`.
//!
//! The driver's name is a matter of Python and is ignored. Format:
//! <https://docs.sqlalchemy.org/en/20/core/engines.html#database-urls>.

use percent_encoding::percent_decode_str;
use sqlx::mysql::{MySqlConnectOptions, MySqlSslMode};
use sqlx::postgres::{PgConnectOptions, PgSslMode};
use sqlx::sqlite::SqliteConnectOptions;

use crate::error::{Error, Kind, Result};

/// What a URL names.
#[derive(Debug)]
pub(crate) enum Target {
    Sqlite(Box<SqliteConnectOptions>),
    Postgres(Box<PgConnectOptions>),
    MySql(Box<MySqlConnectOptions>),
}

/// The parts of a URL that names a server, decoded.
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
        "postgresql" | "postgres" => Ok(Target::Postgres(Box::new(postgres(address(rest)?)?))),
        "mysql" | "mariadb" => Ok(Target::MySql(Box::new(mysql(address(rest)?)?))),
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
fn sqlite(rest: &str) -> Result<SqliteConnectOptions> {
    let path = rest.split('?').next().unwrap_or_default();
    match path.strip_prefix('/') {
        Some("" | ":memory:") => Ok(SqliteConnectOptions::new().filename(":memory:")),
        None if path.is_empty() => Ok(SqliteConnectOptions::new().filename(":memory:")),
        Some(file) => Ok(SqliteConnectOptions::new().filename(file)),
        None => Err(invalid("a SQLite URL looks like sqlite:///relative/path or sqlite:////absolute/path")),
    }
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
    for pair in query.split('&').filter(|pair| !pair.is_empty()) {
        let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
        address.options.push((decode(name)?, decode(&value.replace('+', " "))?));
    }
    Ok(address)
}

fn non_empty(text: &str) -> Result<Option<String>> {
    if text.is_empty() { Ok(None) } else { decode(text).map(Some) }
}

fn host_and_port(server: &str) -> Result<(Option<String>, Option<u16>)> {
    let (host, port) = match server.strip_prefix('[').and_then(|rest| rest.split_once(']')) {
        Some((host, rest)) => (host, rest.strip_prefix(':')),
        None => match server.rsplit_once(':') {
            Some((host, port)) => (host, Some(port)),
            None => (server, None),
        },
    };
    let port = port.filter(|port| !port.is_empty());
    let port = port.map(str::parse).transpose().map_err(|_| invalid("the database URL's port is no number"))?;
    Ok((non_empty(host)?, port))
}

/// libpq's parameters. Those that only tune libpq itself are accepted and ignored.
fn postgres(address: Address) -> Result<PgConnectOptions> {
    let mut options = PgConnectOptions::new_without_pgpass();
    if let Some(host) = &address.host {
        options = options.host(host);
    }
    if let Some(port) = address.port {
        options = options.port(port);
    }
    if let Some(user) = &address.user {
        options = options.username(user);
    }
    if let Some(password) = &address.password {
        options = options.password(password);
    }
    if let Some(database) = &address.database {
        options = options.database(database);
    }
    for (name, value) in &address.options {
        options = match name.as_str() {
            "host" if value.starts_with('/') => options.socket(value),
            "host" => options.host(value),
            "sslmode" => options.ssl_mode(
                value.parse::<PgSslMode>().map_err(|_| invalid("sslmode in the database URL is not one of libpq's"))?,
            ),
            "sslrootcert" => options.ssl_root_cert(value),
            "sslcert" => options.ssl_client_cert(value),
            "sslkey" => options.ssl_client_key(value),
            _ => options,
        };
    }
    Ok(options)
}

/// PyMySQL's parameters. `charset` is ignored: the connection speaks utf8mb4, whatever the tables hold.
fn mysql(address: Address) -> Result<MySqlConnectOptions> {
    let mut options = MySqlConnectOptions::new().ssl_mode(MySqlSslMode::Disabled);
    if let Some(host) = &address.host {
        options = options.host(host);
    }
    if let Some(port) = address.port {
        options = options.port(port);
    }
    if let Some(user) = &address.user {
        options = options.username(user);
    }
    if let Some(password) = &address.password {
        options = options.password(password);
    }
    if let Some(database) = &address.database {
        options = options.database(database);
    }
    mysql_options(options, &address.options)
}

fn mysql_options(mut options: MySqlConnectOptions, given: &[(String, String)]) -> Result<MySqlConnectOptions> {
    let is = |name: &str| given.iter().any(|(known, value)| known == name && is_true(value));
    if is("ssl_verify_identity") || is("ssl_check_hostname") {
        options = options.ssl_mode(MySqlSslMode::VerifyIdentity);
    } else if given.iter().any(|(name, _)| name == "ssl_ca") || is("ssl_verify_cert") {
        options = options.ssl_mode(MySqlSslMode::VerifyCa);
    } else if given.iter().any(|(name, _)| name == "ssl_cert" || name == "ssl") {
        options = options.ssl_mode(MySqlSslMode::Required);
    }
    for (name, value) in given {
        options = match name.as_str() {
            "unix_socket" => options.socket(value),
            "ssl_ca" => options.ssl_ca(value),
            "ssl_cert" => options.ssl_client_cert(value),
            "ssl_key" => options.ssl_client_key(value),
            "ssl_mode" | "ssl-mode" => options.ssl_mode(
                value
                    .parse::<MySqlSslMode>()
                    .map_err(|_| invalid("ssl_mode in the database URL is not one of MySQL's"))?,
            ),
            _ => options,
        };
    }
    Ok(options)
}

fn is_true(text: &str) -> bool {
    matches!(text.to_ascii_lowercase().as_str(), "1" | "true" | "yes" | "on")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn mysql_of(url: &str) -> MySqlConnectOptions {
        match parse(url).unwrap() {
            Target::MySql(options) => *options,
            other => panic!("{other:?}"),
        }
    }

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
                Target::Sqlite(options) => assert_eq!(options.get_filename().to_str(), Some(file), "{url}"),
                other => panic!("{url}: {other:?}"),
            }
        }
        assert!(parse("sqlite://host/file").is_err());
    }

    #[test]
    fn servers_with_and_without_driver_port_and_escapes() {
        let options = mysql_of("mysql+pymysql://gl%40nce:p%3Aw@db.example:3307/glance?charset=utf8");
        assert_eq!(options.get_host(), "db.example");
        assert_eq!(options.get_port(), 3307);
        assert_eq!(options.get_username(), "gl@nce");
        assert_eq!(options.get_database(), Some("glance"));
        let options = mysql_of("mysql://root@[::1]/glance?unix_socket=/run/my.sock");
        assert_eq!(options.get_host(), "::1");
        assert_eq!(options.get_port(), 3306);
        assert_eq!(options.get_socket().and_then(|path| path.to_str()), Some("/run/my.sock"));
        match parse("postgresql+psycopg2://g:secret@/glance?host=/run/postgresql&sslmode=verify-full").unwrap() {
            Target::Postgres(options) => {
                assert_eq!(options.get_socket().and_then(|path| path.to_str()), Some("/run/postgresql"));
                assert_eq!(options.get_database(), Some("glance"));
                assert!(matches!(options.get_ssl_mode(), PgSslMode::VerifyFull));
            }
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn tls_starts_with_the_options_that_ask_for_it() {
        let cases = [
            ("mysql://h/d", "Disabled"),
            ("mysql://h/d?ssl_ca=/ca.pem", "VerifyCa"),
            ("mysql://h/d?ssl_ca=/ca.pem&ssl_verify_identity=true", "VerifyIdentity"),
            ("mysql://h/d?ssl_cert=/c.pem&ssl_key=/k.pem", "Required"),
        ];
        for (url, mode) in cases {
            assert_eq!(format!("{:?}", mysql_of(url).get_ssl_mode()), mode, "{url}");
        }
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
