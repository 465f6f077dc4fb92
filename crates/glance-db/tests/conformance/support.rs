//! Databases of their own for the tests, and images to put into them.

use std::fmt::Write as _;

use glance_db::{CompletedUpload, Database, Deletion, Engine, NewUpload, Node, NodeId, Settings, Transition, WorkId};
use glance_domain::{Image, ImageId, Location, LocationStatus, ProjectId, Status, StoreId, Timestamp, Visibility};
use sqlx::{AssertSqlSafe, Connection as _};

/// An empty database that exists as long as the value does, or longer when the test fails.
pub(crate) struct Fixture {
    pub(crate) url: String,
    admin: Option<String>,
    name: String,
    _folder: Option<tempfile::TempDir>,
}

impl Fixture {
    /// `None`, with a message, when no server of that kind is given.
    pub(crate) async fn create(engine: Engine) -> Option<Self> {
        let variable = match engine {
            Engine::Sqlite => return Some(Self::sqlite()),
            Engine::Postgres => "GLANCE_TEST_POSTGRES_URL",
            Engine::MySql => "GLANCE_TEST_MYSQL_URL",
        };
        let Some(admin) = environment(variable) else {
            println!("SKIPPED: {variable} is not set");
            return None;
        };
        let name = format!("glance_{}", uuid::Uuid::new_v4().simple());
        let options = if engine == Engine::MySql { " CHARACTER SET utf8mb4" } else { "" };
        run_as_admin(&admin, &format!("CREATE DATABASE {name}{options}")).await;
        let (server, _) = admin.rsplit_once('/').unwrap();
        Some(Self { url: format!("{server}/{name}"), admin: Some(admin), name, _folder: None })
    }

    fn sqlite() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let url = format!("sqlite:///{}/glance.sqlite", folder.path().display());
        Self { url, admin: None, name: String::new(), _folder: Some(folder) }
    }

    pub(crate) fn settings(&self) -> Settings {
        Settings { max_pool_size: 4, max_overflow: Some(0), ..Settings::new(&self.url) }
    }

    pub(crate) async fn connect(&self) -> Database {
        Database::connect(&self.settings()).await.unwrap()
    }

    /// The database with all tables.
    pub(crate) async fn prepared(&self) -> Database {
        let database = self.connect().await;
        database.create_schema().await.unwrap();
        database.prepare_own_objects().await.unwrap();
        database
    }

    pub(crate) async fn remove(self) {
        if let Some(admin) = &self.admin {
            run_as_admin(admin, &format!("DROP DATABASE {}", self.name)).await;
        }
    }
}

#[expect(clippy::disallowed_methods, reason = "where the servers are is told by whoever starts the tests")]
pub(crate) fn environment(variable: &str) -> Option<String> {
    std::env::var(variable).ok()
}

async fn run_as_admin(url: &str, sql: &str) {
    let query = sqlx::raw_sql(AssertSqlSafe(sql));
    if url.starts_with("mysql") {
        let mut connection = sqlx::MySqlConnection::connect(url).await.unwrap();
        query.execute(&mut connection).await.unwrap();
    } else {
        let mut connection = sqlx::PgConnection::connect(url).await.unwrap();
        query.execute(&mut connection).await.unwrap();
    }
}

/// Text columns of rows of `sql`, without the crate under test; NULL is `~`.
pub(crate) async fn raw(url: &str, sql: &str) -> Vec<Vec<String>> {
    macro_rules! rows {
        ($connection:ty, $url:expr) => {{
            let mut connection = <$connection>::connect($url).await.unwrap();
            let rows = sqlx::raw_sql(AssertSqlSafe(sql)).fetch_all(&mut connection).await.unwrap();
            let text = |row: &_, column| -> String {
                let cell: Option<String> = sqlx::Row::try_get_unchecked(row, column).unwrap();
                cell.unwrap_or_else(|| "~".into())
            };
            rows.iter().map(|row| (0..sqlx::Row::len(row)).map(|column| text(row, column)).collect()).collect()
        }};
    }
    match url.split_once(':').unwrap() {
        ("mysql", _) => rows!(sqlx::MySqlConnection, url),
        ("postgresql", _) => rows!(sqlx::PgConnection, url),
        (_, path) => rows!(sqlx::SqliteConnection, &format!("sqlite://{}", path.trim_start_matches("///"))),
    }
}

