//! What counts as a host and as a URI.

use std::net::{IpAddr, Ipv6Addr};

/// Accepts an IP address or a host name as RFC 1123 has it, and returns it without the dot that may end a name. A name
/// whose last part has only digits is a mistyped address.
///
/// # Errors
/// What is wrong.
pub(super) fn check_host(text: &str) -> Result<&str, &'static str> {
    if text.parse::<IpAddr>().is_ok() {
        return Ok(text);
    }
    let name = text.strip_suffix('.').unwrap_or(text);
    if name.is_empty() || text.len() > 253 {
        return Err("a host name has 1 to 253 characters");
    }
    let last = name.rsplit('.').next().unwrap_or_default();
    if !last.contains(|c: char| c.is_ascii_alphabetic() || c == '-') {
        return Err("neither an IP address nor a host name");
    }
    if name.split('.').all(is_label) {
        return Ok(name);
    }
    Err("each part of a host name has 1 to 63 letters, digits and inner hyphens")
}

fn is_label(label: &str) -> bool {
    (1..=63).contains(&label.len())
        && !label.starts_with('-')
        && !label.ends_with('-')
        && label.bytes().all(|c| c.is_ascii_alphanumeric() || c == b'-')
}

/// Accepts a URI with a scheme and a host, by the grammar of RFC 3986.
///
/// # Errors
/// What is wrong.
pub(super) fn check_uri(text: &str) -> Result<(), &'static str> {
    let (scheme, rest) = text.split_once(':').ok_or("a URI starts with a scheme such as https:")?;
    let is_scheme = scheme.starts_with(|c: char| c.is_ascii_alphabetic())
        && scheme.bytes().all(|c| c.is_ascii_alphanumeric() || b"+-.".contains(&c));
    if !is_scheme {
        return Err("a URI starts with a scheme such as https:");
    }
    let rest = rest.strip_prefix("//").ok_or("the URI names no host: // must follow the scheme")?;
    let rest = rest.split(['?', '#']).next().unwrap_or_default();
    let (authority, path) = rest.split_at(rest.find('/').unwrap_or(rest.len()));
    check_authority(authority)?;
    if only(path, b"/:@") { Ok(()) } else { Err("the path of the URI has characters that must be percent-encoded") }
}

fn check_authority(authority: &str) -> Result<(), &'static str> {
    let (user, host) = authority.rsplit_once('@').unwrap_or(("", authority));
    if !only(user, b":") {
        return Err("the part of the URI before @ has characters that must be percent-encoded");
    }
    let (host, port) = match host.strip_prefix('[').and_then(|rest| rest.split_once(']')) {
        Some((address, port)) if address.parse::<Ipv6Addr>().is_ok() => ("v6", port),
        Some(_) => return Err("the URI has no valid IPv6 address between [ and ]"),
        None => host.split_at(host.find(':').unwrap_or(host.len())),
    };
    if host.is_empty() || !only(host, b"") || is_mistyped_address(host) {
        return Err("the URI has no valid host");
    }
    let digits = port.strip_prefix(':').unwrap_or(port);
    if digits.len() <= 5 && digits.bytes().all(|c| c.is_ascii_digit()) {
        Ok(())
    } else {
        Err("the URI has no valid port")
    }
}

/// Whether four short numbers with dots between them are no IPv4 address.
fn is_mistyped_address(host: &str) -> bool {
    let is_part = |part: &str| (1..=3).contains(&part.len()) && part.bytes().all(|c| c.is_ascii_digit());
    let parts = host.split('.');
    parts.clone().count() == 4
        && parts.clone().all(is_part)
        && !parts.flat_map(str::parse::<u16>).all(|part| part < 256)
}

/// Whether there are only unreserved characters, sub-delimiters, percent-encoded bytes and `more`.
fn only(text: &str, more: &[u8]) -> bool {
    let mut bytes = text.bytes();
    while let Some(byte) = bytes.next() {
        let fine = match byte {
            b'%' => [bytes.next(), bytes.next()].iter().all(|digit| digit.is_some_and(|c| c.is_ascii_hexdigit())),
            _ => byte.is_ascii_alphanumeric() || b"-._~!$&'()*+,;=".contains(&byte) || more.contains(&byte),
        };
        if !fine {
            return false;
        }
    }
    true
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hosts() {
        for good in ["localhost", "10.0.0.1", "::1", "a.b-c.example.", "x1"] {
            assert_eq!(check_host(good), Ok(good.trim_end_matches('.')), "{good}");
        }
        for bad in ["", ".", "-a", "a-", "a..b", "10.0.0", "10.0.0.256", "a b", "a_b", &"a".repeat(64)] {
            assert!(check_host(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn uris() {
        for good in ["http://a", "https://u:p@[::1]:80/x%20y?q#f", "file://localhost/tmp"] {
            assert_eq!(check_uri(good), Ok(()), "{good}");
        }
        for bad in [
            "",
            "a",
            "http:/a",
            "http://",
            "1http://a",
            "http://a b",
            "http://a:b",
            "http://1.2.3.256",
            "http://[::z]",
            "http://a/%zz",
        ] {
            assert!(check_uri(bad).is_err(), "{bad}");
        }
    }
}
