//! What is there: tables, columns, indexes, triggers, checks and types, as each engine lists them.

use sea_query::{Expr, ExprTrait as _, IntoTableRef, Query, SelectStatement};

use crate::Engine;
use crate::error::Result;
use crate::sql::Transaction;

/// Whether there is a table of that name.
pub(crate) async fn has_table(transaction: &mut Transaction, name: &str) -> Result<bool> {
    let query = match transaction.engine() {
        Engine::Sqlite => listed("sqlite_master", "name", name).and_where(Expr::col("type").eq("table")).take(),
        engine => in_schema(engine, "tables", "table_schema").and_where(Expr::col("table_name").eq(name)).take(),
    };
    exists(transaction, &query).await
}

/// Whether the table has that column.
pub(crate) async fn has_column(transaction: &mut Transaction, table: &str, column: &str) -> Result<bool> {
    let query = match transaction.engine() {
        Engine::Sqlite => {
            let mut query = Query::select();
            query.expr(Expr::cust("1")).from("sqlite_master");
            query.and_where(Expr::cust_with_values(
                "EXISTS (SELECT 1 FROM pragma_table_info(sqlite_master.name) c WHERE c.name = ?)",
                [column],
            ));
            query.and_where(Expr::col("name").eq(table)).take()
        }
        engine => {
            let mut query = in_schema(engine, "columns", "table_schema");
            query.and_where(Expr::col("table_name").eq(table)).and_where(Expr::col("column_name").eq(column)).take()
        }
    };
    exists(transaction, &query).await
}

/// Whether there is an index of that name.
pub(crate) async fn has_index(transaction: &mut Transaction, name: &str) -> Result<bool> {
    let query = match transaction.engine() {
        Engine::Sqlite => listed("sqlite_master", "name", name),
        Engine::Postgres => {
            listed("pg_indexes", "indexname", name).and_where(Expr::cust("schemaname = current_schema()")).take()
        }
        Engine::MySql => {
            in_schema(Engine::MySql, "statistics", "table_schema").and_where(Expr::col("index_name").eq(name)).take()
        }
    };
    exists(transaction, &query).await
}

/// Whether MySQL has a trigger of that name; the others are never given any.
pub(crate) async fn has_trigger(transaction: &mut Transaction, name: &str) -> Result<bool> {
    if transaction.engine() != Engine::MySql {
        return Ok(false);
    }
    let mut query = in_schema(Engine::MySql, "triggers", "trigger_schema");
    exists(transaction, query.and_where(Expr::col("trigger_name").eq(name))).await
}

/// Whether MySQL has a check of that name on the table.
pub(crate) async fn has_check(transaction: &mut Transaction, table: &str, name: &str) -> Result<bool> {
    let mut query = in_schema(Engine::MySql, "table_constraints", "table_schema");
    query.and_where(Expr::col("table_name").eq(table)).and_where(Expr::col("constraint_name").eq(name));
    exists(transaction, &query).await
}

/// Whether PostgreSQL has a type of that name.
pub(crate) async fn has_type(transaction: &mut Transaction, name: &str) -> Result<bool> {
    let mut query = listed("pg_type", "typname", name);
    exists(transaction, query.and_where(Expr::cust("typnamespace = current_schema()::regnamespace"))).await
}

fn listed(place: &'static str, column: &'static str, name: &str) -> SelectStatement {
    let mut query = Query::select();
    query.expr(Expr::cust("1")).from(place.into_table_ref()).and_where(Expr::col(column).eq(name)).take()
}

/// A query of `information_schema` that is about the current database only.
fn in_schema(engine: Engine, view: &'static str, schema: &'static str) -> SelectStatement {
    let here = if engine == Engine::MySql { "DATABASE()" } else { "current_schema()" };
    let mut query = Query::select();
    query.expr(Expr::cust("1")).from(("information_schema", view));
    query.and_where(Expr::cust(format!("{schema} = {here}"))).take()
}

async fn exists(transaction: &mut Transaction, query: &SelectStatement) -> Result<bool> {
    Ok(!transaction.fetch(query, |_| Ok(())).await?.is_empty())
}
