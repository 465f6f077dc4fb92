//! Requests that ask for too much are refused before they cost anything.

use axum::body::Body;
use bytes::Bytes;
use http::StatusCode;
use serde_json::json;

use crate::support::{ANONYMOUS, JSON, MEMBER, PATCH, TestApp, raw};

/// With small limits.
async fn app() -> TestApp {
    TestApp::with_options("[limits]\njson_size = 2000\njson_values = 200\nlist_filters = 5\nlist_values = 7").await
}

/// A body that does not say its length.
fn in_pieces(text: &str) -> Body {
    let pieces: Vec<_> = text.as_bytes().chunks(100).map(Bytes::copy_from_slice).map(Ok::<_, std::io::Error>).collect();
    Body::from_stream(futures_util::stream::iter(pieces))
}

#[tokio::test]
async fn documents_have_a_size_and_a_number_of_values() {
    let app = app().await;
    let id = app.create(&raw()).await;
    let path = format!("/v2/images/{id}");
    let long = |length: usize| json!({"name": "x", "note": "y".repeat(length)}).to_string();
    let many = |count: usize| format!("{{\"name\": [{}]}}", vec!["[]"; count].join(","));
    for (text, status) in [
        (long(200), StatusCode::CREATED),
        (long(2000), StatusCode::PAYLOAD_TOO_LARGE),
        (many(50), StatusCode::BAD_REQUEST),
        (many(100), StatusCode::PAYLOAD_TOO_LARGE),
        (format!("{{\"name\": \"{}\"}}", "[,".repeat(120)), StatusCode::CREATED),
    ] {
        for body in [Body::from(text.clone()), in_pieces(&text)] {
            assert_eq!(app.call("POST", "/v2/images", &[JSON], body).await.status, status, "{text}");
        }
    }
    let change = json!({"op": "add", "path": "/a", "value": "b"});
    for (count, status) in [(20, StatusCode::OK), (60, StatusCode::PAYLOAD_TOO_LARGE)] {
        let changes = json!(vec![change.clone(); count]).to_string();
        assert_eq!(app.call("PATCH", &path, &[JSON, PATCH], changes).await.status, status, "{count}");
    }
    let members = format!("{path}/members");
    assert_eq!(app.call("POST", &members, &[JSON], many(100)).await.status, StatusCode::PAYLOAD_TOO_LARGE);
}

#[tokio::test]
async fn a_declared_size_is_believed_before_anything_is_read() {
    let app = app().await;
    let never = Body::from_stream(futures_util::stream::pending::<Result<Bytes, std::io::Error>>());
    // Whoever waits for leave to send the body is not read on.
    let headers = [JSON, ("content-length", "2001"), ("expect", "100-continue")];
    let answer = app.call("POST", "/v2/images", &headers, never).await;
    assert_eq!(answer.status, StatusCode::PAYLOAD_TOO_LARGE, "{}", answer.text());
}

#[tokio::test]
async fn who_may_only_read_is_told_so_before_the_document_is_read() {
    let app = app().await;
    let id = app.create_as(MEMBER, &raw()).await;
    let path = format!("/v2/images/{id}");
    let members = format!("{path}/members");
    for (method, path) in [("POST", "/v2/images"), ("PATCH", &path), ("POST", &members)] {
        let answer = app.call_as(ANONYMOUS, method, path, "no JSON").await;
        assert_eq!(answer.status, StatusCode::FORBIDDEN, "{method} {path}: {}", answer.text());
    }
}

#[tokio::test]
async fn lists_have_a_number_of_filters_and_values() {
    let app = app().await;
    app.create(&raw()).await;
    let tags = |count: usize| (0..count).map(|number| format!("tag=t{number}")).collect::<Vec<_>>().join("&");
    let properties = |count: usize| (0..count).map(|number| format!("p{number}=x")).collect::<Vec<_>>().join("&");
    let values = |count: usize| format!("in:{}", vec!["one"; count].join(","));
    for (query, status) in [
        (tags(5), StatusCode::OK),
        (tags(6), StatusCode::BAD_REQUEST),
        (properties(5), StatusCode::OK),
        (properties(6), StatusCode::BAD_REQUEST),
        (format!("{}&{}", tags(3), properties(3)), StatusCode::BAD_REQUEST),
        (format!("{}&limit=1&sort=name&sort=id&marker=", tags(5)), StatusCode::BAD_REQUEST),
        (format!("{}&limit=1&sort=name&member_status=all", tags(5)), StatusCode::OK),
        (format!("name={}", values(7)), StatusCode::OK),
        (format!("name={}", values(8)), StatusCode::BAD_REQUEST),
        (format!("name={}&id={}", values(4), values(4)), StatusCode::BAD_REQUEST),
        (vec!["limit=1"; 4097].join("&"), StatusCode::BAD_REQUEST),
        (vec!["sort_key=name"; 500].join("&"), StatusCode::OK),
    ] {
        let answer = app.get(&format!("/v2/images?{query}")).await;
        assert_eq!(answer.status, status, "{query}: {}", answer.text());
    }
    let answer = app.get(&format!("/v2/images?name={}", values(7))).await;
    assert_eq!(answer.json()["images"].as_array().unwrap().len(), 1);
}
