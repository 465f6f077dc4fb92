//! `/v2/images/{image_id}/locations`: where the data is, for other services.

use axum::extract::State;
use http::StatusCode;

use super::view::LocationView;
use super::{Answer, json};
use crate::api::extract::PathParams;
use crate::app::SharedApp;
use crate::app::context::RequestContext;

/// All locations of an image.
pub async fn index(State(app): State<SharedApp>, ctx: RequestContext, path: PathParams) -> Answer {
    let locations = app.get_locations(&ctx, &path.image_id()?).await?;
    json(StatusCode::OK, &locations.iter().map(LocationView::new).collect::<Vec<_>>())
}
