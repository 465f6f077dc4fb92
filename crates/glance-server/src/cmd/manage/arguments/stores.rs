//! The command line of `glance-manage store` and `glance-manage work`.

use std::time::Duration;

use clap::{Args, Subcommand};

/// Commands about stores and the data in them.
#[derive(Debug, Subcommand)]
pub(in super::super) enum StoreCommand {
    /// Compare the catalogue with what the stores hold
    ///
    /// The exit status is 0 when nothing is wrong and 3 when something is.
    Audit(Audit),
    /// Read all data and compare it with its digests; an interrupted run goes on where it was
    ///
    /// The exit status is 0 when nothing is wrong and 3 when something is.
    Scrub(Scrub),
    /// Accept the folders that are there now as those of the stores
    Adopt(Adopt),
}

#[derive(Debug, Args)]
pub(in super::super) struct Audit {
    /// Only this store
    #[arg(long, value_name = "ID")]
    pub(in super::super) store: Option<String>,
    /// Remove data that nothing names
    #[arg(long)]
    pub(in super::super) repair: bool,
    /// Remove only what was written more hours ago
    #[arg(long, value_name = "HOURS", default_value_t = 24, value_parser = clap::value_parser!(u64).range(1..))]
    older_than: u64,
    /// Print JSON, one object a line
    #[arg(long)]
    pub(in super::super) json: bool,
}

impl Audit {
    /// Younger data may be of an upload that Python Glance has just begun.
    pub(in super::super) fn safe_age(&self) -> Duration {
        Duration::from_secs(self.older_than.saturating_mul(3600))
    }
}

#[derive(Debug, Args)]
pub(in super::super) struct Scrub {
    /// Only this store
    #[arg(long, value_name = "ID")]
    pub(in super::super) store: Option<String>,
    /// Read so many MiB in a second; 0: as fast as it goes
    #[arg(long, value_name = "MIB", default_value_t = 100)]
    rate: u64,
    /// Begin anew
    #[arg(long)]
    pub(in super::super) restart: bool,
    /// Print JSON, one object a line
    #[arg(long)]
    pub(in super::super) json: bool,
}

impl Scrub {
    /// Bytes in a second, if that is limited.
    pub(in super::super) fn bytes_per_second(&self) -> Option<u64> {
        (self.rate > 0).then(|| self.rate.saturating_mul(1 << 20))
    }
}

#[derive(Debug, Args)]
pub(in super::super) struct Adopt {
    /// The store [default: all]
    #[arg(value_name = "ID")]
    pub(in super::super) store: Option<String>,
}

/// Commands about records of work that has not ended.
#[derive(Debug, Subcommand)]
pub(in super::super) enum WorkCommand {
    /// List all records, oldest first
    List(List),
    /// Print all that is known of one record
    Show(Show),
    /// Delete a record although its work is not done: data may stay behind, which `store audit` finds
    Forget(Forget),
}

#[derive(Debug, Args)]
pub(in super::super) struct List {
    /// Print JSON, one object a line
    #[arg(long)]
    pub(in super::super) json: bool,
    /// Print the URLs of data that is to be removed, without passwords
    #[arg(long)]
    pub(in super::super) show_urls: bool,
}

#[derive(Debug, Args)]
pub(in super::super) struct Show {
    /// The record, as `work list` names it
    pub(in super::super) id: String,
    /// Print JSON
    #[arg(long)]
    pub(in super::super) json: bool,
    /// Print the URL of data that is to be removed, without passwords
    #[arg(long)]
    pub(in super::super) show_urls: bool,
}

#[derive(Debug, Args)]
pub(in super::super) struct Forget {
    /// The record, as `work list` names it
    pub(in super::super) id: String,
    /// Do it even though a running process may still work on it
    #[arg(long)]
    pub(in super::super) force: bool,
}
