//! Whether this process can do its work, as load balancers ask it: oslo.middleware's `healthcheck`.

mod report;

use std::path::PathBuf;

use anyhow::{Context as _, bail};
use axum::body::Body;
use axum::response::Response;
use http::header::{ACCEPT, CONTENT_TYPE, HeaderValue};
use http::{HeaderMap, Method, Request, StatusCode};
use oslo::config::Config;

use crate::app::App;
use crate::listen::Peer;
use crate::listen::networks::Networks;
use report::{Report, Verdict};

const GROUP: &str = "healthcheck";

/// Headers of a proxy which make a request a proxied one.
const PROXY: [&str; 5] =
    ["x-forwarded", "x-forwarded-proto", "x-forwarded-host", "x-forwarded-for", "x-forwarded-prefix"];

/// A path at which the state of the service is told.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Healthcheck {
    path: String,
    detailed: bool,
    ignores_proxied: bool,
    /// Who may ask, where not everybody may.
    sources: Option<Networks>,
    backends: Vec<Backend>,
}

/// What is looked at beside the catalogue.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Backend {
    /// While the file is there, the service is out of order.
    DisableByFile(Option<PathBuf>),
    /// The same, with a file for the port of this process.
    DisableByPort(Option<PathBuf>),
    /// While a file is missing, the service is out of order.
    EnableByFiles(Vec<PathBuf>),
}

impl Healthcheck {
    /// With nothing but the catalogue to look at.
    #[must_use]
    pub fn at(path: &str) -> Self {
        Self { path: path.to_owned(), detailed: false, ignores_proxied: false, sources: None, backends: vec![] }
    }

    /// As `[healthcheck]` says.
    ///
    /// # Errors
    /// Back ends that do not exist or exclude each other, and networks and ports that are none.
    pub fn configured(path: &str, options: &Config) -> anyhow::Result<Self> {
        let list = |name: &str| options.get::<Vec<String>>(GROUP, name);
        let names = list("backends")?;
        let has = |name: &str| names.iter().any(|known| known == name);
        if has("disable_by_file") && has("enable_by_files") {
            bail!("the back ends disable_by_file and enable_by_files exclude each other");
        }
        let sources = list("allowed_source_ranges")?;
        Ok(Self {
            path: path.to_owned(),
            detailed: options.get(GROUP, "detailed")?,
            ignores_proxied: options.get(GROUP, "ignore_proxied_requests")?,
            sources: if sources.is_empty() { None } else { Some(networks(&sources)?) },
            backends: names.iter().map(|name| Backend::configured(name, options)).collect::<Result<_, _>>()?,
        })
    }

    /// Whether a request is for it: it has the path, and whoever sends it may ask.
    #[must_use]
    pub fn answers(&self, request: &Request<Body>) -> bool {
        let rest = request.uri().path().strip_prefix(self.path.as_str());
        let proxied = || PROXY.iter().any(|name| request.headers().contains_key(*name));
        rest.is_some_and(|rest| rest.is_empty() || rest == "/")
            && self.may_ask(request.extensions().get())
            && !(self.ignores_proxied && proxied())
    }

    fn may_ask(&self, peer: Option<&Peer>) -> bool {
        let address = peer.and_then(|peer| peer.address);
        self.sources.as_ref().is_none_or(|sources| address.is_some_and(|address| sources.contain(address.ip())))
    }

