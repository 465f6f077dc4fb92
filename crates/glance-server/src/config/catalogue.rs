//! From `[database]` to settings of the catalogue.

use std::path::Path;
use std::time::Duration;

use anyhow::Context as _;
use oslo::config::Config;

/// How to reach the catalogue that the options name.
///
/// # Errors
/// When they name none.
pub fn settings(options: &Config) -> anyhow::Result<glance_db::Settings> {
    let url: Option<String> = options.get("database", "connection")?;
    let mut settings = glance_db::Settings::new(url.context("[database] connection is not set")?);
    settings.max_pool_size = options.get("database", "max_pool_size")?;
    settings.max_overflow = options.get("database", "max_overflow")?;
    settings.acquire_timeout = options.get("database", "pool_timeout")?;
    let recycled: i64 = options.get("database", "connection_recycle_time")?;
    settings.recycle_after = u64::try_from(recycled).ok().filter(|seconds| *seconds > 0).map(Duration::from_secs);
    settings.mysql_sql_mode = options.get("database", "mysql_sql_mode")?;
    let attempts: i64 = options.get("database", "max_retries")?;
    settings.connect_retries = u32::try_from(attempts).ok();
    settings.retry_interval = options.get("database", "retry_interval")?;
    Ok(settings)
}

/// The catalogue of a service without configuration.
#[must_use]
pub fn embedded(folder: &Path) -> glance_db::Settings {
    glance_db::Settings::new(format!("sqlite:///{}", folder.join("glance.sqlite").display()))
}
