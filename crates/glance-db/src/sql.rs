//! One way to run a statement on whichever database it is.
//!
//! Queries are built once with sea-query and rendered for the engine; rows are read through [`Row`].
//! The three-way choice between sqlx's drivers happens in this file only.

use std::fmt::{self, Write};
use std::sync::Arc;

use glance_domain::Timestamp;
use sea_query::prepare::{SqlWriter, SqlWriterValues};
use sea_query::{
    Expr, MysqlQueryBuilder, PostgresQueryBuilder, QueryBuilder, QueryStatementBuilder, SqliteQueryBuilder, Value,
    Values,
};
use sea_query_sqlx::SqlxValues;
use sqlx::{AssertSqlSafe, MySql, Postgres, Row as _, Sqlite};
use tracing::Instrument as _;

use crate::error::{Error, Kind, Result};
use crate::lease::Lease;
use crate::pool::{EnginePools, Pools};
use crate::simulation::{Moment, Simulation, Step};
use crate::{Engine, timestamp};

/// A rendered statement with the values of its placeholders.
#[derive(Clone, Debug)]
pub(crate) struct Statement {
    pub(crate) sql: Arc<str>,
    pub(crate) values: Values,
}

impl Engine {
    /// What OpenTelemetry calls it.
    fn system_name(self) -> &'static str {
        match self {
            Self::Sqlite => "sqlite",
            Self::Postgres => "postgresql",
            Self::MySql => "mysql",
        }
    }

    /// Renders a statement.
    pub(crate) fn render(self, query: &impl QueryStatementBuilder) -> Statement {
        let (sql, values) = match self {
            Self::Sqlite => query.build_any(&SqliteQueryBuilder),
            Self::Postgres => {
                let mut text = LiteralLimits(SqlWriterValues::new("$", true));
                query.build_collect_any_into(&PostgresQueryBuilder, &mut text);
                text.0.into_parts()
            }
            Self::MySql => query.build_any(&MysqlQueryBuilder),
        };
        Statement { sql: sql.into(), values }
    }

    /// A timestamp as this engine's columns hold it.
    pub(crate) fn time(self, time: Timestamp) -> Value {
        match self {
            Self::Sqlite => Value::String(Some(timestamp::to_sqlite(time))),
            Self::Postgres => Value::ChronoDateTime(Some(time.utc())),
            Self::MySql => Value::ChronoDateTime(Some(timestamp::whole_seconds(time))),
        }
    }

    /// As [`Self::time`], NULL included.
    pub(crate) fn optional_time(self, time: Option<Timestamp>) -> Value {
        match (time, self) {
            (Some(time), _) => self.time(time),
            (None, Self::Sqlite) => Value::String(None),
            (None, Self::Postgres | Self::MySql) => Value::ChronoDateTime(None),
        }
    }
}

/// Collects values for placeholders, but writes limits and offsets, the only numbers without a sign, into the text.
///
/// PostgreSQL keeps a plan only if it is as good as one made for the values at hand. Without the limit it never is, and
/// each page of a list would be planned anew, which takes as long as finding it.
#[derive(Debug)]
struct LiteralLimits(SqlWriterValues);

impl SqlWriter for LiteralLimits {
    fn push_param<T: QueryBuilder>(&mut self, value: Value, builder: &T) {
        match value {
            Value::BigUnsigned(Some(rows)) => self.0.write_str(&rows.to_string()).unwrap_or_default(),
            other => self.0.push_param(other, builder),
        }
    }

    fn as_writer(&mut self) -> &mut dyn Write {
        self.0.as_writer()
    }
}

impl Write for LiteralLimits {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        self.0.write_str(text)
    }
}

