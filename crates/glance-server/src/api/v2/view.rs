//! Image documents as clients see them, in Glance's order of keys.

use std::collections::BTreeMap;

use glance_domain::{Image, Location, LocationStatus, Status};
use serde::ser::{Serialize, SerializeMap, Serializer};
use serde_json::{Map, Value};

use super::list_query::ListRequest;
use crate::app::context::RequestContext;
use crate::app::images::ImagePage;

/// Properties that the service keeps for itself.
const HIDDEN_PROPERTIES: [&str; 2] = ["os_glance_stage_host", "os_glance_hash_op_host"];

/// One image.
pub struct ImageView<'a> {
    image: &'a Image,
    ctx: &'a RequestContext,
}

impl<'a> ImageView<'a> {
    /// The document of `image` for this caller.
    #[must_use]
    pub fn new(image: &'a Image, ctx: &'a RequestContext) -> Self {
        Self { image, ctx }
    }

    /// The locations where there is data, unless the image is out of use and the caller no administrator.
    fn locations(&self) -> impl Iterator<Item = &Location> {
        let hidden = self.image.status == Status::Deactivated && !self.ctx.is_admin;
        self.image.locations.iter().filter(move |location| !hidden && location.status == LocationStatus::Active)
    }

    fn stores(&self) -> Option<String> {
        let named: Vec<&str> =
            self.locations().filter_map(|location| location.metadata.get("store")?.as_str()).collect();
        (self.ctx.config.api.multi_store && !named.is_empty()).then(|| named.join(","))
    }
}

impl Serialize for ImageView<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let image = self.image;
        let mut map = serializer.serialize_map(None)?;
        for (name, value) in &image.properties {
            if !HIDDEN_PROPERTIES.contains(&name.as_str()) {
                // Only what schema-image.json describes can be null; of others, that is what the v1 API has left.
                let null = value.is_none() && self.ctx.config.schema.describes(name);
                map.serialize_entry(name, &(!null).then(|| value.as_deref().unwrap_or_default()))?;
            }
        }
        map.serialize_entry("name", &image.name)?;
        map.serialize_entry("disk_format", &image.disk_format)?;
        map.serialize_entry("container_format", &image.container_format)?;
        map.serialize_entry("visibility", image.visibility.as_str())?;
        map.serialize_entry("size", &image.size)?;
        map.serialize_entry("virtual_size", &image.virtual_size)?;
        map.serialize_entry("status", image.status.as_str())?;
        map.serialize_entry("checksum", &image.checksum)?;
        map.serialize_entry("protected", &image.protected)?;
        map.serialize_entry("min_ram", &image.min_ram)?;
        map.serialize_entry("min_disk", &image.min_disk)?;
        map.serialize_entry("owner", &image.owner.as_ref().map(glance_domain::ProjectId::as_str))?;
        map.serialize_entry("os_hidden", &image.hidden)?;
        map.serialize_entry("os_hash_algo", &image.os_hash_algo)?;
        map.serialize_entry("os_hash_value", &image.os_hash_value)?;
        map.serialize_entry("id", image.id.as_str())?;
        map.serialize_entry("created_at", &image.created_at.to_api())?;
        map.serialize_entry("updated_at", &image.updated_at.to_api())?;
        if self.ctx.config.api.show_multiple_locations {
            let locations: Vec<LocationView> = self.locations().map(LocationView::new).collect();
            map.serialize_entry("locations", &locations)?;
        }
        if let (true, Some(first)) = (self.ctx.config.api.show_image_direct_url, self.locations().next()) {
            map.serialize_entry("direct_url", &first.url)?;
        }
        map.serialize_entry("tags", &image.tags)?;
        map.serialize_entry("self", &format_args!("/v2/images/{}", image.id))?;
        map.serialize_entry("file", &format_args!("/v2/images/{}/file", image.id))?;
        map.serialize_entry("schema", "/v2/schemas/image")?;
        if let Some(stores) = self.stores() {
            map.serialize_entry("stores", &stores)?;
        }
        map.end()
    }
}

/// One location.
#[derive(serde::Serialize)]
pub struct LocationView<'a> {
    url: &'a str,
    metadata: &'a Map<String, Value>,
}

impl<'a> LocationView<'a> {
    /// The document of `location`.
    #[must_use]
    pub fn new(location: &'a Location) -> Self {
        Self { url: &location.url, metadata: &location.metadata }
    }
}

/// A page of images.
#[derive(serde::Serialize)]
pub struct ListView<'a> {
    images: Vec<ImageView<'a>>,
    first: String,
    schema: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    next: Option<String>,
}

impl<'a> ListView<'a> {
    /// The document of `page`, with links that repeat the request.
    #[must_use]
    pub fn new(page: &'a ImagePage, request: &ListRequest, ctx: &'a RequestContext) -> Self {
        let next = page.next.as_ref().map(|marker| {
            let mut params = request.params.clone();
            params.insert("marker".into(), (usize::MAX, marker.to_string()));
            link(&params)
        });
        Self {
            images: page.images.iter().map(|image| ImageView::new(image, ctx)).collect(),
            first: link(&request.params),
            schema: "/v2/schemas/images",
            next,
        }
    }
}

/// `/v2/images` with parameters in the order in which they were first given.
fn link(params: &BTreeMap<String, (usize, String)>) -> String {
    let mut ordered: Vec<_> = params.iter().collect();
    ordered.sort_by_key(|(_, (position, _))| *position);
    let query: Vec<String> =
        ordered.into_iter().map(|(name, (_, value))| format!("{}={}", encode(name), encode(value))).collect();
    if query.is_empty() { "/v2/images".to_owned() } else { format!("/v2/images?{}", query.join("&")) }
}

/// Encodes as Python's `urlencode` does: spaces become `+`.
fn encode(text: &str) -> String {
    use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
    const RESERVED: &AsciiSet = &NON_ALPHANUMERIC.remove(b'_').remove(b'.').remove(b'-').remove(b'~').remove(b' ');
    utf8_percent_encode(text, RESERVED).to_string().replace(' ', "+")
}
