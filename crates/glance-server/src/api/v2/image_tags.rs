//! `/v2/images/{image_id}/tags/{tag_value}`.

use axum::extract::State;

use super::{Answer, no_content};
use crate::api::extract::PathParams;
use crate::app::SharedApp;
use crate::app::context::RequestContext;

/// Adds a tag.
pub async fn update(State(app): State<SharedApp>, ctx: RequestContext, path: PathParams) -> Answer {
    app.add_tag(&ctx, &path.parent_image_to_change(&ctx)?, path.text("tag_value")).await?;
    no_content()
}

/// Removes a tag.
pub async fn delete(State(app): State<SharedApp>, ctx: RequestContext, path: PathParams) -> Answer {
    app.delete_tag(&ctx, &path.parent_image_to_change(&ctx)?, path.text("tag_value")).await?;
    no_content()
}
