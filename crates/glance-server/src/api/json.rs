//! JSON documents of requests, within bounds.
//!
//! A document is small as text and large as values: an empty list takes two bytes there and thirty and more here. So
//! its values are counted while it arrives, and it is parsed only if they are not too many.

use axum::extract::Request;
use http::header::{CONTENT_LENGTH, EXPECT};
use serde_json::Value;

use crate::api::error::Refusal;
use crate::api::router;
use crate::app::context::RequestContext;
use crate::app::error::{Error, Text};
use crate::config::Limits;
use crate::stream::receive::Receiver;

/// Reads the document of a request that changes something.
///
/// # Errors
/// `Forbidden`, before anything is read, for callers that may only read; `LimitExceeded` for a document that is too
/// large; `Invalid` for one that is not whole, no JSON, neither list nor object, or that has null characters.
pub async fn read(ctx: &RequestContext, request: Request) -> Result<Value, Refusal> {
    let expects = request.headers().contains_key(EXPECT);
    let declared = request.headers().get(CONTENT_LENGTH).and_then(|value| value.to_str().ok()?.parse().ok());
    let mut body = Receiver::new(router::boxed(request.into_body()));
    let collected = match ctx.check_writable() {
        Ok(()) => collect(&mut body, declared, &ctx.config.limits).await,
        Err(error) => Err(error),
    };
    match collected {
        Ok(bytes) => Ok(parse(&bytes)?),
        Err(error) => {
            if !expects {
                body.drain().await;
            }
            Err(error.into())
        }
    }
}

/// Reads the text of a document; what is left in `body` after an error has not been looked at.
async fn collect(body: &mut Receiver, declared: Option<u64>, limits: &Limits) -> Result<Vec<u8>, Error> {
    let declared = declared.map_or(0, |length| usize::try_from(length).unwrap_or(usize::MAX));
    check_size(declared, limits)?;
    let (mut bytes, mut values) = (Vec::with_capacity(declared), Values::default());
    loop {
        let chunk = body.next().await;
        let chunk = chunk.map_err(|_| invalid("The client closed the connection before the whole body was sent."))?;
        let Some(chunk) = chunk else { return Ok(bytes) };
        check_size(bytes.len() + chunk.len(), limits)?;
        values.count(&chunk);
        if values.found > limits.json_values {
            return Err(too_large(format!("A JSON document may have at most {} values.", limits.json_values)));
        }
        bytes.extend_from_slice(&chunk);
    }
}

fn check_size(size: usize, limits: &Limits) -> Result<(), Error> {
    if size <= limits.json_size {
        return Ok(());
    }
    Err(too_large(format!("A JSON document may have at most {} bytes.", limits.json_size)))
}

fn parse(bytes: &[u8]) -> Result<Value, Error> {
    if bytes.is_empty() {
        return Err(invalid("Body expected in request."));
    }
    let value: Value = serde_json::from_slice(bytes).map_err(|_| invalid("Malformed JSON in request body."))?;
    if has_null_character(&value) {
        return Err(invalid("The request body contains a null character."));
    }
    if !value.is_object() && !value.is_array() {
        return Err(invalid("Unexpected body type. Expected list/dict."));
    }
    Ok(value)
}

/// Whether there is text that not every database can hold.
fn has_null_character(value: &Value) -> bool {
    match value {
        Value::String(text) => text.contains('\0'),
        Value::Array(items) => items.iter().any(has_null_character),
        Value::Object(members) => members.iter().any(|(name, value)| name.contains('\0') || has_null_character(value)),
        Value::Null | Value::Bool(_) | Value::Number(_) => false,
    }
}

/// Counts the values of a document of which one part comes after the other.
///
/// A list or object has one value more than it has commas, if it has any. So brackets and commas together are never
/// fewer than the values below the outermost.
#[derive(Debug, Default)]
struct Values {
    /// At least as many as there are in what has been seen, the outermost not counted.
    found: usize,
    in_text: bool,
    escaped: bool,
}

impl Values {
    fn count(&mut self, part: &[u8]) {
        for byte in part {
            match byte {
                _ if self.escaped => self.escaped = false,
                b'\\' => self.escaped = self.in_text,
                b'"' => self.in_text = !self.in_text,
                b'[' | b'{' | b',' if !self.in_text => self.found += 1,
                _ => {}
            }
        }
    }
}

fn invalid(text: &str) -> Error {
    Error::Invalid(text.into())
}

fn too_large(text: String) -> Error {
    Error::LimitExceeded(Text::Detail(text))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn counted(parts: &[&str]) -> usize {
        let mut values = Values::default();
        parts.iter().for_each(|part| values.count(part.as_bytes()));
        values.found
    }

    /// The values of a document below the outermost.
    fn below(value: &Value) -> usize {
        match value {
            Value::Array(items) => items.iter().map(|item| 1 + below(item)).sum(),
            Value::Object(members) => members.values().map(|member| 1 + below(member)).sum(),
            _ => 0,
        }
    }

    #[test]
    fn values_are_counted_wherever_the_document_is_cut() {
        for (text, expected) in [
            (r#"[7]"#, 1),
            (r#"{"a": 1, "b": [true, null, {"c": "x"}]}"#, 6),
            (r#"["a,b", "[{", "\\", "\"", "\\\",[", 7]"#, 6),
            (r#"[[[[1]]], [2, 3], {"\"": ","}]"#, 9),
        ] {
            assert_eq!(below(&serde_json::from_str(text).unwrap()), expected, "{text}");
            for cut in 0..text.len() {
                assert_eq!(counted(&[&text[..cut], &text[cut..]]), expected, "{text} at {cut}");
            }
        }
        assert_eq!(counted(&["[[], {}]"]), 4, "what is empty may count twice");
    }
}
