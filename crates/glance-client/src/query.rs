//! What a list of images is asked for.

use url::form_urlencoded::Serializer;

/// Filters, order and page size of a list.
#[derive(Debug, Clone, Default)]
pub struct ImageQuery {
    filters: Vec<(String, String)>,
    order: Vec<(&'static str, String)>,
    limit: Option<u64>,
    page_size: Option<u64>,
}

/// Images per request when the caller does not say.
const PAGE_SIZE: u64 = 200;

impl ImageQuery {
    /// All images that are visible and not hidden, in the server's order.
    pub fn new() -> Self {
        Self::default()
    }

    /// Only images whose attribute or property `name` is `value`; `tag` may be given several times.
    #[must_use]
    pub fn filter(mut self, name: impl Into<String>, value: impl Into<String>) -> Self {
        self.filters.push((name.into(), value.into()));
        self
    }

    /// Sorts by `key`, after the keys given before.
    #[must_use]
    pub fn sort_key(mut self, key: impl Into<String>) -> Self {
        self.order.push(("sort_key", key.into()));
        self
    }

    /// The direction, `asc` or `desc`, of the key with the same position, or of all keys.
    #[must_use]
    pub fn sort_dir(mut self, direction: impl Into<String>) -> Self {
        self.order.push(("sort_dir", direction.into()));
        self
    }

    /// Keys and directions as `key[:direction],…`.
    #[must_use]
    pub fn sort(mut self, keys: impl Into<String>) -> Self {
        self.order.push(("sort", keys.into()));
        self
    }

    /// At most so many images in all.
    #[must_use]
    pub fn limit(mut self, images: u64) -> Self {
        self.limit = Some(images);
        self
    }

    /// So many images in each request.
    #[must_use]
    pub fn page_size(mut self, images: u64) -> Self {
        self.page_size = Some(images);
        self
    }

    pub(crate) fn wanted(&self) -> Option<u64> {
        self.limit
    }

    /// The path and query of the first request.
    pub(crate) fn path(&self) -> String {
        let mut query = Serializer::new(String::new());
        let page = self.page_size.unwrap_or(PAGE_SIZE);
        query.append_pair("limit", &self.limit.map_or(page, |limit| limit.min(page)).to_string());
        for (name, value) in &self.filters {
            query.append_pair(name, value);
        }
        for (name, value) in &self.order {
            query.append_pair(name, value);
        }
        format!("/v2/images?{}", query.finish())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_are_escaped_and_tags_repeated() {
        let query = ImageQuery::new().filter("name", "a b&c=é").filter("tag", "x").filter("tag", "y").sort_key("name");
        assert_eq!(query.path(), "/v2/images?limit=200&name=a+b%26c%3D%C3%A9&tag=x&tag=y&sort_key=name");
    }

    #[test]
    fn a_page_is_not_larger_than_the_limit() {
        assert_eq!(ImageQuery::new().limit(3).page_size(10).path(), "/v2/images?limit=3");
        assert_eq!(ImageQuery::new().limit(30).page_size(10).path(), "/v2/images?limit=10");
    }
}
