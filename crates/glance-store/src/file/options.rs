//! What an operator can choose about a file store.

use std::path::PathBuf;
use std::time::Duration;

use crate::budget::Budget;

/// A folder for images.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DataDir {
    /// Where it is.
    pub path: PathBuf,
    /// Folders of greater priority are filled first; among equals the one with most free space.
    pub priority: i64,
}

/// Whether zeroes take space.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Provisioning {
    /// Every byte is written.
    #[default]
    Thick,
    /// Blocks of zeroes become holes of the file.
    Thin,
}

/// What a finished write promises.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Durability {
    /// The image survives a loss of power.
    #[default]
    Synced,
    /// The image survives a crash of the process only; Python's Glance promises no more.
    Unsynced,
}

/// Protection from a file system that hangs (`filesystem_store_timeout` and its companions).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Timeout {
    /// How long one operation may take.
    pub after: Duration,
    /// How many operations on names and attributes may be under way at once; others wait.
    pub threads: usize,
    /// Percentage of `threads` from which a warning is logged.
    pub warn_percent: usize,
}

/// Whether folders must be those that the catalogue knows (`filesystem_store_identity`).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum IdentityCheck {
    /// A folder without the right identity is not used.
    #[default]
    Required,
    /// Whatever is at the path is used.
    Off,
}

/// The options of a file store.
#[derive(Clone, Debug)]
pub struct FileOptions {
    /// At least one folder, none twice.
    pub datadirs: Vec<DataDir>,
    /// JSON that is added to the metadata of new locations (`filesystem_store_metadata_file`).
    pub metadata_file: Option<PathBuf>,
    /// Permission bits of finished files; 0 leaves what the umask gives.
    pub file_perm: u32,
    /// `filesystem_store_chunk_size`, in bytes. Reads take at least 256 KiB and at most 1 MiB at a time whatever it says.
    pub chunk_size: u64,
    /// What becomes of zeroes.
    pub provisioning: Provisioning,
    /// Whether data is forced to the disk.
    pub durability: Durability,
    /// Limits for a file system that hangs; `None` waits for ever.
    pub timeout: Option<Timeout>,
    /// Whether folders are judged by their identity.
    pub identity: IdentityCheck,
    /// What buffers for reading may take, with those of all other transfers.
    pub budget: Budget,
}

impl FileOptions {
    /// The defaults with one folder.
    pub fn new(datadir: impl Into<PathBuf>) -> Self {
        Self {
            datadirs: vec![DataDir { path: datadir.into(), priority: 0 }],
            metadata_file: None,
            file_perm: 0,
            chunk_size: 64 * 1024,
            provisioning: Provisioning::default(),
            durability: Durability::default(),
            timeout: None,
            identity: IdentityCheck::default(),
            budget: Budget::default(),
        }
    }
}
