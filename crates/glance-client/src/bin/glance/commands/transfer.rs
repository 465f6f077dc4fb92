//! `image-upload` and `image-download`, and the upload within `image-create`.

use std::io::IsTerminal;
use std::path::{Path, PathBuf};

use clap::Args;
use glance_client::{DownloadOptions, Error, ErrorKind, Json, UploadOptions, Verifier};
use indicatif::ProgressBar;

use super::Context;
use crate::failure::Failure;
use crate::progress::{self, Outcome};
use crate::source::Source;
use crate::target::{self, Part, Sink};

#[derive(Debug, Args)]
pub(crate) struct UploadArgs {
    /// ID of the image
    #[arg(value_name = "IMAGE_ID")]
    id: String,
    /// Local file with the data; without it, data is read from standard input
    #[arg(long, value_name = "FILE")]
    file: Option<PathBuf>,
    /// Size of the data in bytes, where it cannot be found out
    #[arg(long, value_name = "IMAGE_SIZE")]
    size: Option<u64>,
    /// Show how far the upload is
    #[arg(long)]
    progress: bool,
    /// Store to upload the data to; defaults to env[OS_IMAGE_STORE]
    #[arg(long, value_name = "STORE")]
    store: Option<String>,
}

#[derive(Debug, Args)]
pub(crate) struct DownloadArgs {
    /// ID of the image
    #[arg(value_name = "IMAGE_ID")]
    id: String,
    /// Local file to save the data to; without it, data goes to standard output
    #[arg(long, value_name = "FILE")]
    file: Option<PathBuf>,
    /// Continue from FILE.part, which an earlier download left behind
    #[arg(long, requires = "file")]
    resume: bool,
    /// Show how far the download is
    #[arg(long)]
    progress: bool,
    /// Stores to try first, in this order, separated by commas
    #[arg(long, value_name = "STORES", value_delimiter = ',')]
    prefer: Vec<String>,
    /// Verify by MD5 where the image's os_hash_algo is unknown; defaults to env[OS_IMAGE_ALLOW_MD5_FALLBACK]
    #[arg(long)]
    allow_md5_fallback: bool,
}

/// An upload that can begin.
pub(crate) struct Upload {
    source: Source,
    store: Option<String>,
    bar: ProgressBar,
}

/// Why no upload can begin.
pub(crate) enum NoUpload {
    /// A store is given, but no data.
    StoreWithoutData,
    /// Something else.
    Failed(Failure),
}

impl<F: Into<Failure>> From<F> for NoUpload {
    fn from(failure: F) -> Self {
        Self::Failed(failure.into())
    }
}

impl Upload {
    /// Opens the data and checks the store; `None` when there is no data.
    pub(crate) async fn prepare(
        context: &Context,
        file: Option<&Path>,
        store: Option<String>,
        show: bool,
    ) -> Result<Option<Self>, NoUpload> {
        let source = Source::open(file)?;
        let demanded = store.is_some();
        let store = store.or_else(|| context.environment.get("OS_IMAGE_STORE").map(str::to_owned));
        let Some(source) = source else {
            return if demanded { Err(NoUpload::StoreWithoutData) } else { Ok(None) };
        };
        if let Some(store) = &store {
            check_store(context, store).await?;
        }
        let bar = progress::bar(show, source.size, 0);
        Ok(Some(Self { source, store, bar }))
    }

    /// Uploads; `true`, for there is data now.
    pub(crate) async fn run(self, context: &Context, id: &str) -> Result<bool, Failure> {
        let options = self.store.into_iter().fold(UploadOptions::default(), UploadOptions::store);
        let data = self.source.into_data(self.bar.clone());
        let outcome = context.client.images().upload(id, data, options).await;
        progress::end(&self.bar, Outcome::from(&outcome));
        Ok(outcome.map(|()| true)?)
    }
}

/// A service without named stores takes any name.
async fn check_store(context: &Context, store: &str) -> Result<(), Failure> {
    let answer = match context.client.info().stores().await {
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(()),
        answer => answer?,
    };
    let stores = answer.get("stores").and_then(Json::as_array).unwrap_or_default();
    let id =
        |known: &Json| known.as_object().and_then(|known| known.get("id")).and_then(Json::as_str).map(str::to_owned);
    if stores.iter().filter_map(id).any(|known| known == store) {
        return Ok(());
    }
    let text = "is not valid for this cloud. Valid values can be retrieved with stores-info command.";
    Err(Failure::message(format!("Store '{store}' {text}")))
}

