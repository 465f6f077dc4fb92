//! Leases of server processes, and taking over from dead ones.

use std::time::Duration;

use glance_db::{Death, Kind, Node, NodeId, Standing, Work};

use crate::support::{BACK, at, image, node, on_every_database, upload};

on_every_database! {
    async fn live_until_they_are_forgotten(database: Database) {
        let (one, two) = (node("one"), node("two"));
        database.register_node(&two).await.unwrap();
        database.register_node(&one).await.unwrap();
        assert_eq!(database.register_node(&one).await.unwrap_err().kind(), Kind::Duplicate);
        let listed = database.list_nodes().await.unwrap();
        assert_eq!(listed.iter().map(|listed| &listed.node).collect::<Vec<_>>(), [&one, &two]);
        assert!(listed.iter().all(|listed| listed.silence < Duration::from_secs(60)), "{listed:?}");
        assert!(database.heartbeat(&one.id).await.unwrap());
        database.forget_node(&one.id).await.unwrap();
        database.forget_node(&one.id).await.unwrap();
        assert!(!database.heartbeat(&one.id).await.unwrap());
        assert_eq!(database.list_nodes().await.unwrap().len(), 1);
    }

    async fn age_on_the_databases_clock(database: Database) {
        let one = node("one");
        database.register_node(&one).await.unwrap();
        let age = async || database.list_nodes().await.unwrap()[0].silence;
        while age().await < Duration::from_millis(30) {}
        database.heartbeat(&one.id).await.unwrap();
        let before = std::time::Instant::now();
        let renewed = age().await;
        assert!(renewed <= before.elapsed() + Duration::from_millis(20), "{renewed:?}");
    }

    async fn cannot_be_forgotten_with_records(database: Database) {
        let one = node("one");
        database.register_node(&one).await.unwrap();
        database.create_image(&image(1)).await.unwrap();
        let transfer = upload(1, &one);
        database.begin_upload(&transfer, at(10)).await.unwrap();
        assert_eq!(database.forget_node(&one.id).await.unwrap_err().kind(), Kind::Conflict);
        database.abort_upload(&transfer.id, BACK, at(11)).await.unwrap();
        database.forget_node(&one.id).await.unwrap();
    }

    async fn that_died_leave_their_records_to_one_heir(database: Database) {
        let (dead, heir, late) = (node("dead"), node("heir"), node("late"));
        for node in [&dead, &heir, &late] {
            database.register_node(node).await.unwrap();
        }
        for number in 1..=3 {
            database.create_image(&image(number)).await.unwrap();
            database.begin_upload(&upload(number, &dead), at(10)).await.unwrap();
        }
        let before = database.list_node_work(&dead.id).await.unwrap();
        let taken = database.take_over_node(&dead.id, Death::Certain, &heir.id).await.unwrap();
        let listed = database.list_node_work(&heir.id).await.unwrap();
        assert_eq!((taken.len(), listed.len()), (3, 3));
        for ((new, listed), old) in taken.iter().zip(&listed).zip(&before) {
            assert_eq!((&new.id, &new.node), (&listed.id, &heir.id));
            assert_eq!((&new.image, &new.work, &new.origin), (&old.image, &old.work, &None));
            assert_ne!(new.id, old.id);
        }
        assert!(database.take_over_node(&dead.id, Death::Certain, &late.id).await.unwrap().is_empty());
        assert!(!database.heartbeat(&dead.id).await.unwrap());
        assert!(database.list_node_work(&dead.id).await.unwrap().is_empty());
    }

    async fn are_not_inherited_by_strangers(database: Database) {
        let dead = node("dead");
        database.register_node(&dead).await.unwrap();
        let error = database.take_over_node(&dead.id, Death::Certain, &NodeId::random()).await.unwrap_err();
        assert_eq!(error.kind(), Kind::Fenced);
        assert!(database.heartbeat(&dead.id).await.unwrap());
        assert!(database.take_over_node(&dead.id, Death::Certain, &dead.id).await.unwrap().is_empty());
        assert!(database.heartbeat(&dead.id).await.unwrap());
    }

    async fn that_have_renewed_meanwhile_are_left_alone(database: Database) {
        let (silent, heir) = (node("silent"), node("heir"));
        database.register_node(&silent).await.unwrap();
        database.register_node(&heir).await.unwrap();
        assert!(database.take_over_node(&silent.id, Death::Silence, &heir.id).await.unwrap().is_empty());
        assert!(database.heartbeat(&silent.id).await.unwrap());
    }

    async fn that_were_silent_are_fenced_until_they_are_gone(database: Database) {
        let heir = node("heir");
        let silent = Node { lease: Duration::ZERO, ..node("silent") };
        database.register_node(&silent).await.unwrap();
        database.register_node(&heir).await.unwrap();
        database.create_image(&image(1)).await.unwrap();
        database.begin_upload(&upload(1, &silent), at(10)).await.unwrap();
        let taken = loop {
            let taken = database.take_over_node(&silent.id, Death::Silence, &heir.id).await.unwrap();
            if !taken.is_empty() {
                break taken;
            }
        };
        assert_eq!(taken[0].origin.as_ref(), Some(&silent.id));
        assert!(!database.heartbeat(&silent.id).await.unwrap());
        let listed = database.list_nodes().await.unwrap();
        assert_eq!(listed.iter().find(|listed| listed.node.id == silent.id).unwrap().standing, Standing::Fenced);
        assert!(database.take_over_node(&silent.id, Death::Silence, &heir.id).await.unwrap().is_empty());
        let refused = database.begin_upload(&upload(1, &silent), at(11)).await.unwrap_err();
        assert_eq!(refused.kind(), Kind::Fenced);

        // The image is free at once; the record lingers while the silent node may still act on it.
        database.abort_upload(&taken[0].id, BACK, at(12)).await.unwrap();
        let lingering = database.list_node_work(&heir.id).await.unwrap().remove(0);
        assert!(matches!(&lingering.work, Work::Upload(transfer) if transfer.phase == glance_db::Phase::Abandoned));
        let fence = database.new_work_id();
        assert_eq!(database.claim_work(&lingering.id, &heir.id, &fence).await.unwrap(), None, "its origin is there");
        database.begin_upload(&upload(1, &heir), at(13)).await.unwrap();
        database.forget_node(&silent.id).await.unwrap();
        assert!(database.claim_work(&lingering.id, &heir.id, &fence).await.unwrap().is_some());
        database.abort_upload(&fence, BACK, at(14)).await.unwrap();
        let left = database.list_node_work(&heir.id).await.unwrap();
        assert_eq!(left.len(), 1, "the record of the new upload");
        let status = database.get_image(&image(1).id, &glance_domain::query::Viewer::Admin(None)).await.unwrap().status;
        assert_eq!(status, glance_domain::Status::Saving, "a late clean-up leaves the new upload alone");
    }

    async fn that_began_an_upload_and_fell_silent_stay_its_origin_and_have_it_undone_twice(database: Database) {
        let [silent, second] = ["silent", "second"].map(|name| Node { lease: Duration::ZERO, ..node(name) });
        let heir = node("heir");
        for node in [&silent, &second, &heir] {
            database.register_node(node).await.unwrap();
        }
        database.create_image(&image(1)).await.unwrap();
        database.begin_upload(&upload(1, &silent), at(10)).await.unwrap();
        let mut taken = Vec::new();
        for (dead, heir) in [(&silent, &second), (&second, &heir)] {
            loop {
                taken = database.take_over_node(&dead.id, Death::Silence, &heir.id).await.unwrap();
                if !taken.is_empty() {
                    break;
                }
            }
        }
        assert_eq!(taken[0].origin.as_ref(), Some(&silent.id), "heirs create nothing");

        // It may have acted after the store was told, and have gone.
        let (first, again) = (database.new_work_id(), database.new_work_id());
        database.claim_work(&taken[0].id, &heir.id, &first).await.unwrap().unwrap();
        database.forget_node(&silent.id).await.unwrap();
        database.abort_upload(&first, BACK, at(11)).await.unwrap();
        let record = database.claim_work(&first, &heir.id, &again).await.unwrap().unwrap();
        assert!(record.is_undone());
        database.abort_upload(&again, BACK, at(12)).await.unwrap();
        assert_eq!(database.list_work().await.unwrap(), []);
    }
}
