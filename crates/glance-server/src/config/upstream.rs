//! Every option of Python Glance 33 and its libraries, so that none in an existing configuration is unknown.
//!
//! The facts (names, types, defaults) are data, written by `cargo xtask options`. Options that are implemented have
//! tables of their own, which count first; [`note`] says what becomes of all others.

mod former;
mod notes;

use std::sync::LazyLock;

use oslo::config::{Kind, OldName, OptionDef};
use serde::Deserialize;

pub use former::FORMER;
pub use notes::note;

const DATA: &str = include_str!("upstream/options.jsonl");

static OPTIONS: LazyLock<Vec<OptionDef>> = LazyLock::new(|| DATA.lines().filter_map(parse).collect());
static FIXED: LazyLock<Vec<OptionDef>> =
    LazyLock::new(|| OPTIONS.iter().filter(|def| !is_driver(def.group)).copied().collect());
static AUTHTOKEN: LazyLock<Vec<OptionDef>> =
    LazyLock::new(|| OPTIONS.iter().filter(|def| def.group == "keystone_authtoken").copied().collect());
static OSLO_LIMIT: LazyLock<Vec<OptionDef>> =
    LazyLock::new(|| OPTIONS.iter().filter(|def| def.group == "oslo_limit").copied().collect());
static DRIVERS: LazyLock<Vec<(&'static str, Vec<OptionDef>)>> = LazyLock::new(drivers);

/// The options of all fixed groups.
#[must_use]
pub fn fixed() -> &'static [OptionDef] {
    &FIXED
}

/// The options of `[keystone_authtoken]`, which `auth_section` may place elsewhere.
#[must_use]
pub fn authtoken() -> &'static [OptionDef] {
    &AUTHTOKEN
}

/// The options of `[oslo_limit]`, which `auth_section` may place elsewhere.
#[must_use]
pub fn oslo_limit() -> &'static [OptionDef] {
    &OSLO_LIMIT
}

/// The options of a named store of this type; none for an unknown type.
#[must_use]
pub fn driver(kind: &str) -> &'static [OptionDef] {
    DRIVERS.iter().find(|(known, _)| *known == kind).map_or(&[], |(_, options)| options)
}

/// The types of stores with the groups under which their options are listed.
const DRIVER_GROUPS: [(&str, &str); 7] = [
    ("file", "file"),
    ("cinder", "cinder"),
    ("http", "glance.store.http.store"),
    ("rbd", "glance.store.rbd.store"),
    ("s3", "glance.store.s3.store"),
    ("swift", "glance.store.swift.store"),
    ("vmware", "glance.store.vmware_datastore.store"),
];

fn is_driver(group: &str) -> bool {
    group == "glance.store.cinder.store" || DRIVER_GROUPS.iter().any(|(_, driver)| *driver == group)
}

fn drivers() -> Vec<(&'static str, Vec<OptionDef>)> {
    let options = |group: &str| OPTIONS.iter().filter(|def| def.group == group).copied().collect();
    DRIVER_GROUPS.iter().map(|(kind, group)| (*kind, options(group))).collect()
}

/// A line of the data; what is missing is false, none or empty.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Line {
    group: String,
    name: String,
    kind: String,
    default: Option<String>,
    sample: Option<String>,
    #[serde(default)]
    choices: Vec<String>,
    #[serde(default)]
    ignore_case: bool,
    min: Option<f64>,
    max: Option<f64>,
    #[serde(default)]
    old: Vec<(Option<String>, String)>,
    #[serde(default)]
    deprecated: bool,
    #[serde(default)]
    secret: bool,
    #[serde(default)]
    mutable: bool,
}

/// The entry for one line. Tables live as long as the program, and there is one.
fn parse(line: &str) -> Option<OptionDef> {
    let line: Line = serde_json::from_str(line).ok()?;
    let kind = match line.kind.as_str() {
        "str" => Kind::Str,
        "int" => Kind::Int,
        "float" => Kind::Float,
        "bool" => Kind::Bool,
        "list" => Kind::List,
        "bounded" => Kind::BoundedList,
        "dict" => Kind::Dict,
        "multi" => Kind::MultiStr,
        "port" => Kind::Port,
        "uri" => Kind::Uri,
        "host" => Kind::HostAddress,
        _ => return None,
    };
    let [group, name] = [line.group, line.name].map(keep);
    let help = note(group, name).unwrap_or_default();
    let mut def = OptionDef::new(group, name, kind, help);
    def.default = line.default.map(keep);
    def.sample = line.sample.map(keep);
    def.choices = Box::leak(line.choices.into_iter().map(keep).collect());
    def.ignore_case = line.ignore_case;
    [def.min, def.max] = [line.min, line.max].map(|bound| bound.map(whole));
    let old = line.old.into_iter().map(|(group, name)| OldName { group: group.map(keep), name: keep(name) });
    def.old_names = Box::leak(old.collect());
    def.deprecated = line.deprecated.then_some("Python Glance is going to drop this option");
    def.secret = line.secret;
    def.mutable = line.mutable;
    Some(def)
}

