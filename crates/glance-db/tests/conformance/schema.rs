//! The schema, alone and beside upstream's.
//!
//! `GLANCE_TEST_PYTHON` may name a Python interpreter in which Glance 33 is installed: then the tables
//! are compared with those that its `db_sync` makes, and each side reads what the other has written.

use std::path::PathBuf;
use std::process::Command;

use glance_db::{Database, Engine, Kind, SchemaState};
use glance_domain::query::{ImageQuery, Viewer};
use glance_domain::{Image, Visibility};

use crate::support::{Fixture, at, environment, full_image, id, image, on_every_database, project, raw, unnumbered};

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

/// A database that upstream's `db_sync` has filled with tables; `None` when upstream is not at hand.
struct Upstream {
    fixture: Fixture,
    python: PathBuf,
    folder: tempfile::TempDir,
}

impl Upstream {
    async fn create(engine: Engine) -> Option<Self> {
        let Some(python) = environment("GLANCE_TEST_PYTHON") else {
            println!("SKIPPED: GLANCE_TEST_PYTHON is not set");
            return None;
        };
        let fixture = Fixture::create(engine).await?;
        let upstream = Self { fixture, python: python.into(), folder: tempfile::tempdir().unwrap() };
        let url =
            upstream.fixture.url.replace("mysql:", "mysql+pymysql:").replace("postgresql:", "postgresql+psycopg2:");
        std::fs::write(upstream.config(), format!("[database]\nconnection = {url}\n")).unwrap();
        upstream.run(&["-m", "glance.cmd.manage", "--config-file", upstream.config().to_str().unwrap(), "db_sync"]);
        Some(upstream)
    }

    fn config(&self) -> PathBuf {
        self.folder.path().join("glance.conf")
    }

    fn run(&self, arguments: &[&str]) -> String {
        let output = Command::new(&self.python).args(arguments).output().unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8(output.stdout).unwrap()
    }

    /// Runs a program that has upstream's database functions as `db` and an administrator as `admin`.
    fn run_with_functions(&self, program: &str) -> String {
        let before = format!(
            "import sys\n\
             from glance import context\n\
             from glance.common import config\n\
             from glance.db.sqlalchemy import api as db\n\
             config.parse_args(args=[], default_config_files=['{}'])\n\
             admin = context.RequestContext(is_admin=True, project_id='owner')\n",
            self.config().display()
        );
        self.run(&["-c", &(before + program)])
    }
}

/// What describes the tables of a database, whoever made them; the service's own objects are left out.
fn descriptions(engine: Engine) -> &'static [&'static str] {
    match engine {
        Engine::Sqlite => &[
            "SELECT type, name, tbl_name, sql FROM sqlite_master WHERE name NOT LIKE 'rs\\_%' ESCAPE '\\'
             AND tbl_name NOT LIKE 'rs\\_%' ESCAPE '\\' ORDER BY type, name",
            "SELECT m.name, CAST(c.cid AS TEXT), c.name, c.type, CAST(c.\"notnull\" AS TEXT), c.dflt_value, CAST(c.pk AS TEXT)
             FROM sqlite_master m, pragma_table_info(m.name) c WHERE m.type = 'table' AND m.name NOT LIKE 'rs\\_%' ESCAPE '\\'
             ORDER BY m.name, c.cid",
        ],
        Engine::Postgres => &[
            "SELECT table_name, column_name, udt_name, character_maximum_length::text, is_nullable, column_default,
             (row_number() OVER (PARTITION BY table_name ORDER BY ordinal_position))::text
             FROM information_schema.columns WHERE table_schema = 'public' AND table_name NOT LIKE 'rs\\_%' ORDER BY 1, 7",
            "SELECT conrelid::regclass::text, conname, pg_get_constraintdef(oid) FROM pg_constraint
             WHERE connamespace = 'public'::regnamespace AND conrelid::regclass::text NOT LIKE 'rs\\_%' ORDER BY 1, 2",
            "SELECT tablename, indexname, indexdef FROM pg_indexes WHERE schemaname = 'public'
             AND indexname NOT LIKE 'rs\\_%' ORDER BY 1, 2",
            "SELECT sequence_name, data_type, maximum_value FROM information_schema.sequences
             WHERE sequence_name NOT LIKE 'rs\\_%' ORDER BY 1",
            "SELECT t.typname, e.enumlabel, e.enumsortorder::text FROM pg_enum e JOIN pg_type t ON t.oid = e.enumtypid ORDER BY 3",
        ],
        Engine::MySql => &[
            "SELECT table_name, engine, table_collation FROM information_schema.tables
             WHERE table_schema = DATABASE() AND table_name NOT LIKE 'rs\\_%' ORDER BY 1",
            "SELECT table_name, CAST(ordinal_position AS CHAR), column_name, column_type, is_nullable, column_default, extra,
             collation_name FROM information_schema.columns
             WHERE table_schema = DATABASE() AND table_name NOT LIKE 'rs\\_%' ORDER BY table_name, ordinal_position",
            "SELECT table_name, index_name, CAST(seq_in_index AS CHAR), column_name, CAST(non_unique AS CHAR)
             FROM information_schema.statistics WHERE table_schema = DATABASE() AND table_name NOT LIKE 'rs\\_%'
             AND index_name NOT LIKE 'rs\\_%' ORDER BY 1, 2, 3",
            "SELECT table_name, constraint_name, column_name, referenced_table_name, referenced_column_name
             FROM information_schema.key_column_usage
             WHERE table_schema = DATABASE() AND table_name NOT LIKE 'rs\\_%' ORDER BY 1, 2, ordinal_position",
            "SELECT table_name, constraint_name, check_clause FROM information_schema.check_constraints
             WHERE constraint_schema = DATABASE() AND table_name NOT LIKE 'rs\\_%' ORDER BY 1, 2",
        ],
    }
}

