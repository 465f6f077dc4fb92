//! Removing the data of images: all of it, or what one store has.

use std::sync::Arc;

use glance_db::{CompletedDelete, Deletion, Kind, WorkId};
use glance_domain::{Image, ImageId, Location, Status, StoreId};
use glance_store::{Kind as StoreKind, Outcome, StoreContext};
use tracing::Instrument as _;

use crate::app::App;
use crate::app::context::RequestContext;
use crate::app::error::{Error, Result};
use crate::traces;

/// What became of the data at a location.
pub(crate) enum Removed {
    /// It is gone, or is not the service's to remove.
    Gone,
    /// The store certainly refuses to remove it.
    Refused(glance_store::Error),
    /// It may be gone, or may go later.
    Unknown(glance_store::Error),
}

/// What a store's refusal to remove the first location means for a deletion.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum OnRefusal {
    /// It is given up, and the image stays: nobody has touched its data.
    Cancel,
    /// It goes on: an earlier try may still remove the data.
    Continue,
}

impl App {
    /// Deletes an image and its data.
    ///
    /// The deletion is recorded before the data goes, so that it is completed by another process if this one dies. Data
    /// that the store does not certainly remove now is removed later.
    ///
    /// # Errors
    /// `NotFound`, `Forbidden` for a protected image or by policy, `Conflict` when a store says that the data is in use
    /// or when the image is being deleted already.
    pub async fn delete_image(self: &Arc<Self>, ctx: &RequestContext, id: &ImageId) -> Result<()> {
        ctx.check_writable()?;
        let image = self.load_image(ctx, id).await.map_err(|error| match error {
            Error::NotFound(_) => nothing_to_delete(id),
            other => other,
        })?;
        self.enforce_on_image(ctx, "delete_image", &image).await?;
        refuse_protected(&image)?;
        let legacy = !self.policy.enforces_new_defaults();
        self.require_ownership(ctx, &image).map_err(|refusal| if legacy { refusal } else { nothing_to_delete(id) })?;
        image.status.check_move(Status::Deleted).map_err(|error| Error::Invalid(error.to_string().into()))?;
        let (app, context, id) = (self.clone(), ctx.store_context(), id.clone());
        let work = self.tasks.spawn(async move { app.delete_recorded(context, id).await });
        work.await.map_err(Error::internal)?
    }

    async fn delete_recorded(&self, context: StoreContext, image: ImageId) -> Result<()> {
        let (lease, id) = (self.tasks.lease(), self.db.new_work_id());
        let held = self.tasks.hold(&id, &lease);
        let context = StoreContext { hold: held.as_ref().map(|held| held.for_store()).unwrap_or_default(), ..context };
        let deletion = Deletion { id: id.clone(), image: image.clone(), node: lease.id().clone() };
        let current = self.db.begin_delete(&deletion).await.map_err(|error| match error.kind() {
            Kind::NotFound => nothing_to_delete(&image),
            Kind::Conflict => Error::Conflict(format!("Image {image} is being deleted by another request.").into()),
            _ => error.into(),
        })?;
        if let Err(refusal) = refuse_protected(&current) {
            self.db.cancel_delete(&id).await?;
            return Err(refusal);
        }
        let deleted = self.delete_claimed(&context, &id, &current, OnRefusal::Cancel).await;
        drop((context, held));
        self.tasks.sweep_soon();
        deleted
    }

    /// Removes the data of an image and then the image, under a record that this process has claimed.
    ///
    /// # Errors
    /// `Conflict` and `Forbidden` when the store certainly refuses the first location: the image stays as it is.
    pub(crate) async fn delete_claimed(
        &self,
        context: &StoreContext,
        id: &WorkId,
        image: &Image,
        on_refusal: OnRefusal,
    ) -> Result<()> {
        let mut removed = Vec::new();
        for (place, location) in image.locations.iter().enumerate() {
            match self.remove_data(context, &self.store_of(location), &location.url).await {
                Removed::Gone => removed.extend(location.id),
                Removed::Refused(error) if place == 0 && on_refusal == OnRefusal::Cancel => {
                    if let Some(refusal) = refusal(&error, &format!("Image {}", image.id)) {
                        self.db.cancel_delete(id).await?;
                        return Err(refusal);
                    }
                }
                Removed::Refused(error) | Removed::Unknown(error) => {
                    tracing::warn!(image = %image.id, %error, "the data of a deleted image is removed later");
                }
            }
        }
        let done = CompletedDelete { removed: &removed, store_of: &|location| self.store_of(location) };
        match self.db.complete_delete(id, &done, self.clock.now()).await {
            Ok(left) if left.is_empty() => Ok(()),
            Ok(left) => {
                tracing::info!(image = %image.id, locations = left.len(), "the image is deleted; some data is removed later");
                Ok(())
            }
            Err(error) if error.kind() == Kind::NotFound => Err(nothing_to_delete(&image.id)),
            Err(error) => Err(error.into()),
        }
    }

    /// The store of a location; a name that no store has where none is configured for it.
    pub(crate) fn store_of(&self, location: &Location) -> StoreId {
        match self.stores.for_location(location) {
            Ok(entry) => entry.id.clone(),
            Err(_) => location.store().unwrap_or_else(|| StoreId::new(scheme_of(&location.url))),
        }
    }

