//! The servers that are compared, each as its makers would run it on this machine.

use std::fs;
use std::net::{Ipv4Addr, TcpStream};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};

use super::Stage;
use super::catalogue::Catalogue;
use crate::background::{Background, free_port};
use crate::error::{Context as _, Result};
use crate::{http, process, python, shell};

const START: Duration = Duration::from_secs(120);

/// A server to be measured.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Contender {
    Rust(Catalogue),
    Python(Catalogue),
    /// Delivers the same file, as a measure of what the machine can do.
    Nginx,
}

/// A contender that answers.
pub(super) struct Running {
    pub(super) port: u16,
    pub(super) server: Background,
    /// Seconds from the start of the process to its first answer.
    pub(super) first_answer: f64,
}

impl Contender {
    pub(super) const ALL: [Contender; 7] = [
        Contender::Rust(Catalogue::Sqlite),
        Contender::Python(Catalogue::Sqlite),
        Contender::Rust(Catalogue::MariaDb),
        Contender::Python(Catalogue::MariaDb),
        Contender::Rust(Catalogue::Postgres),
        Contender::Python(Catalogue::Postgres),
        Contender::Nginx,
    ];

    pub(super) fn name(self) -> &'static str {
        match self {
            Contender::Rust(Catalogue::Sqlite) => "rust-sqlite",
            Contender::Rust(Catalogue::MariaDb) => "rust-mariadb",
            Contender::Rust(Catalogue::Postgres) => "rust-postgres",
            Contender::Python(Catalogue::Sqlite) => "python-sqlite",
            Contender::Python(Catalogue::MariaDb) => "python-mariadb",
            Contender::Python(Catalogue::Postgres) => "python-postgres",
            Contender::Nginx => "nginx",
        }
    }

    /// Where it keeps what it knows of images.
    pub(super) fn catalogue(self) -> Option<Catalogue> {
        match self {
            Contender::Rust(catalogue) | Contender::Python(catalogue) => Some(catalogue),
            Contender::Nginx => None,
        }
    }

    /// Starts it with nothing stored, and waits for its first answer.
    pub(super) fn start(self, stage: &Stage) -> Result<Running> {
        let folder = stage.folder.join(self.name());
        if folder.exists() {
            fs::remove_dir_all(&folder)?;
        }
        fs::create_dir_all(&folder)?;
        let port = free_port()?;
        let command = match self {
            Contender::Rust(Catalogue::Sqlite) => rust(stage, &folder, port),
            Contender::Rust(catalogue) => rust_configured(catalogue, stage, &folder, port)?,
            Contender::Python(catalogue) => python_glance(catalogue, stage, &folder, port)?,
            Contender::Nginx => nginx(stage, &folder, port)?,
        };
        let path = if self == Contender::Nginx { "/image" } else { "/healthcheck" };
        let begun = Instant::now();
        let mut server = Background::start(self.name(), &command, None, &folder.join("server.log"))?;
        server.wait_until(START, || answers(port, path))?;
        Ok(Running { port, server, first_answer: begun.elapsed().as_secs_f64() })
    }
}

/// Starts our service on a catalogue and store of its own below `name`, with these options naming files.
pub(super) fn start_ours(stage: &Stage, name: &'static str, options: &[(&str, &Path)]) -> Result<Running> {
    let folder = stage.folder.join(name);
    fs::create_dir_all(&folder)?;
    let (port, place, file) = (free_port()?, folder.display(), folder.join("glance-api.conf"));
    let options: String = options.iter().map(|(option, value)| format!("{option} = {}\n", value.display())).collect();
    let text = format!(
        "[DEFAULT]\n{options}log_file = {place}/log\n[database]\nconnection = sqlite:///{place}/glance.sqlite\n\
         [glance_store]\nfilesystem_store_datadir = {place}/images\n"
    );
    fs::write(&file, text)?;
    let program = || Command::new(stage.programs.join("glance-server"));
    shell::output(program().args(["manage", "--config-file"]).arg(&file).args(["db", "sync"]))?;
    let mut command = program();
    command.args(["api", "--bind-host", "127.0.0.1", "--bind-port", &port.to_string(), "--config-file"]).arg(&file);
    let begun = Instant::now();
    let mut server = Background::start(name, &command, None, &folder.join("server.log"))?;
    // Where TLS is spoken, a connection is all that can be told from without.
    server.wait_until(START, || TcpStream::connect((Ipv4Addr::LOCALHOST, port)).is_ok())?;
    Ok(Running { port, server, first_answer: begun.elapsed().as_secs_f64() })
}

fn answers(port: u16, path: &str) -> bool {
    http::call(port, "HEAD", path, &[], "").is_ok() || http::is_healthy(port)
}

fn rust(stage: &Stage, folder: &Path, port: u16) -> Command {
    let mut command = Command::new(stage.programs.join("glance-server"));
    command.args(["api", "--bind-host", "127.0.0.1", "--bind-port", &port.to_string()]);
    command.arg("--data-dir").arg(folder.join("data"));
    command
}

