//! Rules: oslo.policy and ours decide alike.

use std::collections::BTreeMap;

use oslo::policy::{Answers, DeprecatedRule, Policy, RuleDefault, Rules, Scope, Settings, Verdict};
use serde_json::{Map, Value, json};

use super::random::Random;
use super::{answers, number_of_cases, python};

const SCRIPT: &str = include_str!("policy.py");
const RULES: &[&str] = &["a", "b", "c", "d", "default", "nix"];
const KEYS: &[&str] = &["x", "y", "project_id", "target.owner", "roles", "missing"];
const TEXTS: &[&str] = &["", "p1", "p2", "Member", "admin", "True", "None", "5", "1.5", "é", "Straße", "İx", "it's"];

#[test]
fn decisions_are_the_same() {
    let Some(python) = python() else { return };
    let mut random = Random::new(7);
    let cases: Vec<Value> = (0..number_of_cases()).map(|_| case(&mut random)).collect();
    let expected = answers(&python, SCRIPT, &cases);
    let mut tally: BTreeMap<&str, usize> = BTreeMap::new();
    let mut differences = Vec::new();
    for (case, expected) in cases.iter().zip(&expected) {
        let found = decide(case);
        *tally.entry(found).or_default() += 1;
        if *expected != found {
            differences.push(format!("{case}\n  Python {expected}, here {found:?}"));
        }
    }
    println!("{} policy cases: {tally:?}, {} differences", cases.len(), differences.len());
    assert!(differences.is_empty(), "{}", differences[..differences.len().min(10)].join("\n"));
    assert!(["allow", "deny", "error"].iter().all(|verdict| tally.contains_key(verdict)), "{tally:?}");
}

/// The differences that are meant: rule, credentials, Python's decision and ours.
#[test]
fn differences_are_these() {
    let Some(python) = python() else { return };
    let table = [
        // Python's parser of constants fails on what is no expression; here it names a credential.
        ("user.class:x", json!({"user": {"class": "x"}}), "error", "allow"),
        (":x", json!({"": "x"}), "error", "allow"),
        ("1st:x", json!({"1st": "x"}), "error", "allow"),
        ("'a:x", json!({}), "error", "deny"),
        // Constants that no rule has use for are no constants here.
        ("[1]:[1]", json!({}), "allow", "deny"),
        ("0x10:16", json!({}), "allow", "deny"),
        ("2j:2j", json!({}), "allow", "deny"),
        // Formats other than %(name)s are mistakes here.
        ("'5':%(n)d", json!({}), "allow", "error"),
        ("'5':%(n)1s", json!({}), "allow", "error"),
        // Roles that are no list of texts are a mistake here even where Python could go through them.
        ("role:a", json!({"roles": "abc"}), "allow", "error"),
    ];
    let cases: Vec<Value> = table.iter().map(|(rule, credentials, ..)| question(rule, credentials)).collect();
    let found = answers(&python, SCRIPT, &cases);
    for ((case, (rule, _, theirs, ours)), found) in cases.iter().zip(&table).zip(&found) {
        assert_eq!((found.as_str().unwrap(), decide(case)), (*theirs, *ours), "{rule}");
    }
}

fn question(rule: &str, credentials: &Value) -> Value {
    json!({
        "rules": {"a": rule}, "defaults": [], "enforce_new_defaults": true,
        "rule": "a", "target": {"n": 5}, "credentials": credentials,
    })
}

fn decide(case: &Value) -> &'static str {
    let mut rules = Rules::new();
    rules.add_text("rules", &case["rules"].to_string()).unwrap();
    let defaults: Vec<RuleDefault> = case["defaults"].as_array().unwrap().iter().map(default).collect();
    let settings =
        Settings { enforce_new_defaults: case["enforce_new_defaults"].as_bool().unwrap(), ..Settings::default() };
    let policy = Policy::new(&[&*defaults.leak()], &rules, &settings);
    let object = |name: &str| case[name].as_object().unwrap();
    let mut known = Answers::default();
    loop {
        match policy.evaluate(case["rule"].as_str().unwrap(), object("target"), object("credentials"), &known) {
            Ok(Verdict::Allowed) => return "allow",
            Ok(Verdict::Denied) => return "deny",
            Err(_) => return "error",
            Ok(Verdict::NeedsRemote(request)) => {
                let allowed = request.url.ends_with("yes");
                known.insert(request, allowed);
            }
        }
    }
}

