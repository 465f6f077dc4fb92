//! The configuration as use cases see it: a typed snapshot, checked once, swapped whole on reload.

pub mod catalogue;
pub mod check;
pub mod credentials;
pub mod filtering;
pub mod keystone_limits;
pub mod limits;
pub mod load;
pub mod options;
pub mod policy;
pub mod stores;
pub mod upstream;

use glance_domain::ProjectId;
use glance_domain::schema::ImageSchema;
use http::HeaderMap;
use http::header::HOST;

pub use limits::Limits;

use crate::stream::hash::Algorithm;

/// What a request may rely on.
#[derive(Clone, Debug)]
pub struct Config {
    /// How the API presents itself.
    pub api: Api,
    /// How much of everything is allowed.
    pub limits: Limits,
    /// Which formats there are and how data is checked against them.
    pub image_format: ImageFormat,
    /// The digest behind `os_hash_value` (`hashing_algorithm`).
    pub hashing_algorithm: Algorithm,
    /// What an image document may contain.
    pub schema: ImageSchema,
}

/// How the API presents itself.
#[derive(Clone, Debug)]
pub struct Api {
    /// Length of a page when the client does not say (`limit_param_default`).
    pub limit_param_default: u64,
    /// Longest page (`api_limit_max`).
    pub limit_max: u64,
    /// Longest request id that is taken from a client, in bytes (`max_request_id_length`).
    pub max_request_id_length: usize,
    /// How the service itself is spoken to, `http` or `https`.
    pub scheme: &'static str,
    /// The URL under which clients reach the service (`public_endpoint`).
    pub public_endpoint: Option<String>,
    /// Names of the enabled import methods.
    pub import_methods: Vec<String>,
    /// Whether documents show all locations (`show_multiple_locations`).
    pub show_multiple_locations: bool,
    /// Whether documents show the first location (`show_image_direct_url`).
    pub show_image_direct_url: bool,
    /// Whether stores have names (`enabled_backends`).
    pub multi_store: bool,
    /// Whether the versions of the cache API are announced (`image_cache_dir`).
    pub caching: bool,
    /// The project of every caller where nobody authenticates; `None` as Glance has it.
    pub open_project: Option<ProjectId>,
}

impl Api {
    /// The URL under which the sender of a request with these headers reaches the service, without a slash at the end.
    #[must_use]
    pub fn base_url(&self, headers: &HeaderMap) -> String {
        self.base_url_behind(headers, None, "")
    }

    /// As [`Api::base_url`] behind a proxy that is reached with this scheme, if it says so, and below this path.
    #[must_use]
    pub fn base_url_behind(&self, headers: &HeaderMap, scheme: Option<&str>, prefix: &str) -> String {
        if let Some(endpoint) = &self.public_endpoint {
            return endpoint.trim_end_matches('/').to_owned();
        }
        let host = headers.get(HOST).and_then(|value| value.to_str().ok()).unwrap_or("127.0.0.1");
        format!("{}://{host}{prefix}", scheme.unwrap_or(self.scheme))
    }
}

/// The options of `[image_format]`.
#[derive(Clone, Debug)]
pub struct ImageFormat {
    /// Accepted values of `container_format`.
    pub container_formats: Vec<String>,
    /// Accepted values of `disk_format`.
    pub disk_formats: Vec<String>,
    /// Whether data that is not of the declared format is refused.
    pub require_image_format_match: bool,
    /// Names of the safety checks of partition tables that only warn.
    pub gpt_safety_checks_nonfatal: Vec<String>,
}
