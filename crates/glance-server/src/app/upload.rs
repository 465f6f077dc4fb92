//! Storing the data of an image: the heart of the service.
//!
//! An upload is a task of the service, not of the connection: when the client vanishes or the server stops, the same
//! code path removes what was written and returns the image to `queued`. It is recorded in the catalogue before a byte
//! is stored, so that another process can do the same when this one is killed.

use std::sync::Arc;

use glance_db::{CompletedUpload, Kind, Phase, Transfer, TransferId, TransferKind};
use glance_domain::{Image, ImageId, Location, LocationStatus, ProjectId, Status, StoreId};
use glance_store::{Kind as StoreKind, NewObject, StoreContext, StoreEntry, StoreWriter, Stored};
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
use crate::tasks::StopSignal;
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
    transfer: Transfer,
    object: NewObject,
    image: Image,
    options: UploadOptions,
    /// For whom data is stored, and whose limits count.
    project: Option<ProjectId>,
    room: Room,
    store_context: StoreContext,
    config: Arc<Config>,
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
        let mut receiver = Receiver::new(body);
        let awaits_go_ahead = options.awaits_go_ahead;
        match self.begin_upload(ctx, id, options).await {
            Ok(upload) => {
                let app = self.clone();
                let work = self.tasks.spawn(async move { app.run_upload(upload, receiver).await });
                work.await.map_err(Error::internal)?
            }
            Err(refusal) => {
                // To read is to tell the client to go on.
                if !awaits_go_ahead {
                    receiver.drain().await;
                }
                Err(refusal)
            }
        }
    }

    /// Checks everything that can be checked before data moves, and records the upload.
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
        let attempt = TransferId::random();
        let transfer = Transfer {
            attempt: attempt.as_str().to_owned(),
            id: attempt,
            kind: TransferKind::Upload,
            image: id.clone(),
            node: self.tasks.node().clone(),
            store: entry.id.clone(),
            phase: Phase::Writing,
            journal: None,
        };
        let object = NewObject {
            image: id.clone(),
            transfer: transfer.attempt.clone(),
            size_hint: options.expected_size.or(options.size_hint),
        };
        // Who does not say how much comes may exceed the limit, as in Glance, so there is nothing to reserve.
        let most = most.filter(|_| declared.is_some()).map(bytes_within);
        let room = Room::new(ctx, declared, most);
        let (store_context, config) = (ctx.store_context(), ctx.config.clone());
        Ok(Upload { transfer, object, image, options, project: ctx.project.clone(), room, store_context, config })
    }

    fn store_for_upload(&self, asked: Option<&StoreId>) -> Result<&StoreEntry> {
        let Some(id) = asked.filter(|_| self.stores.is_multi()) else { return Ok(self.stores.default_store()) };
        self.stores.get(id).map_err(|_| Error::Invalid(format!("Store for identifier {id} not found").into()))
    }

    async fn run_upload(&self, mut upload: Upload, mut receiver: Receiver) -> Result<()> {
        let _active = self.tasks.hold(&upload.transfer.id);
        let first = upload.room.first();
        let began = self.db.begin_upload(&upload.transfer, first.as_ref(), self.clock.now()).await;
        let (outcome, go_ahead) = match began.map_err(|error| self.explain_begin(&upload, error)) {
            Ok(reserved) => {
                upload.room.begin(reserved);
                let span = traces::store("write", upload.transfer.store.as_str());
                (self.store_data(&mut upload, &mut receiver).instrument(span).await, true)
            }
            // To read is to tell the client to go on.
            Err(refusal) => (Err(refusal), !upload.options.awaits_go_ahead),
        };
        if let Err(refusal) = &outcome {
            tracing::info!(image = %upload.image.id, error = %refusal, "the upload failed");
            if go_ahead {
                receiver.drain().await;
            }
        }
        outcome
    }

    fn explain_begin(&self, upload: &Upload, error: glance_db::Error) -> Error {
        let id = &upload.image.id;
        match error.kind() {
            Kind::LimitReached => upload.room.refusal(error.room_left().unwrap_or(0)),
            Kind::NotFound => Error::no_image(id),
            Kind::Conflict => {
                Error::Conflict(format!("Image {id} is not queued: another upload or import has it.").into())
            }
            _ => error.into(),
        }
    }

    /// Writes the data and activates the image, or removes every trace of the attempt.
    async fn store_data(&self, upload: &mut Upload, receiver: &mut Receiver) -> Result<()> {
        let entry = self.stores.get(&upload.transfer.store).map_err(Error::internal)?;
        // The upload counts already, so that of two at once neither overlooks the other.
        let allowed = self.enforce_limit(upload.project.as_ref(), Resource::CountUploading, 0).await;
        if let Err(refusal) = allowed {
            self.db.abort_upload(&upload.transfer.id, self.clock.now()).await?;
            return Err(refusal);
        }
        let mut writer = match entry.driver.begin(&upload.store_context, &upload.object).await {
            Ok(writer) => writer,
            Err(error) => {
                self.db.abort_upload(&upload.transfer.id, self.clock.now()).await?;
                return Err(explain_store(error));
            }
        };
        let stop = self.tasks.stop_signal();
        match self.receive_data(upload, receiver, writer.as_mut(), stop).await {
            Ok(received) => {
                let journal = writer.journal();
                let recorded = self.db.record_transfer(&upload.transfer.id, Phase::Finishing, journal.as_deref()).await;
                match recorded {
                    Ok(()) => self.finish_upload(upload, writer, received).await,
                    Err(error) => self.discard(upload, writer, error.into()).await,
                }
            }
            Err(refusal) => self.discard(upload, writer, refusal).await,
        }
    }

    /// Removes what was written and returns the image to `queued`, because of `refusal`.
    async fn discard(&self, upload: &Upload, writer: Box<dyn StoreWriter>, refusal: Error) -> Result<()> {
        match writer.abort().await {
            Ok(()) => self.db.abort_upload(&upload.transfer.id, self.clock.now()).await?,
            // The record stays: this node or another tries again later.
            Err(error) => tracing::error!(image = %upload.image.id, %error, "cannot remove an unfinished upload"),
        }
        Err(refusal)
    }

    /// Reads the body: while one chunk is hashed and written, the next one is received.
    async fn receive_data(
        &self,
        upload: &mut Upload,
        receiver: &mut Receiver,
        writer: &mut dyn StoreWriter,
        stop: StopSignal,
    ) -> Result<Received> {
        let cap = upload.config.limits.image_size_cap;
        let mut hashes = Hashes::new(self.hashes.clone(), &upload.config.hashing_algorithm).map_err(Error::internal)?;
        let mut inspection = Inspection::of(&upload.image, &upload.config.image_format);
        let counted = self.metrics.transfer(Direction::Upload, upload.transfer.store.as_str());
        let mut size = 0_u64;
        let mut journal = None;
        let mut pending = stop.or(receiver.next()).await.ok_or_else(stopping)?.map_err(interrupted)?;
        while let Some(chunk) = pending {
            size += chunk.len() as u64;
            if size > cap {
                return Err(too_large(cap));
            }
            upload.room.grow(self, &upload.transfer.id, size).await?;
            counted.add(chunk.len());
            inspection.feed(&chunk);
            let store = async { writer.write(chunk.clone()).await.map_err(explain_store) };
            let hash = async { hashes.update(chunk.clone()).await.map_err(Error::internal) };
            let next = async { stop.or(receiver.next()).await.ok_or_else(stopping)?.map_err(interrupted) };
            ((), (), pending) = tokio::try_join!(hash, store, next)?;
            if writer.journal() != journal {
                journal = writer.journal();
                self.db.record_transfer(&upload.transfer.id, Phase::Writing, journal.as_deref()).await?;
            }
        }
        check_size(upload, size)?;
        let virtual_size = inspection.verdict()?;
        let digests = hashes.finish().map_err(Error::internal)?;
        Ok(Received { size, digests, virtual_size })
    }

    async fn finish_upload(&self, upload: &Upload, writer: Box<dyn StoreWriter>, received: Received) -> Result<()> {
        let id = &upload.transfer.id;
        let stored = match writer.finish().await {
            Ok(stored) => stored,
            Err(error) => {
                self.db.abort_upload(id, self.clock.now()).await?;
                return Err(explain_store(error));
            }
        };
        let url = stored.url.clone();
        let done = CompletedUpload {
            size: received.size,
            virtual_size: received.virtual_size,
            checksum: Some(received.digests.checksum),
            os_hash_algo: Some(received.digests.os_hash_algo),
            os_hash_value: Some(received.digests.os_hash_value),
            location: self.location(&upload.transfer.store, stored),
        };
        match self.db.complete_upload(id, &done, upload.room.limit(), self.clock.now()).await {
            Ok(_) => Ok(()),
            Err(error) => self.take_back(upload, &url, error).await,
        }
    }

    /// The catalogue did not take the image: decides who removes the data.
    ///
    /// The data of an image that was deleted meanwhile, or of one too many, is this node's to clean up. A transfer that another node has taken over
    /// is cleaned up there; and when the answer was lost the image may be active, so the record, if it is still there,
    /// decides later.
    async fn take_back(&self, upload: &Upload, url: &str, error: glance_db::Error) -> Result<()> {
        let id = &upload.image.id;
        let refusal = match error.kind() {
            Kind::Gone => {
                Error::Gone(format!("Image {id} was deleted during the upload; its data has been removed.").into())
            }
            Kind::LimitReached => Error::LimitExceeded(
                "Image exceeds the storage quota: other uploads of the project have used what remained.".into(),
            ),
            _ => return Err(error.into()),
        };
        let entry = self.stores.get(&upload.transfer.store).map_err(Error::internal)?;
        match entry.driver.delete(&upload.store_context, url).await {
            Err(error) if error.kind() != StoreKind::NotFound => {
                tracing::error!(image = %upload.image.id, %error, "cannot remove unowned data");
            }
            _ => self.db.abort_upload(&upload.transfer.id, self.clock.now()).await?,
        }
        Err(refusal)
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
