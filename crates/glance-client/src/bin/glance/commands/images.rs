//! `image-*` but for the transfer of data.

use std::path::PathBuf;

use clap::Args;
use futures_util::{StreamExt, pin_mut};
use glance_client::{ErrorKind, Image, ImageQuery, Json, NewImage, Object, Patch};

use super::{Context, transfer};
use crate::failure::{Failure, complain};
use crate::output::{Format, Listing, OutputArgs, Properties};

#[derive(Debug, Args)]
pub(crate) struct IdArgs {
    /// ID of the image
    #[arg(value_name = "IMAGE_ID")]
    pub(crate) id: String,
}

#[derive(Debug, Args)]
pub(crate) struct DeleteArgs {
    /// IDs of the images
    #[arg(value_name = "IMAGE_ID", required = true)]
    ids: Vec<String>,
}

#[derive(Debug, Args)]
pub(crate) struct TagUpdateArgs {
    /// Image to be tagged
    #[arg(value_name = "IMAGE_ID")]
    image_id: String,
    /// The tag
    #[arg(value_name = "TAG_VALUE")]
    tag_value: String,
    #[command(flatten)]
    output: OutputArgs,
}

#[derive(Debug, Args)]
pub(crate) struct TagDeleteArgs {
    /// Image from which to remove the tag
    #[arg(value_name = "IMAGE_ID")]
    image_id: String,
    /// The tag
    #[arg(value_name = "TAG_VALUE")]
    tag_value: String,
}

#[derive(Debug, Args)]
pub(crate) struct ShowArgs {
    /// ID of the image
    #[arg(value_name = "IMAGE_ID")]
    id: String,
    /// Print the size in units of 1024 bytes
    #[arg(long)]
    human_readable: bool,
    /// Wrap what is wider
    #[arg(long, value_name = "COLUMNS", default_value_t = 80)]
    max_column_width: usize,
    #[command(flatten)]
    output: OutputArgs,
}

/// Attributes that can be set when an image is created and later.
#[derive(Debug, Args)]
struct Attributes {
    /// Name, which need not be unique
    #[arg(long, value_name = "NAME")]
    name: Option<String>,
    /// Format of the disk: raw, qcow2, vmdk, …
    #[arg(long, value_name = "DISK_FORMAT")]
    disk_format: Option<String>,
    /// Format of what is around the disk: bare, ova, …
    #[arg(long, value_name = "CONTAINER_FORMAT")]
    container_format: Option<String>,
    /// Who sees the image: public, private, shared or community
    #[arg(long, value_name = "VISIBILITY")]
    visibility: Option<String>,
    /// Project the image belongs to
    #[arg(long, value_name = "OWNER")]
    owner: Option<String>,
    /// Disk space in GB that is required to boot the image
    #[arg(long, value_name = "MIN_DISK")]
    min_disk: Option<u64>,
    /// Memory in MB that is required to boot the image
    #[arg(long, value_name = "MIN_RAM")]
    min_ram: Option<u64>,
    /// Whether the image cannot be deleted
    #[arg(long, value_name = "True|False", value_parser = boolean)]
    protected: Option<bool>,
    /// Whether lists leave the image out by default
    #[arg(long, value_name = "True|False", value_parser = boolean)]
    hidden: Option<bool>,
    /// Architecture of the operating system
    #[arg(long, value_name = "ARCHITECTURE")]
    architecture: Option<String>,
    /// Instance that the image is a snapshot of
    #[arg(long, value_name = "INSTANCE_UUID")]
    instance_uuid: Option<String>,
    /// ID of the image with the kernel of an AMI
    #[arg(long, value_name = "KERNEL_ID")]
    kernel_id: Option<String>,
    /// Name of the operating system distribution
    #[arg(long, value_name = "OS_DISTRO")]
    os_distro: Option<String>,
    /// Version of the operating system
    #[arg(long, value_name = "OS_VERSION")]
    os_version: Option<String>,
    /// ID of the image with the ramdisk of an AMI
    #[arg(long, value_name = "RAMDISK_ID")]
    ramdisk_id: Option<String>,
    /// Any other property; may be repeated
    #[arg(long = "property", value_name = "KEY=VALUE")]
    properties: Vec<String>,
}