fn default(entry: &Value) -> RuleDefault {
    let text = |value: &Value| -> &'static str { value.as_str().unwrap().to_owned().leak() };
    let scopes: Vec<Scope> = entry["scopes"].as_array().unwrap().iter().map(scope).collect();
    let rule = RuleDefault::new(text(&entry["name"]), text(&entry["check"]), "").scopes(scopes.leak());
    if entry["old"].is_null() {
        return rule;
    }
    let (name, check) = (text(&entry["old"]["name"]), text(&entry["old"]["check"]));
    rule.replaces(DeprecatedRule { name, check, reason: "r", since: "s" })
}

fn scope(name: &Value) -> Scope {
    match name.as_str().unwrap() {
        "system" => Scope::System,
        "domain" => Scope::Domain,
        _ => Scope::Project,
    }
}

fn case(random: &mut Random) -> Value {
    let mut rules = Map::new();
    for name in RULES.iter().filter(|name| **name != "nix") {
        if random.chance(if *name == "default" { 15 } else { 70 }) {
            rules.insert((*name).to_owned(), rule(random));
        }
    }
    let mut defaults = Vec::new();
    if random.chance(30) {
        for name in ["a", "e"] {
            defaults.push(made_up_default(random, name));
        }
    }
    json!({
        "rules": rules,
        "defaults": defaults,
        "enforce_new_defaults": random.chance(50),
        "rule": random.pick(&["a", "a", "b", "e", "nix"]),
        "target": target(random),
        "credentials": credentials(random),
    })
}

fn made_up_default(random: &mut Random, name: &str) -> Value {
    let mut scopes = vec!["system", "domain", "project"];
    scopes.retain(|_| random.chance(50));
    let old = random.chance(60).then(|| json!({"name": random.pick(&["a", "c", "e"]), "check": expression(random, 1)}));
    json!({"name": name, "check": expression(random, 2), "scopes": scopes, "old": old})
}

fn rule(random: &mut Random) -> Value {
    match random.below(10) {
        0 => {
            let inner = |random: &mut Random| match random.below(4) {
                0 => Value::from(leaf(random)),
                _ => (0..random.below(4)).map(|_| leaf(random)).collect(),
            };
            (0..random.below(4)).map(|_| inner(random)).collect()
        }
        1 | 2 => soup(random).into(),
        _ => expression(random, 3).into(),
    }
}

/// Words in any order.
fn soup(random: &mut Random) -> String {
    let mut words = Vec::new();
    for _ in 0..random.below(8) {
        let opening = "(".repeat(random.below(10) / 8);
        let closing = ")".repeat(random.below(10) / 8);
        let word = match random.below(4) {
            0 => random
                .pick(&["and", "or", "not", "AND", "Or", "nOT", "(", ")", "()", "'a b'", "\"q\"", "'q'"])
                .to_owned(),
            1 => random.pick(&["and", "or"]).to_owned(),
            _ => leaf(random),
        };
        words.push(format!("{opening}{word}{closing}"));
    }
    words.join(random.pick(&[" ", "  ", "\t", "\n", "\u{a0}", " \u{1f}"]))
}

fn expression(random: &mut Random, depth: usize) -> String {
    if depth == 0 || random.chance(20) {
        return leaf(random);
    }
    let left = expression(random, depth - 1);
    match random.below(6) {
        0 => format!("not {left}"),
        1 => format!("({left})"),
        2 => format!("not ({left} {} {})", random.pick(&["and", "or"]), expression(random, depth - 1)),
        3 => format!("{left} AND {}", expression(random, depth - 1)),
        4 => format!("{left} and {}", expression(random, depth - 1)),
        _ => format!("{left} or {}", expression(random, depth - 1)),
    }
}

