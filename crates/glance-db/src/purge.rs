//! Removing for good what was deleted long ago.
//!
//! Rows go in batches, each a transaction of its own, so that nobody waits for longer than a batch takes.

use glance_domain::Timestamp;
use sea_query::{Expr, ExprTrait as _, Order, Query, SelectStatement};

use crate::database::retry;
use crate::error::Result;
use crate::sql::{Columns, Row};
use crate::{Database, Engine};

/// Rows of one transaction.
const BATCH: u64 = 200;

/// How many rows were removed from a table, or would be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Purged {
    /// The table.
    pub table: &'static str,
    /// The number of rows.
    pub rows: u64,
}

/// Is told after each batch what was removed from its table so far.
pub type PurgeObserver<'o> = &'o mut (dyn FnMut(Purged) + Send);

/// What is to be purged.
#[derive(Clone, Copy, Debug)]
pub struct PurgeLimits {
    /// Only rows that were deleted before that.
    pub cutoff: Timestamp,
    /// At most so many of each table, the oldest; `None` for all.
    pub most: Option<u64>,
}

/// Rows that hang on an image or are tasks: table, its key, and whether the age is that of the task behind the row.
/// Each comes before those that it refers to.
const TABLES: [Source; 6] = [
    Source { table: "task_info", key: "task_id", age_in: Some("tasks") },
    Source { table: "image_properties", key: "id", age_in: None },
    Source { table: "image_members", key: "id", age_in: None },
    Source { table: "image_tags", key: "id", age_in: None },
    Source { table: "image_locations", key: "id", age_in: None },
    Source { table: "tasks", key: "id", age_in: None },
];

const IMAGES: Source = Source { table: "images", key: "id", age_in: None };

struct Source {
    table: &'static str,
    key: &'static str,
    /// The table whose `id` is this one's key and which knows when it was deleted.
    age_in: Option<&'static str>,
}

enum Key {
    Number(i64),
    Text(String),
}

impl Database {
    /// Removes rows that were deleted long ago from all tables but `images`. The ids of images stay, so that nobody can
    /// have them again.
    ///
    /// # Errors
    /// Only those of the database.
    pub async fn purge(&self, limits: PurgeLimits, observer: PurgeObserver<'_>) -> Result<Vec<Purged>> {
        let mut purged = Vec::new();
        for source in &TABLES {
            purged.push(self.purge_table(source, limits, observer).await?);
        }
        Ok(purged)
    }

    /// Removes images that were deleted long ago.
    ///
    /// # Errors
    /// [`Kind::Conflict`](crate::Kind::Conflict) when something that belongs to such an image is still there.
    pub async fn purge_images(&self, limits: PurgeLimits, observer: PurgeObserver<'_>) -> Result<Purged> {
        self.purge_table(&IMAGES, limits, observer).await
    }

    /// What [`Self::purge`] would remove.
    ///
    /// # Errors
    /// Only those of the database.
    pub async fn plan_purge(&self, limits: PurgeLimits) -> Result<Vec<Purged>> {
        let mut planned = Vec::new();
        for source in &TABLES {
            planned.push(self.count(source, limits).await?);
        }
        Ok(planned)
    }

    /// What [`Self::purge_images`] would remove if nothing is left of these images elsewhere.
    ///
    /// # Errors
    /// Only those of the database.
    pub async fn plan_purge_images(&self, limits: PurgeLimits) -> Result<Purged> {
        self.count(&IMAGES, limits).await
    }

    async fn count(&self, source: &Source, limits: PurgeLimits) -> Result<Purged> {
        let mut query = source.select(self.engine(), limits.cutoff);
        query.clear_selects().expr(Expr::cust("COUNT(*)"));
        let counted = self.pools.fetch(self.engine().render(&query), |row| Columns::of(row).integer()).await?;
        let rows = counted.first().and_then(|rows| u64::try_from(*rows).ok()).unwrap_or(0);
        Ok(Purged { table: source.table, rows: Ord::min(rows, limits.most.unwrap_or(u64::MAX)) })
    }

    async fn purge_table(&self, source: &Source, limits: PurgeLimits, observer: PurgeObserver<'_>) -> Result<Purged> {
        let most = limits.most.unwrap_or(u64::MAX);
        let mut purged = Purged { table: source.table, rows: 0 };
        while purged.rows < most {
            let wanted = Ord::min(BATCH, most - purged.rows);
            let removed = retry(|| self.purge_batch(source, limits.cutoff, wanted)).await?;
            purged.rows += removed;
            observer(purged);
            if removed < wanted {
                break;
            }
        }
        Ok(purged)
    }

    async fn purge_batch(&self, source: &Source, cutoff: Timestamp, most: u64) -> Result<u64> {
        let mut transaction = self.pools.begin().await?;
        let keys = transaction.fetch(&source.oldest(transaction.engine(), cutoff, most), source.reader()).await?;
        if keys.is_empty() {
            return Ok(0);
        }
        let keys = keys.into_iter().map(|key| match key {
            Key::Number(number) => Expr::val(number),
            Key::Text(text) => Expr::val(text),
        });
        let mut delete = Query::delete();
        delete.from_table(source.table).and_where(Expr::col(source.key).is_in(keys));
        let removed = transaction.execute(&delete).await?;
        transaction.commit().await?;
        Ok(removed)
    }
}

impl Source {
    fn select(&self, engine: Engine, cutoff: Timestamp) -> SelectStatement {
        let mut query = Query::select();
        query.column((self.table, self.key)).from(self.table);
        let aged = self.age_in.unwrap_or(self.table);
        if aged != self.table {
            query.inner_join(aged, Expr::col((aged, "id")).equals((self.table, self.key)));
        }
        query.and_where(Expr::col((aged, "deleted_at")).lt(engine.time(cutoff))).take()
    }

    fn oldest(&self, engine: Engine, cutoff: Timestamp, most: u64) -> SelectStatement {
        let aged = self.age_in.unwrap_or(self.table);
        self.select(engine, cutoff).order_by((aged, "deleted_at"), Order::Asc).limit(most).take()
    }

    fn reader(&self) -> fn(&dyn Row) -> Result<Key> {
        match self.table {
            "images" | "tasks" | "task_info" => |row| Columns::of(row).text().map(Key::Text),
            _ => |row| Columns::of(row).integer().map(Key::Number),
        }
    }
}
