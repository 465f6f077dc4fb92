//! The bytes of an object on their way out: counted, and as many as the catalogue says.

use std::pin::Pin;
use std::task::{Context, Poll, ready};

use bytes::Bytes;
use futures_util::{Stream, StreamExt as _};
use glance_store::{ByteStream, Error, Kind, Result};
use tracing::Span;

use crate::metrics::Transfer;

/// What becomes of bytes behind the expected end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Excess {
    /// The data is not what the catalogue describes.
    Fails,
    /// The store rounds lengths up: they are left out.
    IsCut,
}

/// The stream of an object's chunks. An error is the last item.
pub(super) struct Delivery {
    chunks: ByteStream,
    /// Bytes to come; not judged where the catalogue knows no size.
    left: Option<u64>,
    excess: Excess,
    has_failed: bool,
    transfer: Transfer,
    span: Span,
}

impl Delivery {
    pub(super) fn new(chunks: ByteStream, length: Option<u64>, excess: Excess, counted: (Transfer, Span)) -> Self {
        let (transfer, span) = counted;
        Self { chunks, left: length, excess, has_failed: false, transfer, span }
    }

    /// The chunk, as far as it may be sent.
    fn admit(&mut self, chunk: Bytes) -> Result<Bytes> {
        let Some(left) = self.left else { return Ok(chunk) };
        let length = chunk.len() as u64;
        if length > left && self.excess == Excess::Fails {
            return Err(Error::new(Kind::Unavailable, "the object is longer than the catalogue says"));
        }
        let admitted = length.min(left);
        self.left = Some(left - admitted);
        Ok(chunk.slice(..usize::try_from(admitted).unwrap_or(chunk.len())))
    }

    fn end(&self) -> Option<Result<Bytes>> {
        let missing = self.left.filter(|left| *left > 0)?;
        Some(Err(Error::new(Kind::Unavailable, format!("the object ended {missing} bytes before its end"))))
    }

    fn counted(&mut self, chunk: Option<Result<Bytes>>) -> Option<Result<Bytes>> {
        let next = match chunk {
            Some(chunk) => Some(chunk.and_then(|chunk| self.admit(chunk))),
            None => self.end(),
        };
        match &next {
            Some(Ok(chunk)) => self.transfer.add(chunk.len()),
            Some(Err(_)) => {
                self.has_failed = true;
                self.span.record("otel.failed", true);
            }
            None => {}
        }
        next
    }
}

impl Stream for Delivery {
    type Item = Result<Bytes>;

    fn poll_next(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let is_cut = self.left == Some(0) && self.excess == Excess::IsCut;
        if self.has_failed || is_cut {
            return Poll::Ready(None);
        }
        let chunk = ready!(self.chunks.poll_next_unpin(context));
        Poll::Ready(self.counted(chunk))
    }
}

#[cfg(test)]
mod tests {
    use futures_util::stream;

    use super::*;
    use crate::metrics::{Direction, Metrics};

    async fn delivered(chunks: &'static [&'static str], length: Option<u64>, excess: Excess) -> (String, bool) {
        let chunks = stream::iter(chunks.iter().map(|chunk| Ok(Bytes::from_static(chunk.as_bytes())))).boxed();
        let transfer = (Metrics::default().transfer(Direction::Download, "test"), Span::none());
        let items: Vec<_> = Delivery::new(chunks, length, excess, transfer).collect().await;
        let failed = items.last().is_some_and(Result::is_err);
        let text: Vec<_> = items.into_iter().flatten().collect();
        (String::from_utf8(text.concat()).unwrap(), failed)
    }

    #[tokio::test]
    async fn as_many_bytes_come_out_as_the_catalogue_says() {
        let cases = [
            (&["abc", "de"][..], Some(5), Excess::Fails, "abcde", false),
            (&["abc", "de"], Some(5), Excess::IsCut, "abcde", false),
            (&["abc", "de"], Some(6), Excess::Fails, "abcde", true),
            (&["abc", "de"], Some(6), Excess::IsCut, "abcde", true),
            (&["abc", "de"], Some(4), Excess::Fails, "abc", true),
            (&["abc", "de"], Some(4), Excess::IsCut, "abcd", false),
            (&["abc", "de"], Some(3), Excess::Fails, "abc", true),
            (&["abc", "de"], Some(3), Excess::IsCut, "abc", false),
            (&["abc", "de"], None, Excess::Fails, "abcde", false),
            (&[], Some(0), Excess::Fails, "", false),
        ];
        for (chunks, length, excess, text, failed) in cases {
            assert_eq!(delivered(chunks, length, excess).await, (text.to_owned(), failed), "{length:?} {excess:?}");
        }
    }
}
