//! What an existing configuration does here: used, without effect, dangerous, unknown or wrong.

use std::os::unix::fs::PermissionsExt as _;

use oslo::config::{Config, Error, OptionDef, Pairs, Place};

use super::options::{FILE_STORE, HTTP_STORE, STORE};
use super::{policy, upstream};

/// What there is to say about one place of a configuration.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finding {
    /// Where.
    pub place: Place,
    /// Group and name of the option as they are written there.
    pub option: String,
    /// What becomes of it.
    pub verdict: Verdict,
    /// Why, or what to do; may be empty.
    pub advice: String,
}

/// What becomes of an option, from good to bad.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Verdict {
    /// The service obeys it.
    Used,
    /// It is accepted and has no effect.
    Ignored,
    /// It works, under a name or in a way that is going to end.
    Deprecated,
    /// It weakens the service.
    Dangerous,
    /// It asks for something that is not there yet.
    Missing,
    /// Nobody knows it.
    Unknown,
    /// Its value is not accepted; the service does not start.
    Invalid,
}

impl Verdict {
    /// What a report calls it.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Used => "used",
            Self::Ignored => "ignored",
            Self::Deprecated => "deprecated",
            Self::Dangerous => "DANGEROUS",
            Self::Missing => "MISSING",
            Self::Unknown => "UNKNOWN",
            Self::Invalid => "INVALID",
        }
    }
}

/// The stores that Python Glance makes for itself.
const RESERVED: [&str; 2] = ["os_glance_staging_store", "os_glance_tasks_store"];

/// Adds every option of Python Glance that has no table yet, those of all named stores included.
#[must_use]
pub fn complete(config: Config) -> Config {
    let named = config.get::<Option<Pairs>>("DEFAULT", "enabled_backends").ok().flatten();
    let mut config = config;
    if named.is_none() {
        config = config.with_group("glance_store", FILE_STORE, None).with_group("glance_store", HTTP_STORE, None);
    }
    for (name, kind) in named.unwrap_or_default().0 {
        config = config.with_group(&name, STORE, Some("backend_defaults"));
        config = config.with_group(&name, upstream::driver(&kind), Some("backend_defaults"));
    }
    for name in RESERVED {
        config = config.with_group(name, STORE, None).with_group(name, FILE_STORE, None);
    }
    config.with_tables(&[upstream::fixed(), upstream::FORMER])
}

/// Whether the service obeys the option; its explanation says so.
#[must_use]
pub fn has_effect(def: &OptionDef) -> bool {
    !def.help.starts_with("Has no effect") && !is_missed(def)
}

/// Whether the option asks for something that operators rely on and that is not there.
#[must_use]
pub fn is_missed(def: &OptionDef) -> bool {
    def.help.starts_with("NOT SUPPORTED")
}

/// The values that keep the service from starting.
#[must_use]
pub fn errors(config: &Config) -> Vec<Error> {
    let matters = |error: &Error| match error {
        Error::Invalid { group, option, .. } => config.definition(group, option).is_none_or(has_effect),
        _ => true,
    };
    config.problems().into_iter().filter(matters).collect()
}

/// What there is to say about everything that files and environment set, in their order, and about the files.
#[must_use]
pub fn check(config: &Config) -> Vec<Finding> {
    let problems = errors(config);
    let mut found: Vec<Finding> = config
        .assigned()
        .into_iter()
        .map(|assigned| {
            let option = format!("[{}] {}", assigned.used.0, assigned.used.1);
            let (verdict, advice) = match &assigned.option {
                None => (Verdict::Unknown, "misspelt, or of a plugin that is not here".to_owned()),
                Some((group, def)) => judge(config, &problems, group, def, &assigned.used),
            };
            Finding { place: assigned.place, option, verdict, advice }
        })
        .collect();
    let environment = config.unknown_options().into_iter().filter(|unknown| unknown.group.is_empty());
    found.extend(environment.map(|unknown| Finding {
        place: unknown.place,
        option: unknown.name,
        verdict: Verdict::Unknown,
        advice: "no option has this variable".to_owned(),
    }));
    found.extend(readable_secrets(config));
    found
}

fn judge(
    config: &Config,
    problems: &[Error],
    group: &str,
    def: &'static OptionDef,
    used: &(String, String),
) -> (Verdict, String) {
    let wrong = problems.iter().find_map(|error| match error {
        Error::Invalid { group: of, option, reason, .. } if (of.as_str(), option.as_str()) == (group, def.name) => {
            Some(reason.clone())
        }
        _ => None,
    });
    if let Some(reason) = wrong {
        return (Verdict::Invalid, reason);
    }
    if is_missed(def) {
        return (Verdict::Missing, def.help.to_owned());
    }
    if !has_effect(def) {
        return (Verdict::Ignored, def.help.to_owned());
    }
    if def.name == "property_protection_file"
        && let Some(finding) = unusable_protections(config)
    {
        return finding;
    }
    if let Some(danger) = danger(config, group, def.name) {
        return (Verdict::Dangerous, danger.to_owned());
    }
    if (group, def.name) != (used.0.as_str(), used.1.as_str()) {
        return (Verdict::Deprecated, format!("use [{group}] {} instead", def.name));
    }
    match def.deprecated {
        Some(reason) => (Verdict::Deprecated, reason.to_owned()),
        None => (Verdict::Used, String::new()),
    }
}

