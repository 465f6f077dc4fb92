//! Uploads and deletes, and how each can end.

use glance_db::{
    Begun, CompletedDelete, Database, Death, Kind, LocationChange, NewUpload, Phase, Postponement, Record, Transfer,
    Work, WorkId,
};
use glance_domain::query::{ImageQuery, Viewer};
use glance_domain::{Image, Member, MemberStatus, Status, StoreId};

use crate::support::{
    ACTIVATE, BACK, at, completed, deletion, full_image, id, image, location, node, on_every_database, project,
    unnumbered, upload,
};

const ADMIN: Viewer = Viewer::Admin(None);

async fn status(database: &Database, image: &Image) -> Status {
    database.get_image(&image.id, &ADMIN).await.unwrap().status
}

/// A queued image, and an upload to it that has begun.
async fn begun(database: &Database) -> (Image, NewUpload, Begun) {
    let (node, image) = (node("one"), image(1));
    database.register_node(&node).await.unwrap();
    database.create_image(&image).await.unwrap();
    let new = upload(1, &node);
    let begun = database.begin_upload(&new, at(10)).await.unwrap();
    (image, new, begun)
}

/// The only record of the node.
async fn recorded(database: &Database, new: &NewUpload) -> Record {
    let mut records = database.list_node_work(&new.node).await.unwrap();
    assert_eq!(records.len(), 1, "{records:?}");
    records.remove(0)
}

fn nothing_removed() -> CompletedDelete<'static> {
    CompletedDelete { removed: &[], store_of: &|location| location.store().unwrap_or_else(|| StoreId::new("none")) }
}

