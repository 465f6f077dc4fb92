//! The service itself: one [`App`], built once, whose methods are the use cases.
//!
//! Every way in (API v2, commands, tasks) calls these methods; none has a second implementation.

pub mod actions;
pub mod clock;
pub mod context;
pub mod download;
pub mod error;
pub mod identity;
pub mod images;
pub mod info;
pub mod locations;
pub mod members;
pub mod properties;
pub mod quota;
pub mod relocation;
pub mod removal;
pub mod storage;
pub mod store_identity;
pub mod tags;
pub mod upload;

use std::sync::Arc;

use arc_swap::ArcSwap;
use glance_db::Database;
use glance_store::Stores;

use crate::app::clock::Clock;
use crate::config::Config;
use crate::metrics::Metrics;
use crate::policies::Enforcer;
use crate::stream::hash::HashPool;
use crate::tasks::Tasks;

/// Everything a use case works with.
pub struct App {
    /// The catalogue.
    pub db: Database,
    /// The named stores.
    pub stores: Stores,
    /// How much a project may have, where Keystone says that (`use_keystone_limits`).
    pub project_limits: Option<keystone_auth::Limits>,
    /// Who may do what.
    pub policy: Enforcer,
    /// Where timestamps come from.
    pub clock: Clock,
    /// Work that outlives the request that began it, and who answers for it.
    pub tasks: Tasks,
    /// The bounded jobs that compute digests.
    pub hashes: HashPool,
    /// What is counted of all this.
    pub metrics: Metrics,
    /// The configuration; replaced whole on reload. A request keeps the snapshot that it began with.
    pub config: ArcSwap<Config>,
}

/// The application as handlers share it.
pub type SharedApp = Arc<App>;
