//! `member-*`: sharing images.

use clap::{Args, ValueEnum};
use glance_client::{Member, MemberStatus};

use super::Context;
use crate::failure::Failure;
use crate::output::{Listing, OutputArgs, Properties};

#[derive(Debug, Args)]
pub(crate) struct ListArgs {
    /// Image to display members of
    #[arg(long, value_name = "IMAGE_ID", required = true)]
    image_id: String,
    #[command(flatten)]
    output: OutputArgs,
}

#[derive(Debug, Args)]
pub(crate) struct GetArgs {
    /// Image from which to display the member
    #[arg(value_name = "IMAGE_ID")]
    image_id: String,
    /// Project to display
    #[arg(value_name = "MEMBER_ID")]
    member_id: String,
    #[command(flatten)]
    output: OutputArgs,
}

#[derive(Debug, Args)]
pub(crate) struct CreateArgs {
    /// Image to share
    #[arg(value_name = "IMAGE_ID")]
    image_id: String,
    /// Project to share it with
    #[arg(value_name = "MEMBER_ID")]
    member_id: String,
    #[command(flatten)]
    output: OutputArgs,
}

#[derive(Debug, Args)]
pub(crate) struct DeleteArgs {
    /// Image to stop sharing
    #[arg(value_name = "IMAGE_ID")]
    image_id: String,
    /// Project to stop sharing it with
    #[arg(value_name = "MEMBER_ID")]
    member_id: String,
}

#[derive(Debug, Args)]
pub(crate) struct UpdateArgs {
    /// Image that is shared
    #[arg(value_name = "IMAGE_ID")]
    image_id: String,
    /// Project it is shared with
    #[arg(value_name = "MEMBER_ID")]
    member_id: String,
    /// What the member says to the image
    #[arg(value_name = "MEMBER_STATUS", value_enum)]
    member_status: Status,
    #[command(flatten)]
    output: OutputArgs,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
enum Status {
    Accepted,
    Rejected,
    Pending,
}

impl From<Status> for MemberStatus {
    fn from(status: Status) -> Self {
        match status {
            Status::Accepted => Self::Accepted,
            Status::Rejected => Self::Rejected,
            Status::Pending => Self::Pending,
        }
    }
}

pub(crate) async fn list(context: &Context, args: ListArgs) -> Result<(), Failure> {
    let members = context.client.members(&args.image_id).list().await?;
    print(&members, &args.output)
}

pub(crate) async fn get(context: &Context, args: GetArgs) -> Result<(), Failure> {
    let member = context.client.members(&args.image_id).show(&args.member_id).await?;
    Properties::new(member.document().clone()).print(&args.output)
}

pub(crate) async fn create(context: &Context, args: CreateArgs) -> Result<(), Failure> {
    let member = context.client.members(&args.image_id).create(&args.member_id).await?;
    print(&[member], &args.output)
}

pub(crate) async fn update(context: &Context, args: UpdateArgs) -> Result<(), Failure> {
    let members = context.client.members(&args.image_id);
    let member = members.update(&args.member_id, args.member_status.into()).await?;
    print(&[member], &args.output)
}

pub(crate) async fn delete(context: &Context, args: DeleteArgs) -> Result<(), Failure> {
    Ok(context.client.members(&args.image_id).delete(&args.member_id).await?)
}

fn print(members: &[Member], output: &OutputArgs) -> Result<(), Failure> {
    Listing::of(&["Image ID", "Member ID", "Status"], members.iter().map(Member::document)).print(output)
}
