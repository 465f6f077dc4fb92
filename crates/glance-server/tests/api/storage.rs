//! `user_storage_quota`: what running uploads have reserved counts as if it were stored.

use axum::body::Body;
use bytes::Bytes;
use futures_util::stream;
use http::StatusCode;
use serde_json::json;
use tokio::sync::mpsc::{Receiver, Sender, channel};

use crate::support::{Answer, JSON, OCTETS, TestApp, raw};
use crate::web::Web;

const TOO_LARGE: StatusCode = StatusCode::PAYLOAD_TOO_LARGE;

type Chunk = Result<Bytes, std::io::Error>;

/// A body whose chunks come when the test sends them.
pub(crate) fn body() -> (Sender<Chunk>, Body) {
    let (sender, receiver) = channel::<Chunk>(1);
    let next = |mut receiver: Receiver<Chunk>| async { receiver.recv().await.map(|item| (item, receiver)) };
    (sender, Body::from_stream(stream::unfold(receiver, next)))
}

impl TestApp {
    pub(crate) async fn wait_until(&self, id: &str, status: &str) {
        while self.status(id).await != status {
            tokio::task::yield_now().await;
        }
    }

    /// An upload that announces so many bytes and sends none of them.
    pub(crate) async fn announce(&self, id: &str, size: &str) -> Answer {
        self.call("PUT", &format!("/v2/images/{id}/file"), &[JSON, OCTETS, ("content-length", size)], "").await
    }
}

#[tokio::test]
async fn what_a_running_upload_has_announced_is_taken() {
    let app = TestApp::with_options("user_storage_quota = 10B").await;
    let (first, second) = (app.create(&raw()).await, app.create(&raw()).await);
    let (sender, data) = body();
    let path = format!("/v2/images/{first}/file");
    let uploading = app.call("PUT", &path, &[JSON, OCTETS, ("x-openstack-image-size", "8")], data);
    let meanwhile = async {
        app.wait_until(&first, "saving").await;
        let early = app.announce(&second, "3").await;
        assert_eq!(early.status, TOO_LARGE);
        let told = "The size of the data 3 will exceed the limit. 2 bytes remaining.";
        assert!(early.message().contains(told), "{}", early.text());
        assert_eq!(app.status(&second).await, "queued");
        assert_eq!(app.upload(&second, "ab").await.status, StatusCode::NO_CONTENT);
        sender.send(Ok(Bytes::from_static(b"12345678"))).await.unwrap();
        drop(sender);
    };
    let (answer, ()) = tokio::join!(uploading, meanwhile);
    assert_eq!(answer.status, StatusCode::NO_CONTENT, "{}", answer.text());
    let third = app.create(&raw()).await;
    assert_eq!(app.upload(&third, "x").await.status, TOO_LARGE);
    // What is deleted is free again.
    app.call("DELETE", &format!("/v2/images/{second}"), &[], "").await;
    assert_eq!(app.upload(&third, "xy").await.status, StatusCode::NO_CONTENT);
}

#[tokio::test]
async fn a_failed_upload_gives_its_room_back() {
    let app = TestApp::with_options("user_storage_quota = 10B").await;
    let (first, second) = (app.create(&raw()).await, app.create(&raw()).await);
    let (sender, data) = body();
    let uploading = app.upload(&first, data);
    let meanwhile = async {
        app.wait_until(&first, "saving").await;
        // It has not said how much it brings, so it has taken all.
        assert_eq!(app.upload(&second, "1").await.status, TOO_LARGE);
        sender.send(Err(std::io::Error::other("gone"))).await.unwrap();
        drop(sender);
    };
    let (answer, ()) = tokio::join!(uploading, meanwhile);
    assert_eq!(answer.status, StatusCode::BAD_REQUEST);
    assert_eq!(app.upload(&second, "1234567890").await.status, StatusCode::NO_CONTENT);
}

#[tokio::test]
async fn of_uploads_that_do_not_say_their_size_no_two_get_the_last_byte() {
    const SIZE: usize = 3 << 20;
    let app = TestApp::with_options("user_storage_quota = 10MB").await;
    let mut ids = Vec::new();
    for _ in 0..6 {
        ids.push(app.create(&raw()).await);
    }
    let chunked = || Body::from_stream(stream::iter((0..48).map(|_| Chunk::Ok(Bytes::from(vec![7; SIZE / 48])))));
    let answers = futures_util::future::join_all(ids.iter().map(|id| app.upload(id, chunked()))).await;
    let statuses: Vec<_> = answers.iter().map(|answer| answer.status).collect();
    let stored = statuses.iter().filter(|status| **status == StatusCode::NO_CONTENT).count();
    // They may get into each other's way, but three at most fit.
    assert!(stored <= 3, "{statuses:?}");
    assert!(statuses.iter().all(|status| [StatusCode::NO_CONTENT, TOO_LARGE].contains(status)), "{statuses:?}");
    assert_eq!(app.files().len(), stored);
    // Alone, the others find the room that the refused have left.
    let mut fits = 3 - stored;
    for (id, status) in ids.iter().zip(statuses) {
        if status == TOO_LARGE {
            let expected = if fits > 0 { StatusCode::NO_CONTENT } else { TOO_LARGE };
            assert_eq!(app.upload(id, chunked()).await.status, expected);
            fits = fits.saturating_sub(1);
        }
    }
}

#[tokio::test]
async fn locations_find_no_room_that_an_upload_has_taken() {
    let app = TestApp::with_web("user_storage_quota = 10B\nshow_multiple_locations = true").await;
    let web = Web::start();
    let (first, second) = (app.create(&raw()).await, app.create(&raw()).await);
    let add = json!([{"op": "add", "path": "/locations/-", "value": {"url": web.file(6, "a"), "metadata": {}}}]);
    let (sender, data) = body();
    let uploading = app.upload(&first, data);
    let meanwhile = async {
        app.wait_until(&first, "saving").await;
        let refused = app.patch(&second, &add).await;
        assert_eq!(refused.status, TOO_LARGE, "{}", refused.text());
        assert_eq!(app.status(&second).await, "queued");
        drop(sender);
    };
    let (answer, ()) = tokio::join!(uploading, meanwhile);
    assert_eq!(answer.status, StatusCode::NO_CONTENT, "{}", answer.text());
    assert_eq!(app.patch(&second, &add).await.status, StatusCode::OK);
}
