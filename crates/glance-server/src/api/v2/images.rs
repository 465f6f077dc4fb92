//! `/v2/images`: register, list, show, change and delete.

use axum::extract::{Request, State};
use axum::response::IntoResponse;
use glance_domain::patch::{self, Dialect};
use http::header::{HeaderName, HeaderValue, LOCATION};
use http::{HeaderMap, StatusCode};
use serde_json::Value;

use super::list_query::ListRequest;
use super::view::{ImageView, ListView};
use super::{Answer, json, no_content};
use crate::api::error::Refusal;
use crate::api::extract::{PathParams, QueryParams, media_type};
use crate::api::json::read;
use crate::app::SharedApp;
use crate::app::context::RequestContext;
use crate::app::error::Error;

const ACCEPT_PATCH: HeaderName = HeaderName::from_static("accept-patch");
const IMPORT_METHODS: HeaderName = HeaderName::from_static("openstack-image-import-methods");
const STORE_IDS: HeaderName = HeaderName::from_static("openstack-image-store-ids");

/// Attributes whose presence in a new image is refused before the document is checked.
const NEVER_SENT: [&str; 5] = ["direct_url", "self", "file", "schema", "stores"];

/// Registers an image.
pub async fn create(State(app): State<SharedApp>, ctx: RequestContext, headers: HeaderMap, request: Request) -> Answer {
    let body = read(&ctx, request).await?;
    let Value::Object(document) = &body else {
        return Err(Error::Invalid("An image must be a JSON object.".into()).into());
    };
    if let Some(name) = NEVER_SENT.into_iter().find(|name| document.contains_key(*name)) {
        return Err(Error::Forbidden(format!("Attribute '{name}' is read-only.").into()).into());
    }
    ctx.config.schema.check(&body)?;
    let image = app.create_image(&ctx, document).await?;
    let mut response = json(StatusCode::CREATED, &ImageView::new(&image, &ctx))?;
    let location = format!("{}/v2/images/{}", ctx.config.api.base_url(&headers), image.id);
    let stores: Vec<&str> = app.stores.listed().map(|entry| entry.id.as_str()).collect();
    let added = [
        (LOCATION, location),
        (IMPORT_METHODS, ctx.config.api.import_methods.join(",")),
        (STORE_IDS, if app.stores.is_multi() { stores.join(",") } else { String::new() }),
    ];
    for (name, value) in added {
        if let (false, Ok(value)) = (value.is_empty(), HeaderValue::from_str(&value)) {
            response.headers_mut().insert(name, value);
        }
    }
    Ok(response)
}

/// A page of images.
pub async fn index(State(app): State<SharedApp>, ctx: RequestContext, params: QueryParams) -> Answer {
    let request = ListRequest::parse(&params, &ctx)?;
    if let Some(error) = request.late {
        app.require_listing(&ctx).await?;
        return Err(error.into());
    }
    let page = app.list_images(&ctx, &request.query).await?;
    json(StatusCode::OK, &ListView::new(&page, &request, &ctx))
}

/// One image.
pub async fn show(State(app): State<SharedApp>, ctx: RequestContext, path: PathParams) -> Answer {
    let image = app.get_image(&ctx, &path.image_id()?).await?;
    json(StatusCode::OK, &ImageView::new(&image, &ctx))
}

/// Changes an image by a JSON patch.
pub async fn update(
    State(app): State<SharedApp>,
    ctx: RequestContext,
    path: PathParams,
    headers: HeaderMap,
    request: Request,
) -> Answer {
    let given = media_type(&headers).unwrap_or_default();
    let known = Dialect::MEDIA_TYPES;
    let Some((dialect, _)) = known.into_iter().find(|(_, name)| *name == given) else {
        let names = known.map(|(_, name)| name).join(", ");
        let refusal = Refusal::media_type(&given, format!("Image PATCH expects Content-Type one of: {names}"));
        return Err(refusal.with_header(ACCEPT_PATCH, &names));
    };
    let body = read(&ctx, request).await?;
    let changes = patch::parse(dialect, &body, &ctx.config.schema).map_err(Error::from)?;
    let image = app.update_image(&ctx, &path.image_to_change(&ctx)?, &changes).await?;
    Ok(json(StatusCode::OK, &ImageView::new(&image, &ctx))?.into_response())
}

/// Deletes an image with its data.
pub async fn delete(State(app): State<SharedApp>, ctx: RequestContext, path: PathParams) -> Answer {
    app.delete_image(&ctx, &path.image_to_delete(&ctx)?).await?;
    no_content()
}
