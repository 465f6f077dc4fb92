//! `liberty`: the first revision: the catalogue of 2015.

use crate::migrations::artifacts;
use crate::migrations::revision::Revision;
use crate::migrations::step::Step;
use crate::schema::head;
use crate::schema::table::{Checks, Table, boolean, chars, integer, time, wide_integer};

pub(crate) const REVISION: Revision = Revision {
    id: "liberty",
    about: "the first tables",
    follows: None,
    needs: None,
    upgrade: &[
        Step::CreateTable(&IMAGES),
        Step::CreateTable(&head::IMAGE_PROPERTIES),
        Step::CreateTable(&head::IMAGE_LOCATIONS),
        Step::CreateTable(&head::IMAGE_MEMBERS),
        Step::CreateTable(&head::IMAGE_TAGS),
        Step::CreateTable(&TASKS),
        Step::CreateTable(&head::TASK_INFO),
        Step::CreateTable(&head::METADEF_NAMESPACES),
        Step::CreateTable(&head::METADEF_RESOURCE_TYPES),
        Step::CreateTable(&head::METADEF_NAMESPACE_RESOURCE_TYPES),
        Step::CreateTable(&head::METADEF_OBJECTS),
        Step::CreateTable(&head::METADEF_PROPERTIES),
        Step::CreateTable(&head::METADEF_TAGS),
        Step::CreateTable(&artifacts::ARTIFACTS),
        Step::CreateTable(&artifacts::BLOBS),
        Step::CreateTable(&artifacts::DEPENDENCIES),
        Step::CreateTable(&artifacts::PROPERTIES),
        Step::CreateTable(&artifacts::TAGS),
        Step::CreateTable(&artifacts::BLOB_LOCATIONS),
    ],
    // Nothing comes before it, so nobody reverts it.
    downgrade: &[],
    loses: &[],
};

const IMAGES: Table = Table {
    name: "images",
    columns: &[
        chars("id", 36).required(),
        chars("name", 255),
        wide_integer("size"),
        chars("status", 30).required(),
        boolean("is_public").required(),
        time("created_at").required(),
        time("updated_at"),
        time("deleted_at"),
        boolean("deleted").required(),
        chars("disk_format", 20),
        chars("container_format", 20),
        chars("checksum", 32),
        chars("owner", 255),
        integer("min_disk").required(),
        integer("min_ram").required(),
        boolean("protected").default_false().required(),
        wide_integer("virtual_size"),
    ],
    primary_key: &["id"],
    unique: &[],
    foreign_keys: &[],
    indexes: &[
        ("checksum_image_idx", &["checksum"]),
        ("ix_images_deleted", &["deleted"]),
        ("ix_images_is_public", &["is_public"]),
        ("owner_image_idx", &["owner"]),
    ],
    checks: Checks::Unnamed(&["is_public", "deleted", "protected"]),
};

const TASKS: Table = Table {
    name: "tasks",
    columns: &[
        chars("id", 36).required(),
        chars("type", 30).required(),
        chars("status", 30).required(),
        chars("owner", 255).required(),
        time("expires_at"),
        time("created_at").required(),
        time("updated_at"),
        time("deleted_at"),
        boolean("deleted").required(),
    ],
    primary_key: &["id"],
    unique: &[],
    foreign_keys: &[],
    indexes: &[
        ("ix_tasks_deleted", &["deleted"]),
        ("ix_tasks_owner", &["owner"]),
        ("ix_tasks_status", &["status"]),
        ("ix_tasks_type", &["type"]),
        ("ix_tasks_updated_at", &["updated_at"]),
    ],
    checks: Checks::Unnamed(&["deleted"]),
};
