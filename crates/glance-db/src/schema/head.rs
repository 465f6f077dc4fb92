//! Upstream's tables at the revision `2024_1_contract01`, the last that Glance 33 has.
//!
//! The order of columns is that which upstream's migrations leave behind. Compared with a database
//! that upstream made by the test `schema`.

use super::table::{
    Checks, Table, big_integer, big_serial, boolean, chars, integer, serial, text, time, visibility, wide_integer,
};

/// The single row of `alembic_version`.
pub(crate) const REVISION: &str = "2024_1_contract01";

/// Where Alembic notes the revision. It is the only table with the database's own character set.
pub(crate) const ALEMBIC_VERSION: &str = "CREATE TABLE alembic_version (\n\tversion_num VARCHAR(32) NOT NULL, \n\tCONSTRAINT alembic_version_pkc PRIMARY KEY (version_num)\n)";

/// The type of `images.visibility`, which only PostgreSQL keeps apart from the table.
pub(crate) const POSTGRES_VISIBILITY: &str =
    "CREATE TYPE image_visibility AS ENUM ('private', 'public', 'shared', 'community')";

/// Every table, each after those that it refers to.
pub(crate) const TABLES: [&Table; 15] = [
    &IMAGES,
    &IMAGE_PROPERTIES,
    &IMAGE_LOCATIONS,
    &IMAGE_MEMBERS,
    &IMAGE_TAGS,
    &TASKS,
    &TASK_INFO,
    &METADEF_NAMESPACES,
    &METADEF_RESOURCE_TYPES,
    &METADEF_NAMESPACE_RESOURCE_TYPES,
    &METADEF_OBJECTS,
    &METADEF_PROPERTIES,
    &METADEF_TAGS,
    &NODE_REFERENCE,
    &CACHED_IMAGES,
];

const IMAGES: Table = Table {
    name: "images",
    columns: &[
        chars("id", 36).required(),
        chars("name", 255),
        wide_integer("size"),
        chars("status", 30).required(),
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
        visibility("visibility").default_text("shared").required(),
        boolean("os_hidden").default_false().required(),
        chars("os_hash_algo", 64),
        chars("os_hash_value", 128),
    ],
    primary_key: &["id"],
    unique: &[],
    foreign_keys: &[],
    indexes: &[
        ("checksum_image_idx", &["checksum"]),
        ("created_at_image_idx", &["created_at"]),
        ("ix_images_deleted", &["deleted"]),
        ("os_hash_value_image_idx", &["os_hash_value"]),
        ("os_hidden_image_idx", &["os_hidden"]),
        ("owner_image_idx", &["owner"]),
        ("updated_at_image_idx", &["updated_at"]),
        ("visibility_image_idx", &["visibility"]),
    ],
    checks: Checks::MySqlOnly(&[("CONSTRAINT_2", "deleted"), ("CONSTRAINT_3", "protected")]),
};

pub(crate) const IMAGE_PROPERTIES: Table = Table {
    name: "image_properties",
    columns: &[
        serial("id"),
        chars("image_id", 36).required(),
        chars("name", 255).required(),
        text("value"),
        time("created_at").required(),
        time("updated_at"),
        time("deleted_at"),
        boolean("deleted").required(),
    ],
    primary_key: &["id"],
    unique: &[("ix_image_properties_image_id_name", &["image_id", "name"])],
    foreign_keys: &[("image_id", "images", "id")],
    indexes: &[("ix_image_properties_deleted", &["deleted"]), ("ix_image_properties_image_id", &["image_id"])],
    checks: Checks::Unnamed(&["deleted"]),
};

