//! Parameters of MySQL URLs, as PyMySQL and mysqlclient take them from SQLAlchemy.
//!
//! Without any about TLS, the connection is encrypted if the server can, as PyMySQL does it since version 1.2. Naming
//! authorities checks the server's certificate and name. What cannot be done is refused, never left out silently.

use sqlx::mysql::{MySqlConnectOptions, MySqlSslMode};

use super::{Address, Place, flag, invalid, readable, refused, seconds};
use crate::error::Result;

/// PyMySQL's time for connecting.
const CONNECT_TIMEOUT: &str = "10";

/// Parameters about Python, and about what this service has set up already. The connection speaks utf8mb4.
const QUIET: [&str; 10] = [
    "autocommit",
    "binary_prefix",
    "charset",
    "client_flag",
    "local_infile",
    "max_allowed_packet",
    "program_name",
    "sql_mode",
    "use_unicode",
    "use_pure",
];

pub(super) fn place(address: Address) -> Result<Place<MySqlConnectOptions>> {
    let mut place = Place {
        connect_timeout: seconds("connect_timeout", CONNECT_TIMEOUT)?,
        ..Place::<MySqlConnectOptions>::default()
    };
    let mut tls = Tls::default();
    let mut host = address.host;
    for (name, value) in address.options {
        match name.as_str() {
            "host" => host = Some(value),
            "unix_socket" => place.options = place.options.socket(value),
            "connect_timeout" => place.connect_timeout = seconds(&name, &value)?,
            "init_command" => place.init_command = Some(value),
            "read_default_file" | "read_default_group" => {
                return Err(refused(&name, "give what that file says as parameters of the URL"));
            }
            name if name.starts_with("ssl") => tls.take(name, value)?,
            name if QUIET.contains(&name) => {}
            _ => place.unheeded.push(name),
        }
    }
    let mut options = place.options;
    if let Some(host) = &host {
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
    Ok(Place { options: tls.apply(options)?, ..place })
}

/// What the URL says about TLS.
#[derive(Default)]
struct Tls {
    ca: Option<String>,
    capath: Option<String>,
    cert: Option<String>,
    key: Option<String>,
    /// mysqlclient's `ssl_mode`.
    mode: Option<MySqlSslMode>,
    disabled: bool,
    /// `ssl=true`.
    wanted: bool,
    check_hostname: Option<bool>,
    verify_cert: Option<bool>,
    verify_identity: Option<bool>,
}

impl Tls {
    fn take(&mut self, name: &str, value: String) -> Result<()> {
        match name {
            "ssl_ca" => self.ca = Some(value),
            "ssl_capath" => self.capath = Some(value),
            "ssl_cert" => self.cert = Some(value),
            "ssl_key" => self.key = Some(value),
            "ssl" => self.wanted = flag(name, &value)?,
            "ssl_disabled" => self.disabled = flag(name, &value)?,
            "ssl_check_hostname" => self.check_hostname = Some(flag(name, &value)?),
            "ssl_verify_cert" => self.verify_cert = Some(flag(name, &value)?),
            "ssl_verify_identity" => self.verify_identity = Some(flag(name, &value)?),
            "ssl_mode" | "ssl-mode" => {
                let mode = value.parse();
                self.mode = Some(mode.map_err(|_| invalid("ssl_mode in the database URL is not one of MySQL's"))?);
            }
            "ssl_cipher" => return Err(refused(name, "TLS 1.2 and 1.3 are spoken, with their strong ciphers only")),
            "ssl_key_password" => return Err(refused(name, "the key must not be encrypted")),
            _ => return Err(refused(name, "leaving it out could be less than it asks for")),
        }
        Ok(())
    }

    /// # Errors
    /// When the server is to be verified, and nothing says by whom.
    fn mode(&self) -> Result<MySqlSslMode> {
        if self.disabled || matches!(self.mode, Some(MySqlSslMode::Disabled)) {
            return Ok(MySqlSslMode::Disabled);
        }
        let authorities = self.ca.is_some() || self.capath.is_some();
        let flags = [self.check_hostname, self.verify_identity];
        let by_default = authorities && self.mode.is_none() && self.verify_cert.is_none() && flags == [None; 2];
        let identity =
            by_default || flags.contains(&Some(true)) || matches!(self.mode, Some(MySqlSslMode::VerifyIdentity));
        let chain = identity
            || self.verify_cert == Some(true)
            || matches!(self.mode, Some(MySqlSslMode::VerifyCa))
            || authorities && self.verify_cert.is_none();
        let asked = self.wanted || self.cert.is_some() || flags != [None; 2] || self.verify_cert.is_some();
        if chain && !authorities {
            return Err(invalid("the database URL wants the server verified: name the authorities with ssl_ca"));
        }
        Ok(match (identity, chain, self.mode) {
            (true, ..) => MySqlSslMode::VerifyIdentity,
            (_, true, _) => MySqlSslMode::VerifyCa,
            (.., Some(MySqlSslMode::Preferred)) => MySqlSslMode::Preferred,
            (.., None) if !asked => MySqlSslMode::Preferred,
            _ => MySqlSslMode::Required,
        })
    }

    fn apply(self, options: MySqlConnectOptions) -> Result<MySqlConnectOptions> {
        let mode = self.mode()?;
        let mut options = options.ssl_mode(mode);
        if matches!(mode, MySqlSslMode::Disabled) {
            return Ok(options);
        }
        if let Some(ca) = &self.ca {
            readable("ssl_ca", ca)?;
            options = options.ssl_ca(ca);
        }
        if let Some(folder) = &self.capath {
            options = options.ssl_ca_from_pem(authorities(folder, self.ca.as_deref())?);
        }
        match (self.cert, self.key) {
            (Some(cert), key) => {
                let key = key.unwrap_or_else(|| cert.clone());
                readable("ssl_cert", &cert)?;
                readable("ssl_key", &key)?;
                Ok(options.ssl_client_cert(cert).ssl_client_key(key))
            }
            (None, Some(_)) => Err(invalid("ssl_key in the database URL needs ssl_cert")),
            (None, None) => Ok(options),
        }
    }
}

/// The certificates of a folder under the names that `openssl rehash` gives them (`9d66eef0.0`), and of `file`.
fn authorities(folder: &str, file: Option<&str>) -> Result<Vec<u8>> {
    let broken = |error| invalid(format!("ssl_capath of the database URL: {folder}")).caused_by(error);
    let mut found = match file {
        Some(file) => std::fs::read(file).map_err(broken)?,
        None => Vec::new(),
    };
    for entry in std::fs::read_dir(folder).map_err(broken)? {
        let entry = entry.map_err(broken)?;
        if entry.file_name().to_str().is_some_and(is_hash) {
            found.push(b'\n');
            found.extend(std::fs::read(entry.path()).map_err(broken)?);
        }
    }
    if found.is_empty() {
        return Err(invalid(format!("ssl_capath of the database URL: {folder} holds no certificates for OpenSSL")));
    }
    Ok(found)
}

fn is_hash(name: &str) -> bool {
    let Some((hash, number)) = name.split_once('.') else { return false };
    let digits = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    hash.len() == 8 && hash.bytes().all(|byte| byte.is_ascii_hexdigit()) && digits(number)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::Error;
    use crate::url::{Target, parse};

    fn place_of(url: &str) -> Result<Place<MySqlConnectOptions>> {
        match parse(url)? {
            Target::MySql(place) => Ok(*place),
            other => panic!("{other:?}"),
        }
    }

    fn refusal(url: &str) -> String {
        let error: Error = place_of(url).unwrap_err();
        format!("{error}")
    }

    #[test]
    fn servers_with_and_without_driver_port_and_escapes() {
        let options = place_of("mysql+pymysql://gl%40nce:p%3Aw@db.example:3307/glance?charset=utf8").unwrap().options;
        assert_eq!(options.get_host(), "db.example");
        assert_eq!(options.get_port(), 3307);
        assert_eq!(options.get_username(), "gl@nce");
        assert_eq!(options.get_database(), Some("glance"));
        let options = place_of("mysql://root@[::1]/glance?unix_socket=/run/my.sock").unwrap().options;
        assert_eq!(options.get_host(), "::1");
        assert_eq!(options.get_port(), 3306);
        assert_eq!(options.get_socket().and_then(|path| path.to_str()), Some("/run/my.sock"));
    }

    #[test]
    fn parameters_count_before_the_places_of_a_url() {
        let url = "mysql://u:p@h:1/d?host=other&port=2&user=v&db=e&connect_timeout=3&init_command=SET%20x%3D1";
        let place = place_of(url).unwrap();
        let options = &place.options;
        let found = (options.get_host(), options.get_port(), options.get_username(), options.get_database());
        assert_eq!(found, ("other", 2, "v", Some("e")));
        assert_eq!(place.connect_timeout.map(|time| time.as_secs()), Some(3));
        assert_eq!(place.init_command.as_deref(), Some("SET x=1"));
        assert!(refusal("mysql://h/d?read_default_file=/etc/my.cnf").contains("read_default_file"));
    }

    /// The left column is what PyMySQL 1.2 does with it behind SQLAlchemy 2.1, or more.
    #[test]
    fn tls_is_never_weaker_than_in_python() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("ca.pem");
        std::fs::write(&file, "x").unwrap();
        let file = file.to_str().unwrap();
        let cases = [
            ("", "Preferred"),
            ("ssl_disabled=false", "Preferred"),
            ("ssl_disabled=true&ssl_ca=FILE", "Disabled"),
            ("ssl_mode=disabled", "Disabled"),
            ("ssl=true", "Required"),
            ("ssl_mode=required", "Required"),
            ("ssl_cert=FILE&ssl_key=FILE", "Required"),
            ("ssl_cert=FILE", "Required"),
            ("ssl_check_hostname=false", "Required"),
            ("ssl_ca=FILE&ssl_verify_cert=false", "Required"),
            ("ssl_ca=FILE", "VerifyIdentity"),
            ("ssl_ca=FILE&ssl_check_hostname=true", "VerifyIdentity"),
            ("ssl_ca=FILE&ssl_verify_cert=true&ssl_verify_identity=true", "VerifyIdentity"),
            ("ssl_ca=FILE&ssl_mode=VERIFY_IDENTITY", "VerifyIdentity"),
            ("ssl_ca=FILE&ssl_check_hostname=false", "VerifyCa"),
            ("ssl_ca=FILE&ssl_verify_identity=0", "VerifyCa"),
            ("ssl_ca=FILE&ssl_verify_cert=true", "VerifyCa"),
            ("ssl_ca=FILE&ssl_mode=required", "VerifyCa"),
            ("ssl_ca=FILE&ssl_mode=preferred", "VerifyCa"),
        ];
        for (parameters, mode) in cases {
            let url = format!("mysql+pymysql://h/d?{}", parameters.replace("FILE", file));
            assert_eq!(format!("{:?}", place_of(&url).unwrap().options.get_ssl_mode()), mode, "{parameters}");
        }
    }

    #[test]
    fn a_folder_of_authorities_is_read_by_openssls_names() {
        let folder = tempfile::tempdir().unwrap();
        let url = format!("mysql://h/d?ssl_capath={}", folder.path().display());
        assert!(refusal(&url).contains("holds no certificates"));
        std::fs::write(folder.path().join("README"), "no certificate").unwrap();
        std::fs::write(folder.path().join("9d66eef0.0"), "certificate").unwrap();
        assert_eq!(authorities(folder.path().to_str().unwrap(), None).unwrap(), b"\ncertificate");
        assert!(matches!(place_of(&url).unwrap().options.get_ssl_mode(), MySqlSslMode::VerifyIdentity));
    }

    #[test]
    fn what_cannot_be_done_about_tls_is_refused() {
        let cases = [
            ("ssl_cipher=AES256", "ssl_cipher"),
            ("ssl_key_password=secret", "ssl_key_password"),
            ("ssl_crl=/x", "ssl_crl"),
            ("ssl_ca=/nowhere/ca.pem", "/nowhere/ca.pem"),
            ("ssl_cert=/nowhere/cert.pem", "/nowhere/cert.pem"),
            ("ssl_capath=/nowhere", "/nowhere"),
            ("ssl_key=/x", "needs ssl_cert"),
            ("ssl_verify_identity=true", "name the authorities"),
            ("ssl_verify_cert=true", "name the authorities"),
            ("ssl_check_hostname=true", "name the authorities"),
            ("ssl_mode=verify_ca", "name the authorities"),
            ("ssl_mode=strict", "ssl_mode"),
            ("ssl_ca=/x&ssl_check_hostname=perhaps", "ssl_check_hostname"),
        ];
        for (parameters, words) in cases {
            let told = refusal(&format!("mysql://h/d?{parameters}"));
            assert!(told.contains(words) && !told.contains("secret"), "{parameters}: {told}");
        }
    }
}