impl fmt::Display for LiteralLimits {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// A row of a result, whichever driver it comes from.
pub(crate) trait Row {
    fn text(&self, column: usize) -> Result<Option<String>>;
    fn integer(&self, column: usize) -> Result<Option<i64>>;
    fn flag(&self, column: usize) -> Result<Option<bool>>;
    fn time(&self, column: usize) -> Result<Option<Timestamp>>;
}

macro_rules! read_rows_of {
    ($row:ty, $column:ident, $this:ident => $time:expr) => {
        impl Row for $row {
            fn text(&self, column: usize) -> Result<Option<String>> {
                Ok(self.try_get_unchecked(column)?)
            }

            fn integer(&self, column: usize) -> Result<Option<i64>> {
                Ok(self.try_get_unchecked(column)?)
            }

            fn flag(&self, column: usize) -> Result<Option<bool>> {
                Ok(self.try_get_unchecked(column)?)
            }

            fn time(&self, $column: usize) -> Result<Option<Timestamp>> {
                let $this = self;
                $time
            }
        }
    };
}

read_rows_of!(sqlx::sqlite::SqliteRow, column, row => {
    let text: Option<&str> = row.try_get_unchecked(column)?;
    text.map(timestamp::from_sqlite).transpose()
});
read_rows_of!(sqlx::postgres::PgRow, column, row => {
    let time: Option<chrono::NaiveDateTime> = row.try_get_unchecked(column)?;
    Ok(time.map(Timestamp::from_utc))
});
read_rows_of!(sqlx::mysql::MySqlRow, column, row => {
    let time: Option<chrono::NaiveDateTime> = row.try_get_unchecked(column)?;
    Ok(time.map(Timestamp::from_utc))
});

/// Reads the columns of a row from left to right.
pub(crate) struct Columns<'r> {
    row: &'r dyn Row,
    next: usize,
}

impl<'r> Columns<'r> {
    /// Starts at the first column.
    pub(crate) fn of(row: &'r dyn Row) -> Self {
        Self { row, next: 0 }
    }

    fn advance(&mut self) -> usize {
        self.next += 1;
        self.next - 1
    }

    pub(crate) fn optional_text(&mut self) -> Result<Option<String>> {
        let column = self.advance();
        self.row.text(column)
    }

    pub(crate) fn text(&mut self) -> Result<String> {
        self.optional_text()?.ok_or_else(unexpected_null)
    }

    pub(crate) fn optional_integer(&mut self) -> Result<Option<i64>> {
        let column = self.advance();
        self.row.integer(column)
    }

    pub(crate) fn integer(&mut self) -> Result<i64> {
        self.optional_integer()?.ok_or_else(unexpected_null)
    }

    pub(crate) fn flag(&mut self) -> Result<bool> {
        let column = self.advance();
        self.row.flag(column)?.ok_or_else(unexpected_null)
    }

    pub(crate) fn optional_time(&mut self) -> Result<Option<Timestamp>> {
        let column = self.advance();
        self.row.time(column)
    }

    pub(crate) fn time(&mut self) -> Result<Timestamp> {
        self.optional_time()?.ok_or_else(unexpected_null)
    }
}

fn unexpected_null() -> Error {
    Error::new(Kind::Corrupt, "a column holds NULL that must not")
}

macro_rules! prepared {
    ($statement:expr) => {
        sqlx::query_with(AssertSqlSafe($statement.sql), SqlxValues($statement.values))
    };
}

macro_rules! leased {
    ($lease:expr, $query:expr, $method:ident) => {{
        let (query, lease): (_, &mut Lease<_>) = ($query, $lease);
        let answer = query.$method(lease.start()).await;
        lease.answered(&answer);
        answer?
    }};
}

/// Does something of the database as a span of a trace: named by its first word, without text or values of a statement.
async fn traced<T>(engine: Engine, sql: &str, work: impl Future<Output = Result<T>>) -> Result<T> {
    let operation = sql.split(' ').next().unwrap_or_default();
    let span = tracing::info_span!(
        target: "glance_trace",
        "db",
        otel.name = operation,
        otel.failed = tracing::field::Empty,
        db.system.name = engine.system_name(),
    );
    let outcome = work.instrument(span.clone()).await;
    if outcome.is_err() {
        span.record("otel.failed", true);
    }
    outcome
}

