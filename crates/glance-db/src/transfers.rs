//! Uploads and deletes in flight: what is written down before a store is touched, and how it ends.
//!
//! Every transaction locks in the same order: project, node, transfer, image.

use glance_domain::{Image, ImageId, Status, StoreId, Timestamp};
use sea_query::{Expr, ExprTrait as _, LockType, Order, Query, SelectStatement};

use crate::database::retry;
use crate::error::{Error, Kind, Result};
use crate::images::columns::{live, parse_id};
use crate::images::read::{get_within, not_found};
use crate::images::write::{Remains, add_locations, bytes, change_row, soft_delete, update_in_status};
use crate::sql::{Columns, Row, Transaction};
use crate::transfer::{CompletedUpload, NodeId, Phase, Reservation, StorageLimit, Transfer, TransferId, TransferKind};
use crate::{Database, Engine, nodes, quota};

const COLUMNS: [&str; 8] = ["id", "kind", "image_id", "node_id", "store", "phase", "attempt", "journal"];

impl Database {
    /// Starts an upload: the image goes from `queued` to `saving`, and the transfer is written down with what it
    /// reserves. Tells how many bytes those are.
    ///
    /// # Errors
    /// [`Kind::Conflict`] when the image is not `queued` or the node is not registered,
    /// [`Kind::NotFound`] when the image is unknown or deleted, [`Kind::LimitReached`] when there is no room for it.
    pub async fn begin_upload(
        &self,
        transfer: &Transfer,
        reservation: Option<&Reservation>,
        now: Timestamp,
    ) -> Result<Option<u64>> {
        retry(|| async {
            let mut transaction = self.pools.begin().await?;
            if let Some(reservation) = reservation {
                quota::lock(&mut transaction, &reservation.limit.project).await?;
            }
            nodes::require(&mut transaction, &transfer.node).await?;
            insert(&mut transaction, transfer).await?;
            let reserved = match reservation {
                Some(reservation) => Some(quota::reserve(&mut transaction, &transfer.id, reservation).await?),
                None => None,
            };
            let mut update = update_in_status(transaction.engine(), &transfer.image, Status::Queued, now);
            update.value("status", Status::Saving.as_str());
            change_row(&mut transaction, &transfer.image, update).await?;
            transaction.commit().await?;
            Ok(reserved)
        })
        .await
    }

    /// Writes down how far a transfer is. `None` leaves the journal as it is.
    ///
    /// # Errors
    /// [`Kind::Conflict`] when the transfer is gone or another node has taken it over.
    pub async fn record_transfer(&self, id: &TransferId, phase: Phase, journal: Option<&str>) -> Result<()> {
        retry(|| async {
            let mut transaction = self.pools.begin().await?;
            let mut update = Query::update();
            update.table("rs_transfers").value("phase", phase.as_str());
            if let Some(journal) = journal {
                update.value("journal", journal);
            }
            update.and_where(Expr::col("id").eq(id.as_str()));
            if transaction.execute(&update).await? == 0 {
                return Err(lost());
            }
            transaction.commit().await
        })
        .await
    }

    /// Ends an upload well: the image goes from `saving` to `active` with sizes, digests and location,
    /// and the transfer is crossed out. Of several uploads at the same time only as many end well as fit `limit`.
    ///
    /// # Errors
    /// [`Kind::LimitReached`] when the data does not fit the limit.
    /// [`Kind::Conflict`] when the transfer is gone or another node has taken it over, or the image is in
    /// another status; [`Kind::Gone`] when the image was deleted meanwhile. The transfer stays written
    /// down then: the caller removes the data and calls [`Database::abort_upload`].
    pub async fn complete_upload(
        &self,
        id: &TransferId,
        done: &CompletedUpload,
        limit: Option<&StorageLimit>,
        now: Timestamp,
    ) -> Result<Image> {
        retry(|| async {
            let mut transaction = self.pools.begin().await?;
            if let Some(limit) = limit {
                quota::lock(&mut transaction, &limit.project).await?;
                quota::require_unused(&mut transaction, limit, done.size).await?;
            }
            let transfer = lock(&mut transaction, id).await?.ok_or_else(lost)?;
            let mut update = update_in_status(transaction.engine(), &transfer.image, Status::Saving, now);
            update.value("status", Status::Active.as_str());
            update.value("size", bytes(Some(done.size))?).value("virtual_size", bytes(done.virtual_size)?);
            update.value("checksum", done.checksum.clone()).value("os_hash_algo", done.os_hash_algo.clone());
            update.value("os_hash_value", done.os_hash_value.clone());
            change_row(&mut transaction, &transfer.image, update).await.map_err(deleted_meanwhile)?;
            add_locations(&mut transaction, &self.seal, &transfer.image, now, std::iter::once(&done.location)).await?;
            delete(&mut transaction, id).await?;
            let image = self.seal.open(get_within(&mut transaction, &transfer.image).await?)?;
            transaction.commit().await?;
            Ok(image)
        })
        .await
    }

