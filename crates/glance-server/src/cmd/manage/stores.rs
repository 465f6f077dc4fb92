//! `glance-manage store`: stores beside the catalogue.

mod adopt;
mod audit;
mod named;
mod orphans;
mod report;
mod scrub;

use std::process::ExitCode;

use anyhow::{Context as _, bail};
use glance_db::{Database, SchemaState};
use glance_domain::StoreId;
use glance_store::{StoreEntry, Stores};

use super::arguments::StoreCommand;
use crate::app::store_identity::{self, Adoption};

/// The exit status of a command that has found something wrong.
const FOUND: u8 = 3;

pub(super) async fn run(command: StoreCommand, db: &Database, stores: &Stores) -> anyhow::Result<ExitCode> {
    if db.schema_state().await? != SchemaState::AtHead {
        bail!("The database is not at the newest revision: run `glance-manage db sync` first.");
    }
    db.prepare_own_objects().await.context("cannot prepare the service's own tables")?;
    match command {
        StoreCommand::Adopt(wanted) => adopt::adopt(db, stores, wanted.store.as_deref()).await,
        StoreCommand::Audit(wanted) => {
            store_identity::judge(db, stores, Adoption::Never).await?;
            audit::audit(db, stores, &wanted).await
        }
        StoreCommand::Scrub(wanted) => {
            store_identity::judge(db, stores, Adoption::Never).await?;
            scrub::scrub(db, stores, &wanted).await
        }
    }
}

/// The stores that are meant: the named one, or all that hold the service's own data.
fn chosen<'s>(stores: &'s Stores, named: Option<&str>) -> anyhow::Result<Vec<&'s StoreEntry>> {
    match named {
        Some(name) => Ok(vec![stores.get(&StoreId::new(name))?]),
        None => Ok(stores.listed().filter(|entry| entry.driver.capabilities().owns_data).collect()),
    }
}
