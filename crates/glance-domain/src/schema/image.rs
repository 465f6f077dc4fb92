//! The schema of images and of lists of images.

use serde_json::{Map, Value, json};

use super::validate::validate;
use crate::Status;
use crate::error::{Error, Result};

pub(super) const UUID_PATTERN: &str =
    "^([0-9a-fA-F]){8}-([0-9a-fA-F]){4}-([0-9a-fA-F]){4}-([0-9a-fA-F]){4}-([0-9a-fA-F]){12}$";

/// What an image document may contain, as this deployment is configured.
#[derive(Clone, Debug)]
pub struct ImageSchema {
    document: Value,
}

impl ImageSchema {
    /// The schema with these formats (`[image_format]` options) and the properties of `schema-image.json`.
    ///
    /// `custom` is that file's content in either of its forms: a map of properties, or
    /// `{"properties": {…}, "required": […]}`.
    ///
    /// # Errors
    /// [`Error::Invalid`] when `custom` is no object or redefines a base attribute.
    pub fn new(container_formats: &[String], disk_formats: &[String], custom: Option<&Value>) -> Result<Self> {
        let mut properties = base_properties(container_formats, disk_formats);
        let mut required = None;
        if let Some(custom) = custom {
            let extended = custom.get("properties").and_then(Value::as_object);
            required = extended.and_then(|_| custom.get("required").filter(|names| **names != json!([])));
            let additions = extended.or_else(|| custom.as_object()).ok_or_else(not_an_object)?;
            merge(&mut properties, additions)?;
        }
        let mut document = json!({
            "name": "image",
            "properties": properties,
            "additionalProperties": {"type": "string"},
            "links": [
                {"rel": "self", "href": "{self}"},
                {"rel": "enclosure", "href": "{file}"},
                {"rel": "describedby", "href": "{schema}"},
            ],
        });
        if let Some(required) = required {
            document["required"] = required.clone();
        }
        Ok(Self { document })
    }

    /// The document at `/v2/schemas/image`.
    #[must_use]
    pub fn document(&self) -> &Value {
        &self.document
    }

    /// The document at `/v2/schemas/images`.
    #[must_use]
    pub fn collection(&self) -> Value {
        json!({
            "name": "images",
            "properties": {
                "images": {"type": "array", "items": self.document},
                "first": {"type": "string"},
                "next": {"type": "string"},
                "schema": {"type": "string"},
            },
            "links": [
                {"rel": "first", "href": "{first}"},
                {"rel": "next", "href": "{next}"},
                {"rel": "describedby", "href": "{schema}"},
            ],
        })
    }

    /// Whether it says anything of an attribute or property of this name.
    #[must_use]
    pub fn describes(&self, name: &str) -> bool {
        self.document["properties"].get(name).is_some()
    }

    /// Checks a whole image document of a request.
    ///
    /// # Errors
    /// [`Error::Invalid`] that quotes the value and the rule.
    pub fn check(&self, document: &Value) -> Result<()> {
        validate(&self.document, document).map_err(|violation| {
            Error::Invalid(format!("Provided object does not match schema 'image': {}", violation.0))
        })
    }

    /// Checks one attribute as [`ImageSchema::check`] does, `required` apart.
    ///
    /// # Errors
    /// [`Error::Invalid`] that quotes the value and the rule.
    pub fn check_attribute(&self, name: &str, value: &Value) -> Result<()> {
        let known = self.document["properties"].get(name);
        let schema = known.unwrap_or(&self.document["additionalProperties"]);
        validate(schema, value).map_err(|violation| {
            Error::Invalid(format!("Provided object does not match schema 'image': {}", violation.0))
        })
    }
}

fn not_an_object() -> Error {
    Error::Invalid("schema-image.json must contain an object".into())
}

fn merge(properties: &mut Map<String, Value>, additions: &Map<String, Value>) -> Result<()> {
    for (name, schema) in additions {
        let mut schema = schema.as_object().ok_or_else(not_an_object)?.clone();
        schema.insert("is_base".into(), Value::Bool(false));
        if properties.insert(name.clone(), Value::Object(schema)).is_some() {
            return Err(Error::Invalid(format!("custom properties ({name}) conflict with base properties")));
        }
    }
    Ok(())
}

/// An enumeration that also allows null.
fn nullable(values: &[String]) -> Vec<Value> {
    std::iter::once(Value::Null).chain(values.iter().map(|value| json!(value))).collect()
}

