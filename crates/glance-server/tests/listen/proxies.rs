//! Proxies in front: whose word counts.

use std::io::Write as _;
use std::net::TcpStream;

use crate::process::{PATIENCE, Server, config, prepare, read_all};

const PASTE: &str = "[pipeline:glance-api]\npipeline = http_proxy_to_wsgi versionnegotiation unauthenticated-context \
    rootapp\n[composite:rootapp]\npaste.composite_factory = glance.api:root_app_factory\n/: apiversions\n\
    [app:apiversions]\npaste.app_factory = glance.api.versions:create_resource\n[filter:http_proxy_to_wsgi]\n\
    paste.filter_factory = oslo_middleware:HTTPProxyToWSGI.factory\n[filter:versionnegotiation]\n\
    paste.filter_factory = glance.api.middleware.version_negotiation:VersionNegotiationFilter.factory\n\
    [filter:unauthenticated-context]\n\
    paste.filter_factory = glance.api.middleware.context:UnauthenticatedContextMiddleware.factory\n";

fn server(listen: &str) -> Server {
    let folder = prepare("");
    let paste = folder.path().join("paste.ini");
    std::fs::write(&paste, PASTE).unwrap();
    let text = std::fs::read_to_string(config(folder.path())).unwrap();
    let more = format!("[paste_deploy]\nconfig_file = {}\n[listen]\n{listen}\n", paste.display());
    let headers = "[oslo_middleware]\nenable_proxy_headers_parsing = true\n";
    std::fs::write(config(folder.path()), format!("{text}{more}{headers}")).unwrap();
    Server::start_in(folder)
}

/// The list of versions that a proxy gets, after some bytes of its own.
fn versions(server: &Server, first: &str) -> String {
    let mut stream: TcpStream = server.connect();
    stream.set_read_timeout(Some(PATIENCE)).unwrap();
    let headers = "Host: inside\r\nX-Forwarded-Host: outside\r\nX-Forwarded-Proto: https\r\nConnection: close";
    write!(stream, "{first}GET /versions HTTP/1.1\r\n{headers}\r\n\r\n").unwrap();
    read_all(&mut stream)
}

#[test]
fn only_trusted_proxies_decide_what_links_say() {
    for (listen, link) in [
        ("", "https://outside/v2/"),
        ("trusted_proxies = 127.0.0.0/8,fd00::/8", "https://outside/v2/"),
        ("trusted_proxies = 10.0.0.0/8", "http://inside/v2/"),
    ] {
        let answer = versions(&server(listen), "");
        assert!(answer.contains(&format!("\"{link}\"")), "{listen}: {answer}");
    }
}

#[test]
fn the_proxy_protocol_says_who_the_client_is() {
    let trusting = server("trusted_proxies = 127.0.0.1,192.0.2.1\nproxy_protocol = true");
    let line = |client: &str| format!("PROXY TCP4 {client} 10.0.0.1 1 2\r\n");
    // The client behind the proxy may be a proxy itself, or not.
    assert!(versions(&trusting, &line("192.0.2.1")).contains("https://outside/v2/"));
    assert!(versions(&trusting, &line("192.0.2.2")).contains("http://inside/v2/"));
    assert!(versions(&trusting, "PROXY UNKNOWN\r\n").contains("https://outside/v2/"));
    // Who is to begin so and does not is not heard.
    let mut silent = trusting.connect();
    write!(silent, "GET /versions HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n").unwrap();
    let mut rest = Vec::new();
    let _ = std::io::Read::read_to_end(&mut silent, &mut rest);
    assert!(rest.is_empty(), "{}", String::from_utf8_lossy(&rest));
    // Others speak for themselves.
    let distrusting = server("trusted_proxies = 192.0.2.1\nproxy_protocol = true");
    assert!(versions(&distrusting, "").contains("http://inside/v2/"));
    assert!(versions(&distrusting, &line("192.0.2.1")).starts_with("HTTP/1.1 400"));
}

#[test]
fn the_proxy_protocol_needs_somebody_to_trust() {
    let folder = prepare("[listen]\nproxy_protocol = true");
    let output = crate::process::program().args(["api", "--config-file"]).arg(config(folder.path())).output().unwrap();
    assert!(!output.status.success());
    assert!(String::from_utf8_lossy(&output.stderr).contains("trusted_proxies must say whose word counts"));
}
