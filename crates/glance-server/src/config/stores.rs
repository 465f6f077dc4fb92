//! From options to stores: named ones (`enabled_backends`), or one without a name (`[glance_store]`).

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context as _, bail};
use glance_domain::StoreId;
use glance_store::fetch::FetchOptions;
use glance_store::file::{DataDir, FileOptions, FileStore, IdentityCheck, Provisioning, Timeout};
use glance_store::http::HttpStore;
use glance_store::registry::Naming;
use glance_store::{Budget, Store, StoreEntry, Stores};
use oslo::config::{Config, OptionDef, Pairs};

use super::filtering::url_filter;
use super::options::{FILE_STORE, HTTP_STORE, STORE};

/// Where driver options of all stores may be given once.
const SHARED: &str = "backend_defaults";

/// Whether stores have names.
#[must_use]
pub fn are_named(config: &Config) -> bool {
    config.is_set("DEFAULT", "enabled_backends")
}

/// Adds the tables of the stores that the configuration names, so that their groups are known.
///
/// # Errors
/// For an unknown type of store.
pub fn register(config: Config) -> anyhow::Result<Config> {
    let named = names(&config)?;
    let mut config = config;
    for (name, kind) in &named {
        config = config.with_group(name, STORE, Some(SHARED)).with_group(name, driver_table(kind)?, Some(SHARED));
    }
    if named.is_empty() {
        config = config.with_group("glance_store", FILE_STORE, None).with_group("glance_store", HTTP_STORE, None);
    }
    Ok(config)
}

fn names(config: &Config) -> anyhow::Result<Vec<(String, String)>> {
    let named: Option<Pairs> = config.get("DEFAULT", "enabled_backends")?;
    let named = named.map(|pairs| pairs.0).unwrap_or_default();
    match named.iter().find(|(name, _)| name.starts_with("os_glance_")) {
        Some((name, _)) => bail!("enabled_backends: the name {name} is reserved"),
        None => Ok(named),
    }
}

fn driver_table(kind: &str) -> anyhow::Result<&'static [OptionDef]> {
    match kind {
        "file" => Ok(FILE_STORE),
        "http" => Ok(HTTP_STORE),
        "rbd" | "swift" | "s3" | "cinder" | "vmware" => bail!("stores of type {kind} are not available yet"),
        other => bail!("enabled_backends: there is no store of type {other}"),
    }
}

/// What becomes of folders that are missing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Folders {
    /// They are made, as the service itself does.
    Prepare,
    /// Nothing is made or changed: a command may run as another user than the service.
    LeaveAlone,
}

/// The store of a service without configuration, whose data is kept below `folder`.
///
/// # Errors
/// For a folder that no location can name.
pub fn embedded(folder: &Path, budget: Budget, folders: Folders) -> anyhow::Result<Stores> {
    let options = FileOptions { budget: budget.clone(), ..FileOptions::new(folder.join("images")) };
    let driver = file_store(options, folders).context("cannot open the file store")?;
    let id = StoreId::new("file");
    Ok(Stores::new(vec![StoreEntry::new(id.clone(), "file", driver)], &id, Naming::Named)?.with_budget(budget))
}

/// Opens the stores.
///
/// # Errors
/// For a store that cannot be opened, or a missing or unknown `default_backend`.
pub fn open(config: &Config, folders: Folders) -> anyhow::Result<Stores> {
    let budget = Budget::new(config.get("limits", "transfer_memory")?);
    let opening = Opening { config, folders, budget: &budget };
    let named = names(config)?;
    if named.is_empty() {
        return Ok(open_unnamed(&opening)?.with_budget(budget));
    }
    let default: Option<String> = config.get("glance_store", "default_backend")?;
    let default = StoreId::new(default.context("[glance_store] default_backend must name one of enabled_backends")?);
    let entries = named.iter().map(|(name, kind)| {
        let driver = opening.driver(name, kind).with_context(|| format!("cannot open the store {name}"))?;
        let mut entry = StoreEntry::new(StoreId::new(name.as_str()), kind.as_str(), driver);
        entry.description = config.get(name, "store_description")?;
        entry.weight = config.get(name, "weight")?;
        anyhow::Ok(entry)
    });
    Ok(Stores::new(entries.collect::<anyhow::Result<_>>()?, &default, Naming::Named)?.with_budget(budget))
}

