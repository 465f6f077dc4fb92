//! What a project may store: many take of it at once, and never more than there is.

use glance_db::{
    Database, Death, Engine, Kind, LocationChange, NewRemoval, NewUpload, Reservation, StorageLimit, WorkId,
};
use glance_domain::query::Viewer;
use glance_domain::{Image, Status};
use tokio::task::JoinSet;

use crate::support::{
    ACTIVATE, BACK, Fixture, at, completed, image, location, node, on_each_engine, on_every_database, project, raw,
    upload,
};

const TASKS: i64 = 8;

fn limit(bytes: u64) -> StorageLimit {
    StorageLimit { project: project("owner"), bytes }
}

fn exactly(bytes: u64, size: u64) -> Reservation {
    Reservation { limit: limit(bytes), least: size, most: size }
}

/// A registered node and as many queued images.
async fn with_images(database: &Database) -> glance_db::Node {
    let node = node("one");
    database.register_node(&node).await.unwrap();
    for number in 0..TASKS {
        database.create_image(&image(number)).await.unwrap();
    }
    node
}

async fn begin(database: &Database, new: &NewUpload, wanted: &Reservation) -> glance_db::Result<Option<u64>> {
    let new = NewUpload { reservation: Some(wanted.clone()), ..new.clone() };
    Ok(database.begin_upload(&new, at(1)).await?.reserved)
}

/// An upload that has begun with a reservation, or why it could not.
async fn attempt(database: Database, transfer: NewUpload, wanted: Reservation) -> glance_db::Result<NewUpload> {
    begin(&database, &transfer, &wanted).await.map(|_| transfer)
}

on_every_database! {
    async fn as_many_begin_as_fit(database: Database) {
        let node = with_images(&database).await;
        let size = completed().size;
        let wanted = exactly(size * 3 + 7, size);
        let tasks: JoinSet<_> =
            (0..TASKS).map(|number| attempt(database.clone(), upload(number, &node), wanted.clone())).collect();
        let (won, lost): (Vec<_>, Vec<_>) = tasks.join_all().await.into_iter().partition(Result::is_ok);
        assert_eq!(won.len(), 3);
        for refusal in lost.into_iter().filter_map(Result::err) {
            assert_eq!((refusal.kind(), refusal.room_left()), (Kind::LimitReached, Some(7)), "{refusal:?}");
        }
        // What was reserved is used in the end, all of it at once.
        let mut ends = JoinSet::new();
        for transfer in won.into_iter().map(Result::unwrap) {
            let (database, limit) = (database.clone(), wanted.limit.clone());
            ends.spawn(async move { database.complete_upload(&transfer.id, &completed(), Some(&limit), ACTIVATE, at(2)).await });
        }
        assert!(ends.join_all().await.into_iter().all(|end| end.is_ok()));
        assert_eq!(database.owner_usage(&project("owner")).await.unwrap(), i64::try_from(size * 3).unwrap());
        assert_eq!(database.storage_left(&wanted.limit).await.unwrap(), 7);
    }

    async fn uploads_of_unknown_size_share_what_is_there(database: Database) {
        let node = with_images(&database).await;
        let (room, step) = (1000, 7);
        let mut tasks = JoinSet::new();
        for number in 0..TASKS {
            let (database, transfer) = (database.clone(), upload(number, &node));
            tasks.spawn(async move {
                let first = Reservation { limit: limit(room), least: 1, most: step };
                let mut reserved = begin(&database, &transfer, &first).await.unwrap().unwrap();
                loop {
                    let more = Reservation { least: reserved + 1, most: reserved + step, ..first.clone() };
                    match database.reserve(&transfer.id, &more).await {
                        Ok(grown) => reserved = grown,
                        Err(error) => return (reserved, error.kind(), error.room_left()),
                    }
                }
            });
        }
        let ends = tasks.join_all().await;
        assert_eq!(ends.iter().map(|(reserved, ..)| reserved).sum::<u64>(), room, "{ends:?}");
        for (reserved, kind, left) in ends {
            // An upload keeps what it has, which is all that it is told of.
            assert_eq!((kind, left), (Kind::LimitReached, Some(reserved)));
        }
        assert_eq!(database.storage_left(&limit(room)).await.unwrap(), 0);
    }

    async fn a_reservation_ends_with_its_transfer(database: Database) {
        let node = with_images(&database).await;
        let size = completed().size;
        let wanted = exactly(size, size);
        let (first, second) = (upload(1, &node), upload(2, &node));
        begin(&database, &first, &wanted).await.unwrap();
        assert_eq!(begin(&database, &second, &wanted).await.unwrap_err().room_left(), Some(0));
        database.abort_upload(&first.id, BACK, at(2)).await.unwrap();
        begin(&database, &second, &wanted).await.unwrap();
        // It lives on with the transfer of a dead node, until that is cleaned up.
        let heir = crate::support::node("heir");
        database.register_node(&heir).await.unwrap();
        let taken = database.take_over_node(&node.id, Death::Certain, &heir.id).await.unwrap();
        let third = upload(3, &heir);
        assert_eq!(begin(&database, &third, &wanted).await.unwrap_err().kind(), Kind::LimitReached);
        assert_eq!(database.reserve(&second.id, &exactly(size + 1, 1)).await.unwrap_err().kind(), Kind::Fenced);
        database.abort_upload(&taken[0].id, BACK, at(3)).await.unwrap();
        begin(&database, &third, &wanted).await.unwrap();
        database.complete_upload(&third.id, &completed(), Some(&wanted.limit), ACTIVATE, at(4)).await.unwrap();
        assert_eq!(begin(&database, &upload(4, &heir), &wanted).await.unwrap_err().room_left(), Some(0));
    }

    async fn a_refused_upload_leaves_nothing(database: Database) {
        let node = with_images(&database).await;
        assert_eq!(begin(&database, &upload(1, &node), &exactly(9, 10)).await.unwrap_err().room_left(), Some(9));
        assert!(database.list_node_work(&node.id).await.unwrap().is_empty());
        let image = database.get_image(&image(1).id, &Viewer::Admin(None)).await.unwrap();
        assert_eq!(image.status, Status::Queued);
        assert_eq!(database.storage_left(&limit(9)).await.unwrap(), 9);
    }

    async fn data_counts_until_it_is_removed(database: Database) {
        let node = with_images(&database).await;
        let size = completed().size;
        let wanted = exactly(size * 2, size);
        let first = upload(1, &node);
        begin(&database, &first, &wanted).await.unwrap();
        let before = database.complete_upload(&first.id, &completed(), Some(&wanted.limit), ACTIVATE, at(2)).await.unwrap();
        let mut after = before.clone();
        let url = after.locations.remove(0).url;
        after.locations.push(location("http://example.org/1"));
        let store = glance_domain::StoreId::new("fast");
        let removal = NewRemoval { id: WorkId::random(), node: node.id.clone(), store, url };
        let change = LocationChange { removals: vec![removal.clone()], needs: None };
        database.save_locations(&before, &after, &change, at(3)).await.unwrap();
        assert_eq!(database.storage_left(&wanted.limit).await.unwrap(), 0);
        assert_eq!(begin(&database, &upload(2, &node), &wanted).await.unwrap_err().room_left(), Some(0));
        database.complete_removal(&removal.id).await.unwrap();
        begin(&database, &upload(2, &node), &wanted).await.unwrap();
    }

    async fn other_projects_do_not_count(database: Database) {
        let node = with_images(&database).await;
        begin(&database, &upload(1, &node), &exactly(10, 10)).await.unwrap();
        let theirs = Reservation { limit: StorageLimit { project: project("other"), bytes: 10 }, ..exactly(10, 10) };
        assert_eq!(begin(&database, &upload(2, &node), &theirs).await.unwrap(), Some(10));
    }

    async fn locations_and_uploads_take_of_the_same(database: Database) {
        let node = with_images(&database).await;
        let size = completed().size;
        let wanted = exactly(size * 3, size);
        let mut tasks = JoinSet::new();
        for number in 0..TASKS {
            let (database, node, wanted) = (database.clone(), node.clone(), wanted.clone());
            tasks.spawn(async move {
                if number % 2 == 0 {
                    return attempt(database, upload(number, &node), wanted).await.map(drop);
                }
                let before = image(number);
                let mut after = Image { status: Status::Active, size: Some(size), ..before.clone() };
                after.locations = vec![location(&format!("http://example.org/{number}"))];
                let change = LocationChange { removals: Vec::new(), needs: Some((wanted.limit, size)) };
                database.save_locations(&before, &after, &change, at(1)).await.map(drop)
            });
        }
        let (won, lost): (Vec<_>, Vec<_>) = tasks.join_all().await.into_iter().partition(Result::is_ok);
        assert_eq!(won.len(), 3, "{lost:?}");
        assert!(lost.into_iter().filter_map(Result::err).all(|refusal| refusal.kind() == Kind::LimitReached));
        assert_eq!(database.storage_left(&wanted.limit).await.unwrap(), 0);
    }
}

