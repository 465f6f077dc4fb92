//! Creating, changing and deleting images, each as one transaction.

use std::collections::BTreeSet;

use glance_domain::{Image, ImageId, Location, LocationStatus, Status, Timestamp};
use sea_query::{Expr, ExprTrait as _, InsertStatement, OnConflict, Query, UpdateStatement, Value};

use super::columns::{constant, live};
use super::read::{get_within, not_found};
use crate::database::retry;
use crate::error::{Error, Kind, Result};
use crate::seal::Seal;
use crate::sql::{Columns, Transaction};
use crate::work::{LocationChange, record_removals, refuse_removed};
use crate::{Database, Engine, quota};

/// Rows that one `INSERT` writes: every engine has a limit on placeholders.
const ROWS_AT_ONCE: usize = 500;

impl Database {
    /// Registers an image with its properties, tags and locations.
    ///
    /// # Errors
    /// [`Kind::Duplicate`] when the id was ever used, be it by an image that is deleted now.
    pub async fn create_image(&self, image: &Image) -> Result<()> {
        retry(|| async {
            let mut transaction = self.pools.begin().await?;
            let engine = transaction.engine();
            transaction.execute(&insert_image(engine, image)?).await?;
            let now = image.created_at;
            put_properties(&mut transaction, &image.id, now, image.properties.iter()).await?;
            add_tags(&mut transaction, &image.id, now, image.tags.iter()).await?;
            add_locations(&mut transaction, &self.seal, &image.id, now, image.locations.iter()).await?;
            transaction.commit().await
        })
        .await
    }

    /// Changes an image from `before` to `after`: only what differs between the two is written, and only
    /// if the status is still that of `before`. Answers what is stored then.
    ///
    /// # Errors
    /// [`Kind::Conflict`] when the status is another one by now, [`Kind::NotFound`] when the image is
    /// unknown or deleted.
    pub async fn save_image(&self, before: &Image, after: &Image, now: Timestamp) -> Result<Image> {
        self.save_locations(before, after, &LocationChange::default(), now).await
    }

    /// As [`Self::save_image`], when the change takes locations away or brings new ones. An image that has a location
    /// keeps one.
    ///
    /// # Errors
    /// Those of [`Self::save_image`]; [`Kind::Conflict`] as well when somebody else has taken away one of the same
    /// locations, or all others, or when the node of a removal is not registered; [`Kind::LimitReached`] when new
    /// locations do not fit into what their project may store.
    pub async fn save_locations(
        &self,
        before: &Image,
        after: &Image,
        change: &LocationChange,
        now: Timestamp,
    ) -> Result<Image> {
        retry(|| async {
            let mut transaction = self.pools.begin().await?;
            if let Some((limit, bytes)) = &change.needs {
                quota::lock(&mut transaction, &limit.project).await?;
                quota::require_unreserved(&mut transaction, limit, *bytes).await?;
            }
            record_removals(&mut transaction, &self.seal, before, &change.removals).await?;
            let update = update_image(transaction.engine(), before, after, now)?;
            change_row(&mut transaction, &before.id, update).await?;
            refuse_removed(&mut transaction, &self.seal, before, after.locations.iter().filter(|new| new.id.is_none()))
                .await?;
            save_properties(&mut transaction, before, after, now).await?;
            save_tags(&mut transaction, before, after, now).await?;
            save_locations(&mut transaction, &self.seal, before, after, now).await?;
            let saved = self.seal.open(get_within(&mut transaction, &before.id).await?)?;
            if saved.locations.is_empty() && !after.locations.is_empty() {
                return Err(Error::new(Kind::Conflict, "the image would have no location left"));
            }
            transaction.commit().await?;
            Ok(Image { member: after.member.clone(), ..saved })
        })
        .await
    }

    /// Deletes an image whose data the scrubber will remove: it goes to `pending_delete` with all its
    /// locations, and nobody sees it any more.
    ///
    /// # Errors
    /// [`Kind::NotFound`] when the image is unknown or deleted.
    pub async fn postpone_delete(&self, id: &ImageId, now: Timestamp) -> Result<()> {
        retry(|| async {
            let mut transaction = self.pools.begin().await?;
            soft_delete(&mut transaction, id, Remains::Data, now).await?;
            transaction.commit().await
        })
        .await
    }
}

