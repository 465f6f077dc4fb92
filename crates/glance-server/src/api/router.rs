//! THE table: every method and path, the handler, and whether a body may come along.
//!
//! `Allow` lists the methods of a path in the order of this table. Policies are asked in the use cases; the table names
//! the rule of each route so that tests can cover all of them.

use axum::Router;
use axum::body::Body;
use axum::extract::Request;
use axum::handler::Handler;
use axum::middleware::{Next, from_fn, map_response};
use axum::response::{IntoResponse, Response};
use axum::routing::{MethodFilter, MethodRouter, on};
use http::{Method, StatusCode};
use http_body::Body as _;

use crate::api::error::Refusal;
use crate::api::v2::{
    image_actions, image_data, image_locations, image_members, image_tags, images, info, schemas, stores,
};
use crate::app::SharedApp;
use crate::app::error::Error;

/// What becomes of a request body.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BodyRule {
    /// The handler reads it.
    Read,
    /// A body is an error.
    Reject,
}

/// One row of the table.
pub struct Route {
    /// The method.
    pub method: Method,
    /// The path with its parameters.
    pub path: &'static str,
    /// The policy rule that decides, empty where everybody may.
    pub policy: &'static str,
    /// What becomes of a body.
    pub body: BodyRule,
    handler: MethodRouter<SharedApp>,
}

fn route<H, T>(method: Method, path: &'static str, policy: &'static str, body: BodyRule, handler: H) -> Route
where
    H: Handler<T, SharedApp>,
    T: 'static,
{
    let filter = MethodFilter::try_from(method.clone()).unwrap_or(MethodFilter::TRACE);
    let mut handler = on(filter, handler);
    if body == BodyRule::Reject {
        handler = handler.layer(from_fn(reject_body));
    }
    Route { method, path, policy, body, handler }
}

/// Every route of the API.
#[must_use]
#[rustfmt::skip]
pub fn routes() -> Vec<Route> {
    use BodyRule::{Read, Reject};
    const GET: Method = Method::GET;
    const POST: Method = Method::POST;
    const PUT: Method = Method::PUT;
    const PATCH: Method = Method::PATCH;
    const DELETE: Method = Method::DELETE;
    vec![
        route(GET,    "/v2/schemas/image",  "", Reject, schemas::image),
        route(GET,    "/v2/schemas/images", "", Reject, schemas::images),
        route(GET,    "/v2/schemas/member",  "", Reject, schemas::member),
        route(GET,    "/v2/schemas/members", "", Reject, schemas::members),

        route(GET,    "/v2/images", "get_images", Read, images::index),
        route(POST,   "/v2/images", "add_image",  Read, images::create),
        route(GET,    "/v2/images/{image_id}", "get_image",    Reject, images::show),
        route(PATCH,  "/v2/images/{image_id}", "modify_image", Read,   images::update),
        route(DELETE, "/v2/images/{image_id}", "delete_image", Reject, images::delete),

        route(POST,   "/v2/images/{image_id}/actions/deactivate", "deactivate", Reject, image_actions::deactivate),
        route(POST,   "/v2/images/{image_id}/actions/reactivate", "reactivate", Reject, image_actions::reactivate),

        route(GET,    "/v2/images/{image_id}/file", "download_image", Reject, image_data::download),
        route(PUT,    "/v2/images/{image_id}/file", "upload_image",   Read,   image_data::upload),

        route(PUT,    "/v2/images/{image_id}/tags/{tag_value}", "modify_image", Reject, image_tags::update),
        route(DELETE, "/v2/images/{image_id}/tags/{tag_value}", "modify_image", Reject, image_tags::delete),

        route(GET,    "/v2/images/{image_id}/locations", "fetch_image_location", Reject, image_locations::index),

        route(GET,    "/v2/images/{image_id}/members", "get_members", Reject, image_members::index),
        route(POST,   "/v2/images/{image_id}/members", "add_member",  Read,   image_members::create),
        route(GET,    "/v2/images/{image_id}/members/{member_id}", "get_member",    Reject, image_members::show),
        route(PUT,    "/v2/images/{image_id}/members/{member_id}", "modify_member", Read,   image_members::update),
        route(DELETE, "/v2/images/{image_id}/members/{member_id}", "delete_member", Reject, image_members::delete),

        route(DELETE, "/v2/stores/{store_id}/{image_id}", "delete_image_location", Reject, stores::delete),

        route(GET,    "/v2/info/import",        "", Reject, info::import),
        route(GET,    "/v2/info/stores",        "", Reject, info::stores),
        route(GET,    "/v2/info/usage",         "", Read,   info::usage),
        route(GET,    "/v2/info/stores/detail", "stores_info_detail", Reject, info::stores_detail),
    ]
}

/// The path of the route that answered, with its parameters; an extension of the answer.
#[derive(Clone, Copy, Debug)]
pub struct Matched(pub &'static str);

/// The router for the table.
pub fn build(app: SharedApp) -> Router {
    let mut paths: Vec<(&'static str, String, MethodRouter<SharedApp>)> = Vec::new();
    for route in routes() {
        match paths.iter_mut().find(|(path, ..)| *path == route.path) {
            Some((_, allowed, handlers)) => {
                *allowed = format!("{allowed}, {}", route.method);
                *handlers = std::mem::take(handlers).merge(route.handler);
            }
            None => paths.push((route.path, route.method.to_string(), route.handler)),
        }
    }
    let mut router = Router::new();
    for (path, allowed, handlers) in paths {
        let refuse = move |method: Method| {
            let refusal = Refusal::method_not_allowed(&method, &allowed);
            async move { refusal.into_response() }
        };
        let handlers = handlers.on(MethodFilter::HEAD, refuse.clone()).fallback(refuse);
        let matched = map_response(move |mut response: Response| async move {
            response.extensions_mut().insert(Matched(path));
            response
        });
        router = router.route(path, handlers.layer(matched));
    }
    router.fallback(unmatched).with_state(app)
}

async fn unmatched(method: Method) -> Response {
    const KNOWN: [Method; 7] =
        [Method::GET, Method::POST, Method::PUT, Method::PATCH, Method::DELETE, Method::HEAD, Method::OPTIONS];
    if KNOWN.contains(&method) {
        Refusal::plain(StatusCode::NOT_FOUND).into_response()
    } else {
        Refusal::method_unknown(&method).into_response()
    }
}

async fn reject_body(request: Request, next: Next) -> Response {
    if request.body().is_end_stream() {
        return next.run(request).await;
    }
    let (parts, body) = request.into_parts();
    let mut body = crate::stream::receive::Receiver::new(boxed(body));
    match body.next().await {
        Ok(None) => next.run(Request::from_parts(parts, Body::empty())).await,
        Ok(Some(_)) | Err(_) => Error::Invalid("A body is not expected with this request.".into()).into_response(),
    }
}

/// A body without axum's types, for the use cases.
pub(crate) fn boxed(body: Body) -> crate::stream::receive::Incoming {
    use http_body_util::BodyExt;
    body.map_err(|error| error.into_inner()).boxed_unsync()
}
