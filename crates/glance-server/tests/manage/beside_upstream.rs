//! The same commands for both programs, each with its own database.

use std::io::{BufRead as _, BufReader, Write as _};
use std::process::{Child, ChildStdout, Command, Stdio};

use crate::support::Place;

/// Upstream's program, forked anew for each command from a process that has loaded it.
struct Upstream {
    process: Child,
    answers: BufReader<ChildStdout>,
}

const PROGRAM: &str = "
import json, os, sys
from glance.cmd import manage
for line in sys.stdin:
    child = os.fork()
    if child == 0:
        sys.argv = ['glance-manage'] + json.loads(line)
        code = 0
        try:
            manage.main()
        except SystemExit as ended:
            code = ended.code or 0
            if isinstance(code, str):
                print('error:', code)
                code = 1
        except BaseException:
            code = 1
        sys.stdout.flush()
        os._exit(code)
    _, status = os.waitpid(child, 0)
    print('ended with', os.waitstatus_to_exitcode(status), flush=True)
";

impl Upstream {
    #[expect(clippy::disallowed_methods, reason = "where upstream is, is told by whoever starts the tests")]
    fn start() -> Option<Self> {
        let Ok(python) = std::env::var("GLANCE_TEST_PYTHON") else {
            println!("SKIPPED: GLANCE_TEST_PYTHON is not set");
            return None;
        };
        let mut command = Command::new(python);
        command.args(["-c", PROGRAM]).stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::null());
        let mut process = command.spawn().unwrap();
        let answers = BufReader::new(process.stdout.take().unwrap());
        Some(Self { process, answers })
    }

    /// What a command prints, what keeps it from its work, and its exit code.
    fn run(&mut self, place: &Place, words: &[&str]) -> (String, Option<String>, i32) {
        let config = place.file("glance.conf");
        let line = serde_json::to_string(&[&["--config-file", config.to_str().unwrap()], words].concat()).unwrap();
        writeln!(self.process.stdin.as_mut().unwrap(), "{line}").unwrap();
        let (mut out, mut error) = (String::new(), None);
        loop {
            let mut line = String::new();
            assert!(self.answers.read_line(&mut line).unwrap() > 0, "upstream's program has ended");
            if let Some(code) = line.strip_prefix("ended with ") {
                return (out, error, code.trim().parse().unwrap());
            }
            match line.strip_prefix("error: ") {
                Some(text) => error = Some(text.trim_end().to_owned()),
                None => out += &line,
            }
        }
    }
}

impl Drop for Upstream {
    fn drop(&mut self) {
        drop(self.process.stdin.take());
        self.process.wait().unwrap();
    }
}

fn compare(commands: &[&[&str]]) {
    let Some(mut upstream) = Upstream::start() else { return };
    let (ours, theirs) = (Place::new(), Place::new());
    for words in commands {
        let (out, error, code) = upstream.run(&theirs, words);
        let ended = ours.manage(words);
        assert_eq!((ended.out.as_str(), ended.code), (out.as_str(), code), "{words:?}: {}", ended.err);
        if let Some(error) = error {
            assert!(ended.err.contains(&error), "{words:?}: {error} / {}", ended.err);
        }
    }
}

#[test]
fn an_upgrade_in_phases() {
    compare(&[
        &["db", "version"],
        &["db", "check"],
        &["db", "contract"],
        &["db", "migrate"],
        &["db", "expand"],
        &["db", "check"],
        &["db", "expand"],
        &["db_version"],
        &["db", "migrate"],
        &["db_contract"],
        &["db_check"],
        &["db", "contract"],
        &["db_migrate"],
        &["db", "expand"],
        &["db", "sync"],
        &["db_version"],
    ]);
}

#[test]
fn an_upgrade_to_revisions() {
    compare(&[
        &["db", "upgrade", "--version", "liberty"],
        &["db", "upgrade", "ocata_contract01"],
        &["db_upgrade", "pike_expand01"],
        &["db", "version"],
        &["db", "upgrade", "newton"],
        &["db_sync"],
        &["db", "version"],
        &["db", "upgrade"],
    ]);
}

#[test]
fn a_revision_that_is_only_noted() {
    compare(&[
        &["db", "version_control"],
        &["db", "version"],
        &["db_version_control", "mitaka02"],
        &["db_version"],
        &["db", "version_control", "--version", "pike_contract01"],
        &["db", "check"],
        &["db", "version_control"],
    ]);
}

#[test]
fn wrong_arguments() {
    compare(&[
        &["db_sync"],
        &["db", "nonsense"],
        &["nonsense"],
        &["db", "purge", "--age_in_days", "x"],
        &["db", "purge", "--age_in_days", "-1"],
        &["db", "purge", "x"],
        &["db", "purge", "1", "x"],
        &["db", "purge", "--age_in_days", "99999999"],
        &["db", "purge", "--max_rows", "-2"],
        &["db", "purge", "--max_rows", "99999999999"],
        &["db", "purge_images_table", "--max_rows", "-2"],
        &["db", "purge", "1", "1"],
        &["db", "purge"],
        &["db", "purge_images_table", "--age_in_days", "0", "--max_rows", "-1"],
        &["db", "unload_metadefs"],
    ]);
}
