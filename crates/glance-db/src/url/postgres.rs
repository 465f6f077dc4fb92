//! Parameters of PostgreSQL URLs, which are libpq's.
//!
//! <https://www.postgresql.org/docs/current/libpq-connect.html#LIBPQ-PARAMKEYWORDS>. What would weaken the connection or
//! lead elsewhere if it were passed over is refused.

use sqlx::postgres::{PgConnectOptions, PgSslMode};

use super::{Address, Place, host_and_port, invalid, readable, refused, seconds};
use crate::error::Result;

/// What the connection shows to the server's administrator unless the URL says otherwise.
const APPLICATION: &str = "glance";

/// Parameters that only tune libpq. The connection speaks UTF-8.
const QUIET: [&str; 11] = [
    "client_encoding",
    "fallback_application_name",
    "gsslib",
    "keepalives",
    "keepalives_count",
    "keepalives_idle",
    "keepalives_interval",
    "krbsrvname",
    "sslcompression",
    "sslsni",
    "tcp_user_timeout",
];

pub(super) fn place(address: Address) -> Result<Place<PgConnectOptions>> {
    let options = PgConnectOptions::new_without_pgpass().application_name(APPLICATION);
    let mut place = Place { options, connect_timeout: None, init_command: None, unheeded: Vec::new() };
    let mut tls = Tls::default();
    let mut server = Server { host: address.host, port: address.port, named: false };
    for (name, value) in address.options {
        match name.as_str() {
            "host" | "hostaddr" => server.take(&value)?,
            "application_name" => place.options = place.options.application_name(&value),
            "connect_timeout" => place.connect_timeout = seconds(&name, &value)?,
            "options" => place.options = place.options.options(settings(&value)?),
            name if QUIET.contains(&name) || is_met(name, &value) => {}
            "service" | "servicefile" | "passfile" => {
                return Err(refused(&name, "give what that file says as parameters of the URL"));
            }
            "gssencmode" | "channel_binding" | "require_auth" => {
                return Err(refused(&name, "leaving it out could be less than it asks for"));
            }
            name if name.starts_with("ssl") => tls.take(name, value)?,
            _ => place.unheeded.push(name),
        }
    }
    let mut options = tls.apply(server.apply(place.options)?)?;
    if let Some(user) = &address.user {
        options = options.username(user);
    }
    if let Some(password) = &address.password {
        options = options.password(password);
    }
    if let Some(database) = &address.database {
        options = options.database(database);
    }
    Ok(Place { options, ..place })
}

/// Whether the connection is as the parameter asks without further ado.
fn is_met(name: &str, value: &str) -> bool {
    match name {
        "gssencmode" | "channel_binding" => matches!(value, "disable" | "prefer"),
        "ssl_min_protocol_version" => matches!(value, "TLSv1" | "TLSv1.1" | "TLSv1.2"),
        "sslnegotiation" => value == "postgres",
        "sslcertmode" => value != "require",
        "target_session_attrs" => value == "any",
        _ => false,
    }
}

/// The one server that the URL names.
struct Server {
    host: Option<String>,
    port: Option<u16>,
    /// Whether a parameter did.
    named: bool,
}

impl Server {
    fn take(&mut self, value: &str) -> Result<()> {
        if std::mem::replace(&mut self.named, true) {
            return Err(several());
        }
        let is_name = !value.starts_with('/') && (value.starts_with('[') || value.matches(':').count() == 1);
        let (host, port) = if is_name { host_and_port(value)? } else { (Some(value.to_owned()), None) };
        self.host = host;
        self.port = port.or(self.port);
        Ok(())
    }

    fn apply(self, mut options: PgConnectOptions) -> Result<PgConnectOptions> {
        if let Some(port) = self.port {
            options = options.port(port);
        }
        match self.host {
            Some(host) if host.contains(',') => Err(several()),
            Some(host) if host.starts_with('/') => Ok(options.socket(host)),
            Some(host) => Ok(options.host(&host)),
            None => Ok(options),
        }
    }
}

