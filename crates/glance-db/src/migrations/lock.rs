//! Only one process changes the schema at a time.
//!
//! The lock is taken by the connection that makes the change, so that it lasts as long as the change does, even when
//! the process dies meanwhile. SQLite's transactions exclude each other anyway; there, references between tables must
//! not be watched while a table is replaced.

use sqlx::{Executor as _, MySql};

use crate::Engine;
use crate::error::{Error, Kind, Result};
use crate::lease::Lease;
use crate::pool::{EnginePools, Pools};
use crate::sql::{Connection, Transaction};

const POSTGRES_TRY: &str = "SELECT pg_try_advisory_xact_lock(hashtext('glance schema'))";
const POSTGRES_WAIT: &str = "SELECT pg_advisory_xact_lock(hashtext('glance schema'))";

/// The name is the server's, so it holds the database's. Waits for that many seconds.
const MYSQL_TAKE: &str = "SELECT GET_LOCK(CONCAT('glance schema ', MD5(DATABASE())), ?)";
const MYSQL_RELEASE: &str = "DO RELEASE_LOCK(CONCAT('glance schema ', MD5(DATABASE())))";

/// Longer than any migration.
const YEAR: i64 = 365 * 24 * 60 * 60;

/// Waits until nobody else changes the schema.
pub(super) async fn take(transaction: &mut Transaction) -> Result<()> {
    match &mut transaction.connection {
        Connection::Sqlite(_) => {}
        Connection::Postgres(lease) => {
            let taken = sqlx::query_scalar::<_, bool>(POSTGRES_TRY).fetch_one(lease.start()).await;
            lease.done();
            if !taken? {
                say_that_we_wait();
                transaction.run(POSTGRES_WAIT).await?;
            }
        }
        Connection::MySql(lease) => {
            if !take_mysql(lease, 0).await? {
                say_that_we_wait();
                if !take_mysql(lease, YEAR).await? {
                    return Err(Error::new(Kind::Unavailable, "another process does not end its migration"));
                }
            }
        }
    }
    Ok(())
}

/// Gives way to others; PostgreSQL does it at the end of the transaction.
pub(super) async fn release(transaction: &mut Transaction) -> Result<()> {
    if transaction.engine() == Engine::MySql {
        transaction.run(MYSQL_RELEASE).await?;
    }
    Ok(())
}

/// From now on SQLite lets a table be replaced to which others refer.
pub(super) async fn ignore_references(pools: &Pools) -> Result<()> {
    run_on_sqlite(pools, "PRAGMA foreign_keys = OFF").await
}

/// Ends what [`ignore_references`] has begun.
pub(super) async fn watch_references(pools: &Pools) -> Result<()> {
    run_on_sqlite(pools, "PRAGMA foreign_keys = ON").await
}

/// The pool of writers has one connection, so it is the one that migrates.
async fn run_on_sqlite(pools: &Pools, sql: &'static str) -> Result<()> {
    if let EnginePools::Sqlite { writer, .. } = &pools.engine {
        writer.execute(sqlx::raw_sql(sql)).await?;
    }
    Ok(())
}

async fn take_mysql(lease: &mut Lease<MySql>, seconds: i64) -> Result<bool> {
    let taken = sqlx::query_scalar::<_, Option<i64>>(MYSQL_TAKE).bind(seconds).fetch_one(lease.start()).await;
    lease.done();
    Ok(taken? == Some(1))
}

fn say_that_we_wait() {
    tracing::warn!("another process migrates the database; waiting for it");
}
