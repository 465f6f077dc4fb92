//! One cloud: everything a client needs in order to talk to its services.

use std::path::PathBuf;

use crate::auth::AuthMethod;
use crate::clouds_file::{self, SearchPath};
use crate::error::{Error, ErrorKind};
use crate::options::{Environment, Options};

/// Which of a service's endpoints to use.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Interface {
    /// For everybody.
    #[default]
    Public,
    /// For other services and the inside of the data centre.
    Internal,
    /// For administrators.
    Admin,
}

impl Interface {
    /// Its name in catalogues.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Public => "public",
            Self::Internal => "internal",
            Self::Admin => "admin",
        }
    }

    /// The interface of this name; the names of version 2 (`publicURL`) are understood, too.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Invalid`] for any other name.
    pub fn named(name: &str) -> Result<Self, Error> {
        match name.trim_end_matches("URL") {
            "public" => Ok(Self::Public),
            "internal" => Ok(Self::Internal),
            "admin" => Ok(Self::Admin),
            _ => {
                let message = format!("interface '{name}' is none of public, internal and admin");
                Err(Error::new(ErrorKind::Invalid, message))
            }
        }
    }
}

/// How connections are protected.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Tls {
    /// Accept any certificate: for tests only.
    pub insecure: bool,
    /// A PEM bundle of authorities to trust in place of the system's.
    pub cacert: Option<PathBuf>,
    /// The client's own certificate, PEM.
    pub cert: Option<PathBuf>,
    /// The key of `cert`, PEM, when it is a file of its own.
    pub key: Option<PathBuf>,
}

/// A cloud, after flags, variables and configuration files are merged.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CloudConfig {
    /// How to authenticate.
    pub auth: AuthMethod,
    /// The image service's address, when it is given and not to be looked up in the catalog.
    pub endpoint: Option<String>,
    /// The region to look up in the catalog.
    pub region: Option<String>,
    /// The kind of endpoint to look up in the catalog.
    pub interface: Interface,
    /// The service type to look up in the catalog, when it is not the usual one.
    pub service_type: Option<String>,
    /// How connections are protected.
    pub tls: Tls,
}

impl CloudConfig {
    /// Merges `flags`, the variables of `environment` and the cloud they name in `clouds.yaml`; flags are strongest.
    ///
    /// # Errors
    ///
    /// When a configuration file cannot be read, the named cloud is unknown, or credentials are incomplete.
    pub fn resolve(flags: Options, environment: &Environment) -> Result<Self, Error> {
        let mut options = flags.or(Options::from_environment(environment));
        if let Some(cloud) = options.owned("cloud") {
            let from_file = clouds_file::load(&cloud, &SearchPath::of(environment))?;
            options = options.or(from_file);
        }
        Self::from_options(&options)
    }

    fn from_options(options: &Options) -> Result<Self, Error> {
        Ok(Self {
            auth: AuthMethod::from_options(options)?,
            endpoint: options.owned("endpoint"),
            region: options.owned("region_name"),
            interface: interface(options)?,
            service_type: options.owned("service_type"),
            tls: Tls {
                insecure: insecure(options)?,
                cacert: options.get("cacert").map(PathBuf::from),
                cert: options.get("cert").map(PathBuf::from),
                key: options.get("key").map(PathBuf::from),
            },
        })
    }
}

fn interface(options: &Options) -> Result<Interface, Error> {
    options.get("interface").map_or(Ok(Interface::Public), Interface::named)
}

fn insecure(options: &Options) -> Result<bool, Error> {
    if let Some(value) = options.get("insecure") {
        return boolean("insecure", value);
    }
    options.get("verify").map_or(Ok(false), |value| boolean("verify", value).map(|verify| !verify))
}

fn boolean(name: &str, value: &str) -> Result<bool, Error> {
    match value.to_ascii_lowercase().as_str() {
        "true" | "yes" | "on" | "1" => Ok(true),
        "false" | "no" | "off" | "0" => Ok(false),
        _ => Err(Error::new(ErrorKind::Invalid, format!("{name}: '{value}' is neither true nor false"))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::secret::Secret;

    fn resolve(flags: &[(&str, &str)], variables: &[(&str, &str)]) -> Result<CloudConfig, Error> {
        let mut options = Options::new();
        for (name, value) in flags {
            assert!(options.set(name, Some(*value)), "{name}");
        }
        let pairs = variables.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
        CloudConfig::resolve(options, &Environment::new(pairs, "/nonexistent"))
    }

    #[test]
    fn a_token_and_an_endpoint_come_from_variables() {
        let cloud = resolve(&[], &[("OS_IMAGE_URL", "http://i:9292"), ("OS_AUTH_TOKEN", "t")]).unwrap();
        assert_eq!(cloud.endpoint.as_deref(), Some("http://i:9292"));
        assert_eq!(cloud.auth, AuthMethod::Token(Secret::new("t")));
    }

    #[test]
    fn flags_beat_variables() {
        let cloud = resolve(&[("endpoint", "http://flag")], &[("OS_IMAGE_URL", "http://variable")]).unwrap();
        assert_eq!(cloud.endpoint.as_deref(), Some("http://flag"));
    }

    #[test]
    fn endpoint_types_of_old_are_understood() {
        let cloud = resolve(&[], &[("OS_ENDPOINT_TYPE", "internalURL")]).unwrap();
        assert_eq!(cloud.interface, Interface::Internal);
        assert_eq!(resolve(&[("interface", "sideways")], &[]).unwrap_err().kind(), ErrorKind::Invalid);
    }

    #[test]
    fn verify_is_the_opposite_of_insecure() {
        assert!(resolve(&[("verify", "False")], &[]).unwrap().tls.insecure);
        assert!(!resolve(&[("insecure", "false"), ("verify", "false")], &[]).unwrap().tls.insecure);
        assert!(resolve(&[("verify", "maybe")], &[]).is_err());
    }

    #[test]
    fn a_cloud_that_is_nowhere_is_an_error() {
        let error = resolve(&[("cloud", "mine")], &[]).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::UnknownCloud);
    }
}
