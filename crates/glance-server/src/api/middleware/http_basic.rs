//! HTTP's basic authentication against a file of users, for a service without Keystone.
//!
//! Lines are `name:hash`, as `htpasswd -nbB` writes them (bcrypt only), or `name:hash:project:role,role`. A user without
//! a project is an administrator of the project `default`, as with Ironic's stand-alone service.

use std::collections::HashMap;
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use anyhow::{Context as _, bail};
use axum::body::Body;
use axum::response::Response;
use base64::Engine as _;
use http::header::{AUTHORIZATION, CONTENT_TYPE, HeaderValue, WWW_AUTHENTICATE};
use http::{HeaderMap, Request, StatusCode};
use tokio::sync::Semaphore;

use super::Authenticated;
use crate::app::identity::Identity;

/// How long a password that was right is not computed again.
const KEEP: Duration = Duration::from_secs(300);

/// How many of those are kept.
const MOST: usize = 1024;

/// The longest `Authorization` header that is looked at, in bytes.
const LONGEST: usize = 1024;

/// The users.
#[derive(Clone)]
pub struct HttpBasic {
    users: Arc<HashMap<String, User>>,
    known: Arc<Mutex<HashMap<[u8; 32], Instant>>>,
    /// Checking a password is expensive by design, so only so many are checked at a time.
    checks: Arc<Semaphore>,
}

#[derive(Clone)]
struct User {
    hash: String,
    project: String,
    roles: Vec<String>,
}

impl std::fmt::Debug for HttpBasic {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("HttpBasic").field("users", &self.users.len()).finish_non_exhaustive()
    }
}

impl HttpBasic {
    /// Reads the file of users.
    ///
    /// # Errors
    /// When it cannot be read, or a line is wrong.
    pub fn read(path: &Path) -> anyhow::Result<Self> {
        let text = std::fs::read_to_string(path).with_context(|| format!("cannot read {}", path.display()))?;
        let mut users = HashMap::new();
        let lines = text.lines().enumerate().map(|(index, line)| (index + 1, line.trim()));
        for (number, line) in lines.filter(|(_, line)| !line.is_empty() && !line.starts_with('#')) {
            let (name, user) = user(line).with_context(|| format!("{}:{number}", path.display()))?;
            users.insert(name, user);
        }
        let cores = std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
        Ok(Self { users: Arc::new(users), known: Arc::default(), checks: Arc::new(Semaphore::new(cores)) })
    }

    /// Finds out who asks.
    ///
    /// # Errors
    /// The answer to a request without a good name and password.
    pub async fn check(&self, request: &mut Request<Body>) -> Result<(), Box<Response>> {
        let Some((name, password)) = credentials(request.headers()) else {
            return Err(refuse("Authorization required"));
        };
        let Some(user) = self.authenticate(&name, password).await else {
            return Err(refuse("Incorrect username or password"));
        };
        let identity = Identity {
            user_id: Some(name.clone()),
            user_name: Some(name),
            project_id: Some(user.project.clone()),
            project_name: Some(user.project),
            roles: user.roles,
            ..Identity::default()
        };
        request.extensions_mut().insert(Authenticated(Some(Arc::new(identity))));
        Ok(())
    }

    async fn authenticate(&self, name: &str, password: String) -> Option<User> {
        let user = self.users.get(name);
        // A name that does not exist takes as long as one that does.
        let hash = user.or_else(|| self.users.values().next())?.hash.clone();
        let digest = openssl::sha::sha256(format!("{hash}\0{name}\0{password}").as_bytes());
        let known = self.known.lock().unwrap_or_else(PoisonError::into_inner).get(&digest).copied();
        if known.is_none_or(|since| since.elapsed() > KEEP) {
            let _turn = self.checks.acquire().await.ok()?;
            let right = tokio::task::spawn_blocking(move || bcrypt::verify(password, &hash)).await;
            if !matches!(right, Ok(Ok(true))) {
                return None;
            }
            user?;
            self.remember(digest);
        }
        user.cloned()
    }

