//! How a client proves who it is.

use crate::error::{Error, ErrorKind};
use crate::options::Options;
use crate::secret::Secret;

/// An authentication method with everything it needs.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum AuthMethod {
    /// No credentials are sent.
    None,
    /// A token that somebody else obtained is sent as it is.
    Token(Secret),
    /// A token is obtained with a user name and a password.
    Password(Box<PasswordCredentials>),
    /// A token is obtained with an application credential.
    ApplicationCredential(Box<ApplicationCredential>),
    /// A method of this name, about which nothing more is known.
    Other(String),
}

/// What a token is asked for.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
#[expect(missing_docs, reason = "the names of the identity service's own documentation")]
pub struct Scope {
    pub project_id: Option<String>,
    pub project_name: Option<String>,
    pub project_domain_id: Option<String>,
    pub project_domain_name: Option<String>,
    pub domain_id: Option<String>,
    pub domain_name: Option<String>,
    pub system: Option<String>,
}

/// A user, a password and the scope of the token.
#[derive(Debug, Clone, PartialEq, Eq)]
#[expect(missing_docs, reason = "the names of the identity service's own documentation")]
pub struct PasswordCredentials {
    pub auth_url: String,
    pub username: Option<String>,
    pub user_id: Option<String>,
    pub user_domain_id: Option<String>,
    pub user_domain_name: Option<String>,
    pub password: Secret,
    pub scope: Scope,
}

/// An application credential: by id, or by name and user.
#[derive(Debug, Clone, PartialEq, Eq)]
#[expect(missing_docs, reason = "the names of the identity service's own documentation")]
pub struct ApplicationCredential {
    pub auth_url: String,
    pub id: Option<String>,
    pub name: Option<String>,
    pub username: Option<String>,
    pub user_id: Option<String>,
    pub user_domain_id: Option<String>,
    pub user_domain_name: Option<String>,
    pub secret: Secret,
}

const APPLICATION_CREDENTIAL: &[&str] =
    &["application_credential_id", "application_credential_name", "application_credential_secret"];
const PASSWORD: &[&str] = &["username", "user_id", "password", "auth_url"];

impl AuthMethod {
    /// The method that `options` ask for by name or, without a name, by the credentials they hold.
    pub(crate) fn from_options(options: &Options) -> Result<Self, Error> {
        match options.get("auth_type") {
            Some("none" | "noauth") => Ok(Self::None),
            // A token at hand beats a way to get one, which may be left over in the variables or the file.
            _ if options.get("token").is_some() => token(options),
            Some("token" | "v3token" | "v2token" | "admin_token") => token(options),
            Some("password" | "v3password" | "v2password") => password(options),
            Some("v3applicationcredential") => application_credential(options),
            Some(other) => Ok(Self::Other(other.to_owned())),
            None if options.any(APPLICATION_CREDENTIAL) => application_credential(options),
            None if options.any(PASSWORD) => password(options),
            None => Ok(Self::None),
        }
    }

    /// The token to send, or `None` when no credentials are sent.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Unsupported`] for a method which would first have to ask the identity service for a token.
    pub fn given_token(&self) -> Result<Option<&Secret>, Error> {
        let method = match self {
            Self::None => return Ok(None),
            Self::Token(token) => return Ok(Some(token)),
            Self::Password(_) => "password",
            Self::ApplicationCredential(_) => "v3applicationcredential",
            Self::Other(name) => name,
        };
        let message =
            format!("authentication with '{method}' is not supported yet: use --os-auth-type none or a token");
        Err(Error::new(ErrorKind::Unsupported, message))
    }
}

fn token(options: &Options) -> Result<AuthMethod, Error> {
    require(options, "token", "--os-auth-token", "OS_AUTH_TOKEN").map(|token| AuthMethod::Token(Secret::new(token)))
}

