//! The lease of this process: a task of its own renews it, whatever else hangs.
//!
//! A lease that is not fresh publishes nothing: before it runs out on the database's clock, all work under it is told to
//! end. Time is measured on the machine's clock since boot, which goes on while the process is stopped.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use glance_db::{Node, NodeId};
use oslo::config::Config;
use tokio::time::MissedTickBehavior;
use tokio_util::sync::CancellationToken;

use crate::app::App;
use crate::app::error::{Error, Result};

/// How often a lease is renewed, and how long it lasts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LeaseTimes {
    /// Another node takes over after a silence of this length (`[node] lease`).
    pub lease: Duration,
    /// Time between renewals (`[node] heartbeat`).
    pub heartbeat: Duration,
}

impl LeaseTimes {
    /// Reads `[node]`. A heartbeat that is longer than a sixth of the lease is shortened to that.
    ///
    /// # Errors
    /// When an option is malformed.
    pub fn from_options(options: &Config) -> anyhow::Result<Self> {
        let seconds = |name| anyhow::Ok(Duration::from_secs(options.get("node", name)?));
        let lease = seconds("lease")?;
        Ok(Self { lease, heartbeat: seconds("heartbeat")?.min(lease / 6) })
    }
}

/// One registration of this process as a node.
#[derive(Debug)]
pub struct Lease {
    node: Node,
    /// When the last renewal that succeeded was sent, in milliseconds since boot.
    renewed: AtomicU64,
    ended: CancellationToken,
}

impl Lease {
    pub(super) fn new(node: Node, uptime: Duration) -> Self {
        Self { node, renewed: AtomicU64::new(milliseconds(uptime)), ended: CancellationToken::new() }
    }

    /// The node.
    #[must_use]
    pub fn node(&self) -> &Node {
        &self.node
    }

    /// The id of the node.
    #[must_use]
    pub fn id(&self) -> &NodeId {
        &self.node.id
    }

    /// Time since the last renewal at `uptime`.
    #[must_use]
    pub fn age(&self, uptime: Duration) -> Duration {
        Duration::from_millis(milliseconds(uptime).saturating_sub(self.renewed.load(Ordering::SeqCst)))
    }

    /// Whether work may be published at `uptime`: not when two thirds of the lease have passed without a renewal.
    #[must_use]
    pub fn is_fresh(&self, uptime: Duration) -> bool {
        !self.ended.is_cancelled() && self.age(uptime) < self.node.lease * 2 / 3
    }

    /// The output of `work`, or `None` if the lease ends first.
    pub async fn or<T>(&self, work: impl Future<Output = T>) -> Option<T> {
        self.ended.run_until_cancelled(work).await
    }

    fn renew(&self, sent: Duration) {
        self.renewed.store(milliseconds(sent), Ordering::SeqCst);
    }

    /// Tells all work under the lease to end.
    pub(super) fn end(&self) {
        self.ended.cancel();
    }
}

fn milliseconds(time: Duration) -> u64 {
    u64::try_from(time.as_millis()).unwrap_or(u64::MAX)
}

impl App {
    /// Renews the lease for ever.
    pub async fn keep_lease(self: Arc<Self>, heartbeat: Duration) {
        let mut beat = tokio::time::interval(heartbeat);
        beat.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            beat.tick().await;
            let patience = self.tasks.lease().node().lease / 3;
            let renewed = tokio::time::timeout(patience, self.renew_lease()).await;
            match renewed.unwrap_or_else(|_| Err(Error::Unavailable("The database does not answer in time.".into()))) {
                Ok(()) => {}
                Err(error) => tracing::warn!(%error, "cannot renew this node's lease"),
            }
            self.end_stale_lease();
        }
    }

    /// Renews the lease once. A process whose records were taken over registers under another id.
    ///
    /// # Errors
    /// `Unavailable` when the database does not answer.
    pub async fn renew_lease(&self) -> Result<()> {
        let (lease, sent) = (self.tasks.lease(), self.clock.uptime());
        if self.db.heartbeat(lease.id()).await? {
            if lease.ended.is_cancelled() {
                self.tasks.replace_lease(Lease::new(lease.node().clone(), sent));
            } else {
                lease.renew(sent);
            }
            return Ok(());
        }
        tracing::warn!("another node took over from this one; it ends its work and registers again");
        lease.end();
        let node = Node { id: self.new_node_id(), ..lease.node().clone() };
        self.db.register_node(&node).await?;
        self.tasks.replace_lease(Lease::new(node, sent));
        Ok(())
    }

    /// Ends the work of a lease that could not be renewed in time.
    pub fn end_stale_lease(&self) {
        let lease = self.tasks.lease();
        if !lease.is_fresh(self.clock.uptime()) && !lease.ended.is_cancelled() {
            tracing::error!("the lease could not be renewed: running uploads end");
            lease.end();
        }
    }

    /// Refuses to go on when the lease could have run out.
    ///
    /// # Errors
    /// `Unavailable`.
    pub(crate) fn require_fresh(&self, lease: &Lease) -> Result<()> {
        if lease.is_fresh(self.clock.uptime()) {
            return Ok(());
        }
        Err(Error::Unavailable("This node could not reach the database for a while. Please try again.".into()))
    }

    fn new_node_id(&self) -> NodeId {
        NodeId::new(self.db.new_work_id().as_str())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tasks::process::this_process;

    #[test]
    fn a_lease_is_fresh_for_two_thirds_of_its_time() {
        let second = Duration::from_secs(1);
        let lease = Lease::new(this_process(6 * second), 100 * second);
        assert!(lease.is_fresh(103 * second));
        assert!(!lease.is_fresh(104 * second));
        lease.renew(103 * second);
        assert!(lease.is_fresh(106 * second));
        lease.end();
        assert!(!lease.is_fresh(103 * second));
    }
}