    /// 200 (204 to `HEAD`) while the catalogue answers and takes writes and no back end says otherwise, 503 else.
    pub async fn show(&self, app: &App, method: &Method, headers: &HeaderMap) -> Response {
        let verdicts = self.verdicts(app).await;
        let healthy = verdicts.iter().all(|verdict| verdict.available);
        let status = match (healthy, method == Method::HEAD) {
            (false, _) => StatusCode::SERVICE_UNAVAILABLE,
            (true, true) => StatusCode::NO_CONTENT,
            (true, false) => StatusCode::OK,
        };
        let accept = headers.get(ACCEPT).and_then(|value| value.to_str().ok());
        let report = Report { verdicts: &verdicts, detailed: self.detailed, now: app.clock.now() };
        let (media_type, text) = report.render(accept);
        let mut response = Response::new(if method == Method::HEAD { Body::empty() } else { Body::from(text) });
        *response.status_mut() = status;
        response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static(media_type));
        response
    }

    /// What each back end says. Of the catalogue there is a word where nothing else is looked at, or it does not answer.
    async fn verdicts(&self, app: &App) -> Vec<Verdict> {
        let mut verdicts = Vec::with_capacity(self.backends.len() + 1);
        for backend in &self.backends {
            verdicts.push(backend.verdict().await);
        }
        let lease = app.tasks.lease();
        match app.db.ping().await {
            Ok(()) if !lease.is_fresh(app.clock.uptime()) => {
                let seconds = lease.age(app.clock.uptime()).as_secs();
                let reason = format!("The catalogue takes no writes: this node renewed its lease {seconds} s ago");
                verdicts.push(Verdict { available: false, source: "Catalogue", reason, details: String::new() });
            }
            Ok(()) if verdicts.is_empty() => verdicts.push(Verdict::good("Catalogue", "The catalogue answers")),
            Ok(()) => {}
            Err(error) => {
                tracing::warn!(%error, "the catalogue does not answer the health check");
                let reason = "The catalogue does not answer".to_owned();
                verdicts.push(Verdict { available: false, source: "Catalogue", reason, details: String::new() });
            }
        }
        verdicts
    }
}

impl Backend {
    fn configured(name: &str, options: &Config) -> anyhow::Result<Self> {
        match name {
            "disable_by_file" => {
                let path: Option<PathBuf> = options.get(GROUP, "disable_by_file_path")?;
                Ok(Self::DisableByFile(path.filter(|path| !path.as_os_str().is_empty())))
            }
            "disable_by_files_ports" => {
                let port: u16 = options.get("DEFAULT", "bind_port")?;
                let pairs: Vec<String> = options.get(GROUP, "disable_by_file_paths")?;
                let pairs = pairs.iter().map(|pair| port_and_file(pair)).collect::<anyhow::Result<Vec<_>>>()?;
                // Of several files for one port the last counts.
                let found = pairs.into_iter().rev().find(|(known, _)| *known == port);
                Ok(Self::DisableByPort(found.map(|(_, file)| file)))
            }
            "enable_by_files" => Ok(Self::EnableByFiles(options.get(GROUP, "enable_by_file_paths")?)),
            other => bail!(
                "there is no back end {other} of the health check, only disable_by_file, disable_by_files_ports and \
                 enable_by_files"
            ),
        }
    }

    async fn verdict(&self) -> Verdict {
        match self {
            Self::DisableByFile(file) => disabled_by("DisableByFileHealthcheck", file.as_ref()).await,
            Self::DisableByPort(file) => disabled_by("DisableByFilesPortsHealthcheck", file.as_ref()).await,
            Self::EnableByFiles(files) => {
                const NAME: &str = "EnableByFilesHealthcheck";
                for file in files {
                    if !exists(file).await {
                        tracing::warn!(file = %file.display(), "a file is missing that the health check wants");
                        let details = format!("File path {} is missing", file.display());
                        return Verdict::bad(NAME, "FILE PATH MISSING", details);
                    }
                }
                Verdict::good(NAME, "Specified file paths are available")
            }
        }
    }
}

async fn disabled_by(source: &'static str, file: Option<&PathBuf>) -> Verdict {
    match file {
        None => Verdict::good(source, "No file is configured"),
        Some(file) if exists(file).await => {
            Verdict::bad(source, "DISABLED BY FILE", format!("Path '{}' was found", file.display()))
        }
        Some(file) => Verdict::good(source, &format!("Path '{}' was not found", file.display())),
    }
}

async fn exists(file: &PathBuf) -> bool {
    tokio::fs::metadata(file).await.is_ok()
}

fn networks(texts: &[String]) -> anyhow::Result<Networks> {
    Networks::parse(texts).context("allowed_source_ranges")
}

/// `9292:/run/out-of-order`.
fn port_and_file(text: &str) -> anyhow::Result<(u16, PathBuf)> {
    let (port, file) = text.trim().split_once(':').unwrap_or((text, ""));
    let port = port.parse().ok().filter(|_| !file.is_empty());
    let port = port.with_context(|| format!("disable_by_file_paths: {text} is not of the form port:path"))?;
    Ok((port, PathBuf::from(file)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn files_of_ports() {
        assert_eq!(port_and_file(" 9292:/a:b").unwrap(), (9292, PathBuf::from("/a:b")));
        for text in ["", "9292", "9292:", "x:/a", "99999:/a"] {
            assert!(port_and_file(text).is_err(), "{text}");
        }
    }
}
