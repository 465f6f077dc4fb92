//! Definitions of metadata, into the catalogue and out of it, and beside upstream's own loader.

use std::collections::BTreeMap;
use std::path::Path;

use glance_db::{Definition, Engine, Loaded, Merge};

use crate::support::{Fixture, at, environment, on_each_engine, on_every_database, raw};
use crate::upstream::Upstream;

fn definition() -> Definition {
    serde_json::from_value(serde_json::json!({
        "namespace": "OS::Test::Größe",
        "display_name": "A test",
        "description": "What it is about 🦀",
        "visibility": "public",
        "protected": true,
        "resource_type_associations": [
            {"name": "OS::Glance::Image", "prefix": "test_", "properties_target": null},
            {"name": "OS::Nova::Server", "prefix": null, "properties_target": "metadata"}
        ],
        "properties": {"one": {"title": "Eins", "type": "integer"}, "two": {"type": "string", "enum": ["ä", "🦀"]}},
        "objects": [{"name": "group", "description": null, "properties": {"three": {"type": "boolean"}}}],
        "tags": [{"name": "first"}, {"name": "second"}]
    }))
    .unwrap()
}

/// As a table's character set on MySQL can hold it.
fn three_bytes(definition: Definition) -> Definition {
    Definition { description: Some("What it is about".into()), ..definition }
}

on_every_database! {
    async fn come_back_as_they_went(database: Database) {
        let definition = three_bytes(definition());
        assert_eq!(database.load_metadefs(&definition, Merge::Skip, at(1)).await.unwrap(), Loaded::Stored);
        assert_eq!(database.export_metadefs().await.unwrap(), [definition]);
        database.unload_metadefs().await.unwrap();
        assert_eq!(database.export_metadefs().await.unwrap(), []);
    }

    async fn merge_as_they_are_told(database: Database) {
        let old = three_bytes(definition());
        let mut new = Definition { description: Some("another".into()), ..old.clone() };
        new.properties["one"] = serde_json::json!({"type": "string"});
        new.properties.insert("three".into(), serde_json::json!({"type": "number"}));
        new.properties.remove("two");
        new.tags.remove(0);
        let export = || async { database.export_metadefs().await.unwrap().remove(0) };
        database.load_metadefs(&old, Merge::Skip, at(1)).await.unwrap();
        assert_eq!(database.load_metadefs(&new, Merge::Skip, at(2)).await.unwrap(), Loaded::Skipped);
        assert_eq!(export().await, old);
        database.load_metadefs(&new, Merge::PreferExisting, at(3)).await.unwrap();
        let merged = export().await;
        assert_eq!((&merged.description, &merged.properties["one"]), (&old.description, &old.properties["one"]));
        assert_eq!((merged.properties.len(), merged.tags.len()), (3, 2));
        database.load_metadefs(&new, Merge::PreferNew, at(4)).await.unwrap();
        let merged = export().await;
        assert_eq!((&merged.description, &merged.properties["one"]), (&new.description, &new.properties["one"]));
        assert_eq!((merged.properties.len(), merged.tags.len()), (3, 2));
        database.load_metadefs(&new, Merge::Overwrite, at(5)).await.unwrap();
        assert_eq!(export().await, new);
    }
}

const TABLES: [(&str, &str); 6] = [
    ("metadef_namespaces", "namespace, display_name, description, visibility, owner"),
    ("metadef_resource_types", "name"),
    ("metadef_namespace_resource_types", "properties_target, prefix"),
    ("metadef_properties", "name, json_schema"),
    ("metadef_objects", "name, description, required, json_schema"),
    ("metadef_tags", "name"),
];

/// Rows as text; JSON without regard for blanks.
async fn content(url: &str) -> Vec<Vec<String>> {
    let mut content = Vec::new();
    for (table, columns) in TABLES {
        let rows = raw(url, &format!("SELECT {columns} FROM {table}")).await;
        content.extend(rows.into_iter().map(|row| row.into_iter().map(without_blanks).collect()));
    }
    content.sort();
    content
}

fn without_blanks(cell: String) -> String {
    if !cell.starts_with('{') {
        return cell;
    }
    serde_json::from_str::<serde_json::Value>(&cell).unwrap().to_string()
}

async fn are_what_upstream_makes_of_the_file(engine: Engine) {
    let Some(upstream) = Upstream::create(engine).await else { return };
    let Some(fixture) = Fixture::create(engine).await else { return };
    let database = fixture.prepared().await;
    let definition = three_bytes(definition());
    let file = upstream.file("definition.json");
    std::fs::write(&file, serde_json::to_string(&definition).unwrap()).unwrap();
    upstream.manage(&["db_load_metadefs", file.to_str().unwrap()]);
    database.load_metadefs(&definition, Merge::Skip, at(1)).await.unwrap();
    assert_eq!(content(&fixture.url).await, content(&upstream.fixture.url).await);
    let flags = "SELECT created_at FROM metadef_namespaces WHERE protected UNION ALL
                 SELECT created_at FROM metadef_resource_types WHERE protected";
    assert_eq!(raw(&fixture.url, &flags.replace("created_at", "'1'")).await.len(), 3);
    assert_eq!(raw(&upstream.fixture.url, &flags.replace("created_at", "'1'")).await.len(), 3);
    database.close().await;
    fixture.remove().await;
    upstream.fixture.remove().await;
}

on_each_engine!(are_what_upstream_makes_of_the_file);

/// The definitions of a folder by namespace, without the words for people.
fn shipped(folder: &Path) -> BTreeMap<String, serde_json::Value> {
    let files = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    let files = files.filter(|file| file.extension().is_some_and(|extension| extension == "json"));
    files
        .map(|file| {
            let mut definition: Definition = serde_json::from_slice(&std::fs::read(file).unwrap()).unwrap();
            (definition.display_name, definition.description) = (None, None);
            definition.properties.values_mut().for_each(without_words);
            for object in &mut definition.objects {
                object.description = None;
                object.properties.as_object_mut().unwrap().values_mut().for_each(without_words);
            }
            (definition.namespace.clone(), serde_json::to_value(definition).unwrap())
        })
        .collect()
}

fn without_words(schema: &mut serde_json::Value) {
    let schema = schema.as_object_mut().unwrap();
    for member in ["title", "description"] {
        schema.remove(member);
    }
}

#[test]
fn the_project_ships_what_upstream_ships() {
    let Some(python) = environment("GLANCE_TEST_PYTHON") else {
        println!("SKIPPED: GLANCE_TEST_PYTHON is not set");
        return;
    };
    let prefix = Path::new(&python).ancestors().nth(2).unwrap();
    let ours = shipped(&Path::new(env!("CARGO_MANIFEST_DIR")).join("../../etc/metadefs"));
    let theirs = shipped(&prefix.join("etc/glance/metadefs"));
    assert_eq!(ours.keys().collect::<Vec<_>>(), theirs.keys().collect::<Vec<_>>());
    for (namespace, definition) in &theirs {
        assert_eq!(&ours[namespace], definition, "{namespace}");
    }
}
