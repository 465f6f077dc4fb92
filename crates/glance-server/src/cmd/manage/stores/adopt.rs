//! Accepting the folders that are there now as those of the stores.

use std::io::Write as _;
use std::process::ExitCode;

use anyhow::{Context as _, bail};
use glance_db::{Database, StoreIdentity};
use glance_domain::ImageId;
use glance_store::{Identified, Stores};

use super::chosen;
use crate::app::store_identity::places;

pub(super) async fn adopt(db: &Database, stores: &Stores, named: Option<&str>) -> anyhow::Result<ExitCode> {
    let wanted = chosen(stores, named)?;
    let known = db.store_identities().await?;
    let (mut out, mut number) = (std::io::stdout().lock(), 0);
    for (entry, identified, place) in places(stores) {
        if !wanted.iter().any(|wanted| wanted.id == entry.id) {
            continue;
        }
        number += 1;
        let unusable = || format!("cannot adopt the folder {place} of the store {}", entry.id);
        let expected = known.iter().find(|known| known.store == entry.id && known.place == place);
        let expected = expected.map(|known| known.identity.as_str());
        let (there, is_new) = identity(identified, &place, expected).await.with_context(unusable)?;
        if !is_new && Some(there.as_str()) == expected {
            writeln!(out, "{}: {place} is known already", entry.id)?;
            continue;
        }
        let known = StoreIdentity { store: entry.id.clone(), place, identity: there };
        db.replace_store_identity(&known).await?;
        writeln!(out, "{}: {} is adopted", entry.id, known.place)?;
    }
    match (number, named) {
        (0, Some(store)) => bail!("The store {store} has no folders that are judged."),
        (0, None) => bail!("No store has folders that are judged."),
        _ => writeln!(out, "Running services take it over within a minute.")?,
    }
    Ok(ExitCode::SUCCESS)
}

/// The identity of a place, and whether it got it just now: the expected one, or a new one.
async fn identity(
    identified: &dyn Identified,
    place: &str,
    expected: Option<&str>,
) -> glance_store::Result<(String, bool)> {
    if let Some(there) = identified.read_identity(place).await? {
        return Ok((there, false));
    }
    let new = expected.map_or_else(|| ImageId::random().to_string(), str::to_owned);
    Ok((identified.write_identity(place, &new).await?, true))
}
