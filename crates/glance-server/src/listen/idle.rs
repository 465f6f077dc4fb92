//! Connections on which nothing is asked: HTTP/2 has no end of its own for them, and a client that opens many could keep
//! others out.

use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::Bytes;
use http_body::{Body, Frame, SizeHint};
use tokio::sync::watch;

/// The requests of one connection that are being answered. Clones count together.
#[derive(Clone, Debug)]
pub struct Requests(watch::Sender<usize>);

/// A request that is being answered, until it is dropped.
#[derive(Debug)]
pub struct UnderWay(watch::Sender<usize>);

impl Default for Requests {
    fn default() -> Self {
        Self(watch::Sender::new(0))
    }
}

impl Requests {
    /// A request begins.
    #[must_use]
    pub fn begin(&self) -> UnderWay {
        self.0.send_modify(|count| *count += 1);
        UnderWay(self.0.clone())
    }

    /// Returns when for so long no request has been under way.
    pub async fn cease_for(&self, time: Duration) {
        let mut count = self.0.subscribe();
        loop {
            // Neither ends with an error: the sender is here.
            let _ = count.wait_for(|count| *count == 0).await;
            if tokio::time::timeout(time, count.changed()).await.is_err() {
                return;
            }
        }
    }
}

/// A body that belongs to a request which is under way until the body has been sent.
#[derive(Debug)]
pub struct Counted<B> {
    inner: B,
    _request: UnderWay,
}

impl<B> Counted<B> {
    /// The body of the answer to a request.
    pub fn new(inner: B, request: UnderWay) -> Self {
        Self { inner, _request: request }
    }
}

impl<B: Body<Data = Bytes> + Unpin> Body for Counted<B> {
    type Data = Bytes;
    type Error = B::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Self::Data>, Self::Error>>> {
        Pin::new(&mut self.inner).poll_frame(cx)
    }

    fn is_end_stream(&self) -> bool {
        self.inner.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.inner.size_hint()
    }
}

impl Drop for UnderWay {
    fn drop(&mut self) {
        self.0.send_modify(|count| *count -= 1);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn only_silence_counts() {
        let requests = Requests::default();
        let silence = requests.cease_for(Duration::from_secs(10));
        let began = tokio::time::Instant::now();
        let asking = async {
            tokio::time::sleep(Duration::from_secs(9)).await;
            drop(requests.begin());
            tokio::time::sleep(Duration::from_secs(9)).await;
            let long = requests.begin();
            tokio::time::sleep(Duration::from_secs(100)).await;
            drop(long);
        };
        tokio::join!(silence, asking);
        assert_eq!(began.elapsed().as_secs(), 9 + 9 + 100 + 10);
    }
}
