//! Properties as locks: of several that set one at the same time, one succeeds.
//!
//! Imports lock their image by the property `os_glance_import_task`, so that several servers, upstream's
//! among them, do not import to one image at once.

use glance_domain::{ImageId, Timestamp};
use sea_query::{Expr, ExprTrait as _, Query};

use super::columns::{constant, live};
use crate::Database;
use crate::database::retry;
use crate::error::{Error, Kind, Result};

impl Database {
    /// Sets a property that must not be set yet.
    ///
    /// # Errors
    /// [`Kind::Duplicate`] when the image has the property, whatever its value.
    pub async fn lock_property(&self, image: &ImageId, name: &str, value: &str, now: Timestamp) -> Result<()> {
        retry(|| async {
            let mut transaction = self.pools.begin().await?;
            let time = transaction.engine().time(now);
            let mut revive = Query::update();
            revive.table("image_properties").value("value", value).value("deleted", constant(false));
            revive.value("deleted_at", Expr::cust("NULL")).value("updated_at", time.clone());
            revive.and_where(Expr::col("image_id").eq(image.as_str())).and_where(Expr::col("name").eq(name));
            revive.and_where(Expr::col("deleted").eq(constant(true)));
            if transaction.execute(&revive).await? == 0 {
                let mut insert = Query::insert();
                insert.into_table("image_properties");
                insert.columns(["image_id", "name", "value", "created_at", "updated_at", "deleted"]);
                let (image, name, value) = (Expr::val(image.as_str()), Expr::val(name), Expr::val(value));
                insert.values([image, name, value, Expr::val(time.clone()), Expr::val(time), constant(false)])?;
                transaction.execute(&insert).await?;
            }
            transaction.commit().await
        })
        .await
    }

    /// Removes a property that must have this value. The row goes for good, as upstream expects of a lock.
    ///
    /// # Errors
    /// [`Kind::NotFound`] when the image does not have the property with that value.
    pub async fn unlock_property(&self, image: &ImageId, name: &str, value: &str) -> Result<()> {
        retry(|| async {
            let mut transaction = self.pools.begin().await?;
            let mut delete = Query::delete();
            delete.from_table("image_properties").and_where(Expr::col("image_id").eq(image.as_str()));
            delete.and_where(Expr::col("name").eq(name)).and_where(Expr::col("value").eq(value));
            if transaction.execute(delete.and_where(live("image_properties"))).await? == 0 {
                return Err(Error::new(Kind::NotFound, "the image does not have that property and value"));
            }
            transaction.commit().await
        })
        .await
    }
}
