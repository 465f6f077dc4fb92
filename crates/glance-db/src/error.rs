//! What the catalogue answers when it cannot do what was asked.
//!
//! Callers decide by [`Kind`]; the message and the chain of sources are for the log. Neither ever
//! holds the database's URL or password.

use std::fmt;

/// The result of a catalogue operation.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// What kind of failure it is; callers match on this.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Kind {
    /// No such row, or it is deleted, or the viewer may not know of it.
    NotFound,
    /// The identifier or the pair is taken.
    Duplicate,
    /// The row is not in the state that the caller expected; somebody else was faster. Or other rows refer to it.
    Conflict,
    /// The caller no longer holds the record it acts on, or its node is not live: another node may have taken over.
    Fenced,
    /// The image was deleted while its data was being uploaded, or is being deleted.
    Gone,
    /// There is no room for more: a limit that the caller gave is reached.
    LimitReached,
    /// The marker of a list names no live image.
    MarkerUnknown,
    /// The marker of a list names an image that the viewer must not see.
    MarkerInvisible,
    /// The database does not answer, or every connection stays busy; trying again later may help.
    Unavailable,
    /// The settings or an argument make no sense.
    Invalid,
    /// The database holds something that this service cannot have written and cannot understand.
    Corrupt,
    /// Anything else: a defect here, or a statement that the database refuses.
    Internal,
}

/// A failed catalogue operation.
#[derive(Debug)]
pub struct Error {
    kind: Kind,
    message: String,
    room_left: Option<u64>,
    source: Option<Box<dyn std::error::Error + Send + Sync>>,
}

impl Error {
    pub(crate) fn new(kind: Kind, message: impl Into<String>) -> Self {
        Self { kind, message: message.into(), room_left: None, source: None }
    }

    /// Data of `needed` bytes does not fit into what a project may store.
    pub(crate) fn no_room(needed: u64, left: u64) -> Self {
        let text = format!("{needed} bytes do not fit into the {left} bytes that are left to the project");
        Self { room_left: Some(left), ..Self::new(Kind::LimitReached, text) }
    }

    pub(crate) fn caused_by(mut self, source: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> Self {
        self.source = Some(source.into());
        self
    }

    /// The same failure in other words.
    pub(crate) fn saying(mut self, message: impl Into<String>) -> Self {
        self.message = message.into();
        self
    }

    /// What kind of failure it is.
    #[must_use]
    pub fn kind(&self) -> Kind {
        self.kind
    }

    /// The bytes that were left when data did not fit into what its project may store.
    #[must_use]
    pub fn room_left(&self) -> Option<u64> {
        self.room_left
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl std::error::Error for Error {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        self.source.as_deref().map(|source| source as _)
    }
}

impl From<sqlx::Error> for Error {
    fn from(error: sqlx::Error) -> Self {
        let (kind, message) = match &error {
            sqlx::Error::Database(inner) => (database_kind(inner.as_ref()), "the database refuses a statement"),
            sqlx::Error::Io(_) | sqlx::Error::Tls(_) | sqlx::Error::Protocol(_) | sqlx::Error::WorkerCrashed => {
                (Kind::Unavailable, "the connection to the database is broken")
            }
            sqlx::Error::PoolTimedOut => (Kind::Unavailable, "no connection to the database became free in time"),
            sqlx::Error::PoolClosed => (Kind::Unavailable, "the database is closed"),
            sqlx::Error::ColumnDecode { .. } | sqlx::Error::Decode(_) => {
                (Kind::Corrupt, "a column holds something of another type")
            }
            sqlx::Error::Configuration(_) => (Kind::Invalid, "the database settings make no sense"),
            _ => (Kind::Internal, "a statement cannot be run"),
        };
        Self::new(kind, message).caused_by(error)
    }
}

impl From<sea_query::error::Error> for Error {
    fn from(error: sea_query::error::Error) -> Self {
        Self::new(Kind::Internal, "a statement cannot be built").caused_by(error)
    }
}

impl Error {
    /// Whether the same transaction may well succeed when it is run again from its beginning.
    pub(crate) fn is_transient(&self) -> bool {
        let cause = self.source.as_deref().and_then(|source| source.downcast_ref::<sqlx::Error>());
        cause.and_then(sqlx::Error::as_database_error).is_some_and(lost_a_race)
    }
}

fn database_kind(error: &dyn sqlx::error::DatabaseError) -> Kind {
    if error.is_unique_violation() {
        return Kind::Duplicate;
    }
    if error.is_foreign_key_violation() {
        return Kind::Conflict;
    }
    let code = error.code().unwrap_or_default();
    if lost_a_race(error) || means_unavailable(&code, mysql_number(error)) {
        return Kind::Unavailable;
    }
    match (error.try_downcast_ref::<sqlx::sqlite::SqliteError>(), code.parse::<u32>().map(|code| code & 0xff)) {
        // Read-only, I/O error, disk full, cannot open.
        (Some(_), Ok(8 | 10 | 13 | 14)) => Kind::Unavailable,
        // Malformed, not a database.
        (Some(_), Ok(11 | 26)) => Kind::Corrupt,
        _ => Kind::Internal,
    }
}

/// Deadlock, serialization failure, or a lock that was not released in time. MariaDB from 11.6 on refuses to change a row
/// that is no longer what the transaction has seen (1020, `innodb_snapshot_isolation`).
fn lost_a_race(error: &dyn sqlx::error::DatabaseError) -> bool {
    if let Some(number) = mysql_number(error) {
        return matches!(number, 1020 | 1205 | 1213);
    }
    let code = error.code().unwrap_or_default();
    match error.try_downcast_ref::<sqlx::sqlite::SqliteError>() {
        // The low byte is the primary code: 5 is SQLITE_BUSY, 6 SQLITE_LOCKED.
        Some(_) => code.parse::<u32>().is_ok_and(|code| matches!(code & 0xff, 5 | 6)),
        None => matches!(&*code, "40001" | "40P01" | "55P03"),
    }
}

fn mysql_number(error: &dyn sqlx::error::DatabaseError) -> Option<u16> {
    error.try_downcast_ref::<sqlx::mysql::MySqlDatabaseError>().map(|error| error.number())
}

/// The server shuts down, starts, has no connection left, or its cluster is not whole.
fn means_unavailable(code: &str, mysql: Option<u16>) -> bool {
    match mysql {
        Some(number) => matches!(number, 1040 | 1053 | 1077 | 1047 | 1203 | 1226 | 1290 | 1836 | 1927 | 4031),
        None => code.starts_with("08") || code.starts_with("53") || code.starts_with("57P") || code == "25006",
    }
}
