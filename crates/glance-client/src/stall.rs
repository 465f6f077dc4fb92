//! Telling an upload that is slow from one that nobody takes: only time in which the server could act counts.

use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll, ready};
use std::time::Duration;

use futures_util::Stream;
use tokio::time::Instant;

/// Since when it has been the server's turn; `None` while the data's source is being waited for.
#[derive(Clone)]
pub(crate) struct ServersTurn(Arc<Mutex<Option<Instant>>>);

impl ServersTurn {
    /// The server's turn begins now.
    pub(crate) fn new() -> Self {
        Self(Arc::new(Mutex::new(Some(Instant::now()))))
    }

    /// Returns once the server has let `patience` go by.
    pub(crate) async fn wasted(&self, patience: Duration) {
        loop {
            let waited = self.since().map_or(Duration::ZERO, |since| since.elapsed());
            let Some(left) = patience.checked_sub(waited).filter(|left| !left.is_zero()) else { return };
            tokio::time::sleep(left).await;
        }
    }

    fn since(&self) -> Option<Instant> {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn set(&self, since: Option<Instant>) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = since;
    }
}

/// A stream which notes whose turn it is.
pub(crate) struct Watched<S> {
    pub(crate) source: S,
    pub(crate) turn: ServersTurn,
}

impl<S: Stream + Unpin> Stream for Watched<S> {
    type Item = S::Item;

    fn poll_next(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<S::Item>> {
        self.turn.set(None);
        let item = ready!(Pin::new(&mut self.source).poll_next(context));
        self.turn.set(Some(Instant::now()));
        Poll::Ready(item)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use futures_util::{FutureExt, StreamExt, stream};

    #[tokio::test(start_paused = true)]
    async fn a_server_that_takes_nothing_wastes_its_turn() {
        let turn = ServersTurn::new();
        let begin = Instant::now();
        turn.wasted(Duration::from_secs(10)).await;
        assert!(begin.elapsed() >= Duration::from_secs(10));
    }

    #[tokio::test(start_paused = true)]
    async fn a_slow_source_is_not_the_servers_fault() {
        let turn = ServersTurn::new();
        let mut data = Watched { source: stream::pending::<()>(), turn: turn.clone() };
        assert!(data.next().now_or_never().is_none());
        let waited = tokio::time::timeout(Duration::from_secs(60), turn.wasted(Duration::from_secs(10))).await;
        assert!(waited.is_err());
    }

    #[tokio::test(start_paused = true)]
    async fn each_piece_begins_a_new_turn() {
        let turn = ServersTurn::new();
        let mut data = Watched { source: stream::iter([1, 2]), turn: turn.clone() };
        tokio::time::advance(Duration::from_secs(9)).await;
        data.next().await;
        let begin = Instant::now();
        turn.wasted(Duration::from_secs(10)).await;
        assert!(begin.elapsed() >= Duration::from_secs(10));
    }
}
