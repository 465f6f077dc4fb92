use std::collections::BTreeMap;
use std::time::Duration;

use super::*;

const OPTIONS: &[OptionDef] = &[
    OptionDef::new("DEFAULT", "limit", Kind::Int, "A limit.").default("25").min(1).max(100),
    OptionDef::new("DEFAULT", "debug", Kind::Bool, "More messages.").default("false").mutable(),
    OptionDef::new("DEFAULT", "host", Kind::HostAddress, "The host.").default("localhost"),
    OptionDef::new("DEFAULT", "url", Kind::Uri, "The URL.").default("http://$host:9292"),
    OptionDef::new("DEFAULT", "stores", Kind::Dict, "Names and types."),
    OptionDef::new("DEFAULT", "formats", Kind::List, "Formats.").default("raw,qcow2"),
    OptionDef::new("DEFAULT", "methods", Kind::BoundedList, "Methods.").default("[web-download,copy-image]"),
    OptionDef::new("DEFAULT", "rate", Kind::Float, "A rate.").default("0.5").min(0),
    OptionDef::new("DEFAULT", "mode", Kind::Str, "A mode.").choices(&["roles", "policies"]).default("roles"),
    OptionDef::new("database", "connection", Kind::Str, "Where it is.")
        .old_names(&[OldName { group: Some("DEFAULT"), name: "sql_connection" }]),
    OptionDef::new("database", "password", Kind::Str, "The password.").secret(),
    OptionDef::new("database", "pin", Kind::Int, "A number.").secret(),
    OptionDef::new("database", "legacy", Kind::Str, "An old option.").deprecated("nothing reads it"),
    OptionDef::new("oslo_policy", "policy_dirs", Kind::MultiStr, "Directories.")
        .default("policy.d")
        .old_names(&[OldName { group: None, name: "dirs" }]),
];

const STORE: &[OptionDef] = &[
    OptionDef::new("store", "datadir", Kind::Str, "Where files go.").default("/var/lib"),
    OptionDef::new("store", "path", Kind::Str, "A path.").default("$datadir/x"),
];

fn config(texts: &[&str]) -> Config {
    Config::new(sources(texts), &[OPTIONS])
}

fn sources(texts: &[&str]) -> Sources {
    let mut sources = Sources::new();
    for (position, text) in texts.iter().enumerate() {
        sources.add_text(&format!("{position}.conf"), text).unwrap();
    }
    sources
}

#[test]
fn defaults() {
    let config = config(&[]);
    assert_eq!(config.get::<u64>("DEFAULT", "limit").unwrap(), 25);
    assert!(!config.get::<bool>("DEFAULT", "debug").unwrap());
    assert_eq!(config.get::<String>("DEFAULT", "url").unwrap(), "http://localhost:9292");
    assert_eq!(config.get::<Vec<String>>("DEFAULT", "formats").unwrap(), ["raw", "qcow2"]);
    assert_eq!(config.get::<Vec<String>>("DEFAULT", "methods").unwrap(), ["web-download", "copy-image"]);
    assert_eq!(config.get::<Duration>("DEFAULT", "rate").unwrap(), Duration::from_millis(500));
    assert_eq!(config.get::<Option<Pairs>>("DEFAULT", "stores").unwrap(), None);
    assert!(!config.is_set("DEFAULT", "limit"));
}

#[test]
fn later_files_win_and_repeated_values_add_up() {
    let first = "[DEFAULT]\nlimit = 2\nlimit = 3\n[oslo_policy]\npolicy_dirs = a\npolicy_dirs = b\n";
    let second = "[DEFAULT]\nlimit = 4\n[Oslo_Policy]\ndirs = old\npolicy_dirs = c\n";
    let config = config(&[first, second]);
    assert_eq!(config.get::<i64>("DEFAULT", "limit").unwrap(), 4);
    assert_eq!(config.get::<Vec<String>>("oslo_policy", "policy_dirs").unwrap(), ["a", "b", "old", "c"]);
    assert_eq!(config.place("DEFAULT", "limit").unwrap().to_string(), "1.conf:2");
}