pub(crate) const IMAGE_LOCATIONS: Table = Table {
    name: "image_locations",
    columns: &[
        serial("id"),
        chars("image_id", 36).required(),
        text("value").required(),
        time("created_at").required(),
        time("updated_at"),
        time("deleted_at"),
        boolean("deleted").required(),
        text("meta_data"),
        chars("status", 30).default_text("active").required(),
    ],
    primary_key: &["id"],
    unique: &[],
    foreign_keys: &[("image_id", "images", "id")],
    indexes: &[("ix_image_locations_deleted", &["deleted"]), ("ix_image_locations_image_id", &["image_id"])],
    checks: Checks::Unnamed(&["deleted"]),
};

pub(crate) const IMAGE_MEMBERS: Table = Table {
    name: "image_members",
    columns: &[
        serial("id"),
        chars("image_id", 36).required(),
        chars("member", 255).required(),
        boolean("can_share").required(),
        time("created_at").required(),
        time("updated_at"),
        time("deleted_at"),
        boolean("deleted").required(),
        chars("status", 20).default_text("pending").required(),
    ],
    primary_key: &["id"],
    unique: &[("image_members_image_id_member_deleted_at_key", &["image_id", "member", "deleted_at"])],
    foreign_keys: &[("image_id", "images", "id")],
    indexes: &[
        ("ix_image_members_deleted", &["deleted"]),
        ("ix_image_members_image_id", &["image_id"]),
        ("ix_image_members_image_id_member", &["image_id", "member"]),
    ],
    checks: Checks::Unnamed(&["can_share", "deleted"]),
};

pub(crate) const IMAGE_TAGS: Table = Table {
    name: "image_tags",
    columns: &[
        serial("id"),
        chars("image_id", 36).required(),
        chars("value", 255).required(),
        time("created_at").required(),
        time("updated_at"),
        time("deleted_at"),
        boolean("deleted").required(),
    ],
    primary_key: &["id"],
    unique: &[],
    foreign_keys: &[("image_id", "images", "id")],
    indexes: &[("ix_image_tags_image_id", &["image_id"]), ("ix_image_tags_image_id_tag_value", &["image_id", "value"])],
    checks: Checks::Unnamed(&["deleted"]),
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
        chars("image_id", 36),
        chars("request_id", 64),
        chars("user_id", 64),
    ],
    primary_key: &["id"],
    unique: &[],
    foreign_keys: &[],
    indexes: &[
        ("ix_tasks_deleted", &["deleted"]),
        ("ix_tasks_image_id", &["image_id"]),
        ("ix_tasks_owner", &["owner"]),
        ("ix_tasks_status", &["status"]),
        ("ix_tasks_type", &["type"]),
        ("ix_tasks_updated_at", &["updated_at"]),
    ],
    checks: Checks::Unnamed(&["deleted"]),
};

pub(crate) const TASK_INFO: Table = Table {
    name: "task_info",
    columns: &[chars("task_id", 36).required(), text("input"), text("result"), text("message")],
    primary_key: &["task_id"],
    unique: &[],
    foreign_keys: &[("task_id", "tasks", "id")],
    indexes: &[],
    checks: Checks::Unnamed(&[]),
};

pub(crate) const METADEF_NAMESPACES: Table = Table {
    name: "metadef_namespaces",
    columns: &[
        serial("id"),
        chars("namespace", 80).required(),
        chars("display_name", 80),
        text("description"),
        chars("visibility", 32),
        boolean("protected"),
        chars("owner", 255).required(),
        time("created_at").required(),
        time("updated_at"),
    ],
    primary_key: &["id"],
    unique: &[("uq_metadef_namespaces_namespace", &["namespace"])],
    foreign_keys: &[],
    indexes: &[("ix_metadef_namespaces_owner", &["owner"])],
    checks: Checks::Unnamed(&["protected"]),
};

pub(crate) const METADEF_RESOURCE_TYPES: Table = Table {
    name: "metadef_resource_types",
    columns: &[
        serial("id"),
        chars("name", 80).required(),
        boolean("protected").required(),
        time("created_at").required(),
        time("updated_at"),
    ],
    primary_key: &["id"],
    unique: &[("uq_metadef_resource_types_name", &["name"])],
    foreign_keys: &[],
    indexes: &[],
    checks: Checks::Unnamed(&["protected"]),
};

