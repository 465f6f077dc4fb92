//! What projects may store: images that are there, and room that running uploads have reserved.
//!
//! A reservation is part of its transfer's row, so it ends when the transfer ends, whoever ends it.

use glance_domain::ProjectId;
use sea_query::{Expr, ExprTrait as _, OnConflict, Query};

use crate::database::retry;
use crate::error::{Error, Result};
use crate::images::{usage, write::bytes};
use crate::sql::{Columns, Transaction};
use crate::work::{Reservation, StorageLimit, WorkId, rows};
use crate::{Database, Engine};

impl Database {
    /// The bytes that nobody uses or has reserved. It may be wrong as soon as it is known: changes count again.
    ///
    /// # Errors
    /// Only those of the database.
    pub async fn storage_left(&self, limit: &StorageLimit) -> Result<u64> {
        let mut transaction = self.pools.begin_reading().await?;
        let left = left(&mut transaction, limit, None).await?;
        transaction.commit().await?;
        Ok(left)
    }

    /// Changes what a running upload has reserved, and tells how much it has then.
    ///
    /// # Errors
    /// [`Kind::LimitReached`](crate::Kind::LimitReached) when the least does not fit: the upload keeps what it has.
    /// [`Kind::Fenced`](crate::Kind::Fenced) when the work has ended or another node has claimed it.
    pub async fn reserve(&self, id: &WorkId, reservation: &Reservation) -> Result<u64> {
        retry(|| async {
            let mut transaction = self.pools.begin().await?;
            lock(&mut transaction, &reservation.limit.project).await?;
            let reserved = reserve(&mut transaction, id, reservation).await?;
            transaction.commit().await?;
            Ok(reserved)
        })
        .await
    }
}

/// Keeps others from counting for the same project until the transaction ends. It must be the transaction's first
/// statement: what MySQL shows later is of the moment of the first query.
pub(crate) async fn lock(transaction: &mut Transaction, project: &ProjectId) -> Result<()> {
    // Only one transaction at a time changes anything there.
    if transaction.engine() == Engine::Sqlite {
        return Ok(());
    }
    let mut change = Query::insert();
    change.into_table("rs_projects").columns(["project", "counted"]);
    change.values([Expr::val(project.as_str()), Expr::val(1_i64)])?;
    let again = Expr::col(("rs_projects", "counted")).add(1);
    transaction.execute(change.on_conflict(OnConflict::column("project").value("counted", again).to_owned())).await?;
    Ok(())
}

/// Writes a reservation down, in place of what the transfer has reserved before.
pub(crate) async fn reserve(transaction: &mut Transaction, id: &WorkId, wanted: &Reservation) -> Result<u64> {
    let left = left(transaction, &wanted.limit, Some(id)).await?;
    if wanted.least > left {
        return Err(Error::no_room(wanted.least, left));
    }
    let reserved = wanted.most.clamp(wanted.least, left);
    let mut update = Query::update();
    update.table("rs_transfers").value("project", wanted.limit.project.as_str());
    update.value("reserved", bytes(Some(reserved))?).and_where(Expr::col("id").eq(id.as_str()));
    if transaction.execute(&update).await? == 0 {
        return Err(rows::lost());
    }
    Ok(reserved)
}

/// Refuses data that does not fit beside what is stored and what others have reserved.
pub(crate) async fn require_unreserved(transaction: &mut Transaction, limit: &StorageLimit, size: u64) -> Result<()> {
    let left = left(transaction, limit, None).await?;
    if size > left { Err(Error::no_room(size, left)) } else { Ok(()) }
}

/// Refuses data that does not fit beside what is stored: for an upload whose own reservation ends now.
pub(crate) async fn require_unused(transaction: &mut Transaction, limit: &StorageLimit, size: u64) -> Result<()> {
    let taken = used(transaction, &limit.project).await?.saturating_add(unremoved(transaction, &limit.project).await?);
    let left = limit.bytes.saturating_sub(taken);
    if size > left { Err(Error::no_room(size, left)) } else { Ok(()) }
}

/// What is neither stored nor reserved by other transfers than `own`.
async fn left(transaction: &mut Transaction, limit: &StorageLimit, own: Option<&WorkId>) -> Result<u64> {
    let used = used(transaction, &limit.project).await?;
    let mut query = Query::select();
    query.column("reserved").from("rs_transfers").and_where(Expr::col("project").eq(limit.project.as_str()));
    if let Some(own) = own {
        query.and_where(Expr::col("id").ne(own.as_str()));
    }
    let reservations = transaction.fetch(&query, |row| Columns::of(row).optional_integer()).await?;
    let taken = reservations.into_iter().flatten().fold(used, |sum, bytes| sum.saturating_add(unsigned(bytes)));
    Ok(limit.bytes.saturating_sub(taken))
}

/// Bytes that no image has any more, and that are still there.
async fn unremoved(transaction: &mut Transaction, project: &ProjectId) -> Result<u64> {
    let mut query = Query::select();
    query.column("reserved").from("rs_transfers").and_where(Expr::col("project").eq(project.as_str()));
    query.and_where(Expr::col("kind").eq("removal"));
    let bytes = transaction.fetch(&query, |row| Columns::of(row).optional_integer()).await?;
    Ok(bytes.into_iter().flatten().fold(0, |sum, bytes| sum.saturating_add(unsigned(bytes))))
}

async fn used(transaction: &mut Transaction, project: &ProjectId) -> Result<u64> {
    Ok(unsigned(usage::within(transaction, project).await?))
}

fn unsigned(bytes: i64) -> u64 {
    u64::try_from(bytes).unwrap_or_default()
}