/// Objects of the version before are completed, beside an upload that a process of that version began.
async fn versions_before(engine: Engine) {
    let Some(fixture) = Fixture::create(engine).await else { return };
    let database = fixture.prepared().await;
    let node = with_images(&database).await;
    database.begin_upload(&upload(1, &node), at(1)).await.unwrap();
    for change in [
        "DROP TABLE rs_projects",
        "DROP TABLE rs_attempts",
        "ALTER TABLE rs_transfers DROP COLUMN project",
        "ALTER TABLE rs_transfers DROP COLUMN reserved",
        "UPDATE rs_version SET version = 2",
    ] {
        raw(&fixture.url, change).await;
    }
    for column in ["name", "url", "origin", "tries", "not_before", "problem", "began", "min_version"] {
        raw(&fixture.url, &format!("ALTER TABLE rs_transfers DROP COLUMN {column}")).await;
    }
    for column in ["fenced", "lease"] {
        raw(&fixture.url, &format!("ALTER TABLE rs_nodes DROP COLUMN {column}")).await;
    }
    let refused = database.prepare_own_objects().await.unwrap_err();
    assert_eq!(refused.kind(), Kind::Conflict, "a process of the version before is alive");
    assert!(refused.to_string().contains(&node.name), "{refused}");
    raw(&fixture.url, "UPDATE rs_nodes SET heartbeat = 0").await;
    let mut starts = JoinSet::new();
    for _ in 0..3 {
        let database = database.clone();
        starts.spawn(async move { database.prepare_own_objects().await });
    }
    assert!(starts.join_all().await.into_iter().all(|start| start.is_ok()));
    begin(&database, &upload(2, &node), &exactly(10, 4)).await.unwrap();
    assert_eq!(database.storage_left(&limit(10)).await.unwrap(), 6);
    assert_eq!(database.list_node_work(&node.id).await.unwrap().len(), 2);
    database.close().await;
    fixture.remove().await;
}

on_each_engine!(versions_before);
