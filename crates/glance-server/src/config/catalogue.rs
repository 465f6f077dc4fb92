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
    let parameters: String = options.get("database", "connection_parameters")?;
    let url = with_parameters(url.context("[database] connection is not set")?, &parameters);
    let mut settings = glance_db::Settings::new(url);
    settings.max_pool_size = limit(options.get("database", "max_pool_size")?).unwrap_or(0);
    settings.max_overflow = limit(options.get("database", "max_overflow")?);
    settings.acquire_timeout = options.get("database", "pool_timeout")?;
    let recycled: i64 = options.get("database", "connection_recycle_time")?;
    settings.recycle_after = u64::try_from(recycled).ok().filter(|seconds| *seconds > 0).map(Duration::from_secs);
    settings.mysql_sql_mode = options.get("database", "mysql_sql_mode")?;
    let wait: Option<i64> = options.get("database", "mysql_wsrep_sync_wait")?;
    settings.mysql_wsrep_sync_wait = wait.and_then(|wait| u8::try_from(wait).ok());
    settings.metadata_encryption_key = options.get("DEFAULT", "metadata_encryption_key")?;
    settings.sqlite_synchronous = options.get("database", "sqlite_synchronous")?;
    settings.log_statements = logs_statements(options)?;
    let attempts: i64 = options.get("database", "max_retries")?;
    settings.connect_retries = u32::try_from(attempts).ok();
    settings.retry_interval = options.get("database", "retry_interval")?;
    Ok(settings)
}

/// A number of connections; SQLAlchemy takes negative ones for no limit.
fn limit(number: i64) -> Option<u32> {
    let number = u64::try_from(number).ok()?;
    Some(u32::try_from(number).unwrap_or(u32::MAX))
}

/// Whether `connection_debug` asks for the statements.
///
/// # Errors
/// When it is no number from 0 to 100.
pub fn logs_statements(options: &Config) -> Result<bool, oslo::config::Error> {
    Ok(options.get::<i64>("database", "connection_debug")? >= 50)
}

fn with_parameters(url: String, parameters: &str) -> String {
    match (parameters.is_empty(), url.contains('?')) {
        (true, _) => url,
        (false, true) => format!("{url}&{parameters}"),
        (false, false) => format!("{url}?{parameters}"),
    }
}

/// The catalogue of a service without configuration.
#[must_use]
pub fn embedded(folder: &Path) -> glance_db::Settings {
    glance_db::Settings::new(format!("sqlite:///{}", folder.join("glance.sqlite").display()))
}

#[cfg(test)]
mod tests {
    use oslo::config::Sources;

    use super::*;
    use crate::config::options::TABLES;

    #[test]
    fn every_option_arrives() {
        let text = "[DEFAULT]\nmetadata_encryption_key = 0123456789abcdef\n[database]\nconnection = mysql://h/d?a=b\n\
            connection_parameters = ssl=1\nconnection_recycle_time = -1\nmax_pool_size = 1\nmax_overflow = 2\n\
            pool_timeout = 3\nmax_retries = -1\nretry_interval = 4\nmysql_sql_mode = ANSI\nmysql_wsrep_sync_wait = 5\n\
            sqlite_synchronous = false\nconnection_debug = 50\n";
        let mut sources = Sources::new();
        sources.add_text("glance-api.conf", text).unwrap();
        let settings = settings(&Config::new(sources, TABLES)).unwrap();
        let expected = glance_db::Settings {
            max_pool_size: 1,
            max_overflow: Some(2),
            log_statements: true,
            sqlite_synchronous: false,
            acquire_timeout: Duration::from_secs(3),
            recycle_after: None,
            connect_retries: None,
            retry_interval: Duration::from_secs(4),
            mysql_sql_mode: "ANSI".into(),
            mysql_wsrep_sync_wait: Some(5),
            metadata_encryption_key: Some("0123456789abcdef".into()),
            ..glance_db::Settings::new("mysql://h/d?a=b&ssl=1")
        };
        assert_eq!(settings, expected);
        assert!(settings_of_nothing().is_err());
    }

    #[test]
    fn negative_numbers_of_connections_are_no_limit() {
        let text = "[database]\nconnection = mysql://h/d\nmax_pool_size = -1\nmax_overflow = -1\n";
        let mut sources = Sources::new();
        sources.add_text("glance-api.conf", text).unwrap();
        let settings = settings(&Config::new(sources, TABLES)).unwrap();
        assert_eq!((settings.max_pool_size, settings.max_overflow), (0, None));
    }

    fn settings_of_nothing() -> anyhow::Result<glance_db::Settings> {
        settings(&Config::new(Sources::new(), TABLES))
    }
}