pub(crate) const METADEF_NAMESPACE_RESOURCE_TYPES: Table = Table {
    name: "metadef_namespace_resource_types",
    columns: &[
        integer("resource_type_id").required(),
        integer("namespace_id").required(),
        chars("properties_target", 80),
        chars("prefix", 80),
        time("created_at").required(),
        time("updated_at"),
    ],
    primary_key: &["resource_type_id", "namespace_id"],
    unique: &[],
    foreign_keys: &[("namespace_id", "metadef_namespaces", "id"), ("resource_type_id", "metadef_resource_types", "id")],
    indexes: &[("ix_metadef_ns_res_types_namespace_id", &["namespace_id"])],
    checks: Checks::Unnamed(&[]),
};

pub(crate) const METADEF_OBJECTS: Table = Table {
    name: "metadef_objects",
    columns: &[
        serial("id"),
        integer("namespace_id").required(),
        chars("name", 80).required(),
        text("description"),
        text("required"),
        text("json_schema").required(),
        time("created_at").required(),
        time("updated_at"),
    ],
    primary_key: &["id"],
    unique: &[("uq_metadef_objects_namespace_id_name", &["namespace_id", "name"])],
    foreign_keys: &[("namespace_id", "metadef_namespaces", "id")],
    indexes: &[("ix_metadef_objects_name", &["name"])],
    checks: Checks::Unnamed(&[]),
};

pub(crate) const METADEF_PROPERTIES: Table = Table {
    name: "metadef_properties",
    columns: &[
        serial("id"),
        integer("namespace_id").required(),
        chars("name", 80).required(),
        text("json_schema").required(),
        time("created_at").required(),
        time("updated_at"),
    ],
    primary_key: &["id"],
    unique: &[("uq_metadef_properties_namespace_id_name", &["namespace_id", "name"])],
    foreign_keys: &[("namespace_id", "metadef_namespaces", "id")],
    indexes: &[("ix_metadef_properties_name", &["name"])],
    checks: Checks::Unnamed(&[]),
};

pub(crate) const METADEF_TAGS: Table = Table {
    name: "metadef_tags",
    columns: &[
        serial("id"),
        integer("namespace_id").required(),
        chars("name", 80).required(),
        time("created_at").required(),
        time("updated_at"),
    ],
    primary_key: &["id"],
    unique: &[("uq_metadef_tags_namespace_id_name", &["namespace_id", "name"])],
    foreign_keys: &[("namespace_id", "metadef_namespaces", "id")],
    indexes: &[("ix_metadef_tags_name", &["name"])],
    checks: Checks::Unnamed(&[]),
};

pub(crate) const NODE_REFERENCE: Table = Table {
    name: "node_reference",
    columns: &[big_serial("node_reference_id"), chars("node_reference_url", 255).required()],
    primary_key: &["node_reference_id"],
    unique: &[("uq_node_reference_node_reference_url", &["node_reference_url"])],
    foreign_keys: &[],
    indexes: &[],
    checks: Checks::Unnamed(&[]),
};

pub(crate) const CACHED_IMAGES: Table = Table {
    name: "cached_images",
    columns: &[
        big_serial("id"),
        chars("image_id", 36).required(),
        time("last_accessed").required(),
        time("last_modified").required(),
        big_integer("size").required(),
        integer("hits").required(),
        chars("checksum", 32),
        wide_integer("node_reference_id").required(),
    ],
    primary_key: &["id"],
    unique: &[("ix_cached_images_image_id_node_reference_id", &["image_id", "node_reference_id"])],
    foreign_keys: &[("node_reference_id", "node_reference", "node_reference_id")],
    indexes: &[],
    checks: Checks::Unnamed(&[]),
};
