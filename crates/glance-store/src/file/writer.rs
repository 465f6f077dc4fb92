//! A file being written.

use std::os::fd::OwnedFd;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};

use async_trait::async_trait;
use bytes::Bytes;
use rustix::fs::{Mode, OFlags, fchmod, fdatasync, fsync, ftruncate, openat};
use rustix::io::Errno;

use crate::error::{Error, Kind, Result};
use crate::store::{Hold, NewObject, StoreWriter, Stored};

use super::blocking::Blocking;
use super::datadir::Folders;
use super::errno::failed;
use super::metadata::LocationMetadata;
use super::options::{Durability, FileOptions, Provisioning};
use super::publish::{draft_name, file_name, look, publish, remove};
use super::runs::plan;
use super::url;
use super::writeback::Writeback;

/// Chunks are gathered to about this many bytes before they are written.
const BATCH_BYTES: usize = 1024 * 1024;

/// At most this many chunks are gathered.
const BATCH_CHUNKS: usize = 64;

/// Zeroes to write.
static ZEROES: [u8; 256 * 1024] = [0; 256 * 1024];

/// What all writers of a store share.
pub(super) struct Rules {
    pub(super) options: FileOptions,
    pub(super) folders: Folders,
    pub(super) metadata: LocationMetadata,
}

impl Rules {
    /// Says `Duplicate` when one of the folders holds `name`.
    fn check_absent(&self, name: &str) -> Result<()> {
        for folder in self.folders.iter() {
            if look(&folder.open()?, name)?.is_some() {
                let path = folder.path.join(name);
                return Err(Error::new(Kind::Duplicate, format!("{} exists", path.display())));
            }
        }
        Ok(())
    }
}

/// The hidden file and what it is to become.
pub(super) struct Draft {
    rules: Arc<Rules>,
    folder: OwnedFd,
    file: OwnedFd,
    draft_name: String,
    name: String,
    path: PathBuf,
    writeback: Mutex<Writeback>,
    /// Every job on another thread has the draft, and so keeps the record held.
    _hold: Hold,
}

impl Draft {
    /// Creates the hidden file in the folder that suits best.
    pub(super) fn create(rules: &Arc<Rules>, object: &NewObject, hold: Hold) -> Result<Self> {
        let (name, draft_name) = (file_name(object)?, draft_name(object)?);
        rules.check_absent(&name)?;
        let chosen = rules.folders.choose(object.size_hint.unwrap_or(0))?;
        let (folder, path) = (chosen.open()?, chosen.path.join(&name));
        let flags = OFlags::CREATE | OFlags::EXCL | OFlags::WRONLY | OFlags::CLOEXEC;
        // With permissions of its own the file stays private until it gets them.
        let mode = if rules.options.file_perm == 0 { 0o666 } else { 0o600 };
        let file = openat(&folder, &draft_name, flags, Mode::from_raw_mode(mode))
            .map_err(|errno| failed("create a file for", &path, errno))?;
        let writeback = Mutex::default();
        Ok(Self { rules: Arc::clone(rules), folder, file, draft_name, name, path, writeback, _hold: hold })
    }

    /// Writes `chunks`, which follow each other from `offset`.
    fn write(&self, offset: u64, chunks: Vec<Bytes>) -> Result<()> {
        let end = offset + chunks.iter().map(|chunk| chunk.len() as u64).sum::<u64>();
        for run in plan(offset, chunks, self.rules.options.provisioning) {
            run.write(&self.file).map_err(|errno| self.failed("write", errno))?;
        }
        if self.rules.options.durability == Durability::Synced {
            let mut writeback = self.writeback.lock().unwrap_or_else(PoisonError::into_inner);
            writeback.advance(&self.file, end).map_err(|errno| self.failed("write", errno))?;
        }
        Ok(())
    }

    /// Makes the file complete, durable and visible.
    fn finish(&self, length: u64) -> Result<Stored> {
        self.publish(length)?;
        let metadata = self.rules.metadata.of(&self.path);
        Ok(Stored { url: url::from_path(&self.path), metadata, bytes: length })
    }

