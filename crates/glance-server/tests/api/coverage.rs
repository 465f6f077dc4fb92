//! Who may do what: for every route and everybody the status. A route without a row fails.

use glance_server::api::router::routes;
use http::StatusCode;
use serde_json::json;

use crate::support::{ADMIN, ANONYMOUS, MEMBER, OTHER, Persona, READER, TestApp, raw};
use crate::web::Web;

const MANAGER: Persona = Persona { name: "manager", project: Some("owner"), roles: &["manager", "member", "reader"] };
const SERVICE: Persona = Persona { name: "service", project: Some("services"), roles: &["service"] };

/// The columns of the table. Manager, member and reader are of the project that owns the image.
const EVERYBODY: [Persona; 7] = [ADMIN, MANAGER, MEMBER, READER, OTHER, ANONYMOUS, SERVICE];

/// The image is shared with one project that nobody here is of, and has data unless the route stores it.
#[rustfmt::skip]
const TABLE: &[(&str, &str, [u16; 7])] = &[
    //                                                            admin mgr  memb read othr anon serv
    ("GET",    "/v2/schemas/image",                              [200, 200, 200, 200, 200, 200, 200]),
    ("GET",    "/v2/schemas/images",                             [200, 200, 200, 200, 200, 200, 200]),
    ("GET",    "/v2/schemas/member",                             [200, 200, 200, 200, 200, 200, 200]),
    ("GET",    "/v2/schemas/members",                            [200, 200, 200, 200, 200, 200, 200]),
    ("GET",    "/v2/images",                                     [200, 200, 200, 200, 200, 403, 403]),
    ("POST",   "/v2/images",                                     [201, 201, 201, 403, 201, 403, 403]),
    ("GET",    "/v2/images/{image_id}",                          [200, 200, 200, 200, 404, 404, 404]),
    ("PATCH",  "/v2/images/{image_id}",                          [200, 200, 200, 403, 404, 403, 404]),
    ("DELETE", "/v2/images/{image_id}",                          [204, 204, 204, 403, 404, 403, 404]),
    ("POST",   "/v2/images/{image_id}/actions/deactivate",       [204, 204, 204, 403, 404, 403, 404]),
    ("POST",   "/v2/images/{image_id}/actions/reactivate",       [204, 204, 204, 403, 404, 403, 404]),
    ("GET",    "/v2/images/{image_id}/file",                     [200, 200, 200, 403, 404, 404, 404]),
    ("PUT",    "/v2/images/{image_id}/file",                     [204, 204, 204, 403, 404, 403, 404]),
    ("PUT",    "/v2/images/{image_id}/tags/{tag_value}",         [204, 204, 204, 403, 404, 403, 404]),
    ("DELETE", "/v2/images/{image_id}/tags/{tag_value}",         [204, 204, 204, 403, 404, 403, 404]),
    ("GET",    "/v2/images/{image_id}/locations",                [200, 403, 403, 403, 404, 404, 404]),
    ("GET",    "/v2/images/{image_id}/members",                  [200, 200, 200, 200, 404, 404, 404]),
    ("POST",   "/v2/images/{image_id}/members",                  [200, 200, 200, 403, 404, 403, 404]),
    ("GET",    "/v2/images/{image_id}/members/{member_id}",      [200, 200, 200, 200, 404, 404, 404]),
    ("PUT",    "/v2/images/{image_id}/members/{member_id}",      [200, 403, 403, 403, 404, 403, 404]),
    ("DELETE", "/v2/images/{image_id}/members/{member_id}",      [204, 204, 204, 403, 404, 403, 404]),
    ("DELETE", "/v2/stores/{store_id}/{image_id}",               [204, 403, 403, 403, 404, 403, 404]),
    ("GET",    "/v2/info/import",                                [200, 200, 200, 200, 200, 200, 200]),
    ("GET",    "/v2/info/stores",                                [200, 200, 200, 200, 200, 200, 200]),
    ("GET",    "/v2/info/usage",                                 [200, 200, 200, 200, 200, 200, 200]),
    ("GET",    "/v2/info/stores/detail",                         [200, 403, 403, 403, 403, 403, 200]),
];

impl TestApp {
    /// The status of a route for somebody, on an image of its own.
    async fn status_for(&self, web: &Web, who: Persona, method: &str, route: &str) -> StatusCode {
        let id =
            self.create_as(MEMBER, &json!({"disk_format": "raw", "container_format": "bare", "tags": ["t"]})).await;
        let members = format!("/v2/images/{id}/members");
        self.call_as(MEMBER, "POST", &members, json!({"member": "friend"}).to_string()).await;
        let octets = ("content-type", "application/octet-stream");
        let path = route
            .replace("{image_id}", &id)
            .replace("{store_id}", "web")
            .replace("{tag_value}", "t")
            .replace("{member_id}", "friend");
        if (method, route) == ("PUT", "/v2/images/{image_id}/file") {
            return self.send_as(who, method, &path, octets, "data").await.status;
        }
        self.send_as(MEMBER, "PUT", &format!("/v2/images/{id}/file"), octets, "data").await;
        if route.contains("{store_id}") {
            let location = json!({"url": web.file(4, "x"), "metadata": {}});
            let change = json!([{"op": "add", "path": "/locations/-", "value": location}]).to_string();
            let added = self.call_as(MEMBER, "PATCH", &format!("/v2/images/{id}"), change).await;
            assert_eq!(added.status, StatusCode::OK, "{}", added.text());
        }
        let body = match (method, route) {
            ("POST", "/v2/images") => raw(),
            ("PATCH", _) => json!([{"op": "replace", "path": "/name", "value": "new"}]),
            ("POST", path) if path.ends_with("/members") => json!({"member": "another"}),
            ("PUT", path) if path.ends_with("{member_id}") => json!({"status": "accepted"}),
            _ => return self.call_as(who, method, &path, "").await.status,
        };
        self.call_as(who, method, &path, body.to_string()).await.status
    }
}

#[tokio::test]
async fn everybody_on_every_route() {
    let (app, web) = (TestApp::with_stores("show_multiple_locations = true").await, Web::start());
    let mut differences = Vec::new();
    for route in routes() {
        let method = route.method.as_str();
        let row = TABLE.iter().find(|row| (row.0, row.1) == (method, route.path));
        let Some((_, _, expected)) = row else {
            differences.push(format!("{method} {} has no row", route.path));
            continue;
        };
        for (who, expected) in EVERYBODY.into_iter().zip(expected) {
            let found = app.status_for(&web, who, method, route.path).await;
            if found != *expected {
                differences.push(format!("{method} {} by {}: {found}, not {expected}", route.path, who.name));
            }
        }
    }
    assert!(differences.is_empty(), "{}", differences.join("\n"));
    assert_eq!(TABLE.len(), routes().len(), "a row is of no route");
}
