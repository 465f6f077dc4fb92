//! `rocky_expand01`: images that lists do not show.

use crate::migrations::revision::{Loses, Revision, Rows};
use crate::migrations::step::Step;
use crate::schema::table::boolean;

pub(crate) const REVISION: Revision = Revision {
    id: "rocky_expand01",
    about: "column os_hidden of images",
    follows: Some("queens_expand01"),
    needs: None,
    upgrade: &[
        Step::AddColumn("images", boolean("os_hidden").default_false().required()),
        Step::CreateIndex("os_hidden_image_idx", "images", &["os_hidden"]),
    ],
    downgrade: &[Step::DropIndex("os_hidden_image_idx", "images"), Step::DropColumn("images", "os_hidden")],
    loses: &[Loses {
        what: "hidden images show in lists again",
        table: "images",
        column: "os_hidden",
        rows: Rows::Where("os_hidden"),
    }],
};
