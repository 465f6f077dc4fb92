//! `/v2/schemas`: what documents look like.

use http::StatusCode;

use super::{Answer, json};
use crate::app::context::RequestContext;

/// The schema of an image.
pub async fn image(ctx: RequestContext) -> Answer {
    json(StatusCode::OK, ctx.config.schema.document())
}

/// The schema of a list of images.
pub async fn images(ctx: RequestContext) -> Answer {
    json(StatusCode::OK, &ctx.config.schema.collection())
}
