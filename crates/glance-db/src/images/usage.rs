//! What a project's images use.

use glance_domain::{ProjectId, Status};
use sea_query::{Expr, ExprTrait as _, Query, SelectStatement};

use super::columns::{constant, live};
use crate::error::Result;
use crate::sql::{Columns, Transaction};
use crate::{Database, Engine};

/// Statuses of images that use nothing any more.
const GONE: [Status; 3] = [Status::Killed, Status::Deleted, Status::PendingDelete];

/// The property that names the stores to which an import is copying the image.
const COPYING: &str = "os_glance_importing_to_stores";

impl Database {
    /// The bytes that a project's images occupy: each image's size times the number of its locations.
    ///
    /// # Errors
    /// Only those of the database.
    pub async fn owner_usage(&self, owner: &ProjectId) -> Result<i64> {
        self.number(&select_usage(self.engine(), owner)).await
    }

    /// The number of a project's images.
    ///
    /// # Errors
    /// Only those of the database.
    pub async fn owner_image_count(&self, owner: &ProjectId) -> Result<i64> {
        let mut query = images_of(owner);
        query.expr(Expr::cust("COUNT(*)")).and_where(not_gone());
        self.number(&query).await
    }

    /// The number of a project's images that data is being uploaded, imported or copied to.
    ///
    /// # Errors
    /// Only those of the database.
    pub async fn owner_uploading_count(&self, owner: &ProjectId) -> Result<i64> {
        let busy = [Status::Saving, Status::Uploading, Status::Importing];
        let mut query = images_of(owner);
        query.expr(Expr::cust("COUNT(*)")).and_where(is_one_of(&busy).or(is_being_copied()));
        self.number(&query).await
    }

    /// The bytes that a project's images occupy in the staging area.
    ///
    /// # Errors
    /// Only those of the database.
    pub async fn owner_staging_usage(&self, owner: &ProjectId) -> Result<i64> {
        let staged = [Status::Uploading, Status::Importing];
        let mut query = images_of(owner);
        query.expr(sum_of_sizes(self.engine())).and_where(is_one_of(&staged).or(is_being_copied()));
        self.number(&query).await
    }

    async fn number(&self, query: &SelectStatement) -> Result<i64> {
        let statement = self.engine().render(query);
        let rows = self.pools.fetch(statement, |row| Columns::of(row).optional_integer()).await?;
        Ok(rows.into_iter().next().flatten().unwrap_or(0))
    }
}

/// As [`Database::owner_usage`], as the transaction sees it.
pub(crate) async fn within(transaction: &mut Transaction, owner: &ProjectId) -> Result<i64> {
    let query = select_usage(transaction.engine(), owner);
    let rows = transaction.fetch(&query, |row| Columns::of(row).optional_integer()).await?;
    Ok(rows.into_iter().next().flatten().unwrap_or(0))
}

fn select_usage(engine: Engine, owner: &ProjectId) -> SelectStatement {
    let of_image = Expr::col(("image_locations", "image_id")).equals(("images", "id"));
    let mut query = images_of(owner);
    query.expr(sum_of_sizes(engine)).inner_join("image_locations", of_image);
    query.and_where(not_gone()).and_where(Expr::col(("image_locations", "status")).ne(constant("deleted")));
    query
}

fn sum_of_sizes(engine: Engine) -> Expr {
    let sum = Expr::col(("images", "size")).sum();
    match engine {
        Engine::Sqlite => sum,
        Engine::Postgres => sum.cast_as("bigint"),
        Engine::MySql => sum.cast_as("signed"),
    }
}

fn images_of(owner: &ProjectId) -> SelectStatement {
    Query::select().from("images").and_where(Expr::col(("images", "owner")).eq(owner.as_str())).take()
}

fn is_one_of(statuses: &[Status]) -> Expr {
    Expr::col(("images", "status")).is_in(statuses.iter().map(|status| constant(status.as_str())))
}

fn not_gone() -> Expr {
    is_one_of(&GONE).not()
}

/// An image that has its data already, and is being copied to more stores.
fn is_being_copied() -> Expr {
    let mut copying = Query::select();
    copying.column("image_id").from("image_properties").and_where(live("image_properties"));
    copying.and_where(Expr::col("name").eq(COPYING)).and_where(Expr::col("value").ne(""));
    not_gone().and(Expr::col(("images", "id")).in_subquery(copying.take()))
}
