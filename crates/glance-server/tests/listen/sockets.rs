//! Addresses, Unix sockets, and sockets of systemd.

use std::net::TcpListener;
use std::os::unix::fs::PermissionsExt as _;
use std::os::unix::net::{UnixDatagram, UnixListener, UnixStream};
use std::process::{Command, Stdio};

use rustix::process::{Signal, kill_process};

use crate::process::{OK, PATIENCE, Server, ask, config, prepare, program};

#[test]
fn ipv6() {
    let server = Server::start("bind_host = ::1");
    assert!(server.address().is_ipv6());
    assert_eq!(ask(&mut server.connect(), "/healthcheck"), OK);
}

#[test]
fn a_name() {
    let server = Server::start("bind_host = localhost");
    assert_eq!(ask(&mut server.connect(), "/healthcheck"), OK);
}

#[test]
fn other_machines_only_if_that_is_meant() {
    let folder = prepare("bind_host = 0.0.0.0");
    let output = program().args(["api", "--config-file"]).arg(config(folder.path())).output().unwrap();
    assert!(!output.status.success());
    assert!(String::from_utf8_lossy(&output.stderr).contains("--allow-unauthenticated"));
}

#[test]
fn a_unix_socket_replaces_what_a_dead_process_left() {
    let folder = prepare("");
    let path = folder.path().join("glance.sock");
    let text = std::fs::read_to_string(config(folder.path())).unwrap();
    let text = format!("{text}[listen]\nunix_socket = {}\nunix_socket_mode = 600\n", path.display());
    std::fs::write(config(folder.path()), text).unwrap();
    drop(UnixListener::bind(&path).unwrap());
    let mut server = Server::start_in(folder);
    assert_eq!(std::fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
    assert_eq!(ask(&mut UnixStream::connect(&path).unwrap(), "/healthcheck"), OK);
    // A second service does not take the socket away.
    let second = program().args(["api", "--config-file"]).arg(config(server.folder.path())).output().unwrap();
    assert!(String::from_utf8_lossy(&second.stderr).contains("another process listens there"));
    server.stop();
    assert!(!path.exists());
}

#[test]
fn systemd_hands_over_a_socket_and_is_told_how_it_goes() {
    let folder = prepare("");
    let notify = folder.path().join("notify");
    let told = UnixDatagram::bind(&notify).unwrap();
    told.set_read_timeout(Some(PATIENCE)).unwrap();
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    // The socket comes as the standard input and is moved to where systemd puts it.
    let script = "exec 3<&0 0</dev/null; LISTEN_PID=$$ LISTEN_FDS=1 exec \"$@\"";
    let mut command = Command::new("sh");
    command.args(["-c", script, "sh"]).arg(program().get_program()).args(["api", "--config-file"]);
    command.arg(config(folder.path())).env("NOTIFY_SOCKET", &notify);
    command.stdin(Stdio::from(std::os::fd::OwnedFd::from(listener)));
    let mut server = Server::run(command, folder);
    assert_eq!(server.address(), address);
    assert_eq!(ask(&mut server.connect(), "/healthcheck"), OK);
    let state = || {
        let mut buffer = [0; 200];
        let length = told.recv(&mut buffer).unwrap();
        String::from_utf8_lossy(&buffer[..length]).into_owned()
    };
    assert_eq!(state(), "READY=1");
    kill_process(server.pid(), Signal::HUP).unwrap();
    assert!(state().starts_with("RELOADING=1\nMONOTONIC_USEC="));
    assert_eq!(state(), "READY=1");
    server.stop();
    assert_eq!(state(), "STOPPING=1");
    assert!(server.log().contains("the configuration was read again"));
}
