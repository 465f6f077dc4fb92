//! From arguments, environment and files to a typed, checked set-up.

use std::path::{Path, PathBuf};

use anyhow::{Context as _, bail};
use glance_domain::ProjectId;
use glance_domain::schema::ImageSchema;
use glance_store::{Budget, Stores};
use oslo::config::Sources;

use crate::api::pipeline::{Address, Pipeline, Trust};
use crate::cmd::api::Arguments;
use crate::config::check::{self, Verdict};
use crate::config::options::{self, TABLES};
use crate::config::stores::Folders;
use crate::config::{Api, Config, ImageFormat, Limits, catalogue, keystone_limits, limits, policy, stores};
use crate::listen::Settings;
use crate::logging::Plan;
use crate::policies::Enforcer;
use crate::stream::hash::Algorithm;
use crate::tasks::LeaseTimes;

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
    /// How much a project may have, where Keystone says that.
    pub project_limits: Option<keystone_auth::Limits>,
    /// Who may do what.
    pub policy: Enforcer,
    /// What requests pass on their way.
    pub pipeline: Pipeline,
    /// Where to listen.
    pub listen: Settings,
    /// How long this node may be silent, and how often it renews its lease.
    pub lease: LeaseTimes,
    /// Whether callers from other machines are meant to be let in.
    pub open_to_others: bool,
    /// What is logged and where.
    pub logging: Plan,
    /// All options, for dumps and for comparison when they are read again.
    pub options: oslo::config::Config,
    /// What the operator should know about the configuration.
    pub warnings: Vec<String>,
    /// What the server says of itself at the start, in plain words.
    pub introduction: String,
}

/// What a running service takes over from a configuration that was read again.
pub struct Reloaded {
    /// What requests rely on from now on.
    pub config: Config,
    /// What is logged and where from now on.
    pub logging: Plan,
    /// All options.
    pub options: oslo::config::Config,
}

/// The program's name in logs.
const PROGRAM: &str = "glance-api";

/// Reads the configuration.
///
/// # Errors
/// In words for the operator, naming file and line where there is one.
pub fn setup(arguments: &Arguments, environment: &[(String, String)]) -> anyhow::Result<Setup> {
    match read(arguments, environment)? {
        Some(options) => configured(arguments, options),
        None => embedded(arguments, environment),
    }
}

/// Reads the configuration again, for a running service.
///
/// # Errors
/// As [`setup`]; the service goes on with what it has.
pub fn reload(arguments: &Arguments, environment: &[(String, String)]) -> anyhow::Result<Reloaded> {
    let (options, project) = match read(arguments, environment)? {
        Some(options) => (checked(options)?, None),
        None => (embedded_options(arguments), Some(ProjectId::new("default"))),
    };
    let logging = Plan::from_options(PROGRAM, &options)?;
    Ok(Reloaded { config: snapshot(&options, project)?, logging, options })
}

/// Whether a running service takes over a change of the option.
#[must_use]
pub fn is_reloaded(group: &str, name: &str) -> bool {
    let tables = [options::LOGGING, options::IMAGE_FORMAT, options::REQUESTS];
    let known = tables.iter().copied().flatten().any(|def| def.group == group && def.name == name);
    known || group == "DEFAULT" && SNAPSHOT.contains(&name)
}

/// The options of `[DEFAULT]` that [`snapshot`] reads.
const SNAPSHOT: [&str; 12] = [
    "debug",
    "public_endpoint",
    "hashing_algorithm",
    "image_size_cap",
    "image_property_quota",
    "image_tag_quota",
    "limit_param_default",
    "api_limit_max",
    "max_request_id_length",
    "show_image_direct_url",
    "show_multiple_locations",
    "image_cache_dir",
];

