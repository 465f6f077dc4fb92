//! Upstream's revisions, each of which can be applied and reverted.
//!
//! Alembic keeps in `alembic_version` the revisions that no other applied one builds on; all that is applied follows
//! from those. A revision and its row are one transaction; where the engine cannot undo a change to tables (MySQL),
//! each step first looks whether it was done, so that an interrupted migration can simply be run again.

mod artifacts;
mod data;
mod graph;
mod location_metadata;
mod lock;
mod rebuild;
mod revision;
mod step;
mod triggers;
mod versions;

use std::collections::BTreeSet;

use sea_query::{Expr, Query};

pub use graph::{EXPAND_HEAD, HEAD, INITIAL};
pub use revision::{Loss, RevisionStatus};

use crate::database::retry;
use crate::error::{Error, Kind, Result};
use crate::schema::catalog::{has_index, has_table};
use crate::schema::{head, own};
use crate::sql::{Columns, Transaction};
use crate::{Database, Engine};
use revision::Revision;

/// Whether MySQL keeps `is_public` and `visibility` equal by triggers while old and new services run side by side.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Triggers {
    /// For an upgrade without downtime.
    Create,
    /// Nobody uses the database meanwhile.
    Omit,
}

/// Whether a change may destroy what cannot be brought back.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Losses {
    /// Refuse to begin.
    Refuse,
    /// Go on.
    Accept,
}

/// Is told the id of each revision before it is applied or reverted.
pub type Observer<'o> = &'o mut (dyn FnMut(&'static str) + Send);

/// The schema's revisions.
#[derive(Clone, Copy, Debug)]
pub struct Migrations<'d> {
    database: &'d Database,
}

impl Database {
    /// The schema's revisions, and how to move between them.
    #[must_use]
    pub fn migrations(&self) -> Migrations<'_> {
        Migrations { database: self }
    }
}

