//! Sharing: who may share, who sees what, who answers.

use http::StatusCode;
use serde_json::{Value, json};

use crate::support::{ADMIN, ANONYMOUS, Answer, MEMBER, OTHER, Persona, READER, TestApp, raw};

const THIRD: Persona = Persona { name: "third", project: Some("third"), roles: &["member", "reader"] };

impl TestApp {
    async fn share(&self, who: Persona, id: &str, with: &Value) -> Answer {
        self.call_as(who, "POST", &format!("/v2/images/{id}/members"), json!({"member": with}).to_string()).await
    }

    async fn answer(&self, who: Persona, id: &str, member: &str, status: &str) -> Answer {
        let path = format!("/v2/images/{id}/members/{member}");
        self.call_as(who, "PUT", &path, json!({"status": status}).to_string()).await
    }

    async fn members(&self, who: Persona, id: &str) -> Answer {
        self.call_as(who, "GET", &format!("/v2/images/{id}/members"), "").await
    }

    async fn listed(&self, who: Persona, query: &str) -> Vec<String> {
        let page = self.call_as(who, "GET", &format!("/v2/images?{query}"), "").await.json();
        page["images"].as_array().unwrap().iter().map(|image| image["id"].as_str().unwrap().to_owned()).collect()
    }
}

fn names(members: &Answer) -> Vec<String> {
    let members = members.json();
    let members = members["members"].as_array().unwrap().iter();
    members.map(|member| member["member_id"].as_str().unwrap().to_owned()).collect()
}

#[tokio::test]
async fn an_image_is_offered_accepted_and_taken_back() {
    let app = TestApp::new().await;
    let id = app.create_as(MEMBER, &raw()).await;
    let path = format!("/v2/images/{id}");
    assert_eq!(app.call_as(OTHER, "GET", &path, "").await.status, StatusCode::NOT_FOUND);
    let added = app.share(MEMBER, &id, &json!("other")).await;
    assert_eq!(added.status, StatusCode::OK, "{}", added.text());
    let expected = json!({
        "member_id": "other", "image_id": id, "status": "pending", "schema": "/v2/schemas/member",
        "created_at": "2026-01-02T03:04:05Z", "updated_at": "2026-01-02T03:04:05Z",
    });
    assert_eq!(added.json(), expected);
    // A pending member can read the image by its id, but does not find it in lists.
    assert_eq!(app.call_as(OTHER, "GET", &path, "").await.status, StatusCode::OK);
    assert!(app.listed(OTHER, "").await.is_empty());
    assert_eq!(app.listed(OTHER, "member_status=pending").await, [id.as_str()]);
    assert_eq!(app.answer(OTHER, &id, "other", "accepted").await.json()["status"], "accepted");
    assert_eq!(app.listed(OTHER, "").await, [id.as_str()]);
    assert_eq!(app.answer(OTHER, &id, "other", "rejected").await.json()["status"], "rejected");
    assert!(app.listed(OTHER, "").await.is_empty());
    let member = format!("{path}/members/other");
    assert_eq!(app.call_as(MEMBER, "DELETE", &member, "").await.status, StatusCode::NO_CONTENT);
    assert_eq!(app.call_as(MEMBER, "DELETE", &member, "").await.status, StatusCode::NOT_FOUND);
    assert_eq!(app.call_as(OTHER, "GET", &path, "").await.status, StatusCode::NOT_FOUND);
}

#[tokio::test]
async fn everybody_sees_as_much_as_concerns_them() {
    let app = TestApp::new().await;
    let id = app.create_as(MEMBER, &raw()).await;
    for project in ["other", "third"] {
        assert_eq!(app.share(MEMBER, &id, &json!(project)).await.status, StatusCode::OK);
    }
    for who in [ADMIN, MEMBER, READER] {
        assert_eq!(names(&app.members(who, &id).await), ["other", "third"], "{}", who.name);
    }
    assert_eq!(names(&app.members(OTHER, &id).await), ["other"]);
    assert_eq!(names(&app.members(THIRD, &id).await), ["third"]);
    let path = format!("/v2/images/{id}/members");
    assert_eq!(app.call_as(OTHER, "GET", &format!("{path}/other"), "").await.status, StatusCode::OK);
    assert_eq!(app.call_as(OTHER, "GET", &format!("{path}/third"), "").await.status, StatusCode::NOT_FOUND);
    let stranger = Persona { name: "stranger", project: Some("stranger"), roles: &["member", "reader"] };
    for who in [stranger, ANONYMOUS] {
        assert_eq!(app.members(who, &id).await.status, StatusCode::NOT_FOUND, "{}", who.name);
    }
}

