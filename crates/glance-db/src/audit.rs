//! What audits read: every location that names data, page by page.

use std::str::FromStr as _;

use glance_domain::{ImageId, Location, LocationStatus, Status};
use sea_query::{Expr, ExprTrait as _, Order, Query, SelectStatement};

use crate::Database;
use crate::error::Result;
use crate::images::children::metadata_object;
use crate::images::columns::{live, parse_id};
use crate::images::read::get_within;
use crate::seal::Seal;
use crate::sql::{Columns, Row, Transaction};
use crate::work::rows;

/// A location that names data: a live one, or one whose data waits for upstream's scrubber.
#[derive(Clone, Debug, PartialEq)]
pub struct NamedLocation {
    /// The number of its row.
    pub number: i64,
    /// Its image.
    pub image: ImageId,
    /// Where the data is; `None` when it cannot be read, because it was sealed with another key.
    pub location: Option<Location>,
    /// The status of the image, if it is one that is known here.
    pub image_status: Option<Status>,
    /// Bytes of the image.
    pub size: Option<u64>,
    /// Whether the image counts on it. Otherwise the data waits to be removed.
    pub is_live: bool,
}

/// Which locations a page begins with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LocationPage {
    /// Oldest first, those after this row.
    After(i64),
    /// Newest first, those before this row.
    Before(i64),
}

/// Who could have named data after an image, at one moment.
#[derive(Clone, Debug, PartialEq)]
pub struct Claims {
    /// Whether there is any record of work about the image.
    pub has_records: bool,
    /// The status of the image, if there is one.
    pub status: Option<Status>,
    /// The locations of the image, deleted or not, whose data is not known to be gone.
    pub locations: Vec<NamedLocation>,
}

impl Database {
    /// A page of at most `most` locations that name data.
    ///
    /// # Errors
    /// Only those of the database.
    pub async fn named_locations(&self, page: LocationPage, most: u64) -> Result<Vec<NamedLocation>> {
        let (number, mut query) = (Expr::col(("image_locations", "id")), select());
        let (condition, order) = match page {
            LocationPage::After(row) => (number.gt(row), Order::Asc),
            LocationPage::Before(row) => (number.lt(row), Order::Desc),
        };
        query.and_where(condition).order_by(("image_locations", "id"), order).limit(most);
        let stored = self.pools.fetch(self.engine().render(&query), read).await?;
        Ok(stored.into_iter().map(|stored| stored.open(&self.seal)).collect())
    }

    /// A page of at most `most` images that should have data and have no location, after an image.
    ///
    /// # Errors
    /// Only those of the database.
    pub async fn images_without_location(&self, after: Option<&ImageId>, most: u64) -> Result<Vec<ImageId>> {
        let mut locations = Query::select();
        locations.expr(Expr::val(1)).from("image_locations").and_where(live("image_locations"));
        locations.and_where(Expr::col(("image_locations", "image_id")).equals(("images", "id")));
        let mut query = Query::select();
        query.column(("images", "id")).from("images").and_where(live("images"));
        query.and_where(Expr::col(("images", "status")).is_in(WITH_DATA.map(Status::as_str)));
        query.and_where(Expr::exists(locations).not());
        if let Some(after) = after {
            query.and_where(Expr::col(("images", "id")).gt(after.as_str()));
        }
        query.order_by(("images", "id"), Order::Asc).limit(most);
        self.pools.fetch(self.engine().render(&query), |row| parse_id(&Columns::of(row).text()?)).await
    }

    /// Who could have named data after `image`.
    ///
    /// # Errors
    /// Only those of the database.
    pub async fn claims_of(&self, image: &ImageId) -> Result<Claims> {
        let mut transaction = self.pools.begin_reading().await?;
        let has_records = !rows::all_about(&mut transaction, image).await?.is_empty();
        let status = status(&mut transaction, image).await?;
        let mut query = select();
        query.and_where(Expr::col(("image_locations", "image_id")).eq(image.as_str()));
        let stored = transaction.fetch(&query, read).await?;
        transaction.commit().await?;
        let locations = stored.into_iter().map(|stored| stored.open(&self.seal)).collect();
        Ok(Claims { has_records, status, locations })
    }
}

/// The statuses of images that have data.
pub(crate) const WITH_DATA: [Status; 2] = [Status::Active, Status::Deactivated];

async fn status(transaction: &mut Transaction, image: &ImageId) -> Result<Option<Status>> {
    match get_within(transaction, image).await {
        Ok(image) => Ok(Some(image.status)),
        Err(error) if error.kind() == crate::Kind::NotFound => Ok(None),
        Err(error) => Err(error),
    }
}

fn select() -> SelectStatement {
    let column = |name| ("image_locations", name);
    let mut query = Query::select();
    query.columns(["id", "image_id", "value", "meta_data", "status", "deleted"].map(column));
    query.columns([("images", "status"), ("images", "size")]);
    query.from("image_locations").inner_join("images", Expr::col(column("image_id")).equals(("images", "id")));
    let waits = Expr::col(column("status")).eq(LocationStatus::PendingDelete.as_str());
    query.and_where(live("image_locations").or(waits)).take()
}

/// A row as it is stored.
struct Stored {
    number: i64,
    image: ImageId,
    url: String,
    metadata: Option<String>,
    status: String,
    is_deleted: bool,
    image_status: String,
    size: Option<i64>,
}

fn read(row: &dyn Row) -> Result<Stored> {
    let mut columns = Columns::of(row);
    Ok(Stored {
        number: columns.integer()?,
        image: parse_id(&columns.text()?)?,
        url: columns.text()?,
        metadata: columns.optional_text()?,
        status: columns.text()?,
        is_deleted: columns.flag()?,
        image_status: columns.text()?,
        size: columns.optional_integer()?,
    })
}

impl Stored {
    fn open(self, seal: &Seal) -> NamedLocation {
        let status = LocationStatus::from_str(&self.status).ok();
        NamedLocation {
            number: self.number,
            is_live: !self.is_deleted && status == Some(LocationStatus::Active),
            location: self.location(seal, status.unwrap_or(LocationStatus::Deleted)),
            image: self.image,
            image_status: Status::from_str(&self.image_status).ok(),
            size: self.size.and_then(|size| u64::try_from(size).ok()),
        }
    }

    fn location(&self, seal: &Seal, status: LocationStatus) -> Option<Location> {
        let metadata = self.metadata.as_deref().map(metadata_object).transpose().ok()?.unwrap_or_default();
        Some(Location { id: Some(self.number), url: seal.open_url(&self.url).ok()?, metadata, status })
    }
}
