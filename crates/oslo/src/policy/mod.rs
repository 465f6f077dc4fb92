//! Who may do what, as oslo.policy has it: rules that a service brings along and operators override in files.
//!
//! Rules are understood once, when a [`Policy`] is made, and evaluated without input or output: where a rule asks a
//! remote server, the evaluation hands the question to the caller and is started again with the answer. That suits
//! asynchronous and blocking callers alike:
//!
//! ```
//! use oslo::policy::{Answers, Policy, RuleDefault, Rules, Settings, Verdict};
//!
//! const DEFAULTS: &[RuleDefault] = &[RuleDefault::new("get_image", "role:reader", "Show an image.")];
//! let policy = Policy::new(&[DEFAULTS], &Rules::new(), &Settings::default());
//! let credentials = serde_json::json!({"roles": ["Reader"]}).as_object().cloned().unwrap_or_default();
//! let mut answers = Answers::default();
//! let allowed = loop {
//!     match policy.evaluate("get_image", &(), &credentials, &answers)? {
//!         Verdict::Allowed => break true,
//!         Verdict::Denied => break false,
//!         Verdict::NeedsRemote(request) => answers.insert(request, false), // ask the server here
//!     }
//! };
//! assert!(allowed);
//! # Ok::<(), oslo::policy::EvaluationError>(())
//! ```
//!
//! Deliberately different from oslo.policy: a left side such as `user.class`, which Python's parser of constants refuses,
//! names a credential; only texts, decimal numbers, `True`, `False` and `None` are constants; `%(name)s` is the only
//! format; roles must be a list of texts; `false` and other values that are no text are refused in files, where Python
//! takes `false` for a rule that allows everything. The comparison in `tests/upstream` holds the list.

mod check;
mod defaults;
mod evaluate;
mod files;
mod literal;
mod parser;
mod problems;
mod target;
mod template;

use std::collections::HashMap;

use serde_json::{Map, Value};

pub use check::Check;
pub use defaults::{DeprecatedRule, Operation, RuleDefault, Scope, sample};
pub use evaluate::Answers;
pub use files::{FileError, Rules, policy_files};
pub use problems::Problem;
pub use target::{Attribute, Attributes};

use check::Node;
use evaluate::{Evaluation, Stop, credential, is_truthy};

/// What is known about the caller: `roles`, `user_id`, `project_id`, `is_admin`, `system_scope` and so on.
pub type Credentials = Map<String, Value>;

/// The answer to a question.
#[derive(Clone, Debug, PartialEq)]
pub enum Verdict {
    /// The rule passes.
    Allowed,
    /// The rule fails, is not defined, or is not for tokens of this scope.
    Denied,
    /// A remote server has to be asked first.
    NeedsRemote(RemoteRequest),
}

/// A question for a remote server: a `POST` of the rule, the target and the credentials.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RemoteRequest {
    /// Where to send it.
    pub url: String,
    /// The rule that was asked for, if it has a name.
    pub rule: Option<String>,
}

impl RemoteRequest {
    /// Whether a response with this body allows: it says `True`, in quotes or not.
    #[must_use]
    pub fn accepts(body: &str) -> bool {
        body.trim_start_matches('"').trim_end_matches('"') == "True"
    }
}

/// Why a rule could not be evaluated. Nobody passes such a rule.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("policy rule {rule} cannot be evaluated: {reason}")]
pub struct EvaluationError {
    /// The rule that was asked for.
    pub rule: String,
    /// What is wrong with it, or with the credentials.
    pub reason: &'static str,
}

/// The options of a policy (`[oslo_policy]`).
#[derive(Clone, Debug)]
pub struct Settings {
    /// The rule that answers for rules which are not defined (`policy_default_rule`).
    pub default_rule: String,
    /// Whether what a rule was before is no longer good enough (`enforce_new_defaults`).
    pub enforce_new_defaults: bool,
}

impl Default for Settings {
    fn default() -> Self {
        Self { default_rule: "default".to_owned(), enforce_new_defaults: true }
    }
}

/// The rules in force: an immutable snapshot.
#[derive(Clone, Debug)]
pub struct Policy {
    rules: HashMap<String, Check>,
    default_rule: String,
    defaults: HashMap<&'static str, RuleDefault>,
    problems: Vec<Problem>,
}

