//! The default rules are those of Python Glance.
//!
//! `GLANCE_TEST_PYTHON` names an interpreter that has it. Without one the comparison says that it is skipped.

use std::io::Write as _;
use std::process::Command;

use glance_server::policies::TABLES;
use oslo::policy::{Check, RuleDefault, Scope};
use serde_json::{Value, json};

const SCRIPT: &str = "
import json
from glance import policies
def operations(rule):
    return [[o['method'], o['path']] for o in getattr(rule, 'operations', [])]
def deprecated(rule):
    old = rule.deprecated_rule
    return old and {'name': old.name, 'check': str(old.check), 'since': str(old.deprecated_since)}
print(json.dumps([{
    'name': rule.name, 'check': str(rule.check), 'scopes': rule.scope_types or [], 'operations': operations(rule),
    'deprecated': deprecated(rule), 'removal': rule.deprecated_for_removal,
} for rule in policies.list_rules()]))
";

#[test]
fn the_defaults_are_those_of_glance() {
    let Some(python) = std::env::var_os("GLANCE_TEST_PYTHON") else {
        let _ = writeln!(std::io::stderr(), "SKIPPED: GLANCE_TEST_PYTHON names no interpreter with Glance");
        return;
    };
    let output = Command::new(python).args(["-c", SCRIPT]).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let mut expected: Vec<Value> = serde_json::from_slice(&output.stdout).unwrap();
    let mut found: Vec<Value> = TABLES.iter().copied().flatten().map(document).collect();
    for rules in [&mut expected, &mut found] {
        rules.sort_by_key(|rule| rule["name"].as_str().unwrap().to_owned());
        rules.iter_mut().for_each(normalise);
    }
    assert_eq!(found.len(), 67);
    for (found, expected) in found.iter().zip(&expected) {
        assert_eq!(found, expected);
    }
    assert_eq!(found.len(), expected.len());
}

fn document(rule: &RuleDefault) -> Value {
    let scopes = rule.scopes.iter().map(|scope| match scope {
        Scope::System => "system",
        Scope::Domain => "domain",
        Scope::Project => "project",
    });
    let old = rule.deprecated_rule.map(|old| json!({"name": old.name, "check": old.check, "since": old.since}));
    json!({
        "name": rule.name, "check": rule.check, "scopes": scopes.collect::<Vec<_>>(),
        "operations": rule.operations.iter().map(|o| json!([o.method, o.path])).collect::<Vec<_>>(),
        "deprecated": old, "removal": rule.deprecated_for_removal.is_some(),
    })
}

/// Checks are compared as they are understood, not as they are written.
fn normalise(rule: &mut Value) {
    for check in ["/check", "/deprecated/check"] {
        if let Some(text) = rule.pointer_mut(check) {
            *text = json!(Check::parse(text.as_str().unwrap()).to_string());
        }
    }
    if let Some(since) = rule.pointer_mut("/deprecated/since") {
        // oslo.log knows releases by the first letters of their names.
        *since = json!(since.as_str().unwrap()[..1].to_lowercase());
    }
}

#[test]
fn no_rule_is_defined_twice() {
    let mut names: Vec<&str> = TABLES.iter().copied().flatten().map(|rule| rule.name).collect();
    let count = names.len();
    names.sort_unstable();
    names.dedup();
    assert_eq!(names.len(), count);
}
