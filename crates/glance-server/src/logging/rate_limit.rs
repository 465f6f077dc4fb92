//! oslo.log's rate limit: so many lines in an interval, one complaint, then nothing until the next interval.

use std::sync::{Mutex, PoisonError};
use std::time::Instant;

use oslo::logging::Level;

use super::plan::RateLimit;

/// What becomes of a line.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Verdict {
    Keep,
    Drop,
    /// It is the first one too many: say so instead.
    Complain,
}

/// Counts lines.
pub(super) struct Limiter {
    limit: RateLimit,
    count: Mutex<(Instant, u64)>,
}

impl Limiter {
    pub(super) fn new(limit: RateLimit) -> Self {
        Self { limit, count: Mutex::new((Instant::now(), 0)) }
    }

    pub(super) fn judge(&self, level: Level, now: Instant) -> Verdict {
        if self.limit.except.is_some_and(|except| level >= except) {
            return Verdict::Keep;
        }
        let mut count = self.count.lock().unwrap_or_else(PoisonError::into_inner);
        if now.duration_since(count.0) >= self.limit.interval {
            *count = (now, 0);
        }
        count.1 += 1;
        match count.1.cmp(&(self.limit.burst + 1)) {
            std::cmp::Ordering::Less => Verdict::Keep,
            std::cmp::Ordering::Equal => Verdict::Complain,
            std::cmp::Ordering::Greater => Verdict::Drop,
        }
    }

    /// The complaint.
    pub(super) fn complaint(&self) -> String {
        let RateLimit { burst, interval, .. } = self.limit;
        format!("Logging rate limit: drop after {burst} records/{} sec", interval.as_secs())
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn a_burst_passes_and_the_next_interval_begins_anew() {
        let limit = RateLimit { burst: 2, interval: Duration::from_secs(5), except: Some(Level::ERROR) };
        let limiter = Limiter::new(limit);
        let start = Instant::now();
        let judge = |level, seconds| limiter.judge(level, start + Duration::from_secs(seconds));
        let verdicts = [0, 0, 0, 1, 6].map(|seconds| judge(Level::INFO, seconds));
        assert_eq!(verdicts, [Verdict::Keep, Verdict::Keep, Verdict::Complain, Verdict::Drop, Verdict::Keep]);
        assert_eq!(judge(Level::ERROR, 1), Verdict::Keep);
    }
}
