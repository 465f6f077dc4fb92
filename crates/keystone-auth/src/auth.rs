//! How a client proves who it is.

use base64::Engine as _;

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
    /// Another token is obtained with a token.
    Exchange(Box<TokenCredentials>),
    /// Name and password are sent with each request, without an identity service.
    HttpBasic(Box<BasicCredentials>),
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
    pub trust_id: Option<String>,
}

/// A token, and the scope of the one to be had for it.
#[derive(Debug, Clone, PartialEq, Eq)]
#[expect(missing_docs, reason = "the names of the identity service's own documentation")]
pub struct TokenCredentials {
    pub auth_url: String,
    pub token: Secret,
    pub scope: Scope,
}

/// A name and a password for HTTP's basic authentication.
#[derive(Debug, Clone, PartialEq, Eq)]
#[expect(missing_docs, reason = "the names say it")]
pub struct BasicCredentials {
    pub username: String,
    pub password: Secret,
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

impl BasicCredentials {
    /// The value of the `Authorization` header.
    #[must_use]
    pub fn header(&self) -> Secret {
        let pair = format!("{}:{}", self.username, self.password.expose());
        Secret::new(format!("Basic {}", base64::engine::general_purpose::STANDARD.encode(pair)))
    }
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
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Incomplete`] when an option is missing.
    pub fn from_options(options: &Options) -> Result<Self, Error> {
        match options.get("auth_type") {
            Some("none" | "noauth") => Ok(Self::None),
            Some("http_basic") => http_basic(options),
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

    /// What keystoneauth calls the method.
    #[must_use]
    pub fn name(&self) -> &str {
        match self {
            Self::None => "none",
            Self::Token(_) => "admin_token",
            Self::Exchange(_) => "v3token",
            Self::HttpBasic(_) => "http_basic",
            Self::Password(_) => "password",
            Self::ApplicationCredential(_) => "v3applicationcredential",
            Self::Other(name) => name,
        }
    }

    /// The URL of the identity service, for the methods that need one.
    #[must_use]
    pub fn auth_url(&self) -> Option<&str> {
        match self {
            Self::Exchange(credentials) => Some(&credentials.auth_url),
            Self::Password(credentials) => Some(&credentials.auth_url),
            Self::ApplicationCredential(credential) => Some(&credential.auth_url),
            Self::None | Self::Token(_) | Self::HttpBasic(_) | Self::Other(_) => None,
        }
    }
}

/// A token as it is, where the service's address is given; else one from the identity service, with a catalogue.
fn token(options: &Options) -> Result<AuthMethod, Error> {
    let token = Secret::new(require(options, "token", "--os-auth-token", "OS_AUTH_TOKEN")?);
    let as_it_is = options.get("auth_type") == Some("admin_token") || options.get("endpoint").is_some();
    match options.owned("auth_url").filter(|_| !as_it_is) {
        None => Ok(AuthMethod::Token(token)),
        Some(auth_url) => {
            Ok(AuthMethod::Exchange(Box::new(TokenCredentials { auth_url, token, scope: scope(options) })))
        }
    }
}

fn http_basic(options: &Options) -> Result<AuthMethod, Error> {
    Ok(AuthMethod::HttpBasic(Box::new(BasicCredentials {
        username: require(options, "username", "--os-username", "OS_USERNAME")?,
        password: Secret::new(require(options, "password", "--os-password", "OS_PASSWORD")?),
    })))
}

fn password(options: &Options) -> Result<AuthMethod, Error> {
    if !options.any(&["username", "user_id"]) {
        require(options, "username", "--os-username", "OS_USERNAME")?;
    }
    let (user_domain_id, user_domain_name) = domain(options, "user_domain_id", "user_domain_name");
    Ok(AuthMethod::Password(Box::new(PasswordCredentials {
        auth_url: require(options, "auth_url", "--os-auth-url", "OS_AUTH_URL")?,
        username: options.owned("username"),
        user_id: options.owned("user_id"),
        user_domain_id,
        user_domain_name,
        password: Secret::new(require(options, "password", "--os-password", "OS_PASSWORD")?),
        scope: scope(options),
    })))
}

fn scope(options: &Options) -> Scope {
    let (project_domain_id, project_domain_name) = domain(options, "project_domain_id", "project_domain_name");
    Scope {
        project_id: options.owned("project_id"),
        project_name: options.owned("project_name"),
        project_domain_id,
        project_domain_name,
        domain_id: options.owned("domain_id"),
        domain_name: options.owned("domain_name"),
        system: options.owned("system_scope"),
        trust_id: options.owned("trust_id"),
    }
}

/// The id and the name of a domain; the default one where neither is given.
fn domain(options: &Options, id: &str, name: &str) -> (Option<String>, Option<String>) {
    if options.any(&[id, name]) {
        return (options.owned(id), options.owned(name));
    }
    (options.owned("default_domain_id"), options.owned("default_domain_name"))
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
            assert_eq!(resolve(&pairs).unwrap(), AuthMethod::Token(Secret::new("t")));
        }
    }

    #[test]
    fn none_by_name_ignores_credentials() {
        assert_eq!(resolve(&[("auth_type", "none"), ("token", "t")]).unwrap(), AuthMethod::None);
    }

    #[test]
    fn a_token_is_exchanged_where_it_does_not_suffice() {
        let pairs = [("auth_type", "v3token"), ("token", "t"), ("auth_url", "http://k")];
        assert!(matches!(resolve(&pairs).unwrap(), AuthMethod::Exchange(_)));
        let pairs = [("token", "t"), ("auth_url", "http://k"), ("endpoint", "http://i")];
        assert_eq!(resolve(&pairs).unwrap(), AuthMethod::Token(Secret::new("t")));
    }

    #[test]
    fn debug_output_shows_no_password() {
        let method = resolve(&[("auth_url", "http://k"), ("username", "u"), ("password", "hunter2")]).unwrap();
        assert!(!format!("{method:?}").contains("hunter2"));
        let method = resolve(&[("auth_type", "http_basic"), ("username", "u"), ("password", "hunter2")]).unwrap();
        let AuthMethod::HttpBasic(basic) = &method else { panic!("a name and a password") };
        assert_eq!(basic.header().expose(), "Basic dTpodW50ZXIy");
        assert!(!format!("{method:?}").contains("hunter2"));
    }

    #[test]
    fn the_default_domain_is_that_of_user_and_project() {
        let pairs = [("auth_url", "k"), ("username", "u"), ("password", "p"), ("default_domain_id", "d")];
        let AuthMethod::Password(credentials) = resolve(&pairs).unwrap() else { panic!("a password") };
        assert_eq!(credentials.user_domain_id.as_deref(), Some("d"));
        assert_eq!(credentials.scope.project_domain_id.as_deref(), Some("d"));
    }

    #[test]
    fn an_application_credential_is_recognised_without_its_name() {
        let pairs =
            [("auth_url", "http://k"), ("application_credential_id", "i"), ("application_credential_secret", "s")];
        let method = resolve(&pairs).unwrap();
        assert!(
            matches!(&method, AuthMethod::ApplicationCredential(credential) if credential.id.as_deref() == Some("i"))
        );
    }

    #[test]
    fn missing_parts_name_the_option() {
        let error = resolve(&[("auth_url", "http://k"), ("username", "u")]).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Incomplete);
        assert!(error.to_string().contains("--os-password"), "{error}");
    }

    #[test]
    fn an_unknown_method_is_kept() {
        let method = resolve(&[("auth_type", "v3oidcpassword")]).unwrap();
        assert_eq!(method.name(), "v3oidcpassword");
    }
}
