//! `clouds.yaml`, `secure.yaml` and `clouds-public.yaml`: the configuration files that OpenStack's clients share.
//!
//! Format: <https://docs.openstack.org/openstacksdk/latest/user/config/configuration.html>. `secure.yaml` is laid over
//! `clouds.yaml`; an entry's `profile` names an entry of `clouds-public.yaml` which is laid under it.

use std::io;
use std::path::PathBuf;

use serde_norway::{Mapping, Value};

use crate::error::{Error, ErrorKind};
use crate::options::{Environment, Options};

/// Where the three files are looked for; of each, the first that exists counts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SearchPath {
    clouds: Vec<PathBuf>,
    secure: Vec<PathBuf>,
    vendor: Vec<PathBuf>,
}

impl SearchPath {
    /// `OS_CLIENT_CONFIG_FILE` (and `_SECURE_FILE`, `_VENDOR_FILE`), then the working directory, the user's and the
    /// system's configuration.
    pub fn of(environment: &Environment) -> Self {
        let mut folders = vec![environment.directory().to_owned()];
        let configuration = environment.get("XDG_CONFIG_HOME").map(PathBuf::from);
        let home = || environment.get("HOME").map(|home| PathBuf::from(home).join(".config"));
        folders.extend(configuration.or_else(home).map(|folder| folder.join("openstack")));
        folders.push(PathBuf::from("/etc/openstack"));
        let candidates = |variable: &str, stem: &str| {
            let named = environment.get(variable).map(|file| environment.directory().join(file));
            let usual =
                folders.iter().flat_map(|folder| ["yaml", "yml"].map(|end| folder.join(format!("{stem}.{end}"))));
            named.into_iter().chain(usual).collect()
        };
        Self {
            clouds: candidates("OS_CLIENT_CONFIG_FILE", "clouds"),
            secure: candidates("OS_CLIENT_SECURE_FILE", "secure"),
            vendor: candidates("OS_CLIENT_VENDOR_FILE", "clouds-public"),
        }
    }
}

/// The settings of the cloud `name`.
pub(crate) fn load(name: &str, search: &SearchPath) -> Result<Options, Error> {
    let public = entry(&search.clouds, "clouds", name)?;
    let secret = entry(&search.secure, "clouds", name)?;
    if public.is_none() && secret.is_none() {
        let files: Vec<_> = search.clouds.iter().map(|path| path.display().to_string()).collect();
        let message = format!("Cloud {name} was not found in any of {}", files.join(", "));
        return Err(Error::new(ErrorKind::UnknownCloud, message));
    }
    let mut cloud = public.unwrap_or_default();
    overlay(&mut cloud, secret.unwrap_or_default());
    if let Some(profile) = text(cloud.get("profile").or_else(|| cloud.get("cloud"))) {
        let Some(mut base) = entry(&search.vendor, "public-clouds", &profile)? else {
            let message = format!("Profile {profile} of cloud {name} was not found in clouds-public.yaml");
            return Err(Error::new(ErrorKind::UnknownCloud, message));
        };
        overlay(&mut base, cloud);
        cloud = base;
    }
    settings(name, &cloud)
}

/// The entry `name` below the key `section` in the first file that exists.
fn entry(candidates: &[PathBuf], section: &str, name: &str) -> Result<Option<Mapping>, Error> {
    for path in candidates {
        let content = match std::fs::read_to_string(path) {
            Ok(content) => content,
            Err(error) if matches!(error.kind(), io::ErrorKind::NotFound | io::ErrorKind::NotADirectory) => continue,
            Err(error) => return Err(Error::in_file(ErrorKind::Unreadable, path, error)),
        };
        let root: Value =
            serde_norway::from_str(&content).map_err(|error| Error::in_file(ErrorKind::Invalid, path, error))?;
        return match root.get(section).and_then(|clouds| clouds.get(name)) {
            None => Ok(None),
            Some(Value::Mapping(cloud)) => Ok(Some(cloud.clone())),
            Some(_) => Err(Error::in_file(ErrorKind::Invalid, path, format!("the cloud {name} is not a mapping"))),
        };
    }
    Ok(None)
}

/// Puts `top` over `base`, mapping by mapping.
fn overlay(base: &mut Mapping, top: Mapping) {
    for (key, value) in top {
        match (base.get_mut(&key), value) {
            (Some(Value::Mapping(below)), Value::Mapping(above)) => overlay(below, above),
            (_, value) => {
                base.insert(key, value);
            }
        }
    }
}

