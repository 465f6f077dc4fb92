//! Values as Python shows them, because that is what python-glanceclient prints into its tables.

use std::io;

use glance_client::Json;
use serde::Serialize;
use serde_json::ser::{CharEscape, Formatter, Serializer};

/// `str(value)`.
pub(super) fn text(value: &Json) -> String {
    match value {
        Json::String(text) => text.clone(),
        other => repr(other),
    }
}

/// `repr(value)`.
fn repr(value: &Json) -> String {
    match value {
        Json::Null => "None".to_owned(),
        Json::Bool(true) => "True".to_owned(),
        Json::Bool(false) => "False".to_owned(),
        Json::Number(number) => number.to_string(),
        Json::String(text) => quoted(text),
        Json::Array(elements) => {
            format!("[{}]", elements.iter().map(repr).collect::<Vec<_>>().join(", "))
        }
        Json::Object(object) => {
            let members = object.iter().map(|(name, value)| format!("{}: {}", quoted(name), repr(value)));
            format!("{{{}}}", members.collect::<Vec<_>>().join(", "))
        }
    }
}

/// A string in single quotes, or in double ones when it holds single ones only.
fn quoted(text: &str) -> String {
    let quote = if text.contains('\'') && !text.contains('"') { '"' } else { '\'' };
    let mut shown = String::from(quote);
    for c in text.chars() {
        match c {
            '\\' => shown.push_str("\\\\"),
            '\n' => shown.push_str("\\n"),
            '\r' => shown.push_str("\\r"),
            '\t' => shown.push_str("\\t"),
            c if c == quote => shown.extend(['\\', c]),
            c if c.is_control() => shown.push_str(&format!("\\x{:02x}", u32::from(c))),
            c => shown.push(c),
        }
    }
    shown.push(quote);
    shown
}

/// `json.dumps(value)`: a space after commas and colons, and ASCII only.
pub(super) fn json(value: &Json) -> String {
    let mut out = Vec::new();
    // Writing to memory and keys that are strings: this cannot fail.
    let _ = value.serialize(&mut Serializer::with_formatter(&mut out, PythonJson));
    String::from_utf8_lossy(&out).into_owned()
}

/// What `bool(value)` is.
pub(super) fn is_true(value: &Json) -> bool {
    match value {
        Json::Null => false,
        Json::Bool(value) => *value,
        Json::Number(number) => number.as_f64() != Some(0.0),
        Json::String(text) => !text.is_empty(),
        Json::Array(elements) => !elements.is_empty(),
        Json::Object(object) => !object.is_empty(),
    }
}

struct PythonJson;

impl Formatter for PythonJson {
    fn begin_array_value<W: ?Sized + io::Write>(&mut self, out: &mut W, first: bool) -> io::Result<()> {
        if first { Ok(()) } else { out.write_all(b", ") }
    }

    fn begin_object_key<W: ?Sized + io::Write>(&mut self, out: &mut W, first: bool) -> io::Result<()> {
        if first { Ok(()) } else { out.write_all(b", ") }
    }

    fn begin_object_value<W: ?Sized + io::Write>(&mut self, out: &mut W) -> io::Result<()> {
        out.write_all(b": ")
    }

    fn write_string_fragment<W: ?Sized + io::Write>(&mut self, out: &mut W, fragment: &str) -> io::Result<()> {
        for c in fragment.chars() {
            if c.is_ascii() {
                out.write_all(&[c as u8])?;
                continue;
            }
            for unit in c.encode_utf16(&mut [0; 2]) {
                write!(out, "\\u{unit:04x}")?;
            }
        }
        Ok(())
    }

    fn write_char_escape<W: ?Sized + io::Write>(&mut self, out: &mut W, escape: CharEscape) -> io::Result<()> {
        serde_json::ser::CompactFormatter.write_char_escape(out, escape)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(text: &str) -> Json {
        serde_json::from_str(text).unwrap()
    }

    #[test]
    fn values_look_like_pythons() {
        for (json, python) in [
            ("null", "None"),
            ("true", "True"),
            ("3", "3"),
            ("1.5", "1.5"),
            (r#""it's""#, "it's"),
            (r#"["a", "it's", "\"'\n"]"#, r#"['a', "it's", '"\'\n']"#),
            (r#"{"a": [1, null], "b": {}}"#, "{'a': [1, None], 'b': {}}"),
            (r#"["\u001b", "é"]"#, r"['\x1b', 'é']"),
        ] {
            assert_eq!(text(&parse(json)), python);
        }
    }

    #[test]
    fn json_looks_like_pythons() {
        let value = parse(r#"[{"id":"é😀","n":[1,2]},"\"\n"]"#);
        assert_eq!(json(&value), r#"[{"id": "\u00e9\ud83d\ude00", "n": [1, 2]}, "\"\n"]"#);
    }

    #[test]
    fn truth_is_pythons() {
        for (json, expected) in [("0", false), ("[]", false), ("\"\"", false), ("\"0\"", true), ("[0]", true)] {
            assert_eq!(is_true(&parse(json)), expected, "{json}");
        }
    }
}
