//! The metadata that an operator wants on new locations, so that other services can find the files themselves.

use std::fs;
use std::path::Path;

use serde_json::{Map, Value};

use crate::error::{Error, Kind, Result};

/// The contents of `filesystem_store_metadata_file`: one entry for each place where the folders are mounted.
#[derive(Default)]
pub(super) struct LocationMetadata(Vec<Map<String, Value>>);

impl LocationMetadata {
    /// Reads the file: a JSON object, or a list of them, with at least the strings `id` and `mountpoint`.
    pub(super) fn load(path: &Path) -> Result<Self> {
        let bad = |why: &dyn std::fmt::Display| {
            Error::new(Kind::Config, format!("the metadata file {} cannot be used: {why}", path.display()))
        };
        let text = fs::read(path).map_err(|error| bad(&error))?;
        let entries = match serde_json::from_slice(&text).map_err(|error| bad(&error))? {
            Value::Array(entries) => entries,
            entry => vec![entry],
        };
        entries.into_iter().map(checked).collect::<Option<_>>().map(Self).ok_or_else(|| {
            bad(&"each entry must be an object with the strings 'id' and 'mountpoint', and hold nothing but strings, lists and objects")
        })
    }

    /// The entry whose mountpoint holds `file`; nothing if there is none.
    pub(super) fn of(&self, file: &Path) -> Map<String, Value> {
        let mountpoint =
            |entry: &Map<String, Value>| entry.get("mountpoint").and_then(Value::as_str).map(str::to_owned);
        let found = self.0.iter().find(|entry| mountpoint(entry).is_some_and(|at| file.starts_with(at)));
        if found.is_none() && !self.0.is_empty() {
            tracing::error!(path = %file.display(), "the file is below no mountpoint of the metadata file");
        }
        found.cloned().unwrap_or_default()
    }
}

fn checked(entry: Value) -> Option<Map<String, Value>> {
    let Value::Object(entry) = entry else { return None };
    let named = ["id", "mountpoint"].iter().all(|key| entry.get(*key).is_some_and(Value::is_string));
    (named && entry.values().all(is_permitted)).then_some(entry)
}

/// Location metadata may hold strings, lists and objects only.
fn is_permitted(value: &Value) -> bool {
    match value {
        Value::String(_) => true,
        Value::Array(values) => values.iter().all(is_permitted),
        Value::Object(values) => values.values().all(is_permitted),
        Value::Null | Value::Bool(_) | Value::Number(_) => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn load(text: &str) -> Result<LocationMetadata> {
        let file = tempfile::NamedTempFile::new().unwrap();
        fs::write(file.path(), text).unwrap();
        LocationMetadata::load(file.path())
    }

    #[test]
    fn the_entry_of_the_mountpoint_is_found() {
        let metadata = load(
            r#"[{"id": "a", "mountpoint": "/mnt/a", "more": {"x": ["y"]}}, {"id": "b", "mountpoint": "/mnt/ab"}]"#,
        )
        .unwrap();
        let id = |path| metadata.of(Path::new(path)).get("id").cloned();
        assert_eq!(id("/mnt/a/1"), Some("a".into()));
        assert_eq!(id("/mnt/ab/1"), Some("b".into()));
        assert_eq!(id("/mnt/c/1"), None);
        let single = load(r#"{"id": "a", "mountpoint": "/mnt"}"#).unwrap();
        assert_eq!(single.of(Path::new("/mnt/a/1")).len(), 2);
    }

    #[test]
    fn other_contents_are_refused() {
        for text in [
            "",
            "nonsense",
            "1",
            "[1]",
            "{}",
            r#"{"id": "a"}"#,
            r#"{"id": 1, "mountpoint": "/"}"#,
            r#"{"id": "a", "mountpoint": "/", "x": 1}"#,
            r#"{"id": "a", "mountpoint": "/", "x": [{"y": null}]}"#,
        ] {
            assert_eq!(load(text).err().map(|error| error.kind()), Some(Kind::Config), "{text}");
        }
        assert_eq!(LocationMetadata::load(Path::new("/nowhere/x")).err().unwrap().kind(), Kind::Config);
    }
}
