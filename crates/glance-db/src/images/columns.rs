//! The columns of `images`, in the order in which every query here selects them.

use std::str::FromStr;

use glance_domain::{Image, ImageId, ProjectId};
use sea_query::{Expr, ExprTrait as _, SelectStatement, Value};

use super::children;
use crate::Engine;
use crate::error::{Error, Kind, Result};
use crate::sql::{Columns, Row};

/// Every column that an [`Image`] is made of.
pub(crate) const ALL: [&str; 19] = [
    "id",
    "name",
    "status",
    "visibility",
    "protected",
    "os_hidden",
    "owner",
    "disk_format",
    "container_format",
    "size",
    "virtual_size",
    "checksum",
    "os_hash_algo",
    "os_hash_value",
    "min_disk",
    "min_ram",
    "created_at",
    "updated_at",
    "deleted_at",
];

/// Adds the columns to a query on `images`.
pub(crate) fn select(engine: Engine, query: &mut SelectStatement) {
    for column in ALL {
        if column == "visibility" && engine == Engine::Postgres {
            query.expr_as(Expr::col(("images", column)).cast_as("text"), column);
        } else {
            query.column(("images", column));
        }
    }
}

/// A constant that becomes part of the text of a query: no placeholder, no conversion of types.
pub(crate) fn constant(value: impl Into<Value>) -> Expr {
    Expr::Constant(value.into())
}

/// The condition that the row of `table` is not deleted.
///
/// Of an image it is an equation, which the indexes that pages walk start with. Of the others it must not
/// be one: without statistics, SQLite takes upstream's index on `deleted` for as good as that on
/// `image_id`, and reads the whole table.
pub(crate) fn live(table: &'static str) -> Expr {
    let deleted = Expr::col((table, "deleted"));
    if table == "images" { deleted.eq(constant(false)) } else { deleted.not() }
}

/// Reads a row of the columns and of what [`children::select`] adds.
pub(crate) fn read_whole(row: &dyn Row) -> Result<Image> {
    let mut columns = Columns::of(row);
    let mut image = read(&mut columns)?;
    children::read(&mut columns, &mut image)?;
    Ok(image)
}

/// Reads an image, without what other tables hold.
pub(crate) fn read(columns: &mut Columns<'_>) -> Result<Image> {
    let id = parse_id(&columns.text()?)?;
    let name = columns.optional_text()?;
    let status = parse(&columns.text()?)?;
    let visibility = parse(&columns.text()?)?;
    let (protected, hidden) = (columns.flag()?, columns.flag()?);
    let owner = columns.optional_text()?.map(ProjectId::new);
    let (disk_format, container_format) = (columns.optional_text()?, columns.optional_text()?);
    let (size, virtual_size) = (bytes(columns.optional_integer()?)?, bytes(columns.optional_integer()?)?);
    let checksum = columns.optional_text()?;
    let (os_hash_algo, os_hash_value) = (columns.optional_text()?, columns.optional_text()?);
    let (min_disk, min_ram) = (small(columns.integer()?)?, small(columns.integer()?)?);
    let created_at = columns.time()?;
    let image = Image::new(id, owner, created_at);
    Ok(Image {
        name,
        status,
        visibility,
        protected,
        hidden,
        disk_format,
        container_format,
        size,
        virtual_size,
        checksum,
        os_hash_algo,
        os_hash_value,
        min_disk,
        min_ram,
        updated_at: columns.optional_time()?.unwrap_or(created_at),
        deleted_at: columns.optional_time()?,
        ..image
    })
}

/// Reads a word that one of the domain's enums knows.
pub(crate) fn parse<T: FromStr<Err = glance_domain::Error>>(text: &str) -> Result<T> {
    text.parse().map_err(|error: glance_domain::Error| {
        Error::new(Kind::Corrupt, "a column holds an unknown word").caused_by(error)
    })
}

/// Reads an image identifier.
pub(crate) fn parse_id(text: &str) -> Result<ImageId> {
    ImageId::parse(text).map_err(|error| Error::new(Kind::Corrupt, "not an image identifier").caused_by(error))
}

fn bytes(stored: Option<i64>) -> Result<Option<u64>> {
    let size = stored.map(u64::try_from).transpose();
    size.map_err(|error| Error::new(Kind::Corrupt, "a size is negative").caused_by(error))
}

fn small(stored: i64) -> Result<i32> {
    i32::try_from(stored).map_err(|error| Error::new(Kind::Corrupt, "a number is too big").caused_by(error))
}