impl Migrations<'_> {
    /// The rows of `alembic_version`, oldest first; empty when there are none.
    ///
    /// # Errors
    /// Only those of the database.
    pub async fn heads(&self) -> Result<Vec<String>> {
        let mut transaction = self.database.pools.begin_reading().await?;
        let heads = read_heads(&mut transaction).await?;
        transaction.commit().await?;
        Ok(graph::sorted(heads))
    }

    /// Every revision, oldest first, with its state.
    ///
    /// # Errors
    /// [`Kind::Conflict`] when the database is at a revision that is not known here.
    pub async fn status(&self) -> Result<Vec<RevisionStatus>> {
        let applied = graph::applied(&self.heads().await?)?;
        let status = |revision: &&'static Revision| RevisionStatus {
            id: revision.id,
            about: revision.about,
            is_applied: applied.contains(revision.id),
        };
        Ok(graph::REVISIONS.iter().map(status).collect())
    }

    /// The whole name of a revision that is named by it, by as much of its beginning as no other has, or as `head`.
    ///
    /// # Errors
    /// [`Kind::Invalid`] for an unknown revision, and for a beginning that several have.
    pub fn revision(&self, name: &str) -> Result<&'static str> {
        graph::resolve(name)
    }

    /// The revisions that [`Self::upgrade`] would apply, in their order.
    ///
    /// # Errors
    /// [`Kind::Invalid`] for an unknown target, [`Kind::Conflict`] when the database is at an unknown revision.
    pub async fn plan_upgrade(&self, target: &str) -> Result<Vec<&'static str>> {
        let plan = graph::to_apply(&self.heads().await?, target)?;
        Ok(plan.into_iter().map(|revision| revision.id).collect())
    }

    /// The revisions that [`Self::downgrade`] would revert, in their order.
    ///
    /// # Errors
    /// As [`Self::plan_upgrade`].
    pub async fn plan_downgrade(&self, target: &str) -> Result<Vec<&'static str>> {
        let plan = graph::to_revert(&self.heads().await?, target)?;
        Ok(plan.into_iter().map(|revision| revision.id).collect())
    }

    /// Applies what is missing up to a revision, or everything for `heads`. Waits for another process that does so.
    ///
    /// # Errors
    /// [`Kind::Invalid`] for an unknown target; [`Kind::Conflict`] when the database is at an unknown revision, or
    /// holds tables of Glance of which nobody knows the revision.
    pub async fn upgrade(&self, target: &str, triggers: Triggers, observer: Observer<'_>) -> Result<()> {
        graph::to_apply(&[], target)?;
        lock::ignore_references(&self.database.pools).await?;
        let done = self.upgrade_freely(target, triggers, observer).await;
        lock::watch_references(&self.database.pools).await?;
        done
    }

    async fn upgrade_freely(&self, target: &str, triggers: Triggers, observer: Observer<'_>) -> Result<()> {
        retry(|| locked(self.database, prepare_version_table)).await?;
        for revision in graph::to_apply(&self.heads().await?, target)? {
            observer(revision.id);
            retry(|| locked(self.database, async |transaction| apply(transaction, revision, triggers).await)).await?;
        }
        Ok(())
    }

    /// What [`Self::downgrade`] to that revision would destroy.
    ///
    /// # Errors
    /// As [`Self::plan_upgrade`].
    pub async fn losses(&self, target: &str) -> Result<Vec<Loss>> {
        let mut transaction = self.database.pools.begin_reading().await?;
        let heads: Vec<_> = read_heads(&mut transaction).await?.into_iter().collect();
        let mut losses = Vec::new();
        for revision in graph::to_revert(&heads, target)? {
            losses.extend(revision.losses(&mut transaction).await?);
        }
        transaction.commit().await?;
        Ok(losses)
    }

    /// Reverts everything that the target does not build on. The service's indexes on upstream's tables go as well;
    /// they come back when the service starts on the newest revision.
    ///
    /// # Errors
    /// As [`Self::upgrade`]; [`Kind::Conflict`] when something would be lost and that is not accepted, or when the
    /// target is not applied.
    pub async fn downgrade(&self, target: &str, losses: Losses, observer: Observer<'_>) -> Result<()> {
        graph::to_revert(&[], target)?;
        lock::ignore_references(&self.database.pools).await?;
        let done = self.downgrade_freely(target, losses, observer).await;
        lock::watch_references(&self.database.pools).await?;
        done
    }

    async fn downgrade_freely(&self, target: &str, losses: Losses, observer: Observer<'_>) -> Result<()> {
        let heads = self.heads().await?;
        let target = graph::resolve(target)?;
        if !graph::applied(&heads)?.contains(target) {
            return Err(Error::new(Kind::Conflict, format!("the database is not at or above {target}")));
        }
        if losses == Losses::Refuse && !self.losses(target).await?.is_empty() {
            return Err(would_lose());
        }
        let plan = graph::to_revert(&heads, target)?;
        if !plan.is_empty() {
            retry(|| locked(self.database, remove_own_indexes)).await?;
        }
        for revision in plan {
            observer(revision.id);
            retry(|| locked(self.database, async |transaction| revert(transaction, revision, losses).await)).await?;
        }
        Ok(())
    }

    /// Writes down that the database is at a revision, whatever its tables look like; `heads` is the newest.
    ///
    /// # Errors
    /// [`Kind::Invalid`] for an unknown revision.
    pub async fn stamp(&self, target: &str) -> Result<()> {
        let target = graph::resolve(target)?;
        retry(|| locked(self.database, async |transaction| write_revision(transaction, target).await)).await
    }

    /// Whether [`Self::migrate_data`] would change anything.
    ///
    /// # Errors
    /// Only those of the database.
    pub async fn has_pending_data(&self) -> Result<bool> {
        let mut transaction = self.database.pools.begin_reading().await?;
        let pending = data::is_pending(&mut transaction).await?;
        transaction.commit().await?;
        Ok(pending)
    }

    /// Changes rows that old services wrote into what new ones expect, while both run; tells how many it changed. Each
    /// batch is a transaction of its own.
    ///
    /// # Errors
    /// Only those of the database.
    pub async fn migrate_data(&self) -> Result<u64> {
        data::migrate(self.database).await
    }

    /// Removes the service's own tables and indexes, after which nothing in the database is foreign to upstream.
    ///
    /// # Errors
    /// [`Kind::Conflict`] when there are transfers that have to be cleaned up first and their loss is not accepted.
    pub async fn detach(&self, losses: Losses) -> Result<()> {
        retry(|| locked(self.database, remove_own_indexes)).await?;
        retry(|| locked(self.database, async |transaction| remove_own_tables(transaction, losses).await)).await
    }
}

/// Runs a change to the schema as one transaction, when nobody else makes one.
pub(crate) async fn locked<T>(
    database: &Database,
    change: impl AsyncFnOnce(&mut Transaction) -> Result<T>,
) -> Result<T> {
    let mut transaction = database.pools.begin().await?;
    lock::take(&mut transaction).await?;
    let done = change(&mut transaction).await;
    let released = lock::release(&mut transaction).await;
    let done = done?;
    released?;
    transaction.commit().await?;
    Ok(done)
}

/// Makes the place where revisions are noted before the first table is there, so that an interrupted run is recognized.
async fn prepare_version_table(transaction: &mut Transaction) -> Result<()> {
    if has_table(transaction, "alembic_version").await? {
        return Ok(());
    }
    if has_table(transaction, "images").await? {
        return Err(Error::new(
            Kind::Conflict,
            "the database holds tables of Glance, but not their revision: see `glance-manage db version_control`",
        ));
    }
    transaction.run(head::ALEMBIC_VERSION).await
}