/// On a database that Python Glance has set up, with the configuration that Python Glance gets.
fn rust_configured(catalogue: Catalogue, stage: &Stage, folder: &Path, port: u16) -> Result<Command> {
    let connection = catalogue.create(stage, folder)?;
    let config = write_configuration(folder, &connection)?;
    manage(&config, &["db_sync"])?;
    let mut command = Command::new(stage.programs.join("glance-server"));
    command.args(["api", "--bind-host", "127.0.0.1", "--bind-port", &port.to_string()]);
    command.arg("--config-file").arg(config.join("glance-api.conf"));
    Ok(command)
}

/// Two processes of eight threads: one per core, and what the deployment guides recommend.
fn python_glance(catalogue: Catalogue, stage: &Stage, folder: &Path, port: u16) -> Result<Command> {
    let programs = python::GLANCE.programs()?;
    if !programs.join("uwsgi").exists() {
        python::install(&programs, &["uWSGI==2.0.31"])?;
    }
    let connection = catalogue.create(stage, folder)?;
    let config = write_configuration(folder, &connection)?;
    manage(&config, &["db_sync"])?;
    let mut command = Command::new(programs.join("uwsgi"));
    command.args(["--http-socket", &format!("127.0.0.1:{port}"), "--module", "glance.wsgi.api:application"]);
    command.arg("--virtualenv").arg(programs.parent().ok_or("the environment has no folder")?);
    command.args("--master --processes 2 --threads 8 --lazy-apps --thunder-lock --need-app".split(' '));
    command.args("--buffer-size 65535 --socket-timeout 60 --http-auto-chunked --http-chunked-input".split(' '));
    command.args("--chunked-input-limit 67108864 --http-raw-body --die-on-term --disable-logging".split(' '));
    command.env("OS_GLANCE_CONFIG_DIR", config);
    Ok(command)
}

/// Writes Glance's configuration: one file store, and identity taken from the callers' headers, so that no Keystone is
/// in the way of what is measured. Returns the folder.
fn write_configuration(folder: &Path, connection: &str) -> Result<PathBuf> {
    let config = folder.join("etc");
    fs::create_dir_all(&config)?;
    let place = folder.display();
    let text = format!(
        "[DEFAULT]\nlog_file = {place}/glance.log\nenabled_backends = fast:file\n\
         [database]\nconnection = {connection}\n\
         [glance_store]\ndefault_backend = fast\n\
         [fast]\nfilesystem_store_datadir = {place}/images\n\
         [os_glance_staging_store]\nfilesystem_store_datadir = {place}/staging\n\
         [os_glance_tasks_store]\nfilesystem_store_datadir = {place}/tasks\n\
         [paste_deploy]\nconfig_file = {place}/etc/glance-api-paste.ini\n"
    );
    fs::write(config.join("glance-api.conf"), text)?;
    let shipped = python::GLANCE.programs()?.join("../etc/glance/glance-api-paste.ini");
    let paste = fs::read_to_string(&shipped).context(shipped.display())?;
    // Only the pipeline of the default flavor: `context` reads the identity from headers.
    let paste = paste.lines().map(|line| match line.strip_prefix("default = ") {
        Some(pipeline) => format!("default = {}\n", pipeline.replace("unauthenticated-context", "context")),
        None => format!("{line}\n"),
    });
    fs::write(config.join("glance-api-paste.ini"), paste.collect::<String>())?;
    Ok(config)
}

fn manage(config: &Path, arguments: &[&str]) -> Result<()> {
    let mut command = Command::new(python::GLANCE.programs()?.join("glance-manage"));
    command.arg("--config-file").arg(config.join("glance-api.conf")).args(arguments);
    shell::output(&mut command).map(drop)
}

fn nginx(stage: &Stage, folder: &Path, port: u16) -> Result<Command> {
    let (place, files) = (folder.display(), stage.folder.display());
    let user = if shell::is_root() { "user root;\n" } else { "" };
    let text = format!(
        "{user}daemon off;\nworker_processes 2;\npid {place}/nginx.pid;\nerror_log {place}/error.log;\n\
         events {{ worker_connections 512; }}\n\
         http {{\n  access_log off;\n  sendfile on;\n  tcp_nopush on;\n  default_type application/octet-stream;\n\
         client_body_temp_path {place}/body;\n  proxy_temp_path {place}/proxy;\n  fastcgi_temp_path {place}/fastcgi;\n\
         uwsgi_temp_path {place}/uwsgi;\n  scgi_temp_path {place}/scgi;\n\
         server {{ listen 127.0.0.1:{port}; root {files}; }}\n}}\n"
    );
    let config = folder.join("nginx.conf");
    fs::write(&config, text)?;
    let mut command = Command::new(shell::find("nginx").ok_or("nginx is not installed")?);
    command.arg("-c").arg(config).arg("-e").arg(folder.join("error.log"));
    Ok(command)
}

impl Running {
    /// Waits until the server's processes have used no CPU for a moment: background work is over.
    pub(super) fn settle(&self) {
        let mut before = f64::NAN;
        let mut quiet = 0;
        process::wait_until(Duration::from_secs(10), || {
            let now = super::usage::cpu_seconds(self.server.pid());
            quiet = if now == before { quiet + 1 } else { 0 };
            before = now;
            quiet >= 25
        });
    }
}
