//! Where the data of a download goes: a stream, or a file that is called `NAME.part` until it is complete and verified.

use std::ffi::OsString;
use std::fs::{self, File, OpenOptions, TryLockError};
use std::io::{self, Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};

use bytes::Bytes;
use glance_client::{Download, Verifier};
use indicatif::ProgressBar;
use tokio::sync::mpsc;
use tokio::task::spawn_blocking;

use crate::failure::Failure;

/// Pieces on their way to the thread that hashes and writes; with pieces of at most some hundred KiB, a few MiB.
const QUEUE: usize = 16;
/// Bytes read at a time when a partial file is hashed.
const READ_SIZE: usize = 1 << 20;

/// Something to write to.
pub(crate) struct Sink(Box<dyn Write + Send>);

impl Sink {
    /// Standard output.
    pub(crate) fn stdout() -> Self {
        Self(Box::new(io::stdout()))
    }

    /// A pipe or a device, which is there already.
    pub(crate) fn existing(path: &Path) -> Result<Self, Failure> {
        let file = OpenOptions::new().write(true).open(path).map_err(|error| at(path, &error))?;
        Ok(Self(Box::new(file)))
    }
}

/// Writes what arrives to `sink`, and hands the verifier back which has seen it. Hashing and writing happen beside the
/// receiving.
pub(crate) async fn pour(
    download: &mut Download,
    sink: Sink,
    verifier: Option<Verifier>,
    bar: &ProgressBar,
) -> Result<Option<Verifier>, Failure> {
    let (sender, receiver) = mpsc::channel(QUEUE);
    let writer = spawn_blocking(move || write_all(receiver, sink, verifier));
    let received = forward(download, &sender, bar).await;
    drop(sender);
    let verifier = writer.await.map_err(|error| Failure::message(format!("writing failed: {error}")))?;
    // When writing failed, receiving ended because of that.
    let verifier = verifier?;
    received?;
    Ok(verifier)
}

async fn forward(download: &mut Download, sender: &mpsc::Sender<Bytes>, bar: &ProgressBar) -> Result<(), Failure> {
    while let Some(piece) = download.chunk().await? {
        let length = piece.len() as u64;
        if sender.send(piece).await.is_err() {
            break;
        }
        bar.inc(length);
    }
    Ok(())
}

fn write_all(
    mut pieces: mpsc::Receiver<Bytes>,
    mut sink: Sink,
    mut verifier: Option<Verifier>,
) -> Result<Option<Verifier>, Failure> {
    while let Some(piece) = pieces.blocking_recv() {
        if let Some(verifier) = &mut verifier {
            verifier.update(&piece)?;
        }
        sink.0.write_all(&piece)?;
    }
    sink.0.flush()?;
    Ok(verifier)
}

/// The file that a download grows in.
pub(crate) struct Part {
    file: File,
    path: PathBuf,
    target: PathBuf,
}

impl Part {
    /// The partial file beside `target`; `None` when `target` is a pipe or a device, which is written to directly.
    pub(crate) fn beside(target: &Path) -> Result<Option<Self>, Failure> {
        // A link stays a link: what it points to is replaced.
        let target = fs::canonicalize(target).unwrap_or_else(|_| target.to_owned());
        match fs::metadata(&target) {
            Ok(found) if found.is_dir() => {
                return Err(Failure::message(format!("{} is a folder", target.display())));
            }
            Ok(found) if !found.is_file() => return Ok(None),
            _ => {}
        }
        let mut name = OsString::from(&target);
        name.push(".part");
        let path = PathBuf::from(name);
        let options = OpenOptions::new().read(true).write(true).create(true).truncate(false).open(&path);
        let file = options.map_err(|error| at(&path, &error))?;
        match file.try_lock() {
            Ok(()) | Err(TryLockError::Error(_)) => Ok(Some(Self { file, path, target })),
            Err(TryLockError::WouldBlock) => {
                Err(Failure::message(format!("another download is writing to {}", path.display())))
            }
        }
    }

    /// Shows what is there already to `verifier`; also says how many bytes it is.
    pub(crate) async fn read_back(&self, verifier: Option<Verifier>) -> Result<(u64, Option<Verifier>), Failure> {
        let file = self.file.try_clone()?;
        let read = spawn_blocking(move || read_through(file, verifier)).await;
        read.map_err(|error| Failure::message(format!("{}: {error}", self.path.display())))?
    }

    /// Where to write from the byte `offset` on.
    pub(crate) fn sink_at(&self, offset: u64) -> Result<Sink, Failure> {
        let mut file = self.file.try_clone()?;
        file.set_len(offset)?;
        file.seek(SeekFrom::Start(offset))?;
        Ok(Sink(Box::new(file)))
    }

    /// Gives the complete file its name.
    pub(crate) async fn publish(self) -> Result<(), Failure> {
        let synced = spawn_blocking(move || {
            self.file
                .sync_all()
                .and_then(|()| fs::rename(&self.path, &self.target))
                .map_err(|error| at(&self.path, &error))
        });
        synced.await.map_err(|error| Failure::message(error.to_string()))?
    }

    /// The download failed: what arrived is good to go on from.
    pub(crate) fn keep(self, failure: Failure) -> Failure {
        let length = self.file.metadata().map_or(0, |file| file.len());
        if length == 0 {
            // Whether that works makes no difference to what went wrong.
            let _ = fs::remove_file(&self.path);
            return failure;
        }
        match failure {
            Failure::Message(text) => {
                let part = self.path.display();
                Failure::Message(format!("{text}\n{length} bytes are kept in {part}: repeat with --resume to continue"))
            }
            other => other,
        }
    }

    /// The data is not the image: nothing can be continued from it.
    pub(crate) fn discard(self, failure: Failure) -> Failure {
        let part = self.path.display();
        let fate = match fs::remove_file(&self.path) {
            Ok(()) => format!("{part} has been removed"),
            Err(error) => format!("{part} cannot be removed: {error}"),
        };
        match failure {
            Failure::Message(text) => Failure::Message(format!("{text}\n{fate}")),
            other => other,
        }
    }
}

fn read_through(mut file: File, mut verifier: Option<Verifier>) -> Result<(u64, Option<Verifier>), Failure> {
    file.rewind()?;
    let mut buffer = vec![0; READ_SIZE];
    let mut total = 0;
    loop {
        let length = file.read(&mut buffer)?;
        if length == 0 {
            return Ok((total, verifier));
        }
        if let Some(verifier) = &mut verifier {
            verifier.update(&buffer[..length])?;
        }
        total += length as u64;
    }
}

fn at(path: &Path, error: &io::Error) -> Failure {
    Failure::message(format!("{}: {error}", path.display()))
}
