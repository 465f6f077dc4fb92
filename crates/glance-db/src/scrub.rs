//! How far the reading of all data is, and which images come next.

use glance_domain::{Image, ImageId, Status};
use sea_query::{Expr, ExprTrait as _, Order, Query};

use crate::Database;
use crate::audit::WITH_DATA;
use crate::database::retry;
use crate::error::{Error, Kind, Result};
use crate::images::columns::{live, parse_id};
use crate::images::{children, columns};
use crate::sql::{Columns, Row};

const TABLE: &str = "rs_scrubs";

/// How far the reading of all data is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ScrubProgress {
    /// The image that was read last.
    pub image: ImageId,
    /// Images read.
    pub images: u64,
    /// Bytes read.
    pub bytes: u64,
    /// What was wrong so far.
    pub findings: u64,
}

impl Database {
    /// How far the reading of the data in `scope` is; `None` when it has not begun or has ended.
    ///
    /// # Errors
    /// Only those of the database.
    pub async fn scrub_progress(&self, scope: &str) -> Result<Option<ScrubProgress>> {
        let mut query = Query::select();
        query.columns(["image_id", "images", "bytes", "findings"]).from(TABLE);
        query.and_where(Expr::col("scope").eq(scope));
        Ok(self.pools.fetch(self.engine().render(&query), read).await?.pop())
    }

    /// Writes how far the reading of the data in `scope` is, or that it has ended.
    ///
    /// # Errors
    /// [`Kind::Invalid`] when a number is too big, and those of the database.
    pub async fn save_scrub(&self, scope: &str, progress: Option<&ScrubProgress>) -> Result<()> {
        retry(|| async {
            let mut transaction = self.pools.begin().await?;
            let mut delete = Query::delete();
            delete.from_table(TABLE).and_where(Expr::col("scope").eq(scope));
            transaction.execute(&delete).await?;
            if let Some(progress) = progress {
                let mut insert = Query::insert();
                insert.into_table(TABLE).columns(["scope", "image_id", "images", "bytes", "findings"]);
                insert.values([
                    Expr::val(scope),
                    Expr::val(progress.image.as_str()),
                    Expr::val(number(progress.images)?),
                    Expr::val(number(progress.bytes)?),
                    Expr::val(number(progress.findings)?),
                ])?;
                transaction.execute(&insert).await?;
            }
            transaction.commit().await
        })
        .await
    }

    /// A page of at most `most` images that have data, in the order of their ids. The URL of a location that cannot be
    /// read, because it was sealed with another key, is empty.
    ///
    /// # Errors
    /// Only those of the database.
    pub async fn images_with_data(&self, after: Option<&ImageId>, most: u64) -> Result<Vec<Image>> {
        let (engine, mut query) = (self.engine(), Query::select());
        columns::select(engine, &mut query);
        children::select(engine, &mut query, "images", None);
        query.from("images").and_where(live("images"));
        query.and_where(Expr::col(("images", "status")).is_in(WITH_DATA.map(Status::as_str)));
        if let Some(after) = after {
            query.and_where(Expr::col(("images", "id")).gt(after.as_str()));
        }
        query.order_by(("images", "id"), Order::Asc).limit(most);
        let images = self.pools.fetch(engine.render(&query), columns::read_whole).await?;
        Ok(images.into_iter().map(|image| self.opened(image)).collect())
    }

    fn opened(&self, mut image: Image) -> Image {
        for location in &mut image.locations {
            location.url = self.seal.open_url(&location.url).unwrap_or_default();
        }
        image
    }
}

fn number(number: u64) -> Result<i64> {
    i64::try_from(number).map_err(|error| Error::new(Kind::Invalid, "a number is too big").caused_by(error))
}

fn read(row: &dyn Row) -> Result<ScrubProgress> {
    let mut columns = Columns::of(row);
    let image = parse_id(&columns.text()?)?;
    let mut number = || columns.integer().map(|number| u64::try_from(number).unwrap_or(0));
    Ok(ScrubProgress { image, images: number()?, bytes: number()?, findings: number()? })
}
