//! How much of everything is allowed (`glance-behaviour` part 2.3).

use glance_domain::attribute::RESERVED_PREFIX;

use crate::app::error::{Error, Result};

/// The local limits; a negative number means none.
#[derive(Clone, Debug)]
pub struct Limits {
    /// Bytes of one image (`image_size_cap`).
    pub image_size_cap: u64,
    /// Members of one image (`image_member_quota`).
    pub image_member_quota: i64,
    /// Custom properties of one image (`image_property_quota`).
    pub image_property_quota: i64,
    /// Tags of one image (`image_tag_quota`).
    pub image_tag_quota: i64,
    /// Locations of one image (`image_location_quota`).
    pub image_location_quota: i64,
    /// Bytes of all images of a project (`user_storage_quota`); `None` for no limit.
    pub user_storage_quota: Option<u64>,
    /// Bytes of a JSON document (`[limits] json_size`).
    pub json_size: usize,
    /// Values of a JSON document (`[limits] json_values`).
    pub json_values: usize,
    /// Filters of a list (`[limits] list_filters`).
    pub list_filters: usize,
    /// Values behind `in:` of a list (`[limits] list_values`).
    pub list_values: usize,
}

impl Limits {
    /// Refuses an image with custom properties of these names if they are too many; those of the service do not count.
    ///
    /// # Errors
    /// `LimitExceeded`.
    pub fn check_properties<'a>(&self, names: impl Iterator<Item = &'a String>) -> Result<()> {
        let count = names.filter(|name| !name.starts_with(RESERVED_PREFIX)).count();
        check("properties", count, self.image_property_quota)
    }

    /// Refuses an image with `count` locations if that is too many.
    ///
    /// # Errors
    /// `LimitExceeded`.
    pub fn check_locations(&self, count: usize) -> Result<()> {
        check("locations", count, self.image_location_quota)
    }

    /// Refuses an image with `count` tags if that is too many.
    ///
    /// # Errors
    /// `LimitExceeded`.
    pub fn check_tags(&self, count: usize) -> Result<()> {
        check("tags", count, self.image_tag_quota)
    }
}

/// Reads `user_storage_quota`: a number with or without one of the units B, KB, MB, GB and TB, of which each is 1024
/// times the one before. 0 means no limit.
///
/// # Errors
/// In words for the operator.
pub fn storage_quota(text: &str) -> anyhow::Result<Option<u64>> {
    let digits = text.bytes().take_while(u8::is_ascii_digit).count();
    let (number, unit) = text.split_at(digits);
    let shift = match unit {
        "" | "B" => Some(0),
        "KB" => Some(10),
        "MB" => Some(20),
        "GB" => Some(30),
        "TB" => Some(40),
        _ => None,
    };
    let bytes = shift.and_then(|shift| number.parse::<u64>().ok()?.checked_mul(1 << shift));
    let bytes =
        bytes.ok_or_else(|| anyhow::anyhow!("user_storage_quota: {text} is no number of B, KB, MB, GB or TB"))?;
    Ok(Some(bytes).filter(|bytes| *bytes > 0))
}

fn check(what: &str, count: usize, quota: i64) -> Result<()> {
    let over = usize::try_from(quota).is_ok_and(|quota| count > quota);
    if !over {
        return Ok(());
    }
    Err(Error::LimitExceeded(
        format!(
            "The limit has been exceeded on the number of allowed image {what}. Attempted: {count}, Maximum: {quota}"
        )
        .into(),
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn storage_quotas_have_units() {
        assert_eq!(storage_quota("0").unwrap(), None);
        assert_eq!(storage_quota("7").unwrap(), Some(7));
        assert_eq!(storage_quota("7B").unwrap(), Some(7));
        assert_eq!(storage_quota("2GB").unwrap(), Some(2 << 30));
        for bad in ["", "B", "1 GB", "1gb", "-1", "1PB", "99999999999TB"] {
            assert!(storage_quota(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn negative_quotas_are_none() {
        assert!(check("tags", 1000, -1).is_ok());
        assert!(check("tags", 2, 2).is_ok());
        let text = check("tags", 3, 2).unwrap_err().to_string();
        assert!(text.ends_with("image tags. Attempted: 3, Maximum: 2"), "{text}");
    }
}
