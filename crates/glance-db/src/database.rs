//! The handle to the catalogue: connecting, and running transactions.

use std::time::{Duration, Instant};

use crate::error::{Kind, Result};
use crate::images::rare::RareFilters;
use crate::images::read::ShowSql;
use crate::pool::{Connections, Pools};
use crate::seal::Seal;
use crate::settings::Settings;
use crate::simulation::Simulation;
use crate::url::{self, Target};
use crate::work::WorkId;

/// Which database it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Engine {
    /// SQLite, in WAL mode.
    Sqlite,
    /// PostgreSQL.
    Postgres,
    /// MySQL or MariaDB.
    MySql,
}

/// The catalogue. Cloning is cheap; clones share their connections.
#[derive(Clone, Debug)]
pub struct Database {
    pub(crate) pools: Pools,
    pub(crate) show: ShowSql,
    /// With which filters lists begin.
    pub(crate) rare: RareFilters,
    /// Keeps the URLs of locations.
    pub(crate) seal: Seal,
}

/// How often a transaction is run again after a deadlock or a lock timeout.
const RETRIES: u32 = 8;

/// No transaction is run again after that long: the lock that it waits for will not come.
const LONGEST: Duration = Duration::from_secs(20);

/// The wait before the first of them; each later one waits twice as long.
const FIRST_BACKOFF: Duration = Duration::from_millis(4);

impl Database {
    /// Connects; tries again as the settings say when a server does not answer. A SQLite file is created when it is
    /// not there; its schema is not.
    ///
    /// # Errors
    /// [`Kind::Invalid`](crate::Kind::Invalid) when the settings make no sense,
    /// [`Kind::Unavailable`](crate::Kind::Unavailable) when the database does not answer.
    pub async fn connect(settings: &Settings) -> Result<Self> {
        let seal = Seal::new(settings.metadata_encryption_key.as_deref())?;
        let target = url::parse(&settings.url)?;
        if !target.unheeded().is_empty() {
            tracing::warn!("parameters of the database URL without effect here: {}", target.unheeded().join(", "));
        }
        let is_server = !matches!(target, Target::Sqlite(_));
        let mut retries = settings.connect_retries.filter(|_| is_server).or((!is_server).then_some(0));
        let pools = loop {
            match Pools::open(settings).await {
                Err(error) if error.kind() == Kind::Unavailable && retries != Some(0) => {
                    let wait = settings.retry_interval;
                    tracing::warn!(error = &error as &dyn std::error::Error, ?wait, "no database; trying again");
                    tokio::time::sleep(wait).await;
                    retries = retries.map(|retries| retries - 1);
                }
                opened => break opened?,
            }
        };
        let show = ShowSql::new(pools.engine());
        Ok(Self { pools, show, rare: RareFilters::default(), seal })
    }

    /// The same catalogue in a simulated world.
    #[must_use]
    pub fn simulated(mut self, simulation: Simulation) -> Self {
        self.pools.simulation = Some(simulation);
        self
    }

    /// A fence for a new record.
    #[must_use]
    pub fn new_work_id(&self) -> WorkId {
        self.pools.simulation.as_ref().map_or_else(WorkId::random, |simulation| WorkId::new(simulation.next_id()))
    }

    /// Which database it is.
    #[must_use]
    pub fn engine(&self) -> Engine {
        self.pools.engine()
    }

    /// How many connections there are.
    #[must_use]
    pub fn connections(&self) -> Connections {
        self.pools.connections()
    }

    /// Waits for the connections in use and closes all; every later call fails.
    pub async fn close(&self) {
        self.pools.close().await;
    }

    /// Asks the database for a sign of life.
    ///
    /// # Errors
    /// [`Kind::Unavailable`](crate::Kind::Unavailable) when there is none.
    pub async fn ping(&self) -> Result<()> {
        let one = sea_query::Query::select().expr(sea_query::Expr::cust("1")).take();
        self.pools.fetch(self.engine().render(&one), |_| Ok(())).await?;
        Ok(())
    }
}

/// Runs a transaction; after a deadlock or a lock timeout, runs it again from its beginning.
pub(crate) async fn retry<T, F: Future<Output = Result<T>>>(transaction: impl Fn() -> F) -> Result<T> {
    let start = Instant::now();
    let mut backoff = FIRST_BACKOFF;
    for _ in 0..RETRIES {
        match transaction().await {
            Err(error) if error.is_transient() && start.elapsed() < LONGEST => {
                tracing::debug!(error = &error as &dyn std::error::Error, "a transaction runs again");
                tokio::time::sleep(backoff).await;
                backoff *= 2;
            }
            done => return done,
        }
    }
    transaction().await
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The service awaits these inside tasks that move between threads.
    #[test]
    fn futures_can_move_between_threads() {
        fn check<T: Send>(_: impl FnOnce(&'static Database, &'static glance_domain::Image) -> T) {}
        check(|database, image| database.create_image(image));
        check(|database, image| database.save_image(image, image, image.created_at));
        check(|database, _| database.prepare_own_objects());
    }
}
