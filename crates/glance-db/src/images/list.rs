//! A page of images: a single statement, so that what it answers is one moment of the catalogue.

use glance_domain::Image;
use glance_domain::query::{Filter, ImageQuery, SortDir, SortKey, Viewer};
use sea_query::{Asterisk, Expr, ExprTrait as _, Func, SelectStatement, SubQueryStatement, UnionType};

use super::read::is_visible;
use super::{children, columns, filter, packed, page};
use crate::error::{Error, Kind, Result};
use crate::{Database, Engine};

impl Database {
    /// A page of the images that the viewer has in its list.
    ///
    /// # Errors
    /// [`Kind::MarkerUnknown`] when the marker names no live image, [`Kind::MarkerInvisible`] when it
    /// names one that the viewer must not see.
    pub(crate) async fn list_sealed(&self, query: &ImageQuery) -> Result<Vec<Image>> {
        let marker = self.marker(query).await?;
        if query.limit == 0 {
            return Ok(Vec::new());
        }
        let rare = self.rare_filter(query).await?;
        let Some(page) = select_page(self.engine(), query, rare, marker.as_ref()) else { return Ok(Vec::new()) };
        if self.engine() != Engine::Sqlite {
            return self.pools.fetch(self.engine().render(&page), columns::read_whole).await;
        }
        let packed = packed::pack(page, columns::ALL.into_iter().chain(children::NAMES));
        let cells = self.pools.fetch(self.engine().render(&packed), |row| row.text(0)).await?;
        cells
            .first()
            .and_then(Option::as_deref)
            .map_or_else(|| Ok(Vec::new()), |cell| packed::unpack(cell, columns::read_whole))
    }

    async fn marker(&self, query: &ImageQuery) -> Result<Option<Image>> {
        let Some(id) = &query.marker else { return Ok(None) };
        let mut found = self.find_image(id, query.viewer.project()).await?;
        if found.is_none() && matches!(query.viewer, Viewer::Admin(_)) {
            // An administrator's list goes on where an image was that has been deleted since.
            found = self.find_deleted(id).await?;
        }
        let Some(image) = found else {
            return Err(Error::new(Kind::MarkerUnknown, "the marker names no image"));
        };
        if is_visible(&image, &query.viewer) {
            return Ok(Some(image));
        }
        Err(Error::new(Kind::MarkerInvisible, "the marker names an image that the viewer must not see"))
    }
}

/// The images of the page with all that belongs to them; `None` when there is no reason to list any.
///
/// The page is found first, lest the database collects what belongs to images that are then sorted away.
fn select_page(
    engine: Engine,
    query: &ImageQuery,
    rare: Option<&Filter>,
    marker: Option<&Image>,
) -> Option<SelectStatement> {
    let keys = page::complete(&query.sort);
    let mut images = select_images(engine, query, rare, &keys, marker);
    let viewer = query.viewer.project();
    let walks_an_index = images.len() == 1 && keys == page::complete(&[]) && query.filters.is_empty();
    if walks_an_index {
        let mut page = images.pop()?;
        children::select(engine, &mut page, "images", viewer);
        return Some(page);
    }
    let mut page = SelectStatement::new();
    page.columns(columns::ALL.map(|column| ("page", column)));
    children::select(engine, &mut page, "page", viewer);
    page.from_subquery(merge(images, query.limit, |page| page::order(engine, page, "merged", &keys))?, "page");
    page::order(engine, &mut page, "page", &keys);
    Some(page.limit(query.limit).take())
}

/// The first `limit` images of each reason.
fn select_images(
    engine: Engine,
    query: &ImageQuery,
    rare: Option<&Filter>,
    keys: &[(SortKey, SortDir)],
    marker: Option<&Image>,
) -> Vec<SelectStatement> {
    let branch = |reason| {
        let mut branch = SelectStatement::new();
        columns::select(engine, &mut branch);
        start(engine, &mut branch, rare);
        branch.cond_where(filter::conditions(engine, query, rare)).cond_where(reason);
        if let Some(marker) = marker {
            branch.cond_where(page::after(engine, keys, marker));
        }
        page::order(engine, &mut branch, "images", keys);
        branch.limit(query.limit).take()
    };
    filter::reasons(query).into_iter().map(branch).collect()
}

