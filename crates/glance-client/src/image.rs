//! An image's record as the server shows it, and the fields of one to be created.

use crate::error::{Error, ErrorKind};
use crate::json::{Json, Object};

/// The attributes that every image has or may have; what is not among them is a property.
pub(crate) const BASE_ATTRIBUTES: [&str; 27] = [
    "checksum",
    "container_format",
    "created_at",
    "deleted",
    "deleted_at",
    "direct_url",
    "disk_format",
    "file",
    "id",
    "locations",
    "min_disk",
    "min_ram",
    "name",
    "os_hash_algo",
    "os_hash_value",
    "os_hidden",
    "owner",
    "protected",
    "schema",
    "self",
    "size",
    "status",
    "stores",
    "tags",
    "updated_at",
    "virtual_size",
    "visibility",
];

/// An image's record.
#[derive(Debug, Clone, PartialEq)]
pub struct Image {
    id: String,
    document: Object,
}

impl Image {
    /// An image from the JSON object which the API shows.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Protocol`] when it is no object with a text `id`.
    pub fn from_json(json: Json) -> Result<Self, Error> {
        if let Json::Object(document) = json
            && let Some(id) = document.get("id").and_then(Json::as_str).map(str::to_owned)
        {
            return Ok(Self { id, document });
        }
        Err(Error::new(ErrorKind::Protocol, "the server's answer is not an image"))
    }

    /// The identifier.
    pub fn id(&self) -> &str {
        &self.id
    }

    /// The name, which need not be unique.
    pub fn name(&self) -> Option<&str> {
        self.text("name")
    }

    /// The state: `queued`, `saving`, `active`, …
    pub fn status(&self) -> Option<&str> {
        self.text("status")
    }

    /// Who sees the image: `public`, `private`, `shared` or `community`.
    pub fn visibility(&self) -> Option<&str> {
        self.text("visibility")
    }

    /// The format of the disk.
    pub fn disk_format(&self) -> Option<&str> {
        self.text("disk_format")
    }

    /// The format of what is around the disk.
    pub fn container_format(&self) -> Option<&str> {
        self.text("container_format")
    }

    /// Bytes of data; `None` before there are any.
    pub fn size(&self) -> Option<u64> {
        self.document.get("size").and_then(Json::as_u64)
    }

    /// Bytes of the disk that the data describes.
    pub fn virtual_size(&self) -> Option<u64> {
        self.document.get("virtual_size").and_then(Json::as_u64)
    }

    /// The MD5 of the data, in hexadecimal digits.
    pub fn checksum(&self) -> Option<&str> {
        self.text("checksum")
    }

    /// The algorithm of [`Self::os_hash_value`].
    pub fn os_hash_algo(&self) -> Option<&str> {
        self.text("os_hash_algo")
    }

    /// The digest of the data, in hexadecimal digits.
    pub fn os_hash_value(&self) -> Option<&str> {
        self.text("os_hash_value")
    }

    /// The project that the image belongs to.
    pub fn owner(&self) -> Option<&str> {
        self.text("owner")
    }

    /// Whether it cannot be deleted.
    pub fn is_protected(&self) -> bool {
        self.document.get("protected").and_then(Json::as_bool).unwrap_or(false)
    }

    /// Whether lists leave it out unless asked for hidden images.
    pub fn is_hidden(&self) -> bool {
        self.document.get("os_hidden").and_then(Json::as_bool).unwrap_or(false)
    }

    /// When it was created, in the server's words (ISO 8601).
    pub fn created_at(&self) -> Option<&str> {
        self.text("created_at")
    }

    /// When its record changed last, in the server's words (ISO 8601).
    pub fn updated_at(&self) -> Option<&str> {
        self.text("updated_at")
    }

    /// The tags.
    pub fn tags(&self) -> impl Iterator<Item = &str> {
        self.document.get("tags").and_then(Json::as_array).unwrap_or_default().iter().filter_map(Json::as_str)
    }

    /// The attributes which are not the API's own, such as `os_distro` or `hw_disk_bus`.
    pub fn properties(&self) -> impl Iterator<Item = (&str, &Json)> {
        self.document.iter().filter(|(name, _)| !BASE_ATTRIBUTES.contains(name))
    }

    /// Any attribute by its name in the API.
    pub fn get(&self, name: &str) -> Option<&Json> {
        self.document.get(name)
    }

    /// All attributes, known or not, in the server's order.
    pub fn document(&self) -> &Object {
        &self.document
    }

    fn text(&self, name: &str) -> Option<&str> {
        self.document.get(name).and_then(Json::as_str)
    }
}

/// The fields of an image to be created.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct NewImage(Object);

impl NewImage {
    /// An image about which nothing is said.
    pub fn new() -> Self {
        Self::default()
    }

    /// Sets an attribute or a property by its name in the API.
    #[must_use]
    pub fn set(mut self, name: impl Into<String>, value: impl Into<Json>) -> Self {
        self.0.insert(name, value);
        self
    }

    pub(crate) fn document(&self) -> &Object {
        &self.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn image(text: &str) -> Result<Image, Error> {
        Image::from_json(serde_json::from_str(text).unwrap())
    }

    #[test]
    fn unknown_attributes_are_properties() {
        let image = image(r#"{"id":"i","size":3,"os_distro":"x","tags":["b","a"],"protected":true}"#).unwrap();
        assert_eq!(image.size(), Some(3));
        assert!(image.is_protected() && !image.is_hidden());
        assert_eq!(image.tags().collect::<Vec<_>>(), ["b", "a"]);
        let properties: Vec<_> = image.properties().map(|(name, _)| name).collect();
        assert_eq!(properties, ["os_distro"]);
    }

    #[test]
    fn what_has_no_id_is_no_image() {
        for text in ["[]", "{}", r#"{"id":3}"#, "null"] {
            assert_eq!(image(text).unwrap_err().kind(), ErrorKind::Protocol, "{text}");
        }
    }
}
