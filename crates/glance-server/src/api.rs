//! HTTP: the only module that names axum and chooses response statuses.

pub mod error;
pub mod extract;
pub mod healthcheck;
pub mod middleware;
pub mod router;
pub mod v2;
pub mod versions;

use axum::Router;
use axum::body::Body;
use axum::response::Response;
use http::{Method, Request};
use tower::ServiceExt;
use tracing::Instrument as _;

use crate::app::SharedApp;
use crate::app::context::RequestContext;
use crate::logging;

/// The whole HTTP service: from a request to its finished response.
#[derive(Clone)]
pub struct Service {
    app: SharedApp,
    router: Router,
}

impl Service {
    /// Builds the routes for `app`.
    #[must_use]
    pub fn new(app: SharedApp) -> Self {
        Self { router: router::build(app.clone()), app }
    }

    /// Answers one request. Errors get their bodies here, in the form that the request accepts.
    pub async fn call(&self, request: Request<Body>) -> Response {
        let counted = self.app.metrics.request();
        let method = request.method().clone();
        let accept = error::accept(request.headers());
        let response = self.answer(request).await;
        let route = response.extensions().get::<router::Matched>().map_or("", |route| route.0);
        let response = error::render(response, accept.as_deref());
        counted.answered(&method, route, response.status().as_u16());
        response
    }

    /// The order of the filters is that of Glance's paste pipelines: CORS, version negotiation, context, routes.
    async fn answer(&self, mut request: Request<Body>) -> Response {
        if request.method() == Method::OPTIONS {
            return Response::new(Body::empty());
        }
        if request.uri().path() == "/healthcheck" {
            return healthcheck::show(&self.app, request.method()).await;
        }
        let config = self.app.config.load_full();
        if let Err(answer) = middleware::version_negotiation::negotiate(&config, &mut request) {
            return *answer;
        }
        middleware::context::insert(&config, &mut request);
        let id = middleware::request_id::of(&request);
        // What is logged on the way names the request that the client has an answer to, and who asks.
        let context = request.extensions().get::<RequestContext>();
        let span = context.map_or_else(tracing::Span::none, logging::request_span);
        let answered = self.router.clone().oneshot(request).instrument(span).await;
        let mut response = answered.unwrap_or_else(|never| match never {});
        middleware::request_id::add(&mut response, &id);
        response
    }
}
