//! The OpenAPI document: reviewed as a whole, and true where that can be told.

use http::StatusCode;
use serde_json::Value;

use crate::support::{JSON, TestApp, raw};

#[tokio::test]
async fn the_document_is_the_reviewed_one() {
    let app = TestApp::new().await;
    let answer = app.get("/openapi.json").await;
    assert_eq!((answer.status, answer.header("content-type")), (StatusCode::OK, Some("application/json")));
    insta::assert_json_snapshot!("openapi", answer.json());
    let refused = app.call("POST", "/openapi.json", &[JSON], "").await;
    assert_eq!((refused.status, refused.header("allow")), (StatusCode::METHOD_NOT_ALLOWED, Some("GET, HEAD")));
}

#[tokio::test]
async fn all_references_lead_somewhere() {
    let document = TestApp::new().await.get("/openapi.json").await.json();
    let text = document.to_string();
    let references = text.split("\"$ref\":\"#").skip(1).map(|rest| rest.split('"').next().unwrap());
    let mut count = 0;
    for pointer in references {
        assert!(document.pointer(pointer).is_some(), "{pointer}");
        count += 1;
    }
    assert!(count > 20);
}

#[tokio::test]
async fn images_have_the_attributes_that_are_described() {
    let app = TestApp::new().await;
    let image = app.post("/v2/images", &raw()).await.json();
    let document = app.get("/openapi.json").await.json();
    let known = document["components"]["schemas"]["Image"]["properties"].as_object().unwrap().clone();
    let unknown: Vec<&String> = image.as_object().unwrap().keys().filter(|name| !known.contains_key(*name)).collect();
    assert!(unknown.is_empty(), "{unknown:?}");
    assert_eq!(document["paths"]["/v2/images/{image_id}"]["get"]["x-openstack-policy"], Value::from("get_image"));
}
