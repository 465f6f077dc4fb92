//! Who asks: pipelines of paste files, tokens, headers and what becomes of callers without a name.

use std::io::{BufRead, BufReader, Write};
use std::net::{TcpListener, TcpStream};
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use axum::body::Body;
use glance_server::api::Service;
use glance_server::api::pipeline::{Address, Pipeline, Trust};
use glance_server::config::check::complete;
use glance_server::config::options::TABLES;
use http::{Request, StatusCode};
use http_body_util::BodyExt;
use oslo::config::{Config, Sources};

use crate::support::{Answer, JSON, TestApp, raw};

const PASTE: &str = "[composite:glance-api-keystone]\npaste.composite_factory = glance.api:root_app_factory\n/: api\n\
    /healthcheck: healthcheck\n[composite:api]\npaste.composite_factory = glance.api:pipeline_factory\n\
    keystone = cors versionnegotiation authtoken context rootapp\nheaders = context rootapp\n[composite:glance-api-headers]\n\
    paste.composite_factory = glance.api:root_app_factory\n/: api\n[composite:rootapp]\n\
    paste.composite_factory = glance.api:root_app_factory\n/: apiversions\n/v2: apiv2app\n[app:apiversions]\n\
    paste.app_factory = glance.api.versions:create_resource\n[app:apiv2app]\n\
    paste.app_factory = glance.api.v2.router:API.factory\n[app:healthcheck]\n\
    paste.app_factory = oslo_middleware:Healthcheck.app_factory\n[filter:cors]\n\
    paste.filter_factory = oslo_middleware.cors:filter_factory\n[filter:versionnegotiation]\n\
    paste.filter_factory = glance.api.middleware.version_negotiation:VersionNegotiationFilter.factory\n\
    [filter:context]\n\
    paste.filter_factory = glance.api.middleware.context:ContextMiddleware.factory\n[filter:authtoken]\n\
    paste.filter_factory = keystonemiddleware.auth_token:filter_factory\ndelay_auth_decision = true\n";

/// The options that `conf` sets, with a paste file beside it.
fn options(folder: &Path, conf: &str, paste: &str) -> Config {
    std::fs::write(folder.join("glance-api.conf"), conf).unwrap();
    std::fs::write(folder.join("glance-api-paste.ini"), paste).unwrap();
    let mut sources = Sources::new();
    sources.add_file(&folder.join("glance-api.conf")).unwrap();
    complete(Config::new(sources, TABLES))
}

fn pipeline(conf: &str, paste: &str, address: Address) -> anyhow::Result<Pipeline> {
    let folder = tempfile::tempdir().unwrap();
    Pipeline::configured(&options(folder.path(), conf, paste), address)
}

/// The pipeline of a configuration without a paste file.
fn standard(conf: &str) -> anyhow::Result<Pipeline> {
    let mut sources = Sources::new();
    sources.add_text("glance-api.conf", conf).unwrap();
    Pipeline::configured(&complete(Config::new(sources, TABLES)), Address::Loopback)
}

async fn ask(service: &Service, path: &str, headers: &[(&str, &str)]) -> Answer {
    send(service, "GET", path, headers, String::new()).await
}

async fn send(service: &Service, method: &str, path: &str, headers: &[(&str, &str)], body: String) -> Answer {
    let mut request = Request::builder().method(method).uri(path).header(JSON.0, JSON.1);
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    let (parts, body) = service.call(request.body(Body::from(body)).unwrap()).await.into_parts();
    let bytes = body.collect().await.unwrap().to_bytes();
    Answer { status: parts.status, headers: parts.headers, bytes }
}

/// An identity service that knows the tokens `admin`, `member` and `service`, until it breaks.
struct Identity {
    url: String,
    broken: Arc<AtomicBool>,
}

impl Identity {
    fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let broken = Arc::new(AtomicBool::new(false));
        let breaks = broken.clone();
        std::thread::spawn(move || {
            for stream in listener.incoming() {
                answer(&stream.unwrap(), breaks.load(Ordering::SeqCst));
            }
        });
        Self { url, broken }
    }

    fn conf(&self) -> String {
        format!(
            "[paste_deploy]\nflavor = keystone\n[keystone_authtoken]\nauth_type = password\nauth_url = {}\n\
             username = glance\npassword = s\nproject_name = service\ntoken_cache_time = -1\n\
             http_request_max_retries = 0\nwww_authenticate_uri = http://keystone.example\n",
            self.url
        )
    }
}

