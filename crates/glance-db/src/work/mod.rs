//! Records of work on stores: written before a store is touched, claimed by whoever acts on them, ended when the work is done.
//!
//! The protocol is described in `docs/adr/0006-claims.md`. Every transaction takes its locks in the same order:
//! project, node, record, image.

mod claims;
mod deletes;
mod record;
mod removals;
pub(crate) mod rows;
mod uploads;

pub use claims::Postponement;
pub use deletes::{CompletedDelete, Deletion};
pub use record::{
    Begun, CompletedUpload, LocationChange, NewRemoval, NewUpload, Phase, Record, Reservation, StorageLimit, Transfer,
    Transition, Work, WorkId,
};
pub(crate) use removals::{record_removals, refuse_removed};
