//! The filters that requests pass, in the order in which paste.deploy's pipelines name them.
//!
//! The first filter sees the request first and the answer last. A filter that answers by itself ends the way in; the
//! answer goes back through those that let the request in.

mod paste;
mod settings;

use std::sync::Arc;

use axum::body::Body;
use axum::response::{IntoResponse, Response};
use http::{Method, Request};
use http_body_util::Limited;
use keystone_auth::Validator;

pub use settings::Address;

use crate::api::healthcheck::Healthcheck;
use crate::api::middleware::auth_token::AuthToken;
use crate::api::middleware::context::{self, Strangers};
use crate::api::middleware::cors::{Cors, Origin};
use crate::api::middleware::http_basic::HttpBasic;
use crate::api::middleware::{Authenticated, proxy, version_negotiation};
use crate::app::App;
use crate::app::error::{Error, Text};
use crate::app::identity::Caller;

/// The way of a request to the routes.
#[derive(Clone, Debug)]
pub struct Pipeline {
    /// The filters, the outermost first.
    pub filters: Vec<Filter>,
    /// Where the state of the service can be asked for.
    pub healthchecks: Vec<Healthcheck>,
    /// What the operator should know about it.
    pub warnings: Vec<String>,
}

/// A filter.
#[derive(Clone, Debug)]
pub enum Filter {
    /// What browsers may do on behalf of other sites.
    Cors(Cors),
    /// What a proxy says.
    Proxy,
    /// Compressed answers.
    Gzip,
    /// A limit for request bodies, in bytes.
    SizeLimit(u64),
    /// The version in the path.
    VersionNegotiation,
    /// Tokens of Keystone.
    AuthToken(Box<AuthToken>),
    /// Names and passwords.
    HttpBasic(HttpBasic),
    /// The context of a caller who has authenticated.
    Context(Strangers),
    /// The context of a caller whom nobody asks.
    Unauthenticated,
    /// The context of a caller who says who it is, for tests.
    TestTokens,
}

/// Whose word counts about who asks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Trust {
    /// Everybody is an administrator.
    Everybody,
    /// Everybody is who the headers of the request say.
    Headers,
    /// Callers prove who they are.
    Proof,
}

impl Pipeline {
    /// The pipeline of a service without configuration.
    #[must_use]
    pub fn open() -> Self {
        Self {
            filters: vec![Filter::Cors(Cors::default()), Filter::VersionNegotiation, Filter::Unauthenticated],
            healthchecks: vec![Healthcheck::at("/healthcheck")],
            warnings: Vec::new(),
        }
    }

    /// The pipeline that `[paste_deploy]` names.
    ///
    /// # Errors
    /// In words for the operator, naming file and line of a filter that does not exist.
    pub fn configured(options: &oslo::config::Config, address: Address) -> anyhow::Result<Self> {
        paste::pipeline(options, address)
    }

    /// Whose word counts. A filter that takes callers as they come counts before one that authenticates them.
    #[must_use]
    pub fn trust(&self) -> Trust {
        let has = |wanted: fn(&Filter) -> bool| self.filters.iter().any(wanted);
        if has(|filter| matches!(filter, Filter::Unauthenticated)) {
            Trust::Everybody
        } else if has(|filter| matches!(filter, Filter::TestTokens)) {
            Trust::Headers
        } else if self.authenticates() {
            Trust::Proof
        } else if has(|filter| matches!(filter, Filter::Context(_))) {
            Trust::Headers
        } else {
            Trust::Everybody
        }
    }

    /// Whether a filter, wherever it stands, finds out who asks. Identity headers count only where none does.
    fn authenticates(&self) -> bool {
        self.filters.iter().any(|filter| matches!(filter, Filter::AuthToken(_) | Filter::HttpBasic(_)))
    }

    /// What judges tokens.
    pub fn validators(&self) -> impl Iterator<Item = &Validator<Caller>> {
        self.filters.iter().filter_map(|filter| match filter {
            Filter::AuthToken(auth) => Some(&auth.validator),
            _ => None,
        })
    }

    /// Whether answers are compressed for who wants that.
    #[must_use]
    pub fn compresses(&self) -> bool {
        self.filters.iter().any(|filter| matches!(filter, Filter::Gzip))
    }

    /// Takes the request in. Gives the number of filters that it has passed, with the answer of the last if that let
    /// it go no further.
    pub async fn enter(&self, app: &App, request: &mut Request<Body>) -> (usize, Option<Response>) {
        if self.authenticates() {
            // Nobody has a name before that filter has spoken, even if `context` stands in front of it.
            request.extensions_mut().insert(Authenticated(None));
        }
        for (index, filter) in self.filters.iter().enumerate() {
            if let Err(answer) = filter.enter(app, request).await {
                return (index + 1, Some(*answer));
            }
        }
        (self.filters.len(), None)
    }

    /// Takes the answer out through the filters that the request has passed.
    pub fn leave(&self, passed: usize, method: &Method, origin: &Origin, response: &mut Response) {
        for filter in self.filters.iter().take(passed).rev() {
            match filter {
                Filter::Cors(cors) => cors.decorate(method, origin, response),
                Filter::AuthToken(auth) => auth.complete(response),
                _ => {}
            }
        }
    }
}

impl Filter {
    async fn enter(&self, app: &App, request: &mut Request<Body>) -> Result<(), Box<Response>> {
        match self {
            Self::Cors(_) if request.method() == Method::OPTIONS => return Err(Box::new(Response::new(Body::empty()))),
            Self::Cors(_) | Self::Gzip => {}
            Self::Proxy => proxy::apply(request),
            Self::SizeLimit(most) => limit(*most, request)?,
            Self::VersionNegotiation => version_negotiation::negotiate(&app.config.load(), request)?,
            Self::AuthToken(auth) => auth.check(request).await?,
            Self::HttpBasic(basic) => basic.check(request).await?,
            Self::Context(strangers) => context::insert(app, *strangers, request).await.map_err(answer)?,
            Self::Unauthenticated => context::insert_administrator(app, request),
            Self::TestTokens => {
                let identity = context::from_test_token(request.headers()).map_err(answer)?;
                request.extensions_mut().insert(Authenticated(Some(Arc::new(identity))));
                context::insert(app, Strangers::Refused, request).await.map_err(answer)?;
            }
        }
        Ok(())
    }
}

fn answer(error: Error) -> Box<Response> {
    Box::new(error.into_response())
}

/// Refuses a body that is too long, or cuts it off where its length is not declared.
fn limit(most: u64, request: &mut Request<Body>) -> Result<(), Box<Response>> {
    let declared = request.headers().get(http::header::CONTENT_LENGTH);
    let declared: Option<u64> = declared.and_then(|value| value.to_str().ok()?.parse().ok());
    if declared.is_some_and(|length| length > most) {
        let text = format!("Request is too large. Larger than max_request_body_size ({most}).");
        return Err(answer(Error::LimitExceeded(Text::Explanation(text))));
    }
    let body = std::mem::take(request.body_mut());
    *request.body_mut() = Body::new(Limited::new(body, usize::try_from(most).unwrap_or(usize::MAX)));
    Ok(())
}
