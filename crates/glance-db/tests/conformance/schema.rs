//! The schema, alone and beside upstream's.
//!
//! `GLANCE_TEST_PYTHON` may name a Python interpreter in which Glance 33 is installed: then the tables
//! are compared with those that its `db_sync` makes, and each side reads what the other has written.

use glance_db::{Database, Engine, Kind, SchemaState};
use glance_domain::query::{ImageQuery, Viewer};
use glance_domain::{Image, Visibility};

use crate::support::{Fixture, at, full_image, id, image, on_each_engine, on_every_database, project, raw, unnumbered};
use crate::upstream::{Upstream, assert_same, described};

on_every_database! {
    async fn is_at_head_when_created(database: Database) {
        assert_eq!(database.schema_state().await.unwrap(), SchemaState::AtHead);
        database.ping().await.unwrap();
        database.create_schema().await.unwrap();
        database.prepare_own_objects().await.unwrap();
        assert_eq!(database.schema_state().await.unwrap(), SchemaState::AtHead);
    }
}

#[tokio::test]
async fn a_database_in_memory_is_one_database() {
    let database = Database::connect(&glance_db::Settings::new("sqlite://")).await.unwrap();
    database.create_schema().await.unwrap();
    database.prepare_own_objects().await.unwrap();
    database.create_image(&image(1)).await.unwrap();
    assert_eq!(database.get_image(&image(1).id, &Viewer::Admin(None)).await.unwrap(), image(1));
}

#[tokio::test]
async fn what_cannot_be_reached_is_unavailable() {
    let mut settings = glance_db::Settings::new("sqlite:////nonexistent/folder/glance.sqlite");
    settings.acquire_timeout = std::time::Duration::from_secs(1);
    for url in
        [settings.url.clone(), "mysql://u:secret@127.0.0.1:1/d".into(), "postgresql://u:secret@127.0.0.1:1/d".into()]
    {
        let error = Database::connect(&glance_db::Settings { url, ..settings.clone() }).await.unwrap_err();
        assert_eq!(error.kind(), Kind::Unavailable, "{error:?}");
        assert!(!format!("{error:?}").contains("secret"));
    }
}

async fn states(engine: Engine) {
    let Some(fixture) = Fixture::create(engine).await else { return };
    let database = fixture.connect().await;
    assert_eq!(database.schema_state().await.unwrap(), SchemaState::Empty);
    database.create_schema().await.unwrap();
    let other = |revision: &str| format!("UPDATE alembic_version SET version_num = '{revision}'");
    let revision = "queens_expand01".to_owned();
    raw(&fixture.url, &other(&revision)).await;
    assert_eq!(database.schema_state().await.unwrap(), SchemaState::Behind { revision });
    assert_eq!(database.create_schema().await.unwrap_err().kind(), Kind::Conflict);
    let revision = "2031_1_expand01".to_owned();
    raw(&fixture.url, &other(&revision)).await;
    assert_eq!(database.schema_state().await.unwrap(), SchemaState::Foreign { revision });
    raw(&fixture.url, "DROP TABLE alembic_version").await;
    assert_eq!(database.schema_state().await.unwrap(), SchemaState::Foreign { revision: String::new() });
    database.close().await;
    assert_eq!(database.ping().await.unwrap_err().kind(), Kind::Unavailable);
    fixture.remove().await;
}

async fn compared(engine: Engine) {
    let Some(upstream) = Upstream::create(engine).await else { return };
    let Some(fixture) = Fixture::create(engine).await else { return };
    fixture.prepared().await.close().await;
    let (theirs, ours) = (described(engine, &upstream.fixture.url).await, described(engine, &fixture.url).await);
    assert_same(&ours, &theirs, "at head");
    fixture.remove().await;
    upstream.fixture.remove().await;
}

async fn shared(engine: Engine) {
    let Some(upstream) = Upstream::create(engine).await else { return };
    let database = upstream.fixture.connect().await;
    assert_eq!(database.schema_state().await.unwrap(), SchemaState::AtHead);
    database.prepare_own_objects().await.unwrap();
    we_read_theirs(&upstream, &database).await;
    they_read_ours(&upstream, &database).await;
    database.close().await;
    upstream.fixture.remove().await;
}

