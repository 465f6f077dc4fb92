//! Virtual environments with the Python programs that the project is compared with, made once below the build folder.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;
use std::time::Instant;

use crate::error::{Context as _, Result};
use crate::{shell, workspace};

/// Python Glance, its stores, the database drivers, and what its authentication talks to memcached with.
pub(crate) const GLANCE: Environment = Environment {
    folder: "python-glance",
    packages: &[
        "glance==33.0.0",
        "glance-store[s3,swift]==5.7.0",
        "PyMySQL==1.2.4",
        "psycopg2-binary==2.9.13",
        "python-memcached==1.62",
    ],
};

/// What people use to talk to an image service.
pub(crate) const CLIENTS: Environment = Environment {
    folder: "python-clients",
    packages: &["python-glanceclient==4.13.0", "python-openstackclient==10.5.0", "openstacksdk==4.22.0"],
};

/// Python Keystone.
pub(crate) const KEYSTONE: Environment = Environment { folder: "python-keystone", packages: &["keystone==30.0.0"] };

/// What makes up requests from the OpenAPI document.
pub(crate) const SCHEMATHESIS: Environment =
    Environment { folder: "python-schemathesis", packages: &["schemathesis==4.32.5"] };

/// OpenStack's integration tests, with those of Glance.
pub(crate) const TEMPEST: Environment = Environment {
    folder: "python-tempest",
    packages: &["tempest==47.0.0", "glance-tempest-plugin==0.17.0", "stestr==4.2.1"],
};

/// A set of packages from PyPI in a folder of their own.
pub(crate) struct Environment {
    folder: &'static str,
    packages: &'static [&'static str],
}

impl Environment {
    /// The environment's folder of programs; made on first use, and anew when the list of packages has changed.
    pub(crate) fn programs(&self) -> Result<PathBuf> {
        let folder = workspace::target().join(self.folder);
        let programs = folder.join("bin");
        let list = self.packages.join("\n");
        let done = folder.join("packages.txt");
        if fs::read_to_string(&done).is_ok_and(|installed| installed == list) {
            return Ok(programs);
        }
        println!("installing {} into {} (once)", self.packages.join(", "), folder.display());
        let start = Instant::now();
        if folder.exists() {
            fs::remove_dir_all(&folder)?;
        }
        let python = interpreter().ok_or("no Python 3.11 or newer with the venv module")?;
        shell::output(Command::new(python).args(["-m", "venv"]).arg(&folder))?;
        install(&programs, self.packages)?;
        fs::write(&done, list)?;
        println!("installed in {} s", start.elapsed().as_secs());
        Ok(programs)
    }
}

/// Installs packages into the environment whose programs are in `programs`.
pub(crate) fn install(programs: &Path, packages: &[&str]) -> Result<()> {
    let mut pip = Command::new(programs.join("pip"));
    pip.args(["install", "--quiet", "--disable-pip-version-check", "--prefer-binary"]).args(packages);
    shell::output(&mut pip).map(drop).context("cannot install Python packages")
}

/// The first Python on the path that is new enough and runs.
pub(crate) fn interpreter() -> Option<&'static PathBuf> {
    static FOUND: OnceLock<Option<PathBuf>> = OnceLock::new();
    FOUND
        .get_or_init(|| {
            ["python3", "python3.11", "python3.12", "python3.13"].into_iter().filter_map(shell::find).find(|python| {
                shell::succeeds(
                    Command::new(python).args(["-c", "import sys; sys.version_info < (3, 11) and sys.exit(1)"]),
                )
            })
        })
        .as_ref()
}
