//! A folder with a configuration, and the program that is given it.

use std::path::PathBuf;
use std::process::{Command, Output};

/// A catalogue in SQLite and the way to it.
pub(crate) struct Place {
    folder: tempfile::TempDir,
}

/// How a command ended.
#[derive(Debug)]
pub(crate) struct Ended {
    pub(crate) code: i32,
    pub(crate) out: String,
    pub(crate) err: String,
}

impl Place {
    pub(crate) fn new() -> Self {
        let place = Self { folder: tempfile::tempdir().unwrap() };
        let url = format!("sqlite:///{}", place.file("glance.sqlite").display());
        std::fs::write(place.file("glance.conf"), format!("[database]\nconnection = {url}\n")).unwrap();
        place
    }

    pub(crate) fn file(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// Runs `glance-manage` with this place's configuration.
    pub(crate) fn manage(&self, words: &[&str]) -> Ended {
        let mut command = program();
        command.arg("manage").arg("--config-file").arg(self.file("glance.conf")).args(words);
        command.output().unwrap().into()
    }

    /// What the command printed; it must have succeeded.
    pub(crate) fn managed(&self, words: &[&str]) -> String {
        let ended = self.manage(words);
        assert_eq!(ended.code, 0, "{words:?}: {ended:?}");
        ended.out
    }
}

/// The program, with nothing of the caller's configuration.
pub(crate) fn program() -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_glance-server"));
    command.env_clear().env("HOME", "/nonexistent");
    command
}

impl From<Output> for Ended {
    fn from(output: Output) -> Self {
        Self {
            code: output.status.code().unwrap(),
            out: String::from_utf8(output.stdout).unwrap(),
            err: String::from_utf8(output.stderr).unwrap(),
        }
    }
}
