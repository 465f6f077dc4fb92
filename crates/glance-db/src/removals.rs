//! Data that images no longer have: written down by the change that takes its location away, crossed out when it is gone.

use glance_domain::ImageId;

use crate::error::{Error, Kind, Result};
use crate::seal::Seal;
use crate::sql::Transaction;
use crate::transfer::{Phase, Removal, Transfer, TransferId, TransferKind};
use crate::{Database, nodes, transfers};

impl Database {
    /// Where the data is that a transfer of the kind [`TransferKind::Removal`] removes.
    ///
    /// # Errors
    /// [`Kind::Corrupt`] when the transfer does not say so, or under another key.
    pub fn removed_url(&self, transfer: &Transfer) -> Result<String> {
        let missing = || Error::new(Kind::Corrupt, "a removal without a location");
        self.seal.open_url(transfer.journal.as_deref().ok_or_else(missing)?)
    }

    /// Crosses out a removal: the data is gone, or cannot be removed. Doing it again changes nothing.
    ///
    /// # Errors
    /// Only those of the database.
    pub async fn complete_removal(&self, id: &TransferId) -> Result<()> {
        self.cross_out(id).await
    }
}

/// Writes down what is about to be removed.
pub(crate) async fn record(
    transaction: &mut Transaction,
    seal: &Seal,
    image: &ImageId,
    removals: &[Removal],
) -> Result<()> {
    for removal in removals {
        nodes::require(transaction, &removal.node).await?;
        let transfer = Transfer {
            id: removal.id.clone(),
            kind: TransferKind::Removal,
            image: image.clone(),
            node: removal.node.clone(),
            store: removal.store.clone(),
            phase: Phase::Writing,
            attempt: String::new(),
            journal: Some(seal.close(&removal.url)?),
        };
        transfers::insert(transaction, &transfer).await?;
    }
    Ok(())
}
