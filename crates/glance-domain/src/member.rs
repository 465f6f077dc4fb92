//! Projects that an image is shared with.

use crate::error::{Error, Result};
use crate::{ImageId, ProjectId, Timestamp};

/// What a member project has said about an image that is shared with it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum MemberStatus {
    /// Nothing yet.
    Pending,
    /// The image appears in the member's list.
    Accepted,
    /// The image stays out of the member's list.
    Rejected,
}

impl MemberStatus {
    /// The word in the database and the API.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Pending => "pending",
            Self::Accepted => "accepted",
            Self::Rejected => "rejected",
        }
    }
}

impl std::str::FromStr for MemberStatus {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        match text {
            "pending" => Ok(Self::Pending),
            "accepted" => Ok(Self::Accepted),
            "rejected" => Ok(Self::Rejected),
            _ => Err(Error::Invalid("Status must be \"pending\", \"accepted\" or \"rejected\".".into())),
        }
    }
}

/// One project that one image is shared with.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Member {
    /// The shared image.
    pub image: ImageId,
    /// The project it is shared with.
    pub project: ProjectId,
    /// Whether the project has accepted it.
    pub status: MemberStatus,
    /// When it was shared.
    pub created_at: Timestamp,
    /// When the status changed last.
    pub updated_at: Timestamp,
}
