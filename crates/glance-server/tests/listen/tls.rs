//! TLS with a client of another library: both versions of HTTP, certificates of clients, renewed certificates.

use std::io::{Read as _, Write as _};

use bytes::Bytes;
use http_body_util::{BodyExt as _, Empty};
use hyper_util::rt::{TokioExecutor, TokioIo};
use openssl::ssl::{SslConnector, SslMethod, SslStream, SslVerifyMode};
use rustix::process::{Signal, kill_process};
use tokio_rustls::rustls::pki_types::{CertificateDer, ServerName};
use tokio_rustls::rustls::{ClientConfig, RootCertStore};

use crate::certificates::Pair;
use crate::process::{OK, Server, ask, config, prepare};

struct Secured {
    server: Server,
    authority: Pair,
}

/// A service with a certificate for `images.example`; clients need one, too, if `clients` says so.
fn start(clients: &str) -> Secured {
    start_with(clients, "")
}

/// With these lines behind `[DEFAULT]`.
fn start_with(clients: &str, more: &str) -> Secured {
    let folder = prepare("");
    let authority = Pair::authority();
    let (certificate, key) = authority.sign("images.example").write(folder.path(), "server");
    let (ca, _) = authority.write(folder.path(), "ca");
    let mut text = std::fs::read_to_string(config(folder.path())).unwrap();
    text += &format!("cert_file = {}\nkey_file = {}\n", certificate.display(), key.display());
    if clients == "known" {
        text += &format!("ca_file = {}\n", ca.display());
    }
    std::fs::write(config(folder.path()), text + more).unwrap();
    Secured { server: Server::start_in(folder), authority }
}

impl Secured {
    /// A connection that trusts the authority; `own` is the client's certificate.
    fn connect(&self, own: Option<&Pair>) -> Result<SslStream<std::net::TcpStream>, String> {
        let mut builder = SslConnector::builder(SslMethod::tls()).unwrap();
        builder.cert_store_mut().add_cert(self.authority.certificate.clone()).unwrap();
        builder.set_verify(SslVerifyMode::PEER);
        if let Some(own) = own {
            builder.set_certificate(&own.certificate).unwrap();
            builder.set_private_key(&own.key).unwrap();
        }
        builder.build().connect("images.example", self.server.connect()).map_err(|error| error.to_string())
    }

    /// The certificate that the service shows.
    fn shown(&self) -> Vec<u8> {
        self.connect(None).unwrap().ssl().peer_certificate().unwrap().to_der().unwrap()
    }
}

#[test]
fn http_1_over_tls() {
    let secured = start("any");
    assert!(secured.server.said.contains("https://127.0.0.1:"), "{}", secured.server.said);
    let mut stream = secured.connect(None).unwrap();
    assert_eq!(ask(&mut stream, "/healthcheck"), OK);
    // Links lead back over TLS.
    let mut stream = secured.connect(None).unwrap();
    write!(stream, "GET /versions HTTP/1.1\r\nHost: images.example\r\nConnection: close\r\n\r\n").unwrap();
    assert!(crate::process::read_all(&mut stream).contains("https://images.example/v2/"));
    // Who does not speak TLS gets nothing, and disturbs nobody.
    let mut plain = secured.server.connect();
    plain.write_all(b"GET /healthcheck HTTP/1.1\r\nHost: x\r\n\r\n").unwrap();
    assert!(!crate::process::read_all(&mut plain).contains("200"));
    assert_eq!(ask(&mut secured.connect(None).unwrap(), "/healthcheck"), OK);
}

