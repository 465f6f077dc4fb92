//! Pipelines by name: those of a paste file, each factory mapped to the filter that is here in its place, or the
//! standard ones that are built in.

use std::collections::BTreeMap;
use std::path::PathBuf;

use anyhow::{Context as _, bail};
use oslo::config::Config;
use oslo::paste::{self, App, Composites, Part, Route};

use super::settings::{self, Address};
use super::{Filter, Pipeline};

const COMPOSITES: Composites<'static> =
    Composites { url_maps: &["glance.api:root_app_factory"], flavored: &["glance.api:pipeline_factory"], flavor: "" };

/// What becomes of a factory of Python Glance and its libraries.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    Cors,
    Proxy,
    VersionNegotiation,
    AuthToken,
    HttpBasic,
    Context,
    Unauthenticated,
    TestTokens,
    Gzip,
    SizeLimit,
    /// The state of the service at a path of its own, as a filter did it before it became an application.
    Healthcheck,
    /// The service does it for every request.
    Always,
    /// Accepted without effect, with a word about it.
    Ignored(&'static str),
}

const NO_CACHE: &str = "there is no image cache yet: images are always read from their store";
const NO_PROFILER: &str = "";

/// Every factory of a filter that is known, by the name that paste files have for it.
const FILTERS: &[(&str, Kind)] = &[
    ("oslo_middleware.cors:filter_factory", Kind::Cors),
    ("oslo_middleware.cors:CORS.factory", Kind::Cors),
    ("oslo_middleware:CORS.factory", Kind::Cors),
    ("oslo_middleware:HTTPProxyToWSGI.factory", Kind::Proxy),
    ("oslo_middleware.http_proxy_to_wsgi:HTTPProxyToWSGI.factory", Kind::Proxy),
    ("oslo_middleware:SSLMiddleware.factory", Kind::Proxy),
    ("oslo_middleware.ssl:SSLMiddleware.factory", Kind::Proxy),
    ("glance.api.middleware.version_negotiation:VersionNegotiationFilter.factory", Kind::VersionNegotiation),
    ("keystonemiddleware.auth_token:filter_factory", Kind::AuthToken),
    ("keystoneclient.middleware.auth_token:filter_factory", Kind::AuthToken),
    ("oslo_middleware:BasicAuthMiddleware.factory", Kind::HttpBasic),
    ("oslo_middleware.basic_auth:BasicAuthMiddleware.factory", Kind::HttpBasic),
    ("glance.api.middleware.context:ContextMiddleware.factory", Kind::Context),
    ("glance.api.middleware.context:UnauthenticatedContextMiddleware.factory", Kind::Unauthenticated),
    ("glance.tests.utils:FakeAuthMiddleware.factory", Kind::TestTokens),
    ("glance.api.middleware.gzip:GzipMiddleware.factory", Kind::Gzip),
    ("oslo_middleware:RequestBodySizeLimiter.factory", Kind::SizeLimit),
    ("oslo_middleware.sizelimit:RequestBodySizeLimiter.factory", Kind::SizeLimit),
    ("oslo_middleware:RequestId.factory", Kind::Always),
    ("oslo_middleware.request_id:RequestId.factory", Kind::Always),
    ("oslo_middleware:CorrelationId.factory", Kind::Always),
    ("oslo_middleware.correlation_id:CorrelationId.factory", Kind::Always),
    ("oslo_middleware:CatchErrors.factory", Kind::Always),
    ("oslo_middleware.catch_errors:CatchErrors.factory", Kind::Always),
    ("oslo_middleware:Healthcheck.factory", Kind::Healthcheck),
    ("oslo_middleware.healthcheck:Healthcheck.factory", Kind::Healthcheck),
    ("glance.api.middleware.cache:CacheFilter.factory", Kind::Ignored(NO_CACHE)),
    ("glance.api.middleware.cache_manage:CacheManageFilter.factory", Kind::Ignored(NO_CACHE)),
    ("osprofiler.web:WsgiMiddleware.factory", Kind::Ignored(NO_PROFILER)),
];

/// What packages call their filters: in place of a factory a file may say `use = egg:Package#name`.
const EGGS: &[(&str, &str, Kind)] = &[
    ("oslo-middleware", "basic_auth", Kind::HttpBasic),
    ("oslo-middleware", "catch_errors", Kind::Always),
    ("oslo-middleware", "correlation_id", Kind::Always),
    ("oslo-middleware", "cors", Kind::Cors),
    ("oslo-middleware", "http_proxy_to_wsgi", Kind::Proxy),
    ("oslo-middleware", "request_id", Kind::Always),
    ("oslo-middleware", "sizelimit", Kind::SizeLimit),
    ("keystonemiddleware", "auth_token", Kind::AuthToken),
    ("osprofiler", "osprofiler", Kind::Ignored(NO_PROFILER)),
];

