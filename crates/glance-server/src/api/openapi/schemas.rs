//! The documents of the API as OpenAPI's components: the schemas that the service publishes, and those it has no
//! published ones for.

use glance_domain::schema::{ImageSchema, member};
use serde_json::{Map, Value, json};

use super::reference;

/// All components by name.
pub(super) fn components(image: &ImageSchema) -> Value {
    let text = || json!({"type": "string"});
    json!({
        "Image": published(image.document()),
        "Images": with_items(&image.collection(), "images", "Image"),
        "NewImage": new_image(image.document()),
        "Patch": patch(),
        "OldPatch": old_patch(),
        "Member": published(&member::member()),
        "Members": with_items(&member::members(), "members", "Member"),
        "NewMember": object(&[("member", json!({"type": "string", "minLength": 1, "maxLength": 255}))]),
        "MemberStatus": object(&[("status", member::member()["properties"]["status"].clone())]),
        "Locations": {"type": "array", "items": object(&[("url", text()), ("metadata", json!({"type": "object"}))])},
        "Stores": object(&[("stores", json!({"type": "array", "items": store()}))]),
        "ImportMethods": object(&[("import-methods", object(&[
            ("description", text()),
            ("type", text()),
            ("value", json!({"type": "array", "items": text()})),
        ]))]),
        "Usage": object(&[("usage", json!({
            "type": "object",
            "additionalProperties": object(&[("usage", json!({"type": "integer"})), ("limit", json!({"type": "integer"}))]),
        }))]),
        "Versions": object(&[("versions", json!({"type": "array", "items": object(&[
            ("id", text()),
            ("status", json!({"type": "string", "enum": ["CURRENT", "SUPPORTED"]})),
            ("links", json!({"type": "array", "items": object(&[("rel", text()), ("href", text())])})),
        ])}))]),
        "Schema": {"type": "object"},
        "Error": object(&[("message", text()), ("code", text()), ("title", text())]),
    })
}

/// An object that has all of these members.
fn object(members: &[(&str, Value)]) -> Value {
    let names: Vec<&str> = members.iter().map(|(name, _)| *name).collect();
    let properties: Map<String, Value> =
        members.iter().map(|(name, schema)| ((*name).into(), schema.clone())).collect();
    json!({"type": "object", "required": names, "properties": properties})
}

fn store() -> Value {
    let mut store = object(&[("id", json!({"type": "string"}))]);
    store["properties"]["description"] = json!({"type": "string"});
    store["properties"]["default"] = json!({"type": "string", "enum": ["true"]});
    store["properties"]["read-only"] = json!({"type": "string", "enum": ["true"]});
    store["properties"]["type"] = json!({"type": "string"});
    store["properties"]["weight"] = json!({"type": "integer"});
    store["properties"]["properties"] = json!({"type": "object"});
    store
}

/// A published schema without what JSON Schema does not know any more.
fn published(document: &Value) -> Value {
    let mut schema = json!({"type": "object", "properties": document["properties"]});
    for name in ["additionalProperties", "required"] {
        if let Some(value) = document.get(name) {
            schema[name] = value.clone();
        }
    }
    schema
}

/// A published schema of a list whose items are a component of their own.
fn with_items(document: &Value, name: &str, item: &str) -> Value {
    let mut schema = published(document);
    schema["properties"][name]["items"] = reference(item);
    schema
}

/// What clients may say of a new image.
fn new_image(document: &Value) -> Value {
    let mut schema = published(document);
    if let Some(properties) = schema["properties"].as_object_mut() {
        properties.retain(|name, schema| name != "locations" && schema.get("readOnly") != Some(&json!(true)));
    }
    schema
}

fn patch() -> Value {
    let path = json!({"type": "string", "description": "A JSON pointer, such as /name"});
    let change = |op: Value, more: &[(&str, Value)]| {
        let members: Vec<_> = [("op", op), ("path", path.clone())].into_iter().chain(more.iter().cloned()).collect();
        object(&members)
    };
    let set = change(json!({"type": "string", "enum": ["add", "replace"]}), &[("value", json!({}))]);
    let remove = change(json!({"type": "string", "enum": ["remove"]}), &[]);
    json!({"type": "array", "items": {"anyOf": [set, remove]}})
}

fn old_patch() -> Value {
    let path = || json!({"type": "string", "description": "A JSON pointer, such as /name"});
    let changes = [
        object(&[("add", path()), ("value", json!({}))]),
        object(&[("replace", path()), ("value", json!({}))]),
        object(&[("remove", path())]),
    ];
    json!({"type": "array", "items": {"anyOf": changes}})
}
