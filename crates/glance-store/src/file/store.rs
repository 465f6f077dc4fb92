//! The driver itself: the [`Store`] of a file system.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::SystemTime;

use async_trait::async_trait;
use rustix::fs::Dir;
use serde_json::{Map, Value, json};

use crate::error::{Error, Kind, Result};
use crate::identity::Identified;
use crate::store::{ByteRange, Capabilities, Journal, NewObject, Object, Phase, Store, StoreContext, StoreWriter};
use crate::survey::{Found, Survey};

use super::blocking::Blocking;
use super::buffers::Buffers;
use super::datadir::{Folder, Folders};
use super::errno::failed;
use super::lookup::Place;
use super::metadata::LocationMetadata;
use super::options::{FileOptions, IdentityCheck, Provisioning};
use super::publish::{Withdrawn, draft_name, file_name, remove, withdraw};
use super::reader::{Reader, expect_sequential};
use super::survey::{self, is_regular};
use super::url;
use super::writer::{Draft, FileWriter, Rules};

/// Reads take at least this many bytes at a time: less costs more system calls, more misses the CPU's cache.
const MIN_READ: u64 = 256 * 1024;

/// Reads take at most this many bytes at a time.
const MAX_READ: u64 = 1024 * 1024;

/// What the owner lets the store do.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Mode {
    ReadWrite,
    ReadOnly,
}

/// Images in folders.
pub struct FileStore {
    rules: Arc<Rules>,
    mode: Mode,
    blocking: Blocking,
    buffers: Arc<Buffers>,
}

impl FileStore {
    /// Prepares the folders: creates missing ones and checks that files can be made in them.
    ///
    /// It blocks on the file system, as one may when a service starts.
    ///
    /// # Errors
    /// `Config` when an option or a folder cannot be used.
    pub fn open(options: FileOptions) -> Result<Self> {
        let store = Self::configure(options)?;
        store.rules.folders.prepare(store.rules.options.file_perm)?;
        Ok(store)
    }

    /// As [`FileStore::open`], but a folder that cannot be used now is only logged: operations on it fail until it can be.
    ///
    /// # Errors
    /// `Config` when an option cannot be used.
    pub fn open_if_possible(options: FileOptions) -> Result<Self> {
        let store = Self::configure(options)?;
        store.rules.folders.prepare_if_possible(store.rules.options.file_perm);
        Ok(store)
    }

    /// As [`FileStore::open`], but nothing is made or changed.
    ///
    /// # Errors
    /// `Config` when an option cannot be used.
    pub fn open_as_it_is(options: FileOptions) -> Result<Self> {
        Self::configure(options)
    }

    fn configure(options: FileOptions) -> Result<Self> {
        if options.file_perm != 0 && options.file_perm & 0o400 == 0 {
            return Err(Error::new(
                Kind::Config,
                "with that file permission the service could not read its own images",
            ));
        }
        let metadata = options.metadata_file.as_deref().map(LocationMetadata::load).transpose()?.unwrap_or_default();
        Self::new(options, metadata, Mode::ReadWrite)
    }

    /// The store without its ability to write and delete: for folders that [`FileStore::open`] refuses, so that what
    /// is in them can be read nevertheless. Does not touch the file system.
    ///
    /// # Errors
    /// `Config` when there is no folder or it cannot be named in a location.
    pub fn open_read_only(options: FileOptions) -> Result<Self> {
        Self::new(options, LocationMetadata::default(), Mode::ReadOnly)
    }

    fn new(options: FileOptions, metadata: LocationMetadata, mode: Mode) -> Result<Self> {
        let folders = Folders::new(&options.datadirs)?;
        let size = usize::try_from(options.chunk_size.clamp(MIN_READ, MAX_READ)).unwrap_or(usize::MAX);
        let (blocking, buffers) = (Blocking::new(options.timeout), Buffers::new(size, options.budget.clone()));
        Ok(Self { rules: Arc::new(Rules { options, folders, metadata }), mode, blocking, buffers })
    }

    /// Does `work` at the place of `url` on a blocking thread.
    async fn at<T, F>(&self, url: &str, work: F) -> Result<T>
    where
        T: Send + 'static,
        F: FnOnce(&Place) -> Result<T> + Send + 'static,
    {
        let (path, rules) = (url::to_path(url)?, Arc::clone(&self.rules));
        self.blocking.run(move || work(&rules.folders.locate(&path)?)).await
    }

    pub(super) fn folders(&self) -> &Folders {
        &self.rules.folders
    }

    /// Does `work` with all folders on a blocking thread, however long it takes.
    pub(super) fn with_folders_at_length<T: Send + 'static>(
        &self,
        work: impl FnOnce(&Folders) -> Result<T> + Send + 'static,
    ) -> impl Future<Output = Result<T>> + Send + 'static {
        let (rules, blocking) = (Arc::clone(&self.rules), self.blocking.clone());
        async move { blocking.run_long(move || work(&rules.folders)).await }
    }

    /// Does `work` with all folders on a blocking thread.
    pub(super) async fn with_folders<T, F>(&self, work: F) -> Result<T>
    where
        T: Send + 'static,
        F: FnOnce(&Folders) -> Result<T> + Send + 'static,
    {
        let rules = Arc::clone(&self.rules);
        self.blocking.run(move || work(&rules.folders)).await
    }

    fn check_mode(&self) -> Result<()> {
        match self.mode {
            Mode::ReadWrite => Ok(()),
            Mode::ReadOnly => Err(Error::new(Kind::ReadOnly, "the store is not configured for writing")),
        }
    }
}