fn base_properties(container_formats: &[String], disk_formats: &[String]) -> Map<String, Value> {
    let statuses: Vec<&str> = Status::ALL.iter().map(|status| status.as_str()).collect();
    let text = |description: &str| json!({"type": "string", "description": description});
    let given = |description: &str| json!({"type": "string", "readOnly": true, "description": description});
    let digest = |description: &str, most: u32| json!({"type": ["null", "string"], "readOnly": true, "description": description, "maxLength": most});
    let bytes = |what: &str| json!({"type": ["null", "integer"], "readOnly": true, "description": what});
    let flag = |description: &str| json!({"type": "boolean", "description": description});
    let number = |description: &str| json!({"type": "integer", "description": description});
    let format = |what: &str, values: &[String]| json!({"type": ["null", "string"], "description": what, "enum": nullable(values)});
    let label = |description: &str| json!({"type": ["null", "string"], "description": description, "maxLength": 255});

    let mut id = text("The image's identifier, a UUID");
    id["pattern"] = json!(UUID_PATTERN);
    let mut status = given("State of the image's data");
    status["enum"] = json!(statuses);
    let mut visibility = text("Who can see and use the image");
    visibility["enum"] = json!(["community", "public", "private", "shared"]);
    let tags = json!({
        "type": "array",
        "description": "Labels of the image",
        "items": {"type": "string", "maxLength": 255},
    });
    let properties = [
        ("id", id),
        ("name", label("A name for people, not necessarily unique")),
        ("status", status),
        ("visibility", visibility),
        ("protected", flag("Whether the image refuses to be deleted")),
        ("os_hidden", flag("Whether default lists leave the image out")),
        ("checksum", digest("MD5 digest of the data, in hexadecimal digits", 32)),
        ("os_hash_algo", digest("Algorithm of os_hash_value", 64)),
        ("os_hash_value", digest("Digest of the data, in hexadecimal digits", 128)),
        ("owner", label("Project that owns the image")),
        ("size", bytes("Bytes of image data")),
        ("virtual_size", bytes("Bytes of the disk inside, as a machine sees it")),
        ("container_format", format("What wraps the disk", container_formats)),
        ("disk_format", format("How the disk is laid out", disk_formats)),
        ("created_at", given("When the image was registered")),
        ("updated_at", given("When the image was changed last")),
        ("tags", tags),
        ("direct_url", given("Location of the data in its store")),
        ("min_ram", number("Least memory to boot the image, in MiB")),
        ("min_disk", number("Least disk to boot the image, in GiB")),
        ("self", given("Path of the image")),
        ("file", given("Path of the image's data")),
        ("stores", given("Comma-separated stores that hold the data, where several are configured")),
        ("schema", given("Path of this schema")),
        ("locations", locations()),
    ];
    properties.into_iter().map(|(name, schema)| (name.to_owned(), schema)).collect()
}

fn locations() -> Value {
    json!({
        "type": "array",
        "description": "Where the data is",
        "items": {
            "type": "object",
            "required": ["url", "metadata"],
            "properties": {
                "url": {"type": "string", "maxLength": 255},
                "metadata": {"type": "object"},
                "validation_data": {
                    "type": "object",
                    "writeOnly": true,
                    "description": "Digests of the data, to be taken over or compared with those the image has",
                    "additionalProperties": false,
                    "required": ["os_hash_algo", "os_hash_value"],
                    "properties": {
                        "checksum": {"type": "string", "minLength": 32, "maxLength": 32},
                        "os_hash_algo": {"type": "string", "maxLength": 64},
                        "os_hash_value": {"type": "string", "maxLength": 128},
                    },
                },
            },
        },
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn schema(custom: Option<&Value>) -> Result<ImageSchema> {
        ImageSchema::new(&["bare".into()], &["raw".into(), "qcow2".into()], custom)
    }

    #[test]
    fn requests_are_checked_attribute_by_attribute() {
        let schema = schema(None).unwrap();
        schema.check(&json!({"name": null, "disk_format": "raw", "anything": "text"})).unwrap();
        let message = schema.check(&json!({"anything": 5})).unwrap_err().to_string();
        assert_eq!(message, "Provided object does not match schema 'image': 5 is not of type 'string'");
        assert!(schema.check_attribute("disk_format", &json!("vhd")).is_err());
        assert!(schema.check(&json!({"id": "1"})).is_err());
    }

    #[test]
    fn both_forms_of_the_custom_file_work() {
        let flat = json!({"kernel_id": {"type": ["null", "string"]}});
        let document = schema(Some(&flat)).unwrap();
        assert_eq!(document.document()["properties"]["kernel_id"]["is_base"], json!(false));
        let extended = json!({"properties": flat, "required": ["kernel_id"]});
        assert!(schema(Some(&extended)).unwrap().check(&json!({})).is_err());
        assert!(schema(Some(&json!({"name": {"type": "string"}}))).is_err());
    }
}
