//! Chunks of a request body, of a size that is worth handing to other threads.
//!
//! HTTP delivers frames of a few hundred bytes from a slow client and of hundreds of KiB from a fast one. Small frames
//! that are already there are joined; nothing is waited for to fill a chunk, so a slow client costs only what it sent.
//!
//! A chunk has a share of the budget for buffers, which is taken once its data is there and ends when the last of hashing
//! and storing has let go of it. Where no share is left, data comes in short chunks without one, of which whoever stores
//! them must not gather many: [`Receiver::is_short`]. No upload ever waits for another.

use std::collections::VecDeque;
use std::time::Duration;

use bytes::{Bytes, BytesMut};
use futures_util::FutureExt;
use glance_store::Budget;
use glance_store::budget::SHORT;
use http_body_util::BodyExt;
use http_body_util::combinators::UnsyncBoxBody;

/// A request body, whatever server it comes from.
pub type Incoming = UnsyncBoxBody<Bytes, Box<dyn std::error::Error + Send + Sync>>;

/// Frames at least this large are passed on as they are.
const LARGE: usize = 128 << 10;

/// Joined chunks grow to about this size.
const TARGET: usize = 1 << 20;

/// How much of a refused body is read on.
const DRAIN_BYTES: usize = 64 << 20;

/// For how long a refused body is read on.
const DRAIN_TIME: Duration = Duration::from_secs(10);

