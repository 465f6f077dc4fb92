//! Taking images out of use and back.

use glance_domain::{Image, ImageId, Status};

use crate::app::App;
use crate::app::context::RequestContext;
use crate::app::error::{Error, Result};

impl App {
    /// Takes an image out of use: only administrators get its data. Doing it twice is harmless.
    ///
    /// # Errors
    /// `NotFound`, `Forbidden` by policy or for an image without data.
    pub async fn deactivate_image(&self, ctx: &RequestContext, id: &ImageId) -> Result<()> {
        self.switch(ctx, id, "deactivate", Status::Active, Status::Deactivated).await
    }

    /// Puts a deactivated image back into use. Doing it twice is harmless.
    ///
    /// # Errors
    /// `NotFound`, `Forbidden` by policy or for an image that was never in use.
    pub async fn reactivate_image(&self, ctx: &RequestContext, id: &ImageId) -> Result<()> {
        self.switch(ctx, id, "reactivate", Status::Deactivated, Status::Active).await
    }

    async fn switch(&self, ctx: &RequestContext, id: &ImageId, verb: &str, from: Status, to: Status) -> Result<()> {
        ctx.check_writable()?;
        let before = self.load_image(ctx, id).await?;
        self.enforce_on_image(ctx, verb, &before).await?;
        if before.status == to {
            return Ok(());
        }
        self.require_ownership(ctx, &before)?;
        if before.status != from {
            return Err(Error::Forbidden(format!("Not allowed to {verb} image in status '{}'", before.status).into()));
        }
        let after = Image { status: to, ..before.clone() };
        self.save_image(&before, &after).await.map(|_| ())
    }
}
