//! `/v2/stores/{store_id}/{image_id}`: the data of an image in one store.

use axum::extract::State;
use glance_domain::StoreId;

use super::{Answer, no_content};
use crate::api::extract::PathParams;
use crate::app::SharedApp;
use crate::app::context::RequestContext;

/// Removes the data of an image from one of its stores.
pub async fn delete(State(app): State<SharedApp>, ctx: RequestContext, path: PathParams) -> Answer {
    let store = StoreId::new(path.text("store_id"));
    app.delete_from_store(&ctx, &store, path.text("image_id")).await?;
    no_content()
}
