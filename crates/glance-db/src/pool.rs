//! Connections to the three databases, and how each of them is set up.
//!
//! SQLite has one connection that writes, so that writers queue here instead of failing on a lock, and
//! a few that read. The other two have a pool each.

use std::path::PathBuf;
use std::time::Duration;

use log::LevelFilter;
use sqlx::mysql::{MySqlConnectOptions, MySqlConnection, MySqlPoolOptions, MySqlSslMode};
use sqlx::pool::PoolOptions;
use sqlx::postgres::{PgConnectOptions, PgPoolOptions};
use sqlx::sqlite::{SqliteConnectOptions, SqliteJournalMode, SqlitePoolOptions, SqliteSynchronous};
use sqlx::{AssertSqlSafe, ConnectOptions, Connection as _, Executor as _, MySqlPool, PgPool, Pool, SqlitePool};

use crate::error::{Error, Kind, Result};
use crate::settings::Settings;
use crate::simulation::Simulation;
use crate::url::{self, Place, Target};

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

/// The open pools, and the simulation that runs on them.
#[derive(Clone, Debug)]
pub(crate) struct Pools {
    pub(crate) engine: EnginePools,
    pub(crate) simulation: Option<Simulation>,
}

/// The open pools of one of the three engines.
#[derive(Clone, Debug)]
pub(crate) enum EnginePools {
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
        let engine = match url::parse(&settings.url)? {
            Target::Sqlite(place) => open_sqlite(settings, place.options).await?,
            Target::Postgres(place) => open_postgres(settings, *place).await?,
            Target::MySql(place) => open_mysql(settings, *place).await?,
        };
        Ok(Self { engine, simulation: None })
    }

    pub(crate) fn connections(&self) -> Connections {
        fn of<DB: sqlx::Database>(pool: &Pool<DB>) -> Connections {
            let idle = u32::try_from(pool.num_idle()).unwrap_or(u32::MAX);
            Connections { open: pool.size(), idle, most: pool.options().get_max_connections() }
        }
        match &self.engine {
            EnginePools::Sqlite { writer, readers } => {
                let [writer, readers] = [writer, readers].map(of);
                Connections {
                    open: writer.open + readers.open,
                    idle: writer.idle + readers.idle,
                    most: writer.most + readers.most,
                }
            }
            EnginePools::Postgres(pool) => of(pool),
            EnginePools::MySql(pool) => of(pool),
        }
    }

    pub(crate) async fn close(&self) {
        match &self.engine {
            EnginePools::Sqlite { writer, readers } => {
                readers.close().await;
                writer.close().await;
            }
            EnginePools::Postgres(pool) => pool.close().await,
            EnginePools::MySql(pool) => pool.close().await,
        }
    }
}

fn common<DB: sqlx::Database>(settings: &Settings) -> PoolOptions<DB> {
    PoolOptions::new().acquire_timeout(settings.acquire_timeout)
}

fn networked<DB: sqlx::Database>(settings: &Settings) -> PoolOptions<DB> {
    let most = match (settings.max_pool_size, settings.max_overflow) {
        (0, _) | (_, None) => u32::from(u16::MAX),
        (size, Some(overflow)) => size.saturating_add(overflow),
    };
    common(settings)
        .max_connections(most)
        .max_lifetime(settings.recycle_after)
        .test_before_acquire(false)
        .before_acquire(|connection: &mut DB::Connection, state| {
            Box::pin(async move { Ok(state.idle_for < TRY_AFTER_IDLE || connection.ping().await.is_ok()) })
        })
}

async fn open_sqlite(settings: &Settings, options: SqliteConnectOptions) -> Result<EnginePools> {
    // With `Normal`, a loss of power could take changes with it that were answered for.
    let synchronous = if settings.sqlite_synchronous { SqliteSynchronous::Full } else { SqliteSynchronous::Off };
    let options = logged(settings, options)
        .create_if_missing(true)
        .foreign_keys(true)
        .journal_mode(SqliteJournalMode::Wal)
        .synchronous(synchronous)
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
    Ok(EnginePools::Sqlite { writer, readers })
}

async fn open_postgres(settings: &Settings, place: Place<PgConnectOptions>) -> Result<EnginePools> {
    let options = logged(settings, place.options).statement_cache_capacity(STATEMENTS);
    let patience = place.connect_timeout.unwrap_or(settings.acquire_timeout);
    let first = attempt(&options, patience).await;
    let first = first.map_err(|error| refused(error, options.get_host(), options.get_port(), options.get_socket()))?;
    first.close().await?;
    let pool: PgPoolOptions = networked(settings);
    Ok(EnginePools::Postgres(pool.connect_lazy_with(options)))
}

