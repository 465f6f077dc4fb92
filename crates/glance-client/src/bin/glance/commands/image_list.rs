//! `image-list`.

use clap::Args;
use futures_util::{StreamExt, pin_mut};
use glance_client::ImageQuery;

use super::Context;
use super::attributes::{boolean, key_value};
use crate::failure::Failure;
use crate::output::{Listing, OutputArgs};

#[derive(Debug, Args)]
pub(crate) struct ListArgs {
    /// Images to list at most
    #[arg(long, value_name = "LIMIT")]
    limit: Option<u64>,
    /// Images to ask for in each request
    #[arg(long, value_name = "SIZE")]
    page_size: Option<u64>,
    /// Only images of this visibility
    #[arg(long, value_name = "VISIBILITY")]
    visibility: Option<String>,
    /// Only shared images to which this project said so: accepted, pending, rejected or all
    #[arg(long, value_name = "MEMBER_STATUS")]
    member_status: Option<String>,
    /// Only images of this project
    #[arg(long, value_name = "OWNER")]
    owner: Option<String>,
    /// Only images with this property; may be repeated
    #[arg(long = "property-filter", value_name = "KEY=VALUE")]
    properties: Vec<String>,
    /// Only images with this MD5
    #[arg(long, value_name = "CHECKSUM")]
    checksum: Option<String>,
    /// Only images with this os_hash_value
    #[arg(long, value_name = "HASH_VALUE")]
    hash: Option<String>,
    /// Only images with this tag; may be repeated
    #[arg(long = "tag", value_name = "TAG")]
    tags: Vec<String>,
    /// Sort by this field; may be repeated
    #[arg(long = "sort-key", value_name = "FIELD", value_parser = SORT_KEYS)]
    sort_keys: Vec<String>,
    /// Sort in this direction
    #[arg(long = "sort-dir", value_name = "DIRECTION", value_parser = ["asc", "desc"])]
    sort_dirs: Vec<String>,
    /// Sort by these fields, each with or without a direction
    #[arg(long, value_name = "KEY[:DIRECTION],...", conflicts_with_all = ["sort_keys", "sort_dirs"])]
    sort: Option<String>,
    /// Only images which are, or are not, hidden
    #[arg(long, value_name = "True|False", num_args = 0..=1, default_missing_value = "true", value_parser = boolean)]
    hidden: Option<bool>,
    /// Print the stores of each image
    #[arg(long, value_name = "True|False", num_args = 0..=1, default_missing_value = "true", value_parser = boolean)]
    include_stores: Option<bool>,
    #[command(flatten)]
    output: OutputArgs,
}

const SORT_KEYS: [&str; 8] =
    ["name", "status", "container_format", "disk_format", "size", "id", "created_at", "updated_at"];

/// Lists all pages.
pub(crate) async fn list(context: &Context, args: ListArgs) -> Result<(), Failure> {
    let query = query_of(&args)?;
    let images = context.client.images().list(&query);
    pin_mut!(images);
    let mut documents = Vec::new();
    while let Some(image) = images.next().await {
        documents.push(image?.document().clone());
    }
    let mut columns = vec!["ID", "Name"];
    if context.verbose {
        columns.extend(["Disk_format", "Container_format", "Size", "Status", "Owner"]);
    }
    if args.include_stores == Some(true) {
        columns.push("Stores");
    }
    Listing::of(&columns, &documents).print(&args.output)
}

fn query_of(args: &ListArgs) -> Result<ImageQuery, Failure> {
    let mut query = ImageQuery::new();
    let filters = [
        ("visibility", &args.visibility),
        ("member_status", &args.member_status),
        ("owner", &args.owner),
        ("checksum", &args.checksum),
        ("os_hash_value", &args.hash),
    ];
    for (name, value) in filters {
        if let Some(value) = value {
            query = query.filter(name, value);
        }
    }
    if let Some(hidden) = args.hidden {
        query = query.filter("os_hidden", if hidden { "True" } else { "False" });
    }
    for property in &args.properties {
        let (name, value) = key_value(property, "--property-filter")?;
        query = query.filter(name, value);
    }
    query = args.tags.iter().fold(query, |query, tag| query.filter("tag", tag));
    if let Some(limit) = args.limit.filter(|limit| *limit > 0) {
        query = query.limit(limit);
    }
    if let Some(size) = args.page_size.filter(|size| *size > 0) {
        query = query.page_size(size);
    }
    sorted(query, args)
}

fn sorted(mut query: ImageQuery, args: &ListArgs) -> Result<ImageQuery, Failure> {
    if let Some(sort) = &args.sort {
        return Ok(query.sort(sort));
    }
    if args.sort_dirs.len() > 1 && args.sort_dirs.len() != args.sort_keys.len() {
        let text = "Unexpected number of sort directions: either provide a single sort direction or an equal number of \
                    sort keys and sort directions.";
        return Err(Failure::message(text));
    }
    if args.sort_keys.is_empty() && args.sort_dirs.is_empty() {
        return Ok(query.sort_key("name").sort_dir("asc"));
    }
    query = args.sort_keys.iter().fold(query, |query, key| query.sort_key(key));
    Ok(args.sort_dirs.iter().fold(query, |query, direction| query.sort_dir(direction)))
}