async fn we_read_theirs(upstream: &Upstream, database: &Database) {
    upstream.run_with_functions(
        "import datetime\n\
         one = dict(id='theirs', name='image-0001', status='active', visibility='community', protected=True,\n\
                    os_hidden=True, owner='owner', disk_format='qcow2', container_format='bare', size=5000000000000,\n\
                    virtual_size=6000000000000, checksum='d41d8cd98f00b204e9800998ecf8427e', os_hash_algo='sha512',\n\
                    os_hash_value='ab' * 64, min_disk=2147483647, min_ram=512,\n\
                    created_at=datetime.datetime(2026, 1, 1, 0, 0, 1), updated_at=datetime.datetime(2026, 1, 1, 0, 0, 1),\n\
                    properties={'os_distro': 'debian', 'empty': '', 'nothing': None},\n\
                    locations=[{'url': url, 'metadata': {'store': 'fast', 'nested': {'list': [1, None, 'x']}},\n\
                                'status': 'active'} for url in ('file:///one', 'file:///two')])\n\
         db.image_create(admin, one)\n\
         db.image_tag_set_all(admin, 'theirs', ['linux', 'größer', 'with space'])\n\
         db.image_create(admin, dict(id='gone', status='queued', min_disk=0, min_ram=0, properties={'a': 'b'}))\n\
         db.image_destroy(admin, 'gone')\n",
    );
    let expected = Image { id: id("theirs"), status: glance_domain::Status::Active, ..full_image() };
    let read = database.get_image(&id("theirs"), &Viewer::Admin(None)).await.unwrap();
    assert_eq!(unnumbered(read), expected);
    let gone = database.get_image(&id("gone"), &Viewer::Admin(None)).await.unwrap_err();
    assert_eq!(gone.kind(), Kind::NotFound);
    assert_eq!(database.create_image(&Image { id: id("gone"), ..image(9) }).await.unwrap_err().kind(), Kind::Duplicate);
}

async fn they_read_ours(upstream: &Upstream, database: &Database) {
    let ours = Image { id: id("ours"), visibility: Visibility::Shared, ..full_image() };
    database.create_image(&ours).await.unwrap();
    let mut after = database.get_image(&ours.id, &Viewer::Admin(None)).await.unwrap();
    let before = after.clone();
    after.tags.remove("linux");
    after.properties.remove("empty");
    after.locations.remove(0);
    database.save_image(&before, &after, at(3)).await.unwrap();
    let seen = upstream.run_with_functions(
        "image = db.image_get(admin, 'ours')\n\
         print(image['name'], image['status'], image['visibility'], image['protected'], image['os_hidden'],\n\
               image['size'], image['virtual_size'], image['created_at'], image['updated_at'], image['deleted'],\n\
               sorted(p.name for p in image['properties'] if not p.deleted),\n\
               [(l['url'], l['metadata']['store'], l['status']) for l in image['locations']],\n\
               sorted(db.image_tag_get_all(admin, 'ours')), sep='\\n')\n\
         db.image_update(admin, 'ours', {'name': 'theirs now', 'properties': {'empty': 'again'}})\n",
    );
    let expected = "image-0001\nqueued\nshared\nTrue\nTrue\n5000000000000\n6000000000000\n2026-01-01 00:00:01\n\
        2026-01-01 00:00:03\nFalse\n['nothing', 'os_distro']\n[('file:///two', 'fast', 'active')]\n\
        ['größer', 'with space']\n";
    assert_eq!(seen, expected);
    let query = ImageQuery { hidden: true, ..ImageQuery::new(Viewer::Project(project("owner")), 10) };
    let listed = database.list_images(&query).await.unwrap();
    let changed = listed.iter().find(|image| image.id == ours.id).unwrap();
    assert_eq!(changed.name.as_deref(), Some("theirs now"));
    assert_eq!(changed.properties.get("empty"), Some(&Some("again".into())));
}

on_each_engine!(states compared shared);