/// Begins with all images, or with those that pass a filter which few pass.
fn start(engine: Engine, images: &mut SelectStatement, rare: Option<&Filter>) {
    let Some(mut rows) = rare.and_then(|filter| filter::rows(engine, filter)) else {
        images.from("images");
        return;
    };
    rows.column("image_id");
    if engine == Engine::Postgres {
        // Joined to them, it would read the whole table rather than look for a thousand images.
        let found = Func::cust("ARRAY").arg(SubQueryStatement::from(rows));
        images.from("images").and_where(Expr::col(("images", "id")).eq(Func::cust("ANY").arg(found)));
        return;
    }
    // SQLite, which has no statistics, keeps to the order of such a join.
    images.from_subquery(rows.distinct().take(), "found").cross_join("images");
    images.and_where(Expr::col(("found", "image_id")).equals(("images", "id")));
}

/// The first `limit` of all branches.
fn merge(branches: Vec<SelectStatement>, limit: u64, order: impl Fn(&mut SelectStatement)) -> Option<SelectStatement> {
    let mut branches = branches.into_iter();
    let first = branches.next()?;
    let Some(second) = branches.next() else { return Some(first) };
    let mut union = whole(first);
    for branch in std::iter::once(second).chain(branches) {
        union.union(UnionType::All, whole(branch));
    }
    let mut merged = SelectStatement::new();
    merged.column(Asterisk).from_subquery(union, "merged");
    order(&mut merged);
    Some(merged.limit(limit).take())
}

/// Wraps a query so that it may have an order and a limit inside a union.
fn whole(query: SelectStatement) -> SelectStatement {
    SelectStatement::new().column(Asterisk).from_subquery(query, "branch").take()
}

#[cfg(test)]
mod tests {
    use glance_domain::query::Viewer;
    use glance_domain::{ImageId, ProjectId, Timestamp};

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
        let page = plan(&database, &select_page(Engine::Sqlite, &project, None, Some(&image)).unwrap()).await;
        assert!(page.contains("rs_image_members_member (member=? AND image_id=?)"), "{page}");
        assert!(page.contains("rs_images_owner_page (owner=? AND deleted=? AND created_at<?)"), "{page}");
        assert!(page.contains("rs_images_visibility_page (visibility=? AND deleted=? AND created_at<?)"), "{page}");
        let admin = ImageQuery::new(Viewer::Admin(None), 25);
        let page = plan(&database, &select_page(Engine::Sqlite, &admin, None, None).unwrap()).await;
        assert!(page.starts_with("SEARCH images USING INDEX rs_images_page (deleted=?)"), "{page}");
        assert_eq!(page.matches("SEARCH image_").count(), 3, "{page}");
        assert_eq!(page.matches("image_id=?)").count(), 3, "{page}");
        assert!(!page.contains("TEMP B-TREE"), "{page}");
    }

    #[tokio::test]
    async fn filtered_pages_walk_an_index_or_begin_with_the_few() {
        let database = Database::connect(&Settings::new("sqlite://")).await.unwrap();
        database.create_schema().await.unwrap();
        database.prepare_own_objects().await.unwrap();
        let mut query = ImageQuery::new(Viewer::Admin(None), 25);
        query.filters = vec![Filter::Tag("a".into()), Filter::Property("b".into(), "c".into())];
        query.sort = vec![(SortKey::Name, SortDir::Asc)];
        let walk = plan(&database, &select_page(Engine::Sqlite, &query, None, None).unwrap()).await;
        assert!(walk.contains("SEARCH images USING INDEX rs_images_name_page (deleted=?)"), "{walk}");
        assert!(walk.contains("(value=? AND image_id=?)") || walk.contains("(image_id=? AND value=?)"), "{walk}");
        assert!(!walk.contains("SCAN image"), "{walk}");
        for filter in &query.filters {
            let few = plan(&database, &select_page(Engine::Sqlite, &query, Some(filter), None).unwrap()).await;
            let index =
                if matches!(filter, Filter::Tag(_)) { "rs_image_tags_value" } else { "rs_image_properties_value" };
            let (found, image) =
                (few.find(index), few.find("SEARCH images USING INDEX sqlite_autoindex_images_1 (id=?)"));
            assert!(found.is_some() && found < image, "{few}");
        }
    }
}