fn password(options: &Options) -> Result<AuthMethod, Error> {
    if !options.any(&["username", "user_id"]) {
        require(options, "username", "--os-username", "OS_USERNAME")?;
    }
    Ok(AuthMethod::Password(Box::new(PasswordCredentials {
        auth_url: require(options, "auth_url", "--os-auth-url", "OS_AUTH_URL")?,
        username: options.owned("username"),
        user_id: options.owned("user_id"),
        user_domain_id: options.owned("user_domain_id"),
        user_domain_name: options.owned("user_domain_name"),
        password: Secret::new(require(options, "password", "--os-password", "OS_PASSWORD")?),
        scope: Scope {
            project_id: options.owned("project_id"),
            project_name: options.owned("project_name"),
            project_domain_id: options.owned("project_domain_id"),
            project_domain_name: options.owned("project_domain_name"),
            domain_id: options.owned("domain_id"),
            domain_name: options.owned("domain_name"),
            system: options.owned("system_scope"),
        },
    })))
}

fn application_credential(options: &Options) -> Result<AuthMethod, Error> {
    if options.get("application_credential_name").is_none() {
        let variable = "OS_APPLICATION_CREDENTIAL_ID";
        require(options, "application_credential_id", "--os-application-credential-id", variable)?;
    }
    let flag = "--os-application-credential-secret";
    let variable = "OS_APPLICATION_CREDENTIAL_SECRET";
    Ok(AuthMethod::ApplicationCredential(Box::new(ApplicationCredential {
        auth_url: require(options, "auth_url", "--os-auth-url", "OS_AUTH_URL")?,
        id: options.owned("application_credential_id"),
        name: options.owned("application_credential_name"),
        username: options.owned("username"),
        user_id: options.owned("user_id"),
        user_domain_id: options.owned("user_domain_id"),
        user_domain_name: options.owned("user_domain_name"),
        secret: Secret::new(require(options, "application_credential_secret", flag, variable)?),
    })))
}

fn require(options: &Options, name: &str, flag: &str, variable: &str) -> Result<String, Error> {
    options.owned(name).ok_or_else(|| {
        let what = name.replace('_', " ");
        Error::new(ErrorKind::Incomplete, format!("You must provide a {what} via either {flag} or env[{variable}]"))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn resolve(pairs: &[(&str, &str)]) -> Result<AuthMethod, Error> {
        let mut options = Options::new();
        for (name, value) in pairs {
            assert!(options.set(name, Some(*value)), "{name}");
        }
        AuthMethod::from_options(&options)
    }

    #[test]
    fn nothing_given_means_no_authentication() {
        assert_eq!(resolve(&[]).unwrap(), AuthMethod::None);
        assert_eq!(resolve(&[("endpoint", "http://x")]).unwrap(), AuthMethod::None);
    }

    #[test]
    fn a_token_comes_before_a_password() {
        for auth_type in ["", "password", "v3applicationcredential"] {
            let pairs = [("auth_type", auth_type), ("token", "t"), ("username", "u"), ("password", "p")];
            assert_eq!(resolve(&pairs).unwrap().given_token().unwrap(), Some(&Secret::new("t")));
        }
    }

    #[test]
    fn none_by_name_ignores_credentials() {
        assert_eq!(resolve(&[("auth_type", "none"), ("token", "t")]).unwrap(), AuthMethod::None);
    }

    #[test]
    fn a_password_parses_and_is_reported_as_unsupported() {
        let method = resolve(&[("auth_url", "http://k"), ("username", "u"), ("password", "hunter2")]).unwrap();
        assert!(!format!("{method:?}").contains("hunter2"));
        let error = method.given_token().unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Unsupported);
        assert!(error.to_string().contains("not supported yet: use --os-auth-type none or a token"), "{error}");
    }

    #[test]
    fn an_application_credential_is_recognised_without_its_name() {
        let pairs =
            [("auth_url", "http://k"), ("application_credential_id", "i"), ("application_credential_secret", "s")];
        let method = resolve(&pairs).unwrap();
        assert!(
            matches!(&method, AuthMethod::ApplicationCredential(credential) if credential.id.as_deref() == Some("i"))
        );
        assert_eq!(method.given_token().unwrap_err().kind(), ErrorKind::Unsupported);
    }

    #[test]
    fn missing_parts_name_the_option() {
        let error = resolve(&[("auth_url", "http://k"), ("username", "u")]).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Incomplete);
        assert!(error.to_string().contains("--os-password"), "{error}");
    }

    #[test]
    fn an_unknown_method_is_kept_and_refused() {
        let method = resolve(&[("auth_type", "v3oidcpassword")]).unwrap();
        assert!(method.given_token().unwrap_err().to_string().contains("v3oidcpassword"));
    }
}
