//! A memcached of the test's own.

use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream};
use std::process::{Child, Command, Stdio};

use crate::wait;

/// A memcached; it ends with this value.
pub struct Memcached {
    process: Child,
    /// Where it listens.
    pub address: SocketAddr,
}

impl Memcached {
    /// Starts one.
    ///
    /// # Panics
    /// When it does not listen: `cargo xtask acceptance` installs it.
    #[must_use]
    pub fn start() -> Self {
        Self::start_at(TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap().local_addr().unwrap())
    }

    /// Starts one at an address where another one was.
    ///
    /// # Panics
    /// As [`Self::start`].
    #[must_use]
    pub fn start_at(address: SocketAddr) -> Self {
        let mut command = Command::new("memcached");
        command.args(["-u", "nobody", "-l", "127.0.0.1", "-m", "16", "-p", &address.port().to_string()]);
        let mut process = command.stdin(Stdio::null()).spawn().unwrap();
        wait::until("memcached listens", || {
            assert!(process.try_wait().unwrap().is_none(), "memcached ended at once");
            TcpStream::connect(address).ok()
        });
        Self { process, address }
    }
}

impl Drop for Memcached {
    fn drop(&mut self) {
        // It may have ended by itself; either way it is gone afterwards.
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}
