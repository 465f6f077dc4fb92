//! Storing the data of an image: the heart of the service.
//!
//! An upload is a task of the service, not of the connection: when the client vanishes or the server stops, the same
//! code path removes what was written and returns the image to `queued`. It is recorded in the catalogue before a byte
//! is stored, so that another process can do the same when this one is killed.

use std::sync::Arc;

use async_trait::async_trait;
use bytes::Bytes;
use glance_db::{CompletedUpload, Database, Kind, NewUpload, Phase, Transfer, Transition, WorkId};
use glance_domain::{Image, ImageId, Location, LocationStatus, ProjectId, Status, StoreId};
use glance_store::{Journal, Kind as StoreKind, NewObject, Outcome, StoreContext, StoreEntry, StoreWriter, Stored};
use serde_json::Value;
use tracing::Instrument as _;

use crate::app::App;
use crate::app::context::RequestContext;
use crate::app::error::{Error, Result};
use crate::app::quota::{Resource, bytes_within, whole_mib};
use crate::app::storage::Room;
use crate::config::Config;
use crate::metrics::Direction;
use crate::stream::hash::{Digests, Hashes};
use crate::stream::inspect::Inspection;
use crate::stream::receive::{Incoming, Interrupted, Receiver};
use crate::tasks::{Held, Lease, StopSignal};
use crate::traces;

/// What a client says about an upload.
#[derive(Clone, Debug, Default)]
pub struct UploadOptions {
    /// The store to use instead of the default one.
    pub store: Option<StoreId>,
    /// Bytes that must arrive, if the client said so in `x-openstack-image-size`.
    pub expected_size: Option<u64>,
    /// Bytes that will probably arrive (`Content-Length`).
    pub size_hint: Option<u64>,
    /// The client sends nothing before it is told to go on (`Expect: 100-continue`).
    pub awaits_go_ahead: bool,
}

/// Everything one upload needs, once it is known that it may begin.
struct Upload {
    new: NewUpload,
    options: UploadOptions,
    /// For whom data is stored, and whose limits count.
    project: Option<ProjectId>,
    room: Room,
    store_context: StoreContext,
    config: Arc<Config>,
    lease: Arc<Lease>,
    /// Keeps this node's own sweep away.
    held: Option<Arc<Held>>,
}

/// What the catalogue said when the upload began: what follows is decided by this, not by what was read before.
struct Accepted {
    image: Image,
    transfer: Transfer,
}

/// What has arrived, before the store is told to keep it.
struct Received {
    size: u64,
    digests: Digests,
    virtual_size: Option<u64>,
}

impl App {
    /// Stores the data of a queued image and makes it active.
    ///
    /// # Errors
    /// `Invalid` for missing formats, an unknown store or a wrong size; `Conflict` when the image is not queued;
    /// `Gone` for a read-only store or an image that was deleted meanwhile; `LimitExceeded` beyond a limit or a full
    /// store; `UnacceptableData` when the data is not what the image says or not safe; `Unavailable`.
    pub async fn upload_image(
        self: &Arc<Self>,
        ctx: &RequestContext,
        id: &ImageId,
        options: UploadOptions,
        body: Incoming,
    ) -> Result<()> {
        let mut receiver = Receiver::within(body, self.stores.budget().clone());
        let awaits_go_ahead = options.awaits_go_ahead;
        match self.begin_upload(ctx, id, options).await {
            Ok(upload) => {
                let app = self.clone();
                let work = self.tasks.spawn(async move { app.run_upload(upload, receiver).await });
                work.await.map_err(Error::internal)?
            }
            Err(refusal) => {
                // Reading the body sends 100 Continue.
                if !awaits_go_ahead {
                    receiver.drain().await;
                }
                Err(refusal)
            }
        }
    }

