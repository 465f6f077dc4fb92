//! Debian packages that the subcommands need: what is missing is installed, or named to who may not install it.

use std::path::Path;
use std::process::Command;

use crate::error::Result;
use crate::shell;

pub(crate) const HELP: &str = "\
Usage: cargo xtask install-deps [build] [test] [acceptance] [bench]

Installs with apt-get what is missing for the named purposes (all of them if none is named). Every other subcommand
does this for itself. Who is not root is told what to install.
";

/// What a set of packages is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Purpose {
    Build,
    Test,
    Acceptance,
    Bench,
}

const PURPOSES: &[(&str, Purpose)] = &[
    ("build", Purpose::Build),
    ("test", Purpose::Test),
    ("acceptance", Purpose::Acceptance),
    ("bench", Purpose::Bench),
];

/// How to tell whether a package is there.
enum Sign {
    Program(&'static str),
    File(&'static str),
    /// A Python expression that the interpreter for virtual environments evaluates without an error.
    Python(&'static str),
    /// PostgreSQL keeps its programs out of the path.
    Postgres,
}

use Purpose::{Acceptance, Bench, Build, Test};
use Sign::{File, Postgres, Program, Python};

const PACKAGES: &[(&str, Sign, &[Purpose])] = &[
    ("gcc", Program("gcc"), &[Build]),
    ("g++", Program("g++"), &[Build]),
    ("make", Program("make"), &[Build]),
    ("pkg-config", Program("pkg-config"), &[Build]),
    ("libssl-dev", File("/usr/include/openssl/ssl.h"), &[Build]),
    ("qemu-utils", Program("qemu-img"), &[Test, Acceptance]),
    ("postgresql", Postgres, &[Test]),
    ("mariadb-server", Program("mariadbd"), &[Test, Bench]),
    ("memcached", Program("memcached"), &[Test, Acceptance]),
    ("python3-venv", Python("__import__('ensurepip'), __import__('venv')"), &[Test, Acceptance, Bench]),
    // A real bootable disk image and a real bootable CD image.
    ("grub-rescue-pc", File("/usr/lib/grub-rescue/grub-rescue-usb.img"), &[Acceptance]),
    ("curl", Program("curl"), &[Acceptance, Bench]),
    ("nginx-light", Program("nginx"), &[Bench]),
    ("wrk", Program("wrk"), &[Bench]),
    ("openssl", Program("openssl"), &[Bench]),
    // uWSGI is compiled when it is installed.
    ("python3-dev", Python("open(__import__('sysconfig').get_path('include') + '/Python.h')"), &[Bench]),
];

/// `cargo xtask install-deps`.
pub(crate) fn run(arguments: &[String]) -> Result<()> {
    let mut purposes = Vec::new();
    for argument in arguments {
        let known = PURPOSES.iter().find(|(name, _)| name == argument);
        purposes.push(known.ok_or_else(|| format!("no purpose {argument:?}"))?.1);
    }
    if purposes.is_empty() {
        purposes.extend(PURPOSES.iter().map(|(_, purpose)| *purpose));
    }
    ensure(&purposes)
}

/// Installs the packages for `purposes` that are missing.
pub(crate) fn ensure(purposes: &[Purpose]) -> Result<()> {
    let missing: Vec<&str> = PACKAGES
        .iter()
        .filter(|(_, sign, needed_for)| needed_for.iter().any(|p| purposes.contains(p)) && !is_there(sign))
        .map(|(package, ..)| *package)
        .collect();
    if missing.is_empty() {
        return Ok(());
    }
    let list = missing.join(" ");
    if !shell::is_root() || shell::find("apt-get").is_none() {
        return Err(format!("missing on this machine; as root: apt-get install {list}").into());
    }
    println!("installing {list}");
    apt_get(&["update", "-qq"])?;
    let mut install = vec!["install", "-y", "-qq", "--no-install-recommends"];
    install.extend(missing);
    apt_get(&install)
}

fn apt_get(arguments: &[&str]) -> Result<()> {
    let mut command = Command::new("apt-get");
    shell::output(command.args(arguments).env("DEBIAN_FRONTEND", "noninteractive")).map(drop)
}

fn is_there(sign: &Sign) -> bool {
    match sign {
        Program(name) => shell::find(name).is_some(),
        File(path) => Path::new(path).exists(),
        Python(expression) => crate::python::interpreter()
            .is_some_and(|python| shell::succeeds(Command::new(python).args(["-c", expression]))),
        Postgres => crate::databases::postgres_programs().is_some(),
    }
}
