//! `glance-manage`: the catalogue in the hands of its operator.
//!
//! Commands, their output and their exit codes are upstream's; `downgrade`, `status`, `detach`, `backup`, `restore`,
//! `--dry-run`, and all below `store` and `work` are our own. What keeps a command from its work is said on standard error, without more, and the exit
//! code is 1; a wrong command line is 2.

mod arguments;
mod copies;
mod metadefs;
mod phases;
mod progress;
mod purge;
mod schema;
mod stores;
mod work;

use std::ffi::OsString;
use std::io::Write as _;
use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;

use anyhow::Context as _;
use glance_db::{Database, INITIAL};
use glance_store::{Budget, Stores};
use oslo::config::{Config, Sources, config_directories, default_config_files};

use crate::config::options::TABLES;
use crate::config::stores::Folders;
use crate::config::{self, catalogue, load};
use crate::logging::{Logging, Plan};
use arguments::{Arguments, Db, Subject};

/// Runs the program.
///
/// # Errors
/// When standard output or standard error cannot be written to.
pub fn main(arguments: Vec<OsString>) -> anyhow::Result<ExitCode> {
    let arguments: Arguments = match super::parse(arguments)? {
        Ok(arguments) => arguments,
        Err(answered) => return Ok(answered),
    };
    match start(arguments) {
        Ok(code) => Ok(code),
        Err(error) => {
            writeln!(std::io::stderr(), "{}", super::explain(&error))?;
            Ok(ExitCode::FAILURE)
        }
    }
}

fn start(arguments: Arguments) -> anyhow::Result<ExitCode> {
    let environment: Vec<(String, String)> = std::env::vars().collect();
    let place = read(&arguments, &environment)?;
    let _logging = Logging::start(Plan::from_options("glance-manage", &place.options)?, None)?;
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    runtime.block_on(run(arguments.command.into(), &place))
}

/// Where the catalogue and the stores are.
struct Place {
    options: Config,
    settings: glance_db::Settings,
    /// The folder of a service without configuration.
    folder: Option<PathBuf>,
}

impl Place {
    fn stores(&self) -> anyhow::Result<Stores> {
        match &self.folder {
            Some(folder) => {
                let folder = folder.canonicalize().with_context(|| format!("cannot open {}", folder.display()))?;
                config::stores::embedded(&folder, Budget::default(), Folders::LeaveAlone)
            }
            None => config::stores::open(&config::stores::register(self.options.clone())?, Folders::LeaveAlone),
        }
    }
}

/// The options and the way to the catalogue: from the files named, else from those in the usual places, else that of a
/// service without configuration.
fn read(arguments: &Arguments, environment: &[(String, String)]) -> anyhow::Result<Place> {
    let files = files(arguments, environment)?;
    let is_configured = !files.is_empty() || !arguments.config_dir.is_empty();
    let mut sources = load::read_files(&files, &arguments.config_dir)?;
    sources.set_environment(environment.iter().cloned());
    arguments.logging.add_to(&mut sources);
    log_to_stderr(arguments, &mut sources);
    let options = Config::new(sources, TABLES);
    let folder = match &arguments.data_dir {
        Some(folder) => Some(folder.clone()),
        None if is_configured => None,
        None => Some(load::default_data_dir(environment)?),
    };
    let settings = match &folder {
        Some(folder) => catalogue::embedded(folder),
        None => catalogue::settings(&options)?,
    };
    Ok(Place { options, settings, folder })
}

fn files(arguments: &Arguments, environment: &[(String, String)]) -> anyhow::Result<Vec<PathBuf>> {
    if !arguments.config_file.is_empty() || !arguments.config_dir.is_empty() || arguments.data_dir.is_some() {
        return Ok(arguments.config_file.clone());
    }
    let variable =
        |name: &str| environment.iter().find(|(known, _)| known == name).map(|(_, value)| PathBuf::from(value));
    if let Some(folder) = variable("OS_GLANCE_CONFIG_DIR") {
        return load::files_of(&folder);
    }
    let directories = config_directories("glance", variable("HOME").as_deref(), "/etc".as_ref());
    let found = |program| default_config_files(&directories, "glance", program, std::path::Path::is_file);
    let mut files = found("glance-api");
    files.extend(found("glance-manage"));
    files.dedup();
    Ok(files)
}

