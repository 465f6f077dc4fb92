//! From options to filters: what `[keystone_authtoken]`, `[cors]` and `[oslo_middleware]` say.
//!
//! Options beside a filter in the paste file count before those of the configuration.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::time::Duration;

use anyhow::{Context as _, bail};
use http::HeaderValue;
use keystone_auth::{HttpOptions, Interface, MemcachedOptions, Protection, Secret, Tls, Validator, ValidatorOptions};
use oslo::config::Config;

use crate::api::healthcheck::Healthcheck;
use crate::api::middleware::auth_token::{AuthToken, TokenRules};
use crate::api::middleware::context::Strangers;
use crate::api::middleware::cors::{Cors, Sites};
use crate::api::middleware::http_basic::HttpBasic;
use crate::config::check;
use crate::config::credentials::credentials;
use crate::config::options::TABLES;
use crate::config::upstream;
use crate::traces;

/// Who can reach the service.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Address {
    /// Programs on this machine.
    Loopback,
    /// Others, too.
    Network,
}

const AUTHTOKEN: &str = "keystone_authtoken";

/// The options with those of a filter over them.
fn overlaid(options: &Config, group: &str, local: &BTreeMap<String, String>) -> Config {
    let mut sources = options.sources().clone();
    for (name, value) in local.iter().filter(|(name, _)| options.definition(group, name).is_some()) {
        sources.add_command_line(group, name, value.as_str());
    }
    check::complete(Config::new(sources, TABLES))
}

/// The filter `authtoken`.
pub(super) fn auth_token(options: &Config, local: &BTreeMap<String, String>) -> anyhow::Result<AuthToken> {
    let options = overlaid(options, AUTHTOKEN, local);
    let section: Option<String> = options.get(AUTHTOKEN, "auth_section")?;
    let section = section.as_deref().unwrap_or(AUTHTOKEN);
    let options = options.with_group(section, upstream::authtoken(), None);
    let auth = credentials(&options, section).with_context(|| format!("[{section}]"))?;
    let text = |name: &str| options.get::<Option<String>>(AUTHTOKEN, name);
    let timeout: Option<u64> = options.get(AUTHTOKEN, "http_connect_timeout")?;
    let http = HttpOptions {
        tls: Tls {
            insecure: options.get(AUTHTOKEN, "insecure")?,
            cacert: text("cafile")?.map(PathBuf::from),
            cert: text("certfile")?.map(PathBuf::from),
            key: text("keyfile")?.map(PathBuf::from),
        },
        timeout: timeout.map_or(HttpOptions::default().timeout, Duration::from_secs),
        retries: options.get(AUTHTOKEN, "http_request_max_retries")?,
        trace: traces::current,
    };
    let cache_time: i64 = options.get(AUTHTOKEN, "token_cache_time")?;
    let shared = shared_cache(&options)?;
    let validator = Validator::new(ValidatorOptions {
        auth,
        http,
        interface: Interface::named(&options.get::<String>(AUTHTOKEN, "interface")?)?,
        region: text("region_name")?,
        with_catalog: options.get(AUTHTOKEN, "include_service_catalog")?,
        cache_time: u64::try_from(cache_time).ok().filter(|seconds| *seconds > 0).map(Duration::from_secs),
        shared,
    })
    .with_context(|| format!("[{section}]"))?;
    let www = text("www_authenticate_uri")?.unwrap_or_else(|| validator.auth_url().to_owned());
    let rules = TokenRules {
        delay_auth_decision: options.get(AUTHTOKEN, "delay_auth_decision")?,
        service_token_roles: options.get(AUTHTOKEN, "service_token_roles")?,
        service_token_roles_required: options.get(AUTHTOKEN, "service_token_roles_required")?,
        service_type: text("service_type")?,
        www_authenticate: HeaderValue::from_str(&format!("Keystone uri=\"{www}\""))
            .context("[keystone_authtoken] www_authenticate_uri fits into no header")?,
    };
    Ok(AuthToken { validator, rules })
}

/// Where tokens are shared with other services.
fn shared_cache(options: &Config) -> anyhow::Result<Option<(MemcachedOptions, Protection)>> {
    let servers = options.get::<Option<Vec<String>>>(AUTHTOKEN, "memcached_servers")?.unwrap_or_default();
    if servers.is_empty() || is_out_of_reach(options)? {
        return Ok(None);
    }
    let seconds = |name: &str| options.get::<u64>(AUTHTOKEN, name).map(Duration::from_secs);
    let strategy: String = options.get(AUTHTOKEN, "memcache_security_strategy")?;
    let secret = || {
        let secret: Option<String> = options.get(AUTHTOKEN, "memcache_secret_key")?;
        let secret = secret.filter(|secret| !secret.is_empty());
        secret.map(Secret::new).with_context(|| {
            format!("[{AUTHTOKEN}] memcache_secret_key is needed for memcache_security_strategy = {strategy}")
        })
    };
    let protection = match strategy.to_ascii_uppercase().as_str() {
        "NONE" => Protection::None,
        "MAC" => Protection::Signed(secret()?),
        "ENCRYPT" => Protection::Encrypted(secret()?),
        _ => bail!("[{AUTHTOKEN}] memcache_security_strategy = {strategy}: there are None, MAC and ENCRYPT"),
    };
    let options = MemcachedOptions {
        servers,
        dead_retry: seconds("memcache_pool_dead_retry")?,
        connections: options.get(AUTHTOKEN, "memcache_pool_maxsize")?,
        timeout: seconds("memcache_pool_socket_timeout")?,
        unused_timeout: seconds("memcache_pool_unused_timeout")?,
        wait: seconds("memcache_pool_conn_get_timeout")?,
    };
    Ok(Some((options, protection)))
}

