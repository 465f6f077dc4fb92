//! What the operator should know about the rules in force.

use std::collections::{BTreeSet, HashMap};
use std::fmt;
use std::sync::Arc;

use super::check::Check;
use super::defaults::RuleDefault;
use super::files::Rules;

/// A mistake in the rules, or a rule that should be written otherwise.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Problem {
    /// A part of a rule is not understood and denies.
    NotUnderstood {
        /// The file.
        file: Arc<str>,
        /// The rule.
        rule: String,
        /// What is wrong.
        reason: String,
    },
    /// A rule refers to one that is not defined.
    Undefined {
        /// The rule.
        rule: String,
        /// The one that is missing.
        reference: String,
    },
    /// A rule refers to itself, perhaps by way of others.
    Cyclic {
        /// The rule.
        rule: String,
    },
    /// A file overrides a rule by its old name.
    OldName {
        /// The file.
        file: Arc<str>,
        /// The old name.
        old: String,
        /// The present name.
        rule: String,
    },
    /// A file overrides a rule that is to go.
    DeprecatedForRemoval {
        /// The file.
        file: Arc<str>,
        /// The rule.
        rule: String,
        /// Why it is to go.
        reason: String,
    },
    /// A file repeats a default.
    Redundant {
        /// The file.
        file: Arc<str>,
        /// The rule.
        rule: String,
    },
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NotUnderstood { file, rule, reason } => write!(f, "{file}: {rule}: {reason}"),
            Self::Undefined { rule, reference } => {
                write!(f, "policy rule {rule} refers to {reference}, which is not defined")
            }
            Self::Cyclic { rule } => write!(f, "policy rule {rule} refers to itself"),
            Self::OldName { file, old, rule } => write!(f, "{file}: {old}: the rule is now called {rule}"),
            Self::DeprecatedForRemoval { file, rule, reason } => write!(f, "{file}: {rule}: deprecated: {reason}"),
            Self::Redundant { file, rule } => write!(f, "{file}: {rule}: this is the default"),
        }
    }
}

/// Everything there is to say, sorted by the names of the rules.
pub(super) fn find(
    in_force: &HashMap<String, Check>,
    defaults: &HashMap<&'static str, RuleDefault>,
    rules: &Rules,
) -> Vec<Problem> {
    let mut found = Vec::new();
    let names: BTreeSet<&String> = in_force.keys().collect();
    for name in names {
        push_file_problems(&mut found, name, defaults, rules);
        push_reference_problems(&mut found, name, in_force);
    }
    found
}

fn push_file_problems(
    found: &mut Vec<Problem>,
    name: &str,
    defaults: &HashMap<&'static str, RuleDefault>,
    rules: &Rules,
) {
    let default = defaults.get(name);
    if let Some(old) = default.and_then(|default| default.deprecated_rule).filter(|old| old.name != name)
        && let Some(file_rule) = rules.0.get(old.name)
    {
        let file = Arc::clone(&file_rule.file);
        found.push(Problem::OldName { file, old: old.name.to_owned(), rule: name.to_owned() });
    }
    let Some(file_rule) = rules.0.get(name) else { return };
    let (file, rule) = (|| Arc::clone(&file_rule.file), name.to_owned());
    for reason in &file_rule.parsed.problems {
        found.push(Problem::NotUnderstood { file: file(), rule: rule.clone(), reason: reason.clone() });
    }
    let Some(default) = default else { return };
    if let Some(reason) = default.deprecated_for_removal {
        found.push(Problem::DeprecatedForRemoval { file: file(), rule: rule.clone(), reason: reason.to_owned() });
    }
    if file_rule.parsed.check == Check::parse(default.check) {
        found.push(Problem::Redundant { file: file(), rule });
    }
}

fn push_reference_problems(found: &mut Vec<Problem>, name: &str, in_force: &HashMap<String, Check>) {
    let direct = in_force.get(name).map(|check| check.0.references()).unwrap_or_default();
    for reference in direct.iter().filter(|reference| !in_force.contains_key(**reference)) {
        found.push(Problem::Undefined { rule: name.to_owned(), reference: (*reference).to_owned() });
    }
    let mut seen = BTreeSet::new();
    let mut todo = direct;
    while let Some(next) = todo.pop() {
        if seen.insert(next) {
            todo.extend(in_force.get(next).map(|check| check.0.references()).unwrap_or_default());
        }
    }
    if seen.contains(name) {
        found.push(Problem::Cyclic { rule: name.to_owned() });
    }
}
