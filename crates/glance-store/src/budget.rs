//! One budget for the buffers of all transfers of a process.
//!
//! Whoever wants a part of the usual size takes a [`Share`] for it, which ends with the part. **Nobody waits for a
//! share**: if none is left, the transfer goes on with short parts of [`SHORT`] bytes, of which it holds only a few, and
//! tries again at the next one. So no transfer ever waits for another, there is nothing that could be a deadlock, and
//! clients that hold their shares for long, because they neither send nor take data, slow others down but do not stop
//! them. The memory of all transfers is at most the budget and a few short parts for each of them.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use bytes::Bytes;

/// The size of parts that need no share, in bytes.
pub const SHORT: usize = 32 << 10;

/// What has to be left for parts of the usual size to be received or read, in bytes.
const USUAL: usize = 1 << 20;

/// The bytes that buffers may take. Clones are one budget.
#[derive(Clone, Debug)]
pub struct Budget(Arc<AtomicUsize>);

/// Bytes of the budget, until it is dropped.
#[derive(Debug)]
pub struct Share {
    budget: Budget,
    bytes: usize,
}

impl Default for Budget {
    /// 96 MiB, as by default in the configuration.
    fn default() -> Self {
        Self::new(96 << 20)
    }
}

impl Budget {
    /// A budget of `bytes` bytes.
    #[must_use]
    pub fn new(bytes: usize) -> Self {
        Self(Arc::new(AtomicUsize::new(bytes)))
    }

    /// A share of `bytes` bytes, if so many are left.
    #[must_use]
    pub fn take(&self, bytes: usize) -> Option<Share> {
        let taken = self.0.fetch_update(Ordering::Relaxed, Ordering::Relaxed, |left| left.checked_sub(bytes));
        taken.ok().map(|_| Share { budget: self.clone(), bytes })
    }

    /// Whether so little is left that data had better come in short parts.
    #[must_use]
    pub fn is_scarce(&self) -> bool {
        self.left() < USUAL
    }

    /// What is left, in bytes.
    #[must_use]
    pub fn left(&self) -> usize {
        self.0.load(Ordering::Relaxed)
    }
}

impl Share {
    /// The data with its share, which ends when nobody has any of the data any more.
    #[must_use]
    pub fn over(self, data: Bytes) -> Bytes {
        Bytes::from_owner(Shared { data, _share: self })
    }
}

impl Drop for Share {
    fn drop(&mut self) {
        self.budget.0.fetch_add(self.bytes, Ordering::Relaxed);
    }
}

/// Data that has a share.
struct Shared {
    data: Bytes,
    _share: Share,
}

impl AsRef<[u8]> for Shared {
    fn as_ref(&self) -> &[u8] {
        &self.data
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_share_ends_with_the_last_slice_of_its_data() {
        let budget = Budget::new(10);
        let share = budget.take(7).unwrap();
        assert!(budget.take(4).is_none());
        let data = share.over(Bytes::from_static(b"1234567"));
        let tail = data.slice(5..);
        drop(data);
        assert_eq!((budget.left(), &tail[..]), (3, &b"67"[..]));
        drop(tail);
        assert_eq!(budget.left(), 10);
        assert_eq!(budget.take(10).map(|share| share.bytes), Some(10));
    }

    #[test]
    fn what_is_scarce_depends_on_what_is_left() {
        let budget = Budget::new(2 * USUAL);
        assert!(!budget.is_scarce());
        let share = budget.take(USUAL + 1);
        assert!(budget.is_scarce());
        drop(share);
        assert!(!budget.is_scarce());
    }
}
