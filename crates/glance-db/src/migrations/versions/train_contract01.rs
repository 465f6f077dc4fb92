//! `train_contract01`: locations name stores, no longer backends.

use crate::migrations::location_metadata::{TO_BACKEND, TO_STORE};
use crate::migrations::revision::{Loses, Revision, Rows};
use crate::migrations::step::Step;

pub(crate) const REVISION: Revision = Revision {
    id: "train_contract01",
    about: "locations name their store as store, not as backend",
    follows: Some("rocky_contract02"),
    needs: Some("train_expand01"),
    // Upstream does this between expansion and contraction, in releases before the current one.
    upgrade: &[Step::Rename(TO_STORE)],
    downgrade: &[Step::Rename(TO_BACKEND)],
    loses: &[Loses {
        what: "what metadata of locations says under backend and not under store: older releases take it for the store",
        table: "image_locations",
        column: "meta_data",
        rows: Rows::Renamed(TO_STORE),
    }],
};