#[test]
fn command_line_and_environment_win() {
    let mut sources = sources(&["[DEFAULT]\nlimit = 2\nrate = 1\n[database]\nconnection = file\n"]);
    sources.set_environment([
        ("OS_DATABASE__CONNECTION".to_owned(), "env".to_owned()),
        ("OS_DEFAULT__LIMIT".to_owned(), "5".to_owned()),
        ("OS_DEFAULT__LIMTI".to_owned(), "5".to_owned()),
        ("OS_USERNAME".to_owned(), "admin".to_owned()),
    ]);
    sources.add_command_line("DEFAULT", "limit", "6");
    let config = Config::new(sources, &[OPTIONS]);
    assert_eq!(config.get::<i64>("DEFAULT", "limit").unwrap(), 6);
    assert_eq!(config.get::<String>("database", "connection").unwrap(), "env");
    let unknown = config.unknown_options();
    assert_eq!(unknown.len(), 1, "{unknown:?}");
    assert_eq!(unknown[0].place.to_string(), "environment variable OS_DEFAULT__LIMTI");
}

#[test]
fn errors_name_place_and_option() {
    let config =
        config(&["[DEFAULT]\nlimit = 0\ndebug = maybe\nmode = x\nrate=-1\nhost=a b\nstores=a\nmethods=a\nurl=$nix\n"]);
    for (option, message) in [
        ("limit", "0.conf:2: [DEFAULT] limit: 0 is too small: the least is 1"),
        (
            "debug",
            "0.conf:3: [DEFAULT] debug: 'maybe' is neither true nor false: use true, 1, on, yes or false, 0, off, no",
        ),
        ("mode", "0.conf:4: [DEFAULT] mode: 'x' is not accepted: use one of roles, policies"),
        ("rate", "0.conf:5: [DEFAULT] rate: -1 is too small: the least is 0"),
        ("host", "0.conf:6: [DEFAULT] host: 'a b': each part of a host name"),
        ("stores", "0.conf:7: [DEFAULT] stores: pairs look like key:value, separated by commas"),
        ("methods", "0.conf:8: [DEFAULT] methods: the list must start with ["),
        ("url", "0.conf:9: [DEFAULT] url: $nix is no option: write $$ for a dollar sign"),
    ] {
        let error = config.value("DEFAULT", option).unwrap_err().to_string();
        assert!(error.starts_with(message), "{error}");
    }
    assert_eq!(config.problems().len(), 8);
    assert!(matches!(config.value("DEFAULT", "nix"), Err(Error::NoSuchOption { .. })));
    let error = config.get::<String>("database", "connection").unwrap_err().to_string();
    assert_eq!(error, "default: [database] connection: this option must be set");
}

#[test]
fn syntax_errors_name_the_file_and_hide_the_line() {
    let error = Sources::new().add_text("a.conf", "[DEFAULT]\nhunter2\n").unwrap_err().to_string();
    assert_eq!(error, "a.conf: line 2: neither = nor : after the name of an option");
}

#[test]
fn references() {
    let config = config(&[
        "[DEFAULT]\nhost=$mode.\n[database]\nconnection = $password\npassword=a$$b\nlegacy=$connection$legacy",
    ]);
    assert!(config.value("DEFAULT", "host").is_err());
    assert!(config.value("database", "legacy").unwrap_err().to_string().ends_with("refers to itself"));
    let config = self::config(&["[database]\nconnection = $limit $debug $formats $rate $stores|$password"]);
    let text: String = config.get("database", "connection").unwrap();
    assert_eq!(text, "25 False ['raw', 'qcow2'] 0.5 |");
}