/// SQLite keeps the text of `CREATE`: blanks, quotes and the order of its parts mean nothing here.
fn normalized(cell: &str) -> String {
    let Some((head, body)) = cell.strip_prefix("CREATE TABLE").and_then(|rest| rest.split_once('(')) else {
        return cell.to_owned();
    };
    let body = body.trim_end().trim_end_matches(')').replace('"', "");
    let mut depth = 0;
    let mut parts = vec![String::new()];
    for c in body.chars() {
        depth += i32::from(c == '(') - i32::from(c == ')');
        if c == ',' && depth == 0 { parts.push(String::new()) } else { parts.last_mut().unwrap().push(c) }
    }
    let mut parts: Vec<_> = parts.iter().map(|part| part.split_whitespace().collect::<Vec<_>>().join(" ")).collect();
    parts.sort();
    format!("{}: {}", head.trim().replace('"', ""), parts.join(", "))
}

async fn described(engine: Engine, url: &str) -> Vec<String> {
    let mut all = Vec::new();
    for sql in descriptions(engine) {
        let rows = raw(url, sql).await;
        assert!(!rows.is_empty(), "{sql}");
        all.extend(rows.iter().map(|row| row.iter().map(|cell| normalized(cell)).collect::<Vec<_>>().join(" | ")));
    }
    all
}

async fn compared(engine: Engine) {
    let Some(upstream) = Upstream::create(engine).await else { return };
    let Some(fixture) = Fixture::create(engine).await else { return };
    fixture.prepared().await.close().await;
    let (theirs, ours) = (described(engine, &upstream.fixture.url).await, described(engine, &fixture.url).await);
    let only = |a: &[String], b: &[String]| a.iter().filter(|line| !b.contains(line)).cloned().collect::<Vec<_>>();
    assert_eq!((only(&theirs, &ours), only(&ours, &theirs)), (vec![], vec![]), "only theirs, only ours");
    assert_eq!(theirs, ours);
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

macro_rules! on_each_engine {
    ($($test:ident)+) => {$(
        mod $test {
            #[tokio::test]
            async fn sqlite() {
                super::$test(glance_db::Engine::Sqlite).await;
            }

            #[tokio::test]
            async fn postgres() {
                super::$test(glance_db::Engine::Postgres).await;
            }

            #[tokio::test]
            async fn mysql() {
                super::$test(glance_db::Engine::MySql).await;
            }
        }
    )+};
}

on_each_engine!(states compared shared);
