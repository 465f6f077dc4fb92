//! Revisions: where the database is, and how it gets elsewhere.

use std::io::Write as _;
use std::process::ExitCode;

use anyhow::bail;
use glance_db::{Database, Losses, Triggers};

use super::arguments::{Detach, Downgrade};
use super::say;
use crate::tasks::process::is_certainly_dead;

const UNVERSIONED: &str = "Database is either not under migration control or under legacy migration control, please run \
                           \"glance-manage db sync\" to place the database under alembic migration control.";

pub(super) async fn version(db: &Database) -> anyhow::Result<ExitCode> {
    let heads = db.migrations().heads().await?;
    say(if heads.is_empty() { UNVERSIONED.to_owned() } else { heads.join("\n") })
}

pub(super) async fn status(db: &Database) -> anyhow::Result<ExitCode> {
    let mut out = std::io::stdout().lock();
    for revision in db.migrations().status().await? {
        let state = if revision.is_applied { "applied" } else { "pending" };
        writeln!(out, "{state}  {:18}  {}", revision.id, revision.about)?;
    }
    Ok(ExitCode::SUCCESS)
}

pub(super) async fn upgrade(db: &Database, target: &str, dry_run: bool) -> anyhow::Result<ExitCode> {
    if dry_run {
        return show("apply", &db.migrations().plan_upgrade(target).await?);
    }
    upgrade_to(db, target, Triggers::Create).await
}

/// Upgrades, and says where the database is then.
pub(super) async fn upgrade_to(db: &Database, target: &str, triggers: Triggers) -> anyhow::Result<ExitCode> {
    let (total, mut number) = (db.migrations().plan_upgrade(target).await?.len(), 0);
    let tell = &mut |revision| {
        number += 1;
        tracing::info!("applying {revision} ({number} of {total})");
    };
    db.migrations().upgrade(target, triggers, tell).await?;
    let revisions = db.migrations().heads().await?.join(", ");
    say(match target {
        "heads" => format!("Upgraded database, current revision(s): {revisions}"),
        _ => format!("Upgraded database to: {target}, current revision(s): {revisions}"),
    })
}

pub(super) async fn downgrade(db: &Database, wanted: &Downgrade) -> anyhow::Result<ExitCode> {
    let migrations = db.migrations();
    let losses = migrations.losses(&wanted.revision).await?;
    let told = losses.iter().map(|loss| format!("  {}: {} ({} rows)\n", loss.revision, loss.what, loss.rows));
    let told: String = told.collect();
    if wanted.dry_run {
        let shown = show("revert", &migrations.plan_downgrade(&wanted.revision).await?)?;
        return if told.is_empty() { Ok(shown) } else { say(format!("Would be lost:\n{}", told.trim_end())) };
    }
    if !losses.is_empty() && !wanted.accept_loss {
        bail!("No upgrade would bring back what is lost:\n{told}Say --accept-loss to go on.");
    }
    let accepted = if wanted.accept_loss { Losses::Accept } else { Losses::Refuse };
    let (total, mut number) = (migrations.plan_downgrade(&wanted.revision).await?.len(), 0);
    let tell = &mut |revision| {
        number += 1;
        tracing::info!("reverting {revision} ({number} of {total})");
    };
    migrations.downgrade(&wanted.revision, accepted, tell).await?;
    let revisions = migrations.heads().await?.join(", ");
    say(format!("Downgraded database to: {}, current revision(s): {revisions}", wanted.revision))
}

pub(super) async fn version_control(db: &Database, version: &str, dry_run: bool) -> anyhow::Result<ExitCode> {
    if dry_run {
        return say(format!("would note {} and change nothing else", db.migrations().revision(version)?));
    }
    db.migrations().stamp(version).await?;
    say(format!("Placed database under migration control at revision: {version}"))
}

pub(super) async fn detach(db: &Database, wanted: &Detach) -> anyhow::Result<ExitCode> {
    if !wanted.accept_loss && db.has_own_tables().await? {
        refuse_in_use(db).await?;
    }
    db.migrations().detach(if wanted.accept_loss { Losses::Accept } else { Losses::Refuse }).await?;
    say("The tables and indexes of this service are removed.")
}

/// Refuses while services run, and while there are records, which only a running service ends.
async fn refuse_in_use(db: &Database) -> anyhow::Result<()> {
    let nodes = db.list_nodes().await?;
    let live = nodes.iter().filter(|listed| listed.silence <= listed.node.lease && !is_certainly_dead(&listed.node));
    let live: Vec<_> = live.map(|listed| format!("{} (process {})", listed.node.name, listed.node.pid)).collect();
    if !live.is_empty() {
        bail!("The service runs: stop it, and if it was killed wait for the end of its lease: {}", live.join(", "));
    }
    let records = db.list_work().await?.len();
    if records > 0 {
        bail!(
            "There are {records} records of work that has not ended: `glance-manage work list` shows them. Start the \
             service to have it done, and stop the service when there are none any more; or give a record up with \
             `glance-manage work forget`. --accept-loss gives up all of them: data may stay in the stores that nobody \
             will ever remove."
        );
    }
    Ok(())
}

/// What would be done.
pub(super) fn show(verb: &str, revisions: &[&str]) -> anyhow::Result<ExitCode> {
    let mut out = std::io::stdout().lock();
    for revision in revisions {
        writeln!(out, "would {verb} {revision}")?;
    }
    if revisions.is_empty() {
        writeln!(out, "nothing to do")?;
    }
    Ok(ExitCode::SUCCESS)
}
