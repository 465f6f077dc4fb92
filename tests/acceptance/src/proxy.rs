//! Something between two programs that passes bytes on, or fails in ways that a real service does not on demand.

use std::io::{Read, Write};
use std::net::{Ipv4Addr, Shutdown, SocketAddr, TcpListener, TcpStream};
use std::sync::{Arc, Mutex};
use std::thread;

use crate::http::Endpoint;

/// What becomes of connections that come from now on.
#[derive(Debug, Clone)]
pub enum Mood {
    /// They reach the service.
    Passing,
    /// They are accepted, and nothing comes back.
    Silent,
    /// These bytes are the answer to whatever is sent.
    Saying(Vec<u8>),
}

/// A proxy for TCP; its threads end with the test's process.
pub struct Proxy {
    mood: Arc<Mutex<Mood>>,
    /// Where it listens.
    pub endpoint: Endpoint,
}

impl Proxy {
    /// Starts one before the service at `behind`; it passes everything on.
    ///
    /// # Panics
    /// When there is no port to listen on.
    #[must_use]
    pub fn before(behind: Endpoint) -> Self {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        let endpoint = Endpoint { address: listener.local_addr().unwrap() };
        let mood = Arc::new(Mutex::new(Mood::Passing));
        let current = mood.clone();
        thread::spawn(move || {
            for client in listener.incoming() {
                let (client, mood) = (client.unwrap(), current.lock().unwrap().clone());
                thread::spawn(move || serve(client, behind.address, mood));
            }
        });
        Self { mood, endpoint }
    }

    /// Changes what happens to new connections.
    ///
    /// # Panics
    /// Never, unless one of its threads did.
    pub fn turn(&self, mood: Mood) {
        *self.mood.lock().unwrap() = mood;
    }
}

/// Whatever breaks ends the connection, as it would without the proxy.
fn serve(mut client: TcpStream, behind: SocketAddr, mood: Mood) {
    match mood {
        Mood::Passing => {
            let Ok(service) = TcpStream::connect(behind) else { return };
            let (from, to) = (client.try_clone().unwrap(), service.try_clone().unwrap());
            let sending = thread::spawn(move || pass(from, to));
            pass(service, client);
            let _ = sending.join();
        }
        Mood::Silent => drop(client.read_to_end(&mut Vec::new())),
        Mood::Saying(answer) => {
            let mut request = [0; 1 << 14];
            let _ = client.read(&mut request);
            let _ = client.write_all(&answer);
        }
    }
}

fn pass(mut from: TcpStream, mut to: TcpStream) {
    let _ = std::io::copy(&mut from, &mut to);
    let _ = to.shutdown(Shutdown::Write);
}
