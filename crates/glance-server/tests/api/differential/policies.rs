//! A policy file that changes more than twenty rules, for both servers: everybody may do the same on both.

use std::io::Write as _;

use axum::body::Body;
use glance_server::api::Service;
use glance_server::api::middleware::context::Strangers;
use glance_server::api::pipeline::{Filter, Pipeline};
use http::Request;
use http_body_util::BodyExt as _;
use serde_json::{Value, json};

use super::protections::Files;
use super::python::{self, PythonGlance};
use super::{Call, Reply};
use crate::support::{ANONYMOUS, MEMBER, OTHER, Persona, READER, TestApp};
use crate::web::Web;

/// Rules of our own (`owner`, `restricted`) beside those that Glance asks for.
const POLICY: &str = "\
owner: project_id:%(project_id)s
restricted: not ('secret':%(classification)s and not role:cleared)
context_is_admin: role:admin or role:operator
default: '!'
add_image: role:creator or role:operator
delete_image: rule:owner and role:member and not role:frozen
get_image: rule:context_is_admin or role:auditor or rule:owner or 'public':%(visibility)s or (role:member and project_id:%(member_id)s)
get_images: '@'
modify_image: (rule:owner and role:member) or role:operator
publicize_image: role:publisher
communitize_image: role:publisher and role:creator
upload_image: role:uploader
download_image: rule:restricted and (role:member or role:operator)
add_member: rule:owner and role:member
delete_member: '!'
get_member: ''
get_members: rule:owner or role:auditor
modify_member: role:member and project_id:%(member_id)s
deactivate: role:auditor
reactivate: rule:deactivate
get_image_location: role:auditor or role:operator
set_image_location: [['role:operator'], ['role:member', 'role:uploader']]
delete_image_location: role:operator
fetch_image_location: role:auditor
stores_info_detail: role:auditor or role:creator
";

const fn persona(name: &'static str, project: &'static str, roles: &'static [&'static str]) -> Persona {
    Persona { name, project: Some(project), roles }
}

/// Makes the images. Nobody else has all these roles.
const MAKER: Persona = persona(
    "maker",
    "makers",
    &["operator", "creator", "publisher", "uploader", "member", "reader", "auditor", "cleared"],
);

const EVERYBODY: &[Persona] = &[
    MEMBER,
    READER,
    OTHER,
    ANONYMOUS,
    persona("administrator", "admins", &["admin"]),
    persona("operator", "operators", &["operator", "reader"]),
    persona("creator", "owner", &["creator", "reader"]),
    persona("publisher", "owner", &["publisher", "creator", "member", "reader"]),
    persona("uploader", "owner", &["uploader", "member"]),
    persona("auditor", "auditors", &["auditor"]),
    persona("frozen", "owner", &["member", "frozen"]),
    persona("friend", "friend", &["member", "cleared"]),
];

