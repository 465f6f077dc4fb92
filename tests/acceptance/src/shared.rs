//! One catalogue and one store, served by Python Glance and by this service, in turn or at once.

use std::fs::{self, OpenOptions};
use std::io::Write as _;
use std::net::{Ipv4Addr, SocketAddr, TcpListener};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};

use crate::clients::run;
use crate::folder::Folder;
use crate::http::{Endpoint, Request};
use crate::images::Images;
use crate::server::announced_port;
use crate::{environment, wait};

/// The database behind the catalogue.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Engine {
    /// A file.
    Sqlite,
    /// A database of its own in the server of `GLANCE_TEST_POSTGRES_URL`.
    Postgres,
    /// A database of its own in the server of `GLANCE_TEST_MYSQL_URL`.
    MySql,
}

/// What the services share.
pub struct Shared {
    folder: Folder,
}

/// A running service; it ends with this value.
pub struct Service {
    process: Child,
    log: PathBuf,
    /// Where it answers.
    pub endpoint: Endpoint,
}

/// Serves Python Glance with a thread for each request, bodies in chunks too; its port is the first argument.
const PYTHON_GLANCE: &str = "
import socketserver, sys
from wsgiref import simple_server
from glance.wsgi.api import application

class Chunks:
    def __init__(self, source):
        self.source, self.left, self.ended = source, 0, False

    def read(self, size=-1):
        data = b''
        while not self.ended and (size < 0 or len(data) < size):
            if self.left == 0:
                self.left = int(self.source.readline().split(b';')[0], 16)
                self.ended = self.left == 0
            piece = self.source.read(self.left if size < 0 else min(self.left, size - len(data)))
            data, self.left = data + piece, self.left - len(piece)
            if self.left == 0:
                self.source.readline()
        return data

def serve(environ, start_response):
    if environ.get('HTTP_TRANSFER_ENCODING', '').lower() == 'chunked':
        environ['wsgi.input'] = Chunks(environ['wsgi.input'])
        environ['wsgi.input_terminated'] = True
    return application(environ, start_response)

class Server(socketserver.ThreadingMixIn, simple_server.WSGIServer):
    daemon_threads = True
    request_queue_size = 128

class Quiet(simple_server.WSGIRequestHandler):
    def log_message(self, *words):
        pass

simple_server.make_server('127.0.0.1', int(sys.argv[1]), serve, Server, Quiet).serve_forever()
";

/// Makes a database, with the drivers that Python Glance has. Arguments: the server's URL, the new database's name.
const CREATE_DATABASE: &str = "
import sys, urllib.parse
url = urllib.parse.urlsplit(sys.argv[1])
login = dict(host=url.hostname, port=url.port, user=url.username, password=url.password or '')
if url.scheme == 'mysql':
    import pymysql
    pymysql.connect(**login).cursor().execute(f'CREATE DATABASE {sys.argv[2]} CHARACTER SET utf8mb4')
else:
    import psycopg2
    connection = psycopg2.connect(dbname='postgres', **login)
    connection.autocommit = True
    connection.cursor().execute(f'CREATE DATABASE {sys.argv[2]}')
";

impl Shared {
    /// An empty store and an empty database, without tables.
    ///
    /// # Panics
    /// When the database's server or Python Glance is not at hand: `cargo xtask acceptance` starts them.
    #[must_use]
    pub fn create(engine: Engine) -> Self {
        let variable = match engine {
            Engine::Sqlite => return Self::on_server(engine, ""),
            Engine::Postgres => "GLANCE_TEST_POSTGRES_URL",
            Engine::MySql => "GLANCE_TEST_MYSQL_URL",
        };
        Self::on_server(engine, &environment::variable(variable).unwrap_or_else(|| panic!("{variable} is not set")))
    }

