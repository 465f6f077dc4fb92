//! The work: curl moves images, wrk asks questions, this program registers images.

use std::path::Path;
use std::process::Command;
use std::sync::Mutex;
use std::thread;

use crate::error::{Context as _, Result};
use crate::json::Json;
use crate::{http, shell};

/// Who the callers are. A service that asks nobody who they are ignores it; Python Glance, set up to trust it, does not.
pub(super) const IDENTITY: [(&str, &str); 4] = [
    ("X-Identity-Status", "Confirmed"),
    ("X-User-Id", "bench"),
    ("X-Project-Id", "bench"),
    ("X-Roles", "admin,member,reader"),
];

/// What an image is registered with.
#[derive(Debug, Clone, Copy)]
pub(super) struct Shape {
    /// What its name begins with.
    pub(super) name: &'static str,
    pub(super) properties: usize,
    pub(super) tags: usize,
}

/// An image as most are.
pub(super) const PLAIN: Shape = Shape { name: "image", properties: 5, tags: 1 };

/// An image with a lot to tell.
pub(super) const RICH: Shape = Shape { name: "rich", properties: 30, tags: 5 };

/// Registers an image and returns its id.
pub(super) fn create(port: u16, shape: Shape, number: usize) -> Result<String> {
    let properties: String = (0..shape.properties).map(|k| format!(r#", "prop_{k}": "value {k}""#)).collect();
    let tags: Vec<_> =
        (0..shape.tags).map(|k| if k == 0 { r#""bench""#.into() } else { format!(r#""tag-{k}""#) }).collect();
    let body = format!(
        r#"{{"name": "{}-{number}", "disk_format": "raw", "container_format": "bare", "tags": [{}]{properties}}}"#,
        shape.name,
        tags.join(", ")
    );
    let answer = change(port, "POST", "/v2/images", "application/json", &body)?;
    Ok(Json::parse(&answer)?.get("id").text().to_owned())
}

/// Registers `count` images from several clients at once, and returns their ids.
pub(super) fn create_many(port: u16, shape: Shape, count: usize, clients: usize) -> Result<Vec<String>> {
    let ids = Mutex::new(Vec::with_capacity(count));
    in_parallel(clients, |client| {
        (client..count).step_by(clients).try_for_each(|number| {
            let id = create(port, shape, number)?;
            ids.lock().map_err(|_| "a client panicked")?.push(id);
            Ok(())
        })
    })?;
    Ok(ids.into_inner().map_err(|_| "a client panicked")?)
}

/// Renames each of the images and gives it one more property, from several clients at once.
pub(super) fn patch_many(port: u16, ids: &[String], clients: usize) -> Result<()> {
    in_parallel(clients, |client| {
        ids.iter().enumerate().skip(client).step_by(clients).try_for_each(|(number, id)| {
            let body = format!(
                r#"[{{"op": "replace", "path": "/name", "value": "renamed-{number}"}},
                    {{"op": "add", "path": "/patched", "value": "{number}"}}]"#
            );
            let kind = "application/openstack-images-v2.1-json-patch";
            change(port, "PATCH", &format!("/v2/images/{id}"), kind, &body).map(drop)
        })
    })
}

fn change(port: u16, method: &str, path: &str, kind: &str, body: &str) -> Result<String> {
    let mut headers = IDENTITY.to_vec();
    headers.push(("Content-Type", kind));
    let answer = http::call(port, method, path, &headers, body)?;
    match answer.status {
        200 | 201 => Ok(answer.body),
        status => Err(format!("{method} was refused with status {status}").into()),
    }
}

/// How curl tells the length of what it sends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Framing {
    Sized,
    Chunked,
}

/// Uploads a file.
pub(super) fn upload(port: u16, id: &str, file: &Path, framing: Framing) -> Result<()> {
    let mut curl = curl();
    curl.arg("-T").arg(file).args(["-H", "Content-Type: application/octet-stream", "-H", "Expect:"]);
    if framing == Framing::Chunked {
        curl.args(["-H", "Transfer-Encoding: chunked"]);
    }
    shell::output(curl.arg(format!("http://127.0.0.1:{port}/v2/images/{id}/file"))).map(drop).context("upload")
}

/// Downloads `path` and drops it.
pub(super) fn download(port: u16, path: &str) -> Result<()> {
    fetch(&format!("http://127.0.0.1:{port}{path}"))
}

/// Downloads from a URL, whoever has signed the server's certificate, and drops it.
pub(super) fn fetch(url: &str) -> Result<()> {
    let mut curl = curl();
    curl.args(["--insecure", "--http1.1", "-o", "/dev/null", url]);
    shell::output(&mut curl).map(drop).context("download")
}

/// Registers an image over TLS, uploads a file to it and gives the URL of its data.
pub(super) fn upload_encrypted(port: u16, file: &Path) -> Result<String> {
    let images = format!("https://127.0.0.1:{port}/v2/images");
    let mut create = curl();
    create.args(["--insecure", "--json", r#"{"name": "secured", "disk_format": "raw", "container_format": "bare"}"#]);
    let answer = shell::output(create.arg(&images))?;
    let data = format!("{images}/{}/file", Json::parse(&answer)?.get("id").text());
    let mut upload = curl();
    upload.args(["--insecure", "-H", "Content-Type: application/octet-stream", "-H", "Expect:", "-T"]).arg(file);
    shell::output(upload.arg(&data)).context("upload over TLS")?;
    Ok(data)
}

/// Does the same from several clients at once.
pub(super) fn in_parallel(clients: usize, work: impl Fn(usize) -> Result<()> + Sync) -> Result<()> {
    thread::scope(|scope| {
        let work = &work;
        let running: Vec<_> = (0..clients).map(|client| scope.spawn(move || work(client))).collect();
        running.into_iter().try_for_each(|client| client.join().map_err(|_| "a client panicked")?)
    })
}

/// What wrk found out about a path.
pub(super) struct Answers {
    /// Requests per second.
    pub(super) rate: f64,
    /// Of all answers, half came within these milliseconds.
    pub(super) p50: f64,
    /// Of all answers, 99 in a hundred came within these milliseconds.
    pub(super) p99: f64,
}

/// Asks for `path` as often as it is answered.
pub(super) fn ask(port: u16, path: &str, connections: u32, seconds: u32) -> Result<Answers> {
    ask_as(port, path, &IDENTITY, connections, seconds)
}

/// The same as somebody with these headers.
pub(super) fn ask_as(
    port: u16,
    path: &str,
    headers: &[(&str, &str)],
    connections: u32,
    seconds: u32,
) -> Result<Answers> {
    let mut wrk = Command::new("wrk");
    wrk.args(["-t1", &format!("-c{connections}"), &format!("-d{seconds}s"), "--timeout", "30s", "--latency"]);
    for (name, value) in headers {
        wrk.args(["-H", &format!("{name}: {value}")]);
    }
    let said = shell::output(wrk.arg(format!("http://127.0.0.1:{port}{path}")))?;
    if said.contains("Non-2xx") {
        return Err(format!("{path} was refused:\n{said}").into());
    }
    let figure = |label: &str| {
        let line = said.lines().find_map(|line| line.trim_start().strip_prefix(label));
        line.map(str::trim).ok_or_else(|| format!("wrk says no {label}\n{said}"))
    };
    Ok(Answers {
        rate: figure("Requests/sec:")?.parse()?,
        p50: milliseconds(figure("50%")?)?,
        p99: milliseconds(figure("99%")?)?,
    })
}

/// A time as wrk writes it.
fn milliseconds(text: &str) -> Result<f64> {
    for (unit, factor) in [("us", 0.001), ("ms", 1.0), ("s", 1000.0), ("m", 60_000.0)] {
        if let Some(number) = text.strip_suffix(unit) {
            return Ok(number.parse::<f64>()? * factor);
        }
    }
    Err(format!("{text:?} is no time").into())
}

fn curl() -> Command {
    let mut command = Command::new("curl");
    command.args(["--silent", "--show-error", "--fail"]);
    for (name, value) in IDENTITY {
        command.args(["-H", &format!("{name}: {value}")]);
    }
    command
}
