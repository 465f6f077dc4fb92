//! The one binary of the service; `cmd` finds the program that is meant.

use std::process::ExitCode;

/// Image documents are made of many small strings; the system's allocator took a fifth of the time of a list.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    glance_server::cmd::main()
}