    /// Ends an upload that failed, after its data was removed: the image goes from `saving` back to
    /// `queued` without sizes, and the transfer is crossed out. Doing it again changes nothing.
    ///
    /// # Errors
    /// Only those of the database.
    pub async fn abort_upload(&self, id: &TransferId, now: Timestamp) -> Result<()> {
        retry(|| async {
            let mut transaction = self.pools.begin().await?;
            let Some(transfer) = lock(&mut transaction, id).await? else { return Ok(()) };
            let mut update = update_in_status(transaction.engine(), &transfer.image, Status::Saving, now);
            update.value("status", Status::Queued.as_str());
            update.value("size", Option::<i64>::None).value("virtual_size", Option::<i64>::None);
            transaction.execute(&update).await?;
            delete(&mut transaction, id).await?;
            transaction.commit().await
        })
        .await
    }

    /// Writes down that an image's data is about to be removed. The image stays as it is.
    ///
    /// # Errors
    /// [`Kind::NotFound`] when the image is unknown or deleted, [`Kind::Conflict`] when the node is not
    /// registered.
    pub async fn begin_delete(&self, transfer: &Transfer) -> Result<()> {
        retry(|| async {
            let mut transaction = self.pools.begin().await?;
            nodes::require(&mut transaction, &transfer.node).await?;
            if !exists(&mut transaction, &transfer.image).await? {
                return Err(not_found());
            }
            insert(&mut transaction, transfer).await?;
            transaction.commit().await
        })
        .await
    }

    /// Ends a delete: the image and all that belongs to it are marked as deleted, and the transfer is
    /// crossed out.
    ///
    /// # Errors
    /// [`Kind::NotFound`] when the image was deleted already; the transfer is crossed out all the same.
    /// [`Kind::Conflict`] when the transfer is gone or another node has taken it over.
    pub async fn complete_delete(&self, id: &TransferId, now: Timestamp) -> Result<()> {
        let deleted = retry(|| async {
            let mut transaction = self.pools.begin().await?;
            let transfer = lock(&mut transaction, id).await?.ok_or_else(lost)?;
            delete(&mut transaction, id).await?;
            let found = match soft_delete(&mut transaction, &transfer.image, Remains::Nothing, now).await {
                Ok(()) => true,
                Err(error) if error.kind() == Kind::NotFound => false,
                Err(error) => return Err(error),
            };
            transaction.commit().await?;
            Ok(found)
        })
        .await?;
        if deleted { Ok(()) } else { Err(not_found()) }
    }

    /// Crosses out a delete that was given up before anything was removed. Doing it again changes nothing.
    ///
    /// # Errors
    /// Only those of the database.
    pub async fn cancel_delete(&self, id: &TransferId) -> Result<()> {
        self.cross_out(id).await
    }

    pub(crate) async fn cross_out(&self, id: &TransferId) -> Result<()> {
        retry(|| async {
            let mut transaction = self.pools.begin().await?;
            delete(&mut transaction, id).await?;
            transaction.commit().await
        })
        .await
    }

