//! Changes of an image as JSON patches: both media types of the API, on the narrow set of paths that images have.
//!
//! Pointers are those of RFC 6901, restricted as Glance restricts them; `locations` has a second level.

use serde_json::Value;

use crate::Image;
use crate::attribute::{self, Attribute};
use crate::error::{Error, Result};
use crate::schema::ImageSchema;

/// The dialect of a patch, told by its media type.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Dialect {
    /// `application/openstack-images-v2.0-json-patch`: `{"replace": "/name", "value": …}`.
    V20,
    /// `application/openstack-images-v2.1-json-patch`: `{"op": "replace", "path": "/name", "value": …}`.
    V21,
}

impl Dialect {
    /// The media types, in the order in which `Accept-Patch` lists them.
    pub const MEDIA_TYPES: [(Self, &'static str); 2] = [
        (Self::V20, "application/openstack-images-v2.0-json-patch"),
        (Self::V21, "application/openstack-images-v2.1-json-patch"),
    ];
}

/// What a change does.
#[derive(Clone, Debug, PartialEq)]
pub enum Operation {
    /// Sets; the old dialect refuses to set what is there.
    Add(Value),
    /// Sets what is there.
    Replace(Value),
    /// Takes away.
    Remove,
}

impl Operation {
    /// What is added or replaces something.
    #[must_use]
    pub fn value(&self) -> Option<&Value> {
        match self {
            Self::Add(value) | Self::Replace(value) => Some(value),
            Self::Remove => None,
        }
    }
}

/// One change of one attribute.
#[derive(Clone, Debug, PartialEq)]
pub struct Change {
    /// The attribute.
    pub name: String,
    /// The second level of the path: an index into `locations`, or `-` for its end.
    pub index: Option<String>,
    /// What to do.
    pub operation: Operation,
    /// The dialect it came in.
    pub dialect: Dialect,
}

const OPERATIONS: [&str; 3] = ["add", "remove", "replace"];

/// Reads a patch and checks each change against `schema`.
///
/// # Errors
/// [`Error::Invalid`] for anything malformed, [`Error::ReadOnly`] and [`Error::Reserved`] for attributes that clients
/// may not touch.
pub fn parse(dialect: Dialect, body: &Value, schema: &ImageSchema) -> Result<Vec<Change>> {
    let items = body.as_array().ok_or_else(|| invalid("Request body must be a JSON array of operation objects."))?;
    items.iter().map(|item| parse_change(dialect, item, schema)).collect()
}

fn parse_change(dialect: Dialect, item: &Value, schema: &ImageSchema) -> Result<Change> {
    let item = item.as_object().ok_or_else(|| invalid("Operations must be JSON objects."))?;
    let (verb, pointer) = match dialect {
        Dialect::V21 => (operation_named(item.get("op").filter(|op| !op.is_null()))?, item.get("path")),
        Dialect::V20 => {
            let verb = only_operation(item)?;
            (verb, item.get(verb))
        }
    };
    let pointer = pointer.ok_or_else(|| invalid("Unable to find 'path' in JSON Schema change"))?;
    let pointer = pointer.as_str().ok_or_else(|| invalid("A JSON pointer must be a string."))?;
    let path = parse_pointer(pointer)?;
    let (name, index) = split_path(verb, path)?;
    let value = || {
        let value = item.get("value").cloned();
        value.ok_or_else(|| Error::Invalid(format!("Operation \"{verb}\" requires a member named \"value\".")))
    };
    let operation = match verb {
        "add" => Operation::Add(value()?),
        "replace" => Operation::Replace(value()?),
        _ => Operation::Remove,
    };
    attribute::check_writable(&name)?;
    check_value(&name, index.as_deref(), &operation, schema)?;
    Ok(Change { name, index, operation, dialect })
}

fn operation_named(op: Option<&Value>) -> Result<&'static str> {
    let available = OPERATIONS.join(", ");
    let op = op.ok_or_else(|| {
        Error::Invalid(format!(
            "Unable to find `op` in JSON Schema change. It must be one of the following: {available}."
        ))
    })?;
    OPERATIONS.into_iter().find(|known| op.as_str() == Some(known)).ok_or_else(|| {
        let given = op.as_str().map_or_else(|| op.to_string(), str::to_owned);
        Error::Invalid(format!("Invalid operation: `{given}`. It must be one of the following: {available}."))
    })
}

fn only_operation(item: &serde_json::Map<String, Value>) -> Result<&'static str> {
    let mut present = OPERATIONS.into_iter().filter(|verb| item.contains_key(*verb));
    match (present.next(), present.next()) {
        (Some(verb), None) => Ok(verb),
        (Some(_), Some(_)) => {
            Err(invalid("Operation objects must contain only one member named \"add\", \"remove\", or \"replace\"."))
        }
        (None, _) => {
            Err(invalid("Operation objects must contain exactly one member named \"add\", \"remove\", or \"replace\"."))
        }
    }
}

fn parse_pointer(pointer: &str) -> Result<Vec<String>> {
    let complain = |what: &str| Err(Error::Invalid(format!("Pointer `{pointer}` {what}")));
    let Some(rest) = pointer.strip_prefix('/') else { return complain("does not start with \"/\".") };
    let parts: Vec<&str> = rest.split('/').collect();
    if parts.len() > 2 && parts[1..parts.len() - 1].iter().any(|part| part.trim().is_empty()) {
        return complain("contains adjacent \"/\".");
    }
    if rest.ends_with('/') {
        return complain("end with \"/\".");
    }
    let mut escapes = pointer.split('~').skip(1);
    if escapes.any(|after| !after.starts_with(['0', '1'])) {
        return complain("contains \"~\" not part of a recognized escape sequence.");
    }
    let parts = pointer.trim_start_matches('/').split('/');
    Ok(parts.map(|part| part.replace("~1", "/").replace("~0", "~").trim().to_owned()).collect())
}

