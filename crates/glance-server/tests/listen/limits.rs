//! Clients that stay without asking for anything, and those that ask for too much.

use std::io::{Read as _, Write as _};
use std::net::TcpStream;

use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

use crate::process::{OK, Server, ask, read_all};

/// A service with these lines in `[listen]`.
fn start(default: &str, listen: &str) -> Server {
    Server::start(&format!("{default}\n[listen]\n{listen}"))
}

#[test]
fn who_does_not_send_headers_is_cut_off() {
    let server = start("", "header_timeout = 1");
    let mut silent = server.connect();
    let mut slow = server.connect();
    slow.write_all(b"GET /healthcheck HTTP/1.1\r\nHost: ").unwrap();
    let mut idle = server.connect();
    idle.write_all(b"GET /healthcheck HTTP/1.1\r\nHost: x\r\n\r\n").unwrap();
    assert_eq!(read_all(&mut silent), "");
    assert!(!read_all(&mut slow).contains(OK));
    // After an answer the connection may be used again, but not for ever.
    assert!(read_all(&mut idle).starts_with(OK));
}

#[test]
fn who_sends_too_many_headers_is_told_so() {
    let server = start("", "max_header_size = 10000");
    let ask_with = |length: usize| {
        let mut stream = server.connect();
        let header = "a".repeat(length);
        write!(stream, "GET /healthcheck HTTP/1.1\r\nHost: x\r\nConnection: close\r\nA: {header}").unwrap();
        stream.write_all(b"\r\n\r\n").unwrap();
        read_all(&mut stream)
    };
    assert!(ask_with(9000).starts_with(OK));
    for length in [10_000, 1 << 20] {
        let answer = ask_with(length);
        assert!(answer.starts_with("HTTP/1.1 431 "), "{length}: {answer}");
    }
}

#[test]
fn headers_are_bounded_behind_every_kind_of_body() {
    let server = start("", "max_header_size = 10000");
    let requests = [
        "GET /healthcheck HTTP/1.1\r\nHost: x\r\n\r\n".to_owned(),
        format!("POST /v2/images HTTP/1.1\r\nHost: x\r\nContent-Length: 20000\r\n\r\n{}", "x".repeat(20_000)),
        format!(
            "POST /v2/images HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n4e20\r\n{}\r\n0\r\n\r\n",
            "x".repeat(20_000)
        ),
    ];
    for request in requests {
        let mut stream = server.connect();
        for _ in 0..3 {
            stream.write_all(request.as_bytes()).unwrap();
        }
        stream.write_all(b"GET /healthcheck HTTP/1.1\r\nHost: x\r\nA: ").unwrap();
        stream.write_all(&vec![b'a'; 200_000]).unwrap();
        let answers = read_all(&mut stream);
        assert_eq!(answers.matches("HTTP/1.1 ").count(), 3, "{answers}");
    }
}

#[test]
fn who_stops_sending_a_body_is_cut_off() {
    let server = start("client_socket_timeout = 1", "");
    let mut stream = server.connect();
    let request = "POST /v2/images HTTP/1.1\r\nHost: x\r\nContent-Length: 100\r\n\r\n{\"name\": ";
    stream.write_all(request.as_bytes()).unwrap();
    let answer = read_all(&mut stream);
    assert!(!answer.starts_with("HTTP/1.1 2"), "{answer}");
    assert_eq!(ask(&mut server.connect(), "/healthcheck"), OK);
}

#[test]
fn a_connection_serves_one_request_where_that_is_wanted() {
    let server = start("http_keepalive = false", "");
    let mut stream = server.connect();
    stream.write_all(b"GET /healthcheck HTTP/1.1\r\nHost: x\r\n\r\n").unwrap();
    assert!(read_all(&mut stream).starts_with(OK));
}

#[test]
fn more_connections_than_may_be_wait_for_their_turn() {
    let server = start("", "max_connections = 2");
    let open = || {
        let mut stream = server.connect();
        stream.write_all(b"GET /healthcheck HTTP/1.1\r\nHost: x\r\n\r\n").unwrap();
        stream
    };
    let answered = |stream: &mut TcpStream| {
        let mut answer = [0; OK.len()];
        stream.read_exact(&mut answer).is_ok_and(|()| answer == *OK.as_bytes())
    };
    let mut served = [open(), open()];
    assert!(served.iter_mut().all(answered));
    let mut waiting = open();
    waiting.set_nonblocking(true).unwrap();
    assert!(!answered(&mut waiting));
    drop(served);
    waiting.set_nonblocking(false).unwrap();
    assert!(answered(&mut waiting));
}

#[test]
fn a_thousand_idle_and_slow_connections_hold_nobody_up() {
    const CROWD: usize = 1000;
    let limit = getrlimit(Resource::Nofile);
    if limit.maximum.is_some_and(|most| most < 2 * CROWD as u64) {
        let _ = writeln!(std::io::stderr(), "SKIPPED: this machine does not let a process open {CROWD} files");
        return;
    }
    setrlimit(Resource::Nofile, Rlimit { current: limit.maximum, maximum: limit.maximum }).unwrap();
    let server = start("", "max_connections = 2000");
    let crowd: Vec<TcpStream> = (0..CROWD)
        .map(|number| {
            let mut stream = server.connect();
            if number % 2 == 0 {
                stream.write_all(b"GET /v2/images HTTP/1.1\r\nHost").unwrap();
            }
            stream
        })
        .collect();
    for _ in 0..20 {
        assert_eq!(ask(&mut server.connect(), "/healthcheck"), OK);
    }
    // They were all let in, and are served once they ask.
    let mut last = crowd.last().unwrap();
    last.write_all(b"GET /healthcheck HTTP/1.1\r\nHost: x\r\n\r\n").unwrap();
    let mut answer = [0; OK.len()];
    last.read_exact(&mut answer).unwrap();
    assert_eq!(answer, *OK.as_bytes());
}
