//! What a simulation puts in the place of chance, time and a network that fails.
//!
//! The simulation runs the real code on a real SQLite file, one step at a time. A step ends where a transaction begins, and
//! around its commit; there the simulation decides who goes on, and what becomes of the commit.

use std::fmt;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};

use crate::error::{Error, Kind, Result};

/// A point at which the simulation decides.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Moment {
    /// A query on its own, or a transaction, is about to begin.
    Begin,
    /// A transaction is about to be committed.
    Commit,
}

/// A future that somebody else completes.
pub type Waiting<T> = Pin<Box<dyn Future<Output = T> + Send>>;

/// What becomes of what is about to happen.
pub enum Fate {
    /// It happens.
    Proceed,
    /// It does not happen, and the caller is told that the connection is broken.
    Fail,
    /// It happens, and the caller is told that the connection is broken.
    LoseAnswer,
    /// The caller is told at once that the connection is broken; it happens when the future completes.
    Late(Waiting<()>),
}

/// Asked at every [`Moment`].
pub type Gate = Arc<dyn Fn(Moment) -> Waiting<Fate> + Send + Sync>;

/// The world of a simulated process.
#[derive(Clone)]
pub struct Simulation {
    /// The database's clock, in milliseconds since 1970.
    pub clock: Arc<AtomicI64>,
    /// The number of the last identifier that was made.
    pub ids: Arc<AtomicU64>,
    /// Decides at every step.
    pub gate: Gate,
}

impl Simulation {
    pub(crate) fn now(&self) -> i64 {
        self.clock.load(Ordering::SeqCst)
    }

    /// A new identifier: the next number.
    #[must_use]
    pub fn next_id(&self) -> String {
        format!("{:036}", self.ids.fetch_add(1, Ordering::SeqCst) + 1)
    }
}

impl Simulation {
    /// Waits until the next step may begin.
    pub(crate) async fn begin(&self) -> Result<()> {
        match (self.gate)(Moment::Begin).await {
            Fate::Proceed => Ok(()),
            Fate::Fail | Fate::LoseAnswer | Fate::Late(_) => Err(broken()),
        }
    }

    /// Lets the simulation decide what becomes of a commit.
    pub(crate) async fn commit(&self, commit: impl Future<Output = Result<()>> + Send + 'static) -> Result<()> {
        match (self.gate)(Moment::Commit).await {
            Fate::Proceed => commit.await,
            Fate::Fail => Err(broken()),
            Fate::LoseAnswer => commit.await.and(Err(broken())),
            Fate::Late(moment) => {
                #[expect(
                    clippy::disallowed_methods,
                    reason = "the caller is gone by then, as after a lost connection"
                )]
                drop(tokio::spawn(async move {
                    moment.await;
                    commit.await
                }));
                Err(broken())
            }
        }
    }
}

fn broken() -> Error {
    Error::new(Kind::Unavailable, "the connection to the database is broken")
}

impl fmt::Debug for Simulation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Simulation").field("clock", &self.clock).finish_non_exhaustive()
    }
}
