//! Measures the catalogue: `cargo run --release -p glance-db --example measure -- [URL] [IMAGES]`.
//!
//! Without a URL, on a new SQLite file. Anything else must be an empty database.

#![expect(clippy::print_stdout, reason = "prints what it has measured")]

use std::error::Error;
use std::time::{Duration, Instant};

use glance_db::{CompletedUpload, Database, NewUpload, Node, NodeId, Settings, Transition, WorkId};
use glance_domain::query::{ImageQuery, Viewer};
use glance_domain::{Image, ImageId, Location, LocationStatus, ProjectId, Status, StoreId, Timestamp, Visibility};
use tokio::task::JoinSet;

type Result<T> = std::result::Result<T, Box<dyn Error + Send + Sync>>;

const SPAN: Duration = Duration::from_secs(3);

#[tokio::main(flavor = "multi_thread")]
async fn main() -> Result<()> {
    let folder = tempfile::tempdir()?;
    let mut arguments = std::env::args().skip(1);
    let url = arguments.next().unwrap_or_else(|| format!("sqlite:///{}/measure.sqlite", folder.path().display()));
    let images: u32 = arguments.next().map_or(Ok(10_000), |text| text.parse())?;
    let database = Database::connect(&Settings::new(url)).await?;
    database.create_schema().await?;
    database.prepare_own_objects().await?;
    fill(&database, images).await?;
    for tasks in [1, 4, 32] {
        show(&database, images, tasks).await?;
        list(&database, images, tasks).await?;
        upload(&database, tasks).await?;
    }
    database.close().await;
    Ok(())
}

/// Six properties, two tags and a location each; every tenth image is public, the rest belongs to ten projects.
fn image(number: u32) -> Result<Image> {
    let start = Timestamp::parse_iso("2026-01-01").ok_or("no date")?.utc();
    let created = Timestamp::from_utc(start + chrono::Duration::seconds(number.into()));
    let owner = ProjectId::new(format!("project-{}", number % 10));
    let mut image = Image::new(ImageId::parse(&format!("image-{number:08}"))?, Some(owner), created);
    image.name = Some(format!("Image number {number}"));
    image.visibility = if number.is_multiple_of(10) { Visibility::Public } else { Visibility::Private };
    (image.disk_format, image.container_format) = (Some("qcow2".into()), Some("bare".into()));
    image.size = Some(number.into());
    image.checksum = Some("d41d8cd98f00b204e9800998ecf8427e".into());
    image.properties = (0..6).map(|key| (format!("hw_property_{key}"), Some(format!("value {number}")))).collect();
    image.tags = ["linux", "tested"].map(String::from).into();
    image.locations = vec![location(image.id.as_str())];
    Ok(image)
}

fn location(name: &str) -> Location {
    let mut metadata = serde_json::Map::new();
    metadata.insert("store".into(), "fast".into());
    Location { id: None, url: format!("file:///images/{name}"), metadata, status: LocationStatus::Active }
}

async fn fill(database: &Database, images: u32) -> Result<()> {
    let start = Instant::now();
    let mut tasks = JoinSet::new();
    for part in 0..8 {
        let database = database.clone();
        tasks.spawn(async move {
            for number in (0..images).filter(|number| number % 8 == part) {
                database.create_image(&image(number)?).await?;
            }
            Result::Ok(())
        });
    }
    for result in tasks.join_all().await {
        result?;
    }
    report("create, 8 tasks", images, start);
    Ok(())
}

/// Repeats `work` in each of `tasks` tasks for a while.
async fn repeat<F>(name: &str, tasks: u32, work: impl Fn(u32) -> F + Clone + Send + 'static) -> Result<()>
where
    F: Future<Output = Result<()>> + Send,
{
    let start = Instant::now();
    let mut running = JoinSet::new();
    for task in 0..tasks {
        let work = work.clone();
        running.spawn(async move {
            let mut rounds = 0;
            while start.elapsed() < SPAN {
                work(task.wrapping_mul(7919).wrapping_add(rounds * 31)).await?;
                rounds += 1;
            }
            Result::Ok(rounds)
        });
    }
    let mut rounds = 0;
    for result in running.join_all().await {
        rounds += result?;
    }
    report(&format!("{name}, {tasks} tasks"), rounds, start);
    Ok(())
}

fn report(name: &str, count: u32, start: Instant) {
    let seconds = start.elapsed().as_secs_f64();
    println!("{name:<36} {:>9.0} /s", f64::from(count) / seconds);
}

async fn show(database: &Database, images: u32, tasks: u32) -> Result<()> {
    let database = database.clone();
    repeat("show", tasks, move |seed| {
        let database = database.clone();
        async move {
            let id = ImageId::parse(&format!("image-{:08}", seed % images))?;
            database.get_image(&id, &Viewer::Admin(None)).await?;
            Ok(())
        }
    })
    .await
}

async fn list(database: &Database, images: u32, tasks: u32) -> Result<()> {
    for (name, viewer) in [("admin", Viewer::Admin(None)), ("project", Viewer::Project(ProjectId::new("project-3")))] {
        for marked in [false, true] {
            let (database, viewer) = (database.clone(), viewer.clone());
            let label = format!("list 25, {name}, {}", if marked { "middle" } else { "first page" });
            repeat(&label, tasks, move |_| {
                let (database, viewer) = (database.clone(), viewer.clone());
                async move {
                    let mut query = ImageQuery::new(viewer, 25);
                    if marked {
                        query.marker = Some(ImageId::parse(&format!("image-{:08}", images / 20 * 10))?);
                    }
                    assert_eq!(database.list_images(&query).await?.len(), 25);
                    Ok(())
                }
            })
            .await?;
        }
    }
    Ok(())
}

/// An image registered, uploaded and completed.
async fn upload(database: &Database, tasks: u32) -> Result<()> {
    let id = NodeId::random();
    let (boot_id, pid_namespace) = ("boot".into(), "1".into());
    let node = Node {
        id: id.clone(),
        name: "measure".into(),
        boot_id,
        pid_namespace,
        pid: 1,
        pid_started: 1,
        lease: Duration::from_secs(60),
    };
    database.register_node(&node).await?;
    let database = database.clone();
    repeat("create + begin + complete", tasks, move |_| {
        let (database, node) = (database.clone(), id.clone());
        async move {
            let image = Image { id: ImageId::random(), locations: Vec::new(), ..image(1)? };
            let (store, transition, now) = (StoreId::new("fast"), Transition::UPLOAD, image.created_at);
            let (id, of) = (WorkId::random(), image.id.clone());
            let new = NewUpload { id, image: of, node, store, transition, reservation: None };
            database.create_image(&image).await?;
            database.begin_upload(&new, now).await?;
            database.complete_upload(&new.id, &completed(&image), None, transition.then(Status::Active), now).await?;
            Ok(())
        }
    })
    .await
}

fn completed(image: &Image) -> CompletedUpload {
    CompletedUpload {
        size: 1,
        virtual_size: None,
        checksum: image.checksum.clone(),
        os_hash_algo: None,
        os_hash_value: None,
        location: location(image.id.as_str()),
    }
}
