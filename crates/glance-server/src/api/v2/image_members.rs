//! `/v2/images/{image_id}/members`.

use axum::extract::{Request, State};
use axum::response::IntoResponse;
use glance_domain::{Member, ProjectId};
use http::StatusCode;
use serde::Serialize;
use serde_json::Value;

use super::{Answer, json};
use crate::api::extract::PathParams;
use crate::api::json::read;
use crate::app::SharedApp;
use crate::app::context::RequestContext;
use crate::app::error::{Error, Result};

/// The longest name of a project that the catalogue holds, in characters.
const MAX_PROJECT: usize = 255;

/// The members of an image.
pub async fn index(State(app): State<SharedApp>, ctx: RequestContext, path: PathParams) -> Answer {
    let members = app.list_members(&ctx, &path.parent_image_id()?).await?;
    let members = members.iter().map(MemberView::new).collect();
    json(StatusCode::OK, &MembersView { members, schema: "/v2/schemas/members" })
}

/// Shares an image with a project.
pub async fn create(State(app): State<SharedApp>, ctx: RequestContext, path: PathParams, request: Request) -> Answer {
    let body = read(&ctx, request).await?;
    let project = new_member(&body)?;
    let member = app.create_member(&ctx, &path.parent_image_to_change(&ctx)?, project).await?;
    json(StatusCode::OK, &MemberView::new(&member))
}

/// One member of an image.
pub async fn show(State(app): State<SharedApp>, ctx: RequestContext, path: PathParams) -> Answer {
    let member = app.get_member(&ctx, &path.parent_image_id()?, &member_of(&path)).await?;
    json(StatusCode::OK, &MemberView::new(&member))
}

/// Sets what a member says about the image.
pub async fn update(State(app): State<SharedApp>, ctx: RequestContext, path: PathParams, request: Request) -> Answer {
    let body = read(&ctx, request).await?;
    let status = new_status(&body)?;
    let member = app.update_member(&ctx, &path.parent_image_to_change(&ctx)?, &member_of(&path), &status).await?;
    json(StatusCode::OK, &MemberView::new(&member))
}

/// Ends the sharing of an image with a project.
pub async fn delete(State(app): State<SharedApp>, ctx: RequestContext, path: PathParams) -> Answer {
    app.delete_member(&ctx, &path.parent_image_to_change(&ctx)?, &member_of(&path)).await?;
    Ok(StatusCode::NO_CONTENT.into_response())
}

fn member_of(path: &PathParams) -> ProjectId {
    ProjectId::new(path.text("member_id"))
}

fn new_member(body: &Value) -> Result<ProjectId> {
    let form = || invalid("Expected a member in the form: {\"member\": \"image_id\"}");
    let member = body.as_object().ok_or_else(form)?.get("member");
    let member = member.ok_or_else(|| invalid("Member to be added not specified"))?;
    match member {
        Value::Null | Value::Bool(false) => Err(invalid("Member can't be empty")),
        Value::String(text) if text.is_empty() => Err(invalid("Member can't be empty")),
        Value::String(text) if text.chars().count() > MAX_PROJECT => {
            Err(invalid("The name of a member can have at most 255 characters."))
        }
        Value::String(text) if text.chars().any(|c| c > '\u{ffff}') => {
            Err(invalid("Param values can't contain 4 byte unicode."))
        }
        Value::String(text) => Ok(ProjectId::new(text.clone())),
        _ => Err(form()),
    }
}

/// The status as text; what is not one is refused where the words are compared.
fn new_status(body: &Value) -> Result<String> {
    let form = || invalid("Expected a status in the form: {\"status\": \"status\"}");
    let status = body.as_object().ok_or_else(form)?.get("status");
    let status = status.ok_or_else(|| invalid("Status not specified"))?;
    Ok(status.as_str().unwrap_or_default().to_owned())
}

fn invalid(text: &str) -> Error {
    Error::Invalid(text.into())
}

#[derive(Serialize)]
struct MembersView<'a> {
    members: Vec<MemberView<'a>>,
    schema: &'static str,
}

#[derive(Serialize)]
struct MemberView<'a> {
    member_id: &'a str,
    image_id: &'a str,
    status: &'static str,
    created_at: String,
    updated_at: String,
    schema: &'static str,
}

impl<'a> MemberView<'a> {
    fn new(member: &'a Member) -> Self {
        Self {
            member_id: member.project.as_str(),
            image_id: member.image.as_str(),
            status: member.status.as_str(),
            created_at: member.created_at.to_api(),
            updated_at: member.updated_at.to_api(),
            schema: "/v2/schemas/member",
        }
    }
}