fn settings(name: &str, cloud: &Mapping) -> Result<Options, Error> {
    let mut options = Options::new();
    let auth = match cloud.get("auth") {
        Some(Value::Mapping(auth)) => auth.clone(),
        None => Mapping::new(),
        Some(_) => return Err(Error::new(ErrorKind::Invalid, format!("cloud {name}: auth is not a mapping"))),
    };
    for (key, value) in auth.iter().chain(cloud.iter()) {
        if let (Some(key), Some(value)) = (key.as_str(), text(Some(value))) {
            options.set(&key.replace('-', "_"), Some(value));
        }
    }
    options.set("project_name", text(auth.get("tenant_name")).filter(|_| !auth.contains_key("project_name")));
    options.set("project_id", text(auth.get("tenant_id")).filter(|_| !auth.contains_key("project_id")));
    // An `endpoint` below `auth` is the address of every service; one for images is more to the point.
    options.set("endpoint", text(cloud.get("image_endpoint_override").or_else(|| cloud.get("image_endpoint"))));
    if options.get("region_name").is_none() {
        options.set("region_name", first_region(cloud));
    }
    Ok(options)
}

/// Without a `region_name`, the first of `regions` counts.
fn first_region(cloud: &Mapping) -> Option<String> {
    let first = cloud.get("regions")?.get(0)?;
    text(Some(first)).or_else(|| text(first.get("name")))
}

fn text(value: Option<&Value>) -> Option<String> {
    match value? {
        Value::String(text) => Some(text.clone()),
        Value::Number(number) => Some(number.to_string()),
        Value::Bool(boolean) => Some(boolean.to_string()),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs;
    use std::path::Path;

    fn search_in(folder: &Path) -> SearchPath {
        SearchPath::of(&Environment::new([], folder))
    }

    fn load_from(files: &[(&str, &str)], cloud: &str) -> Result<Options, Error> {
        let folder = tempfile::tempdir().unwrap();
        for (name, content) in files {
            fs::write(folder.path().join(name), content).unwrap();
        }
        load(cloud, &search_in(folder.path()))
    }

    #[test]
    fn a_token_cloud_is_read() {
        let clouds = "clouds:\n  dev:\n    auth_type: admin_token\n    auth: {endpoint: 'http://all', token: abc}\n    \
                      image_endpoint_override: http://i:9292\n    region_name: north\n    verify: false\n";
        let options = load_from(&[("clouds.yaml", clouds)], "dev").unwrap();
        assert_eq!(options.get("endpoint"), Some("http://i:9292"));
        assert_eq!(options.get("token"), Some("abc"));
        assert_eq!(options.get("verify"), Some("false"));
        assert_eq!(options.get("region_name"), Some("north"));
    }

    #[test]
    fn secure_yaml_adds_the_password() {
        let clouds = "clouds:\n  dev:\n    auth: {auth_url: 'http://k', username: u, tenant_name: p}\n";
        let secure = "clouds:\n  dev:\n    auth: {password: 1234}\n";
        let options = load_from(&[("clouds.yaml", clouds), ("secure.yaml", secure)], "dev").unwrap();
        assert_eq!(options.get("password"), Some("1234"));
        assert_eq!(options.get("username"), Some("u"));
        assert_eq!(options.get("project_name"), Some("p"));
    }

    #[test]
    fn a_profile_lies_under_the_cloud() {
        let clouds = "clouds:\n  mine:\n    profile: vendor\n    region_name: east\n";
        let public = "public-clouds:\n  vendor:\n    auth: {auth_url: 'http://v'}\n    region_name: west\n";
        let options = load_from(&[("clouds.yaml", clouds), ("clouds-public.yaml", public)], "mine").unwrap();
        assert_eq!(options.get("auth_url"), Some("http://v"));
        assert_eq!(options.get("region_name"), Some("east"));
        assert_eq!(load_from(&[("clouds.yaml", clouds)], "mine").unwrap_err().kind(), ErrorKind::UnknownCloud);
    }

    #[test]
    fn the_named_file_comes_first() {
        let folder = tempfile::tempdir().unwrap();
        fs::write(folder.path().join("clouds.yaml"), "clouds: {a: {region_name: usual}}").unwrap();
        fs::write(folder.path().join("other.yaml"), "clouds: {a: {region_name: named}}").unwrap();
        let variables = [("OS_CLIENT_CONFIG_FILE".to_owned(), "other.yaml".to_owned())];
        let search = SearchPath::of(&Environment::new(variables, folder.path()));
        assert_eq!(load("a", &search).unwrap().get("region_name"), Some("named"));
    }

    #[test]
    fn the_first_region_counts() {
        let clouds = "clouds: {a: {regions: [{name: one, values: {}}, two]}, b: {regions: [two, one]}}";
        assert_eq!(load_from(&[("clouds.yaml", clouds)], "a").unwrap().get("region_name"), Some("one"));
        assert_eq!(load_from(&[("clouds.yml", clouds)], "b").unwrap().get("region_name"), Some("two"));
    }

    #[test]
    fn broken_files_are_errors_that_name_the_file() {
        let error = load_from(&[("clouds.yaml", "clouds: [")], "a").unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Invalid);
        assert!(error.to_string().contains("clouds.yaml"), "{error}");
        assert_eq!(load_from(&[("clouds.yaml", "clouds: {a: 3}")], "a").unwrap_err().kind(), ErrorKind::Invalid);
    }
}
