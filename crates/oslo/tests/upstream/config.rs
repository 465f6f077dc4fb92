//! Configuration: oslo.config and ours read alike.

use std::collections::BTreeMap;

use oslo::config::{Config, Error, Kind, OldName, OptionDef, Sources};
use serde_json::{Value, json};

use super::random::Random;
use super::{answers, number_of_cases, python};

const SCRIPT: &str = include_str!("config.py");

const OPTIONS: &[OptionDef] = &[
    OptionDef::new("DEFAULT", "text", Kind::Str, "").default("a$number"),
    OptionDef::new("DEFAULT", "number", Kind::Int, "").default("5").min(1).max(1000),
    OptionDef::new("DEFAULT", "flag", Kind::Bool, ""),
    OptionDef::new("DEFAULT", "list", Kind::List, ""),
    OptionDef::new("DEFAULT", "bounded", Kind::BoundedList, ""),
    OptionDef::new("DEFAULT", "pairs", Kind::Dict, ""),
    OptionDef::new("DEFAULT", "mode", Kind::Str, "").choices(&["roles", "policies"]),
    OptionDef::new("group", "rate", Kind::Float, "").min(1),
    OptionDef::new("group", "port", Kind::Port, "").default("9292"),
    OptionDef::new("group", "host", Kind::HostAddress, ""),
    OptionDef::new("group", "uri", Kind::Uri, ""),
    OptionDef::new("group", "text", Kind::Str, "").old_names(&[
        OldName { group: Some("DEFAULT"), name: "old_text" },
        OldName { group: None, name: "older" },
        OldName { group: Some("Old"), name: "text" },
    ]),
    OptionDef::new("group", "multi", Kind::MultiStr, "").old_names(&[OldName { group: Some("old"), name: "multi" }]),
];

#[test]
fn values_are_the_same() {
    let Some(python) = python() else { return };
    let mut random = Random::new(11);
    let mut inputs = vec![OPTIONS.iter().map(described).collect()];
    inputs.extend((0..number_of_cases()).map(|_| case(&mut random)));
    let expected = answers(&python, SCRIPT, &inputs);
    let mut tally: BTreeMap<&str, usize> = BTreeMap::new();
    let mut differences = Vec::new();
    for (case, expected) in inputs.iter().zip(&expected).skip(1) {
        let found = read(case);
        count(&mut tally, &found);
        if *expected != found && !is_meant(expected, &found) {
            differences.push(difference(case, expected, &found));
        }
    }
    println!("{} configurations: {tally:?}, {} differences", inputs.len() - 1, differences.len());
    assert!(differences.is_empty(), "{}", differences[..differences.len().min(10)].join("\n"));
    assert_eq!(tally.len(), 4, "{tally:?}");
}

/// Whether options differ only because they refer to `$text` and `[group] text` is broken, as in the table below.
fn is_meant(expected: &Value, found: &Value) -> bool {
    let index = |name: &str| OPTIONS.iter().position(|def| def.group == "group" && def.name == name);
    let broken = index("text").is_some_and(|text| expected[text].is_null() && found[text].is_null());
    let fine =
        |(at, def): (usize, &OptionDef)| expected[at] == found[at] || (def.group == "group" && found[at].is_null());
    broken && found.is_array() && OPTIONS.iter().enumerate().all(fine)
}

/// The differences that are meant: text of a file, environment, the option, Python's value and ours.
#[test]
fn differences_are_these() {
    let Some(python) = python() else { return };
    let table = [
        // `[DEFAULT]` can be named in a reference.
        ("[group]\ntext = ${DEFAULT.number}", json!({}), "group.text", Value::Null, json!(["5"])),
        // Python takes a repeated option from the environment apart into letters.
        ("[group]\n", json!({"OS_GROUP__MULTI": "ab"}), "group.multi", json!(["['a', 'b']"]), json!(["['ab']"])),
        // Digits of other scripts are no digits here.
        ("[DEFAULT]\nnumber = ٣", json!({}), "DEFAULT.number", json!(["3"]), Value::Null),
        // Python finds these hosts and URIs valid.
        ("[group]\nhost = a\n $text", json!({}), "group.host", json!(["a\n"]), Value::Null),
        ("[group]\nuri = http://:80", json!({}), "group.uri", json!(["http://:80"]), Value::Null),
        ("[group]\nuri = http://a/\n b", json!({}), "group.uri", json!(["http://a/\nb"]), Value::Null),
        // Where an option of the group is broken, Python takes that of [DEFAULT] for `$text`.
        ("[group]\ntext = $nix\nmulti = $text", json!({}), "group.multi", json!(["['a5']"]), Value::Null),
    ];
    let mut inputs = vec![OPTIONS.iter().map(described).collect()];
    inputs.extend(table.iter().map(|(text, environment, ..)| json!({"files": [text], "environment": environment})));
    let expected = answers(&python, SCRIPT, &inputs);
    for (position, (text, _, option, theirs, ours)) in table.iter().enumerate() {
        let index = OPTIONS.iter().position(|def| format!("{}.{}", def.group, def.name) == *option).unwrap();
        let found = read(&inputs[position + 1]);
        assert_eq!((&expected[position + 1][index], &found[index]), (theirs, ours), "{text}");
    }
}

