//! Ending the work of a record that nobody works on: the one way, for requests that failed and for sweeps.

use std::sync::Arc;
use std::time::Duration;

use glance_db::{Kind, Postponement, Record, Transfer, Transition, Work, WorkId};
use glance_domain::query::Viewer;
use glance_domain::{ImageId, StoreId};
use glance_store::{NewObject, StoreContext};

use crate::app::App;
use crate::app::error::{Error, Result};
use crate::app::removal::{OnRefusal, Removed};
use crate::tasks::{Held, Lease};

/// How long one try may take.
const DEADLINE: Duration = Duration::from_secs(60);

/// The wait after the first try that failed; each later one is twice as long.
const FIRST_WAIT: Duration = Duration::from_secs(2);

/// The longest wait between two tries.
const LONGEST_WAIT: Duration = Duration::from_secs(600);

/// A record that this process has claimed.
pub(crate) struct Claim {
    pub(crate) record: Record,
    held: Arc<Held>,
}

impl Claim {
    /// For whom a store acts when no caller is there any more.
    pub(crate) fn store_context(&self) -> StoreContext {
        StoreContext { hold: self.held.for_store(), ..StoreContext::default() }
    }
}

impl App {
    /// Claims a record that nobody works on and ends its work; if that is not possible, it is tried again later.
    pub(crate) async fn settle_open(&self, record: Record, lease: Arc<Lease>) {
        let Some(_held) = self.tasks.hold(&record.id, &lease) else { return };
        if let Err(error) = self.settle(&record.id, &lease).await {
            tracing::warn!(image = %record.image, %error, "cannot end what was begun yet");
        }
    }

    /// Claims the record and ends its work. Nothing happens when it has ended, or somebody else has claimed it.
    ///
    /// # Errors
    /// Why the work could not be ended; the record stays, and is tried again later.
    pub(crate) async fn settle(&self, id: &WorkId, lease: &Arc<Lease>) -> Result<()> {
        let Some(claim) = self.claim(id, lease).await? else { return Ok(()) };
        let ended = tokio::time::timeout(DEADLINE, self.end_work(&claim)).await;
        let ended = ended.unwrap_or_else(|_| Err(Error::Unavailable("The store does not answer in time.".into())));
        if let Err(error) = &ended {
            self.postpone(&claim.record, error).await;
        }
        ended
    }

    async fn claim(&self, id: &WorkId, lease: &Arc<Lease>) -> Result<Option<Claim>> {
        let fence = self.db.new_work_id();
        let Some(held) = self.tasks.hold(&fence, lease) else { return Ok(None) };
        let record = self.db.claim_work(id, lease.id(), &fence).await?;
        Ok(record.map(|record| Claim { record, held }))
    }

    /// Writes that a record is to be tried again, and when.
    pub(crate) async fn postpone(&self, record: &Record, error: &Error) {
        let wait = FIRST_WAIT.saturating_mul(1 << record.tries.min(16)).min(LONGEST_WAIT);
        let postponement = Postponement { wait, problem: error.to_string() };
        if let Err(error) = self.db.postpone_work(&record.id, &postponement).await {
            tracing::debug!(image = %record.image, %error, "the record was claimed by another node, or tries at once");
        }
    }

    async fn end_work(&self, claim: &Claim) -> Result<()> {
        let Record { id, image, work, .. } = &claim.record;
        match work {
            Work::Upload(transfer) => self.abandon_upload(claim, transfer).await,
            Work::Delete => self.complete_deletion(claim).await,
            // A claim never gives one: they name the lowest version that may claim them.
            Work::Later { .. } => Ok(()),
            Work::Removal { store, url } => self.finish_removal(claim, (store, url), (id, image)).await,
        }
    }

    async fn abandon_upload(&self, claim: &Claim, transfer: &Transfer) -> Result<()> {
        let Record { id, image, .. } = &claim.record;
        let entry = self.stores.get(&transfer.store).map_err(unsettled)?;
        let object = NewObject {
            image: image.clone(),
            name: transfer.name.clone(),
            attempt: transfer.attempt.clone(),
            size_hint: None,
        };
        let phase = match transfer.phase {
            glance_db::Phase::Writing => glance_store::Phase::Writing,
            glance_db::Phase::Finishing => glance_store::Phase::Finishing,
            glance_db::Phase::Abandoned => glance_store::Phase::Abandoned,
        };
        let (context, journal) = (claim.store_context(), transfer.journal.as_deref());
        entry.driver.abandon(&context, &object, phase, journal).await.map_err(unsettled)?;
        self.db.abort_upload(id, Transition::UPLOAD.reversed(), self.clock.now()).await?;
        tracing::info!(%image, "removed what an unfinished upload had left");
        Ok(())
    }

    async fn complete_deletion(&self, claim: &Claim) -> Result<()> {
        let Record { id, image, .. } = &claim.record;
        let image = match self.db.get_image(image, &Viewer::Admin(None)).await {
            Ok(image) => image,
            Err(error) if error.kind() == Kind::NotFound => return Ok(self.db.cancel_delete(id).await?),
            Err(error) => return Err(error.into()),
        };
        match self.delete_claimed(&claim.store_context(), id, &image, OnRefusal::Continue).await {
            // Somebody else has deleted the image.
            Err(Error::NotFound(_)) | Ok(()) => Ok(()),
            Err(error) => Err(error),
        }
    }

    /// Ends a removal that nobody works on.
    async fn finish_removal(
        &self,
        claim: &Claim,
        (store, url): (&StoreId, &str),
        (id, image): (&WorkId, &ImageId),
    ) -> Result<()> {
        match self.db.get_image(image, &Viewer::Admin(None)).await {
            // Somebody has given the image this location again.
            Ok(found) if found.locations.iter().any(|location| location.url == url) => {
                return Ok(self.db.complete_removal(id).await?);
            }
            Err(error) if error.kind() != Kind::NotFound => return Err(error.into()),
            _ => {}
        }
        match self.remove_data(&claim.store_context(), store, url).await {
            Removed::Gone => Ok(self.db.complete_removal(id).await?),
            Removed::Refused(error) | Removed::Unknown(error) => Err(unsettled(error)),
        }
    }
}

/// What operators read about a store that keeps a record from ending. It names neither a path nor a location.
fn unsettled(error: glance_store::Error) -> Error {
    tracing::warn!(%error, "a store keeps a record from ending");
    let text = match error.kind() {
        glance_store::Kind::Denied => "The store denies access.",
        glance_store::Kind::InUse => "The data is in use.",
        glance_store::Kind::HasSnapshots => "The data has snapshots.",
        glance_store::Kind::ReadOnly => "The store is read-only.",
        glance_store::Kind::UnknownStore | glance_store::Kind::UnknownScheme => "The store is not configured.",
        glance_store::Kind::BadLocation => "The location is not one of the store.",
        _ => "The store does not answer as it should.",
    };
    Error::Unavailable(text.into())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn waits_grow_to_a_bound() {
        let wait = |tries: u32| FIRST_WAIT.saturating_mul(1 << tries.min(16)).min(LONGEST_WAIT);
        assert_eq!([0, 1, 2, 9, 40].map(wait).map(|wait| wait.as_secs()), [2, 4, 8, 600, 600]);
    }
}
