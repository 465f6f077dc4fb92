//! The inputs: settings by name, from the command line, from variables or from a cloud's entry in `clouds.yaml`.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

/// Settings by their name in `clouds.yaml` (`auth_url`, `username`, `region_name`, …). An empty value counts as absent.
///
/// The names are flat: what `clouds.yaml` nests below `auth` stands beside the rest.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Options(BTreeMap<&'static str, String>);

/// Every setting that is understood, with the variables that carry it; the first variable that is set wins.
const SETTINGS: &[(&str, &[&str])] = &[
    ("cloud", &["OS_CLOUD"]),
    ("auth_type", &["OS_AUTH_TYPE", "OS_AUTH_PLUGIN"]),
    ("auth_url", &["OS_AUTH_URL"]),
    ("token", &["OS_AUTH_TOKEN", "OS_TOKEN"]),
    ("endpoint", &["OS_IMAGE_URL", "OS_ENDPOINT"]),
    ("username", &["OS_USERNAME"]),
    ("user_id", &["OS_USER_ID"]),
    ("user_domain_name", &["OS_USER_DOMAIN_NAME"]),
    ("user_domain_id", &["OS_USER_DOMAIN_ID"]),
    ("password", &["OS_PASSWORD"]),
    ("project_name", &["OS_PROJECT_NAME", "OS_TENANT_NAME"]),
    ("project_id", &["OS_PROJECT_ID", "OS_TENANT_ID"]),
    ("project_domain_name", &["OS_PROJECT_DOMAIN_NAME"]),
    ("project_domain_id", &["OS_PROJECT_DOMAIN_ID"]),
    ("domain_name", &["OS_DOMAIN_NAME"]),
    ("domain_id", &["OS_DOMAIN_ID"]),
    ("system_scope", &["OS_SYSTEM_SCOPE"]),
    ("trust_id", &["OS_TRUST_ID"]),
    ("default_domain_id", &["OS_DEFAULT_DOMAIN_ID"]),
    ("default_domain_name", &["OS_DEFAULT_DOMAIN_NAME", "OS_DEFAULT_DOMAIN"]),
    ("application_credential_id", &["OS_APPLICATION_CREDENTIAL_ID"]),
    ("application_credential_name", &["OS_APPLICATION_CREDENTIAL_NAME"]),
    ("application_credential_secret", &["OS_APPLICATION_CREDENTIAL_SECRET"]),
    ("region_name", &["OS_REGION_NAME"]),
    ("interface", &["OS_INTERFACE", "OS_ENDPOINT_TYPE"]),
    ("service_type", &["OS_SERVICE_TYPE"]),
    ("insecure", &["OS_INSECURE"]),
    ("verify", &[]),
    ("cacert", &["OS_CACERT"]),
    ("cert", &["OS_CERT"]),
    ("key", &["OS_KEY"]),
];

impl Options {
    /// No settings.
    pub fn new() -> Self {
        Self::default()
    }

    /// Sets `name` when `value` is given and not empty; says whether `name` is a setting that exists.
    pub fn set(&mut self, name: &str, value: Option<impl Into<String>>) -> bool {
        let Some((name, _)) = SETTINGS.iter().find(|(known, _)| *known == name) else { return false };
        if let Some(value) = value.map(Into::into).filter(|value: &String| !value.is_empty()) {
            self.0.insert(name, value);
        }
        true
    }

    /// The settings that the `OS_*` variables of `environment` carry.
    pub fn from_environment(environment: &Environment) -> Self {
        let mut options = Self::new();
        for (name, variables) in SETTINGS {
            let value = variables.iter().find_map(|variable| environment.get(variable));
            options.set(name, value);
        }
        options
    }

    /// The settings of `self`, and those of `weaker` which `self` lacks.
    #[must_use]
    pub fn or(mut self, weaker: Self) -> Self {
        for (name, value) in weaker.0 {
            self.0.entry(name).or_insert(value);
        }
        self
    }

    pub(crate) fn get(&self, name: &str) -> Option<&str> {
        self.0.get(name).map(String::as_str)
    }

    pub(crate) fn owned(&self, name: &str) -> Option<String> {
        self.get(name).map(str::to_owned)
    }

    pub(crate) fn any(&self, names: &[&str]) -> bool {
        names.iter().any(|name| self.get(name).is_some())
    }
}

/// The variables and the working directory of a process, as explicit values.
#[derive(Clone)]
pub struct Environment {
    variables: BTreeMap<String, String>,
    directory: PathBuf,
}

impl Environment {
    /// An environment of these variables; relative files are looked up in `directory`.
    pub fn new(variables: impl IntoIterator<Item = (String, String)>, directory: impl Into<PathBuf>) -> Self {
        Self { variables: variables.into_iter().collect(), directory: directory.into() }
    }

    /// A variable that is set and not empty.
    pub fn get(&self, name: &str) -> Option<&str> {
        self.variables.get(name).map(String::as_str).filter(|value| !value.is_empty())
    }

    /// The working directory.
    pub fn directory(&self) -> &Path {
        &self.directory
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn environment(pairs: &[(&str, &str)]) -> Environment {
        Environment::new(pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())), "/")
    }

    #[test]
    fn the_first_variable_that_is_set_wins() {
        let found = Options::from_environment(&environment(&[("OS_TENANT_NAME", "old"), ("OS_PROJECT_NAME", "new")]));
        assert_eq!(found.get("project_name"), Some("new"));
        let found = Options::from_environment(&environment(&[("OS_TENANT_NAME", "old"), ("OS_PROJECT_NAME", "")]));
        assert_eq!(found.get("project_name"), Some("old"));
    }

    #[test]
    fn stronger_settings_stay() {
        let mut strong = Options::new();
        strong.set("username", Some("flag"));
        let weak = Options::from_environment(&environment(&[("OS_USERNAME", "variable"), ("OS_REGION_NAME", "r")]));
        let merged = strong.or(weak);
        assert_eq!((merged.get("username"), merged.get("region_name")), (Some("flag"), Some("r")));
    }

    #[test]
    fn an_unknown_setting_is_refused() {
        assert!(!Options::new().set("usrename", Some("x")));
    }
}
