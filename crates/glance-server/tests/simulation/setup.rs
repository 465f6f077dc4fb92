//! The catalogue of a worker, and the processes of a seed.

use std::sync::atomic::Ordering;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use arc_swap::ArcSwap;
use glance_db::{Database, Node, NodeId, Settings};
use glance_domain::{Image, ImageId, ProjectId, StoreId};
use glance_server::app::App;
use glance_server::app::clock::Clock;
use glance_server::app::context::RequestContext;
use glance_server::config::load::snapshot;
use glance_server::config::options::TABLES;
use glance_server::config::policy::enforcer;
use glance_server::metrics::Metrics;
use glance_server::policies::Enforcer;
use glance_server::stream::hash::HashPool;
use glance_server::tasks::Tasks;
use glance_store::registry::Naming;
use glance_store::{StoreEntry, Stores};
use oslo::config::{Config, Sources};
use tempfile::TempDir;

use crate::store::FaultStore;
use crate::world::World;

/// Bytes that a project may store.
pub(crate) const QUOTA: u64 = 4_000;

/// How long a lease lasts.
pub(crate) const LEASE: Duration = Duration::from_secs(60);

/// A real catalogue in memory, used by one seed after the other.
pub(crate) struct Catalogue {
    pub(crate) db: Database,
    options: Config,
    config: Arc<glance_server::config::Config>,
    /// Of processes of earlier seeds: it takes long to make the rules.
    enforcers: Mutex<Vec<Enforcer>>,
    _folder: TempDir,
}

impl Catalogue {
    pub(crate) async fn new() -> Self {
        let shared_memory = std::path::Path::new("/dev/shm");
        let folder = if shared_memory.is_dir() { tempfile::tempdir_in(shared_memory) } else { tempfile::tempdir() };
        let folder = folder.expect("a folder");
        let mut settings = Settings::new(format!("sqlite:///{}/db", folder.path().display()));
        settings.sqlite_synchronous = false;
        settings.sqlite_readers = 1;
        let db = Database::connect(&settings).await.expect("a database");
        db.create_schema().await.expect("tables");
        db.prepare_own_objects().await.expect("own tables");
        let mut sources = Sources::new();
        let text = format!("[DEFAULT]\nuser_storage_quota = {QUOTA}\n");
        sources.add_text("test.conf", &text).expect("options");
        let options = Config::new(sources, TABLES);
        let config = Arc::new(snapshot(&options, Some(ProjectId::new("default"))).expect("a configuration"));
        Self { db, options, config, enforcers: Mutex::default(), _folder: folder }
    }

    /// A process, which has just registered.
    pub(crate) async fn process(&self, world: &World, number: usize) -> Arc<App> {
        let db = self.db.clone().simulated(world.simulation(number));
        let node = Node {
            id: NodeId::new(db.new_work_id().as_str()),
            name: format!("node-{number}"),
            // Of another machine: nobody can tell that it is dead.
            boot_id: format!("boot-{number}"),
            pid_namespace: String::new(),
            pid: 1,
            pid_started: 1,
            lease: LEASE,
        };
        let clock = Clock::Simulated(world.clock.clone());
        let plain = self.db.clone().simulated(world.simulation_without_gates());
        plain.register_node(&node).await.expect("a node");
        let store = FaultStore { world: world.clone(), node: number };
        let entry = StoreEntry::new(StoreId::new("fast"), "memory", Arc::new(store));
        let kept = self.enforcers.lock().expect("nobody panics").pop();
        Arc::new(App {
            db,
            stores: Stores::new(vec![entry], &StoreId::new("fast"), Naming::Named).expect("stores"),
            project_limits: None,
            policy: kept.unwrap_or_else(|| enforcer(&self.options).expect("rules")),
            tasks: Tasks::new(node, clock.uptime()),
            clock,
            hashes: HashPool::new(1),
            metrics: Metrics::default(),
            config: ArcSwap::new(self.config.clone()),
        })
    }

    /// Keeps what is of use to the next seed.
    pub(crate) fn recycle(&self, processes: impl Iterator<Item = Arc<App>>) {
        let enforcers = processes.filter_map(Arc::into_inner).map(|app| app.policy);
        self.enforcers.lock().expect("nobody panics").extend(enforcers);
    }

    /// A queued image of the project.
    pub(crate) async fn image(&self, world: &World, project: &ProjectId) -> ImageId {
        let number = world.ids.fetch_add(1, Ordering::SeqCst);
        let id = ImageId::parse(&format!("00000000-0000-4000-8000-{number:012}")).expect("an id");
        let now = Clock::Simulated(world.clock.clone()).now();
        let image = Image {
            disk_format: Some("raw".into()),
            container_format: Some("bare".into()),
            ..Image::new(id.clone(), Some(project.clone()), now)
        };
        self.db.create_image(&image).await.expect("an image");
        id
    }
}

/// The one who calls.
pub(crate) fn caller(app: &App, project: &ProjectId) -> RequestContext {
    RequestContext::administrator("req".to_owned(), Some(project.clone()), app.config.load_full())
}

impl Catalogue {
    /// Makes room for the next seed's processes.
    pub(crate) async fn forget_nodes(&self) {
        for listed in self.db.list_nodes().await.expect("nodes") {
            self.db.forget_node(&listed.node.id).await.expect("a node without records");
        }
    }
}
