//! The schema: what state it is in, upstream's tables at head, and the service's own objects.

pub(crate) mod catalog;
pub(crate) mod head;
pub(crate) mod own;
pub(crate) mod table;

use catalog::{has_column, has_index, has_table};
use sea_query::{Expr, ExprTrait as _, Query};

use crate::database::retry;
use crate::error::{Error, Kind, Result};
use crate::sql::{Columns, Transaction};
use crate::{Database, Engine, migrations, nodes};

/// What `alembic_version` says about the schema.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SchemaState {
    /// No tables of Glance.
    Empty,
    /// The revision that this service works with.
    AtHead,
    /// An older revision of Glance: `glance-manage db sync` is due.
    Behind {
        /// The revision it is at; several are joined by commas.
        revision: String,
    },
    /// A revision that this service does not know, or tables without a revision.
    Foreign {
        /// The revision it is at; empty when there is none.
        revision: String,
    },
}

/// How the names of Glance's revisions start, oldest first.
const RELEASES: [&str; 15] = [
    "liberty", "mitaka01", "mitaka02", "ocata_", "pike_", "queens_", "rocky_", "train_", "ussuri_", "wallaby_",
    "xena_", "yoga_", "zed_", "2023_1_", "2024_1_",
];

impl Database {
    /// Finds out which revision the schema is at.
    ///
    /// # Errors
    /// Only those of the database.
    pub async fn schema_state(&self) -> Result<SchemaState> {
        let mut transaction = self.pools.begin_reading().await?;
        let state = state(&mut transaction).await?;
        transaction.commit().await?;
        Ok(state)
    }

    /// Creates upstream's tables at head in an empty database; does nothing when they are there already.
    /// On MySQL, which cannot undo a `CREATE`, an interrupted run leaves tables without a revision.
    ///
    /// # Errors
    /// [`Kind::Conflict`] when the database holds tables of another revision.
    pub async fn create_schema(&self) -> Result<()> {
        retry(|| async {
            let mut transaction = self.pools.begin().await?;
            match state(&mut transaction).await? {
                SchemaState::Empty => create_head(&mut transaction).await?,
                SchemaState::AtHead => return Ok(()),
                SchemaState::Behind { .. } | SchemaState::Foreign { .. } => {
                    return Err(Error::new(Kind::Conflict, "the database holds tables of another revision"));
                }
            }
            transaction.commit().await
        })
        .await
    }

    /// Creates what is missing of the service's own tables and indexes; their names start with `rs_`.
    ///
    /// # Errors
    /// [`Kind::Conflict`] when they are of a later version of the service.
    pub async fn prepare_own_objects(&self) -> Result<()> {
        let mut transaction = self.pools.begin_reading().await?;
        let current = has_table(&mut transaction, "rs_version").await?
            && own_version(&mut transaction).await? == Some(own::VERSION);
        transaction.commit().await?;
        if current {
            return Ok(());
        }
        retry(|| migrations::locked(self, upgrade_own)).await
    }
}

async fn state(transaction: &mut Transaction) -> Result<SchemaState> {
    if !has_table(transaction, "alembic_version").await? {
        let tables = has_table(transaction, "images").await?;
        return Ok(if tables { SchemaState::Foreign { revision: String::new() } } else { SchemaState::Empty });
    }
    let mut query = Query::select();
    query.column("version_num").from("alembic_version").order_by("version_num", sea_query::Order::Asc);
    let revisions = transaction.fetch(&query, |row| Columns::of(row).text()).await?;
    let known = |revision: &String| RELEASES.iter().any(|release| revision.starts_with(release));
    Ok(match revisions.as_slice() {
        [] if !has_table(transaction, "images").await? => SchemaState::Empty,
        [only] if only == head::REVISION => SchemaState::AtHead,
        all if !all.is_empty() && all.iter().all(known) => SchemaState::Behind { revision: all.join(",") },
        all => SchemaState::Foreign { revision: all.join(",") },
    })
}

/// The revision is noted last, so that an interrupted run never looks complete.
async fn create_head(transaction: &mut Transaction) -> Result<()> {
    let engine = transaction.engine();
    if engine == Engine::Postgres {
        transaction.run(head::POSTGRES_VISIBILITY).await?;
    }
    for table in head::TABLES {
        for sql in table.create(engine) {
            transaction.run(&sql).await?;
        }
    }
    if !has_table(transaction, "alembic_version").await? {
        transaction.run(head::ALEMBIC_VERSION).await?;
    }
    let mut insert = Query::insert();
    insert.into_table("alembic_version").columns(["version_num"]).values([Expr::val(head::REVISION)])?;
    transaction.execute(&insert).await?;
    Ok(())
}

async fn own_version(transaction: &mut Transaction) -> Result<Option<i64>> {
    let query = Query::select().column("version").from("rs_version").take();
    Ok(transaction.fetch(&query, |row| Columns::of(row).integer()).await?.into_iter().max())
}

async fn upgrade_own(transaction: &mut Transaction) -> Result<()> {
    transaction.run(own::VERSION_TABLE).await?;
    let found = own_version(transaction).await?;
    if found.is_some_and(|version| version > own::VERSION) {
        return Err(Error::new(Kind::Conflict, "the service's own tables are of a later version"));
    }
    if found.is_some_and(|version| version < own::VERSION) {
        refuse_beside_earlier(transaction).await?;
    }
    let done = usize::try_from(found.unwrap_or(0)).unwrap_or(0);
    for version in own::VERSIONS.iter().skip(done) {
        add_version(transaction, version).await?;
    }
    transaction.execute(Query::delete().from_table("rs_version")).await?;
    let mut insert = Query::insert();
    insert.into_table("rs_version").columns(["version"]).values([Expr::val(own::VERSION)])?;
    transaction.execute(&insert).await?;
    Ok(())
}

/// Processes of an earlier version do not know what this one writes.
async fn refuse_beside_earlier(transaction: &mut Transaction) -> Result<()> {
    let lease = i64::try_from(nodes::LEASE_OF_EARLIER_VERSIONS.as_millis()).unwrap_or(i64::MAX);
    let mut query = Query::select();
    query.columns(["name", "pid"]).from("rs_nodes").order_by("name", sea_query::Order::Asc);
    query.and_where(transaction.clock().sub(Expr::col("heartbeat")).lte(lease));
    let live = transaction.fetch(&query, |row| {
        let mut columns = Columns::of(row);
        Ok(format!("{} (process {})", columns.text()?, columns.integer()?))
    });
    let live = live.await?;
    if live.is_empty() {
        return Ok(());
    }
    let text = format!(
        "processes of an earlier version of this service use the database: stop them, and if they were killed wait a \
         minute: {}",
        live.join(", ")
    );
    Err(Error::new(Kind::Conflict, text))
}

/// Skips what is there: MySQL commits each `CREATE`, so an interrupted run leaves a part.
async fn add_version(transaction: &mut Transaction, version: &own::Version) -> Result<()> {
    let engine = transaction.engine();
    for table in version.tables {
        if !has_table(transaction, table.name).await? {
            for sql in table.create(engine) {
                transaction.run(&sql).await?;
            }
        }
    }
    for (table, column) in version.columns {
        if !has_column(transaction, table, column.name()).await? {
            transaction.run(&format!("ALTER TABLE {table} ADD COLUMN {}", column.render(engine))).await?;
        }
    }
    for index in version.indexes {
        if !has_index(transaction, index.name).await? {
            transaction.run(&index.create(engine)).await?;
        }
    }
    Ok(())
}
