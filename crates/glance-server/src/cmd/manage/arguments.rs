//! The command line of `glance-manage`: `db COMMAND`, and upstream's old names `db_COMMAND`.

mod stores;

use std::path::PathBuf;

use clap::{Args, Parser, Subcommand};

pub(super) use stores::{Audit, Forget, Scrub, StoreCommand, WorkCommand};

use crate::cmd::options::LoggingArguments;

/// Manage the catalogue of the image service.
#[derive(Debug, Parser)]
#[command(name = "glance-manage", version)]
pub(super) struct Arguments {
    /// Read this configuration file; may be given several times, later files win
    #[arg(long, value_name = "FILE", global = true)]
    pub(super) config_file: Vec<PathBuf>,
    /// Read all *.conf files of this folder, after the configuration files; may be given several times
    #[arg(long, value_name = "DIR", global = true)]
    pub(super) config_dir: Vec<PathBuf>,
    /// The folder of a service that runs without configuration
    #[arg(long, value_name = "DIR", global = true, conflicts_with_all = ["config_file", "config_dir"])]
    pub(super) data_dir: Option<PathBuf>,
    /// How to log
    #[command(flatten)]
    pub(super) logging: LoggingArguments,
    #[command(subcommand)]
    pub(super) command: Command,
}

/// What to do.
#[derive(Debug, Subcommand)]
#[command(rename_all = "snake_case")]
pub(super) enum Command {
    /// Manage the database
    #[command(subcommand)]
    Db(Db),
    /// Compare stores with the catalogue, and tell which folders are theirs
    #[command(subcommand)]
    Store(StoreCommand),
    /// Look at work on stores that has not ended
    #[command(subcommand)]
    Work(WorkCommand),
    #[command(hide = true)]
    DbVersion,
    #[command(hide = true)]
    DbCheck,
    #[command(hide = true)]
    DbUpgrade(Target),
    #[command(hide = true)]
    DbVersionControl(Target),
    #[command(hide = true)]
    DbSync(Target),
    #[command(hide = true)]
    DbExpand(Phase),
    #[command(hide = true)]
    DbMigrate(Phase),
    #[command(hide = true)]
    DbContract(Phase),
    #[command(hide = true)]
    DbLoadMetadefs(Load),
    #[command(hide = true)]
    DbUnloadMetadefs,
    #[command(hide = true)]
    DbExportMetadefs(Export),
}

/// Commands about the database.
#[derive(Debug, Subcommand)]
#[command(rename_all = "snake_case")]
pub(super) enum Db {
    /// Print the database's revision
    Version,
    /// Print every revision with its state
    Status,
    /// Tell which phase of an upgrade is due: exit code 3 expand, 4 migrate, 5 contract
    Check,
    /// Upgrade the database to a revision [default: the newest]
    Upgrade(Target),
    /// Take the database back to a revision
    Downgrade(Downgrade),
    /// Note a revision without changing any table [default: liberty]
    VersionControl(Target),
    /// Upgrade the database to the newest revision while no service runs
    Sync(Target),
    /// First phase of an upgrade without downtime: add what is new
    Expand(Phase),
    /// Second phase of an upgrade without downtime: change rows
    Migrate(Phase),
    /// Third phase of an upgrade without downtime: remove what is old
    Contract(Phase),
    /// Load definitions of metadata from JSON files
    LoadMetadefs(Load),
    /// Remove all definitions of metadata
    UnloadMetadefs,
    /// Write the definitions of metadata to JSON files
    ExportMetadefs(Export),
    /// Remove what was deleted long ago, but for the images' ids
    Purge(Purge),
    /// Remove images that were deleted long ago
    PurgeImagesTable(Purge),
    /// Remove the tables and indexes of this service, so that only Glance's are left
    Detach(Detach),
    /// Copy a SQLite database to a new file, while the service runs
    Backup(Copy),
    /// Put such a copy in the database's place, while no service runs
    Restore(Copy),
}

/// A revision, said in either of two ways.
#[derive(Debug, Args)]
pub(super) struct Target {
    /// The revision
    #[arg(long = "version", value_name = "REVISION")]
    named: Option<String>,
    #[arg(value_name = "REVISION", conflicts_with = "named")]
    positional: Option<String>,
    /// Only print what would be done
    #[arg(long)]
    pub(super) dry_run: bool,
}

impl Target {
    pub(super) fn version(&self) -> Option<&str> {
        self.named.as_deref().or(self.positional.as_deref())
    }
}

#[derive(Debug, Args)]
pub(super) struct Phase {
    /// Only print what would be done
    #[arg(long)]
    pub(super) dry_run: bool,
}

