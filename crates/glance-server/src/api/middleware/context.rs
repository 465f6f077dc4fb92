//! Who asks: from the outcome of an authenticating filter, or from headers, to the context of the request.

use std::sync::Arc;

use axum::body::Body;
use http::{HeaderMap, Request};

use super::{Authenticated, request_id};
use crate::app::App;
use crate::app::context::RequestContext;
use crate::app::error::{Error, Result, Text};
use crate::app::identity::{Claims, Identity, Sent, Service};
use crate::policies::Target;

/// Whom the filter `context` lets in.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Strangers {
    /// Nobody without a name.
    #[default]
    Refused,
    /// Everybody, for reading what is public (`allow_anonymous_access`).
    MayRead,
}

/// Gives the request the context of its caller.
///
/// # Errors
/// [`Error::Unauthenticated`] for a caller without a name; what rules may answer.
pub async fn insert(app: &App, strangers: Strangers, request: &mut Request<Body>) -> Result<()> {
    let config = app.config.load_full();
    let id = request_id::choose(request.headers(), config.api.max_request_id_length);
    // It stays beside the request: another filter `context` must not turn to headers either.
    let identity = match request.extensions().get::<Authenticated>() {
        Some(Authenticated(identity)) => identity.clone(),
        None => from_headers(request.headers()).map(Arc::new),
    };
    let context = match (identity, strangers) {
        (Some(identity), _) => {
            let mut context = RequestContext::authenticated(id, &identity, config);
            context.is_admin = app.policy.check(&context, "context_is_admin", &Target::none()).await?;
            context
        }
        (None, Strangers::MayRead) => RequestContext::anonymous(id, config),
        (None, Strangers::Refused) => return Err(Error::Unauthenticated(Text::Detail(String::new()))),
    };
    request.extensions_mut().insert(context);
    Ok(())
}

/// Makes every caller an administrator, where nobody is asked for a name.
pub fn insert_administrator(app: &App, request: &mut Request<Body>) {
    let config = app.config.load_full();
    let id = request_id::choose(request.headers(), config.api.max_request_id_length);
    let context = RequestContext::administrator(id, config.api.open_project.clone(), config);
    request.extensions_mut().insert(context);
}

/// The identity that something in front of the service vouches for, as keystonemiddleware writes it into headers.
fn from_headers(headers: &HeaderMap) -> Option<Identity> {
    let text = |name: &str| {
        let value = headers.get(name)?.to_str().ok()?;
        (!value.is_empty()).then(|| value.to_owned())
    };
    let first = |names: &[&str]| names.iter().find_map(|name| text(name));
    let list = |value: Option<String>| {
        let roles = value.unwrap_or_default();
        roles.split(',').map(str::trim).filter(|role| !role.is_empty()).map(str::to_owned).collect::<Vec<_>>()
    };
    if text("x-identity-status").as_deref() != Some("Confirmed") {
        return None;
    }
    let service = Service {
        user_id: text("x-service-user-id"),
        user_domain_id: text("x-service-user-domain-id"),
        project_id: text("x-service-project-id"),
        project_domain_id: text("x-service-project-domain-id"),
        roles: list(text("x-service-roles")),
    };
    Some(Identity {
        user_id: first(&["x-user-id", "x-user"]),
        user_name: text("x-user-name"),
        user_domain_id: text("x-user-domain-id"),
        project_id: first(&["x-project-id", "x-tenant-id", "x-tenant"]),
        project_name: first(&["x-project-name", "x-tenant-name"]),
        project_domain_id: text("x-project-domain-id"),
        domain_id: text("x-domain-id"),
        system_scope: text("openstack-system-scope"),
        roles: list(first(&["x-roles", "x-role"])),
        is_admin_project: text("x-is-admin-project").map(|value| value.eq_ignore_ascii_case("true")),
        service: Some(service),
        token: text("x-auth-token").map(|text| Sent { text, content: None }),
        claims: Claims::default(),
    })
}

/// The caller that a token `user:project:role` names, as in Glance's own test suite.
///
/// # Errors
/// [`Error::Unauthenticated`] for a token of another form.
pub fn from_test_token(headers: &HeaderMap) -> Result<Identity> {
    let Some(token) = headers.get("x-auth-token") else { return Ok(Identity::default()) };
    let parts: Vec<&str> = token.to_str().unwrap_or_default().split(':').collect();
    let [user, project, role] = parts[..] else {
        return Err(Error::Unauthenticated(Text::Detail("A token for tests is user:project:role.".to_owned())));
    };
    Ok(Identity {
        user_id: Some(user.to_owned()),
        project_id: Some(project.to_owned()).filter(|project| !project.eq_ignore_ascii_case("none")),
        roles: vec![role.to_owned()],
        token: token.to_str().ok().map(|text| Sent { text: text.to_owned(), content: None }),
        ..Identity::default()
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn headers(pairs: &[(&'static str, &'static str)]) -> HeaderMap {
        pairs
            .iter()
            .map(|(name, value)| (http::HeaderName::from_static(name), http::HeaderValue::from_static(value)))
            .collect()
    }

    #[test]
    fn headers_name_a_caller_only_when_confirmed() {
        let pairs = [("x-user-id", "u"), ("x-tenant-id", "p"), ("x-roles", "admin, Member,"), ("x-auth-token", "t")];
        assert!(from_headers(&headers(&pairs)).is_none());
        let mut confirmed = pairs.to_vec();
        confirmed.push(("x-identity-status", "Confirmed"));
        let identity = from_headers(&headers(&confirmed)).unwrap();
        assert_eq!((identity.user_id.as_deref(), identity.project_id.as_deref()), (Some("u"), Some("p")));
        assert_eq!(identity.roles, ["admin", "Member"]);
        assert_eq!(identity.credentials()["roles"], serde_json::json!(["admin", "member"]));
        assert!(!format!("{identity:?}").contains("\"t\""));
        confirmed.push(("x-identity-status", "Invalid"));
        assert!(from_headers(&headers(&confirmed)).is_some_and(|identity| identity.user_id.is_some()));
    }

    #[test]
    fn tokens_for_tests_name_user_project_and_role() {
        let identity = from_test_token(&headers(&[("x-auth-token", "ann:None:admin")])).unwrap();
        assert_eq!((identity.user_id.as_deref(), identity.project_id), (Some("ann"), None));
        assert!(from_test_token(&headers(&[("x-auth-token", "ann")])).is_err());
        assert!(from_test_token(&headers(&[])).unwrap().user_id.is_none());
    }
}