    /// Checks everything that can be checked before the upload is recorded.
    async fn begin_upload(&self, ctx: &RequestContext, id: &ImageId, options: UploadOptions) -> Result<Upload> {
        ctx.check_writable()?;
        let declared = options.expected_size.max(options.size_hint);
        let most = self.enforce_limit(ctx.project.as_ref(), Resource::SizeTotal, whole_mib(declared)).await?;
        let entry = self.store_for_upload(options.store.as_ref())?;
        let mut image = self.load_image(ctx, id).await?;
        self.enforce_on_image(ctx, "upload_image", &image).await?;
        self.require_ownership(ctx, &image)
            .map_err(|_| Error::Forbidden(format!("Not allowed to upload image data for image {id}").into()))?;
        image.set_status(Status::Saving)?;
        if !entry.driver.capabilities().write {
            let text = "Error in store configuration. Adding images to store is disabled.";
            return Err(Error::Gone(text.into()));
        }
        let cap = ctx.config.limits.image_size_cap;
        if declared.is_some_and(|size| size > cap) {
            return Err(too_large(cap));
        }
        // Uploads of unknown size may exceed the limit, as in Glance, so there is nothing to reserve.
        let most = most.filter(|_| declared.is_some()).map(bytes_within);
        let room = Room::new(ctx, declared, most);
        let lease = self.tasks.lease();
        self.require_fresh(&lease)?;
        let new = NewUpload {
            id: self.db.new_work_id(),
            image: id.clone(),
            node: lease.id().clone(),
            store: entry.id.clone(),
            transition: Transition::UPLOAD,
            reservation: room.first(),
        };
        let held = self.tasks.hold(&new.id, &lease);
        let hold = held.as_ref().map(|held| held.for_store()).unwrap_or_default();
        let store_context = StoreContext { hold, ..ctx.store_context() };
        let (project, config) = (ctx.project.clone(), ctx.config.clone());
        Ok(Upload { new, options, project, room, store_context, config, lease, held })
    }

    fn store_for_upload(&self, asked: Option<&StoreId>) -> Result<&StoreEntry> {
        let Some(id) = asked.filter(|_| self.stores.is_multi()) else { return Ok(self.stores.default_store()) };
        self.stores.get(id).map_err(|_| Error::Invalid(format!("Store for identifier {id} not found").into()))
    }

    async fn run_upload(&self, mut upload: Upload, mut receiver: Receiver) -> Result<()> {
        let began = self.db.begin_upload(&upload.new, self.clock.now()).await;
        let (outcome, go_ahead) = match began.map_err(|error| self.explain_begin(&upload, error)) {
            Ok(begun) => {
                upload.room.begin(begun.reserved);
                let accepted = Accepted { image: begun.image, transfer: begun.transfer };
                let span = traces::store("write", upload.new.store.as_str());
                let stored = self.store_data(&mut upload, &accepted, &mut receiver).instrument(span).await;
                (self.undo_failed(upload, stored).await, true)
            }
            // Reading the body sends 100 Continue.
            Err(refusal) => (Err(refusal), !upload.options.awaits_go_ahead),
        };
        if let Err(refusal) = &outcome {
            tracing::info!(error = %refusal, "the upload failed");
            if go_ahead {
                receiver.drain().await;
            }
        }
        outcome
    }

    fn explain_begin(&self, upload: &Upload, error: glance_db::Error) -> Error {
        let id = &upload.new.image;
        match error.kind() {
            Kind::LimitReached => upload.room.refusal(error.room_left().unwrap_or(0)),
            Kind::NotFound => Error::no_image(id),
            Kind::Invalid => Error::Invalid(error.to_string().into()),
            Kind::Conflict => {
                Error::Conflict(format!("Image {id} is not queued: another upload or import has it.").into())
            }
            _ => error.into(),
        }
    }

    /// After a failure, removes every trace of the attempt and returns the image to `queued`; what cannot be removed now
    /// is removed by a later sweep, of this node or another.
    async fn undo_failed(&self, upload: Upload, stored: Result<()>) -> Result<()> {
        let Err(refusal) = stored else { return Ok(()) };
        let Upload { new, lease, held, store_context, .. } = upload;
        drop((store_context, held));
        // An operation that was given up and goes on holds the record: it is undone when that has ended.
        if let Some(_held) = self.tasks.hold(&new.id, &lease)
            && let Err(error) = self.settle(&new.id, &lease).await
        {
            tracing::warn!(image = %new.image, %error, "cannot undo an upload yet");
        }
        self.tasks.sweep_soon();
        Err(refusal)
    }