    /// As [`Self::create`], with a new database in the server of that URL.
    ///
    /// # Panics
    /// When the server does not answer.
    #[must_use]
    pub fn on_server(engine: Engine, server: &str) -> Self {
        let shared = Self { folder: Folder::new() };
        let url = match engine {
            Engine::Sqlite => format!("sqlite:///{}", shared.folder.file("glance.sqlite").display()),
            Engine::Postgres => create_database(server, "postgresql+psycopg2", ""),
            Engine::MySql => create_database(server, "mysql+pymysql", "?charset=utf8"),
        };
        fs::create_dir(shared.etc()).unwrap();
        fs::write(shared.config(), configuration(shared.folder.path(), &url)).unwrap();
        let shipped = environment::python_glance().join("../etc/glance/glance-api-paste.ini");
        let paste = fs::read_to_string(shipped).unwrap();
        // Identity comes from the headers that callers send: the default flavor's pipeline without a word of its own.
        let pipelines = paste.lines().map(|line| match line.strip_prefix("default = ") {
            Some(pipeline) => format!("default = {}\n", pipeline.replace("unauthenticated-context", "context")),
            None => format!("{line}\n"),
        });
        fs::write(shared.etc().join("glance-api-paste.ini"), pipelines.collect::<String>()).unwrap();
        shared
    }

    /// Adds lines to the configuration's last section, `[paste_deploy]`, and sections after it.
    ///
    /// # Panics
    /// When the file cannot be written.
    pub fn configure(&self, lines: &str) {
        let mut file = OpenOptions::new().append(true).open(self.config()).unwrap();
        file.write_all(lines.as_bytes()).unwrap();
    }

    /// Replaces a piece of the paste file.
    ///
    /// # Panics
    /// When the file does not have it.
    pub fn change_paste(&self, from: &str, to: &str) {
        let file = self.etc().join("glance-api-paste.ini");
        let paste = fs::read_to_string(&file).unwrap();
        assert!(paste.contains(from), "no {from:?} in {}", file.display());
        fs::write(file, paste.replace(from, to)).unwrap();
    }

    /// Runs Python Glance's `glance-manage`.
    pub fn manage_with_python(&self, words: &[&str]) -> String {
        let mut command = Command::new(environment::python_glance().join("glance-manage"));
        run(command.arg("--config-file").arg(self.config()).args(words))
    }

    /// Runs this service's `glance-manage`.
    pub fn manage(&self, words: &[&str]) -> String {
        let mut command = Command::new(environment::server_program());
        run(command.arg("manage").arg("--config-file").arg(self.config()).args(words))
    }

    /// Starts Python Glance.
    ///
    /// # Panics
    /// When it does not answer.
    #[must_use]
    pub fn start_python(&self) -> Service {
        let port = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap().local_addr().unwrap().port();
        self.start_python_at(Endpoint { address: SocketAddr::from((Ipv4Addr::LOCALHOST, port)) })
    }

    /// Starts Python Glance at an address that nobody has, or has no more.
    ///
    /// # Panics
    /// When it does not answer.
    #[must_use]
    pub fn start_python_at(&self, endpoint: Endpoint) -> Service {
        let port = endpoint.address.port();
        let mut command = Command::new(environment::python_glance().join("python"));
        command.args(["-c", PYTHON_GLANCE, &port.to_string()]).env("OS_GLANCE_CONFIG_DIR", self.etc());
        Service::start(&mut command, &self.folder.file("python.log"), Some(port))
    }

    /// Starts this service.
    ///
    /// # Panics
    /// When it does not answer.
    #[must_use]
    pub fn start_ours(&self) -> Service {
        let mut command = Command::new(environment::server_program());
        command.args(["api", "--bind-host", "127.0.0.1", "--bind-port", "0", "--config-file"]).arg(self.config());
        Service::start(&mut command, &self.folder.file("ours.log"), None)
    }

    /// The path of a file beside the store.
    #[must_use]
    pub fn file(&self, name: &str) -> PathBuf {
        self.folder.file(name)
    }

    fn etc(&self) -> PathBuf {
        self.folder.file("etc")
    }

    fn config(&self) -> PathBuf {
        self.etc().join("glance-api.conf")
    }
}

