//! The `glance` command as a process, against a service that answers what the test wants.

#![expect(clippy::unwrap_used, reason = "a test ends at what it does not expect")]

mod download;
mod service;

use std::io::{Read, Write};
use std::process::{Command, Output, Stdio};

use service::{Request, Service, reply};

/// A command without any configuration but the service's address and a token.
fn glance(url: &str, arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_glance"));
    command.env_clear().env("OS_IMAGE_URL", url).env("OS_AUTH_TOKEN", "secret").args(arguments);
    command.stdin(Stdio::null()).current_dir(std::env::temp_dir());
    command
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

fn assert_fails(output: &Output, code: i32, said: &str) {
    assert_eq!(output.status.code(), Some(code), "{output:?}");
    assert!(text(&output.stderr).contains(said), "{output:?}");
}

fn json(body: &str) -> Vec<u8> {
    reply("200 OK", "application/json", body.as_bytes())
}

#[test]
fn a_list_follows_its_pages() {
    let service = Service::start(|request| match request.line.as_str() {
        "GET /v2/images?limit=200&sort_key=name&sort_dir=asc" => {
            json(r#"{"images":[{"id":"1","name":"a"}],"next":"/v2/images?marker=1"}"#)
        }
        "GET /v2/images?marker=1" => json(r#"{"images":[{"id":"2","name":null}]}"#),
        other => panic!("{other}"),
    });
    let output = glance(&service.url, &["image-list", "-f", "value"]).output().unwrap();
    assert_eq!(text(&output.stdout), "1 a\n2 None\n", "{output:?}");
}

#[test]
fn the_token_goes_to_no_other_server() {
    let stranger = Service::start(|_| json(r#"{"images":[]}"#));
    let elsewhere = stranger.url.clone();
    let service = Service::start(move |request| {
        if request.line.contains("/v2/images?") {
            return json(&format!(r#"{{"images":[{{"id":"1"}}],"next":"{elsewhere}/v2/images"}}"#));
        }
        format!("HTTP/1.1 302 Found\r\nLocation: {elsewhere}/v2/images/1\r\nContent-Length: 0\r\n\r\n").into_bytes()
    });
    assert_fails(&glance(&service.url, &["image-list"]).output().unwrap(), 1, "not a path to the next page");
    assert_fails(&glance(&service.url, &["image-show", "1"]).output().unwrap(), 1, "HTTP 302");
    assert!(stranger.requests().is_empty());
}

#[test]
fn debug_output_masks_the_token() {
    let service = Service::start(|_| json(r#"{"id":"1"}"#));
    let output = glance(&service.url, &["--debug", "image-show", "1"]).output().unwrap();
    let log = text(&output.stderr);
    assert!(log.contains("x-auth-token: {SHA256}2bb80d53") && log.contains("200 OK"), "{log}");
    assert!(!log.contains("secret"), "{log}");
    assert_eq!(service.requests()[0].header("x-auth-token"), Some("secret"));
}

#[test]
fn a_password_is_for_the_identity_service_only() {
    let service = Service::start(|_| json("{}"));
    let identity = Service::start(|_| {
        let body = r#"{"error": {"message": "no such user"}}"#;
        format!("HTTP/1.1 401 Unauthorized\r\nContent-Length: {}\r\n\r\n{body}", body.len()).into_bytes()
    });
    let mut command = glance(&service.url, &["image-list"]);
    command.env_remove("OS_AUTH_TOKEN").env("OS_USERNAME", "u").env("OS_PASSWORD", "hunter2");
    let output = command.env("OS_AUTH_URL", &identity.url).output().unwrap();
    assert_fails(&output, 1, "the identity service refuses the login: no such user");
    assert!(!text(&output.stderr).contains("hunter2"));
    assert_eq!(identity.requests().len(), 1);
    assert!(service.requests().is_empty());
}

#[test]
fn name_and_password_are_sent_where_basic_authentication_is_asked_for() {
    let service = Service::start(|_| json(r#"{"images":[]}"#));
    let mut command = glance(&service.url, &["--os-auth-type", "http_basic", "image-list"]);
    command.env_remove("OS_AUTH_TOKEN").env("OS_USERNAME", "u").env("OS_PASSWORD", "hunter2");
    assert!(command.output().unwrap().status.success());
    assert_eq!(service.requests()[0].header("authorization"), Some("Basic dTpodW50ZXIy"));
}

#[test]
fn without_credentials_none_are_sent() {
    let service = Service::start(|_| json(r#"{"images":[]}"#));
    let output = glance(&service.url, &["image-list"]).env_remove("OS_AUTH_TOKEN").output().unwrap();
    assert!(output.status.success(), "{output:?}");
    assert_eq!(service.requests()[0].header("x-auth-token"), None);
}

#[test]
fn the_servers_words_reach_the_user_but_not_the_terminal() {
    let answer = b"<html><head><title>409 Conflict</title></head><body><h1>409 Conflict</h1>\nNo \x1b[2J &lt;way&gt;</body></html>";
    let service = Service::start(|_| reply("409 Conflict", "text/html", answer));
    let output = glance(&service.url, &["image-reactivate", "1"]).output().unwrap();
    assert_fails(&output, 1, "\\u{1b}[2J <way>");
}

#[test]
fn a_wrong_token_has_a_message_of_its_own() {
    let service = Service::start(|_| reply("401 Unauthorized", "text/html", b""));
    let output = glance(&service.url, &["image-list"]).output().unwrap();
    assert_eq!(text(&output.stderr), "Invalid OpenStack Identity credentials.\n");
    assert_eq!(output.status.code(), Some(1));
}

#[test]
fn each_image_is_deleted_or_reported() {
    let service = Service::start(|request| match request.line.rsplit('/').next().unwrap() {
        "protected" => reply("403 Forbidden", "text/html", b""),
        "gone" => reply("404 Not Found", "text/html", b""),
        "used" => reply("409 Conflict", "text/html", b""),
        "broken" => reply("500 Internal Server Error", "text/plain", b"oops"),
        _ => reply("204 No Content", "text/plain", b""),
    });
    let output =
        glance(&service.url, &["image-delete", "protected", "gone", "used", "broken", "fine"]).output().unwrap();
    assert_eq!(output.status.code(), Some(1));
    assert_eq!(
        text(&output.stderr),
        "You are not permitted to delete the image 'protected'.\nNo image with an ID of 'gone' exists.\n\
         Unable to delete image 'used' because it is in use.\n'HTTP oops': Unable to delete image 'broken'\n"
    );
    assert_eq!(service.requests().len(), 5);
}

#[test]
fn a_silent_server_is_given_up() {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let output = glance(&url, &["--timeout", "0.2", "image-list"]).output().unwrap();
    assert_fails(&output, 1, "no sign of life for 0.2 seconds");
}

#[test]
fn data_comes_from_standard_input() {
    let service = Service::start(|request| match request.line.as_str() {
        "POST /v2/images" => json(r#"{"id":"1","status":"queued"}"#),
        "PUT /v2/images/1/file" => reply("204 No Content", "text/plain", b""),
        _ => json(r#"{"id":"1","status":"active"}"#),
    });
    let words = ["image-create", "--disk-format", "raw", "--container-format", "bare", "-f", "value", "-c", "status"];
    let mut child = glance(&service.url, &words).stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
    child.stdin.take().unwrap().write_all(&[7; 3_000_000]).unwrap();
    let output = child.wait_with_output().unwrap();
    assert_eq!(text(&output.stdout), "active\n", "{output:?}");
    let upload = service.requests().into_iter().find(|request| request.line.starts_with("PUT")).unwrap();
    assert_eq!(upload.body, vec![7; 3_000_000]);
    assert_eq!(upload.header("content-type"), Some("application/octet-stream"));
}

#[test]
fn an_image_is_shown_even_when_its_upload_fails() {
    let service = Service::start(|request| match request.line.as_str() {
        "POST /v2/images" => json(r#"{"id":"1","status":"queued"}"#),
        _ => reply("413 Request Entity Too Large", "text/plain", b"quota"),
    });
    let file = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(&file, "data").unwrap();
    let path = file.path().to_str().unwrap();
    let words = ["image-create", "--disk-format", "raw", "--container-format", "bare", "--file", path];
    let output = glance(&service.url, &words).output().unwrap();
    assert_fails(&output, 1, "HTTP quota");
    assert!(text(&output.stdout).contains("| status   | queued |"), "{output:?}");
    assert_eq!(service.requests()[1].header("content-length"), Some("4"));
}

#[test]
fn data_needs_formats() {
    let service = Service::start(|_| json("{}"));
    let file = tempfile::NamedTempFile::new().unwrap();
    let path = file.path().to_str().unwrap();
    let output = glance(&service.url, &["image-create", "--name", "n", "--file", path]).output().unwrap();
    assert_fails(&output, 1, "error: Must provide --disk-format, --container-format when using --file.");
    assert!(service.requests().is_empty());
}

#[test]
fn an_update_sends_what_differs() {
    let service = Service::start(|_| json(r#"{"id":"1","name":"old","a":"1","b":"2"}"#));
    let words =
        ["image-update", "1", "--name", "new", "--property", "a=1", "--property", "c=3", "--remove-property", "b"];
    assert!(glance(&service.url, &words).output().unwrap().status.success());
    let Request { line, body, .. } = &service.requests()[1];
    assert_eq!(line, "PATCH /v2/images/1");
    let expected = r#"[{"op":"replace","path":"/name","value":"new"},{"op":"add","path":"/c","value":"3"},{"op":"remove","path":"/b"}]"#;
    assert_eq!(text(body), expected);
}

#[test]
fn a_closed_pipe_is_a_normal_end() {
    let names = "x".repeat(1 << 20);
    let service = Service::start(move |_| json(&format!(r#"{{"id":"1","name":"{names}"}}"#)));
    let mut child =
        glance(&service.url, &["image-show", "1"]).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    drop(child.stdout.take());
    let mut said = String::new();
    child.stderr.take().unwrap().read_to_string(&mut said).unwrap();
    assert_eq!((child.wait().unwrap().code(), said.as_str()), (Some(0), ""));
}

#[test]
fn completions_are_printed_without_a_server() {
    for shell in ["bash", "zsh", "fish"] {
        let output = glance("http://127.0.0.1:1", &["complete", shell]).output().unwrap();
        assert!(output.status.success() && text(&output.stdout).contains("image-download"), "{shell}");
    }
    let output = glance("http://127.0.0.1:1", &["bash-completion"]).output().unwrap();
    let words = text(&output.stdout);
    assert!(words.contains(" image-create ") && words.contains("--disk-format "), "{words}");
}
