//! Who may do what: the rules of the service and their enforcement.
//!
//! The defaults are tables, one module for each noun; operators override them in `policy.yaml` and `policy.d`, which are
//! read again when they change. The language of rules is `oslo::policy`'s.

pub mod base;
pub mod cache;
pub mod discovery;
pub mod files;
pub mod image;
pub mod metadef;
pub mod protections;
pub mod remote;
pub mod target;
pub mod tasks;

use std::sync::Arc;

use arc_swap::ArcSwap;
use oslo::policy::{Answers, Check, EvaluationError, Policy, RuleDefault, Rules, Settings, Verdict};

use crate::app::context::RequestContext;
use crate::app::error::{Error, Result};
use files::Files;
use protections::{Operation, Permission, Protections};
use remote::Remote;
pub use target::Target;

/// The default rules of the service.
pub const TABLES: &[&[RuleDefault]] =
    &[base::RULES, image::RULES, cache::RULES, discovery::RULES, metadef::RULES, tasks::RULES];

/// How many remote servers one decision may ask.
const MOST_QUESTIONS: usize = 16;

/// Decides by the rules in force.
#[derive(Debug)]
pub struct Enforcer {
    policy: ArcSwap<Policy>,
    settings: Settings,
    files: Option<Files>,
    remote: Option<Remote>,
    protections: Option<Protections>,
}

impl Default for Enforcer {
    /// The default rules alone.
    fn default() -> Self {
        let settings = Settings::default();
        let policy = ArcSwap::from_pointee(Policy::new(TABLES, &Rules::new(), &settings));
        Self { policy, settings, files: None, remote: None, protections: None }
    }
}

impl Enforcer {
    /// The default rules and those of `files`, with the `settings` of `[oslo_policy]`.
    ///
    /// # Errors
    /// A file that cannot be used.
    pub fn new(settings: Settings, files: Files, remote: Remote) -> Result<Self, oslo::policy::FileError> {
        let policy = ArcSwap::from_pointee(Policy::new(TABLES, &files.load()?, &settings));
        let this = Self { policy, settings, files: Some(files), remote: Some(remote), protections: None };
        this.report();
        Ok(this)
    }

    /// The same with properties that are protected.
    #[must_use]
    pub fn with_protections(self, protections: Option<Protections>) -> Self {
        Self { protections, ..self }
    }

    /// Whether some properties are protected.
    #[must_use]
    pub fn protects_properties(&self) -> bool {
        self.protections.is_some()
    }

    /// Whether the caller may do `operation` with custom properties called `name`. The roles of a service that passes
    /// the request on count as well as its user's.
    ///
    /// # Errors
    /// As [`Enforcer::check`].
    pub async fn allows_property(&self, ctx: &RequestContext, name: &str, operation: Operation) -> Result<bool> {
        let Some(protections) = &self.protections else { return Ok(true) };
        match protections.of(name, operation) {
            Permission::Everybody => Ok(true),
            Permission::Nobody => Ok(false),
            Permission::Roles(roles) => Ok(ctx.has_role(roles)),
            Permission::Rule(rule) => self.check_reference(ctx, rule).await,
        }
    }

    /// Whether `rule` allows it. Rules may ask other servers, so this waits.
    ///
    /// # Errors
    /// `Internal` for a rule that cannot be evaluated, `Unavailable` when a server that it asks does not answer.
    pub async fn check(&self, ctx: &RequestContext, rule: &str, target: &Target<'_>) -> Result<bool> {
        self.refresh();
        let policy = self.policy.load_full();
        self.decide(ctx, target, |answers| policy.evaluate(rule, target, &ctx.credentials, answers)).await
    }

    /// Whether the rule called `name` allows it, of whatever scope the caller's token is and whether there is such a
    /// rule or not: property protections name rules that only policy files define.
    ///
    /// # Errors
    /// As [`Enforcer::check`].
    pub async fn check_reference(&self, ctx: &RequestContext, name: &str) -> Result<bool> {
        self.refresh();
        let policy = self.policy.load_full();
        let check = Check::parse(&format!("rule:{name}"));
        let nothing = Target::none();
        self.decide(ctx, &nothing, |answers| policy.evaluate_check(&check, &nothing, &ctx.credentials, answers)).await
    }

    async fn decide(
        &self,
        ctx: &RequestContext,
        target: &Target<'_>,
        evaluate: impl Fn(&Answers) -> Result<Verdict, EvaluationError>,
    ) -> Result<bool> {
        let mut answers = Answers::default();
        for _ in 0..=MOST_QUESTIONS {
            match evaluate(&answers) {
                Ok(Verdict::Allowed) => return Ok(true),
                Ok(Verdict::Denied) => return Ok(false),
                Ok(Verdict::NeedsRemote(question)) => {
                    let Some(remote) = &self.remote else {
                        return Err(Error::internal("a rule asks another server, but none may be asked"));
                    };
                    let allowed = remote.ask(&question, target, &ctx.credentials).await?;
                    answers.insert(question, allowed);
                }
                Err(error) => return Err(Error::internal(error)),
            }
        }
        Err(Error::internal("a rule asks too many other servers"))
    }

    /// As [`Enforcer::check`], with a refusal for "no".
    ///
    /// # Errors
    /// `Forbidden`.
    pub async fn enforce(&self, ctx: &RequestContext, rule: &str, target: &Target<'_>) -> Result<()> {
        if self.check(ctx, rule, target).await? {
            return Ok(());
        }
        Err(refusal(rule))
    }

    /// Whether there is a rule of this name.
    #[must_use]
    pub fn defines(&self, rule: &str) -> bool {
        self.policy.load().defines(rule)
    }

    /// Whether what rules were in old releases is no longer good enough (`enforce_new_defaults`).
    #[must_use]
    pub fn enforces_new_defaults(&self) -> bool {
        self.settings.enforce_new_defaults
    }

    /// The rules in force.
    #[must_use]
    pub fn policy(&self) -> Arc<Policy> {
        self.policy.load_full()
    }

    /// Takes over what has changed in the files, now and then.
    fn refresh(&self) {
        if self.files.as_ref().is_some_and(Files::is_due) {
            self.reload();
        }
    }

    /// Takes over what has changed in the files. A file that cannot be used is logged, and the rules stay as they are.
    pub fn reload(&self) {
        let Some(files) = &self.files else { return };
        match files.load_if_changed() {
            Ok(None) => {}
            Ok(Some(rules)) => {
                self.policy.store(Arc::new(Policy::new(TABLES, &rules, &self.settings)));
                tracing::info!("the policy files have changed: their rules are in force now");
                self.report();
            }
            Err(error) => tracing::error!(%error, "the policy files cannot be used: the rules stay as they are"),
        }
    }

    fn report(&self) {
        for problem in self.policy.load().problems() {
            tracing::warn!("policy: {problem}");
        }
    }
}

/// The refusal of a rule.
pub(crate) fn refusal(rule: &str) -> Error {
    Error::Forbidden(format!("You are not authorized to complete {rule} action.").into())
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use glance_domain::{Image, ImageId, ProjectId, Timestamp, Visibility};
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
        Arc::make_mut(&mut ctx.credentials).insert("roles".into(), json!(roles));
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
