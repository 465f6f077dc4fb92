//! What belongs to an image but lies in other tables: properties, tags, locations, and whether the
//! viewer is a member. One `UNION ALL` fetches all of it, so that nothing multiplies anything else.

use std::collections::HashMap;

use glance_domain::{Image, ImageId, Location, ProjectId};
use sea_query::{Expr, ExprTrait as _, SelectStatement, Value};
use serde_json::{Map, Value as Json};

use super::columns::{constant, live, parse};
use crate::error::{Error, Kind, Result};
use crate::sql::{Columns, Row};

/// The number of columns of each branch: kind, image id, row id, name, value, metadata, status.
pub(crate) const WIDTH: usize = 7;

/// The kind of the row that is the image itself, in queries that fetch both.
pub(crate) const IMAGE: i64 = 0;
const PROPERTY: i64 = 1;
const TAG: i64 = 2;
const LOCATION: i64 = 3;
const MEMBER: i64 = 4;

/// One row that belongs to an image.
pub(crate) struct Child {
    image: String,
    row: i64,
    content: Content,
}

enum Content {
    Property(String, Option<String>),
    Tag(String),
    Location(Location),
    Member(ProjectId),
}

/// The queries for all that belongs to the images that `these` restricts `image_id` to, and for the
/// viewer's memberships.
pub(crate) fn branches(these: impl Fn(Expr) -> Expr, viewer: Option<&ProjectId>) -> [SelectStatement; 4] {
    let null = || Expr::cust("NULL");
    let branch = |kind: i64, table: &'static str, columns: [Expr; 4]| {
        let mut query = SelectStatement::new();
        query.expr_as(constant(kind), "kind").column((table, "image_id")).column((table, "id"));
        query.exprs(columns).from(table).and_where(these(Expr::col((table, "image_id")))).and_where(live(table));
        query
    };
    let column = |name: &'static str| Expr::col(name);
    let properties = branch(PROPERTY, "image_properties", [column("name"), column("value"), null(), null()]);
    let tags = branch(TAG, "image_tags", [null(), column("value"), null(), null()]);
    let locations =
        branch(LOCATION, "image_locations", [null(), column("value"), column("meta_data"), column("status")]);
    let mut members = branch(MEMBER, "image_members", [null(), column("member"), null(), null()]);
    let viewer = Value::String(viewer.map(|project| project.as_str().to_owned()));
    members.and_where(Expr::col("member").eq(viewer));
    [properties, tags, locations, members]
}

/// Reads a row of [`branches`].
pub(crate) fn read(row: &dyn Row) -> Result<Child> {
    let mut columns = Columns::from(row, 0);
    let kind = columns.integer()?;
    let (image, row) = (columns.text()?, columns.integer()?);
    let content = match kind {
        PROPERTY => Content::Property(columns.text()?, columns.optional_text()?),
        TAG => Content::Tag(second(&mut columns)?),
        LOCATION => Content::Location(location(row, &mut columns)?),
        MEMBER => Content::Member(ProjectId::new(second(&mut columns)?)),
        _ => return Err(Error::new(Kind::Internal, "a row of an unknown kind")),
    };
    Ok(Child { image, row, content })
}

fn second(columns: &mut Columns<'_>) -> Result<String> {
    columns.optional_text()?;
    columns.text()
}

fn location(row: i64, columns: &mut Columns<'_>) -> Result<Location> {
    let url = second(columns)?;
    let metadata = match columns.optional_text()? {
        Some(text) => object(&text)?,
        None => Map::new(),
    };
    Ok(Location { id: Some(row), url, metadata, status: parse(&columns.text()?)? })
}

/// Location metadata is a JSON object; upstream writes `null` for none.
fn object(text: &str) -> Result<Map<String, Json>> {
    match serde_json::from_str(text) {
        Ok(Json::Object(map)) => Ok(map),
        Ok(Json::Null) => Ok(Map::new()),
        Ok(_) => Err(Error::new(Kind::Corrupt, "location metadata is not an object")),
        Err(error) => Err(Error::new(Kind::Corrupt, "location metadata is not JSON").caused_by(error)),
    }
}

/// Gives each image what belongs to it.
pub(crate) fn attach(images: &mut [Image], mut children: Vec<Child>) {
    children.sort_by_key(|child| child.row);
    let positions: HashMap<ImageId, usize> =
        images.iter().enumerate().map(|(position, image)| (image.id.clone(), position)).collect();
    for child in children {
        let position = ImageId::parse(&child.image).ok().and_then(|id| positions.get(&id));
        if let Some(image) = position.and_then(|position| images.get_mut(*position)) {
            attach_one(image, child.content);
        }
    }
}

/// Gives one image what belongs to it.
pub(crate) fn attach_all(image: &mut Image, mut children: Vec<Child>) {
    children.sort_by_key(|child| child.row);
    for child in children {
        attach_one(image, child.content);
    }
}

fn attach_one(image: &mut Image, content: Content) {
    match content {
        Content::Property(name, value) => drop(image.properties.insert(name, value)),
        Content::Tag(tag) => drop(image.tags.insert(tag)),
        Content::Location(location) => image.locations.push(location),
        Content::Member(project) => image.member = Some(project),
    }
}