    /// Writes the data and activates the image. After an error, the record says how far it came.
    async fn store_data(&self, upload: &mut Upload, accepted: &Accepted, receiver: &mut Receiver) -> Result<()> {
        let entry = self.stores.get(&upload.new.store).map_err(Error::internal)?;
        // The upload counts already, so that of two at once neither overlooks the other.
        self.enforce_limit(upload.project.as_ref(), Resource::CountUploading, 0).await?;
        let object = NewObject {
            image: upload.new.image.clone(),
            name: accepted.transfer.name.clone(),
            attempt: accepted.transfer.attempt.clone(),
            size_hint: upload.options.expected_size.or(upload.options.size_hint),
        };
        let journal = Arc::new(RecordJournal { db: self.db.clone(), id: upload.new.id.clone() });
        let mut writer = entry.driver.begin(&upload.store_context, &object, journal).await.map_err(explain_store)?;
        let stop = self.tasks.stop_signal();
        match self.receive_data(upload, &accepted.image, receiver, (writer.as_mut(), &stop)).await {
            Ok(received) => self.publish(upload, writer, received).await,
            Err(refusal) => {
                if let Err(error) = writer.abort().await {
                    tracing::warn!(image = %upload.new.image, %error, "cannot end writing in good order");
                }
                Err(refusal)
            }
        }
    }

    /// Reads the body: while one chunk is hashed and written, the next one is received.
    async fn receive_data(
        &self,
        upload: &mut Upload,
        image: &Image,
        receiver: &mut Receiver,
        (writer, stop): (&mut dyn StoreWriter, &StopSignal),
    ) -> Result<Received> {
        let cap = upload.config.limits.image_size_cap;
        let mut hashes = Hashes::new(self.hashes.clone(), &upload.config.hashing_algorithm).map_err(Error::internal)?;
        let mut inspection = Inspection::of(image, &upload.config.image_format);
        let counted = self.metrics.transfer(Direction::Upload, upload.new.store.as_str());
        let mut size = 0_u64;
        let lease = upload.lease.clone();
        let mut pending = next_chunk(receiver, stop, &lease).await?;
        while let Some(chunk) = pending {
            if receiver.is_short() {
                writer.flush().await.map_err(explain_store)?;
            }
            size += chunk.len() as u64;
            if size > cap {
                return Err(too_large(cap));
            }
            upload.room.grow(self, &upload.new.id, size).await?;
            counted.add(chunk.len());
            inspection.feed(&chunk);
            // Nobody has the chunk any more once both are through, even if the next one is long in coming.
            let (to_store, to_hash) = (chunk.clone(), chunk);
            let store = async { writer.write(to_store).await.map_err(explain_store) };
            let hash = async { hashes.update(to_hash).await.map_err(Error::internal) };
            ((), (), pending) = tokio::try_join!(hash, store, next_chunk(receiver, stop, &lease))?;
        }
        check_size(upload, size)?;
        let virtual_size = inspection.verdict()?;
        let digests = hashes.finish().map_err(Error::internal)?;
        Ok(Received { size, digests, virtual_size })
    }

    /// Makes the data visible and the image active. A node whose lease may have run out publishes nothing.
    async fn publish(&self, upload: &Upload, writer: Box<dyn StoreWriter>, received: Received) -> Result<()> {
        let id = &upload.new.id;
        self.require_fresh(&upload.lease)?;
        self.db.record_transfer(id, Phase::Finishing, None).await?;
        self.require_fresh(&upload.lease)?;
        let stored = match writer.finish().await {
            Ok(stored) => stored,
            Err(error) => {
                if error.outcome() == Outcome::NotDone {
                    // An object under the name is somebody else's.
                    self.db.record_transfer(id, Phase::Writing, None).await?;
                }
                return Err(explain_store(error));
            }
        };
        let done = CompletedUpload {
            size: received.size,
            virtual_size: received.virtual_size,
            checksum: Some(received.digests.checksum),
            os_hash_algo: Some(received.digests.os_hash_algo),
            os_hash_value: Some(received.digests.os_hash_value),
            location: self.location(&upload.new.store, stored),
        };
        let activate = upload.new.transition.then(Status::Active);
        let completed = self.db.complete_upload(id, &done, upload.room.limit(), activate, self.clock.now()).await;
        completed.map(drop).map_err(|error| explain_end(&upload.new.image, error))
    }

