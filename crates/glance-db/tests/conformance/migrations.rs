//! Every revision, up and down, beside what upstream's migrations make of the same database.

use std::time::Duration;

use glance_db::{Database, EXPAND_HEAD, Engine, HEAD, INITIAL, Kind, Losses, SchemaState, Triggers};

use crate::rows::{ARTIFACTS, ROWS, content, fill};
use crate::support::{Fixture, on_each_engine, raw};
use crate::upstream::{Upstream, assert_same, described};

async fn upgrade(database: &Database, target: &str) {
    database.migrations().upgrade(target, Triggers::Create, &mut |_| ()).await.unwrap();
}

async fn downgrade(database: &Database, target: &str) {
    database.migrations().downgrade(target, Losses::Refuse, &mut |_| ()).await.unwrap();
}

fn sorted(mut lines: Vec<String>) -> Vec<String> {
    lines.sort();
    lines
}

async fn version_rows(url: &str) -> Vec<Vec<String>> {
    raw(url, "SELECT version_num FROM alembic_version ORDER BY 1").await
}

/// The ids of all revisions, oldest first.
async fn revisions(database: &Database) -> Vec<&'static str> {
    database.migrations().status().await.unwrap().iter().map(|status| status.id).collect()
}

async fn each_revision_is_upstreams(engine: Engine) {
    let Some(upstream) = Upstream::empty(engine).await else { return };
    let Some(fixture) = Fixture::create(engine).await else { return };
    let database = fixture.connect().await;
    let mut upgrader = upstream.upgrader();
    for revision in revisions(&database).await {
        upgrader.upgrade(revision);
        upgrade(&database, revision).await;
        let theirs = described(engine, &upstream.fixture.url).await;
        assert_same(&described(engine, &fixture.url).await, &theirs, revision);
        assert_eq!(version_rows(&fixture.url).await, version_rows(&upstream.fixture.url).await, "at {revision}");
    }
    assert_eq!(database.schema_state().await.unwrap(), SchemaState::AtHead);
    drop(upgrader);
    database.close().await;
    fixture.remove().await;
    upstream.fixture.remove().await;
}

async fn expanded_before_contracted(engine: Engine) {
    let Some(upstream) = Upstream::create(engine).await else { return };
    let Some(fixture) = Fixture::create(engine).await else { return };
    let database = fixture.connect().await;
    let migrations = database.migrations();
    migrations.upgrade(EXPAND_HEAD, Triggers::Omit, &mut |_| ()).await.unwrap();
    assert_eq!(migrations.heads().await.unwrap(), [EXPAND_HEAD]);
    assert_eq!(migrations.migrate_data().await.unwrap(), 0);
    migrations.upgrade(HEAD, Triggers::Omit, &mut |_| ()).await.unwrap();
    let theirs = described(engine, &upstream.fixture.url).await;
    assert_same(&described(engine, &fixture.url).await, &theirs, "after sync");
    assert_eq!(version_rows(&fixture.url).await, [[HEAD]]);
    database.close().await;
    fixture.remove().await;
    upstream.fixture.remove().await;
}

async fn there_and_back(engine: Engine) {
    let Some(fixture) = Fixture::create(engine).await else { return };
    let database = fixture.connect().await;
    let revisions = revisions(&database).await;
    let mut on_the_way_up = Vec::new();
    for revision in &revisions {
        upgrade(&database, revision).await;
        on_the_way_up.push(sorted(described(engine, &fixture.url).await));
    }
    let at_head = described(engine, &fixture.url).await;
    database.prepare_own_objects().await.unwrap();
    fill(&fixture.url).await;
    let before = content(&fixture.url).await;
    assert_eq!(database.migrations().losses(INITIAL).await.unwrap(), []);
    // An expansion alone is without the contractions before it: those are the ways that lead back.
    let steps = revisions.iter().zip(&on_the_way_up).rev().filter(|(id, _)| !id.contains("_expand"));
    for (revision, described_before) in steps {
        downgrade(&database, revision).await;
        assert_eq!(version_rows(&fixture.url).await, [[*revision]]);
        assert_same(&sorted(described(engine, &fixture.url).await), described_before, revision);
    }
    let old = raw(&fixture.url, "SELECT id FROM images WHERE is_public ORDER BY id").await;
    assert_eq!(old, [["open"]]);
    let old = raw(&fixture.url, "SELECT name FROM metadef_resource_types WHERE id = 1").await;
    assert_eq!(old, [["OS::Nova::Instance"]]);
    let old = raw(&fixture.url, "SELECT meta_data FROM image_locations").await;
    assert_eq!(old, [["{\"backend\": \"fast\", \"a\": [1]}"]]);
    upgrade(&database, "heads").await;
    assert_same(&described(engine, &fixture.url).await, &at_head, "at head again");
    assert_eq!(content(&fixture.url).await, before);
    database.prepare_own_objects().await.unwrap();
    database.close().await;
    fixture.remove().await;
}

