//! Locations that clients hand in by PATCH, and what other services see of them.

use glance_db::{LocationChange, NewRemoval, WorkId};
use glance_domain::query::Viewer;
use glance_domain::{ImageId, StoreId};
use http::StatusCode;
use serde_json::{Value, json};

use crate::support::{ADMIN, Answer, JSON, MEMBER, OTHER, Persona, READER, TestApp, raw};
use crate::web::Web;

const SERVICE: Persona = Persona { name: "service", project: Some("services"), roles: &["service"] };

async fn app() -> TestApp {
    TestApp::with_web("show_multiple_locations = true\nshow_image_direct_url = true\nimage_location_quota = 3").await
}

impl TestApp {
    async fn patch_as(&self, who: Persona, id: &str, changes: &Value) -> Answer {
        self.call_as(who, "PATCH", &format!("/v2/images/{id}"), changes.to_string()).await
    }

    async fn add_location(&self, who: Persona, id: &str, at: &str, url: &str) -> Answer {
        let value = json!({"url": url, "metadata": {}});
        self.patch_as(who, id, &json!([{"op": "add", "path": format!("/locations/{at}"), "value": value}])).await
    }
}

fn urls(answer: &Answer) -> Vec<String> {
    let image = answer.json();
    image["locations"].as_array().unwrap().iter().map(|one| one["url"].as_str().unwrap().to_owned()).collect()
}

#[tokio::test]
async fn an_image_becomes_active_by_a_location_and_is_read_from_it() {
    let (app, web) = (app().await, Web::start());
    let id = app.create_as(MEMBER, &raw()).await;
    let url = web.file(1234, "a");
    let added = app.add_location(MEMBER, &id, "-", &url).await;
    assert_eq!(added.status, StatusCode::OK, "{}", added.text());
    let image = added.json();
    assert_eq!((&image["status"], &image["size"], &image["direct_url"]), (&json!("active"), &json!(1234), &json!(url)));
    assert_eq!(image["locations"], json!([{"url": url, "metadata": {"store": "web"}}]));
    assert_eq!(image["stores"], "web");
    let data = app.call_as(MEMBER, "GET", &format!("/v2/images/{id}/file"), "").await;
    assert_eq!((data.status, data.bytes.len()), (StatusCode::OK, 1234));
    assert_eq!(app.call_as(MEMBER, "DELETE", &format!("/v2/images/{id}"), "").await.status, StatusCode::NO_CONTENT);
}

#[tokio::test]
async fn positions_order_the_answer() {
    let (app, web) = (app().await, Web::start());
    let id = app.create_as(MEMBER, &raw()).await;
    let [a, b, c] = ["a", "b", "c"].map(|name| web.file(7, name));
    for (at, url) in [("-", &a), ("0", &b)] {
        assert_eq!(app.add_location(MEMBER, &id, at, url).await.status, StatusCode::OK);
    }
    let last = app.add_location(MEMBER, &id, "99", &c).await;
    assert_eq!(urls(&last).last(), Some(&c));
    let more = app.add_location(MEMBER, &id, "-", &web.file(7, "d")).await;
    assert_eq!(more.status, StatusCode::PAYLOAD_TOO_LARGE);
    assert!(more.message().contains("image locations. Attempted: 4, Maximum: 3"), "{}", more.message());
    let removed = app.patch_as(ADMIN, &id, &json!([{"op": "remove", "path": "/locations/0"}])).await;
    assert_eq!(removed.status, StatusCode::OK);
    assert_eq!(urls(&removed).len(), 2);
    for (at, status) in [("7", StatusCode::BAD_REQUEST), ("-", StatusCode::OK), ("-", StatusCode::FORBIDDEN)] {
        let changes = json!([{"op": "remove", "path": format!("/locations/{at}")}]);
        assert_eq!(app.patch_as(ADMIN, &id, &changes).await.status, status, "{at}");
    }
}

#[tokio::test]
async fn replacing_fills_what_is_empty_and_reorders_what_is_not() {
    let (app, web) = (app().await, Web::start());
    let id = app.create_as(MEMBER, &raw()).await;
    let replace = |urls: &[&String]| {
        let value: Vec<_> = urls.iter().map(|url| json!({"url": url, "metadata": {"k": "v"}})).collect();
        json!([{"op": "replace", "path": "/locations", "value": value}])
    };
    let [a, b] = ["a", "b"].map(|name| web.file(9, name));
    assert_eq!(app.patch_as(MEMBER, &id, &replace(&[])).await.status, StatusCode::FORBIDDEN);
    assert_eq!(app.patch_as(MEMBER, &id, &replace(&[&a, &a])).await.status, StatusCode::BAD_REQUEST);
    let filled = app.patch_as(MEMBER, &id, &replace(&[&a, &b])).await;
    assert_eq!((filled.status, urls(&filled)), (StatusCode::OK, vec![a.clone(), b.clone()]));
    let swapped = app.patch_as(MEMBER, &id, &replace(&[&b, &a])).await;
    assert_eq!((swapped.status, urls(&swapped)), (StatusCode::OK, vec![b.clone(), a.clone()]));
    assert_eq!(urls(&app.get(&format!("/v2/images/{id}")).await), [b, a.clone()]);
    assert_eq!(app.patch_as(MEMBER, &id, &replace(&[&a])).await.status, StatusCode::BAD_REQUEST);
}

