//! Changes to an image: `application/openstack-images-v2.1-json-patch`.
//!
//! Format: <https://docs.openstack.org/api-ref/image/v2/#update-image>. A base attribute can only be replaced, a property
//! is added, replaced or removed.

use serde::Serialize;

use crate::image::{BASE_ATTRIBUTES, Image};
use crate::json::Json;

/// A list of changes, applied in order and all together or not at all.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
#[serde(transparent)]
pub struct Patch(Vec<Operation>);

#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(tag = "op", rename_all = "lowercase")]
enum Operation {
    Add { path: String, value: Json },
    Replace { path: String, value: Json },
    Remove { path: String },
}

impl Patch {
    /// No change.
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds the property `name`, or replaces it when it exists.
    #[must_use]
    pub fn add(mut self, name: &str, value: impl Into<Json>) -> Self {
        self.0.push(Operation::Add { path: pointer(name), value: value.into() });
        self
    }

    /// Replaces the attribute or the existing property `name`.
    #[must_use]
    pub fn replace(mut self, name: &str, value: impl Into<Json>) -> Self {
        self.0.push(Operation::Replace { path: pointer(name), value: value.into() });
        self
    }

    /// Removes the property `name`, which must exist.
    #[must_use]
    pub fn remove(mut self, name: &str) -> Self {
        self.0.push(Operation::Remove { path: pointer(name) });
        self
    }

    /// Whether there is nothing to change.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// What makes `image` have the `wanted` values and lose the `removed` properties: only what differs from now, and
    /// what is wanted stays even if it is also to be removed.
    pub fn between<'a>(
        image: &Image,
        wanted: impl IntoIterator<Item = (&'a str, &'a Json)>,
        removed: impl IntoIterator<Item = &'a str>,
    ) -> Self {
        let mut patch = Self::new();
        let mut named = Vec::new();
        for (name, value) in wanted {
            named.push(name);
            patch = match image.get(name) {
                Some(now) if now == value => patch,
                None if !BASE_ATTRIBUTES.contains(&name) => patch.add(name, value.clone()),
                _ => patch.replace(name, value.clone()),
            };
        }
        for name in removed {
            if image.get(name).is_some() && !named.contains(&name) {
                named.push(name);
                patch = patch.remove(name);
            }
        }
        patch
    }
}

/// The path of a member at the top: `~` and `/` are escaped (RFC 6901).
fn pointer(name: &str) -> String {
    format!("/{}", name.replace('~', "~0").replace('/', "~1"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn between(image: &str, wanted: &[(&str, Json)], removed: &[&str]) -> String {
        let image = Image::from_json(serde_json::from_str(image).unwrap()).unwrap();
        let wanted = wanted.iter().map(|(name, value)| (*name, value));
        let patch = Patch::between(&image, wanted, removed.iter().copied());
        serde_json::to_string(&patch).unwrap()
    }

    #[test]
    fn base_attributes_are_replaced_even_when_absent() {
        assert_eq!(
            between(r#"{"id":"i"}"#, &[("name", "n".into())], &[]),
            r#"[{"op":"replace","path":"/name","value":"n"}]"#
        );
    }

    #[test]
    fn properties_are_added_or_replaced() {
        assert_eq!(
            between(r#"{"id":"i","a":"1"}"#, &[("a", "2".into()), ("b", "3".into())], &[]),
            r#"[{"op":"replace","path":"/a","value":"2"},{"op":"add","path":"/b","value":"3"}]"#
        );
    }

    #[test]
    fn what_is_already_so_is_left_out() {
        assert_eq!(
            between(r#"{"id":"i","a":"1","min_ram":0}"#, &[("a", "1".into()), ("min_ram", 0.into())], &["no"]),
            "[]"
        );
    }

    #[test]
    fn what_is_set_is_not_removed() {
        assert_eq!(
            between(r#"{"id":"i","a":"1","b":"2"}"#, &[("a", "2".into())], &["a", "b", "b"]),
            r#"[{"op":"replace","path":"/a","value":"2"},{"op":"remove","path":"/b"}]"#
        );
    }

    #[test]
    fn names_are_escaped() {
        assert_eq!(pointer("a/b~c"), "/a~1b~0c");
    }
}
