//! An application of its own for each test, and requests through its real router.

use std::sync::Arc;
use std::time::Duration;

use arc_swap::ArcSwap;
use axum::body::Body;
use bytes::Bytes;
use glance_db::Database;
use glance_domain::{ProjectId, StoreId, Timestamp};
use glance_server::api::Service;
use glance_server::api::error::render;
use glance_server::api::router::build;
use glance_server::app::App;
use glance_server::app::clock::Clock;
use glance_server::app::context::RequestContext;
use glance_server::config::check::complete;
use glance_server::config::filtering::url_filter;
use glance_server::config::keystone_limits::limits;
use glance_server::config::load::snapshot;
use glance_server::config::options::TABLES;
use glance_server::config::policy::enforcer;
use glance_server::metrics::Metrics;
use glance_server::stream::hash::HashPool;
use glance_server::tasks::{Tasks, process};
use glance_store::fetch::FetchOptions;
use glance_store::file::{FileOptions, FileStore};
use glance_store::http::HttpStore;
use glance_store::registry::Naming;
use glance_store::{Store, StoreEntry, Stores};
use http::{HeaderMap, Request, StatusCode};
use http_body_util::BodyExt;
use oslo::config::{Config, Sources};
use serde_json::Value;
use tempfile::TempDir;
use tower::ServiceExt;

pub(crate) const PATCH: (&str, &str) = ("content-type", "application/openstack-images-v2.1-json-patch");
pub(crate) const OCTETS: (&str, &str) = ("content-type", "application/octet-stream");
pub(crate) const JSON: (&str, &str) = ("accept", "application/json");

/// Locations on this machine may be looked at.
const WEB_OPTIONS: &str = "[import_filtering_opts]\nallowed_hosts = [127.0.0.1]\nallowed_ports = []\n";

/// One application with a folder of its own.
pub(crate) struct TestApp {
    pub(crate) app: Arc<App>,
    service: Service,
    pub(crate) folder: TempDir,
}

/// An answer, read to its end.
pub(crate) struct Answer {
    pub(crate) status: StatusCode,
    pub(crate) headers: HeaderMap,
    pub(crate) bytes: Bytes,
}

impl Answer {
    pub(crate) fn json(&self) -> Value {
        serde_json::from_slice(&self.bytes).expect("the body is JSON")
    }

    pub(crate) fn text(&self) -> String {
        String::from_utf8(self.bytes.to_vec()).expect("the body is text")
    }

    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name).map(|value| value.to_str().expect("the header is text"))
    }

    /// The message of an error document.
    pub(crate) fn message(&self) -> String {
        self.json()["message"].as_str().expect("an error has a message").to_owned()
    }
}

impl TestApp {
    pub(crate) async fn new() -> Self {
        Self::with_options("").await
    }

    /// With these lines in `[DEFAULT]`.
    pub(crate) async fn with_options(options: &str) -> Self {
        Self::build(options, Vec::new()).await
    }

    /// With these lines in `[DEFAULT]`, and a store `web` for locations on this machine.
    pub(crate) async fn with_web(options: &str) -> Self {
        Self::build(&format!("{options}\n{WEB_OPTIONS}"), vec![("web", "http")]).await
    }

    /// As [`TestApp::with_web`], and a second file store `slow`.
    pub(crate) async fn with_stores(options: &str) -> Self {
        Self::build(&format!("{options}\n{WEB_OPTIONS}"), vec![("slow", "file"), ("web", "http")]).await
    }

    /// Whose requests wait for a connection to the database this long.
    pub(crate) async fn with_patience(patience: Duration) -> Self {
        Self::build_with("", Vec::new(), patience).await
    }

    /// With stores of these names and types behind `fast`.
    async fn build(options: &str, more_stores: Vec<(&str, &str)>) -> Self {
        Self::build_with(options, more_stores, Duration::from_secs(30)).await
    }