/// How a deleted image is left behind.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Remains {
    /// Its data is gone.
    Nothing,
    /// Its data is there until the scrubber removes it.
    Data,
}

/// Marks the image and all that belongs to it as deleted.
///
/// # Errors
/// [`Kind::NotFound`] when there is no live image of that id.
pub(crate) async fn soft_delete(
    transaction: &mut Transaction,
    id: &ImageId,
    remains: Remains,
    now: Timestamp,
) -> Result<()> {
    let (status, of_locations) = match remains {
        Remains::Nothing => (Status::Deleted, LocationStatus::Deleted),
        Remains::Data => (Status::PendingDelete, LocationStatus::PendingDelete),
    };
    let time = transaction.engine().time(now);
    let mut image = Query::update();
    image.table("images").value("status", status.as_str()).value("deleted", constant(true));
    image.value("deleted_at", time.clone()).value("updated_at", time.clone());
    image.and_where(Expr::col("id").eq(id.as_str())).and_where(live("images"));
    if transaction.execute(&image).await? == 0 {
        return Err(not_found());
    }
    for table in ["image_properties", "image_tags", "image_members"] {
        transaction.execute(&delete_rows(table, id, time.clone())).await?;
    }
    let mut locations = delete_rows("image_locations", id, time);
    transaction.execute(locations.value("status", of_locations.as_str())).await?;
    Ok(())
}

/// Runs a conditional change of the image's row; tells why when it matched nothing.
pub(crate) async fn change_row(transaction: &mut Transaction, id: &ImageId, update: UpdateStatement) -> Result<()> {
    if transaction.execute(&update).await? > 0 {
        return Ok(());
    }
    let mut query = Query::select();
    query.column("status").from("images").and_where(Expr::col("id").eq(id.as_str())).and_where(live("images"));
    match transaction.fetch(&query, |row| Columns::of(row).text()).await?.first() {
        Some(status) => Err(Error::new(Kind::Conflict, format!("the image is {status}"))),
        None => Err(not_found()),
    }
}

/// Notes a change of what belongs to the image.
///
/// # Errors
/// [`Kind::NotFound`] when there is no live image of that id.
pub(crate) async fn touch(transaction: &mut Transaction, id: &ImageId, now: Timestamp) -> Result<()> {
    let mut update = Query::update();
    update.table("images").value("updated_at", transaction.engine().time(now));
    update.and_where(Expr::col("id").eq(id.as_str())).and_where(live("images"));
    if transaction.execute(&update).await? == 0 { Err(not_found()) } else { Ok(()) }
}

/// An update of the live image in that status.
pub(crate) fn update_in_status(engine: Engine, id: &ImageId, status: Status, now: Timestamp) -> UpdateStatement {
    let mut update = Query::update();
    update.table("images").value("updated_at", engine.time(now));
    update.and_where(Expr::col("id").eq(id.as_str())).and_where(live("images"));
    update.and_where(Expr::col("status").eq(status.as_str()));
    update.take()
}

