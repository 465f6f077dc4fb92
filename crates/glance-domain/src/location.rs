//! Locations that clients hand in: what they must look like, where they go, and which digests come along.

use serde_json::{Map, Value};

use crate::error::{Error, Result};
use crate::{Image, Location, LocationStatus, Status};

/// Bytes of an MD5 digest.
const MD5_BYTES: usize = 16;

/// A location from a client.
#[derive(Clone, PartialEq, Eq)]
pub struct NewLocation {
    /// Where the data is.
    pub url: String,
    /// Free-form data.
    pub metadata: Map<String, Value>,
    /// What the data's digests are, if the client says so.
    pub validation: Map<String, Value>,
}

impl NewLocation {
    /// Takes apart a value that has passed the schema.
    ///
    /// # Errors
    /// [`Error::Invalid`] when it has not, and for metadata that is neither text, list nor object.
    pub fn parse(value: &Value) -> Result<Self> {
        let object = value.as_object().ok_or_else(invalid)?;
        let url = object.get("url").and_then(Value::as_str).ok_or_else(invalid)?.to_owned();
        let metadata = object.get("metadata").and_then(Value::as_object).ok_or_else(invalid)?.clone();
        metadata.values().try_for_each(check_metadata)?;
        let validation = object.get("validation_data").and_then(Value::as_object).cloned().unwrap_or_default();
        Ok(Self { url, metadata, validation })
    }

    /// The location without what was said about its digests.
    #[must_use]
    pub fn into_location(self) -> Location {
        Location { id: None, url: self.url, metadata: self.metadata, status: LocationStatus::Active }
    }
}

fn invalid() -> Error {
    Error::Invalid("Invalid location".into())
}

fn check_metadata(value: &Value) -> Result<()> {
    match value {
        Value::String(_) => Ok(()),
        Value::Array(items) => items.iter().try_for_each(check_metadata),
        Value::Object(members) => members.values().try_for_each(check_metadata),
        Value::Null | Value::Bool(_) | Value::Number(_) => {
            Err(Error::Invalid("Metadata of locations may hold texts, lists and objects only.".into()))
        }
    }
}

/// Where in a list of `length` a new item goes: a number, or `-` for its end. What is beyond the end goes there.
#[must_use]
pub fn position_to_add(text: &str, length: usize) -> Option<usize> {
    match text {
        "-" => Some(length),
        digits => number(digits).map(|at| at.min(length)),
    }
}

/// Which item of a list of `length` is meant: a number, or `-` for the last one.
#[must_use]
pub fn position_to_remove(text: &str, length: usize) -> Option<usize> {
    let position = if text == "-" { length.checked_sub(1) } else { number(text) };
    position.filter(|at| *at < length)
}

fn number(digits: &str) -> Option<usize> {
    let all_digits = !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_digit());
    all_digits.then(|| digits.parse().unwrap_or(usize::MAX))
}

/// A digest as the configuration names it.
#[derive(Clone, Copy, Debug)]
pub struct ExpectedDigest<'a> {
    /// The algorithm of `os_hash_value` (`hashing_algorithm`).
    pub algorithm: &'a str,
    /// Bytes of its digests.
    pub bytes: usize,
}

/// Takes over the digests that come with locations, where the image has none. Digests that it has must be the same.
///
/// # Errors
/// [`Error::Conflict`] when the digests contradict each other, those of the image or the configured algorithm, are not
/// hexadecimal digits of the right number, or come for an image that is not queued.
pub fn take_digests(image: &mut Image, locations: &[NewLocation], expected: ExpectedDigest<'_>) -> Result<()> {
    let mut given: Vec<(&str, &str)> = Vec::new();
    for (name, value) in locations.iter().flat_map(|location| &location.validation) {
        let value = value.as_str().unwrap_or_default();
        match given.iter().find(|(known, _)| known == name) {
            Some((_, earlier)) if *earlier != value => return conflict(format!("Conflicting values for {name}")),
            Some(_) => {}
            None => given.push((name, value)),
        }
    }
    let mut new = Vec::new();
    for (name, value) in given {
        match current(image, name) {
            Some(same) if same == value => {}
            Some(text) if !text.is_empty() => {
                return conflict(format!("{name} is already set with a different value"));
            }
            _ => new.push((name, value)),
        }
    }
    if new.is_empty() {
        return Ok(());
    }
    if image.status != Status::Queued {
        let names: Vec<&str> = new.iter().map(|(name, _)| *name).collect();
        let names = names.join(", ");
        return conflict(format!("New value(s) for {names} may only be provided when image status is 'queued'"));
    }
    check_digests(&new, expected)?;
    for (name, value) in new {
        let value = Some(value.to_owned());
        match name {
            "checksum" => image.checksum = value,
            "os_hash_algo" => image.os_hash_algo = value,
            _ => image.os_hash_value = value,
        }
    }
    Ok(())
}

