//! A connection of a pool that does not go back there in the middle of something.
//!
//! A caller may go away while a statement runs: an HTTP client that hangs up ends its request. The drivers then lose
//! count of the server's answers, and whoever has the connection next would wait for ever, or read what was meant for
//! somebody else; or find itself in a transaction that the driver does not know of.

use std::time::Duration;

use sqlx::pool::PoolConnection;
use sqlx::{Database, Pool, SqlSafeStr as _};
use sqlx_core::transaction::TransactionManager as _;

use crate::pool::attempt;

/// For learning why there is no connection, which the pool does not tell.
const LAST_ATTEMPT: Duration = Duration::from_secs(1);

/// A connection, in a transaction or not. Dropped in a transaction, the transaction is rolled back; dropped while a
/// statement runs, the connection is closed.
pub(crate) struct Lease<DB: Database> {
    connection: PoolConnection<DB>,
    running: bool,
}

impl<DB: Database> Lease<DB> {
    pub(crate) async fn take(pool: &Pool<DB>) -> sqlx::Result<Self> {
        match pool.acquire().await {
            Ok(connection) => Ok(Self { connection, running: false }),
            // There was room for one more, so the wait was not for somebody else's.
            Err(sqlx::Error::PoolTimedOut) if pool.size() < pool.options().get_max_connections() => {
                let cause = attempt(pool.connect_options().as_ref(), LAST_ATTEMPT).await.err();
                Err(cause.unwrap_or(sqlx::Error::PoolTimedOut))
            }
            Err(error) => Err(error),
        }
    }

    /// The connection for one statement; [`Self::done`] must follow when its answer is there.
    pub(crate) fn start(&mut self) -> &mut DB::Connection {
        self.running = true;
        &mut self.connection
    }

    /// The answer of the statement is there, be it an error.
    pub(crate) fn done(&mut self) {
        self.running = false;
    }

    /// As [`Self::done`]. After an error that is not the statement's own, the connection is closed.
    pub(crate) fn answered<T>(&mut self, answer: &sqlx::Result<T>) {
        self.running = answer.as_ref().is_err_and(is_of_the_connection);
    }

    pub(crate) async fn begin(pool: &Pool<DB>, statement: &'static str) -> sqlx::Result<Self> {
        let mut lease = Self::take(pool).await?;
        let begun = DB::TransactionManager::begin(lease.start(), Some(statement.into_sql_str())).await;
        lease.answered(&begun);
        begun.map(|()| lease)
    }

    pub(crate) async fn commit(mut self) -> sqlx::Result<()> {
        let committed = DB::TransactionManager::commit(self.start()).await;
        // Nobody knows in what state a failed commit leaves the connection: it is closed.
        if committed.is_ok() {
            self.done();
        }
        committed
    }
}

/// Whether an error says something about the connection rather than about the statement. SQLite may have ended the
/// transaction by itself after those of the disk and of memory.
fn is_of_the_connection(error: &sqlx::Error) -> bool {
    let Some(database) = error.as_database_error() else {
        return !matches!(error, sqlx::Error::RowNotFound | sqlx::Error::ColumnDecode { .. } | sqlx::Error::Decode(_));
    };
    let code = database.code().and_then(|code| code.parse::<u32>().ok());
    // NOMEM, READONLY, IOERR, CORRUPT, FULL, CANTOPEN, PROTOCOL, NOTADB.
    database.try_downcast_ref::<sqlx::sqlite::SqliteError>().is_some()
        && code.is_some_and(|code| matches!(code & 0xff, 7 | 8 | 10 | 11 | 13 | 14 | 15 | 26))
}

impl<DB: Database> Drop for Lease<DB> {
    fn drop(&mut self) {
        if self.running {
            self.connection.close_on_drop();
        } else {
            // Queued for when the connection goes back; nothing when there is no transaction.
            DB::TransactionManager::start_rollback(&mut self.connection);
        }
    }
}
