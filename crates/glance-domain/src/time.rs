//! Timestamps as the API shows them.

use chrono::{Datelike as _, NaiveDateTime, SubsecRound, Timelike as _};

/// A moment in UTC. The database columns carry no zone, so neither does this type.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Timestamp(NaiveDateTime);

impl Timestamp {
    /// Wraps a UTC date and time, cut to whole microseconds (what every database keeps).
    #[must_use]
    pub fn from_utc(utc: NaiveDateTime) -> Self {
        Self(utc.trunc_subsecs(6))
    }

    /// The date and time in UTC.
    #[must_use]
    pub fn utc(self) -> NaiveDateTime {
        self.0
    }

    /// Seconds precision, as every image document shows it: `2026-01-31T23:59:59Z`.
    #[must_use]
    pub fn to_api(self) -> String {
        // Not through the general formatter: a page of images has thousands of times.
        let (date, time) = (self.0.date(), self.0.time());
        let (year, month, day) = (date.year(), date.month(), date.day());
        let (hour, minute, second) = (time.hour(), time.minute(), time.second());
        format!("{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}Z")
    }

    /// Reads what a client may send in a filter: ISO 8601 with an optional fraction and an optional
    /// zone (`Z`, `+02:00`, `+0200`); a date alone is midnight; no zone is UTC. Years are 1 to 9999, as databases have
    /// them.
    #[must_use]
    pub fn parse_iso(text: &str) -> Option<Self> {
        Self::parse_any_year(text).filter(|moment| (1..=9999).contains(&moment.0.year()))
    }

    fn parse_any_year(text: &str) -> Option<Self> {
        use chrono::{DateTime, NaiveDate, NaiveTime};
        let text = text.trim();
        for zoned in ["%Y-%m-%dT%H:%M:%S%.f%#z", "%Y-%m-%d %H:%M:%S%.f%#z"] {
            if let Ok(time) = DateTime::parse_from_str(text, zoned) {
                return Some(Self::from_utc(time.naive_utc()));
            }
        }
        let naive = text.strip_suffix('Z').unwrap_or(text);
        for format in ["%Y-%m-%dT%H:%M:%S%.f", "%Y-%m-%d %H:%M:%S%.f", "%Y-%m-%dT%H:%M", "%Y%m%dT%H%M%S%.f"] {
            if let Ok(time) = NaiveDateTime::parse_from_str(naive, format) {
                return Some(Self::from_utc(time));
            }
        }
        let date = NaiveDate::parse_from_str(naive, "%Y-%m-%d").or_else(|_| NaiveDate::parse_from_str(naive, "%Y%m%d"));
        date.ok().map(|day| Self::from_utc(day.and_time(NaiveTime::MIN)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn iso_8601_in_the_forms_clients_send() {
        let cases = [
            ("2026-01-31T23:59:59Z", "2026-01-31T23:59:59Z"),
            ("2026-01-31T23:59:59", "2026-01-31T23:59:59Z"),
            ("2026-01-31 23:59:59.5", "2026-01-31T23:59:59Z"),
            ("2026-01-31T23:59:59+02:00", "2026-01-31T21:59:59Z"),
            ("2026-01-31T23:59:59-0130", "2026-02-01T01:29:59Z"),
            ("2026-01-31", "2026-01-31T00:00:00Z"),
        ];
        for (sent, shown) in cases {
            assert_eq!(Timestamp::parse_iso(sent).map(Timestamp::to_api).as_deref(), Some(shown), "{sent}");
        }
        for bad in ["", "yesterday", "2026-13-01", "0000-01-01", "99999-01-01", "2026-01-31T25:00:00Z", "12"] {
            assert_eq!(Timestamp::parse_iso(bad), None, "{bad}");
        }
    }
}
