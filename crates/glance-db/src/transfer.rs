//! Uploads and deletes in flight: the types of the tables `rs_nodes` and `rs_transfers`.
//!
//! A node writes down what it is about to do to a store before it does it, so that another node can
//! clean up after it when it dies.

use std::fmt;

use glance_domain::{ImageId, Location, ProjectId, StoreId};

/// Declares a newtype over a random identifier.
macro_rules! random_id {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
        pub struct $name(String);

        impl $name {
            /// Wraps `text` unchanged.
            pub fn new(text: impl Into<String>) -> Self {
                Self(text.into())
            }

            /// A new random (version 4) UUID.
            #[must_use]
            pub fn random() -> Self {
                Self(uuid::Uuid::new_v4().to_string())
            }

            /// The identifier as text.
            #[must_use]
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }
    };
}

random_id! {
    /// One start of one server process. At most 36 characters.
    NodeId
}
random_id! {
    /// One upload or delete in flight. At most 36 characters.
    TransferId
}

/// A running server process, with what it takes to find out on the same machine that it has died.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Node {
    /// This start of the process.
    pub id: NodeId,
    /// The machine's name. At most 255 characters.
    pub name: String,
    /// The kernel's boot id: another one means that every process of before is dead.
    pub boot_id: String,
    /// The PID namespace in which `pid` counts.
    pub pid_namespace: String,
    /// The process id.
    pub pid: i64,
    /// When the process started, in clock ticks since boot: tells it from a later one with the same id.
    pub pid_started: i64,
}

/// What is being done to a store.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum TransferKind {
    /// Data goes in.
    Upload,
    /// An image is deleted: its data is removed, then its row.
    Delete,
    /// Data is removed that the image no longer has; its location is the journal.
    Removal,
}

impl TransferKind {
    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::Upload => "upload",
            Self::Delete => "delete",
            Self::Removal => "removal",
        }
    }

    pub(crate) fn parse(text: &str) -> Option<Self> {
        [Self::Upload, Self::Delete, Self::Removal].into_iter().find(|kind| kind.as_str() == text)
    }
}

/// How far a transfer is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Phase {
    /// Data is on its way; nothing is visible under the final name.
    Writing,
    /// The store is making the data visible: it may or may not be there already.
    Finishing,
}

impl Phase {
    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::Writing => "writing",
            Self::Finishing => "finishing",
        }
    }

    pub(crate) fn parse(text: &str) -> Option<Self> {
        [Self::Writing, Self::Finishing].into_iter().find(|phase| phase.as_str() == text)
    }
}

/// An upload, a delete or a removal in flight.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Transfer {
    /// Names the transfer; changes when another node takes it over.
    pub id: TransferId,
    /// What is being done.
    pub kind: TransferKind,
    /// To which image.
    pub image: ImageId,
    /// By whom.
    pub node: NodeId,
    /// In which store.
    pub store: StoreId,
    /// How far it is.
    pub phase: Phase,
    /// What the store calls this attempt; stays when another node takes the transfer over. At most 36 characters.
    pub attempt: String,
    /// What the store's driver needs, besides the attempt, in order to undo it from another process.
    pub journal: Option<String>,
}

/// Data that an image loses with a change of its locations.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Removal {
    /// Names the removal.
    pub id: TransferId,
    /// Who removes the data.
    pub node: NodeId,
    /// The store that holds it.
    pub store: StoreId,
    /// Where it is.
    pub url: String,
}

/// What a change of an image's locations does besides, in its transaction.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct LocationChange {
    /// Written down as transfers, so that the data goes even if the process dies.
    pub removals: Vec<Removal>,
    /// What new locations take of what a project may store, in bytes; without it the change is refused.
    pub needs: Option<(StorageLimit, u64)>,
}

/// What is known of an image once all its data is stored.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CompletedUpload {
    /// Bytes stored.
    pub size: u64,
    /// Bytes of the disk that a machine sees, where the format tells.
    pub virtual_size: Option<u64>,
    /// MD5 in hexadecimal digits.
    pub checksum: Option<String>,
    /// Name of the second digest.
    pub os_hash_algo: Option<String>,
    /// The second digest in hexadecimal digits.
    pub os_hash_value: Option<String>,
    /// Where the data is.
    pub location: Location,
}

/// How much a project may store.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StorageLimit {
    /// The project.
    pub project: ProjectId,
    /// Bytes of all its images.
    pub bytes: u64,
}

/// What an upload takes of what its project may store, before the data is there.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reservation {
    /// Whose room it is, and how much there is of it.
    pub limit: StorageLimit,
    /// Bytes without which the upload cannot go on.
    pub least: u64,
    /// Bytes that it takes if there is as much.
    pub most: u64,
}
