use serde_json::json;

use super::*;

const DEFAULTS: &[RuleDefault] = &[
    RuleDefault::new("admin", "role:admin", "Administrators."),
    RuleDefault::new("get_image", "rule:admin or (role:reader and project_id:%(project_id)s)", "Show an image.")
        .operations(&[Operation::new("GET", "/v2/images/{image_id}")])
        .scopes(&[Scope::System, Scope::Project]),
    RuleDefault::new("new_name", "role:admin", "Renamed.").replaces(DeprecatedRule {
        name: "old_name",
        check: "role:member",
        reason: "roles changed",
        since: "Wallaby",
    }),
    RuleDefault::new("going", "", "Going.").deprecated_for_removal("nobody needs it"),
];

fn object(value: Value) -> Map<String, Value> {
    value.as_object().cloned().unwrap()
}

fn policy(file: &str) -> Policy {
    let mut rules = Rules::new();
    rules.add_text("policy.yaml", file).unwrap();
    Policy::new(&[DEFAULTS], &rules, &Settings::default())
}

fn verdict(check: &str, target: Value, credentials: Value) -> Result<Verdict, EvaluationError> {
    let policy = policy("{\"yes\": \"@\", \"no\": \"!\", \"loop\": \"rule:loop\", \"far\": \"http://h/%(nix)s\"}");
    policy.evaluate_check(&Check::parse(check), &object(target), &object(credentials), &Answers::default())
}

#[test]
fn language() {
    for (check, allowed) in [
        ("", true),
        ("@", true),
        ("!", false),
        (" ", false),
        ("nonsense", false),
        ("@ @", false),
        ("@ and", false),
        ("'a'", false),
        ("@ or ! and !", true),
        ("(@ or !) and !", false),
        ("! and ! or @", true),
        ("@ or @ and (!)", true),
        ("not @ or @", true),
        ("not (@ or @)", false),
        ("NOT ! AND @", true),
        ("not not not !", true),
        ("nonsense or @", true),
        ("rule:yes and not rule:no", true),
        ("rule:undefined", false),
        ("not rule:undefined", true),
    ] {
        let expected = if allowed { Verdict::Allowed } else { Verdict::Denied };
        assert_eq!(verdict(check, json!({}), json!({})), Ok(expected), "{check}");
    }
}

#[test]
fn checks() {
    let target =
        json!({"project_id": "p1", "target.role": "Member", "visibility": "public", "on": true, "none": null, "n": 5});
    let credentials = json!({
        "roles": ["MEMBER", "Straße"], "project_id": "p1", "is_admin": false, "none": null,
        "user": {"groups": [{"id": "a"}, {"id": "b"}, {}], "name": "u"},
    });
    for (check, allowed) in [
        ("role:member", true),
        ("role:straße", true),
        ("role:%(target.role)s", true),
        ("role:admin", false),
        ("role:%(missing)s", false),
        ("project_id:%(project_id)s", true),
        ("project_id:%(missing)s", false),
        ("missing:%(project_id)s", false),
        ("is_admin:False", true),
        ("is_admin:false", false),
        ("none:None", true),
        ("none:%(none)s", true),
        ("'public':%(visibility)s", true),
        ("'shared':%(visibility)s", false),
        ("True:%(on)s", true),
        ("5:%(n)s", true),
        ("user.groups.id:b", true),
        ("user.groups.id:c", false),
        ("user.name:u", true),
        ("user.nix.id:u", false),
        ("project_id:p%%1", false),
        ("'a%b':a%%b", true),
        ("'x-p1-public':x-%(project_id)s-%(visibility)s", true),
    ] {
        let expected = if allowed { Verdict::Allowed } else { Verdict::Denied };
        assert_eq!(verdict(check, target.clone(), credentials.clone()), Ok(expected), "{check}");
    }
}

