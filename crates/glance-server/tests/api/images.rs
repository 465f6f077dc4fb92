//! Registering, showing, listing, changing and deleting.

use http::StatusCode;
use serde_json::json;

use crate::support::{JSON, TestApp, raw};

#[tokio::test]
async fn a_new_image_has_every_attribute() {
    let app = TestApp::new().await;
    let id = "71c675ab-d94f-49cd-a114-e12490b328d9";
    let sent = json!({"id": id, "name": "n", "tags": ["b", "a"], "colour": "red", "min_ram": 5});
    let answer = app.call("POST", "/v2/images", &[JSON, ("host", "glance.example:9292")], sent.to_string()).await;
    assert_eq!(answer.status, StatusCode::CREATED);
    assert_eq!(answer.header("location"), Some(format!("http://glance.example:9292/v2/images/{id}").as_str()));
    assert_eq!(answer.header("openstack-image-store-ids"), Some("fast"));
    assert_eq!(answer.header("openstack-image-import-methods"), None);
    let shown = app.get(&format!("/v2/images/{id}")).await;
    assert_eq!(shown.bytes, answer.bytes);
    insta::assert_snapshot!(shown.text());
}

#[tokio::test]
async fn an_id_is_never_used_twice() {
    let app = TestApp::new().await;
    let id = app.create(&raw()).await;
    let again = json!({"id": id});
    assert_eq!(app.post("/v2/images", &again).await.status, StatusCode::CONFLICT);
    let path = format!("/v2/images/{id}");
    assert_eq!(app.call("DELETE", &path, &[JSON], "").await.status, StatusCode::NO_CONTENT);
    assert_eq!(app.get(&path).await.status, StatusCode::NOT_FOUND);
    assert_eq!(app.call("DELETE", &path, &[JSON], "").await.status, StatusCode::NOT_FOUND);
    let refused = app.post("/v2/images", &again).await;
    assert_eq!(refused.status, StatusCode::CONFLICT);
    assert!(refused.message().starts_with(&format!("Image ID {id} already exists!")), "{}", refused.message());
}

#[tokio::test]
async fn pages_follow_each_other_without_gap_or_repetition() {
    let app = TestApp::new().await;
    let mut all = Vec::new();
    for number in 0..7 {
        // All have the same creation time: the id breaks the ties.
        all.push(app.create(&json!({"name": format!("image {number}"), "colour": "a b&c"})).await);
    }
    let mut path = "/v2/images?limit=3&colour=a+b%26c&sort=name:asc".to_owned();
    let mut seen = Vec::new();
    loop {
        let page = app.get(&path).await.json();
        assert_eq!(page["first"], "/v2/images?limit=3&colour=a+b%26c&sort=name%3Aasc");
        seen.extend(page["images"].as_array().unwrap().iter().map(|image| image["id"].as_str().unwrap().to_owned()));
        match page["next"].as_str() {
            Some(next) => path = next.to_owned(),
            None => break,
        }
    }
    assert_eq!(seen, all);
    let empty = app.get("/v2/images?limit=0").await.json();
    assert_eq!((empty["images"].as_array().unwrap().len(), empty.get("next")), (0, None));
}

#[tokio::test]
async fn lists_take_filters_and_orders() {
    let app = TestApp::new().await;
    let red = app.create(&json!({"name": "a,b", "colour": "red", "tags": ["x", "y"]})).await;
    let blue = app.create(&json!({"name": "c", "colour": "blue", "tags": ["x"], "protected": true})).await;
    app.create(&json!({"name": "hidden", "os_hidden": true})).await;
    let cases = [
        ("sort_key=name&sort_dir=asc", vec![&red, &blue]),
        ("sort=name", vec![&blue, &red]),
        ("colour=red", vec![&red]),
        ("tag=x&tag=y", vec![&red]),
        ("name=in:%22a,b%22,zz", vec![&red]),
        ("protected=true", vec![&blue]),
        ("status=active", vec![]),
        ("created_at=lt:2026-01-01", vec![]),
        ("owner=default&name=c", vec![&blue]),
        ("visibility=public", vec![]),
    ];
    for (query, expected) in cases {
        let found = app.get(&format!("/v2/images?{query}")).await.json();
        let ids: Vec<_> =
            found["images"].as_array().unwrap().iter().map(|image| image["id"].as_str().unwrap()).collect();
        assert_eq!(ids, expected, "{query}");
    }
    let hidden = app.get("/v2/images?os_hidden=true").await.json();
    assert_eq!(hidden["images"][0]["name"], "hidden");
}

