//! The seam between the service and the back ends: [`Store`] and [`StoreWriter`].
//!
//! A driver knows how bytes are laid out in one kind of back end and nothing else: hashes, limits, format inspection,
//! policy and the catalogue are the service's.

use std::any::Any;
use std::path::PathBuf;
use std::pin::Pin;
use std::sync::Arc;
use std::time::SystemTime;

use async_trait::async_trait;
use bytes::Bytes;
use futures_util::Stream;
use glance_domain::ImageId;
use serde_json::{Map, Value};

use crate::error::Result;
use crate::identity::Identified;
use crate::survey::{Found, Survey, What};

/// What a store can do; it decides answers before any byte moves.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Capabilities {
    /// Takes new images.
    pub write: bool,
    /// Removes data.
    pub delete: bool,
    /// Can start a read anywhere; without it ranges are refused, as clients of Glance expect.
    pub read_random: bool,
    /// The data in it is the service's and goes with its image. Otherwise it is somebody else's, and stays.
    pub owns_data: bool,
}

/// Keeps the record of an operation held for as long as any part of the operation goes on, be it after its caller gave up.
///
/// Drivers give a clone to everything that may outlive a dropped future, such as a system call on another thread.
#[derive(Clone, Default)]
pub struct Hold(Option<Arc<dyn Any + Send + Sync>>);

impl Hold {
    /// Keeps `held` until the last clone is dropped.
    #[must_use]
    pub fn new(held: Arc<dyn Any + Send + Sync>) -> Self {
        Self(Some(held))
    }
}

impl std::fmt::Debug for Hold {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_tuple("Hold").field(&self.0.is_some()).finish()
    }
}

/// What another process needs, besides the [`NewObject`], in order to undo a transfer (an S3 upload id, for example).
///
/// A driver awaits [`Journal::record`] before it creates anything that [`Store::abandon`] cannot find by the object alone.
#[async_trait]
pub trait Journal: Send + Sync {
    /// Keeps `entry` in place of the one before.
    ///
    /// # Errors
    /// When it is not certain that the entry is kept: the driver must not go on.
    async fn record(&self, entry: &str) -> Result<()>;
}

/// The journal of those whose notes nobody will need.
pub struct NoJournal;

#[async_trait]
impl Journal for NoJournal {
    async fn record(&self, _: &str) -> Result<()> {
        Ok(())
    }
}

/// For whom a store acts. Stores that keep data in the user's own account (multi-tenant Swift) need the token.
#[derive(Clone, Default)]
pub struct StoreContext {
    /// The caller's token.
    pub token: Option<String>,
    /// The caller's project.
    pub project: Option<String>,
    /// The caller's user.
    pub user: Option<String>,
    /// The caller's service catalogue, as Keystone gives it.
    pub catalog: Option<Value>,
    /// Held by the operation until all of it has ended.
    pub hold: Hold,
}

impl std::fmt::Debug for StoreContext {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("StoreContext").field("project", &self.project).field("user", &self.user).finish_non_exhaustive()
    }
}

/// An object to be written.
#[derive(Clone, Debug)]
pub struct NewObject {
    /// The image that it belongs to.
    pub image: ImageId,
    /// The name of the object, chosen by the service: no other attempt, of this image or another, ever has it.
    pub name: String,
    /// Distinguishes this attempt from every other: temporary names are made from it and the image, so that
    /// [`Store::abandon`] finds what a dead process left without having been told more.
    pub attempt: String,
    /// Bytes to come, when the client said so. It is a hint for the layout, never a promise.
    pub size_hint: Option<u64>,
}

/// A written object.
#[derive(Clone, PartialEq, Eq)]
pub struct Stored {
    /// The location URI to be kept in the catalogue.
    pub url: String,
    /// Metadata of the location (without `store`, which the registry adds).
    pub metadata: Map<String, Value>,
    /// Bytes written.
    pub bytes: u64,
}

/// A part of an object: `length` bytes from `offset`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ByteRange {
    /// First byte.
    pub offset: u64,
    /// Number of bytes; never reaches past the object's end.
    pub length: u64,
}

/// Chunks of an object in order.
pub type ByteStream = Pin<Box<dyn Stream<Item = Result<Bytes>> + Send>>;

/// An object opened for reading.
pub struct Object {
    /// Bytes that `chunks` will give (of the range, if one was asked for), where the back end says so.
    pub length: Option<u64>,
    /// The data. Memory is bounded: the next chunks are fetched as the reader takes them.
    pub chunks: ByteStream,
}

/// How far a transfer had come, for whoever cleans up after it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Phase {
    /// Before [`StoreWriter::finish`]: nothing can be visible under the final name.
    Writing,
    /// `finish` has been called: the object may be visible.
    Finishing,
    /// The transfer was abandoned before. An operation that was late may have left something since.
    Abandoned,
}

