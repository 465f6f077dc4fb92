//! `/v2/images/{id}/members`: the projects that an image is shared with.

use std::fmt;

use reqwest::Method;

use crate::client::Client;
use crate::error::{Error, ErrorKind};
use crate::http::segment;
use crate::json::{Json, Object};

/// A project that an image is shared with, as the server shows it.
#[derive(Debug, Clone, PartialEq)]
pub struct Member(Object);

/// What a member says to an image that is shared with it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum MemberStatus {
    /// Nothing yet: the member can use the image, but does not see it in lists.
    Pending,
    /// The image appears in the member's lists.
    Accepted,
    /// The image does not appear in the member's lists.
    Rejected,
}

impl MemberStatus {
    /// The API's word.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Pending => "pending",
            Self::Accepted => "accepted",
            Self::Rejected => "rejected",
        }
    }
}

impl fmt::Display for MemberStatus {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl Member {
    /// The project.
    pub fn member_id(&self) -> Option<&str> {
        self.0.get("member_id").and_then(Json::as_str)
    }

    /// What it says to the image.
    pub fn status(&self) -> Option<&str> {
        self.0.get("status").and_then(Json::as_str)
    }

    /// All attributes in the server's order.
    pub fn document(&self) -> &Object {
        &self.0
    }

    fn from_json(json: Json) -> Result<Self, Error> {
        match json {
            Json::Object(object) => Ok(Self(object)),
            _ => Err(Error::new(ErrorKind::Protocol, "the server's answer is not a member")),
        }
    }
}

/// The members of one image. All methods fail with the server's refusal or with what happened to the connection.
#[derive(Clone, Copy)]
pub struct Members<'a> {
    pub(crate) client: &'a Client,
    pub(crate) image_id: &'a str,
}

impl Members<'_> {
    /// All members.
    ///
    /// # Errors
    ///
    /// See [`Members`].
    pub async fn list(&self) -> Result<Vec<Member>, Error> {
        let answer = self.client.get_json(&self.path()?).await?;
        let members = answer.as_object().and_then(|object| object.get("members")).and_then(Json::as_array);
        let members =
            members.ok_or_else(|| Error::new(ErrorKind::Protocol, "the server's answer is not a list of members"))?;
        members.iter().cloned().map(Member::from_json).collect()
    }

    /// The member `member_id`.
    ///
    /// # Errors
    ///
    /// See [`Members`].
    pub async fn show(&self, member_id: &str) -> Result<Member, Error> {
        Member::from_json(self.client.get_json(&self.member_path(member_id)?).await?)
    }

    /// Shares the image with the project `member_id`.
    ///
    /// # Errors
    ///
    /// See [`Members`].
    pub async fn create(&self, member_id: &str) -> Result<Member, Error> {
        let mut body = Object::new();
        body.insert("member", member_id);
        Member::from_json(self.client.send_json(Method::POST, &self.path()?, &body).await?)
    }

    /// Changes what the member says to the image.
    ///
    /// # Errors
    ///
    /// See [`Members`].
    pub async fn update(&self, member_id: &str, status: MemberStatus) -> Result<Member, Error> {
        let mut body = Object::new();
        body.insert("status", status.as_str());
        Member::from_json(self.client.send_json(Method::PUT, &self.member_path(member_id)?, &body).await?)
    }

    /// Stops sharing the image with the project `member_id`.
    ///
    /// # Errors
    ///
    /// See [`Members`].
    pub async fn delete(&self, member_id: &str) -> Result<(), Error> {
        self.client.send_only(self.client.request(Method::DELETE, &self.member_path(member_id)?)).await
    }

    fn path(&self) -> Result<String, Error> {
        Ok(format!("/v2/images/{}/members", segment(self.image_id)?))
    }

    fn member_path(&self, member_id: &str) -> Result<String, Error> {
        Ok(format!("{}/{}", self.path()?, segment(member_id)?))
    }
}