/// Whether memcached is talked to in a way that is not there.
fn is_out_of_reach(options: &Config) -> anyhow::Result<bool> {
    let is_set = |name: &str| options.get::<bool>(AUTHTOKEN, name);
    Ok(is_set("memcache_tls_enabled")? || is_set("memcache_sasl_enabled")?)
}

/// What an operator should know about `[keystone_authtoken]`.
pub(super) fn token_warnings(options: &Config) -> anyhow::Result<Vec<String>> {
    let mut found = Vec::new();
    if options.get::<Option<String>>(AUTHTOKEN, "www_authenticate_uri")?.is_none() {
        found.push("[keystone_authtoken] www_authenticate_uri is not set: callers are sent to auth_url".to_owned());
    }
    if !options.get::<bool>(AUTHTOKEN, "service_token_roles_required")? {
        let text = "[keystone_authtoken] service_token_roles_required = false: any token passes for a service's";
        found.push(text.to_owned());
    }
    if options.get::<bool>(AUTHTOKEN, "insecure")? {
        found.push("[keystone_authtoken] insecure = true: whoever answers is taken for Keystone".to_owned());
    }
    let shared = options.get::<Option<Vec<String>>>(AUTHTOKEN, "memcached_servers")?.is_some();
    if shared && is_out_of_reach(options)? {
        let text =
            "[keystone_authtoken] memcached_servers: there is neither TLS nor SASL for them: tokens are not shared";
        found.push(text.to_owned());
    } else if shared && shared_cache(options)?.is_some_and(|(_, protection)| protection == Protection::None) {
        let text = "[keystone_authtoken] memcache_security_strategy is not set: who can write to memcached decides who is \
                    an administrator";
        found.push(text.to_owned());
    }
    Ok(found)
}

/// The health check at a path: `[healthcheck]`, or what stands beside it.
pub(super) fn healthcheck(
    options: &Config,
    local: &BTreeMap<String, String>,
    path: &str,
) -> anyhow::Result<Healthcheck> {
    Healthcheck::configured(path, &overlaid(options, "healthcheck", local))
}

/// The filter `cors`: `[cors]`, or what stands beside the filter.
pub(super) fn cors(options: &Config, local: &BTreeMap<String, String>) -> anyhow::Result<Cors> {
    let options = overlaid(options, "cors", local);
    let list = |name: &str| options.get::<Option<Vec<String>>>("cors", name).map(Option::unwrap_or_default);
    let sites = Sites {
        allowed_origin: list("allowed_origin")?,
        allow_credentials: options.get("cors", "allow_credentials")?,
        expose_headers: list("expose_headers")?,
        max_age: options.get::<i64>("cors", "max_age")?.try_into().unwrap_or(0),
        allow_methods: list("allow_methods")?,
        allow_headers: list("allow_headers")?,
    };
    Ok(Cors { sites: vec![sites] })
}

/// Whether what proxies say is believed.
pub(super) fn believes_proxies(options: &Config, local: &BTreeMap<String, String>) -> anyhow::Result<bool> {
    Ok(overlaid(options, "oslo_middleware", local).get("oslo_middleware", "enable_proxy_headers_parsing")?)
}

/// The longest request body, in bytes.
pub(super) fn longest_body(options: &Config, local: &BTreeMap<String, String>) -> anyhow::Result<u64> {
    Ok(overlaid(options, "oslo_middleware", local).get("oslo_middleware", "max_request_body_size")?)
}

/// The filter `http_basic`.
pub(super) fn http_basic(options: &Config, local: &BTreeMap<String, String>) -> anyhow::Result<HttpBasic> {
    let options = overlaid(options, "oslo_middleware", local);
    let file: PathBuf = options.get("oslo_middleware", "http_basic_auth_user_file")?;
    HttpBasic::read(&file)
}

/// Whom the filter `context` lets in.
pub(super) fn strangers(options: &Config) -> anyhow::Result<Strangers> {
    let allowed: bool = options.get("DEFAULT", "allow_anonymous_access")?;
    Ok(if allowed { Strangers::MayRead } else { Strangers::Refused })
}
