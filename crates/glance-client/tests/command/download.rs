//! `image-download`: what is on disk afterwards, whatever happened on the way.

use std::fs;
use std::path::PathBuf;
use std::process::{Output, Stdio};

use crate::service::{Request, Service, reply};
use crate::{assert_fails, glance, json, text};

const DATA: &[u8] = b"0123456789abcdefghij";
/// The MD5 of `DATA`.
const MD5: &str = "644be06dfc54061fd1e67f5ebbabcd58";

struct Case {
    folder: tempfile::TempDir,
    service: Service,
}

impl Case {
    /// A service whose image is `DATA`, and which answers requests for it with `file`.
    fn new(file: impl Fn(&Request) -> Vec<u8> + Send + 'static) -> Self {
        let service = Service::start(move |request| match request.line.as_str() {
            "GET /v2/images/1" => json(&format!(r#"{{"id":"1","size":{},"checksum":"{}"}}"#, DATA.len(), MD5)),
            "GET /v2/images/1/file" => file(request),
            other => panic!("{other}"),
        });
        Self { folder: tempfile::tempdir().unwrap(), service }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn download(&self, more: &[&str]) -> Output {
        let file = self.path("image");
        let words = [&["image-download", "1", "--file", file.to_str().unwrap()], more].concat();
        glance(&self.service.url, &words).output().unwrap()
    }

    fn content(&self, name: &str) -> Option<Vec<u8>> {
        fs::read(self.path(name)).ok()
    }

    fn data_requests(&self) -> Vec<Request> {
        self.service.requests().into_iter().filter(|request| request.line.ends_with("/file")).collect()
    }
}

fn whole(data: &[u8]) -> Vec<u8> {
    reply("200 OK", "application/octet-stream", data)
}

/// Answers as a service does that knows ranges.
fn ranged(request: &Request) -> Vec<u8> {
    let Some(range) = request.header("range") else { return whole(DATA) };
    let start: usize = range.trim_start_matches("bytes=").trim_end_matches('-').parse().unwrap();
    if start >= DATA.len() {
        return reply("416 Requested Range Not Satisfiable", "text/plain", b"");
    }
    let range = format!("206 Partial Content\r\nContent-Range: bytes {start}-{}/{}", DATA.len() - 1, DATA.len());
    reply(&range, "application/octet-stream", &DATA[start..])
}

#[test]
fn a_download_replaces_the_file_when_it_is_complete() {
    let case = Case::new(ranged);
    fs::write(case.path("image"), "old").unwrap();
    let output = case.download(&["--progress"]);
    assert!(output.status.success(), "{output:?}");
    assert_eq!(case.content("image").unwrap(), DATA);
    assert_eq!(case.content("image.part"), None);
    assert_eq!(text(&output.stderr), "", "no bar where there is no terminal");
}

#[test]
fn a_broken_connection_leaves_a_part_to_continue_from() {
    let case = Case::new(|request| match request.header("range") {
        // Eight bytes of twenty, then the end.
        None => whole(DATA)[..whole(DATA).len() - 12].to_vec(),
        Some(_) => ranged(request),
    });
    fs::write(case.path("image"), "old").unwrap();
    assert_fails(&case.download(&[]), 1, "8 bytes are kept in");
    assert_eq!(case.content("image").unwrap(), b"old");
    assert_eq!(case.content("image.part").unwrap(), DATA[..8]);
    assert!(case.download(&["--resume"]).status.success());
    assert_eq!(case.content("image").unwrap(), DATA);
    assert_eq!(case.data_requests()[1].header("range"), Some("bytes=8-"));
}

#[test]
fn a_server_without_ranges_sends_everything_again() {
    let case = Case::new(|_| whole(DATA));
    fs::write(case.path("image.part"), &DATA[..8]).unwrap();
    assert!(case.download(&["--resume"]).status.success());
    assert_eq!(case.content("image").unwrap(), DATA);
}

#[test]
fn a_complete_part_is_only_verified() {
    let case = Case::new(ranged);
    fs::write(case.path("image.part"), DATA).unwrap();
    assert!(case.download(&["--resume"]).status.success());
    assert_eq!(case.content("image").unwrap(), DATA);
    assert!(case.data_requests().is_empty());
}

#[test]
fn without_resume_a_part_is_written_anew() {
    let case = Case::new(ranged);
    fs::write(case.path("image.part"), "rubbish which is longer than the image").unwrap();
    assert!(case.download(&[]).status.success());
    assert_eq!(case.content("image").unwrap(), DATA);
}

#[test]
fn a_part_of_something_else_is_noticed() {
    let case = Case::new(ranged);
    fs::write(case.path("image.part"), "rubbish!").unwrap();
    assert_fails(&case.download(&["--resume"]), 1, "Corrupt image download.");
    assert_eq!((case.content("image"), case.content("image.part")), (None, None));
    fs::write(case.path("image.part"), "rubbish which is longer than the image").unwrap();
    assert!(case.download(&["--resume"]).status.success());
    assert_eq!(case.content("image").unwrap(), DATA);
}

#[test]
fn corrupt_data_never_gets_the_name() {
    let case = Case::new(|_| whole(b"0123456789abcdefghiX"));
    fs::write(case.path("image"), "old").unwrap();
    assert_fails(&case.download(&[]), 1, "image.part has been removed");
    assert_eq!(case.content("image").unwrap(), b"old");
    assert_eq!(case.content("image.part"), None);
}

#[test]
fn an_image_without_data_leaves_nothing_behind() {
    let case = Case::new(|_| reply("204 No Content", "text/plain", b""));
    assert_fails(&case.download(&[]), 1, "Image 1 has no data.");
    assert_eq!((case.content("image"), case.content("image.part")), (None, None));
}

#[test]
fn standard_output_gets_the_data() {
    let case = Case::new(ranged);
    let output = glance(&case.service.url, &["image-download", "1"]).output().unwrap();
    assert_eq!(output.stdout, DATA, "{output:?}");
    let case = Case::new(|_| whole(b"0123456789abcdefghiX"));
    assert_fails(&glance(&case.service.url, &["image-download", "1"]).output().unwrap(), 1, "Corrupt image download.");
}

#[test]
fn a_reader_that_has_enough_is_a_normal_end() {
    let case = Case::new(|_| whole(&vec![0; 8 << 20]));
    let mut child = glance(&case.service.url, &["image-download", "1"]).stdout(Stdio::piped()).spawn().unwrap();
    drop(child.stdout.take());
    assert_eq!(child.wait().unwrap().code(), Some(0));
}

#[test]
fn stores_are_preferred_in_order() {
    let service = Service::start(|request| match request.line.as_str() {
        "GET /v2/images/1" => json(r#"{"id":"1"}"#),
        _ => whole(DATA),
    });
    let output = glance(&service.url, &["image-download", "1", "--prefer", "a, b,"]).output().unwrap();
    assert_eq!(output.stdout, DATA);
    assert_eq!(service.requests()[1].line, "GET /v2/images/1/file?prefer=a%2Cb");
}
