//! Rows that tests of migrations bring along.

use crate::support::raw;

/// A row for each table of all revisions but those that lose something: table, columns and values.
pub(crate) const ROWS: [(&str, &str, &[&str]); 13] = [
    (
        "images",
        "id, name, size, status, created_at, deleted, disk_format, min_disk, min_ram, protected, owner, virtual_size, \
         checksum, container_format, updated_at, deleted_at, visibility",
        &[
            "'open', 'größer', 5000000000000, 'active', '2026-01-01 00:00:00', FALSE, 'raw', 1, 2, TRUE, 'me', \
             6000000000000, 'd41d8cd98f00b204e9800998ecf8427e', 'bare', '2026-01-01 00:00:01', NULL, 'public'",
            "'mine', NULL, NULL, 'queued', '2026-01-02 00:00:00', FALSE, NULL, 0, 0, FALSE, 'me', NULL, NULL, NULL, \
             NULL, NULL, 'private'",
            "'ours', '', 0, 'active', '2026-01-03 00:00:00', FALSE, 'qcow2', 0, 0, FALSE, NULL, 0, NULL, 'ova', \
             '2026-01-03 00:00:01', NULL, 'shared'",
            "'gone', 'x', 1, 'deleted', '2026-01-04 00:00:00', TRUE, 'qcow2', 0, 0, FALSE, 'you', NULL, NULL, 'bare', \
             '2026-01-04 00:00:01', '2026-01-04 00:00:02', 'private'",
        ],
    ),
    (
        "image_properties",
        "id, image_id, name, value, created_at, deleted",
        &["1, 'open', 'os_distro', 'debian', '2026-01-01 00:00:00', FALSE"],
    ),
    (
        "image_locations",
        "id, image_id, value, created_at, deleted, meta_data, status",
        &["1, 'open', 'file:///a', '2026-01-01 00:00:00', FALSE, '{\"store\": \"fast\", \"a\": [1]}', 'active'"],
    ),
    (
        "image_members",
        "id, image_id, member, can_share, created_at, deleted, status",
        &[
            "1, 'ours', 'you', FALSE, '2026-01-01 00:00:00', FALSE, 'accepted'",
            "2, 'mine', 'you', FALSE, '2026-01-01 00:00:00', TRUE, 'pending'",
        ],
    ),
    ("image_tags", "id, image_id, value, created_at, deleted", &["1, 'open', 'a tag', '2026-01-01 00:00:00', FALSE"]),
    (
        "tasks",
        "id, type, status, owner, expires_at, created_at, deleted",
        &["'task', 'import', 'success', 'me', '2026-01-03 00:00:00', '2026-01-01 00:00:00', FALSE"],
    ),
    ("task_info", "task_id, input, result, message", &["'task', '{\"a\": 1}', NULL, 'done'"]),
    (
        "metadef_namespaces",
        "id, namespace, display_name, visibility, protected, owner, created_at",
        &["1, 'OS::Test', 'Test', 'public', TRUE, 'admin', '2026-01-01 00:00:00'"],
    ),
    (
        "metadef_resource_types",
        "id, name, protected, created_at",
        &["1, 'OS::Nova::Server', TRUE, '2026-01-01 00:00:00'", "2, 'OS::Glance::Image', TRUE, '2026-01-01 00:00:00'"],
    ),
    (
        "metadef_namespace_resource_types",
        "resource_type_id, namespace_id, properties_target, prefix, created_at",
        &["1, 1, 'image', 'hw_', '2026-01-01 00:00:00'"],
    ),
    (
        "metadef_objects",
        "id, namespace_id, name, description, required, json_schema, created_at",
        &["1, 1, 'object', 'about', NULL, '{}', '2026-01-01 00:00:00'"],
    ),
    (
        "metadef_properties",
        "id, namespace_id, name, json_schema, created_at",
        &["1, 1, 'property', '{\"type\": \"string\"}', '2026-01-01 00:00:00'"],
    ),
    ("metadef_tags", "id, namespace_id, name, created_at", &["1, 1, 'tag', '2026-01-01 00:00:00'"]),
];

pub(crate) async fn fill(url: &str) {
    for (table, columns, rows) in ROWS {
        for row in rows {
            raw(url, &format!("INSERT INTO {table} ({columns}) VALUES ({row})")).await;
        }
    }
}

/// All columns of all rows.
pub(crate) async fn content(url: &str) -> Vec<Vec<String>> {
    let mut content = Vec::new();
    for (table, ..) in ROWS {
        content.extend(raw(url, &format!("SELECT * FROM {table} ORDER BY 1, 2")).await);
    }
    content
}

/// The tables of artifacts as they were before Pike, which dropped them with what was in them.
pub(crate) const ARTIFACTS: [&str; 2] = [
    "INSERT INTO artifacts (id, name, type_name, type_version_prefix, version_prefix, visibility, state, owner, created_at, \
     updated_at) VALUES ('a', 'a', 't', 1, 1, 'private', 'active', 'me', '2015-01-01 00:00:00', '2015-01-01 00:00:00')",
    "INSERT INTO artifact_blobs (id, artifact_id, size, name, created_at, updated_at) \
     VALUES ('b', 'a', 1, 'b', '2015-01-01 00:00:00', '2015-01-01 00:00:00')",
];
