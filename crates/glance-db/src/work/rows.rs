//! The rows of `rs_transfers`.

use std::time::Duration;

use glance_domain::{ImageId, ProjectId, StoreId};
use sea_query::{Expr, ExprTrait as _, LockType, Order, Query, SelectStatement, UpdateStatement};

use super::record::{Phase, Record, Transfer, Work, WorkId};
use crate::Engine;
use crate::error::{Error, Kind, Result};
use crate::images::columns::parse_id;
use crate::images::write::bytes;
use crate::nodes::NodeId;
use crate::schema::own;
use crate::seal::Seal;
use crate::sql::{Columns, Row, Transaction};

const TABLE: &str = "rs_transfers";

const COLUMNS: [&str; 13] = [
    "id", "kind", "image_id", "node_id", "store", "phase", "attempt", "journal", "name", "url", "origin", "tries",
    "problem",
];

/// What a record is made of, when it is written.
pub(crate) struct NewRecord<'a> {
    pub(crate) id: &'a WorkId,
    pub(crate) image: &'a ImageId,
    pub(crate) node: &'a NodeId,
    pub(crate) work: &'a Work,
    /// Whose quota the bytes count against, and how many.
    pub(crate) reserved: Option<(&'a ProjectId, u64)>,
}

/// The fence that the caller has is not the record's any more.
pub(crate) fn lost() -> Error {
    Error::new(Kind::Fenced, "the record is gone: the work has ended, or another node has claimed it")
}

/// Writes a record. The location of a removal is sealed like those of images.
pub(crate) async fn insert(transaction: &mut Transaction, seal: &Seal, new: &NewRecord<'_>) -> Result<()> {
    let began = transaction.clock();
    let text = |value: Option<&str>| Expr::val(value.map(str::to_owned));
    let (transfer, url) = match new.work {
        Work::Upload(transfer) => (Some(transfer), None),
        Work::Delete | Work::Later { .. } => (None, None),
        Work::Removal { url, .. } => (None, Some(seal.close(url)?)),
    };
    let phase = transfer.map_or(Phase::Writing, |transfer| transfer.phase);
    let mut insert = Query::insert();
    insert.into_table(TABLE);
    insert.columns(COLUMNS[..10].iter().copied().chain(["project", "reserved", "began", "min_version"]));
    insert.values([
        Expr::val(new.id.as_str()),
        Expr::val(new.work.kind().to_owned()),
        Expr::val(new.image.as_str()),
        Expr::val(new.node.as_str()),
        Expr::val(new.work.store().map_or("", StoreId::as_str)),
        Expr::val(phase.as_str()),
        Expr::val(transfer.map_or("", |transfer| transfer.attempt.as_str())),
        text(transfer.and_then(|transfer| transfer.journal.as_deref())),
        text(transfer.map(|transfer| transfer.name.as_str())),
        Expr::val(url),
        text(new.reserved.map(|(project, _)| project.as_str())),
        Expr::val(bytes(new.reserved.map(|(_, bytes)| bytes))?),
        began,
        Expr::val(own::LOWEST_CLAIMANT),
    ])?;
    transaction.execute(&insert).await?;
    Ok(())
}

/// The columns of records, which [`read`] reads.
pub(crate) fn select(clock: &Expr) -> SelectStatement {
    let mut query = Query::select();
    query.columns(COLUMNS).column("reserved");
    query.expr(clock.clone().sub(Expr::col("began"))).expr(Expr::col("not_before").sub(clock.clone()));
    query.from(TABLE).order_by("number", Order::Asc).take()
}

