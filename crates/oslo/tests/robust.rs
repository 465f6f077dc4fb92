//! Whatever the text, the parsers return.

#![expect(clippy::unwrap_used, reason = "a test ends at what it does not expect")]

use std::path::Path;

use oslo::config::{Config, Kind, OptionDef, Sources, parse};
use oslo::logging::{ContextFormat, ContextStrings, Fields, Format, Style, read};
use oslo::paste::{Composites, load_text};
use oslo::policy::{Answers, Check, Policy, Rules, Settings};
use proptest::prelude::*;
use serde_json::{Map, Value, json};

const OPTIONS: &[OptionDef] = &[
    OptionDef::new("DEFAULT", "a", Kind::Str, ""),
    OptionDef::new("DEFAULT", "b", Kind::BoundedList, ""),
    OptionDef::new("DEFAULT", "c", Kind::Dict, ""),
    OptionDef::new("x", "a", Kind::Uri, ""),
    OptionDef::new("x", "b", Kind::HostAddress, ""),
    OptionDef::new("x", "c", Kind::Float, ""),
];

/// Text made of what the formats give a meaning to.
fn text() -> impl Strategy<Value = String> {
    let piece = prop_oneof![
        4 => prop::sample::select(vec![
            "[DEFAULT]\n", "[x]\n", "[app:main]\n", "[pipeline:main]\n", "[composite:main]\n", "[filter:f]\n", "a", "b", "c",
            "=", ":", "\n", " ", "$", "${", "}", "$a", "${x.b}", "%(", ")s", "%", "[", "]", "'", "\"", ",", "use = ", "main",
            "pipeline = ", "f", "egg:x", "and ", "or ", "not ", "(", ")", "role:", "rule:a", "user.id:", "\\", "#", ";",
            "é", "\u{1f}", "\r", "http://", "//", "@", "config:", "set ", "get ", "- ", "{", "&a", "*a", "!",
        ]).prop_map(str::to_owned),
        1 => any::<String>(),
    ];
    prop::collection::vec(piece, 0..40).prop_map(|pieces| pieces.concat())
}

fn object(value: Value) -> Map<String, Value> {
    value.as_object().cloned().unwrap()
}

struct NoFields;

impl Fields for NoFields {
    fn field(&self, _: &str) -> Option<oslo::logging::Field<'_>> {
        Some(oslo::logging::Field::Int(-5))
    }
}

proptest! {
    #[test]
    fn logging(text in text()) {
        let context = ContextFormat::new(&ContextStrings::default()).unwrap();
        let _ = read(&text, &context);
        let file = format!(
            "[loggers]\nkeys=root\n[handlers]\nkeys=h\n[formatters]\nkeys=f\n[formatter_f]\nformat={text}\n\
             [handler_h]\nclass=FileHandler\nargs=({text})\n[logger_root]\nhandlers=h\n"
        );
        let _ = read(&file, &context);
        for style in [Style::Percent, Style::Brace, Style::Dollar] {
            if let Ok(format) = Format::new(&text, style) {
                format.push(&mut String::new(), &NoFields);
            }
        }
        let strings = ContextStrings { context: &text, date_format: Some(&text), ..ContextStrings::default() };
        let _ = ContextFormat::new(&strings);
    }

    #[test]
    fn configuration(text in text()) {
        let _ = parse(&text);
        let mut sources = Sources::new();
        let _ = sources.add_text("f", &text);
        for name in ["a", "b", "c"] {
            sources.add_command_line("x", name, text.clone());
        }
        let config = Config::new(sources, &[OPTIONS]);
        let shown = config.shown();
        prop_assert_eq!(shown.len(), OPTIONS.len());
        let _ = config.problems();
        let _ = config.unknown_options();
        let _ = config.deprecations();
    }

    #[test]
    fn pipelines(text in text()) {
        let composites = Composites { url_maps: &["a"], flavored: &["f"], flavor: "" };
        let _ = load_text(&text, Path::new("/nonexistent/f.ini"), "main", &composites);
    }

    #[test]
    fn rules(text in text(), other in text()) {
        let mut rules = Rules::new();
        let _ = rules.add_text("f", &text);
        rules.add_text("f", &json!({"a": text, "b": [[other]]}).to_string()).unwrap();
        let policy = Policy::new(&[], &rules, &Settings::default());
        let credentials = object(json!({"roles": ["main", "é"], "user": {"id": ["a", null]}, "f": 1.5}));
        let target = object(json!({"a": "x", "b": null}));
        for rule in ["a", "b"] {
            let _ = policy.evaluate(rule, &target, &credentials, &Answers::default());
        }
        let check = Check::parse(&other);
        prop_assert_eq!(Check::parse(&check.to_string()).to_string(), check.to_string());
    }
}