pub(crate) async fn upload(context: &Context, args: UploadArgs) -> Result<(), Failure> {
    let prepared = Upload::prepare(context, args.file.as_deref(), args.store, args.progress).await;
    let nothing = || Failure::message("No image data: give --file or redirect standard input.");
    let mut upload = match prepared {
        Ok(upload) => upload.ok_or_else(nothing)?,
        Err(NoUpload::StoreWithoutData) => return Err(nothing()),
        Err(NoUpload::Failed(failure)) => return Err(failure),
    };
    match (args.size, upload.source.size) {
        (Some(given), Some(actual)) if given != actual => {
            let text = format!("Size mismatch: provided size {given} does not match the size of the image {actual}");
            return Err(Failure::message(text));
        }
        (Some(given), None) => {
            upload.source.size = Some(given);
            upload.bar = progress::bar(args.progress, Some(given), 0);
        }
        _ => {}
    }
    upload.run(context, &args.id).await.map(drop)
}

pub(crate) async fn download(context: &Context, args: DownloadArgs) -> Result<(), Failure> {
    let Some(file) = &args.file else {
        if std::io::stdout().is_terminal() {
            let text = "No redirection or local file specified for downloaded image data. Please specify a local file \
                        with --file to save downloaded image or redirect output to another source.";
            return Err(Failure::message(text));
        }
        return to_stream(context, &args, Sink::stdout()).await;
    };
    match Part::beside(file)? {
        Some(part) => to_file(context, &args, part).await,
        None => to_stream(context, &args, Sink::existing(file)?).await,
    }
}

/// Downloads to where nothing can be taken back.
async fn to_stream(context: &Context, args: &DownloadArgs, sink: Sink) -> Result<(), Failure> {
    let refused = |error| refused(&args.id, error);
    let image = context.client.images().show(&args.id).await.map_err(refused)?;
    let verifier = verifier(context, args, &image)?;
    let answer = context.client.images().download(&args.id, options(args, 0)).await.map_err(refused)?;
    let mut download = answer.ok_or_else(|| no_data(&args.id))?;
    let bar = progress::bar(args.progress, download.remaining(), 0);
    let received = target::pour(&mut download, sink, verifier, &bar).await;
    progress::end(&bar, Outcome::from(&received));
    verify(received?)
}

/// Downloads to a file which appears under its name when it is complete and verified.
async fn to_file(context: &Context, args: &DownloadArgs, part: Part) -> Result<(), Failure> {
    match fill(context, args, &part).await {
        Ok(verifier) => match verify(verifier) {
            Ok(()) => part.publish().await,
            Err(failure) => Err(part.discard(failure)),
        },
        Err(failure) => Err(part.keep(failure)),
    }
}

/// Receives what `part` lacks; the verifier has seen all of it then.
async fn fill(context: &Context, args: &DownloadArgs, part: &Part) -> Result<Option<Verifier>, Failure> {
    let refused = |error| refused(&args.id, error);
    let image = context.client.images().show(&args.id).await.map_err(refused)?;
    let mut check = verifier(context, args, &image)?;
    let mut done = 0;
    if args.resume {
        (done, check) = part.read_back(check).await?;
    }
    if done > 0 && Some(done) == image.size() {
        return Ok(check);
    }
    if image.size().is_some_and(|size| size < done) {
        // Whatever that is, it is not the beginning of this image.
        (done, check) = (0, verifier(context, args, &image)?);
    }
    let answer = context.client.images().download(&args.id, options(args, done)).await.map_err(refused)?;
    let mut download = answer.ok_or_else(|| no_data(&args.id))?;
    if download.offset() != done {
        // The server sends everything, whatever was asked for.
        (done, check) = (0, verifier(context, args, &image)?);
    }
    let bar = progress::bar(args.progress, download.remaining().map(|rest| rest + done), done);
    let received = target::pour(&mut download, part.sink_at(done)?, check, &bar).await;
    progress::end(&bar, Outcome::from(&received));
    received
}

fn options(args: &DownloadArgs, offset: u64) -> DownloadOptions {
    let stores = args.prefer.iter().map(|store| store.trim()).filter(|store| !store.is_empty());
    DownloadOptions::default().offset(offset).prefer(stores)
}

fn verifier(context: &Context, args: &DownloadArgs, image: &glance_client::Image) -> Result<Option<Verifier>, Failure> {
    let fallback = args.allow_md5_fallback || context.environment.get("OS_IMAGE_ALLOW_MD5_FALLBACK").is_some();
    match Verifier::for_image(image) {
        Err(_) if fallback => Ok(Verifier::md5_of(image)?),
        verifier => Ok(verifier?),
    }
}

fn verify(verifier: Option<Verifier>) -> Result<(), Failure> {
    Ok(verifier.map_or(Ok(()), Verifier::finish)?)
}

fn refused(id: &str, error: Error) -> Failure {
    match error.status() {
        Some(_) => Failure::message(format!("Unable to download image '{id}'. ({error})")),
        None => error.into(),
    }
}

fn no_data(id: &str) -> Failure {
    Failure::message(format!("Image {id} has no data."))
}