fn open_unnamed(opening: &Opening<'_>) -> anyhow::Result<Stores> {
    let config = opening.config;
    let default: String = config.get("glance_store", "default_store")?;
    let kinds: Vec<String> = config.get("glance_store", "stores")?;
    let known = kinds.iter().filter(|kind| matches!(kind.as_str(), "file" | "http"));
    let entries = known.map(|kind| {
        let driver = opening.driver("glance_store", kind).with_context(|| format!("cannot open the {kind} store"))?;
        Ok(StoreEntry::new(StoreId::new(kind.as_str()), kind.as_str(), driver))
    });
    Ok(Stores::new(entries.collect::<anyhow::Result<_>>()?, &StoreId::new(default), Naming::ByScheme)?)
}

/// What the drivers are opened with.
struct Opening<'a> {
    config: &'a Config,
    folders: Folders,
    /// What the buffers of all transfers may take.
    budget: &'a Budget,
}

impl Opening<'_> {
    /// The driver of that kind with the options of `group`.
    fn driver(&self, group: &str, kind: &str) -> anyhow::Result<Arc<dyn Store>> {
        if kind == "http" {
            return Ok(Arc::new(HttpStore::open(&http_options(self.config, group)?)?));
        }
        let options = FileOptions { budget: self.budget.clone(), ..file_options(self.config, group)? };
        file_store(options, self.folders)
    }
}

/// A folder that cannot be used keeps nobody from using the other stores.
fn file_store(options: FileOptions, folders: Folders) -> anyhow::Result<Arc<dyn Store>> {
    Ok(Arc::new(match folders {
        Folders::Prepare => FileStore::open_if_possible(options)?,
        Folders::LeaveAlone => FileStore::open_as_it_is(options)?,
    }))
}

/// Locations may lead to where `[import_filtering_opts]` lets clients send the service, whenever they are followed.
fn http_options(config: &Config, group: &str) -> anyhow::Result<FetchOptions> {
    let proxies: Pairs = config.get(group, "http_proxy_information")?;
    Ok(FetchOptions {
        filter: url_filter(config)?,
        ca_certificates_file: config.get(group, "https_ca_certificates_file")?,
        insecure: config.get(group, "https_insecure")?,
        proxies: proxies.0,
        ..FetchOptions::default()
    })
}

fn file_options(config: &Config, group: &str) -> anyhow::Result<FileOptions> {
    let single: PathBuf = config.get(group, "filesystem_store_datadir")?;
    let several: Vec<String> =
        config.get::<Option<Vec<String>>>(group, "filesystem_store_datadirs")?.unwrap_or_default();
    let mut options = FileOptions::new(single);
    if !several.is_empty() {
        options.datadirs = several.iter().map(|text| data_dir(text)).collect::<anyhow::Result<_>>()?;
    }
    options.metadata_file = config.get(group, "filesystem_store_metadata_file")?;
    options.file_perm = permissions(config.get(group, "filesystem_store_file_perm")?)?;
    options.chunk_size = config.get(group, "filesystem_store_chunk_size")?;
    if config.get(group, "filesystem_thin_provisioning")? {
        options.provisioning = Provisioning::Thin;
    }
    if !config.get::<bool>(group, "filesystem_store_identity")? {
        options.identity = IdentityCheck::Off;
    }
    let seconds: u64 = config.get(group, "filesystem_store_timeout")?;
    if seconds > 0 {
        options.timeout = Some(Timeout {
            after: Duration::from_secs(seconds),
            threads: config.get::<u64>(group, "filesystem_store_thread_pool_size")?.try_into()?,
            warn_percent: config.get::<u64>(group, "filesystem_store_threadpool_threshold")?.try_into()?,
        });
    }
    Ok(options)
}

