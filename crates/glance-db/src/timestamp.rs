//! Timestamps in SQLite columns, as SQLAlchemy writes them: text, always with six digits of fraction,
//! so that text order is time order.

use chrono::{NaiveDate, NaiveDateTime, Timelike};
use glance_domain::Timestamp;

use crate::error::{Error, Kind, Result};

/// `2026-01-31 23:59:59.000000`
pub(crate) fn to_sqlite(time: Timestamp) -> String {
    time.utc().format("%Y-%m-%d %H:%M:%S%.6f").to_string()
}

/// Reads `2026-01-31 23:59:59.000000`; the fraction may be shorter or missing.
pub(crate) fn from_sqlite(text: &str) -> Result<Timestamp> {
    plain(text)
        .or_else(|| Timestamp::parse_iso(text))
        .ok_or_else(|| Error::new(Kind::Corrupt, "a column holds something that is no date and time"))
}

/// `DATETIME` on MySQL has no fraction; MySQL would round and MariaDB cut, so cut here.
pub(crate) fn whole_seconds(time: Timestamp) -> NaiveDateTime {
    let utc = time.utc();
    utc.with_nanosecond(0).unwrap_or(utc)
}

/// The one form that is written, without the cost of a general parser.
fn plain(text: &str) -> Option<Timestamp> {
    let bytes = text.as_bytes();
    if bytes.len() != 26 || [bytes[4], bytes[7], bytes[10], bytes[13], bytes[16], bytes[19]] != *b"-- ::." {
        return None;
    }
    let number = |from: usize, to: usize| text.get(from..to)?.parse::<u32>().ok();
    let date = NaiveDate::from_ymd_opt(i32::try_from(number(0, 4)?).ok()?, number(5, 7)?, number(8, 10)?)?;
    let time = date.and_hms_micro_opt(number(11, 13)?, number(14, 16)?, number(17, 19)?, number(20, 26)?)?;
    Some(Timestamp::from_utc(time))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn six_digits_both_ways() {
        for text in ["2026-01-31 23:59:59.000000", "1970-01-01 00:00:00.000001", "2026-01-31 23:59:59.120000"] {
            assert_eq!(to_sqlite(from_sqlite(text).unwrap()), text);
        }
        assert_eq!(to_sqlite(from_sqlite("2026-01-31 23:59:59").unwrap()), "2026-01-31 23:59:59.000000");
        for bad in ["", "yesterday", "2026-13-01 00:00:00.000000", "2026-01-31 23:59:59.12345é"] {
            assert_eq!(from_sqlite(bad).unwrap_err().kind(), Kind::Corrupt, "{bad}");
        }
    }

    #[test]
    fn mysql_never_rounds_up() {
        let time = from_sqlite("2026-01-31 23:59:59.999999").unwrap();
        assert_eq!(whole_seconds(time).to_string(), "2026-01-31 23:59:59");
    }
}
