//! Which parts of two answers must be the same. What may differ is in docs/compatibility.md.

use std::path::Path;

use serde_json::Value;

use super::{Call, Reply};

/// Headers that clients read.
const HEADERS: [&str; 9] = [
    "content-type",
    "content-md5",
    "content-range",
    "location",
    "allow",
    "accept-patch",
    "openstack-image-import-methods",
    "openstack-image-store-ids",
    "content-disposition",
];

/// What differs between two answers, for people.
pub(super) fn difference(call: &Call, expected: &Reply, found: &Reply, theirs: &Path, ours: &Path) -> Option<String> {
    if expected.status >= 500 && expected.status != 501 {
        // Python Glance fails on some bad requests: those are refused here, or understood.
        return (found.status >= 500).then(|| format!("  both fail: {} {}", expected.status, found.status));
    }
    if is_meant(call, expected, found) {
        return None;
    }
    if call.method == "HEAD" {
        // Who renders the answer leaves out what a body would be.
        return (expected.status != found.status)
            .then(|| format!("  Python {}, here {}", expected.status, found.status));
    }
    let (theirs, ours) = (Seen::new(expected, theirs), Seen::new(found, ours));
    if theirs == ours || theirs.differs_in_words_only(&ours) || theirs.names_another_mistake(&ours) {
        return None;
    }
    let mut lines = Vec::new();
    if (theirs.status, &theirs.headers) != (ours.status, &ours.headers) {
        lines.push(format!(
            "  Python: {} {:?}\n  here:   {} {:?}",
            theirs.status, theirs.headers, ours.status, ours.headers
        ));
    }
    match (&theirs.body, &ours.body) {
        (Content::Json(theirs), Content::Json(ours)) => compare_json("", theirs, ours, &mut lines),
        (theirs, ours) => lines.push(format!("  Python: {theirs:?}\n  here:   {ours:?}")),
    }
    Some(lines.join("\n"))
}

/// Whether this service answers otherwise on purpose.
fn is_meant(call: &Call, expected: &Reply, found: &Reply) -> bool {
    // A caller that may only read is told so before the document is read.
    let says = |words: &str| String::from_utf8_lossy(&found.body).contains(words);
    let unread = matches!(expected.status, 400 | 403) && found.status == 403 && says("Read-only access");
    // An empty patch shows only what GET shows.
    let is_empty = call.method == "PATCH" && call.body == b"[]";
    unread || (is_empty && (expected.status, found.status) == (200, 404))
}

/// An answer as far as it is compared.
#[derive(Debug, PartialEq)]
struct Seen {
    status: u16,
    headers: Vec<(String, String)>,
    body: Content,
}

#[derive(Debug, PartialEq)]
enum Content {
    Json(Value),
    Text(String),
    Bytes(Vec<u8>),
}

impl Seen {
    fn new(reply: &Reply, folder: &Path) -> Self {
        let mut headers: Vec<_> =
            reply.headers.iter().filter(|(name, _)| HEADERS.contains(&name.as_str())).cloned().collect();
        for (name, value) in &mut headers {
            if name == "openstack-image-store-ids" {
                // Python Glance names its own stores, too, once it has looked one up.
                *value = value.trim_end_matches(",os_glance_staging_store,os_glance_tasks_store").to_owned();
            }
        }
        headers.sort();
        let is_json =
            headers.iter().any(|(name, value)| name == "content-type" && value.starts_with("application/json"));
        let text = String::from_utf8(reply.body.clone()).map(|text| {
            // A variable that Python Glance does not fill in when there is no Content-Type.
            text.replace(&folder.display().to_string(), "FOLDER").replace("${CONTENT_TYPE}", "")
        });
        let body = match (&text, is_json) {
            (Ok(text), true) => match serde_json::from_str(text) {
                Ok(mut document) => {
                    normalise(&mut document);
                    Content::Json(document)
                }
                Err(_) => Content::Text(text.clone()),
            },
            (Ok(text), false) => Content::Text(first_reason(text).to_owned()),
            (Err(_), _) => Content::Bytes(reply.body.clone()),
        };
        Self { status: reply.status, headers, body }
    }
}

