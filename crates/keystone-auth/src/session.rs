//! A login: the token of a service or a user, obtained when it is first needed and again before it ends.

use std::sync::Arc;
use std::time::{Duration, Instant};

use reqwest::header::HeaderValue;
use reqwest::{Method, Request, StatusCode, Url};
use serde_json::{Map, Value, json};
use tokio::sync::Mutex;

use crate::auth::{ApplicationCredential, AuthMethod, PasswordCredentials, Scope, TokenCredentials};
use crate::error::{Error, ErrorKind};
use crate::http::{Answer, Http, HttpOptions};
use crate::secret::Secret;
use crate::token::Token;

/// A token is replaced this long before it ends, so that it does not end on its way.
const MARGIN: Duration = Duration::from_secs(30);

/// Keeps a valid token for one set of credentials.
#[derive(Debug)]
pub struct Session {
    http: Http,
    method: AuthMethod,
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    current: Option<Arc<Login>>,
    /// What the last login failed with, and when: whoever waited for it gets the same answer.
    failure: Option<(Instant, ErrorKind, String)>,
}

/// A token and what it says.
#[derive(Debug)]
pub struct Login {
    /// What is sent.
    pub token: Secret,
    /// What it says.
    pub details: Token,
}

impl Session {
    /// A session; nothing is sent yet.
    ///
    /// # Errors
    ///
    /// When the settings for TLS cannot be used, or `method` is none that obtains tokens.
    pub fn new(method: AuthMethod, http: &HttpOptions) -> Result<Self, Error> {
        Self::with(method, Http::new(http)?)
    }

    pub(crate) fn with(method: AuthMethod, http: Http) -> Result<Self, Error> {
        let session = Self { http, method, state: Mutex::default() };
        session.request()?;
        Ok(session)
    }

    /// The URL of the identity service, as the credentials name it.
    #[must_use]
    pub fn auth_url(&self) -> &str {
        self.method.auth_url().unwrap_or_default()
    }

    /// A token that is valid for a while. Callers at the same time share one request.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Rejected`] when the credentials are not accepted, [`ErrorKind::Unavailable`] when nobody can tell.
    pub async fn login(&self) -> Result<Arc<Login>, Error> {
        let came = Instant::now();
        let mut state = self.state.lock().await;
        if let Some(login) = state.current.as_ref().filter(|login| !login.details.ends_within(MARGIN)) {
            return Ok(login.clone());
        }
        // One attempt after the other would make a queue in which nobody gets an answer.
        if let Some((_, kind, message)) = state.failure.as_ref().filter(|(failed, ..)| *failed >= came) {
            return Err(Error::new(*kind, message.clone()));
        }
        match self.obtain().await {
            Ok(login) => {
                let login = Arc::new(login);
                state.current = Some(login.clone());
                Ok(login)
            }
            Err(error) => {
                state.failure = Some((Instant::now(), error.kind(), error.to_string()));
                Err(error)
            }
        }
    }

    /// Forgets `login`, which is not accepted any more, unless it has been replaced already.
    pub async fn forget(&self, login: &Arc<Login>) {
        let mut state = self.state.lock().await;
        if state.current.as_ref().is_some_and(|known| Arc::ptr_eq(known, login)) {
            state.current = None;
        }
    }

    async fn obtain(&self) -> Result<Login, Error> {
        read(&self.http.send(self.request()?).await?)
    }

    /// Asks the identity service as this login; once more with a new token where the old one is not accepted.
    pub(crate) async fn get(&self, url: impl Fn(&Login) -> Result<Url, Error>) -> Result<Answer, Error> {
        let mut login = self.login().await?;
        let mut answer = self.http.send(self.question(&login, url(&login)?)?).await?;
        if answer.status == StatusCode::UNAUTHORIZED {
            self.forget(&login).await;
            login = self.login().await?;
            answer = self.http.send(self.question(&login, url(&login)?)?).await?;
        }
        Ok(answer)
    }

    fn question(&self, login: &Login, url: Url) -> Result<Request, Error> {
        let unusable = "a question cannot be sent";
        let mut token = HeaderValue::from_str(login.token.expose())
            .map_err(|cause| Error::new(ErrorKind::Unavailable, unusable).with_source(cause))?;
        token.set_sensitive(true);
        let request = self.http.client.request(Method::GET, url).header("x-auth-token", token).build();
        request.map_err(|cause| Error::new(ErrorKind::Unavailable, unusable).with_source(cause))
    }