fn answer(stream: &TcpStream, broken: bool) {
    let mut reader = BufReader::new(stream.try_clone().unwrap());
    let mut head = String::new();
    while !head.ends_with("\r\n\r\n") && reader.read_line(&mut head).unwrap() > 0 {}
    let subject = head.lines().find_map(|line| line.strip_prefix("x-subject-token: ")).unwrap_or("service");
    let (status, body) = match subject {
        _ if broken => (200, "<html>busy</html>".to_owned()),
        "admin" | "member" | "service" => (200, token(subject)),
        _ => (404, "{}".to_owned()),
    };
    let length = body.len();
    let head = format!("HTTP/1.1 {status} X\r\nx-subject-token: own\r\nconnection: close\r\ncontent-length: {length}");
    let mut stream = stream;
    stream.write_all(format!("{head}\r\n\r\n{body}").as_bytes()).unwrap();
}

fn token(role: &str) -> String {
    serde_json::json!({"token": {
        "user": {"id": format!("{role}-id"), "name": role, "domain": {"id": "default"}},
        "project": {"id": format!("{role}-project"), "name": "p", "domain": {"id": "default"}},
        "roles": [{"name": role}, {"name": "reader"}], "expires_at": "2099-01-01T00:00:00.000000Z",
    }})
    .to_string()
}

async fn behind_keystone(identity: &Identity, more: &str) -> (TestApp, Service) {
    let app = TestApp::new().await;
    let conf = format!("{}{more}", identity.conf());
    let pipeline = pipeline(&conf, PASTE, Address::Network).unwrap();
    assert_eq!(pipeline.trust(), Trust::Proof);
    let service = Service::behind(pipeline, app.app.clone());
    (app, service)
}

#[tokio::test]
async fn only_the_bearer_of_a_valid_token_comes_in() {
    let identity = Identity::start();
    let (_app, service) = behind_keystone(&identity, "").await;
    let forged = [("x-identity-status", "Confirmed"), ("x-user-id", "eve"), ("x-roles", "admin")];
    let stale = [("x-auth-token", "revoked"), forged[0], forged[1], forged[2]];
    for headers in [&[][..], &forged[..], &stale[..], &[("x-auth-token", "")][..]] {
        let answer = ask(&service, "/v2/images", headers).await;
        assert_eq!(answer.status, StatusCode::UNAUTHORIZED, "{headers:?}");
        assert_eq!(answer.header("www-authenticate"), Some("Keystone uri=\"http://keystone.example\""));
    }
    for name in ["x-auth-token", "x-storage-token"] {
        assert_eq!(ask(&service, "/v2/images", &[(name, "member")]).await.status, StatusCode::OK);
    }
    assert_eq!(ask(&service, "/healthcheck", &[]).await.status, StatusCode::OK);
}

#[tokio::test]
async fn what_is_not_below_v2_is_there_for_strangers() {
    let identity = Identity::start();
    let (_app, service) = behind_keystone(&identity, "").await;
    let expected = [("/", 300), ("/healthcheck", 200), ("/openapi.json", 200), ("/versions", 200)];
    let document = ask(&service, "/openapi.json", &[]).await.json();
    let open: Vec<&String> =
        document["paths"].as_object().unwrap().keys().filter(|path| !path.starts_with("/v2")).collect();
    assert_eq!(open, expected.map(|(path, _)| path), "a path is in one list only");
    for headers in [&[][..], &[("x-auth-token", "revoked")][..]] {
        for (path, status) in expected {
            assert_eq!(ask(&service, path, headers).await.status.as_u16(), status, "{path}");
        }
    }
}

#[tokio::test]
async fn load_balancers_may_ask_for_health_with_any_method() {
    let app = TestApp::new().await;
    for (method, status, text) in [("OPTIONS", 200, "OK"), ("POST", 200, "OK"), ("HEAD", 204, "")] {
        let answer = app.call(method, "/healthcheck", &[], "").await;
        assert_eq!((answer.status.as_u16(), answer.text().as_str()), (status, text), "{method}");
    }
}

