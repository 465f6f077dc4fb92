//! Changes to rows which old services wrote, to be run between adding what is new and removing what is old.
//!
//! Upstream's current release has dropped those of Ocata and Train; without them its own upgrade of a catalogue that
//! old stops at images without a visibility.

use sea_query::{Expr, Query};

use crate::error::Result;
use crate::schema::catalog::has_column;
use crate::sql::Transaction;

/// A change to rows of one table that have a column.
struct Change {
    table: &'static str,
    /// The change is due while the table has this column.
    column: &'static str,
    /// Rows that need it.
    condition: &'static str,
    set: &'static str,
}

/// Images written by a service that knows only `is_public`, and locations of the time when stores were backends.
const CHANGES: [Change; 4] = [
    Change {
        table: "images",
        column: "is_public",
        condition: "visibility IS NULL AND is_public",
        set: "visibility = 'public'",
    },
    Change {
        table: "images",
        column: "is_public",
        condition: "(visibility IS NULL OR visibility = 'private') \
                    AND id IN (SELECT image_id FROM image_members WHERE NOT deleted)",
        set: "visibility = 'shared'",
    },
    Change { table: "images", column: "is_public", condition: "visibility IS NULL", set: "visibility = 'private'" },
    Change {
        table: "image_locations",
        column: "meta_data",
        condition: "meta_data LIKE '%\"backend\":%'",
        set: "meta_data = REPLACE(meta_data, '\"backend\":', '\"store\":')",
    },
];

/// Whether there are rows that need a change.
pub(super) async fn is_pending(transaction: &mut Transaction) -> Result<bool> {
    for change in &CHANGES {
        if change.is_due(transaction).await? {
            let mut query = Query::select();
            query.expr(Expr::cust("1")).from(change.table).and_where(Expr::cust(change.condition)).limit(1);
            if !transaction.fetch(&query, |_| Ok(())).await?.is_empty() {
                return Ok(true);
            }
        }
    }
    Ok(false)
}

/// Changes them and tells how many it were.
pub(super) async fn migrate(transaction: &mut Transaction) -> Result<u64> {
    let mut rows = 0;
    for change in &CHANGES {
        if change.is_due(transaction).await? {
            let sql = format!("UPDATE {} SET {} WHERE {}", change.table, change.set, change.condition);
            rows += transaction.run_counted(&sql).await?;
        }
    }
    Ok(rows)
}

impl Change {
    /// Before Ocata's expansion there is nothing to change into, after its contraction nothing to change from.
    async fn is_due(&self, transaction: &mut Transaction) -> Result<bool> {
        let expanded = has_column(transaction, "images", "visibility").await?;
        Ok(expanded && has_column(transaction, self.table, self.column).await?)
    }
}
