//! The credentials of the service for Keystone, as keystoneauth's options in a section give them.

use anyhow::bail;
use keystone_auth::{AuthMethod, Options};
use oslo::config::Config;

/// What keystoneauth's options are called in configuration files and here.
const CREDENTIALS: [&str; 20] = [
    "auth_type",
    "auth_url",
    "username",
    "user_id",
    "user_domain_id",
    "user_domain_name",
    "password",
    "project_id",
    "project_name",
    "project_domain_id",
    "project_domain_name",
    "domain_id",
    "domain_name",
    "default_domain_id",
    "default_domain_name",
    "system_scope",
    "trust_id",
    "application_credential_id",
    "application_credential_name",
    "application_credential_secret",
];

/// The way to log in that the options of `section` describe.
///
/// # Errors
/// When they are incomplete, or of a method with which the service cannot log in.
pub fn credentials(options: &Config, section: &str) -> anyhow::Result<AuthMethod> {
    let mut given = Options::new();
    for name in CREDENTIALS {
        given.set(name, options.get::<Option<String>>(section, name)?);
    }
    let kind: Option<String> = options.get(section, "auth_type")?;
    let needs_token = matches!(kind.as_deref(), Some("token" | "v3token"));
    if needs_token {
        given.set("token", options.get::<Option<String>>(section, "token")?);
    }
    let method = AuthMethod::from_options(&given)?;
    match &method {
        AuthMethod::Password(_) | AuthMethod::ApplicationCredential(_) | AuthMethod::Exchange(_) => Ok(method),
        other => bail!(
            "auth_type = {}: the service logs in with password, v3applicationcredential or v3token",
            kind.as_deref().unwrap_or(other.name())
        ),
    }
}
