//! Leases of server processes, and taking over from dead ones.

use std::time::Duration;

use glance_db::{Kind, NodeId};

use crate::support::{at, image, node, on_every_database, upload};

on_every_database! {
    async fn live_until_they_are_forgotten(database: Database) {
        let (one, two) = (node("one"), node("two"));
        database.register_node(&two).await.unwrap();
        database.register_node(&one).await.unwrap();
        assert_eq!(database.register_node(&one).await.unwrap_err().kind(), Kind::Duplicate);
        let listed = database.list_nodes().await.unwrap();
        assert_eq!(listed.iter().map(|(node, _)| node).collect::<Vec<_>>(), [&one, &two]);
        assert!(listed.iter().all(|(_, age)| *age < Duration::from_secs(60)), "{listed:?}");
        assert!(database.heartbeat(&one.id).await.unwrap());
        database.forget_node(&one.id).await.unwrap();
        database.forget_node(&one.id).await.unwrap();
        assert!(!database.heartbeat(&one.id).await.unwrap());
        assert_eq!(database.list_nodes().await.unwrap().len(), 1);
    }

    async fn age_on_the_databases_clock(database: Database) {
        let one = node("one");
        database.register_node(&one).await.unwrap();
        let age = async || database.list_nodes().await.unwrap()[0].1;
        while age().await < Duration::from_millis(30) {}
        database.heartbeat(&one.id).await.unwrap();
        let before = std::time::Instant::now();
        let renewed = age().await;
        assert!(renewed <= before.elapsed() + Duration::from_millis(20), "{renewed:?}");
    }

    async fn cannot_be_forgotten_with_transfers(database: Database) {
        let one = node("one");
        database.register_node(&one).await.unwrap();
        database.create_image(&image(1)).await.unwrap();
        let transfer = upload(1, &one);
        database.begin_upload(&transfer, None, at(10)).await.unwrap();
        assert_eq!(database.forget_node(&one.id).await.unwrap_err().kind(), Kind::Conflict);
        database.abort_upload(&transfer.id, at(11)).await.unwrap();
        database.forget_node(&one.id).await.unwrap();
    }

    async fn that_died_leave_their_transfers_to_one_heir(database: Database) {
        let (dead, heir, late) = (node("dead"), node("heir"), node("late"));
        for node in [&dead, &heir, &late] {
            database.register_node(node).await.unwrap();
        }
        let mut transfers = Vec::new();
        for number in 1..=3 {
            database.create_image(&image(number)).await.unwrap();
            transfers.push(upload(number, &dead));
            database.begin_upload(&transfers[transfers.len() - 1], None, at(10)).await.unwrap();
        }
        let taken = database.take_over_node(&dead.id, &heir.id).await.unwrap();
        assert_eq!(taken, database.list_transfers(&heir.id).await.unwrap());
        assert_eq!(taken.len(), 3);
        for (new, old) in taken.iter().zip(&transfers) {
            assert_eq!((&new.image, &new.store, &new.node), (&old.image, &old.store, &heir.id));
            assert_eq!(new.attempt, old.attempt);
            assert_ne!(new.id, old.id);
        }
        assert!(database.take_over_node(&dead.id, &late.id).await.unwrap().is_empty());
        assert!(!database.heartbeat(&dead.id).await.unwrap());
        assert!(database.list_transfers(&dead.id).await.unwrap().is_empty());
    }

    async fn are_not_inherited_by_strangers(database: Database) {
        let dead = node("dead");
        database.register_node(&dead).await.unwrap();
        let error = database.take_over_node(&dead.id, &NodeId::random()).await.unwrap_err();
        assert_eq!(error.kind(), Kind::Conflict);
        assert!(database.heartbeat(&dead.id).await.unwrap());
        assert!(database.take_over_node(&dead.id, &dead.id).await.unwrap().is_empty());
        assert!(database.heartbeat(&dead.id).await.unwrap());
    }
}
