//! `glance-control` around the whole life of a service.

use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::time::Instant;

use rustix::process::{Pid, Signal, kill_process};
use tempfile::TempDir;

use crate::process::{PATIENCE, config, prepare, program};

/// A folder in which a service is controlled; it ends with this value.
struct Site(TempDir);

impl Site {
    fn new(options: &str) -> Self {
        Self(prepare(options))
    }

    fn path(&self) -> &Path {
        self.0.path()
    }

    fn file(&self) -> PathBuf {
        self.path().join("run/api.pid")
    }

    fn command(&self, words: &[&str]) -> Command {
        let mut command = program();
        command.arg("control").arg("--pid-file").arg(self.file()).args(words).stdin(Stdio::null());
        command
    }

    fn control(&self, words: &[&str]) -> Output {
        self.command(words).output().unwrap()
    }

    /// What it says.
    fn say(&self, words: &[&str]) -> String {
        let output = self.control(words);
        assert!(output.status.success(), "{words:?}: {}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8(output.stdout).unwrap()
    }

    fn pid(&self) -> Option<i32> {
        std::fs::read_to_string(self.file()).ok()?.trim().parse().ok()
    }

    /// Waits until the service's log has a text so many times.
    fn wait_for(&self, text: &str, times: usize) {
        wait_until(text, || {
            let log = std::fs::read_to_string(self.path().join("log")).unwrap_or_default();
            log.matches(text).count() >= times
        });
    }
}

impl Drop for Site {
    fn drop(&mut self) {
        if let Some(pid) = self.pid().filter(|pid| *pid > 0 && *pid != own_pid()).and_then(Pid::from_raw) {
            let _ = kill_process(pid, Signal::KILL);
        }
    }
}

fn own_pid() -> i32 {
    i32::try_from(std::process::id()).unwrap()
}

fn wait_until(what: &str, mut is_so: impl FnMut() -> bool) {
    let deadline = Instant::now() + PATIENCE;
    while !is_so() {
        assert!(Instant::now() < deadline, "{what}");
        std::thread::yield_now();
    }
}

const METRICS: &str = "[metrics]\naddress = 127.0.0.1:0";

#[test]
fn start_status_reload_restart_stop() {
    let site = Site::new(METRICS);
    let conf = config(site.path()).display().to_string();
    assert_eq!(site.say(&["api", "status"]), "glance-api is stopped\n");
    assert!(!site.control(&["api", "reload"]).status.success());
    assert_eq!(site.control(&["registry", "start"]).status.code(), Some(2));

    let started = site.say(&["glance-api", "start", &conf]);
    assert_eq!(started, format!("Starting glance-api with {conf}\n"));
    site.wait_for("metrics are served", 1);
    let first = site.pid().unwrap();
    assert_eq!(site.say(&["api", "status"]), format!("glance-api (pid {first}) is running...\n"));
    assert!(site.say(&["all", "start", &conf]).contains("appears to already be running"));
    assert_eq!(site.say(&["api", "reload"]), format!("Reloading glance-api (pid {first}) with signal(1)\n"));
    site.wait_for("the configuration was read again", 1);

    let restarted = site.say(&["--config-file", &conf, "api", "restart"]);
    assert!(restarted.contains("Stopping glance-api") && restarted.contains("Restarting glance-api"), "{restarted}");
    let second = site.pid().unwrap();
    assert_ne!(first, second);
    site.wait_for("metrics are served", 2);
    let stopped = site.say(&["api", "shutdown"]);
    assert_eq!(stopped, format!("Stopping glance-api (pid {second}) with signal(15)\n"));
    assert!(!site.file().exists());
    assert!(!Path::new(&format!("/proc/{second}/exe")).exists());
    assert_eq!(site.say(&["api", "stop"]), "glance-api is already stopped\n");
}

/// The test's own process, one that is not there, and what is no number.
#[test]
fn a_file_that_names_another_process_leads_to_no_signal() {
    let site = Site::new("");
    std::fs::create_dir(site.path().join("run")).unwrap();
    for content in
        [format!("{}\n", own_pid()), "0\n".to_owned(), "-1\n".to_owned(), "4194305\n".to_owned(), "x".to_owned()]
    {
        std::fs::write(site.file(), &content).unwrap();
        assert_eq!(site.say(&["api", "stop"]), "glance-api is already stopped\n", "{content}");
        assert_eq!(site.say(&["api", "status"]), "glance-api is stopped\n", "{content}");
        assert!(!site.control(&["api", "reload"]).status.success(), "{content}");
        assert_eq!(std::fs::read_to_string(site.file()).unwrap(), content);
    }
    let conf = config(site.path()).display().to_string();
    assert!(site.say(&["api", "start", &conf]).starts_with("Removing stale pid file"));
}

#[test]
fn a_service_that_does_not_start_is_reported() {
    let site = Site::new("bind_port = nonsense");
    let conf = config(site.path()).display().to_string();
    assert_eq!(site.control(&["--await-child", "30", "api", "start", &conf]).status.code(), Some(1));
    assert_eq!(site.say(&["api", "status"]), "glance-api is stopped\n");
}

#[test]
fn a_service_that_dies_is_started_again_until_it_is_stopped() {
    let site = Site::new(METRICS);
    let conf = config(site.path()).display().to_string();
    let mut keeper: Child = site.command(&["--respawn", "api", "start", &conf]).stdout(Stdio::piped()).spawn().unwrap();
    site.wait_for("metrics are served", 1);
    let first = site.pid().unwrap();
    // One that ends right after its start is not started again.
    wait_until("it has run for a while", || age(first) > 1.5);
    kill_process(Pid::from_raw(first).unwrap(), Signal::KILL).unwrap();
    wait_until("another one", || site.pid().is_some_and(|pid| pid != first));
    site.wait_for("metrics are served", 2);
    site.say(&["api", "stop"]);
    let mut said = String::new();
    std::io::Read::read_to_string(keeper.stdout.as_mut().unwrap(), &mut said).unwrap();
    assert!(keeper.wait().unwrap().success());
    assert!(said.contains("Respawning glance-api"), "{said}");
    assert!(said.ends_with("Suppressed respawn as glance-api was deliberately stopped.\n"), "{said}");
}

/// How long a process has run, in seconds.
fn age(pid: i32) -> f64 {
    let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).unwrap();
    let (_, fields) = stat.rsplit_once(") ").unwrap();
    let began: f64 = fields.split(' ').nth(19).unwrap().parse().unwrap();
    let uptime = std::fs::read_to_string("/proc/uptime").unwrap();
    let now: f64 = uptime.split(' ').next().unwrap().parse().unwrap();
    now - began / f64::from(u32::try_from(rustix::param::clock_ticks_per_second()).unwrap())
}
