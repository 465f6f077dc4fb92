//! Copies of a SQLite catalogue, made while it is in use and brought back while it is not.

use std::path::{Path, PathBuf};

use sqlx::sqlite::{SqliteConnectOptions, SqliteConnection, SqliteJournalMode};
use sqlx::{AssertSqlSafe, ConnectOptions as _, Connection as _, Executor as _};

use crate::database::Database;
use crate::error::{Error, Kind, Result};
use crate::pool::Pools;
use crate::settings::Settings;
use crate::url::{self, Target};

impl Database {
    /// Writes the catalogue as it is now to a new file; others may read and write meanwhile.
    ///
    /// # Errors
    /// [`Kind::Invalid`] when it is not a SQLite catalogue, [`Kind::Duplicate`] when the file exists.
    pub async fn backup(&self, to: &Path) -> Result<()> {
        let Pools::Sqlite { writer, .. } = &self.pools else { return Err(only_sqlite()) };
        if to.exists() {
            return Err(Error::new(Kind::Duplicate, format!("{} exists already", to.display())));
        }
        let Some(path) = to.to_str() else { return Err(Error::new(Kind::Invalid, "the file's name is not UTF-8")) };
        sqlx::query("VACUUM INTO ?").bind(path).execute(writer).await?;
        sync(to)
    }

    /// Puts a copy that [`Self::backup`] made in the place of the catalogue, which nobody may have open.
    ///
    /// # Errors
    /// [`Kind::Invalid`] when it is not a SQLite catalogue, [`Kind::Corrupt`] when the copy is not a sound one of Glance,
    /// [`Kind::Unavailable`] when the catalogue is in use.
    pub async fn restore(settings: &Settings, from: &Path) -> Result<()> {
        let Target::Sqlite(options) = url::parse(&settings.url)? else { return Err(only_sqlite()) };
        let place = options.get_filename().to_owned();
        check(from).await?;
        let new = beside(&place, "-new");
        std::fs::copy(from, &new).map_err(broken)?;
        sync(&new)?;
        let alone = if place.exists() { Some(open_alone(*options).await?) } else { None };
        let replaced = std::fs::rename(&new, &place).map_err(broken);
        if let Some(connection) = alone {
            connection.close().await?;
        }
        replaced?;
        sync(place.parent().unwrap_or(Path::new(".")))
    }
}

fn only_sqlite() -> Error {
    Error::new(Kind::Invalid, "only a SQLite catalogue is copied this way: use pg_dump, mariadb-dump or mysqldump")
}

fn broken(error: std::io::Error) -> Error {
    Error::new(Kind::Unavailable, "a file cannot be written").caused_by(error)
}

fn sync(path: &Path) -> Result<()> {
    std::fs::File::open(path).and_then(|file| file.sync_all()).map_err(broken)
}

fn beside(path: &Path, ending: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(ending);
    name.into()
}

/// Whether the file is a sound database with a revision of Glance.
async fn check(from: &Path) -> Result<()> {
    let unsound = |error: sqlx::Error| Error::new(Kind::Corrupt, "the copy is not a sound catalogue").caused_by(error);
    let options = SqliteConnectOptions::new().filename(from).read_only(true).immutable(true);
    let mut connection = options.connect().await.map_err(unsound)?;
    let found: String =
        sqlx::query_scalar("PRAGMA integrity_check").fetch_one(&mut connection).await.map_err(unsound)?;
    let revisions = "SELECT version_num FROM alembic_version";
    sqlx::query_scalar::<_, String>(revisions).fetch_one(&mut connection).await.map_err(unsound)?;
    if found == "ok" { Ok(()) } else { Err(Error::new(Kind::Corrupt, format!("the copy is not sound: {found}"))) }
}

/// Holds the database with nobody else in it, and its journal empty, so that the file is all there is.
async fn open_alone(options: SqliteConnectOptions) -> Result<SqliteConnection> {
    let options = options.create_if_missing(false).journal_mode(SqliteJournalMode::Delete);
    let mut connection = options.pragma("locking_mode", "EXCLUSIVE").connect().await.map_err(in_use)?;
    connection.execute(sqlx::raw_sql(AssertSqlSafe("BEGIN EXCLUSIVE"))).await.map_err(in_use)?;
    Ok(connection)
}

fn in_use(error: sqlx::Error) -> Error {
    Error::new(Kind::Unavailable, "the catalogue is in use: stop the service first").caused_by(error)
}