/// A catalogue of 2015 with rows in its tables, up, down and up again.
async fn from_the_oldest_up_and_back(engine: Engine) {
    let Some(fixture) = Fixture::create(engine).await else { return };
    let database = fixture.connect().await;
    upgrade(&database, INITIAL).await;
    let (url, described_before) = (&fixture.url, sorted(described(engine, &fixture.url).await));
    let (_, columns, images) = ROWS[0];
    for image in images {
        let columns = columns.replace("visibility", "is_public");
        let image = image.replace("'public'", "TRUE").replace("'private'", "FALSE").replace("'shared'", "FALSE");
        raw(url, &format!("INSERT INTO images ({columns}) VALUES ({image})")).await;
    }
    for (table, columns, rows) in &ROWS[1..] {
        for row in *rows {
            let row = row.replace("OS::Nova::Server", "OS::Nova::Instance").replace("\"store\"", "\"backend\"");
            raw(url, &format!("INSERT INTO {table} ({columns}) VALUES ({row})")).await;
        }
    }
    for artifact in ARTIFACTS {
        raw(url, artifact).await;
    }
    // The flag comes back as the last column, so the cells are compared in an order of their own.
    let cells = |content: Vec<Vec<String>>| content.into_iter().map(sorted).collect::<Vec<_>>();
    let oldest = cells(content(url).await);
    upgrade(&database, "heads").await;
    let newest = content(url).await;
    assert_ne!(cells(newest.clone()), oldest);
    assert_eq!(raw(url, "SELECT visibility FROM images WHERE id = 'ours'").await, [["shared"]]);
    downgrade(&database, INITIAL).await;
    assert_same(&sorted(described(engine, url).await), &described_before, INITIAL);
    assert_eq!(cells(content(url).await), oldest);
    assert_eq!(raw(url, "SELECT COUNT(*) FROM artifacts").await, [["0"]]);
    upgrade(&database, "heads").await;
    assert_eq!(content(url).await, newest);
    database.close().await;
    fixture.remove().await;
}

