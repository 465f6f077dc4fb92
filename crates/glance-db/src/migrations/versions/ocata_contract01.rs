//! `ocata_contract01`: the flag that says public or not goes.

use crate::migrations::revision::Revision;
use crate::migrations::step::Step;
use crate::migrations::triggers::{INSERT_VISIBILITY, UPDATE_VISIBILITY};
use crate::schema::table::{boolean, visibility};

pub(crate) const REVISION: Revision = Revision {
    id: "ocata_contract01",
    about: "column is_public of images goes",
    follows: Some("mitaka02"),
    needs: Some("ocata_expand01"),
    upgrade: &[
        Step::DropTrigger(&INSERT_VISIBILITY),
        Step::DropTrigger(&UPDATE_VISIBILITY),
        Step::FillVisibility,
        Step::DropIndex("ix_images_is_public", "images"),
        Step::DropColumn("images", "is_public"),
        Step::AlterColumn("images", visibility("visibility").default_text("shared").required()),
    ],
    downgrade: &[
        Step::AddColumn("images", boolean("is_public")),
        Step::FillIsPublic,
        Step::CreateIndex("ix_images_is_public", "images", &["is_public"]),
        Step::AlterColumn("images", visibility("visibility")),
        Step::SetChecks { table: "images", mysql: &[("CONSTRAINT_1", "is_public")], sqlite: &[] },
        Step::CreateTrigger(&INSERT_VISIBILITY),
        Step::CreateTrigger(&UPDATE_VISIBILITY),
    ],
    loses: &[],
};
