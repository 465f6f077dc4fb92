//! `stores-info`, `import-info`, `usage` and `explain`.

use clap::Args;
use glance_client::{Error, ErrorKind, Json, Object};

use super::Context;
use crate::failure::Failure;
use crate::output::{Cells, Listing, OutputArgs, Properties};

#[derive(Debug, Args)]
pub(crate) struct StoresArgs {
    /// Show the settings of the stores; for administrators
    #[arg(long)]
    detail: bool,
    #[command(flatten)]
    output: OutputArgs,
}

#[derive(Debug, Args)]
pub(crate) struct ImportArgs {
    #[command(flatten)]
    output: OutputArgs,
}

#[derive(Debug, Args)]
pub(crate) struct UsageArgs {
    #[command(flatten)]
    output: OutputArgs,
}

#[derive(Debug, Args)]
pub(crate) struct ExplainArgs {
    /// Name of the model to describe
    #[arg(value_name = "MODEL")]
    model: String,
    #[command(flatten)]
    output: OutputArgs,
}

pub(crate) async fn stores(context: &Context, args: StoresArgs) -> Result<(), Failure> {
    let info = context.client.info();
    let answer = if args.detail { info.stores_detail().await } else { info.stores().await };
    let stores = answer.map_err(|error| missing(error, "Multi Backend support is not enabled"))?;
    Properties::new(stores).print(&args.output)
}

pub(crate) async fn import(context: &Context, args: ImportArgs) -> Result<(), Failure> {
    let answer = context.client.info().import().await;
    let methods = answer.map_err(|error| missing(error, "Target Glance does not support Image Import workflow"))?;
    Properties::new(methods).print(&args.output)
}

pub(crate) async fn usage(context: &Context, args: UsageArgs) -> Result<(), Failure> {
    let answer = context.client.info().usage().await?;
    let quotas = answer.get("usage").and_then(Json::as_object).cloned().unwrap_or_default();
    let row = |(name, quota): (&str, &Json)| {
        let figure = |which| quota.as_object().and_then(|quota| quota.get(which)).cloned().unwrap_or_else(|| "".into());
        vec![name.into(), figure("limit"), figure("usage")]
    };
    let rows = quotas.iter().map(row).collect();
    Listing { columns: vec!["Quota", "Limit", "Usage"], rows, cells: Cells::Plain }.print(&args.output)
}

pub(crate) async fn explain(context: &Context, args: ExplainArgs) -> Result<(), Failure> {
    let answer = context.client.info().schema(&args.model).await;
    let unknown = format!("Unable to find requested model '{}'", args.model);
    let schema = answer.map_err(|error| missing(error, &unknown))?;
    let attributes = schema.get("properties").and_then(Json::as_object).cloned().unwrap_or_default();
    let description = |value: &Json| value.as_object().and_then(|object: &Object| object.get("description")).cloned();
    let row = |(name, value): (&str, &Json)| vec![name.into(), description(value).unwrap_or(Json::Null)];
    let rows = attributes.iter().map(row).collect();
    Listing { columns: vec!["Attribute", "Description"], rows, cells: Cells::BlankWhenFalse }.print(&args.output)
}

/// What a 404 means here.
fn missing(error: Error, meaning: &str) -> Failure {
    match error.kind() {
        ErrorKind::NotFound => Failure::message(meaning),
        _ => error.into(),
    }
}
