//! The service catalogue of a token: which services there are, and where.

use serde::{Deserialize, Serialize};

use crate::cloud::Interface;

/// The services that the bearer of a token may use, as version 3 of the Identity API lists them.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize, Serialize)]
#[serde(transparent)]
pub struct Catalog(pub Vec<Service>);

/// A service.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, Serialize)]
pub struct Service {
    /// What it is, such as `image`.
    #[serde(rename = "type")]
    pub kind: String,
    /// What operators call it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// Its addresses.
    #[serde(default)]
    pub endpoints: Vec<Endpoint>,
}

/// An address of a service.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, Serialize)]
pub struct Endpoint {
    /// For whom it is: `public`, `internal` or `admin`.
    pub interface: String,
    /// Where it is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub region: Option<String>,
    /// The URL.
    pub url: String,
}

impl Catalog {
    /// The first address of a service of this type, for this interface, in this region or in any.
    #[must_use]
    pub fn url(&self, kind: &str, interface: Interface, region: Option<&str>) -> Option<&str> {
        let fits = |endpoint: &&Endpoint| {
            endpoint.interface == interface.name() && (region.is_none() || endpoint.region.as_deref() == region)
        };
        let services = self.0.iter().filter(|service| service.kind == kind);
        services.flat_map(|service| &service.endpoints).find(fits).map(|endpoint| endpoint.url.as_str())
    }

    /// Whether there is a service of this type.
    #[must_use]
    pub fn has(&self, kind: &str) -> bool {
        self.0.iter().any(|service| service.kind == kind)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_is_found_by_type_interface_and_region() {
        let text = r#"[{"type": "image", "name": "glance", "endpoints": [
            {"interface": "internal", "region": "one", "region_id": "one", "url": "http://i1"},
            {"interface": "public", "region": "one", "url": "http://p1"},
            {"interface": "public", "region": "two", "url": "http://p2"}]}, {"type": "empty"}]"#;
        let catalog: Catalog = serde_json::from_str(text).unwrap();
        assert_eq!(catalog.url("image", Interface::Public, None), Some("http://p1"));
        assert_eq!(catalog.url("image", Interface::Public, Some("two")), Some("http://p2"));
        assert_eq!(catalog.url("image", Interface::Internal, Some("two")), None);
        assert_eq!(catalog.url("volume", Interface::Public, None), None);
        assert!(catalog.has("empty") && !catalog.has("volume"));
    }
}
