//! To which trace a request belongs, as W3C's Trace Context says it: `traceparent: 00-<trace>-<span>-<flags>`.

use http::HeaderMap;

/// What the caller says of its trace.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Parent {
    pub(super) trace: u128,
    pub(super) span: u64,
    /// Whether the caller exports it.
    pub(super) sampled: bool,
}

/// The header of a request; several are none.
pub(super) fn header(headers: &HeaderMap) -> Option<&str> {
    let mut values = headers.get_all("traceparent").iter();
    values.next().filter(|_| values.next().is_none())?.to_str().ok()
}

impl Parent {
    /// Reads the header; `None` for what is not in its form. Later versions may append to it.
    pub(super) fn parse(text: &str) -> Option<Self> {
        let is_hex = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit() || (b'a'..=b'f').contains(&byte));
        let mut parts = text.split('-');
        let mut next = |length: usize| parts.next().filter(|part| part.len() == length && is_hex(part));
        let (version, trace, span, flags) = (next(2)?, next(32)?, next(16)?, next(2)?);
        if version == "ff" || version == "00" && parts.next().is_some() {
            return None;
        }
        let trace = u128::from_str_radix(trace, 16).ok().filter(|id| *id != 0)?;
        let span = u64::from_str_radix(span, 16).ok().filter(|id| *id != 0)?;
        Some(Self { trace, span, sampled: u8::from_str_radix(flags, 16).ok()? & 1 == 1 })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_has_the_form_is_a_parent() {
        let (trace, span) = ("4bf92f3577b34da6a3ce929d0e0e4736", "00f067aa0ba902b7");
        let parent = |sampled| {
            Some(Parent { trace: 0x4bf9_2f35_77b3_4da6_a3ce_929d_0e0e_4736, span: 0xf0_67aa_0ba9_02b7, sampled })
        };
        assert_eq!(Parent::parse(&format!("00-{trace}-{span}-01")), parent(true));
        assert_eq!(Parent::parse(&format!("00-{trace}-{span}-02")), parent(false));
        assert_eq!(Parent::parse(&format!("cc-{trace}-{span}-01-more")), parent(true));
        let none = "0".repeat(32);
        for bad in [
            String::new(),
            format!("00-{trace}-{span}"),
            format!("00-{trace}-{span}-01-more"),
            format!("ff-{trace}-{span}-01"),
            format!("00-{none}-{span}-01"),
            format!("00-{trace}-{}-01", &none[..16]),
            format!("00-{}-{span}-01", trace.to_uppercase()),
            format!("00-{trace}-{span}-+1"),
            format!("00-{trace}é-{span}-01"),
        ] {
            assert_eq!(Parent::parse(&bad), None, "{bad}");
        }
    }
}
