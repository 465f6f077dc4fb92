//! Which attribute names exist, which clients may not set, and how values get into an image.
//!
//! The sets are those of Glance's image resource; clients and tests depend on which refusal they get.

use std::collections::BTreeSet;

use serde_json::Value;

use crate::error::{Error, Result};
use crate::{Image, ProjectId, Status, Visibility};

/// Attributes that the service alone sets.
pub const READ_ONLY: [&str; 13] = [
    "created_at",
    "updated_at",
    "status",
    "checksum",
    "size",
    "virtual_size",
    "direct_url",
    "self",
    "file",
    "schema",
    "id",
    "os_hash_algo",
    "os_hash_value",
];

/// Names that no client may use, because they mean something in the catalogue.
pub const RESERVED: [&str; 3] = ["location", "deleted", "deleted_at"];

/// Names with this prefix belong to the service.
pub const RESERVED_PREFIX: &str = "os_glance";

/// The longest custom property name, in characters.
pub const MAX_PROPERTY_NAME: usize = 255;

/// Refuses names that clients may not use.
///
/// # Errors
/// [`Error::ReadOnly`] or [`Error::Reserved`].
pub fn check_writable(name: &str) -> Result<()> {
    if READ_ONLY.contains(&name) {
        return Err(Error::ReadOnly(name.into()));
    }
    check_unreserved(name)
}

/// Refuses names that are kept for the service.
///
/// # Errors
/// [`Error::Reserved`].
pub fn check_unreserved(name: &str) -> Result<()> {
    if RESERVED.contains(&name) || name.starts_with(RESERVED_PREFIX) {
        return Err(Error::Reserved(name.into()));
    }
    Ok(())
}

/// Refuses custom properties of a new image that have too long or reserved names.
///
/// # Errors
/// [`Error::Invalid`] or [`Error::Reserved`], of the first such name.
pub fn check_custom_names<'a>(names: impl Iterator<Item = &'a String>) -> Result<()> {
    for name in names {
        check_name_length(name)?;
        check_unreserved(name)?;
    }
    Ok(())
}

/// Refuses numbers below zero for `min_disk` and `min_ram`.
///
/// # Errors
/// [`Error::Invalid`].
pub fn check_minimum(name: &str, value: &Value) -> Result<()> {
    if value.as_i64().is_some_and(|number| number < 0) {
        let text = format!("Invalid value '{value}' for parameter '{name}': Cannot be a negative value");
        return Err(Error::Invalid(text));
    }
    Ok(())
}

fn check_name_length(name: &str) -> Result<()> {
    if name.chars().count() > MAX_PROPERTY_NAME {
        return Err(Error::Invalid("Custom property should not be greater than 255 characters.".into()));
    }
    Ok(())
}

/// An attribute with a place of its own in [`Image`] that clients can set.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Attribute {
    /// `name`
    Name,
    /// `visibility`
    Visibility,
    /// `protected`
    Protected,
    /// `os_hidden`
    Hidden,
    /// `owner`
    Owner,
    /// `disk_format`
    DiskFormat,
    /// `container_format`
    ContainerFormat,
    /// `min_disk`
    MinDisk,
    /// `min_ram`
    MinRam,
    /// `tags`
    Tags,
}

impl Attribute {
    /// The attribute of that name, `None` for read-only and custom ones.
    #[must_use]
    pub fn parse(name: &str) -> Option<Self> {
        Some(match name {
            "name" => Self::Name,
            "visibility" => Self::Visibility,
            "protected" => Self::Protected,
            "os_hidden" => Self::Hidden,
            "owner" => Self::Owner,
            "disk_format" => Self::DiskFormat,
            "container_format" => Self::ContainerFormat,
            "min_disk" => Self::MinDisk,
            "min_ram" => Self::MinRam,
            "tags" => Self::Tags,
            _ => return None,
        })
    }
}

