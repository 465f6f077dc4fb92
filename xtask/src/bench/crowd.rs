//! What a client notices of a thousand others that do nothing or dawdle, and of encryption.

use std::io::Write as _;
use std::net::{Ipv4Addr, TcpStream};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use super::contender::Running;
use super::load::{self, Framing, PLAIN};
use super::report::Results;
use super::{Stage, contender, usage};
use crate::error::{Context as _, Result};
use crate::shell;

/// How the user asks for this alone.
pub(super) const NAME: &str = "crowd";

/// The columns of the table.
pub(super) const COLUMNS: [&str; 3] = ["alone", "beside 1,000 connections", "over TLS"];

const CONNECTIONS: usize = 1000;
/// A slow client sends its next byte after this time.
const DAWDLE: Duration = Duration::from_secs(4);
/// How often each measurement is repeated, in turn with those that it is compared with.
const TURNS: usize = 3;

/// Measures the same requests alone and in a crowd, and the same download in plain and encrypted.
pub(super) fn measure(stage: &Stage, results: &mut Results) -> Result<()> {
    println!("a crowd");
    let running = contender::start_ours(stage, "crowd", &[])?;
    let id = load::create(running.port, PLAIN, 0)?;
    load::upload(running.port, &id, &stage.image, Framing::Sized)?;
    let file = format!("/v2/images/{id}/file");
    for _ in 0..TURNS {
        requests(stage, &running, &id, COLUMNS[0], results)?;
        let crowd = Crowd::gather(running.port, &file)?;
        // Those that do not read get what fits into their sockets first.
        running.settle();
        requests(stage, &running, &id, COLUMNS[1], results)?;
        crowd.leave()?;
    }
    let (certificate, key) = certificate(&stage.folder)?;
    let options = [("cert_file", certificate.as_path()), ("key_file", key.as_path())];
    let secured = contender::start_ours(stage, "secured", &options)?;
    let secured_file = load::upload_encrypted(secured.port, &stage.image)?;
    let file = format!("http://127.0.0.1:{}{file}", running.port);
    for _ in 0..TURNS {
        download(stage, &running, &file, COLUMNS[0], results)?;
        download(stage, &secured, &secured_file, COLUMNS[2], results)?;
    }
    Ok(())
}

fn requests(stage: &Stage, running: &Running, id: &str, column: &str, results: &mut Results) -> Result<()> {
    let path = format!("/v2/images/{id}");
    let one = load::ask(running.port, &path, 1, stage.plan.seconds)?;
    let many = load::ask(running.port, &path, 32, stage.plan.seconds)?;
    println!("  {column}: p50 {:.3} ms, p99 {:.3} ms, {:.0} requests/s", one.p50, one.p99, many.rate);
    results.add(column, "show to one client, p50, ms", one.p50);
    results.add(column, "show to one client, p99, ms", one.p99);
    results.add(column, "show to 32 clients, requests/s", many.rate);
    Ok(())
}

fn download(stage: &Stage, running: &Running, url: &str, column: &str, results: &mut Results) -> Result<()> {
    let (cpu, begun) = (usage::cpu_seconds(running.server.pid()), Instant::now());
    load::fetch(url)?;
    let (seconds, mib) = (begun.elapsed().as_secs_f64(), stage.plan.image_mib as f64);
    let cpu = usage::cpu_seconds(running.server.pid()) - cpu;
    println!("  {column}: {:.0} MiB/s, {:.2} CPU s/GiB", mib / seconds, cpu * 1024.0 / mib);
    results.add(column, "a download, MiB/s", mib / seconds);
    results.add(column, "a download, CPU s/GiB", cpu * 1024.0 / mib);
    Ok(())
}

/// Connections that are of no use to anybody.
struct Crowd {
    /// Those that say nothing, and those that do not read what they asked for.
    silent: Vec<TcpStream>,
    slow: JoinHandle<std::io::Result<()>>,
    over: Arc<AtomicBool>,
}

impl Crowd {
    fn gather(port: u16, file: &str) -> Result<Self> {
        let connect = || TcpStream::connect((Ipv4Addr::LOCALHOST, port)).context("a connection of the crowd");
        let (mut silent, mut slow) = (Vec::new(), Vec::new());
        for number in 0..CONNECTIONS {
            let mut stream = connect()?;
            match number % 10 {
                0..4 => silent.push(stream),
                4..8 => {
                    stream.write_all(b"GET /v2/images HTTP/1.1\r\nHost: slow\r\nX-Slow: ")?;
                    slow.push(stream);
                }
                _ => {
                    write!(stream, "GET {file} HTTP/1.1\r\nHost: deaf\r\n\r\n")?;
                    silent.push(stream);
                }
            }
        }
        let over = Arc::new(AtomicBool::new(false));
        let ended = Arc::clone(&over);
        let slow = thread::spawn(move || dawdle(slow, &ended));
        Ok(Self { silent, slow, over })
    }

    /// Closes all connections; an error if the server has closed one before.
    fn leave(self) -> Result<()> {
        self.over.store(true, Ordering::Relaxed);
        self.slow.join().map_err(|_| "the slow clients panicked")?.context("a slow client was sent away")?;
        drop(self.silent);
        Ok(())
    }
}

/// Sends byte after byte on each of the connections.
fn dawdle(mut streams: Vec<TcpStream>, over: &AtomicBool) -> std::io::Result<()> {
    let pause = DAWDLE / u32::try_from(streams.len()).unwrap_or(u32::MAX).max(1);
    while !over.load(Ordering::Relaxed) {
        for stream in &mut streams {
            if over.load(Ordering::Relaxed) {
                break;
            }
            stream.write_all(b"x")?;
            thread::sleep(pause);
        }
    }
    Ok(())
}

/// A certificate for this machine that nobody has signed, and its key.
fn certificate(folder: &Path) -> Result<(PathBuf, PathBuf)> {
    let (certificate, key) = (folder.join("certificate.pem"), folder.join("key.pem"));
    let mut openssl = Command::new("openssl");
    openssl.args("req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 2 -subj /CN=127.0.0.1".split(' '));
    openssl.arg("-keyout").arg(&key).arg("-out").arg(&certificate);
    shell::output(&mut openssl)?;
    Ok((certificate, key))
}
