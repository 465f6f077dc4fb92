//! What belongs to an image but lies in other tables: properties, tags, locations, and whether the
//! viewer is a member.
//!
//! An image's row brings each of them along as one JSON object which the database builds: a row for each would cost
//! drivers and databases several times what the image itself costs.

use std::collections::BTreeMap;

use glance_domain::{Image, Location, ProjectId, Visibility};
use sea_query::{CaseStatement, Cond, Expr, ExprTrait as _, Func, SelectStatement, SubQueryStatement, Value};
use serde::de::DeserializeOwned;
use serde_json::{Map, Value as Json};

use super::columns::{constant, live, parse};
use crate::Engine;
use crate::error::{Error, Kind, Result};
use crate::sql::Columns;

/// The columns that [`select`] adds.
pub(crate) const NAMES: [&str; 4] = ["properties", "tags", "locations", "member"];

/// A location as it is stored: URL, metadata as JSON text, status.
type StoredLocation = (String, Option<String>, String);

/// Adds to a query what belongs to each image of `images`, a table or a subquery with the columns of images.
pub(crate) fn select(engine: Engine, query: &mut SelectStatement, images: &'static str, viewer: Option<&ProjectId>) {
    let column = |table: &'static str, column: &'static str| Expr::col((table, column));
    let of_image = |table: &'static str, key: &'static str, value: Expr| {
        let mut rows = SelectStatement::new();
        rows.expr(object(engine, column(table, key), value)).from(table);
        rows.and_where(column(table, "image_id").equals((images, "id"))).and_where(live(table));
        Expr::from(SubQueryStatement::from(rows))
    };
    let location = ["value", "meta_data", "status"].map(|name| column("image_locations", name));
    let columns = [
        of_image("image_properties", "name", column("image_properties", "value")),
        of_image("image_tags", "id", column("image_tags", "value")),
        of_image("image_locations", "id", array(engine, location)),
        membership(images, viewer),
    ];
    for (name, column) in NAMES.into_iter().zip(columns) {
        query.expr_as(column, name);
    }
}

/// The viewer's project, if the image is shared with it by another; NULL for a viewer without a project.
fn membership(images: &'static str, viewer: Option<&ProjectId>) -> Expr {
    let Some(viewer) = viewer.map(ProjectId::as_str) else { return constant(Value::String(None)) };
    let owner = Expr::col((images, "owner"));
    let of_another = Cond::any().add(owner.clone().is_null()).add(owner.ne(viewer));
    let shared = Expr::col((images, "visibility")).eq(constant(Visibility::Shared.as_str()));
    let mut members = SelectStatement::new();
    members.expr(Expr::col(("image_members", "member")).max()).from("image_members");
    members.and_where(Expr::col(("image_members", "image_id")).equals((images, "id")));
    members.and_where(Expr::col(("image_members", "member")).eq(viewer)).and_where(live("image_members"));
    CaseStatement::new()
        .case(Cond::all().add(shared).add(of_another), Expr::from(SubQueryStatement::from(members)))
        .into()
}

/// An aggregate: a JSON object of all rows; NULL or `{}` when there are none.
fn object(engine: Engine, key: Expr, value: Expr) -> Expr {
    let function = match engine {
        Engine::Sqlite => "json_group_object",
        Engine::Postgres => "json_object_agg",
        Engine::MySql => "json_objectagg",
    };
    let object = Expr::from(Func::cust(function).arg(key).arg(value));
    if engine == Engine::Postgres { object.cast_as("text") } else { object }
}

fn array(engine: Engine, items: [Expr; 3]) -> Expr {
    let function = if engine == Engine::Postgres { "json_build_array" } else { "json_array" };
    Func::cust(function).args(items).into()
}

/// Reads what [`select`] has added.
pub(crate) fn read(columns: &mut Columns<'_>, image: &mut Image) -> Result<()> {
    image.properties = decode(columns)?;
    image.tags = decode::<BTreeMap<i64, String>>(columns)?.into_values().collect();
    let locations: BTreeMap<i64, StoredLocation> = decode(columns)?;
    image.locations = locations.into_iter().map(location).collect::<Result<_>>()?;
    image.member = columns.optional_text()?.map(ProjectId::new);
    Ok(())
}

fn decode<T: DeserializeOwned + Default>(columns: &mut Columns<'_>) -> Result<T> {
    let Some(text) = columns.optional_text()? else { return Ok(T::default()) };
    let decoded = serde_json::from_str(&text);
    decoded.map_err(|error| Error::new(Kind::Corrupt, "what belongs to an image cannot be read").caused_by(error))
}

fn location((id, (url, metadata, status)): (i64, StoredLocation)) -> Result<Location> {
    let metadata = metadata.map_or_else(|| Ok(Map::new()), |text| metadata_object(&text))?;
    Ok(Location { id: Some(id), url, metadata, status: parse(&status)? })
}

/// Location metadata is a JSON object; upstream writes `null` for none.
pub(crate) fn metadata_object(text: &str) -> Result<Map<String, Json>> {
    match serde_json::from_str(text) {
        Ok(Json::Object(map)) => Ok(map),
        Ok(Json::Null) => Ok(Map::new()),
        Ok(_) => Err(Error::new(Kind::Corrupt, "location metadata is not an object")),
        Err(error) => Err(Error::new(Kind::Corrupt, "location metadata is not JSON").caused_by(error)),
    }
}
