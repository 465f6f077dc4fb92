//! Requests that ask for too much are refused before they cost anything.

use std::time::{Duration, Instant};

use axum::body::Body;
use bytes::Bytes;
use futures_util::future::join_all;
use glance_store::budget::SHORT;
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

/// Waits until the files of the store have at least `bytes` bytes.
async fn wait_for_stored(app: &TestApp, bytes: usize) {
    let folder = app.folder.path().join("images");
    let stored =
        || std::fs::read_dir(&folder).unwrap().map(|file| file.unwrap().metadata().unwrap().len()).sum::<u64>();
    let deadline = Instant::now() + Duration::from_secs(60);
    while stored() < bytes as u64 {
        assert!(Instant::now() < deadline, "{} of {bytes} bytes are stored", stored());
        tokio::task::yield_now().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn many_slow_uploads_share_a_small_budget_and_all_complete() {
    const UPLOADS: usize = 50;
    const PIECE: usize = 10_000;
    const PIECES: usize = 30;
    const ROOM: usize = 100_000;
    let app = TestApp::new().await;
    let budget = app.app.stores.budget();
    let _others = budget.take(budget.left() - ROOM).unwrap();
    let (mut senders, mut ids, mut uploads) = (Vec::new(), Vec::new(), Vec::new());
    for _ in 0..UPLOADS {
        let id = app.create(&raw()).await;
        let (sender, mut receiver) = tokio::sync::mpsc::channel::<Bytes>(1);
        let body = futures_util::stream::poll_fn(move |cx| {
            receiver.poll_recv(cx).map(|piece| piece.map(Ok::<_, std::io::Error>))
        });
        let (app, name) = (&app, id.clone());
        uploads.push(async move { app.upload(&name, Body::from_stream(body)).await.status });
        senders.push(sender);
        ids.push(id);
    }
    let feeding = async {
        for _ in 0..PIECES {
            for sender in &senders {
                sender.send(Bytes::from(vec![7; PIECE])).await.unwrap();
            }
        }
        // Nobody has sent all, and yet hardly anything is kept in memory.
        wait_for_stored(&app, UPLOADS * PIECE * PIECES - ROOM - UPLOADS * 2 * SHORT).await;
        drop(senders);
    };
    let (answers, ()) = tokio::join!(join_all(uploads), feeding);
    assert_eq!(answers, [StatusCode::NO_CONTENT; UPLOADS]);
    for id in ids {
        let image = app.get(&format!("/v2/images/{id}")).await.json();
        assert_eq!((&image["status"], &image["size"]), (&json!("active"), &json!(PIECE * PIECES)));
        let data = app.get(&format!("/v2/images/{id}/file")).await;
        assert!(data.bytes == vec![7; PIECE * PIECES]);
    }
    assert_eq!(budget.left(), ROOM);
}
