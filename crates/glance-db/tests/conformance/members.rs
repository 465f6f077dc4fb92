//! Sharing.

use glance_db::Kind;
use glance_domain::{Member, MemberStatus};

use crate::support::{at, id, image, on_every_database, project};

fn member(number: i64, name: &str, seconds: i64) -> Member {
    let (created_at, updated_at) = (at(seconds), at(seconds));
    Member { image: image(number).id, project: project(name), status: MemberStatus::Pending, created_at, updated_at }
}

on_every_database! {
    async fn are_added_changed_and_removed(database: Database) {
        database.create_image(&image(1)).await.unwrap();
        database.create_image(&image(2)).await.unwrap();
        let (ann, bob) = (member(1, "ann", 10), member(1, "bob", 11));
        for member in [&bob, &ann, &member(2, "ann", 12)] {
            database.add_member(member, None).await.unwrap();
        }
        assert_eq!(database.list_members(&ann.image).await.unwrap(), [bob.clone(), ann.clone()]);
        let accepted = Member { status: MemberStatus::Accepted, updated_at: at(20), ..ann.clone() };
        let updated = database.update_member(&ann.image, &ann.project, MemberStatus::Accepted, at(20)).await.unwrap();
        assert_eq!(updated, accepted);
        database.delete_member(&bob.image, &bob.project, at(21)).await.unwrap();
        assert_eq!(database.list_members(&ann.image).await.unwrap(), [accepted]);
    }

    async fn come_back_after_they_left(database: Database) {
        database.create_image(&image(1)).await.unwrap();
        for seconds in [10, 20, 30] {
            let again = member(1, "ann", seconds);
            let added = database.add_member(&again, None).await.unwrap();
            let again = Member { created_at: at(10), ..again };
            assert_eq!(added, again);
            assert_eq!(database.list_members(&again.image).await.unwrap(), std::slice::from_ref(&again));
            // The same second for all: upstream's unique key holds the time of deletion.
            database.delete_member(&again.image, &again.project, at(40)).await.unwrap();
            assert!(database.list_members(&again.image).await.unwrap().is_empty());
        }
    }

    async fn cannot_be_added_twice_or_to_nothing(database: Database) {
        database.create_image(&image(1)).await.unwrap();
        database.add_member(&member(1, "ann", 10), None).await.unwrap();
        assert_eq!(database.add_member(&member(1, "ann", 11), None).await.unwrap_err().kind(), Kind::Duplicate);
        assert_eq!(database.add_member(&member(2, "ann", 11), None).await.unwrap_err().kind(), Kind::NotFound);
    }

    async fn are_no_more_than_allowed(database: Database) {
        database.create_image(&image(1)).await.unwrap();
        database.add_member(&member(1, "ann", 10), Some(1)).await.unwrap();
        let refused = database.add_member(&member(1, "bob", 11), Some(1)).await.unwrap_err();
        assert_eq!(refused.kind(), Kind::LimitReached);
        database.add_member(&member(1, "bob", 11), Some(2)).await.unwrap();
        let gone = database.delete_member(&id("image-0001"), &project("bob"), at(12)).await;
        gone.unwrap();
        database.add_member(&member(1, "cat", 13), Some(2)).await.unwrap();
    }

    async fn that_are_none_cannot_be_changed(database: Database) {
        database.create_image(&image(1)).await.unwrap();
        let (image, nobody) = (id("image-0001"), project("nobody"));
        let error = database.update_member(&image, &nobody, MemberStatus::Accepted, at(1)).await.unwrap_err();
        assert_eq!(error.kind(), Kind::NotFound);
        let error = database.delete_member(&image, &nobody, at(1)).await.unwrap_err();
        assert_eq!(error.kind(), Kind::NotFound);
    }
}
