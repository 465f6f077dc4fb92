//! Many at once: exactly one wins, and nothing is lost.

use std::future::poll_fn;
use std::task::Poll;

use glance_db::{Death, Kind, NewUpload, WorkId};
use glance_domain::query::Viewer;
use glance_domain::{Image, Member, MemberStatus, Status};
use tokio::task::JoinSet;

use crate::support::{
    ACTIVATE, at, completed, full_image, id, image, node, on_every_database, project, unnumbered, upload,
};

const TASKS: i64 = 8;

/// Runs `work` in as many tasks at once, and answers what each came to.
async fn all_at_once<T: Send + 'static, F: Future<Output = T> + Send + 'static>(work: impl Fn(i64) -> F) -> Vec<T> {
    let mut tasks: JoinSet<T> = (0..TASKS).map(work).collect();
    let mut results = Vec::new();
    while let Some(result) = tasks.join_next().await {
        results.push(result.unwrap());
    }
    results
}

/// Checks that one succeeded and the others failed like this.
fn one_winner<T>(results: Vec<Result<T, glance_db::Error>>, others: Kind) {
    let (won, lost): (Vec<_>, Vec<_>) = results.into_iter().partition(Result::is_ok);
    let kinds: Vec<_> = lost.into_iter().filter_map(Result::err).map(|error| error.kind()).collect();
    assert_eq!(won.len(), 1);
    assert!(kinds.iter().all(|kind| *kind == others), "{kinds:?}");
}

on_every_database! {
    async fn one_creates(database: Database) {
        let results = all_at_once(|_| {
            let database = database.clone();
            async move { database.create_image(&image(1)).await }
        });
        one_winner(results.await, Kind::Duplicate);
    }

    async fn one_changes_the_status(database: Database) {
        let queued = image(1);
        database.create_image(&queued).await.unwrap();
        let results = all_at_once(|number| {
            let (database, before) = (database.clone(), queued.clone());
            async move {
                let mut after = Image { status: Status::Importing, ..before.clone() };
                after.properties.insert("winner".into(), Some(number.to_string()));
                database.save_image(&before, &after, at(number)).await
            }
        });
        one_winner(results.await, Kind::Conflict);
    }

    async fn all_change_different_properties(database: Database) {
        let before = image(1);
        database.create_image(&before).await.unwrap();
        let results = all_at_once(|number| {
            let (database, before) = (database.clone(), before.clone());
            async move {
                for round in 0..5 {
                    let mut after = before.clone();
                    after.properties.insert(format!("p{number}-{round}"), None);
                    after.tags.insert(format!("t{round}"));
                    database.save_image(&before, &after, at(round)).await?;
                }
                Ok::<_, glance_db::Error>(())
            }
        });
        assert!(results.await.into_iter().all(|result| result.is_ok()));
        let image = database.get_image(&before.id, &Viewer::Admin(None)).await.unwrap();
        assert_eq!((image.properties.len(), image.tags.len()), (40, 5));
    }

    async fn one_gets_the_lock(database: Database) {
        let image = image(1);
        database.create_image(&image).await.unwrap();
        let results = all_at_once(|number| {
            let (database, id) = (database.clone(), image.id.clone());
            async move { database.lock_property(&id, "lock", &number.to_string(), at(1)).await }
        });
        one_winner(results.await, Kind::Duplicate);
    }

    async fn one_becomes_a_member(database: Database) {
        database.create_image(&image(1)).await.unwrap();
        let results = all_at_once(|_| {
            let database = database.clone();
            let (image, project, status) = (image(1).id, project("mia"), MemberStatus::Pending);
            let member = Member { image, project, status, created_at: at(1), updated_at: at(1) };
            async move { database.add_member(&member, None).await }
        });
        one_winner(results.await, Kind::Duplicate);
        assert_eq!(database.list_members(&image(1).id).await.unwrap().len(), 1);
    }

    async fn one_uploads(database: Database) {
        let node = node("one");
        database.register_node(&node).await.unwrap();
        database.create_image(&image(1)).await.unwrap();
        let results = all_at_once(|_| {
            let database = database.clone();
            let new = NewUpload { id: WorkId::random(), ..upload(1, &node) };
            async move { database.begin_upload(&new, at(1)).await.map(drop) }
        });
        one_winner(results.await, Kind::Conflict);
        assert_eq!(database.list_node_work(&node.id).await.unwrap().len(), 1);
    }

    async fn one_inherits(database: Database) {
        let dead = node("dead");
        database.register_node(&dead).await.unwrap();
        for number in 0..3 {
            database.create_image(&image(number)).await.unwrap();
            database.begin_upload(&upload(number, &dead), at(1)).await.unwrap();
        }
        for number in 0..TASKS {
            database.register_node(&node(&format!("heir{number}"))).await.unwrap();
        }
        let results = all_at_once(|number| {
            let (database, dead) = (database.clone(), dead.id.clone());
            async move { database.take_over_node(&dead, Death::Certain, &node(&format!("heir{number}")).id).await }
        });
        let mut taken: Vec<_> = results.await.into_iter().map(|result| result.unwrap().len()).collect();
        taken.sort_unstable();
        assert_eq!(taken, [0, 0, 0, 0, 0, 0, 0, 3]);
    }

    async fn completing_and_taking_over_exclude_each_other(database: Database) {
        let heir = node("heir");
        database.register_node(&heir).await.unwrap();
        for round in 0..10 {
            let dead = node(&format!("dead{round}"));
            database.register_node(&dead).await.unwrap();
            database.create_image(&image(round)).await.unwrap();
            let transfer = upload(round, &dead);
            database.begin_upload(&transfer, at(1)).await.unwrap();
            let done = completed();
            let completing = database.complete_upload(&transfer.id, &done, None, ACTIVATE, at(2));
            let taking = database.take_over_node(&dead.id, Death::Certain, &heir.id);
            let (outcome, taken) = tokio::join!(completing, taking);
            let taken = taken.unwrap();
            let outcome = outcome.map(|image| image.status).map_err(|error| error.kind());
            let status = database.get_image(&image(round).id, &Viewer::Admin(None)).await.unwrap().status;
            match outcome {
                Ok(done) => assert_eq!((done, status, taken.len()), (Status::Active, Status::Active, 0)),
                Err(kind) => assert_eq!((kind, status, taken.len()), (Kind::Fenced, Status::Saving, 1)),
            }
        }
    }

    async fn what_is_given_up_halfway_leaves_nothing(database: Database) {
        for polls in 0..40 {
            let image = Image { id: id(&format!("image-{polls}")), ..full_image() };
            let mut creating = Box::pin(database.create_image(&image));
            let mut done = false;
            for _ in 0..polls {
                if !done && let Poll::Ready(created) = poll_fn(|context| Poll::Ready(creating.as_mut().poll(context))).await {
                    created.unwrap();
                    done = true;
                }
                tokio::task::yield_now().await;
            }
            drop(creating);
            database.create_image(&Image { id: id(&format!("after-{polls}")), ..full_image() }).await.unwrap();
            match database.get_image(&image.id, &Viewer::Admin(None)).await {
                Ok(stored) => assert_eq!(unnumbered(stored), image),
                Err(error) => assert_eq!((error.kind(), done), (Kind::NotFound, false)),
            }
        }
    }
}