/// Visibility of the image, or nothing for none; then the request.
const QUESTIONS: &[(&str, &str, &str, &str)] = &[
    ("", "POST", "/v2/images", r#"{"name": "n", "disk_format": "raw", "container_format": "bare"}"#),
    ("", "POST", "/v2/images", r#"{"name": "n", "visibility": "public"}"#),
    ("", "POST", "/v2/images", r#"{"name": "n", "visibility": "community"}"#),
    ("", "GET", "/v2/info/stores/detail", ""),
    ("shared", "GET", "/v2/images?limit=1000", ""),
    ("private", "GET", "/v2/images/{id}", ""),
    ("shared", "GET", "/v2/images/{id}", ""),
    ("public", "GET", "/v2/images/{id}", ""),
    ("community", "GET", "/v2/images/{id}", ""),
    ("shared", "GET", "/v2/images/{id}/file", ""),
    ("public", "GET", "/v2/images/{id}/file", ""),
    ("secret", "GET", "/v2/images/{id}/file", ""),
    ("empty", "PUT", "/v2/images/{id}/file", "data"),
    ("shared", "PATCH", "/v2/images/{id}", r#"[{"op": "replace", "path": "/name", "value": "new"}]"#),
    ("public", "PATCH", "/v2/images/{id}", r#"[{"op": "replace", "path": "/name", "value": "new"}]"#),
    ("private", "PATCH", "/v2/images/{id}", r#"[{"op": "replace", "path": "/visibility", "value": "public"}]"#),
    ("private", "PATCH", "/v2/images/{id}", r#"[{"op": "replace", "path": "/visibility", "value": "community"}]"#),
    (
        "empty",
        "PATCH",
        "/v2/images/{id}",
        r#"[{"op": "add", "path": "/locations/-", "value": {"url": "URL", "metadata": {}}}]"#,
    ),
    ("shared", "PATCH", "/v2/images/{id}", r#"[{"op": "remove", "path": "/locations/0"}]"#),
    ("shared", "PUT", "/v2/images/{id}/tags/t", ""),
    ("shared", "DELETE", "/v2/images/{id}/tags/one", ""),
    ("shared", "POST", "/v2/images/{id}/actions/deactivate", ""),
    ("inactive", "POST", "/v2/images/{id}/actions/reactivate", ""),
    ("inactive", "GET", "/v2/images/{id}/file", ""),
    ("shared", "GET", "/v2/images/{id}/members", ""),
    ("shared", "GET", "/v2/images/{id}/members/friend", ""),
    ("shared", "POST", "/v2/images/{id}/members", r#"{"member": "another"}"#),
    ("shared", "PUT", "/v2/images/{id}/members/friend", r#"{"status": "accepted"}"#),
    ("shared", "DELETE", "/v2/images/{id}/members/friend", ""),
    ("shared", "GET", "/v2/images/{id}/locations", ""),
    ("shared", "DELETE", "/v2/images/{id}", ""),
    ("public", "DELETE", "/v2/images/{id}", ""),
];

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn changed_rules_decide_as_in_python_glance() {
    let Some(python) = std::env::var_os("GLANCE_TEST_PYTHON") else {
        let _ = writeln!(std::io::stderr(), "SKIPPED: GLANCE_TEST_PYTHON names no interpreter with Glance");
        return;
    };
    let folder = tempfile::tempdir().unwrap();
    let policy = folder.path().join("policy.yaml");
    std::fs::write(&policy, POLICY).unwrap();
    let sections = format!("[oslo_policy]\npolicy_file = {}\n", policy.display());
    let files = Files { options: String::new(), sections };
    let app = TestApp::with_stores(&format!("{}\n{}", python::OPTIONS, files.sections)).await;
    let pipeline =
        Pipeline { filters: vec![Filter::Context(Strangers::MayRead)], healthchecks: vec![], warnings: vec![] };
    let (ours, web) = (Service::behind(pipeline, app.app.clone()), Web::start());
    let mut upstream = PythonGlance::start(&python, folder.path(), &files);
    let url = web.file(4, "x");
    let (mut differences, mut tally, mut number) = (Vec::new(), [0, 0], 0);
    for question in QUESTIONS {
        // One image serves until somebody may change it.
        let mut id = None;
        for who in EVERYBODY {
            number += 1;
            if id.is_none() {
                let fresh = format!("00000000-0000-4000-8000-{number:012}");
                for call in preparation(question.0, &fresh) {
                    let (expected, found) = (upstream.ask(&call), ask(&ours, &call).await);
                    assert!(expected.status < 300 && found.status < 300, "{call:?}: {expected:?}, {found:?}");
                }
                id = Some(fresh);
            }
            let call = asked(question, *who, id.as_deref().unwrap_or_default(), &url);
            let (expected, found) = (upstream.ask(&call), ask(&ours, &call).await);
            if decision(&expected) != decision(&found) {
                let (expected, found) = (decision(&expected), decision(&found));
                differences.push(format!("{} as {}: Python {expected:?}, here {found:?}", describe(&call), who.name));
            }
            tally[usize::from(expected.status >= 400)] += 1;
            if call.method != "GET" && (expected.status < 300 || found.status < 300) {
                id = None;
            }
        }
    }
    let _ = writeln!(std::io::stderr(), "{number} decisions: {tally:?} allowed and refused");
    assert!(differences.is_empty(), "{}", differences.join("\n"));
    assert!(tally[0] > 100 && tally[1] > 100, "{tally:?}");
}

fn describe(call: &Call) -> String {
    format!("{} {} {}", call.method, call.path, String::from_utf8_lossy(&call.body))
}

/// The status, and of a list which images are in it.
fn decision(reply: &Reply) -> (u16, Vec<String>) {
    let document: Value = serde_json::from_slice(&reply.body).unwrap_or_default();
    let images = document["images"].as_array().cloned().unwrap_or_default();
    let mut ids: Vec<String> = images.iter().map(|image| image["id"].as_str().unwrap().to_owned()).collect();
    ids.retain(|id| id.starts_with("00000000-"));
    ids.sort();
    (reply.status, ids)
}

/// What makes the image of a question.
fn preparation(image: &str, id: &str) -> Vec<Call> {
    let maker = |method, path: &str, body: String| call(MAKER, method, path, body);
    if image.is_empty() {
        return Vec::new();
    }
    let visibility = if ["private", "public", "community"].contains(&image) { image } else { "shared" };
    let mut document = json!({"id": id, "name": image, "visibility": visibility, "owner": "owner", "tags": ["one"],
                              "disk_format": "raw", "container_format": "bare"});
    if image == "secret" {
        document["classification"] = json!("secret");
    }
    let mut calls = vec![maker("POST", "/v2/images", document.to_string())];
    if image != "empty" {
        calls.push(maker("PUT", &format!("/v2/images/{id}/file"), "data".to_owned()));
    }
    if visibility == "shared" {
        let owner = persona("owner", "owner", &["member"]);
        calls.push(call(owner, "POST", &format!("/v2/images/{id}/members"), json!({"member": "friend"}).to_string()));
    }
    if image == "inactive" {
        calls.push(maker("POST", &format!("/v2/images/{id}/actions/deactivate"), String::new()));
    }
    calls
}

/// The question.
fn asked(question: &(&str, &'static str, &str, &str), who: Persona, id: &str, url: &str) -> Call {
    let (_, method, path, body) = *question;
    call(who, method, &path.replace("{id}", id), body.replace("URL", url))
}

fn call(who: Persona, method: &'static str, path: &str, body: String) -> Call {
    let media_type = match method {
        "PATCH" => "application/openstack-images-v2.1-json-patch",
        "PUT" if path.ends_with("/file") => "application/octet-stream",
        _ => "application/json",
    };
    let headers = vec![("Content-Type".to_owned(), media_type.to_owned())];
    Call { who, method, path: path.to_owned(), headers, body: body.into_bytes(), second: 1 }
}

/// The answer of this server, which believes the headers about who calls, too.
async fn ask(service: &Service, call: &Call) -> Reply {
    let mut request = Request::builder().method(call.method).uri(call.path.as_str());
    for (name, value) in call.headers.iter().cloned().chain(call.who.headers()) {
        request = request.header(name, value);
    }
    let (parts, body) = service.call(request.body(Body::from(call.body.clone())).unwrap()).await.into_parts();
    Reply {
        status: parts.status.as_u16(),
        headers: Vec::new(),
        body: body.collect().await.unwrap().to_bytes().to_vec(),
    }
}
