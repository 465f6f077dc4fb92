//! Tokens: validates what the caller sent with Keystone, as keystonemiddleware's `auth_token` does.
//!
//! The result travels as a value beside the request, never as headers. Whatever a caller puts into `X-Roles` and its
//! like is not looked at once this filter is in the pipeline.

use std::sync::Arc;

use axum::body::Body;
use axum::response::{IntoResponse, Response};
use http::header::{CONTENT_TYPE, HeaderValue, WWW_AUTHENTICATE};
use http::{HeaderMap, Method, Request, StatusCode, Uri};
use keystone_auth::{AllowedRequest, Expired, Refused, Validator};

use super::Authenticated;
use crate::app::error::Error;
use crate::app::identity::{Caller, Identity, Service};

/// Validates tokens.
#[derive(Clone, Debug)]
pub struct AuthToken {
    /// Asks Keystone.
    pub validator: Validator<Caller>,
    /// The options beside that.
    pub rules: TokenRules,
}

/// What is made of the answers; the names are those of `[keystone_authtoken]`.
#[derive(Clone, Debug)]
pub struct TokenRules {
    /// Whether a request without a valid token is passed on (`delay_auth_decision`).
    pub delay_auth_decision: bool,
    /// Who may send a service token (`service_token_roles`).
    pub service_token_roles: Vec<String>,
    /// Whether a service token of others is refused (`service_token_roles_required`).
    pub service_token_roles_required: bool,
    /// The type of this service in the catalogue (`service_type`).
    pub service_type: Option<String>,
    /// Where callers get tokens (`www_authenticate_uri`).
    pub www_authenticate: HeaderValue,
}

/// What a service token is worth.
enum ServiceToken {
    Absent,
    Refused,
    Valid { caller: Arc<Caller>, trusted: bool },
}

impl AuthToken {
    /// Finds out who asks.
    ///
    /// # Errors
    /// The answer to a request that is not passed on.
    pub async fn check(&self, request: &mut Request<Body>) -> Result<(), Box<Response>> {
        // A body cannot be shared between threads, so only the rest of the request is held while Keystone is asked.
        let (headers, method, uri) = (request.headers(), request.method(), request.uri());
        let service = self.service_token(headers).await?;
        let user = match text(headers, "x-auth-token").or_else(|| text(headers, "x-storage-token")) {
            None => None,
            Some(sent) => self.user_token(sent, (method, uri), &service).await?,
        };
        let complete = user.is_some() && !matches!(service, ServiceToken::Refused);
        if !complete && !self.rules.delay_auth_decision {
            return Err(Box::new(self.refuse()));
        }
        request.extensions_mut().insert(Authenticated(user));
        Ok(())
    }

    /// Tells callers without a valid token where to get one.
    pub fn complete(&self, response: &mut Response) {
        if response.status() == StatusCode::UNAUTHORIZED {
            response.headers_mut().insert(WWW_AUTHENTICATE, self.rules.www_authenticate.clone());
        }
    }

    async fn service_token(&self, headers: &HeaderMap) -> Result<ServiceToken, Box<Response>> {
        let Some(sent) = text(headers, "x-service-token") else { return Ok(ServiceToken::Absent) };
        match self.validator.validate(sent, Expired::Refused).await {
            Ok(caller) => {
                let trusted = caller
                    .token
                    .role_names()
                    .any(|role| self.rules.service_token_roles.iter().any(|known| known == role));
                match trusted || !self.rules.service_token_roles_required {
                    true => Ok(ServiceToken::Valid { caller, trusted }),
                    false => Ok(ServiceToken::Refused),
                }
            }
            Err(Refused::Invalid) => Ok(ServiceToken::Refused),
            Err(Refused::Unavailable(_)) => Err(unavailable()),
        }
    }

    async fn user_token(
        &self,
        sent: &str,
        (method, uri): (&Method, &Uri),
        service: &ServiceToken,
    ) -> Result<Option<Arc<Identity>>, Box<Response>> {
        let expired = match service {
            ServiceToken::Valid { trusted: true, .. } => Expired::Allowed,
            _ => Expired::Refused,
        };
        let caller = match self.validator.validate(sent, expired).await {
            Ok(caller) => caller,
            Err(Refused::Invalid) => return Ok(None),
            Err(Refused::Unavailable(_)) => return Err(unavailable()),
        };
        let service = match service {
            ServiceToken::Valid { caller, .. } => Some(&caller.token),
            ServiceToken::Absent | ServiceToken::Refused => None,
        };
        let wanted = AllowedRequest {
            service: self.rules.service_type.as_deref(),
            method: method.as_str(),
            path: uri.path(),
            continues: service.is_some(),
        };
        if !caller.token.allows(&wanted) {
            tracing::info!("an application credential is not good for this request");
            return Ok(None);
        }
        Ok(Some(match service {
            None => caller.identity.clone(),
            Some(token) => Arc::new(caller.identity.through(Service::of_token(token))),
        }))
    }

    /// The answer of keystonemiddleware where the decision is not left to others.
    fn refuse(&self) -> Response {
        let error = serde_json::json!({"error": {
            "code": 401, "title": "Unauthorized", "message": "The request you have made requires authentication.",
        }});
        let mut response = Response::new(Body::from(error.to_string()));
        *response.status_mut() = StatusCode::UNAUTHORIZED;
        response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
        response
    }
}

/// A caller whose token nobody can judge is neither let in nor told that the token is bad.
fn unavailable() -> Box<Response> {
    Box::new(Error::Unavailable("The Keystone service is temporarily unavailable.".into()).into_response())
}

fn text<'a>(headers: &'a HeaderMap, name: &str) -> Option<&'a str> {
    let value = headers.get(name)?;
    // What is not text is no token either; an empty one is refused like any other that is not valid.
    Some(value.to_str().unwrap_or_default())
}
