//! What a project's images use.

use glance_domain::{ProjectId, Status};
use sea_query::{Expr, ExprTrait as _, Query};

use super::columns::constant;
use crate::error::Result;
use crate::sql::Columns;
use crate::{Database, Engine};

impl Database {
    /// The bytes that a project's images occupy: each image's size times the number of its locations.
    ///
    /// # Errors
    /// Only those of the database.
    pub async fn owner_usage(&self, owner: &ProjectId) -> Result<i64> {
        let gone = [Status::Killed, Status::Deleted, Status::PendingDelete].map(|status| constant(status.as_str()));
        let sum = Expr::col(("images", "size")).sum();
        let sum = match self.engine() {
            Engine::Sqlite => sum,
            Engine::Postgres => sum.cast_as("bigint"),
            Engine::MySql => sum.cast_as("signed"),
        };
        let mut query = Query::select();
        query
            .expr(sum)
            .from("images")
            .inner_join("image_locations", Expr::col(("image_locations", "image_id")).equals(("images", "id")));
        query
            .and_where(Expr::col(("images", "owner")).eq(owner.as_str()))
            .and_where(Expr::col(("images", "status")).is_not_in(gone))
            .and_where(Expr::col(("image_locations", "status")).ne(constant("deleted")));
        let rows = self.pools.fetch(self.engine().render(&query), |row| Columns::from(row, 0).optional_integer());
        Ok(rows.await?.into_iter().next().flatten().unwrap_or(0))
    }
}