/// Reads a row of [`select`]; locations stay sealed.
pub(crate) fn read(row: &dyn Row) -> Result<Record> {
    let mut columns = Columns::of(row);
    let (id, kind) = (WorkId::new(columns.text()?), columns.text()?);
    let (image, node) = (parse_id(&columns.text()?)?, NodeId::new(columns.text()?));
    let (store, phase) = (StoreId::new(columns.text()?), columns.text()?);
    let (attempt, journal) = (columns.text()?, columns.optional_text()?);
    let (name, url) = (columns.optional_text()?, columns.optional_text()?);
    let unknown = || Error::new(Kind::Corrupt, "a record of an unknown kind or phase, or without a location");
    let work = match kind.as_str() {
        "upload" => {
            let name = name.unwrap_or_else(|| image.as_str().to_owned());
            let phase = Phase::parse(&phase).ok_or_else(unknown)?;
            Work::Upload(Transfer { store, name, attempt, phase, journal })
        }
        "delete" => Work::Delete,
        "removal" => Work::Removal { store, url: url.or(journal).ok_or_else(unknown)? },
        _ => Work::Later { kind },
    };
    Ok(Record {
        id,
        image,
        node,
        work,
        origin: columns.optional_text()?.map(NodeId::new),
        tries: columns.optional_integer()?.and_then(|tries| u32::try_from(tries).ok()).unwrap_or(0),
        problem: columns.optional_text()?,
        reserved: columns.optional_integer()?.and_then(|bytes| u64::try_from(bytes).ok()),
        age: columns.optional_integer()?.map(milliseconds),
        wait: columns.optional_integer()?.map_or(Duration::ZERO, milliseconds),
    })
}

/// The record with its location opened.
pub(crate) fn open(seal: &Seal, record: Record) -> Result<Record> {
    let Work::Removal { store, url } = record.work else { return Ok(record) };
    let url = seal.open_url(&url)?;
    Ok(Record { work: Work::Removal { store, url }, ..record })
}

/// A time on the database's clock may be negative where that clock was set back.
fn milliseconds(time: i64) -> Duration {
    Duration::from_millis(u64::try_from(time).unwrap_or(0))
}

/// Reads the record of that fence and keeps others from claiming or ending it until the transaction ends.
///
/// # Errors
/// [`Kind::Fenced`] when there is none.
pub(crate) async fn lock(transaction: &mut Transaction, id: &WorkId) -> Result<Record> {
    let mut query = select(&transaction.clock());
    query.and_where(Expr::col("id").eq(id.as_str()));
    locking(transaction.engine(), &mut query);
    transaction.fetch(&query, read).await?.pop().ok_or_else(lost)
}

/// The records that `condition` selects, locked.
pub(crate) async fn lock_all(transaction: &mut Transaction, condition: Expr) -> Result<Vec<Record>> {
    let mut query = select(&transaction.clock());
    query.and_where(condition);
    locking(transaction.engine(), &mut query);
    transaction.fetch(&query, read).await
}

fn locking(engine: Engine, query: &mut SelectStatement) {
    if engine != Engine::Sqlite {
        query.lock(LockType::Update);
    }
}

/// An update of the record of that fence.
pub(crate) fn update(id: &WorkId) -> UpdateStatement {
    let mut update = Query::update();
    update.table(TABLE).and_where(Expr::col("id").eq(id.as_str())).take()
}

/// Deletes the record of that fence; there may be none.
pub(crate) async fn delete(transaction: &mut Transaction, id: &WorkId) -> Result<()> {
    let mut delete = Query::delete();
    delete.from_table(TABLE).and_where(Expr::col("id").eq(id.as_str()));
    transaction.execute(&delete).await?;
    Ok(())
}

/// The records of one kind about an image, as the transaction sees them, with their locations sealed.
pub(crate) async fn about(transaction: &mut Transaction, image: &ImageId, kind: &str) -> Result<Vec<Record>> {
    let mut query = select(&transaction.clock());
    query.and_where(Expr::col("image_id").eq(image.as_str())).and_where(Expr::col("kind").eq(kind));
    transaction.fetch(&query, read).await
}

/// The records of every kind about an image, as the transaction sees them.
pub(crate) async fn all_about(transaction: &mut Transaction, image: &ImageId) -> Result<Vec<Record>> {
    let mut query = select(&transaction.clock());
    query.and_where(Expr::col("image_id").eq(image.as_str()));
    transaction.fetch(&query, read).await
}
