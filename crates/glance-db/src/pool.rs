//! Connections to the three databases, and how each of them is set up.
//!
//! SQLite has one connection that writes, so that writers queue here instead of failing on a lock, and
//! a few that read. The other two have a pool each.

use std::time::Duration;

use sqlx::mysql::{MySqlConnectOptions, MySqlPoolOptions};
use sqlx::pool::PoolOptions;
use sqlx::postgres::{PgConnectOptions, PgPoolOptions};
use sqlx::sqlite::{SqliteConnectOptions, SqliteJournalMode, SqlitePoolOptions, SqliteSynchronous};
use sqlx::{AssertSqlSafe, Connection as _, Executor as _, MySqlPool, PgPool, Pool, SqlitePool};

use crate::error::{Error, Kind, Result};
use crate::settings::Settings;
use crate::url::{self, Target};

/// A connection that lay idle for longer is tried before it is used.
const TRY_AFTER_IDLE: Duration = Duration::from_secs(1);

/// Prepared statements kept by each connection.
const STATEMENTS: usize = 256;

/// How many connections there are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Connections {
    /// That are open.
    pub open: u32,
    /// Of those, that nobody uses.
    pub idle: u32,
    /// That may be open.
    pub most: u32,
}

/// The open pools.
#[derive(Clone, Debug)]
pub(crate) enum Pools {
    /// One writer, several readers.
    Sqlite { writer: SqlitePool, readers: SqlitePool },
    /// One pool.
    Postgres(PgPool),
    /// One pool.
    MySql(MySqlPool),
}

impl Pools {
    /// Opens the first connection, so that a wrong setting shows at once.
    pub(crate) async fn open(settings: &Settings) -> Result<Self> {
        match url::parse(&settings.url)? {
            Target::Sqlite(options) => open_sqlite(settings, *options).await,
            Target::Postgres(options) => open_postgres(settings, *options).await,
            Target::MySql(options) => open_mysql(settings, *options).await,
        }
    }

    pub(crate) fn connections(&self) -> Connections {
        fn of<DB: sqlx::Database>(pool: &Pool<DB>) -> Connections {
            let idle = u32::try_from(pool.num_idle()).unwrap_or(u32::MAX);
            Connections { open: pool.size(), idle, most: pool.options().get_max_connections() }
        }
        match self {
            Self::Sqlite { writer, readers } => {
                let [writer, readers] = [writer, readers].map(of);
                Connections {
                    open: writer.open + readers.open,
                    idle: writer.idle + readers.idle,
                    most: writer.most + readers.most,
                }
            }
            Self::Postgres(pool) => of(pool),
            Self::MySql(pool) => of(pool),
        }
    }

    pub(crate) async fn close(&self) {
        match self {
            Self::Sqlite { writer, readers } => {
                readers.close().await;
                writer.close().await;
            }
            Self::Postgres(pool) => pool.close().await,
            Self::MySql(pool) => pool.close().await,
        }
    }
}

fn common<DB: sqlx::Database>(settings: &Settings) -> PoolOptions<DB> {
    PoolOptions::new().acquire_timeout(settings.acquire_timeout)
}

fn networked<DB: sqlx::Database>(settings: &Settings) -> PoolOptions<DB> {
    let most = match settings.max_pool_size {
        0 => u32::from(u16::MAX),
        size => size.saturating_add(settings.max_overflow),
    };
    common(settings)
        .max_connections(most)
        .max_lifetime(settings.recycle_after)
        .test_before_acquire(false)
        .before_acquire(|connection: &mut DB::Connection, state| {
            Box::pin(async move { Ok(state.idle_for < TRY_AFTER_IDLE || connection.ping().await.is_ok()) })
        })
}

async fn open_sqlite(settings: &Settings, options: SqliteConnectOptions) -> Result<Pools> {
    let options = options
        .create_if_missing(true)
        .foreign_keys(true)
        .journal_mode(SqliteJournalMode::Wal)
        .synchronous(SqliteSynchronous::Normal)
        .busy_timeout(settings.sqlite_busy_timeout)
        .statement_cache_capacity(STATEMENTS);
    let pool = |connections| {
        let pool: SqlitePoolOptions = common(settings);
        pool.max_connections(connections).test_before_acquire(false).idle_timeout(None).max_lifetime(None)
    };
    let writer = pool(1).connect_with(options.clone()).await?;
    let readers = match options.get_filename().to_str() {
        Some(":memory:") => writer.clone(),
        _ => pool(settings.sqlite_readers.max(1)).connect_with(options.pragma("query_only", "1")).await?,
    };
    Ok(Pools::Sqlite { writer, readers })
}

async fn open_postgres(settings: &Settings, options: PgConnectOptions) -> Result<Pools> {
    let pool: PgPoolOptions = networked(settings);
    let options = options.application_name("glance").statement_cache_capacity(STATEMENTS);
    Ok(Pools::Postgres(pool.connect_with(options).await?))
}

async fn open_mysql(settings: &Settings, options: MySqlConnectOptions) -> Result<Pools> {
    let pool: MySqlPoolOptions = networked(settings);
    let options = options.pipes_as_concat(false).no_engine_substitution(false).statement_cache_capacity(STATEMENTS);
    let mut set_mode = sql_mode(&settings.mysql_sql_mode)?;
    if let Some(wait) = settings.mysql_wsrep_sync_wait {
        let before = set_mode.map(|sql| sql + "; ").unwrap_or_default();
        set_mode = Some(format!("{before}SET SESSION wsrep_sync_wait = {wait}"));
    }
    let pool = pool.after_connect(move |connection, _| {
        let set_mode = set_mode.clone();
        Box::pin(async move {
            if let Some(sql) = set_mode {
                connection.execute(sqlx::raw_sql(AssertSqlSafe(sql))).await?;
            }
            Ok(())
        })
    });
    Ok(Pools::MySql(pool.connect_with(options).await?))
}

/// The statement that sets the session's mode, if there is one to set.
fn sql_mode(mode: &str) -> Result<Option<String>> {
    if !mode.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '_' | ',')) {
        return Err(Error::new(Kind::Invalid, "mysql_sql_mode must be a list of mode names"));
    }
    Ok((!mode.is_empty()).then(|| format!("SET SESSION sql_mode = '{mode}'")))
}