/// `/folder` or `/folder:priority`.
fn data_dir(text: &str) -> anyhow::Result<DataDir> {
    let (path, priority) = match text.rsplit_once(':') {
        Some((path, priority)) => {
            (path, priority.trim().parse().with_context(|| format!("filesystem_store_datadirs: {text}: bad priority"))?)
        }
        None => (text, 0),
    };
    Ok(DataDir { path: PathBuf::from(path.trim()), priority })
}

/// The option is a number whose decimal digits are meant as octal ones: 640 is `rw-r-----`.
fn permissions(digits: u64) -> anyhow::Result<u32> {
    let mode = u32::from_str_radix(&digits.to_string(), 8).ok().filter(|mode| *mode <= 0o777);
    mode.context("filesystem_store_file_perm must be an octal number up to 777")
}

#[cfg(test)]
mod tests {
    use oslo::config::Sources;

    use super::*;
    use crate::config::options::TABLES;

    fn config(text: &str) -> Config {
        let mut sources = Sources::new();
        sources.add_text("glance-api.conf", text).unwrap();
        register(Config::new(sources, TABLES)).unwrap()
    }

    #[test]
    fn named_stores_take_shared_options() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().display();
        let config = config(&format!(
            "[DEFAULT]\nenabled_backends = fast:file, web:http\n[glance_store]\ndefault_backend = fast\n\
             [backend_defaults]\nfilesystem_store_datadir = {path}/fast\n[fast]\nweight = 7\nstore_description = quick\n"
        ));
        assert!(are_named(&config));
        let stores = open(&config, Folders::Prepare).unwrap();
        let fast = stores.default_store();
        assert_eq!((fast.id.as_str(), fast.weight, fast.description.as_deref()), ("fast", 7, Some("quick")));
        assert_eq!(stores.listed().count(), 2);
        assert!(folder.path().join("fast").is_dir());
        assert_eq!(config.unknown_options().len(), 0);
    }

    #[test]
    fn without_names_there_is_one_store_per_type() {
        let folder = tempfile::tempdir().unwrap();
        let text = format!("[glance_store]\nfilesystem_store_datadir = {}\n", folder.path().display());
        let stores = open(&config(&text), Folders::Prepare).unwrap();
        assert!(!stores.is_multi());
        assert_eq!(stores.default_store().kind, "file");
    }

    #[test]
    fn a_folder_that_cannot_be_used_keeps_nobody_from_other_stores() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().display();
        std::fs::write(folder.path().join("file"), "").unwrap();
        let text = format!(
            "[DEFAULT]\nenabled_backends = good:file, bad:file\n[glance_store]\ndefault_backend = good\n\
             [good]\nfilesystem_store_datadir = {path}/good\n[bad]\nfilesystem_store_datadir = {path}/file/x\n"
        );
        assert_eq!(open(&config(&text), Folders::LeaveAlone).unwrap().listed().count(), 2);
        assert!(!folder.path().join("good").exists(), "a command makes nothing");
        assert_eq!(open(&config(&text), Folders::Prepare).unwrap().listed().count(), 2);
        assert!(folder.path().join("good").is_dir());
    }

    #[test]
    fn folders_are_judged_unless_that_is_turned_off() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().display();
        for (word, judged) in [("on", true), ("off", false)] {
            let text =
                format!("[glance_store]\nfilesystem_store_datadir = {path}\nfilesystem_store_identity = {word}\n");
            let stores = open(&config(&text), Folders::Prepare).unwrap();
            assert_eq!(stores.default_store().driver.identified().is_some(), judged, "{word}");
        }
    }

    #[test]
    fn permissions_are_octal() {
        assert_eq!(permissions(640).unwrap(), 0o640);
        assert!(permissions(888).is_err());
        assert!(permissions(1777).is_err());
        let dir = data_dir("/mnt/a:200").unwrap();
        assert_eq!((dir.path.to_str(), dir.priority), (Some("/mnt/a"), 200));
    }
}
