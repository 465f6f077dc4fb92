//! From arguments, environment and files to a typed, checked set-up.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use anyhow::{Context as _, bail};
use glance_domain::schema::ImageSchema;
use glance_domain::{ProjectId, StoreId};
use glance_store::file::{FileOptions, FileStore};
use glance_store::registry::Naming;
use glance_store::{StoreEntry, Stores};

use crate::cmd::api::Arguments;
use crate::config::{Api, Config, ImageFormat, Limits};
use crate::stream::hash::Algorithm;

/// Everything that the server needs to start.
pub struct Setup {
    /// What requests rely on.
    pub config: Config,
    /// How to reach the catalogue.
    pub database: glance_db::Settings,
    /// Whether the server may create the database's tables: only below its own data folder.
    pub owns_database: bool,
    /// The stores.
    pub stores: Stores,
    /// Where to listen.
    pub listen: Listen,
    /// Whether to log more.
    pub debug: bool,
    /// What the operator should know about the configuration.
    pub warnings: Vec<String>,
    /// What the server says of itself at the start, in plain words.
    pub introduction: String,
}

/// Where to listen.
pub struct Listen {
    /// Address and port.
    pub address: SocketAddr,
    /// Whether callers from other machines are meant to be let in.
    pub open_to_others: bool,
}

/// Reads the configuration.
///
/// # Errors
/// In words for the operator, naming file and line where there is one.
pub fn setup(arguments: &Arguments, environment: &[(String, String)]) -> anyhow::Result<Setup> {
    if !arguments.config_file.is_empty() || !arguments.config_dir.is_empty() {
        bail!("configuration files");
    }
    embedded(arguments, environment)
}

/// The set-up without any configuration: everything below one folder.
fn embedded(arguments: &Arguments, environment: &[(String, String)]) -> anyhow::Result<Setup> {
    let folder = match &arguments.data_dir {
        Some(folder) => folder.clone(),
        None => default_data_dir(environment)?,
    };
    std::fs::create_dir_all(&folder).with_context(|| format!("cannot create {}", folder.display()))?;
    let folder = folder.canonicalize().with_context(|| format!("cannot open {}", folder.display()))?;
    let images = folder.join("images");
    let store = FileStore::open(FileOptions::new(&images)).context("cannot open the file store")?;
    let id = StoreId::new("file");
    let entry = StoreEntry::new(id.clone(), "file", Arc::new(store));
    let address = SocketAddr::new(
        arguments.bind_host.unwrap_or(IpAddr::V4(Ipv4Addr::LOCALHOST)),
        arguments.bind_port.unwrap_or(9292),
    );
    let database = folder.join("glance.sqlite");
    Ok(Setup {
        config: defaults(Some(ProjectId::new("default")))?,
        database: glance_db::Settings::new(format!("sqlite:///{}", database.display())),
        owns_database: true,
        stores: Stores::new(vec![entry], &id, Naming::Named)?,
        listen: Listen { address, open_to_others: arguments.allow_unauthenticated },
        debug: arguments.debug,
        warnings: Vec::new(),
        introduction: introduction(&folder, address),
    })
}

fn introduction(folder: &Path, address: SocketAddr) -> String {
    let reach = if address.ip().is_loopback() {
        "only programs on this machine can reach it"
    } else {
        "EVERYBODY WHO REACHES THIS ADDRESS IS AN ADMINISTRATOR"
    };
    format!(
        "Images and their catalogue are kept in {}.\n\
         Nobody is asked who they are: every caller is the administrator of the project 'default'; {reach}.",
        folder.display()
    )
}

/// `$XDG_DATA_HOME/glance`, or the service's folder when root.
fn default_data_dir(environment: &[(String, String)]) -> anyhow::Result<PathBuf> {
    let variable = |name: &str| {
        environment.iter().find(|(known, _)| known == name).map(|(_, value)| value).filter(|value| !value.is_empty())
    };
    if let Some(folder) = variable("XDG_DATA_HOME") {
        return Ok(Path::new(folder).join("glance"));
    }
    match variable("HOME") {
        Some(home) if home != "/root" => Ok(Path::new(home).join(".local/share/glance")),
        Some(_) => Ok(PathBuf::from("/var/lib/glance")),
        None => bail!("cannot tell where to keep images: say --data-dir"),
    }
}

/// The options' defaults.
fn defaults(open_project: Option<ProjectId>) -> anyhow::Result<Config> {
    let words = |text: &str| text.split(',').map(str::to_owned).collect::<Vec<_>>();
    let image_format = ImageFormat {
        container_formats: words("ami,ari,aki,bare,ovf,ova,docker,compressed"),
        disk_formats: words("ami,ari,aki,vhd,vhdx,vmdk,raw,qcow2,vdi,iso,ploop,gpt"),
        vmdk_allowed_types: words("streamOptimized,monolithicSparse"),
        require_image_format_match: true,
        gpt_safety_checks_nonfatal: Vec::new(),
    };
    Ok(Config {
        schema: ImageSchema::new(&image_format.container_formats, &image_format.disk_formats, None)?,
        image_format,
        api: Api {
            limit_param_default: 25,
            limit_max: 1000,
            max_request_id_length: 64,
            public_endpoint: None,
            import_methods: Vec::new(),
            show_multiple_locations: false,
            show_image_direct_url: false,
            multi_store: true,
            caching: false,
            open_project,
        },
        limits: Limits { image_size_cap: 1 << 40, image_property_quota: 128, image_tag_quota: 128 },
        hashing_algorithm: Algorithm::named("sha512")?,
    })
}