/// Applications: those that answer with the API, and those that tell how the service is.
const API: &[&str] =
    &["glance.api.versions:create_resource", "glance.api.v2.router:API.factory", "glance.api.v1.router:API.factory"];
const HEALTHCHECK: &[&str] =
    &["oslo_middleware:Healthcheck.app_factory", "oslo_middleware.healthcheck:Healthcheck.app_factory"];
const HEALTHCHECK_EGG: (&str, &str) = ("oslo-middleware", "healthcheck");

/// The standard pipelines: those of Glance's own file, and HTTP's basic authentication.
const STANDARD: &[(&str, &[Kind])] = &[
    ("", &[Kind::Cors, Kind::Proxy, Kind::VersionNegotiation, Kind::Unauthenticated]),
    ("keystone", &[Kind::Cors, Kind::Proxy, Kind::VersionNegotiation, Kind::AuthToken, Kind::Context]),
    ("http_basic", &[Kind::Cors, Kind::Proxy, Kind::VersionNegotiation, Kind::HttpBasic, Kind::Context]),
];

/// What the words of a flavor beside the way of authentication ask for.
const CACHING: [&str; 2] = ["caching", "cachemanagement"];

/// The pipeline that `[paste_deploy]` names.
pub(super) fn pipeline(options: &Config, address: Address) -> anyhow::Result<Pipeline> {
    let flavor: Option<String> = options.get("paste_deploy", "flavor")?;
    let flavor = flavor.unwrap_or_default();
    let mut builder = Builder { options, address, pipeline: empty() };
    match file(options)? {
        Some(path) => builder.read(&path, &flavor)?,
        None => builder.standard(&flavor)?,
    }
    Ok(builder.pipeline)
}

fn empty() -> Pipeline {
    Pipeline { filters: Vec::new(), healthchecks: Vec::new(), warnings: Vec::new() }
}

/// The paste file: the one that is named, or the one beside the configuration files.
fn file(options: &Config) -> anyhow::Result<Option<PathBuf>> {
    let named: Option<PathBuf> = options.get("paste_deploy", "config_file")?;
    let folders = options.sources().search_path();
    let look_up = |name: &PathBuf| {
        let found = folders.iter().map(|folder| folder.join(name)).find(|path| path.is_file());
        if name.is_absolute() { Some(name.clone()) } else { found }
    };
    match named {
        None => Ok(look_up(&PathBuf::from("glance-api-paste.ini"))),
        Some(name) => {
            let found = look_up(&name).filter(|path| path.is_file());
            found.map(Some).with_context(|| format!("[paste_deploy] config_file: there is no {}", name.display()))
        }
    }
}

struct Builder<'a> {
    options: &'a Config,
    address: Address,
    pipeline: Pipeline,
}