fn described(def: &OptionDef) -> Value {
    let old_names: Vec<Value> = def.old_names.iter().map(|old| json!([old.group, old.name])).collect();
    json!({
        "group": def.group, "name": def.name, "kind": format!("{:?}", def.kind), "default": def.default,
        "min": def.min, "max": def.max, "choices": def.choices, "old_names": old_names,
    })
}

fn read(case: &Value) -> Value {
    let mut sources = Sources::new();
    for text in case["files"].as_array().unwrap() {
        match sources.add_text("case", text.as_str().unwrap()) {
            Ok(()) => {}
            Err(Error::Syntax { .. }) => return Value::Null,
            Err(other) => panic!("{other}"),
        }
    }
    let environment = case["environment"].as_object().unwrap();
    sources.set_environment(environment.iter().map(|(name, text)| (name.clone(), text.as_str().unwrap().to_owned())));
    let config = Config::new(sources, &[OPTIONS]);
    OPTIONS.iter().map(|def| value(&config, def)).collect()
}

fn value(config: &Config, def: &OptionDef) -> Value {
    match config.value(def.group, def.name) {
        Ok(Some(value)) => json!([value.to_text()]),
        Ok(None) => json!(["None"]),
        Err(_) => Value::Null,
    }
}

fn count(tally: &mut BTreeMap<&str, usize>, found: &Value) {
    let Some(values) = found.as_array() else {
        *tally.entry("syntax errors").or_default() += 1;
        return;
    };
    for value in values {
        let kind = if value.is_null() {
            "errors"
        } else if *value == json!(["None"]) {
            "unset"
        } else {
            "values"
        };
        *tally.entry(kind).or_default() += 1;
    }
}

fn difference(case: &Value, expected: &Value, found: &Value) -> String {
    let mut lines = vec![case.to_string()];
    for (index, def) in OPTIONS.iter().enumerate() {
        if expected[index] != found[index] {
            lines.push(format!("  {}.{}: Python {}, here {}", def.group, def.name, expected[index], found[index]));
        }
    }
    lines.join("\n")
}

fn case(random: &mut Random) -> Value {
    let files: Vec<String> = (0..=random.below(3)).map(|_| file(random)).collect();
    let mut environment = serde_json::Map::new();
    if random.chance(20) {
        let def = OPTIONS[random.below(OPTIONS.len() - 1)];
        let name = format!("OS_{}__{}", def.group, def.name).to_uppercase();
        environment.insert(name, fitting(random, def.kind).replace('\0', "").into());
    }
    json!({"files": files, "environment": environment})
}

fn file(random: &mut Random) -> String {
    let mut text = if random.chance(95) { "[DEFAULT]\n".to_owned() } else { String::new() };
    let mut group = "DEFAULT";
    for _ in 0..random.below(12) {
        let line = match random.below(40) {
            0..=4 => {
                group = random.pick(&["DEFAULT", "group", "group", "Group", "GROUP", "old", "Old"]);
                format!("[{group}]")
            }
            5 => random.pick(&["# text = 1", ";text = 1", "#", "", "  ", "\u{1f}", "\u{c}"]).to_owned(),
            6 if random.chance(30) => random
                .pick(&["[", "[]", "[group] # c", "text", "= x", ":", "[a", " continued", "[ ]", "default"])
                .to_owned(),
            7 => format!("{}{}", random.pick(&["old_text", "older", "multi", "text", "unknown"]), " = old"),
            _ => assignment(random, group),
        };
        text.push_str(&line);
        text.push_str(random.pick(&["\n", "\n", "\n", "\r\n", "\n\n", " \n", "\r"]));
    }
    text
}

