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

#[cfg(test)]
mod tests {
    use glance_domain::query::Viewer;
    use glance_domain::{ImageId, Timestamp};

    use super::*;
    use crate::Settings;
    use crate::sql::Statement;

    /// How SQLite, which has no statistics here, means to run the query.
    async fn plan(database: &Database, query: &SelectStatement) -> String {
        let rendered = database.engine().render(query);
        let sql = format!("EXPLAIN QUERY PLAN {}", rendered.sql).into();
        let steps = database.pools.fetch(Statement { sql, ..rendered }, |row| row.text(3)).await.unwrap();
        steps.into_iter().flatten().collect::<Vec<_>>().join("\n")
    }

    #[tokio::test]
    async fn pages_walk_an_index_and_the_rest_is_found_by_image() {
        let database = Database::connect(&Settings::new("sqlite://")).await.unwrap();
        database.create_schema().await.unwrap();
        database.prepare_own_objects().await.unwrap();
        let me = ProjectId::new("me");
        let image = Image::new(ImageId::random(), None, Timestamp::parse_iso("2026-01-01").unwrap());
        let project = ImageQuery::new(Viewer::Project(me.clone()), 25);
        let page = plan(&database, &select_page(Engine::Sqlite, &project, Some(&image)).unwrap()).await;
        assert!(page.contains("rs_images_owner_page (owner=? AND deleted=? AND created_at<?)"), "{page}");
        assert!(page.contains("rs_images_visibility_page (visibility=? AND deleted=? AND created_at<?)"), "{page}");
        let admin = ImageQuery::new(Viewer::Admin(None), 25);
        let page = plan(&database, &select_page(Engine::Sqlite, &admin, None).unwrap()).await;
        assert_eq!(page, "SEARCH images USING INDEX rs_images_page (deleted=?)");
        let rest = plan(&database, &select_children(&[image], Some(&me)).unwrap()).await;
        assert_eq!(rest.matches("SEARCH").count(), 4, "{rest}");
        assert_eq!(rest.matches("image_id=?").count(), 4, "{rest}");
    }
}