/// Sets an attribute from a value that has passed the schema.
///
/// # Errors
/// [`Error::Invalid`] for numbers out of range, text outside the basic plane and values that the schema would have
/// refused; [`Error::Forbidden`] for a format of an image that has data.
pub fn set(image: &mut Image, attribute: Attribute, value: &Value) -> Result<()> {
    match attribute {
        Attribute::Name => {
            image.name = optional_text(value)?;
            check_basic_plane("Name", image.name.as_deref())?;
        }
        Attribute::Visibility => image.visibility = text(value)?.parse::<Visibility>()?,
        Attribute::Protected => image.protected = flag(value)?,
        Attribute::Hidden => image.hidden = flag(value)?,
        Attribute::Owner => {
            image.owner = optional_text(value)?.filter(|owner| !owner.is_empty()).map(ProjectId::new);
            check_basic_plane("Owner", image.owner.as_ref().map(ProjectId::as_str))?;
        }
        Attribute::DiskFormat => {
            check_format_changeable(image, "disk_format")?;
            image.disk_format = optional_text(value)?;
        }
        Attribute::ContainerFormat => {
            check_format_changeable(image, "container_format")?;
            image.container_format = optional_text(value)?;
        }
        Attribute::MinDisk => image.min_disk = minimum("min_disk", value)?,
        Attribute::MinRam => image.min_ram = minimum("min_ram", value)?,
        Attribute::Tags => image.tags = tags(value)?,
    }
    Ok(())
}

/// Sets a custom property.
///
/// # Errors
/// [`Error::Invalid`] when the name is too long, the value is a list or an object, or either leaves the basic plane.
pub fn set_property(image: &mut Image, name: &str, value: &Value) -> Result<()> {
    check_name_length(name)?;
    let value = property_text(value)?;
    check_property(name, value.as_deref().unwrap_or_default())?;
    image.properties.insert(name.to_owned(), value);
    Ok(())
}

/// The text that the catalogue keeps of a property; `schema-image.json` may allow more than text.
fn property_text(value: &Value) -> Result<Option<String>> {
    match value {
        Value::Bool(flag) => Ok(Some(u8::from(*flag).to_string())),
        Value::Number(number) => Ok(Some(number.to_string())),
        _ => optional_text(value),
    }
}

/// Checks name and text of a custom property.
///
/// # Errors
/// [`Error::Invalid`] when either leaves the basic plane.
pub fn check_property(name: &str, value: &str) -> Result<()> {
    if !in_basic_plane(name) {
        return Err(Error::Invalid("Property names can't contain 4 byte unicode.".into()));
    }
    check_basic_plane(&title(name), Some(value))
}

/// Checks the text of one tag.
///
/// # Errors
/// [`Error::Invalid`] when it leaves the basic plane.
pub fn check_tag(tag: &str) -> Result<()> {
    check_basic_plane("Tags", Some(tag))
}

fn check_format_changeable(image: &Image, attribute: &str) -> Result<()> {
    if matches!(image.status, Status::Queued | Status::Importing) {
        return Ok(());
    }
    Err(Error::Forbidden(format!("Attribute {attribute} can be only replaced for a queued image.")))
}

fn tags(value: &Value) -> Result<BTreeSet<String>> {
    let items = value.as_array().ok_or_else(unexpected)?;
    let tags = items.iter().map(|tag| text(tag).map(str::to_owned)).collect::<Result<BTreeSet<_>>>()?;
    tags.iter().try_for_each(|tag| check_tag(tag))?;
    Ok(tags)
}

fn minimum(attribute: &str, value: &Value) -> Result<i32> {
    check_minimum(attribute, value)?;
    let Value::Number(number) = value else { return Err(unexpected()) };
    // 1.0 is an integer in JSON Schema.
    let number = number.as_i64().or_else(|| whole(number.as_f64()?));
    number
        .and_then(|number| i32::try_from(number).ok())
        .ok_or_else(|| Error::Invalid(format!("'{attribute}' value out of range, must not exceed {}.", i32::MAX)))
}

