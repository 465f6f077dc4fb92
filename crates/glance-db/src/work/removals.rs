//! Removals of data that no image has any more.

use glance_domain::{Image, Location, Timestamp};

use super::record::{NewRemoval, Work, WorkId};
use super::rows::{self, NewRecord};
use crate::database::retry;
use crate::error::{Error, Kind, Result};
use crate::images::write::{add_locations, touch};
use crate::seal::Seal;
use crate::sql::Transaction;
use crate::{Database, nodes};

impl Database {
    /// Ends a removal: the data is certainly gone.
    ///
    /// # Errors
    /// [`Kind::Fenced`] when the work has ended or another node has claimed it.
    pub async fn complete_removal(&self, id: &WorkId) -> Result<()> {
        self.end_record(id).await
    }

    /// Ends a removal that the store certainly refuses: the image gets its location back.
    ///
    /// # Errors
    /// [`Kind::Fenced`] when the work has ended or another node has claimed it; [`Kind::NotFound`] when the image was
    /// deleted meanwhile: the record stays.
    pub async fn restore_location(&self, id: &WorkId, location: &Location, now: Timestamp) -> Result<()> {
        retry(|| async {
            let mut transaction = self.pools.begin().await?;
            let record = rows::lock(&mut transaction, id).await?;
            touch(&mut transaction, &record.image, now).await?;
            let back = Location { id: None, ..location.clone() };
            add_locations(&mut transaction, &self.seal, &record.image, now, std::iter::once(&back)).await?;
            rows::delete(&mut transaction, id).await?;
            transaction.commit().await
        })
        .await
    }
}

/// Writes the records of data that `image` loses in this transaction.
pub(crate) async fn record_removals(
    transaction: &mut Transaction,
    seal: &Seal,
    image: &Image,
    removals: &[NewRemoval],
) -> Result<()> {
    for removal in removals {
        nodes::require(transaction, &removal.node).await?;
        let work = Work::Removal { store: removal.store.clone(), url: removal.url.clone() };
        let reserved = image.owner.as_ref().zip(image.size);
        let record = NewRecord { id: &removal.id, image: &image.id, node: &removal.node, work: &work, reserved };
        rows::insert(transaction, seal, &record).await?;
    }
    Ok(())
}

/// Refuses locations whose data is being removed.
///
/// # Errors
/// [`Kind::Conflict`] when one of them is.
pub(crate) async fn refuse_removed<'a>(
    transaction: &mut Transaction,
    seal: &Seal,
    image: &Image,
    added: impl Iterator<Item = &'a Location> + Clone,
) -> Result<()> {
    if added.clone().next().is_none() {
        return Ok(());
    }
    for record in rows::about(transaction, &image.id, "removal").await? {
        let Work::Removal { url, .. } = rows::open(seal, record)?.work else { continue };
        if added.clone().any(|location| location.url == url) {
            return Err(Error::new(Kind::Conflict, "the data at a location is being removed"));
        }
    }
    Ok(())
}