/// A status, and words of Python Glance's for which others stand here.
const OTHER_WORDS: [(u16, &str); 2] = [
    // An image that policy hides: the words tell it from one that does not exist.
    (404, "The resource could not be found."),
    // A location that cannot be, of an image whose size is not known.
    (400, "The Store URI was malformed."),
];

/// What only the catalogue of Python Glance finds out: the last of several mistakes there, not always here.
const LAST_MISTAKES: [&str; 2] = ["contain 4 byte unicode characters.", "value out of range, must not exceed"];

impl Seen {
    fn says(&self, words: &str) -> bool {
        match &self.body {
            Content::Json(document) => document["message"].as_str().is_some_and(|message| message.contains(words)),
            Content::Text(text) => text.contains(words),
            Content::Bytes(_) => false,
        }
    }

    /// Whether both refuse, for different ones of several mistakes.
    fn names_another_mistake(&self, ours: &Self) -> bool {
        let refused = (400..500).contains(&self.status) && ours.status == 400;
        refused && LAST_MISTAKES.iter().any(|words| ours.says(words))
    }

    /// Whether both refuse alike, in words that are meant to differ.
    fn differs_in_words_only(&self, ours: &Self) -> bool {
        let meant = OTHER_WORDS.iter().any(|(status, words)| *status == self.status && self.says(words));
        self.status == ours.status && self.headers == ours.headers && meant
    }
}

/// What differs between two documents, one line for each place.
fn compare_json(place: &str, theirs: &Value, ours: &Value, lines: &mut Vec<String>) {
    match (theirs, ours) {
        (Value::Object(theirs), Value::Object(ours)) => {
            let names: std::collections::BTreeSet<_> = theirs.keys().chain(ours.keys()).collect();
            for name in names {
                let (theirs, ours) = (theirs.get(name), ours.get(name));
                let place = format!("{place}/{name}");
                match (theirs, ours) {
                    (Some(theirs), Some(ours)) => compare_json(&place, theirs, ours, lines),
                    _ => lines.push(format!("  {place}: Python {theirs:?}, here {ours:?}")),
                }
            }
        }
        (Value::Array(theirs), Value::Array(ours)) if theirs.len() == ours.len() => {
            for (at, (theirs, ours)) in theirs.iter().zip(ours).enumerate() {
                compare_json(&format!("{place}/{at}"), theirs, ours, lines);
            }
        }
        _ if theirs == ours => {}
        _ => lines.push(format!("  {place}: Python {theirs}\n  {place}: here   {ours}")),
    }
}

/// Takes out what has no order or no meaning: the order of tags, descriptions in schemas, all but the first line of
/// what a schema says about a document.
fn normalise(value: &mut Value) {
    match value {
        Value::Object(members) => {
            if members.get("description").is_some_and(Value::is_string) && members.contains_key("type") {
                members.remove("description");
            }
            if let Some(Value::Array(tags)) = members.get_mut("tags") {
                tags.sort_by_key(Value::to_string);
            }
            if let Some(Value::String(message)) = members.get_mut("message") {
                *message = first_reason(message).to_owned();
            }
            if members.get("status").is_some_and(|status| status == "queued") {
                // Python Glance leaves there what it knew of data that it refused.
                for name in ["checksum", "os_hash_algo", "os_hash_value", "locations", "direct_url", "stores"] {
                    members.remove(name);
                }
            }
            // Python Glance repeats it once, though its schema says that it is never shown.
            members.remove("validation_data");
            members.values_mut().for_each(normalise);
        }
        Value::Array(items) => items.iter_mut().for_each(normalise),
        _ => {}
    }
}

/// What a text begins with of which the rest differs: one of several violations, or what must not be shown.
const BEGINNINGS: [&str; 2] = ["Provided object does not match schema 'image'", "Original locations is not empty"];

/// The text without the report that follows the first line of what a schema says, and without what ends every answer.
fn first_reason(message: &str) -> &str {
    let plain = message.find("Provided object does not match schema &#x27;image&#x27;").map(|at| at + 40);
    let known = BEGINNINGS.iter().find_map(|text| Some(message.find(text)? + text.len())).or(plain);
    if let Some(end) = known {
        return &message[..end];
    }
    let first = message.split("Failed validating").next().unwrap_or_default().trim_end();
    let first = first.strip_suffix("</body>\n</html>").unwrap_or(first).trim_end();
    first.strip_suffix("<br /><br />").unwrap_or(first)
}
