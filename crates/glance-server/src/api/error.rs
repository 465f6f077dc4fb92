//! The one place where an outcome becomes a status, headers and a body.
//!
//! The body's form follows the request's `Accept`, as WebOb chooses it for Python Glance: HTML for `text/html` and
//! `*/*`, a JSON object with `message`, `code` and `title`, or plain text when neither is wanted.

use axum::body::Body;
use axum::response::{IntoResponse, Response};
use http::header::{ALLOW, CONTENT_LENGTH, CONTENT_TYPE, HeaderName, HeaderValue, RETRY_AFTER};
use http::{HeaderMap, Method, StatusCode};

use crate::app::error::{Error, Text};

/// An error answer before its body is written, kept in the response's extensions until `Accept` is looked at.
#[derive(Clone, Debug)]
pub struct Refusal {
    status: StatusCode,
    title: &'static str,
    explanation: String,
    detail: String,
    headers: Vec<(HeaderName, HeaderValue)>,
}

impl Refusal {
    fn new(status: StatusCode, text: &Text) -> Self {
        let (title, standard) = standard_words(status);
        let (explanation, detail) = match text {
            Text::Explanation(text) => (text.clone(), String::new()),
            Text::Detail(text) => (standard.to_owned(), text.clone()),
        };
        Self { status, title, explanation, detail, headers: Vec::new() }
    }

    /// A standard answer without anything to add.
    #[must_use]
    pub fn plain(status: StatusCode) -> Self {
        Self::new(status, &Text::Detail(String::new()))
    }

    /// 405 for a path that exists, with the methods that it knows.
    #[must_use]
    pub fn method_not_allowed(method: &Method, allowed: &str) -> Self {
        let mut refusal = Self::plain(StatusCode::METHOD_NOT_ALLOWED);
        refusal.explanation = format!("The method {method} is not allowed for this resource. ");
        refusal.with_header(ALLOW, allowed)
    }

    /// 501 for a method that no path knows.
    #[must_use]
    pub fn method_unknown(method: &Method) -> Self {
        let mut refusal = Self::plain(StatusCode::NOT_IMPLEMENTED);
        refusal.explanation = format!("\nThe request method {method} is not implemented for this server. ");
        refusal
    }

    /// 415 for the media type of a request.
    #[must_use]
    pub fn media_type(given: &str, detail: impl Into<String>) -> Self {
        let mut refusal = Self::new(StatusCode::UNSUPPORTED_MEDIA_TYPE, &Text::Detail(detail.into()));
        refusal.explanation = format!("The request media type {given} is not supported by this server.\n");
        refusal
    }

    /// Adds a header to the answer; a value that no header can carry is left out.
    #[must_use]
    pub fn with_header(mut self, name: HeaderName, value: &str) -> Self {
        if let Ok(value) = HeaderValue::from_str(value) {
            self.headers.push((name, value));
        }
        self
    }

    /// The text between status line and end, with `<br />` for line breaks, as all three forms use it.
    fn message(&self) -> String {
        match self.status {
            StatusCode::METHOD_NOT_ALLOWED | StatusCode::NOT_IMPLEMENTED => {
                format!("{}<br /><br />\n{}", self.explanation, self.detail)
            }
            StatusCode::UNSUPPORTED_MEDIA_TYPE => format!("{}<br /><br />\n{}", self.explanation, self.detail),
            _ => format!("{}<br /><br />\n{}\n\n", self.explanation, self.detail),
        }
    }

    /// Writes the body in the form that `accept` asks for.
    #[must_use]
    pub fn render(&self, accept: Option<&str>) -> Response {
        let status_line = format!("{} {}", self.status.as_str(), self.title);
        let (content_type, body) = match preferred(accept) {
            Form::Json => {
                let document = serde_json::json!({
                    "message": self.message(), "code": status_line, "title": self.title,
                });
                ("application/json", document.to_string())
            }
            Form::Html => ("text/html; charset=UTF-8", html(&status_line, &escape(&self.message()))),
            Form::Text => ("text/plain; charset=UTF-8", format!("{status_line}\n\n{}", strip(&self.message()))),
        };
        let mut response = Response::new(Body::from(body));
        *response.status_mut() = self.status;
        response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static(content_type));
        for (name, value) in &self.headers {
            response.headers_mut().insert(name.clone(), value.clone());
        }
        response
    }
}

