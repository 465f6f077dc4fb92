//! The left side of a check when it is a constant: `'public':%(visibility)s`, `True:%(user.enabled)s`.

use serde_json::Value;

use crate::python::{float_repr, text_of};

/// The text of a Python constant; `None` if the left side names a credential instead.
///
/// Known are strings without escapes other than those of quotes, backslash and the common controls, `True`, `False`,
/// `None`, and decimal numbers. Python would know lists, complex numbers and other things that no rule has use for.
pub(super) fn literal(text: &str) -> Option<String> {
    match text {
        "True" | "False" | "None" => Some(text.to_owned()),
        _ if text.starts_with(['\'', '"']) => string(text),
        _ => number(text),
    }
}

fn string(text: &str) -> Option<String> {
    let quote = text.chars().next()?;
    let inner = text.strip_prefix(quote)?.strip_suffix(quote)?;
    let mut out = String::with_capacity(inner.len());
    let mut chars = inner.chars();
    while let Some(c) = chars.next() {
        match c {
            '\\' => out.push(escape(chars.next()?)?),
            c if c == quote => return None,
            c => out.push(c),
        }
    }
    Some(out)
}

fn escape(c: char) -> Option<char> {
    match c {
        '\\' | '\'' | '"' => Some(c),
        'n' => Some('\n'),
        'r' => Some('\r'),
        't' => Some('\t'),
        _ => None,
    }
}

fn number(text: &str) -> Option<String> {
    let digits = text.strip_prefix(['-', '+']).unwrap_or(text);
    let numeric = |c: char| c.is_ascii_digit() || matches!(c, '.' | 'e' | 'E' | '-' | '+');
    if !digits.starts_with(|c: char| c.is_ascii_digit() || c == '.') || !digits.chars().all(numeric) {
        return None;
    }
    let is_integer = digits.bytes().all(|c| c.is_ascii_digit());
    if is_integer {
        let leading_zero = digits.len() > 1 && digits.starts_with('0') && digits.bytes().any(|c| c != b'0');
        let number = text.parse::<i64>().ok().filter(|_| !leading_zero)?;
        return Some(text_of(&Value::from(number)).into_owned());
    }
    text.parse::<f64>().ok().map(float_repr)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn constants() {
        for (text, value) in [
            ("'public'", Some("public")),
            ("\"it's\"", Some("it's")),
            ("'a\\'b'", Some("a'b")),
            ("True", Some("True")),
            ("None", Some("None")),
            ("+7", Some("7")),
            ("-0", Some("0")),
            ("1.50", Some("1.5")),
            ("1e3", Some("1000.0")),
            (".5", Some("0.5")),
            ("07", None),
            (".", None),
            ("1-2", None),
            ("'a'b'", None),
            ("'a", None),
            ("true", None),
            ("user.id", None),
            ("infinity", None),
        ] {
            assert_eq!(literal(text).as_deref(), value, "{text}");
        }
    }
}
