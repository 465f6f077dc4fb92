//! A real, if small, HTTP server for tests.

use std::sync::{Arc, Mutex};

use bytes::Bytes;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::TcpListener;
use tokio::task::JoinSet;
use tokio_rustls::TlsAcceptor;

use super::{FetchOptions, UrlFilter};

/// What reaches the server under its address and as `localhost`.
pub(crate) fn nearby() -> FetchOptions {
    let allowed_hosts = vec!["127.0.0.1".to_owned(), "localhost".to_owned()];
    FetchOptions { filter: UrlFilter { allowed_hosts, ..UrlFilter::default() }, ..FetchOptions::default() }
}

/// A server that lives as long as the value.
pub(crate) struct Server {
    pub(crate) address: String,
    requests: Arc<Mutex<Vec<String>>>,
    _tasks: JoinSet<()>,
}

impl Server {
    pub(crate) async fn start(tls: Option<TlsAcceptor>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap().to_string();
        let requests = Arc::new(Mutex::new(Vec::new()));
        let (mut tasks, log) = (JoinSet::new(), Arc::clone(&requests));
        tasks.spawn(async move {
            let mut connections = JoinSet::new();
            while let Ok((stream, _)) = listener.accept().await {
                let (tls, log) = (tls.clone(), Arc::clone(&log));
                connections.spawn(async move {
                    match tls {
                        None => answer(stream, &log).await,
                        // A client that does not trust the certificate breaks off here.
                        Some(tls) => match tls.accept(stream).await {
                            Ok(stream) => answer(stream, &log).await,
                            Err(error) => log.lock().unwrap().push(error.to_string()),
                        },
                    }
                });
            }
        });
        Self { address, requests, _tasks: tasks }
    }

    pub(crate) fn url(&self, path: &str) -> String {
        format!("http://{}/{path}", self.address)
    }

    pub(crate) fn requests(&self) -> Vec<String> {
        self.requests.lock().unwrap().clone()
    }
}

/// Answers one request according to its path, and closes the connection.
async fn answer(mut stream: impl AsyncRead + AsyncWrite + Unpin, log: &Mutex<Vec<String>>) {
    let mut request = Vec::new();
    while !request.ends_with(b"\r\n\r\n") {
        match stream.read_u8().await {
            Ok(byte) => request.push(byte),
            Err(_) => return,
        }
    }
    let request = String::from_utf8(request).unwrap();
    log.lock().unwrap().push(request.clone());
    let path = request.split(' ').nth(1).unwrap();
    let path = path.strip_prefix("http://").map_or(path, |rest| &rest[rest.find('/').unwrap()..]);
    let (head, body) = respond(path);
    let body = if request.starts_with("HEAD ") { Bytes::new() } else { body };
    let head = format!("HTTP/1.1 {head}\r\nConnection: close\r\n\r\n");
    // The client may have left already.
    let _ = stream.write_all(head.as_bytes()).await;
    let _ = stream.write_all(&body).await;
    let _ = stream.shutdown().await;
}

/// Status line with headers, and body.
fn respond(path: &str) -> (String, Bytes) {
    let image = image();
    if let Some(more) = path.strip_prefix("/hop/") {
        let left: usize = more.parse().unwrap();
        let next = if left == 0 { "/image".to_owned() } else { format!("/hop/{}", left - 1) };
        return (format!("302 Found\r\nLocation: {next}\r\nContent-Length: 0"), Bytes::new());
    }
    if let Some((status, to)) = path.strip_prefix("/to/").and_then(|rest| rest.split_once('/')) {
        return (format!("{status} Go\r\nLocation: {to}\r\nContent-Length: 0"), Bytes::new());
    }
    let redirect = |status: &str, to: &str| (format!("{status}\r\nLocation: {to}\r\nContent-Length: 0"), Bytes::new());
    match path {
        "/image" => (format!("200 OK\r\nContent-Length: {}", image.len()), image),
        "/unsized" => ("200 OK".to_owned(), image),
        "/short" => (format!("200 OK\r\nContent-Length: {}", image.len() + 1), image),
        "/busy" => ("503 Busy\r\nContent-Length: 0".to_owned(), Bytes::new()),
        "/forbidden" => ("403 No\r\nContent-Length: 0".to_owned(), Bytes::new()),
        "/temporary" => redirect("307 Go", "/image"),
        "/moved-to-file" => redirect("301 Go", "file:///etc/passwd"),
        "/moved-to-user" => redirect("301 Go", "http://user@127.0.0.1/image"),
        "/moved-to-name" => redirect("301 Go", "http://localhost:1/image"),
        "/moved-nowhere" => ("301 Go\r\nContent-Length: 0".to_owned(), Bytes::new()),
        _ => ("404 None\r\nContent-Length: 0".to_owned(), Bytes::new()),
    }
}

pub(crate) fn image() -> Bytes {
    (0..750_000_u32).map(|number| (number.wrapping_mul(2_654_435_761) >> 24) as u8).collect()
}
