//! `mitaka01`: indexes for lists sorted by time.

use crate::migrations::revision::Revision;
use crate::migrations::step::Step;

pub(crate) const REVISION: Revision = Revision {
    id: "mitaka01",
    about: "indexes on the times of images",
    follows: Some("liberty"),
    needs: None,
    upgrade: &[
        Step::CreateIndex("created_at_image_idx", "images", &["created_at"]),
        Step::CreateIndex("updated_at_image_idx", "images", &["updated_at"]),
    ],
    downgrade: &[Step::DropIndex("updated_at_image_idx", "images"), Step::DropIndex("created_at_image_idx", "images")],
    loses: &[],
};
