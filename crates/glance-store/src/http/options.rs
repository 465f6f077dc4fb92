//! What an operator can choose about HTTP locations.

use std::path::PathBuf;
use std::time::Duration;

use super::addresses::AddressFilter;

/// The options of an HTTP store.
#[derive(Clone, Debug)]
pub struct HttpOptions {
    /// PEM file of the only authorities to trust (`https_ca_certificates_file`). If set, `insecure` is ignored.
    pub ca_certificates_file: Option<PathBuf>,
    /// Servers' certificates are not verified (`https_insecure`, on by default as in Glance).
    pub insecure: bool,
    /// Proxies by the scheme of the location (`http_proxy_information`), such as `http` to `10.0.0.1:3128`.
    pub proxies: Vec<(String, String)>,
    /// To which addresses connections may be made; all, if unset. Proxies may be anywhere.
    pub addresses: Option<AddressFilter>,
    /// How long a connection may take to come about.
    pub connect_timeout: Duration,
    /// How long a server may be silent.
    pub read_timeout: Duration,
}

impl Default for HttpOptions {
    fn default() -> Self {
        Self {
            ca_certificates_file: None,
            insecure: true,
            proxies: Vec::new(),
            addresses: None,
            connect_timeout: Duration::from_secs(30),
            read_timeout: Duration::from_secs(60),
        }
    }
}