#[derive(Debug, Args)]
pub(super) struct Downgrade {
    /// The revision that is the newest afterwards
    pub(super) revision: String,
    /// Go on even though something is lost that no upgrade brings back
    #[arg(long)]
    pub(super) accept_loss: bool,
    /// Only print what would be done
    #[arg(long)]
    pub(super) dry_run: bool,
}

#[derive(Debug, Args)]
pub(super) struct Detach {
    /// Go on even though unfinished transfers will never be cleaned up
    #[arg(long)]
    pub(super) accept_loss: bool,
}

#[derive(Debug, Args)]
pub(super) struct Copy {
    /// The copy
    pub(super) file: PathBuf,
}

#[derive(Debug, Args)]
pub(super) struct Load {
    /// A JSON file or a folder of them [default: metadata_source_path]
    #[arg(long = "path", value_name = "PATH")]
    named: Option<PathBuf>,
    #[arg(value_name = "PATH", conflicts_with = "named")]
    positional: Option<PathBuf>,
    /// Add to namespaces that are there; what they have stays
    #[arg(long)]
    merge: bool,
    /// With --merge: what is there takes the new form
    #[arg(long = "prefer_new", alias = "prefer-new")]
    prefer_new: bool,
    /// With --merge: what is there goes first
    #[arg(long)]
    overwrite: bool,
    /// The three options in the order merge, prefer_new, overwrite; any word means yes
    #[arg(value_name = "WORD", num_args = 0..=3, hide = true)]
    words: Vec<String>,
}

impl Load {
    pub(super) fn path(&self) -> Option<PathBuf> {
        self.named.clone().or_else(|| self.positional.clone())
    }

    /// Whether to merge, to prefer what is new, to overwrite.
    pub(super) fn wishes(&self) -> [bool; 3] {
        let word = |number: usize| self.words.get(number).is_some_and(|word| !word.is_empty());
        [self.merge || word(0), self.prefer_new || word(1), self.overwrite || word(2)]
    }
}

#[derive(Debug, Args)]
pub(super) struct Export {
    /// The folder for the files [default: metadata_source_path]
    #[arg(long = "path", value_name = "DIR")]
    named: Option<PathBuf>,
    #[arg(value_name = "DIR", conflicts_with = "named")]
    positional: Option<PathBuf>,
}

impl Export {
    pub(super) fn path(&self) -> Option<PathBuf> {
        self.named.clone().or_else(|| self.positional.clone())
    }
}

#[derive(Debug, Args)]
pub(super) struct Purge {
    /// Only what was deleted more days ago [default: 30, for images 180]
    #[arg(long = "age_in_days", alias = "age-in-days", value_name = "DAYS", allow_negative_numbers = true)]
    age_in_days: Option<i64>,
    /// At most that many rows of each table; -1: all [default: 100]
    #[arg(long = "max_rows", alias = "max-rows", value_name = "ROWS", allow_negative_numbers = true)]
    max_rows: Option<i64>,
    #[arg(value_names = ["DAYS", "ROWS"], num_args = 0..=2, hide = true, allow_negative_numbers = true)]
    positional: Vec<String>,
    /// Only print what would be done
    #[arg(long)]
    pub(super) dry_run: bool,
}

impl Purge {
    /// The age as it was given, if it was.
    pub(super) fn age_in_days(&self) -> Option<String> {
        self.age_in_days.map(|days| days.to_string()).or_else(|| self.positional.first().cloned())
    }

    /// The number of rows as it was given, if it was.
    pub(super) fn max_rows(&self) -> Option<String> {
        self.max_rows.map(|rows| rows.to_string()).or_else(|| self.positional.get(1).cloned())
    }
}

/// What a command is about, by whatever name it was called.
pub(super) enum Subject {
    Db(Db),
    Store(StoreCommand),
    Work(WorkCommand),
}

impl From<Command> for Subject {
    fn from(command: Command) -> Self {
        Self::Db(match command {
            Command::Db(db) => db,
            Command::Store(store) => return Self::Store(store),
            Command::Work(work) => return Self::Work(work),
            Command::DbVersion => Db::Version,
            Command::DbCheck => Db::Check,
            Command::DbUpgrade(target) => Db::Upgrade(target),
            Command::DbVersionControl(target) => Db::VersionControl(target),
            Command::DbSync(target) => Db::Sync(target),
            Command::DbExpand(phase) => Db::Expand(phase),
            Command::DbMigrate(phase) => Db::Migrate(phase),
            Command::DbContract(phase) => Db::Contract(phase),
            Command::DbLoadMetadefs(load) => Db::LoadMetadefs(load),
            Command::DbUnloadMetadefs => Db::UnloadMetadefs,
            Command::DbExportMetadefs(export) => Db::ExportMetadefs(export),
        })
    }
}
