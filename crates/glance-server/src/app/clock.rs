//! Where timestamps come from. They are API output, so tests set them.

use std::sync::{Arc, Mutex, PoisonError};

use glance_domain::Timestamp;

/// The clock of the service.
#[derive(Clone, Debug, Default)]
pub struct Clock {
    fixed: Option<Arc<Mutex<Timestamp>>>,
}

impl Clock {
    /// The machine's clock.
    #[must_use]
    pub fn system() -> Self {
        Self::default()
    }

    /// A clock that stands at `moment` until it is [set](Clock::set).
    #[must_use]
    pub fn fixed(moment: Timestamp) -> Self {
        Self { fixed: Some(Arc::new(Mutex::new(moment))) }
    }

    /// Moves a fixed clock; the machine's clock is left alone.
    pub fn set(&self, moment: Timestamp) {
        if let Some(fixed) = &self.fixed {
            *fixed.lock().unwrap_or_else(PoisonError::into_inner) = moment;
        }
    }

    /// The present moment.
    #[must_use]
    #[expect(clippy::disallowed_methods, reason = "this is the clock that everybody else must use")]
    pub fn now(&self) -> Timestamp {
        match &self.fixed {
            Some(fixed) => *fixed.lock().unwrap_or_else(PoisonError::into_inner),
            None => Timestamp::from_utc(chrono::Utc::now().naive_utc()),
        }
    }
}
