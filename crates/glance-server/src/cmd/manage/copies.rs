//! Copies of a SQLite catalogue.

use std::path::Path;
use std::process::ExitCode;

use anyhow::Context as _;
use glance_db::Database;

use super::say;

pub(super) async fn backup(db: &Database, to: &Path) -> anyhow::Result<ExitCode> {
    db.backup(to).await.context("cannot copy the catalogue")?;
    say(format!("The catalogue is copied to {}.", to.display()))
}
