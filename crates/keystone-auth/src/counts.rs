//! How often tokens were judged, and by what.

use std::sync::atomic::{AtomicU64, Ordering};

/// How tokens were judged since the beginning.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Lookups {
    /// The process remembered them.
    pub remembered: u64,
    /// Another service had left them in memcached.
    pub shared: u64,
    /// The identity service found them valid.
    pub valid: u64,
    /// The identity service did not know them.
    pub invalid: u64,
    /// Nobody could tell.
    pub unavailable: u64,
}

/// The same, while it is counted.
#[derive(Debug, Default)]
pub(crate) struct Counts {
    remembered: AtomicU64,
    shared: AtomicU64,
    valid: AtomicU64,
    invalid: AtomicU64,
    unavailable: AtomicU64,
}

impl Counts {
    pub(crate) fn remembered(&self) {
        self.remembered.fetch_add(1, Ordering::Relaxed);
    }

    pub(crate) fn shared(&self) {
        self.shared.fetch_add(1, Ordering::Relaxed);
    }

    pub(crate) fn valid(&self) {
        self.valid.fetch_add(1, Ordering::Relaxed);
    }

    pub(crate) fn invalid(&self) {
        self.invalid.fetch_add(1, Ordering::Relaxed);
    }

    pub(crate) fn unavailable(&self) {
        self.unavailable.fetch_add(1, Ordering::Relaxed);
    }

    pub(crate) fn read(&self) -> Lookups {
        Lookups {
            remembered: self.remembered.load(Ordering::Relaxed),
            shared: self.shared.load(Ordering::Relaxed),
            valid: self.valid.load(Ordering::Relaxed),
            invalid: self.invalid.load(Ordering::Relaxed),
            unavailable: self.unavailable.load(Ordering::Relaxed),
        }
    }
}
