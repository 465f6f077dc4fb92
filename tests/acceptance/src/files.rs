//! A web server with files, for images whose data is elsewhere.

use std::fs;
use std::net::{Ipv4Addr, SocketAddr, TcpListener};
use std::process::{Child, Command, Stdio};

use crate::folder::Folder;
use crate::http::{Endpoint, Request};
use crate::{environment, wait};

/// The server; it ends with this value.
pub struct Files {
    process: Child,
    endpoint: Endpoint,
}

impl Files {
    /// Serves these files, by their names, from a place in the folder.
    ///
    /// # Panics
    /// When it does not answer.
    #[must_use]
    pub fn serve(folder: &Folder, files: &[(&str, &[u8])]) -> Self {
        let place = folder.file("files");
        fs::create_dir(&place).unwrap();
        for (name, bytes) in files {
            fs::write(place.join(name), bytes).unwrap();
        }
        let port = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap().local_addr().unwrap().port();
        let mut command = Command::new(environment::python_glance().join("python"));
        command.args(["-m", "http.server", "--bind", "127.0.0.1", "--directory"]).arg(place).arg(port.to_string());
        let process = command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
        let files = Self { process, endpoint: Endpoint { address: SocketAddr::from((Ipv4Addr::LOCALHOST, port)) } };
        wait::until("files are served", || files.endpoint.try_send(&Request::new("GET", "/")).ok());
        files
    }

    /// Where the files are, without a slash at the end.
    #[must_use]
    pub fn url(&self) -> String {
        self.endpoint.url()
    }

    /// The port of `127.0.0.1`.
    #[must_use]
    pub fn port(&self) -> u16 {
        self.endpoint.address.port()
    }
}

impl Drop for Files {
    fn drop(&mut self) {
        // It may have ended by itself; either way it is gone afterwards.
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}