    /// The transfers of a node, oldest first.
    ///
    /// # Errors
    /// Only those of the database.
    pub async fn list_transfers(&self, node: &NodeId) -> Result<Vec<Transfer>> {
        self.pools.fetch(self.engine().render(&select_of_node(node)), read).await
    }
}

pub(crate) fn lost() -> Error {
    Error::new(Kind::Conflict, "the transfer is gone: it has ended, or another node has taken it over")
}

fn deleted_meanwhile(error: Error) -> Error {
    match error.kind() {
        Kind::NotFound => Error::new(Kind::Gone, "the image was deleted while its data was being uploaded"),
        _ => error,
    }
}

fn select_of_node(node: &NodeId) -> SelectStatement {
    let mut query = Query::select();
    query.columns(COLUMNS).from("rs_transfers").and_where(Expr::col("node_id").eq(node.as_str()));
    query.order_by("number", Order::Asc).take()
}

/// The transfers of a node as the transaction sees them.
pub(crate) async fn of_node(transaction: &mut Transaction, node: &NodeId) -> Result<Vec<Transfer>> {
    let mut query = select_of_node(node);
    if transaction.engine() != Engine::Sqlite {
        query.lock(LockType::Update);
    }
    transaction.fetch(&query, read).await
}

/// Gives a transfer another id and node.
pub(crate) async fn rename(transaction: &mut Transaction, old: &TransferId, new: &Transfer) -> Result<()> {
    let mut update = Query::update();
    update.table("rs_transfers").value("id", new.id.as_str()).value("node_id", new.node.as_str());
    update.and_where(Expr::col("id").eq(old.as_str()));
    transaction.execute(&update).await?;
    Ok(())
}

fn read(row: &dyn Row) -> Result<Transfer> {
    let unknown = || Error::new(Kind::Corrupt, "a transfer of an unknown kind or phase");
    let mut columns = Columns::of(row);
    Ok(Transfer {
        id: TransferId::new(columns.text()?),
        kind: TransferKind::parse(&columns.text()?).ok_or_else(unknown)?,
        image: parse_id(&columns.text()?)?,
        node: NodeId::new(columns.text()?),
        store: StoreId::new(columns.text()?),
        phase: Phase::parse(&columns.text()?).ok_or_else(unknown)?,
        attempt: columns.text()?,
        journal: columns.optional_text()?,
    })
}

/// Reads a transfer and keeps others from ending it until the transaction ends.
async fn lock(transaction: &mut Transaction, id: &TransferId) -> Result<Option<Transfer>> {
    let mut query = Query::select();
    query.columns(COLUMNS).from("rs_transfers").and_where(Expr::col("id").eq(id.as_str()));
    if transaction.engine() != Engine::Sqlite {
        query.lock(LockType::Update);
    }
    Ok(transaction.fetch(&query, read).await?.into_iter().next())
}

pub(crate) async fn insert(transaction: &mut Transaction, transfer: &Transfer) -> Result<()> {
    let mut insert = Query::insert();
    insert.into_table("rs_transfers").columns(COLUMNS);
    insert.values([
        Expr::val(transfer.id.as_str()),
        Expr::val(transfer.kind.as_str()),
        Expr::val(transfer.image.as_str()),
        Expr::val(transfer.node.as_str()),
        Expr::val(transfer.store.as_str()),
        Expr::val(transfer.phase.as_str()),
        Expr::val(transfer.attempt.as_str()),
        Expr::val(transfer.journal.clone()),
    ])?;
    transaction.execute(&insert).await?;
    Ok(())
}

async fn delete(transaction: &mut Transaction, id: &TransferId) -> Result<()> {
    let mut delete = Query::delete();
    delete.from_table("rs_transfers").and_where(Expr::col("id").eq(id.as_str()));
    transaction.execute(&delete).await?;
    Ok(())
}

async fn exists(transaction: &mut Transaction, image: &ImageId) -> Result<bool> {
    let mut query = Query::select();
    query.column("id").from("images").and_where(Expr::col("id").eq(image.as_str())).and_where(live("images"));
    Ok(!transaction.fetch(&query, |_| Ok(())).await?.is_empty())
}
