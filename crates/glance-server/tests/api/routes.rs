//! The table of routes: methods, bodies, request ids.

use axum::body::Body;
use glance_server::api::router::{BodyRule, routes};
use http::StatusCode;

use crate::support::{JSON, TestApp};

fn concrete(path: &str) -> String {
    path.replace("{image_id}", "00000000-0000-0000-0000-000000000000")
        .replace("{tag_value}", "tag")
        .replace("{member_id}", "member")
}

#[tokio::test]
async fn every_path_names_its_methods() {
    let app = TestApp::new().await;
    for route in routes() {
        let path = concrete(route.path);
        let allowed: Vec<String> =
            routes().iter().filter(|other| other.path == route.path).map(|other| other.method.to_string()).collect();
        for method in ["HEAD", "TRACE", "FOO"] {
            let refused = app.call(method, &path, &[JSON], Body::empty()).await;
            assert_eq!(refused.status, StatusCode::METHOD_NOT_ALLOWED, "{method} {path}");
            assert_eq!(refused.header("allow"), Some(allowed.join(", ").as_str()), "{path}");
        }
    }
}

#[tokio::test]
async fn every_route_names_a_rule_that_exists() {
    let app = TestApp::new().await;
    for route in routes().into_iter().filter(|route| !route.policy.is_empty()) {
        assert!(app.app.policy.defines(route.policy), "{} {}: {}", route.method, route.path, route.policy);
    }
}

#[tokio::test]
async fn bodies_are_refused_where_none_is_read() {
    let app = TestApp::new().await;
    for route in routes().into_iter().filter(|route| route.body == BodyRule::Reject) {
        let refused = app.call(route.method.as_str(), &concrete(route.path), &[JSON], "body").await;
        assert_eq!(refused.status, StatusCode::BAD_REQUEST, "{} {}", route.method, route.path);
        assert!(refused.message().starts_with("A body is not expected with this request."));
    }
}

#[tokio::test]
async fn unknown_paths_and_methods() {
    let app = TestApp::new().await;
    assert_eq!(app.get("/v2/nothing").await.status, StatusCode::NOT_FOUND);
    assert_eq!(app.call("FOO", "/v2/nothing", &[JSON], "").await.status, StatusCode::NOT_IMPLEMENTED);
    assert_eq!(app.call("OPTIONS", "/v2/images", &[JSON], "").await.status, StatusCode::OK);
}

#[tokio::test]
async fn every_answer_of_a_route_carries_a_request_id() {
    let app = TestApp::new().await;
    for route in routes() {
        let answer = app.call(route.method.as_str(), &concrete(route.path), &[JSON], Body::empty()).await;
        assert!(answer.header("x-openstack-request-id").unwrap().starts_with("req-"), "{}", route.path);
        assert!(!answer.status.is_server_error(), "{} {}: {}", route.method, route.path, answer.text());
    }
    let mine = app.call("GET", "/v2/images", &[("x-openstack-request-id", "mine")], "").await;
    assert_eq!(mine.header("x-openstack-request-id"), Some("req-mine"));
}

#[tokio::test]
async fn stores_tell_what_they_are() {
    let app = TestApp::new().await;
    let names = app.get("/v2/info/stores").await.json();
    assert_eq!(names, serde_json::json!({"stores": [{"id": "fast", "default": "true"}]}));
    let detail = app.get("/v2/info/stores/detail").await.json();
    let folder = app.folder.path().join("images");
    assert_eq!(detail["stores"][0]["properties"]["data_dir"], folder.to_str().unwrap());
    assert_eq!(detail["stores"][0]["type"], "file");
}