/// Does nothing when somebody else has applied it by now.
///
/// # Errors
/// [`Kind::Conflict`] when somebody else reverts what it builds on.
async fn apply(transaction: &mut Transaction, revision: &'static Revision, triggers: Triggers) -> Result<()> {
    let old = read_heads(transaction).await?;
    let mut applied = graph::applied(&old)?;
    if !applied.insert(revision.id) {
        return Ok(());
    }
    if revision.parents().any(|parent| !applied.contains(parent)) {
        return Err(moved());
    }
    for step in revision.upgrade {
        step.run(transaction, triggers).await?;
    }
    write_heads(transaction, &old, &graph::heads(&applied)).await
}

/// Does nothing when somebody else has reverted it by now.
///
/// # Errors
/// [`Kind::Conflict`] when somebody else applies what builds on it, or writes what would be lost.
async fn revert(transaction: &mut Transaction, revision: &'static Revision, losses: Losses) -> Result<()> {
    let old = read_heads(transaction).await?;
    let mut applied = graph::applied(&old)?;
    if !applied.remove(revision.id) {
        return Ok(());
    }
    if graph::is_built_on(revision, &applied) {
        return Err(moved());
    }
    if losses == Losses::Refuse && !revision.losses(transaction).await?.is_empty() {
        return Err(would_lose());
    }
    for step in revision.downgrade {
        step.run(transaction, Triggers::Create).await?;
    }
    write_heads(transaction, &old, &graph::heads(&applied)).await
}

fn moved() -> Error {
    Error::new(
        Kind::Conflict,
        "another process migrates the database in the other direction; let it end and begin again",
    )
}

fn would_lose() -> Error {
    Error::new(Kind::Conflict, "the downgrade would lose data")
}

async fn write_revision(transaction: &mut Transaction, revision: &'static str) -> Result<()> {
    if !has_table(transaction, "alembic_version").await? {
        transaction.run(head::ALEMBIC_VERSION).await?;
    }
    let old = read_heads(transaction).await?;
    write_heads(transaction, &old, &BTreeSet::from([revision.to_owned()])).await
}

async fn read_heads(transaction: &mut Transaction) -> Result<BTreeSet<String>> {
    if !has_table(transaction, "alembic_version").await? {
        return Ok(BTreeSet::new());
    }
    let query = Query::select().column("version_num").from("alembic_version").take();
    let rows = transaction.fetch(&query, |row| Columns::of(row).text()).await?;
    Ok(rows.into_iter().map(graph::modern_name).collect())
}

async fn write_heads(transaction: &mut Transaction, old: &BTreeSet<String>, new: &BTreeSet<String>) -> Result<()> {
    if old == new {
        return Ok(());
    }
    // On MySQL the first change of the schema has ended the transaction; the old revision must not go without the new.
    let on_its_own = transaction.engine() == Engine::MySql;
    if on_its_own {
        transaction.run("START TRANSACTION").await?;
    }
    transaction.execute(Query::delete().from_table("alembic_version")).await?;
    for head in new {
        let mut insert = Query::insert();
        insert.into_table("alembic_version").columns(["version_num"]).values([Expr::val(head.as_str())])?;
        transaction.execute(&insert).await?;
    }
    if on_its_own {
        transaction.run("COMMIT").await?;
    }
    Ok(())
}

/// They would be in the way of changes to the columns that they cover. Without a version, the next start of the
/// service adds what is missing.
async fn remove_own_indexes(transaction: &mut Transaction) -> Result<()> {
    for index in own::VERSIONS.iter().flat_map(|version| version.indexes) {
        if has_index(transaction, index.name).await? {
            step::drop_index(transaction, index.name, index.table).await?;
        }
    }
    if has_table(transaction, "rs_version").await? {
        transaction.execute(Query::delete().from_table("rs_version")).await?;
    }
    Ok(())
}

async fn remove_own_tables(transaction: &mut Transaction, losses: Losses) -> Result<()> {
    if losses == Losses::Refuse && has_table(transaction, "rs_transfers").await? {
        let query = Query::select().column("number").from("rs_transfers").limit(1).take();
        if !transaction.fetch(&query, |_| Ok(())).await?.is_empty() {
            return Err(Error::new(
                Kind::Conflict,
                "there are records of work that has not ended: `glance-manage work list` shows them",
            ));
        }
    }
    let tables = own::VERSIONS.iter().rev().flat_map(|version| version.tables.iter().rev()).map(|table| table.name);
    for name in tables.chain(["rs_version"]) {
        if has_table(transaction, name).await? {
            transaction.run(&format!("DROP TABLE {name}")).await?;
        }
    }
    Ok(())
}