fn several() -> crate::Error {
    refused("more than one host", "name the server, or the address that always leads to the one that takes changes")
}

/// What the URL says about TLS.
#[derive(Default)]
struct Tls {
    mode: Option<PgSslMode>,
    root: Option<String>,
    cert: Option<String>,
    key: Option<String>,
}

impl Tls {
    fn take(&mut self, name: &str, value: String) -> Result<()> {
        match name {
            "sslmode" => {
                let mode = value.parse();
                self.mode = Some(mode.map_err(|_| invalid("sslmode in the database URL is not one of libpq's"))?);
            }
            "sslrootcert" if value == "system" => {
                return Err(refused("sslrootcert=system", "name the file of the system's authorities"));
            }
            "sslrootcert" => self.root = Some(value),
            "sslcert" => self.cert = Some(value),
            "sslkey" => self.key = Some(value),
            _ => return Err(refused(name, "leaving it out could be less than it asks for")),
        }
        Ok(())
    }

    fn apply(self, mut options: PgConnectOptions) -> Result<PgConnectOptions> {
        let verifies = matches!(self.mode, Some(PgSslMode::VerifyCa | PgSslMode::VerifyFull));
        if verifies && self.root.is_none() {
            return Err(invalid("the database URL wants the server verified: name the authorities with sslrootcert"));
        }
        options = match self.mode {
            // libpq verifies then, too.
            Some(PgSslMode::Require) if self.root.is_some() => options.ssl_mode(PgSslMode::VerifyCa),
            // sqlx would never encrypt then.
            Some(PgSslMode::Allow) => options.ssl_mode(PgSslMode::Prefer),
            Some(mode) => options.ssl_mode(mode),
            None => options,
        };
        if let Some(root) = &self.root {
            readable("sslrootcert", root)?;
            options = options.ssl_root_cert(root);
        }
        match (self.cert, self.key) {
            (Some(cert), Some(key)) => {
                readable("sslcert", &cert)?;
                readable("sslkey", &key)?;
                Ok(options.ssl_client_cert(cert).ssl_client_key(key))
            }
            (None, None) => Ok(options),
            _ => Err(invalid("sslcert and sslkey in the database URL need each other")),
        }
    }
}

/// The server's settings in `options`: `-c name=value`, `-cname=value` and `--name=value`. A backslash keeps the
/// character behind it from ending a word.
fn settings(text: &str) -> Result<Vec<(String, String)>> {
    let mut words = words(text).into_iter();
    let mut found = Vec::new();
    while let Some(word) = words.next() {
        let setting = match (word.strip_prefix("--"), word.strip_prefix("-c")) {
            (Some(long), _) => Some(long.to_owned()),
            (_, Some("")) => words.next(),
            (_, short) => short.map(str::to_owned),
        };
        let pair = setting.as_deref().and_then(|setting| setting.split_once('='));
        let (name, value) = pair.ok_or_else(|| refused("options", "it knows settings only, as -c name=value"))?;
        found.push((name.replace('-', "_"), value.to_owned()));
    }
    Ok(found)
}

