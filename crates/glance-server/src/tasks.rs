//! Work that outlives the request that began it, and the lease under which this process does it.
//!
//! Every process is a node of the catalogue. What it does to stores is recorded there under its name; when it dies,
//! whoever notices first takes its records over. The protocol is in `docs/adr/0006-claims.md`.

pub mod lease;
pub mod process;
pub mod settle;
pub mod sweep;

use std::any::Any;
use std::collections::HashSet;
use std::future::Future;
use std::sync::{Arc, Mutex, PoisonError, Weak};
use std::time::Duration;

use arc_swap::ArcSwap;
use glance_db::{Node, NodeId, WorkId};
use glance_store::Hold;
use tokio::sync::Notify;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use tracing::Instrument as _;

pub use lease::{Lease, LeaseTimes};

/// The running work of this process.
#[derive(Debug)]
pub struct Tasks {
    lease: ArcSwap<Lease>,
    /// Leases that were lost, until the work under them has ended.
    lost: Mutex<Vec<(NodeId, Weak<Lease>)>>,
    tracker: TaskTracker,
    stop: CancellationToken,
    held: Arc<Mutex<HashSet<WorkId>>>,
    sweep: Notify,
}

impl Tasks {
    /// No work yet, under the name of `node`, which has just registered.
    #[must_use]
    pub fn new(node: Node, uptime: Duration) -> Self {
        Self {
            lease: ArcSwap::from_pointee(Lease::new(node, uptime)),
            lost: Mutex::default(),
            tracker: TaskTracker::new(),
            stop: CancellationToken::new(),
            held: Arc::default(),
            sweep: Notify::new(),
        }
    }

    /// This process, as the catalogue knows it now.
    #[must_use]
    pub fn node(&self) -> NodeId {
        self.lease.load().node().id.clone()
    }

    /// The lease under which work begins now.
    #[must_use]
    pub fn lease(&self) -> Arc<Lease> {
        self.lease.load_full()
    }

    /// From now on work begins under `new`. All work under the old lease is told to end.
    fn replace_lease(&self, new: Lease) {
        let old = self.lease.swap(Arc::new(new));
        old.end();
        if old.node().id != self.node() {
            let lost = (old.node().id.clone(), Arc::downgrade(&old));
            self.lost.lock().unwrap_or_else(PoisonError::into_inner).push(lost);
        }
    }

    /// Nodes that this process was, and under which it does nothing any more. They are named once.
    fn take_ended_nodes(&self) -> Vec<NodeId> {
        let mut lost = self.lost.lock().unwrap_or_else(PoisonError::into_inner);
        let (ended, going): (Vec<_>, Vec<_>) = lost.drain(..).partition(|(_, lease)| lease.strong_count() == 0);
        *lost = going;
        ended.into_iter().map(|(node, _)| node).collect()
    }

    /// Runs `work` to its end whatever becomes of the caller; a graceful stop waits for it.
    pub fn spawn<T: Send + 'static>(&self, work: impl Future<Output = T> + Send + 'static) -> JoinHandle<T> {
        self.tracker.spawn(work.in_current_span())
    }

    /// Serves a connection; a graceful stop ends connections by themselves.
    pub fn spawn_connection(&self, work: impl Future<Output = ()> + Send + 'static) {
        spawn_untracked(work);
    }

    /// Runs housekeeping, which ends with the process.
    pub fn spawn_background(&self, work: impl Future<Output = ()> + Send + 'static) {
        spawn_untracked(work);
    }

    /// Holds a record: nothing else of this process claims it until all clones are dropped, those of operations that
    /// were given up and have not ended included. `None` when it is held already.
    #[must_use]
    pub fn hold(&self, record: &WorkId, lease: &Arc<Lease>) -> Option<Arc<Held>> {
        let new = self.held.lock().unwrap_or_else(PoisonError::into_inner).insert(record.clone());
        let held = || Held { held: self.held.clone(), record: record.clone(), _lease: lease.clone() };
        new.then(|| Arc::new(held()))
    }

    /// Has the next sweep begin at once.
    pub fn sweep_soon(&self) {
        self.sweep.notify_one();
    }

    /// Returns when a sweep is wanted.
    async fn sweep_wanted(&self) {
        self.sweep.notified().await;
    }

    /// Tells a long piece of work when to give up: when the process stops, or when the lease ends.
    #[must_use]
    pub fn stop_signal(&self) -> StopSignal {
        StopSignal { token: self.stop.clone() }
    }

    /// Waits for all work to end; what has not ended after `grace` is told to give up and waited for again.
    /// `false` when something did not end even so.
    pub async fn finish(&self, grace: Duration) -> bool {
        self.tracker.close();
        if tokio::time::timeout(grace, self.tracker.wait()).await.is_ok() {
            return true;
        }
        self.stop.cancel();
        tokio::time::timeout(Duration::from_secs(10), self.tracker.wait()).await.is_ok()
    }
}

#[expect(clippy::disallowed_methods, reason = "nothing waits for connections and housekeeping here")]
fn spawn_untracked(work: impl Future<Output = ()> + Send + 'static) {
    drop(tokio::spawn(work));
}

/// A record that this process acts on, until the last clone is dropped.
#[derive(Debug)]
pub struct Held {
    held: Arc<Mutex<HashSet<WorkId>>>,
    record: WorkId,
    /// As long as work goes on, the node under which it began is not forgotten.
    _lease: Arc<Lease>,
}

impl Held {
    /// What a store's operation keeps until all of it has ended.
    #[must_use]
    pub fn for_store(self: &Arc<Self>) -> Hold {
        let held: Arc<dyn Any + Send + Sync> = self.clone();
        Hold::new(held)
    }
}

impl Drop for Held {
    fn drop(&mut self) {
        self.held.lock().unwrap_or_else(PoisonError::into_inner).remove(&self.record);
    }
}

/// Says when the process wants to end.
#[derive(Clone, Debug)]
pub struct StopSignal {
    token: CancellationToken,
}

impl StopSignal {
    /// The output of `work`, or `None` if the process wants to end first.
    pub async fn or<T>(&self, work: impl Future<Output = T>) -> Option<T> {
        self.token.run_until_cancelled(work).await
    }

    /// Returns when the process wants to end.
    pub async fn wait(&self) {
        self.token.cancelled().await;
    }
}
