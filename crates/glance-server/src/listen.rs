//! Where clients come in: addresses, Unix sockets and sockets of systemd, with or without TLS.

pub mod heads;
pub mod idle;
pub mod networks;
pub mod notify;
mod patience;
pub mod proxy_protocol;
pub mod settings;
mod sockets;
mod tls;

pub use patience::Patient;
pub use settings::{Place, Settings};
pub use sockets::{Connection, Listener, bind};
pub use tls::Tls;
pub(crate) use tls::is_http2;

/// Who is at the other end of a connection, as requests carry it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Peer {
    /// The address, as a proxy of the PROXY protocol may have said it; `None` for a Unix socket.
    pub address: Option<std::net::SocketAddr>,
    /// Whether the connection is encrypted.
    pub encrypted: bool,
    /// Whether it is believed what it says of others (`trusted_proxies`).
    pub trusted: bool,
}
