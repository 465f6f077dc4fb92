//! Work that outlives the request that began it, and the lease under which this process does it.
//!
//! Every process is a node of the catalogue with a heartbeat. What it does to stores is recorded there under its name;
//! when it dies, whoever notices first cleans up after it.

pub mod node;
pub mod sweep;

use std::collections::HashSet;
use std::future::Future;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use glance_db::{NodeId, TransferId};
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use tracing::Instrument as _;

/// The running work of this process.
#[derive(Debug)]
pub struct Tasks {
    node: NodeId,
    tracker: TaskTracker,
    stop: CancellationToken,
    held: Arc<Mutex<HashSet<TransferId>>>,
}

impl Tasks {
    /// No work yet, under the name of `node`.
    #[must_use]
    pub fn new(node: NodeId) -> Self {
        Self { node, tracker: TaskTracker::new(), stop: CancellationToken::new(), held: Arc::default() }
    }

    /// This process, as the catalogue knows it.
    #[must_use]
    pub fn node(&self) -> &NodeId {
        &self.node
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

    /// Marks a transfer as being worked on by this process, so that its own sweep leaves it alone.
    #[must_use]
    pub fn hold(&self, transfer: &TransferId) -> Held {
        self.held.lock().unwrap_or_else(PoisonError::into_inner).insert(transfer.clone());
        Held { held: self.held.clone(), transfer: transfer.clone() }
    }

    /// Whether this process is working on the transfer.
    #[must_use]
    pub fn holds(&self, transfer: &TransferId) -> bool {
        self.held.lock().unwrap_or_else(PoisonError::into_inner).contains(transfer)
    }

    /// Tells a long piece of work when to give up.
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

/// A transfer that this process works on, until it is dropped.
#[derive(Debug)]
pub struct Held {
    held: Arc<Mutex<HashSet<TransferId>>>,
    transfer: TransferId,
}

impl Drop for Held {
    fn drop(&mut self) {
        self.held.lock().unwrap_or_else(PoisonError::into_inner).remove(&self.transfer);
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
