//! Database URLs as SQLAlchemy reads them.

/// The URL without its password, for messages.
pub(crate) fn redact(url: &str) -> String {
    let Some((scheme, rest)) = url.split_once("://") else { return "…".into() };
    let (authority, path) = rest.split_at(rest.find('/').unwrap_or(rest.len()));
    let Some((user, host)) = authority.rsplit_once('@') else { return url.into() };
    let name = user.split(':').next().unwrap_or_default();
    format!("{scheme}://{name}:***@{host}{path}")
}