async fn what_would_be_lost_is_told_first(engine: Engine) {
    let Some(fixture) = Fixture::create(engine).await else { return };
    let database = fixture.connect().await;
    let migrations = database.migrations();
    upgrade(&database, "heads").await;
    fill(&fixture.url).await;
    for sql in [
        "UPDATE images SET visibility = 'community', os_hidden = TRUE, os_hash_value = 'ab' WHERE id = 'mine'",
        "UPDATE image_members SET deleted = TRUE",
        "UPDATE tasks SET user_id = 'me'",
        "INSERT INTO node_reference (node_reference_id, node_reference_url) VALUES (1, 'http://node')",
        "INSERT INTO cached_images (id, image_id, last_accessed, last_modified, size, hits, node_reference_id) \
         VALUES (1, 'open', '2026-01-01 00:00:00', '2026-01-01 00:00:00', 1, 2, 1)",
    ] {
        raw(&fixture.url, sql).await;
    }
    let before = content(&fixture.url).await;
    let refused = migrations.downgrade(INITIAL, Losses::Refuse, &mut |_| ()).await.unwrap_err();
    assert_eq!(refused.kind(), Kind::Conflict);
    assert_eq!(migrations.heads().await.unwrap(), [HEAD]);
    assert_eq!(content(&fixture.url).await, before);
    let losses = migrations.losses(INITIAL).await.unwrap();
    let lost: Vec<_> = losses.iter().map(|loss| (loss.revision, loss.rows)).collect();
    assert_eq!(
        lost,
        [
            ("2024_1_expand01", 1),
            ("2024_1_expand01", 1),
            ("wallaby_expand01", 1),
            ("rocky_expand02", 1),
            ("rocky_expand01", 1),
            ("ocata_expand01", 1),
            ("ocata_expand01", 1)
        ],
        "{losses:?}"
    );
    assert_eq!(migrations.losses("wallaby_contract01").await.unwrap().len(), 2);
    migrations.downgrade(INITIAL, Losses::Accept, &mut |_| ()).await.unwrap();
    assert_eq!(raw(&fixture.url, "SELECT id FROM images WHERE NOT is_public ORDER BY id").await.len(), 3);
    upgrade(&database, "heads").await;
    let visible = raw(&fixture.url, "SELECT id FROM images WHERE visibility = 'private' ORDER BY id").await;
    assert_eq!(visible, [["gone"], ["mine"], ["ours"]]);
    database.close().await;
    fixture.remove().await;
}

/// Rows that services before Ocata and Train have written.
async fn old_rows_are_understood(engine: Engine) {
    let Some(fixture) = Fixture::create(engine).await else { return };
    let database = fixture.connect().await;
    let migrations = database.migrations();
    upgrade(&database, "mitaka02").await;
    let columns = "id, status, is_public, created_at, deleted, min_disk, min_ram";
    for (id, public) in [("open", "TRUE"), ("ours", "FALSE"), ("mine", "FALSE")] {
        let values = format!("'{id}', 'active', {public}, '2026-01-01 00:00:00', FALSE, 0, 0");
        raw(&fixture.url, &format!("INSERT INTO images ({columns}) VALUES ({values})")).await;
    }
    let (_, members, rows) = ROWS[3];
    raw(&fixture.url, &format!("INSERT INTO image_members ({members}) VALUES ({})", rows[0])).await;
    let seen = |url: String| async move { raw(&url, "SELECT visibility FROM images ORDER BY id").await };
    assert!(!migrations.has_pending_data().await.unwrap());
    migrations.upgrade(EXPAND_HEAD, Triggers::Omit, &mut |_| ()).await.unwrap();
    assert!(migrations.has_pending_data().await.unwrap());
    assert_eq!(migrations.migrate_data().await.unwrap(), 3);
    assert!(!migrations.has_pending_data().await.unwrap());
    assert_eq!(seen(fixture.url.clone()).await, [["private"], ["public"], ["shared"]]);
    downgrade(&database, "mitaka02").await;
    // Without that step in between, the contraction does it.
    upgrade(&database, "heads").await;
    assert_eq!(seen(fixture.url.clone()).await, [["private"], ["public"], ["shared"]]);
    database.close().await;
    fixture.remove().await;
}

