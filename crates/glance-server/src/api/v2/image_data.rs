//! `/v2/images/{image_id}/file`: the bytes.

use axum::body::Body;
use axum::extract::{Request, State};
use axum::response::{IntoResponse, Response};
use futures_util::StreamExt;
use glance_domain::{Image, StoreId};
use http::header::{CONTENT_LENGTH, CONTENT_RANGE, CONTENT_TYPE, EXPECT, HeaderName, HeaderValue};
use http::{HeaderMap, StatusCode};

use super::range::requested;
use super::{Answer, no_content};
use crate::api::error::Refusal;
use crate::api::extract::{PathParams, QueryParams, media_type, text_header};
use crate::api::router::boxed;
use crate::app::SharedApp;
use crate::app::context::RequestContext;
use crate::app::download::ImageData;
use crate::app::error::Error;
use crate::app::upload::UploadOptions;
use crate::stream::receive::Receiver;

const OCTETS: &str = "application/octet-stream";
const CONTENT_MD5: HeaderName = HeaderName::from_static("content-md5");
const IMAGE_SIZE: HeaderName = HeaderName::from_static("x-openstack-image-size");
const IMAGE_STORE: HeaderName = HeaderName::from_static("x-image-meta-store");

/// Stores the data of a queued image.
pub async fn upload(
    State(app): State<SharedApp>,
    ctx: RequestContext,
    path: PathParams,
    headers: HeaderMap,
    request: Request,
) -> Answer {
    let body = boxed(request.into_body());
    match upload_options(&headers).and_then(|options| Ok((path.image_to_change(&ctx)?, options))) {
        Ok((id, options)) => app.upload_image(&ctx, &id, options, body).await?,
        Err(refusal) => {
            if !awaits_go_ahead(&headers) {
                Receiver::new(body).drain().await;
            }
            return Err(refusal);
        }
    }
    no_content()
}

fn upload_options(headers: &HeaderMap) -> Result<UploadOptions, Refusal> {
    let given = media_type(headers);
    if given.as_deref() != Some(OCTETS) {
        let named = given.as_deref().unwrap_or("None");
        return Err(Refusal::media_type(given.as_deref().unwrap_or_default(), format!("Invalid content type {named}")));
    }
    Ok(UploadOptions {
        store: text_header(headers, &IMAGE_STORE)?.map(StoreId::new),
        expected_size: declared_size(headers)?,
        size_hint: headers.get(CONTENT_LENGTH).and_then(|value| value.to_str().ok()?.parse().ok()),
        awaits_go_ahead: awaits_go_ahead(headers),
    })
}

fn awaits_go_ahead(headers: &HeaderMap) -> bool {
    headers.get(EXPECT).is_some_and(|value| value.as_bytes().eq_ignore_ascii_case(b"100-continue"))
}

fn declared_size(headers: &HeaderMap) -> Result<Option<u64>, Error> {
    let bad = || Error::Invalid("Invalid or missing image size in request headers.".into());
    text_header(headers, &IMAGE_SIZE)?.map(|text| text.trim().parse().map_err(|_| bad())).transpose()
}

/// Delivers the data of an image, or a part of it.
pub async fn download(
    State(app): State<SharedApp>,
    ctx: RequestContext,
    path: PathParams,
    params: QueryParams,
    headers: HeaderMap,
) -> Answer {
    let image = app.image_for_download(&ctx, &path.image_id()?, &preferred(&params)).await?;
    let range = match image.size {
        Some(size) => requested(&headers, size)?,
        // There is nothing to give a part of, but nonsense is refused all the same.
        None => requested(&headers, u64::MAX)?.and(None),
    };
    match app.open_image_data(&ctx, &image, range).await? {
        Some(data) => Ok(deliver(&image, data)),
        None => Ok((StatusCode::NO_CONTENT, Body::empty()).into_response()),
    }
}

fn preferred(params: &QueryParams) -> Vec<StoreId> {
    let last = params.0.iter().rev().find(|(name, _)| name == "prefer");
    let names = last.map(|(_, value)| value.split(',').map(str::trim).filter(|name| !name.is_empty()));
    names.into_iter().flatten().map(StoreId::new).collect()
}

fn deliver(image: &Image, data: ImageData) -> Response {
    let length = data.range.map(|range| range.length).or(data.object.length).or(image.size);
    let id = image.id.clone();
    let chunks = data.object.chunks.inspect(move |chunk| {
        if let Err(error) = chunk {
            tracing::error!(image = %id, %error, "the download broke off");
        }
    });
    let mut response = Response::new(Body::from_stream(chunks));
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static(OCTETS));
    if let Some(length) = length {
        headers.insert(CONTENT_LENGTH, HeaderValue::from(length));
    }
    if let Some(checksum) = image.checksum.as_deref().and_then(|checksum| HeaderValue::from_str(checksum).ok()) {
        headers.insert(CONTENT_MD5, checksum);
    }
    if let (Some(range), Some(size)) = (data.range, image.size) {
        let last = range.offset + range.length - 1;
        if let Ok(value) = HeaderValue::from_str(&format!("bytes {}-{last}/{size}", range.offset)) {
            headers.insert(CONTENT_RANGE, value);
        }
        *response.status_mut() = StatusCode::PARTIAL_CONTENT;
    }
    response
}
