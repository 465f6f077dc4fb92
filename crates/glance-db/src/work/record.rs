//! The types of a record, and of what the transactions on records take and return.

use std::time::Duration;

use glance_domain::{Image, ImageId, Location, ProjectId, Status, StoreId};

use crate::ids::random_id;
use crate::nodes::NodeId;

random_id! {
    /// The fence of a record: names it, and changes with each claim. At most 36 characters.
    WorkId
}

/// Work on a store that has begun and has not ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Record {
    /// The fence.
    pub id: WorkId,
    /// The image that the work is about.
    pub image: ImageId,
    /// The node that may claim the record.
    pub node: NodeId,
    /// What is done.
    pub work: Work,
    /// A silent node that began the work and may still act on it (phase [`Phase::Abandoned`]).
    pub origin: Option<NodeId>,
    /// How often the clean-up was tried and its outcome is not known, or it was refused.
    pub tries: u32,
    /// What the last try failed with, for operators.
    pub problem: Option<String>,
    /// Bytes that count against the project's quota until the work ends.
    pub reserved: Option<u64>,
    /// Time until the next try, zero when it is due.
    pub wait: Duration,
    /// Time since the record was written, on the database's clock; `None` for records of earlier versions.
    pub age: Option<Duration>,
}

impl Record {
    /// Whether it is of an upload that was undone, and is to be undone again when its origin has gone.
    #[must_use]
    pub fn is_undone(&self) -> bool {
        matches!(&self.work, Work::Upload(transfer) if transfer.phase == Phase::Abandoned)
    }
}

/// What is done to a store.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Work {
    /// Data of an image goes into a store.
    Upload(Transfer),
    /// An image is deleted with all its data.
    Delete,
    /// Data is removed that no image has any more.
    Removal {
        /// The store that holds it.
        store: StoreId,
        /// Where it is.
        url: String,
    },
    /// Something that only a later version of the service does, and that this one leaves alone.
    Later {
        /// The name of the kind.
        kind: String,
    },
}

impl Work {
    /// The name of the kind in `rs_transfers`.
    #[must_use]
    pub fn kind(&self) -> &str {
        match self {
            Self::Upload(_) => "upload",
            Self::Delete => "delete",
            Self::Removal { .. } => "removal",
            Self::Later { kind } => kind,
        }
    }

    /// The store that is worked on; a deletion works on all stores of its image.
    #[must_use]
    pub fn store(&self) -> Option<&StoreId> {
        match self {
            Self::Upload(transfer) => Some(&transfer.store),
            Self::Delete | Self::Later { .. } => None,
            Self::Removal { store, .. } => Some(store),
        }
    }
}

/// Data on its way into a store.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Transfer {
    /// The store.
    pub store: StoreId,
    /// The name of the object, which no other attempt ever has.
    pub name: String,
    /// Distinguishes this attempt from all others; stays when the record is claimed. At most 36 characters.
    pub attempt: String,
    /// How far it is.
    pub phase: Phase,
    /// What the store's driver needs, besides name and attempt, in order to undo it from another process.
    pub journal: Option<String>,
}

/// How far a transfer is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Phase {
    /// Data is on its way; nothing is visible under the final name.
    Writing,
    /// The store is making the data visible: it may or may not be there already.
    Finishing,
    /// It was undone, and the image is free. A late operation of a silent node may still leave a draft.
    Abandoned,
}

impl Phase {
    const ALL: [Self; 3] = [Self::Writing, Self::Finishing, Self::Abandoned];

    /// The name in `rs_transfers`.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Writing => "writing",
            Self::Finishing => "finishing",
            Self::Abandoned => "abandoned",
        }
    }

    pub(crate) fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|phase| phase.as_str() == text)
    }
}

/// A change of an image's status: refused when the image is not in `from`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Transition {
    /// The status that the image must have.
    pub from: Status,
    /// The status that it gets.
    pub to: Status,
}

impl Transition {
    /// Data of a new image arrives.
    pub const UPLOAD: Self = Self { from: Status::Queued, to: Status::Saving };

    /// The way back.
    #[must_use]
    pub fn reversed(self) -> Self {
        Self { from: self.to, to: self.from }
    }

    /// On from where this one has led.
    #[must_use]
    pub fn then(self, to: Status) -> Self {
        Self { from: self.to, to }
    }
}

/// An upload that is to begin.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewUpload {
    /// The fence.
    pub id: WorkId,
    /// The image that gets the data.
    pub image: ImageId,
    /// The node that uploads.
    pub node: NodeId,
    /// The store.
    pub store: StoreId,
    /// What becomes of the image's status.
    pub transition: Transition,
    /// Bytes that the upload takes of what its project may store.
    pub reservation: Option<Reservation>,
}

/// An upload that has begun.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Begun {
    /// The image as the transaction left it. What follows is decided by this row, not by one that was read earlier.
    pub image: Image,
    /// The transfer, with the name of its object.
    pub transfer: Transfer,
    /// Bytes reserved, if there is a limit.
    pub reserved: Option<u64>,
}

/// Data that an image loses with a change of its locations.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewRemoval {
    /// The fence.
    pub id: WorkId,
    /// The node that removes the data.
    pub node: NodeId,
    /// The store that holds it.
    pub store: StoreId,
    /// Where it is.
    pub url: String,
}

/// What a change of an image's locations does besides, in its transaction.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct LocationChange {
    /// Become records, so that the data goes even if the process dies.
    pub removals: Vec<NewRemoval>,
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
    /// The project, and what it may store.
    pub limit: StorageLimit,
    /// Bytes without which the upload cannot go on.
    pub least: u64,
    /// Bytes that it takes if there is as much.
    pub most: u64,
}