/// All options from files, environment and command line; `None` where nothing names a file.
fn read(arguments: &Arguments, environment: &[(String, String)]) -> anyhow::Result<Option<oslo::config::Config>> {
    let variable = |name: &str| environment.iter().find(|(known, _)| known == name).map(|(_, value)| Path::new(value));
    let mut files = arguments.config_file.clone();
    if files.is_empty() && arguments.config_dir.is_empty() {
        match variable("OS_GLANCE_CONFIG_DIR") {
            Some(folder) => files = files_of(folder)?,
            None => return Ok(None),
        }
    }
    if arguments.data_dir.is_some() {
        bail!("--data-dir and configuration files exclude each other: the files say where data is kept");
    }
    let mut sources = read_files(&files, &arguments.config_dir)?;
    sources.set_environment(environment.iter().cloned());
    arguments.logging.add_to(&mut sources);
    Ok(Some(oslo::config::Config::new(sources, TABLES)))
}

/// What configuration files and folders of them say; later ones win.
///
/// # Errors
/// When one cannot be read.
pub(crate) fn read_files(files: &[PathBuf], folders: &[PathBuf]) -> anyhow::Result<Sources> {
    let mut sources = Sources::new();
    for file in files {
        sources.add_file(file)?;
    }
    for folder in folders {
        sources.add_directory(folder)?;
    }
    Ok(sources)
}

/// The options with those of the stores, if all values are accepted.
fn checked(options: oslo::config::Config) -> anyhow::Result<oslo::config::Config> {
    let options = check::complete(stores::register(options)?);
    match check::errors(&options).into_iter().next() {
        Some(problem) => Err(problem.into()),
        None => Ok(options),
    }
}

/// The options of a service without configuration: the defaults and a log on standard error.
fn embedded_options(arguments: &Arguments) -> oslo::config::Config {
    let mut sources = Sources::new();
    arguments.logging.add_to(&mut sources);
    let logs_elsewhere = arguments.logging.log_file.is_some() || arguments.logging.log_dir.is_some();
    if !logs_elsewhere {
        sources.add_command_line("DEFAULT", "use_stderr", "true");
    }
    oslo::config::Config::new(sources, TABLES)
}

/// The files that Glance reads from its configuration folder; the first is optional.
pub(crate) fn files_of(folder: &Path) -> anyhow::Result<Vec<PathBuf>> {
    let main = folder.join("glance-api.conf");
    if !main.is_file() {
        bail!("OS_GLANCE_CONFIG_DIR: there is no {}", main.display());
    }
    let import = folder.join("glance-image-import.conf");
    Ok([import].into_iter().filter(|file| file.is_file()).chain([main]).collect())
}

/// The set-up that configuration files describe.
fn configured(arguments: &Arguments, options: oslo::config::Config) -> anyhow::Result<Setup> {
    let options = checked(options)?;
    let (listen, pipeline) = reached(arguments, &options)?;
    let (introduction, mut warnings) = (trusting(pipeline.trust(), &listen), warnings(&options));
    warnings.extend(pipeline.warnings.iter().cloned());
    if pipeline.trust() == Trust::Headers {
        warnings.push(introduction.clone());
    }
    Ok(Setup {
        config: snapshot(&options, None)?,
        database: catalogue::settings(&options)?,
        owns_database: false,
        stores: stores::open(&options, Folders::Prepare)?,
        project_limits: keystone_limits::limits(&options)?,
        policy: policy::enforcer(&options)?,
        lease: LeaseTimes::from_options(&options)?,
        open_to_others: arguments.allow_unauthenticated || pipeline.trust() == Trust::Proof,
        pipeline,
        listen,
        logging: Plan::from_options(PROGRAM, &options)?,
        warnings,
        introduction,
        options,
    })
}