fn keep(text: String) -> &'static str {
    text.leak()
}

#[expect(clippy::cast_possible_truncation, reason = "bounds are whole numbers")]
fn whole(bound: f64) -> i64 {
    bound as i64
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::options::{FILE_STORE, HTTP_STORE, TABLES};

    /// Options whose table differs from upstream's on purpose: group, name, why.
    const DIFFERENT: &[(&str, &str, &str)] = &[
        ("database", "pool_timeout", "unset means SQLAlchemy's default, which the table states"),
        ("DEFAULT", "enabled_import_methods", "a method is offered once it exists"),
    ];

    #[test]
    fn every_line_is_an_option_with_a_meaning() {
        assert!(OPTIONS.len() > 500);
        assert_eq!(OPTIONS.len(), DATA.lines().count());
        let known = |def: &OptionDef| {
            TABLES.iter().copied().flatten().any(|own| (own.group, own.name) == (def.group, def.name))
        };
        let silent: Vec<_> = OPTIONS.iter().filter(|def| !known(def) && note(def.group, def.name).is_none()).collect();
        assert!(silent.is_empty(), "{:?}", silent.iter().map(|def| (def.group, def.name)).collect::<Vec<_>>());
    }

    /// A line that says what becomes of nothing was forgotten when its options got a table of their own.
    #[test]
    fn every_note_is_of_an_option_without_a_table() {
        let own = |def: &OptionDef| {
            TABLES.iter().copied().flatten().any(|own| (own.group, own.name) == (def.group, def.name))
        };
        let mut unused: Vec<_> = notes::patterns().collect();
        for def in OPTIONS.iter().chain(FORMER).filter(|def| !own(def)) {
            let used = notes::patterns().position(|pattern| notes::fits(pattern, def.group, def.name));
            unused.retain(|pattern| used.and_then(|at| notes::patterns().nth(at)) != Some(*pattern));
        }
        assert!(unused.is_empty(), "{unused:?}");
    }

    /// What the sources read has an effect, and no note may say otherwise.
    #[test]
    fn no_option_that_is_read_is_noted_as_ignored() {
        let mut texts = Vec::new();
        sources(std::path::Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/src")), &mut texts);
        assert!(texts.len() > 50);
        let ignored = OPTIONS.iter().filter(|def| {
            let tables = TABLES.iter().chain(&[FILE_STORE, HTTP_STORE]).copied().flatten();
            let own = tables.into_iter().any(|own| (own.group, own.name) == (def.group, def.name));
            !own && !crate::config::check::has_effect(def)
        });
        // An option is read by its group and name, the group often by a constant that the same file defines.
        let read = |def: &OptionDef, text: &str| {
            let group = format!("\"{}\"", def.group);
            text.contains(&group) && text.contains(&format!(", \"{}\")", def.name))
        };
        let wrong: Vec<_> = ignored
            .filter(|def| texts.iter().any(|text| read(def, text)))
            .map(|def| (def.group, def.name))
            .filter(|option| !READ_BY_OTHER_NAMES.contains(option))
            .collect();
        assert!(wrong.is_empty(), "{wrong:?}");
    }

    /// Options whose group and name stand in one file for another reason.
    const READ_BY_OTHER_NAMES: &[(&str, &str)] = &[];

    /// The texts of all files of code but those of this table.
    fn sources(folder: &std::path::Path, texts: &mut Vec<String>) {
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                if !path.ends_with("config/upstream") {
                    sources(&path, texts);
                }
            } else if path.extension().is_some_and(|extension| extension == "rs") {
                texts.push(std::fs::read_to_string(path).unwrap());
            }
        }
    }

    #[test]
    fn own_tables_agree_with_upstream() {
        let stores = [FILE_STORE, HTTP_STORE];
        let own = TABLES.iter().chain(&stores).copied().flatten();
        let mut differences = Vec::new();
        for own in own {
            let Some(theirs) = OPTIONS.iter().find(|def| (def.group, def.name) == (own.group, own.name)) else {
                continue;
            };
            let same = own.kind == theirs.kind && default(own) == default(theirs) && own.secret >= theirs.secret;
            let old = theirs.old_names.iter().all(|old| own.old_names.contains(old));
            let meant = DIFFERENT.iter().any(|(group, name, _)| (*group, *name) == (own.group, own.name));
            if !(meant || same && old) {
                differences.push(format!("{own:?}\n{theirs:?}"));
            }
        }
        assert!(differences.is_empty(), "{}", differences.join("\n"));
    }

    /// No text and empty text mean the same to a list.
    fn default(def: &OptionDef) -> Option<String> {
        let text = def.default?.trim_matches(['[', ']']).replace(' ', "");
        (!text.is_empty()).then_some(text)
    }

    #[test]
    fn all_defaults_are_accepted() {
        let config = oslo::config::Config::new(oslo::config::Sources::new(), &[fixed()]);
        assert!(config.problems().is_empty(), "{:?}", config.problems());
        for (kind, _) in DRIVER_GROUPS {
            assert!(!driver(kind).is_empty(), "{kind}");
        }
    }
}
