//! What audits read.

use glance_db::{Database, Deletion, Engine, LocationPage, NamedLocation, Settings, WorkId};
use glance_domain::{Image, LocationStatus, Status};

use crate::support::{Fixture, image, location, node, on_each_engine, on_every_database, raw};

fn stored(number: i64, urls: &[&str]) -> Image {
    let locations = urls.iter().map(|url| location(url)).collect();
    Image { status: Status::Active, size: Some(7), locations, ..image(number) }
}

fn urls(page: &[NamedLocation]) -> Vec<&str> {
    page.iter().filter_map(|named| named.location.as_ref()).map(|location| location.url.as_str()).collect()
}

async fn all(database: &Database) -> Vec<NamedLocation> {
    database.named_locations(LocationPage::After(0), 100).await.unwrap()
}

on_every_database! {
    async fn locations_come_in_pages_either_way(database: Database) {
        database.create_image(&stored(1, &["file:///1", "file:///2"])).await.unwrap();
        database.create_image(&stored(2, &["file:///3"])).await.unwrap();
        let first = database.named_locations(LocationPage::After(0), 2).await.unwrap();
        assert_eq!(urls(&first), ["file:///1", "file:///2"]);
        let named = &first[0];
        assert_eq!((&named.image, named.size, named.is_live), (&image(1).id, Some(7), true));
        assert_eq!(named.image_status, Some(Status::Active));
        assert_eq!(named.location.as_ref().unwrap().metadata["store"], "fast");
        let second = database.named_locations(LocationPage::After(first[1].number), 2).await.unwrap();
        assert_eq!(urls(&second), ["file:///3"]);
        let newest = database.named_locations(LocationPage::Before(i64::MAX), 2).await.unwrap();
        assert_eq!(urls(&newest), ["file:///3", "file:///2"]);
    }

    async fn images_without_a_location_are_found(database: Database) {
        for number in 1..=3 {
            database.create_image(&stored(number, &[])).await.unwrap();
        }
        database.create_image(&stored(4, &["file:///4"])).await.unwrap();
        database.create_image(&image(5)).await.unwrap();
        let first = database.images_without_location(None, 2).await.unwrap();
        assert_eq!(first, [image(1).id, image(2).id]);
        assert_eq!(database.images_without_location(Some(&first[1]), 2).await.unwrap(), [image(3).id]);
        let with = database.images_with_data(Some(&image(2).id), 10).await.unwrap();
        assert_eq!(with.iter().map(|found| &found.id).collect::<Vec<_>>(), [&image(3).id, &image(4).id]);
        assert_eq!(with[1].locations[0].url, "file:///4");
    }

    async fn records_images_and_locations_claim_data(database: Database) {
        let none = database.claims_of(&image(1).id).await.unwrap();
        assert!(!none.has_records && none.status.is_none() && none.locations.is_empty());
        database.create_image(&stored(1, &["file:///1"])).await.unwrap();
        let claims = database.claims_of(&image(1).id).await.unwrap();
        assert_eq!((claims.has_records, claims.status), (false, Some(Status::Active)));
        assert_eq!(urls(&claims.locations), ["file:///1"]);
        let node = node("one");
        database.register_node(&node).await.unwrap();
        let deletion = Deletion { id: WorkId::random(), image: image(1).id, node: node.id };
        database.begin_delete(&deletion).await.unwrap();
        assert!(database.claims_of(&image(1).id).await.unwrap().has_records);
        assert!(!database.claims_of(&image(2).id).await.unwrap().has_records);
    }
}

/// Upstream marks locations whose data its scrubber will remove, and images with them, as deleted at once.
async fn data_that_waits_for_the_scrubber_is_named(engine: Engine) {
    let Some(fixture) = Fixture::create(engine).await else { return };
    let database = fixture.prepared().await;
    for number in 1..=3 {
        database.create_image(&stored(number, &[&format!("file:///{number}")])).await.unwrap();
    }
    let deleted = if engine == Engine::Sqlite { "1" } else { "true" };
    for (status, number) in [("pending_delete", 1), ("deleted", 2)] {
        let sql = format!(
            "UPDATE image_locations SET deleted = {deleted}, status = '{status}' WHERE value = 'file:///{number}'"
        );
        raw(&fixture.url, &sql).await;
        let id = image(number).id;
        raw(&fixture.url, &format!("UPDATE images SET deleted = {deleted}, status = '{status}' WHERE id = '{id}'"))
            .await;
    }
    let named = all(&database).await;
    assert_eq!(urls(&named), ["file:///1", "file:///3"]);
    assert_eq!(named.iter().map(|named| named.is_live).collect::<Vec<_>>(), [false, true]);
    assert_eq!(named[0].location.as_ref().unwrap().status, LocationStatus::PendingDelete);
    assert_eq!(named[0].image_status, Some(Status::PendingDelete));
    let claims = database.claims_of(&image(1).id).await.unwrap();
    assert_eq!((claims.status, urls(&claims.locations)), (None, vec!["file:///1"]));
    database.close().await;
    fixture.remove().await;
}

async fn sealed_locations_are_opened_and_foreign_ones_told(engine: Engine) {
    let Some(fixture) = Fixture::create(engine).await else { return };
    let plain = fixture.prepared().await;
    plain.create_image(&stored(1, &["file:///1"])).await.unwrap();
    let with_key = |key: &str| Settings { metadata_encryption_key: Some(key.to_owned()), ..fixture.settings() };
    let (key, other) = ("0123456789abcdef", "fedcba9876543210");
    let sealed = Database::connect(&with_key(key)).await.unwrap();
    sealed.create_image(&stored(2, &["file:///2"])).await.unwrap();
    let foreign = Database::connect(&with_key(other)).await.unwrap();
    assert_eq!(urls(&all(&sealed).await), ["file:///1", "file:///2"]);
    let seen = all(&foreign).await;
    assert_eq!((seen.len(), urls(&seen)), (2, vec!["file:///1"]));
    let scrubbed = foreign.images_with_data(None, 10).await.unwrap();
    assert_eq!(scrubbed.iter().map(|image| image.locations[0].url.as_str()).collect::<Vec<_>>(), ["file:///1", ""]);
    assert_eq!(sealed.images_with_data(None, 10).await.unwrap()[1].locations[0].url, "file:///2");
    for database in [plain, sealed, foreign] {
        database.close().await;
    }
    fixture.remove().await;
}

on_each_engine!(data_that_waits_for_the_scrubber_is_named sealed_locations_are_opened_and_foreign_ones_told);
