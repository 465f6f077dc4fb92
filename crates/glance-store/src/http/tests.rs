//! The driver against a real, if small, HTTP server.

use std::io::Write;
use std::path::PathBuf;
use std::sync::Arc;

use bytes::Bytes;
use futures_util::TryStreamExt;
use glance_domain::ImageId;
use tokio_rustls::TlsAcceptor;
use tokio_rustls::rustls::ServerConfig;
use tokio_rustls::rustls::pki_types::pem::PemObject;
use tokio_rustls::rustls::pki_types::{CertificateDer, PrivateKeyDer};

use super::*;
use crate::conformance::reading;
use crate::error::Kind;
use crate::fetch::server::{Server, image, nearby};
use crate::fetch::{FetchOptions, UrlFilter};
use crate::store::{NewObject, NoJournal, Phase, Store, StoreContext};

const CERTIFICATE: &[u8] = include_bytes!("fixtures/certificate.pem");
const KEY: &[u8] = include_bytes!("fixtures/key.pem");

fn store(options: &FetchOptions) -> HttpStore {
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
    let (server, store) = (Server::start(None).await, store(&nearby()));
    reading::run(&store, &server.url("image"), &image()).await;
    reading::a_missing_object_is_not_found(&store, &server.url("none")).await;
}

#[tokio::test]
async fn writes_and_deletes_nothing() {
    let (store, context) = (store(&nearby()), StoreContext::default());
    let object = NewObject { image: ImageId::random(), name: "t".to_owned(), attempt: "t".to_owned(), size_hint: None };
    assert_eq!(store.begin(&context, &object, Arc::new(NoJournal)).await.err().unwrap().kind(), Kind::ReadOnly);
    assert_eq!(store.delete(&context, "http://host/i").await.unwrap_err().kind(), Kind::ReadOnly);
    assert_eq!(store.list(&context).await.unwrap_err().kind(), Kind::Unsupported);
    store.abandon(&context, &object, Phase::Finishing, None).await.unwrap();
}

#[tokio::test]
async fn redirects_are_followed_within_bounds_and_checked() {
    let (server, store) = (Server::start(None).await, store(&nearby()));
    assert_eq!(read(&store, &server.url("hop/4")).await.unwrap(), image());
    assert_eq!(store.size(&StoreContext::default(), &server.url("hop/0")).await.unwrap(), 750_000);
    let bad = Some(Kind::BadLocation);
    for path in ["hop/5", "temporary", "moved-to-file", "moved-to-user", "moved-nowhere"] {
        assert_eq!(both(&store, &server.url(path)).await, (bad, bad), "{path}");
    }
}

#[tokio::test]
async fn servers_that_fail_are_told_apart_from_wrong_locations() {
    let (server, store) = (Server::start(None).await, store(&nearby()));
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
    let (server, store) = (Server::start(None).await, store(&nearby()));
    let (context, url) = (StoreContext::default(), server.url("unsized"));
    assert_eq!(store.size(&context, &url).await.unwrap(), 0);
    assert_eq!(store.open(&context, &url, None).await.unwrap().length, None);
    assert_eq!(read(&store, &url).await.unwrap(), image());
}

#[tokio::test]
async fn credentials_of_the_location_are_sent_and_never_shown() {
    let (server, store) = (Server::start(None).await, store(&nearby()));
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
    let store = store(&FetchOptions {
        proxies: vec![
            ("http".to_owned(), proxy.address.clone()),
            ("https".to_owned(), "http://127.0.0.1:1".to_owned()),
        ],
        ..nearby()
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
        let store = store(&FetchOptions { ca_certificates_file, insecure, ..nearby() });
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
        let options = FetchOptions { ca_certificates_file, proxies, ..nearby() };
        assert_eq!(HttpStore::open(&options).err().map(|error| error.kind()), Some(Kind::Config), "{options:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn connections_are_made_to_allowed_addresses_only() {
    let server = Server::start(None).await;
    let port = server.address.rsplit(':').next().unwrap();
    let allowing = |hosts: &[&str]| {
        let allowed_hosts = hosts.iter().map(|host| (*host).to_owned()).collect();
        store(&FetchOptions { filter: UrlFilter { allowed_hosts, ..UrlFilter::default() }, ..FetchOptions::default() })
    };
    let [by_address, by_name] = [server.url("image"), format!("http://localhost:{port}/image")];
    assert_eq!(both(&allowing(&["127.0.0.1"]), &by_address).await, (None, None));
    assert_eq!(both(&allowing(&["localhost"]), &by_name).await, (None, None));
    let (asked, bad) = (server.requests().len(), Some(Kind::BadLocation));
    for (allowed, url) in [
        (&[][..], by_address.as_str()),
        (&[], by_name.as_str()),
        (&["localhost"], by_address.as_str()),
        (&["127.0.0.1"], by_name.as_str()),
    ] {
        assert_eq!(both(&allowing(allowed), url).await, (bad, bad), "{url}");
    }
    assert_eq!(server.requests().len(), asked, "nothing was asked");
    let moved = both(&allowing(&["127.0.0.1"]), &server.url("moved-to-name")).await;
    assert_eq!(moved, (bad, bad), "redirects are judged, too");
}
