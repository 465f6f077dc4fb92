//! Uploads and deletes, and how each can end.

use glance_db::{Database, Kind, Phase, Transfer, TransferKind};
use glance_domain::query::{ImageQuery, Viewer};
use glance_domain::{Image, Member, MemberStatus, Status};

use crate::support::{
    at, completed, full_image, image, location, node, on_every_database, project, unnumbered, upload,
};

const ADMIN: Viewer = Viewer::Admin(None);

async fn status(database: &Database, image: &Image) -> Status {
    database.get_image(&image.id, &ADMIN).await.unwrap().status
}

/// A queued image, and an upload to it that has begun.
async fn begun(database: &Database) -> (Image, Transfer) {
    let (node, image) = (node("one"), image(1));
    database.register_node(&node).await.unwrap();
    database.create_image(&image).await.unwrap();
    let transfer = upload(1, &node);
    database.begin_upload(&transfer, None, at(10)).await.unwrap();
    (image, transfer)
}

fn removal(of: &Transfer) -> Transfer {
    Transfer { kind: TransferKind::Delete, id: glance_db::TransferId::random(), ..of.clone() }
}

on_every_database! {
    async fn an_upload_that_succeeds(database: Database) {
        let (image, transfer) = begun(&database).await;
        assert_eq!(status(&database, &image).await, Status::Saving);
        assert_eq!(database.list_transfers(&transfer.node).await.unwrap(), std::slice::from_ref(&transfer));
        database.record_transfer(&transfer.id, Phase::Writing, Some("journal")).await.unwrap();
        database.record_transfer(&transfer.id, Phase::Finishing, None).await.unwrap();
        let recorded = Transfer { phase: Phase::Finishing, journal: Some("journal".into()), ..transfer.clone() };
        assert_eq!(database.list_transfers(&transfer.node).await.unwrap(), [recorded]);
        let done = completed();
        let active = database.complete_upload(&transfer.id, &done, None, at(20)).await.unwrap();
        let expected = Image {
            status: Status::Active,
            size: Some(done.size),
            virtual_size: done.virtual_size,
            checksum: done.checksum.clone(),
            os_hash_algo: done.os_hash_algo.clone(),
            os_hash_value: done.os_hash_value.clone(),
            locations: vec![location("file:///data")],
            updated_at: at(20),
            ..image.clone()
        };
        assert_eq!(unnumbered(active.clone()), expected);
        assert_eq!(database.get_image(&image.id, &ADMIN).await.unwrap(), active);
        assert!(database.list_transfers(&transfer.node).await.unwrap().is_empty());
        let error = database.complete_upload(&transfer.id, &done, None, at(21)).await.unwrap_err();
        assert_eq!(error.kind(), Kind::Conflict);
        database.abort_upload(&transfer.id, at(21)).await.unwrap();
        assert_eq!(status(&database, &image).await, Status::Active);
    }

    async fn an_upload_that_does_not_fit(database: Database) {
        let (image, transfer) = begun(&database).await;
        let done = completed();
        let limit = |bytes| glance_db::StorageLimit { project: crate::support::project("somebody"), bytes };
        let refused = database.complete_upload(&transfer.id, &done, Some(&limit(done.size - 1)), at(20)).await;
        assert_eq!(refused.unwrap_err().kind(), Kind::LimitReached);
        assert_eq!(status(&database, &image).await, Status::Saving);
        database.complete_upload(&transfer.id, &done, Some(&limit(done.size)), at(21)).await.unwrap();
        assert_eq!(status(&database, &image).await, Status::Active);
    }

    async fn an_upload_that_fails(database: Database) {
        let (image, transfer) = begun(&database).await;
        for _ in 0..2 {
            database.abort_upload(&transfer.id, at(20)).await.unwrap();
            assert_eq!(status(&database, &image).await, Status::Queued);
        }
        let error = database.record_transfer(&transfer.id, Phase::Writing, None).await.unwrap_err();
        assert_eq!(error.kind(), Kind::Conflict);
        let again = Transfer { id: glance_db::TransferId::random(), ..transfer };
        database.begin_upload(&again, None, at(21)).await.unwrap();
    }

    async fn an_upload_that_cannot_begin(database: Database) {
        let (image, transfer) = begun(&database).await;
        let second = Transfer { id: glance_db::TransferId::random(), ..transfer.clone() };
        assert_eq!(database.begin_upload(&second, None, at(11)).await.unwrap_err().kind(), Kind::Conflict);
        let nothing = Transfer { image: crate::support::id("nobody"), ..second.clone() };
        assert_eq!(database.begin_upload(&nothing, None, at(11)).await.unwrap_err().kind(), Kind::NotFound);
        let stranger = Transfer { node: glance_db::NodeId::random(), ..second };
        assert_eq!(database.begin_upload(&stranger, None, at(11)).await.unwrap_err().kind(), Kind::Conflict);
        assert_eq!(database.list_transfers(&transfer.node).await.unwrap(), [transfer]);
        assert_eq!(status(&database, &image).await, Status::Saving);
    }

    async fn an_upload_whose_image_is_deleted(database: Database) {
        let (image, transfer) = begun(&database).await;
        let removal = removal(&transfer);
        database.begin_delete(&removal).await.unwrap();
        database.complete_delete(&removal.id, at(15)).await.unwrap();
        let error = database.complete_upload(&transfer.id, &completed(), None, at(20)).await.unwrap_err();
        assert_eq!(error.kind(), Kind::Gone);
        assert_eq!(database.list_transfers(&transfer.node).await.unwrap(), std::slice::from_ref(&transfer));
        database.abort_upload(&transfer.id, at(21)).await.unwrap();
        assert!(database.list_transfers(&transfer.node).await.unwrap().is_empty());
        assert_eq!(database.get_image(&image.id, &ADMIN).await.unwrap_err().kind(), Kind::NotFound);
    }

    async fn an_upload_that_was_taken_over(database: Database) {
        let (image, transfer) = begun(&database).await;
        let heir = node("heir");
        database.register_node(&heir).await.unwrap();
        let taken = database.take_over_node(&transfer.node, &heir.id).await.unwrap();
        let error = database.complete_upload(&transfer.id, &completed(), None, at(20)).await.unwrap_err();
        assert_eq!(error.kind(), Kind::Conflict);
        database.abort_upload(&transfer.id, at(20)).await.unwrap();
        assert_eq!(status(&database, &image).await, Status::Saving);
        let late = Transfer { image: image.id.clone(), id: glance_db::TransferId::random(), ..transfer };
        assert_eq!(database.begin_upload(&late, None, at(20)).await.unwrap_err().kind(), Kind::Conflict);
        database.abort_upload(&taken[0].id, at(21)).await.unwrap();
        assert_eq!(status(&database, &image).await, Status::Queued);
    }

    async fn a_delete_takes_everything_along(database: Database) {
        let node = node("one");
        database.register_node(&node).await.unwrap();
        let image = full_image();
        database.create_image(&image).await.unwrap();
        let (created_at, updated_at) = (at(2), at(2));
        let (status, project) = (MemberStatus::Accepted, project("mia"));
        database.add_member(&Member { image: image.id.clone(), project, status, created_at, updated_at }, None).await.unwrap();
        let removal = removal(&upload(1, &node));
        database.begin_delete(&removal).await.unwrap();
        assert_eq!(database.get_image(&image.id, &ADMIN).await.unwrap().status, image.status);
        database.complete_delete(&removal.id, at(20)).await.unwrap();
        assert_eq!(database.get_image(&image.id, &ADMIN).await.unwrap_err().kind(), Kind::NotFound);
        assert!(database.list_members(&image.id).await.unwrap().is_empty());
        assert_eq!(database.owner_usage(&crate::support::project("owner")).await.unwrap(), 0);
        let listed = database.list_images(&ImageQuery { hidden: true, ..ImageQuery::new(ADMIN, 10) }).await.unwrap();
        assert!(listed.is_empty());
        assert_eq!(database.create_image(&image).await.unwrap_err().kind(), Kind::Duplicate);
        let error = database.save_image(&image, &image, at(21)).await.unwrap_err();
        assert_eq!(error.kind(), Kind::NotFound);
    }

    async fn a_second_delete_finds_nothing(database: Database) {
        let (_, transfer) = begun(&database).await;
        let (first, second) = (removal(&transfer), removal(&transfer));
        database.begin_delete(&first).await.unwrap();
        database.begin_delete(&second).await.unwrap();
        database.complete_delete(&first.id, at(20)).await.unwrap();
        assert_eq!(database.complete_delete(&second.id, at(20)).await.unwrap_err().kind(), Kind::NotFound);
        assert_eq!(database.list_transfers(&transfer.node).await.unwrap(), std::slice::from_ref(&transfer));
        assert_eq!(database.begin_delete(&removal(&transfer)).await.unwrap_err().kind(), Kind::NotFound);
    }

    async fn a_delete_that_is_given_up(database: Database) {
        let (image, transfer) = begun(&database).await;
        let removal = removal(&transfer);
        database.begin_delete(&removal).await.unwrap();
        for _ in 0..2 {
            database.cancel_delete(&removal.id).await.unwrap();
        }
        assert_eq!(status(&database, &image).await, Status::Saving);
        assert_eq!(database.complete_delete(&removal.id, at(20)).await.unwrap_err().kind(), Kind::Conflict);
    }
}
