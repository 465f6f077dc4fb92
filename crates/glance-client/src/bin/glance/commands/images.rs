//! `image-*` but for the transfer of data.

use std::path::PathBuf;

use clap::Args;
use glance_client::{ErrorKind, Image, NewImage, Object, Patch};

use super::attributes::Attributes;
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
}
