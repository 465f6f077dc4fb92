//! `train_contract01`: locations name stores, no longer backends.

use crate::migrations::revision::Revision;
use crate::migrations::step::Step;

pub(crate) const REVISION: Revision = Revision {
    id: "train_contract01",
    about: "locations name their store as store, not as backend",
    follows: Some("rocky_contract02"),
    needs: Some("train_expand01"),
    // Upstream does this between expansion and contraction, in releases before the current one.
    upgrade: &[Step::Run(
        "UPDATE image_locations SET meta_data = REPLACE(meta_data, '\"backend\":', '\"store\":') \
         WHERE meta_data LIKE '%\"backend\":%'",
    )],
    downgrade: &[Step::Run(
        "UPDATE image_locations SET meta_data = REPLACE(meta_data, '\"store\":', '\"backend\":') \
         WHERE meta_data LIKE '%\"store\":%'",
    )],
    loses: &[],
};