#[test]
fn stores_have_groups_of_their_own() {
    let texts = [
        "[DEFAULT]\nstores = fast:file, slow:file\n[fast]\ndatadir = /fast\n[backend_defaults]\ndatadir = /all\n[other]\nx=1",
    ];
    let mut config = config(&texts);
    assert_eq!(config.unknown_options().len(), 3);
    let stores: BTreeMap<String, String> = config.get("DEFAULT", "stores").unwrap();
    for store in stores.keys() {
        config = config.with_group(store, STORE, Some("backend_defaults"));
    }
    assert_eq!(config.get::<String>("fast", "datadir").unwrap(), "/fast");
    assert_eq!(config.get::<String>("fast", "path").unwrap(), "/fast/x");
    assert_eq!(config.get::<String>("slow", "datadir").unwrap(), "/all");
    assert_eq!(config.get::<String>("slow", "path").unwrap(), "/all/x");
    let unknown = config.unknown_options();
    assert_eq!((unknown.len(), unknown[0].name.as_str()), (1, "x"));
}

#[test]
fn old_names_are_reported() {
    let config = config(&["[DEFAULT]\nsql_connection = sqlite://\n[database]\nlegacy = 1\n"]);
    assert_eq!(config.get::<String>("database", "connection").unwrap(), "sqlite://");
    assert!(config.unknown_options().is_empty());
    let found: Vec<String> = config.deprecations().iter().map(|d| format!("{}: {}", d.place, d.advice)).collect();
    assert_eq!(found, ["0.conf:2: use [database] connection instead", "0.conf:4: nothing reads it"]);
}

#[test]
fn secrets_stay_hidden() {
    let config = config(&["[database]\npassword = hunter2\npin = hunter2\nconnection = mysql://g:hunter2@h/g\n"]);
    assert_eq!(config.problems().len(), 1);
    let text = format!("{:?} {}", config.shown(), config.problems()[0]);
    assert!(!text.contains("hunter2"), "{text}");
    assert!(text.contains("mysql://g:****@h/g"), "{text}");
}

#[test]
fn reloads_say_what_changes() {
    let [before, after] = ["[DEFAULT]\nlimit=1", "[DEFAULT]\nlimit=1\ndebug=yes"].map(|text| config(&[text]));
    let changed: Vec<&str> = before.changed(&after).map(|(_, def)| def.name).collect();
    assert_eq!(changed, ["debug"]);
}

#[test]
fn directories_are_read_in_order() {
    let directory = tempfile::tempdir().unwrap();
    for (name, limit) in [("10-b.conf", 2), ("05-a.conf", 1), (".hidden.conf", 9), ("20.txt", 8)] {
        std::fs::write(directory.path().join(name), format!("[DEFAULT]\nlimit={limit}\n")).unwrap();
    }
    let mut sources = Sources::new();
    sources.add_directory(directory.path()).unwrap();
    assert_eq!(sources.search_path(), [directory.path()]);
    assert_eq!(sources.paths().len(), 2);
    assert_eq!(Config::new(sources, &[OPTIONS]).get::<i64>("DEFAULT", "limit").unwrap(), 2);
    assert!(matches!(Sources::new().add_file(&directory.path().join("none")), Err(Error::Read { .. })));
}

#[test]
fn samples_are_valid_files_that_change_nothing() {
    let text = sample(&[("glance", OPTIONS)]);
    assert!(
        text.starts_with(
            "[DEFAULT]\n\n#\n# From glance\n#\n\n# A limit.\n# Type: whole number, 1 to 100\n#limit = 25\n"
        )
    );
    let active: String = text
        .lines()
        .map(|line| line.strip_prefix('#').filter(|l| l.contains(" = ")).unwrap_or(line).to_owned() + "\n")
        .collect();
    let config = config(&[&active.replace("<none>", "")]);
    assert_eq!(config.get::<i64>("DEFAULT", "limit").unwrap(), 25);
    assert_eq!(config.unknown_options(), []);
    assert!(help(&[OPTIONS]).contains("[DEFAULT] limit (whole number, default 25)\n    A limit."));
}