    async fn build_with(options: &str, more_stores: Vec<(&str, &str)>, patience: Duration) -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        let mut settings = glance_db::Settings::new(format!("sqlite:///{}/db", folder.path().display()));
        settings.acquire_timeout = patience;
        let db = Database::connect(&settings).await.expect("a database");
        db.create_schema().await.expect("tables");
        db.prepare_own_objects().await.expect("own tables");
        let clock = Clock::fixed(Timestamp::parse_iso("2026-01-02T03:04:05Z").expect("a time"));
        // Nobody renews it.
        let this = process::this_process(Duration::from_secs(24 * 60 * 60));
        db.register_node(&this).await.expect("a node");
        let mut sources = Sources::new();
        sources.add_text("test.conf", &format!("[DEFAULT]\n{options}\n")).expect("options");
        let options = Config::new(sources, TABLES);
        let filter = url_filter(&options).expect("a filter");
        let id = StoreId::new("fast");
        let stores = std::iter::once(("fast", "file")).chain(more_stores);
        let stores = stores.map(|(name, kind)| {
            let place = folder.path().join(if name == "fast" { "images" } else { name });
            let driver: Arc<dyn Store> = match kind {
                "http" => {
                    let options = FetchOptions { filter: filter.clone(), ..FetchOptions::default() };
                    Arc::new(HttpStore::open(&options).expect("a store"))
                }
                _ => Arc::new(FileStore::open(FileOptions::new(place)).expect("a store")),
            };
            StoreEntry::new(StoreId::new(name), kind, driver)
        });
        let stores = stores.collect();
        let config = snapshot(&options, Some(ProjectId::new("default"))).expect("a configuration");
        let app = Arc::new(App {
            db,
            stores: Stores::new(stores, &id, Naming::Named).expect("stores"),
            project_limits: limits(&complete(options.clone())).expect("limits"),
            policy: enforcer(&options).expect("rules"),
            tasks: Tasks::new(this, clock.uptime()),
            clock,
            hashes: HashPool::new(2),
            metrics: Metrics::default(),
            config: ArcSwap::from_pointee(config),
        });
        Self { service: Service::new(app.clone()), app, folder }
    }

    pub(crate) async fn call(
        &self,
        method: &str,
        path: &str,
        headers: &[(&str, &str)],
        body: impl Into<Body>,
    ) -> Answer {
        let mut request = Request::builder().method(method).uri(path);
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let response = self.service.call(request.body(body.into()).expect("a request")).await;
        let (parts, body) = response.into_parts();
        let bytes = body.collect().await.expect("a body").to_bytes();
        Answer { status: parts.status, headers: parts.headers, bytes }
    }

    /// The same behind the filters, for a caller who has authenticated. `path` begins with `/v2/`.
    pub(crate) async fn call_as(&self, who: Persona, method: &str, path: &str, body: impl Into<Body>) -> Answer {
        let media_type = if method == "PATCH" { PATCH } else { ("content-type", "application/json") };
        self.send_as(who, method, path, media_type, body).await
    }

    /// As [`TestApp::call_as`] with a body of another type.
    pub(crate) async fn send_as(
        &self,
        who: Persona,
        method: &str,
        path: &str,
        header: (&str, &str),
        body: impl Into<Body>,
    ) -> Answer {
        let request = Request::builder().method(method).uri(path).header(JSON.0, JSON.1).header(header.0, header.1);
        let mut request = request.body(body.into()).expect("a request");
        request.extensions_mut().insert(who.context(self.app.config.load_full()));
        let response = build(self.app.clone()).oneshot(request).await.unwrap_or_else(|never| match never {});
        let (parts, body) = render(response, Some(JSON.1)).into_parts();
        let bytes = body.collect().await.expect("a body").to_bytes();
        Answer { status: parts.status, headers: parts.headers, bytes }
    }

    /// Registers an image on somebody's behalf and gives its id.
    pub(crate) async fn create_as(&self, who: Persona, document: &Value) -> String {
        let answer = self.call_as(who, "POST", "/v2/images", document.to_string()).await;
        assert_eq!(answer.status, StatusCode::CREATED, "{}", answer.text());
        answer.json()["id"].as_str().expect("an id").to_owned()
    }

    pub(crate) async fn get(&self, path: &str) -> Answer {
        self.call("GET", path, &[JSON], Body::empty()).await
    }

    pub(crate) async fn post(&self, path: &str, document: &Value) -> Answer {
        self.call("POST", path, &[JSON], document.to_string()).await
    }

    pub(crate) async fn patch(&self, id: &str, changes: &Value) -> Answer {
        self.call("PATCH", &format!("/v2/images/{id}"), &[JSON, PATCH], changes.to_string()).await
    }

    pub(crate) async fn upload(&self, id: &str, body: impl Into<Body>) -> Answer {
        self.call("PUT", &format!("/v2/images/{id}/file"), &[JSON, OCTETS], body).await
    }

    /// Registers an image and gives its id.
    pub(crate) async fn create(&self, document: &Value) -> String {
        let answer = self.post("/v2/images", document).await;
        assert_eq!(answer.status, StatusCode::CREATED, "{}", answer.text());
        answer.json()["id"].as_str().expect("an id").to_owned()
    }

    pub(crate) async fn status(&self, id: &str) -> String {
        self.get(&format!("/v2/images/{id}")).await.json()["status"].as_str().expect("a status").to_owned()
    }

    /// Names of all files of the store.
    pub(crate) fn files(&self) -> Vec<String> {
        let entries = std::fs::read_dir(self.folder.path().join("images")).expect("the store's folder");
        let mut names: Vec<String> =
            entries.map(|entry| entry.expect("an entry").file_name().to_string_lossy().into_owned()).collect();
        names.sort();
        names
    }
}

/// Somebody who calls.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Persona {
    pub(crate) name: &'static str,
    pub(crate) project: Option<&'static str>,
    pub(crate) roles: &'static [&'static str],
}

pub(crate) const ADMIN: Persona = persona("admin", Some("admins"), &["admin", "manager", "member", "reader"]);
pub(crate) const MEMBER: Persona = persona("member", Some("owner"), &["member", "reader"]);
pub(crate) const READER: Persona = persona("reader", Some("owner"), &["reader"]);
pub(crate) const OTHER: Persona = persona("other project", Some("other"), &["member", "reader"]);
pub(crate) const ANONYMOUS: Persona = persona("anonymous", None, &[]);

const fn persona(name: &'static str, project: Option<&'static str>, roles: &'static [&'static str]) -> Persona {
    Persona { name, project, roles }
}

impl Persona {
    pub(crate) fn context(self, config: Arc<glance_server::config::Config>) -> RequestContext {
        let project = self.project.map(ProjectId::new);
        let mut context = RequestContext::administrator(format!("req-{}", self.name), project, config);
        context.is_admin = self.roles.contains(&"admin");
        let credentials = Arc::make_mut(&mut context.credentials);
        credentials.insert("roles".into(), serde_json::json!(self.roles));
        context.read_only = self.project.is_none();
        context
    }
}

/// A bare raw image.
pub(crate) fn raw() -> Value {
    serde_json::json!({"name": "one", "disk_format": "raw", "container_format": "bare"})
}
