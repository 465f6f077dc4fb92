//! The rules that a service brings along, as constant tables.

use std::fmt::Write as _;

/// What a token is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Scope {
    /// The whole deployment.
    System,
    /// A domain.
    Domain,
    /// A project; also tokens for nothing at all.
    Project,
}

/// An API operation that a rule guards.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Operation {
    /// The HTTP method.
    pub method: &'static str,
    /// The path, with names in braces.
    pub path: &'static str,
}

impl Operation {
    /// An operation.
    #[must_use]
    pub const fn new(method: &'static str, path: &'static str) -> Self {
        Self { method, path }
    }
}

/// What a rule was before.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DeprecatedRule {
    /// Its name; an override under this name still counts.
    pub name: &'static str,
    /// Its check, which is good enough, too, unless new defaults are enforced.
    pub check: &'static str,
    /// Why it changed.
    pub reason: &'static str,
    /// The release in which it changed.
    pub since: &'static str,
}

/// A rule of the service.
///
/// ```
/// use oslo::policy::{Operation, RuleDefault, Scope};
///
/// const RULES: &[RuleDefault] = &[
///     RuleDefault::new("get_images", "role:reader", "List images.")
///         .operations(&[Operation::new("GET", "/v2/images")])
///         .scopes(&[Scope::Project]),
/// ];
/// assert_eq!(RULES[0].check, "role:reader");
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RuleDefault {
    /// The name.
    pub name: &'static str,
    /// The rule, unless a policy file has another.
    pub check: &'static str,
    /// What it guards, for operators.
    pub description: &'static str,
    /// The API operations that it guards.
    pub operations: &'static [Operation],
    /// Which tokens may pass at all; empty for any.
    pub scopes: &'static [Scope],
    /// What it was before.
    pub deprecated_rule: Option<DeprecatedRule>,
    /// Why it is to go, if it is.
    pub deprecated_for_removal: Option<&'static str>,
}

impl RuleDefault {
    /// A rule for tokens of any scope.
    #[must_use]
    pub const fn new(name: &'static str, check: &'static str, description: &'static str) -> Self {
        Self {
            name,
            check,
            description,
            operations: &[],
            scopes: &[],
            deprecated_rule: None,
            deprecated_for_removal: None,
        }
    }

    /// Names the API operations.
    #[must_use]
    pub const fn operations(mut self, operations: &'static [Operation]) -> Self {
        self.operations = operations;
        self
    }

    /// Lets only tokens of these scopes pass.
    #[must_use]
    pub const fn scopes(mut self, scopes: &'static [Scope]) -> Self {
        self.scopes = scopes;
        self
    }

    /// Says what the rule was before.
    #[must_use]
    pub const fn replaces(mut self, rule: DeprecatedRule) -> Self {
        self.deprecated_rule = Some(rule);
        self
    }

    /// Says that the rule is to go, and why.
    #[must_use]
    pub const fn deprecated_for_removal(mut self, reason: &'static str) -> Self {
        self.deprecated_for_removal = Some(reason);
        self
    }
}

/// A sample policy file: every rule with its default, commented out.
#[must_use]
pub fn sample(rules: &[RuleDefault]) -> String {
    let mut out = String::new();
    for rule in rules {
        for line in rule.description.lines() {
            let _ = writeln!(out, "# {line}");
        }
        for operation in rule.operations {
            let _ = writeln!(out, "# {}  {}", operation.method, operation.path);
        }
        if let Some(reason) = rule.deprecated_for_removal {
            let _ = writeln!(out, "# Deprecated: {reason}");
        }
        if let Some(old) = rule.deprecated_rule {
            let _ = writeln!(out, "# Before {}: {}: {} ({})", old.since, old.name, quoted(old.check), old.reason);
        }
        let _ = write!(out, "#{}: {}\n\n", quoted(rule.name), quoted(rule.check));
    }
    out
}

/// The text as a YAML scalar.
fn quoted(text: &str) -> String {
    serde_json::Value::from(text).to_string()
}
