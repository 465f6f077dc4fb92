//! `rocky_expand02`: a digest of the operator's choice.

use crate::migrations::revision::{Loses, Revision, Rows};
use crate::migrations::step::Step;
use crate::schema::table::chars;

pub(crate) const REVISION: Revision = Revision {
    id: "rocky_expand02",
    about: "columns os_hash_algo and os_hash_value of images",
    follows: Some("rocky_expand01"),
    needs: None,
    upgrade: &[
        Step::AddColumn("images", chars("os_hash_algo", 64)),
        Step::AddColumn("images", chars("os_hash_value", 128)),
        Step::CreateIndex("os_hash_value_image_idx", "images", &["os_hash_value"]),
    ],
    downgrade: &[
        Step::DropIndex("os_hash_value_image_idx", "images"),
        Step::DropColumn("images", "os_hash_algo"),
        Step::DropColumn("images", "os_hash_value"),
    ],
    loses: &[Loses {
        what: "digests of images (os_hash_algo, os_hash_value)",
        table: "images",
        column: "os_hash_value",
        rows: Rows::Where("os_hash_value IS NOT NULL"),
    }],
};
