//! Refusals: their status, their words and their form.

use std::future::poll_fn;
use std::task::Poll;
use std::time::Duration;

use axum::body::Body;
use glance_domain::{Image, ImageId, Timestamp};
use http::StatusCode;
use serde_json::json;

use crate::support::{JSON, TestApp};

#[tokio::test]
async fn the_form_follows_accept() {
    let app = TestApp::new().await;
    let get =
        |accept: &'static [(&'static str, &'static str)]| app.call("GET", "/v2/images/nope", accept, Body::empty());
    let json = get(&[JSON]).await;
    assert_eq!(json.header("content-type"), Some("application/json"));
    assert_eq!(
        json.json(),
        json!({"message": "No image found with ID nope<br /><br />\n\n\n", "code": "404 Not Found", "title": "Not Found"})
    );
    let html = get(&[("accept", "*/*")]).await;
    assert_eq!(html.header("content-type"), Some("text/html; charset=UTF-8"));
    insta::assert_snapshot!(html.text());
    let text = get(&[]).await;
    assert_eq!(text.header("content-type"), Some("text/plain; charset=UTF-8"));
    assert_eq!(text.text(), "404 Not Found\n\nNo image found with ID nope\n\n   ");
}

#[tokio::test]
async fn a_database_without_a_free_connection_is_a_matter_of_time() {
    let app = TestApp::with_patience(Duration::from_millis(500)).await;
    let id = ImageId::parse("first").expect("an id");
    let image = Image::new(id, None, Timestamp::parse_iso("2026-01-02").expect("a time"));
    let db = app.app.db.clone();
    // Connections come back to their pool a little after their last use.
    while db.connections().idle < db.connections().open {
        tokio::task::yield_now().await;
    }
    let idle = db.connections().idle;
    let mut holding = Box::pin(db.create_image(&image));
    assert!(poll_fn(|context| Poll::Ready(holding.as_mut().poll(context))).await.is_pending());
    assert_eq!(db.connections().idle, idle - 1, "it has the connection that writes");
    let refused = app.post("/v2/images", &json!({"name": "second"})).await;
    assert_eq!(refused.status, StatusCode::SERVICE_UNAVAILABLE, "{}", refused.text());
    assert_eq!(refused.header("retry-after"), Some("5"));
    assert_eq!(app.get("/v2/images").await.status, StatusCode::OK);
    holding.await.expect("the connection was not lost");
    assert_eq!(app.post("/v2/images", &json!({"name": "second"})).await.status, StatusCode::CREATED);
}

#[tokio::test]
async fn bad_documents_are_explained() {
    let app = TestApp::new().await;
    let cases = [
        ("", "Body expected in request."),
        ("{\"nam", "Malformed JSON in request body."),
        ("\"abc\"", "Unexpected body type. Expected list/dict."),
        ("[]", "An image must be a JSON object."),
        ("{\"name\": 5}", "Provided object does not match schema 'image': 5 is not of type 'null', 'string'"),
        ("{\"id\": \"zz\"}", "Provided object does not match schema 'image': 'zz' does not match"),
        ("{\"foo\": null}", "Provided object does not match schema 'image': None is not of type 'string'"),
        ("{\"min_ram\": -1}", "Invalid value '-1' for parameter 'min_ram': Cannot be a negative value"),
        ("{\"name\": \"😀\"}", "Name can't contain 4 byte unicode characters."),
        ("{\"name\": \"a\\u0000\"}", "The request body contains a null character."),
        ("{\"a\\u0000\": \"b\"}", "The request body contains a null character."),
        ("{\"disk_format\": \"zz\"}", "Provided object does not match schema 'image': 'zz' is not one of [None, 'ami'"),
    ];
    for (body, words) in cases {
        let answer = app.call("POST", "/v2/images", &[JSON], body).await;
        assert_eq!(answer.status, StatusCode::BAD_REQUEST, "{body}");
        assert!(answer.message().starts_with(words), "{body}: {}", answer.message());
    }
    for body in ["{\"status\": \"active\"}", "{\"locations\": []}", "{\"self\": \"x\"}", "{\"os_glance_x\": \"x\"}"] {
        let answer = app.call("POST", "/v2/images", &[JSON], body).await;
        assert!(answer.status == StatusCode::FORBIDDEN, "{body}: {}", answer.text());
    }
}

#[tokio::test]
async fn each_route_misses_images_in_its_own_words() {
    let app = TestApp::new().await;
    for (method, suffix, words) in [
        ("GET", "", "No image found with ID {}"),
        ("DELETE", "", "Failed to find image {} to delete"),
        ("PUT", "/tags/x", "Image {} not found."),
        ("DELETE", "/tags/x", "Image {} not found."),
        ("GET", "/members", "Image {} not found."),
    ] {
        for (id, path) in [("nope", "nope"), ("a b", "a%20b")] {
            let answer = app.call(method, &format!("/v2/images/{path}{suffix}"), &[JSON], "").await;
            assert_eq!(answer.status, StatusCode::NOT_FOUND);
            let message = answer.message();
            assert!(message.starts_with(&words.replace("{}", id)), "{message}");
        }
    }
}

#[tokio::test]
async fn bad_queries_are_explained() {
    let app = TestApp::new().await;
    let cases = [
        ("limit=x", "limit param must be an integer"),
        ("limit=-1", "limit param must be positive"),
        ("marker=zzz", "No image found with ID zzz"),
        ("sort=foo", "Invalid sort key: foo. It must be one of the following: name, status"),
        ("sort=name&sort_key=name", "Old and new sorting syntax cannot be combined"),
        ("visibility=foo", "Invalid visibility value: foo"),
        ("member_status=foo", "Invalid status: foo"),
        ("os_hidden=maybe", "Invalid value 'maybe' for 'os_hidden' filter."),
        ("name=neq:x", "Unable to filter by unknown operator 'neq'."),
        ("changes-since=2026", "The \"changes-since\" filter is no longer available on v2."),
        ("name=%ff", "The request path is not valid UTF-8."),
    ];
    for (query, words) in cases {
        let answer = app.get(&format!("/v2/images?{query}")).await;
        assert_eq!(answer.status, StatusCode::BAD_REQUEST, "{query}");
        assert!(answer.message().starts_with(words), "{query}: {}", answer.message());
    }
}

#[tokio::test]
async fn a_patch_needs_its_media_type() {
    let app = TestApp::new().await;
    let answer = app.call("PATCH", "/v2/images/x", &[JSON, ("content-type", "application/json")], "[]").await;
    assert_eq!(answer.status, StatusCode::UNSUPPORTED_MEDIA_TYPE);
    let accepted = "application/openstack-images-v2.0-json-patch, application/openstack-images-v2.1-json-patch";
    assert_eq!(answer.header("accept-patch"), Some(accepted));
}