#[async_trait]
impl Store for FileStore {
    fn schemes(&self) -> &'static [&'static str] {
        url::SCHEMES
    }

    fn capabilities(&self) -> Capabilities {
        let write = self.mode == Mode::ReadWrite;
        Capabilities { write, delete: write, read_random: true, owns_data: true }
    }

    fn recognises(&self, url: &str) -> bool {
        url::to_path(url).is_ok_and(|path| self.rules.folders.hold(&path))
    }

    async fn begin(
        &self,
        context: &StoreContext,
        object: &NewObject,
        _journal: Arc<dyn Journal>,
    ) -> Result<Box<dyn StoreWriter>> {
        self.check_mode()?;
        let (rules, object, hold) = (Arc::clone(&self.rules), object.clone(), context.hold.clone());
        let draft = self.blocking.run(move || Draft::create(&rules, &object, hold)).await?;
        Ok(Box::new(FileWriter::new(draft, self.blocking.clone())))
    }

    async fn open(&self, _context: &StoreContext, url: &str, range: Option<ByteRange>) -> Result<Object> {
        let opened = self.at(url, |place| {
            let (file, size) = place.open()?;
            expect_sequential(&file);
            Ok((Arc::new(file), size))
        });
        let (file, size) = opened.await?;
        let ByteRange { offset, length } = range.unwrap_or(ByteRange { offset: 0, length: size });
        let end = offset.checked_add(length).filter(|end| *end <= size);
        let end = end.ok_or_else(|| Error::new(Kind::Unavailable, "the file is shorter than it should be"))?;
        let reader = Reader::new(file, offset, end, Arc::clone(&self.buffers), self.blocking.clone());
        Ok(Object { length: Some(length), chunks: reader.into_stream() })
    }

    async fn size(&self, _context: &StoreContext, url: &str) -> Result<u64> {
        self.at(url, Place::size).await
    }

    async fn delete(&self, context: &StoreContext, url: &str) -> Result<()> {
        self.check_mode()?;
        let hold = context.hold.clone();
        self.at(url, move |place| (place.delete(), hold).0).await
    }

    async fn abandon(
        &self,
        context: &StoreContext,
        object: &NewObject,
        phase: Phase,
        _journal: Option<&str>,
    ) -> Result<()> {
        let (draft, name, hold) = (draft_name(object)?, file_name(object)?, context.hold.clone());
        self.with_folders(move |folders| (abandon(folders, &draft, &name, phase), hold).0).await
    }

    async fn list(&self, _context: &StoreContext) -> Result<Vec<String>> {
        self.with_folders(|folders| {
            let mut urls = Vec::new();
            folders.iter().try_for_each(|folder| list_folder(folder, &mut urls))?;
            Ok(urls)
        })
        .await
    }

    async fn survey(&self, _context: &StoreContext) -> Result<Survey> {
        Ok(survey::survey(self))
    }

    async fn modified(&self, _context: &StoreContext, found: &Found) -> Result<Option<SystemTime>> {
        let found = found.clone();
        self.with_folders(move |folders| survey::modified(folders, &found)).await
    }

    async fn canonical(&self, url: &str) -> String {
        let Ok(path) = url::to_path(url) else { return url.to_owned() };
        if self.rules.folders.hold(&path) {
            return url::from_path(&path);
        }
        match self.with_folders(move |folders| folders.real_path(&path)).await {
            Ok(path) => url::from_path(&path),
            Err(_) => url.to_owned(),
        }
    }

    fn identified(&self) -> Option<&dyn Identified> {
        let judged = self.mode == Mode::ReadWrite && self.rules.options.identity == IdentityCheck::Required;
        judged.then_some(self)
    }

    async fn health(&self) -> Result<()> {
        let mode = self.mode;
        self.with_folders(move |folders| {
            folders.iter().try_for_each(|folder| {
                folder.open()?;
                folder.free()?;
                if mode == Mode::ReadWrite { folder.check_writable() } else { Ok(()) }
            })
        })
        .await
    }

    fn local_path(&self, url: &str) -> Option<PathBuf> {
        url::to_path(url).ok().filter(|path| self.rules.folders.hold(path))
    }

    fn properties(&self) -> Map<String, Value> {
        let options = &self.rules.options;
        let data_dir = self.rules.folders.iter().next().map(|folder| folder.path.display().to_string());
        Map::from_iter([
            ("data_dir".to_owned(), json!(data_dir)),
            ("chunk_size".to_owned(), json!(options.chunk_size)),
            ("thin_provisioning".to_owned(), json!(options.provisioning == Provisioning::Thin)),
        ])
    }
}

/// Removes the draft, and the image if the draft has become it.
///
/// The draft goes first: without it, nothing can be published any more.
fn abandon(folders: &Folders, draft: &str, name: &str, phase: Phase) -> Result<()> {
    let opened: Vec<_> = folders.iter().map(|folder| Ok((folder.open()?, &folder.path))).collect::<Result<_>>()?;
    let mut image_is_of_another = phase != Phase::Finishing;
    for (folder, path) in &opened {
        let end = withdraw(folder, draft, name, &path.join(draft))?;
        image_is_of_another = image_is_of_another || end == Withdrawn::Unpublished;
    }
    for (folder, path) in opened.iter().filter(|_| !image_is_of_another) {
        remove(folder, name, &path.join(name))?;
    }
    Ok(())
}

/// Adds the locations of all images in `folder`: regular files that are not hidden.
fn list_folder(folder: &Folder, urls: &mut Vec<String>) -> Result<()> {
    let failed = |errno| failed("list", &folder.path, errno);
    for entry in Dir::read_from(folder.open()?).map_err(failed)? {
        let entry = entry.map_err(failed)?;
        let (name, kind) = (entry.file_name().to_str().unwrap_or("."), entry.file_type());
        let path = folder.path.join(name);
        if !name.starts_with('.') && is_regular(&path, kind) {
            urls.push(url::from_path(&path));
        }
    }
    Ok(())
}