impl Policy {
    /// Brings the defaults of the service and the rules of files together.
    #[must_use]
    pub fn new(defaults: &[&'static [RuleDefault]], rules: &Rules, settings: &Settings) -> Self {
        let defaults: HashMap<&'static str, RuleDefault> =
            defaults.iter().copied().flatten().map(|rule| (rule.name, *rule)).collect();
        let mut in_force: HashMap<String, Check> =
            rules.0.iter().map(|(name, rule)| (name.clone(), rule.parsed.check.clone())).collect();
        for rule in defaults.values().filter(|rule| !rules.0.contains_key(rule.name)) {
            in_force.insert(rule.name.to_owned(), default_check(rule, rules, settings));
        }
        let problems = problems::find(&in_force, &defaults, rules);
        Self { rules: in_force, default_rule: settings.default_rule.clone(), defaults, problems }
    }

    /// Decides by the rule of this name.
    ///
    /// # Errors
    /// A rule that refers to itself, a template that is not understood, or credentials of the wrong shape.
    pub fn evaluate(
        &self,
        rule: &str,
        target: &dyn Attributes,
        credentials: &Credentials,
        answers: &Answers,
    ) -> Result<Verdict, EvaluationError> {
        let Some(check) = self.rule(rule) else { return Ok(Verdict::Denied) };
        let scopes = self.defaults.get(rule).map_or(&[][..], |default| default.scopes);
        if !scopes.is_empty() && !scopes.contains(&scope(credentials)) {
            return Ok(Verdict::Denied);
        }
        self.run(check, Evaluation { rules: self, target, credentials, answers, rule: Some(rule) })
    }

    /// Decides by a check that is no rule of its own, and that may refer to rules.
    ///
    /// # Errors
    /// As [`Policy::evaluate`].
    pub fn evaluate_check(
        &self,
        check: &Check,
        target: &dyn Attributes,
        credentials: &Credentials,
        answers: &Answers,
    ) -> Result<Verdict, EvaluationError> {
        self.run(check, Evaluation { rules: self, target, credentials, answers, rule: None })
    }

    fn run(&self, check: &Check, evaluation: Evaluation<'_>) -> Result<Verdict, EvaluationError> {
        let failed = |reason| EvaluationError { rule: evaluation.rule.unwrap_or("(unnamed)").to_owned(), reason };
        match evaluation.check(&check.0, 0) {
            Ok(true) => Ok(Verdict::Allowed),
            Ok(false) => Ok(Verdict::Denied),
            Err(Stop::Remote(request)) => Ok(Verdict::NeedsRemote(request)),
            Err(Stop::MissingAttribute) => Err(failed("the URL of a remote check names a missing attribute")),
            Err(Stop::Failed(reason)) => Err(failed(reason)),
        }
    }

    /// The check of a rule, or that of the default rule if there is none.
    fn rule(&self, name: &str) -> Option<&Check> {
        self.rules.get(name).or_else(|| self.rules.get(&self.default_rule))
    }

    /// Whether there is a rule of this name.
    #[must_use]
    pub fn defines(&self, name: &str) -> bool {
        self.rules.contains_key(name)
    }

    /// The rules in force, sorted by name.
    #[must_use]
    pub fn rules(&self) -> Vec<(&str, &Check)> {
        let mut rules: Vec<(&str, &Check)> = self.rules.iter().map(|(name, check)| (name.as_str(), check)).collect();
        rules.sort_by_key(|(name, _)| *name);
        rules
    }

    /// What the operator should know about the rules.
    #[must_use]
    pub fn problems(&self) -> &[Problem] {
        &self.problems
    }
}

/// The check of a default that no file overrides, with what it was before taken into account.
fn default_check(rule: &RuleDefault, rules: &Rules, settings: &Settings) -> Check {
    let check = Check::parse(rule.check);
    let Some(old) = &rule.deprecated_rule else { return check };
    let old_check = Check::parse(old.check);
    if old.name != rule.name
        && let Some(file_rule) = rules.0.get(old.name)
    {
        let overriding = &file_rule.parsed.check;
        if *overriding != old_check && overriding.0 != Node::Rule(rule.name.to_owned()) {
            return overriding.clone();
        }
    }
    if settings.enforce_new_defaults || old.check == rule.check {
        return check;
    }
    Check(Node::Or(vec![check.0, old_check.0]))
}

fn scope(credentials: &Credentials) -> Scope {
    let has = |name| credential(credentials, name).is_some_and(is_truthy);
    match (has("system"), has("domain_id")) {
        (true, _) => Scope::System,
        (false, true) => Scope::Domain,
        (false, false) => Scope::Project,
    }
}

#[cfg(test)]
mod tests;