#[tokio::test]
async fn owners_share_and_members_answer() {
    let app = TestApp::new().await;
    let id = app.create_as(MEMBER, &raw()).await;
    assert_eq!(app.share(READER, &id, &json!("other")).await.status, StatusCode::FORBIDDEN);
    assert_eq!(app.share(OTHER, &id, &json!("other")).await.status, StatusCode::NOT_FOUND);
    assert_eq!(app.share(MEMBER, &id, &json!("other")).await.status, StatusCode::OK);
    assert_eq!(app.share(MEMBER, &id, &json!("other")).await.status, StatusCode::CONFLICT);
    assert_eq!(app.share(OTHER, &id, &json!("third")).await.status, StatusCode::FORBIDDEN);
    assert_eq!(app.answer(MEMBER, &id, "other", "accepted").await.status, StatusCode::FORBIDDEN);
    assert_eq!(app.answer(OTHER, &id, "other", "maybe").await.status, StatusCode::BAD_REQUEST);
    assert_eq!(app.answer(OTHER, &id, "nobody", "accepted").await.status, StatusCode::NOT_FOUND);
    assert_eq!(app.answer(ADMIN, &id, "other", "accepted").await.status, StatusCode::OK);
    let member = format!("/v2/images/{id}/members/other");
    assert_eq!(app.call_as(OTHER, "DELETE", &member, "").await.status, StatusCode::FORBIDDEN);
}

#[tokio::test]
async fn an_owner_cannot_answer_as_a_member() {
    let app = TestApp::new().await;
    let id = app.create_as(MEMBER, &raw()).await;
    assert_eq!(app.share(MEMBER, &id, &json!("owner")).await.status, StatusCode::OK);
    assert_eq!(app.answer(MEMBER, &id, "owner", "accepted").await.status, StatusCode::FORBIDDEN);
}

#[tokio::test]
async fn only_shared_images_have_members() {
    let app = TestApp::new().await;
    for visibility in ["private", "community"] {
        let id = app.create_as(MEMBER, &json!({"visibility": visibility})).await;
        assert_eq!(app.share(MEMBER, &id, &json!("other")).await.status, StatusCode::FORBIDDEN);
        let refused = app.members(MEMBER, &id).await;
        assert_eq!(refused.status, StatusCode::FORBIDDEN);
        assert!(refused.message().contains("Only shared images have members."), "{}", refused.message());
        let path = format!("/v2/images/{id}/members/other");
        assert_eq!(app.call_as(MEMBER, "GET", &path, "").await.status, StatusCode::NOT_FOUND);
    }
}

#[tokio::test]
async fn malformed_members_are_refused() {
    let app = TestApp::with_options("image_member_quota = 1").await;
    let id = app.create_as(MEMBER, &raw()).await;
    for bad in [json!(""), json!(null), json!(5), json!(["a"]), json!("😀"), json!("x".repeat(256))] {
        assert_eq!(app.share(MEMBER, &id, &bad).await.status, StatusCode::BAD_REQUEST, "{bad}");
    }
    let path = format!("/v2/images/{id}/members");
    for bad in ["", "{", "[]", "{}", "5"] {
        assert_eq!(app.call_as(MEMBER, "POST", &path, bad).await.status, StatusCode::BAD_REQUEST, "{bad}");
    }
    assert_eq!(app.share(MEMBER, &id, &json!("first")).await.status, StatusCode::OK);
    let full = app.share(MEMBER, &id, &json!("second")).await;
    assert_eq!(full.status, StatusCode::PAYLOAD_TOO_LARGE);
    assert!(full.message().contains("Attempted: 2, Maximum: 1"), "{}", full.message());
}