/// What is wrong with the file of protected properties; a file of another machine may be missing.
fn unusable_protections(config: &Config) -> Option<(Verdict, String)> {
    let file = policy::protection_file(config).ok().flatten()?;
    if !file.exists() {
        return Some((Verdict::Missing, format!("there is no {}: the service will not start", file.display())));
    }
    let reason = policy::protections(config).err()?;
    Some((Verdict::Invalid, format!("{reason:#}")))
}

/// Name of an option (in any group), a value that weakens the service, and how.
const DANGERS: &[(&str, &str, &str)] = &[
    ("insecure", "True", "certificates are not checked: anyone on the way can read tokens and passwords"),
    ("https_insecure", "True", "certificates of stores are not checked"),
    ("swift_store_auth_insecure", "True", "certificates of stores are not checked"),
    ("cinder_api_insecure", "True", "certificates of stores are not checked"),
    ("vmware_insecure", "True", "certificates of stores are not checked"),
    ("show_multiple_locations", "True", "clients see and may change where data is kept (OSSN-0065)"),
    ("allow_anonymous_access", "True", "everybody may read public images"),
    ("require_image_format_match", "False", "data of another format than declared is accepted, unless it is dangerous"),
    ("enforce_new_defaults", "False", "older rules let more callers pass"),
    ("enforce_scope", "False", "tokens of any scope are accepted"),
    ("delay_auth_decision", "True", "requests without a valid token reach the service"),
    ("service_token_roles_required", "False", "any user's token counts as a service's token"),
    ("enable_proxy_headers_parsing", "True", "whoever reaches the port can claim another address and host"),
    ("allowed_origin", "['*']", "scripts of any website may use the service in a user's name"),
];

fn danger(config: &Config, group: &str, name: &str) -> Option<&'static str> {
    let value = config.value(group, name).ok().flatten()?.to_text();
    DANGERS.iter().find(|(known, bad, _)| *known == name && *bad == value).map(|(.., why)| *why)
}

/// Files with secrets that every user of the machine may read.
fn readable_secrets(config: &Config) -> Vec<Finding> {
    let is_open = |path: &str| std::fs::metadata(path).is_ok_and(|metadata| metadata.permissions().mode() & 0o004 != 0);
    let mut found: Vec<Finding> = Vec::new();
    for assigned in config.assigned() {
        let secret = assigned.option.is_some_and(|(_, def)| def.secret);
        let Place::File(file, _) = &assigned.place else { continue };
        if !secret || !is_open(file) || found.iter().any(|known| known.option == **file) {
            continue;
        }
        let advice = format!("everybody on this machine can read [{}] {}", assigned.used.0, assigned.used.1);
        found.push(Finding {
            place: assigned.place.clone(),
            option: file.to_string(),
            verdict: Verdict::Dangerous,
            advice,
        });
    }
    found
}

#[cfg(test)]
mod tests {
    use oslo::config::Sources;

    use super::*;
    use crate::config::options::TABLES;

    fn findings(text: &str) -> Vec<(String, &'static str)> {
        let mut sources = Sources::new();
        sources.add_text("glance-api.conf", text).unwrap();
        let config = complete(Config::new(sources, TABLES));
        check(&config).into_iter().map(|finding| (finding.option, finding.verdict.name())).collect()
    }

    #[test]
    fn every_assignment_is_judged() {
        let text = "[DEFAULT]\nbind_port = 9292\nworkers = 4\nlog-config = x\ntypo = 1\nlogfile = y\n\
                    transport_url = rabbit://a:b@c\nshow_multiple_locations = true\nmetadata_encryption_key = k\n\
                    limit_param_default = none\nrpc_response_timeout = soon\nenabled_backends = fast:file, far:rbd\n\
                    [far]\nrbd_store_pool = p\nstore_description = d\n[fast]\nfilesystem_store_datadir = /x\n\
                    nonsense = 1\n[os_glance_staging_store]\nfilesystem_store_datadir = /y\n[keystone_authtoken]\n\
                    username = glance\npassword = s\n";
        let expected = [
            ("[DEFAULT] bind_port", "used"),
            ("[DEFAULT] workers", "ignored"),
            ("[DEFAULT] log-config", "deprecated"),
            ("[DEFAULT] typo", "UNKNOWN"),
            ("[DEFAULT] logfile", "deprecated"),
            ("[DEFAULT] transport_url", "ignored"),
            ("[DEFAULT] show_multiple_locations", "DANGEROUS"),
            ("[DEFAULT] metadata_encryption_key", "deprecated"),
            ("[DEFAULT] limit_param_default", "INVALID"),
            ("[DEFAULT] rpc_response_timeout", "ignored"),
            ("[DEFAULT] enabled_backends", "used"),
            ("[far] rbd_store_pool", "MISSING"),
            ("[far] store_description", "used"),
            ("[fast] filesystem_store_datadir", "used"),
            ("[fast] nonsense", "UNKNOWN"),
            ("[os_glance_staging_store] filesystem_store_datadir", "used"),
        ];
        let found = findings(text);
        for (option, verdict) in expected {
            assert!(found.contains(&(option.to_owned(), verdict)), "{option} {verdict}: {found:?}");
        }
        let authtoken = found.iter().filter(|(option, _)| option.starts_with("[keystone_authtoken]"));
        assert!(authtoken.clone().count() == 2 && authtoken.clone().all(|(_, verdict)| *verdict != "UNKNOWN"));
    }
}