#[test]
fn what_cannot_be_evaluated_is_an_error() {
    let credentials = json!({"roles": null, "user": "u"});
    for check in
        ["rule:loop", "not rule:loop", "role:x", "user.id:u", "not user.id:u", "user:%", "user:%(a)d", "https:%(x)s"]
    {
        assert!(verdict(check, json!({"a": 1}), credentials.clone()).is_err(), "{check}");
    }
}

#[test]
fn remote_checks_ask_the_caller() {
    let credentials = Credentials::new();
    let target = object(json!({"id": "7"}));
    let policy = policy("both: \"http://a/%(id)s and https://b/x\"\nnever: \"! and http://a/1\"");
    let mut answers = Answers::default();
    let ask = |answers: &Answers| policy.evaluate("both", &target, &credentials, answers).unwrap();
    for url in ["http://a/7", "https://b/x"] {
        let Verdict::NeedsRemote(request) = ask(&answers) else { panic!("no request for {url}") };
        assert_eq!((request.url.as_str(), request.rule.as_deref()), (url, Some("both")));
        answers.insert(request, RemoteRequest::accepts("\"True\""));
    }
    assert_eq!(ask(&answers), Verdict::Allowed);
    assert_eq!(policy.evaluate("never", &target, &credentials, &Answers::default()), Ok(Verdict::Denied));
    assert!(!RemoteRequest::accepts("true"));
    assert_eq!(verdict("rule:far", json!({}), json!({})), Ok(Verdict::Denied));
}

#[test]
fn scopes() {
    let policy = policy("");
    let target = object(json!({"project_id": "p"}));
    for (credentials, expected) in [
        (json!({"roles": ["admin"]}), Verdict::Allowed),
        (json!({"roles": ["admin"], "domain_id": "d"}), Verdict::Denied),
        (json!({"roles": ["admin"], "domain_id": "d", "system_scope": "all"}), Verdict::Allowed),
    ] {
        let found = policy.evaluate("get_image", &target, &object(credentials.clone()), &Answers::default());
        assert_eq!(found, Ok(expected), "{credentials}");
    }
}

fn member_may(policy: &Policy, rule: &str) -> bool {
    let member = object(json!({"roles": ["member"]}));
    policy.evaluate(rule, &(), &member, &Answers::default()) == Ok(Verdict::Allowed)
}

#[test]
fn old_rules_count_until_new_defaults_are_enforced() {
    let lenient = Settings { enforce_new_defaults: false, ..Settings::default() };
    assert!(!member_may(&policy(""), "new_name"));
    assert!(member_may(&Policy::new(&[DEFAULTS], &Rules::new(), &lenient), "new_name"));
    assert!(member_may(&policy("old_name: \"@\""), "new_name"));
    assert!(!member_may(&policy("old_name: \"role:member\""), "new_name"));
    assert!(!member_may(&policy("old_name: \"rule:new_name\""), "new_name"));
    assert!(!member_may(&policy("old_name: \"@\"\nnew_name: \"!\""), "new_name"));
}

#[test]
fn the_default_rule_answers_for_undefined_ones() {
    assert!(!member_may(&policy(""), "nix"));
    assert!(member_may(&policy("default: \"@\""), "nix"));
    assert!(member_may(&policy("default: \"@\"\nx: \"rule:nix\""), "x"));
}

#[test]
fn files() {
    let lists =
        policy("a: [[\"role:x\", \"role:member\"], \"role:member\"]\nb: [[]]\nc: []\nd: [[\"role:x\"]]\n\"e\":\n");
    let allowed = ["a", "b", "c", "d", "e"].map(|rule| member_may(&lists, rule));
    assert_eq!(allowed, [true, false, true, false, true]);
    for (text, message) in [
        ("a: false", "f: a: a rule is a text: put it in quotes, \"\" for everybody and \"!\" for nobody"),
        ("a: !", "f: a: a rule is a text: put it in quotes, \"\" for everybody and \"!\" for nobody"),
        ("- a", "f: invalid type: sequence, expected a map"),
        ("a: [[1]]", "f: a: a rule in the form of lists consists of lists of texts"),
    ] {
        assert_eq!(Rules::new().add_text("f", text).unwrap_err().to_string(), message);
    }
    assert!(matches!(Rules::new().add_text("f", "a: @"), Err(FileError::Syntax { .. })));
    assert!(Rules::new().add_text("f", "{\n\t\"a\": \"@\"\n}").is_ok());
}