on_every_database! {
    async fn an_upload_that_succeeds(database: Database) {
        let (image, new, begun) = begun(&database).await;
        assert_eq!(status(&database, &image).await, Status::Saving);
        assert_eq!((begun.image.status, begun.image.id.clone(), begun.reserved), (Status::Saving, image.id.clone(), None));
        let transfer = Transfer {
            store: new.store.clone(),
            name: image.id.to_string(),
            attempt: new.id.as_str().into(),
            phase: Phase::Writing,
            journal: None,
        };
        assert_eq!(begun.transfer, transfer);
        assert_eq!(recorded(&database, &new).await.work, Work::Upload(transfer.clone()));
        database.record_transfer(&new.id, Phase::Writing, Some("journal")).await.unwrap();
        database.record_transfer(&new.id, Phase::Finishing, None).await.unwrap();
        let finishing = Transfer { phase: Phase::Finishing, journal: Some("journal".into()), ..transfer };
        assert_eq!(recorded(&database, &new).await.work, Work::Upload(finishing));
        let done = completed();
        let active = database.complete_upload(&new.id, &done, None, ACTIVATE, at(20)).await.unwrap();
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
        assert!(database.list_node_work(&new.node).await.unwrap().is_empty());
        let again = database.complete_upload(&new.id, &done, None, ACTIVATE, at(21)).await;
        assert_eq!(again.unwrap_err().kind(), Kind::Fenced);
        let undone = database.abort_upload(&new.id, BACK, at(21)).await;
        assert_eq!(undone.unwrap_err().kind(), Kind::Fenced);
        assert_eq!(status(&database, &image).await, Status::Active);
    }

    async fn an_upload_that_does_not_fit(database: Database) {
        let (image, new, _) = begun(&database).await;
        let done = completed();
        let limit = |bytes| glance_db::StorageLimit { project: project("somebody"), bytes };
        let refused = database.complete_upload(&new.id, &done, Some(&limit(done.size - 1)), ACTIVATE, at(20)).await;
        assert_eq!(refused.unwrap_err().kind(), Kind::LimitReached);
        assert_eq!(status(&database, &image).await, Status::Saving);
        database.complete_upload(&new.id, &done, Some(&limit(done.size)), ACTIVATE, at(21)).await.unwrap();
        assert_eq!(status(&database, &image).await, Status::Active);
    }

    async fn the_fence_is_checked_before_the_quota(database: Database) {
        let (_, new, _) = begun(&database).await;
        let (done, heir) = (completed(), node("heir"));
        database.register_node(&heir).await.unwrap();
        database.take_over_node(&new.node, Death::Certain, &heir.id).await.unwrap();
        let limit = glance_db::StorageLimit { project: project("somebody"), bytes: 0 };
        let refused = database.complete_upload(&new.id, &done, Some(&limit), ACTIVATE, at(20)).await;
        assert_eq!(refused.unwrap_err().kind(), Kind::Fenced);
    }

    async fn an_upload_that_fails(database: Database) {
        let (image, new, _) = begun(&database).await;
        database.abort_upload(&new.id, BACK, at(20)).await.unwrap();
        assert_eq!(status(&database, &image).await, Status::Queued);
        assert_eq!(database.abort_upload(&new.id, BACK, at(20)).await.unwrap_err().kind(), Kind::Fenced);
        let error = database.record_transfer(&new.id, Phase::Writing, None).await.unwrap_err();
        assert_eq!(error.kind(), Kind::Fenced);
    }

    async fn no_two_attempts_have_one_name(database: Database) {
        let (image, new, begun) = begun(&database).await;
        let mut names = vec![begun.transfer.name];
        let mut last = new.id.clone();
        for store in ["fast", "fast", "slow", "fast", "slow"] {
            database.abort_upload(&last, BACK, at(20)).await.unwrap();
            last = WorkId::random();
            let again = NewUpload { id: last.clone(), store: StoreId::new(store), ..new.clone() };
            names.push(database.begin_upload(&again, at(21)).await.unwrap().transfer.name);
        }
        let numbered = |number: u64| format!("{}.{number:0>width$}", image.id, width = 36 - image.id.as_str().len());
        let first = image.id.to_string();
        assert_eq!(names, [first.clone(), numbered(1), numbered(2), first, numbered(3), numbered(1)]);
    }

    async fn an_upload_that_cannot_begin(database: Database) {
        let (image, new, _) = begun(&database).await;
        let second = NewUpload { id: WorkId::random(), ..new.clone() };
        assert_eq!(database.begin_upload(&second, at(11)).await.unwrap_err().kind(), Kind::Conflict);
        let nothing = NewUpload { image: id("nobody"), ..second.clone() };
        assert_eq!(database.begin_upload(&nothing, at(11)).await.unwrap_err().kind(), Kind::NotFound);
        let stranger = NewUpload { node: glance_db::NodeId::random(), ..second };
        assert_eq!(database.begin_upload(&stranger, at(11)).await.unwrap_err().kind(), Kind::Fenced);
        assert_eq!(recorded(&database, &new).await.id, new.id);
        assert_eq!(status(&database, &image).await, Status::Saving);
    }

    async fn an_image_without_formats_gets_no_data(database: Database) {
        let (node, formless) = (node("one"), Image { container_format: None, ..image(1) });
        database.register_node(&node).await.unwrap();
        database.create_image(&formless).await.unwrap();
        let refused = database.begin_upload(&upload(1, &node), at(11)).await.unwrap_err();
        assert_eq!(refused.kind(), Kind::Invalid);
        assert!(refused.to_string().contains("container_format"), "{refused}");
        assert_eq!(status(&database, &formless).await, Status::Queued);
    }

    async fn an_upload_whose_image_is_deleted(database: Database) {
        let (image, new, _) = begun(&database).await;
        let deletion = deletion(1, &node("one"));
        database.begin_delete(&deletion).await.unwrap();
        let early = database.complete_upload(&new.id, &completed(), None, ACTIVATE, at(14)).await.unwrap_err();
        assert_eq!(early.kind(), Kind::Gone, "while the image is being deleted");
        database.complete_delete(&deletion.id, &nothing_removed(), at(15)).await.unwrap();
        let late = database.complete_upload(&new.id, &completed(), None, ACTIVATE, at(20)).await.unwrap_err();
        assert_eq!(late.kind(), Kind::Gone);
        assert_eq!(recorded(&database, &new).await.id, new.id);
        database.abort_upload(&new.id, BACK, at(21)).await.unwrap();
        assert!(database.list_node_work(&new.node).await.unwrap().is_empty());
        assert_eq!(database.get_image(&image.id, &ADMIN).await.unwrap_err().kind(), Kind::NotFound);
    }

    async fn an_image_that_is_being_deleted_gets_no_data(database: Database) {
        let node = node("one");
        database.register_node(&node).await.unwrap();
        database.create_image(&image(1)).await.unwrap();
        database.begin_delete(&deletion(1, &node)).await.unwrap();
        assert_eq!(database.begin_upload(&upload(1, &node), at(11)).await.unwrap_err().kind(), Kind::Conflict);
        assert_eq!(status(&database, &image(1)).await, Status::Queued);
    }

    async fn an_upload_that_was_taken_over(database: Database) {
        let (image, new, _) = begun(&database).await;
        let heir = node("heir");
        database.register_node(&heir).await.unwrap();
        let taken = database.take_over_node(&new.node, Death::Certain, &heir.id).await.unwrap();
        let error = database.complete_upload(&new.id, &completed(), None, ACTIVATE, at(20)).await.unwrap_err();
        assert_eq!(error.kind(), Kind::Fenced);
        assert_eq!(database.abort_upload(&new.id, BACK, at(20)).await.unwrap_err().kind(), Kind::Fenced);
        assert_eq!(status(&database, &image).await, Status::Saving);
        let late = NewUpload { id: WorkId::random(), ..new };
        assert_eq!(database.begin_upload(&late, at(20)).await.unwrap_err().kind(), Kind::Fenced);
        database.abort_upload(&taken[0].id, BACK, at(21)).await.unwrap();
        assert_eq!(status(&database, &image).await, Status::Queued);
    }

    async fn a_claim_changes_the_fence(database: Database) {
        let (_, new, _) = begun(&database).await;
        let (fence, node) = (WorkId::random(), new.node.clone());
        let stranger = crate::support::node("stranger");
        database.register_node(&stranger).await.unwrap();
        assert_eq!(database.claim_work(&new.id, &stranger.id, &fence).await.unwrap(), None, "another node's record");
        let claimed = database.claim_work(&new.id, &node, &fence).await.unwrap().unwrap();
        assert_eq!((claimed.id, claimed.image), (fence.clone(), new.image.clone()));
        assert_eq!(database.claim_work(&new.id, &node, &WorkId::random()).await.unwrap(), None, "claimed already");
        let late = database.complete_upload(&new.id, &completed(), None, ACTIVATE, at(20)).await;
        assert_eq!(late.unwrap_err().kind(), Kind::Fenced);
        database.complete_upload(&fence, &completed(), None, ACTIVATE, at(20)).await.unwrap();
        assert_eq!(database.claim_work(&fence, &node, &WorkId::random()).await.unwrap(), None, "the work has ended");
    }

    async fn a_record_that_is_postponed_waits(database: Database) {
        let (_, new, _) = begun(&database).await;
        let postponement = Postponement { wait: std::time::Duration::from_secs(3600), problem: "no answer".into() };
        database.postpone_work(&new.id, &postponement).await.unwrap();
        let record = recorded(&database, &new).await;
        assert_eq!((record.tries, record.problem.as_deref()), (1, Some("no answer")));
        assert!(record.wait > std::time::Duration::from_secs(3500) && record.age.is_some(), "{record:?}");
        let unknown = database.postpone_work(&WorkId::random(), &postponement).await;
        assert_eq!(unknown.unwrap_err().kind(), Kind::Fenced);
        assert_eq!(database.list_work().await.unwrap().len(), 1);
        assert!(database.forget_work(&new.id).await.unwrap());
        assert!(!database.forget_work(&new.id).await.unwrap());
    }

    async fn a_delete_takes_everything_along(database: Database) {
        let node = node("one");
        database.register_node(&node).await.unwrap();
        let image = full_image();
        database.create_image(&image).await.unwrap();
        let (created_at, updated_at) = (at(2), at(2));
        let (status, project) = (MemberStatus::Accepted, project("mia"));
        database.add_member(&Member { image: image.id.clone(), project, status, created_at, updated_at }, None).await.unwrap();
        let deletion = glance_db::Deletion { image: image.id.clone(), ..deletion(1, &node) };
        let current = database.begin_delete(&deletion).await.unwrap();
        assert_eq!(current.locations.len(), 2);
        assert_eq!(database.get_image(&image.id, &ADMIN).await.unwrap().status, image.status);
        let removed: Vec<i64> = current.locations.iter().filter_map(|location| location.id).collect();
        let done = CompletedDelete { removed: &removed, ..nothing_removed() };
        assert!(database.complete_delete(&deletion.id, &done, at(20)).await.unwrap().is_empty());
        assert!(database.list_work().await.unwrap().is_empty());
        assert_eq!(database.get_image(&image.id, &ADMIN).await.unwrap_err().kind(), Kind::NotFound);
        assert!(database.list_members(&image.id).await.unwrap().is_empty());
        assert_eq!(database.owner_usage(&crate::support::project("owner")).await.unwrap(), 0);
        let listed = database.list_images(&ImageQuery { hidden: true, ..ImageQuery::new(ADMIN, 10) }).await.unwrap();
        assert!(listed.is_empty());
        assert_eq!(database.create_image(&image).await.unwrap_err().kind(), Kind::Duplicate);
        let error = database.save_image(&image, &image, at(21)).await.unwrap_err();
        assert_eq!(error.kind(), Kind::NotFound);
    }

    async fn a_delete_leaves_records_of_what_is_not_removed(database: Database) {
        let node = node("one");
        database.register_node(&node).await.unwrap();
        let image = Image { status: Status::Active, ..full_image() };
        database.create_image(&image).await.unwrap();
        let deletion = glance_db::Deletion { image: image.id.clone(), ..deletion(1, &node) };
        let before = database.begin_delete(&deletion).await.unwrap();
        // A location that comes while the image is being deleted goes as well.
        let mut after = before.clone();
        after.locations.push(location("file:///late"));
        database.save_locations(&before, &after, &LocationChange::default(), at(9)).await.unwrap();
        let removed = [before.locations[0].id.unwrap()];
        let done = CompletedDelete { removed: &removed, ..nothing_removed() };
        let left = database.complete_delete(&deletion.id, &done, at(10)).await.unwrap();
        assert_eq!(left.len(), 2);
        let records = database.list_node_work(&node.id).await.unwrap();
        let kept: Vec<_> = records.iter().map(|record| (record.work.clone(), record.reserved)).collect();
        let removal = |url: &str| Work::Removal { store: StoreId::new("fast"), url: url.into() };
        assert_eq!(kept, [(removal("file:///two"), image.size), (removal("file:///late"), image.size)]);
        for record in records {
            database.complete_removal(&record.id).await.unwrap();
            assert_eq!(database.complete_removal(&record.id).await.unwrap_err().kind(), Kind::Fenced);
        }
        assert!(database.list_work().await.unwrap().is_empty());
    }

    async fn a_second_delete_is_refused(database: Database) {
        let (_, _, _) = begun(&database).await;
        let node = node("one");
        let (first, second) = (deletion(1, &node), deletion(1, &node));
        database.begin_delete(&first).await.unwrap();
        assert_eq!(database.begin_delete(&second).await.unwrap_err().kind(), Kind::Conflict);
        database.complete_delete(&first.id, &nothing_removed(), at(20)).await.unwrap();
        let again = database.complete_delete(&first.id, &nothing_removed(), at(20)).await;
        assert_eq!(again.unwrap_err().kind(), Kind::Fenced);
        assert_eq!(database.begin_delete(&second).await.unwrap_err().kind(), Kind::NotFound);
    }

    async fn a_delete_that_is_given_up(database: Database) {
        let (image, new, _) = begun(&database).await;
        let deletion = deletion(1, &node("one"));
        database.begin_delete(&deletion).await.unwrap();
        database.cancel_delete(&deletion.id).await.unwrap();
        assert_eq!(database.cancel_delete(&deletion.id).await.unwrap_err().kind(), Kind::Fenced);
        assert_eq!(status(&database, &image).await, Status::Saving);
        let late = database.complete_delete(&deletion.id, &nothing_removed(), at(20)).await;
        assert_eq!(late.unwrap_err().kind(), Kind::Fenced);
        assert_eq!(recorded(&database, &new).await.id, new.id);
    }
}
