//! Protected properties: who sees, creates, changes and removes which (`property_protection_file`).

use http::StatusCode;
use serde_json::{Value, json};
use tempfile::TempDir;

use crate::support::{ADMIN, Answer, MEMBER, Persona, READER, TestApp, raw};

const ROLES: &str = "[^public_]\ncreate = @\nread = @\nupdate = @\ndelete = @\n\
    [^secret$]\ncreate = admin\nread = Admin\nupdate = admin\ndelete = admin\n\
    [^once$]\ncreate = member\nread = @\nupdate = !\ndelete = !\n\
    [^post$]\ncreate = @\nread = admin\nupdate = admin\ndelete = admin\n";

/// The same as rules of the policy.
const POLICIES: &str = "[^public_]\ncreate = @\nread = @\nupdate = @\ndelete = @\n\
    [^secret$]\ncreate = chiefs\nread = chiefs\nupdate = chiefs\ndelete = chiefs\n\
    [^once$]\ncreate = makers\nread = @\nupdate = !\ndelete = !\n\
    [^post$]\ncreate = @\nread = chiefs\nupdate = chiefs\ndelete = chiefs\n";

/// With rules of either form, and the folder of their files.
async fn apps() -> ([TestApp; 2], TempDir) {
    let folder = tempfile::tempdir().unwrap();
    let place = folder.path().display();
    for (name, text) in [
        ("roles", ROLES),
        ("policies", POLICIES),
        ("policy.yaml", "chiefs: role:admin\nmakers: role:member or role:admin\n"),
    ] {
        std::fs::write(folder.path().join(name), text).unwrap();
    }
    let options = |format: &str| {
        format!(
            "property_protection_file = {place}/{format}\nproperty_protection_rule_format = {format}\n\
             [oslo_policy]\npolicy_file = {place}/policy.yaml\n"
        )
    };
    let apps = [TestApp::with_options(&options("roles")).await, TestApp::with_options(&options("policies")).await];
    (apps, folder)
}

impl TestApp {
    async fn change_as(&self, who: Persona, id: &str, change: Value) -> Answer {
        self.call_as(who, "PATCH", &format!("/v2/images/{id}"), json!([change]).to_string()).await
    }

    async fn shown_to(&self, who: Persona, id: &str, name: &str) -> Value {
        self.call_as(who, "GET", &format!("/v2/images/{id}"), "").await.json()[name].clone()
    }
}

#[tokio::test]
async fn what_is_created_must_be_allowed() {
    let (apps, _folder) = apps().await;
    for app in apps {
        for (who, name, status) in [
            (MEMBER, "public_a", StatusCode::CREATED),
            (MEMBER, "once", StatusCode::CREATED),
            (MEMBER, "post", StatusCode::CREATED),
            (MEMBER, "secret", StatusCode::FORBIDDEN),
            (MEMBER, "other", StatusCode::FORBIDDEN),
            (ADMIN, "secret", StatusCode::CREATED),
            (ADMIN, "other", StatusCode::FORBIDDEN),
        ] {
            let answer = app.call_as(who, "POST", "/v2/images", json!({name: "x"}).to_string()).await;
            assert_eq!(answer.status, status, "{name} by {}: {}", who.name, answer.text());
            if status == StatusCode::FORBIDDEN {
                assert_eq!(answer.message(), format!("Attribute '{name}' is reserved.<br /><br />\n\n\n"));
            }
        }
    }
}

#[tokio::test]
async fn what_nobody_shows_is_kept_all_the_same() {
    let (apps, _folder) = apps().await;
    for app in apps {
        let id = app.create_as(MEMBER, &json!({"post": "letter", "public_a": "1", "disk_format": "raw"})).await;
        let secret = json!({"op": "add", "path": "/secret", "value": "s"});
        assert_eq!(app.change_as(ADMIN, &id, secret.clone()).await.json()["secret"], "s");
        assert_eq!(app.change_as(MEMBER, &id, secret).await.status, StatusCode::FORBIDDEN);
        let changed = app.change_as(MEMBER, &id, json!({"op": "replace", "path": "/public_a", "value": "2"})).await;
        let listed = app.call_as(READER, "GET", "/v2/images", "").await.json()["images"][0].clone();
        for document in [changed.json(), listed] {
            assert_eq!((&document["public_a"], &document["secret"]), (&json!("2"), &Value::Null), "{document}");
            assert!(document.get("post").is_none(), "{document}");
        }
        for (name, value) in [("secret", "s"), ("post", "letter"), ("public_a", "2")] {
            assert_eq!(app.shown_to(ADMIN, &id, name).await, value, "{name}");
        }
        for (who, filter, expected) in [
            (ADMIN, "secret=s", 1),
            (MEMBER, "secret=s", 0),
            (MEMBER, "secret=other", 0),
            (MEMBER, "post=letter", 0),
            (MEMBER, "public_a=2", 1),
            (MEMBER, "public_a=2&post=letter", 0),
        ] {
            let found = app.call_as(who, "GET", &format!("/v2/images?{filter}"), "").await.json();
            assert_eq!(found["images"].as_array().unwrap().len(), expected, "{filter} by {}", who.name);
        }
    }
}

#[tokio::test]
async fn changes_and_removals_have_rules_of_their_own() {
    let (apps, _folder) = apps().await;
    for app in apps {
        let id = app.create_as(MEMBER, &json!({"once": "1", "public_a": "1", "post": "p"})).await;
        let cases = [
            ("replace", "/once", StatusCode::FORBIDDEN),
            ("add", "/once", StatusCode::FORBIDDEN),
            ("remove", "/once", StatusCode::FORBIDDEN),
            ("replace", "/post", StatusCode::CONFLICT),
            ("add", "/post", StatusCode::FORBIDDEN),
            ("remove", "/post", StatusCode::CONFLICT),
            ("remove", "/other", StatusCode::CONFLICT),
            ("add", "/other", StatusCode::FORBIDDEN),
            ("replace", "/public_a", StatusCode::OK),
            ("remove", "/public_a", StatusCode::OK),
            ("add", "/public_b", StatusCode::OK),
            ("replace", "/name", StatusCode::OK),
        ];
        for (op, path, status) in cases {
            let answer = app.change_as(MEMBER, &id, json!({"op": op, "path": path, "value": "2"})).await;
            assert_eq!(answer.status, status, "{op} {path}: {}", answer.text());
        }
        for (name, value) in [("once", "1"), ("post", "p")] {
            assert_eq!(app.shown_to(ADMIN, &id, name).await, value, "{name}");
        }
        let other = app.create_as(MEMBER, &raw()).await;
        let post = json!({"op": "add", "path": "/post", "value": "first"});
        assert_eq!(app.change_as(MEMBER, &other, post).await.status, StatusCode::OK);
        assert_eq!(app.shown_to(ADMIN, &other, "post").await, "first");
        assert_eq!(app.change_as(ADMIN, &id, json!({"op": "remove", "path": "/post"})).await.status, StatusCode::OK);
    }
}

#[tokio::test]
async fn the_roles_of_a_service_that_passes_a_request_on_count() {
    let ([app, _], _folder) = apps().await;
    let id = app.create_as(ADMIN, &raw()).await;
    let mut ctx = MEMBER.context(app.app.config.load_full());
    let operation = glance_server::policies::protections::Operation::Read;
    assert!(!app.app.policy.allows_property(&ctx, "secret", operation).await.unwrap(), "{id}");
    std::sync::Arc::make_mut(&mut ctx.credentials).insert("service_roles".into(), json!(["admin"]));
    assert!(app.app.policy.allows_property(&ctx, "secret", operation).await.unwrap());
}