#[tokio::test]
async fn what_clients_may_not_make_the_service_read() {
    let (app, web) = (app().await, Web::start());
    let id = app.create_as(MEMBER, &raw()).await;
    let secret = app.folder.path().join("secret");
    std::fs::write(&secret, "secret").unwrap();
    let bad = [
        format!("file://{}", secret.display()),
        format!("filesystem://{}", secret.display()),
        "swift+config://ref1/container/object".to_owned(),
        "rbd://pool/image".to_owned(),
        "nonsense".to_owned(),
        String::new(),
        "http://169.254.169.254/latest".to_owned(),
        "http://localhost/x".to_owned(),
        web.nothing(),
        web.file(0, "empty"),
    ];
    for url in bad {
        let refused = app.add_location(MEMBER, &id, "-", &url).await;
        assert_eq!(refused.status, StatusCode::BAD_REQUEST, "{url}");
        assert!(refused.message().starts_with("Invalid location"), "{}", refused.message());
    }
    assert_eq!(app.status(&id).await, "queued");
}

#[tokio::test]
async fn digests_come_along() {
    let (app, web) = (app().await, Web::start());
    let add = |validation: Value| {
        let value = json!({"url": web.file(5, "x"), "metadata": {}, "validation_data": validation});
        json!([{"op": "add", "path": "/locations/-", "value": value}])
    };
    let id = app.create_as(MEMBER, &raw()).await;
    let wrong = add(json!({"os_hash_algo": "md5", "os_hash_value": "00"}));
    assert_eq!(app.patch_as(MEMBER, &id, &wrong).await.status, StatusCode::CONFLICT);
    assert_eq!(app.status(&id).await, "queued");
    let value = "0f".repeat(64);
    let right = add(json!({"os_hash_algo": "sha512", "os_hash_value": value, "checksum": "a".repeat(32)}));
    let added = app.patch_as(MEMBER, &id, &right).await;
    assert_eq!(added.status, StatusCode::OK, "{}", added.text());
    let image = app.get(&format!("/v2/images/{id}")).await.json();
    assert_eq!((&image["os_hash_algo"], &image["os_hash_value"]), (&json!("sha512"), &json!(value)));
    assert_eq!(image["checksum"], "a".repeat(32));
}

#[tokio::test]
async fn rules_guard_locations() {
    let (app, web) = (app().await, Web::start());
    let id = app.create_as(MEMBER, &raw()).await;
    let url = web.file(5, "x");
    assert_eq!(app.add_location(READER, &id, "-", &url).await.status, StatusCode::FORBIDDEN);
    assert_eq!(app.add_location(OTHER, &id, "-", &url).await.status, StatusCode::NOT_FOUND);
    for url in [&url, &web.file(5, "y")] {
        assert_eq!(app.add_location(MEMBER, &id, "-", url).await.status, StatusCode::OK);
    }
    let remove = json!([{"op": "remove", "path": "/locations/0"}]);
    assert_eq!(app.patch_as(MEMBER, &id, &remove).await.status, StatusCode::FORBIDDEN);
    let path = format!("/v2/images/{id}/locations");
    assert_eq!(app.call_as(MEMBER, "GET", &path, "").await.status, StatusCode::FORBIDDEN);
    assert_eq!(app.call_as(OTHER, "GET", &path, "").await.status, StatusCode::NOT_FOUND);
    let seen = app.call_as(ADMIN, "GET", &path, "").await;
    assert_eq!((seen.status, seen.json()[0]["url"].as_str()), (StatusCode::OK, Some(url.as_str())));
    assert_eq!(
        app.call_as(
            MEMBER,
            "PATCH",
            &format!("/v2/images/{id}"),
            json!([
                {"op": "replace", "path": "/visibility", "value": "community"}
            ])
            .to_string()
        )
        .await
        .status,
        StatusCode::OK
    );
    assert_eq!(app.call_as(SERVICE, "GET", &path, "").await.status, StatusCode::OK);
}