#[tokio::test]
async fn project_and_roles_are_those_of_the_token() {
    let identity = Identity::start();
    let (_app, service) = behind_keystone(&identity, "").await;
    let as_member = [("x-auth-token", "member"), ("content-type", "application/json"), ("x-project-id", "other")];
    let answer = send(&service, "POST", "/v2/images", &as_member, raw().to_string()).await;
    assert_eq!(answer.json()["owner"], "member-project", "{}", answer.text());
    let mut public = raw();
    public["visibility"] = "public".into();
    let answer = send(&service, "POST", "/v2/images", &as_member, public.to_string()).await;
    assert_eq!(answer.status, StatusCode::FORBIDDEN);
    let as_admin = [("x-auth-token", "admin"), ("content-type", "application/json")];
    let answer = send(&service, "POST", "/v2/images", &as_admin, public.to_string()).await;
    assert_eq!(answer.status, StatusCode::CREATED, "{}", answer.text());
}

#[tokio::test]
async fn a_service_token_of_nobody_in_particular_does_not_help() {
    let identity = Identity::start();
    let (_app, service) = behind_keystone(&identity, "delay_auth_decision = false\n").await;
    let with = |token| [("x-auth-token", "member"), ("x-service-token", token)];
    assert_eq!(ask(&service, "/v2/images", &with("service")).await.status, StatusCode::OK);
    // The paste file leaves the decision to the context, which needs nothing but the user's token.
    assert_eq!(ask(&service, "/v2/images", &with("member")).await.status, StatusCode::OK);
}

#[tokio::test]
async fn without_keystone_nobody_comes_in_until_it_is_back() {
    let identity = Identity::start();
    let (_app, service) = behind_keystone(&identity, "[DEFAULT]\nallow_anonymous_access = true\n").await;
    identity.broken.store(true, Ordering::SeqCst);
    let answer = ask(&service, "/v2/images", &[("x-auth-token", "member")]).await;
    assert_eq!(answer.status, StatusCode::SERVICE_UNAVAILABLE);
    assert!(answer.text().contains("Keystone service is temporarily unavailable"), "{}", answer.text());
    identity.broken.store(false, Ordering::SeqCst);
    assert_eq!(ask(&service, "/v2/images", &[("x-auth-token", "member")]).await.status, StatusCode::OK);
}

#[tokio::test]
async fn strangers_get_as_far_as_the_rules_where_that_is_meant() {
    let identity = Identity::start();
    let (_app, service) = behind_keystone(&identity, "[DEFAULT]\nallow_anonymous_access = true\n").await;
    // The schema needs no role; the default rule for lists asks for one, which a stranger has not.
    assert_eq!(ask(&service, "/v2/schemas/image", &[]).await.status, StatusCode::OK);
    assert_eq!(ask(&service, "/v2/images", &[]).await.status, StatusCode::FORBIDDEN);
    let headers = [("content-type", "application/json")];
    let answer = send(&service, "POST", "/v2/images", &headers, raw().to_string()).await;
    assert_eq!(answer.status, StatusCode::FORBIDDEN, "{}", answer.text());
}

#[tokio::test]
async fn without_an_authenticating_filter_headers_are_believed() {
    let app = TestApp::new().await;
    let pipeline = pipeline("[paste_deploy]\nflavor = headers\n", PASTE, Address::Loopback).unwrap();
    assert_eq!(pipeline.trust(), Trust::Headers);
    let service = Service::behind(pipeline, app.app.clone());
    let who = [("x-identity-status", "Confirmed"), ("x-project-id", "p1"), ("x-roles", "member,reader")];
    assert_eq!(ask(&service, "/v2/images", &who).await.status, StatusCode::OK);
    assert_eq!(ask(&service, "/v2/images", &who[1..]).await.status, StatusCode::UNAUTHORIZED);
}

