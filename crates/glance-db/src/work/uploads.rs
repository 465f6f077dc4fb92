//! Uploads: how they begin, and the ways in which they end.

use glance_domain::{Image, ImageId, StoreId, Timestamp};
use sea_query::{Expr, ExprTrait as _, Query};

use super::record::{Begun, CompletedUpload, NewUpload, Phase, StorageLimit, Transfer, Transition, Work, WorkId};
use super::rows::{self, NewRecord, lost};
use crate::database::retry;
use crate::error::{Error, Kind, Result};
use crate::images::read::get_within;
use crate::images::write::{add_locations, bytes, change_row, update_in_status};
use crate::sql::{Columns, Transaction};
use crate::{Database, nodes, quota};

/// No image id has more characters.
const LONGEST_ID: usize = 36;

impl Database {
    /// Starts an upload: the image makes the transition, and the record is written with what it reserves.
    ///
    /// # Errors
    /// [`Kind::Conflict`] when the image is in another status or is being deleted, [`Kind::Fenced`] when the node is not
    /// registered, [`Kind::NotFound`] when the image is unknown or deleted, [`Kind::Invalid`] when the image is not
    /// complete enough for data, [`Kind::LimitReached`] when the data does not fit.
    pub async fn begin_upload(&self, new: &NewUpload, now: Timestamp) -> Result<Begun> {
        retry(|| async {
            let mut transaction = self.pools.begin().await?;
            if let Some(reservation) = &new.reservation {
                quota::lock(&mut transaction, &reservation.limit.project).await?;
            }
            nodes::require(&mut transaction, &new.node).await?;
            let mut update = update_in_status(transaction.engine(), &new.image, new.transition.from, now);
            update.value("status", new.transition.to.as_str());
            change_row(&mut transaction, &new.image, update).await?;
            let image = self.accepting(&mut transaction, new).await?;
            let transfer = name_transfer(&mut transaction, new).await?;
            let work = Work::Upload(transfer.clone());
            let record = NewRecord { id: &new.id, image: &new.image, node: &new.node, work: &work, reserved: None };
            rows::insert(&mut transaction, &self.seal, &record).await?;
            let reserved = match &new.reservation {
                Some(reservation) => Some(quota::reserve(&mut transaction, &new.id, reservation).await?),
                None => None,
            };
            transaction.commit().await?;
            Ok(Begun { image, transfer, reserved })
        })
        .await
    }

    /// The image's row, if it may get data.
    async fn accepting(&self, transaction: &mut Transaction, new: &NewUpload) -> Result<Image> {
        let image = self.seal.open(get_within(transaction, &new.image).await?)?;
        if !rows::about(transaction, &new.image, Work::Delete.kind()).await?.is_empty() {
            return Err(Error::new(Kind::Conflict, "the image is being deleted"));
        }
        let mut before = Image { status: new.transition.from, ..image.clone() };
        before
            .set_status(new.transition.to)
            .map_err(|error| Error::new(Kind::Invalid, error.to_string()).caused_by(error))?;
        Ok(image)
    }

    /// Writes how far a transfer is. `None` leaves the journal as it is.
    ///
    /// # Errors
    /// [`Kind::Fenced`] when the work has ended or another node has claimed it.
    pub async fn record_transfer(&self, id: &WorkId, phase: Phase, journal: Option<&str>) -> Result<()> {
        retry(|| async {
            let mut transaction = self.pools.begin().await?;
            let mut update = rows::update(id);
            update.value("phase", phase.as_str());
            if let Some(journal) = journal {
                update.value("journal", journal);
            }
            if transaction.execute(&update).await? == 0 {
                return Err(lost());
            }
            transaction.commit().await
        })
        .await
    }

    /// Ends an upload well: the image makes the transition, with sizes, digests and location, and the record goes. Of
    /// several uploads at the same time only as many end well as fit `limit`.
    ///
    /// # Errors
    /// [`Kind::Fenced`] when the work has ended or another node has claimed it; before anything else is looked at.
    /// [`Kind::Gone`] when the image was deleted meanwhile or is being deleted, [`Kind::Conflict`] when it is in another
    /// status, [`Kind::LimitReached`] when the data does not fit the limit: the record stays, and the caller claims it
    /// and undoes the upload. [`Kind::Unavailable`]: the upload may be complete.
    pub async fn complete_upload(
        &self,
        id: &WorkId,
        done: &CompletedUpload,
        limit: Option<&StorageLimit>,
        transition: Transition,
        now: Timestamp,
    ) -> Result<Image> {
        retry(|| async {
            let mut transaction = self.pools.begin().await?;
            if let Some(limit) = limit {
                quota::lock(&mut transaction, &limit.project).await?;
            }
            let record = rows::lock(&mut transaction, id).await?;
            if let Some(limit) = limit {
                quota::require_unused(&mut transaction, limit, done.size).await?;
            }
            if !rows::about(&mut transaction, &record.image, Work::Delete.kind()).await?.is_empty() {
                return Err(Error::new(Kind::Gone, "the image is being deleted"));
            }
            let mut update = update_in_status(transaction.engine(), &record.image, transition.from, now);
            update.value("status", transition.to.as_str());
            update.value("size", bytes(Some(done.size))?).value("virtual_size", bytes(done.virtual_size)?);
            update.value("checksum", done.checksum.clone()).value("os_hash_algo", done.os_hash_algo.clone());
            update.value("os_hash_value", done.os_hash_value.clone());
            change_row(&mut transaction, &record.image, update).await.map_err(deleted_meanwhile)?;
            add_locations(&mut transaction, &self.seal, &record.image, now, std::iter::once(&done.location)).await?;
            rows::delete(&mut transaction, id).await?;
            let image = self.seal.open(get_within(&mut transaction, &record.image).await?)?;
            transaction.commit().await?;
            Ok(image)
        })
        .await
    }

