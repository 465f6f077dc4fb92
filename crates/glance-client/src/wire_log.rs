//! What a debugging user sees of each request and answer. Tokens appear as their digest only.

use std::sync::Arc;

use openssl::hash::{MessageDigest, hash};
use reqwest::header::{HeaderMap, HeaderName, HeaderValue};
use reqwest::{Request, Response};

/// Takes one entry of the log at a time.
pub(crate) type Sink = Arc<dyn Fn(&str) + Send + Sync>;

const SENSITIVE: [&str; 5] = ["x-auth-token", "x-service-token", "authorization", "cookie", "set-cookie"];

/// A request as the `curl` command which would repeat it.
pub(crate) fn request(request: &Request) -> String {
    let mut entry = format!("curl -g -i -X {}", request.method());
    for (name, value) in request.headers() {
        entry.push_str(&format!(" -H '{name}: {}'", shown(name, value)));
    }
    if let Some(body) = request.body().and_then(reqwest::Body::as_bytes) {
        entry.push_str(&format!(" -d '{}'", String::from_utf8_lossy(body)));
    }
    entry.push(' ');
    entry.push_str(request.url().as_str());
    entry
}

/// The status line and the headers of an answer.
pub(crate) fn response(response: &Response) -> String {
    let mut entry = format!("\n{:?} {}\n", response.version(), response.status());
    entry.push_str(&header_lines(response.headers()));
    entry
}

fn header_lines(headers: &HeaderMap) -> String {
    headers.iter().map(|(name, value)| format!("{name}: {}\n", shown(name, value))).collect()
}

/// A header's value, or the digest of one that grants access.
fn shown(name: &HeaderName, value: &HeaderValue) -> String {
    if !SENSITIVE.contains(&name.as_str()) {
        return String::from_utf8_lossy(value.as_bytes()).into_owned();
    }
    match hash(MessageDigest::sha256(), value.as_bytes()) {
        Ok(digest) => format!("{{SHA256}}{}", crate::digest::hex(&digest)),
        Err(_) => "***".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_is_shown_as_its_digest() {
        let mut built = Request::new(reqwest::Method::GET, "http://h/v2/images".parse().unwrap());
        built.headers_mut().insert("x-auth-token", HeaderValue::from_static("secret"));
        built.headers_mut().insert("accept", HeaderValue::from_static("*/*"));
        let entry = request(&built);
        let digest = "2bb80d537b1da3e38bd30361aa855686bde0eacd7162fef6a25fe97bf527a25b";
        assert_eq!(
            entry,
            format!("curl -g -i -X GET -H 'x-auth-token: {{SHA256}}{digest}' -H 'accept: */*' http://h/v2/images")
        );
    }
}
