//! `cargo xtask demo`: what the service does, shown to a newcomer in a few seconds.

use std::fs;
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use crate::background::{self, free_port};
use crate::error::{Context as _, Result};
use crate::packages::{self, Purpose};
use crate::{http, process, shell, workspace};

pub(crate) const HELP: &str = "\
Usage: cargo xtask demo [stop]

Builds the programs, starts a server that keeps everything below target/demo/data, makes a disk image, takes it
through the server with the `glance` client, and leaves the server running for you. A second run begins afresh;
`cargo xtask demo stop` ends the server.
";

const START: Duration = Duration::from_secs(30);

/// The port of image services.
const USUAL_PORT: u16 = 9292;

/// A server to show things with.
struct Demo {
    folder: PathBuf,
    programs: PathBuf,
    url: String,
}

/// `cargo xtask demo`.
pub(crate) fn run(arguments: &[String]) -> Result<()> {
    let folder = workspace::target().join("demo");
    match arguments {
        [] => show_everything(folder),
        [word] if word == "stop" => {
            let stopped = stop(&folder)?;
            println!("{}", if stopped { "stopped" } else { "it does not run" });
            Ok(())
        }
        _ => Err(HELP.into()),
    }
}

fn show_everything(folder: PathBuf) -> Result<()> {
    packages::ensure(&[Purpose::Build, Purpose::Acceptance])?;
    println!("Building the server and the client (the first time takes a few minutes).");
    let programs = workspace::build_release()?;
    stop(&folder)?;
    if folder.exists() {
        fs::remove_dir_all(&folder)?;
    }
    fs::create_dir_all(&folder)?;
    let port = if TcpListener::bind(("127.0.0.1", USUAL_PORT)).is_ok() { USUAL_PORT } else { free_port()? };
    let demo = Demo { folder, programs, url: format!("http://127.0.0.1:{port}") };
    let pid = demo.start(port)?;
    demo.take_an_image_through()?;
    demo.say_how_to_go_on(pid);
    Ok(())
}

/// Ends the server of an earlier run; false if there was none.
fn stop(folder: &Path) -> Result<bool> {
    let Some(pid) = process::read_pid(&folder.join("pid"), "glance-server") else { return Ok(false) };
    process::end(pid, START)?;
    Ok(true)
}

impl Demo {
    fn start(&self, port: u16) -> Result<u32> {
        say("A server with no configuration: a folder is all it needs.");
        let log = self.folder.join("server.log");
        let mut server = Command::new(self.programs.join("glance-server"));
        server.args(["api", "--data-dir"]).arg(self.folder.join("data"));
        server.args(["--bind-host", "127.0.0.1", "--bind-port", &port.to_string()]);
        println!("$ {} &", shell::show(&server));
        let start = Instant::now();
        let pid = background::detach("glance-server", &mut server, None, &log)?;
        process::write_pid(&self.folder.join("pid"), pid)?;
        let answers = process::wait_until(START, || !process::runs(pid) || http::is_healthy(port));
        if !answers || !process::runs(pid) {
            return Err(format!("the server does not answer\n{}", background::tail(&log)).into());
        }
        println!("It answers at {} after {} ms.", self.url, start.elapsed().as_millis());
        Ok(pid)
    }

    fn take_an_image_through(&self) -> Result<()> {
        say("A disk of 10 GiB in the qcow2 format, with a little data on it.");
        let disk = self.folder.join("disk.qcow2");
        let mut make = Command::new("qemu-img");
        self.show(make.args(["create", "-q", "-f", "qcow2"]).arg(&disk).arg("10G"))?;
        let mut fill = Command::new("qemu-io");
        self.show(fill.args(["-f", "qcow2", "-c", "write -q -P 0x5a 1M 64M"]).arg(&disk))?;

        say("Register it and upload it.");
        let mut create = self.glance("image-create");
        create.args(["--name", "demo", "--disk-format", "qcow2", "--container-format", "bare"]);
        self.show(create.args(["--property", "os_distro=debian", "--file"]).arg(&disk))?;
        let id = self.id_of_the_image()?;
        say("Find it, look at it.");
        self.show(&mut self.glance("image-list"))?;
        self.show(self.glance("image-show").arg(&id))?;

        say("Get it back, and compare.");
        let copy = self.folder.join("copy.qcow2");
        self.show(self.glance("image-download").args(["--file"]).arg(&copy).arg(&id))?;
        self.show(Command::new("cmp").arg(&disk).arg(&copy))?;
        self.show(Command::new("qemu-img").args(["check", "-q"]).arg(&copy))?;
        println!("The two files are equal.");
        fs::remove_file(copy)?;
        Ok(())
    }

    /// Asks the service itself, so that nothing depends on how the client prints.
    fn id_of_the_image(&self) -> Result<String> {
        let port = self.url.rsplit(':').next().unwrap_or_default().parse()?;
        let list = http::call(port, "GET", "/v2/images?name=demo", &[], "")?;
        let list = crate::json::Json::parse(&list.body)?;
        let image = list.get("images").items().first().ok_or("the image is not in the list")?;
        Ok(image.get("id").text().to_owned())
    }

    fn glance(&self, subcommand: &str) -> Command {
        let mut command = Command::new(self.programs.join("glance"));
        command.args(["--os-auth-type", "none", "--os-endpoint", &self.url, subcommand]);
        command
    }

    /// Runs a command as one would type it: program names and paths short, output as it comes.
    fn show(&self, command: &mut Command) -> Result<()> {
        let shown = shell::show(command);
        let short = shown.replace(&format!("{}/", self.programs.display()), "");
        println!("$ {}", short.replace(&format!("{}/", self.folder.display()), ""));
        let status = command.stdin(Stdio::null()).status().context(&shown)?;
        if status.success() { Ok(()) } else { Err(format!("`{shown}`: {status}").into()) }
    }

    fn say_how_to_go_on(&self, pid: u32) {
        let Demo { folder, programs, url } = self;
        say("The server goes on. You can talk to it with");
        println!("    curl -s {url}/v2/images");
        println!("    {} --os-auth-type none --os-endpoint {url} image-list", programs.join("glance").display());
        println!("    openstack --os-auth-type none --os-endpoint {url} image list");
        println!(
            "Its log is {}; images and catalogue are in {}.",
            folder.join("server.log").display(),
            folder.join("data").display()
        );
        println!("To end it: cargo xtask demo stop (or: kill {pid})");
    }
}

fn say(words: &str) {
    println!("\n{words}");
}
