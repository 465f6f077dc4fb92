//! Cleaning up after processes that died: their files, their uploads, their half-done deletes.
//!
//! What a live node does is never touched. A node is dead when its process on this machine has certainly ended, or when
//! its heartbeat, measured on the database's clock, is older than [`LEASE`].

use std::sync::Arc;
use std::time::Duration;

use glance_db::{Kind, Node, Transfer, TransferKind};
use glance_domain::query::Viewer;
use glance_store::{NewObject, StoreContext};

use crate::app::App;
use crate::app::error::{Error, Result};
use crate::tasks::node::is_certainly_dead;

/// How often a node says that it is alive.
pub const HEARTBEAT: Duration = Duration::from_secs(10);

/// A node that has been silent for so long is dead.
pub const LEASE: Duration = Duration::from_secs(60);

impl App {
    /// Keeps this node alive and cleans up after dead ones, until the process wants to end.
    pub async fn keep_house(self: Arc<Self>, node: Node) {
        let stop = self.tasks.stop_signal();
        let mut beat = tokio::time::interval(HEARTBEAT);
        beat.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
        while stop.or(beat.tick()).await.is_some() {
            if let Err(error) = self.stay_alive(&node).await {
                tracing::warn!(%error, "cannot renew this node's lease");
            }
            if let Err(error) = self.sweep().await {
                tracing::warn!(%error, "cannot look for dead nodes");
            }
        }
    }

    async fn stay_alive(&self, node: &Node) -> Result<()> {
        if !self.db.heartbeat(&node.id).await? {
            tracing::warn!("this node was taken for dead; it registers again");
            self.db.register_node(node).await?;
        }
        Ok(())
    }

    /// Takes over what dead nodes have left and cleans up whatever this node has on its list without working on it.
    ///
    /// # Errors
    /// `Unavailable` when the catalogue cannot be reached. A transfer that cannot be cleaned up stays on the list.
    pub async fn sweep(&self) -> Result<()> {
        let me = self.tasks.node();
        for (node, silence) in self.db.list_nodes().await? {
            if node.id != *me && (silence > LEASE || is_certainly_dead(&node)) {
                let taken = self.db.take_over_node(&node.id, me).await?;
                tracing::info!(node = %node.name, pid = node.pid, transfers = taken.len(), "took over from a dead node");
            }
        }
        for transfer in self.db.list_transfers(me).await? {
            if self.tasks.holds(&transfer.id) {
                continue;
            }
            let _active = self.tasks.hold(&transfer.id);
            if let Err(error) = self.clean_up(&transfer).await {
                tracing::warn!(image = %transfer.image, %error, "cannot clean up after a dead node yet");
            }
        }
        Ok(())
    }

    async fn clean_up(&self, transfer: &Transfer) -> Result<()> {
        match transfer.kind {
            TransferKind::Upload => self.abandon_upload(transfer).await,
            TransferKind::Delete => self.complete_deletion(transfer).await,
            TransferKind::Removal => self.finish_removal(transfer).await,
        }
    }

    async fn abandon_upload(&self, transfer: &Transfer) -> Result<()> {
        let entry = self.stores.get(&transfer.store).map_err(Error::internal)?;
        let object = NewObject { image: transfer.image.clone(), transfer: transfer.attempt.clone(), size_hint: None };
        let phase = match transfer.phase {
            glance_db::Phase::Writing => glance_store::Phase::Writing,
            glance_db::Phase::Finishing => glance_store::Phase::Finishing,
        };
        let context = StoreContext::default();
        let journal = transfer.journal.as_deref();
        entry.driver.abandon(&context, &object, phase, journal).await.map_err(Error::internal)?;
        self.db.abort_upload(&transfer.id, self.clock.now()).await?;
        tracing::info!(image = %transfer.image, "removed an unfinished upload; the image is queued again");
        Ok(())
    }

    async fn complete_deletion(&self, transfer: &Transfer) -> Result<()> {
        match self.db.get_image(&transfer.image, &Viewer::Admin(None)).await {
            Ok(image) => self.delete_data(&StoreContext::default(), &image).await?,
            Err(error) if error.kind() == Kind::NotFound => {}
            Err(error) => return Err(error.into()),
        }
        match self.db.complete_delete(&transfer.id, self.clock.now()).await {
            Ok(()) => tracing::info!(image = %transfer.image, "completed a deletion"),
            Err(error) if error.kind() == Kind::NotFound => {}
            Err(error) => return Err(error.into()),
        }
        Ok(())
    }
}