    fn request(&self) -> Result<Request, Error> {
        let document = match &self.method {
            AuthMethod::Password(credentials) => with_password(credentials),
            AuthMethod::ApplicationCredential(credential) => with_credential(credential),
            AuthMethod::Exchange(credentials) => with_token(credentials),
            AuthMethod::None | AuthMethod::Token(_) | AuthMethod::HttpBasic(_) | AuthMethod::Other(_) => {
                let message = format!("the authentication method {} obtains no tokens", self.method.name());
                return Err(Error::new(ErrorKind::Unsupported, message));
            }
        };
        let url = tokens_url(self.auth_url())?;
        let request = self.http.client.request(Method::POST, url).json(&document).build();
        request.map_err(|cause| Error::new(ErrorKind::Invalid, "the credentials cannot be sent").with_source(cause))
    }
}

/// Where tokens are made and validated.
pub(crate) fn tokens_url(identity: &str) -> Result<Url, Error> {
    identity_url(identity, "auth/tokens")
}

/// A path of version 3 below the URL of an identity service with or without a version at its end.
pub(crate) fn identity_url(identity: &str, path: &str) -> Result<Url, Error> {
    let base = identity.trim_end_matches('/');
    let base = base.strip_suffix("/v3").or_else(|| base.strip_suffix("/v2.0")).unwrap_or(base);
    let url = Url::parse(&format!("{}/v3/{path}", base.trim_end_matches('/')));
    let url = url.ok().filter(|url| matches!(url.scheme(), "http" | "https") && url.has_host());
    url.ok_or_else(|| Error::new(ErrorKind::Invalid, format!("auth_url '{identity}' is no URL of an identity service")))
}

fn read(answer: &Answer) -> Result<Login, Error> {
    match answer.status {
        StatusCode::OK | StatusCode::CREATED => {}
        StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN | StatusCode::BAD_REQUEST | StatusCode::NOT_FOUND => {
            let reason = reason(&answer.body).unwrap_or_else(|| answer.status.to_string());
            return Err(Error::new(ErrorKind::Rejected, format!("the identity service refuses the login: {reason}")));
        }
        status => {
            let message = format!("the identity service answers the login with {status}");
            return Err(Error::new(ErrorKind::Unavailable, message));
        }
    }
    let token = answer.headers.get("x-subject-token").and_then(|value| value.to_str().ok());
    let token = token.ok_or_else(|| Error::new(ErrorKind::Unavailable, "the identity service gives no token"))?;
    Ok(Login { token: Secret::new(token), details: Token::parse(&answer.body)? })
}

/// What the identity service says about an error.
fn reason(body: &[u8]) -> Option<String> {
    let document: Value = serde_json::from_slice(body).ok()?;
    Some(document.get("error")?.get("message")?.as_str()?.chars().take(500).collect())
}

fn with_password(credentials: &PasswordCredentials) -> Value {
    let mut user = named(credentials.user_id.as_deref(), credentials.username.as_deref(), || {
        domain(credentials.user_domain_id.as_deref(), credentials.user_domain_name.as_deref())
    });
    user.insert("password".to_owned(), json!(credentials.password.expose()));
    document("password", json!({"user": user}), scope(&credentials.scope))
}

fn with_token(credentials: &TokenCredentials) -> Value {
    document("token", json!({"id": credentials.token.expose()}), scope(&credentials.scope))
}

fn with_credential(credential: &ApplicationCredential) -> Value {
    let mut identity = Map::new();
    match &credential.id {
        Some(id) => identity.insert("id".to_owned(), json!(id)),
        None => {
            let user = named(credential.user_id.as_deref(), credential.username.as_deref(), || {
                domain(credential.user_domain_id.as_deref(), credential.user_domain_name.as_deref())
            });
            identity.insert("name".to_owned(), json!(credential.name));
            identity.insert("user".to_owned(), Value::Object(user))
        }
    };
    identity.insert("secret".to_owned(), json!(credential.secret.expose()));
    // The scope is the credential's own.
    document("application_credential", Value::Object(identity), None)
}

