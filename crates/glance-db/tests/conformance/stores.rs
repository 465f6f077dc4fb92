//! What the catalogue knows of stores: the identities of their places, and how far the reading of their data is.

use glance_db::{Kind, ScrubProgress, StoreIdentity};
use glance_domain::StoreId;

use crate::support::{id, on_every_database};

fn identity(place: &str, identity: &str) -> StoreIdentity {
    StoreIdentity { store: StoreId::new("fast"), place: place.to_owned(), identity: identity.to_owned() }
}

on_every_database! {
    async fn the_first_identity_of_a_place_counts_until_it_is_replaced(database: Database) {
        assert!(database.has_own_tables().await.unwrap());
        assert_eq!(database.store_identities().await.unwrap(), []);
        let (first, second, other) = (identity("/a", "one"), identity("/a", "two"), identity("/b", "three"));
        assert_eq!(database.settle_store_identity(&first).await.unwrap(), "one");
        assert_eq!(database.settle_store_identity(&second).await.unwrap(), "one");
        assert_eq!(database.settle_store_identity(&other).await.unwrap(), "three");
        assert_eq!(database.store_identities().await.unwrap(), [first, other.clone()]);
        database.replace_store_identity(&second).await.unwrap();
        assert_eq!(database.store_identities().await.unwrap(), [second, other]);
        let refused = database.settle_store_identity(&identity(&"x".repeat(256), "four")).await;
        assert_eq!(refused.unwrap_err().kind(), Kind::Invalid);
    }

    async fn several_processes_settle_on_one_identity(database: Database) {
        let candidates = ["one", "two", "three", "four"].map(|name| identity("/a", name));
        let settle = |number: usize| database.settle_store_identity(&candidates[number]);
        let (one, two, three, four) = tokio::join!(settle(0), settle(1), settle(2), settle(3));
        let settled = [one, two, three, four].map(Result::unwrap);
        assert!(settled.iter().all(|identity| *identity == settled[0]), "{settled:?}");
        assert_eq!(database.store_identities().await.unwrap().len(), 1);
    }

    async fn how_far_the_reading_is_outlives_the_process(database: Database) {
        assert_eq!(database.scrub_progress("*").await.unwrap(), None);
        let progress = ScrubProgress { image: id("one"), images: 3, bytes: 1 << 40, findings: 1 };
        let further = ScrubProgress { image: id("two"), images: 4, ..progress.clone() };
        for progress in [&progress, &further] {
            database.save_scrub("*", Some(progress)).await.unwrap();
        }
        assert_eq!(database.scrub_progress("*").await.unwrap(), Some(further));
        assert_eq!(database.scrub_progress("fast").await.unwrap(), None);
        database.save_scrub("*", None).await.unwrap();
        assert_eq!(database.scrub_progress("*").await.unwrap(), None);
    }
}
