//! OpenStack identity: where the credentials of a cloud come from, tokens for them, and whether others' tokens are good.
//!
//! [`CloudConfig::resolve`] merges command line options, `OS_*` variables and `clouds.yaml` (in this order of precedence)
//! into one typed value. A [`Session`] obtains tokens, a [`Validator`] judges those that a service is sent, [`Limits`] tells
//! how much projects may have. Nothing here reads the process environment: the caller passes it in as an
//! [`Environment`].

mod auth;
mod cache;
mod catalog;
mod cloud;
mod clouds_file;
mod counts;
mod error;
mod http;
mod limits;
mod memcached;
mod options;
mod secret;
mod session;
mod shared_cache;
mod token;
mod validator;

pub use auth::{ApplicationCredential, AuthMethod, BasicCredentials, PasswordCredentials, Scope, TokenCredentials};
pub use catalog::{Catalog, Endpoint, Service};
pub use cloud::{CloudConfig, Interface, Tls};
pub use clouds_file::SearchPath;
pub use counts::Lookups;
pub use error::{Error, ErrorKind};
pub use http::HttpOptions;
pub use limits::{Freshness, LimitedService, Limits, LimitsOptions, ProjectLimits};
pub use memcached::MemcachedOptions;
pub use options::{Environment, Options};
pub use secret::Secret;
pub use session::{Login, Session};
pub use shared_cache::Protection;
pub use token::{AccessRule, AllowedRequest, Domain, IssuedCredential, Owner, Role, System, Token, Trust};
pub use validator::{Bearer, Expired, Refused, Validator, ValidatorOptions};