#[tokio::test]
async fn a_patch_is_applied_whole_or_not_at_all() {
    let app = TestApp::new().await;
    let id = app.create(&json!({"name": "old", "colour": "red"})).await;
    let half = json!([
        {"op": "replace", "path": "/name", "value": "new"},
        {"op": "replace", "path": "/nope", "value": "x"},
    ]);
    assert_eq!(app.patch(&id, &half).await.status, StatusCode::CONFLICT);
    assert_eq!(app.get(&format!("/v2/images/{id}")).await.json()["name"], "old");
    let whole = json!([
        {"op": "replace", "path": "/name", "value": "new"},
        {"op": "remove", "path": "/colour"},
        {"op": "add", "path": "/size_of~1shoe", "value": "43"},
        {"op": "replace", "path": "/tags", "value": ["a", "a"]},
        {"op": "replace", "path": "/protected", "value": true},
    ]);
    let changed = app.patch(&id, &whole).await;
    assert_eq!(changed.status, StatusCode::OK, "{}", changed.text());
    let image = changed.json();
    assert_eq!((&image["name"], &image["tags"], &image["size_of/shoe"]), (&json!("new"), &json!(["a"]), &json!("43")));
    assert_eq!(image.get("colour"), None);
    let refused = app.call("DELETE", &format!("/v2/images/{id}"), &[JSON], "").await;
    assert_eq!(refused.status, StatusCode::FORBIDDEN);
    assert_eq!(app.patch(&id, &json!([])).await.json(), image);
}

#[tokio::test]
async fn quotas_count_what_is_added() {
    let app = TestApp::with_options("image_tag_quota = 2\nimage_property_quota = 1").await;
    let too_many = app.post("/v2/images", &json!({"tags": ["a", "b", "c"]})).await;
    assert_eq!(too_many.status, StatusCode::PAYLOAD_TOO_LARGE);
    let id = app.create(&json!({"tags": ["a", "b"], "one": "1"})).await;
    let tag = app.call("PUT", &format!("/v2/images/{id}/tags/c"), &[JSON], "").await;
    assert_eq!(tag.status, StatusCode::PAYLOAD_TOO_LARGE);
    let property = app.patch(&id, &json!([{"op": "add", "path": "/two", "value": "2"}])).await;
    assert_eq!(property.status, StatusCode::PAYLOAD_TOO_LARGE);
    let exchange = json!([{"op": "remove", "path": "/one"}, {"op": "add", "path": "/two", "value": "2"}]);
    assert_eq!(app.patch(&id, &exchange).await.status, StatusCode::OK);
}

#[tokio::test]
async fn tags_one_at_a_time() {
    let app = TestApp::new().await;
    let id = app.create(&raw()).await;
    let path = format!("/v2/images/{id}/tags/a%2Fb%20c");
    for _ in 0..2 {
        assert_eq!(app.call("PUT", &path, &[JSON], "").await.status, StatusCode::NO_CONTENT);
    }
    assert_eq!(app.get(&format!("/v2/images/{id}")).await.json()["tags"], json!(["a/b c"]));
    assert_eq!(app.call("DELETE", &path, &[JSON], "").await.status, StatusCode::NO_CONTENT);
    assert_eq!(app.call("DELETE", &path, &[JSON], "").await.status, StatusCode::NOT_FOUND);
    let long = format!("/v2/images/{id}/tags/{}", "x".repeat(256));
    assert_eq!(app.call("PUT", &long, &[JSON], "").await.status, StatusCode::BAD_REQUEST);
}

#[tokio::test]
async fn the_storage_of_a_project_is_limited() {
    let app = TestApp::with_options("user_storage_quota = 10B").await;
    let (first, second) = (app.create(&raw()).await, app.create(&raw()).await);
    let refused = app.upload(&first, "more than ten").await;
    assert_eq!(refused.status, StatusCode::PAYLOAD_TOO_LARGE);
    assert_eq!(app.status(&first).await, "queued");
    // Each fits alone, both do not: whoever is last is refused, and leaves nothing.
    let (one, two) = tokio::join!(app.upload(&first, "sixsix"), app.upload(&second, "sixsix"));
    let mut statuses = [one.status, two.status];
    statuses.sort();
    assert_eq!(statuses, [StatusCode::NO_CONTENT, StatusCode::PAYLOAD_TOO_LARGE]);
    assert_eq!(app.files().len(), 1);
    let loser = if one.status == StatusCode::NO_CONTENT { &second } else { &first };
    assert_eq!(app.status(loser).await, "queued");
    assert_eq!(app.upload(loser, "four").await.status, StatusCode::NO_CONTENT);
}
