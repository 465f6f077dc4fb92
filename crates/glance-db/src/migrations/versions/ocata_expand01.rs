//! `ocata_expand01`: four visibilities beside the flag that says public or not.

use crate::migrations::revision::{Loses, Revision, Rows};
use crate::migrations::step::Step;
use crate::migrations::triggers::{INSERT_VISIBILITY, UPDATE_VISIBILITY};
use crate::schema::table::{boolean, visibility};

pub(crate) const REVISION: Revision = Revision {
    id: "ocata_expand01",
    about: "column visibility of images",
    follows: Some("mitaka02"),
    needs: None,
    upgrade: &[
        Step::CreateVisibilityType,
        Step::AddColumn("images", visibility("visibility")),
        Step::CreateIndex("visibility_image_idx", "images", &["visibility"]),
        Step::AlterColumn("images", boolean("is_public")),
        Step::CreateTrigger(&INSERT_VISIBILITY),
        Step::CreateTrigger(&UPDATE_VISIBILITY),
    ],
    downgrade: &[
        Step::DropTrigger(&INSERT_VISIBILITY),
        Step::DropTrigger(&UPDATE_VISIBILITY),
        Step::FillIsPublic,
        Step::AlterColumn("images", boolean("is_public").required()),
        Step::DropIndex("visibility_image_idx", "images"),
        Step::DropColumn("images", "visibility"),
        Step::DropVisibilityType,
        Step::SetChecks { table: "images", mysql: &[], sqlite: &["is_public", "deleted", "protected"] },
    ],
    // What an upgrade will make of what is left is not what was there.
    loses: &[
        Loses {
            what: "community images become private",
            table: "images",
            column: "visibility",
            rows: Rows::Where("visibility = 'community'"),
        },
        Loses {
            what: "shared images without members become private",
            table: "images",
            column: "visibility",
            rows: Rows::Where(
                "visibility = 'shared' AND id NOT IN (SELECT image_id FROM image_members WHERE NOT deleted)",
            ),
        },
        Loses {
            what: "private images with members become shared",
            table: "images",
            column: "visibility",
            rows: Rows::Where(
                "visibility = 'private' AND id IN (SELECT image_id FROM image_members WHERE NOT deleted)",
            ),
        },
    ],
};