    fn remember(&self, digest: [u8; 32]) {
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        if known.len() >= MOST {
            known.clear();
        }
        known.insert(digest, Instant::now());
    }
}

fn user(line: &str) -> anyhow::Result<(String, User)> {
    let mut parts = line.splitn(4, ':');
    let (Some(name), Some(hash)) = (parts.next().filter(|name| !name.is_empty()), parts.next()) else {
        bail!("a line is name:hash or name:hash:project:roles");
    };
    let is_bcrypt = ["$2a$", "$2b$", "$2x$", "$2y$"].iter().any(|prefix| hash.starts_with(prefix));
    if !is_bcrypt || hash.len() != 60 {
        bail!("only bcrypt hashes are accepted: htpasswd -nbB NAME PASSWORD makes one");
    }
    let project = parts.next().filter(|project| !project.is_empty()).unwrap_or("default").to_owned();
    let roles = parts.next().unwrap_or("admin");
    let roles = roles.split(',').map(|role| role.trim().to_owned()).filter(|role| !role.is_empty()).collect();
    Ok((name.to_owned(), User { hash: hash.to_owned(), project, roles }))
}

fn credentials(headers: &HeaderMap) -> Option<(String, String)> {
    let header = headers.get(AUTHORIZATION)?.to_str().ok().filter(|header| header.len() <= LONGEST)?;
    let (scheme, encoded) = header.trim().split_once(' ')?;
    if !scheme.eq_ignore_ascii_case("basic") {
        return None;
    }
    let decoded = base64::engine::general_purpose::STANDARD.decode(encoded.trim()).ok()?;
    let (name, password) = std::str::from_utf8(&decoded).ok()?.split_once(':')?;
    Some((name.to_owned(), password.to_owned()))
}

fn refuse(message: &str) -> Box<Response> {
    let document = serde_json::json!({"error": {"message": message, "code": 401}});
    let mut response = Response::new(Body::from(document.to_string()));
    *response.status_mut() = StatusCode::UNAUTHORIZED;
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    response.headers_mut().insert(WWW_AUTHENTICATE, HeaderValue::from_static("Basic realm=\"Image API\""));
    Box::new(response)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn users_come_from_the_file() {
        let file = tempfile::NamedTempFile::new().unwrap();
        let hash = bcrypt::hash("right", 4).unwrap();
        std::fs::write(file.path(), format!("# users\n\nann:{hash}\nbob:{hash}:lab:member, reader\n")).unwrap();
        let basic = HttpBasic::read(file.path()).unwrap();
        for _ in 0..2 {
            assert_eq!(basic.authenticate("ann", "right".to_owned()).await.unwrap().roles, ["admin"]);
        }
        let bob = basic.authenticate("bob", "right".to_owned()).await.unwrap();
        assert_eq!((bob.project.as_str(), bob.roles), ("lab", vec!["member".to_owned(), "reader".to_owned()]));
        assert!(basic.authenticate("ann", "wrong".to_owned()).await.is_none());
        assert!(basic.authenticate("eve", "right".to_owned()).await.is_none());
        assert!(!format!("{basic:?}").contains("$2"));
    }

    #[test]
    fn a_wrong_line_is_named() {
        let file = tempfile::NamedTempFile::new().unwrap();
        for line in ["ann", "ann:plain", ":x", "ann:$2y$10$short"] {
            std::fs::write(file.path(), format!("\n{line}\n")).unwrap();
            let error = format!("{:#}", HttpBasic::read(file.path()).unwrap_err());
            assert!(error.contains(":2: "), "{error}");
            assert!(!error.contains("plain") && !error.contains("short"), "{error}");
        }
    }

    #[test]
    fn headers_are_decoded() {
        let header = |value: &'static str| HeaderMap::from_iter([(AUTHORIZATION, HeaderValue::from_static(value))]);
        assert_eq!(credentials(&header("basic YTpiOmM=")), Some(("a".to_owned(), "b:c".to_owned())));
        for value in ["Basic", "Basic !", "Basic YQ==", "Bearer YTpiOmM=", "Basic /w=="] {
            assert_eq!(credentials(&header(value)), None, "{value}");
        }
    }
}
