//! The image catalogue: metadata in SQLite, PostgreSQL or MySQL/MariaDB.
//!
//! The schema is upstream Glance's to the letter, so that both can run on one database; the service's
//! own tables are named `rs_*`. This is the only crate that names SQL. One method is one transaction.

mod error;
mod settings;
mod transfer;
mod url;

use std::time::Duration;

use glance_domain::query::{ImageQuery, Viewer};
use glance_domain::{Image, ImageId, Member, MemberStatus, ProjectId, Timestamp};

pub use error::{Error, Kind, Result};
pub use settings::Settings;
pub use transfer::{CompletedUpload, Node, NodeId, Phase, Transfer, TransferId, TransferKind};

/// Which database it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Engine {
    /// SQLite, in WAL mode.
    Sqlite,
    /// PostgreSQL.
    Postgres,
    /// MySQL or MariaDB.
    MySql,
}

/// What `alembic_version` says about the schema.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SchemaState {
    /// No tables of Glance.
    Empty,
    /// The revision that this service works with.
    AtHead,
    /// An older revision of Glance: `glance-manage db sync` is due.
    Behind {
        /// The revision it is at.
        revision: String,
    },
    /// A revision that this service does not know.
    Foreign {
        /// The revision it is at.
        revision: String,
    },
}

/// The catalogue. Cloning is cheap; clones share their connections.
#[derive(Clone, Debug)]
pub struct Database;

fn unfinished<T>() -> Result<T> {
    Err(Error::new(Kind::Internal, "not written yet"))
}

#[expect(missing_docs, clippy::missing_errors_doc, unused_variables, reason = "signatures first")]
impl Database {
    pub async fn connect(settings: &Settings) -> Result<Self> {
        unfinished()
    }
    pub fn engine(&self) -> Engine {
        Engine::Sqlite
    }
    pub async fn schema_state(&self) -> Result<SchemaState> {
        unfinished()
    }
    pub async fn create_schema(&self) -> Result<()> {
        unfinished()
    }
    pub async fn prepare_own_objects(&self) -> Result<()> {
        unfinished()
    }
    pub async fn close(&self) {}
    pub async fn ping(&self) -> Result<()> {
        unfinished()
    }
    pub async fn create_image(&self, image: &Image) -> Result<()> {
        unfinished()
    }
    pub async fn get_image(&self, id: &ImageId, viewer: &Viewer) -> Result<Image> {
        unfinished()
    }
    pub async fn list_images(&self, query: &ImageQuery) -> Result<Vec<Image>> {
        unfinished()
    }
    pub async fn save_image(&self, before: &Image, after: &Image, now: Timestamp) -> Result<Image> {
        unfinished()
    }
    pub async fn owner_usage(&self, owner: &ProjectId) -> Result<i64> {
        unfinished()
    }
    pub async fn list_members(&self, image: &ImageId) -> Result<Vec<Member>> {
        unfinished()
    }
    pub async fn add_member(&self, member: &Member) -> Result<()> {
        unfinished()
    }
    pub async fn update_member(
        &self,
        image: &ImageId,
        project: &ProjectId,
        status: MemberStatus,
        now: Timestamp,
    ) -> Result<Member> {
        unfinished()
    }
    pub async fn delete_member(&self, image: &ImageId, project: &ProjectId, now: Timestamp) -> Result<()> {
        unfinished()
    }
    pub async fn register_node(&self, node: &Node) -> Result<()> {
        unfinished()
    }
    pub async fn heartbeat(&self, node: &NodeId) -> Result<bool> {
        unfinished()
    }
    pub async fn forget_node(&self, node: &NodeId) -> Result<()> {
        unfinished()
    }
    pub async fn list_nodes(&self) -> Result<Vec<(Node, Duration)>> {
        unfinished()
    }
    pub async fn begin_upload(&self, transfer: &Transfer, now: Timestamp) -> Result<()> {
        unfinished()
    }
    pub async fn record_transfer(&self, id: &TransferId, phase: Phase, journal: Option<&str>) -> Result<()> {
        unfinished()
    }
    pub async fn complete_upload(&self, id: &TransferId, done: &CompletedUpload, now: Timestamp) -> Result<Image> {
        unfinished()
    }
    pub async fn abort_upload(&self, id: &TransferId, now: Timestamp) -> Result<()> {
        unfinished()
    }
    pub async fn begin_delete(&self, transfer: &Transfer) -> Result<()> {
        unfinished()
    }
    pub async fn complete_delete(&self, id: &TransferId, now: Timestamp) -> Result<()> {
        unfinished()
    }
    pub async fn cancel_delete(&self, id: &TransferId) -> Result<()> {
        unfinished()
    }
    pub async fn list_transfers(&self, node: &NodeId) -> Result<Vec<Transfer>> {
        unfinished()
    }
    pub async fn take_over_node(&self, dead: &NodeId, heir: &NodeId) -> Result<Vec<Transfer>> {
        unfinished()
    }
}
