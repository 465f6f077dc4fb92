//! Who has authenticated, by whatever means, and what rules may ask about them.

use std::sync::{Arc, OnceLock};

use keystone_auth::{Bearer, Token};
use oslo::policy::Credentials;
use serde_json::{Value, json};

/// A caller whose name was proved: by a token, by a password, or by what stands in front of the service.
///
/// An empty text is no text: proxies send empty headers for what is not there.
#[derive(Clone, Debug, Default)]
#[expect(missing_docs, reason = "the names of oslo.context")]
pub struct Identity {
    pub user_id: Option<String>,
    pub user_name: Option<String>,
    pub user_domain_id: Option<String>,
    pub project_id: Option<String>,
    pub project_name: Option<String>,
    pub project_domain_id: Option<String>,
    pub domain_id: Option<String>,
    pub system_scope: Option<String>,
    pub roles: Vec<String>,
    pub is_admin_project: Option<bool>,
    pub service: Option<Service>,
    pub token: Option<Sent>,
    pub(crate) claims: Claims,
}

/// The service that passes a request of its user on.
#[derive(Clone, Debug, Default)]
#[expect(missing_docs, reason = "the names of oslo.context")]
pub struct Service {
    pub user_id: Option<String>,
    pub user_domain_id: Option<String>,
    pub project_id: Option<String>,
    pub project_domain_id: Option<String>,
    pub roles: Vec<String>,
}

/// What the caller sent, and what it says where the service looked.
#[derive(Clone)]
pub struct Sent {
    /// The token itself, for other services that are asked on the caller's behalf.
    pub text: String,
    /// Its content.
    pub content: Option<Arc<Token>>,
}

impl std::fmt::Debug for Sent {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Sent(***)")
    }
}

/// What rules may ask about a caller, put together once.
#[derive(Clone, Debug, Default)]
pub(crate) struct Claims(OnceLock<Arc<Credentials>>);

/// Who comes with a token, found out once for all the requests that do.
#[derive(Debug)]
pub struct Caller {
    /// What the token says.
    pub token: Arc<Token>,
    /// Whom it names, where no service passes the request on.
    pub identity: Arc<Identity>,
}

impl Bearer for Caller {
    fn of_token(sent: &str, token: Token) -> Self {
        let token = Arc::new(token);
        Self { identity: Arc::new(Identity::of_token(sent, &token)), token }
    }

    fn token(&self) -> &Token {
        &self.token
    }
}

fn domain_id(owner: &keystone_auth::Owner) -> Option<String> {
    owner.domain.as_ref().and_then(|domain| domain.id.clone())
}

impl Service {
    /// The service that a token names.
    #[must_use]
    pub fn of_token(token: &Token) -> Self {
        Self {
            user_id: Some(token.user.id.clone()),
            user_domain_id: domain_id(&token.user),
            project_id: token.project.as_ref().map(|project| project.id.clone()),
            project_domain_id: token.project.as_ref().and_then(domain_id),
            roles: token.role_names().map(str::to_owned).collect(),
        }
    }
}

impl Identity {
    /// The bearer of a valid token.
    #[must_use]
    pub fn of_token(text: &str, token: &Arc<Token>) -> Self {
        Self {
            user_id: Some(token.user.id.clone()),
            user_name: token.user.name.clone(),
            user_domain_id: domain_id(&token.user),
            project_id: token.project.as_ref().map(|project| project.id.clone()),
            project_name: token.project.as_ref().and_then(|project| project.name.clone()),
            project_domain_id: token.project.as_ref().and_then(domain_id),
            domain_id: token.domain.as_ref().and_then(|domain| domain.id.clone()),
            system_scope: token.system.filter(|system| system.all).map(|_| "all".to_owned()),
            roles: token.role_names().map(str::to_owned).collect(),
            is_admin_project: token.is_admin_project,
            service: None,
            token: Some(Sent { text: text.to_owned(), content: Some(token.clone()) }),
            claims: Claims::default(),
        }
    }

    /// The same caller, whose request `service` passes on.
    #[must_use]
    pub fn through(&self, service: Service) -> Self {
        Self { service: Some(service), claims: Claims::default(), ..self.clone() }
    }

    /// What rules may ask, as oslo.context hands it to oslo.policy. Roles are in lower case, as in Glance.
    #[must_use]
    pub fn credentials(&self) -> Arc<Credentials> {
        self.claims.0.get_or_init(|| Arc::new(self.values())).clone()
    }

    fn values(&self) -> Credentials {
        let lower = |roles: &[String]| roles.iter().map(|role| role.to_lowercase()).collect::<Vec<_>>();
        let none = Service::default();
        let service = self.service.as_ref().unwrap_or(&none);
        let values: [(&str, Value); 15] = [
            ("user_id", json!(self.user_id)),
            ("user_name", json!(self.user_name)),
            ("user_domain_id", json!(self.user_domain_id)),
            ("system_scope", json!(self.system_scope)),
            ("domain_id", json!(self.domain_id)),
            ("project_id", json!(self.project_id)),
            ("project_name", json!(self.project_name)),
            ("project_domain_id", json!(self.project_domain_id)),
            ("roles", json!(lower(&self.roles))),
            ("is_admin_project", json!(self.is_admin_project.unwrap_or(true))),
            ("service_user_id", json!(service.user_id)),
            ("service_user_domain_id", json!(service.user_domain_id)),
            ("service_project_id", json!(service.project_id)),
            ("service_project_domain_id", json!(service.project_domain_id)),
            ("service_roles", json!(lower(&service.roles))),
        ];
        values.into_iter().map(|(name, value)| (name.to_owned(), value)).collect()
    }
}
