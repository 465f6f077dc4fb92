//! The answer to a health check: as text, as HTML or as JSON, in short or in detail.

use glance_domain::Timestamp;
use serde_json::{Value, json};

/// What one back end says.
#[derive(Clone, Debug)]
pub(super) struct Verdict {
    pub(super) available: bool,
    /// Who says so: the name of oslo.middleware's class.
    pub(super) source: &'static str,
    pub(super) reason: String,
    pub(super) details: String,
}

impl Verdict {
    pub(super) fn good(source: &'static str, details: &str) -> Self {
        Self { available: true, source, reason: "OK".to_owned(), details: details.to_owned() }
    }

    pub(super) fn bad(source: &'static str, reason: &str, details: String) -> Self {
        Self { available: false, source, reason: reason.to_owned(), details }
    }
}

pub(super) struct Report<'a> {
    pub(super) verdicts: &'a [Verdict],
    pub(super) detailed: bool,
    pub(super) now: Timestamp,
}

#[derive(Clone, Copy)]
enum Form {
    Text,
    Html,
    Json,
}

/// The forms of the answer; of those that the client likes equally the first counts.
const FORMS: [(&str, &str, Form); 3] = [
    ("text/plain", "text/plain; charset=UTF-8", Form::Text),
    ("text/html", "text/html; charset=UTF-8", Form::Html),
    ("application/json", "application/json; charset=UTF-8", Form::Json),
];

impl Report<'_> {
    /// The media type and the text. A client that accepts none of the forms gets plain text.
    pub(super) fn render(&self, accept: Option<&str>) -> (&'static str, String) {
        let accept = accept.unwrap_or("*/*");
        let mut best = (0, FORMS[0]);
        for form in FORMS {
            let quality = quality(accept, form.0);
            if quality > best.0 {
                best = (quality, form);
            }
        }
        let (_, (_, media_type, form)) = best;
        let text = match form {
            Form::Text => self.text(),
            Form::Html => self.html(),
            Form::Json => self.json(),
        };
        (media_type, text)
    }

    fn text(&self) -> String {
        let reasons: Vec<&str> = self.verdicts.iter().map(|verdict| verdict.reason.as_str()).collect();
        reasons.join("\n")
    }

    fn json(&self) -> String {
        let reasons: Vec<Value> = self.verdicts.iter().map(|verdict| self.reason(verdict)).collect();
        let mut document = json!({"detailed": self.detailed, "reasons": reasons});
        if self.detailed {
            document["now"] = json!(self.now.utc().to_string());
            document["platform"] = json!(platform());
        }
        indented(&document)
    }

    fn reason(&self, verdict: &Verdict) -> Value {
        if !self.detailed {
            return json!(verdict.reason);
        }
        json!({"class": verdict.source, "reason": verdict.reason, "details": verdict.details})
    }

    fn html(&self) -> String {
        let row = |cell: &str, texts: &[&str]| {
            let cells: String = texts.iter().map(|text| format!("<{cell}>{}</{cell}>", escaped(text))).collect();
            format!("<TR>{cells}</TR>\n")
        };
        let (head, rows): (String, String) = if self.detailed {
            let rows = self.verdicts.iter().map(|v| row("TD", &[v.source, &v.reason, &v.details])).collect();
            (row("TH", &["Kind", "Reason", "Details"]), rows)
        } else {
            (row("TH", &["Reason"]), self.verdicts.iter().map(|v| row("TD", &[&v.reason])).collect())
        };
        let about = if self.detailed {
            format!("<H1>Server status</H1>\n<P>{} on {}</P>\n", self.now.utc(), escaped(&platform()))
        } else {
            String::new()
        };
        format!(
            "<HTML>\n<HEAD><TITLE>Healthcheck Status</TITLE></HEAD>\n<BODY>\n{about}<H2>Result of {} checks:</H2>\n\
             <TABLE border=\"1\">\n{head}{rows}</TABLE>\n</BODY>\n</HTML>",
            self.verdicts.len()
        )
    }
}

fn platform() -> String {
    format!("{}-{}, glance-server {}", std::env::consts::OS, std::env::consts::ARCH, env!("CARGO_PKG_VERSION"))
}

fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;")
}

/// JSON with four spaces for each level, as upstream's.
fn indented(document: &Value) -> String {
    let mut out = Vec::new();
    let format = serde_json::ser::PrettyFormatter::with_indent(b"    ");
    let mut serializer = serde_json::Serializer::with_formatter(&mut out, format);
    let written = serde::Serialize::serialize(document, &mut serializer);
    written.ok().and_then(|()| String::from_utf8(out).ok()).unwrap_or_default()
}

/// How much a client likes a media type, in thousandths: the most specific range counts (RFC 9110, 12.5.1).
fn quality(accept: &str, media_type: &str) -> u16 {
    let kind = media_type.split('/').next().unwrap_or_default();
    let specific = |range: &str| match range {
        range if range.eq_ignore_ascii_case(media_type) => Some(2),
        "*/*" => Some(0),
        range => range.strip_suffix("/*").filter(|of| of.eq_ignore_ascii_case(kind)).map(|_| 1),
    };
    let ranges = accept.split(',').filter_map(|range| {
        let mut parts = range.split(';').map(str::trim);
        let specific = specific(parts.next()?)?;
        let weight = parts.find_map(|part| part.strip_prefix("q=")).map_or(Some(1.0), |weight| weight.parse().ok());
        Some((specific, weight.filter(|weight: &f32| (0.0..=1.0).contains(weight))?))
    });
    let weight = ranges.max_by_key(|(specific, _)| *specific).map_or(0.0, |(_, weight)| weight);
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "between 0 and 1000")]
    let thousandths = (weight * 1000.0) as u16;
    thousandths
}

#[cfg(test)]
mod tests {
    use super::*;

    fn report(detailed: bool, accept: Option<&str>) -> (&'static str, String) {
        let verdicts =
            [Verdict::bad("DisableByFileHealthcheck", "DISABLED BY FILE", "Path '<x>' was found".to_owned())];
        Report { verdicts: &verdicts, detailed, now: Timestamp::parse_iso("2026-01-02").unwrap() }.render(accept)
    }

    #[test]
    fn the_client_chooses_the_form() {
        for (accept, form) in [
            (None, "text/plain"),
            (Some("*/*"), "text/plain"),
            (Some("image/png"), "text/plain"),
            (Some("application/json"), "application/json"),
            (Some("text/html, application/json;q=0.9, */*;q=0.1"), "text/html"),
            (Some("text/plain;q=0, application/*"), "application/json"),
            (Some("TEXT/HTML"), "text/html"),
            (Some("text/html;q=nonsense"), "text/plain"),
        ] {
            assert!(report(false, accept).0.starts_with(form), "{accept:?}");
        }
    }

    #[test]
    fn details_are_told_where_they_are_wanted() {
        assert_eq!(report(true, None).1, "DISABLED BY FILE");
        let (_, short) = report(false, Some("application/json"));
        assert_eq!(short, "{\n    \"detailed\": false,\n    \"reasons\": [\n        \"DISABLED BY FILE\"\n    ]\n}");
        let long: Value = serde_json::from_str(&report(true, Some("application/json")).1).unwrap();
        let reason = json!({"class": "DisableByFileHealthcheck", "details": "Path '<x>' was found",
                            "reason": "DISABLED BY FILE"});
        assert_eq!((&long["detailed"], &long["reasons"][0]), (&json!(true), &reason));
        assert!(report(true, Some("text/html")).1.contains("Path '&lt;x&gt;' was found"));
        assert!(!report(false, Some("text/html")).1.contains("was found"));
    }
}
