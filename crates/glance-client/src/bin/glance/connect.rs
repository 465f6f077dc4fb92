//! From options, variables and `clouds.yaml` to a client.

use std::fs;
use std::path::Path;
use std::time::Duration;

use glance_client::Client;
use keystone_auth::{AuthMethod, Catalog, CloudConfig, Environment, HttpOptions, Secret, Session, Tls};

use crate::args::{GlobalArgs, IdentityArgs};
use crate::failure::{Failure, complain};

/// Where an image service without any configuration listens.
const DEFAULT_ENDPOINT: &str = "http://127.0.0.1:9292";

/// The client that `args` describe, logged in where that is called for.
pub(crate) async fn client(args: &GlobalArgs, environment: &Environment) -> Result<Client, Failure> {
    check_version(args.os_image_api_version.as_deref().or(environment.get("OS_IMAGE_API_VERSION")))?;
    let timeout = Duration::try_from_secs_f64(args.timeout)
        .map_err(|_| Failure::Usage(format!("--timeout: {} is not a number of seconds", args.timeout)))?;
    let cloud = CloudConfig::resolve(flags(args), environment)?;
    let access = access(&cloud, timeout).await?;
    let mut builder = Client::builder(access.endpoint).timeout(timeout);
    builder = match &access.credentials {
        Credentials::None => builder,
        Credentials::Token(token) => builder.token(token.expose()),
        Credentials::Basic(header) => builder.header("authorization", header.expose()),
    };
    if args.debug || environment.get("GLANCECLIENT_DEBUG").is_some() {
        builder = builder.log(complain);
    }
    Ok(protect(builder, &cloud.tls)?.build()?)
}

/// Where the service is, and what it is shown.
struct Access {
    endpoint: String,
    credentials: Credentials,
}

enum Credentials {
    None,
    Token(Secret),
    Basic(Secret),
}

async fn access(cloud: &CloudConfig, timeout: Duration) -> Result<Access, Failure> {
    let given = || cloud.endpoint.clone();
    match &cloud.auth {
        AuthMethod::None => {
            let endpoint = given().unwrap_or_else(|| DEFAULT_ENDPOINT.to_owned());
            Ok(Access { endpoint, credentials: Credentials::None })
        }
        AuthMethod::HttpBasic(basic) => {
            let endpoint = given().unwrap_or_else(|| DEFAULT_ENDPOINT.to_owned());
            Ok(Access { endpoint, credentials: Credentials::Basic(basic.header()) })
        }
        AuthMethod::Token(token) => {
            let text = "A token alone does not say where the image service is: give --os-image-url or \
                        env[OS_IMAGE_URL], or --os-auth-url or env[OS_AUTH_URL]";
            let endpoint = given().ok_or_else(|| Failure::message(text))?;
            Ok(Access { endpoint, credentials: Credentials::Token(token.clone()) })
        }
        AuthMethod::Other(name) => {
            let text = format!(
                "authentication with '{name}' is not supported: use password, token, v3applicationcredential, \
                 http_basic or none"
            );
            Err(Failure::message(text))
        }
        method => log_in(method.clone(), cloud, timeout).await,
    }
}

/// Asks the identity service for a token and, where nobody said it, for the place of the image service.
async fn log_in(method: AuthMethod, cloud: &CloudConfig, timeout: Duration) -> Result<Access, Failure> {
    let options = HttpOptions { tls: cloud.tls.clone(), timeout, retries: 0, ..HttpOptions::default() };
    let login = Session::new(method, &options)?.login().await?;
    let endpoint = match &cloud.endpoint {
        Some(endpoint) => endpoint.clone(),
        None => look_up(login.details.catalog.as_ref(), cloud)?,
    };
    Ok(Access { endpoint, credentials: Credentials::Token(login.token.clone()) })
}

fn look_up(catalog: Option<&Catalog>, cloud: &CloudConfig) -> Result<String, Failure> {
    let kind = cloud.service_type.as_deref().unwrap_or("image");
    let interface = cloud.interface;
    let found = catalog.and_then(|catalog| catalog.url(kind, interface, cloud.region.as_deref()));
    found.map(str::to_owned).ok_or_else(|| {
        let region = cloud.region.as_deref().map(|region| format!(" in region {region}")).unwrap_or_default();
        let scope = if catalog.is_none() { "; the token has no catalog: name a project" } else { "" };
        Failure::message(format!("{} endpoint for {kind} service{region} not found{scope}", interface.name()))
    })
}

fn protect(mut builder: glance_client::ClientBuilder, tls: &Tls) -> Result<glance_client::ClientBuilder, Failure> {
    if tls.insecure {
        builder = builder.danger_accept_any_certificate();
    } else if let Some(bundle) = &tls.cacert {
        builder = builder.authorities(read(bundle)?);
    }
    if let Some(certificate) = &tls.cert {
        let mut pem = read(certificate)?;
        if let Some(key) = &tls.key {
            pem.push(b'\n');
            pem.extend(read(key)?);
        }
        builder = builder.identity(pem);
    }
    Ok(builder)
}

fn read(path: &Path) -> Result<Vec<u8>, Failure> {
    fs::read(path).map_err(|error| Failure::message(format!("{}: {error}", path.display())))
}

fn check_version(version: Option<&str>) -> Result<(), Failure> {
    match version {
        None | Some("2") => Ok(()),
        Some(_) => Err(Failure::message("Invalid API version parameter. Supported values are [2]")),
    }
}

fn flags(args: &GlobalArgs) -> keystone_auth::Options {
    let IdentityArgs { auth_type, auth_url, username, user_id, user_domain_name, user_domain_id, password, .. } =
        &args.identity;
    let mut options = keystone_auth::Options::new();
    let settings = [
        ("cloud", &args.os_cloud),
        ("endpoint", &args.os_image_url),
        ("token", &args.os_auth_token),
        ("region_name", &args.os_region_name),
        ("interface", &args.os_endpoint_type),
        ("service_type", &args.os_service_type),
        ("cacert", &args.os_cacert),
        ("cert", &args.os_cert),
        ("key", &args.os_key),
        ("auth_type", auth_type),
        ("auth_url", auth_url),
        ("username", username),
        ("user_id", user_id),
        ("user_domain_name", user_domain_name),
        ("user_domain_id", user_domain_id),
        ("password", password),
        ("project_name", &args.identity.project_name),
        ("project_id", &args.identity.project_id),
        ("project_domain_name", &args.identity.project_domain_name),
        ("project_domain_id", &args.identity.project_domain_id),
        ("domain_name", &args.identity.domain_name),
        ("domain_id", &args.identity.domain_id),
        ("system_scope", &args.identity.system_scope),
        ("application_credential_id", &args.identity.application_credential_id),
        ("application_credential_name", &args.identity.application_credential_name),
        ("application_credential_secret", &args.identity.application_credential_secret),
    ];
    for (name, value) in settings {
        options.set(name, value.as_deref());
    }
    options.set("insecure", args.insecure.then_some("true"));
    options
}
