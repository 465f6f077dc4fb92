//! The OpenAPI document of the whole API, made from the table of routes.
//!
//! Like the list of versions it is there for everybody: it says what the documentation says, and which formats and
//! attributes the deployment has.

mod operations;
mod schemas;

use axum::body::Body;
use axum::response::{IntoResponse, Response};
use http::header::{CONTENT_TYPE, HeaderValue};
use http::{Method, StatusCode};
use serde_json::{Map, Value, json};

use crate::api::error::Refusal;
use crate::api::router::routes;
use crate::config::Config;
use operations::{OPEN, OPERATIONS, Operation};

/// Where the document is.
pub const PATH: &str = "/openapi.json";

/// What every route may refuse: a request that makes no sense, callers without a name, callers who may not, and any
/// request while a part of the service does not answer.
const COMMON: [u16; 4] = [400, 401, 403, 503];

/// Answers a request for the document.
#[must_use]
pub fn show(config: &Config, method: &Method) -> Response {
    if method != Method::GET && method != Method::HEAD {
        return Refusal::method_not_allowed(method, "GET, HEAD").into_response();
    }
    let mut response = Response::new(Body::from(document(config).to_string()));
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    response
}

/// The document as this deployment is configured. Routes that nothing is said about are left out.
#[must_use]
pub fn document(config: &Config) -> Value {
    let mut paths: Map<String, Value> = Map::new();
    let mut add = |operation: &Operation, policy: &str| {
        let item = paths.entry(operation.path).or_insert_with(|| json!({}));
        item[operation.method.to_lowercase()] = describe(operation, policy);
    };
    for operation in OPEN {
        add(operation, "");
    }
    for route in routes() {
        let said = |operation: &&Operation| operation.method == route.method.as_str() && operation.path == route.path;
        if let Some(operation) = OPERATIONS.iter().find(said) {
            add(operation, route.policy);
        }
    }
    json!({
        "openapi": "3.1.0",
        "info": {
            "title": "OpenStack Image service",
            "version": "2",
            "license": {"name": "Apache-2.0", "identifier": "Apache-2.0"},
        },
        "servers": [{"url": "/"}],
        "security": [{"token": []}, {}],
        "paths": paths,
        "components": {
            "schemas": schemas::components(&config.schema),
            "responses": refusals(),
            "securitySchemes": {"token": {"type": "apiKey", "in": "header", "name": "X-Auth-Token"}},
        },
    })
}

fn reference(schema: &str) -> Value {
    json!({"$ref": format!("#/components/schemas/{schema}")})
}

fn describe(operation: &Operation, policy: &str) -> Value {
    let noun = operation.path.trim_start_matches("/v2").split('/').nth(1).filter(|noun| !noun.is_empty());
    let mut described = json!({
        "operationId": operation.id,
        "summary": operation.summary,
        "tags": [noun.filter(|_| operation.path.starts_with("/v2")).unwrap_or("service")],
        "parameters": parameters(operation),
        "responses": responses(operation),
    });
    if !policy.is_empty() {
        described["x-openstack-policy"] = json!(policy);
    }
    let bodies = operation.takes.bodies();
    if !bodies.is_empty() {
        let content: Map<String, Value> =
            bodies.into_iter().map(|(name, schema)| (name.to_owned(), json!({"schema": schema}))).collect();
        described["requestBody"] = json!({"required": true, "content": content});
    }
    described
}

fn parameters(operation: &Operation) -> Vec<Value> {
    let names = operation.path.split('/').filter_map(|part| part.strip_prefix('{')?.strip_suffix('}'));
    let of_path = names.map(|name| {
        let schema = json!({"type": "string", "minLength": 1, "maxLength": 255});
        json!({"name": name, "in": "path", "required": true, "schema": schema})
    });
    let others = operation.takes.parameters().iter().map(|parameter| {
        let schema = parameter.schema();
        json!({"name": parameter.name, "in": parameter.place, "description": parameter.what, "schema": schema})
    });
    of_path.chain(others).collect()
}

fn responses(operation: &Operation) -> Value {
    let mut responses = Map::new();
    for (status, content, headers) in operation.gives {
        let mut response = json!({"description": reason(*status)});
        if let Some((name, schema)) = content.body() {
            response["content"] = json!({name: {"schema": schema}});
        }
        for header in *headers {
            response["headers"][*header] = json!({"schema": {"type": "string"}});
        }
        responses.insert(status.to_string(), response);
    }
    let of_routes = operation.path.starts_with("/v2");
    for status in COMMON.iter().filter(|_| of_routes).chain(operation.refuses) {
        responses.insert(status.to_string(), json!({"$ref": format!("#/components/responses/Refused{status}")}));
    }
    Value::Object(responses)
}

/// All refusals by name.
fn refusals() -> Value {
    let statuses = COMMON.iter().chain(OPERATIONS.iter().flat_map(|operation| operation.refuses));
    statuses.map(|status| (format!("Refused{status}"), refusal(*status))).collect::<Map<_, _>>().into()
}

/// A refusal in one of the three forms that `Accept` chooses from.
fn refusal(status: u16) -> Value {
    let text = json!({"schema": {"type": "string"}});
    json!({
        "description": reason(status),
        "content": {"application/json": {"schema": reference("Error")}, "text/html": text, "text/plain": text},
    })
}

fn reason(status: u16) -> &'static str {
    StatusCode::from_u16(status).ok().and_then(|status| status.canonical_reason()).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_route_is_described_once_and_nothing_else_is() {
        let said: Vec<(&str, &str)> = OPERATIONS.iter().map(|operation| (operation.method, operation.path)).collect();
        for route in routes() {
            let times = said.iter().filter(|known| **known == (route.method.as_str(), route.path)).count();
            assert_eq!(times, 1, "{} {}", route.method, route.path);
        }
        assert_eq!(said.len(), routes().len());
        let mut ids: Vec<&str> = OPERATIONS.iter().chain(OPEN).map(|operation| operation.id).collect();
        ids.sort_unstable();
        ids.dedup();
        assert_eq!(ids.len(), OPERATIONS.len() + OPEN.len());
    }

    #[test]
    fn bodies_are_described_where_they_are_read() {
        use crate::api::router::BodyRule;
        for route in routes() {
            let said =
                |operation: &&Operation| (operation.method, operation.path) == (route.method.as_str(), route.path);
            let takes = OPERATIONS.iter().find(said).unwrap().takes;
            let reads = route.body == BodyRule::Read && route.method != Method::GET;
            assert_eq!(!takes.bodies().is_empty(), reads, "{} {}", route.method, route.path);
        }
    }
}