fn document(method: &str, content: Value, scope: Option<Value>) -> Value {
    let mut identity = Map::from_iter([("methods".to_owned(), json!([method]))]);
    identity.insert(method.to_owned(), content);
    let mut auth = Map::from_iter([("identity".to_owned(), Value::Object(identity))]);
    if let Some(scope) = scope {
        auth.insert("scope".to_owned(), scope);
    }
    json!({"auth": auth})
}

fn scope(scope: &Scope) -> Option<Value> {
    if let Some(trust) = &scope.trust_id {
        return Some(json!({"OS-TRUST:trust": {"id": trust}}));
    }
    if scope.system.is_some() {
        return Some(json!({"system": {"all": true}}));
    }
    if scope.project_id.is_some() || scope.project_name.is_some() {
        let project = named(scope.project_id.as_deref(), scope.project_name.as_deref(), || {
            domain(scope.project_domain_id.as_deref(), scope.project_domain_name.as_deref())
        });
        return Some(json!({"project": project}));
    }
    if scope.domain_id.is_some() || scope.domain_name.is_some() {
        return Some(json!({"domain": domain(scope.domain_id.as_deref(), scope.domain_name.as_deref())}));
    }
    None
}

/// By id or, where only the name is known, by name and domain.
fn named(id: Option<&str>, name: Option<&str>, domain: impl FnOnce() -> Value) -> Map<String, Value> {
    match (id, name) {
        (None, Some(name)) => Map::from_iter([("name".to_owned(), json!(name)), ("domain".to_owned(), domain())]),
        (id, _) => Map::from_iter([("id".to_owned(), json!(id))]),
    }
}

/// A domain; without any word about it, the one that every identity service has.
fn domain(id: Option<&str>, name: Option<&str>) -> Value {
    match (id, name) {
        (Some(id), _) => json!({"id": id}),
        (None, Some(name)) => json!({"name": name}),
        (None, None) => json!({"id": "default"}),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::options::Options;

    fn body(pairs: &[(&str, &str)]) -> Value {
        let mut options = Options::new();
        options.set("auth_url", Some("http://k:5000/identity"));
        for (name, value) in pairs {
            assert!(options.set(name, Some(*value)), "{name}");
        }
        let session = Session::new(AuthMethod::from_options(&options).unwrap(), &HttpOptions::default()).unwrap();
        let request = session.request().unwrap();
        assert_eq!(request.url().as_str(), "http://k:5000/identity/v3/auth/tokens");
        serde_json::from_slice(request.body().unwrap().as_bytes().unwrap()).unwrap()
    }

    #[test]
    fn logins_have_the_form_of_the_identity_api() {
        let pairs = [("username", "u"), ("password", "p"), ("project_name", "a"), ("project_domain_name", "D")];
        let expected = json!({"auth": {
            "identity": {"methods": ["password"],
                         "password": {"user": {"name": "u", "domain": {"id": "default"}, "password": "p"}}},
            "scope": {"project": {"name": "a", "domain": {"name": "D"}}}}});
        assert_eq!(body(&pairs), expected);
        let pairs = [("user_id", "u"), ("password", "p"), ("system_scope", "all")];
        assert_eq!(body(&pairs)["auth"]["scope"], json!({"system": {"all": true}}));
        let pairs = [("application_credential_id", "i"), ("application_credential_secret", "s")];
        let expected = json!({"auth": {"identity": {"methods": ["application_credential"],
                              "application_credential": {"id": "i", "secret": "s"}}}});
        assert_eq!(body(&pairs), expected);
        let pairs = [("auth_type", "v3token"), ("token", "t"), ("project_id", "p")];
        let expected = json!({"auth": {"identity": {"methods": ["token"], "token": {"id": "t"}},
                              "scope": {"project": {"id": "p"}}}});
        assert_eq!(body(&pairs), expected);
        let pairs = [("user_id", "u"), ("password", "p"), ("trust_id", "t")];
        assert_eq!(body(&pairs)["auth"]["scope"], json!({"OS-TRUST:trust": {"id": "t"}}));
    }

    #[test]
    fn the_version_at_the_end_of_a_url_is_optional() {
        for url in ["http://k/v3", "http://k/v3/", "http://k/", "http://k", "http://k/v2.0"] {
            assert_eq!(tokens_url(url).unwrap().as_str(), "http://k/v3/auth/tokens");
        }
        assert!(tokens_url("k:5000").is_err());
        assert!(tokens_url("ftp://k").is_err());
    }
}
