//! Pipelines: PasteDeploy and we make the same of the same files, factory by factory and option by option.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::path::Path;
use std::process::Command;

use oslo::paste::{App, Composites, Part, Route, load};
use serde_json::{Value, json};

use super::random::Random;
use super::{answers, python};

#[path = "paste_files.rs"]
mod files;

const SCRIPT: &str = include_str!("paste.py");
/// How many files are made up.
const FILES: usize = 600;

/// The filters of each flavor, as `glance-api-paste.ini` of Glance 33 has them.
const FLAVORS: &[(&str, &str)] = &[
    ("", "unauthenticated-context"),
    ("caching", "unauthenticated-context cache"),
    ("cachemanagement", "unauthenticated-context cache cachemanage"),
    ("keystone", "authtoken context"),
    ("keystone+caching", "authtoken context cache"),
    ("keystone+cachemanagement", "authtoken context cache cachemanage"),
];

#[test]
fn the_shipped_file_describes_every_flavor() {
    let Some(python) = python() else { return };
    let output = Command::new(&python).args(["-c", "import sys; print(sys.prefix)"]).output().unwrap();
    let prefix = String::from_utf8(output.stdout).unwrap();
    let path = Path::new(prefix.trim()).join("etc/glance/glance-api-paste.ini");
    let cases: Vec<Value> = FLAVORS.iter().map(|(flavor, _)| case(&path, &application(flavor), flavor)).collect();
    for ((flavor, expected), (case, answer)) in FLAVORS.iter().zip(cases.iter().zip(answers(&python, SCRIPT, &cases))) {
        let found = understood(case).unwrap();
        assert_eq!(found, answer, "{flavor}");
        let mut inner = &found["urls"][""];
        let mut filters = Vec::new();
        while let Some(behind) = inner.get("behind") {
            filters.push(inner["filter"]["factory"].as_str().unwrap());
            inner = behind;
        }
        assert_eq!(filters.len(), 4 + expected.split(' ').count(), "{flavor}: {filters:?}");
        assert_eq!(inner["urls"]["/v2"]["app"]["factory"], "glance.api.v2.router:API.factory");
    }
}

fn application(flavor: &str) -> String {
    if flavor.is_empty() { "glance-api".to_owned() } else { format!("glance-api-{flavor}") }
}

#[test]
fn files_mean_the_same() {
    let Some(python) = python() else { return };
    let folder = tempfile::tempdir().unwrap();
    let mut random = Random::new(17);
    let made_up: Vec<(String, String)> = (0..FILES).map(|_| (made_up(&mut random), made_up(&mut random))).collect();
    let mut cases = Vec::new();
    for (number, (main, other)) in files::FILES.iter().copied().chain(borrowed(&made_up)).enumerate() {
        let path = folder.path().join(number.to_string()).join("main.ini");
        std::fs::create_dir(path.parent().unwrap()).unwrap();
        std::fs::write(&path, main).unwrap();
        std::fs::write(path.with_file_name("other.ini"), other).unwrap();
        let names: &[(&str, &str)] = if number < files::FILES.len() { files::QUESTIONS } else { &[("main", "")] };
        cases.extend(names.iter().map(|(name, flavor)| case(&path, name, flavor)));
    }
    println!("{}", compare(&cases, &answers(&python, SCRIPT, &cases)));
}

fn borrowed(files: &[(String, String)]) -> impl Iterator<Item = (&str, &str)> {
    files.iter().map(|(main, other)| (main.as_str(), other.as_str()))
}

/// Ends the test at a difference; otherwise says how many questions had which kind of answer.
fn compare(cases: &[Value], answers: &[Value]) -> String {
    let mut tally: BTreeMap<&str, usize> = BTreeMap::new();
    let mut differences = Vec::new();
    for (case, answer) in cases.iter().zip(answers) {
        let found = understood(case);
        *tally.entry(if found.is_ok() { "understood" } else { "refused" }).or_default() += 1;
        let agree = found.as_ref().map_or_else(|_| answer.get("error").is_some(), |found| found == answer);
        if !agree {
            let text = std::fs::read_to_string(case["path"].as_str().unwrap()).unwrap();
            differences.push(format!("{case}\n{text}\n  Python {answer}\n  here   {found:?}"));
        }
    }
    assert!(differences.is_empty(), "{}", differences[..differences.len().min(3)].join("\n"));
    assert!(tally["understood"] > FILES / 4 && tally["refused"] > FILES / 10, "{tally:?}");
    format!("{} questions about paste files: {tally:?}", cases.len())
}

