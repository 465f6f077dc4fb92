//! How much of everything is allowed (`glance-behaviour` part 2.3).

use glance_domain::Image;
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
}

impl Limits {
    /// Refuses an image with too many custom properties; those of the service do not count.
    ///
    /// # Errors
    /// `LimitExceeded`.
    pub fn check_properties(&self, image: &Image) -> Result<()> {
        let count = image.properties.keys().filter(|name| !name.starts_with(RESERVED_PREFIX)).count();
        check("properties", count, self.image_property_quota)
    }

    /// Refuses an image with too many tags.
    ///
    /// # Errors
    /// `LimitExceeded`.
    pub fn check_tags(&self, image: &Image) -> Result<()> {
        check("tags", image.tags.len(), self.image_tag_quota)
    }
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
    fn negative_quotas_are_none() {
        assert!(check("tags", 1000, -1).is_ok());
        assert!(check("tags", 2, 2).is_ok());
        let text = check("tags", 3, 2).unwrap_err().to_string();
        assert!(text.ends_with("image tags. Attempted: 3, Maximum: 2"), "{text}");
    }
}
