//! One image by its id: a single statement, so that what it answers is one moment of the catalogue.

use std::sync::Arc;

use glance_domain::query::Viewer;
use glance_domain::{Image, ImageId, ProjectId, Visibility};
use sea_query::{Expr, ExprTrait as _, SelectStatement, Value, Values};

use super::children;
use super::columns::{self, live};
use crate::error::{Error, Kind, Result};
use crate::sql::{Statement, Transaction};
use crate::{Database, Engine};

impl Database {
    /// The image as `viewer` may see it; `member` is set when the viewer's project is a member.
    ///
    /// # Errors
    /// [`Kind::NotFound`] when it is unknown, deleted, or not visible to the viewer.
    pub async fn get_image(&self, id: &ImageId, viewer: &Viewer) -> Result<Image> {
        let image = self.find_image(id, viewer.project()).await?;
        self.seal.open(image.filter(|image| is_visible(image, viewer)).ok_or_else(not_found)?)
    }

    /// The image, whoever may see it.
    pub(super) async fn find_image(&self, id: &ImageId, viewer: Option<&ProjectId>) -> Result<Option<Image>> {
        let mut values: Vec<_> = viewer.iter().flat_map(|project| [project.as_str(); 2]).map(Value::from).collect();
        values.push(id.as_str().into());
        let sql = if viewer.is_some() { &self.show.to_project } else { &self.show.to_nobody };
        let statement = Statement { sql: Arc::clone(sql), values: Values(values) };
        Ok(self.pools.fetch(statement, columns::read_whole).await?.pop())
    }

    /// The image even if it is deleted, as long as its row is there.
    pub(super) async fn find_deleted(&self, id: &ImageId) -> Result<Option<Image>> {
        let statement = self.engine().render(&find(self.engine(), id.as_str(), None));
        Ok(self.pools.fetch(statement, columns::read_whole).await?.pop())
    }
}

/// The statements for one image as text, rendered once; only the values of their placeholders differ between calls.
#[derive(Clone, Debug)]
pub(crate) struct ShowSql {
    /// The viewer's project twice, the id.
    to_project: Arc<str>,
    /// For a viewer without a project: the id.
    to_nobody: Arc<str>,
}

impl ShowSql {
    pub(crate) fn new(engine: Engine) -> Self {
        let text = |viewer: Option<&ProjectId>| engine.render(&show(engine, "", viewer)).sql;
        Self { to_project: text(Some(&ProjectId::new(""))), to_nobody: text(None) }
    }
}

/// The image as the transaction sees it.
///
/// # Errors
/// [`Kind::NotFound`] when there is no live image of that id.
pub(crate) async fn get_within(transaction: &mut Transaction, id: &ImageId) -> Result<Image> {
    let query = show(transaction.engine(), id.as_str(), None);
    transaction.fetch(&query, columns::read_whole).await?.pop().ok_or_else(not_found)
}

fn show(engine: Engine, id: &str, viewer: Option<&ProjectId>) -> SelectStatement {
    find(engine, id, viewer).and_where(live("images")).take()
}

fn find(engine: Engine, id: &str, viewer: Option<&ProjectId>) -> SelectStatement {
    let mut query = SelectStatement::new();
    columns::select(engine, &mut query);
    children::select(engine, &mut query, "images", viewer);
    query.from("images").and_where(Expr::col(("images", "id")).eq(id)).take()
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
