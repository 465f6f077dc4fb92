//! Deletions of images with their data.

use glance_domain::{Image, ImageId, Location, StoreId, Timestamp};
use sea_query::{Expr, ExprTrait as _, LockType, Query};

use super::record::{Work, WorkId};
use super::rows::{self, NewRecord};
use crate::database::retry;
use crate::error::{Error, Kind, Result};
use crate::images::columns::live;
use crate::images::read::{get_within, not_found};
use crate::images::write::{Remains, soft_delete};
use crate::nodes::NodeId;
use crate::sql::Transaction;
use crate::{Database, Engine, nodes};

/// A deletion that is to begin.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Deletion {
    /// The fence.
    pub id: WorkId,
    /// The image.
    pub image: ImageId,
    /// The node that deletes.
    pub node: NodeId,
}

/// What is known when the locations of an image that is being deleted have been worked on.
pub struct CompletedDelete<'a> {
    /// The rows of the locations whose data is certainly gone.
    pub removed: &'a [i64],
    /// The store that holds a location. It becomes a part of the record that removes the location.
    pub store_of: &'a (dyn Fn(&Location) -> StoreId + Send + Sync),
}

impl Database {
    /// Writes that an image is about to be deleted with its data, and returns its row. The image stays as it is.
    ///
    /// # Errors
    /// [`Kind::NotFound`] when the image is unknown or deleted, [`Kind::Conflict`] when it is being deleted already,
    /// [`Kind::Fenced`] when the node is not registered.
    pub async fn begin_delete(&self, deletion: &Deletion) -> Result<Image> {
        retry(|| async {
            let mut transaction = self.pools.begin().await?;
            nodes::require(&mut transaction, &deletion.node).await?;
            lock_image(&mut transaction, &deletion.image).await?;
            let image = self.seal.open(get_within(&mut transaction, &deletion.image).await?)?;
            if !rows::about(&mut transaction, &deletion.image, Work::Delete.kind()).await?.is_empty() {
                return Err(Error::new(Kind::Conflict, "the image is being deleted"));
            }
            let record = NewRecord {
                id: &deletion.id,
                image: &deletion.image,
                node: &deletion.node,
                work: &Work::Delete,
                reserved: None,
            };
            rows::insert(&mut transaction, &self.seal, &record).await?;
            transaction.commit().await?;
            Ok(image)
        })
        .await
    }

    /// Ends a deletion: the image and all that belongs to it are marked as deleted, and every live location whose data is
    /// not certainly gone becomes the record of a removal. Returns these.
    ///
    /// # Errors
    /// [`Kind::Fenced`] when the work has ended or another node has claimed it. [`Kind::NotFound`] when somebody else
    /// has deleted the image; the record is gone all the same.
    pub async fn complete_delete(
        &self,
        id: &WorkId,
        done: &CompletedDelete<'_>,
        now: Timestamp,
    ) -> Result<Vec<WorkId>> {
        let removals = retry(|| async {
            let mut transaction = self.pools.begin().await?;
            let record = rows::lock(&mut transaction, id).await?;
            lock_image(&mut transaction, &record.image).await.or_else(no_image_is_fine)?;
            let image = match get_within(&mut transaction, &record.image).await {
                Ok(image) => Some(self.seal.open(image)?),
                Err(error) if error.kind() == Kind::NotFound => None,
                Err(error) => return Err(error),
            };
            rows::delete(&mut transaction, id).await?;
            let mut removals = Vec::new();
            if let Some(image) = &image {
                for location in image.locations.iter().filter(|location| !is_removed(location, done.removed)) {
                    removals.push(self.leave(&mut transaction, image, &record.node, location, done).await?);
                }
                soft_delete(&mut transaction, &record.image, Remains::Nothing, now).await?;
            }
            transaction.commit().await?;
            Ok(image.map(|_| removals))
        })
        .await?;
        removals.ok_or_else(not_found)
    }

    /// Writes that the data at a location is still to be removed.
    async fn leave(
        &self,
        transaction: &mut Transaction,
        image: &Image,
        node: &NodeId,
        location: &Location,
        done: &CompletedDelete<'_>,
    ) -> Result<WorkId> {
        let id = self.new_work_id();
        let work = Work::Removal { store: (done.store_of)(location), url: location.url.clone() };
        let reserved = image.owner.as_ref().zip(image.size);
        let record = NewRecord { id: &id, image: &image.id, node, work: &work, reserved };
        rows::insert(transaction, &self.seal, &record).await?;
        Ok(id)
    }

    /// Ends a deletion that was given up before anything was removed.
    ///
    /// # Errors
    /// [`Kind::Fenced`] when the work has ended or another node has claimed it.
    pub async fn cancel_delete(&self, id: &WorkId) -> Result<()> {
        self.end_record(id).await
    }
}

fn is_removed(location: &Location, removed: &[i64]) -> bool {
    location.id.is_some_and(|id| removed.contains(&id))
}

fn no_image_is_fine(error: Error) -> Result<()> {
    if error.kind() == Kind::NotFound { Ok(()) } else { Err(error) }
}

/// Keeps others from changing the image until the transaction ends.
async fn lock_image(transaction: &mut Transaction, image: &ImageId) -> Result<()> {
    let mut query = Query::select();
    query.column("id").from("images").and_where(Expr::col("id").eq(image.as_str())).and_where(live("images"));
    if transaction.engine() != Engine::Sqlite {
        query.lock(LockType::Update);
    }
    if transaction.fetch(&query, |_| Ok(())).await?.is_empty() { Err(not_found()) } else { Ok(()) }
}
