//! How the service reaches its database: the `[database]` options.

use std::fmt;
use std::time::Duration;

use crate::url;

/// How to reach the database, in the terms of oslo.db's `[database]` options.
///
/// `Debug` hides the password inside the URL, and the key.
#[derive(Clone, PartialEq, Eq)]
pub struct Settings {
    /// `connection`: a URL as SQLAlchemy reads it, such as `sqlite:////var/lib/glance/glance.sqlite` or
    /// `mysql+pymysql://glance:secret@db/glance?charset=utf8`.
    pub url: String,
    /// `max_pool_size`: connections that stay open; 0 means no limit.
    pub max_pool_size: u32,
    /// `max_overflow`: connections beyond those; they are closed when they lie idle. `None`: no limit.
    pub max_overflow: Option<u32>,
    /// `pool_timeout`: how long a request waits for a connection.
    pub acquire_timeout: Duration,
    /// `connection_recycle_time`: connections older than this are replaced; `None`: never.
    pub recycle_after: Option<Duration>,
    /// `max_retries`: how often to try again when a server does not answer at the start; `None`: without end.
    pub connect_retries: Option<u32>,
    /// `retry_interval`: the wait between two of these attempts.
    pub retry_interval: Duration,
    /// `mysql_sql_mode`: the session's `sql_mode`; empty leaves the server's own.
    pub mysql_sql_mode: String,
    /// `mysql_wsrep_sync_wait`: what a node of Galera waits for before it answers, as the server's variable
    /// `wsrep_sync_wait` counts it; `None` leaves the server's own.
    pub mysql_wsrep_sync_wait: Option<u8>,
    /// `metadata_encryption_key`: the key under which URLs of locations are stored, of 16, 24 or 32 bytes.
    pub metadata_encryption_key: Option<String>,
    /// `connection_debug` of 50 or more: statements are logged, without their values, at INFO.
    pub log_statements: bool,
    /// `sqlite_synchronous`: a change of a SQLite catalogue is on the disk before it is answered for. Otherwise a crash
    /// of the machine can even leave a broken file.
    pub sqlite_synchronous: bool,
    /// How long a SQLite writer waits for another process to finish its change.
    pub sqlite_busy_timeout: Duration,
    /// How many SQLite connections read at the same time.
    pub sqlite_readers: u32,
}

impl Settings {
    /// oslo.db's defaults for that URL.
    pub fn new(url: impl Into<String>) -> Self {
        Self {
            url: url.into(),
            max_pool_size: 5,
            max_overflow: Some(50),
            acquire_timeout: Duration::from_secs(30),
            recycle_after: Some(Duration::from_secs(3600)),
            connect_retries: Some(0),
            retry_interval: Duration::from_secs(10),
            mysql_sql_mode: "TRADITIONAL".into(),
            mysql_wsrep_sync_wait: None,
            metadata_encryption_key: None,
            log_statements: false,
            sqlite_synchronous: true,
            sqlite_busy_timeout: Duration::from_secs(10),
            sqlite_readers: 4,
        }
    }
}

impl fmt::Debug for Settings {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Settings")
            .field("url", &url::redact(&self.url))
            .field("max_pool_size", &self.max_pool_size)
            .field("max_overflow", &self.max_overflow)
            .field("acquire_timeout", &self.acquire_timeout)
            .field("recycle_after", &self.recycle_after)
            .field("connect_retries", &self.connect_retries)
            .field("retry_interval", &self.retry_interval)
            .field("mysql_sql_mode", &self.mysql_sql_mode)
            .field("mysql_wsrep_sync_wait", &self.mysql_wsrep_sync_wait)
            .field("metadata_encryption_key", &self.metadata_encryption_key.as_ref().map(|_| "***"))
            .field("log_statements", &self.log_statements)
            .field("sqlite_synchronous", &self.sqlite_synchronous)
            .field("sqlite_busy_timeout", &self.sqlite_busy_timeout)
            .field("sqlite_readers", &self.sqlite_readers)
            .finish()
    }
}
