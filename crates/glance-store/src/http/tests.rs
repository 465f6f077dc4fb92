//! The driver against a real, if small, HTTP server.

use std::io::Write;
use std::path::PathBuf;
use std::sync::{Arc, Mutex};

use bytes::Bytes;
use futures_util::TryStreamExt;
use glance_domain::ImageId;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::TcpListener;
use tokio::task::JoinSet;
use tokio_rustls::TlsAcceptor;
use tokio_rustls::rustls::ServerConfig;
use tokio_rustls::rustls::pki_types::pem::PemObject;
use tokio_rustls::rustls::pki_types::{CertificateDer, PrivateKeyDer};

use super::*;
use crate::conformance::reading;
use crate::error::Kind;
use crate::store::{NewObject, NoJournal, Phase, Store, StoreContext};

const CERTIFICATE: &[u8] = include_bytes!("fixtures/certificate.pem");
const KEY: &[u8] = include_bytes!("fixtures/key.pem");

/// A server that lives as long as the value.
struct Server {
    address: String,
    requests: Arc<Mutex<Vec<String>>>,
    _tasks: JoinSet<()>,
}

impl Server {
    async fn start(tls: Option<TlsAcceptor>) -> Self {
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

    fn url(&self, path: &str) -> String {
        format!("http://{}/{path}", self.address)
    }

    fn requests(&self) -> Vec<String> {
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

fn image() -> Bytes {
    (0..750_000_u32).map(|number| (number.wrapping_mul(2_654_435_761) >> 24) as u8).collect()
}

fn store(options: &HttpOptions) -> HttpStore {
    HttpStore::open(options).unwrap()
}

async fn read(store: &HttpStore, url: &str) -> crate::Result<Vec<u8>> {
    let chunks: Vec<Bytes> = store.open(&StoreContext::default(), url, None).await?.chunks.try_collect().await?;
    Ok(chunks.concat())
}

async fn both(store: &HttpStore, url: &str) -> (Option<Kind>, Option<Kind>) {
    let size = store.size(&StoreContext::default(), url).await;
    (read(store, url).await.err().map(|error| error.kind()), size.err().map(|error| error.kind()))
}

#[tokio::test(flavor = "multi_thread")]
async fn reads_as_every_store_does() {
    let (server, store) = (Server::start(None).await, store(&HttpOptions::default()));
    reading::run(&store, &server.url("image"), &image()).await;
    reading::a_missing_object_is_not_found(&store, &server.url("none")).await;
}

#[tokio::test]
async fn writes_and_deletes_nothing() {
    let (store, context) = (store(&HttpOptions::default()), StoreContext::default());
    let object = NewObject { image: ImageId::random(), name: "t".to_owned(), attempt: "t".to_owned(), size_hint: None };
    assert_eq!(store.begin(&context, &object, Arc::new(NoJournal)).await.err().unwrap().kind(), Kind::ReadOnly);
    assert_eq!(store.delete(&context, "http://host/i").await.unwrap_err().kind(), Kind::ReadOnly);
    assert_eq!(store.list(&context).await.unwrap_err().kind(), Kind::Unsupported);
    store.abandon(&context, &object, Phase::Finishing, None).await.unwrap();
}

#[tokio::test]
async fn redirects_are_followed_within_bounds_and_checked() {
    let (server, store) = (Server::start(None).await, store(&HttpOptions::default()));
    assert_eq!(read(&store, &server.url("hop/4")).await.unwrap(), image());
    assert_eq!(store.size(&StoreContext::default(), &server.url("hop/0")).await.unwrap(), 750_000);
    let bad = Some(Kind::BadLocation);
    for path in ["hop/5", "temporary", "moved-to-file", "moved-to-user", "moved-nowhere"] {
        assert_eq!(both(&store, &server.url(path)).await, (bad, bad), "{path}");
    }
}

#[tokio::test]
async fn servers_that_fail_are_told_apart_from_wrong_locations() {
    let (server, store) = (Server::start(None).await, store(&HttpOptions::default()));
    let (unavailable, bad) = (Some(Kind::Unavailable), Some(Kind::BadLocation));
    assert_eq!(both(&store, &server.url("busy")).await, (unavailable, bad));
    assert_eq!(both(&store, &server.url("forbidden")).await, (bad, bad));
    assert_eq!(read(&store, &server.url("short")).await.unwrap_err().kind(), Kind::Unavailable);
    let gone = server.url("image");
    drop(server);
    assert_eq!(both(&store, &gone).await, (unavailable, bad));
}

#[tokio::test]
async fn an_unknown_length_is_none_and_is_recorded_as_zero() {
    let (server, store) = (Server::start(None).await, store(&HttpOptions::default()));
    let (context, url) = (StoreContext::default(), server.url("unsized"));
    assert_eq!(store.size(&context, &url).await.unwrap(), 0);
    assert_eq!(store.open(&context, &url, None).await.unwrap().length, None);
    assert_eq!(read(&store, &url).await.unwrap(), image());
}

#[tokio::test]
async fn credentials_of_the_location_are_sent_and_never_shown() {
    let (server, store) = (Server::start(None).await, store(&HttpOptions::default()));
    let url = server.url("none").replace("http://", "http://user:secret@");
    let error = read(&store, &url).await.unwrap_err();
    assert!(server.requests()[0].to_lowercase().contains("authorization: basic dxnlcjpzzwnyzxq="));
    drop(server);
    for error in [error, read(&store, &url).await.unwrap_err()] {
        assert!(!format!("{error} {error:?}").contains("secret"), "{error:?}");
    }
}

#[tokio::test]
async fn a_proxy_gets_the_requests_of_its_scheme() {
    let (proxy, direct) = (Server::start(None).await, Server::start(None).await);
    let store = store(&HttpOptions {
        proxies: vec![
            ("http".to_owned(), proxy.address.clone()),
            ("https".to_owned(), "http://127.0.0.1:1".to_owned()),
        ],
        ..HttpOptions::default()
    });
    assert_eq!(read(&store, &direct.url("image")).await.unwrap(), image());
    assert!(direct.requests().is_empty());
    assert!(proxy.requests()[0].starts_with(&format!("GET http://{}/image ", direct.address)));
}

#[tokio::test]
async fn certificates_are_verified_only_when_the_operator_wants_it() {
    let certificates = CertificateDer::pem_slice_iter(CERTIFICATE).collect::<Result<_, _>>().unwrap();
    let key = PrivateKeyDer::from_pem_slice(KEY).unwrap();
    let tls = ServerConfig::builder().with_no_client_auth().with_single_cert(certificates, key).unwrap();
    let server = Server::start(Some(TlsAcceptor::from(Arc::new(tls)))).await;
    let url = server.url("image").replace("http://", "https://");
    let mut file = tempfile::NamedTempFile::new().unwrap();
    file.write_all(CERTIFICATE).unwrap();
    let trusted = Some(file.path().to_owned());

    for (ca_certificates_file, insecure, kind) in [
        (None, true, None),
        (None, false, Some(Kind::Unavailable)),
        (trusted.clone(), false, None),
        (trusted, true, None),
    ] {
        let store = store(&HttpOptions { ca_certificates_file, insecure, ..HttpOptions::default() });
        assert_eq!(read(&store, &url).await.err().map(|error| error.kind()), kind, "insecure {insecure}");
    }
}

#[test]
fn unusable_options_are_errors_of_the_configuration() {
    let empty = tempfile::NamedTempFile::new().unwrap();
    for (ca_certificates_file, proxies) in [
        (Some(PathBuf::from("/nowhere/ca.pem")), vec![]),
        (Some(empty.path().to_owned()), vec![]),
        (None, vec![("gopher".to_owned(), "host:1".to_owned())]),
        (None, vec![("http".to_owned(), "::".to_owned())]),
    ] {
        let options = HttpOptions { ca_certificates_file, proxies, ..HttpOptions::default() };
        assert_eq!(HttpStore::open(&options).err().map(|error| error.kind()), Some(Kind::Config), "{options:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn connections_are_made_to_allowed_addresses_only() {
    let server = Server::start(None).await;
    let port = server.address.rsplit(':').next().unwrap();
    let only = |allowed: &'static str| {
        let addresses = AddressFilter::new(move |host, _| host == allowed);
        store(&HttpOptions { addresses: Some(addresses), ..HttpOptions::default() })
    };
    let [by_address, by_name] = [server.url("image"), format!("http://localhost:{port}/image")];
    assert_eq!(both(&only("127.0.0.1"), &by_address).await, (None, None));
    assert_eq!(both(&only("localhost"), &by_name).await, (None, None));
    let asked = server.requests().len();
    for (allowed, url, expected) in [
        ("localhost", by_address.as_str(), Kind::BadLocation),
        ("127.0.0.1", by_name.as_str(), Kind::Unavailable),
        ("localhost", "http://[::1]:1/image", Kind::BadLocation),
    ] {
        let found = read(&only(allowed), url).await.err().map(|error| error.kind());
        assert_eq!(found, Some(expected), "{url}");
    }
    assert_eq!(server.requests().len(), asked, "nothing was asked");
    let moved = read(&only("127.0.0.1"), &server.url("moved-to-name")).await;
    assert_eq!(moved.err().map(|error| error.kind()), Some(Kind::Unavailable), "redirects are judged, too");
}
