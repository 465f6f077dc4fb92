//! A namespace with all that is in it, in the form of upstream's files in `etc/metadefs`.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

/// A namespace with its properties, objects, tags and resource types. Members that are not known are ignored.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Definition {
    /// Its name, at most 80 characters.
    pub namespace: String,
    /// Its name for people.
    #[serde(default)]
    pub display_name: Option<String>,
    /// What it is about.
    #[serde(default)]
    pub description: Option<String>,
    /// `public` or `private`.
    #[serde(default)]
    pub visibility: Option<String>,
    /// Whether it can be deleted.
    #[serde(default)]
    pub protected: Option<bool>,
    /// The project that it belongs to; `admin` when the file does not say.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub owner: Option<String>,
    /// What its properties are for.
    #[serde(default)]
    pub resource_type_associations: Vec<Association>,
    /// JSON schemas by name.
    #[serde(default)]
    pub properties: Map<String, Value>,
    /// Groups of properties.
    #[serde(default)]
    pub objects: Vec<ObjectDefinition>,
    /// Words that can be attached.
    #[serde(default)]
    pub tags: Vec<Named>,
}

/// A type of resource for which a namespace is meant.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Association {
    /// The type, such as `OS::Glance::Image`.
    pub name: String,
    /// What its properties' names start with there.
    #[serde(default)]
    pub prefix: Option<String>,
    /// Which part of the resource has the properties.
    #[serde(default)]
    pub properties_target: Option<String>,
}

/// A group of properties.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ObjectDefinition {
    /// Its name.
    pub name: String,
    /// What it is about.
    #[serde(default)]
    pub description: Option<String>,
    /// JSON schemas by name.
    #[serde(default)]
    pub properties: Value,
}

/// Something that has a name and nothing else.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Named {
    /// The name.
    pub name: String,
}

/// JSON in ASCII, as Python writes it: the tables may be in a character set that lacks half of Unicode.
pub(super) fn ascii_json(value: &Value) -> String {
    let text = value.to_string();
    let mut ascii = String::with_capacity(text.len());
    for c in text.chars() {
        if c.is_ascii() {
            ascii.push(c);
        } else {
            let mut units = [0; 2];
            c.encode_utf16(&mut units).iter().for_each(|unit| ascii.push_str(&format!("\\u{unit:04x}")));
        }
    }
    ascii
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_is_escaped_beyond_ascii() {
        let value = serde_json::json!({"a": "größe 🦀"});
        assert_eq!(ascii_json(&value), r#"{"a":"gr\u00f6\u00dfe \ud83e\udd80"}"#);
        assert_eq!(serde_json::from_str::<Value>(&ascii_json(&value)).unwrap(), value);
    }

    #[test]
    fn a_file_may_be_as_short_as_a_name() {
        let definition: Definition = serde_json::from_str(r#"{"namespace": "OS::X", "$schema": "ignored"}"#).unwrap();
        assert_eq!(definition.namespace, "OS::X");
        assert!(definition.properties.is_empty() && definition.owner.is_none());
        assert!(serde_json::from_str::<Definition>("{}").is_err());
    }
}