/// Where the service listens, and what callers pass. Without a word about the address, it is reached from everywhere if
/// callers prove who they are, and from this machine if they do not.
fn reached(arguments: &Arguments, options: &oslo::config::Config) -> anyhow::Result<(Settings, Pipeline)> {
    let listen = Settings::from_options(options, arguments.bind_host, arguments.bind_port)?;
    let address = if listen.is_local() { Address::Loopback } else { Address::Network };
    let pipeline = Pipeline::configured(options, address)?;
    let chosen = arguments.bind_host.is_some() || options.get::<Option<String>>("DEFAULT", "bind_host")?.is_some();
    if chosen || pipeline.trust() != Trust::Proof {
        return Ok((listen, pipeline));
    }
    Ok((listen.everywhere(), Pipeline::configured(options, Address::Network)?))
}

/// Whose word counts, in plain words.
fn trusting(trust: Trust, listen: &Settings) -> String {
    let reached = reach(listen);
    match trust {
        Trust::Proof => "Callers prove who they are.".to_owned(),
        Trust::Headers => {
            format!("WHOEVER REACHES THE SERVICE IS WHO THE HEADERS OF THE REQUEST SAY: nothing proves it; {reached}.")
        }
        Trust::Everybody => format!("Nobody is asked who they are: every caller is an administrator; {reached}."),
    }
}

/// What an operator should know at every start; `glance-server config check` says more.
fn warnings(options: &oslo::config::Config) -> Vec<String> {
    let findings = check::check(options);
    let ignored = findings.iter().filter(|finding| finding.verdict == Verdict::Ignored).count();
    let worth = findings.into_iter().filter(|finding| finding.verdict > Verdict::Ignored);
    let mut found: Vec<String> =
        worth.map(|finding| format!("{}: {}: {}", finding.place, finding.option, finding.advice)).collect();
    if ignored > 0 {
        found.push(format!("{ignored} options have no effect here: `glance-server config check` lists them"));
    }
    found
}

/// The set-up without any configuration: everything below one folder.
fn embedded(arguments: &Arguments, environment: &[(String, String)]) -> anyhow::Result<Setup> {
    let folder = match &arguments.data_dir {
        Some(folder) => folder.clone(),
        None => default_data_dir(environment)?,
    };
    std::fs::create_dir_all(&folder).with_context(|| format!("cannot create {}", folder.display()))?;
    let folder = folder.canonicalize().with_context(|| format!("cannot open {}", folder.display()))?;
    let options = embedded_options(arguments);
    let listen = Settings::from_options(&options, arguments.bind_host, arguments.bind_port)?;
    let introduction = introduction(&folder, &listen);
    Ok(Setup {
        config: snapshot(&options, Some(ProjectId::new("default")))?,
        database: catalogue::embedded(&folder),
        owns_database: true,
        stores: stores::embedded(&folder, Budget::new(options.get("limits", "transfer_memory")?), Folders::Prepare)?,
        project_limits: None,
        policy: Enforcer::default(),
        pipeline: Pipeline::open(),
        listen,
        lease: LeaseTimes::from_options(&options)?,
        open_to_others: arguments.allow_unauthenticated,
        logging: Plan::from_options(PROGRAM, &options)?,
        warnings: Vec::new(),
        introduction,
        options,
    })
}

fn introduction(folder: &Path, listen: &Settings) -> String {
    format!(
        "Images and their catalogue are kept in {}.\n\
         Nobody is asked who they are: every caller is the administrator of the project 'default'; {}.",
        folder.display(),
        reach(listen)
    )
}

fn reach(listen: &Settings) -> &'static str {
    if listen.is_local() {
        "only programs on this machine can reach it"
    } else {
        "EVERYBODY WHO REACHES THIS ADDRESS IS AN ADMINISTRATOR"
    }
}