fn leaf(random: &mut Random) -> String {
    let kind = match random.below(16) {
        0 => return random.pick(&["@", "!", "", "nonsense", "'quoted'", "@", "!"]).to_owned(),
        1 | 2 => return format!("rule:{}", random.pick(RULES)),
        3 | 4 => "role",
        5 if random.chance(30) => return format!("{}://h/{}", random.pick(&["http", "https"]), right(random)),
        6 | 7 => {
            random.pick(&["'p1'", "\"Member\"", "'it\\'s'", "True", "False", "None", "5", "1.50", "-1", "+5", "''"])
        }
        8 => random.pick(&["is_admin", "none", "number", "float", "list", "object", "empty"]),
        9 | 10 => random.pick(&[
            "user.id",
            "user.groups.id",
            "user.groups",
            "user.nix.id",
            "project_id.x",
            "none.x",
            "list.x",
        ]),
        11 => random.pick(&["user-id", "system", "domain_id", "system_scope", "missing", "Project_id"]),
        _ => random.pick(&["project_id", "user_id", "role_name"]),
    };
    format!("{kind}:{}", right(random))
}

fn right(random: &mut Random) -> String {
    match random.below(8) {
        0..=3 => format!("%({})s", random.pick(KEYS)),
        4 => format!("a%({})s-%({})s", random.pick(KEYS), random.pick(KEYS)),
        5 => random.pick(&["yes", "no", "100%%", "%", "%(x", "%(x)", "%x", "%%(x)s", "a:b", "%((x))s"]).to_owned(),
        _ => random.pick(TEXTS).to_owned(),
    }
}

fn value(random: &mut Random, depth: usize) -> Value {
    match random.below(if depth == 0 { 7 } else { 10 }) {
        0 => Value::Null,
        1 => random.chance(50).into(),
        2 => random.pick(&[5_i64, 0, -1, 1 << 40]).into(),
        3 => random.pick(&[1.5, 0.0, 1e16, 1e-5, 100.0]).into(),
        7 | 8 => (0..random.below(3)).map(|_| value(random, depth - 1)).collect(),
        9 => Value::Object(
            (0..random.below(3))
                .map(|_| (random.pick(&["id", "x", "a'b"]).to_owned(), value(random, depth - 1)))
                .collect(),
        ),
        _ => random.pick(TEXTS).into(),
    }
}

fn target(random: &mut Random) -> Value {
    let keys = KEYS.iter().filter(|key| **key != "missing");
    let mut entries = Map::new();
    for key in keys {
        if random.chance(80) {
            entries.insert((*key).to_owned(), value(random, 2));
        }
    }
    Value::Object(entries)
}

fn credentials(random: &mut Random) -> Value {
    let mut entries = Map::new();
    if random.chance(90) {
        let names = ["admin", "MEMBER", "p1", "reader", "STRASSE", "straße", "i\u{307}x"];
        let roles: Value = (0..random.below(4)).map(|_| Value::from(random.pick(&names))).collect();
        entries.insert("roles".to_owned(), if random.chance(95) { roles } else { Value::Null });
    }
    for name in
        ["project_id", "user_id", "none", "number", "float", "list", "object", "is_admin", "user-id", "role_name"]
    {
        if random.chance(70) {
            entries.insert(name.to_owned(), value(random, 2));
        }
    }
    for name in ["domain_id", "system_scope", "system"] {
        if random.chance(25) {
            entries.insert(name.to_owned(), random.pick(&["all", "p1", ""]).into());
        }
    }
    if random.chance(60) {
        let groups: Vec<Value> =
            (0..random.below(3)).map(|_| json!({"id": random.pick(TEXTS), "x": value(random, 1)})).collect();
        entries.insert("user".to_owned(), json!({"id": value(random, 1), "groups": groups}));
    }
    Value::Object(entries)
}
