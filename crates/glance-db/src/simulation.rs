//! What a simulation puts in the place of chance, time and a network that fails.
//!
//! The simulation runs the real code on a real SQLite file, one step at a time. A step ends where a transaction begins, and
//! around its commit; there the simulation decides who goes on, and what becomes of the commit.

use std::fmt;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, AtomicU64, AtomicUsize, Ordering};

use tokio::sync::Notify;

use crate::error::{Error, Kind, Result};

/// A point at which the simulation decides.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Moment {
    /// A query on its own, or a transaction that only reads, is about to begin.
    Read,
    /// A transaction is about to begin.
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
    /// The steps that have begun and have not ended. None runs while it waits at the gate.
    pub running: Arc<Running>,
}

/// Counts steps.
#[derive(Debug, Default)]
pub struct Running {
    steps: AtomicUsize,
    idle: Notify,
}

impl Running {
    /// Whether there is none.
    #[must_use]
    pub fn is_idle(&self) -> bool {
        self.steps.load(Ordering::SeqCst) == 0
    }

    /// Returns when the last one has ended, at once if that was since the last call. Others may have begun.
    pub async fn ended(&self) {
        self.idle.notified().await;
    }
}

/// A step that runs, until it is dropped.
pub(crate) struct Step {
    running: Arc<Running>,
}

impl Drop for Step {
    fn drop(&mut self) {
        if self.running.steps.fetch_sub(1, Ordering::SeqCst) == 1 {
            self.running.idle.notify_one();
        }
    }
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
    pub(crate) async fn begin(&self, moment: Moment) -> Result<Step> {
        match (self.gate)(moment).await {
            Fate::Proceed => Ok(self.step()),
            Fate::Fail | Fate::LoseAnswer | Fate::Late(_) => Err(broken()),
        }
    }

    /// Lets the simulation decide what becomes of a commit.
    pub(crate) async fn commit(&self, commit: impl Future<Output = Result<()>> + Send + 'static) -> Result<()> {
        match (self.gate)(Moment::Commit).await {
            Fate::Proceed => self.run(commit).await,
            Fate::Fail => Err(broken()),
            Fate::LoseAnswer => self.run(commit).await.and(Err(broken())),
            Fate::Late(moment) => {
                let simulation = self.clone();
                #[expect(
                    clippy::disallowed_methods,
                    reason = "the caller is gone by then, as after a lost connection"
                )]
                drop(tokio::spawn(async move {
                    moment.await;
                    simulation.run(commit).await
                }));
                Err(broken())
            }
        }
    }

    fn step(&self) -> Step {
        self.running.steps.fetch_add(1, Ordering::SeqCst);
        Step { running: self.running.clone() }
    }

    async fn run<T>(&self, work: impl Future<Output = T>) -> T {
        let _step = self.step();
        work.await
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
