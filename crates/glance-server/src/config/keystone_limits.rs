//! Limits of projects that Keystone keeps: `use_keystone_limits` and `[oslo_limit]`.

use std::path::PathBuf;
use std::time::Duration;

use anyhow::Context as _;
use keystone_auth::{HttpOptions, Interface, LimitedService, Limits, LimitsOptions, Tls};
use oslo::config::Config;

use super::credentials::credentials;
use super::upstream;

const SECTION: &str = "oslo_limit";

/// Where limits are asked; `None` unless `use_keystone_limits` is on.
///
/// # Errors
/// In words for the operator, when that is on and `[oslo_limit]` cannot be used.
pub fn limits(options: &Config) -> anyhow::Result<Option<Limits>> {
    if !options.get::<bool>("DEFAULT", "use_keystone_limits")? {
        return Ok(None);
    }
    let limits = described(options).and_then(|described| Ok(Limits::new(described)?));
    Ok(Some(limits.with_context(|| format!("[{SECTION}], for use_keystone_limits"))?))
}

fn described(options: &Config) -> anyhow::Result<LimitsOptions> {
    let text = |name: &str| -> anyhow::Result<Option<String>> {
        let value: Option<String> = options.get(SECTION, name)?;
        Ok(value.filter(|value| !value.is_empty()))
    };
    let section = text("auth_section")?.unwrap_or_else(|| SECTION.to_owned());
    let login = options.clone().with_group(&section, upstream::oslo_limit(), None);
    let interfaces: Option<Vec<String>> = options.get(SECTION, "valid_interfaces")?;
    let interfaces = interfaces.filter(|names| !names.is_empty()).unwrap_or_else(|| vec!["public".to_owned()]);
    Ok(LimitsOptions {
        auth: credentials(&login, &section).with_context(|| format!("[{section}]"))?,
        http: http(options, &text)?,
        endpoint: text("endpoint_override")?,
        interfaces: interfaces.iter().map(|name| Interface::named(name)).collect::<Result<_, _>>()?,
        region: text("region_name")?,
        service: match text("endpoint_id")? {
            Some(id) => LimitedService::OfEndpoint(id),
            None => LimitedService::Matching {
                kind: text("endpoint_service_type")?,
                name: text("endpoint_service_name")?,
                region: text("endpoint_region_name")?,
                interface: Interface::named(&options.get::<String>(SECTION, "endpoint_interface")?)?,
            },
        },
        cache_time: Duration::from_secs(options.get("limits", "cache_time")?),
    })
}

fn http(options: &Config, text: &impl Fn(&str) -> anyhow::Result<Option<String>>) -> anyhow::Result<HttpOptions> {
    let timeout: Option<f64> = options.get(SECTION, "timeout")?;
    let timeout = timeout.map(Duration::try_from_secs_f64).transpose().context("timeout")?;
    Ok(HttpOptions {
        tls: Tls {
            insecure: options.get(SECTION, "insecure")?,
            cacert: text("cafile")?.map(PathBuf::from),
            cert: text("certfile")?.map(PathBuf::from),
            key: text("keyfile")?.map(PathBuf::from),
        },
        timeout: timeout.unwrap_or(HttpOptions::default().timeout),
        retries: options.get::<Option<u32>>(SECTION, "connect_retries")?.unwrap_or(0),
        trace: crate::traces::current,
    })
}
