//! Limits of projects that Keystone keeps (unified limits): what a project has, and whether it may have more.
//!
//! Limits are counted as Python Glance counts them, sizes in whole MiB. Limits that cannot be asked are never taken for
//! granted: the request fails.

use std::sync::Arc;

use glance_domain::ProjectId;
use keystone_auth::{Freshness, ProjectLimits};
use serde_json::{Map, Value, json};

use crate::app::App;
use crate::app::context::RequestContext;
use crate::app::error::{Error, Result};

/// What the sizes of limits are counted in, in bytes.
const MIB: u64 = 1 << 20;

/// What limits are about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Resource {
    /// MiB of all data in all locations.
    SizeTotal,
    /// MiB in the staging area.
    StageTotal,
    /// Images.
    CountTotal,
    /// Images to which data is being uploaded, imported or copied.
    CountUploading,
}

impl Resource {
    const ALL: [Self; 4] = [Self::SizeTotal, Self::StageTotal, Self::CountTotal, Self::CountUploading];

    /// Its name in Keystone.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::SizeTotal => "image_size_total",
            Self::StageTotal => "image_stage_total",
            Self::CountTotal => "image_count_total",
            Self::CountUploading => "image_count_uploading",
        }
    }
}

/// The bytes with which a project can at most stay within a limit in MiB: of what is there and of what is added, a part
/// of a MiB does not count.
pub(crate) fn bytes_within(limit: u64) -> u64 {
    limit.saturating_add(2).saturating_mul(MIB).saturating_sub(2)
}

/// What a limit in MiB counts of this many bytes.
pub(crate) fn whole_mib(bytes: Option<u64>) -> u64 {
    bytes.unwrap_or(0) / MIB
}

impl App {
    /// The caller's project's usage and limit of each resource; nothing where Keystone keeps no limits.
    ///
    /// # Errors
    /// `Unavailable` when Keystone does not help.
    pub async fn show_usage(&self, ctx: &RequestContext) -> Result<Value> {
        let (mut usage, project) = (Map::new(), ctx.project.as_ref());
        if self.project_limits.is_some() {
            let limits = self.limits_of(project, Freshness::Remembered).await?;
            for resource in Resource::ALL {
                let used = self.usage_of(project, resource).await?;
                usage.insert(resource.name().to_owned(), json!({"usage": used, "limit": limits.of(resource.name())}));
            }
        }
        Ok(json!({ "usage": usage }))
    }

    /// Refuses what takes so much `more` of a resource that the project has more than it may; gives the limit that holds.
    ///
    /// # Errors
    /// `LimitExceeded`, or `Unavailable` when Keystone does not help.
    pub(crate) async fn enforce_limit(
        &self,
        project: Option<&ProjectId>,
        resource: Resource,
        more: u64,
    ) -> Result<Option<u64>> {
        if self.project_limits.is_none() {
            return Ok(None);
        }
        let remembered = self.limits_of(project, Freshness::Remembered).await?.of(resource.name());
        let Ok(most) = u64::try_from(remembered) else { return Ok(None) };
        let used = self.usage_of(project, resource).await?;
        if fits(used, more, remembered) {
            return Ok(Some(most));
        }
        // A limit that was raised a moment ago lets the caller go on at once.
        let limit = self.limits_of(project, Freshness::Now).await?.of(resource.name());
        if fits(used, more, limit) {
            return Ok(u64::try_from(limit).ok());
        }
        let text = format!(
            "Project {} is over a limit for [Resource {} is over limit of {limit} due to current usage {used} \
             and delta {more}]",
            project.map_or("None", ProjectId::as_str),
            resource.name()
        );
        tracing::warn!("{text}");
        Err(Error::LimitExceeded(text.into()))
    }

    async fn limits_of(&self, project: Option<&ProjectId>, freshness: Freshness) -> Result<Arc<ProjectLimits>> {
        let Some(limits) = &self.project_limits else { return Ok(Arc::default()) };
        let text = "The limits of the project cannot be asked of Keystone. Please try again later.";
        limits.of_project(project.map(ProjectId::as_str), freshness).await.map_err(|_| Error::Unavailable(text.into()))
    }

    /// What a project has; images without a project are nobody's.
    async fn usage_of(&self, project: Option<&ProjectId>, resource: Resource) -> Result<u64> {
        let Some(project) = project else { return Ok(0) };
        let counted = match resource {
            Resource::SizeTotal => self.db.owner_usage(project).await?,
            Resource::StageTotal => self.db.owner_staging_usage(project).await?,
            Resource::CountTotal => self.db.owner_image_count(project).await?,
            Resource::CountUploading => self.db.owner_uploading_count(project).await?,
        };
        let counted = u64::try_from(counted).unwrap_or_default();
        Ok(match resource {
            Resource::SizeTotal | Resource::StageTotal => counted / MIB,
            Resource::CountTotal | Resource::CountUploading => counted,
        })
    }
}

/// Whether a limit holds; a negative one always does.
fn fits(used: u64, more: u64, limit: i64) -> bool {
    u64::try_from(limit).map_or(true, |limit| used.saturating_add(more) <= limit)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_limit_holds_up_to_its_last_unit() {
        assert!(fits(2, 1, 3) && !fits(3, 1, 3) && fits(3, 0, 3) && !fits(4, 0, 3));
        assert!(fits(u64::MAX, 1, -1) && !fits(u64::MAX, 1, i64::MAX) && !fits(0, 1, 0));
        // The most that is let pass: 2 MiB and a bit, and 1 MiB and a bit.
        assert_eq!((3 * MIB - 1) + (2 * MIB - 1), bytes_within(3));
        assert_eq!([None, Some(MIB - 1), Some(MIB)].map(whole_mib), [0, 0, 1]);
    }
}
