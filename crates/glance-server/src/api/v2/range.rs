//! Byte ranges of downloads: `Range` as RFC 9110 has it, and the request `Content-Range` that old clients of Glance send.

use glance_store::ByteRange;
use http::HeaderMap;
use http::header::{CONTENT_RANGE, RANGE};

use crate::app::error::{Error, Result, Text};

/// The part of an image of `size` bytes that the request asks for; `None` for all of it.
///
/// # Errors
/// `Invalid` for several ranges, `RangeNotSatisfiable` for malformed ones and those outside the data.
pub fn requested(headers: &HeaderMap, size: u64) -> Result<Option<ByteRange>> {
    if let Some(value) = headers.get(RANGE) {
        if headers.get_all(RANGE).iter().nth(1).is_some() {
            return Err(several());
        }
        let text = value.to_str().map_err(|_| unsatisfiable("Invalid Range header.".into()))?;
        return standard(text, size).map(Some);
    }
    match headers.get(CONTENT_RANGE) {
        Some(value) => {
            let text = value.to_str().map_err(|_| unsatisfiable("Invalid Content-Range header.".into()))?;
            legacy(text, size).map(Some)
        }
        None => Ok(None),
    }
}

fn standard(text: &str, size: u64) -> Result<ByteRange> {
    if text.contains(',') {
        return Err(several());
    }
    let malformed = || unsatisfiable("Invalid Range header.".into());
    let (unit, range) = text.split_once('=').ok_or_else(malformed)?;
    if !unit.trim().eq_ignore_ascii_case("bytes") {
        return Err(malformed());
    }
    let (first, last) = range.trim().split_once('-').ok_or_else(malformed)?;
    let number = |digits: &str| number(digits).ok_or_else(malformed);
    let (start, end) = match (first, last) {
        ("", suffix) => {
            let length = number(suffix)?;
            let whole = length == 0 || length >= size;
            (if whole { 0 } else { size - length }, size)
        }
        (first, "") => (number(first)?, size),
        (first, last) => {
            let (start, last) = (number(first)?, number(last)?);
            if last < start {
                return Err(malformed());
            }
            (start, last.saturating_add(1).min(size))
        }
    };
    inside("Range", start, size)?;
    Ok(ByteRange { offset: start, length: end - start })
}

/// `bytes 0-4/*` or `bytes 0-4/10`.
fn legacy(text: &str, size: u64) -> Result<ByteRange> {
    let malformed = || unsatisfiable("Invalid Content-Range header.".into());
    let range = text.trim().strip_prefix("bytes ").ok_or_else(malformed)?;
    let (range, total) = range.split_once('/').ok_or_else(malformed)?;
    let (first, last) = range.split_once('-').ok_or_else(malformed)?;
    let (start, last) = (number(first).ok_or_else(malformed)?, number(last).ok_or_else(malformed)?);
    let total_fits = total == "*" || number(total).is_some_and(|total| last < total);
    if last < start || !total_fits {
        return Err(malformed());
    }
    if last >= size {
        return Err(unsatisfiable(format!(
            "Invalid stop position in Content-Range header. The stop position MUST be in the inclusive range [0, {}].",
            i128::from(size) - 1
        )));
    }
    inside("Content-Range", start, size)?;
    Ok(ByteRange { offset: start, length: last + 1 - start })
}

fn inside(header: &str, start: u64, size: u64) -> Result<()> {
    if start < size {
        return Ok(());
    }
    Err(unsatisfiable(format!(
        "Invalid start position in {header} header. Start position MUST be in the inclusive range [0, {}].",
        i128::from(size) - 1
    )))
}

fn number(digits: &str) -> Option<u64> {
    let digits = digits.trim();
    if digits.is_empty() || !digits.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    Some(digits.parse().unwrap_or(u64::MAX))
}

fn several() -> Error {
    let text = "Requests with multiple ranges are not supported in Glance. You may make multiple single-range \
                requests instead.";
    Error::Invalid(text.into())
}

fn unsatisfiable(text: String) -> Error {
    Error::RangeNotSatisfiable(Text::Detail(text))
}

#[cfg(test)]
mod tests {
    use http::header::{HeaderName, HeaderValue};

    use super::*;

    fn asked(header: HeaderName, value: &'static str) -> Result<Option<(u64, u64)>> {
        let headers = HeaderMap::from_iter([(header, HeaderValue::from_static(value))]);
        requested(&headers, 10).map(|range| range.map(|range| (range.offset, range.length)))
    }

    #[test]
    fn ranges_that_can_be_given() {
        let cases = [
            ("bytes=0-4", (0, 5)),
            ("bytes=9-", (9, 1)),
            ("bytes=2-100", (2, 8)),
            ("bytes=2-18446744073709551615", (2, 8)),
            ("bytes=-3", (7, 3)),
            ("bytes=-0", (0, 10)),
            ("bytes=-99", (0, 10)),
        ];
        for (value, expected) in cases {
            assert_eq!(asked(RANGE, value).unwrap(), Some(expected), "{value}");
        }
        assert_eq!(asked(CONTENT_RANGE, "bytes 1-3/*").unwrap(), Some((1, 3)));
        assert_eq!(asked(CONTENT_RANGE, "bytes 1-3/10").unwrap(), Some((1, 3)));
    }

    #[test]
    fn ranges_that_cannot() {
        for value in ["bytes=10-", "bytes=4-3", "lines=1-2", "bytes=a-b", "bytes", "bytes=", "bytes=-"] {
            assert!(matches!(asked(RANGE, value), Err(Error::RangeNotSatisfiable(_))), "{value}");
        }
        assert!(matches!(asked(RANGE, "bytes=0-1,3-4"), Err(Error::Invalid(_))));
        let two = ["bytes=0-1", "bytes=3-4"].map(|value| (RANGE, HeaderValue::from_static(value)));
        assert!(matches!(requested(&HeaderMap::from_iter(two), 10), Err(Error::Invalid(_))));
        for value in ["bytes 3-1/*", "bytes 1-10/*", "bytes 1-3/2", "1-3/10", "bytes */10"] {
            assert!(matches!(asked(CONTENT_RANGE, value), Err(Error::RangeNotSatisfiable(_))), "{value}");
        }
    }
}
