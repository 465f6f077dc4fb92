//! The commands, one function each.

mod attributes;
pub(crate) mod completion;
pub(crate) mod image_list;
pub(crate) mod images;
pub(crate) mod info;
pub(crate) mod members;
pub(crate) mod transfer;

use glance_client::Client;
use keystone_auth::Environment;

use crate::args::{Cli, Command};
use crate::connect;
use crate::failure::Failure;

/// What every command may need.
pub(crate) struct Context {
    pub(crate) client: Client,
    pub(crate) environment: Environment,
    pub(crate) verbose: bool,
}

/// Runs the command.
pub(crate) async fn run(cli: Cli, environment: Environment) -> Result<(), Failure> {
    match cli.command {
        Command::Complete(args) => return completion::script(args),
        Command::BashCompletion => return completion::words(),
        _ => {}
    }
    let client = connect::client(&cli.global, &environment).await?;
    let context = Context { client, environment, verbose: cli.global.verbose };
    match cli.command {
        Command::ImageCreate(args) => images::create(&context, args).await,
        Command::ImageDelete(args) => images::delete(&context, args).await,
        Command::ImageDeactivate(args) => Ok(context.client.images().deactivate(&args.id).await?),
        Command::ImageDownload(args) => transfer::download(&context, args).await,
        Command::ImageList(args) => image_list::list(&context, args).await,
        Command::ImageReactivate(args) => Ok(context.client.images().reactivate(&args.id).await?),
        Command::ImageShow(args) => images::show(&context, args).await,
        Command::ImageTagDelete(args) => images::delete_tag(&context, args).await,
        Command::ImageTagUpdate(args) => images::add_tag(&context, args).await,
        Command::ImageUpdate(args) => images::update(&context, args).await,
        Command::ImageUpload(args) => transfer::upload(&context, args).await,
        Command::MemberCreate(args) => members::create(&context, args).await,
        Command::MemberDelete(args) => members::delete(&context, args).await,
        Command::MemberGet(args) => members::get(&context, args).await,
        Command::MemberList(args) => members::list(&context, args).await,
        Command::MemberUpdate(args) => members::update(&context, args).await,
        Command::Explain(args) => info::explain(&context, args).await,
        Command::ImportInfo(args) => info::import(&context, args).await,
        Command::StoresInfo(args) => info::stores(&context, args).await,
        Command::Usage(args) => info::usage(&context, args).await,
        Command::Complete(_) | Command::BashCompletion => Ok(()),
    }
}
