//! A service of its own for each test.

use std::io::{BufRead as _, BufReader, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use rustix::process::{Pid, Signal, kill_process};
use tempfile::TempDir;

/// How long a test waits for what must come.
pub(crate) const PATIENCE: Duration = Duration::from_secs(30);

/// A running service.
pub(crate) struct Server {
    child: Child,
    pub(crate) folder: TempDir,
    /// What it said when it could be reached.
    pub(crate) said: String,
}

/// A folder with a configuration and an empty catalogue.
pub(crate) fn prepare(options: &str) -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().display();
    let text = format!(
        "[database]\nconnection = sqlite:///{path}/glance.sqlite\n[glance_store]\n\
         filesystem_store_datadir = {path}/images\n[DEFAULT]\nlog_file = {path}/log\nbind_port = 0\n{options}\n"
    );
    std::fs::write(config(folder.path()), text).unwrap();
    let status = program().args(["manage", "--config-file"]).arg(config(folder.path())).args(["db", "sync"]).output();
    let status = status.unwrap();
    assert!(status.status.success(), "{}", String::from_utf8_lossy(&status.stderr));
    folder
}

pub(crate) fn config(folder: &Path) -> PathBuf {
    folder.join("glance-api.conf")
}

pub(crate) fn program() -> Command {
    Command::new(env!("CARGO_BIN_EXE_glance-server"))
}

impl Server {
    /// With these lines in `[DEFAULT]`.
    pub(crate) fn start(options: &str) -> Self {
        Self::start_in(prepare(options))
    }

    /// In a folder that was prepared.
    pub(crate) fn start_in(folder: TempDir) -> Self {
        let mut command = program();
        command.args(["api", "--config-file"]).arg(config(folder.path())).stdin(Stdio::null());
        Self::run(command, folder)
    }

    /// By a command that runs the program.
    pub(crate) fn run(mut command: Command, folder: TempDir) -> Self {
        let mut child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        let mut said = String::new();
        BufReader::new(child.stdout.as_mut().unwrap()).read_line(&mut said).unwrap();
        if said.is_empty() {
            let mut error = String::new();
            child.stderr.as_mut().unwrap().read_to_string(&mut error).unwrap();
            panic!("the service does not start: {error}");
        }
        Self { child, folder, said }
    }

    /// The address that it says.
    pub(crate) fn address(&self) -> SocketAddr {
        let (_, address) = self.said.trim_end().trim_end_matches('.').rsplit_once("//").unwrap();
        address.parse().unwrap()
    }

    pub(crate) fn connect(&self) -> TcpStream {
        let stream = TcpStream::connect(self.address()).unwrap();
        stream.set_read_timeout(Some(PATIENCE)).unwrap();
        stream
    }

    pub(crate) fn pid(&self) -> Pid {
        Pid::from_child(&self.child)
    }

    pub(crate) fn log(&self) -> String {
        std::fs::read_to_string(self.folder.path().join("log")).unwrap()
    }

    /// Waits until the log contains a text; gives the whole log.
    pub(crate) fn wait_for_log(&self, text: &str) -> String {
        let deadline = std::time::Instant::now() + PATIENCE;
        loop {
            let log = self.log();
            if log.contains(text) {
                return log;
            }
            assert!(std::time::Instant::now() < deadline, "{text}: {log}");
            std::thread::yield_now();
        }
    }

    /// Asks it to end and waits until it has.
    pub(crate) fn stop(&mut self) {
        kill_process(self.pid(), Signal::TERM).unwrap();
        assert!(self.child.wait().unwrap().success());
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// The status line of the answer to a request.
pub(crate) fn ask(stream: &mut (impl Read + Write), path: &str) -> String {
    write!(stream, "GET {path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n").unwrap();
    read_all(stream).lines().next().unwrap_or_default().to_owned()
}

/// Everything up to the end of the connection.
pub(crate) fn read_all(stream: &mut impl Read) -> String {
    let mut answer = Vec::new();
    match stream.read_to_end(&mut answer) {
        Ok(_) => {}
        // A TLS peer may end without saying so.
        Err(error) if error.kind() != std::io::ErrorKind::WouldBlock && !answer.is_empty() => {}
        Err(error) => panic!("{error}"),
    }
    String::from_utf8_lossy(&answer).into_owned()
}

pub(crate) const OK: &str = "HTTP/1.1 200 OK";
