//! Sharing images with other projects.
//!
//! The owner decides with whom, the member whether the image appears in its lists. Who may not even see the image is
//! told that there is none.

use glance_db::Kind;
use glance_domain::{Image, ImageId, Member, MemberStatus, ProjectId, Visibility};
use glance_store::store::Access;

use crate::app::App;
use crate::app::context::RequestContext;
use crate::app::error::{Error, Result};

/// What is done to the members of an image, in the words of refusals.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Change {
    Create,
    Update,
    Delete,
}

impl Change {
    fn verb(self) -> &'static str {
        match self {
            Self::Create => "create",
            Self::Update => "update",
            Self::Delete => "delete",
        }
    }

    fn forbidden(self, id: &ImageId) -> Error {
        Error::Forbidden(format!("Not allowed to {} members for image {id}.", self.verb()).into())
    }
}

impl App {
    /// The members of an image that the caller may know of: all for its owner, else the caller's own membership.
    ///
    /// # Errors
    /// `NotFound`, `Forbidden` by policy or for an image that is not shared.
    pub async fn list_members(&self, ctx: &RequestContext, id: &ImageId) -> Result<Vec<Member>> {
        let image = self.image_of_members(ctx, id).await?;
        if image.visibility != Visibility::Shared {
            let text = format!("Not allowed to list members for image {id}: {NOT_SHARED}");
            return Err(Error::Forbidden(text.into()));
        }
        self.enforce_on_members(ctx, "get_members", &image).await?;
        if !self.may_on_image(ctx, "get_member", &image).await? {
            return Ok(Vec::new());
        }
        self.visible_members(ctx, &image).await
    }

    /// One member of an image.
    ///
    /// # Errors
    /// `NotFound`, also for every refusal.
    pub async fn get_member(&self, ctx: &RequestContext, id: &ImageId, project: &ProjectId) -> Result<Member> {
        let image = self.image_of_members(ctx, id).await?;
        if image.visibility != Visibility::Shared {
            return Err(Error::NotFound(NOT_SHARED.into()));
        }
        self.find_member(ctx, &image, project).await.map_err(|error| match error {
            Error::Forbidden(text) => Error::NotFound(text),
            other => other,
        })
    }

    /// Shares an image with a project.
    ///
    /// # Errors
    /// `NotFound`; `Forbidden` by policy or for an image that is not shared; `Conflict` when the project is a member;
    /// `LimitExceeded` (`image_member_quota`).
    pub async fn create_member(&self, ctx: &RequestContext, id: &ImageId, project: ProjectId) -> Result<Member> {
        let image = self.image_to_share(ctx, id, Change::Create).await?;
        self.enforce_on_members(ctx, "add_member", &image).await?;
        let now = self.clock.now();
        let status = MemberStatus::Pending;
        let member = Member { image: id.clone(), project, status, created_at: now, updated_at: now };
        let quota = ctx.config.limits.image_member_quota;
        let added = self.db.add_member(&member, u64::try_from(quota).ok()).await;
        let member = added.map_err(|error| match error.kind() {
            Kind::Duplicate => {
                Error::Conflict(format!("Member {} is duplicated for image {id}", member.project).into())
            }
            Kind::LimitReached => too_many(id, quota),
            Kind::NotFound => no_image(id),
            _ => error.into(),
        })?;
        self.share_data(ctx, &image).await;
        Ok(member)
    }

    /// Sets what a member says about the image.
    ///
    /// # Errors
    /// `NotFound`, `Forbidden` by policy (owners cannot answer for their members) or for an image that is not shared.
    pub async fn update_member(
        &self,
        ctx: &RequestContext,
        id: &ImageId,
        project: &ProjectId,
        status: &str,
    ) -> Result<Member> {
        let image = self.image_to_share(ctx, id, Change::Update).await?;
        let member = self.find_member(ctx, &image, project).await?;
        self.enforce_on_members(ctx, "modify_member", &image).await?;
        let status: MemberStatus =
            status.parse().map_err(|error| Error::Invalid(format!("Incorrect request: {error}").into()))?;
        if member.status == status {
            return Ok(member);
        }
        let updated = self.db.update_member(id, project, status, self.clock.now()).await;
        updated.map_err(|error| no_member(error, id, project))
    }

