//! The health check as load balancers see it: its back ends, its forms, and who may ask.

use std::path::Path;

use axum::body::Body;
use glance_server::api::Service;
use glance_server::api::pipeline::{Address, Pipeline};
use glance_server::config::check::complete;
use glance_server::config::options::TABLES;
use glance_server::listen::Peer;
use http::{Request, Response};
use http_body_util::BodyExt;
use oslo::config::{Config, Sources};
use serde_json::{Value, json};

use crate::support::TestApp;

/// A paste file with these options beside the health check.
fn paste(options: &str) -> String {
    format!(
        "[composite:glance-api]\nuse = egg:Paste#urlmap\n/: api\n/healthcheck: healthcheck\n\
         [pipeline:api]\npipeline = context root\n[app:root]\npaste.app_factory = \
         glance.api.versions:create_resource\n[filter:context]\npaste.filter_factory = \
         glance.api.middleware.context:ContextMiddleware.factory\n[app:healthcheck]\nuse = \
         egg:oslo.middleware#healthcheck\n{options}"
    )
}

fn pipeline(folder: &Path, conf: &str, options: &str) -> anyhow::Result<Pipeline> {
    std::fs::write(folder.join("glance-api-paste.ini"), paste(options)).unwrap();
    std::fs::write(folder.join("glance-api.conf"), conf).unwrap();
    let mut sources = Sources::new();
    sources.add_file(&folder.join("glance-api.conf")).unwrap();
    Pipeline::configured(&complete(Config::new(sources, TABLES)), Address::Loopback)
}

struct Asker {
    app: TestApp,
    service: Service,
}

impl Asker {
    async fn new(conf: &str, options: &str) -> Self {
        let (app, folder) = (TestApp::new().await, tempfile::tempdir().unwrap());
        let service = Service::behind(pipeline(folder.path(), conf, options).unwrap(), app.app.clone());
        Self { app, service }
    }

    async fn ask(&self, method: &str, headers: &[(&str, &str)], from: Option<&str>) -> (u16, String) {
        let mut request = Request::builder().method(method).uri("/healthcheck");
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        if let Some(address) = from {
            let peer =
                Peer { address: Some(format!("{address}:1").parse().unwrap()), encrypted: false, trusted: false };
            request = request.extension(peer);
        }
        text(self.service.call(request.body(Body::empty()).unwrap()).await).await
    }
}

async fn text(response: Response<Body>) -> (u16, String) {
    let (parts, body) = response.into_parts();
    let bytes = body.collect().await.unwrap().to_bytes();
    (parts.status.as_u16(), String::from_utf8(bytes.to_vec()).unwrap())
}

#[tokio::test]
async fn files_take_the_service_out_of_order_and_back() {
    let folder = tempfile::tempdir().unwrap();
    let [off, on] = ["off", "on"].map(|name| folder.path().join(name));
    let by_file = format!("backends = disable_by_file\ndisable_by_file_path = {}\n", off.display());
    let by_port = format!("backends = disable_by_files_ports\ndisable_by_file_paths = 1:/,9393:{}\n", off.display());
    let by_files = format!("backends = enable_by_files\nenable_by_file_paths = {}\n", on.display());
    std::fs::write(&on, "").unwrap();
    let conf = "[DEFAULT]\nbind_port = 9393\n";
    for (options, reason) in
        [(by_file, "DISABLED BY FILE"), (by_port, "DISABLED BY FILE"), (by_files, "FILE PATH MISSING")]
    {
        let asker = Asker::new(conf, &options).await;
        assert_eq!(asker.ask("GET", &[], None).await, (200, "OK".to_owned()), "{options}");
        assert_eq!(asker.ask("HEAD", &[], None).await, (204, String::new()), "{options}");
        std::fs::rename(&on, &off).unwrap();
        assert_eq!(asker.ask("GET", &[], None).await, (503, reason.to_owned()), "{options}");
        assert_eq!(asker.ask("HEAD", &[], None).await, (503, String::new()), "{options}");
        std::fs::rename(&off, &on).unwrap();
    }
}

#[tokio::test]
async fn the_configuration_counts_where_the_paste_file_is_silent() {
    let conf = "[healthcheck]\ndetailed = true\nbackends = enable_by_files\nenable_by_file_paths = /nowhere/at/all\n";
    let json = [("accept", "application/json")];
    let (status, document) = Asker::new(conf, "").await.ask("GET", &json, None).await;
    let document: Value = serde_json::from_str(&document).unwrap();
    let reason = json!({"class": "EnableByFilesHealthcheck", "reason": "FILE PATH MISSING",
                        "details": "File path /nowhere/at/all is missing"});
    assert_eq!((status, &document["detailed"], &document["reasons"]), (503, &json!(true), &json!([reason])));
    let (status, document) = Asker::new(conf, "detailed = false\nbackends =\n").await.ask("GET", &json, None).await;
    let document: Value = serde_json::from_str(&document).unwrap();
    assert_eq!((status, document), (200, json!({"detailed": false, "reasons": ["OK"]})));
}

#[tokio::test]
async fn only_those_who_may_ask_are_told() {
    let options = "allowed_source_ranges = 192.0.2.0/24,2001:db8::/32\nignore_proxied_requests = true\n";
    let asker = Asker::new("", options).await;
    assert_eq!(asker.ask("GET", &[], Some("192.0.2.9")).await.0, 200);
    assert_eq!(asker.ask("GET", &[], Some("[2001:db8::1]")).await.0, 200);
    // Everybody else meets the pipeline like any other request.
    for (from, headers) in
        [(Some("198.51.100.1"), &[][..]), (None, &[][..]), (Some("192.0.2.9"), &[("x-forwarded-for", "192.0.2.9")][..])]
    {
        assert_eq!(asker.ask("GET", headers, from).await.0, 401, "{from:?}");
    }
}

#[tokio::test]
async fn a_catalogue_that_is_gone_is_told() {
    let asker = Asker::new("", "backends = disable_by_file\n").await;
    asker.app.app.db.close().await;
    assert_eq!(asker.ask("GET", &[], None).await, (503, "OK\nThe catalogue does not answer".to_owned()));
}

#[test]
fn mistakes_are_refused_at_start() {
    let folder = tempfile::tempdir().unwrap();
    for (options, reason) in [
        ("backends = mystery\n", "mystery"),
        ("backends = disable_by_file,enable_by_files\n", "exclude each other"),
        ("backends = disable_by_files_ports\ndisable_by_file_paths = /a\n", "port:path"),
        ("allowed_source_ranges = 192.0.2.1/33\n", "192.0.2.1/33"),
    ] {
        let error = format!("{:#}", pipeline(folder.path(), "", options).unwrap_err());
        assert!(error.contains(reason) && error.contains("[app:healthcheck]"), "{error}");
    }
}