    /// Ends an upload that failed, after its data was removed: the image, if it is still there, makes the transition
    /// back and has no sizes any more. The record goes; the first time that one with an origin is undone, it stays as
    /// [`Phase::Abandoned`], to be undone again when its origin has gone, and no longer counts against the quota.
    ///
    /// # Errors
    /// [`Kind::Fenced`] when the work has ended or another node has claimed it.
    pub async fn abort_upload(&self, id: &WorkId, transition: Transition, now: Timestamp) -> Result<()> {
        retry(|| async {
            let mut transaction = self.pools.begin().await?;
            let record = rows::lock(&mut transaction, id).await?;
            let Work::Upload(transfer) = &record.work else { return Err(not_an_upload()) };
            if transfer.phase != Phase::Abandoned {
                let mut update = update_in_status(transaction.engine(), &record.image, transition.from, now);
                update.value("status", transition.to.as_str());
                update.value("size", Option::<i64>::None).value("virtual_size", Option::<i64>::None);
                transaction.execute(&update).await?;
            }
            match &record.origin {
                // Its origin may have acted since the store was told, even if it has gone by now.
                Some(_) if transfer.phase != Phase::Abandoned => {
                    let mut linger = rows::update(id);
                    linger.value("phase", Phase::Abandoned.as_str()).value("reserved", Option::<i64>::None);
                    transaction.execute(&linger).await?;
                }
                _ => rows::delete(&mut transaction, id).await?,
            }
            transaction.commit().await
        })
        .await
    }
}

fn not_an_upload() -> Error {
    Error::new(Kind::Internal, "the record is not one of an upload")
}

fn deleted_meanwhile(error: Error) -> Error {
    match error.kind() {
        Kind::NotFound => Error::new(Kind::Gone, "the image was deleted while its data was being uploaded"),
        _ => error,
    }
}

async fn name_transfer(transaction: &mut Transaction, new: &NewUpload) -> Result<Transfer> {
    let used = count_attempt(transaction, &new.image, &new.store).await?;
    Ok(Transfer {
        store: new.store.clone(),
        name: object_name(&new.image, used),
        attempt: new.id.as_str().to_owned(),
        phase: Phase::Writing,
        journal: None,
    })
}

/// How many attempts there were before this one. The image's row is locked already, so nobody counts at the same time.
async fn count_attempt(transaction: &mut Transaction, image: &ImageId, store: &StoreId) -> Result<u64> {
    let this = Expr::col("image_id").eq(image.as_str()).and(Expr::col("store").eq(store.as_str()));
    let query = Query::select().column("used").from("rs_attempts").and_where(this.clone()).take();
    let used = transaction.fetch(&query, |row| Columns::of(row).integer()).await?.pop();
    match used {
        Some(used) => {
            let again = Query::update().table("rs_attempts").value("used", used + 1).and_where(this).take();
            transaction.execute(&again).await?;
        }
        None => {
            let mut first = Query::insert();
            first.into_table("rs_attempts").columns(["image_id", "store", "used"]);
            first.values([Expr::val(image.as_str()), Expr::val(store.as_str()), Expr::val(1_i64)])?;
            transaction.execute(&first).await?;
        }
    }
    Ok(used.and_then(|used| u64::try_from(used).ok()).unwrap_or(0))
}

/// The name of an image's object: upstream's for the first attempt. Later ones are longer than any image id, so that they
/// cannot be the name of another image's object.
fn object_name(image: &ImageId, attempt: u64) -> String {
    if attempt == 0 {
        return image.as_str().to_owned();
    }
    let width = LONGEST_ID.saturating_sub(image.as_str().len());
    format!("{image}.{attempt:0>width$}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_later_attempts_are_no_image_ids() {
        for id in ["a", "a.1", "0c5c3b0f-7b8e-4bd0-9a4f-5c3b0f7b8e4b"] {
            let image = ImageId::parse(id).unwrap();
            assert_eq!(object_name(&image, 0), id);
            for attempt in [1, 2, 10, 1_000_000] {
                let name = object_name(&image, attempt);
                assert!(ImageId::parse(&name).is_err(), "{name} is an image id");
                assert!(name.starts_with(&format!("{id}.")), "{name}");
            }
            assert_ne!(object_name(&image, 1), object_name(&image, 2));
        }
    }
}
