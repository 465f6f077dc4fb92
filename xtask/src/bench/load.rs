//! The work: curl moves images, wrk asks questions, this program registers images.

use std::path::Path;
use std::process::Command;
use std::sync::atomic::{AtomicUsize, Ordering};
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

/// Registers side by side as many images as there are clients.
const CLIENTS: usize = 4;

/// Registers an image with five properties and a tag, and returns its id.
pub(super) fn create(port: u16, number: usize) -> Result<String> {
    let properties: String = (0..5).map(|k| format!(r#", "prop_{k}": "value {k}""#)).collect();
    let body = format!(
        r#"{{"name": "image-{number}", "disk_format": "raw", "container_format": "bare", "tags": ["bench"]{properties}}}"#
    );
    let mut headers = IDENTITY.to_vec();
    headers.push(("Content-Type", "application/json"));
    let answer = http::call(port, "POST", "/v2/images", &headers, &body)?;
    if answer.status != 201 {
        return Err(format!("an image was refused with status {}", answer.status).into());
    }
    Ok(Json::parse(&answer.body)?.get("id").text().to_owned())
}

/// Registers `count` images from several clients at once.
///
/// When the service refuses some of them, one client registers the rest, so that what follows finds the same catalogue
/// with every service; the refusal is the result all the same.
pub(super) fn create_many(port: u16, count: usize) -> Result<()> {
    let done = AtomicUsize::new(0);
    let all = in_parallel(CLIENTS, |client| {
        (client..count).step_by(CLIENTS).try_for_each(|number| {
            create(port, number)?;
            done.fetch_add(1, Ordering::Relaxed);
            Ok(())
        })
    });
    for number in done.into_inner()..count {
        create(port, number)?;
    }
    all
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
    let mut curl = curl();
    curl.args(["-o", "/dev/null"]).arg(format!("http://127.0.0.1:{port}{path}"));
    shell::output(&mut curl).map(drop).context("download")
}

/// Does the same from several clients at once.
pub(super) fn in_parallel(clients: usize, work: impl Fn(usize) -> Result<()> + Sync) -> Result<()> {
    thread::scope(|scope| {
        let work = &work;
        let running: Vec<_> = (0..clients).map(|client| scope.spawn(move || work(client))).collect();
        running.into_iter().try_for_each(|client| client.join().map_err(|_| "a client panicked")?)
    })
}

/// Requests per second for `path`.
pub(super) fn rate(port: u16, path: &str, connections: u32, seconds: u32) -> Result<f64> {
    let mut wrk = Command::new("wrk");
    wrk.args(["-t1", &format!("-c{connections}"), &format!("-d{seconds}s"), "--timeout", "30s"]);
    for (name, value) in IDENTITY {
        wrk.args(["-H", &format!("{name}: {value}")]);
    }
    let said = shell::output(wrk.arg(format!("http://127.0.0.1:{port}{path}")))?;
    if said.contains("Non-2xx") {
        return Err(format!("{path} was refused:\n{said}").into());
    }
    let rate = said.lines().find_map(|line| line.strip_prefix("Requests/sec:"));
    Ok(rate.ok_or_else(|| format!("wrk says no rate:\n{said}"))?.trim().parse()?)
}

fn curl() -> Command {
    let mut command = Command::new("curl");
    command.args(["--silent", "--show-error", "--fail"]);
    for (name, value) in IDENTITY {
        command.args(["-H", &format!("{name}: {value}")]);
    }
    command
}