fn read<R: Row, T>(rows: &[R], map: fn(&dyn Row) -> Result<T>) -> Result<Vec<T>> {
    rows.iter().map(|row| map(row)).collect()
}

/// The connection of a transaction.
pub(crate) enum Connection {
    Sqlite(Lease<Sqlite>),
    Postgres(Lease<Postgres>),
    MySql(Lease<MySql>),
}

/// An open transaction; dropped without a commit, it is rolled back.
pub(crate) struct Transaction {
    pub(crate) connection: Connection,
    simulation: Option<Simulation>,
    step: Option<Step>,
}

impl Transaction {
    pub(crate) fn engine(&self) -> Engine {
        match self.connection {
            Connection::Sqlite(_) => Engine::Sqlite,
            Connection::Postgres(_) => Engine::Postgres,
            Connection::MySql(_) => Engine::MySql,
        }
    }

    /// The database's clock, in milliseconds since 1970.
    pub(crate) fn clock(&self) -> Expr {
        clock(self.engine(), self.simulation.as_ref())
    }

    /// Runs a query and makes something of each row.
    pub(crate) async fn fetch<T>(
        &mut self,
        query: &impl QueryStatementBuilder,
        map: fn(&dyn Row) -> Result<T>,
    ) -> Result<Vec<T>> {
        let (engine, statement) = (self.engine(), self.engine().render(query));
        let sql = statement.sql.clone();
        let work = async {
            match &mut self.connection {
                Connection::Sqlite(lease) => read(&leased!(lease, prepared!(statement), fetch_all), map),
                Connection::Postgres(lease) => read(&leased!(lease, prepared!(statement), fetch_all), map),
                Connection::MySql(lease) => read(&leased!(lease, prepared!(statement), fetch_all), map),
            }
        };
        traced(engine, &sql, work).await
    }

    /// Runs a change and tells how many rows it matched.
    pub(crate) async fn execute(&mut self, query: &impl QueryStatementBuilder) -> Result<u64> {
        let (engine, statement) = (self.engine(), self.engine().render(query));
        let sql = statement.sql.clone();
        let work = async {
            Ok(match &mut self.connection {
                Connection::Sqlite(lease) => leased!(lease, prepared!(statement), execute).rows_affected(),
                Connection::Postgres(lease) => leased!(lease, prepared!(statement), execute).rows_affected(),
                Connection::MySql(lease) => leased!(lease, prepared!(statement), execute).rows_affected(),
            })
        };
        traced(engine, &sql, work).await
    }

    /// Runs text that has no placeholders, such as `CREATE TABLE`.
    pub(crate) async fn run(&mut self, sql: &str) -> Result<()> {
        self.run_counted(sql).await.map(drop)
    }

    /// As [`Self::run`]; tells how many rows it changed.
    pub(crate) async fn run_counted(&mut self, sql: &str) -> Result<u64> {
        let query = sqlx::raw_sql(AssertSqlSafe(sql));
        Ok(match &mut self.connection {
            Connection::Sqlite(lease) => leased!(lease, query, execute).rows_affected(),
            Connection::Postgres(lease) => leased!(lease, query, execute).rows_affected(),
            Connection::MySql(lease) => leased!(lease, query, execute).rows_affected(),
        })
    }

    /// Commits. After an error it is not known whether the transaction took place.
    pub(crate) async fn commit(self) -> Result<()> {
        let (engine, simulation) = (self.engine(), self.simulation);
        drop(self.step);
        let work = async {
            match simulation {
                None => self.connection.commit().await,
                Some(simulation) => simulation.commit(self.connection.commit()).await,
            }
        };
        traced(engine, "COMMIT", work).await
    }
}

impl Connection {
    async fn commit(self) -> Result<()> {
        match self {
            Self::Sqlite(lease) => lease.commit().await?,
            Self::Postgres(lease) => lease.commit().await?,
            Self::MySql(lease) => lease.commit().await?,
        }
        Ok(())
    }
}

