//! One image by its id: a single statement, so that what it answers is one moment of the catalogue.

use std::sync::Arc;

use glance_domain::query::Viewer;
use glance_domain::{Image, ImageId, ProjectId, Visibility};
use sea_query::{Expr, ExprTrait as _, SelectStatement, UnionType, Value, Values};

use super::children::{self, Child};
use super::columns::{self, constant, live};
use crate::error::{Error, Kind, Result};
use crate::sql::{Columns, Row, Statement, Transaction};
use crate::{Database, Engine};

/// How often the id occurs in the statement, before the viewer's project.
const ID_PLACEHOLDERS: usize = 5;

/// A row of the statement: the image, or something that belongs to it.
pub(crate) enum Part {
    Image(Box<Image>),
    Child(Child),
}

impl Database {
    /// The image as `viewer` may see it; `member` is set when the viewer's project is a member.
    ///
    /// # Errors
    /// [`Kind::NotFound`] when it is unknown, deleted, or not visible to the viewer.
    pub async fn get_image(&self, id: &ImageId, viewer: &Viewer) -> Result<Image> {
        let image = self.find_image(id, viewer.project()).await?;
        image.filter(|image| is_visible(image, viewer)).ok_or_else(not_found)
    }

    /// The image, whoever may see it.
    pub(super) async fn find_image(&self, id: &ImageId, viewer: Option<&ProjectId>) -> Result<Option<Image>> {
        let mut values = vec![Value::from(id.as_str()); ID_PLACEHOLDERS - 1];
        values.insert(0, Value::from(id.as_str()));
        values.push(Value::String(viewer.map(|project| project.as_str().to_owned())));
        let statement = Statement { sql: Arc::clone(&self.show_image), values: Values(values) };
        Ok(assemble(self.pools.fetch(statement, read_part).await?))
    }
}

/// The statement as text; only the placeholders' values differ between calls.
pub(crate) fn show_sql(engine: Engine) -> Arc<str> {
    engine.render(&show(engine, "", None)).sql
}

/// The image as the transaction sees it.
///
/// # Errors
/// [`Kind::NotFound`] when there is no live image of that id.
pub(crate) async fn get_within(transaction: &mut Transaction, id: &ImageId) -> Result<Image> {
    let query = show(transaction.engine(), id.as_str(), None);
    assemble(transaction.fetch(&query, read_part).await?).ok_or_else(not_found)
}

/// The image's own columns come after those of its children, which are NULL in its row, and the other way round.
fn show(engine: Engine, id: &str, viewer: Option<&ProjectId>) -> SelectStatement {
    let null = || Expr::cust("NULL");
    let mut query = SelectStatement::new();
    query.expr_as(constant(children::IMAGE), "kind").expr_as(Expr::col("id"), "image_id");
    for column in ["row_id", "child_name", "child_value", "child_metadata", "child_status"] {
        query.expr_as(null(), column);
    }
    columns::select(engine, &mut query);
    query.from("images").and_where(Expr::col(("images", "id")).eq(id)).and_where(live("images"));
    for mut branch in children::branches(|image_id| image_id.eq(id), viewer) {
        branch.exprs(columns::ALL.map(|_| null()));
        query.union(UnionType::All, branch);
    }
    query
}

fn read_part(row: &dyn Row) -> Result<Part> {
    if Columns::from(row, 0).integer()? == children::IMAGE {
        return Ok(Part::Image(Box::new(columns::read(row, children::WIDTH)?)));
    }
    Ok(Part::Child(children::read(row)?))
}

fn assemble(parts: Vec<Part>) -> Option<Image> {
    let mut found = None;
    let mut belongings = Vec::with_capacity(parts.len());
    for part in parts {
        match part {
            Part::Image(image) => found = Some(*image),
            Part::Child(child) => belongings.push(child),
        }
    }
    let mut image = found?;
    children::attach_all(&mut image, belongings);
    Some(image)
}

/// Whether the viewer may know the image by its id. `image.member` must be that of the viewer.
pub(super) fn is_visible(image: &Image, viewer: &Viewer) -> bool {
    let own = viewer.project().is_some_and(|project| image.owner.as_ref() == Some(project));
    let open = matches!(image.visibility, Visibility::Public | Visibility::Community);
    let shared = image.visibility == Visibility::Shared && image.member.is_some();
    matches!(viewer, Viewer::Admin(_)) || image.owner.is_none() || open || own || shared
}

pub(crate) fn not_found() -> Error {
    Error::new(Kind::NotFound, "no such image")
}
