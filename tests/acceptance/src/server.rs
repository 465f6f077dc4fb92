//! The service as a process: started on a free port with a folder of its own, ended in every way a process can be.

use std::fs::{self, File, OpenOptions};
use std::net::{Ipv4Addr, SocketAddr};
use std::path::PathBuf;
use std::process::{Child, Command, ExitStatus, Stdio};

use crate::folder::Folder;
use crate::http::{Endpoint, Request};
use crate::images::Images;
use crate::{environment, wait};

/// A server and everything it keeps.
pub struct Server {
    folder: Folder,
    process: Option<Child>,
    endpoint: Endpoint,
}

impl Server {
    /// Starts a server with an empty folder and waits until it answers.
    ///
    /// # Panics
    /// When it does not.
    #[must_use]
    pub fn start() -> Self {
        let endpoint = Endpoint { address: SocketAddr::from((Ipv4Addr::LOCALHOST, 0)) };
        let mut server = Self { folder: Folder::new(), process: None, endpoint };
        server.start_again();
        server
    }

    /// Starts a process on the same folder; there must be none.
    ///
    /// # Panics
    /// When there is one, or the new one does not answer.
    pub fn start_again(&mut self) {
        assert!(self.process.is_none(), "it runs already");
        let log = self.log();
        let file = OpenOptions::new().create(true).append(true).open(&log).unwrap();
        let already_said = file.metadata().unwrap().len() as usize;
        let mut command = Command::new(environment::server_program());
        command.args(["api", "--bind-host", "127.0.0.1", "--bind-port", "0", "--data-dir"]).arg(self.data_dir());
        command.stdin(Stdio::null()).stdout(file.try_clone().unwrap()).stderr(file);
        self.process = Some(command.spawn().unwrap());
        let port = wait::until("the server says where it listens", || {
            self.assert_running();
            let said = fs::read(&log).unwrap();
            announced_port(&String::from_utf8_lossy(&said[already_said..]))
        });
        self.endpoint.address.set_port(port);
        wait::until("the server answers", || {
            self.assert_running();
            let answer = self.endpoint.try_send(&Request::new("GET", "/healthcheck")).ok()?;
            (answer.status == 200).then_some(())
        });
    }

    /// Where it answers.
    #[must_use]
    pub fn endpoint(&self) -> Endpoint {
        self.endpoint
    }

    /// Its images.
    #[must_use]
    pub fn images(&self) -> Images {
        Images::at(self.endpoint)
    }

    /// A folder for the test's own files.
    #[must_use]
    pub fn folder(&self) -> &Folder {
        &self.folder
    }

    /// The names of the files in its store, sorted, without that of the store's identity.
    ///
    /// # Panics
    /// When the folder cannot be read.
    #[must_use]
    pub fn stored_files(&self) -> Vec<String> {
        let mut files = Vec::new();
        let mut folders = vec![self.data_dir().join("images")];
        while let Some(folder) = folders.pop() {
            for entry in fs::read_dir(&folder).unwrap() {
                let entry = entry.unwrap();
                if entry.file_type().unwrap().is_dir() {
                    folders.push(entry.path());
                } else if entry.file_name() != ".glance-store" {
                    files.push(entry.file_name().into_string().unwrap());
                }
            }
        }
        files.sort();
        files
    }

    /// The highest amount of memory that it has had resident, in bytes.
    ///
    /// # Panics
    /// When it does not run.
    #[must_use]
    pub fn peak_memory(&self) -> u64 {
        let status = fs::read_to_string(format!("/proc/{}/status", self.pid())).unwrap();
        let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).unwrap();
        line.trim().trim_end_matches(" kB").parse::<u64>().unwrap() * 1024
    }

    /// Ends it as a power cut would: nothing of it runs any more.
    ///
    /// # Panics
    /// When it does not run.
    pub fn kill(&mut self) {
        let mut process = self.process.take().unwrap();
        process.kill().unwrap();
        process.wait().unwrap();
    }

    /// Asks it to end, and goes on.
    ///
    /// # Panics
    /// When it does not run.
    pub fn ask_to_stop(&self) {
        let sent = Command::new("kill").args(["-s", "TERM", &self.pid().to_string()]).status().unwrap();
        assert!(sent.success());
    }

    /// Waits until it has ended by itself.
    ///
    /// # Panics
    /// When it still runs after a while.
    pub fn wait_for_end(&mut self) -> ExitStatus {
        let process = self.process.as_mut().unwrap();
        let status = wait::until("the server ends", || process.try_wait().unwrap());
        self.process = None;
        status
    }

    fn pid(&self) -> u32 {
        self.process.as_ref().unwrap().id()
    }

    /// The folder that it keeps everything in.
    #[must_use]
    pub fn data_dir(&self) -> PathBuf {
        self.folder.file("data")
    }

    /// Runs `glance-manage` beside it, with `words`; the exit code and what it printed.
    ///
    /// # Panics
    /// When the program cannot be run.
    #[must_use]
    pub fn manage(&self, words: &[&str]) -> (Option<i32>, String) {
        let mut command = Command::new(environment::server_program());
        let ended = command.arg("manage").arg("--data-dir").arg(self.data_dir()).args(words).output().unwrap();
        (ended.status.code(), String::from_utf8_lossy(&[ended.stdout, ended.stderr].concat()).into_owned())
    }

    fn log(&self) -> PathBuf {
        self.folder.file("server.log")
    }

    fn assert_running(&mut self) {
        if let Some(status) = self.process.as_mut().unwrap().try_wait().unwrap() {
            self.process = None;
            panic!("the server ended at once: {status}");
        }
    }

    fn show_log(&self) {
        const LINES: usize = 60;
        let text = File::open(self.log()).and_then(io_text).unwrap_or_else(|error| error.to_string());
        let lines: Vec<&str> = text.lines().collect();
        eprintln!("--- the end of the server's log");
        for line in &lines[lines.len().saturating_sub(LINES)..] {
            eprintln!("{line}");
        }
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        if let Some(mut process) = self.process.take() {
            // It may have ended by itself; either way it is gone afterwards.
            let _ = process.kill();
            let _ = process.wait();
        }
        if std::thread::panicking() {
            self.show_log();
        }
    }
}

fn io_text(mut file: File) -> std::io::Result<String> {
    let mut bytes = Vec::new();
    std::io::Read::read_to_end(&mut file, &mut bytes)?;
    Ok(String::from_utf8_lossy(&bytes).into_owned())
}

/// The port in the server's own words: `… http://127.0.0.1:PORT …`, once the line is complete.
pub(crate) fn announced_port(said: &str) -> Option<u16> {
    let (complete, _) = said.rsplit_once('\n')?;
    let (_, after) = complete.split_once("http://127.0.0.1:")?;
    let digits = after.split(|c: char| !c.is_ascii_digit()).next()?;
    digits.parse().ok().filter(|port| *port != 0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_the_port_only_when_all_of_it_is_there() {
        assert_eq!(announced_port("at http://127.0.0.1:4711.\nmore"), Some(4711));
        assert_eq!(announced_port("at http://127.0.0.1:47"), None);
        assert_eq!(announced_port("nothing\n"), None);
    }
}
