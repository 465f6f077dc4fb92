//! Taking over from dead nodes, and acting on records that nobody works on.
//!
//! What a live node does is never touched. A node is dead when its process on this machine has certainly ended, or when
//! its heartbeat, measured on the database's clock, is older than its lease.

use std::collections::HashSet;
use std::sync::Arc;
use std::time::Duration;

use futures_util::StreamExt as _;
use glance_db::{Death, ListedNode, NodeId, Record, Standing};

use crate::app::App;
use crate::app::error::Result;
use crate::tasks::Lease;
use crate::tasks::process::is_certainly_dead;

/// Records that are worked on at the same time.
const AT_ONCE: usize = 8;

/// A silent node whose process nobody can look for is forgotten after that long.
const FORGOTTEN_AFTER: Duration = Duration::from_secs(24 * 60 * 60);

/// A record that failed so often is stuck: operators see it in the metrics.
const STUCK_AFTER: u32 = 3;

impl App {
    /// Sweeps with every heartbeat, and whenever somebody asks for it.
    pub async fn keep_house(self: Arc<Self>, heartbeat: Duration) {
        let mut beat = tokio::time::interval(heartbeat);
        beat.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
        loop {
            tokio::select! {
                _ = beat.tick() => {}
                () = self.tasks.sweep_wanted() => {}
            }
            if let Err(error) = self.sweep().await {
                tracing::warn!(%error, "cannot look for dead nodes and open records");
            }
        }
    }

    /// Takes over what dead nodes have left and acts on every record of this node that nobody works on and that is due.
    ///
    /// # Errors
    /// `Unavailable` when the database cannot be reached. A record that cannot be ended stays.
    pub async fn sweep(&self) -> Result<()> {
        for ended in self.tasks.take_ended_nodes() {
            self.db.forget_node(&ended).await?;
        }
        let lease = self.tasks.lease();
        let nodes = self.db.list_nodes().await?;
        for listed in nodes.iter().filter(|listed| listed.node.id != *lease.id()) {
            self.bury(listed, &lease).await?;
        }
        let known: HashSet<NodeId> = self.db.list_nodes().await?.into_iter().map(|listed| listed.node.id).collect();
        let records = self.db.list_node_work(lease.id()).await?;
        let stuck = records.iter().filter(|record| record.tries >= STUCK_AFTER).count();
        self.metrics.set_stuck_work(stuck as u64);
        let due = records.into_iter().filter(|record| record.wait.is_zero() && !lingers(record, &known));
        futures_util::stream::iter(due)
            .for_each_concurrent(AT_ONCE, |record| async { self.settle_open(record, self.tasks.lease()).await })
            .await;
        Ok(())
    }

    /// Takes over from a node if it is dead.
    async fn bury(&self, listed: &ListedNode, heir: &Lease) -> Result<()> {
        let ListedNode { node, silence, standing } = listed;
        let certain = is_certainly_dead(node);
        let forgotten = *standing == Standing::Fenced && *silence > FORGOTTEN_AFTER;
        let death = match (certain || forgotten, *silence > node.lease) {
            (true, _) => Death::Certain,
            (false, true) if *standing == Standing::Live => Death::Silence,
            _ => return Ok(()),
        };
        let taken = self.db.take_over_node(&node.id, death, heir.id()).await?;
        tracing::info!(node = %node.name, pid = node.pid, records = taken.len(), ?death, "took over from a dead node");
        Ok(())
    }
}

/// Whether the transfer was undone, and waits for the end of the silent node that began it.
fn lingers(record: &Record, nodes: &HashSet<NodeId>) -> bool {
    record.is_undone() && record.origin.as_ref().is_some_and(|origin| nodes.contains(origin))
}