fn whole(number: f64) -> Option<i64> {
    (number.fract() == 0.0 && number.abs() < f64::from(i32::MAX)).then_some(number as i64)
}

fn flag(value: &Value) -> Result<bool> {
    value.as_bool().ok_or_else(unexpected)
}

fn text(value: &Value) -> Result<&str> {
    value.as_str().ok_or_else(unexpected)
}

fn optional_text(value: &Value) -> Result<Option<String>> {
    if value.is_null() { Ok(None) } else { text(value).map(|text| Some(text.to_owned())) }
}

fn unexpected() -> Error {
    Error::Invalid("The value has the wrong type".into())
}

/// Whether the databases that keep three bytes a character can hold the text (MySQL's `utf8mb3`).
fn in_basic_plane(text: &str) -> bool {
    text.chars().all(|c| c <= '\u{ffff}')
}

/// The name with every word in title case, as messages have it.
fn title(name: &str) -> String {
    let mut within_word = false;
    let mut cased = |c: char| {
        let lower = std::mem::replace(&mut within_word, c.is_alphabetic());
        if lower { c.to_lowercase().collect::<String>() } else { c.to_uppercase().collect() }
    };
    name.chars().map(&mut cased).collect()
}

fn check_basic_plane(what: &str, text: Option<&str>) -> Result<()> {
    if text.is_none_or(in_basic_plane) {
        return Ok(());
    }
    Err(Error::Invalid(format!("{what} can't contain 4 byte unicode characters.")))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::{ImageId, Timestamp};

    fn image() -> Image {
        Image::new(ImageId::parse("one").unwrap(), None, Timestamp::parse_iso("2026-01-01").unwrap())
    }

    #[test]
    fn refusals_name_the_reason() {
        assert_eq!(check_writable("size").unwrap_err().to_string(), "Attribute 'size' is read-only.");
        assert_eq!(check_writable("deleted").unwrap_err().to_string(), "Attribute 'deleted' is reserved.");
        assert_eq!(check_writable("os_glance_x").unwrap_err().to_string(), "Attribute 'os_glance_x' is reserved.");
        check_writable("my_property").unwrap();
    }

    #[test]
    fn minimums_are_small_natural_numbers() {
        let mut image = image();
        let say = |value, image: &mut Image| set(image, Attribute::MinRam, &value).unwrap_err().to_string();
        assert_eq!(
            say(json!(-1), &mut image),
            "Invalid value '-1' for parameter 'min_ram': Cannot be a negative value"
        );
        assert!(say(json!(2_147_483_648_i64), &mut image).contains("out of range"));
        set(&mut image, Attribute::MinRam, &json!(2_147_483_647)).unwrap();
        assert_eq!(image.min_ram, i32::MAX);
    }

    #[test]
    fn four_byte_text_is_refused_everywhere() {
        let mut image = image();
        assert_eq!(
            set(&mut image, Attribute::Name, &json!("😀")).unwrap_err().to_string(),
            "Name can't contain 4 byte unicode characters."
        );
        assert!(set(&mut image, Attribute::Tags, &json!(["😀"])).is_err());
        assert!(set_property(&mut image, "a", &json!("😀")).is_err());
        assert!(set_property(&mut image, "😀", &json!("a")).is_err());
        set_property(&mut image, "é", &json!("日本")).unwrap();
        for (value, kept) in
            [(json!(null), None), (json!(5), Some("5")), (json!(1.5), Some("1.5")), (json!(true), Some("1"))]
        {
            set_property(&mut image, "typed", &value).unwrap();
            assert_eq!(image.properties["typed"].as_deref(), kept);
        }
        assert!(set_property(&mut image, "typed", &json!([])).is_err());
    }

    #[test]
    fn formats_are_fixed_once_there_is_data() {
        let mut image = image();
        image.status = Status::Active;
        let refusal = set(&mut image, Attribute::DiskFormat, &json!("raw")).unwrap_err();
        assert!(matches!(refusal, Error::Forbidden(_)));
    }
}