/// The client went away, or broke the rules of HTTP, before the body was complete.
#[derive(Debug, thiserror::Error)]
#[error("the request body ended early")]
pub struct Interrupted(#[source] Box<dyn std::error::Error + Send + Sync>);

/// Reads a body chunk by chunk.
pub struct Receiver {
    body: Incoming,
    held: VecDeque<Bytes>,
    /// A body must not be asked again once it has ended.
    ended: bool,
    budget: Option<Budget>,
    is_short: bool,
}

impl Receiver {
    /// Reads from `body` what nobody keeps for long.
    #[must_use]
    pub fn new(body: Incoming) -> Self {
        Self { body, held: VecDeque::new(), ended: false, budget: None, is_short: false }
    }

    /// Reads from `body` chunks that have shares of `budget`, or are short.
    #[must_use]
    pub fn within(body: Incoming, budget: Budget) -> Self {
        Self { budget: Some(budget), ..Self::new(body) }
    }

    /// Whether the last chunk has no share, because none was left: what is gathered has to be handed on before it.
    #[must_use]
    pub fn is_short(&self) -> bool {
        self.is_short
    }

    /// The next chunk, never empty; `None` at the end.
    ///
    /// # Errors
    /// [`Interrupted`] when the body is cut off.
    pub async fn next(&mut self) -> Result<Option<Bytes>, Interrupted> {
        let first = match self.held.pop_front() {
            Some(held) => held,
            None => match self.frame().await? {
                Some(frame) => frame,
                None => return Ok(None),
            },
        };
        let is_scarce = self.budget.as_ref().is_some_and(Budget::is_scarce);
        let chunk = if is_scarce || first.len() >= LARGE { first } else { self.join(first)? };
        Ok(Some(self.shared(chunk)))
    }

    /// The chunk with a share, or the beginning of it.
    fn shared(&mut self, mut chunk: Bytes) -> Bytes {
        let Some(budget) = &self.budget else { return chunk };
        if let Some(share) = budget.take(chunk.len()) {
            self.is_short = false;
            return share.over(chunk);
        }
        self.is_short = true;
        if chunk.len() > SHORT {
            self.held.push_front(chunk.split_off(SHORT));
        }
        chunk
    }

    /// Appends the frames that are there already.
    fn join(&mut self, first: Bytes) -> Result<Bytes, Interrupted> {
        let mut joined: Option<BytesMut> = None;
        while self.held.is_empty() {
            let more = match self.frame().now_or_never() {
                Some(Ok(Some(frame))) => frame,
                Some(Err(interrupted)) => return Err(interrupted),
                Some(Ok(None)) | None => break,
            };
            if more.len() >= LARGE {
                self.held.push_back(more);
                break;
            }
            // Of full size at once: growing would copy what is there again and again.
            let joined = joined.get_or_insert_with(|| {
                let mut joined = BytesMut::with_capacity(TARGET + LARGE);
                joined.extend_from_slice(&first);
                joined
            });
            joined.extend_from_slice(&more);
            if joined.len() >= TARGET {
                break;
            }
        }
        Ok(joined.map_or(first, BytesMut::freeze))
    }

    async fn frame(&mut self) -> Result<Option<Bytes>, Interrupted> {
        while !self.ended {
            match self.body.frame().await {
                None => self.ended = true,
                Some(Err(error)) => {
                    self.ended = true;
                    return Err(Interrupted(error));
                }
                Some(Ok(frame)) => match frame.into_data() {
                    Ok(data) if !data.is_empty() => return Ok(Some(data)),
                    _ => {}
                },
            }
        }
        Ok(None)
    }

    /// Throws away what is left, within bounds, so that a client that only reads when it has sent everything gets to
    /// read the answer.
    pub async fn drain(&mut self) {
        let reading = async {
            let mut seen = 0;
            while seen < DRAIN_BYTES {
                match self.next().await {
                    Ok(Some(chunk)) => seen += chunk.len(),
                    Ok(None) | Err(_) => return,
                }
            }
        };
        // A client that is too slow for this gets its connection closed.
        let _ = tokio::time::timeout(DRAIN_TIME, reading).await;
    }
}

#[cfg(test)]
mod tests {
    use futures_util::stream;
    use http_body::Frame;
    use http_body_util::StreamBody;

    use super::*;

    fn body(sizes: &[usize]) -> Receiver {
        let frames: Vec<_> = sizes.iter().map(|size| Ok(Frame::data(Bytes::from(vec![7; *size])))).collect();
        Receiver::new(StreamBody::new(stream::iter(frames)).boxed_unsync())
    }

    async fn sizes(mut receiver: Receiver) -> Vec<usize> {
        let mut sizes = Vec::new();
        while let Some(chunk) = receiver.next().await.unwrap() {
            sizes.push(chunk.len());
        }
        sizes
    }

    #[tokio::test]
    async fn small_frames_are_joined_and_large_ones_pass() {
        assert_eq!(sizes(body(&[])).await, [0; 0]);
        assert_eq!(sizes(body(&[0, 3, 0, 4])).await, [7]);
        assert_eq!(sizes(body(&[10, LARGE, 5, 5])).await, [10, LARGE, 10]);
        assert_eq!(sizes(body(&[LARGE + 1, LARGE])).await, [LARGE + 1, LARGE]);
        let many = sizes(body(&[64 << 10; 40])).await;
        assert_eq!(many.iter().sum::<usize>(), 40 * (64 << 10));
        assert!(many.iter().all(|size| *size <= TARGET + LARGE), "{many:?}");
    }

    #[tokio::test]
    async fn without_shares_chunks_are_short_until_there_is_room() {
        let budget = Budget::new(3 << 20);
        let mut receiver = body(&[1 << 20, 1 << 20, 1 << 20, 200 << 10, 10, 200 << 10]);
        receiver.budget = Some(budget.clone());
        let mut shared = Vec::new();
        for _ in 0..3 {
            shared.extend(receiver.next().await.unwrap());
            assert!(!receiver.is_short());
        }
        assert_eq!(budget.left(), 0);
        let mut short = receiver.next().await.unwrap().unwrap();
        assert_eq!((short.len(), receiver.is_short(), budget.left()), (SHORT, true, 0));
        short = receiver.next().await.unwrap().unwrap();
        assert_eq!((short.len(), receiver.is_short()), (SHORT, true));
        shared.clear();
        assert_eq!(budget.left(), 3 << 20);
        let rest = receiver.next().await.unwrap().unwrap();
        assert_eq!((rest.len(), receiver.is_short()), ((200 << 10) - 2 * SHORT, false));
        drop((short, rest));
        assert_eq!(sizes(receiver).await, [10, 200 << 10]);
        assert_eq!(budget.left(), 3 << 20);
    }

    #[tokio::test]
    async fn draining_stops_at_its_limit() {
        let frames = DRAIN_BYTES / LARGE + 8;
        let mut receiver = body(&vec![LARGE; frames]);
        receiver.drain().await;
        assert_eq!(sizes(receiver).await.len(), 8);
    }

    #[tokio::test(start_paused = true)]
    async fn draining_does_not_wait_for_ever() {
        let silent = stream::pending::<Result<Frame<Bytes>, Box<dyn std::error::Error + Send + Sync>>>();
        Receiver::new(StreamBody::new(silent).boxed_unsync()).drain().await;
    }
}
