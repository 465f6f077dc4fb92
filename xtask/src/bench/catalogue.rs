//! The databases behind the contenders.

use std::path::Path;
use std::process::Command;

use super::Stage;
use crate::databases::Engine;
use crate::error::Result;
use crate::shell;

/// The database in a server's name: each contender on it has it to itself while it is measured.
const DATABASE: &str = "glance_bench";

/// A kind of database.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Catalogue {
    Sqlite,
    MariaDb,
    Postgres,
}

impl Catalogue {
    /// The server that it needs.
    pub(super) fn engine(self) -> Option<Engine> {
        match self {
            Catalogue::Sqlite => None,
            Catalogue::MariaDb => Some(Engine::MariaDb),
            Catalogue::Postgres => Some(Engine::Postgres),
        }
    }

    /// Clients that change it side by side: Python Glance answers 500 to more than one on SQLite.
    pub(super) fn writers(self) -> usize {
        if self == Catalogue::Sqlite { 1 } else { 4 }
    }

    /// Makes an empty database and returns its URL as Glance writes it.
    pub(super) fn create(self, stage: &Stage, folder: &Path) -> Result<String> {
        let encoding = match self {
            Catalogue::Sqlite => return Ok(format!("sqlite:///{}", folder.join("glance.db").display())),
            Catalogue::MariaDb => " CHARACTER SET utf8",
            Catalogue::Postgres => "",
        };
        self.run(stage, None, &format!("DROP DATABASE IF EXISTS {DATABASE}"))?;
        self.run(stage, None, &format!("CREATE DATABASE {DATABASE}{encoding}"))?;
        let (host, port) = self.address(stage)?;
        Ok(match self {
            Catalogue::Postgres => format!("postgresql+psycopg2://postgres@{host}:{port}/{DATABASE}"),
            _ => format!("mysql+pymysql://root@{host}:{port}/{DATABASE}?charset=utf8"),
        })
    }

    /// Runs statements in the database that [`Self::create`] has made; returns the columns of rows, separated by tabs.
    pub(super) fn execute(self, stage: &Stage, sql: &str) -> Result<String> {
        self.run(stage, Some(DATABASE), sql)
    }

    /// What PostgreSQL does by itself, a minute after much has been written: until then it plans from guesses. The
    /// others know their tables at once.
    pub(super) fn settle(self, stage: &Stage) -> Result<()> {
        if self == Catalogue::Postgres { self.execute(stage, "VACUUM ANALYZE").map(drop) } else { Ok(()) }
    }

    fn run(self, stage: &Stage, database: Option<&str>, sql: &str) -> Result<String> {
        let (host, port) = self.address(stage)?;
        let mut client = if self == Catalogue::Postgres {
            let mut psql = Command::new("psql");
            psql.args(["--no-psqlrc", "--quiet", "--tuples-only", "--no-align", "--field-separator=\t"]);
            psql.args(["--set=ON_ERROR_STOP=1", "--username=postgres", "--dbname", database.unwrap_or("postgres")]);
            psql.args(["--command", sql]);
            psql
        } else {
            let mut mariadb = Command::new("mariadb");
            mariadb.args(["--no-defaults", "--batch", "--skip-column-names", "--user=root", "--execute", sql]);
            mariadb.args(database);
            mariadb
        };
        shell::output(client.arg(format!("--host={host}")).arg(format!("--port={port}")))
    }

    /// Host and port of the server.
    fn address(self, stage: &Stage) -> Result<(&str, &str)> {
        let database = stage.databases.iter().find(|(catalogue, _)| *catalogue == self);
        let url = &database.ok_or("the database server does not run")?.1.url;
        let place = url.split_once('@').and_then(|(_, rest)| rest.split_once('/')).ok_or("a URL without a place")?.0;
        place.split_once(':').ok_or_else(|| "a URL without a port".into())
    }
}
