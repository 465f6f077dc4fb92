//! A policy file of any content must be read or refused, and each of its rules must decide the same every time it is
//! asked. What is before the first null character is tried as a rule, too.

#![no_main]

use libfuzzer_sys::fuzz_target;
use oslo::policy::{Answers, Check, Policy, RuleDefault, Rules, Settings, Verdict};
use serde_json::{Map, Value, json};

const DEFAULTS: &[RuleDefault] = &[
    RuleDefault::new("default", "", "The rule for everything else."),
    RuleDefault::new("get_image", "role:admin or (role:reader and project_id:%(project_id)s)", "Show an image."),
];

fn object(value: Value) -> Map<String, Value> {
    value.as_object().unwrap().clone()
}

fuzz_target!(|text: &str| {
    let credentials =
        object(json!({"roles": ["reader", "Member"], "project_id": "p", "user": {"id": ["u"]}, "a": null}));
    let target = object(json!({"project_id": "p", "target.owner": "p", "flag": true, "n": 1.5, "list": ["x"]}));
    let answers = Answers::default();

    let (rule, file) = text.split_once('\0').unwrap_or((text, text));
    let mut rules = Rules::new();
    let read = rules.add_text("policy.yaml", file).is_ok();
    let policy = Policy::new(&[DEFAULTS], &rules, &Settings::default());
    let check = Check::parse(rule);
    let first = policy.evaluate_check(&check, &target, &credentials, &answers);
    assert_eq!(first, policy.evaluate_check(&Check::parse(rule), &target, &credentials, &answers));
    if let Ok(Verdict::NeedsRemote(request)) = first {
        assert!(request.url.starts_with("http:") || request.url.starts_with("https:"), "{request:?}");
    }
    if read {
        for name in rules.names() {
            let _ = policy.evaluate(name, &target, &credentials, &answers);
        }
    }
});
