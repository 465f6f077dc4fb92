//! The image catalogue: metadata in SQLite, PostgreSQL or MySQL/MariaDB.
//!
//! The schema is upstream Glance's to the letter, so that both can run on one database; the service's
//! own tables are named `rs_*`. This is the only crate that names SQL. One method is one transaction.

mod audit;
mod backup;
mod database;
mod error;
mod ids;
mod images;
mod lease;
mod members;
mod metadefs;
mod migrations;
mod nodes;
mod pool;
mod purge;
mod quota;
mod schema;
mod scrub;
mod seal;
mod settings;
pub mod simulation;
mod sql;
mod stores;
mod timestamp;
mod url;
mod work;

pub use audit::{Claims, LocationPage, NamedLocation};
pub use database::{Database, Engine};
pub use error::{Error, Kind, Result};
pub use metadefs::{Association, Definition, Loaded, Merge, Named, ObjectDefinition};
pub use migrations::{EXPAND_HEAD, HEAD, INITIAL, Loss, Losses, Migrations, Observer, RevisionStatus, Triggers};
pub use nodes::{Death, ListedNode, Node, NodeId, Standing};
pub use pool::Connections;
pub use purge::{PurgeLimits, PurgeObserver, Purged};
pub use schema::SchemaState;
pub use scrub::ScrubProgress;
pub use settings::Settings;
pub use stores::StoreIdentity;
pub use work::{
    Begun, CompletedDelete, CompletedUpload, Deletion, LocationChange, NewRemoval, NewUpload, Phase, Postponement,
    Record, Reservation, StorageLimit, Transfer, Transition, Work, WorkId,
};