/// `$XDG_DATA_HOME/glance`, or the service's folder when root.
pub(crate) fn default_data_dir(environment: &[(String, String)]) -> anyhow::Result<PathBuf> {
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

/// What requests rely on, from the options.
///
/// # Errors
/// For a digest that does not exist or a `schema-image.json` that cannot be used.
pub fn snapshot(options: &oslo::config::Config, open_project: Option<ProjectId>) -> anyhow::Result<Config> {
    let image_format = ImageFormat {
        container_formats: options.get("image_format", "container_formats")?,
        disk_formats: options.get("image_format", "disk_formats")?,
        require_image_format_match: options.get("image_format", "require_image_format_match")?,
        gpt_safety_checks_nonfatal: options.get("image_format", "gpt_safety_checks_nonfatal")?,
    };
    let custom = custom_properties(options)?;
    let algorithm: String = options.get("DEFAULT", "hashing_algorithm")?;
    Ok(Config {
        schema: ImageSchema::new(&image_format.container_formats, &image_format.disk_formats, custom.as_ref())?,
        image_format,
        api: Api {
            limit_param_default: options.get("DEFAULT", "limit_param_default")?,
            limit_max: options.get("DEFAULT", "api_limit_max")?,
            max_request_id_length: options.get::<u64>("DEFAULT", "max_request_id_length")?.try_into()?,
            scheme: if options.is_set("DEFAULT", "cert_file") { "https" } else { "http" },
            public_endpoint: options.get("DEFAULT", "public_endpoint")?,
            import_methods: Vec::new(),
            show_multiple_locations: options.get("DEFAULT", "show_multiple_locations")?,
            show_image_direct_url: options.get("DEFAULT", "show_image_direct_url")?,
            multi_store: open_project.is_some() || stores::are_named(options),
            caching: options.is_set("DEFAULT", "image_cache_dir"),
            open_project,
        },
        limits: Limits {
            image_size_cap: options.get("DEFAULT", "image_size_cap")?,
            image_member_quota: options.get("DEFAULT", "image_member_quota")?,
            image_property_quota: options.get("DEFAULT", "image_property_quota")?,
            image_tag_quota: options.get("DEFAULT", "image_tag_quota")?,
            image_location_quota: options.get("DEFAULT", "image_location_quota")?,
            user_storage_quota: limits::storage_quota(&options.get::<String>("DEFAULT", "user_storage_quota")?)?,
            json_size: options.get("limits", "json_size")?,
            json_values: options.get("limits", "json_values")?,
            list_filters: options.get("limits", "list_filters")?,
            list_values: options.get("limits", "list_values")?,
        },
        hashing_algorithm: Algorithm::named(&algorithm)?,
    })
}

/// The content of `schema-image.json`, if there is one beside the configuration files.
fn custom_properties(options: &oslo::config::Config) -> anyhow::Result<Option<serde_json::Value>> {
    let folders = options.sources().search_path();
    let Some(file) = folders.iter().map(|folder| folder.join("schema-image.json")).find(|file| file.is_file()) else {
        return Ok(None);
    };
    let text = std::fs::read_to_string(&file).with_context(|| format!("cannot read {}", file.display()))?;
    serde_json::from_str(&text).map(Some).with_context(|| format!("{} is not JSON", file.display()))
}

#[cfg(test)]
mod tests {
    use clap::Parser as _;

    use super::*;
    use crate::listen::Place;

    #[test]
    fn other_machines_come_in_where_callers_prove_who_they_are() {
        let keystone = "[paste_deploy]\nflavor = keystone\n[keystone_authtoken]\nauth_type = password\n\
                        auth_url = http://k\nusername = u\npassword = p\n";
        let cases = [
            (keystone, &[][..], "0.0.0.0:9292"),
            (keystone, &["--bind-host", "127.0.0.1"], "127.0.0.1:9292"),
            ("[DEFAULT]\ndebug = true\n", &[], "127.0.0.1:9292"),
        ];
        for (text, words, expected) in cases {
            let mut sources = Sources::new();
            sources.add_text("glance-api.conf", text).unwrap();
            let options = check::complete(oslo::config::Config::new(sources, TABLES));
            let arguments = Arguments::try_parse_from([&["api"], words].concat()).unwrap();
            let (listen, _) = reached(&arguments, &options).unwrap();
            assert_eq!(listen.place, Place::Tcp(expected.parse().unwrap()), "{text}");
        }
    }
}