#[tokio::test]
async fn headers_are_not_believed_wherever_the_authenticating_filter_stands() {
    let identity = Identity::start();
    let forged = [("x-identity-status", "Confirmed"), ("x-project-id", "p1"), ("x-roles", "admin")];
    let filters = ["context authtoken", "context context authtoken", "context http_basic", "authtoken context context"];
    for filters in filters {
        let app = TestApp::new().await;
        let users = app.folder.path().join("users");
        std::fs::write(&users, "ann:$2y$05$CCCCCCCCCCCCCCCCCCCCC.Xn7FSvv79c6bu/kgV/.kBlx/ChE9.FW\n").unwrap();
        let paste = PASTE.replace("authtoken context rootapp", &format!("{filters} rootapp"))
            + "[filter:http_basic]\npaste.filter_factory = oslo_middleware:BasicAuthMiddleware.factory\n";
        for strangers in [false, true] {
            let conf = format!(
                "{}[DEFAULT]\nallow_anonymous_access = {strangers}\n[oslo_middleware]\nhttp_basic_auth_user_file = {}\n",
                identity.conf(),
                users.display()
            );
            let pipeline = pipeline(&conf, &paste, Address::Network).unwrap();
            assert_eq!(pipeline.trust(), Trust::Proof);
            let service = Service::behind(pipeline, app.app.clone());
            let answer = ask(&service, "/v2/images", &forged).await;
            let refused = [StatusCode::UNAUTHORIZED, StatusCode::FORBIDDEN];
            assert!(refused.contains(&answer.status), "{filters}: {}", answer.text());
        }
    }
}

#[test]
fn a_filter_that_asks_nobody_counts_before_one_that_authenticates() {
    let paste = PASTE.replace("authtoken context rootapp", "authtoken everybody rootapp")
        + "[filter:everybody]\npaste.filter_factory = \
           glance.api.middleware.context:UnauthenticatedContextMiddleware.factory\n";
    let conf = "[paste_deploy]\nflavor = keystone\n[keystone_authtoken]\nauth_type = password\nauth_url = http://k\n\
                username = u\npassword = p\n";
    assert_eq!(pipeline(conf, &paste, Address::Loopback).unwrap().trust(), Trust::Everybody);
}

#[test]
fn standard_pipelines_need_no_file() {
    let open = standard("").unwrap();
    assert_eq!(open.trust(), Trust::Everybody);
    let credentials = "[keystone_authtoken]\nauth_type = password\nauth_url = http://k\nusername = u\npassword = p\n";
    let conf = format!("[paste_deploy]\nflavor = keystone+cachemanagement\n{credentials}");
    assert_eq!(standard(&conf).unwrap().trust(), Trust::Proof);
    let error = format!("{:#}", standard("[paste_deploy]\nflavor = other\n").unwrap_err());
    assert!(error.contains("flavor = other"), "{error}");
    let error = format!("{:#}", standard("[paste_deploy]\nflavor = keystone\n").unwrap_err());
    assert!(error.contains("[keystone_authtoken]"), "{error}");
}

#[test]
fn what_is_not_known_is_named_with_its_place() {
    let paste = PASTE.replace("headers = context", "headers = mystery context")
        + "[filter:mystery]\npaste.filter_factory = some.where:factory\n";
    let error = pipeline("[paste_deploy]\nflavor = headers\n", &paste, Address::Loopback).unwrap_err().to_string();
    assert!(error.contains("glance-api-paste.ini:") && error.contains("[filter:mystery]"), "{error}");
    assert!(error.contains("some.where:factory is not known"), "{error}");
}

#[test]
fn tokens_for_tests_are_for_this_machine_only() {
    let paste = PASTE.replace(
        "glance.api.middleware.context:ContextMiddleware.factory",
        "glance.tests.utils:FakeAuthMiddleware.factory",
    );
    let conf = "[paste_deploy]\nflavor = headers\n";
    assert_eq!(pipeline(conf, &paste, Address::Loopback).unwrap().trust(), Trust::Headers);
    assert!(pipeline(conf, &paste, Address::Network).is_err());
}

#[tokio::test]
async fn filters_have_the_names_of_their_packages_too() {
    let filters = "[filter:proxy]\nuse = egg:oslo.middleware#http_proxy_to_wsgi\n[filter:sizes]\nuse = \
                   egg:oslo_middleware#sizelimit\n[filter:health]\npaste.filter_factory = \
                   oslo_middleware:Healthcheck.factory\npath = /state\n[filter:nix]\nuse = egg:oslo.middleware#nix\n";
    let paste = PASTE.replace("headers = context", "headers = health sizes proxy context") + filters;
    let conf = "[paste_deploy]\nflavor = headers\n";
    let app = TestApp::new().await;
    let service = Service::behind(pipeline(conf, &paste, Address::Loopback).unwrap(), app.app.clone());
    assert_eq!(ask(&service, "/state", &[]).await.status, StatusCode::OK);
    let error = pipeline(conf, &paste.replace("headers = health", "headers = nix"), Address::Loopback).unwrap_err();
    assert!(error.to_string().contains("egg:oslo.middleware#nix is not known"), "{error}");
}