    /// Ends the sharing of an image with a project.
    ///
    /// # Errors
    /// `NotFound`, `Forbidden` by policy or for an image that is not shared.
    pub async fn delete_member(&self, ctx: &RequestContext, id: &ImageId, project: &ProjectId) -> Result<()> {
        let image = self.image_to_share(ctx, id, Change::Delete).await?;
        self.find_member(ctx, &image, project).await?;
        self.enforce_on_members(ctx, "delete_member", &image).await?;
        let deleted = self.db.delete_member(id, project, self.clock.now()).await;
        deleted.map_err(|error| no_member(error, id, project))?;
        self.share_data(ctx, &image).await;
        Ok(())
    }

    async fn image_of_members(&self, ctx: &RequestContext, id: &ImageId) -> Result<Image> {
        self.load_image(ctx, id).await.map_err(|error| match error {
            Error::NotFound(_) => no_image(id),
            other => other,
        })
    }

    async fn image_to_share(&self, ctx: &RequestContext, id: &ImageId, change: Change) -> Result<Image> {
        ctx.check_writable()?;
        let image = self.image_of_members(ctx, id).await?;
        let owns = ctx.project.is_some() && ctx.project == image.owner;
        let legacy_refusal = !self.policy.enforces_new_defaults()
            && !ctx.is_admin
            && match change {
                Change::Create | Change::Delete => !owns,
                Change::Update => owns,
            };
        if image.visibility != Visibility::Shared || legacy_refusal {
            return Err(change.forbidden(id));
        }
        Ok(image)
    }

    /// A refusal of `rule`, or of `get_image` as "there is no such image".
    async fn enforce_on_members(&self, ctx: &RequestContext, rule: &str, image: &Image) -> Result<()> {
        if !self.may_on_image(ctx, "get_image", image).await? {
            return Err(no_image(&image.id));
        }
        self.enforce_on_image(ctx, rule, image).await
    }

    async fn find_member(&self, ctx: &RequestContext, image: &Image, project: &ProjectId) -> Result<Member> {
        self.enforce_on_members(ctx, "get_member", image).await?;
        let found = self.visible_members(ctx, image).await?.into_iter().find(|member| member.project == *project);
        found.ok_or_else(|| not_a_member(&image.id, project))
    }

    async fn visible_members(&self, ctx: &RequestContext, image: &Image) -> Result<Vec<Member>> {
        let mut members = self.db.list_members(&image.id).await?;
        let owns = ctx.project.is_some() && ctx.project == image.owner;
        members.retain(|member| ctx.is_admin || owns || Some(&member.project) == ctx.project.as_ref());
        Ok(members)
    }

    /// Tells the stores who may read the image's data, where they keep it in the projects' own accounts.
    pub(crate) async fn share_data(&self, ctx: &RequestContext, image: &Image) {
        if image.locations.is_empty() {
            return;
        }
        let members = match self.db.list_members(&image.id).await {
            Ok(members) => members,
            Err(error) => return tracing::error!(image = %image.id, %error, "cannot tell stores who may read"),
        };
        let public = matches!(image.visibility, Visibility::Public | Visibility::Community);
        let read = members.into_iter().map(|member| member.project.as_str().to_owned()).collect();
        let access = Access { public, read };
        for location in &image.locations {
            let Ok(entry) = self.stores.for_location(location) else { continue };
            if let Err(error) = entry.driver.set_acls(&ctx.store_context(), &location.url, &access).await {
                tracing::error!(image = %image.id, store = %entry.id, %error, "cannot tell the store who may read");
            }
        }
    }
}

const NOT_SHARED: &str = "Only shared images have members.";

fn no_image(id: &ImageId) -> Error {
    Error::NotFound(format!("Image {id} not found.").into())
}

fn not_a_member(id: &ImageId, project: &ProjectId) -> Error {
    Error::NotFound(format!("{project} not found in the member list of the image {id}.").into())
}

fn no_member(error: glance_db::Error, id: &ImageId, project: &ProjectId) -> Error {
    match error.kind() {
        Kind::NotFound => not_a_member(id, project),
        _ => error.into(),
    }
}

fn too_many(id: &ImageId, quota: i64) -> Error {
    let text = format!(
        "Image member limit exceeded for image {id}: The limit has been exceeded on the number of allowed image members \
         for this image. Attempted: {}, Maximum: {quota}:",
        quota.saturating_add(1)
    );
    Error::LimitExceeded(text.into())
}
