//! What a rule is asked about: the attributes that check strings name as `%(…)s`.

use glance_domain::{Image, ProjectId};
use oslo::policy::{Attribute, Attributes};
use serde_json::{Map, Value, json};

/// The object of a question.
#[derive(Clone, Copy, Debug)]
pub struct Target<'a> {
    image: Option<&'a Image>,
    project: Option<&'a ProjectId>,
}

impl<'a> Target<'a> {
    /// An image.
    #[must_use]
    pub fn image(image: &'a Image) -> Self {
        Self { image: Some(image), project: image.owner.as_ref() }
    }

    /// Whatever belongs to a project.
    #[must_use]
    pub fn project(project: Option<&'a ProjectId>) -> Self {
        Self { image: None, project }
    }

    /// The deployment as a whole.
    #[must_use]
    pub fn none() -> Self {
        Self { image: None, project: None }
    }

    /// All attributes, as remote servers are told them.
    #[must_use]
    pub fn document(&self) -> Value {
        let mut all = Map::new();
        if let Some(image) = self.image {
            all.extend(image.properties.iter().map(|(name, value)| (name.clone(), json!(value))));
            all.extend(NAMES.iter().filter_map(|name| Some(((*name).to_owned(), self.of_image(image, name)?))));
        }
        for name in ["project_id", "owner"] {
            all.insert(name.to_owned(), json!(self.project.map(ProjectId::as_str)));
        }
        Value::Object(all)
    }

    fn of_image(&self, image: &Image, name: &str) -> Option<Value> {
        Some(match name {
            "image_id" | "id" => json!(image.id.as_str()),
            "name" => json!(image.name),
            "status" => json!(image.status.as_str()),
            "visibility" => json!(image.visibility.as_str()),
            "member" | "member_id" => json!(image.member.as_ref().map(ProjectId::as_str)),
            "disk_format" => json!(image.disk_format),
            "container_format" => json!(image.container_format),
            "protected" => json!(image.protected),
            "os_hidden" => json!(image.hidden),
            "size" => json!(image.size),
            "virtual_size" => json!(image.virtual_size),
            "min_disk" => json!(image.min_disk),
            "min_ram" => json!(image.min_ram),
            "checksum" => json!(image.checksum),
            "os_hash_algo" => json!(image.os_hash_algo),
            "os_hash_value" => json!(image.os_hash_value),
            "tags" => json!(image.tags),
            "created_at" => json!(image.created_at.to_api()),
            "updated_at" => json!(image.updated_at.to_api()),
            other => json!(image.properties.get(other)?),
        })
    }
}

/// The names of an image's attributes in [`Target::document`].
const NAMES: [&str; 19] = [
    "image_id",
    "name",
    "status",
    "visibility",
    "member",
    "member_id",
    "disk_format",
    "container_format",
    "protected",
    "os_hidden",
    "size",
    "virtual_size",
    "min_disk",
    "min_ram",
    "checksum",
    "os_hash_algo",
    "os_hash_value",
    "tags",
    "created_at",
];

impl Attributes for Target<'_> {
    fn get(&self, name: &str) -> Option<Attribute<'_>> {
        match (name, self.image) {
            ("project_id" | "owner" | "tenant", _) => Some(self.project.map(ProjectId::as_str)?.into()),
            ("visibility", Some(image)) => Some(image.visibility.as_str().into()),
            ("member" | "member_id", Some(image)) => Some(image.member.as_ref()?.as_str().into()),
            (name, Some(image)) => Some(Attribute::Json(std::borrow::Cow::Owned(self.of_image(image, name)?))),
            (_, None) => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use glance_domain::{ImageId, Timestamp};

    use super::*;

    #[test]
    fn what_a_document_names_can_be_asked_for() {
        let owner = Some(ProjectId::new("p"));
        let mut image = Image::new(ImageId::parse("one").unwrap(), owner, Timestamp::parse_iso("2026-01-01").unwrap());
        image.member = Some(ProjectId::new("m"));
        image.properties.insert("colour".into(), Some("red".into()));
        let target = Target::image(&image);
        let document = target.document();
        assert_eq!(
            (&document["colour"], &document["owner"], &document["id"]),
            (&json!("red"), &json!("p"), &Value::Null)
        );
        for name in document.as_object().unwrap().keys() {
            assert!(target.get(name).is_some(), "{name}");
        }
        assert!(target.get("nix").is_none());
        assert!(Target::none().get("project_id").is_none());
    }
}
