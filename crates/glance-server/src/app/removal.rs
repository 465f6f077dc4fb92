//! Removing the data of images: all of it, or what one store has.

use std::sync::Arc;

use glance_domain::{Image, ImageId, Location, Status, StoreId};
use glance_store::{Kind as StoreKind, StoreContext};
use tracing::Instrument as _;

use crate::app::App;
use crate::app::context::RequestContext;
use crate::app::error::{Error, Result};
use crate::traces;

impl App {
    /// Removes the data at every location.
    pub(crate) async fn delete_data(&self, context: &StoreContext, image: &Image) -> Result<()> {
        for location in &image.locations {
            self.remove_data(context, location, &format!("Image {}", image.id)).await?;
        }
        Ok(())
    }

    /// Removes the data at a location of what is called `whose`. Data that is gone already, or that no store here can
    /// remove, is logged.
    async fn remove_data(&self, context: &StoreContext, location: &Location, whose: &str) -> Result<()> {
        let outcome = match self.stores.for_location(location) {
            Ok(entry) => {
                let span = traces::store("delete", entry.id.as_str());
                entry.driver.delete(context, &location.url).instrument(span).await
            }
            Err(error) => Err(error),
        };
        let Err(error) = outcome else { return Ok(()) };
        let refused = |why: &str| format!("{whose} could not be deleted because {why}").into();
        match error.kind() {
            StoreKind::InUse => Err(Error::Conflict(refused("it is in use"))),
            StoreKind::HasSnapshots => Err(Error::Conflict(refused("its data has snapshots"))),
            StoreKind::Denied => {
                tracing::error!(%whose, %error, "the store refuses to remove data");
                Err(Error::Forbidden("You cannot delete this image's data.".into()))
            }
            StoreKind::Timeout | StoreKind::Unavailable => {
                tracing::error!(%whose, %error, "data cannot be removed now");
                Err(Error::Unavailable(refused("its store does not answer")))
            }
            _ => {
                tracing::warn!(%whose, %error, "data was not removed");
                Ok(())
            }
        }
    }

    /// Removes an image's data from one of several stores that have it.
    ///
    /// # Errors
    /// `NotFound` without named stores, for an unknown image and for one that has no data in the store; `Conflict` for
    /// an unknown store, an image that is not active, and data in use; `Forbidden` by policy and for the last data of
    /// the image; `Unavailable` when the store does not answer.
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
        let work = self.tasks.spawn(async move { app.drop_location(&context, &before, &after, &location).await });
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
    /// without data. When the store refuses, the location comes back.
    async fn drop_location(
        &self,
        context: &StoreContext,
        before: &Image,
        after: &Image,
        location: &Location,
    ) -> Result<()> {
        let relocation = self.plan_relocation(before, after);
        let saved = self.save_locations(before, after, &relocation.change).await?;
        let Some(removal) = relocation.change.removals.first() else { return Ok(()) };
        let whose = format!("The data for Image {}", before.id);
        let removed = self.remove_data(context, location, &whose).await;
        if removed.is_err() {
            let mut restored = saved.clone();
            restored.locations.push(Location { id: None, ..location.clone() });
            self.save_image(&saved, &restored).await?;
        }
        self.db.complete_removal(&removal.id).await?;
        removed
    }
}