/// The database's clock, in milliseconds since 1970; a simulation has one of its own.
fn clock(engine: Engine, simulation: Option<&Simulation>) -> Expr {
    if let Some(simulation) = simulation {
        return Expr::val(simulation.now());
    }
    Expr::cust(match engine {
        Engine::Sqlite => "CAST((julianday('now') - 2440587.5) * 86400000 AS INTEGER)",
        Engine::Postgres => "CAST(EXTRACT(EPOCH FROM clock_timestamp()) * 1000 AS BIGINT)",
        Engine::MySql => "CAST(UNIX_TIMESTAMP(SYSDATE(3)) * 1000 AS SIGNED)",
    })
}

impl Pools {
    pub(crate) fn engine(&self) -> Engine {
        match self.engine {
            EnginePools::Sqlite { .. } => Engine::Sqlite,
            EnginePools::Postgres(_) => Engine::Postgres,
            EnginePools::MySql(_) => Engine::MySql,
        }
    }

    /// As [`Transaction::clock`].
    pub(crate) fn clock(&self) -> Expr {
        clock(self.engine(), self.simulation.as_ref())
    }

    /// Where a simulation decides whether the next step takes place.
    async fn gate(&self, moment: Moment) -> Result<Option<Step>> {
        match &self.simulation {
            None => Ok(None),
            Some(simulation) => simulation.begin(moment).await.map(Some),
        }
    }

    /// Runs one query on its own and makes something of each row.
    pub(crate) async fn fetch<T>(&self, statement: Statement, map: fn(&dyn Row) -> Result<T>) -> Result<Vec<T>> {
        let _step = self.gate(Moment::Read).await?;
        let sql = statement.sql.clone();
        let work = async {
            match &self.engine {
                EnginePools::Sqlite { readers, .. } => {
                    read(&leased!(&mut Lease::take(readers).await?, prepared!(statement), fetch_all), map)
                }
                EnginePools::Postgres(pool) => {
                    read(&leased!(&mut Lease::take(pool).await?, prepared!(statement), fetch_all), map)
                }
                EnginePools::MySql(pool) => {
                    read(&leased!(&mut Lease::take(pool).await?, prepared!(statement), fetch_all), map)
                }
            }
        };
        traced(self.engine(), &sql, work).await
    }

    /// Starts a transaction that changes something. On SQLite it has the write lock from the beginning.
    pub(crate) async fn begin(&self) -> Result<Transaction> {
        let step = self.gate(Moment::Begin).await?;
        let work = async {
            Ok(match &self.engine {
                EnginePools::Sqlite { writer, .. } => {
                    Connection::Sqlite(Lease::begin(writer, "BEGIN IMMEDIATE").await?)
                }
                EnginePools::Postgres(pool) => Connection::Postgres(Lease::begin(pool, "BEGIN").await?),
                EnginePools::MySql(pool) => Connection::MySql(Lease::begin(pool, "BEGIN").await?),
            })
        };
        let connection = traced(self.engine(), "BEGIN", work).await?;
        Ok(Transaction { connection, simulation: self.simulation.clone(), step })
    }

    /// Starts a transaction whose queries all see the same state.
    pub(crate) async fn begin_reading(&self) -> Result<Transaction> {
        let step = self.gate(Moment::Read).await?;
        let work = async {
            Ok(match &self.engine {
                EnginePools::Sqlite { readers, .. } => Connection::Sqlite(Lease::begin(readers, "BEGIN").await?),
                EnginePools::Postgres(pool) => {
                    Connection::Postgres(Lease::begin(pool, "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY").await?)
                }
                EnginePools::MySql(pool) => Connection::MySql(Lease::begin(pool, "START TRANSACTION READ ONLY").await?),
            })
        };
        let connection = traced(self.engine(), "BEGIN", work).await?;
        // It changes nothing, so its commit is no step.
        Ok(Transaction { connection, simulation: None, step })
    }
}
