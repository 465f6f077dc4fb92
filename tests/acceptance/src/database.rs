//! Database servers that a test starts, kills and starts again.

use std::net::{SocketAddr, TcpStream};
use std::process::{Child, Command, Stdio};

use crate::shared::Engine;
use crate::{environment, wait};

/// A server of the test's own.
pub struct Database {
    script: String,
    address: SocketAddr,
    process: Option<Child>,
    /// A superuser's URL.
    pub url: String,
}

impl Database {
    /// Starts the server that `cargo xtask acceptance` has set up.
    ///
    /// # Panics
    /// When it has not, or the server does not come up.
    #[must_use]
    pub fn start(engine: Engine) -> Self {
        let kind = match engine {
            Engine::Postgres => "POSTGRES",
            Engine::MySql => "MYSQL",
            Engine::Sqlite => panic!("SQLite has no server"),
        };
        let variable = |name: String| environment::variable(&name).unwrap_or_else(|| panic!("{name} is not set"));
        let script = variable(format!("GLANCE_TEST_{kind}_START"));
        let url = variable(format!("GLANCE_TEST_{kind}_STARTABLE_URL"));
        let (_, place) = url.rsplit_once('@').unwrap();
        let address = place.split('/').next().unwrap().parse().unwrap();
        let mut database = Self { script, address, process: None, url };
        database.start_again();
        database
    }

    /// Starts it after [`Self::kill`].
    ///
    /// # Panics
    /// When it does not come up.
    pub fn start_again(&mut self) {
        wait::until("the database's server accepts connections", || {
            // What is left of the one before may keep it from starting for a moment.
            if self.process.as_mut().is_none_or(|process| process.try_wait().unwrap().is_some()) {
                let mut command = Command::new("setpriv");
                command.args(["--pdeathsig", "KILL", "--", "sh", &self.script]);
                command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
                self.process = Some(command.spawn().unwrap());
            }
            TcpStream::connect(self.address).ok()
        });
    }

    /// Ends it at once, whatever it is doing.
    ///
    /// # Panics
    /// When it does not run.
    pub fn kill(&mut self) {
        let mut process = self.process.take().unwrap();
        process.kill().unwrap();
        process.wait().unwrap();
    }
}

impl Drop for Database {
    fn drop(&mut self) {
        if let Some(mut process) = self.process.take() {
            // It may have ended by itself; either way it is gone afterwards.
            let _ = process.kill();
            let _ = process.wait();
        }
    }
}
