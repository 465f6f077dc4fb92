//! A web server with files of any size: `/size/N` has N bytes, everything else is missing.

use std::io::{BufRead as _, BufReader, Write as _};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::thread;

/// A running server; it ends with the process.
pub(crate) struct Web {
    address: SocketAddr,
}

impl Web {
    pub(crate) fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
        let address = listener.local_addr().expect("an address");
        thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                thread::spawn(move || serve(&stream));
            }
        });
        Self { address }
    }

    /// The URL of a file of `size` bytes; `name` tells it from others.
    pub(crate) fn file(&self, size: u64, name: &str) -> String {
        format!("http://{}/size/{size}?{name}", self.address)
    }

    /// The URL of nothing.
    pub(crate) fn nothing(&self) -> String {
        format!("http://{}/nothing", self.address)
    }
}

fn serve(mut stream: &TcpStream) {
    let mut lines = BufReader::new(stream).lines().map_while(Result::ok);
    let Some(request) = lines.next() else { return };
    let _ = lines.find(String::is_empty);
    let mut words = request.split(' ');
    let (method, path) = (words.next().unwrap_or_default(), words.next().unwrap_or_default());
    let size = path.split('?').next().and_then(|path| path.strip_prefix("/size/")).and_then(|size| size.parse().ok());
    let status = if size.is_some() { "200 OK" } else { "404 Not Found" };
    let size: usize = size.unwrap_or_default();
    let head = format!("HTTP/1.1 {status}\r\nContent-Length: {size}\r\nConnection: close\r\n\r\n");
    let body = if method == "GET" { vec![b'x'; size] } else { Vec::new() };
    let _ = stream.write_all(head.as_bytes()).and_then(|()| stream.write_all(&body));
}