async fn open_mysql(settings: &Settings, place: Place<MySqlConnectOptions>) -> Result<EnginePools> {
    let options = logged(settings, place.options)
        .pipes_as_concat(false)
        .no_engine_substitution(false)
        .statement_cache_capacity(STATEMENTS);
    let patience = place.connect_timeout.unwrap_or(settings.acquire_timeout);
    let (mut first, options) = first_mysql(options, patience).await?;
    let beginning = beginning(settings, place.init_command)?;
    for sql in &beginning {
        let done = first.execute(sqlx::raw_sql(AssertSqlSafe(sql.clone()))).await;
        done.map_err(|error| Error::new(Kind::Invalid, format!("the database refuses {sql}")).caused_by(error))?;
    }
    first.close().await?;
    let pool: MySqlPoolOptions = networked(settings);
    let pool = pool.after_connect(move |connection, _| {
        let beginning = beginning.clone();
        Box::pin(async move {
            for sql in beginning {
                connection.execute(sqlx::raw_sql(AssertSqlSafe(sql))).await?;
            }
            Ok(())
        })
    });
    Ok(EnginePools::MySql(pool.connect_lazy_with(options)))
}

/// Statements at the level that `connection_debug` asks for. Their values are never logged.
fn logged<O: ConnectOptions>(settings: &Settings, options: O) -> O {
    if settings.log_statements { options.log_statements(LevelFilter::Info) } else { options }
}

/// One connection outside of the pool, which keeps to itself why it cannot connect and goes on trying.
pub(crate) async fn attempt<O: ConnectOptions>(options: &O, patience: Duration) -> sqlx::Result<O::Connection>
where
    O::Connection: Sized,
{
    let silence = || sqlx::Error::Io(std::io::Error::from(std::io::ErrorKind::TimedOut));
    tokio::time::timeout(patience, options.connect()).await.unwrap_or_else(|_| Err(silence()))
}

/// Why the server at this address, or behind this socket, does not let the service in.
fn refused(error: sqlx::Error, host: &str, port: u16, socket: Option<&PathBuf>) -> Error {
    let place = socket.map_or_else(|| format!("{host}:{port}"), |socket| socket.display().to_string());
    Error::from(error).saying(format!("cannot connect to the database server at {place}"))
}

/// Where TLS was not asked for and the two cannot agree on it, as with certificates of version 1, goes on without.
async fn first_mysql(
    options: MySqlConnectOptions,
    patience: Duration,
) -> Result<(MySqlConnection, MySqlConnectOptions)> {
    let refused = |error| refused(error, options.get_host(), options.get_port(), options.get_socket());
    match attempt(&options, patience).await {
        Err(error) if matches!(options.get_ssl_mode(), MySqlSslMode::Preferred) && is_about_tls(&error) => {
            tracing::warn!(
                error = &error as &dyn std::error::Error,
                "the database server offers TLS that cannot be used; it was not asked for, and the connections stay plain"
            );
            let plain = options.clone().ssl_mode(MySqlSslMode::Disabled);
            Ok((attempt(&plain, patience).await.map_err(refused)?, plain))
        }
        connected => Ok((connected.map_err(refused)?, options)),
    }
}

fn is_about_tls(error: &sqlx::Error) -> bool {
    match error {
        sqlx::Error::Tls(_) => true,
        // As rustls's errors arrive.
        sqlx::Error::Io(error) => error.kind() == std::io::ErrorKind::InvalidData,
        _ => false,
    }
}

/// What every session of MySQL begins with.
fn beginning(settings: &Settings, init_command: Option<String>) -> Result<Vec<String>> {
    let mode = sql_mode(&settings.mysql_sql_mode)?;
    let wait = settings.mysql_wsrep_sync_wait.map(|wait| format!("SET SESSION wsrep_sync_wait = {wait}"));
    Ok(init_command.into_iter().chain(mode).chain(wait).collect())
}

/// The statement that sets the session's mode, if there is one to set.
fn sql_mode(mode: &str) -> Result<Option<String>> {
    if !mode.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '_' | ',')) {
        return Err(Error::new(Kind::Invalid, "mysql_sql_mode must be a list of mode names"));
    }
    Ok((!mode.is_empty()).then(|| format!("SET SESSION sql_mode = '{mode}'")))
}