impl Builder<'_> {
    fn standard(&mut self, flavor: &str) -> anyhow::Result<()> {
        let words: Vec<&str> = flavor.split('+').filter(|word| !word.is_empty()).collect();
        let (caching, rest): (Vec<&str>, Vec<&str>) = words.into_iter().partition(|word| CACHING.contains(word));
        let rest = rest.join("+");
        let Some((_, kinds)) = STANDARD.iter().find(|(name, _)| *name == rest) else {
            bail!(
                "[paste_deploy] flavor = {flavor}: without a paste file there are keystone, http_basic, caching and \
                 cachemanagement, joined by +"
            );
        };
        for kind in *kinds {
            self.add(*kind, &BTreeMap::new())?;
        }
        if !caching.is_empty() {
            self.add(Kind::Ignored(NO_CACHE), &BTreeMap::new())?;
        }
        self.pipeline.healthchecks.push(settings::healthcheck(self.options, &BTreeMap::new(), "/healthcheck")?);
        Ok(())
    }

    fn read(&mut self, path: &std::path::Path, flavor: &str) -> anyhow::Result<()> {
        let name = if flavor.is_empty() { "glance-api".to_owned() } else { format!("glance-api-{flavor}") };
        let app = paste::load(path, &name, &Composites { flavor, ..COMPOSITES })?;
        self.app(&app, "")?;
        if self.pipeline.filters.is_empty() {
            bail!("{}: [{name}] has no filter: at least a context is needed", path.display());
        }
        Ok(())
    }

    fn app(&mut self, app: &App, path: &str) -> anyhow::Result<()> {
        match app {
            App::UrlMap(routes) => {
                routes.iter().try_for_each(|Route { path: below, app }| self.app(app, &format!("{path}{below}")))
            }
            App::Pipeline { filters, app } => {
                if !path.is_empty() {
                    let at = filters.first().map(place).unwrap_or_default();
                    bail!("{at}: a pipeline for the path {path} alone is not supported");
                }
                for part in filters {
                    self.filter(part)?;
                }
                self.app(app, path)
            }
            App::Endpoint(part) => self.endpoint(part, path),
        }
    }

    fn endpoint(&mut self, part: &Part, path: &str) -> anyhow::Result<()> {
        let is_egg = egg(&part.factory).is_some_and(|(package, name)| (package.as_str(), name) == HEALTHCHECK_EGG);
        if is_egg || HEALTHCHECK.contains(&part.factory.as_str()) {
            let options: BTreeMap<String, String> = part.global.iter().chain(&part.local).map(owned).collect();
            let check = settings::healthcheck(self.options, &options, path).with_context(|| place(part))?;
            self.pipeline.healthchecks.push(check);
            return Ok(());
        }
        let served = API.contains(&part.factory.as_str()) && matches!(path, "" | "/v1" | "/v2");
        if !served {
            bail!("{}: the application {} is not known at the path '{path}'", place(part), part.factory);
        }
        if path == "/v1" {
            self.warn(format!("{}: version 1 of the API is not served", place(part)));
        }
        Ok(())
    }

    fn filter(&mut self, part: &Part) -> anyhow::Result<()> {
        let Some(kind) = kind(&part.factory) else {
            bail!("{}: the filter {} is not known", place(part), part.factory);
        };
        if kind == Kind::TestTokens && self.address != Address::Loopback {
            bail!("{}: {} believes every caller; it is for a service on this machine", place(part), part.factory);
        }
        let options = part.global.iter().chain(&part.local).map(owned).collect();
        self.add(kind, &options).with_context(|| place(part))
    }

    fn add(&mut self, kind: Kind, local: &BTreeMap<String, String>) -> anyhow::Result<()> {
        let options = self.options;
        let filter = match kind {
            Kind::Cors => Filter::Cors(settings::cors(options, local)?),
            Kind::Proxy if !settings::believes_proxies(options, local)? => return Ok(()),
            Kind::Proxy => Filter::Proxy,
            Kind::VersionNegotiation => Filter::VersionNegotiation,
            Kind::AuthToken => {
                settings::token_warnings(options)?.into_iter().for_each(|warning| self.warn(warning));
                Filter::AuthToken(Box::new(settings::auth_token(options, local)?))
            }
            Kind::HttpBasic => Filter::HttpBasic(settings::http_basic(options, local)?),
            Kind::Context => Filter::Context(settings::strangers(options)?),
            Kind::Unauthenticated => Filter::Unauthenticated,
            Kind::TestTokens => Filter::TestTokens,
            Kind::Gzip => Filter::Gzip,
            Kind::SizeLimit => Filter::SizeLimit(settings::longest_body(options, local)?),
            Kind::Healthcheck => {
                let path = local.get("path").map_or("/healthcheck", String::as_str);
                self.pipeline.healthchecks.push(settings::healthcheck(options, local, path)?);
                return Ok(());
            }
            Kind::Always => return Ok(()),
            Kind::Ignored(note) => {
                self.warn(note.to_owned());
                return Ok(());
            }
        };
        self.pipeline.filters.push(filter);
        Ok(())
    }

    fn warn(&mut self, text: String) {
        if !text.is_empty() && !self.pipeline.warnings.contains(&text) {
            self.pipeline.warnings.push(text);
        }
    }
}

/// What becomes of a filter.
fn kind(factory: &str) -> Option<Kind> {
    match egg(factory) {
        None => FILTERS.iter().find(|(known, _)| *known == factory).map(|(_, kind)| *kind),
        Some((package, name)) => {
            EGGS.iter().find(|(known, called, _)| *known == package && *called == name).map(|(_, _, kind)| *kind)
        }
    }
}

/// The package, as the package index spells it, and the name of `egg:Package#name`.
fn egg(factory: &str) -> Option<(String, &str)> {
    let (package, name) = factory.strip_prefix("egg:")?.split_once('#')?;
    Some((package.to_ascii_lowercase().replace(['.', '_'], "-"), name))
}

fn owned((name, value): (&String, &String)) -> (String, String) {
    (name.clone(), value.clone())
}

/// Where the part is described.
fn place(part: &Part) -> String {
    format!("{}:{}: [{}]", part.file.display(), part.line, part.section)
}
