//! SIGHUP: from the first moment on it means to read the configuration again.

use std::fs::OpenOptions;
use std::io::{BufRead as _, BufReader, Write as _};
use std::process::{Command, Stdio};

use rustix::process::{Pid, Signal, kill_process};

use crate::process::{config, prepare, program};

#[test]
fn a_hangup_during_the_start_does_not_end_it() {
    let folder = prepare("");
    let text = std::fs::read_to_string(config(folder.path())).unwrap();
    // Whoever opens a pipe waits for the other end: so the test knows how far the start has got.
    let pipe = folder.path().join("pipe");
    assert!(Command::new("mkfifo").arg(&pipe).status().unwrap().success());
    let hand_over = || OpenOptions::new().write(true).open(&pipe).unwrap();
    let mut command = program();
    command.args(["api", "--config-file"]).arg(&pipe).stdin(Stdio::null()).stdout(Stdio::piped());
    let mut child = command.spawn().unwrap();
    let mut first = hand_over();
    kill_process(Pid::from_child(&child), Signal::HUP).unwrap();
    first.write_all(text.as_bytes()).unwrap();
    drop(first);
    let mut said = String::new();
    let mut output = BufReader::new(child.stdout.take().unwrap());
    output.read_line(&mut said).unwrap();
    assert!(said.contains("is served at"), "{said}");
    // The hangup was remembered: the configuration is read again.
    hand_over().write_all(text.as_bytes()).unwrap();
    kill_process(Pid::from_child(&child), Signal::TERM).unwrap();
    assert!(child.wait().unwrap().success());
    let log = std::fs::read_to_string(folder.path().join("log")).unwrap();
    assert!(log.contains("the configuration was read again"), "{log}");
}