fn current<'a>(image: &'a Image, name: &str) -> Option<&'a str> {
    match name {
        "checksum" => image.checksum.as_deref(),
        "os_hash_algo" => image.os_hash_algo.as_deref(),
        _ => image.os_hash_value.as_deref(),
    }
}

fn check_digests(new: &[(&str, &str)], expected: ExpectedDigest<'_>) -> Result<()> {
    let find = |wanted: &str| new.iter().find(|(name, _)| *name == wanted).map(|(_, value)| *value);
    if let Some(checksum) = find("checksum") {
        check_digits("checksum", checksum, "md5", MD5_BYTES)?;
    }
    let algorithm = find("os_hash_algo");
    if algorithm != Some(expected.algorithm) {
        let got = algorithm.unwrap_or("None");
        return conflict(format!("os_hash_algo must be {}, not {got}", expected.algorithm));
    }
    check_digits("os_hash_value", find("os_hash_value").unwrap_or_default(), expected.algorithm, expected.bytes)
}

fn check_digits(name: &str, value: &str, algorithm: &str, bytes: usize) -> Result<()> {
    if !value.len().is_multiple_of(2) || !value.bytes().all(|byte| byte.is_ascii_hexdigit()) {
        return conflict(format!("{name} ({value}) is not a valid hexadecimal value"));
    }
    if value.len() != 2 * bytes {
        return conflict(format!("{name} ({value}) is not the correct size for {algorithm} (should be {bytes} bytes)"));
    }
    Ok(())
}

fn conflict(text: String) -> Result<()> {
    Err(Error::Conflict(text))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::{ImageId, Timestamp};

    const SHA1: ExpectedDigest<'_> = ExpectedDigest { algorithm: "sha1", bytes: 20 };

    fn image() -> Image {
        Image::new(ImageId::parse("one").unwrap(), None, Timestamp::parse_iso("2026-01-01").unwrap())
    }

    fn with_digests(validation: &Value) -> NewLocation {
        NewLocation::parse(&json!({"url": "x", "metadata": {}, "validation_data": validation})).unwrap()
    }

    #[test]
    fn positions() {
        assert_eq!(
            [position_to_add("-", 2), position_to_add("9", 2), position_to_add("1", 2)],
            [Some(2), Some(2), Some(1)]
        );
        assert_eq!([position_to_add("x", 2), position_to_add("-1", 2), position_to_add("", 2)], [None; 3]);
        assert_eq!([position_to_remove("-", 2), position_to_remove("0", 2)], [Some(1), Some(0)]);
        assert_eq!([position_to_remove("2", 2), position_to_remove("-", 0)], [None; 2]);
    }

    #[test]
    fn metadata_holds_no_numbers() {
        let parse = |metadata: Value| NewLocation::parse(&json!({"url": "x", "metadata": metadata}));
        assert!(parse(json!({"a": "b", "c": ["d", {"e": "f"}]})).is_ok());
        assert!(parse(json!({"a": [1]})).is_err());
    }

    #[test]
    fn digests_are_taken_over_once() {
        let mut image = image();
        let value = "ab".repeat(20);
        let good = with_digests(&json!({"os_hash_algo": "sha1", "os_hash_value": value}));
        take_digests(&mut image, std::slice::from_ref(&good), SHA1).unwrap();
        assert_eq!(
            (image.os_hash_algo.as_deref(), image.os_hash_value.as_deref()),
            (Some("sha1"), Some(value.as_str()))
        );
        image.status = Status::Active;
        take_digests(&mut image, std::slice::from_ref(&good), SHA1).unwrap();
        let other = with_digests(&json!({"os_hash_algo": "sha1", "os_hash_value": "cd".repeat(20)}));
        let refusal = take_digests(&mut image, &[other], SHA1).unwrap_err();
        assert_eq!(refusal, Error::Conflict("os_hash_value is already set with a different value".into()));
    }

    #[test]
    fn digests_that_cannot_be_are_refused() {
        let cases = [
            (json!({"os_hash_algo": "md5", "os_hash_value": "ab"}), "os_hash_algo must be sha1, not md5"),
            (
                json!({"os_hash_algo": "sha1", "os_hash_value": "xy"}),
                "os_hash_value (xy) is not a valid hexadecimal value",
            ),
            (
                json!({"os_hash_algo": "sha1", "os_hash_value": "ab"}),
                "os_hash_value (ab) is not the correct size for sha1 (should be 20 bytes)",
            ),
        ];
        for (validation, message) in cases {
            let refusal = take_digests(&mut image(), &[with_digests(&validation)], SHA1).unwrap_err();
            assert_eq!(refusal, Error::Conflict(message.into()));
        }
        let one = with_digests(&json!({"os_hash_algo": "sha1", "os_hash_value": "ab"}));
        let two = with_digests(&json!({"os_hash_algo": "md5", "os_hash_value": "ab"}));
        let refusal = take_digests(&mut image(), &[one, two], SHA1).unwrap_err();
        assert_eq!(refusal, Error::Conflict("Conflicting values for os_hash_algo".into()));
    }
}
