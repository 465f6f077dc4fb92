//! The three phases of an upgrade: expand, migrate, contract; and all of them at once.

use std::process::ExitCode;

use anyhow::bail;
use glance_db::{Database, EXPAND_HEAD, Engine, HEAD, Triggers};

use super::say;
use super::schema::{show, upgrade_to};

/// Whether services run meanwhile.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Mode {
    Online,
    Offline,
}

/// Where an upgrade has got to.
struct Progress {
    is_expanded: bool,
    is_contracted: bool,
}

async fn progress(db: &Database) -> anyhow::Result<Progress> {
    let heads = db.migrations().heads().await?;
    let has = |revision: &str| heads.iter().any(|head| head == revision);
    Ok(Progress { is_expanded: has(EXPAND_HEAD), is_contracted: has(HEAD) })
}

/// Nothing keeps old and new columns of PostgreSQL equal while old and new services run.
fn require_rolling(db: &Database, mode: Mode) -> anyhow::Result<()> {
    if mode == Mode::Online && db.engine() == Engine::Postgres {
        bail!("Rolling upgrades are currently supported only for MySQL and Sqlite");
    }
    Ok(())
}

fn exit(text: &str, code: u8) -> anyhow::Result<ExitCode> {
    say(text)?;
    Ok(ExitCode::from(code))
}

pub(super) async fn check(db: &Database) -> anyhow::Result<ExitCode> {
    require_rolling(db, Mode::Online)?;
    let progress = progress(db).await?;
    if progress.is_contracted {
        return say("Database is up to date. No upgrades needed.");
    }
    if !progress.is_expanded {
        return exit("Your database is not up to date. Your first step is to run `glance-manage db expand`.", 3);
    }
    if db.migrations().has_pending_data().await? {
        return exit("Your database is not up to date. Your next step is to run `glance-manage db migrate`.", 4);
    }
    exit("Your database is not up to date. Your next step is to run `glance-manage db contract`.", 5)
}

pub(super) async fn sync(db: &Database, dry_run: bool) -> anyhow::Result<ExitCode> {
    if progress(db).await?.is_contracted {
        return say("Database is up to date. No migrations needed.");
    }
    if dry_run {
        return show("apply", &db.migrations().plan_upgrade(HEAD).await?);
    }
    expand_in(db, Mode::Offline, dry_run).await?;
    migrate_in(db, Mode::Offline, dry_run).await?;
    contract_in(db, Mode::Offline, dry_run).await?;
    say("Database is synced successfully.")
}

pub(super) async fn expand(db: &Database, dry_run: bool) -> anyhow::Result<ExitCode> {
    expand_in(db, Mode::Online, dry_run).await
}

pub(super) async fn migrate(db: &Database, dry_run: bool) -> anyhow::Result<ExitCode> {
    migrate_in(db, Mode::Online, dry_run).await
}

pub(super) async fn contract(db: &Database, dry_run: bool) -> anyhow::Result<ExitCode> {
    contract_in(db, Mode::Online, dry_run).await
}

async fn expand_in(db: &Database, mode: Mode, dry_run: bool) -> anyhow::Result<ExitCode> {
    require_rolling(db, mode)?;
    let progress = progress(db).await?;
    if progress.is_contracted {
        return say("Database is up to date. No migrations needed.");
    }
    if progress.is_expanded {
        return say("Database expansion is up to date. No expansion needed.");
    }
    if dry_run {
        return show("apply", &db.migrations().plan_upgrade(EXPAND_HEAD).await?);
    }
    upgrade_to(db, EXPAND_HEAD, triggers(mode)).await
}

async fn migrate_in(db: &Database, mode: Mode, dry_run: bool) -> anyhow::Result<ExitCode> {
    require_rolling(db, mode)?;
    let progress = progress(db).await?;
    if progress.is_contracted {
        return say("Database is up to date. No migrations needed.");
    }
    if !progress.is_expanded {
        bail!(
            "Data migration did not run. Data migration cannot be run before database expansion. \
             Run database expansion first using \"glance-manage db expand\""
        );
    }
    if !db.migrations().has_pending_data().await? {
        return say("Database migration is up to date. No migration needed.");
    }
    if dry_run {
        return say("would change rows that old services wrote");
    }
    let rows = db.migrations().migrate_data().await?;
    say(format!("Migrated {rows} rows"))
}

async fn contract_in(db: &Database, mode: Mode, dry_run: bool) -> anyhow::Result<ExitCode> {
    require_rolling(db, mode)?;
    let progress = progress(db).await?;
    if progress.is_contracted {
        return say("Database is up to date. No migrations needed.");
    }
    if !progress.is_expanded {
        bail!(
            "Database contraction did not run. Database contraction cannot be run before database expansion. \
             Run database expansion first using \"glance-manage db expand\""
        );
    }
    if db.migrations().has_pending_data().await? {
        bail!(
            "Database contraction did not run. Database contraction cannot be run before data migration is complete. \
             Run data migration using \"glance-manage db migrate\"."
        );
    }
    if dry_run {
        return show("apply", &db.migrations().plan_upgrade(HEAD).await?);
    }
    upgrade_to(db, HEAD, triggers(mode)).await
}

fn triggers(mode: Mode) -> Triggers {
    match mode {
        Mode::Online => Triggers::Create,
        Mode::Offline => Triggers::Omit,
    }
}
