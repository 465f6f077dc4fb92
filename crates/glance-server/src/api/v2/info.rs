//! `/v2/info`: what this deployment offers.

use axum::extract::State;
use http::StatusCode;
use serde_json::json;

use super::{Answer, json as json_answer};
use crate::app::SharedApp;
use crate::app::context::RequestContext;
use crate::app::info::StoreDetail;

/// The import methods.
pub async fn import(ctx: RequestContext) -> Answer {
    let document = json!({"import-methods": {
        "description": "Import methods available.",
        "type": "array",
        "value": ctx.config.api.import_methods,
    }});
    json_answer(StatusCode::OK, &document)
}

/// The stores, as every user may know them.
pub async fn stores(State(app): State<SharedApp>, ctx: RequestContext) -> Answer {
    json_answer(StatusCode::OK, &app.list_stores(&ctx, StoreDetail::Names).await?)
}

/// What the caller's project has, and may have.
pub async fn usage(State(app): State<SharedApp>, ctx: RequestContext) -> Answer {
    json_answer(StatusCode::OK, &app.show_usage(&ctx).await?)
}

/// The stores with their types and properties.
pub async fn stores_detail(State(app): State<SharedApp>, ctx: RequestContext) -> Answer {
    json_answer(StatusCode::OK, &app.list_stores(&ctx, StoreDetail::Everything).await?)
}
