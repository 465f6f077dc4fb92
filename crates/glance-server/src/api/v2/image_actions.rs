//! `/v2/images/{image_id}/actions`.

use axum::extract::State;

use super::{Answer, no_content};
use crate::api::extract::PathParams;
use crate::app::SharedApp;
use crate::app::context::RequestContext;

/// Takes an image out of use.
pub async fn deactivate(State(app): State<SharedApp>, ctx: RequestContext, path: PathParams) -> Answer {
    app.deactivate_image(&ctx, &path.image_to_change(&ctx)?).await?;
    no_content()
}

/// Puts an image back into use.
pub async fn reactivate(State(app): State<SharedApp>, ctx: RequestContext, path: PathParams) -> Answer {
    app.reactivate_image(&ctx, &path.image_to_change(&ctx)?).await?;
    no_content()
}