    fn publish(&self, length: u64) -> Result<()> {
        self.complete(length)?;
        self.rules.check_absent(&self.name)?;
        publish(&self.folder, &self.draft_name, &self.name, &self.path)?;
        // The image is visible by now, whatever the reason of the failure.
        self.sync(|| fsync(&self.folder)).map_err(|errno| {
            Error::new(Kind::Unavailable, format!("cannot sync the folder of {}: {errno}", self.path.display()))
                .with_source(errno)
        })
    }

    fn complete(&self, length: u64) -> Result<()> {
        if self.rules.options.provisioning == Provisioning::Thin {
            ftruncate(&self.file, length).map_err(|errno| self.failed("extend", errno))?;
        }
        let perm = self.rules.options.file_perm;
        if perm != 0
            && let Err(error) = fchmod(&self.file, Mode::from_raw_mode(perm & 0o7777))
        {
            tracing::warn!(path = %self.path.display(), %error, "cannot set the permissions of the image");
        }
        self.sync(|| fdatasync(&self.file)).map_err(|errno| self.failed("sync", errno))
    }

    fn sync(&self, sync: impl FnOnce() -> Result<(), Errno>) -> Result<(), Errno> {
        match self.rules.options.durability {
            Durability::Synced => sync(),
            Durability::Unsynced => Ok(()),
        }
    }

    fn remove(&self) -> Result<()> {
        remove(&self.folder, &self.draft_name, &self.path).map(|_| ())
    }

    fn failed(&self, act: &str, errno: Errno) -> Error {
        failed(act, &self.path, errno)
    }
}

/// The writer of one image.
pub(super) struct FileWriter {
    draft: Arc<Draft>,
    blocking: Blocking,
    gathered: Vec<Bytes>,
    gathered_bytes: usize,
    written: u64,
}

impl FileWriter {
    pub(super) fn new(draft: Draft, blocking: Blocking) -> Self {
        Self { draft: Arc::new(draft), blocking, gathered: Vec::new(), gathered_bytes: 0, written: 0 }
    }

    async fn hand_on(&mut self) -> Result<()> {
        if self.gathered.is_empty() {
            return Ok(());
        }
        let (chunks, offset) = (std::mem::take(&mut self.gathered), self.written);
        self.written = self.plus(self.gathered_bytes as u64)?;
        self.gathered_bytes = 0;
        let draft = Arc::clone(&self.draft);
        self.blocking.start(move || draft.write(offset, chunks)).wait().await
    }

    fn plus(&self, more: u64) -> Result<u64> {
        self.written.checked_add(more).ok_or_else(|| Error::new(Kind::Full, "no file can be so long"))
    }
}

#[async_trait]
impl StoreWriter for FileWriter {
    async fn write(&mut self, chunk: Bytes) -> Result<()> {
        if chunk.is_empty() {
            return Ok(());
        }
        self.gathered_bytes += chunk.len();
        self.gathered.push(chunk);
        if self.gathered_bytes >= BATCH_BYTES || self.gathered.len() >= BATCH_CHUNKS {
            self.hand_on().await?;
        }
        Ok(())
    }

    async fn write_zeroes(&mut self, mut length: u64) -> Result<()> {
        if self.draft.rules.options.provisioning == Provisioning::Thin {
            self.hand_on().await?;
            self.written = self.plus(length)?;
            return Ok(());
        }
        while length > 0 {
            let piece = usize::try_from(length).unwrap_or(usize::MAX).min(ZEROES.len());
            self.write(Bytes::from_static(&ZEROES[..piece])).await?;
            length -= piece as u64;
        }
        Ok(())
    }

    async fn flush(&mut self) -> Result<()> {
        self.hand_on().await
    }

    async fn finish(mut self: Box<Self>) -> Result<Stored> {
        self.hand_on().await?;
        let Self { draft, blocking, written, .. } = *self;
        blocking.run_long(move || draft.finish(written)).await
    }

    /// Closing a file can block as well, so the draft ends on the other thread, as in `finish`.
    async fn abort(self: Box<Self>) -> Result<()> {
        let Self { draft, blocking, .. } = *self;
        blocking.run(move || draft.remove()).await
    }
}