/// The title and the standard sentence of a status.
fn standard_words(status: StatusCode) -> (&'static str, &'static str) {
    match status {
        StatusCode::BAD_REQUEST => (
            "Bad Request",
            "The server could not comply with the request since it is either malformed or otherwise incorrect.",
        ),
        StatusCode::UNAUTHORIZED => ("Unauthorized", "The request lacks valid credentials."),
        StatusCode::FORBIDDEN => ("Forbidden", "Access was denied to this resource."),
        StatusCode::NOT_FOUND => ("Not Found", "The resource could not be found."),
        StatusCode::METHOD_NOT_ALLOWED => ("Method Not Allowed", ""),
        StatusCode::CONFLICT => ("Conflict", "There was a conflict when trying to complete your request."),
        StatusCode::GONE => ("Gone", "This resource is no longer available."),
        StatusCode::PAYLOAD_TOO_LARGE => ("Request Entity Too Large", "The body of your request was too large."),
        StatusCode::UNSUPPORTED_MEDIA_TYPE => ("Unsupported Media Type", ""),
        StatusCode::RANGE_NOT_SATISFIABLE => ("Request Range Not Satisfiable", "The Range requested is not available."),
        StatusCode::NOT_IMPLEMENTED => ("Not Implemented", ""),
        StatusCode::SERVICE_UNAVAILABLE => {
            ("Service Unavailable", "The service cannot answer now. Please try again later.")
        }
        _ => (
            "Internal Server Error",
            "The server has either erred or is incapable of performing the requested operation.",
        ),
    }
}

impl From<Error> for Refusal {
    fn from(error: Error) -> Self {
        match &error {
            Error::Invalid(text) => Self::new(StatusCode::BAD_REQUEST, text),
            Error::Unauthenticated(text) => Self::new(StatusCode::UNAUTHORIZED, text),
            Error::Forbidden(text) => Self::new(StatusCode::FORBIDDEN, text),
            Error::NotFound(text) => Self::new(StatusCode::NOT_FOUND, text),
            Error::Conflict(text) => Self::new(StatusCode::CONFLICT, text),
            Error::Gone(text) => Self::new(StatusCode::GONE, text),
            Error::LimitExceeded(text) => Self::new(StatusCode::PAYLOAD_TOO_LARGE, text),
            Error::UnacceptableData(text) => Self::media_type("application/octet-stream", text.as_str()),
            Error::RangeNotSatisfiable(text) => Self::new(StatusCode::RANGE_NOT_SATISFIABLE, text),
            Error::Unavailable(text) => Self::new(StatusCode::SERVICE_UNAVAILABLE, text).with_header(RETRY_AFTER, "5"),
            Error::Internal(cause) => {
                tracing::error!(error = %chain(cause.as_ref()), "request failed");
                Self::plain(StatusCode::INTERNAL_SERVER_ERROR)
            }
        }
    }
}

impl From<glance_domain::Error> for Refusal {
    fn from(error: glance_domain::Error) -> Self {
        Error::from(error).into()
    }
}

impl IntoResponse for Error {
    fn into_response(self) -> Response {
        Refusal::from(self).into_response()
    }
}

impl IntoResponse for Refusal {
    /// An empty response that carries the refusal; [`render`] gives it a body.
    fn into_response(self) -> Response {
        let mut response = Response::new(Body::empty());
        *response.status_mut() = self.status;
        response.extensions_mut().insert(self);
        response
    }
}

/// Gives the response of a handler its error body, if it is a refusal; headers that were added on the way stay.
pub fn render(response: Response, accept: Option<&str>) -> Response {
    let Some(refusal) = response.extensions().get::<Refusal>() else { return response };
    let mut rendered = refusal.render(accept);
    for (name, value) in response.headers().iter().filter(|(name, _)| *name != CONTENT_LENGTH) {
        rendered.headers_mut().entry(name).or_insert_with(|| value.clone());
    }
    rendered
}

