//! What a token says: who, in which scope, with which roles, until when. The format is that of the Identity API v3.

use std::time::{Duration, SystemTime};

use serde::Deserialize;
use serde::de::{self, Deserializer};

use crate::catalog::Catalog;
use crate::error::{Error, ErrorKind};

/// The content of a token.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct Token {
    /// Whose it is.
    pub user: Owner,
    /// The project that it is for.
    #[serde(default)]
    pub project: Option<Owner>,
    /// The domain that it is for.
    #[serde(default)]
    pub domain: Option<Domain>,
    /// The system scope, if it is for the deployment as a whole.
    #[serde(default)]
    pub system: Option<System>,
    /// What the user may be in that scope.
    #[serde(default)]
    pub roles: Vec<Role>,
    /// Whether the project is the one of the cloud's administrators; absent where there is none in particular.
    #[serde(default)]
    pub is_admin_project: Option<bool>,
    /// When it ends.
    #[serde(deserialize_with = "time")]
    pub expires_at: SystemTime,
    /// The services that its bearer may use, where they were asked for.
    #[serde(default)]
    pub catalog: Option<Catalog>,
    /// The application credential that it comes from.
    #[serde(default)]
    pub application_credential: Option<IssuedCredential>,
    /// The trust that it comes from.
    #[serde(default, rename = "OS-TRUST:trust")]
    pub trust: Option<Trust>,
}

/// A user or a project, with the domain that it belongs to.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct Owner {
    /// Its id.
    pub id: String,
    /// Its name.
    #[serde(default)]
    pub name: Option<String>,
    /// Its domain.
    #[serde(default)]
    pub domain: Option<Domain>,
}

/// A domain.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct Domain {
    /// Its id.
    #[serde(default)]
    pub id: Option<String>,
    /// Its name.
    #[serde(default)]
    pub name: Option<String>,
}

/// A system scope.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
pub struct System {
    /// Whether it is about everything.
    #[serde(default)]
    pub all: bool,
}

/// A role.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct Role {
    /// Its name.
    pub name: String,
}

/// The application credential behind a token.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct IssuedCredential {
    /// Its id.
    pub id: String,
    /// The only requests that it is good for, if it is limited to some.
    #[serde(default)]
    pub access_rules: Option<Vec<AccessRule>>,
}

/// A request that an application credential is good for.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct AccessRule {
    /// The type of the service, such as `image`.
    pub service: String,
    /// The method.
    pub method: String,
    /// The path; `*` and `{name}` stand for one segment, `**` for any number.
    pub path: String,
}

/// The trust behind a token.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct Trust {
    /// Its id.
    pub id: String,
}

#[derive(Deserialize)]
struct Document {
    token: Token,
}

impl Token {
    /// Reads the document that the Identity API answers with.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Unavailable`] when it is no such document.
    pub fn parse(body: &[u8]) -> Result<Self, Error> {
        let document: Document = serde_json::from_slice(body).map_err(|cause| {
            // The text of the cause may quote the answer, so only its place is told.
            let place = format!("line {}, column {}", cause.line(), cause.column());
            Error::new(ErrorKind::Unavailable, format!("the identity service's answer is not a token ({place})"))
        })?;
        Ok(document.token)
    }

    /// Whether it ends within `margin` from now.
    #[must_use]
    pub fn ends_within(&self, margin: Duration) -> bool {
        self.expires_at <= SystemTime::now() + margin
    }

    /// The names of its roles.
    pub fn role_names(&self) -> impl Iterator<Item = &str> {
        self.roles.iter().map(|role| role.name.as_str())
    }

    /// Whether its bearer may send this request to a service of the type `service`.
    ///
    /// Only tokens of application credentials with access rules are limited. Those are good for nothing where the
    /// service does not know its own type, or the catalogue has no such service. A request that comes with a service
    /// token continues one that was allowed.
    #[must_use]
    pub fn allows(&self, request: &AllowedRequest<'_>) -> bool {
        let Some(rules) = self.application_credential.as_ref().and_then(|given| given.access_rules.as_ref()) else {
            return true;
        };
        let Some(service) = request.service else { return false };
        if !self.catalog.as_ref().is_some_and(|catalog| catalog.has(service)) {
            return false;
        }
        let matches = |rule: &AccessRule| {
            rule.service == service && rule.method == request.method && matches_path(&rule.path, request.path)
        };
        request.continues || rules.iter().any(matches)
    }
}

/// A request, as access rules look at it.
#[derive(Debug, Clone, Copy)]
pub struct AllowedRequest<'a> {
    /// The type of the service that was asked.
    pub service: Option<&'a str>,
    /// The method.
    pub method: &'a str,
    /// The path.
    pub path: &'a str,
    /// Whether a service sent it on behalf of the user, with a token of its own beside the user's.
    pub continues: bool,
}

