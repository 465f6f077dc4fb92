//! The one binary of the service; `cmd` finds the program that is meant.

use std::process::ExitCode;

fn main() -> ExitCode {
    glance_server::cmd::main()
}
