//! Where timestamps come from. They are API output, so tests set them.

use std::sync::atomic::{AtomicI64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use glance_domain::Timestamp;
use rustix::time::{ClockId, clock_gettime};

/// The clock of the service.
#[derive(Clone, Debug, Default)]
pub enum Clock {
    /// The machine's clock.
    #[default]
    System,
    /// A clock that stands until it is set; time since boot is the machine's.
    Fixed(Arc<Mutex<Timestamp>>),
    /// A simulation's clock, in milliseconds since 1970.
    Simulated(Arc<AtomicI64>),
}

impl Clock {
    /// The machine's clock.
    #[must_use]
    pub fn system() -> Self {
        Self::System
    }

    /// A clock that stands at `moment` until it is [set](Clock::set).
    #[must_use]
    pub fn fixed(moment: Timestamp) -> Self {
        Self::Fixed(Arc::new(Mutex::new(moment)))
    }

    /// Moves a fixed clock; other clocks are left alone.
    pub fn set(&self, moment: Timestamp) {
        if let Self::Fixed(fixed) = self {
            *fixed.lock().unwrap_or_else(PoisonError::into_inner) = moment;
        }
    }

    /// The present moment.
    #[must_use]
    #[expect(clippy::disallowed_methods, reason = "this is the clock that everybody else must use")]
    pub fn now(&self) -> Timestamp {
        match self {
            Self::System => Timestamp::from_utc(chrono::Utc::now().naive_utc()),
            Self::Fixed(fixed) => *fixed.lock().unwrap_or_else(PoisonError::into_inner),
            Self::Simulated(clock) => {
                let time = chrono::DateTime::from_timestamp_millis(clock.load(Ordering::SeqCst)).unwrap_or_default();
                Timestamp::from_utc(time.naive_utc())
            }
        }
    }

    /// Time since the machine was started. It goes on while the process is stopped or the machine sleeps, and is never set.
    #[must_use]
    pub fn uptime(&self) -> Duration {
        match self {
            Self::System | Self::Fixed(_) => {
                let time = clock_gettime(ClockId::Boottime);
                let seconds = Duration::from_secs(u64::try_from(time.tv_sec).unwrap_or(0));
                seconds + Duration::from_nanos(u64::try_from(time.tv_nsec).unwrap_or(0))
            }
            Self::Simulated(clock) => Duration::from_millis(u64::try_from(clock.load(Ordering::SeqCst)).unwrap_or(0)),
        }
    }
}
