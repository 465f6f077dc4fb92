//! From options to the enforcer: which files override the default rules, how other servers are asked, and which
//! properties are protected.

use std::path::PathBuf;

use anyhow::Context as _;
use oslo::config::Config;
use oslo::policy::Settings;

use crate::policies::Enforcer;
use crate::policies::files::Files;
use crate::policies::protections::{Format, Protections};
use crate::policies::remote::{Remote, RemoteSettings};

/// The rules in force, as the options say.
///
/// # Errors
/// For a policy file, a file of protections or a certificate that cannot be used.
pub fn enforcer(options: &Config) -> anyhow::Result<Enforcer> {
    let settings = Settings {
        default_rule: options.get("oslo_policy", "policy_default_rule")?,
        enforce_new_defaults: options.get("oslo_policy", "enforce_new_defaults")?,
    };
    let content_type: String = options.get("oslo_policy", "remote_content_type")?;
    let remote = RemoteSettings {
        json: content_type == "application/json",
        verify: options.get("oslo_policy", "remote_ssl_verify_server_crt")?,
        authorities: options.get("oslo_policy", "remote_ssl_ca_crt_file")?,
        certificate: options.get("oslo_policy", "remote_ssl_client_crt_file")?,
        key: options.get("oslo_policy", "remote_ssl_client_key_file")?,
        timeout: options.get("oslo_policy", "remote_timeout")?,
    };
    let protections = protections(options)?;
    Ok(Enforcer::new(settings, files(options)?, Remote::new(&remote)?)?.with_protections(protections))
}

/// Where the rules about properties are, if there are any (`property_protection_file`).
///
/// # Errors
/// For a value that is not accepted.
pub fn protection_file(options: &Config) -> anyhow::Result<Option<PathBuf>> {
    let file: Option<PathBuf> = options.get("DEFAULT", "property_protection_file")?;
    Ok(file.filter(|file| !file.as_os_str().is_empty()).map(|file| find(options, file)))
}

/// The rules about properties, if there are any.
///
/// # Errors
/// For a file that cannot be used.
pub fn protections(options: &Config) -> anyhow::Result<Option<Protections>> {
    let Some(file) = protection_file(options)? else { return Ok(None) };
    let format: String = options.get("DEFAULT", "property_protection_rule_format")?;
    let format = if format == "policies" { Format::Policies } else { Format::Roles };
    let named = || format!("property_protection_file: {}", file.display());
    let text = std::fs::read_to_string(&file).with_context(named)?;
    let protections = Protections::parse(&text, format).with_context(named)?;
    for warning in protections.warnings() {
        tracing::warn!("{}: {warning}", file.display());
    }
    Ok(Some(protections))
}

/// The policy file and the folders of more of them; relative names are looked up beside the configuration files.
fn files(options: &Config) -> anyhow::Result<Files> {
    let file: PathBuf = options.get("oslo_policy", "policy_file")?;
    let folders: Vec<String> = options.get("oslo_policy", "policy_dirs")?;
    let folders = folders.into_iter().map(|folder| find(options, PathBuf::from(folder))).collect();
    Ok(Files::new(find(options, file), folders))
}

/// Where the file is; where it would be first looked for if there is none yet.
fn find(options: &Config, name: PathBuf) -> PathBuf {
    if name.is_absolute() {
        return name;
    }
    let places: Vec<PathBuf> = options.sources().search_path().iter().map(|folder| folder.join(&name)).collect();
    let found = places.iter().find(|path| path.exists()).or(places.first());
    found.cloned().unwrap_or(name)
}

#[cfg(test)]
mod tests {
    use oslo::config::Sources;

    use super::*;
    use crate::config::options::TABLES;

    #[test]
    fn protections_are_beside_the_configuration_or_the_start_fails() {
        let folder = tempfile::tempdir().unwrap();
        let write = |name: &str, text: &str| std::fs::write(folder.path().join(name), text).unwrap();
        write("glance-api.conf", "[DEFAULT]\nproperty_protection_file = protections.conf\n");
        let mut sources = Sources::new();
        sources.add_file(&folder.path().join("glance-api.conf")).unwrap();
        let config = Config::new(sources, TABLES);
        let said = format!("{:#}", protections(&config).unwrap_err());
        assert!(said.contains("protections.conf") && said.contains("No such file"), "{said}");
        write("protections.conf", "[a]\ncreate = @\nread = @\nupdate = @\n");
        let said = format!("{:#}", protections(&config).unwrap_err());
        assert!(said.ends_with("protections.conf: line 1: [a] delete: the key is missing"), "{said}");
        write("protections.conf", "[a]\ncreate = @\nread = @\nupdate = @\ndelete = !\n");
        assert!(enforcer(&config).unwrap().protects_properties());
    }

    #[test]
    fn files_beside_the_configuration_override_the_defaults() {
        let folder = tempfile::tempdir().unwrap();
        let write = |name: &str, text: &str| std::fs::write(folder.path().join(name), text).unwrap();
        write("glance-api.conf", "[oslo_policy]\nenforce_new_defaults = false\n");
        write("policy.yaml", "get_images: role:lister\nmine: role:mine\n");
        std::fs::create_dir(folder.path().join("policy.d")).unwrap();
        write("policy.d/10.json", r#"{"mine": "role:yours"}"#);
        let mut sources = Sources::new();
        sources.add_file(&folder.path().join("glance-api.conf")).unwrap();
        let enforcer = enforcer(&Config::new(sources, TABLES)).unwrap();
        assert!(!enforcer.enforces_new_defaults());
        let policy = enforcer.policy();
        let rule = |name: &str| policy.rules().into_iter().find(|(known, _)| *known == name).unwrap().1.to_string();
        assert_eq!((rule("get_images"), rule("mine")), ("role:lister".to_owned(), "role:yours".to_owned()));
        assert!(rule("get_image").contains("rule:default"));
        write("policy.yaml", "get_images: '!'\n");
        enforcer.reload();
        let policy = enforcer.policy();
        assert_eq!(policy.rules().into_iter().find(|(name, _)| *name == "get_images").unwrap().1.to_string(), "!");
    }
}