    /// A location as the catalogue keeps it; named stores are named in its metadata.
    fn location(&self, store: &StoreId, stored: Stored) -> Location {
        let mut metadata = stored.metadata;
        if self.stores.is_multi() {
            metadata.insert("store".into(), Value::String(store.as_str().to_owned()));
        }
        Location { id: None, url: stored.url, metadata, status: LocationStatus::Active }
    }
}

/// Keeps what a driver notes in the record of the upload.
struct RecordJournal {
    db: Database,
    id: WorkId,
}

#[async_trait]
impl Journal for RecordJournal {
    async fn record(&self, entry: &str) -> glance_store::Result<()> {
        self.db.record_transfer(&self.id, Phase::Writing, Some(entry)).await.map_err(|error| {
            glance_store::Error::new(StoreKind::Unavailable, "the record of the upload cannot be written")
                .with_source(error)
        })
    }
}

/// The next part of the body; `None` at its end.
async fn next_chunk(receiver: &mut Receiver, stop: &StopSignal, lease: &Lease) -> Result<Option<Bytes>> {
    let next = stop.or(lease.or(receiver.next())).await.ok_or_else(stopping)?;
    next.ok_or_else(cut_off)?.map_err(interrupted)
}

/// What it means for the client that the catalogue did not take the image.
fn explain_end(id: &ImageId, error: glance_db::Error) -> Error {
    match error.kind() {
        Kind::Gone => {
            Error::Gone(format!("Image {id} was deleted during the upload; its data has been removed.").into())
        }
        Kind::LimitReached => Error::LimitExceeded(
            "Image exceeds the storage quota: other uploads of the project have used what remained.".into(),
        ),
        _ => error.into(),
    }
}

fn check_size(upload: &Upload, size: u64) -> Result<()> {
    match upload.options.expected_size {
        Some(expected) if expected != size => {
            let wrong = if size > expected { "exceeds" } else { "mismatch" };
            Err(Error::Invalid(format!("Size {wrong}: expected {expected} bytes, got {size} bytes").into()))
        }
        _ => Ok(()),
    }
}

fn too_large(cap: u64) -> Error {
    let text = format!("The incoming image is too large: the maximum is {cap} bytes (image_size_cap).");
    Error::LimitExceeded(text.into())
}

fn interrupted(_: Interrupted) -> Error {
    Error::Invalid("The client closed the connection before all data was sent.".into())
}

fn stopping() -> Error {
    Error::Unavailable("The service is stopping. Please try again.".into())
}

fn cut_off() -> Error {
    Error::Unavailable("This node cannot reach the database. Please try again.".into())
}

/// What a store's failure means for an upload.
fn explain_store(error: glance_store::Error) -> Error {
    match error.kind() {
        StoreKind::Full => Error::LimitExceeded(
            "Image storage media is full: There is not enough disk space on the image storage media.".into(),
        ),
        StoreKind::Denied => Error::Unavailable(
            "Insufficient permissions on image storage media: Permission to write image storage media denied.".into(),
        ),
        StoreKind::ReadOnly => Error::Gone("Error in store configuration. Adding images to store is disabled.".into()),
        StoreKind::Duplicate => Error::Conflict("The store already holds data for this image.".into()),
        StoreKind::Timeout | StoreKind::Unavailable => {
            tracing::error!(%error, "the store does not take the image");
            Error::Unavailable("The image's store does not answer. Please try again later.".into())
        }
        _ => Error::internal(error),
    }
}
