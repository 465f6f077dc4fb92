//! SQLite cannot change a column: the table is made anew with the same rows.
//!
//! It knows what tables of this catalogue have that need it: columns, a primary key and indexes, but no references to
//! other tables. References from others stay, because they hold the table's name and nobody watches them meanwhile.

use sea_query::{Expr, ExprTrait as _, Order, Query};

use crate::Engine;
use crate::error::Result;
use crate::schema::table::Column;
use crate::sql::{Columns, Row, Transaction};

struct Existing {
    name: String,
    kind: String,
    required: bool,
    default: Option<String>,
    in_primary_key: bool,
}

/// Makes the table anew with `changed` in place of the column of that name, and with checks on these columns that they
/// hold 0 or 1; other checks go, as they do in upstream's migrations.
pub(super) async fn rebuild(
    transaction: &mut Transaction,
    table: &str,
    changed: Option<&Column>,
    checks: &[&str],
) -> Result<()> {
    let columns = columns(transaction, table).await?;
    let indexes = indexes(transaction, table).await?;
    let mut parts: Vec<_> = columns.iter().map(|column| definition(column, changed)).collect();
    let named = |column: &Existing| column.name.clone();
    let key: Vec<_> = columns.iter().filter(|column| column.in_primary_key).map(named).collect();
    parts.push(format!("PRIMARY KEY ({})", key.join(", ")));
    parts.extend(checks.iter().map(|column| format!("CHECK ({column} IN (0, 1))")));
    let all = columns.iter().map(named).collect::<Vec<_>>().join(", ");
    let new = format!("rs_new_{table}");
    transaction.run(&format!("CREATE TABLE {new} (\n\t{}\n)", parts.join(", \n\t"))).await?;
    transaction.run(&format!("INSERT INTO {new} ({all}) SELECT {all} FROM {table}")).await?;
    transaction.run(&format!("DROP TABLE {table}")).await?;
    transaction.run(&format!("ALTER TABLE {new} RENAME TO {table}")).await?;
    for sql in indexes {
        transaction.run(&sql).await?;
    }
    Ok(())
}

fn definition(column: &Existing, changed: Option<&Column>) -> String {
    if let Some(changed) = changed.filter(|changed| changed.name() == column.name) {
        return changed.render(Engine::Sqlite);
    }
    let mut sql = format!("{} {}", column.name, column.kind);
    if let Some(default) = &column.default {
        sql += &format!(" DEFAULT {default}");
    }
    if column.required {
        sql += " NOT NULL";
    }
    sql
}

async fn columns(transaction: &mut Transaction, table: &str) -> Result<Vec<Existing>> {
    let query = Query::select()
        .exprs(["name", "type", "\"notnull\"", "dflt_value", "pk"].map(Expr::cust))
        .from_function(sea_query::Func::cust("pragma_table_info").arg(table), "c")
        .order_by("cid", Order::Asc)
        .take();
    transaction.fetch(&query, read_column).await
}

fn read_column(row: &dyn Row) -> Result<Existing> {
    let mut columns = Columns::of(row);
    Ok(Existing {
        name: columns.text()?,
        kind: columns.text()?,
        required: columns.integer()? != 0,
        default: columns.optional_text()?,
        in_primary_key: columns.integer()? != 0,
    })
}

/// The statements that created the indexes of the table.
async fn indexes(transaction: &mut Transaction, table: &str) -> Result<Vec<String>> {
    let mut query = Query::select();
    query.column("sql").from("sqlite_master").and_where(Expr::col("type").eq("index"));
    query.and_where(Expr::col("tbl_name").eq(table)).and_where(Expr::col("sql").is_not_null());
    query.order_by("name", Order::Asc);
    transaction.fetch(&query, |row| Columns::of(row).text()).await
}
