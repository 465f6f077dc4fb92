//! `/v2/schemas`: what documents look like.

use glance_domain::schema::member as schema;
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

/// The schema of a member.
pub async fn member() -> Answer {
    json(StatusCode::OK, &schema::member())
}

/// The schema of a list of members.
pub async fn members() -> Answer {
    json(StatusCode::OK, &schema::members())
}
