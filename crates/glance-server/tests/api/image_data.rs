//! Uploads and downloads, and what becomes of images whose upload fails.

use axum::body::Body;
use bytes::Bytes;
use futures_util::stream;
use http::StatusCode;
use serde_json::json;

use crate::support::{JSON, OCTETS, TestApp, raw};

#[tokio::test]
async fn data_comes_back_as_it_was_sent() {
    let app = TestApp::new().await;
    let id = app.create(&raw()).await;
    let data: Vec<u8> = (0..3_000_000_u32).map(|number| (number % 253) as u8).collect();
    let chunks: Vec<_> =
        data.chunks(77_777).map(|chunk| Ok::<_, std::io::Error>(Bytes::copy_from_slice(chunk))).collect();
    let stored = app.upload(&id, Body::from_stream(stream::iter(chunks))).await;
    assert_eq!(stored.status, StatusCode::NO_CONTENT, "{}", stored.text());
    let image = app.get(&format!("/v2/images/{id}")).await.json();
    assert_eq!(
        (&image["status"], &image["size"], &image["stores"]),
        (&json!("active"), &json!(3_000_000), &json!("fast"))
    );
    assert_eq!(app.files(), std::slice::from_ref(&id));
    let whole = app.call("GET", &format!("/v2/images/{id}/file"), &[], Body::empty()).await;
    assert!(whole.bytes == data);
    assert_eq!(whole.header("content-length"), Some("3000000"));
    assert_eq!(whole.header("content-md5"), image["checksum"].as_str());
}

#[tokio::test]
async fn parts_of_the_data() {
    let app = TestApp::new().await;
    let id = app.create(&raw()).await;
    app.upload(&id, "0123456789").await;
    let path = format!("/v2/images/{id}/file");
    let cases = [
        ("range", "bytes=2-4", "234", "bytes 2-4/10"),
        ("range", "bytes=8-", "89", "bytes 8-9/10"),
        ("range", "bytes=-3", "789", "bytes 7-9/10"),
        ("range", "bytes=5-99", "56789", "bytes 5-9/10"),
        ("content-range", "bytes 1-2/*", "12", "bytes 1-2/10"),
    ];
    for (name, value, expected, shown) in cases {
        let part = app.call("GET", &path, &[(name, value)], Body::empty()).await;
        assert_eq!((part.status, part.text().as_str()), (StatusCode::PARTIAL_CONTENT, expected), "{value}");
        assert_eq!(part.header("content-range"), Some(shown));
    }
    let outside = app.call("GET", &path, &[("range", "bytes=10-")], Body::empty()).await;
    assert_eq!(outside.status, StatusCode::RANGE_NOT_SATISFIABLE);
}

#[tokio::test]
async fn an_image_without_data_has_nothing_to_give() {
    let app = TestApp::new().await;
    let id = app.create(&raw()).await;
    assert_eq!(app.get(&format!("/v2/images/{id}/file")).await.status, StatusCode::NO_CONTENT);
    assert_eq!(app.upload(&id, "").await.status, StatusCode::NO_CONTENT);
    let empty = app.get(&format!("/v2/images/{id}/file")).await;
    assert_eq!((empty.status, empty.bytes.len()), (StatusCode::OK, 0));
}

#[tokio::test]
async fn a_failed_upload_leaves_a_queued_image_and_no_file() {
    let app = TestApp::with_options("image_size_cap = 1000").await;
    let broken = || {
        let frames = [Ok(Bytes::from_static(b"some")), Err(std::io::Error::other("gone"))];
        Body::from_stream(stream::iter(frames))
    };
    let qcow2 = json!({"disk_format": "qcow2", "container_format": "bare"});
    let cases = [
        (raw(), vec![("x-openstack-image-size", "5")], Body::from("abc"), StatusCode::BAD_REQUEST),
        (raw(), vec![], Body::from(vec![0; 1001]), StatusCode::PAYLOAD_TOO_LARGE),
        (raw(), vec![("content-length", "1001")], Body::empty(), StatusCode::PAYLOAD_TOO_LARGE),
        (raw(), vec![], broken(), StatusCode::BAD_REQUEST),
        (raw(), vec![("x-image-meta-store", "nope")], Body::from("abc"), StatusCode::BAD_REQUEST),
        (raw(), vec![("x-openstack-image-size", "many")], Body::from("abc"), StatusCode::BAD_REQUEST),
        (qcow2, vec![], Body::from("abc"), StatusCode::UNSUPPORTED_MEDIA_TYPE),
        (json!({}), vec![], Body::from("abc"), StatusCode::BAD_REQUEST),
    ];
    for (document, mut headers, body, status) in cases {
        let id = app.create(&document).await;
        headers.extend([JSON, OCTETS]);
        let refused = app.call("PUT", &format!("/v2/images/{id}/file"), &headers, body).await;
        assert_eq!(refused.status, status, "{headers:?}: {}", refused.text());
        assert_eq!(app.status(&id).await, "queued");
        assert!(app.files().is_empty(), "{:?}", app.files());
    }
    let id = app.create(&raw()).await;
    let wrong_type = app.call("PUT", &format!("/v2/images/{id}/file"), &[JSON], "abc").await;
    assert_eq!(wrong_type.status, StatusCode::UNSUPPORTED_MEDIA_TYPE);
    assert_eq!(app.upload(&id, "abc").await.status, StatusCode::NO_CONTENT);
}

