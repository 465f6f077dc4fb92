//! Data that has changed under the service is not delivered.

use std::fs::OpenOptions;

use futures_util::TryStreamExt as _;
use glance_domain::ImageId;
use glance_server::app::context::RequestContext;
use glance_store::ByteRange;
use http::StatusCode;
use serde_json::json;

use crate::support::{TestApp, raw};
use crate::web::Web;

const LOCATIONS: &str = "show_multiple_locations = true";

impl TestApp {
    /// Gives the file of an image another length.
    fn resize(&self, id: &str, length: u64) {
        let path = self.folder.path().join("images").join(id);
        OpenOptions::new().write(true).open(path).unwrap().set_len(length).unwrap();
    }

    async fn add_url(&self, id: &str, url: &str) {
        let value = json!({"url": url, "metadata": {}});
        let added = self.patch(id, &json!([{"op": "add", "path": "/locations/-", "value": value}])).await;
        assert_eq!(added.status, StatusCode::OK, "{}", added.text());
    }

    async fn range(&self, id: &str, range: &str) -> StatusCode {
        self.call("GET", &format!("/v2/images/{id}/file"), &[("range", range)], "").await.status
    }

    fn administrator(&self) -> RequestContext {
        RequestContext::administrator("req-test".to_owned(), None, self.app.config.load_full())
    }
}

#[tokio::test]
async fn a_file_that_was_cut_or_has_grown_is_not_delivered() {
    let app = TestApp::new().await;
    let id = app.create(&raw()).await;
    app.upload(&id, "0123456789").await;
    let path = format!("/v2/images/{id}/file");
    for length in [9, 11, 0] {
        app.resize(&id, length);
        assert_eq!(app.get(&path).await.status, StatusCode::SERVICE_UNAVAILABLE, "{length}");
        assert_eq!(app.range(&id, "bytes=0-0").await, StatusCode::SERVICE_UNAVAILABLE, "{length}");
    }
    app.resize(&id, 10);
    assert_eq!(app.get(&path).await.status, StatusCode::OK);
    assert_eq!(app.range(&id, "bytes=0-0").await, StatusCode::PARTIAL_CONTENT);
}

#[tokio::test]
async fn the_next_location_is_tried() {
    let (app, web) = (TestApp::with_web(LOCATIONS).await, Web::start());
    let id = app.create(&raw()).await;
    app.upload(&id, "0123456789").await;
    app.add_url(&id, &web.file(10, "copy")).await;
    let path = format!("/v2/images/{id}/file");
    assert_eq!(app.get(&path).await.text(), "0123456789");
    app.resize(&id, 9);
    assert_eq!(app.get(&path).await.text(), "x".repeat(10));
    std::fs::remove_file(app.folder.path().join("images").join(&id)).unwrap();
    assert_eq!(app.get(&path).await.text(), "x".repeat(10));
}

#[tokio::test]
async fn a_page_of_another_length_is_not_delivered() {
    let (app, web) = (TestApp::with_web(LOCATIONS).await, Web::start());
    for (sent, status) in
        [(9, StatusCode::SERVICE_UNAVAILABLE), (11, StatusCode::SERVICE_UNAVAILABLE), (10, StatusCode::OK)]
    {
        let id = app.create(&raw()).await;
        app.add_url(&id, &web.changing(10, "sent", sent)).await;
        let answer = app.get(&format!("/v2/images/{id}/file")).await;
        assert_eq!(answer.status, status, "{sent}");
    }
}

#[tokio::test]
async fn a_page_of_unknown_length_is_judged_as_it_comes() {
    let (app, web) = (TestApp::with_web(LOCATIONS).await, Web::start());
    for (sent, is_whole) in [(9, false), (11, false), (10, true)] {
        let id = app.create(&raw()).await;
        app.add_url(&id, &web.changing(10, "streamed", sent)).await;
        let ctx = app.administrator();
        let image = app.app.image_for_download(&ctx, &ImageId::parse(&id).unwrap(), &[]).await.unwrap();
        let data = app.app.open_image_data(&ctx, &image, None).await.unwrap().unwrap();
        assert_eq!(data.object.length, Some(10));
        let chunks: Result<Vec<_>, _> = data.object.chunks.try_collect().await;
        assert_eq!(chunks.is_ok(), is_whole, "{sent}");
    }
}

#[tokio::test]
async fn a_size_of_null_is_not_judged() {
    let app = TestApp::new().await;
    let id = app.create(&raw()).await;
    app.upload(&id, "0123456789").await;
    let ctx = app.administrator();
    let mut image = app.app.image_for_download(&ctx, &ImageId::parse(&id).unwrap(), &[]).await.unwrap();
    image.size = None;
    for length in [5, 10, 15] {
        app.resize(&id, length);
        let data = app.app.open_image_data(&ctx, &image, None).await.unwrap().unwrap();
        assert_eq!(data.object.length, Some(length));
        assert_eq!(data.object.chunks.try_collect::<Vec<_>>().await.unwrap().concat().len() as u64, length);
    }
    image.size = Some(15);
    let range = Some(ByteRange { offset: 14, length: 1 });
    assert!(app.app.open_image_data(&ctx, &image, range).await.unwrap().is_some());
}

#[tokio::test]
async fn ossa_2014_041_and_2015_002_locations_do_not_reach_files_of_this_machine() {
    let app = TestApp::with_web(LOCATIONS).await;
    let id = app.create(&raw()).await;
    app.upload(&id, "0123456789").await;
    let secret = app.folder.path().join("secret");
    std::fs::write(&secret, "secret").unwrap();
    let queued = app.create(&raw()).await;
    let (images, secret) = (app.folder.path().join("images").display().to_string(), secret.display().to_string());
    for (scheme, path) in [
        ("file", secret.clone()),
        ("filesystem", secret.clone()),
        ("FILE", secret.clone()),
        ("file", format!("{images}/../secret")),
        ("filesystem", format!("{images}/../secret")),
        ("file", format!("{images}/%2e%2e/secret")),
        ("file", format!("{images}/{id}")),
        ("filesystem", "/etc/passwd".to_owned()),
        ("file", "/dev/zero".to_owned()),
        ("file", "/proc/self/environ".to_owned()),
    ] {
        let value = json!({"url": format!("{scheme}://{path}"), "metadata": {}});
        let added = app.patch(&id, &json!([{"op": "add", "path": "/locations/-", "value": value.clone()}])).await;
        assert_eq!(added.status, StatusCode::BAD_REQUEST, "{scheme}://{path}");
        let replaced = app.patch(&queued, &json!([{"op": "replace", "path": "/locations", "value": [value]}])).await;
        assert_eq!(replaced.status, StatusCode::BAD_REQUEST, "{scheme}://{path}");
    }
}
