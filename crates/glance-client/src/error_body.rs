//! What a server says in the body of an error: JSON, HTML or plain text, made into one line or a few for a person.

use std::collections::HashSet;

use crate::json::Json;

/// The words of `body`; those of `status` when it has none.
pub(crate) fn message(status: reqwest::StatusCode, content_type: &str, body: &[u8]) -> String {
    let body = String::from_utf8_lossy(body);
    let words = if content_type.contains("json") {
        from_json(&body).unwrap_or_else(|| body.trim().to_owned())
    } else if content_type.contains("html") {
        from_html(&body)
    } else {
        body.trim().replace("\n\n", "\n")
    };
    if words.is_empty() { status.to_string() } else { words }
}

/// `{"error": {"message": "..."}}`, with any names in place of `error`.
fn from_json(body: &str) -> Option<String> {
    let json: Json = serde_json::from_str(body).ok()?;
    let object = json.as_object()?;
    let messages: Vec<_> = object
        .iter()
        .filter_map(|(_, value)| value.as_object().and_then(|inner| inner.get("message")).and_then(Json::as_str))
        .collect();
    let direct = || object.get("message").and_then(Json::as_str).map(str::to_owned);
    if messages.is_empty() { direct() } else { Some(messages.join("\n")) }
}

/// The text between the tags, each line once.
fn from_html(body: &str) -> String {
    let mut seen = HashSet::new();
    let lines = body.lines().map(|line| unescape(&without_tags(line.trim())).trim().to_owned());
    let lines: Vec<_> = lines.filter(|line| !line.is_empty() && seen.insert(line.clone())).collect();
    lines.join(": ")
}

/// `line` without `<...>`; a `<` that nothing closes stays.
fn without_tags(line: &str) -> String {
    let mut text = String::with_capacity(line.len());
    let mut rest = line;
    while let Some((before, tag)) = rest.split_once('<') {
        text.push_str(before);
        // A tag holds at least one character.
        let Some((end, _)) = tag.char_indices().skip(1).find(|(_, c)| *c == '>') else {
            return text + "<" + tag;
        };
        rest = &tag[end + 1..];
    }
    text + rest
}

fn unescape(text: &str) -> String {
    text.replace("&lt;", "<")
        .replace("&gt;", ">")
        .replace("&quot;", "\"")
        .replace("&#x27;", "'")
        .replace("&#39;", "'")
        .replace("&amp;", "&")
}

#[cfg(test)]
mod tests {
    use super::*;
    use reqwest::StatusCode;

    #[test]
    fn html_loses_its_tags_and_repetitions() {
        let body = b"<html>\n <head>\n  <title>404 Not Found</title>\n </head>\n <body>\n  <h1>404 Not Found</h1>\n  \
                     Failed to find image x<br /><br />\n\n\n </body>\n</html>";
        let words = message(StatusCode::NOT_FOUND, "text/html; charset=UTF-8", body);
        assert_eq!(words, "404 Not Found: Failed to find image x");
    }

    #[test]
    fn entities_of_html_become_characters() {
        let words =
            message(StatusCode::BAD_REQUEST, "text/html", b"<p>Name &#x27;a&#x27; &lt; &quot;b&quot;</p> 1 < 2");
        assert_eq!(words, "Name 'a' < \"b\" 1 < 2");
    }

    #[test]
    fn json_messages_are_joined() {
        let body = br#"{"error": {"message": "one", "code": 400}, "other": {"message": "two"}, "third": 3}"#;
        assert_eq!(message(StatusCode::BAD_REQUEST, "application/json", body), "one\ntwo");
        assert_eq!(message(StatusCode::BAD_REQUEST, "application/json", br#"{"message": "m"}"#), "m");
    }

    #[test]
    fn what_is_no_json_is_shown_as_it_is() {
        assert_eq!(message(StatusCode::BAD_GATEWAY, "application/json", b" oops \n"), "oops");
    }

    #[test]
    fn an_empty_body_leaves_the_status() {
        assert_eq!(message(StatusCode::NOT_FOUND, "", b""), "404 Not Found");
    }

    #[test]
    fn hostile_bodies_do_no_harm() {
        message(StatusCode::NOT_FOUND, "text/html", b"<<<>\xff<\xc3><");
        message(StatusCode::NOT_FOUND, "application/json", "[".repeat(5000).as_bytes());
    }
}
