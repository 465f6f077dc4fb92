//! `2024_1_expand01`: the image cache may keep its books in the catalogue.

use crate::migrations::revision::{Loses, Revision, Rows};
use crate::migrations::step::Step;
use crate::schema::head;

pub(crate) const REVISION: Revision = Revision {
    id: "2024_1_expand01",
    about: "tables node_reference and cached_images",
    follows: Some("2023_1_expand01"),
    needs: None,
    upgrade: &[Step::CreateTable(&head::NODE_REFERENCE), Step::CreateTable(&head::CACHED_IMAGES)],
    downgrade: &[Step::DropTable(&head::CACHED_IMAGES), Step::DropTable(&head::NODE_REFERENCE)],
    loses: &[
        Loses {
            what: "which images nodes have in their caches",
            table: "cached_images",
            column: "image_id",
            rows: Rows::Where("image_id IS NOT NULL"),
        },
        Loses {
            what: "nodes that have caches",
            table: "node_reference",
            column: "node_reference_url",
            rows: Rows::Where("node_reference_url IS NOT NULL"),
        },
    ],
};
