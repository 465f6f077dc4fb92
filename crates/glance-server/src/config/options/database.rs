//! Options of `[database]`, which are those of oslo.db.

use oslo::config::{Kind, OldName, OptionDef};

/// Options of `[database]`.
pub const DATABASE: &[OptionDef] = &[
    option("connection", Kind::Str, "SQLAlchemy URL of the catalogue.")
        .secret()
        .old_names(&[OldName { group: Some("DEFAULT"), name: "sql_connection" }]),
    option("connection_recycle_time", Kind::Int, "Seconds after which a connection is replaced.").default("3600"),
    option("max_pool_size", Kind::Int, "Connections that stay open; 0 or negative: no limit.").default("5"),
    option("max_overflow", Kind::Int, "Connections beyond those under load; negative: no limit.").default("50"),
    option("pool_timeout", Kind::Int, "Seconds to wait for a free connection.").default("30").min(1),
    option("max_retries", Kind::Int, "Attempts to connect at the start; -1: without end.").default("10").min(-1),
    option("retry_interval", Kind::Int, "Seconds between them.").default("10").min(0),
    option("mysql_sql_mode", Kind::Str, "sql_mode of MySQL sessions; empty: the server's.").default("TRADITIONAL"),
    option("mysql_wsrep_sync_wait", Kind::Int, "wsrep_sync_wait of sessions with Galera. Unset: the server's.")
        .min(0)
        .max(15),
    option("sqlite_synchronous", Kind::Bool, "Changes are on the disk before they are answered for.").default("true"),
    option("connection_debug", Kind::Int, "From 50 on, SQL statements are logged, without their values.")
        .default("0")
        .min(0)
        .max(100),
    option("connection_parameters", Kind::Str, "Parameters that are added to the URL.").default(""),
];

const fn option(name: &'static str, kind: Kind, help: &'static str) -> OptionDef {
    OptionDef::new("database", name, kind, help)
}
