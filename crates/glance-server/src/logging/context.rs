//! On whose behalf something is logged: the span of a request, with the values that oslo.context has for the log.

use serde_json::Value;
use tracing::Span;

use crate::app::context::RequestContext;

/// The name of the spans whose fields are the context of what is logged inside.
pub(super) const REQUEST: &str = "request";

/// The names that oslo.context gives what tracing fields cannot be called alike.
pub(super) const ALIASES: [(&str, &str); 2] = [("user", "user_id"), ("project", "project_id")];

/// The span of a request: everything logged inside names the request and who asks, and documents the image.
#[must_use]
pub fn request_span(ctx: &RequestContext, image: Option<&str>) -> Span {
    let text = |name: &str| ctx.credentials.get(name).and_then(Value::as_str);
    let roles = ctx.credentials.get("roles").and_then(Value::as_array);
    let roles: Option<Vec<&str>> = roles.map(|roles| roles.iter().filter_map(Value::as_str).collect());
    tracing::info_span!(
        "request",
        request_id = ctx.request_id,
        global_request_id = text("global_request_id"),
        user = ctx.user,
        project = ctx.project.as_ref().map(glance_domain::ProjectId::as_str),
        domain = text("domain_id"),
        system_scope = text("system_scope"),
        user_domain = text("user_domain_id"),
        project_domain = text("project_domain_id"),
        user_name = text("user_name"),
        project_name = text("project_name"),
        is_admin = ctx.is_admin,
        read_only = ctx.read_only,
        roles = roles.map(|roles| roles.join(",")),
        image_id = image,
    )
}

/// The fields of that span which are no part of the context.
pub(super) const RESOURCES: [&str; 1] = ["image_id"];

/// Every name of the context, so that those without a value are `None` in lines and null in documents.
pub(super) const NAMES: [&str; 15] = [
    "request_id",
    "global_request_id",
    "user",
    "user_id",
    "user_name",
    "project",
    "project_id",
    "project_name",
    "domain",
    "system_scope",
    "user_domain",
    "project_domain",
    "is_admin",
    "read_only",
    "roles",
];
