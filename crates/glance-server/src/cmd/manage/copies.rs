//! Copies of a SQLite catalogue.

use std::path::Path;
use std::process::ExitCode;

use anyhow::Context as _;
use glance_db::{Database, Settings};

use super::say;

pub(super) async fn backup(settings: &Settings, to: &Path) -> anyhow::Result<ExitCode> {
    Database::backup(settings, to).await.context("cannot copy the catalogue")?;
    say(format!("The catalogue is copied to {}.", to.display()))
}