/// The log of a command is for who calls it, unless the command line says otherwise.
fn log_to_stderr(arguments: &Arguments, sources: &mut Sources) {
    let logging = &arguments.logging;
    let elsewhere =
        logging.log_file.is_some() || logging.log_dir.is_some() || logging.use_syslog || logging.use_journal;
    if !elsewhere {
        sources.add_command_line("DEFAULT", "use_stderr", "true");
    }
}

async fn run(subject: Subject, place: &Place) -> anyhow::Result<ExitCode> {
    match &subject {
        Subject::Db(Db::Restore(restore)) => {
            Database::restore(&place.settings, &restore.file).await.context("cannot restore the catalogue")?;
            return say("The catalogue is restored.");
        }
        Subject::Db(Db::Backup(backup)) => return copies::backup(&place.settings, &backup.file).await,
        _ => {}
    }
    let stores = if matches!(subject, Subject::Store(_)) { Some(place.stores()?) } else { None };
    let db = Database::connect(&place.settings).await.context("cannot open the database")?;
    let done = match (subject, stores) {
        (Subject::Db(command), _) => dispatch(command, &place.options, &db).await,
        (Subject::Store(command), Some(stores)) => stores::run(command, &db, &stores).await,
        (Subject::Work(command), _) => work::run(command, &db).await,
        (Subject::Store(_), None) => Ok(ExitCode::FAILURE),
    };
    db.close().await;
    done
}

async fn dispatch(command: Db, options: &Config, db: &Database) -> anyhow::Result<ExitCode> {
    match command {
        Db::Version => schema::version(db).await,
        Db::Status => schema::status(db).await,
        Db::Check => phases::check(db).await,
        Db::Upgrade(target) => schema::upgrade(db, target.version().unwrap_or("heads"), target.dry_run).await,
        Db::Downgrade(downgrade) => schema::downgrade(db, &downgrade).await,
        Db::VersionControl(target) => {
            schema::version_control(db, target.version().unwrap_or(INITIAL), target.dry_run).await
        }
        Db::Sync(target) => phases::sync(db, target.dry_run).await,
        Db::Expand(phase) => phases::expand(db, phase.dry_run).await,
        Db::Migrate(phase) => phases::migrate(db, phase.dry_run).await,
        Db::Contract(phase) => phases::contract(db, phase.dry_run).await,
        Db::LoadMetadefs(load) => metadefs::load(db, options, &load).await,
        Db::UnloadMetadefs => metadefs::unload(db).await,
        Db::ExportMetadefs(export) => metadefs::export(db, options, export.path()).await,
        Db::Purge(purge) => purge::purge(db, &purge).await,
        Db::PurgeImagesTable(purge) => purge::purge_images(db, &purge).await,
        Db::Detach(detach) => schema::detach(db, &detach).await,
        Db::Backup(_) | Db::Restore(_) => Ok(ExitCode::FAILURE),
    }
}

/// A line for whoever called the command, as the end of a success.
fn say(text: impl AsRef<str>) -> anyhow::Result<ExitCode> {
    writeln!(std::io::stdout(), "{}", text.as_ref())?;
    Ok(ExitCode::SUCCESS)
}

/// A length of time for people, in its largest unit.
fn spell(time: Duration) -> String {
    let seconds = time.as_secs();
    match seconds {
        0..60 => format!("{seconds}s"),
        60..3600 => format!("{}min", seconds / 60),
        3600..172_800 => format!("{}h", seconds / 3600),
        _ => format!("{}d", seconds / 86400),
    }
}
