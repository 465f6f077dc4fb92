//! Tables of the artifacts, an experiment that upstream removed in Pike. Nothing here reads them.

use crate::schema::table::{Checks, Table, big_integer, boolean, chars, integer, numeric, text, time};

pub(crate) const ARTIFACTS: Table = Table {
    name: "artifacts",
    columns: &[
        chars("id", 36).required(),
        chars("name", 255).required(),
        chars("type_name", 255).required(),
        big_integer("type_version_prefix").required(),
        chars("type_version_suffix", 255),
        chars("type_version_meta", 255),
        big_integer("version_prefix").required(),
        chars("version_suffix", 255),
        chars("version_meta", 255),
        text("description"),
        chars("visibility", 32).required(),
        chars("state", 32).required(),
        chars("owner", 255).required(),
        time("created_at").required(),
        time("updated_at").required(),
        time("deleted_at"),
        time("published_at"),
    ],
    primary_key: &["id"],
    unique: &[],
    foreign_keys: &[],
    indexes: &[
        ("ix_artifact_name_and_version", &["name", "version_prefix", "version_suffix"]),
        ("ix_artifact_owner", &["owner"]),
        ("ix_artifact_state", &["state"]),
        ("ix_artifact_type", &["type_name", "type_version_prefix", "type_version_suffix"]),
        ("ix_artifact_visibility", &["visibility"]),
    ],
    checks: Checks::Unnamed(&[]),
};

pub(crate) const BLOBS: Table = Table {
    name: "artifact_blobs",
    columns: &[
        chars("id", 36).required(),
        chars("artifact_id", 36).required(),
        big_integer("size").required(),
        chars("checksum", 32),
        chars("name", 255).required(),
        chars("item_key", 329),
        integer("position"),
        time("created_at").required(),
        time("updated_at").required(),
    ],
    primary_key: &["id"],
    unique: &[],
    foreign_keys: &[("artifact_id", "artifacts", "id")],
    indexes: &[("ix_artifact_blobs_artifact_id", &["artifact_id"]), ("ix_artifact_blobs_name", &["name"])],
    checks: Checks::Unnamed(&[]),
};

pub(crate) const DEPENDENCIES: Table = Table {
    name: "artifact_dependencies",
    columns: &[
        chars("id", 36).required(),
        chars("artifact_source", 36).required(),
        chars("artifact_dest", 36).required(),
        chars("artifact_origin", 36).required(),
        boolean("is_direct").required(),
        integer("position"),
        chars("name", 36),
        time("created_at").required(),
        time("updated_at").required(),
    ],
    primary_key: &["id"],
    unique: &[],
    foreign_keys: &[
        ("artifact_dest", "artifacts", "id"),
        ("artifact_origin", "artifacts", "id"),
        ("artifact_source", "artifacts", "id"),
    ],
    indexes: &[
        ("ix_artifact_dependencies_dest_id", &["artifact_dest"]),
        ("ix_artifact_dependencies_direct_dependencies", &["artifact_source", "is_direct"]),
        ("ix_artifact_dependencies_origin_id", &["artifact_origin"]),
        ("ix_artifact_dependencies_source_id", &["artifact_source"]),
    ],
    checks: Checks::Unnamed(&["is_direct"]),
};

pub(crate) const PROPERTIES: Table = Table {
    name: "artifact_properties",
    columns: &[
        chars("id", 36).required(),
        chars("artifact_id", 36).required(),
        chars("name", 255).required(),
        chars("string_value", 255),
        integer("int_value"),
        numeric("numeric_value"),
        boolean("bool_value"),
        text("text_value"),
        time("created_at").required(),
        time("updated_at").required(),
        integer("position"),
    ],
    primary_key: &["id"],
    unique: &[],
    foreign_keys: &[("artifact_id", "artifacts", "id")],
    indexes: &[("ix_artifact_properties_artifact_id", &["artifact_id"]), ("ix_artifact_properties_name", &["name"])],
    checks: Checks::Unnamed(&["bool_value"]),
};

pub(crate) const TAGS: Table = Table {
    name: "artifact_tags",
    columns: &[
        chars("id", 36).required(),
        chars("artifact_id", 36).required(),
        chars("value", 255).required(),
        time("created_at").required(),
        time("updated_at").required(),
    ],
    primary_key: &["id"],
    unique: &[],
    foreign_keys: &[("artifact_id", "artifacts", "id")],
    indexes: &[
        ("ix_artifact_tags_artifact_id", &["artifact_id"]),
        ("ix_artifact_tags_artifact_id_tag_value", &["artifact_id", "value"]),
    ],
    checks: Checks::Unnamed(&[]),
};

pub(crate) const BLOB_LOCATIONS: Table = Table {
    name: "artifact_blob_locations",
    columns: &[
        chars("id", 36).required(),
        chars("blob_id", 36).required(),
        text("value").required(),
        time("created_at").required(),
        time("updated_at").required(),
        integer("position"),
        chars("status", 36),
    ],
    primary_key: &["id"],
    unique: &[],
    foreign_keys: &[("blob_id", "artifact_blobs", "id")],
    indexes: &[("ix_artifact_blob_locations_blob_id", &["blob_id"])],
    checks: Checks::Unnamed(&[]),
};
