//! Telling systemd how the service is (sd_notify(3)).

use std::os::linux::net::SocketAddrExt as _;
use std::os::unix::net::{SocketAddr, UnixDatagram};

/// The socket on which systemd listens; nothing where there is none.
#[derive(Clone, Debug, Default)]
pub struct Notifier {
    path: Option<String>,
}

impl Notifier {
    /// The one of `NOTIFY_SOCKET`.
    #[must_use]
    pub fn from_environment(environment: &[(String, String)]) -> Self {
        let path = environment.iter().find(|(name, _)| name == "NOTIFY_SOCKET").map(|(_, path)| path.clone());
        Self { path: path.filter(|path| !path.is_empty()) }
    }

    /// Clients can come.
    pub fn ready(&self) {
        self.send("READY=1");
    }

    /// The configuration is being read again; [`Notifier::ready`] ends it.
    pub fn reloading(&self) {
        let now = rustix::time::clock_gettime(rustix::time::ClockId::Monotonic);
        let microseconds = now.tv_sec.saturating_mul(1_000_000).saturating_add(now.tv_nsec / 1000);
        self.send(&format!("RELOADING=1\nMONOTONIC_USEC={microseconds}"));
    }

    /// The service is about to end.
    pub fn stopping(&self) {
        self.send("STOPPING=1");
    }

    fn send(&self, state: &str) {
        let Some(path) = &self.path else { return };
        let address = match path.strip_prefix('@') {
            Some(name) => SocketAddr::from_abstract_name(name),
            None => SocketAddr::from_pathname(path),
        };
        let sent = address.and_then(|address| UnixDatagram::unbound()?.send_to_addr(state.as_bytes(), &address));
        if let Err(error) = sent {
            tracing::warn!(%error, "cannot notify systemd");
        }
    }
}