/// The columns that changes can be made to, with their values in `image`.
fn values(engine: Engine, image: &Image) -> Result<[(&'static str, Expr); 15]> {
    let visibility = Expr::val(image.visibility.as_str());
    Ok([
        ("name", Expr::val(image.name.clone())),
        ("status", Expr::val(image.status.as_str())),
        ("visibility", if engine == Engine::Postgres { visibility.as_enum("image_visibility") } else { visibility }),
        ("protected", Expr::val(image.protected)),
        ("os_hidden", Expr::val(image.hidden)),
        ("owner", Expr::val(image.owner.as_ref().map(|owner| owner.as_str().to_owned()))),
        ("disk_format", Expr::val(image.disk_format.clone())),
        ("container_format", Expr::val(image.container_format.clone())),
        ("size", Expr::val(bytes(image.size)?)),
        ("virtual_size", Expr::val(bytes(image.virtual_size)?)),
        ("checksum", Expr::val(image.checksum.clone())),
        ("os_hash_algo", Expr::val(image.os_hash_algo.clone())),
        ("os_hash_value", Expr::val(image.os_hash_value.clone())),
        ("min_disk", Expr::val(image.min_disk)),
        ("min_ram", Expr::val(image.min_ram)),
    ])
}

/// A size as the signed column holds it.
pub(crate) fn bytes(size: Option<u64>) -> Result<Option<i64>> {
    let size = size.map(i64::try_from).transpose();
    size.map_err(|error| Error::new(Kind::Invalid, "a size is too big").caused_by(error))
}

fn insert_image(engine: Engine, image: &Image) -> Result<InsertStatement> {
    let mut columns = vec!["id", "created_at", "updated_at", "deleted"];
    let mut row = vec![
        Expr::val(image.id.as_str()),
        Expr::val(engine.time(image.created_at)),
        Expr::val(engine.time(image.updated_at)),
        constant(false),
    ];
    for (column, value) in values(engine, image)? {
        columns.push(column);
        row.push(value);
    }
    Ok(Query::insert().into_table("images").columns(columns).values(row)?.take())
}

fn update_image(engine: Engine, before: &Image, after: &Image, now: Timestamp) -> Result<UpdateStatement> {
    let mut update = update_in_status(engine, &before.id, before.status, now);
    let old = values(engine, before)?;
    for ((column, value), (_, old)) in values(engine, after)?.into_iter().zip(old) {
        if value != old {
            update.value(column, value);
        }
    }
    Ok(update)
}

/// The update that soft-deletes the live rows of a child table that belong to the image.
fn delete_rows(table: &'static str, id: &ImageId, time: Value) -> UpdateStatement {
    let mut update = Query::update();
    update.table(table).value("deleted", constant(true));
    update.value("deleted_at", time.clone()).value("updated_at", time);
    update.and_where(Expr::col("image_id").eq(id.as_str())).and_where(live(table));
    update.take()
}

async fn save_properties(transaction: &mut Transaction, before: &Image, after: &Image, now: Timestamp) -> Result<()> {
    let removed: Vec<_> = before.properties.keys().filter(|name| !after.properties.contains_key(*name)).collect();
    if !removed.is_empty() {
        let mut delete = delete_rows("image_properties", &before.id, transaction.engine().time(now));
        delete.and_where(Expr::col("name").is_in(removed.into_iter().map(String::as_str)));
        transaction.execute(&delete).await?;
    }
    let changed = after.properties.iter().filter(|(name, value)| before.properties.get(*name) != Some(*value));
    put_properties(transaction, &before.id, now, changed).await
}

/// Writes properties; a row that is there already, be it deleted, gets the new value.
async fn put_properties(
    transaction: &mut Transaction,
    id: &ImageId,
    now: Timestamp,
    properties: impl Iterator<Item = (&String, &Option<String>)>,
) -> Result<()> {
    let time = transaction.engine().time(now);
    let rows: Vec<_> = properties
        .map(|(name, value)| {
            [
                Expr::val(id.as_str()),
                Expr::val(name.as_str()),
                Expr::val(value.clone()),
                Expr::val(time.clone()),
                Expr::val(time.clone()),
                constant(false),
            ]
        })
        .collect();
    let mut replace = OnConflict::columns(["image_id", "name"]);
    replace.update_columns(["value", "updated_at", "deleted"]).value("deleted_at", Expr::cust("NULL"));
    for rows in rows.chunks(ROWS_AT_ONCE) {
        let mut insert = Query::insert();
        insert.into_table("image_properties");
        insert.columns(["image_id", "name", "value", "created_at", "updated_at", "deleted"]);
        for row in rows {
            insert.values(row.clone())?;
        }
        transaction.execute(insert.on_conflict(replace.clone())).await?;
    }
    Ok(())
}

async fn save_tags(transaction: &mut Transaction, before: &Image, after: &Image, now: Timestamp) -> Result<()> {
    let removed: Vec<_> = before.tags.difference(&after.tags).collect();
    if !removed.is_empty() {
        let mut delete = delete_rows("image_tags", &before.id, transaction.engine().time(now));
        delete.and_where(Expr::col("value").is_in(removed.into_iter().map(String::as_str)));
        transaction.execute(&delete).await?;
    }
    let added: Vec<_> = after.tags.difference(&before.tags).collect();
    if added.is_empty() {
        return Ok(());
    }
    // Somebody else may have added the same tag since `before` was read; the row of the image is ours by now.
    let mut query = Query::select();
    query.column("value").from("image_tags").and_where(Expr::col("image_id").eq(before.id.as_str()));
    query.and_where(live("image_tags"));
    let present = transaction.fetch(&query, |row| Columns::of(row).text()).await?;
    let present: BTreeSet<_> = present.into_iter().collect();
    add_tags(transaction, &before.id, now, added.into_iter().filter(|tag| !present.contains(*tag))).await
}

async fn add_tags(
    transaction: &mut Transaction,
    id: &ImageId,
    now: Timestamp,
    tags: impl Iterator<Item = &String>,
) -> Result<()> {
    let time = transaction.engine().time(now);
    let tags: Vec<_> = tags.collect();
    for tags in tags.chunks(ROWS_AT_ONCE) {
        let mut insert = Query::insert();
        insert.into_table("image_tags").columns(["image_id", "value", "created_at", "updated_at", "deleted"]);
        for tag in tags {
            let (id, tag) = (Expr::val(id.as_str()), Expr::val(tag.as_str()));
            insert.values([id, tag, Expr::val(time.clone()), Expr::val(time.clone()), constant(false)])?;
        }
        transaction.execute(&insert).await?;
    }
    Ok(())
}

async fn save_locations(
    transaction: &mut Transaction,
    seal: &Seal,
    before: &Image,
    after: &Image,
    now: Timestamp,
) -> Result<()> {
    let kept: BTreeSet<_> = after.locations.iter().filter_map(|location| location.id).collect();
    let removed: Vec<_> = before.locations.iter().filter_map(|old| old.id).filter(|id| !kept.contains(id)).collect();
    if !removed.is_empty() {
        let count = removed.len() as u64;
        let mut delete = delete_rows("image_locations", &before.id, transaction.engine().time(now));
        delete.value("status", LocationStatus::Deleted.as_str()).and_where(Expr::col("id").is_in(removed));
        if transaction.execute(&delete).await? < count {
            return Err(location_gone());
        }
    }
    for location in after.locations.iter().filter(|new| new.id.is_some() && !before.locations.contains(new)) {
        let mut update = update_location(transaction.engine(), &before.id, location, now)?;
        update.value("value", seal.close(&location.url)?);
        if transaction.execute(&update).await? == 0 {
            return Err(location_gone());
        }
    }
    add_locations(transaction, seal, &before.id, now, after.locations.iter().filter(|new| new.id.is_none())).await
}

fn location_gone() -> Error {
    Error::new(Kind::Conflict, "a location of the image is gone")
}

/// Whether rows in that status count as deleted.
fn counts_as_deleted(status: LocationStatus) -> bool {
    matches!(status, LocationStatus::Deleted | LocationStatus::PendingDelete)
}

fn metadata(location: &Location) -> Result<String> {
    serde_json::to_string(&location.metadata)
        .map_err(|error| Error::new(Kind::Invalid, "location metadata cannot be written").caused_by(error))
}

fn update_location(engine: Engine, id: &ImageId, location: &Location, now: Timestamp) -> Result<UpdateStatement> {
    let deleted = counts_as_deleted(location.status);
    let mut update = Query::update();
    update.table("image_locations");
    update.value("meta_data", metadata(location)?).value("status", location.status.as_str());
    update.value("deleted", constant(deleted)).value("updated_at", engine.time(now));
    update.value("deleted_at", engine.optional_time(deleted.then_some(now)));
    update.and_where(Expr::col("image_id").eq(id.as_str())).and_where(Expr::col("id").eq(location.id));
    update.and_where(live("image_locations"));
    Ok(update.take())
}

/// Adds rows in the order given, which is the order in which they are read.
pub(crate) async fn add_locations(
    transaction: &mut Transaction,
    seal: &Seal,
    id: &ImageId,
    now: Timestamp,
    locations: impl Iterator<Item = &Location>,
) -> Result<()> {
    let engine = transaction.engine();
    let columns = ["image_id", "value", "meta_data", "status", "created_at", "updated_at", "deleted", "deleted_at"];
    for location in locations {
        let deleted = counts_as_deleted(location.status);
        let row = [
            Expr::val(id.as_str()),
            Expr::val(seal.close(&location.url)?),
            Expr::val(metadata(location)?),
            Expr::val(location.status.as_str()),
            Expr::val(engine.time(now)),
            Expr::val(engine.time(now)),
            constant(deleted),
            Expr::val(engine.optional_time(deleted.then_some(now))),
        ];
        let mut insert = Query::insert();
        insert.into_table("image_locations").columns(columns).values(row)?;
        transaction.execute(&insert).await?;
    }
    Ok(())
}
