//! Sockets: those that are configured, and those that systemd opened (sd_listen_fds(3)).

use std::net::SocketAddr;
use std::os::fd::{FromRawFd as _, OwnedFd};
use std::os::unix::fs::{FileTypeExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Context as _, bail};
use rustix::net::AddressFamily;
use tokio::net::{TcpListener, TcpSocket, TcpStream, UnixListener, UnixStream};

use super::{Peer, Place, Settings, proxy_protocol};

/// The first file that systemd hands over.
const FIRST_INHERITED: i32 = 3;

/// A place where clients come in.
#[derive(Debug)]
pub enum Listener {
    /// An address.
    Tcp(TcpListener),
    /// A Unix socket; the file is removed in the end if the service made it.
    Unix(UnixListener, Option<PathBuf>),
}

/// A connection that was accepted.
#[derive(Debug)]
pub enum Connection {
    /// From an address.
    Tcp(TcpStream, SocketAddr),
    /// From this machine.
    Unix(UnixStream),
}

impl Listener {
    /// The next connection.
    ///
    /// # Errors
    /// Those of the operating system, such as too many open files.
    pub async fn accept(&self) -> std::io::Result<Connection> {
        match self {
            Self::Tcp(listener) => listener.accept().await.map(|(stream, peer)| Connection::Tcp(stream, peer)),
            Self::Unix(listener, _) => listener.accept().await.map(|(stream, _)| Connection::Unix(stream)),
        }
    }

    /// The address; `None` for a Unix socket.
    #[must_use]
    pub fn address(&self) -> Option<SocketAddr> {
        match self {
            Self::Tcp(listener) => listener.local_addr().ok(),
            Self::Unix(..) => None,
        }
    }

    /// Where it is, for people.
    #[must_use]
    pub fn describe(&self, scheme: &str) -> String {
        match self {
            Self::Tcp(_) => self.address().map_or_else(String::new, |address| format!("{scheme}://{address}")),
            Self::Unix(_, Some(path)) => format!("the socket {}", path.display()),
            Self::Unix(_, None) => "a socket of systemd".to_owned(),
        }
    }
}

impl Drop for Listener {
    fn drop(&mut self) {
        if let Self::Unix(_, Some(path)) = self {
            let _ = std::fs::remove_file(path);
        }
    }
}

impl Connection {
    /// Who is at the other end; for whom it is a proxy, if that is trusted to say so with the PROXY protocol.
    ///
    /// # Errors
    /// When such a proxy does not say it in time, or not in the form of the protocol.
    pub async fn peer(&mut self, settings: &Settings) -> std::io::Result<Peer> {
        let encrypted = settings.tls.is_some();
        let Self::Tcp(stream, address) = self else { return Ok(Peer { address: None, encrypted, trusted: true }) };
        let mut address = *address;
        if settings.proxy_protocol && settings.trusts(address.ip()) {
            let header = tokio::time::timeout(settings.header_timeout, proxy_protocol::read(stream));
            address = header.await??.unwrap_or(address);
        }
        Ok(Peer { address: Some(address), encrypted, trusted: settings.trusts(address.ip()) })
    }

    /// Prepares the connection: answers leave at once, and a peer that is gone is noticed.
    pub fn prepare(&self, settings: &Settings) {
        let Self::Tcp(stream, _) = self else { return };
        // What fails here makes a connection slower, never wrong.
        let _ = stream.set_nodelay(true);
        let _ = rustix::net::sockopt::set_socket_keepalive(stream, true);
        let _ = rustix::net::sockopt::set_tcp_keepidle(stream, settings.keep_idle);
        if let Some(timeout) = settings.stall_timeout {
            // A client that takes nothing off a full connection is given up by the system.
            let milliseconds = u32::try_from(timeout.as_millis()).unwrap_or(u32::MAX);
            let _ = rustix::net::sockopt::set_tcp_user_timeout(stream, milliseconds);
        }
    }
}

/// Opens the sockets: those of systemd if it handed over any, else the configured one.
///
/// # Errors
/// In words for the operator.
pub async fn bind(settings: &Settings, environment: &[(String, String)]) -> anyhow::Result<Vec<Listener>> {
    let inherited = inherited(environment)?;
    if !inherited.is_empty() {
        return Ok(inherited);
    }
    let listener = match &settings.place {
        Place::Tcp(address) => {
            bind_tcp(*address, settings.backlog).with_context(|| format!("cannot listen on {address}"))?
        }
        Place::Unix(path, mode) => {
            bind_unix(path, *mode).await.with_context(|| format!("cannot listen on {}", path.display()))?
        }
    };
    Ok(vec![listener])
}

fn bind_tcp(address: SocketAddr, backlog: u32) -> std::io::Result<Listener> {
    let socket = if address.is_ipv6() { TcpSocket::new_v6()? } else { TcpSocket::new_v4()? };
    socket.set_reuseaddr(true)?;
    socket.bind(address)?;
    socket.listen(backlog).map(Listener::Tcp)
}

/// A socket file that nobody listens on any more is replaced.
async fn bind_unix(path: &Path, mode: u32) -> anyhow::Result<Listener> {
    if std::fs::symlink_metadata(path).is_ok_and(|metadata| metadata.file_type().is_socket()) {
        let answered = tokio::time::timeout(Duration::from_secs(1), UnixStream::connect(path)).await;
        if !matches!(answered, Ok(Err(_))) {
            bail!("another process listens there");
        }
        std::fs::remove_file(path)?;
    }
    let listener = Listener::Unix(UnixListener::bind(path)?, Some(path.to_owned()));
    std::fs::set_permissions(path, std::fs::Permissions::from_mode(mode))?;
    Ok(listener)
}

/// The sockets of systemd, which are meant for the process that `LISTEN_PID` names.
fn inherited(environment: &[(String, String)]) -> anyhow::Result<Vec<Listener>> {
    let variable = |name: &str| environment.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str());
    let meant = variable("LISTEN_PID").and_then(|pid| pid.parse().ok()) == Some(std::process::id());
    let count: i32 = variable("LISTEN_FDS").filter(|_| meant).map_or(Ok(0), str::parse).context("LISTEN_FDS")?;
    (FIRST_INHERITED..FIRST_INHERITED.saturating_add(count.clamp(0, 16)))
        .map(|number| adopt(number).with_context(|| format!("cannot listen on the file {number} of LISTEN_FDS")))
        .collect()
}

fn adopt(number: i32) -> anyhow::Result<Listener> {
    #[expect(unsafe_code, reason = "sd_listen_fds(3): the variables say that the file is open and ours")]
    // SAFETY: the caller has checked that LISTEN_PID is this process; nothing else in it uses these files.
    let file = unsafe { OwnedFd::from_raw_fd(number) };
    rustix::io::fcntl_setfd(&file, rustix::io::FdFlags::CLOEXEC)?;
    let family = rustix::net::sockopt::socket_domain(&file)?;
    if family == AddressFamily::UNIX {
        let listener = std::os::unix::net::UnixListener::from(file);
        listener.set_nonblocking(true)?;
        return Ok(Listener::Unix(UnixListener::from_std(listener)?, None));
    }
    let listener = std::net::TcpListener::from(file);
    listener.set_nonblocking(true)?;
    Ok(Listener::Tcp(TcpListener::from_std(listener)?))
}
