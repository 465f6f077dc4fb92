//! Removing for good what was deleted long ago.

use std::io::Write as _;
use std::process::ExitCode;

use anyhow::bail;
use glance_db::{Database, Kind, PurgeLimits, Purged};
use glance_domain::Timestamp;

use super::arguments;
use super::progress::Progress;
use crate::app::clock::Clock;

const SECONDS_OF_A_DAY: i64 = 86400;

struct Limits {
    rows: PurgeLimits,
    days: i64,
}

pub(super) async fn purge(db: &Database, wanted: &arguments::Purge) -> anyhow::Result<ExitCode> {
    let limits = limits(wanted, 30)?;
    if wanted.dry_run {
        return show(&db.plan_purge(limits.rows).await?, limits.days);
    }
    let mut progress = Progress::new();
    for purged in db.purge(limits.rows, &mut |so_far| tell(&mut progress, so_far)).await? {
        report(purged, limits.days);
    }
    Ok(ExitCode::SUCCESS)
}

pub(super) async fn purge_images(db: &Database, wanted: &arguments::Purge) -> anyhow::Result<ExitCode> {
    let limits = limits(wanted, 180)?;
    if wanted.dry_run {
        return show(&[db.plan_purge_images(limits.rows).await?], limits.days);
    }
    let mut progress = Progress::new();
    match db.purge_images(limits.rows, &mut |so_far| tell(&mut progress, so_far)).await {
        Ok(purged) => report(purged, limits.days),
        Err(error) if error.kind() == Kind::Conflict => {
            tracing::error!(
                error = &error as &dyn std::error::Error,
                "something that belongs to a deleted image is still there; `glance-manage db purge` removes it"
            );
            bail!("Purge command failed, check glance-manage logs for more details.");
        }
        Err(error) => return Err(error.into()),
    }
    Ok(ExitCode::SUCCESS)
}

fn tell(progress: &mut Progress, so_far: Purged) {
    progress.tell(format_args!("{}: {} rows removed", so_far.table, so_far.rows));
}

fn show(planned: &[Purged], days: i64) -> anyhow::Result<ExitCode> {
    let mut out = std::io::stdout().lock();
    for Purged { table, rows } in planned.iter().filter(|planned| planned.rows > 0) {
        writeln!(out, "would delete {rows} row(s) older than {days} day(s) from table {table}")?;
    }
    if planned.iter().all(|planned| planned.rows == 0) {
        writeln!(out, "nothing to do")?;
    }
    Ok(ExitCode::SUCCESS)
}

fn report(purged: Purged, days: i64) {
    tracing::info!("Deleted {} row(s) older than {days} day(s) from table {}", purged.rows, purged.table);
}

fn limits(wanted: &arguments::Purge, default_age: i64) -> anyhow::Result<Limits> {
    let days = number("age_in_days", wanted.age_in_days())?.unwrap_or(default_age);
    let rows = number("max_rows", wanted.max_rows())?.unwrap_or(100);
    let now = Clock::system().now().utc();
    if days < 0 {
        bail!("Must supply a non-negative value for age.");
    }
    if days >= now.and_utc().timestamp() / SECONDS_OF_A_DAY {
        bail!("Maximal age is count of days since epoch.");
    }
    if rows < -1 {
        bail!("Minimal rows limit is -1.");
    }
    if rows > i64::from(i32::MAX) {
        bail!("'max_rows' value out of range, must not exceed {}.", i32::MAX);
    }
    let cutoff = Timestamp::from_utc(now - chrono::Duration::days(days));
    Ok(Limits { rows: PurgeLimits { cutoff, most: u64::try_from(rows).ok() }, days })
}

fn number(name: &str, given: Option<String>) -> anyhow::Result<Option<i64>> {
    let Some(text) = given else { return Ok(None) };
    match text.trim().parse() {
        Ok(number) => Ok(Some(number)),
        Err(_) => bail!("Invalid int value for {name}: {text}"),
    }
}