#[tokio::test]
async fn only_a_queued_image_takes_data() {
    let app = TestApp::new().await;
    let id = app.create(&raw()).await;
    assert_eq!(app.upload(&id, "first").await.status, StatusCode::NO_CONTENT);
    let second = app.upload(&id, "second").await;
    assert_eq!(second.status, StatusCode::CONFLICT);
    assert!(second.message().starts_with("Image status transition from active to saving is not allowed"));
    assert_eq!(app.get(&format!("/v2/images/{id}/file")).await.text(), "first");
    let format = app.patch(&id, &json!([{"op": "replace", "path": "/disk_format", "value": "iso"}])).await;
    assert_eq!(format.status, StatusCode::FORBIDDEN);
}

#[tokio::test]
async fn of_many_uploads_at_once_one_wins() {
    let app = TestApp::new().await;
    let id = app.create(&raw()).await;
    let bodies: Vec<String> = (0..8).map(|number| number.to_string().repeat(300_000)).collect();
    let answers = futures_util::future::join_all(bodies.iter().map(|body| app.upload(&id, body.clone()))).await;
    let stored: Vec<_> =
        answers.iter().zip(&bodies).filter(|(answer, _)| answer.status == StatusCode::NO_CONTENT).collect();
    let [(_, winner)] = stored.as_slice() else { panic!("{} uploads succeeded", stored.len()) };
    assert!(answers.iter().filter(|answer| answer.status == StatusCode::CONFLICT).count() == 7);
    assert!(app.get(&format!("/v2/images/{id}/file")).await.text() == **winner);
    assert_eq!(app.files(), [id]);
}

#[tokio::test]
async fn deleting_removes_the_data() {
    let app = TestApp::new().await;
    let id = app.create(&raw()).await;
    app.upload(&id, "abc").await;
    assert_eq!(app.call("DELETE", &format!("/v2/images/{id}"), &[], "").await.status, StatusCode::NO_CONTENT);
    assert!(app.files().is_empty(), "{:?}", app.files());
    assert_eq!(app.get(&format!("/v2/images/{id}/file")).await.status, StatusCode::NOT_FOUND);
}

#[tokio::test]
async fn an_image_deleted_during_its_upload_is_gone() {
    let app = TestApp::new().await;
    let id = app.create(&raw()).await;
    let (sender, receiver) = tokio::sync::mpsc::channel::<Result<Bytes, std::io::Error>>(1);
    let body = Body::from_stream(stream::unfold(receiver, |mut receiver| async {
        receiver.recv().await.map(|item| (item, receiver))
    }));
    let delete = async {
        sender.send(Ok(Bytes::from_static(b"some"))).await.unwrap();
        while app.status(&id).await != "saving" {
            tokio::task::yield_now().await;
        }
        let path = format!("/v2/images/{id}");
        assert_eq!(app.call("DELETE", &path, &[], "").await.status, StatusCode::NO_CONTENT);
        drop(sender);
    };
    let (answer, ()) = tokio::join!(app.upload(&id, body), delete);
    assert_eq!(answer.status, StatusCode::GONE, "{}", answer.text());
    assert!(app.files().is_empty(), "{:?}", app.files());
}

#[tokio::test]
async fn taking_an_image_out_of_use_and_back() {
    let app = TestApp::new().await;
    let id = app.create(&raw()).await;
    let act = |action: &'static str| {
        let path = format!("/v2/images/{id}/actions/{action}");
        let app = &app;
        async move { app.call("POST", &path, &[JSON], "").await.status }
    };
    assert_eq!(act("deactivate").await, StatusCode::FORBIDDEN);
    app.upload(&id, "abc").await;
    for (action, status) in [("deactivate", "deactivated"), ("deactivate", "deactivated"), ("reactivate", "active")] {
        assert_eq!(act(action).await, StatusCode::NO_CONTENT);
        assert_eq!(app.status(&id).await, status);
    }
}
