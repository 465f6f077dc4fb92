//! A proxy before a database's server that loses the answers to commits, and the commits' connections with them.

use std::io::{Read, Write};
use std::net::{Ipv4Addr, Shutdown, SocketAddr, TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::thread;

/// The proxy; its threads end with the test's process.
pub struct CommitProxy {
    to_lose: Arc<AtomicU32>,
    /// Where it listens.
    pub address: SocketAddr,
}

impl CommitProxy {
    /// Starts one before the server at `behind`; it passes everything on.
    ///
    /// # Panics
    /// When there is no port to listen on.
    #[must_use]
    pub fn before(behind: SocketAddr) -> Self {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        let address = listener.local_addr().unwrap();
        let to_lose = Arc::new(AtomicU32::new(0));
        let shared = to_lose.clone();
        thread::spawn(move || {
            for client in listener.incoming() {
                let (client, to_lose) = (client.unwrap(), shared.clone());
                thread::spawn(move || serve(client, behind, &to_lose));
            }
        });
        Self { to_lose, address }
    }

    /// Loses the answers of the next `count` commits.
    pub fn lose(&self, count: u32) {
        self.to_lose.fetch_add(count, Ordering::SeqCst);
    }

    /// How many of them are still to come.
    #[must_use]
    pub fn left(&self) -> u32 {
        self.to_lose.load(Ordering::SeqCst)
    }
}

/// Whatever breaks ends the connection, as it would without the proxy.
fn serve(client: TcpStream, behind: SocketAddr, to_lose: &AtomicU32) {
    let Ok(server) = TcpStream::connect(behind) else { return };
    let (mut answers, mut to_client) = (server.try_clone().unwrap(), client.try_clone().unwrap());
    let answering = thread::spawn(move || {
        let _ = std::io::copy(&mut answers, &mut to_client);
        let _ = to_client.shutdown(Shutdown::Both);
    });
    pass_on(client, server, to_lose);
    let _ = answering.join();
}

/// Passes on what the client says, up to a commit whose answer is to be lost.
fn pass_on(mut client: TcpStream, mut server: TcpStream, to_lose: &AtomicU32) {
    let mut buffer = [0; 1 << 16];
    while let Ok(count @ 1..) = client.read(&mut buffer) {
        let is_commit = buffer[..count].windows(6).any(|word| word == b"COMMIT");
        let one_less = |left: u32| left.checked_sub(1);
        if is_commit && to_lose.fetch_update(Ordering::SeqCst, Ordering::SeqCst, one_less).is_ok() {
            // The client is gone before the server can answer.
            let _ = client.shutdown(Shutdown::Both);
        }
        if server.write_all(&buffer[..count]).is_err() {
            break;
        }
    }
    let _ = server.shutdown(Shutdown::Write);
}
