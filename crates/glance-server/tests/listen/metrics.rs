//! What Prometheus gets to read.

use std::collections::BTreeMap;
use std::io::Write as _;
use std::net::TcpStream;

use crate::process::{OK, PATIENCE, Server, ask, read_all};

/// A request with a body on a connection of its own; the whole answer.
pub(crate) fn send(server: &Server, request: &str, body: &str) -> String {
    let mut stream = server.connect();
    let length = body.len();
    write!(stream, "{request} HTTP/1.1\r\nHost: x\r\nConnection: close\r\nContent-Length: {length}\r\n").unwrap();
    write!(stream, "Content-Type: application/octet-stream\r\n\r\n{body}").unwrap();
    read_all(&mut stream)
}

/// The series with their values.
pub(crate) fn scrape(address: &str) -> BTreeMap<String, f64> {
    let mut stream = TcpStream::connect(address).unwrap();
    stream.set_read_timeout(Some(PATIENCE)).unwrap();
    write!(stream, "GET /metrics HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n").unwrap();
    let answer = read_all(&mut stream);
    let (head, text) = answer.split_once("\r\n\r\n").unwrap();
    assert!(head.starts_with(OK) && head.contains("text/plain; version=0.0.4"), "{head}");
    let series = text.lines().filter(|line| !line.starts_with('#'));
    series
        .map(|line| line.rsplit_once(' ').unwrap())
        .map(|(name, value)| (name.to_owned(), value.parse().unwrap()))
        .collect()
}

/// Where the metrics of a server with `[metrics] address` are.
pub(crate) fn address(server: &Server) -> String {
    let log = server.wait_for_log("/metrics\n");
    let (_, after) = log.split_once("metrics are served at http://").unwrap();
    after.split('/').next().unwrap().to_owned()
}

/// A new image with this data; its id.
pub(crate) fn upload(server: &Server, data: &str) -> String {
    let document = "{\"disk_format\": \"raw\", \"container_format\": \"bare\"}";
    let created = send(server, "POST /v2/images", document);
    let (_, after) = created.split_once("\"id\":\"").unwrap();
    let id = after[..36].to_owned();
    assert!(send(server, &format!("PUT /v2/images/{id}/file"), data).starts_with("HTTP/1.1 204"));
    id
}

#[test]
fn requests_transfers_and_connections_are_counted_on_an_address_of_their_own() {
    let server = Server::start("[metrics]\naddress = 127.0.0.1:0");
    let address = &address(&server);
    let id = upload(&server, &"x".repeat(1000));
    assert!(send(&server, &format!("GET /v2/images/{id}/file"), "").ends_with(&"x".repeat(1000)));
    assert!(send(&server, "GET /v2/images/none", "").starts_with("HTTP/1.1 404"));
    assert!(send(&server, "BREW /v2/images", "").starts_with("HTTP/1.1 4"));
    let found = scrape(address);
    for (series, expected) in [
        ("glance_http_requests_total{method=\"POST\",route=\"/v2/images\",status=\"201\"}", 1.0),
        ("glance_http_requests_total{method=\"PUT\",route=\"/v2/images/{image_id}/file\",status=\"204\"}", 1.0),
        ("glance_http_requests_total{method=\"GET\",route=\"/v2/images/{image_id}\",status=\"404\"}", 1.0),
        ("glance_http_request_duration_seconds_count{method=\"POST\",route=\"/v2/images\"}", 1.0),
        ("glance_transfer_bytes_total{direction=\"upload\",store=\"file\"}", 1000.0),
        ("glance_transfer_bytes_total{direction=\"download\",store=\"file\"}", 1000.0),
        ("glance_transfers_in_flight{direction=\"download\",store=\"file\"}", 0.0),
        ("glance_http_requests_in_flight", 0.0),
    ] {
        assert_eq!(found.get(series), Some(&expected), "{series}: {found:#?}");
    }
    assert!(found.keys().any(|series| series.contains("method=\"other\"")));
    assert!(found["glance_database_connections_max"] >= found["glance_database_connections{state=\"idle\"}"]);
    assert!(found["process_resident_memory_bytes"] > 1e6);
    let now = std::time::SystemTime::UNIX_EPOCH.elapsed().unwrap().as_secs_f64();
    assert!((now - found["process_start_time_seconds"]).abs() < 600.0, "{found:#?}");
    // Clients of the API do not get there.
    assert_ne!(ask(&mut server.connect(), "/metrics"), OK);
}
