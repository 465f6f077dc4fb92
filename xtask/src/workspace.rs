//! Where things are: the workspace, its build folder, the programs built there.

use std::env;
use std::path::PathBuf;
use std::process::Command;

use crate::error::Result;
use crate::shell;

/// The workspace's root folder.
pub(crate) fn root() -> PathBuf {
    let manifest = env::var_os("CARGO_MANIFEST_DIR").unwrap_or_else(|| env!("CARGO_MANIFEST_DIR").into());
    let mut root = PathBuf::from(manifest);
    root.pop();
    root
}

/// The build folder; everything that the build tool makes is below it.
pub(crate) fn target() -> PathBuf {
    env::var_os("CARGO_TARGET_DIR").map_or_else(|| root().join("target"), |folder| root().join(folder))
}

/// The cargo that runs this tool.
pub(crate) fn cargo() -> Command {
    let mut command = Command::new(env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    command.current_dir(root());
    // What cargo tells a program it runs is not for the cargo that this program runs.
    for (name, _) in env::vars_os() {
        let text = name.to_string_lossy();
        if text.starts_with("CARGO_PKG_") || text.starts_with("CARGO_MANIFEST_") {
            command.env_remove(&name);
        }
    }
    command
}

/// Builds the server and the client for release and returns the folder of the programs.
pub(crate) fn build_release() -> Result<PathBuf> {
    shell::run(cargo().args(["build", "--release", "--locked"]).args(["-p", "glance-server", "-p", "glance-client"]))?;
    Ok(target().join("release"))
}
