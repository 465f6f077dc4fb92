//! A web server with files of any size: `/size/N` has N bytes, `/asked/N/sent/M` says N when it is asked and sends M,
//! `/asked/N/streamed/M` does so without saying M first. Everything else is missing.

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

    /// The URL of a file that has another size when it is read than when its size is asked for.
    pub(crate) fn changing(&self, asked: u64, how: &str, sent: u64) -> String {
        format!("http://{}/asked/{asked}/{how}/{sent}", self.address)
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
    let path = path.split('?').next().unwrap_or_default();
    let parts: Vec<&str> = path.split('/').skip(1).collect();
    let (size, says_size) = match (parts.as_slice(), method) {
        (["size", size], _) | (["asked", size, ..], "HEAD") | (["asked", _, "sent", size], _) => {
            (size.parse().ok(), true)
        }
        (["asked", _, "streamed", size], _) => (size.parse().ok(), false),
        _ => (None, true),
    };
    let status = if size.is_some() { "200 OK" } else { "404 Not Found" };
    let size: usize = size.unwrap_or_default();
    let length = if says_size { format!("Content-Length: {size}\r\n") } else { String::new() };
    let head = format!("HTTP/1.1 {status}\r\n{length}Connection: close\r\n\r\n");
    let body = if method == "GET" { vec![b'x'; size] } else { Vec::new() };
    let _ = stream.write_all(head.as_bytes()).and_then(|()| stream.write_all(&body));
}
