//! The service's own objects: tables `rs_*`, and indexes `rs_*` on upstream's tables.
//!
//! Nothing here refers to upstream's tables by a foreign key or a trigger, so upstream's code and
//! migrations neither see nor break it.

use super::table::{Checks, Table, big_integer, big_serial, chars, text};

/// The version of all of this, kept in `rs_version`.
pub(crate) const VERSION: i64 = 1;

/// What each version adds to the one before, first to last.
pub(crate) const VERSIONS: [&Version; 1] = [&FIRST];

/// What one version adds.
pub(crate) struct Version {
    pub(crate) tables: &'static [&'static Table],
    /// Name, table and columns.
    pub(crate) indexes: &'static [(&'static str, &'static str, &'static [&'static str])],
}

/// Holds one row with the version.
pub(crate) const VERSION_TABLE: &str = "CREATE TABLE IF NOT EXISTS rs_version (version INTEGER NOT NULL PRIMARY KEY)";

const FIRST: Version = Version {
    tables: &[&NODES, &TRANSFERS],
    indexes: &[
        // A page of a list walks one of the first three, whatever the number of images.
        ("rs_images_page", "images", &["deleted", "created_at", "id"]),
        ("rs_images_owner_page", "images", &["owner", "deleted", "created_at", "id"]),
        ("rs_images_visibility_page", "images", &["visibility", "deleted", "created_at", "id"]),
        ("rs_image_members_member", "image_members", &["member", "image_id", "deleted"]),
    ],
};

const NODES: Table = Table {
    name: "rs_nodes",
    columns: &[
        chars("id", 36).required(),
        chars("name", 255).required(),
        chars("boot_id", 64).required(),
        chars("pid_namespace", 64).required(),
        big_integer("pid").required(),
        big_integer("pid_started").required(),
        big_integer("heartbeat").required(),
    ],
    primary_key: &["id"],
    unique: &[],
    foreign_keys: &[],
    indexes: &[],
    checks: Checks::Unnamed(&[]),
};

const TRANSFERS: Table = Table {
    name: "rs_transfers",
    columns: &[
        big_serial("number"),
        chars("id", 36).required(),
        chars("kind", 16).required(),
        chars("image_id", 36).required(),
        chars("node_id", 36).required(),
        chars("store", 255).required(),
        chars("phase", 16).required(),
        chars("attempt", 36).required(),
        text("journal"),
    ],
    primary_key: &["number"],
    unique: &[("rs_transfers_id", &["id"])],
    foreign_keys: &[],
    indexes: &[("rs_transfers_node", &["node_id"]), ("rs_transfers_image", &["image_id"])],
    checks: Checks::Unnamed(&[]),
};