impl Attributes {
    /// The attributes that are given, by their names in the API; a property wins over an option of the same name.
    fn into_object(self) -> Result<Object, Failure> {
        let mut object = Object::new();
        let texts = [
            ("name", self.name),
            ("disk_format", self.disk_format),
            ("container_format", self.container_format),
            ("visibility", self.visibility),
            ("owner", self.owner),
            ("architecture", self.architecture),
            ("instance_uuid", self.instance_uuid),
            ("kernel_id", self.kernel_id),
            ("os_distro", self.os_distro),
            ("os_version", self.os_version),
            ("ramdisk_id", self.ramdisk_id),
        ];
        let given = |(name, value): (&'static str, Option<String>)| Some((name, Json::from(value?)));
        let numbers = [("min_disk", self.min_disk), ("min_ram", self.min_ram)];
        let flags = [("protected", self.protected), ("os_hidden", self.hidden)];
        let others = numbers
            .into_iter()
            .filter_map(|(name, value)| Some((name, Json::from(value?))))
            .chain(flags.into_iter().filter_map(|(name, value)| Some((name, Json::from(value?)))));
        for (name, value) in texts.into_iter().filter_map(given).chain(others) {
            object.insert(name, value);
        }
        for property in &self.properties {
            let (name, value) = key_value(property, "--property")?;
            object.insert(name, value);
        }
        Ok(object)
    }
}

#[derive(Debug, Args)]
pub(crate) struct CreateArgs {
    /// Identifier for the image in place of a random one
    #[arg(long, value_name = "ID")]
    id: Option<String>,
    /// Tags of the image
    #[arg(long, value_name = "TAGS", num_args = 1..)]
    tags: Option<Vec<String>>,
    #[command(flatten)]
    attributes: Attributes,
    /// Local file with the data; without it, data is read from standard input unless that is a terminal
    #[arg(long, value_name = "FILE")]
    file: Option<PathBuf>,
    /// Refused: the size follows from the data
    #[arg(long, value_name = "IMAGE_SIZE", hide = true)]
    size: Option<u64>,
    /// Show how far the upload is
    #[arg(long)]
    progress: bool,
    /// Store to upload the data to; defaults to env[OS_IMAGE_STORE]
    #[arg(long, value_name = "STORE")]
    store: Option<String>,
    #[command(flatten)]
    output: OutputArgs,
}

#[derive(Debug, Args)]
pub(crate) struct UpdateArgs {
    /// ID of the image
    #[arg(value_name = "IMAGE_ID")]
    id: String,
    #[command(flatten)]
    attributes: Attributes,
    /// Name of a property to remove; may be repeated
    #[arg(long = "remove-property", value_name = "KEY")]
    removed: Vec<String>,
    #[command(flatten)]
    output: OutputArgs,
}

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

/// Creates an image, and uploads its data if there is any. What became of the image is shown even if the upload fails.
pub(crate) async fn create(context: &Context, args: CreateArgs) -> Result<(), Failure> {
    if args.size.is_some() {
        let text = "Setting 'size' during image creation is not supported. Please use --size only when uploading data.";
        return Err(Failure::message(text));
    }
    let mut fields = args.attributes.into_object()?;
    if let Some(id) = args.id {
        fields.insert("id", id);
    }
    if let Some(tags) = args.tags {
        fields.insert("tags", tags);
    }
    let upload = transfer::Upload::prepare(context, args.file.as_deref(), args.store, args.progress).await;
    let upload = upload.map_err(|failure| match failure {
        transfer::NoUpload::StoreWithoutData => {
            Failure::message("--store option should only be provided with --file option or stdin.")
        }
        transfer::NoUpload::Failed(failure) => failure,
    })?;
    if upload.is_some() {
        require_formats(&fields, if args.file.is_some() { "--file" } else { "stdin" })?;
    }
    let new = fields.iter().fold(NewImage::new(), |new, (name, value)| new.set(name, value.clone()));
    let mut image = context.client.images().create(&new).await?;
    let outcome = match upload {
        Some(upload) => upload.run(context, image.id()).await,
        None => Ok(false),
    };
    if matches!(outcome, Ok(true)) {
        image = context.client.images().show(image.id()).await?;
    }
    print_image(&image, &args.output)?;
    outcome.map(drop)
}

fn require_formats(fields: &Object, source: &str) -> Result<(), Failure> {
    let missing: Vec<_> = [("disk_format", "--disk-format"), ("container_format", "--container-format")]
        .into_iter()
        .filter(|(name, _)| fields.get(name).is_none())
        .map(|(_, option)| option)
        .collect();
    if missing.is_empty() {
        return Ok(());
    }
    Err(Failure::message(format!("error: Must provide {} when using {source}.", missing.join(", "))))
}

pub(crate) async fn update(context: &Context, args: UpdateArgs) -> Result<(), Failure> {
    let wanted = args.attributes.into_object()?;
    let image = context.client.images().show(&args.id).await?;
    let patch = Patch::between(&image, wanted.iter(), args.removed.iter().map(String::as_str));
    let image = if patch.is_empty() { image } else { context.client.images().update(&args.id, &patch).await? };
    print_image(&image, &args.output)
}

pub(crate) async fn show(context: &Context, args: ShowArgs) -> Result<(), Failure> {
    let image = context.client.images().show(&args.id).await?;
    let mut properties = properties_of(&image, args.output.format);
    properties.max_width = args.max_column_width;
    if args.human_readable {
        properties.values.insert("size", human_readable(image.size().unwrap_or(0)));
    }
    properties.print(&args.output)
}

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

/// Deletes each image; one that cannot be deleted does not keep the others.
pub(crate) async fn delete(context: &Context, args: DeleteArgs) -> Result<(), Failure> {
    let mut outcome = Ok(());
    for id in &args.ids {
        let Err(error) = context.client.images().delete(id).await else { continue };
        match error.kind() {
            ErrorKind::Forbidden => complain(&format!("You are not permitted to delete the image '{id}'.")),
            ErrorKind::NotFound => complain(&format!("No image with an ID of '{id}' exists.")),
            ErrorKind::Conflict => complain(&format!("Unable to delete image '{id}' because it is in use.")),
            ErrorKind::Invalid => complain(&error.to_string()),
            _ if error.status().is_some() => complain(&format!("'{error}': Unable to delete image '{id}'")),
            // Without an answer there is no point in asking again.
            _ => return Err(error.into()),
        }
        outcome = Err(Failure::Reported);
    }
    outcome
}

pub(crate) async fn add_tag(context: &Context, args: TagUpdateArgs) -> Result<(), Failure> {
    if args.tag_value.is_empty() {
        return Err(Failure::message("Unable to update tag. Specify image_id and tag_value"));
    }
    context.client.images().add_tag(&args.image_id, &args.tag_value).await?;
    let image = context.client.images().show(&args.image_id).await?;
    Listing::of(&["ID", "Tags"], [image.document()]).print(&args.output)
}

pub(crate) async fn delete_tag(context: &Context, args: TagDeleteArgs) -> Result<(), Failure> {
    if args.tag_value.is_empty() {
        return Err(Failure::message("Unable to delete tag. Specify image_id and tag_value"));
    }
    Ok(context.client.images().delete_tag(&args.image_id, &args.tag_value).await?)
}

fn print_image(image: &Image, output: &OutputArgs) -> Result<(), Failure> {
    properties_of(image, output.format).print(output)
}

/// What is shown of an image: everything but the links.
fn properties_of(image: &Image, format: Format) -> Properties {
    let links = ["self", "access", "file", "schema"];
    let shown = image.document().iter().filter(|(name, _)| !links.contains(name));
    let mut values: Object = shown.map(|(name, value)| (name.to_owned(), value.clone())).collect();
    let unknown = values.get("virtual_size").is_some() && image.virtual_size().unwrap_or(0) == 0;
    if unknown && format == Format::Table {
        values.insert("virtual_size", "Not available");
    }
    Properties::new(values)
}

fn key_value<'a>(pair: &'a str, option: &str) -> Result<(&'a str, &'a str), Failure> {
    pair.split_once('=')
        .ok_or_else(|| Failure::message(format!("Argument {option} expected properties in the format KEY=VALUE")))
}

