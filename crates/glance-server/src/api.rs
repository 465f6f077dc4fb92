//! HTTP: the only module that names axum and chooses response statuses.

pub mod error;
pub mod extract;
pub mod healthcheck;
pub mod json;
pub mod middleware;
pub mod openapi;
pub mod pipeline;
pub mod router;
pub mod v2;
pub mod versions;

use std::convert::Infallible;
use std::sync::Arc;

use axum::Router;
use axum::body::Body;
use axum::response::Response;
use http::Request;
use http::header::EXPECT;
use http_body::Body as _;
use tower::ServiceExt;
use tower_http::compression::Compression;
use tracing::Instrument as _;

use crate::api::middleware::cors::Origin;
use crate::api::pipeline::Pipeline;
use crate::app::SharedApp;
use crate::app::context::RequestContext;
use crate::logging;
use crate::stream::receive::Receiver;
use crate::traces;

/// The whole HTTP service: from a request to its finished response.
#[derive(Clone)]
pub struct Service {
    app: SharedApp,
    pipeline: Arc<Pipeline>,
    router: Router,
}

impl Service {
    /// Builds the routes for `app`, with nobody asked who asks.
    #[must_use]
    pub fn new(app: SharedApp) -> Self {
        Self::behind(Pipeline::open(), app)
    }

    /// Builds the routes for `app` behind the filters of `pipeline`.
    #[must_use]
    pub fn behind(pipeline: Pipeline, app: SharedApp) -> Self {
        Self { router: router::build(app.clone()), pipeline: Arc::new(pipeline), app }
    }

    /// Answers one request.
    pub async fn call(&self, request: Request<Body>) -> Response {
        let counted = self.app.metrics.request();
        let method = request.method().clone();
        let span = traces::request(&request);
        let response = self.compressed(request).instrument(span.clone()).await;
        let route = response.extensions().get::<router::Matched>().map_or("", |route| route.0);
        traces::answered(&span, &method, route, &response);
        counted.answered(&method, route, response.status().as_u16());
        response
    }

    async fn compressed(&self, request: Request<Body>) -> Response {
        if !self.pipeline.compresses() {
            return self.answer(request).await;
        }
        let answering =
            tower::service_fn(|request: Request<Body>| async { Ok::<_, Infallible>(self.answer(request).await) });
        match Compression::new(answering).oneshot(request).await {
            Ok(response) => response.map(Body::new),
            Err(never) => match never {},
        }
    }

    /// Errors get their bodies here, in the form that the request accepts.
    async fn answer(&self, mut request: Request<Body>) -> Response {
        let accept = error::accept(request.headers());
        if let Some(check) = self.pipeline.healthchecks.iter().find(|check| check.answers(&request)) {
            // Boxed, so that the many requests that are no health check do not carry its size.
            return Box::pin(check.show(&self.app, request.method(), request.headers())).await;
        }
        if request.uri().path() == openapi::PATH {
            return error::render(openapi::show(&self.app.config.load(), request.method()), accept.as_deref());
        }
        let (method, origin) = (request.method().clone(), Origin::of(&request));
        let (passed, refused) = self.pipeline.enter(&self.app, &mut request).await;
        let response = match refused {
            None => self.route(request).await,
            Some(answer) => {
                read_on(request).await;
                answer
            }
        };
        let matched = response.extensions().get::<router::Matched>().map(|route| route.0);
        let mut response = error::render(response, accept.as_deref());
        if let Some(route) = matched {
            response.extensions_mut().insert(router::Matched(route));
        }
        self.pipeline.leave(passed, &method, &origin, &mut response);
        response
    }

    async fn route(&self, request: Request<Body>) -> Response {
        let id = middleware::request_id::of(&request);
        // What is logged on the way names the request that the client has an answer to, and who asks.
        let context = request.extensions().get::<RequestContext>();
        let image = image_of(request.uri().path());
        let span = context.map_or_else(tracing::Span::none, |context| logging::request_span(context, image));
        let answered = self.router.clone().oneshot(request).instrument(span).await;
        let mut response = answered.unwrap_or_else(|never| match never {});
        middleware::request_id::add(&mut response, &id);
        response
    }
}

/// The image that a path of version 2 is about.
fn image_of(path: &str) -> Option<&str> {
    let id = path.strip_prefix("/v2/images/")?.split('/').next()?;
    (!id.is_empty()).then_some(id)
}

/// Reads the body of a refused request within bounds, so that its sender gets to read the answer.
async fn read_on(request: Request<Body>) {
    if !request.body().is_end_stream() && !request.headers().contains_key(EXPECT) {
        Receiver::new(router::boxed(request.into_body())).drain().await;
    }
}
