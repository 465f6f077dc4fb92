//! `wallaby_expand01`: tasks know what they are about and who asked for them.

use crate::migrations::revision::{Loses, Revision, Rows};
use crate::migrations::step::Step;
use crate::schema::table::chars;

pub(crate) const REVISION: Revision = Revision {
    id: "wallaby_expand01",
    about: "columns image_id, request_id and user_id of tasks",
    follows: Some("ussuri_expand01"),
    needs: None,
    upgrade: &[
        Step::AddColumn("tasks", chars("image_id", 36)),
        Step::AddColumn("tasks", chars("request_id", 64)),
        Step::AddColumn("tasks", chars("user_id", 64)),
        Step::CreateIndex("ix_tasks_image_id", "tasks", &["image_id"]),
    ],
    downgrade: &[
        Step::DropIndex("ix_tasks_image_id", "tasks"),
        Step::DropColumn("tasks", "user_id"),
        Step::DropColumn("tasks", "request_id"),
        Step::DropColumn("tasks", "image_id"),
    ],
    loses: &[
        Loses {
            what: "images of tasks",
            table: "tasks",
            column: "image_id",
            rows: Rows::Where("image_id IS NOT NULL"),
        },
        Loses {
            what: "requests of tasks",
            table: "tasks",
            column: "request_id",
            rows: Rows::Where("request_id IS NOT NULL"),
        },
        Loses { what: "users of tasks", table: "tasks", column: "user_id", rows: Rows::Where("user_id IS NOT NULL") },
    ],
};