/// One configured back end.
///
/// Every method may be called at any time and from several tasks. None blocks the calling thread.
#[async_trait]
pub trait Store: Send + Sync {
    /// URI schemes of the locations this driver reads, such as `file` and `filesystem`.
    fn schemes(&self) -> &'static [&'static str];

    /// What the store can do.
    fn capabilities(&self) -> Capabilities;

    /// Whether `url` is where this store, and no other one of the same kind, would put an object. Does no I/O.
    ///
    /// It finds the store of locations that were recorded before stores had names.
    fn recognises(&self, url: &str) -> bool {
        url.split_once(':').is_some_and(|(scheme, _)| self.schemes().contains(&scheme))
    }

    /// Starts writing. Nothing is visible under the object's location before [`StoreWriter::finish`].
    ///
    /// # Errors
    /// `Duplicate` when the object exists, `Full` when `size_hint` cannot fit, `Denied`, `ReadOnly`, `Unavailable`.
    ///
    /// After any error, something may be left for [`Store::abandon`].
    async fn begin(
        &self,
        context: &StoreContext,
        object: &NewObject,
        journal: Arc<dyn Journal>,
    ) -> Result<Box<dyn StoreWriter>>;

    /// Opens the object at `url`, or a part of it.
    ///
    /// # Errors
    /// `NotFound`, `BadLocation`, `NoRandomAccess` for a range where the driver cannot, `Unavailable`.
    async fn open(&self, context: &StoreContext, url: &str, range: Option<ByteRange>) -> Result<Object>;

    /// Bytes of the object at `url`.
    ///
    /// # Errors
    /// `NotFound`, `BadLocation`, `Unavailable`.
    async fn size(&self, context: &StoreContext, url: &str) -> Result<u64>;

    /// Removes the object at `url`.
    ///
    /// # Errors
    /// `NotFound` when there is none, `InUse`, `HasSnapshots`, `ReadOnly`, `Denied`, `BadLocation`, `Unavailable`.
    async fn delete(&self, context: &StoreContext, url: &str) -> Result<()>;

    /// Removes what a transfer that nobody works on any more has left, whatever that is. Doing it twice is harmless. The
    /// caller holds the claim of the transfer's record.
    ///
    /// `journal` is the newest entry that was recorded. An object under the final name goes only in
    /// [`Phase::Finishing`], and only if it is this attempt's; in the other phases it is somebody else's and stays.
    ///
    /// # Errors
    /// Whatever the kind: something may be left.
    async fn abandon(
        &self,
        context: &StoreContext,
        object: &NewObject,
        phase: Phase,
        journal: Option<&str>,
    ) -> Result<()>;

    /// Gives the named projects read access to the object, everybody if `public`, where the back end has such a thing.
    ///
    /// # Errors
    /// `Unavailable`, `Denied`.
    async fn set_acls(&self, _context: &StoreContext, _url: &str, _access: &Access) -> Result<()> {
        Ok(())
    }

    /// Locations of all objects of the store, for audits. The order is the back end's.
    ///
    /// # Errors
    /// `Unsupported` where a back end cannot list, `Unavailable`.
    async fn list(&self, context: &StoreContext) -> Result<Vec<String>>;

    /// All that the store holds, also what unfinished transfers have left and what is not its own. Memory is bounded
    /// where the driver says so.
    ///
    /// # Errors
    /// As [`Store::list`].
    async fn survey(&self, context: &StoreContext) -> Result<Survey> {
        let found = |url: String| {
            let name = url.rsplit('/').next().unwrap_or(&url).to_owned();
            Found { what: What::Object, name, url }
        };
        let all = self.list(context).await?.into_iter().map(found).collect();
        Ok(Box::pin(futures_util::stream::iter([Ok(all)])))
    }

    /// When what was found was written last; `None` where the back end does not say.
    ///
    /// # Errors
    /// `NotFound`, `Unavailable`.
    async fn modified(&self, _context: &StoreContext, _found: &Found) -> Result<Option<SystemTime>> {
        Ok(None)
    }

    /// The location of the object at `url` as [`Store::survey`] writes it, if both are one object's.
    async fn canonical(&self, url: &str) -> String {
        url.to_owned()
    }

    /// The store's places, where it has such that can be mistaken for others.
    fn identified(&self) -> Option<&dyn Identified> {
        None
    }

    /// Whether the back end can be used now.
    ///
    /// # Errors
    /// Says what is wrong.
    async fn health(&self) -> Result<()>;

    /// The file that holds the object, when it is one of this machine.
    fn local_path(&self, _url: &str) -> Option<PathBuf> {
        None
    }

    /// Facts for `GET /v2/info/stores/detail`, such as `data_dir` and `chunk_size`.
    fn properties(&self) -> Map<String, Value>;
}

/// Who may read an object.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Access {
    /// Everybody.
    pub public: bool,
    /// These projects may read.
    pub read: Vec<String>,
}

/// An object being written.
///
/// The task that began it must end it with `finish` or `abort`; dropping it cleans nothing up.
#[async_trait]
pub trait StoreWriter: Send {
    /// Appends data. Returns when the driver can take more, which slows the sender to the speed of the store.
    ///
    /// # Errors
    /// `Full`, `Denied`, `Unavailable`. After an error only `abort` makes sense.
    async fn write(&mut self, chunk: Bytes) -> Result<()>;

    /// Appends `length` zero bytes, as a hole where the back end has holes.
    ///
    /// # Errors
    /// As [`StoreWriter::write`].
    async fn write_zeroes(&mut self, length: u64) -> Result<()>;

    /// Hands on what has been gathered of earlier writes, so that nothing of it stays in memory. It need not be durable.
    ///
    /// # Errors
    /// As [`StoreWriter::write`].
    async fn flush(&mut self) -> Result<()> {
        Ok(())
    }

    /// Makes the object durable and visible. Called only after size, hashes, signature and format are known to be good.
    ///
    /// # Errors
    /// `Duplicate` when an object of that name has appeared, and as [`StoreWriter::write`]. An error whose outcome is
    /// [`Outcome::NotDone`](crate::Outcome::NotDone) means that the object is not visible and will not be. In any case
    /// something may be left for [`Store::abandon`].
    async fn finish(self: Box<Self>) -> Result<Stored>;

    /// Removes everything that was written.
    ///
    /// # Errors
    /// `Unavailable`, `Denied`: something may be left for [`Store::abandon`].
    async fn abort(self: Box<Self>) -> Result<()>;
}
