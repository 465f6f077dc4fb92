//! Which URLs are locations.

use url::Url;

use crate::error::{Error, Kind, Result};

/// The schemes of the driver.
pub(super) const SCHEMES: &[&str] = &["http", "https"];

/// Whether `text` starts as a location of this driver does.
pub(super) fn has_scheme(text: &str) -> bool {
    SCHEMES.iter().any(|scheme| text.strip_prefix(scheme).is_some_and(|rest| rest.starts_with("://")))
}

/// Checks that `text` is a location. Credentials are `user:password`, as Glance wants them, or absent. Whether it may be
/// asked is another question.
///
/// Messages do not repeat the location: it may hold a password.
pub(super) fn check(text: &str) -> Result<()> {
    if !has_scheme(text) {
        return Err(bad("is not an HTTP location"));
    }
    Url::parse(text).map_err(|error| bad("is malformed").with_source(error))?;
    let authority = text.split("://").nth(1).and_then(|rest| rest.split(['/', '?', '#']).next()).unwrap_or_default();
    let well_formed = match authority.rsplit_once('@') {
        Some((credentials, host)) => {
            credentials.matches(':').count() == 1 && !credentials.contains('@') && !host.is_empty()
        }
        None => !authority.is_empty(),
    };
    if well_formed { Ok(()) } else { Err(bad("has no host or malformed credentials")) }
}

fn bad(why: &str) -> Error {
    Error::new(Kind::BadLocation, format!("the location {why}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn http_urls_with_or_without_credentials_are_locations() {
        for text in [
            "http://host/image",
            "https://host:8443/a/b?c=d",
            "http://user:pass@host/i",
            "http://[::1]:80/i",
            "http://host",
        ] {
            assert!(check(text).is_ok(), "{text}");
        }
    }

    #[test]
    fn other_urls_are_refused() {
        for text in [
            "",
            "http:",
            "http://",
            "http:///image",
            "HTTP://host/i",
            "ftp://host/i",
            "http://host:port/i",
            "http://user@host/i",
            "http://a:b:c@host/i",
            "http://a:b@c@host/i",
            "http://a:b@/i",
            "http:/host/i",
            "http://ho st/i",
        ] {
            assert_eq!(check(text).err().map(|error| error.kind()), Some(Kind::BadLocation), "{text}");
        }
    }

    #[test]
    fn errors_keep_passwords_to_themselves() {
        let error = check("http://user:secret@host:port/i").err().unwrap();
        assert!(!format!("{error} {error:?}").contains("secret"));
    }
}