fn words(text: &str) -> Vec<String> {
    let mut words = vec![String::new()];
    let mut characters = text.chars();
    while let Some(character) = characters.next() {
        if character.is_ascii_whitespace() {
            words.push(String::new());
        } else if let (Some(word), Some(kept)) =
            (words.last_mut(), if character == '\\' { characters.next() } else { Some(character) })
        {
            word.push(kept);
        }
    }
    words.retain(|word| !word.is_empty());
    words
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::url::{Target, parse};

    fn place_of(url: &str) -> Result<Place<PgConnectOptions>> {
        match parse(url)? {
            Target::Postgres(place) => Ok(*place),
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn servers_by_place_and_by_parameter() {
        let cases = [
            ("postgresql+psycopg2://u@h:1/d", ("h", 1, "u", "d")),
            ("postgresql://u@/d?host=127.0.0.1:5999", ("127.0.0.1", 5999, "u", "d")),
            ("postgresql://u@h:1/d?host=other", ("other", 1, "u", "d")),
            ("postgresql://?host=h&port=2&user=v&password=p&dbname=e", ("h", 2, "v", "e")),
            ("postgresql://u@[::1]:3/d", ("::1", 3, "u", "d")),
            ("postgresql://u@/d?hostaddr=fe80::1&port=4", ("fe80::1", 4, "u", "d")),
        ];
        for (url, expected) in cases {
            let options = place_of(url).unwrap().options;
            let database = options.get_database().unwrap_or_default();
            assert_eq!((options.get_host(), options.get_port(), options.get_username(), database), expected, "{url}");
        }
        let options = place_of("postgresql://g:secret@/glance?host=/run/postgresql&port=6").unwrap().options;
        assert_eq!(options.get_socket().and_then(|path| path.to_str()), Some("/run/postgresql"));
        assert_eq!(options.get_port(), 6);
    }

    #[test]
    fn settings_of_the_server_and_of_the_connection() {
        let url = "postgresql://h/d?options=-csearch_path%3Dx,y%20-c%20geqo%3Doff%20--lock-timeout%3D3s\
            &application_name=g&connect_timeout=7";
        let place = place_of(url).unwrap();
        assert_eq!(place.options.get_options(), Some("-c search_path=x,y -c geqo=off -c lock_timeout=3s"));
        assert_eq!(place.options.get_application_name(), Some("g"));
        assert_eq!(place.connect_timeout.map(|time| time.as_secs()), Some(7));
        assert_eq!(place_of("postgresql://h/d").unwrap().options.get_application_name(), Some("glance"));
        assert_eq!(settings(r"-c a=b\ c").unwrap(), [("a".to_owned(), "b c".to_owned())]);
    }

    #[test]
    fn tls_is_never_weaker_than_libpqs() {
        let file = tempfile::NamedTempFile::new().unwrap();
        let file = file.path().to_str().unwrap();
        let cases = [
            ("sslmode=disable", "Disable"),
            ("sslmode=allow", "Prefer"),
            ("sslmode=require", "Require"),
            ("sslmode=require&sslrootcert=FILE", "VerifyCa"),
            ("sslmode=verify-ca&sslrootcert=FILE", "VerifyCa"),
            ("sslmode=verify-full&sslrootcert=FILE&sslcert=FILE&sslkey=FILE", "VerifyFull"),
            ("ssl_min_protocol_version=TLSv1.2&sslmode=require&sslnegotiation=postgres", "Require"),
        ];
        for (parameters, mode) in cases {
            let url = format!("postgresql://h/d?{}", parameters.replace("FILE", file));
            assert_eq!(format!("{:?}", place_of(&url).unwrap().options.get_ssl_mode()), mode, "{parameters}");
        }
    }

    #[test]
    fn what_cannot_be_done_is_refused() {
        let cases = [
            ("host=a,b", "more than one host"),
            ("host=a&host=b", "more than one host"),
            ("service=x", "service"),
            ("passfile=/x", "passfile"),
            ("options=-fs", "options"),
            ("options=-c", "options"),
            ("gssencmode=require", "gssencmode"),
            ("channel_binding=require", "channel_binding"),
            ("ssl_min_protocol_version=TLSv1.3", "ssl_min_protocol_version"),
            ("sslcrl=/x", "sslcrl"),
            ("sslmode=verify-full", "name the authorities"),
            ("sslmode=verify-full&sslrootcert=system", "sslrootcert=system"),
            ("sslrootcert=/nowhere/ca.pem", "/nowhere/ca.pem"),
            ("sslcert=/x", "need each other"),
            ("port=many", "port"),
            ("connect_timeout=soon", "connect_timeout"),
        ];
        for (parameters, words) in cases {
            let told = place_of(&format!("postgresql://h/d?{parameters}")).unwrap_err().to_string();
            assert!(told.contains(words), "{parameters}: {told}");
        }
        assert!(place_of("postgresql://a:1,b:2/d").is_err());
    }
}
