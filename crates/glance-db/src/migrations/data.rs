//! Changes to rows which old services wrote, to be run between adding what is new and removing what is old.
//!
//! Upstream's current release has dropped those of Ocata and Train; without them its own upgrade of a catalogue that
//! old stops at images without a visibility.

use sea_query::{Expr, Query};

use super::location_metadata::TO_STORE;
use super::{graph, locked, read_heads};
use crate::Database;
use crate::database::retry;
use crate::error::Result;
use crate::schema::catalog::has_column;
use crate::sql::Transaction;

/// How many images are changed in one transaction, so that services never wait long for one.
const BATCH: u64 = 1000;

/// A change to images written by a service that knows only `is_public`.
struct Change {
    /// Images that need it.
    condition: &'static str,
    visibility: &'static str,
}

const CHANGES: [Change; 3] = [
    Change { condition: "visibility IS NULL AND is_public", visibility: "public" },
    Change {
        condition: "(visibility IS NULL OR visibility = 'private') \
                    AND id IN (SELECT image_id FROM image_members WHERE NOT deleted)",
        visibility: "shared",
    },
    Change { condition: "visibility IS NULL", visibility: "private" },
];

/// Whether there are rows that need a change.
pub(super) async fn is_pending(transaction: &mut Transaction) -> Result<bool> {
    if visibility_is_due(transaction).await? {
        for change in &CHANGES {
            let mut query = Query::select();
            query.expr(Expr::cust("1")).from("images").and_where(Expr::cust(change.condition)).limit(1);
            if !transaction.fetch(&query, |_| Ok(())).await?.is_empty() {
                return Ok(true);
            }
        }
    }
    Ok(stores_are_due(transaction).await? && TO_STORE.is_pending(transaction).await?)
}

/// Changes them, batch by batch, and tells how many it were. Each batch waits for the end of a revision that is being
/// applied or reverted.
pub(super) async fn migrate(database: &Database) -> Result<u64> {
    let mut rows = 0;
    for change in &CHANGES {
        loop {
            let changed = retry(|| locked(database, async |transaction| change.run(transaction).await)).await?;
            if changed == 0 {
                break;
            }
            rows += changed;
            tracing::info!("changed {rows} rows");
        }
    }
    let mut last = Some(i64::MIN);
    while let Some(after) = last {
        let batch = async |transaction: &mut Transaction| {
            let mut renamed = 0;
            let due = stores_are_due(transaction).await?;
            let last = if due { TO_STORE.run_batch(transaction, after, &mut renamed).await? } else { None };
            Ok((last, renamed))
        };
        let (reached, renamed) = retry(|| locked(database, batch)).await?;
        if renamed > 0 {
            rows += renamed;
            tracing::info!("changed {rows} rows");
        }
        last = reached;
    }
    Ok(rows)
}

/// Before Ocata's expansion there is nothing to change into, after its contraction nothing to change from.
async fn visibility_is_due(transaction: &mut Transaction) -> Result<bool> {
    Ok(has_column(transaction, "images", "visibility").await? && has_column(transaction, "images", "is_public").await?)
}

/// After Train, `backend` is a key like any other; before Ocata's expansion there is no upgrade under way.
async fn stores_are_due(transaction: &mut Transaction) -> Result<bool> {
    let applied = graph::applied(&read_heads(transaction).await?)?;
    Ok(applied.contains("ocata_expand01") && !applied.contains("train_contract01"))
}

impl Change {
    /// Changes one batch of images.
    async fn run(&self, transaction: &mut Transaction) -> Result<u64> {
        if !visibility_is_due(transaction).await? {
            return Ok(0);
        }
        let Self { condition, visibility } = self;
        // MySQL reads a table that it changes only through a table made of a query.
        let batch = format!("SELECT id FROM (SELECT id FROM images WHERE {condition} LIMIT {BATCH}) AS batch");
        transaction.run_counted(&format!("UPDATE images SET visibility = '{visibility}' WHERE id IN ({batch})")).await
    }
}