fn split_path(verb: &str, path: Vec<String>) -> Result<(String, Option<String>)> {
    let depth = if path[0] == "locations" && verb != "replace" { 2 } else { 1 };
    if path.len() != depth {
        return Err(Error::Invalid(format!("Invalid JSON pointer for this resource: '/{}'", path.join("/"))));
    }
    let mut parts = path.into_iter();
    Ok((parts.next().unwrap_or_default(), parts.next()))
}

fn check_value(name: &str, index: Option<&str>, operation: &Operation, schema: &ImageSchema) -> Result<()> {
    match operation {
        Operation::Remove => Ok(()),
        Operation::Add(value) if index.is_some() => schema.check_attribute(name, &Value::Array(vec![value.clone()])),
        Operation::Add(value) | Operation::Replace(value) => schema.check_attribute(name, value),
    }
}

/// Applies one change that is not about `locations` (those need stores).
///
/// # Errors
/// [`Error::Conflict`] when the property is not there, or is there already in the old dialect;
/// [`Error::Forbidden`] for the removal of a base attribute; those of [`attribute::set`].
pub fn apply(image: &mut Image, change: &Change) -> Result<()> {
    let name = change.name.as_str();
    let base = Attribute::parse(name);
    let present = base.is_some() || image.properties.contains_key(name);
    match (&change.operation, base) {
        (Operation::Remove, Some(_)) => Err(Error::Forbidden(format!("Property {name} may not be removed."))),
        (Operation::Remove | Operation::Replace(_), None) if !present => {
            Err(Error::Conflict(format!("Property {name} does not exist.")))
        }
        (Operation::Remove, None) => {
            image.properties.remove(name);
            Ok(())
        }
        (Operation::Add(_), _) if present && change.dialect == Dialect::V20 => {
            Err(Error::Conflict(format!("Property {name} already present.")))
        }
        (Operation::Add(value) | Operation::Replace(value), Some(base)) => attribute::set(image, base, value),
        (Operation::Add(value) | Operation::Replace(value), None) => attribute::set_property(image, name, value),
    }
}

fn invalid(message: &str) -> Error {
    Error::Invalid(message.to_owned())
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::{ImageId, Timestamp};

    fn schema() -> ImageSchema {
        ImageSchema::new(&["bare".into()], &["raw".into()], None).unwrap()
    }

    fn image() -> Image {
        Image::new(ImageId::parse("one").unwrap(), None, Timestamp::parse_iso("2026-01-01").unwrap())
    }

    fn patched(dialect: Dialect, body: Value) -> Result<Image> {
        let mut image = image();
        image.properties.insert("colour".into(), Some("red".into()));
        for change in parse(dialect, &body, &schema())? {
            apply(&mut image, &change)?;
        }
        Ok(image)
    }

    #[test]
    fn both_dialects_change_attributes_and_properties() {
        let new = patched(
            Dialect::V21,
            json!([
                {"op": "replace", "path": "/name", "value": "n"},
                {"op": "add", "path": "/a~1b~0c", "value": "x"},
                {"op": "remove", "path": "/colour"},
            ]),
        )
        .unwrap();
        assert_eq!(new.name.as_deref(), Some("n"));
        assert_eq!(new.properties.keys().collect::<Vec<_>>(), ["a/b~c"]);
        let old = patched(Dialect::V20, json!([{"replace": "/colour", "value": "blue"}])).unwrap();
        assert_eq!(old.properties["colour"].as_deref(), Some("blue"));
    }

    #[test]
    fn refusals() {
        let cases = [
            (json!({}), "Request body must be a JSON array of operation objects."),
            (json!([1]), "Operations must be JSON objects."),
            (json!([{"path": "/x"}]), "Unable to find `op`"),
            (json!([{"op": "zap", "path": "/x"}]), "Invalid operation: `zap`."),
            (json!([{"op": "add", "value": "1"}]), "Unable to find 'path'"),
            (json!([{"op": "add", "path": "x", "value": "1"}]), "does not start with"),
            (json!([{"op": "add", "path": "/x//y", "value": "1"}]), "adjacent"),
            (json!([{"op": "add", "path": "//", "value": "1"}]), "end with"),
            (json!([{"op": "add", "path": "/x/", "value": "1"}]), "end with"),
            (json!([{"op": "add", "path": "/x~2", "value": "1"}]), "recognized escape"),
            (json!([{"op": "add", "path": "/x/y", "value": "1"}]), "Invalid JSON pointer for this resource: '/x/y'"),
            (json!([{"op": "add", "path": "/x"}]), "requires a member named \"value\"."),
            (json!([{"op": "replace", "path": "/id", "value": "1"}]), "is read-only."),
            (json!([{"op": "replace", "path": "/deleted", "value": "1"}]), "is reserved."),
            (json!([{"op": "replace", "path": "/nope", "value": "1"}]), "Property nope does not exist."),
            (json!([{"op": "remove", "path": "/name"}]), "Property name may not be removed."),
            (json!([{"op": "replace", "path": "/x", "value": 5}]), "5 is not of type 'string'"),
        ];
        for (body, message) in cases {
            let refusal = patched(Dialect::V21, body.clone()).unwrap_err().to_string();
            assert!(refusal.contains(message), "{body}: {refusal}");
        }
        let twice = json!([{"add": "/colour", "value": "blue"}]);
        assert!(matches!(patched(Dialect::V20, twice), Err(Error::Conflict(_))));
        assert!(patched(Dialect::V20, json!([{"add": "/x", "remove": "/x"}])).is_err());
    }
}