/// The `Accept` header as text.
pub fn accept(headers: &HeaderMap) -> Option<String> {
    headers.get(http::header::ACCEPT).and_then(|value| value.to_str().ok()).map(str::to_owned)
}

/// An error with everything that caused it, for the log.
fn chain(error: &(dyn std::error::Error + 'static)) -> String {
    std::iter::successors(Some(error), |error| error.source()).map(ToString::to_string).collect::<Vec<_>>().join(": ")
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Form {
    Html,
    Json,
    Text,
}

/// Which form an `Accept` header prefers; HTML wins ties, as it is offered first.
fn preferred(accept: Option<&str>) -> Form {
    let accept = accept.unwrap_or_default();
    let quality = |full: &str, range: &str| {
        let found = accept.split(',').filter_map(|item| {
            let mut parts = item.split(';').map(str::trim);
            let media = parts.next()?;
            let specificity = match media {
                _ if media.eq_ignore_ascii_case(full) => 3,
                _ if media.eq_ignore_ascii_case(range) => 2,
                "*/*" => 1,
                _ => return None,
            };
            let q = parts.find_map(|part| part.strip_prefix("q=")).map_or(Ok(1.0), str::parse::<f32>);
            Some((specificity, q.unwrap_or(0.0)))
        });
        found.max_by_key(|(specificity, _)| *specificity).map_or(0.0, |(_, q)| q)
    };
    let (html, json) = (quality("text/html", "text/*"), quality("application/json", "application/*"));
    match (html > 0.0, json > 0.0) {
        (false, false) => Form::Text,
        _ if json > html => Form::Json,
        _ => Form::Html,
    }
}

fn html(status_line: &str, message: &str) -> String {
    format!(
        "<html>\n <head>\n  <title>{status_line}</title>\n </head>\n <body>\n  <h1>{status_line}</h1>\n  {message}\n </body>\n</html>"
    )
}

/// Escapes text for HTML but leaves the line breaks that [`Refusal::message`] put in.
fn escape(message: &str) -> String {
    let parts = message.split("<br />").map(|part| {
        part.replace('&', "&amp;")
            .replace('<', "&lt;")
            .replace('>', "&gt;")
            .replace('"', "&quot;")
            .replace('\'', "&#x27;")
    });
    parts.collect::<Vec<_>>().join("<br />")
}

/// The message as plain text: source line breaks are spaces, `<br />` are line breaks.
fn strip(message: &str) -> String {
    message.replace('\n', " ").replace("<br />", "\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_accept_header_chooses_the_form() {
        let cases = [
            (None, Form::Text),
            (Some(""), Form::Text),
            (Some("*/*"), Form::Html),
            (Some("text/html"), Form::Html),
            (Some("application/json"), Form::Json),
            (Some("application/json, text/plain, */*"), Form::Html),
            (Some("text/html;q=0.5, application/json"), Form::Json),
            (Some("application/*"), Form::Json),
            (Some("image/png"), Form::Text),
            (Some("text/html;q=0"), Form::Text),
        ];
        for (accept, form) in cases {
            assert_eq!(preferred(accept), form, "{accept:?}");
        }
    }

    #[test]
    fn the_message_is_laid_out_as_glance_does() {
        let not_found = Refusal::from(Error::no_image("nope"));
        assert_eq!(not_found.message(), "No image found with ID nope<br /><br />\n\n\n");
        assert_eq!(strip(&not_found.message()), "No image found with ID nope\n\n   ");
        let conflict = Refusal::from(Error::Conflict(Text::Detail("Property x does not exist.".into())));
        assert_eq!(
            conflict.message(),
            "There was a conflict when trying to complete your request.<br /><br />\nProperty x does not exist.\n\n"
        );
    }

    #[test]
    fn what_a_client_sent_cannot_become_markup() {
        let refusal = Refusal::from(Error::Invalid("<script>&'\"".into()));
        let page = html("400 Bad Request", &escape(&refusal.message()));
        assert!(page.contains("&lt;script&gt;&amp;&#x27;&quot;<br /><br />"), "{page}");
    }

    #[test]
    fn a_fault_never_shows_its_cause() {
        let refusal = Refusal::from(Error::internal("secret path /x"));
        assert!(!refusal.message().contains("secret"));
    }
}
