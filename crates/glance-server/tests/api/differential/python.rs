//! Python Glance as a process that answers one request after the other.

use std::ffi::OsStr;
use std::io::{BufRead as _, BufReader, Write as _};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};

use serde_json::{Value, json};

use super::protections::Files;
use super::{Call, Reply};

/// What it is told; the server under test is told the same.
pub(super) const OPTIONS: &str = "show_multiple_locations = true
show_image_direct_url = true
allow_anonymous_access = true
image_member_quota = 3
image_property_quota = 6
image_tag_quota = 4
image_location_quota = 3
limit_param_default = 7
api_limit_max = 11
enabled_import_methods = []
";

/// A running Python Glance.
pub(super) struct PythonGlance {
    process: Child,
    questions: ChildStdin,
    answers: BufReader<ChildStdout>,
    folder: PathBuf,
}

impl PythonGlance {
    /// Starts it with nothing stored; everything that it writes is below `folder`.
    pub(super) fn start(python: &OsStr, folder: &Path, protections: &Files) -> Self {
        write_configuration(python, folder, protections);
        let script = folder.join("answer.py");
        std::fs::write(&script, include_str!("answer.py")).unwrap();
        let log = std::fs::File::create(folder.join("output")).unwrap();
        let mut command = Command::new(python);
        command.arg(&script).arg(folder).current_dir(folder).env("PYTHONUTF8", "1");
        let mut process = command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(log).spawn().unwrap();
        let (questions, answers) = (process.stdin.take().unwrap(), BufReader::new(process.stdout.take().unwrap()));
        Self { process, questions, answers, folder: folder.to_owned() }
    }

    /// Its answer to one request.
    pub(super) fn ask(&mut self, call: &Call) -> Reply {
        let identity = call.who.headers();
        let headers = call.headers.iter().cloned().chain(identity);
        let question = json!({
            "method": call.method, "path": call.path, "second": call.second,
            "headers": headers.collect::<Vec<_>>(), "body": hex(&call.body),
        });
        writeln!(self.questions, "{question}").unwrap();
        let mut line = String::new();
        self.answers.read_line(&mut line).unwrap();
        let answer: Value = serde_json::from_str(&line).unwrap_or_else(|error| {
            let said = std::fs::read_to_string(self.folder.join("output")).unwrap_or_default();
            panic!("Python Glance does not answer: {error}\n{said}")
        });
        let headers =
            answer["headers"].as_array().unwrap().iter().map(|header| {
                (header[0].as_str().unwrap().to_ascii_lowercase(), header[1].as_str().unwrap().to_owned())
            });
        let status = u16::try_from(answer["status"].as_u64().unwrap()).unwrap();
        Reply { status, headers: headers.collect(), body: unhex(answer["body"].as_str().unwrap()) }
    }
}

impl Drop for PythonGlance {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

fn write_configuration(python: &OsStr, folder: &Path, protections: &Files) {
    let (place, Files { options, sections }) = (folder.display(), protections);
    let text = format!(
        "[DEFAULT]\n{OPTIONS}{options}enabled_backends = fast:file, slow:file, web:http\nlog_file = {place}/glance.log\n\
         [database]\nconnection = sqlite:///{place}/glance.db\n\
         [glance_store]\ndefault_backend = fast\n\
         [fast]\nfilesystem_store_datadir = {place}/images\n\
         [slow]\nfilesystem_store_datadir = {place}/slow\n\
         [os_glance_staging_store]\nfilesystem_store_datadir = {place}/staging\n\
         [os_glance_tasks_store]\nfilesystem_store_datadir = {place}/tasks\n\
         [import_filtering_opts]\nallowed_hosts = [127.0.0.1]\nallowed_ports = []\n\
         [paste_deploy]\nconfig_file = {place}/glance-api-paste.ini\n{sections}"
    );
    std::fs::write(folder.join("glance-api.conf"), text).unwrap();
    let shipped = Path::new(python).parent().unwrap().join("../etc/glance/glance-api-paste.ini");
    let paste = std::fs::read_to_string(&shipped).unwrap_or_else(|error| panic!("{}: {error}", shipped.display()));
    // Who calls is in headers that nobody checks: `context` reads them.
    let paste = paste.lines().map(|line| match line.strip_prefix("default = ") {
        Some(pipeline) => format!("default = {}\n", pipeline.replace("unauthenticated-context", "context")),
        None => format!("{line}\n"),
    });
    std::fs::write(folder.join("glance-api-paste.ini"), paste.collect::<String>()).unwrap();
    for name in ["images", "slow", "staging", "tasks"] {
        std::fs::create_dir(folder.join(name)).unwrap();
    }
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

fn unhex(text: &str) -> Vec<u8> {
    (0..text.len()).step_by(2).map(|at| u8::from_str_radix(&text[at..at + 2], 16).unwrap()).collect()
}
