//! A page of images: one query for the images, one for everything that belongs to them.

use glance_domain::query::ImageQuery;
use glance_domain::{Image, ProjectId};
use sea_query::{Asterisk, ExprTrait as _, SelectStatement, UnionType};

use super::read::is_visible;
use super::{children, columns, filter, page};
use crate::error::{Error, Kind, Result};
use crate::{Database, Engine};

impl Database {
    /// A page of the images that the viewer has in its list.
    ///
    /// # Errors
    /// [`Kind::MarkerUnknown`] when the marker names no live image, [`Kind::MarkerInvisible`] when it
    /// names one that the viewer must not see.
    pub async fn list_images(&self, query: &ImageQuery) -> Result<Vec<Image>> {
        let marker = self.marker(query).await?;
        if query.limit == 0 {
            return Ok(Vec::new());
        }
        let Some(page) = select_page(self.engine(), query, marker.as_ref()) else { return Ok(Vec::new()) };
        let mut transaction = self.pools.begin_reading().await?;
        let mut images = transaction.fetch(&page, |row| columns::read(row, 0)).await?;
        if let Some(rest) = select_children(&images, query.viewer.project()) {
            children::attach(&mut images, transaction.fetch(&rest, children::read).await?);
        }
        transaction.commit().await?;
        Ok(images)
    }

    async fn marker(&self, query: &ImageQuery) -> Result<Option<Image>> {
        let Some(id) = &query.marker else { return Ok(None) };
        let Some(image) = self.find_image(id, query.viewer.project()).await? else {
            return Err(Error::new(Kind::MarkerUnknown, "the marker names no image"));
        };
        if is_visible(&image, &query.viewer) {
            return Ok(Some(image));
        }
        Err(Error::new(Kind::MarkerInvisible, "the marker names an image that the viewer must not see"))
    }
}

/// The first `limit` images of each reason, merged; `None` when there is no reason to list any.
fn select_page(engine: Engine, query: &ImageQuery, marker: Option<&Image>) -> Option<SelectStatement> {
    let keys = page::complete(&query.sort);
    let mut branches = filter::reasons(query).into_iter().map(|reason| {
        let mut branch = SelectStatement::new();
        columns::select(engine, &mut branch);
        branch.from("images").cond_where(filter::conditions(engine, query)).cond_where(reason);
        if let Some(marker) = marker {
            branch.cond_where(page::after(engine, &keys, marker));
        }
        page::order(engine, &mut branch, "images", &keys);
        branch.limit(query.limit).take()
    });
    let first = branches.next()?;
    let Some(second) = branches.next() else { return Some(first) };
    let mut union = whole(first);
    for branch in std::iter::once(second).chain(branches) {
        union.union(UnionType::All, whole(branch));
    }
    let mut merged = SelectStatement::new();
    merged.column(Asterisk).from_subquery(union, "page");
    page::order(engine, &mut merged, "page", &keys);
    Some(merged.limit(query.limit).take())
}

/// Wraps a query so that it may have an order and a limit inside a union.
fn whole(query: SelectStatement) -> SelectStatement {
    SelectStatement::new().column(Asterisk).from_subquery(query, "branch").take()
}

fn select_children(images: &[Image], viewer: Option<&ProjectId>) -> Option<SelectStatement> {
    if images.is_empty() {
        return None;
    }
    let ids = || images.iter().map(|image| image.id.as_str());
    let [mut first, rest @ ..] = children::branches(|image_id| image_id.is_in(ids()), viewer);
    first.unions(rest.map(|branch| (UnionType::All, branch)));
    Some(first)
}
