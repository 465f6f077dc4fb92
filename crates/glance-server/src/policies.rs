//! Who may do what: the rules of the service and their enforcement.

pub mod base;
pub mod image;

use glance_domain::{Image, ProjectId};
use oslo::policy::{Answers, Attribute, Attributes, EvaluationError, Policy, Rules, Settings, Verdict};

use crate::app::context::RequestContext;
use crate::app::error::{Error, Result};

/// What a rule is asked about: the attributes that check strings name as `%(…)s`.
#[derive(Clone, Copy, Debug)]
pub struct Target<'a> {
    image: Option<&'a Image>,
    project: Option<&'a ProjectId>,
}

impl<'a> Target<'a> {
    /// An image.
    #[must_use]
    pub fn image(image: &'a Image) -> Self {
        Self { image: Some(image), project: image.owner.as_ref() }
    }

    /// Whatever belongs to a project.
    #[must_use]
    pub fn project(project: Option<&'a ProjectId>) -> Self {
        Self { image: None, project }
    }

    /// The deployment as a whole.
    #[must_use]
    pub fn none() -> Self {
        Self { image: None, project: None }
    }
}

impl Attributes for Target<'_> {
    fn get(&self, name: &str) -> Option<Attribute<'_>> {
        let of_image = |image: &'_ Image| match name {
            "visibility" => Some(image.visibility.as_str().to_owned()),
            "status" => Some(image.status.as_str().to_owned()),
            "member_id" => image.member.as_ref().map(|member| member.as_str().to_owned()),
            "image_id" | "id" => Some(image.id.as_str().to_owned()),
            "name" => image.name.clone(),
            "disk_format" => image.disk_format.clone(),
            "container_format" => image.container_format.clone(),
            "protected" => Some(if image.protected { "True" } else { "False" }.to_owned()),
            other => image.properties.get(other).cloned().flatten(),
        };
        match name {
            "project_id" | "owner" | "tenant" => Some(self.project.map(ProjectId::as_str)?.into()),
            _ => self.image.and_then(of_image).map(Attribute::from),
        }
    }
}

/// Decides by the rules in force.
#[derive(Debug)]
pub struct Enforcer {
    policy: Policy,
}

impl Default for Enforcer {
    fn default() -> Self {
        Self { policy: Policy::new(&[base::RULES, image::RULES], &Rules::new(), &Settings::default()) }
    }
}

impl Enforcer {
    /// Whether `rule` allows it. Rules may ask other servers, so this waits.
    ///
    /// # Errors
    /// `Internal` for a rule that cannot be evaluated.
    pub async fn check(&self, ctx: &RequestContext, rule: &str, target: &Target<'_>) -> Result<bool> {
        match self.policy.evaluate(rule, target, &ctx.credentials, &Answers::default()) {
            Ok(Verdict::Allowed) => Ok(true),
            Ok(Verdict::Denied) => Ok(false),
            Ok(Verdict::NeedsRemote(_)) => {
                Err(Error::internal(format!("the rule {rule} asks another server, which is not available yet")))
            }
            Err(EvaluationError { rule, reason }) => Err(Error::internal(format!("the rule {rule}: {reason}"))),
        }
    }

    /// As [`Enforcer::check`], with a refusal for "no".
    ///
    /// # Errors
    /// `Forbidden`.
    pub async fn enforce(&self, ctx: &RequestContext, rule: &str, target: &Target<'_>) -> Result<()> {
        if self.check(ctx, rule, target).await? {
            return Ok(());
        }
        Err(Error::Forbidden(format!("You are not authorized to complete {rule} action.").into()))
    }

    /// Whether there is a rule of this name.
    #[must_use]
    pub fn defines(&self, rule: &str) -> bool {
        self.policy.defines(rule)
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use glance_domain::{ImageId, Timestamp, Visibility};
    use oslo::config::{Config, Sources};
    use serde_json::json;

    use super::*;
    use crate::config::load::snapshot;
    use crate::config::options::TABLES;

    fn caller(role: &str, project: &str) -> RequestContext {
        let config = snapshot(&Config::new(Sources::new(), TABLES), None).unwrap();
        let mut ctx = RequestContext::administrator("req-1".into(), Some(ProjectId::new(project)), Arc::new(config));
        let roles: Vec<&str> = match role {
            "admin" => vec!["admin", "member", "reader"],
            "member" => vec!["member", "reader"],
            other => vec![other],
        };
        ctx.credentials.insert("roles".into(), json!(roles));
        ctx.is_admin = role == "admin";
        ctx
    }

    fn image(visibility: Visibility) -> Image {
        let owner = Some(ProjectId::new("owner"));
        let mut image = Image::new(ImageId::parse("one").unwrap(), owner, Timestamp::parse_iso("2026-01-01").unwrap());
        image.visibility = visibility;
        image
    }

    #[tokio::test]
    async fn the_defaults_of_glance() {
        use Visibility::{Private, Public};
        let cases = [
            ("delete_image", "admin", "other", Private, true),
            ("delete_image", "member", "owner", Private, true),
            ("delete_image", "reader", "owner", Private, false),
            ("delete_image", "member", "other", Public, false),
            ("get_image", "reader", "other", Public, true),
            ("get_image", "reader", "other", Private, false),
            ("get_image", "reader", "owner", Private, true),
            ("get_image", "nobody", "owner", Private, false),
            ("download_image", "reader", "owner", Private, false),
            ("download_image", "member", "other", Public, true),
            ("publicize_image", "member", "owner", Private, false),
            ("publicize_image", "admin", "owner", Private, true),
        ];
        let enforcer = Enforcer::default();
        for (rule, role, project, visibility, expected) in cases {
            let image = image(visibility);
            let allowed = enforcer.check(&caller(role, project), rule, &Target::image(&image)).await.unwrap();
            assert_eq!(allowed, expected, "{rule} by {role} of {project}, {visibility:?}");
        }
    }
}
