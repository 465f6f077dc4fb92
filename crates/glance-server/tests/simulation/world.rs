//! What all simulated processes share: the points at which they wait for the scheduler, and the bytes in the store.

use std::any::Any;
use std::collections::BTreeMap;
use std::sync::atomic::{AtomicI64, AtomicU64};
use std::sync::{Arc, Mutex, MutexGuard};

use bytes::Bytes;
use glance_db::simulation::{Fate, Moment, Running, Simulation, Waiting as Future};
use glance_store::Hold;
use tokio::sync::oneshot;

/// Ends the tasks of a process that was killed.
pub(crate) struct Killed;

/// What a process does to the store.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Operation {
    /// A draft appears.
    Create { attempt: String },
    /// The draft becomes the object.
    Publish { attempt: String, name: String, bytes: Bytes },
    /// The draft goes, and the object if it may be there; whose it is, the store does not know.
    Abandon { attempt: String, published: Option<String> },
    /// The object goes.
    Delete { name: String },
}

/// What becomes of a call of the store.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum StoreFate {
    /// It takes place.
    Done,
    /// The store refuses.
    Refused,
    /// It does not take place; the caller does not know.
    Failed,
    /// It takes place; the caller does not know.
    Lost,
    /// The caller gives up; it takes place later or never.
    Late,
}

/// Where a task waits.
pub(crate) enum Point {
    Database(Moment, oneshot::Sender<Fate>),
    Store(Operation, oneshot::Sender<StoreFate>),
}

/// A task that waits.
pub(crate) struct Waiting {
    pub(crate) node: usize,
    pub(crate) task: Option<tokio::task::Id>,
    pub(crate) point: Point,
}

impl Waiting {
    /// Whether it holds the catalogue's lock.
    pub(crate) fn holds_lock(&self) -> bool {
        matches!(self.point, Point::Database(Moment::Commit, _))
    }

    /// Whether it needs the catalogue's lock in order to go on.
    pub(crate) fn needs_lock(&self) -> bool {
        matches!(self.point, Point::Database(Moment::Begin, _))
    }
}

/// A call of the store that its caller gave up.
pub(crate) struct LateOperation {
    pub(crate) node: usize,
    pub(crate) operation: Operation,
    /// Keeps the record held.
    pub(crate) _hold: Hold,
}

/// Bytes, and the attempt that stored them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Object {
    pub(crate) attempt: String,
    pub(crate) bytes: Bytes,
}

#[derive(Default)]
pub(crate) struct Shared {
    pub(crate) waiting: Vec<Waiting>,
    pub(crate) late: Vec<LateOperation>,
    pub(crate) late_commits: Vec<oneshot::Sender<()>>,
    pub(crate) objects: BTreeMap<String, Object>,
    pub(crate) drafts: BTreeMap<String, ()>,
    pub(crate) dead: Vec<bool>,
}

/// The world of one seed.
#[derive(Clone)]
pub(crate) struct World {
    shared: Arc<Mutex<Shared>>,
    pub(crate) clock: Arc<AtomicI64>,
    pub(crate) ids: Arc<AtomicU64>,
    pub(crate) running: Arc<Running>,
}

impl World {
    pub(crate) fn new(seed: u64, nodes: usize) -> Self {
        let shared = Shared { dead: vec![false; nodes], ..Shared::default() };
        Self {
            shared: Arc::new(Mutex::new(shared)),
            clock: Arc::new(AtomicI64::new(1_800_000_000_000)),
            // No two seeds have an identifier in common: they may share tables.
            ids: Arc::new(AtomicU64::new(seed * 1_000_000)),
            running: Arc::default(),
        }
    }

    pub(crate) fn lock(&self) -> MutexGuard<'_, Shared> {
        self.shared.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
    }

    /// What stands between the process of that number and the catalogue.
    pub(crate) fn simulation(&self, node: usize) -> Simulation {
        let world = self.clone();
        let gate = move |moment: Moment| -> Future<Fate> {
            let (answer, decided) = oneshot::channel();
            let alive = world.wait(node, Point::Database(moment, answer));
            Box::pin(async move { if alive { decided.await.unwrap_or_else(|_| killed()) } else { killed() } })
        };
        Simulation {
            clock: self.clock.clone(),
            ids: self.ids.clone(),
            gate: Arc::new(gate),
            running: self.running.clone(),
        }
    }

    /// The same clock for whoever looks from outside.
    pub(crate) fn simulation_without_gates(&self) -> Simulation {
        let gate = |_: Moment| -> Future<Fate> { Box::pin(async { Fate::Proceed }) };
        Simulation { gate: Arc::new(gate), running: Arc::default(), ..self.simulation(0) }
    }

    /// Waits until the scheduler decides what becomes of an operation of the store.
    pub(crate) async fn decide(&self, node: usize, operation: Operation) -> StoreFate {
        let (answer, decided) = oneshot::channel();
        if !self.wait(node, Point::Store(operation, answer)) {
            killed()
        }
        decided.await.unwrap_or_else(|_| killed())
    }

    /// `false` when the process is dead.
    fn wait(&self, node: usize, point: Point) -> bool {
        let mut shared = self.lock();
        let alive = !shared.dead[node];
        if alive {
            shared.waiting.push(Waiting { node, task: tokio::task::try_id(), point });
        }
        alive
    }
}

fn killed<T>() -> T {
    let killed: Box<dyn Any + Send> = Box::new(Killed);
    std::panic::resume_unwind(killed)
}

impl Shared {
    /// Does something to the store. `false` when that is not possible.
    pub(crate) fn operate(&mut self, operation: &Operation) -> bool {
        match operation {
            Operation::Create { attempt } => self.drafts.insert(attempt.clone(), ()).is_none(),
            Operation::Publish { attempt, name, bytes } => {
                let possible = self.drafts.contains_key(attempt) && !self.objects.contains_key(name);
                if possible {
                    self.drafts.remove(attempt);
                    self.objects.insert(name.clone(), Object { attempt: attempt.clone(), bytes: bytes.clone() });
                }
                possible
            }
            Operation::Abandon { attempt, published } => {
                self.drafts.remove(attempt);
                if let Some(name) = published {
                    self.objects.remove(name);
                }
                true
            }
            Operation::Delete { name } => self.objects.remove(name).is_some(),
        }
    }
}
