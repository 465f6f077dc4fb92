//! What a project may store (`user_storage_quota`), asked before and while data arrives.

use glance_db::{Kind, LocationChange, Reservation, StorageLimit, WorkId};
use glance_domain::Image;

use crate::app::App;
use crate::app::context::RequestContext;
use crate::app::error::{Error, Result};

/// Data whose size nobody knows takes room in steps of an eighth of what is there, of at least and at most this.
const SHORTEST_STEP: u64 = 1 << 20;
const LONGEST_STEP: u64 = 1 << 30;

/// What an upload has taken of what its project may store.
#[derive(Debug)]
pub(crate) struct Room {
    limit: Option<StorageLimit>,
    declared: Option<u64>,
    /// Bytes that may arrive before it has to ask for more.
    reserved: u64,
}

impl Room {
    /// Nothing yet, for data of that size if the client has said so. All data of the project may have `most` bytes, if
    /// that is less than the configuration allows.
    pub(crate) fn new(ctx: &RequestContext, declared: Option<u64>, most: Option<u64>) -> Self {
        let bytes = [ctx.config.limits.user_storage_quota, most].into_iter().flatten().min();
        let limit = bytes.zip(ctx.project.clone()).map(|(bytes, project)| StorageLimit { project, bytes });
        Self { limit, declared, reserved: u64::MAX }
    }

    /// The limit, if there is one.
    pub(crate) fn limit(&self) -> Option<&StorageLimit> {
        self.limit.as_ref()
    }

    /// What the upload has to have in order to begin.
    pub(crate) fn first(&self) -> Option<Reservation> {
        let limit = self.limit.clone()?;
        let (least, most) = (self.declared.unwrap_or(1), self.declared.unwrap_or(SHORTEST_STEP));
        Some(Reservation { limit, least, most })
    }

    /// The upload has begun with that much; without a limit there is none to what it may have.
    pub(crate) fn begin(&mut self, reserved: Option<u64>) {
        self.reserved = reserved.unwrap_or(u64::MAX);
    }

    /// What a refusal to begin says.
    pub(crate) fn refusal(&self, left: u64) -> Error {
        over_quota(self.declared.unwrap_or(0), left)
    }

    /// Makes sure that there is room for `size` bytes in all.
    ///
    /// # Errors
    /// `LimitExceeded` when there is not, `Conflict` when another node has taken the upload over.
    pub(crate) async fn grow(&mut self, app: &App, upload: &WorkId, size: u64) -> Result<()> {
        let Some(limit) = self.limit.clone().filter(|_| size > self.reserved) else { return Ok(()) };
        let most = size.saturating_add((size / 8).clamp(SHORTEST_STEP, LONGEST_STEP));
        let grown = app.db.reserve(upload, &Reservation { limit, least: size, most }).await;
        self.reserved = grown.map_err(|error| match error.room_left() {
            Some(left) => over_quota(size, left),
            None => error.into(),
        })?;
        Ok(())
    }
}

impl App {
    /// Refuses what exceeds the storage that the caller's project may use.
    pub(crate) async fn check_storage(&self, ctx: &RequestContext, needed: u64) -> Result<()> {
        let Some(limit) = storage_limit(ctx) else { return Ok(()) };
        let left = self.db.storage_left(&limit).await?;
        if needed <= left { Ok(()) } else { Err(over_quota_by_location(needed, left)) }
    }
}

/// Has the transaction of a change count what it adds to the storage of the caller's project.
pub(crate) fn count_added(ctx: &RequestContext, before: &Image, after: &Image, change: &mut LocationChange) {
    let stored = |image: &Image| image.size.unwrap_or(0).saturating_mul(image.locations.len() as u64);
    let added = stored(after).saturating_sub(stored(before));
    change.needs = storage_limit(ctx).filter(|_| added > 0).map(|limit| (limit, added));
}

/// What it means that a change of locations does not fit.
pub(crate) fn explain(change: &LocationChange, error: glance_db::Error) -> Error {
    match (error.kind(), error.room_left(), &change.needs) {
        (Kind::LimitReached, Some(left), Some((_, needed))) => over_quota_by_location(*needed, left),
        _ => error.into(),
    }
}

/// What the caller's project may store, if that is limited.
fn storage_limit(ctx: &RequestContext) -> Option<StorageLimit> {
    let (bytes, project) = (ctx.config.limits.user_storage_quota?, ctx.project.clone()?);
    Some(StorageLimit { project, bytes })
}

fn over_quota(size: u64, left: u64) -> Error {
    let text = format!(
        "Image exceeds the storage quota: The size of the data {size} will exceed the limit. {left} bytes remaining."
    );
    Error::LimitExceeded(text.into())
}

fn over_quota_by_location(size: u64, left: u64) -> Error {
    let text = format!(
        "Denying attempt to upload image because it exceeds the quota: The size of the data {size} will exceed the \
         limit. {left} bytes remaining."
    );
    Error::LimitExceeded(text.into())
}