/// Declares a test that runs on each database, as `name::sqlite`, `name::postgres` and `name::mysql`.
macro_rules! on_every_database {
    ($($(#[$meta:meta])* async fn $name:ident($database:ident: Database) $body:block)+) => {$(
        $(#[$meta])*
        mod $name {
            use super::*;

            async fn test($database: glance_db::Database) $body

            async fn run(engine: glance_db::Engine) {
                let Some(fixture) = $crate::support::Fixture::create(engine).await else { return };
                let database = fixture.prepared().await;
                test(database.clone()).await;
                database.close().await;
                fixture.remove().await;
            }

            #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn sqlite() {
                run(glance_db::Engine::Sqlite).await;
            }

            #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn postgres() {
                run(glance_db::Engine::Postgres).await;
            }

            #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn mysql() {
                run(glance_db::Engine::MySql).await;
            }
        }
    )+};
}
pub(crate) use on_every_database;

/// Declares tests for each engine of functions that take one: `name::sqlite`, `name::postgres` and `name::mysql`.
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
pub(crate) use on_each_engine;

/// A moment `seconds` after the beginning of 2026: whole seconds, because MySQL keeps no more.
pub(crate) fn at(seconds: i64) -> Timestamp {
    let start = Timestamp::parse_iso("2026-01-01").unwrap();
    Timestamp::from_utc(start.utc() + chrono::Duration::seconds(seconds))
}

pub(crate) fn id(text: &str) -> ImageId {
    ImageId::parse(text).unwrap()
}

pub(crate) fn project(name: &str) -> ProjectId {
    ProjectId::new(name)
}

/// A private image of the project `owner`, one second younger with each number.
pub(crate) fn image(number: i64) -> Image {
    let mut name = String::new();
    write!(name, "image-{number:04}").unwrap();
    let mut image = Image::new(id(&name), Some(project("owner")), at(number));
    image.name = Some(name);
    image.visibility = Visibility::Private;
    image.disk_format = Some("raw".into());
    image.container_format = Some("bare".into());
    image
}

/// An image with something in every attribute.
pub(crate) fn full_image() -> Image {
    let mut image = image(1);
    image.visibility = Visibility::Community;
    image.protected = true;
    image.hidden = true;
    image.disk_format = Some("qcow2".into());
    image.container_format = Some("bare".into());
    image.size = Some(5_000_000_000_000);
    image.virtual_size = Some(6_000_000_000_000);
    image.checksum = Some("d41d8cd98f00b204e9800998ecf8427e".into());
    image.os_hash_algo = Some("sha512".into());
    image.os_hash_value = Some("ab".repeat(64));
    image.min_disk = i32::MAX;
    image.min_ram = 512;
    image.tags = ["linux", "größer", "with space"].map(String::from).into();
    image.properties.insert("os_distro".into(), Some("debian".into()));
    image.properties.insert("empty".into(), Some(String::new()));
    image.properties.insert("nothing".into(), None);
    image.locations = vec![location("file:///one"), location("file:///two")];
    image
}

pub(crate) fn location(url: &str) -> Location {
    let metadata = serde_json::json!({"store": "fast", "nested": {"list": [1, null, "x"]}});
    Location {
        id: None,
        url: url.into(),
        metadata: metadata.as_object().unwrap().clone(),
        status: LocationStatus::Active,
    }
}

/// The image without the numbers of its location rows.
pub(crate) fn unnumbered(mut image: Image) -> Image {
    image.locations.iter_mut().for_each(|location| location.id = None);
    image
}

/// A node whose id is its name.
pub(crate) fn node(name: &str) -> Node {
    Node {
        id: NodeId::new(name),
        name: name.into(),
        boot_id: "boot".into(),
        pid_namespace: "4026531836".into(),
        pid: i64::from(u32::MAX),
        pid_started: i64::MAX,
        lease: std::time::Duration::from_secs(60),
    }
}

/// An upload by `node` to [`image`] number `number`.
pub(crate) fn upload(number: i64, node: &Node) -> NewUpload {
    NewUpload {
        id: WorkId::new(format!("upload-{number}-{}", node.name)),
        image: image(number).id,
        node: node.id.clone(),
        store: StoreId::new("fast"),
        transition: Transition::UPLOAD,
        reservation: None,
    }
}

/// A deletion by `node` of [`image`] number `number`.
pub(crate) fn deletion(number: i64, node: &Node) -> Deletion {
    Deletion { id: WorkId::random(), image: image(number).id, node: node.id.clone() }
}

/// The way of an upload that ends well.
pub(crate) const ACTIVATE: Transition = Transition { from: Status::Saving, to: Status::Active };

/// The way of an upload that fails.
pub(crate) const BACK: Transition = Transition { from: Status::Saving, to: Status::Queued };

/// What an upload may end with.
pub(crate) fn completed() -> CompletedUpload {
    CompletedUpload {
        size: 3_000_000_000,
        virtual_size: Some(u64::try_from(i64::MAX).unwrap()),
        checksum: Some("d41d8cd98f00b204e9800998ecf8427e".into()),
        os_hash_algo: Some("sha512".into()),
        os_hash_value: Some("cd".repeat(64)),
        location: location("file:///data"),
    }
}
