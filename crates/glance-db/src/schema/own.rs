//! The service's own objects: tables `rs_*`, and indexes `rs_*` on upstream's tables.
//!
//! Nothing here refers to upstream's tables by a foreign key or a trigger, so upstream's code and
//! migrations neither see nor break it.

use super::table::{Checks, Column, Table, big_integer, big_serial, chars, text};
use crate::Engine;

/// The version of all of this, kept in `rs_version`.
pub(crate) const VERSION: i64 = 4;

/// The lowest version that may claim the records that this one writes.
pub(crate) const LOWEST_CLAIMANT: i64 = 4;

/// What each version adds to the one before, first to last.
pub(crate) const VERSIONS: [&Version; 4] = [&FIRST, &SECOND, &THIRD, &FOURTH];

/// The longest text, in bytes, that PostgreSQL's indexes on long text hold: longer ones would not fit.
pub(crate) const LONGEST_INDEXED: usize = 1000;

/// What one version adds.
pub(crate) struct Version {
    pub(crate) tables: &'static [&'static Table],
    /// Optional columns of tables of earlier versions.
    pub(crate) columns: &'static [(&'static str, Column)],
    pub(crate) indexes: &'static [Index],
}

/// An index on one of upstream's tables.
pub(crate) struct Index {
    pub(crate) name: &'static str,
    pub(crate) table: &'static str,
    keys: &'static [Key],
}

/// What an index is sorted by.
enum Key {
    Column(&'static str),
    /// A column in which NULL is lower than any value.
    Nullable(&'static str),
    /// A column of long text: MySQL's indexes have its beginning, PostgreSQL's leave out rows with very long ones.
    Long(&'static str),
}

impl Index {
    /// `CREATE INDEX`
    pub(crate) fn create(&self, engine: Engine) -> String {
        let keys: Vec<_> = self.keys.iter().map(|key| key.render(engine)).collect();
        let mut sql = format!("CREATE INDEX {} ON {} ({})", self.name, self.table, keys.join(", "));
        let long = self.keys.iter().find_map(|key| if let Key::Long(column) = key { Some(column) } else { None });
        if let (Some(column), Engine::Postgres) = (long, engine) {
            sql += &format!(" WHERE octet_length({column}) <= {LONGEST_INDEXED}");
        }
        sql
    }
}

impl Key {
    fn render(&self, engine: Engine) -> String {
        match (self, engine) {
            (Self::Nullable(column), Engine::Postgres) => format!("{column} NULLS FIRST"),
            (Self::Long(column), Engine::MySql) => format!("{column}(64)"),
            (Self::Column(column) | Self::Nullable(column) | Self::Long(column), _) => (*column).to_owned(),
        }
    }
}

/// Holds one row with the version.
pub(crate) const VERSION_TABLE: &str = "CREATE TABLE IF NOT EXISTS rs_version (version INTEGER NOT NULL PRIMARY KEY)";

const FIRST: Version = Version {
    tables: &[&NODES, &TRANSFERS],
    columns: &[],
    indexes: &[
        // A page of a list walks one of the first three, whatever the number of images.
        Index {
            name: "rs_images_page",
            table: "images",
            keys: &[Key::Column("deleted"), Key::Column("created_at"), Key::Column("id")],
        },
        Index {
            name: "rs_images_owner_page",
            table: "images",
            keys: &[Key::Column("owner"), Key::Column("deleted"), Key::Column("created_at"), Key::Column("id")],
        },
        Index {
            name: "rs_images_visibility_page",
            table: "images",
            keys: &[Key::Column("visibility"), Key::Column("deleted"), Key::Column("created_at"), Key::Column("id")],
        },
        Index {
            name: "rs_image_members_member",
            table: "image_members",
            keys: &[Key::Column("member"), Key::Column("image_id"), Key::Column("deleted")],
        },
    ],
};

const SECOND: Version = Version {
    tables: &[],
    columns: &[],
    indexes: &[
        // As the page indexes above, for lists by name.
        Index {
            name: "rs_images_name_page",
            table: "images",
            keys: &[Key::Column("deleted"), Key::Nullable("name"), Key::Column("created_at"), Key::Column("id")],
        },
        // From a tag or property that few images have, to them.
        Index {
            name: "rs_image_tags_value",
            table: "image_tags",
            keys: &[Key::Column("value"), Key::Column("image_id"), Key::Column("deleted")],
        },
        Index {
            name: "rs_image_properties_value",
            table: "image_properties",
            keys: &[Key::Column("name"), Key::Long("value"), Key::Column("image_id"), Key::Column("deleted")],
        },
    ],
};

const THIRD: Version = Version {
    tables: &[&PROJECTS],
    // Bytes that an upload takes of what its project may store, until it ends.
    columns: &[("rs_transfers", chars("project", 255)), ("rs_transfers", big_integer("reserved"))],
    indexes: &[],
};

const FOURTH: Version = Version {
    tables: &[&ATTEMPTS, &STORES, &SCRUBS],
    columns: &[
        // What the store calls the object; without it, the image's id.
        ("rs_transfers", text("name")),
        // Where the data of a removal is.
        ("rs_transfers", text("url")),
        // The silent node that the record was taken over from.
        ("rs_transfers", chars("origin", 36)),
        ("rs_transfers", big_integer("tries")),
        ("rs_transfers", big_integer("not_before")),
        ("rs_transfers", text("problem")),
        ("rs_transfers", big_integer("began")),
        ("rs_transfers", big_integer("min_version")),
        // When another node took over from a node that had not renewed its lease.
        ("rs_nodes", big_integer("fenced")),
        // How long the node may be silent, in milliseconds.
        ("rs_nodes", big_integer("lease")),
    ],
    indexes: &[],
};

/// How many attempts there were to store an image in a store, so that no name is used twice.
const ATTEMPTS: Table = Table {
    name: "rs_attempts",
    columns: &[chars("image_id", 36).required(), chars("store", 255).required(), big_integer("used").required()],
    primary_key: &["image_id", "store"],
    unique: &[],
    foreign_keys: &[],
    indexes: &[],
    checks: Checks::Unnamed(&[]),
};

/// Which identity a place of a store has, so that it is told from what is there when its file system is not mounted.
const STORES: Table = Table {
    name: "rs_stores",
    columns: &[chars("store", 255).required(), chars("place", 255).required(), chars("identity", 64).required()],
    primary_key: &["store", "place"],
    unique: &[],
    foreign_keys: &[],
    indexes: &[],
    checks: Checks::Unnamed(&[]),
};

/// How far the reading of all data is.
const SCRUBS: Table = Table {
    name: "rs_scrubs",
    columns: &[
        chars("scope", 255).required(),
        chars("image_id", 36).required(),
        big_integer("images").required(),
        big_integer("bytes").required(),
        big_integer("findings").required(),
    ],
    primary_key: &["scope"],
    unique: &[],
    foreign_keys: &[],
    indexes: &[],
    checks: Checks::Unnamed(&[]),
};

/// A row for each project that was counted under a limit. Whoever counts changes the row first, so that nobody else
/// counts at the same time; a change, because the nodes of a Galera cluster do not know of each other's locks.
const PROJECTS: Table = Table {
    name: "rs_projects",
    columns: &[chars("project", 255).required(), big_integer("counted").required()],
    primary_key: &["project"],
    unique: &[],
    foreign_keys: &[],
    indexes: &[],
    checks: Checks::Unnamed(&[]),
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
