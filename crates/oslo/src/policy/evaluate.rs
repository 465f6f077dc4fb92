//! Evaluation of a tree of checks against a target and credentials, with the semantics of `oslo_policy._checks`.

use std::collections::HashMap;

use serde_json::Value;

use super::check::{Comparison, Left, Node};
use super::target::Attributes;
use super::{Credentials, RemoteRequest};
use crate::python::text_of;

/// Deepest nesting of rules and operators during an evaluation. Rules that refer to themselves end here.
const MAX_DEPTH: usize = 256;

/// Why an evaluation has no answer.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Stop {
    /// A check names an attribute that the target does not have.
    MissingAttribute,
    /// A remote check has no answer yet.
    Remote(RemoteRequest),
    /// A mistake in the rule or the credentials.
    Failed(&'static str),
}

/// What the remote servers of one decision answered so far.
#[derive(Clone, Debug, Default)]
pub struct Answers(HashMap<String, bool>);

impl Answers {
    /// Keeps an answer; [`RemoteRequest::accepts`] tells from the body of the response.
    pub fn insert(&mut self, request: RemoteRequest, allowed: bool) {
        self.0.insert(request.url, allowed);
    }
}

/// One evaluation of one rule.
pub(super) struct Evaluation<'a> {
    pub(super) rules: &'a super::Policy,
    pub(super) target: &'a dyn Attributes,
    pub(super) credentials: &'a Credentials,
    pub(super) answers: &'a Answers,
    /// The rule that was asked for, which remote servers are told.
    pub(super) rule: Option<&'a str>,
}

impl Evaluation<'_> {
    pub(super) fn check(&self, node: &Node, depth: usize) -> Result<bool, Stop> {
        if depth > MAX_DEPTH {
            return Err(Stop::Failed("rules are nested too deeply or refer to themselves"));
        }
        match node {
            Node::True => Ok(true),
            Node::False => Ok(false),
            Node::Not(inner) => self.check(inner, depth + 1).map(|passed| !passed),
            Node::And(all) => self.any_is(all, false, depth).map(|failed| !failed),
            Node::Or(all) => self.any_is(all, true, depth),
            Node::Rule(name) => self.rule(name, depth),
            Node::Role(name) => match name.render(self.target) {
                Ok(name) => self.has_role(&name),
                Err(stop) => missing_fails(stop),
            },
            Node::Remote(url) => self.remote(url.render(self.target)?.into_owned()),
            Node::Compare(comparison) => self.compare(comparison),
        }
    }

    /// Whether one of the checks, in order, has this result.
    fn any_is(&self, all: &[Node], wanted: bool, depth: usize) -> Result<bool, Stop> {
        for node in all {
            if self.check(node, depth + 1)? == wanted {
                return Ok(true);
            }
        }
        Ok(false)
    }

    /// A rule that is not defined fails, as does one that needs a missing attribute for the URL of a remote check.
    fn rule(&self, name: &str, depth: usize) -> Result<bool, Stop> {
        let Some(check) = self.rules.rule(name) else { return Ok(false) };
        self.check(&check.0, depth + 1).or_else(missing_fails)
    }

    fn has_role(&self, wanted: &str) -> Result<bool, Stop> {
        const NO_ROLES: Stop = Stop::Failed("the roles in the credentials are no list of texts");
        let Some(roles) = self.credentials.get("roles") else { return Ok(false) };
        let roles = roles.as_array().ok_or(NO_ROLES)?;
        let mut found = false;
        for role in roles {
            found |= same_role(role.as_str().ok_or(NO_ROLES)?, wanted);
        }
        Ok(found)
    }

    fn remote(&self, url: String) -> Result<bool, Stop> {
        match self.answers.0.get(&url) {
            Some(allowed) => Ok(*allowed),
            None => Err(Stop::Remote(RemoteRequest { url, rule: self.rule.map(str::to_owned) })),
        }
    }

    fn compare(&self, comparison: &Comparison) -> Result<bool, Stop> {
        let wanted = match comparison.right.render(self.target) {
            Ok(wanted) => wanted,
            Err(stop) => return missing_fails(stop),
        };
        let path = match &comparison.left {
            Left::Constant(text) => return Ok(*text == wanted),
            Left::Credential(path) => path,
        };
        let Some((first, rest)) = path.split_first() else { return Ok(false) };
        match credential(self.credentials, first) {
            Some(value) => matches_entry(value, rest, &wanted),
            None => Ok(false),
        }
    }
}

/// A credential by name. `system` also answers to the name that tokens give it.
pub(super) fn credential<'a>(credentials: &'a Credentials, name: &str) -> Option<&'a Value> {
    let scope = credentials.get("system_scope").filter(|scope| name == "system" && is_truthy(scope));
    scope.or_else(|| credentials.get(name))
}

/// Python's truth value.
pub(super) fn is_truthy(value: &Value) -> bool {
    match value {
        Value::Null => false,
        Value::Bool(flag) => *flag,
        Value::Number(number) => number.as_f64() != Some(0.0),
        Value::String(text) => !text.is_empty(),
        Value::Array(items) => !items.is_empty(),
        Value::Object(entries) => !entries.is_empty(),
    }
}

fn missing_fails(stop: Stop) -> Result<bool, Stop> {
    if stop == Stop::MissingAttribute { Ok(false) } else { Err(stop) }
}

/// Roles are equal whatever the case of their letters.
fn same_role(left: &str, right: &str) -> bool {
    if left.is_ascii() && right.is_ascii() {
        return left.eq_ignore_ascii_case(right);
    }
    left.to_lowercase() == right.to_lowercase()
}

/// What was found under a name: of a list, any item may match.
fn matches_entry(value: &Value, path: &[String], wanted: &str) -> Result<bool, Stop> {
    let Value::Array(items) = value else { return matches_item(value, path, wanted) };
    for item in items {
        if matches_item(item, path, wanted)? {
            return Ok(true);
        }
    }
    Ok(false)
}

fn matches_item(value: &Value, path: &[String], wanted: &str) -> Result<bool, Stop> {
    let Some((name, rest)) = path.split_first() else { return Ok(text_of(value) == wanted) };
    let entries = value.as_object().ok_or(Stop::Failed("a credential that a rule looks into has no parts"))?;
    entries.get(name).map_or(Ok(false), |value| matches_entry(value, rest, wanted))
}