/// Names that a revision gives may be the operator's own on the other side of it.
async fn names_of_others_are_kept_or_told(engine: Engine) {
    let Some(fixture) = Fixture::create(engine).await else { return };
    let database = fixture.connect().await;
    let migrations = database.migrations();
    upgrade(&database, "heads").await;
    fill(&fixture.url).await;
    let types = "INSERT INTO metadef_resource_types (id, name, protected, created_at)";
    raw(&fixture.url, &format!("{types} VALUES (3, 'OS::Nova::Instance', FALSE, '2026-01-01 00:00:00')")).await;
    raw(&fixture.url, "UPDATE image_locations SET meta_data = '{\"backend\": \"own\", \"store\": \"fast\"}'").await;
    let before = content(&fixture.url).await;
    downgrade(&database, INITIAL).await;
    let names = raw(&fixture.url, "SELECT name FROM metadef_resource_types ORDER BY id").await;
    assert_eq!(names, [["OS::Nova::Server"], ["OS::Glance::Image"], ["OS::Nova::Instance"]]);
    upgrade(&database, "heads").await;
    assert_eq!(content(&fixture.url).await, before);

    raw(&fixture.url, "UPDATE metadef_resource_types SET name = 'Other' WHERE name = 'OS::Nova::Server'").await;
    // Neither a value nor a key further inside stands for the store.
    for metadata in [r#"{"backend": "store"}"#, r#"{"backend": "own", "a": {"store": 1}}"#, r#"{"backend": "own"}"#] {
        raw(&fixture.url, &format!("UPDATE image_locations SET meta_data = '{metadata}'")).await;
        let lost = migrations.losses("rocky_contract02").await.unwrap();
        assert_eq!(lost.iter().map(|loss| loss.rows).collect::<Vec<_>>(), [1], "{metadata}");
    }
    raw(&fixture.url, r#"UPDATE image_locations SET meta_data = '{"a": {"backend": 1}}' "#).await;
    assert_eq!(migrations.losses("rocky_contract02").await.unwrap(), []);
    raw(&fixture.url, "UPDATE image_locations SET meta_data = '{\"backend\": \"own\"}'").await;
    let lost = migrations.losses(INITIAL).await.unwrap();
    let lost: Vec<_> = lost.iter().map(|loss| (loss.revision, loss.rows)).collect();
    assert_eq!(lost, [("train_contract01", 1), ("mitaka02", 1)]);
    // What the operator has called so since Train is no business of an upgrade.
    migrations.downgrade("train_contract01", Losses::Refuse, &mut |_| ()).await.unwrap();
    migrations.upgrade(EXPAND_HEAD, Triggers::Omit, &mut |_| ()).await.unwrap();
    assert!(!migrations.has_pending_data().await.unwrap());
    assert_eq!(migrations.migrate_data().await.unwrap(), 0);
    upgrade(&database, "heads").await;
    assert_eq!(raw(&fixture.url, "SELECT meta_data FROM image_locations").await, [["{\"backend\": \"own\"}"]]);
    // Below it, it names the store, in as many rows as there may be.
    migrations.downgrade("rocky_contract02", Losses::Accept, &mut |_| ()).await.unwrap();
    let row = |id: u32| {
        format!("({id}, 'open', 'file:///b', '2026-01-01 00:00:00', FALSE, '{{\"backend\": \"b\"}}', 'active')")
    };
    let rows: Vec<_> = (2..=1201).map(row).collect();
    let columns = "id, image_id, value, created_at, deleted, meta_data, status";
    raw(&fixture.url, &format!("INSERT INTO image_locations ({columns}) VALUES {}", rows.join(", "))).await;
    migrations.upgrade(EXPAND_HEAD, Triggers::Omit, &mut |_| ()).await.unwrap();
    assert!(migrations.has_pending_data().await.unwrap());
    assert_eq!(migrations.migrate_data().await.unwrap(), 1201);
    assert!(!migrations.has_pending_data().await.unwrap());
    let seen = raw(&fixture.url, "SELECT DISTINCT meta_data FROM image_locations ORDER BY 1").await;
    assert_eq!(seen, [["{\"store\": \"b\"}"], ["{\"store\": \"own\"}"]]);
    database.close().await;
    fixture.remove().await;
}

async fn can_be_interrupted_anywhere(engine: Engine) {
    let Some(fixture) = Fixture::create(engine).await else { return };
    let Some(whole) = Fixture::create(engine).await else { return };
    let database = whole.connect().await;
    upgrade(&database, "heads").await;
    let mut patience = Duration::from_millis(2);
    let mut interruptions = 0;
    for (target, upwards) in [("heads", true), (INITIAL, false), ("heads", true)] {
        loop {
            let interrupted = fixture.connect().await;
            let migrations = interrupted.migrations();
            let ended = if upwards {
                tokio::time::timeout(patience, migrations.upgrade(target, Triggers::Create, &mut |_| ())).await
            } else {
                tokio::time::timeout(patience, migrations.downgrade(target, Losses::Refuse, &mut |_| ())).await
            };
            interrupted.close().await;
            match ended {
                Ok(done) => break done.unwrap(),
                Err(_) => interruptions += 1,
            }
            patience += patience / 4;
        }
        patience = Duration::from_millis(2);
    }
    assert!(interruptions > 3, "{interruptions}");
    assert_same(&described(engine, &fixture.url).await, &described(engine, &whole.url).await, "interrupted");
    assert_eq!(version_rows(&fixture.url).await, [[HEAD]]);
    database.close().await;
    whole.remove().await;
    fixture.remove().await;
}

async fn the_revision_is_never_unknown(engine: Engine) {
    let Some(fixture) = Fixture::create(engine).await else { return };
    let database = fixture.connect().await;
    upgrade(&database, "mitaka02").await;
    let replace = |condition: &str| {
        let columns = format!("version_num VARCHAR(32) NOT NULL PRIMARY KEY {condition}");
        ["DROP TABLE alembic_version".to_owned(), format!("CREATE TABLE alembic_version ({columns})")]
    };
    for sql in replace("CHECK (version_num = 'mitaka02')") {
        raw(&fixture.url, &sql).await;
    }
    raw(&fixture.url, "INSERT INTO alembic_version VALUES ('mitaka02')").await;
    let ended = database.migrations().upgrade("heads", Triggers::Create, &mut |_| ()).await;
    assert!(ended.is_err());
    assert_eq!(version_rows(&fixture.url).await, [["mitaka02"]]);
    for sql in replace("") {
        raw(&fixture.url, &sql).await;
    }
    raw(&fixture.url, "INSERT INTO alembic_version VALUES ('mitaka02')").await;
    upgrade(&database, "heads").await;
    assert_eq!(version_rows(&fixture.url).await, [[HEAD]]);
    database.close().await;
    fixture.remove().await;
}

async fn two_at_once_do_it_once(engine: Engine) {
    let Some(fixture) = Fixture::create(engine).await else { return };
    let (one, other) = (fixture.connect().await, fixture.connect().await);
    tokio::join!(upgrade(&one, "heads"), upgrade(&other, "heads"));
    assert_eq!(one.schema_state().await.unwrap(), SchemaState::AtHead);
    one.prepare_own_objects().await.unwrap();
    fill(&fixture.url).await;
    tokio::join!(downgrade(&one, "rocky_contract02"), downgrade(&other, "rocky_contract02"));
    assert_eq!(version_rows(&fixture.url).await, [["rocky_contract02"]]);
    one.close().await;
    other.close().await;
    fixture.remove().await;
}

/// Up and down at once: whoever finds the ground gone stops, and what stands is a revision as it should be.
async fn two_directions_at_once_leave_a_whole_schema(engine: Engine) {
    let Some(fixture) = Fixture::create(engine).await else { return };
    let (one, other) = (fixture.connect().await, fixture.connect().await);
    let mut at = std::collections::BTreeMap::new();
    for revision in revisions(&one).await {
        upgrade(&one, revision).await;
        at.insert(revision.to_owned(), sorted(described(engine, &fixture.url).await));
    }
    for _ in 0..3 {
        downgrade(&one, "queens_contract01").await;
        let (up, down) =
            tokio::join!(async { one.migrations().upgrade("heads", Triggers::Create, &mut |_| ()).await }, async {
                other.migrations().downgrade("mitaka01", Losses::Refuse, &mut |_| ()).await
            },);
        for stopped in [up, down].into_iter().filter_map(Result::err) {
            assert_eq!(stopped.kind(), Kind::Conflict, "{stopped}");
        }
        // An upgrade goes on from wherever the two have stopped; two heads are an expansion without its contraction.
        if let [[head]] = &version_rows(&fixture.url).await.iter().map(Vec::as_slice).collect::<Vec<_>>()[..]
            && !head.contains("_expand")
        {
            assert_same(&sorted(described(engine, &fixture.url).await), &at[head], head);
        }
        upgrade(&one, "heads").await;
        assert_same(&sorted(described(engine, &fixture.url).await), &at[HEAD], "at head");
    }
    one.close().await;
    other.close().await;
    fixture.remove().await;
}

async fn knows_where_it_is(engine: Engine) {
    let Some(fixture) = Fixture::create(engine).await else { return };
    let database = fixture.connect().await;
    let migrations = database.migrations();
    assert_eq!(migrations.heads().await.unwrap(), [""; 0]);
    let unknown = migrations.upgrade("newton", Triggers::Create, &mut |_| ()).await.unwrap_err();
    assert_eq!(unknown.kind(), Kind::Invalid);
    let early = migrations.downgrade(INITIAL, Losses::Refuse, &mut |_| ()).await.unwrap_err();
    assert_eq!(early.kind(), Kind::Conflict);
    let mut seen = Vec::new();
    migrations.upgrade("ocata_contract01", Triggers::Create, &mut |id| seen.push(id)).await.unwrap();
    assert_eq!(seen, ["liberty", "mitaka01", "mitaka02", "ocata_expand01", "ocata_contract01"]);
    // As upstream named them before it split them.
    raw(&fixture.url, "UPDATE alembic_version SET version_num = 'ocata01'").await;
    assert_eq!(migrations.heads().await.unwrap(), ["ocata_contract01"]);
    upgrade(&database, "pike_contract01").await;
    assert_eq!(version_rows(&fixture.url).await, [["pike_contract01"]]);
    migrations.stamp("heads").await.unwrap();
    assert_eq!(version_rows(&fixture.url).await, [[HEAD]]);
    raw(&fixture.url, "DROP TABLE alembic_version").await;
    let nameless = migrations.upgrade("heads", Triggers::Create, &mut |_| ()).await.unwrap_err();
    assert_eq!(nameless.kind(), Kind::Conflict);
    migrations.stamp("pike_contract01").await.unwrap();
    upgrade(&database, "heads").await;
    database.close().await;
    fixture.remove().await;
}

async fn detached_it_is_upstreams_alone(engine: Engine) {
    let Some(fixture) = Fixture::create(engine).await else { return };
    let database = fixture.prepared().await;
    let tables = match engine {
        Engine::Sqlite => "SELECT name FROM sqlite_master WHERE name LIKE 'rs\\_%' ESCAPE '\\'",
        Engine::Postgres => "SELECT relname::text FROM pg_class WHERE relname LIKE 'rs\\_%'",
        Engine::MySql => {
            "SELECT table_name FROM information_schema.tables WHERE table_schema = DATABASE() AND table_name LIKE 'rs\\_%'
             UNION SELECT index_name FROM information_schema.statistics
             WHERE table_schema = DATABASE() AND index_name LIKE 'rs\\_%'"
        }
    };
    assert!(raw(&fixture.url, tables).await.len() > 5);
    let columns = "id, kind, image_id, node_id, store, phase, attempt";
    raw(&fixture.url, &format!("INSERT INTO rs_transfers ({columns}) VALUES ('a', 'b', 'c', 'd', 'e', 'f', 'g')"))
        .await;
    assert_eq!(database.migrations().detach(Losses::Refuse).await.unwrap_err().kind(), Kind::Conflict);
    database.migrations().detach(Losses::Accept).await.unwrap();
    assert_eq!(raw(&fixture.url, tables).await, [[""; 0]; 0]);
    database.migrations().detach(Losses::Refuse).await.unwrap();
    database.prepare_own_objects().await.unwrap();
    assert!(raw(&fixture.url, tables).await.len() > 5);
    database.close().await;
    fixture.remove().await;
}

on_each_engine!(
    each_revision_is_upstreams expanded_before_contracted there_and_back from_the_oldest_up_and_back what_would_be_lost_is_told_first
    old_rows_are_understood can_be_interrupted_anywhere two_at_once_do_it_once knows_where_it_is
    names_of_others_are_kept_or_told two_directions_at_once_leave_a_whole_schema
    detached_it_is_upstreams_alone the_revision_is_never_unknown
);
