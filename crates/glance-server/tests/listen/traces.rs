//! Traces as a collector gets them.

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::TcpListener;
use std::sync::{Arc, Mutex};

use serde_json::Value;

use crate::process::{OK, PATIENCE, Server, ask, read_all};

/// A collector that keeps all spans.
struct Collector {
    url: String,
    spans: Arc<Mutex<Vec<Value>>>,
}

impl Collector {
    fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let url = format!("http://{}/v1/traces", listener.local_addr().unwrap());
        let spans = Arc::new(Mutex::new(Vec::new()));
        let kept = spans.clone();
        std::thread::spawn(move || {
            for stream in listener.incoming() {
                let mut reader = BufReader::new(stream.unwrap());
                let mut head = String::new();
                while !head.ends_with("\r\n\r\n") && reader.read_line(&mut head).unwrap() > 0 {}
                assert!(head.starts_with("POST /v1/traces HTTP/1.1"), "{head}");
                assert!(head.contains("content-type: application/json"), "{head}");
                let length = head.lines().find_map(|line| line.strip_prefix("content-length: ")).unwrap();
                let mut body = vec![0; length.parse().unwrap()];
                reader.read_exact(&mut body).unwrap();
                let document: Value = serde_json::from_slice(&body).unwrap();
                let resource = &document["resourceSpans"][0];
                assert_eq!(attribute(&resource["resource"], "service.name"), "images");
                kept.lock().unwrap().extend(resource["scopeSpans"][0]["spans"].as_array().unwrap().clone());
                let answer = "HTTP/1.1 200 OK\r\nconnection: close\r\ncontent-length: 2\r\n\r\n{}";
                reader.get_mut().write_all(answer.as_bytes()).unwrap();
            }
        });
        Self { url, spans }
    }

    /// Waits for a span; gives the first that fits.
    fn wait_for(&self, what: &str, fits: impl Fn(&Value) -> bool) -> Value {
        let deadline = std::time::Instant::now() + PATIENCE;
        loop {
            if let Some(span) = self.spans.lock().unwrap().iter().find(|span| fits(span)) {
                return span.clone();
            }
            assert!(std::time::Instant::now() < deadline, "{what}: {:#?}", self.spans.lock().unwrap());
            std::thread::yield_now();
        }
    }
}

fn attribute(holder: &Value, name: &str) -> String {
    let all = holder["attributes"].as_array().unwrap();
    let found = all.iter().find(|attribute| attribute["key"] == name);
    let value = found.unwrap_or_else(|| panic!("{name}: {holder}"))["value"].as_object().unwrap();
    let value = value.values().next().unwrap();
    value.as_str().map_or_else(|| value.to_string(), str::to_owned)
}

const TRACE: &str = "4bf92f3577b34da6a3ce929d0e0e4736";

fn send(server: &Server, request: &str, body: &str) -> String {
    let mut stream = server.connect();
    let length = body.len();
    write!(stream, "{request}\r\nHost: x\r\nContent-Length: {length}\r\nConnection: close\r\n\r\n{body}").unwrap();
    read_all(&mut stream)
}

#[test]
fn a_request_and_what_it_did_are_spans_of_the_callers_trace() {
    let collector = Collector::start();
    let mut server = Server::start(&format!("[traces]\nendpoint = {}\nservice_name = images", collector.url));
    let head = |method: &str, path: &str| {
        format!("{method} {path} HTTP/1.1\r\nX-Auth-Token: hidden\r\nTraceparent: 00-{TRACE}-00f067aa0ba902b7-01")
    };
    let id = "11111111-2222-4333-8444-555555555555";
    let image = format!(r#"{{"id": "{id}", "name": "hidden", "disk_format": "raw", "container_format": "bare"}}"#);
    let created = send(&server, &head("POST", "/v2/images"), &image);
    assert!(created.starts_with("HTTP/1.1 201"), "{created}");
    let upload = format!("{}\r\nContent-Type: application/octet-stream", head("PUT", &format!("/v2/images/{id}/file")));
    let uploaded = send(&server, &upload, "data");
    assert!(uploaded.starts_with("HTTP/1.1 204"), "{uploaded}");
    let path = format!("/v2/images/{id}/file?hidden=hidden");
    assert!(send(&server, &head("GET", &path), "").ends_with("data"));

    let request = collector.wait_for("the upload", |span| span["name"] == "PUT /v2/images/{image_id}/file");
    assert_eq!([&request["traceId"], &request["parentSpanId"]], [TRACE, "00f067aa0ba902b7"]);
    assert_eq!(request["kind"], 2);
    assert_eq!(attribute(&request, "http.route"), "/v2/images/{image_id}/file");
    assert_eq!(attribute(&request, "http.response.status_code"), "204");
    let shown = uploaded.to_lowercase();
    assert!(shown.contains(&format!("x-openstack-request-id: {}", attribute(&request, "openstack.request_id"))));
    let write = collector.wait_for("the write", |span| span["name"] == "write");
    assert_eq!((&write["parentSpanId"], &write["traceId"]), (&request["spanId"], &request["traceId"]));
    assert_eq!(attribute(&write, "glance.store"), "file");
    let insert = collector
        .wait_for("what the database did", |span| span["name"] == "INSERT" && span["parentSpanId"] == write["spanId"]);
    assert_eq!(attribute(&insert, "db.system.name"), "sqlite");
    let time = |name: &str| insert[name].as_str().unwrap().parse::<u64>().unwrap();
    assert!(time("startTimeUnixNano") <= time("endTimeUnixNano"));
    let _ = collector.wait_for("the read", |span| span["name"] == "read" && span["traceId"] == TRACE);

    // Without a parent a trace begins; one that the caller does not keep is not kept here.
    let unkept = head("GET", "/v2/schemas/image").replace("-01", "-00");
    assert!(send(&server, &unkept, "").starts_with(OK));
    assert!(ask(&mut server.connect(), "/v2/nowhere").starts_with("HTTP/1.1 404"));
    server.stop();
    let stray = collector.wait_for("what came last", |span| span["name"] == "GET");
    assert!(stray["parentSpanId"].is_null() && stray["traceId"] != TRACE);
    let spans = collector.spans.lock().unwrap();
    assert!(!spans.iter().any(|span| span["name"] == "GET /v2/schemas/image"));
    assert!(!spans.iter().any(|span| span.to_string().contains("hidden")), "{spans:#?}");
}

#[test]
fn a_collector_that_is_not_there_holds_nothing_up() {
    // It takes connections, and nothing else.
    let silent = TcpListener::bind("127.0.0.1:0").unwrap();
    let endpoint = silent.local_addr().unwrap();
    let mut server = Server::start(&format!("[traces]\nendpoint = http://{endpoint}/v1/traces\nratio = 1"));
    for _ in 0..50 {
        assert!(ask(&mut server.connect(), "/v2/schemas/image").starts_with(OK));
    }
    server.stop();
}