#[tokio::test]
async fn locations_that_are_not_shown_are_not_changed() {
    let (app, web) = (TestApp::with_web("").await, Web::start());
    let id = app.create_as(MEMBER, &raw()).await;
    let refused = app.add_location(MEMBER, &id, "-", &web.file(5, "x")).await;
    assert_eq!(refused.status, StatusCode::FORBIDDEN);
    assert!(refused.message().starts_with("It's not allowed to add locations if locations are invisible."));
    assert_eq!(app.get(&format!("/v2/images/{id}")).await.json().get("locations"), None);
}

#[tokio::test]
async fn data_goes_with_its_location() {
    let (app, web) = (app().await, Web::start());
    let id = app.create(&raw()).await;
    assert_eq!(app.upload(&id, "data").await.status, StatusCode::NO_CONTENT);
    assert_eq!(app.files(), [id.as_str()]);
    assert_eq!(app.add_location(ADMIN, &id, "-", &web.file(4, "x")).await.status, StatusCode::OK);
    let half = json!([{"op": "remove", "path": "/locations/0"}, {"op": "remove", "path": "/nope"}]);
    assert_eq!(app.patch_as(ADMIN, &id, &half).await.status, StatusCode::CONFLICT);
    assert_eq!(app.files(), [id.as_str()], "a patch that fails removes nothing");
    let remove = json!([{"op": "remove", "path": "/locations/0"}]);
    assert_eq!(app.patch_as(ADMIN, &id, &remove).await.status, StatusCode::OK);
    assert!(app.app.tasks.finish(std::time::Duration::from_secs(10)).await);
    assert!(app.files().is_empty());
    assert!(app.app.db.list_work().await.unwrap().is_empty());
}

#[tokio::test]
async fn data_whose_removal_was_interrupted_goes_later() {
    let (app, web) = (app().await, Web::start());
    let id = app.create(&raw()).await;
    assert_eq!(app.upload(&id, "data").await.status, StatusCode::NO_CONTENT);
    assert_eq!(app.add_location(ADMIN, &id, "-", &web.file(4, "x")).await.status, StatusCode::OK);
    let (db, tasks) = (&app.app.db, &app.app.tasks);
    let before = db.get_image(&ImageId::parse(&id).unwrap(), &Viewer::Admin(None)).await.unwrap();
    let mut after = before.clone();
    let gone = after.locations.remove(0);
    // All that a process has done that dies right after the change.
    let (node, store) = (tasks.node(), StoreId::new("fast"));
    let removals = vec![NewRemoval { id: WorkId::random(), node, store, url: gone.url.clone() }];
    db.save_locations(&before, &after, &LocationChange { removals, needs: None }, before.updated_at).await.unwrap();
    assert_eq!(app.files(), [id.as_str()]);
    app.app.sweep().await.unwrap();
    assert!(app.files().is_empty());
    assert!(db.list_work().await.unwrap().is_empty());
    assert_eq!(urls(&app.get(&format!("/v2/images/{id}")).await).len(), 1);
}

#[tokio::test]
async fn the_data_of_one_store_can_go() {
    let app = TestApp::with_stores("show_multiple_locations = true").await;
    let (web, id) = (Web::start(), app.create(&raw()).await);
    let delete = async |store: &str, id: &str| {
        let answer = app.call("DELETE", &format!("/v2/stores/{store}/{id}"), &[JSON], "").await;
        (answer.status, if answer.bytes.is_empty() { String::new() } else { answer.message() })
    };
    let not_active = delete("fast", &id).await;
    assert_eq!(not_active.0, StatusCode::CONFLICT, "{}", not_active.1);
    assert_eq!(app.upload(&id, "data").await.status, StatusCode::NO_CONTENT);
    let last = delete("fast", &id).await;
    assert_eq!(last.0, StatusCode::FORBIDDEN);
    assert!(last.1.starts_with("Cannot delete image data from the only store containing it."), "{}", last.1);
    for name in ["x", "y"] {
        assert_eq!(app.add_location(ADMIN, &id, "-", &web.file(4, name)).await.status, StatusCode::OK);
    }
    for (store, id, status, said) in [
        ("nowhere", id.as_str(), StatusCode::CONFLICT, "The selected store nowhere is not available on this node."),
        ("slow", id.as_str(), StatusCode::NOT_FOUND, &format!("Image {id} is not stored in store slow.")),
        ("fast", "no-such-image", StatusCode::NOT_FOUND, "Failed to find image no-such-image"),
        ("fast", id.as_str(), StatusCode::NO_CONTENT, ""),
        ("web", id.as_str(), StatusCode::NO_CONTENT, ""),
    ] {
        let found = delete(store, id).await;
        assert_eq!(found.0, status, "{store}: {}", found.1);
        assert!(found.1.starts_with(said), "{}", found.1);
    }
    assert!(app.files().is_empty());
    let left = app.get(&format!("/v2/images/{id}")).await;
    assert_eq!((urls(&left), &left.json()["stores"]), (vec![web.file(4, "y")], &json!("web")));
}
