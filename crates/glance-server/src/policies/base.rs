//! Rules that others refer to, and the checks that the tables of the other modules share.
//!
//! Names, checks, scopes and what they were before are those of Glance 33.

use oslo::policy::{DeprecatedRule, Operation, RuleDefault, Scope};

pub(super) const ADMIN: &str = "rule:context_is_admin";
pub(super) const SERVICE: &str = "rule:service_api";
pub(super) const DEFAULT: &str = "rule:default";
pub(super) const ADMIN_OR_MEMBER: &str = "rule:context_is_admin or (role:member and project_id:%(project_id)s)";
pub(super) const ADMIN_OR_READER: &str = "rule:context_is_admin or (role:reader and project_id:%(project_id)s)";

/// The rules.
pub const RULES: &[RuleDefault] = &[
    RuleDefault::new("default", "", "Whatever has no rule of its own.").replaces(DeprecatedRule {
        name: "default",
        check: ADMIN,
        reason: "Files that leave rules out rely on the defaults of those rules. Where administrators alone should \
                 pass them, say so with \"default\": \"role:admin\".",
        since: "Ussuri",
    }),
    RuleDefault::new("context_is_admin", "role:admin", "Who is an administrator."),
    RuleDefault::new("service_api", "role:service or role:admin", "What is meant for other services."),
];

/// A rule for tokens of projects.
pub(super) const fn rule(
    name: &'static str,
    check: &'static str,
    description: &'static str,
    operations: &'static [Operation],
) -> RuleDefault {
    RuleDefault::new(name, check, description).operations(operations).scopes(&[Scope::Project])
}

/// What a rule was before roles counted.
pub(super) const fn before_roles(name: &'static str, check: &'static str, since: &'static str) -> DeprecatedRule {
    DeprecatedRule { name, check, reason: "Roles count now.", since }
}

pub(super) const fn get(path: &'static str) -> Operation {
    Operation::new("GET", path)
}

pub(super) const fn post(path: &'static str) -> Operation {
    Operation::new("POST", path)
}

pub(super) const fn put(path: &'static str) -> Operation {
    Operation::new("PUT", path)
}

pub(super) const fn patch(path: &'static str) -> Operation {
    Operation::new("PATCH", path)
}

pub(super) const fn delete(path: &'static str) -> Operation {
    Operation::new("DELETE", path)
}
