//! On whose behalf a request acts.

use std::sync::Arc;

use glance_domain::ProjectId;
use glance_domain::query::Viewer;
use glance_store::StoreContext;
use oslo::policy::Credentials;
use serde_json::json;

use crate::app::error::{Error, Result, Text};
use crate::app::identity::{Identity, Sent};
use crate::config::Config;

/// Who asks, and the configuration that holds for this request.
#[derive(Clone, Debug)]
pub struct RequestContext {
    /// Identifies the request in logs and answers, such as `req-<uuid>`.
    pub request_id: String,
    /// The user, where somebody has authenticated.
    pub user: Option<String>,
    /// The project that acts.
    pub project: Option<ProjectId>,
    /// What policy rules may ask about the caller.
    pub credentials: Arc<Credentials>,
    /// Whether the caller is an administrator.
    pub is_admin: bool,
    /// Whether the caller may only read (anonymous access).
    pub read_only: bool,
    /// What the caller sent to prove who it is.
    pub token: Option<Sent>,
    /// The configuration snapshot of this request.
    pub config: Arc<Config>,
}

impl RequestContext {
    /// An administrator, as every caller is where nothing authenticates.
    #[must_use]
    pub fn administrator(request_id: String, project: Option<ProjectId>, config: Arc<Config>) -> Self {
        let mut credentials = Credentials::new();
        credentials.insert("roles".into(), json!(["admin", "member", "reader"]));
        credentials.insert("project_id".into(), json!(project.as_ref().map(ProjectId::as_str)));
        let credentials = Arc::new(credentials);
        Self { request_id, user: None, project, credentials, is_admin: true, read_only: false, token: None, config }
    }

    /// Somebody who has authenticated. Whether that is an administrator, the rules decide.
    #[must_use]
    pub fn authenticated(request_id: String, identity: &Identity, config: Arc<Config>) -> Self {
        Self {
            request_id,
            user: identity.user_id.clone(),
            project: identity.project_id.as_deref().map(ProjectId::new),
            credentials: identity.credentials(),
            is_admin: false,
            read_only: false,
            token: identity.token.clone(),
            config,
        }
    }

    /// Somebody unknown, who may read what is public (`allow_anonymous_access`).
    #[must_use]
    pub fn anonymous(request_id: String, config: Arc<Config>) -> Self {
        Self { read_only: true, ..Self::authenticated(request_id, &Identity::default(), config) }
    }

    /// What the catalogue lets this caller see.
    #[must_use]
    pub fn viewer(&self) -> Viewer {
        match (self.is_admin, &self.project) {
            (true, project) => Viewer::Admin(project.clone()),
            (false, Some(project)) => Viewer::Project(project.clone()),
            (false, None) => Viewer::Anonymous,
        }
    }

    /// For whom stores act.
    #[must_use]
    pub fn store_context(&self) -> StoreContext {
        StoreContext {
            token: self.token.as_ref().map(|token| token.text.clone()),
            project: self.project.as_ref().map(|project| project.as_str().to_owned()),
            user: self.user.clone(),
            catalog: self.catalog(),
            hold: glance_store::Hold::default(),
        }
    }

    /// The services that the caller may use, as Keystone lists them.
    fn catalog(&self) -> Option<serde_json::Value> {
        let content = self.token.as_ref()?.content.as_ref()?;
        serde_json::to_value(content.catalog.as_ref()?).ok()
    }

    /// Whether the caller, or the service that passes the request on, has one of these roles.
    #[must_use]
    pub fn has_role(&self, roles: &[String]) -> bool {
        let given = |name: &str| self.credentials.get(name).and_then(serde_json::Value::as_array);
        let mut given = ["roles", "service_roles"].into_iter().filter_map(given).flatten();
        given.any(|role| role.as_str().is_some_and(|role| roles.iter().any(|wanted| wanted == role)))
    }

    /// Refuses callers that may only read.
    ///
    /// # Errors
    /// [`Error::Forbidden`].
    pub fn check_writable(&self) -> Result<()> {
        if self.read_only { Err(Error::Forbidden(Text::Detail("Read-only access".into()))) } else { Ok(()) }
    }
}
