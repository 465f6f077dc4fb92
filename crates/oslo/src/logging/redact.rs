//! Messages made fit for a log: no secrets, and no control characters with which a client could forge lines.
//!
//! The service never logs a secret on purpose; this is the second line of defence, for texts of other programs and
//! libraries (a database's complaint about its URL, a header in a message).

use std::fmt::Write as _;

/// What is shown in place of a secret, as oslo.utils does.
const MASK: &str = "***";

/// Longest message that is logged, in bytes; the rest is cut off.
const MAX_LENGTH: usize = 16 << 10;

/// Names after which a secret follows, in lower case. A name counts wherever a longer one ends with it.
const SECRETS: [&str; 18] = [
    "password",
    "passwd",
    "passphrase",
    "admin_pass",
    "adminpass",
    "x-auth-token",
    "x-service-token",
    "x-subject-token",
    "x-storage-token",
    "auth_token",
    "encryption_key",
    "store_key",
    "signature",
    "temp_url_sig",
    "secret",
    "secret_key",
    "access_key",
    "authorization",
];

/// The text without secrets and control characters; line ends and tabs are written as `\n` and `\t`.
pub(super) fn clean(text: &str) -> String {
    let end = text.char_indices().map(|(position, _)| position).take_while(|position| *position <= MAX_LENGTH).last();
    let text = if text.len() > MAX_LENGTH { &text[..end.unwrap_or(0)] } else { text };
    let masked = mask_names(&mask_urls(text));
    if !masked.contains(char::is_control) {
        return masked;
    }
    let mut out = String::with_capacity(masked.len() + 8);
    for c in masked.chars() {
        match c {
            '\n' => out.push_str("\\n"),
            '\r' => out.push_str("\\r"),
            '\t' => out.push_str("\\t"),
            c if c.is_control() => {
                let _ = write!(out, "\\x{:02x}", u32::from(c));
            }
            c => out.push(c),
        }
    }
    out
}

/// The value of a field as it may be shown.
pub(super) fn clean_field(name: &str, value: &str) -> String {
    if names_secret(&name.to_ascii_lowercase()) { MASK.to_owned() } else { clean(value) }
}

/// Hides the passwords of URLs: `scheme://user:***@host`.
fn mask_urls(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(position) = rest.find("://") {
        let (before, after) = rest.split_at(position + 3);
        out.push_str(before);
        let end = after.find(|c: char| c.is_whitespace() || matches!(c, '/' | '?' | '#' | '"' | '\'' | '<' | '>'));
        let authority = &after[..end.unwrap_or(after.len())];
        rest = after;
        if let Some(at) = authority.rfind('@')
            && let Some(colon) = authority[..at].find(':')
        {
            out.push_str(&authority[..=colon]);
            out.push_str(MASK);
            rest = &after[at..];
        }
    }
    out.push_str(rest);
    out
}

/// Hides what follows the names of secrets: `password=…`, `"secret": "…"`, `X-Auth-Token: …`.
fn mask_names(text: &str) -> String {
    let lower = text.to_ascii_lowercase();
    let mut out = String::with_capacity(text.len());
    let mut done = 0;
    for (operator, _) in lower.match_indices(['=', ':']) {
        if operator < done || !names_secret(&lower[done..operator]) {
            continue;
        }
        let (start, end) = value_after(&lower, operator + 1);
        if start < end && &text[start..end] != MASK {
            out.push_str(&text[done..start]);
            out.push_str(MASK);
            done = end;
        }
    }
    out.push_str(&text[done..]);
    out
}

fn names_secret(before: &str) -> bool {
    let name = before.trim_end_matches(['"', '\'', ' ']);
    SECRETS.iter().any(|secret| name.ends_with(secret))
}

/// The range of the value at `from`: behind quotes and white space, up to the end of the quotes or of the word.
fn value_after(text: &str, from: usize) -> (usize, usize) {
    let end_of =
        |from: usize, ends: &dyn Fn(char) -> bool| text[from..].find(ends).map_or(text.len(), |end| from + end);
    let start = end_of(from, &|c| !matches!(c, '"' | '\'' | ' ' | '='));
    if text[from..start].ends_with(['"', '\'']) {
        return (start, end_of(start, &|c| matches!(c, '"' | '\'')));
    }
    let scheme = ["bearer ", "basic "].iter().find(|scheme| text[start..].starts_with(**scheme));
    let credentials = start + scheme.map_or(0, |scheme| scheme.len());
    (start, end_of(credentials, &|c| c.is_whitespace() || matches!(c, ',' | ';' | '&' | '}' | ')')))
}

#[cfg(test)]
mod tests {
    use super::clean;

    #[test]
    fn secrets_and_control_characters() {
        for (text, expected) in [
            ("plain text, 100 %", "plain text, 100 %"),
            ("a\r\nb\tc\u{1b}[0m", "a\\r\\nb\\tc\\x1b[0m"),
            ("cannot open mysql://glance:p@ss:w@db/glance now", "cannot open mysql://glance:***@db/glance now"),
            ("http://host/a:b@c", "http://host/a:b@c"),
            ("X-Auth-Token: gAAAA-b, Accept: x", "X-Auth-Token: ***, Accept: x"),
            ("Authorization: Bearer abc.def", "Authorization: ***"),
            ("{\"admin_password\": \"geheim, ja\", \"b\": 1}", "{\"admin_password\": \"***\", \"b\": 1}"),
            ("swift_store_key password=x&y=z secret = 's'", "swift_store_key password=***&y=z secret = '***'"),
            ("the password is wrong", "the password is wrong"),
            ("Ünïcode PASSWORD=ß end", "Ünïcode PASSWORD=*** end"),
        ] {
            assert_eq!(clean(text), expected);
        }
    }
}