/// What PasteDeploy can do and this service cannot is refused with a word about it, never misunderstood.
#[test]
fn what_is_not_supported_is_refused() {
    let Some(python) = python() else { return };
    let folder = tempfile::tempdir().unwrap();
    for (number, (text, reason)) in files::REFUSED.iter().enumerate() {
        let path = folder.path().join(number.to_string());
        std::fs::write(&path, text).unwrap();
        let case = case(&path, "main", "");
        let answer = answers(&python, SCRIPT, std::slice::from_ref(&case));
        assert!(answer[0].get("error").is_none(), "{text}: {answer:?}");
        let refusal = understood(&case).unwrap_err();
        assert!(refusal.contains(reason), "{text}: {refusal}");
    }
}

fn case(path: &Path, name: &str, flavor: &str) -> Value {
    json!({"path": path, "name": name, "flavor": flavor})
}

fn understood(case: &Value) -> Result<Value, String> {
    let [path, name, flavor] = ["path", "name", "flavor"].map(|key| case[key].as_str().unwrap());
    let composites =
        Composites { url_maps: &["glance.api:root_app_factory"], flavored: &["glance.api:pipeline_factory"], flavor };
    load(Path::new(path), name, &composites).map(tree).map_err(|error| error.to_string())
}

fn tree(app: App) -> Value {
    match app {
        App::Endpoint(part) => json!({"app": described(&part)}),
        App::UrlMap(routes) => {
            let urls: BTreeMap<String, Value> =
                routes.into_iter().map(|Route { path, app }| (path, tree(app))).collect();
            json!({"urls": urls})
        }
        App::Pipeline { filters, app } => {
            filters.iter().rev().fold(tree(*app), |app, filter| json!({"filter": described(filter), "behind": app}))
        }
    }
}

fn described(part: &Part) -> Value {
    json!({"factory": part.factory, "local": part.local, "global": part.global})
}

const SECTIONS: &[&str] = &[
    "app:main",
    "app:a",
    "app:b",
    "composite:c",
    "pipeline:p",
    "filter-app:f",
    "filter:x",
    "filter:y",
    "filter:z",
    "application:a",
    "composit:c",
    "pipeline:main",
    "composite:main",
    "app: a",
    "DEFAULT",
];
const APPS: &[&str] = &["a", "b", "c", "p", "f", "main", "config:other.ini#a", "egg:some", "call:m:n", "nix"];
const FILTERS: &[&str] = &["x", "y", "z", "x", "y", "z", "egg:some#x", "config:other.ini#y", "nix"];

/// A file with most of the sections, each with what is likely to stand in it and sometimes what is not.
fn made_up(random: &mut Random) -> String {
    let mut file = String::from("[DEFAULT]\nroot = /r\nname = %(root)s/n\n");
    for section in SECTIONS {
        let usual = ["app:main", "app:a", "app:b", "composite:c", "pipeline:p", "filter-app:f"].contains(section);
        if !random.chance(if usual || section.starts_with("filter:") { 92 } else { 6 }) {
            continue;
        }
        write!(file, "[{section}]\n{}", content(section, random)).unwrap();
        for _ in 0..random.below(3) {
            file += random.pick(files::OPTIONS);
        }
    }
    file
}

fn content(section: &str, random: &mut Random) -> String {
    let app = random.pick(APPS);
    let filter = random.pick(FILTERS);
    match section.split(':').next().unwrap() {
        "pipeline" => format!("pipeline = {filter} {} \n  {app}\n", random.pick(FILTERS)),
        "composite" | "composit" => {
            let made_by = random.pick(&[
                "use = egg:Paste#urlmap",
                "use = egg:paste#urlmap",
                "paste.composite_factory = glance.api:root_app_factory",
                "use = call:glance.api:root_app_factory",
                "paste.composit_factory = glance.api:pipeline_factory\ndefault = x y a",
                "paste.composite_factory = m:unknown",
                "use = main",
            ]);
            format!("{made_by}\n/: {app}\n/v2//x/ = {}\n", random.pick(APPS))
        }
        "filter" => random
            .pick(&[
                "paste.filter_factory = m:f\n",
                "paste.filter_app_factory = m:g.h\n",
                "use = egg:some\n",
                "use = call:m:f\n",
                "use = x\n",
                "use = y\n",
                "paste.filter_factory = m:f\nfilter-with = z\n",
                "paste.app_factory = m:f\n",
            ])
            .to_owned(),
        "filter-app" => format!(
            "{}next = {app}\n",
            random.pick(&["use = x\n", "paste.filter_factory = m:f\n", "use = egg:e#f\n", "use = call:m:f\n"])
        ),
        "DEFAULT" => String::new(),
        _ => match random.below(10) {
            0..4 => "paste.app_factory = m:make.it\n".to_owned(),
            4 => "use = egg:some#app\n".to_owned(),
            5 => "use = call:m:f\n".to_owned(),
            _ => format!("use = {app}\n"),
        },
    }
}
