//! OpenStack identity, seen from a client: where the credentials, the endpoint and the TLS settings of a cloud come from.
//!
//! [`CloudConfig::resolve`] merges command line options, `OS_*` variables and `clouds.yaml` (in this order of precedence)
//! into one typed value. Nothing here reads the process environment: the caller passes it in as an [`Environment`].

mod auth;
mod cloud;
mod clouds_file;
mod error;
mod options;
mod secret;

pub use auth::{ApplicationCredential, AuthMethod, PasswordCredentials, Scope};
pub use cloud::{CloudConfig, Interface, Tls};
pub use clouds_file::SearchPath;
pub use error::{Error, ErrorKind};
pub use options::{Environment, Options};
pub use secret::Secret;
