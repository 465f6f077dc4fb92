//! The list of versions, and how a client names the one it speaks.

use axum::body::Body;
use http::StatusCode;

use crate::support::{JSON, TestApp};

fn ids(document: &serde_json::Value) -> Vec<&str> {
    document["versions"].as_array().unwrap().iter().map(|version| version["id"].as_str().unwrap()).collect()
}

#[tokio::test]
async fn versions_in_their_order() {
    let app = TestApp::new().await;
    let list = app.call("GET", "/", &[("host", "h:1")], Body::empty()).await;
    assert_eq!(list.status, StatusCode::MULTIPLE_CHOICES);
    let document = list.json();
    assert_eq!(document["versions"][0]["links"][0]["href"], "http://h:1/v2/");
    assert_eq!(
        ids(&document),
        [
            "v2.15", "v2.13", "v2.12", "v2.11", "v2.10", "v2.9", "v2.8", "v2.17", "v2.7", "v2.6", "v2.5", "v2.4",
            "v2.3", "v2.2", "v2.1", "v2.0"
        ]
    );
    let again = app.call("GET", "/versions", &[("host", "h:1")], Body::empty()).await;
    assert_eq!((again.status, again.bytes), (StatusCode::OK, list.bytes));
    let caching = TestApp::with_options("image_cache_dir = /x\npublic_endpoint = https://images.example/").await;
    let document = caching.get("/").await.json();
    assert_eq!(ids(&document)[..2], ["v2.18", "v2.17"]);
    assert_eq!(document["versions"][0]["links"][0]["href"], "https://images.example/v2/");
}

#[tokio::test]
async fn a_version_is_named_by_path_or_accept() {
    let app = TestApp::new().await;
    for path in ["/v2/images", "/v2.0/images", "/v2.15/images", "//v2/images"] {
        assert_eq!(app.get(path).await.status, StatusCode::OK, "{path}");
    }
    let accept = [("accept", "application/vnd.openstack.images-v2.1")];
    assert_eq!(app.call("GET", "/images", &accept, Body::empty()).await.status, StatusCode::OK);
    for path in ["/v1/images", "/v2.99/images", "/v2.14/images", "/images", "/v3"] {
        assert_eq!(app.get(path).await.status, StatusCode::MULTIPLE_CHOICES, "{path}");
    }
    let bare = app.call("GET", "/v2", &[JSON, ("host", "h")], Body::empty()).await;
    assert_eq!((bare.status, bare.header("location")), (StatusCode::FOUND, Some("http://h/v2/")));
    assert_eq!(app.get("/v2/").await.status, StatusCode::NOT_FOUND);
}

#[tokio::test]
async fn the_health_check_asks_the_catalogue() {
    let app = TestApp::new().await;
    assert_eq!(app.call("GET", "/healthcheck", &[], Body::empty()).await.text(), "OK");
    app.app.db.close().await;
    assert_eq!(app.get("/healthcheck").await.status, StatusCode::SERVICE_UNAVAILABLE);
}
