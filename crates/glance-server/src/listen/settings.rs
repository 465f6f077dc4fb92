//! From options to typed settings.

use std::net::{IpAddr, Ipv4Addr, SocketAddr, ToSocketAddrs as _};
use std::path::PathBuf;
use std::time::Duration;

use anyhow::{Context as _, bail};
use oslo::config::Config;
use rustix::process::{Resource, getrlimit};

use super::networks::Networks;

/// Where and how to listen.
#[derive(Clone, Debug)]
pub struct Settings {
    /// Where, unless systemd hands over sockets.
    pub place: Place,
    /// Connections that may wait to be accepted.
    pub backlog: u32,
    /// Connections that are served at once.
    pub max_connections: usize,
    /// How large all headers of a request together may be, with its first line, in bytes.
    pub max_header_size: usize,
    /// How long a client may take to send headers, and how long a connection may be idle.
    pub header_timeout: Duration,
    /// How long a transfer may make no progress; `None`: for ever.
    pub stall_timeout: Option<Duration>,
    /// Whether a connection serves several requests.
    pub keep_alive: bool,
    /// After how long a silence a peer is asked for a sign of life.
    pub keep_idle: Duration,
    /// What TLS needs, where it is spoken.
    pub tls: Option<TlsFiles>,
    /// Where Prometheus asks; `None`: nowhere.
    pub metrics: Option<SocketAddr>,
    /// Who is believed what it says of clients; `None`: everybody, as in Glance.
    pub trusted_proxies: Option<Networks>,
    /// Whether trusted proxies begin their connections with the PROXY protocol.
    pub proxy_protocol: bool,
}

/// A place to listen.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Place {
    /// An address.
    Tcp(SocketAddr),
    /// A Unix socket with these permissions.
    Unix(PathBuf, u32),
}

/// The files of TLS, PEM.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TlsFiles {
    /// The service's certificate and those of its authorities.
    pub certificate: PathBuf,
    /// Its private key.
    pub key: PathBuf,
    /// The authorities of clients, which must then have a certificate.
    pub clients: Option<PathBuf>,
}

impl Settings {
    /// As the options say; `host` and `port` come from the command line and win.
    ///
    /// # Errors
    /// For a host without address, permissions that are no octal number, or a certificate without a key.
    pub fn from_options(options: &Config, host: Option<IpAddr>, port: Option<u16>) -> anyhow::Result<Self> {
        let seconds = |group: &str, name: &str| options.get::<u64>(group, name).map(Duration::from_secs);
        let wanted: u64 = options.get("listen", "max_connections")?;
        Ok(Self {
            place: place(options, host, port)?,
            backlog: u32::try_from(options.get::<u64>("DEFAULT", "backlog")?).unwrap_or(u32::MAX),
            max_connections: if wanted == 0 { half_of_open_files() } else { usize::try_from(wanted)? },
            max_header_size: options.get("listen", "max_header_size")?,
            header_timeout: seconds("listen", "header_timeout")?,
            stall_timeout: Some(seconds("DEFAULT", "client_socket_timeout")?).filter(|timeout| !timeout.is_zero()),
            keep_alive: options.get("DEFAULT", "http_keepalive")?,
            keep_idle: seconds("DEFAULT", "tcp_keepidle")?,
            tls: tls(options)?,
            metrics: metrics(options)?,
            trusted_proxies: trusted_proxies(options)?,
            proxy_protocol: options.get("listen", "proxy_protocol")?,
        })
    }

    /// Whether it is believed what an address says of clients.
    #[must_use]
    pub fn trusts(&self, address: IpAddr) -> bool {
        self.trusted_proxies.as_ref().is_none_or(|networks| networks.contain(address))
    }

    /// The same at all addresses of this machine, if it is a matter of addresses.
    #[must_use]
    pub fn everywhere(mut self) -> Self {
        if let Place::Tcp(address) = &mut self.place {
            address.set_ip(IpAddr::V4(Ipv4Addr::UNSPECIFIED));
        }
        self
    }

    /// Whether only programs of this machine can come in.
    #[must_use]
    pub fn is_local(&self) -> bool {
        match &self.place {
            Place::Tcp(address) => address.ip().is_loopback(),
            Place::Unix(..) => true,
        }
    }
}

fn place(options: &Config, host: Option<IpAddr>, port: Option<u16>) -> anyhow::Result<Place> {
    let path: Option<PathBuf> = options.get("listen", "unix_socket")?;
    if let Some(path) = path.filter(|_| host.is_none() && port.is_none()) {
        let mode: String = options.get("listen", "unix_socket_mode")?;
        let mode = u32::from_str_radix(&mode, 8).ok().filter(|mode| *mode <= 0o777);
        return Ok(Place::Unix(path, mode.context("[listen] unix_socket_mode must be an octal number up to 777")?));
    }
    let port = port.map_or_else(|| options.get("DEFAULT", "bind_port"), Ok)?;
    let ip = match host {
        Some(host) => host,
        None => configured_host(options)?.unwrap_or(IpAddr::V4(Ipv4Addr::LOCALHOST)),
    };
    Ok(Place::Tcp(SocketAddr::new(ip, port)))
}

/// The address of `bind_host`, which may be a name.
fn configured_host(options: &Config) -> anyhow::Result<Option<IpAddr>> {
    let Some(host) = options.get::<Option<String>>("DEFAULT", "bind_host")? else { return Ok(None) };
    let mut found = (host.trim_matches(['[', ']']), 0)
        .to_socket_addrs()
        .with_context(|| format!("[DEFAULT] bind_host: {host} has no address"))?;
    Ok(found.next().map(|address| address.ip()))
}

fn tls(options: &Config) -> anyhow::Result<Option<TlsFiles>> {
    let path = |name: &str| options.get::<Option<PathBuf>>("DEFAULT", name);
    match (path("cert_file")?, path("key_file")?) {
        (Some(certificate), Some(key)) => Ok(Some(TlsFiles { certificate, key, clients: path("ca_file")? })),
        (None, None) => Ok(None),
        _ => bail!("[DEFAULT] cert_file and key_file belong together: one of them is not set"),
    }
}

fn metrics(options: &Config) -> anyhow::Result<Option<SocketAddr>> {
    let text: Option<String> = options.get("metrics", "address")?;
    let parse = |text: String| text.parse().with_context(|| format!("[metrics] address: {text} is not IP:port"));
    text.filter(|text| !text.is_empty()).map(parse).transpose()
}

fn trusted_proxies(options: &Config) -> anyhow::Result<Option<Networks>> {
    let texts: Option<Vec<String>> = options.get("listen", "trusted_proxies")?;
    let networks = texts.map(|texts| Networks::parse(&texts)).transpose().context("[listen] trusted_proxies")?;
    if networks.is_none() && options.get("listen", "proxy_protocol")? {
        bail!("[listen] proxy_protocol: trusted_proxies must say whose word counts");
    }
    Ok(networks)
}

/// A connection needs a file, and its transfer another.
fn half_of_open_files() -> usize {
    let most = getrlimit(Resource::Nofile).current.unwrap_or(1 << 16);
    usize::try_from(most / 2).unwrap_or(1 << 15).clamp(16, 1 << 15)
}