impl Service {
    /// Without a port, the service says which it has.
    fn start(command: &mut Command, log: &Path, port: Option<u16>) -> Self {
        let file = OpenOptions::new().create(true).append(true).open(log).unwrap();
        let already_said = usize::try_from(file.metadata().unwrap().len()).unwrap();
        command.stdin(Stdio::null()).stdout(file.try_clone().unwrap()).stderr(file);
        let process = command.spawn().unwrap();
        let endpoint = Endpoint { address: SocketAddr::from((Ipv4Addr::LOCALHOST, port.unwrap_or(0))) };
        let mut service = Self { process, log: log.to_owned(), endpoint };
        if port.is_none() {
            let port = wait::until("the service says where it listens", || {
                service.assert_running();
                announced_port(&String::from_utf8_lossy(&fs::read(log).unwrap()[already_said..]))
            });
            service.endpoint.address.set_port(port);
        }
        wait::until("the service answers", || {
            service.assert_running();
            service.endpoint.try_send(&Request::new("GET", "/healthcheck")).ok().filter(|answer| answer.status == 200)
        });
        service
    }

    /// Its images.
    #[must_use]
    pub fn images(&self) -> Images {
        Images::at(self.endpoint)
    }

    /// Sends a signal, such as `STOP`.
    ///
    /// # Panics
    /// When that is not possible.
    pub fn signal(&self, name: &str) {
        let sent = Command::new("kill").args(["-s", name, &self.process.id().to_string()]).status().unwrap();
        assert!(sent.success(), "cannot send {name}");
    }

    /// Ends it at once, whatever it is doing.
    ///
    /// # Panics
    /// When that is not possible.
    pub fn kill(&mut self) {
        self.process.kill().unwrap();
        self.process.wait().unwrap();
    }

    fn assert_running(&mut self) {
        if let Some(status) = self.process.try_wait().unwrap() {
            panic!("the service ended at once: {status}\n{}", fs::read_to_string(&self.log).unwrap());
        }
    }
}

impl Drop for Service {
    fn drop(&mut self) {
        // It may have ended by itself; either way it is gone afterwards.
        let _ = self.process.kill();
        let _ = self.process.wait();
        if std::thread::panicking() {
            eprintln!("the log is {}", self.log.display());
        }
    }
}

/// Makes a database in the server of that URL, and tells its own as Glance writes it.
fn create_database(server: &str, scheme: &str, options: &str) -> String {
    static COUNT: AtomicU32 = AtomicU32::new(0);
    let name = format!("glance_{}_{}", std::process::id(), COUNT.fetch_add(1, Ordering::Relaxed));
    let python = environment::python_glance().join("python");
    wait::until("the database's server makes a database", || {
        let mut create = Command::new(&python);
        create.args(["-c", CREATE_DATABASE, server, &name]).stderr(Stdio::null());
        create.status().unwrap().success().then_some(())
    });
    let (_, rest) = server.split_once("://").unwrap();
    let (place, _) = rest.rsplit_once('/').unwrap();
    format!("{scheme}://{place}/{name}{options}")
}

fn configuration(folder: &Path, url: &str) -> String {
    let place = folder.display();
    // Python Glance has no pool for SQLite, and refuses to be told how long to wait for it.
    let pool = if url.starts_with("sqlite") { "" } else { "pool_timeout = 5\n" };
    format!(
        "[DEFAULT]\nenabled_backends = fast:file\nshow_multiple_locations = true\nshow_image_direct_url = true\n\
         [database]\nconnection = {url}\n{pool}\
         [glance_store]\ndefault_backend = fast\n\
         [fast]\nfilesystem_store_datadir = {place}/images\n\
         [os_glance_staging_store]\nfilesystem_store_datadir = {place}/staging\n\
         [os_glance_tasks_store]\nfilesystem_store_datadir = {place}/tasks\n\
         [paste_deploy]\nconfig_file = {place}/etc/glance-api-paste.ini\n"
    )
}
