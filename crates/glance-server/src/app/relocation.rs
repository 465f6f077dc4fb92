//! Data at locations that an image no longer has.
//!
//! The change that takes the locations away records the removal; a task removes the data, and whoever finds the record
//! without a task that works on it (`tasks/sweep.rs`) does the same.

use std::sync::Arc;

use glance_db::{Kind, LocationChange, Removal, Transfer, TransferId};
use glance_domain::query::Viewer;
use glance_domain::{Image, ImageId};
use glance_store::{Kind as StoreKind, StoreContext};
use tracing::Instrument as _;

use crate::app::App;
use crate::app::context::RequestContext;
use crate::app::error::{Error, Result};
use crate::tasks::Held;
use crate::traces;

/// A change of an image's locations that has not been made yet.
pub(crate) struct Relocation {
    /// What its transaction does besides.
    pub(crate) change: LocationChange,
    /// Keeps this node's own sweep away from the removals.
    held: Vec<Held>,
}

impl App {
    /// Prepares the removal of the data that `before` has and `after` has not.
    pub(crate) fn plan_relocation(&self, before: &Image, after: &Image) -> Relocation {
        let kept = |url: &str| after.locations.iter().any(|location| location.url == url);
        let mut removals = Vec::new();
        for location in before.locations.iter().filter(|location| !kept(&location.url)) {
            match self.stores.for_location(location) {
                Ok(entry) => removals.push(Removal {
                    id: TransferId::random(),
                    node: self.tasks.node().clone(),
                    store: entry.id.clone(),
                    url: location.url.clone(),
                }),
                Err(error) => tracing::error!(image = %before.id, %error, "the data at a removed location stays"),
            }
        }
        let held = removals.iter().map(|removal| self.tasks.hold(&removal.id)).collect();
        Relocation { change: LocationChange { removals, needs: None }, held }
    }

    /// Removes the data, now that the catalogue no longer has its locations.
    pub(crate) fn remove_dropped(self: &Arc<Self>, ctx: &RequestContext, image: &ImageId, relocation: Relocation) {
        if relocation.change.removals.is_empty() {
            return;
        }
        let (app, context, image) = (self.clone(), ctx.store_context(), image.clone());
        drop(self.tasks.spawn(async move {
            let Relocation { change, held } = relocation;
            for removal in &change.removals {
                if let Err(error) = app.remove_recorded(&context, &image, removal).await {
                    tracing::warn!(%image, %error, "the data at a removed location is still there; trying again later");
                }
            }
            drop(held);
        }));
    }

    /// Finishes a removal that nobody works on.
    ///
    /// # Errors
    /// `Unavailable` when the catalogue or the store does not answer: the record stays.
    pub(crate) async fn finish_removal(&self, transfer: &Transfer) -> Result<()> {
        let url = self.db.removed_url(transfer)?;
        match self.db.get_image(&transfer.image, &Viewer::Admin(None)).await {
            // Somebody has given the image this location again.
            Ok(image) if image.locations.iter().any(|location| location.url == url) => {
                return Ok(self.db.complete_removal(&transfer.id).await?);
            }
            Err(error) if error.kind() != Kind::NotFound => return Err(error.into()),
            _ => {}
        }
        let (id, node, store) = (transfer.id.clone(), transfer.node.clone(), transfer.store.clone());
        self.remove_recorded(&StoreContext::default(), &transfer.image, &Removal { id, node, store, url }).await
    }

    /// Removes the data and crosses the record out. A store that may answer later leaves the record.
    async fn remove_recorded(&self, context: &StoreContext, image: &ImageId, removal: &Removal) -> Result<()> {
        let outcome = match self.stores.get(&removal.store) {
            Ok(entry) => {
                let span = traces::store("delete", entry.id.as_str());
                entry.driver.delete(context, &removal.url).instrument(span).await
            }
            Err(error) => Err(error),
        };
        match outcome {
            Ok(()) => {}
            Err(error) => match error.kind() {
                StoreKind::NotFound | StoreKind::ReadOnly => {
                    tracing::warn!(%image, %error, "there was nothing to remove at a location");
                }
                StoreKind::Unavailable | StoreKind::Timeout => {
                    let text = "The data's store does not answer.";
                    tracing::warn!(%image, %error, text);
                    return Err(Error::Unavailable(text.into()));
                }
                _ => tracing::error!(%image, %error, "the data at a removed location stays"),
            },
        }
        Ok(self.db.complete_removal(&removal.id).await?)
    }
}
