//! Options of `[database]`, which are those of oslo.db.

use oslo::config::{Kind, OldName, OptionDef};

/// Options of `[database]`.
pub const DATABASE: &[OptionDef] = &[
    option("connection", Kind::Str, "SQLAlchemy URL of the catalogue.")
        .secret()
        .old_names(&[OldName { group: Some("DEFAULT"), name: "sql_connection" }]),
    option("slave_connection", Kind::Str, "SQLAlchemy URL of a copy for reading. No effect, as in Glance.").secret(),
    option("connection_recycle_time", Kind::Int, "Seconds after which a connection is replaced.").default("3600"),
    option("max_pool_size", Kind::Int, "Connections that stay open; 0: no limit.").default("5").min(0),
    option("max_overflow", Kind::Int, "Connections beyond those under load.").default("50").min(0),
    option("pool_timeout", Kind::Int, "Seconds to wait for a free connection.").default("30").min(1),
    option("max_retries", Kind::Int, "Attempts to connect at the start; -1: without end.").default("10").min(-1),
    option("retry_interval", Kind::Int, "Seconds between them.").default("10").min(0),
    option("mysql_sql_mode", Kind::Str, "sql_mode of MySQL sessions; empty: the server's.").default("TRADITIONAL"),
    option("backend", Kind::Str, "No effect: there is one.").default("sqlalchemy"),
    option("sqlite_synchronous", Kind::Bool, "No effect: SQLite always syncs.").default("true"),
    option("mysql_wsrep_sync_wait", Kind::Int, "No effect yet."),
    option("connection_debug", Kind::Int, "No effect: statements are logged with debug.").default("0").min(0).max(100),
    option("connection_trace", Kind::Bool, "No effect.").default("false"),
    option("connection_parameters", Kind::Str, "No effect: parameters stand in the URL.").default(""),
    option("use_db_reconnect", Kind::Bool, "No effect: broken connections are always replaced.").default("false"),
    option("db_retry_interval", Kind::Int, "No effect: deadlocks are retried at once, then later and later.")
        .default("1"),
    option("db_inc_retry_interval", Kind::Bool, "No effect, likewise.").default("true"),
    option("db_max_retry_interval", Kind::Int, "No effect, likewise.").default("10"),
    option("db_max_retries", Kind::Int, "No effect, likewise.").default("20"),
];

const fn option(name: &'static str, kind: Kind, help: &'static str) -> OptionDef {
    OptionDef::new("database", name, kind, help)
}
