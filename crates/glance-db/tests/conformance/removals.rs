//! Data that an image loses with a change of its locations: recorded with the change or not at all.

use glance_db::{Database, Kind, LocationChange, NewRemoval, NodeId, Settings, Work, WorkId};
use glance_domain::query::Viewer;
use glance_domain::{Image, Status, StoreId};

use crate::support::{Fixture, at, full_image, location, node, on_every_database, raw};

const ADMIN: Viewer = Viewer::Admin(None);

/// A stored image with two locations, and itself without the one at `place`.
async fn stored(database: &Database) -> Image {
    let image = Image { status: Status::Active, ..full_image() };
    database.create_image(&image).await.unwrap();
    database.get_image(&image.id, &ADMIN).await.unwrap()
}

fn without(image: &Image, place: usize) -> (Image, String) {
    let mut after = image.clone();
    let url = after.locations.remove(place).url;
    (after, url)
}

fn removal(node: &NodeId, url: &str) -> NewRemoval {
    NewRemoval { id: WorkId::random(), node: node.clone(), store: StoreId::new("fast"), url: url.to_owned() }
}

fn change(removal: &NewRemoval) -> LocationChange {
    LocationChange { removals: vec![removal.clone()], needs: None }
}

on_every_database! {
    async fn is_written_down_with_the_change(database: Database) {
        let (node, before) = (node("one"), stored(&database).await);
        database.register_node(&node).await.unwrap();
        let (after, url) = without(&before, 0);
        let removal = removal(&node.id, &url);
        let saved = database.save_locations(&before, &after, &change(&removal), at(5)).await.unwrap();
        assert_eq!(saved.locations, after.locations);
        let recorded = database.list_node_work(&node.id).await.unwrap().remove(0);
        assert_eq!((&recorded.id, &recorded.image), (&removal.id, &before.id));
        assert_eq!(recorded.work, Work::Removal { store: removal.store, url });
        assert_eq!(recorded.reserved, before.size, "the bytes count until they are gone");
        database.complete_removal(&removal.id).await.unwrap();
        assert!(database.list_node_work(&node.id).await.unwrap().is_empty());
    }

    async fn that_the_store_refuses_gives_the_location_back(database: Database) {
        let (node, before) = (node("one"), stored(&database).await);
        database.register_node(&node).await.unwrap();
        let (after, url) = without(&before, 0);
        let (removal, location) = (removal(&node.id, &url), before.locations[0].clone());
        database.save_locations(&before, &after, &change(&removal), at(5)).await.unwrap();
        let fence = WorkId::random();
        database.claim_work(&removal.id, &node.id, &fence).await.unwrap().unwrap();
        let late = database.restore_location(&removal.id, &location, at(6)).await.unwrap_err();
        assert_eq!(late.kind(), Kind::Fenced, "only the claimant gives it back");
        database.restore_location(&fence, &location, at(6)).await.unwrap();
        let restored = database.get_image(&before.id, &ADMIN).await.unwrap();
        assert_eq!(restored.locations.iter().filter(|location| location.url == url).count(), 1);
        assert!(database.list_node_work(&node.id).await.unwrap().is_empty());
    }

    async fn keeps_the_location_from_coming_back(database: Database) {
        let (node, before) = (node("one"), stored(&database).await);
        database.register_node(&node).await.unwrap();
        let (after, url) = without(&before, 0);
        let removal = removal(&node.id, &url);
        let saved = database.save_locations(&before, &after, &change(&removal), at(5)).await.unwrap();
        let mut again = saved.clone();
        again.locations.push(location(&url));
        assert_eq!(database.save_image(&saved, &again, at(6)).await.unwrap_err().kind(), Kind::Conflict);
        database.complete_removal(&removal.id).await.unwrap();
        database.save_image(&saved, &again, at(6)).await.unwrap();
    }

    async fn is_not_written_down_without_it(database: Database) {
        let (node, before) = (node("one"), stored(&database).await);
        let (after, url) = without(&before, 0);
        let removal = removal(&node.id, &url);
        let unregistered = database.save_locations(&before, &after, &change(&removal), at(5)).await.unwrap_err();
        assert_eq!(unregistered.kind(), Kind::Fenced);
        database.register_node(&node).await.unwrap();
        let another = Image { status: Status::Queued, ..before.clone() };
        let refused = database.save_locations(&another, &after, &change(&removal), at(5)).await.unwrap_err();
        assert_eq!(refused.kind(), Kind::Conflict);
        assert!(database.list_node_work(&node.id).await.unwrap().is_empty());
        assert_eq!(database.get_image(&before.id, &ADMIN).await.unwrap(), before);
    }

    async fn of_the_same_location_happens_once(database: Database) {
        let node = node("one");
        database.register_node(&node).await.unwrap();
        let before = stored(&database).await;
        let (after, url) = without(&before, 0);
        let [one, two] = [0, 1].map(|_| removal(&node.id, &url));
        let (changes, now) = ([change(&one), change(&two)], at(5));
        let (first, second) = tokio::join!(
            database.save_locations(&before, &after, &changes[0], now),
            database.save_locations(&before, &after, &changes[1], now),
        );
        let mut outcomes = [first, second].map(|saved| saved.map(|_| ()).map_err(|error| error.kind()));
        outcomes.sort_by_key(Result::is_err);
        assert_eq!(outcomes, [Ok(()), Err(Kind::Conflict)]);
        assert_eq!(database.list_node_work(&node.id).await.unwrap().len(), 1);
    }

    async fn of_all_locations_by_several_leaves_one(database: Database) {
        let node = node("one");
        database.register_node(&node).await.unwrap();
        let before = stored(&database).await;
        for round in 0..10 {
            let current = database.get_image(&before.id, &ADMIN).await.unwrap();
            let [(one, first), (two, second)] = [0, 1].map(|place| without(&current, place));
            let changes = [first, second].map(|url| change(&removal(&node.id, &url)));
            let (one, two) = tokio::join!(
                database.save_locations(&current, &one, &changes[0], at(5)),
                database.save_locations(&current, &two, &changes[1], at(5)),
            );
            let mut outcomes = [one, two].map(|saved| saved.map(|_| ()).map_err(|error| error.kind()));
            outcomes.sort_by_key(Result::is_err);
            assert_eq!(outcomes, [Ok(()), Err(Kind::Conflict)]);
            let left = database.get_image(&before.id, &ADMIN).await.unwrap();
            assert_eq!(left.locations.len(), 1);
            let mut again = left.clone();
            again.locations.push(location(&format!("file:///again-{round}")));
            database.save_image(&left, &again, at(6)).await.unwrap();
        }
    }
}

#[tokio::test]
async fn is_written_down_under_the_key() {
    let Some(fixture) = Fixture::create(glance_db::Engine::Sqlite).await else { return };
    drop(fixture.prepared().await);
    let settings = Settings { metadata_encryption_key: Some("0123456789abcdef".into()), ..fixture.settings() };
    let database = Database::connect(&settings).await.unwrap();
    let (node, before) = (node("one"), stored(&database).await);
    database.register_node(&node).await.unwrap();
    let (after, url) = without(&before, 0);
    database.save_locations(&before, &after, &change(&removal(&node.id, &url)), at(5)).await.unwrap();
    let recorded = database.list_node_work(&node.id).await.unwrap().remove(0);
    assert!(matches!(&recorded.work, Work::Removal { url: opened, .. } if *opened == url), "{recorded:?}");
    let kept = raw(&fixture.url, "SELECT url FROM rs_transfers").await.concat().concat();
    assert!(!kept.contains("file"), "{kept}");
}