/// Whether `path` fits a pattern in which `*` and `{name}` stand for one segment (or a part of it), and `**` for
/// anything.
fn matches_path(pattern: &str, path: &str) -> bool {
    let Some(at) = pattern.find(['*', '{']) else { return pattern == path };
    let Some(rest) = path.strip_prefix(&pattern[..at]) else { return false };
    let pattern = &pattern[at..];
    let (after, deep) = match pattern.strip_prefix("**") {
        Some(after) => (after, true),
        None if pattern.starts_with('*') => (&pattern[1..], false),
        None => (pattern.split_once('}').map_or("", |(_, after)| after), false),
    };
    let longest = if deep { rest.len() } else { rest.find('/').unwrap_or(rest.len()) };
    let shortest = usize::from(!deep);
    let ends = (shortest..=longest).filter(|end| rest.is_char_boundary(*end));
    ends.into_iter().any(|end| matches_path(after, &rest[end..]))
}

fn time<'de, D: Deserializer<'de>>(deserializer: D) -> Result<SystemTime, D::Error> {
    let text = String::deserialize(deserializer)?;
    let time = chrono::DateTime::parse_from_rfc3339(&text).map_err(de::Error::custom)?;
    Ok(time.into())
}

#[cfg(test)]
mod tests {
    use super::*;

    const TOKEN: &str = r#"{"token": {"methods": ["password"], "user": {"id": "u", "name": "Ann",
        "domain": {"id": "default", "name": "Default"}, "password_expires_at": null}, "audit_ids": ["x"],
        "expires_at": "2030-01-02T03:04:05.000000Z", "issued_at": "2029-01-02T03:04:05.000000Z",
        "project": {"id": "p", "name": "Proj", "domain": {"id": "default", "name": "Default"}}, "is_domain": false,
        "roles": [{"id": "1", "name": "member"}], "application_credential": {"id": "a", "name": "n",
        "restricted": true, "access_rules": [{"id": "r", "service": "image", "method": "GET", "path": "/v2/images/*"}]},
        "catalog": [{"type": "image", "id": "i", "name": "glance", "endpoints": []}]}}"#;

    fn request<'a>(method: &'a str, path: &'a str) -> AllowedRequest<'a> {
        AllowedRequest { service: Some("image"), method, path, continues: false }
    }

    #[test]
    fn a_token_is_read() {
        let token = Token::parse(TOKEN.as_bytes()).unwrap();
        assert_eq!(token.user.id, "u");
        assert_eq!(token.project.as_ref().unwrap().name.as_deref(), Some("Proj"));
        assert_eq!(token.role_names().collect::<Vec<_>>(), ["member"]);
        let since_1970 = token.expires_at.duration_since(SystemTime::UNIX_EPOCH).unwrap();
        assert_eq!(since_1970.as_secs(), 1_893_553_445);
        assert_eq!((token.system, token.is_admin_project), (None, None));
    }

    #[test]
    fn garbage_is_no_token_and_is_not_quoted() {
        for text in ["", "null", "[]", r#"{"token": {}}"#, r#"{"token": {"user": "s3cret"}}"#, &TOKEN[..200]] {
            let error = Token::parse(text.as_bytes()).unwrap_err();
            assert_eq!(error.kind(), ErrorKind::Unavailable);
            assert!(!error.to_string().contains("s3cret"));
        }
    }

    #[test]
    fn access_rules_limit_what_a_token_is_good_for() {
        let token = Token::parse(TOKEN.as_bytes()).unwrap();
        assert!(token.allows(&request("GET", "/v2/images/1")));
        assert!(!token.allows(&request("DELETE", "/v2/images/1")));
        assert!(!token.allows(&request("GET", "/v2/images/1/file")));
        assert!(!token.allows(&AllowedRequest { service: None, ..request("GET", "/v2/images/1") }));
        assert!(!token.allows(&AllowedRequest { service: Some("volume"), ..request("GET", "/v2/images/1") }));
        assert!(token.allows(&AllowedRequest { continues: true, ..request("PUT", "/x") }));
    }

    #[test]
    fn patterns_of_paths() {
        let cases = [
            ("/v2/images", "/v2/images", true),
            ("/v2/images", "/v2/images/", false),
            ("/v2/images/{id}", "/v2/images/é", true),
            ("/v2/images/{id}/file", "/v2/images/a/file", true),
            ("/v2/images/{id}/file", "/v2/images/a/b/file", false),
            ("/v2/**", "/v2/a/b/c", true),
            ("/v2/**/file", "/v2/a/b/file", true),
            ("/v2/*", "/v2/", false),
            ("/v2/**", "/v2/", true),
            ("*", "/", false),
            ("/v2/{broken", "/v2/x", true),
        ];
        for (pattern, path, expected) in cases {
            assert_eq!(matches_path(pattern, path), expected, "{pattern} {path}");
        }
    }
}
