//! Copies of a SQLite catalogue, made while it is in use and brought back while it is not.

use std::fs::{File, OpenOptions};
use std::os::unix::fs::{MetadataExt as _, OpenOptionsExt as _, fchown};
use std::path::{Path, PathBuf};

use sqlx::sqlite::{SqliteConnectOptions, SqliteConnection, SqliteJournalMode};
use sqlx::{AssertSqlSafe, ConnectOptions as _, Connection as _, Executor as _};

use crate::database::Database;
use crate::error::{Error, Kind, Result};
use crate::settings::Settings;
use crate::url::{self, Target};

impl Database {
    /// Writes the catalogue as it is now to a new file with the permissions of the catalogue's; others may read and
    /// write meanwhile.
    ///
    /// # Errors
    /// [`Kind::Invalid`] when it is not a SQLite catalogue, [`Kind::NotFound`] when there is none,
    /// [`Kind::Duplicate`] when the file exists.
    pub async fn backup(settings: &Settings, to: &Path) -> Result<()> {
        let Target::Sqlite(from) = url::parse(&settings.url)? else { return Err(only_sqlite()) };
        let place = from.options.get_filename().to_owned();
        let Some(path) = to.to_str() else { return Err(Error::new(Kind::Invalid, "the file's name is not UTF-8")) };
        let mut catalogue = open_catalogue(from.options.busy_timeout(settings.sqlite_busy_timeout)).await?;
        let created = create_like(&place, to);
        if to.exists() && created.is_err() {
            return Err(Error::new(Kind::Duplicate, format!("{} exists already", to.display())));
        }
        created.map_err(broken)?;
        let copying = sqlx::query("VACUUM INTO ?").bind(path).execute(&mut catalogue).await;
        let copied = copying.map_err(Error::from).and_then(|_| sync(to)).and_then(|()| sync(folder(to)));
        tidy_unless(copied, to)
    }

    /// Puts a copy that [`Self::backup`] made in the place of the catalogue, which nobody may have open. It gets the
    /// permissions of the file whose place it takes.
    ///
    /// # Errors
    /// [`Kind::Invalid`] when it is not a SQLite catalogue, [`Kind::Corrupt`] when the copy is not a sound one of Glance,
    /// [`Kind::Unavailable`] when the catalogue is in use.
    pub async fn restore(settings: &Settings, from: &Path) -> Result<()> {
        let Target::Sqlite(target) = url::parse(&settings.url)? else { return Err(only_sqlite()) };
        let place = target.options.get_filename().to_owned();
        check(from).await?;
        let alone = if place.exists() { Some(open_alone(target.options).await?) } else { None };
        let new = beside(&place, "-new");
        let replaced = tidy_unless(replace(from, &new, &place, alone.is_some()), &new);
        if let Some(connection) = alone {
            connection.close().await?;
        }
        replaced?;
        sync(folder(&place))
    }
}

/// Copies `from` to `new`, and gives it the name of `place`.
fn replace(from: &Path, new: &Path, place: &Path, place_exists: bool) -> Result<()> {
    remove(new)?;
    let mut copy = create_like(if place_exists { place } else { from }, new).map_err(broken)?;
    let mut source = File::open(from).map_err(broken)?;
    std::io::copy(&mut source, &mut copy).and_then(|_| copy.sync_all()).map_err(broken)?;
    if !place_exists {
        // SQLite would take what they hold for changes of the new file.
        ["-wal", "-shm", "-journal"].iter().try_for_each(|ending| remove(&beside(place, ending)))?;
    }
    std::fs::rename(new, place).map_err(broken)
}

/// A new file with the permissions of `model`, and its owner where that can be had. It was never open to others.
fn create_like(model: &Path, new: &Path) -> std::io::Result<File> {
    let model = std::fs::metadata(model)?;
    let file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(new)?;
    // Only root may give files away; for everybody else, the file is theirs.
    let owned = fchown(&file, Some(model.uid()), Some(model.gid()));
    if owned.is_err() {
        tracing::debug!(error = ?owned.err(), "a copy of the catalogue has another owner");
    }
    file.set_permissions(model.permissions())?;
    Ok(file)
}

/// Removes `file` when what it was made for has failed.
fn tidy_unless(done: Result<()>, file: &Path) -> Result<()> {
    if done.is_err()
        && let Err(error) = remove(file)
    {
        tracing::warn!(error = &error as &dyn std::error::Error, file = ?file, "an unfinished copy stays");
    }
    done
}

fn remove(file: &Path) -> Result<()> {
    match std::fs::remove_file(file) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => Err(broken(error)),
        _ => Ok(()),
    }
}

/// The folder that a file is in; the present one for a name alone.
fn folder(file: &Path) -> &Path {
    file.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."))
}

/// The catalogue, if there is one.
async fn open_catalogue(options: SqliteConnectOptions) -> Result<SqliteConnection> {
    let file = options.get_filename().to_owned();
    let missing = || Error::new(Kind::NotFound, format!("there is no catalogue in {}", file.display()));
    if !file.exists() {
        return Err(missing());
    }
    let mut connection = options.create_if_missing(false).connect().await?;
    let tables = "SELECT name FROM sqlite_master WHERE name = 'alembic_version'";
    let found: Option<String> = sqlx::query_scalar(tables).fetch_optional(&mut connection).await?;
    found.map(|_| connection).ok_or_else(missing)
}

fn only_sqlite() -> Error {
    Error::new(Kind::Invalid, "only a SQLite catalogue is copied this way: use pg_dump, mariadb-dump or mysqldump")
}

fn broken(error: std::io::Error) -> Error {
    Error::new(Kind::Unavailable, "a file cannot be written").caused_by(error)
}

fn sync(path: &Path) -> Result<()> {
    File::open(path).and_then(|file| file.sync_all()).map_err(broken)
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