#[tokio::test]
async fn http_2_over_tls() {
    let secured = start("any");
    let mut roots = RootCertStore::empty();
    roots.add(CertificateDer::from(secured.authority.certificate.to_der().unwrap())).unwrap();
    let provider = std::sync::Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let builder = ClientConfig::builder_with_provider(provider).with_safe_default_protocol_versions().unwrap();
    let mut client = builder.with_root_certificates(roots).with_no_client_auth();
    client.alpn_protocols = vec![b"h2".to_vec()];
    let stream = tokio::net::TcpStream::connect(secured.server.address()).await.unwrap();
    let name = ServerName::try_from("images.example").unwrap();
    let stream = tokio_rustls::TlsConnector::from(std::sync::Arc::new(client)).connect(name, stream).await.unwrap();
    assert_eq!(stream.get_ref().1.alpn_protocol(), Some(b"h2".as_slice()));
    let handshake = hyper::client::conn::http2::handshake(TokioExecutor::new(), TokioIo::new(stream)).await;
    let (mut sender, connection) = handshake.unwrap();
    let ask = async {
        let mut answers = Vec::new();
        for (path, header) in [("/healthcheck", 0), ("/v2/images", 60_000)] {
            let request = http::Request::get(format!("https://images.example{path}")).header("a", "a".repeat(header));
            let answer = sender.send_request(request.body(Empty::<Bytes>::new()).unwrap()).await.unwrap();
            let version = answer.version();
            let status = answer.status().as_u16();
            answers.push((version, status, answer.into_body().collect().await.unwrap().to_bytes()));
        }
        let request = http::Request::get("https://images.example/healthcheck").header("a", "a".repeat(66_000));
        let refused = sender.send_request(request.body(Empty::<Bytes>::new()).unwrap()).await;
        assert!(refused.is_err() || refused.is_ok_and(|answer| answer.status() == 431), "more headers than may be");
        answers
    };
    let answers = tokio::select! {
        answers = ask => answers,
        ended = connection => panic!("{ended:?}"),
    };
    for (version, status, body) in answers {
        assert_eq!((version, status), (http::Version::HTTP_2, 200));
        assert!(!body.is_empty());
    }
}

/// HTTP/2 has nothing like the time for headers of HTTP/1.
#[test]
fn silent_clients_of_http_2_are_cut_off() {
    let secured = start_with("any", "[listen]\nheader_timeout = 1\n");
    for preface in ["", "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\u{4}\0\0\0\0\0"] {
        let mut builder = SslConnector::builder(SslMethod::tls()).unwrap();
        builder.set_verify(SslVerifyMode::NONE);
        builder.set_alpn_protos(b"\x02h2").unwrap();
        let mut stream = builder.build().connect("images.example", secured.server.connect()).unwrap();
        assert_eq!(stream.ssl().selected_alpn_protocol(), Some(b"h2".as_slice()));
        stream.write_all(preface.as_bytes()).unwrap();
        let mut rest = Vec::new();
        // Without a word of farewell, but before the test's own patience ends.
        if let Err(error) = stream.read_to_end(&mut rest) {
            assert_ne!(error.kind(), std::io::ErrorKind::WouldBlock, "{preface:?}");
        }
    }
}

#[test]
fn clients_show_a_certificate_where_one_is_asked_for() {
    let secured = start("known");
    let known = secured.authority.sign("client");
    assert_eq!(ask(&mut secured.connect(Some(&known)).unwrap(), "/healthcheck"), OK);
    let stranger = Pair::authority().sign("client");
    for own in [None, Some(&stranger)] {
        // With TLS 1.3 the refusal may come after the client's side of the handshake.
        let mut answer = Vec::new();
        if let Ok(mut stream) = secured.connect(own) {
            let _ = write!(stream, "GET /healthcheck HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n");
            let _ = stream.read_to_end(&mut answer);
        }
        assert!(answer.is_empty(), "{}", String::from_utf8_lossy(&answer));
    }
}

#[test]
fn a_renewed_certificate_is_taken_over() {
    let secured = start("any");
    let before = secured.shown();
    secured.authority.sign("images.example").write(secured.server.folder.path(), "server");
    kill_process(secured.server.pid(), Signal::HUP).unwrap();
    let deadline = std::time::Instant::now() + crate::process::PATIENCE;
    while secured.shown() == before {
        assert!(std::time::Instant::now() < deadline, "{}", secured.server.log());
    }
    // A certificate that cannot be used changes nothing.
    let renewed = secured.shown();
    std::fs::write(secured.server.folder.path().join("server.pem"), "nonsense").unwrap();
    kill_process(secured.server.pid(), Signal::HUP).unwrap();
    while !secured.server.log().contains("the certificates stay as they were") {
        assert!(std::time::Instant::now() < deadline, "{}", secured.server.log());
    }
    assert_eq!(secured.shown(), renewed);
}
