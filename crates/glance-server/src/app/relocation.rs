//! Data at locations that an image no longer has.
//!
//! The change that takes the locations away records the removal; a task removes the data, and whoever finds the record
//! without a task that works on it (`tasks/sweep.rs`) does the same.

use std::sync::Arc;

use glance_db::{LocationChange, NewRemoval};
use glance_domain::{Image, ImageId};
use glance_store::StoreContext;

use crate::app::App;
use crate::app::context::RequestContext;
use crate::app::removal::Removed;
use crate::tasks::Held;

/// A change of an image's locations that has not been made yet.
pub(crate) struct Relocation {
    /// What its transaction does besides.
    pub(crate) change: LocationChange,
    /// Keeps this node's own sweep away from the removals; one for each.
    held: Vec<Arc<Held>>,
}

impl Relocation {
    /// The first removal.
    pub(crate) fn first(&self) -> Option<(&NewRemoval, &Arc<Held>)> {
        self.change.removals.first().zip(self.held.first())
    }
}

impl App {
    /// Prepares the removal of the data that `before` has and `after` has not.
    pub(crate) fn plan_relocation(&self, before: &Image, after: &Image) -> Relocation {
        let lease = self.tasks.lease();
        let kept = |url: &str| after.locations.iter().any(|location| location.url == url);
        let (mut removals, mut held) = (Vec::new(), Vec::new());
        for location in before.locations.iter().filter(|location| !kept(&location.url)) {
            let id = self.db.new_work_id();
            held.extend(self.tasks.hold(&id, &lease));
            let (node, store) = (lease.id().clone(), self.store_of(location));
            removals.push(NewRemoval { id, node, store, url: location.url.clone() });
        }
        Relocation { change: LocationChange { removals, needs: None }, held }
    }

    /// Removes the data, now that the catalogue no longer has its locations.
    pub(crate) fn remove_dropped(self: &Arc<Self>, ctx: &RequestContext, image: &ImageId, relocation: Relocation) {
        if relocation.change.removals.is_empty() {
            return;
        }
        let (app, context, image) = (self.clone(), ctx.store_context(), image.clone());
        drop(self.tasks.spawn(async move {
            for (removal, held) in relocation.change.removals.iter().zip(&relocation.held) {
                let context = StoreContext { hold: held.for_store(), ..context.clone() };
                app.remove_dropped_data(&context, &image, removal).await;
            }
            drop(relocation);
            app.tasks.sweep_soon();
        }));
    }

    /// Removes the data of a record that was written with the change; what does not work is tried again later.
    async fn remove_dropped_data(&self, context: &StoreContext, image: &ImageId, removal: &NewRemoval) {
        match self.remove_data(context, &removal.store, &removal.url).await {
            Removed::Gone => {
                if let Err(error) = self.db.complete_removal(&removal.id).await {
                    tracing::warn!(%image, %error, "the record of a removal that is done stays for now");
                }
            }
            Removed::Refused(error) | Removed::Unknown(error) => {
                tracing::warn!(%image, %error, "the data at a removed location is still there; trying again later");
            }
        }
    }
}
