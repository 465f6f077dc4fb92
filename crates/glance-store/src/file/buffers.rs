//! Buffers for reading that are used again and again.
//!
//! Fresh memory for each chunk would cost a page fault for every 4 KiB delivered.

use std::sync::{Arc, Mutex, PoisonError};

use bytes::Bytes;
use tokio::sync::OwnedSemaphorePermit;

use crate::budget::{Budget, SHORT, Share};

/// Idle memory that a pool keeps at most.
const MAX_IDLE_BYTES: usize = 16 * 1024 * 1024;

/// Buffers of one size.
pub(super) struct Buffers {
    size: usize,
    budget: Budget,
    idle: Mutex<Vec<Box<[u8]>>>,
}

impl Buffers {
    pub(super) fn new(size: usize, budget: Budget) -> Arc<Self> {
        Arc::new(Self { size, budget, idle: Mutex::new(Vec::new()) })
    }

    /// A buffer with arbitrary contents, if the budget has room for it.
    pub(super) fn take(self: &Arc<Self>) -> Option<Buffer> {
        let claim = Claim::Share { _share: self.budget.take(self.size)? };
        let idle = self.idle.lock().unwrap_or_else(PoisonError::into_inner).pop();
        let data = idle.unwrap_or_else(|| vec![0; self.size].into_boxed_slice());
        Some(Buffer { data, filled: 0, home: Arc::clone(self), _claim: claim })
    }

    /// A short buffer, for which the budget need have no room; `turn` ends with it.
    pub(super) fn short(self: &Arc<Self>, turn: Option<OwnedSemaphorePermit>) -> Buffer {
        let data = vec![0; SHORT.min(self.size)].into_boxed_slice();
        Buffer { data, filled: 0, home: Arc::clone(self), _claim: Claim::Turn { _turn: turn } }
    }

    fn give_back(&self, data: Box<[u8]>) {
        let mut idle = self.idle.lock().unwrap_or_else(PoisonError::into_inner);
        if data.len() == self.size && (idle.len() + 1) * self.size <= MAX_IDLE_BYTES {
            idle.push(data);
        }
    }
}

/// A buffer that returns to its pool when the last user drops it.
pub(super) struct Buffer {
    data: Box<[u8]>,
    filled: usize,
    home: Arc<Buffers>,
    _claim: Claim,
}

/// What a buffer may exist by.
enum Claim {
    /// A share of the budget.
    Share { _share: Share },
    /// It is the only short one of its reader.
    Turn { _turn: Option<OwnedSemaphorePermit> },
}

impl Buffer {
    /// Its size in bytes.
    pub(super) fn size(&self) -> usize {
        self.data.len()
    }

    /// The place for `length` bytes, or as many as fit.
    pub(super) fn space(&mut self, length: usize) -> &mut [u8] {
        let length = length.min(self.data.len());
        &mut self.data[..length]
    }

    /// The first `filled` bytes as shared data, without copying.
    pub(super) fn freeze(mut self, filled: usize) -> Bytes {
        self.filled = filled.min(self.data.len());
        Bytes::from_owner(self)
    }
}

impl AsRef<[u8]> for Buffer {
    fn as_ref(&self) -> &[u8] {
        &self.data[..self.filled]
    }
}

impl Drop for Buffer {
    fn drop(&mut self) {
        self.home.give_back(std::mem::take(&mut self.data));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn idle(buffers: &Buffers) -> usize {
        buffers.idle.lock().unwrap().len()
    }

    #[test]
    fn a_buffer_comes_back_when_its_last_slice_is_dropped() {
        let buffers = Buffers::new(8, Budget::default());
        let mut buffer = buffers.take().unwrap();
        buffer.space(3).copy_from_slice(b"abc");
        let whole = buffer.freeze(3);
        let tail = whole.slice(1..);
        drop(whole);
        assert_eq!((&tail[..], idle(&buffers)), (&b"bc"[..], 0));
        drop(tail);
        assert_eq!(idle(&buffers), 1);
        drop(buffers.take());
        assert_eq!(idle(&buffers), 1);
    }

    #[test]
    fn idle_memory_is_bounded() {
        let buffers = Buffers::new(MAX_IDLE_BYTES / 2, Budget::default());
        let many: Vec<_> = (0..5).map(|_| buffers.take().unwrap()).collect();
        drop(many);
        assert_eq!(idle(&buffers), 2);
    }

    #[test]
    fn beyond_the_budget_buffers_are_short() {
        let buffers = Buffers::new(1 << 20, Budget::new(1 << 20));
        let buffer = buffers.take().unwrap();
        assert!(buffers.take().is_none());
        assert_eq!(buffers.short(None).size(), SHORT);
        assert_eq!(idle(&buffers), 0, "short buffers are not kept");
        drop(buffer.freeze(5));
        assert!(buffers.take().is_some());
    }
}