    /// Removes the data at `url`, if it is the service's.
    pub(crate) async fn remove_data(&self, context: &StoreContext, store: &StoreId, url: &str) -> Removed {
        let entry = match self.stores.get(store) {
            Ok(entry) if !entry.driver.capabilities().owns_data => return Removed::Gone,
            Ok(entry) => entry,
            Err(error) => return Removed::Refused(error),
        };
        let span = traces::store("delete", entry.id.as_str());
        match entry.driver.delete(context, url).instrument(span).await {
            Ok(()) => Removed::Gone,
            Err(error) => match error.outcome() {
                Outcome::Nothing => {
                    tracing::warn!(%error, "there was nothing to remove at a location");
                    Removed::Gone
                }
                Outcome::NotDone => Removed::Refused(error),
                Outcome::Unknown => Removed::Unknown(error),
            },
        }
    }

    /// Removes an image's data from one of several stores that have it.
    ///
    /// # Errors
    /// `NotFound` without named stores, for an unknown image and for one that has no data in the store; `Conflict` for
    /// an unknown store, an image that is not active, and data in use; `Forbidden` by policy and for the last data of
    /// the image.
    pub async fn delete_from_store(self: &Arc<Self>, ctx: &RequestContext, store: &StoreId, id: &str) -> Result<()> {
        ctx.check_writable()?;
        let before = self.image_in_stores(ctx, store, id).await?;
        if before.status != Status::Active {
            let text = "It's not allowed to remove image data from store if image status is not 'active'";
            return Err(Error::Conflict(text.into()));
        }
        if before.locations.len() == 1 {
            let text = "Cannot delete image data from the only store containing it. Consider deleting the image \
                        instead.";
            return Err(Error::Forbidden(text.into()));
        }
        let mut after = before.clone();
        let held = before.locations.iter().position(|location| location.store().as_ref() == Some(store));
        let held = held.ok_or_else(|| Error::NotFound(format!("Image {id} is not stored in store {store}.").into()))?;
        let location = after.locations.remove(held);
        let (app, context) = (self.clone(), ctx.store_context());
        let work = self.tasks.spawn(async move { app.drop_location(context, &before, &after, &location).await });
        work.await.map_err(Error::internal)?
    }

    async fn image_in_stores(&self, ctx: &RequestContext, store: &StoreId, id: &str) -> Result<Image> {
        if !self.stores.is_multi() {
            return Err(Error::NotFound("The resource could not be found.".into()));
        }
        if !self.stores.listed().any(|entry| entry.id == *store) {
            let text = format!("The selected store {store} is not available on this node.");
            return Err(Error::Conflict(text.into()));
        }
        let missing = || Error::NotFound(format!("Failed to find image {id}").into());
        let parsed = ImageId::parse(id).map_err(|_| missing())?;
        let image = self.load_image(ctx, &parsed).await.map_err(|error| match error {
            Error::NotFound(_) => missing(),
            other => other,
        })?;
        self.enforce_on_image(ctx, "get_image_location", &image).await?;
        self.enforce_on_own_image(ctx, "delete_image_location", &image).await?;
        Ok(image)
    }

    /// Takes a location out of the catalogue and then its data out of the store, so that no image ever has a location
    /// without data. When the store certainly refuses, the location comes back.
    async fn drop_location(
        &self,
        context: StoreContext,
        before: &Image,
        after: &Image,
        location: &Location,
    ) -> Result<()> {
        let relocation = self.plan_relocation(before, after);
        self.save_locations(before, after, &relocation.change).await?;
        let Some((removal, held)) = relocation.first() else { return Ok(()) };
        let context = StoreContext { hold: held.for_store(), ..context };
        let removed = match self.remove_data(&context, &removal.store, &removal.url).await {
            Removed::Gone => Ok(self.db.complete_removal(&removal.id).await?),
            Removed::Refused(error) => {
                self.db.restore_location(&removal.id, location, self.clock.now()).await?;
                let whose = format!("The data for Image {}", before.id);
                Err(refusal(&error, &whose).unwrap_or_else(|| Error::Unavailable("The store refuses it.".into())))
            }
            Removed::Unknown(error) => {
                tracing::warn!(image = %before.id, %error, "the data of a removed location is removed later");
                Ok(())
            }
        };
        drop((context, relocation));
        self.tasks.sweep_soon();
        removed
    }
}

fn scheme_of(url: &str) -> &str {
    url.split_once(':').map_or("", |(scheme, _)| scheme)
}

fn nothing_to_delete(id: &ImageId) -> Error {
    Error::NotFound(format!("Failed to find image {id} to delete").into())
}

fn refuse_protected(image: &Image) -> Result<()> {
    if image.protected {
        return Err(Error::Forbidden(format!("Image {} is protected and cannot be deleted.", image.id).into()));
    }
    Ok(())
}

/// What the store's refusal to remove data means for whoever asked; `None` where the data does not matter to the caller.
fn refusal(error: &glance_store::Error, whose: &str) -> Option<Error> {
    let refused = |why: &str| format!("{whose} could not be deleted because {why}").into();
    match error.kind() {
        StoreKind::InUse => Some(Error::Conflict(refused("it is in use"))),
        StoreKind::HasSnapshots => Some(Error::Conflict(refused("its data has snapshots"))),
        StoreKind::Denied => {
            tracing::error!(%whose, %error, "the store refuses to remove data");
            Some(Error::Forbidden("You cannot delete this image's data.".into()))
        }
        _ => None,
    }
}
