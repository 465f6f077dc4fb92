//! All rows of a query in one cell, for SQLite.
//!
//! Its driver runs queries on a thread of their own and hands each row over by itself, which costs several times what
//! SQLite needs to find and encode the row.

use std::cell::Cell;

use glance_domain::Timestamp;
use sea_query::{Expr, Func, SelectStatement};
use serde_json::Value as Json;

use super::columns::constant;
use crate::error::{Error, Kind, Result};
use crate::sql::Row;
use crate::timestamp;

/// Makes one cell of `query`, which must have a limit for its order to be kept: a line for each row, which is a JSON
/// array of `columns`. A line feed in a value is escaped in JSON. No row at all is NULL.
pub(super) fn pack(query: SelectStatement, columns: impl IntoIterator<Item = &'static str>) -> SelectStatement {
    let row = Func::cust("json_array").args(columns.into_iter().map(|column| Expr::col(("packed", column))));
    let line_feed = Func::cust("char").arg(constant(10));
    let mut cell = SelectStatement::new();
    cell.expr(Func::cust("group_concat").arg(row).arg(line_feed));
    cell.from_subquery(query, "packed").take()
}

/// Makes something of each row of a packed query.
pub(super) fn unpack<T>(cell: &str, map: fn(&dyn Row) -> Result<T>) -> Result<Vec<T>> {
    let rows = cell.lines().map(|line| {
        let columns: Vec<Json> = serde_json::from_str(line)
            .map_err(|error| Error::new(Kind::Corrupt, "a row cannot be read").caused_by(error))?;
        map(&Unpacked(columns.into_iter().map(Cell::new).collect()))
    });
    rows.collect()
}

/// A row whose columns can be read once each.
struct Unpacked(Vec<Cell<Json>>);

impl Unpacked {
    fn take(&self, column: usize) -> Json {
        self.0.get(column).map(Cell::take).unwrap_or_default()
    }
}

fn wrong_type() -> Error {
    Error::new(Kind::Corrupt, "a column holds a value of another type")
}

impl Row for Unpacked {
    fn text(&self, column: usize) -> Result<Option<String>> {
        match self.take(column) {
            Json::Null => Ok(None),
            Json::String(text) => Ok(Some(text)),
            // SQLite passes on that a value is JSON, or does not, depending on how it runs the query.
            other => Ok(Some(other.to_string())),
        }
    }

    fn integer(&self, column: usize) -> Result<Option<i64>> {
        match self.take(column) {
            Json::Null => Ok(None),
            Json::Number(number) => number.as_i64().ok_or_else(wrong_type).map(Some),
            _ => Err(wrong_type()),
        }
    }

    fn flag(&self, column: usize) -> Result<Option<bool>> {
        Ok(self.integer(column)?.map(|number| number != 0))
    }

    fn time(&self, column: usize) -> Result<Option<Timestamp>> {
        self.text(column)?.as_deref().map(timestamp::from_sqlite).transpose()
    }
}
