//! What was deleted long ago goes for good, and nothing else.

use glance_db::{Database, Engine, Kind, PurgeLimits, Purged};
use glance_domain::{Image, Member, MemberStatus};

use crate::support::{Fixture, at, full_image, image, on_each_engine, project, raw};

fn older_than(seconds: i64, most: Option<u64>) -> PurgeLimits {
    PurgeLimits { cutoff: at(seconds), most }
}

async fn counts(url: &str) -> Vec<String> {
    let mut counts = Vec::new();
    for table in ["images", "image_properties", "image_locations", "image_members", "image_tags", "tasks", "task_info"]
    {
        let rows = raw(url, &format!("SELECT created.id FROM (SELECT '1' AS id FROM {table}) created")).await;
        counts.push(format!("{table} {}", rows.len()));
    }
    counts
}

async fn delete(database: &Database, image: &Image, seconds: i64) {
    database.postpone_delete(&image.id, at(seconds)).await.unwrap();
}

async fn only_what_is_old_enough_goes(engine: Engine) {
    let Some(fixture) = Fixture::create(engine).await else { return };
    let database = fixture.prepared().await;
    let (old, young, live) = (full_image(), image(2), image(3));
    for image in [&old, &young, &live] {
        database.create_image(image).await.unwrap();
        let member = Member {
            image: image.id.clone(),
            project: project("other"),
            status: MemberStatus::Pending,
            created_at: at(5),
            updated_at: at(5),
        };
        database.add_member(&member, None).await.unwrap();
    }
    for (id, deleted) in [("a", "TRUE, '2026-01-01 00:00:10'"), ("b", "FALSE, NULL")] {
        let columns = "id, type, status, owner, created_at, deleted, deleted_at";
        let values = format!("'{id}', 'import', 'success', 'me', '2026-01-01 00:00:00', {deleted}");
        raw(&fixture.url, &format!("INSERT INTO tasks ({columns}) VALUES ({values})")).await;
        raw(&fixture.url, &format!("INSERT INTO task_info (task_id, message) VALUES ('{id}', 'x')")).await;
    }
    delete(&database, &old, 10).await;
    delete(&database, &young, 20).await;
    let refused = database.purge_images(older_than(15, None), &mut |_| ()).await.unwrap_err();
    assert_eq!(refused.kind(), Kind::Conflict, "its properties are still there");
    let planned = database.plan_purge(older_than(15, None)).await.unwrap();
    let purged = database.purge(older_than(15, None), &mut |_| ()).await.unwrap();
    assert_eq!(planned, purged);
    let rows: Vec<_> = purged.iter().map(|purged| (purged.table, purged.rows)).collect();
    assert_eq!(
        rows,
        [
            ("task_info", 1),
            ("image_properties", 3),
            ("image_members", 1),
            ("image_tags", 3),
            ("image_locations", 2),
            ("tasks", 1)
        ]
    );
    assert_eq!(
        counts(&fixture.url).await,
        [
            "images 3",
            "image_properties 0",
            "image_locations 0",
            "image_members 2",
            "image_tags 0",
            "tasks 1",
            "task_info 1"
        ]
    );
    let images = Purged { table: "images", rows: 1 };
    assert_eq!(database.plan_purge_images(older_than(15, None)).await.unwrap(), images);
    assert_eq!(database.purge_images(older_than(15, None), &mut |_| ()).await.unwrap(), images);
    assert_eq!(database.purge_images(older_than(15, None), &mut |_| ()).await.unwrap().rows, 0);
    assert_eq!(raw(&fixture.url, "SELECT id FROM images ORDER BY id").await, [["image-0002"], ["image-0003"]]);
    database.create_image(&old).await.unwrap();
    database.close().await;
    fixture.remove().await;
}

/// More than one batch, and less than there is.
async fn the_oldest_go_first(engine: Engine) {
    let Some(fixture) = Fixture::create(engine).await else { return };
    let database = fixture.prepared().await;
    let mut image = image(1);
    image.tags = (0..450).map(|number| format!("{number:04}")).collect();
    database.create_image(&image).await.unwrap();
    let mut without = database.get_image(&image.id, &glance_domain::query::Viewer::Admin(None)).await.unwrap();
    let before = without.clone();
    without.tags.remove("0449");
    database.save_image(&before, &without, at(2)).await.unwrap();
    delete(&database, &image, 10).await;
    let rows = |purged: Vec<Purged>| purged.iter().map(|purged| purged.rows).sum::<u64>();
    assert_eq!(rows(database.plan_purge(older_than(11, None)).await.unwrap()), 450);
    assert_eq!(rows(database.plan_purge(older_than(11, Some(220))).await.unwrap()), 220);
    assert_eq!(rows(database.purge(older_than(11, Some(0)), &mut |_| ()).await.unwrap()), 0);
    assert_eq!(rows(database.purge(older_than(11, Some(1)), &mut |_| ()).await.unwrap()), 1);
    assert!(raw(&fixture.url, "SELECT value FROM image_tags WHERE value = '0449'").await.is_empty());
    let mut told = Vec::new();
    let purged = database.purge(older_than(11, Some(220)), &mut |so_far| told.push(so_far)).await.unwrap();
    assert_eq!(rows(purged), 220);
    told.retain(|so_far| so_far.rows > 0);
    assert_eq!(told, [200, 220].map(|rows| Purged { table: "image_tags", rows }));
    assert_eq!(rows(database.purge(older_than(11, None), &mut |_| ()).await.unwrap()), 229);
    database.close().await;
    fixture.remove().await;
}

on_each_engine!(only_what_is_old_enough_goes the_oldest_go_first);
