//! Labels of images, one at a time.

use glance_domain::{ImageId, attribute};
use serde_json::json;

use crate::app::App;
use crate::app::context::RequestContext;
use crate::app::error::{Error, Result};

impl App {
    /// Adds a tag; adding it twice is harmless.
    ///
    /// # Errors
    /// `NotFound`, `Forbidden` by policy, `Invalid` for a tag that is too long, `LimitExceeded`.
    pub async fn add_tag(&self, ctx: &RequestContext, id: &ImageId, tag: &str) -> Result<()> {
        ctx.check_writable()?;
        ctx.config.schema.check_attribute("tags", &json!([tag]))?;
        attribute::check_tag(tag)?;
        let before = self.load_image(ctx, id).await.map_err(|error| image_not_found(error, id))?;
        self.enforce_on_image(ctx, "modify_image", &before).await?;
        self.require_ownership(ctx, &before).map_err(|_| not_allowed("update", id))?;
        let mut after = before.clone();
        // Saved even if it is there already: the image counts as changed.
        after.tags.insert(tag.to_owned());
        ctx.config.limits.check_tags(after.tags.len()).map_err(|error| match error {
            Error::LimitExceeded(text) => {
                Error::LimitExceeded(format!("Image tag limit exceeded for image {id}: {}:", text.as_str()).into())
            }
            other => other,
        })?;
        self.save_image(&before, &after).await.map(|_| ())
    }

    /// Removes a tag.
    ///
    /// # Errors
    /// `NotFound` also when the image does not have the tag; `Forbidden` by policy.
    pub async fn delete_tag(&self, ctx: &RequestContext, id: &ImageId, tag: &str) -> Result<()> {
        ctx.check_writable()?;
        let before = self.load_image(ctx, id).await.map_err(|error| image_not_found(error, id))?;
        self.enforce_on_image(ctx, "modify_image", &before).await?;
        self.require_ownership(ctx, &before).map_err(|_| not_allowed("delete", id))?;
        let mut after = before.clone();
        if !after.tags.remove(tag) {
            return Err(Error::NotFound("The resource could not be found.".into()));
        }
        self.save_image(&before, &after).await.map(|_| ())
    }
}

fn not_allowed(verb: &str, id: &ImageId) -> Error {
    Error::Forbidden(format!("Not allowed to {verb} tags for image {id}.").into())
}

fn image_not_found(error: Error, id: &ImageId) -> Error {
    match error {
        Error::NotFound(_) => Error::NotFound(format!("Image {id} not found.").into()),
        other => other,
    }
}
