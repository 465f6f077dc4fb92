//! `glance`: the command line of the image service, with the commands and the output of python-glanceclient.

mod args;
mod commands;
mod connect;
mod failure;
mod output;
mod progress;
mod source;
mod target;
mod usage;

use std::process::ExitCode;

use keystone_auth::Environment;

use crate::args::Cli;
use crate::failure::Failure;

fn main() -> ExitCode {
    let outcome = usage::parse(std::env::args_os()).and_then(|cli| match cli {
        Some(cli) => work(cli),
        None => Ok(()),
    });
    failure::exit_code(outcome)
}

fn work(cli: Cli) -> Result<(), Failure> {
    let variables =
        std::env::vars_os().filter_map(|(name, value)| Some((name.into_string().ok()?, value.into_string().ok()?)));
    let environment = Environment::new(variables, std::env::current_dir().unwrap_or_default());
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build()?;
    let outcome = runtime.block_on(until_interrupted(commands::run(cli, environment)));
    // A read of standard input may be under way, which nothing can end.
    runtime.shutdown_background();
    outcome
}

async fn until_interrupted(command: impl Future<Output = Result<(), Failure>>) -> Result<(), Failure> {
    let (command, interrupt) = (std::pin::pin!(command), std::pin::pin!(tokio::signal::ctrl_c()));
    match futures_util::future::select(command, interrupt).await {
        futures_util::future::Either::Left((outcome, _)) => outcome,
        futures_util::future::Either::Right(_) => Err(Failure::Interrupted),
    }
}
