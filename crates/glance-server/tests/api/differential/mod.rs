//! The same requests to this server and to Python Glance 33, in the same order, at the same moments: valid and broken
//! ones, by everybody. Status, headers and bodies must be the same but for what `compare` lists.
//!
//! `GLANCE_TEST_PYTHON` names an interpreter with Glance; without one the comparison says that it is skipped.
//! `GLANCE_TEST_CALLS` is how many requests are made up, `GLANCE_TEST_SEED` begins another sequence of them.

mod compare;
mod documents;
mod policies;
mod protections;
mod python;
mod queries;
mod random;
mod requests;

use std::collections::BTreeMap;
use std::io::Write as _;
use std::path::Path;

use axum::body::Body;
use glance_domain::Timestamp;
use glance_server::api::Service;
use glance_server::api::pipeline::{Address, Pipeline};
use glance_server::config::check::complete;
use glance_server::config::options::TABLES;
use http::Request;
use http_body_util::BodyExt as _;
use oslo::config::{Config, Sources};

use crate::support::{Persona, TestApp};
use crate::web::Web;
use protections::Protected;
use python::PythonGlance;
use requests::Calls;

/// One request.
#[derive(Clone, Debug)]
struct Call {
    who: Persona,
    method: &'static str,
    path: String,
    headers: Vec<(String, String)>,
    body: Vec<u8>,
    /// When it comes, in seconds after the beginning of 2026.
    second: i64,
}

/// One answer.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Reply {
    status: u16,
    headers: Vec<(String, String)>,
    body: Vec<u8>,
}

fn number(name: &str, default: u64) -> u64 {
    std::env::var_os(name).map_or(default, |number| number.to_string_lossy().parse().expect("a number"))
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn answers_are_those_of_python_glance() {
    let statuses = compare(Protected::Nothing, number("GLANCE_TEST_CALLS", 2500)).await;
    for status in [200, 201, 204, 206, 400, 403, 404, 405, 409, 413, 415, 416] {
        assert!(statuses.is_empty() || statuses.contains_key(&status), "no request was answered with {status}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn properties_are_protected_by_roles_as_in_python_glance() {
    compare(Protected::ByRoles, number("GLANCE_TEST_CALLS", 800)).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn properties_are_protected_by_policies_as_in_python_glance() {
    compare(Protected::ByPolicies, number("GLANCE_TEST_CALLS", 800)).await;
}

/// Sends `count` requests to both and fails on differences. How often Python Glance answered with each status; nothing
/// where there is none.
async fn compare(protected: Protected, count: u64) -> BTreeMap<u16, u32> {
    let Some(python) = std::env::var_os("GLANCE_TEST_PYTHON") else {
        let _ = writeln!(std::io::stderr(), "SKIPPED: GLANCE_TEST_PYTHON names no interpreter with Glance");
        return BTreeMap::new();
    };
    let seed = number("GLANCE_TEST_SEED", 1);
    let folder = tempfile::tempdir().unwrap();
    let protections = protected.write(folder.path());
    let options = format!("{}{}\n{}", python::OPTIONS, protections.options, protections.sections);
    let (app, web) = (TestApp::with_stores(&options).await, Web::start());
    let mut upstream = PythonGlance::start(&python, folder.path(), &protections);
    let service = service(&app, folder.path());
    let mut calls = Calls::new(seed, web);
    let (mut differences, mut statuses) = (Vec::new(), BTreeMap::<u16, u32>::new());
    for number in 0..count {
        let call = calls.next();
        if protected.is_lost(&call) {
            continue;
        }
        let (mut expected, mut found) = (upstream.ask(&call), app.ask(&service, &call).await);
        calls.learn(&call, &expected);
        *statuses.entry(expected.status).or_default() += 1;
        if expected.status == 500 && found.status < 300 && call.method != "GET" {
            // Not the same any more: it goes on both sides.
            let _ = writeln!(std::io::stderr(), "Python Glance failed at #{number} {}", describe(&call));
            for removal in calls.removal(&call) {
                let answer = upstream.ask(&removal);
                app.ask(&service, &removal).await;
                calls.learn(&removal, &answer);
            }
        }
        for reply in [&mut expected, &mut found] {
            protected.forget_lost(&call, reply);
        }
        if let Some(difference) = compare::difference(&call, &expected, &found, folder.path(), app.folder.path()) {
            differences.push(format!("#{number} {}\n{difference}\n", describe(&call)));
        }
    }
    let summary =
        format!("{count} requests, {} differences; statuses of Python Glance: {statuses:?}", differences.len());
    let _ = writeln!(std::io::stderr(), "{summary}");
    assert!(differences.is_empty(), "{}", differences[..differences.len().min(40)].join("\n"));
    statuses
}

fn describe(call: &Call) -> String {
    let body = String::from_utf8_lossy(&call.body);
    let body: String = body.chars().take(400).collect();
    format!("{} {} by {} {:?}\n  {body}", call.method, call.path, call.who.name, call.headers)
}

/// The whole service behind the filters of Python Glance's paste file.
fn service(app: &TestApp, folder: &Path) -> Service {
    let mut sources = Sources::new();
    sources.add_file(&folder.join("glance-api.conf")).unwrap();
    let pipeline = Pipeline::configured(&complete(Config::new(sources, TABLES)), Address::Loopback).unwrap();
    Service::behind(pipeline, app.app.clone())
}

impl TestApp {
    /// The answer of this server.
    async fn ask(&self, service: &Service, call: &Call) -> Reply {
        let start = Timestamp::parse_iso("2026-01-01").unwrap().utc();
        self.app
            .clock
            .set(Timestamp::from_utc(start + std::time::Duration::from_secs(call.second.try_into().unwrap())));
        let mut request = Request::builder().method(call.method).uri(call.path.as_str());
        for (name, value) in call.headers.iter().cloned().chain(call.who.headers()) {
            request = request.header(name, value);
        }
        request = request.header("host", "127.0.0.1:9292");
        if !call.body.is_empty() {
            request = request.header("content-length", call.body.len());
        }
        let response = service.call(request.body(Body::from(call.body.clone())).unwrap()).await;
        let (parts, body) = response.into_parts();
        let headers = parts
            .headers
            .iter()
            .map(|(name, value)| (name.as_str().to_owned(), String::from_utf8_lossy(value.as_bytes()).into_owned()));
        let (status, headers) = (parts.status.as_u16(), headers.collect());
        Reply { status, headers, body: body.collect().await.unwrap().to_bytes().to_vec() }
    }
}

impl Persona {
    /// What an authenticating proxy would say.
    fn headers(self) -> Vec<(String, String)> {
        let Some(project) = self.project else { return Vec::new() };
        let roles = self.roles.join(",");
        [("X-Identity-Status", "Confirmed"), ("X-User-Id", "somebody"), ("X-Project-Id", project), ("X-Roles", &roles)]
            .map(|(name, value)| (name.to_owned(), value.to_owned()))
            .into()
    }
}