#[test]
fn directories_override_the_file() {
    let directory = tempfile::tempdir().unwrap();
    let extra = directory.path().join("policy.d");
    std::fs::create_dir_all(extra.join("sub")).unwrap();
    for (name, text) in [
        ("policy.yaml", "x: \"!\""),
        ("policy.d/b", "x: \"@\""),
        ("policy.d/a.yaml", "x: \"!\""),
        ("policy.d/.c", "x: \"!\""),
    ] {
        std::fs::write(directory.path().join(name), text).unwrap();
    }
    let missing = directory.path().join("missing.d");
    let files = policy_files(&directory.path().join("policy.yaml"), &[missing, extra]).unwrap();
    let names: Vec<String> =
        files.iter().map(|path| path.file_name().unwrap().to_string_lossy().into_owned()).collect();
    assert_eq!(names, ["policy.yaml", "a.yaml", "b"]);
    let rules = Rules::load(&files).unwrap();
    assert!(member_may(&Policy::new(&[], &rules, &Settings::default()), "x"));
    assert!(matches!(Rules::load(&[directory.path().join("nix")]), Err(FileError::Read { .. })));
}

#[test]
fn problems_are_reported() {
    let policy = policy(
        "a: \"rule:b\"\nb: \"not (rule:a or rule:nix)\"\nc: \"rule:a\"\nadmin: \"role:admin\"\ngoing: \"!\"\nold_name: \"foo or role:%x\"\nd: \"(@\"",
    );
    let found: Vec<String> = policy.problems().iter().map(ToString::to_string).collect();
    assert_eq!(
        found,
        [
            "policy rule a refers to itself",
            "policy.yaml: admin: this is the default",
            "policy rule b refers to nix, which is not defined",
            "policy rule b refers to itself",
            "policy.yaml: d: the rule is not understood: nobody passes it",
            "policy.yaml: going: deprecated: nobody needs it",
            "policy.yaml: old_name: the rule is now called new_name",
            "policy.yaml: old_name: foo: a check has a colon, as in role:admin",
            "policy.yaml: old_name: % must be followed by (name)s or by another %",
        ]
    );
}

#[test]
fn trees_are_bounded() {
    let deep = |levels: usize| format!("{}@{}", "(@ and ".repeat(levels), ")".repeat(levels));
    assert_eq!(verdict(&deep(30), json!({}), json!({})), Ok(Verdict::Allowed));
    assert_eq!(verdict(&deep(9_000), json!({}), json!({})), Ok(Verdict::Denied));
    assert_eq!(verdict(&"(".repeat(1 << 20), json!({}), json!({})), Ok(Verdict::Denied));
}

#[test]
fn samples_are_valid_files() {
    let text = sample(DEFAULTS);
    let active: String =
        text.lines().map(|line| line.strip_prefix("#\"").map_or(String::new(), |rest| format!("\"{rest}\n"))).collect();
    let mut rules = Rules::new();
    rules.add_text("sample", &active).unwrap();
    assert_eq!(rules.names().collect::<Vec<_>>(), ["admin", "get_image", "going", "new_name"]);
    assert!(text.contains("# GET  /v2/images/{image_id}\n#\"get_image\""), "{text}");
}

#[test]
fn checks_print_as_rules() {
    let text = "(rule:a and not (role:b or http://c/%(d)s) and 'x':%(y)s)";
    assert_eq!(Check::parse(text).to_string(), text);
}