fn assignment(random: &mut Random, group: &str) -> String {
    let known: Vec<&OptionDef> =
        OPTIONS.iter().filter(|def| def.group.eq_ignore_ascii_case(group) || random.chance(5)).collect();
    let (name, kind) = match known.len() {
        0 => ("text", Kind::Str),
        number => {
            let def = known[random.below(number)];
            (def.name, def.kind)
        }
    };
    let mut value = fitting(random, kind).replace(['\n', '\r'], " ");
    if !matches!(kind, Kind::Uri | Kind::HostAddress) && random.chance(8) {
        value.push_str(random.pick(&["\n  more", "\n\tmore,b\n  c:d", "\n \u{a0}x", "\n  $text"]));
    }
    if random.chance(15) {
        let quote = random.pick(&["\"", "'"]);
        value = format!("{quote}{value}{}", if random.chance(80) { quote } else { "" });
    }
    format!("{name}{}{value}", random.pick(&["=", " = ", ": ", ":", "\t=\t", " =:"]))
}

/// A value that the kind may accept, or another.
fn fitting(random: &mut Random, kind: Kind) -> String {
    if random.chance(12) {
        return anything(random);
    }
    let choices: &[&str] = match kind {
        Kind::Int => {
            &["1", "1000", "1001", "0", "-1", "+7", "1_0", "1__0", "_1", "", " 12 ", "0x1", "007", "1.0", "$group.port"]
        }
        Kind::Float => &[
            "1",
            "1.5",
            ".5",
            "1e3",
            "1E-7",
            "inf",
            "-inf",
            "nan",
            "1_0.5",
            "",
            "x",
            "1e16",
            "123456789.125",
            "$number",
        ],
        Kind::Bool => &["true", "False", "YES", "no", "on", "OFF", "1", "0", "", "2", "t", "$flag"],
        Kind::List => &["a,b", "a, b ,c", "", ",", "a,,b", "a,", ",a", "'a,b',c", "a b", "$list,x", "é,\"q\"", "it's"],
        Kind::BoundedList => {
            &["[a,b]", "[]", "[", "]", "a,b", "['a,b', c]", "[\"a]", "[a,]", "[a],", "['a'b']", "[']", "[a, 'b'"]
        }
        Kind::Dict => {
            &["a:b", "a:b,c:d", "", "a", "a:b,", ":b", "a:b,a:c", "x,a:b", "a:b:c, d : e", "a:$number", "a:'b'"]
        }
        Kind::Port => &["0", "65535", "65536", "-1", "80", "$number", ""],
        Kind::HostAddress => &[
            "localhost",
            "10.0.0.1",
            "::1",
            "a-b.c.",
            "-a",
            "10.0.0.256",
            "a_b",
            "",
            "fe80::1%eth0",
            "1.2.3",
            "$mode",
            "a..b",
        ],
        Kind::Uri => &[
            "http://a",
            "https://u:p@h:1/p?q#f",
            "file:///tmp",
            "//a",
            "a",
            "",
            "http://[::1]:80",
            "http://a:70000",
            "http://a:65535/",
            "HTTP://A.b",
            "http://a:",
            "http://256.1.1.1",
            "http://a/[",
            "ht_p://a",
            "http://a b",
            "http://$mode/%20",
        ],
        Kind::Str | Kind::MultiStr => return anything(random),
    };
    random.pick(choices).to_owned()
}

fn anything(random: &mut Random) -> String {
    let pieces = [
        "roles",
        "policies",
        "a",
        " ",
        "$number",
        "${number}",
        "$text",
        "${group.text}",
        "$group.port",
        "$$",
        "\\$number",
        "$5",
        "$",
        "${",
        "${x y}",
        "$nothing",
        "$group",
        "$flag",
        "$list",
        "$pairs",
        "$group.rate",
        "${group.multi}",
        ";",
        "#",
        "=",
        ":",
        "'",
        "\"",
        "\\",
        "é",
        "[x]",
        "b c",
        "$number.",
        "$mode-x",
        "${mode}y",
        "\u{a0}",
        "$_x",
        "$Number",
    ];
    (0..random.below(4)).map(|_| random.pick(&pieces)).collect()
}
