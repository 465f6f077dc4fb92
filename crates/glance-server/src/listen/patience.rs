//! Request bodies that stop coming.

use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::Bytes;
use http_body::{Body, Frame, SizeHint};
use tokio::time::{Instant, Sleep};

/// A body that fails when nothing of it arrives for a while.
pub struct Patient<B> {
    inner: B,
    patience: Option<Duration>,
    /// Made at the first wait, then reset.
    timer: Option<Pin<Box<Sleep>>>,
    waiting: bool,
}

impl<B> Patient<B> {
    /// Waits at most `patience` for each frame of `inner`; `None`: for ever.
    pub fn new(inner: B, patience: Option<Duration>) -> Self {
        Self { inner, patience, timer: None, waiting: false }
    }

    fn poll_timer(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        let Some(patience) = self.patience else { return Poll::Pending };
        let deadline = Instant::now() + patience;
        let timer = self.timer.get_or_insert_with(|| Box::pin(tokio::time::sleep_until(deadline)));
        if !self.waiting {
            self.waiting = true;
            timer.as_mut().reset(deadline);
        }
        timer.as_mut().poll(cx)
    }
}

impl<B> Body for Patient<B>
where
    B: Body<Data = Bytes> + Unpin,
    B::Error: Into<Box<dyn std::error::Error + Send + Sync>>,
{
    type Data = Bytes;
    type Error = Box<dyn std::error::Error + Send + Sync>;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Self::Data>, Self::Error>>> {
        if let Poll::Ready(frame) = Pin::new(&mut self.inner).poll_frame(cx) {
            self.waiting = false;
            return Poll::Ready(frame.map(|frame| frame.map_err(Into::into)));
        }
        match self.poll_timer(cx) {
            Poll::Ready(()) => Poll::Ready(Some(Err("the client stopped sending".into()))),
            Poll::Pending => Poll::Pending,
        }
    }

    fn is_end_stream(&self) -> bool {
        self.inner.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.inner.size_hint()
    }
}

#[cfg(test)]
mod tests {
    use http_body_util::{BodyExt as _, StreamBody};

    use super::*;

    #[tokio::test(start_paused = true)]
    async fn a_body_that_stops_coming_fails_and_a_slow_one_does_not() {
        let frames = futures_util::stream::unfold(0, |sent| async move {
            tokio::time::sleep(Duration::from_secs(if sent < 3 { 9 } else { 11 })).await;
            Some((Ok::<_, std::io::Error>(Frame::data(Bytes::from_static(b"x"))), sent + 1))
        });
        let mut body = Patient::new(Box::pin(StreamBody::new(frames)), Some(Duration::from_secs(10)));
        for _ in 0..3 {
            assert!(body.frame().await.unwrap().is_ok());
        }
        assert!(body.frame().await.unwrap().is_err());
    }
}
