//! What handlers take from a request, with refusals in the words of the API.

use axum::extract::{FromRequestParts, RawPathParams};
use glance_domain::ImageId;
use http::HeaderMap;
use http::header::{CONTENT_TYPE, HeaderName};
use http::request::Parts;

use crate::api::error::Refusal;
use crate::app::SharedApp;
use crate::app::context::RequestContext;
use crate::app::error::Error;

/// Parameters that a query may have at all, whatever they mean.
const MAX_PARAMETERS: usize = 4096;

impl FromRequestParts<SharedApp> for RequestContext {
    type Rejection = Refusal;

    async fn from_request_parts(parts: &mut Parts, _: &SharedApp) -> Result<Self, Refusal> {
        // Taken rather than copied: nobody else looks at it once a handler has it.
        let context = parts.extensions.remove::<Self>();
        context.ok_or_else(|| Error::internal("the request has no context").into())
    }
}

/// The parameters in the path, decoded.
pub struct PathParams(Vec<(String, String)>);

impl PathParams {
    /// The parameter `name`; empty if the route has none of that name.
    #[must_use]
    pub fn text(&self, name: &str) -> &str {
        self.0.iter().find(|(known, _)| known == name).map_or("", |(_, value)| value)
    }

    /// The image in the path.
    ///
    /// # Errors
    /// `NotFound` for what cannot be the id of an image.
    pub fn image_id(&self) -> Result<ImageId, Error> {
        self.image_id_or(|id| Error::no_image(id))
    }

    fn image_id_or(&self, missing: impl FnOnce(&str) -> Error) -> Result<ImageId, Error> {
        let id = self.text("image_id");
        ImageId::parse(id).map_err(|_| missing(id))
    }

    /// The image in the path of a change, once it is known that the caller may change anything.
    ///
    /// # Errors
    /// `Forbidden` for callers that may only read, and as [`PathParams::image_id`].
    pub fn image_to_change(&self, ctx: &RequestContext) -> Result<ImageId, Error> {
        ctx.check_writable()?;
        self.image_id()
    }

    /// The image in the path of its deletion, which Glance misses in words of its own.
    ///
    /// # Errors
    /// As [`PathParams::image_to_change`].
    pub fn image_to_delete(&self, ctx: &RequestContext) -> Result<ImageId, Error> {
        ctx.check_writable()?;
        self.image_id_or(|id| Error::NotFound(format!("Failed to find image {id} to delete").into()))
    }

    /// The image in the path of its members or tags, which Glance misses in other words, too.
    ///
    /// # Errors
    /// `NotFound` for what cannot be the id of an image.
    pub fn parent_image_id(&self) -> Result<ImageId, Error> {
        self.image_id_or(|id| Error::NotFound(format!("Image {id} not found.").into()))
    }

    /// The image in the path of a change of its members or tags.
    ///
    /// # Errors
    /// `Forbidden` for callers that may only read, and as [`PathParams::parent_image_id`].
    pub fn parent_image_to_change(&self, ctx: &RequestContext) -> Result<ImageId, Error> {
        ctx.check_writable()?;
        self.parent_image_id()
    }
}

impl<S: Send + Sync> FromRequestParts<S> for PathParams {
    type Rejection = Refusal;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Refusal> {
        let raw = RawPathParams::from_request_parts(parts, state).await;
        let raw = raw.map_err(|_| Refusal::plain(http::StatusCode::NOT_FOUND))?;
        let decoded = raw.iter().map(|(name, value)| Ok((name.to_owned(), decode(value)?)));
        decoded.collect::<Result<_, Refusal>>().map(Self)
    }
}

/// Percent-decodes text that must be UTF-8.
fn decode(text: &str) -> Result<String, Refusal> {
    let decoded = percent_encoding::percent_decode_str(text).decode_utf8();
    let text = decoded.map_err(|_| Error::Invalid("The request path is not valid UTF-8.".into()))?;
    if text.contains('\0') {
        return Err(Error::Invalid("The request path contains a null character.".into()).into());
    }
    Ok(text.into_owned())
}

/// The query parameters in order, decoded.
#[derive(Clone, Debug, Default)]
pub struct QueryParams(pub Vec<(String, String)>);

impl<S: Send + Sync> FromRequestParts<S> for QueryParams {
    type Rejection = Refusal;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Refusal> {
        let query = parts.uri.query().unwrap_or_default();
        if query.split(['&', ';']).nth(MAX_PARAMETERS).is_some() {
            return Err(Error::Invalid(format!("A query may have at most {MAX_PARAMETERS} parameters.").into()).into());
        }
        let pairs = query.split(['&', ';']).filter(|pair| !pair.is_empty()).map(|pair| {
            let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
            Ok((decode(&name.replace('+', " "))?, decode(&value.replace('+', " "))?))
        });
        pairs.collect::<Result<_, Refusal>>().map(Self)
    }
}

/// The media type of a request, without parameters, in lower case.
#[must_use]
pub fn media_type(headers: &HeaderMap) -> Option<String> {
    let value = headers.get(CONTENT_TYPE)?.to_str().ok()?;
    Some(value.split(';').next().unwrap_or_default().trim().to_ascii_lowercase())
}

/// A header as text.
///
/// # Errors
/// `Invalid` when it is there and not UTF-8.
pub fn text_header<'a>(headers: &'a HeaderMap, name: &HeaderName) -> Result<Option<&'a str>, Error> {
    match headers.get(name) {
        None => Ok(None),
        Some(value) => match std::str::from_utf8(value.as_bytes()) {
            Ok(text) => Ok(Some(text)),
            Err(_) => Err(Error::Invalid(format!("The header {name} is not valid UTF-8.").into())),
        },
    }
}
