//! No rule lets a project change what another owns.

use axum::http::StatusCode;
use serde_json::json;

use crate::support::{ADMIN, MEMBER, OCTETS, OTHER, TestApp, raw};

/// Everybody may do everything, as far as rules go.
const OPEN: &str = "delete_image: '@'\nmodify_image: '@'\nupload_image: '@'\ndeactivate: '@'\nreactivate: '@'\n\
    set_image_location: '@'\ndelete_image_location: '@'\npublicize_image: '@'\n";

#[tokio::test]
async fn open_rules_open_only_what_is_ones_own() {
    let folder = tempfile::tempdir().unwrap();
    let rules = folder.path().join("policy.yaml");
    std::fs::write(&rules, OPEN).unwrap();
    let options = format!("show_multiple_locations = true\n[oslo_policy]\npolicy_file = {}\n", rules.display());
    let app = TestApp::with_options(&options).await;
    let mut document = raw();
    document["visibility"] = json!("public");
    let id = app.create_as(MEMBER, &document).await;
    let path = format!("/v2/images/{id}");
    let (tag, file) = (format!("{path}/tags/one"), format!("{path}/file"));
    let rename = json!([{"op": "replace", "path": "/name", "value": "taken"}]).to_string();
    let hide = json!([{"op": "replace", "path": "/visibility", "value": "private"}]).to_string();
    let nothing = json!([{"op": "replace", "path": "/locations", "value": [{"url": "x", "metadata": {}}]}]).to_string();
    let tags = |verb| format!("Not allowed to {verb} tags for image {id}.");
    app.call_as(MEMBER, "PUT", &tag, "").await;
    for (method, path, body, status, message) in [
        ("PATCH", &path, rename.as_str(), StatusCode::FORBIDDEN, "You do not own this image".to_owned()),
        ("PATCH", &path, &hide, StatusCode::FORBIDDEN, "You do not own this image".into()),
        ("PATCH", &path, &nothing, StatusCode::FORBIDDEN, "You do not own this image".into()),
        ("PUT", &tag, "", StatusCode::FORBIDDEN, tags("update")),
        ("DELETE", &tag, "", StatusCode::FORBIDDEN, tags("delete")),
        ("DELETE", &path, "", StatusCode::NOT_FOUND, format!("Failed to find image {id} to delete")),
    ] {
        let answer = app.call_as(OTHER, method, path, body.to_owned()).await;
        assert_eq!(answer.status, status, "{method} {path} {body}");
        assert!(answer.message().starts_with(&message), "{method} {path} {body}: {}", answer.message());
    }
    let upload = app.send_as(OTHER, "PUT", &file, OCTETS, "data").await;
    let refusal = format!("Not allowed to upload image data for image {id}");
    assert!(upload.status == StatusCode::FORBIDDEN && upload.message().starts_with(&refusal), "{}", upload.message());
    assert_eq!(app.send_as(MEMBER, "PUT", &file, OCTETS, "data").await.status, StatusCode::NO_CONTENT);
    let action = |verb| format!("{path}/actions/{verb}");
    for (who, verb, status) in [
        (OTHER, "deactivate", StatusCode::FORBIDDEN),
        (OTHER, "reactivate", StatusCode::NO_CONTENT),
        (MEMBER, "deactivate", StatusCode::NO_CONTENT),
        (OTHER, "reactivate", StatusCode::FORBIDDEN),
        (ADMIN, "reactivate", StatusCode::NO_CONTENT),
    ] {
        assert_eq!(app.call_as(who, "POST", &action(verb), "").await.status, status, "{} {verb}", who.name);
    }
    let nothing = app.call_as(OTHER, "PATCH", &path, "[]").await;
    assert_eq!(nothing.status, StatusCode::OK);
    let shown = app.call_as(OTHER, "GET", &path, "").await.json();
    assert_eq!((&shown["name"], &shown["tags"], &shown["status"]), (&json!("one"), &json!(["one"]), &json!("active")));
    assert_eq!(app.call_as(MEMBER, "DELETE", &path, "").await.status, StatusCode::NO_CONTENT);
}

#[tokio::test]
async fn a_patch_without_changes_shows_no_more_than_a_get() {
    let folder = tempfile::tempdir().unwrap();
    let rules = folder.path().join("policy.yaml");
    std::fs::write(&rules, "get_image: role:admin\nmodify_image: role:member\n").unwrap();
    let app = TestApp::with_options(&format!("[oslo_policy]\npolicy_file = {}", rules.display())).await;
    let id = app.create_as(MEMBER, &raw()).await;
    let path = format!("/v2/images/{id}");
    let expected = app.call_as(MEMBER, "GET", &path, "").await;
    let answer = app.call_as(MEMBER, "PATCH", &path, "[]").await;
    assert_eq!((answer.status, answer.text()), (StatusCode::NOT_FOUND, expected.text()));
    assert_eq!(app.call_as(ADMIN, "PATCH", &path, "[]").await.json()["id"], id);
}
