//! Files that change their length under the service, as clients at the socket see it.

use std::fs::OpenOptions;
use std::io::{Read as _, Write as _};

use crate::metrics::{address, scrape, send, upload};
use crate::process::Server;

impl Server {
    /// Gives the file of an image another length.
    fn resize(&self, id: &str, length: u64) {
        let path = self.folder.path().join("images").join(id);
        OpenOptions::new().write(true).open(path).unwrap().set_len(length).unwrap();
    }
}

#[test]
fn a_file_of_another_length_is_refused_counted_and_logged_without_its_url() {
    let server = Server::start("[metrics]\naddress = 127.0.0.1:0");
    let address = address(&server);
    let id = upload(&server, &"x".repeat(1000));
    let get = format!("GET /v2/images/{id}/file");
    for (length, status) in [(999, "503"), (1001, "503"), (0, "503"), (1000, "200")] {
        server.resize(&id, length);
        let answer = send(&server, &get, "");
        assert!(answer.starts_with(&format!("HTTP/1.1 {status}")), "{length}: {answer}");
    }
    let found = scrape(&address);
    for (reason, expected) in [("shorter", 2.0), ("longer", 1.0)] {
        let series = format!("glance_failed_locations_total{{store=\"file\",reason=\"{reason}\"}}");
        assert_eq!(found.get(&series), Some(&expected), "{series}: {found:#?}");
    }
    let log = server.wait_for_log("the object has 999 bytes, the catalogue says 1000");
    assert!(!log.contains("file://"), "{log}");
}

#[test]
fn a_file_that_is_cut_while_it_is_read_ends_the_connection_early() {
    const LENGTH: usize = 32 << 20;
    let server = Server::start("");
    let id = upload(&server, &"x".repeat(LENGTH));
    let mut stream = server.connect();
    write!(stream, "GET /v2/images/{id}/file HTTP/1.1\r\nHost: x\r\n\r\n").unwrap();
    let mut answer = vec![0; 100_000];
    stream.read_exact(&mut answer).unwrap();
    server.resize(&id, 0);
    let head = String::from_utf8_lossy(&answer[..1000]).to_lowercase();
    assert!(head.starts_with("http/1.1 200") && head.contains(&format!("content-length: {LENGTH}\r\n")), "{head}");
    // The connection ends although the client would have kept it, be it in order or with a reset.
    let _ = stream.read_to_end(&mut answer);
    assert!(answer.len() < LENGTH, "{}", answer.len());
    server.wait_for_log("the download broke off");
}