fn boolean(text: &str) -> Result<bool, String> {
    match text.trim().to_ascii_lowercase().as_str() {
        "t" | "true" | "on" | "y" | "yes" | "1" => Ok(true),
        "f" | "false" | "off" | "n" | "no" | "0" => Ok(false),
        _ => Err("expected True or False".to_owned()),
    }
}

/// A size in units of 1024, with one digit behind the point unless that is zero.
fn human_readable(bytes: u64) -> String {
    const UNITS: [&str; 7] = ["B", "kB", "MB", "GB", "TB", "PB", "EB"];
    let (mut size, mut unit) = (bytes as f64, 0);
    while size >= 1024.0 && unit + 1 < UNITS.len() {
        size /= 1024.0;
        unit += 1;
    }
    let digits = format!("{size:.1}");
    format!("{}{}", digits.trim_end_matches('0').trim_end_matches('.'), UNITS[unit])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_are_shown_as_upstream_does() {
        for (bytes, shown) in [
            (0, "0B"),
            (10, "10B"),
            (1023, "1023B"),
            (1024, "1kB"),
            (1536, "1.5kB"),
            (2 << 30, "2GB"),
            (u64::MAX, "16EB"),
        ] {
            assert_eq!(human_readable(bytes), shown);
        }
    }

    #[test]
    fn truth_has_many_words() {
        assert_eq!((boolean("True"), boolean(" OFF ")), (Ok(true), Ok(false)));
        assert!(boolean("maybe").is_err());
    }
}
