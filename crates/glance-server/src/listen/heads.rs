//! How much a connection may hold before the headers of a request are complete.
//!
//! hyper has one bound for all that it reads of a connection. Uploads want it large; but whoever has sent half a request
//! has shown nothing yet, and many such clients must not fill the memory. So what goes from the socket to hyper passes
//! through [`Bounded`], which counts while headers are awaited. Nothing else of the protocol is understood here: where a
//! body begins and ends, [`Heads`] is told.

use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, ready};
use std::time::Duration;

use bytes::Bytes;
use glance_store::Budget;
use glance_store::budget::SHORT;
use http_body::{Body, Frame, SizeHint};
use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _, ReadBuf};

/// Bytes that are read at once while headers are awaited. Small, because what comes behind them is not counted.
const PIECE: usize = 4096;

/// Bytes that are read at once of the end of a body, and of one that does not say its length: its last piece may have
/// the next headers in it.
const CHUNKS: usize = 64 << 10;

/// Bytes that are thrown away after a refusal, and for how long.
const LINGER: u64 = 4 << 20;
const LINGER_TIME: Duration = Duration::from_secs(10);

/// What is answered to too many headers.
const REFUSAL: &[u8] =
    b"HTTP/1.1 431 Request Header Fields Too Large\r\nconnection: close\r\ncontent-length: 0\r\n\r\n";

/// What is read of a connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Phase {
    /// Headers, of which so many bytes have come, and before them what was left of a body.
    Head { seen: usize },
    /// A body, of which at most so many bytes are to come.
    Sized { left: u64 },
    /// A body whose length nobody knows.
    Unsized,
}

/// Knows which part of a request is read from one connection. Clones know the same.
#[derive(Clone, Debug)]
pub struct Heads(Arc<Mutex<Phase>>);

/// A connection that is not read further than a bound while headers are awaited.
#[derive(Debug)]
pub struct Bounded<IO> {
    /// Gone once the headers were too large.
    inner: Option<IO>,
    heads: Heads,
    /// The bound, in bytes.
    most: usize,
    /// What the buffers of transfers may take.
    budget: Budget,
    /// Whether something was sent: a refusal could then be taken for a part of it.
    answered: bool,
    refused: Refused<IO>,
}

/// Where a connection goes whose headers are too large, so that hyper lets go of what it has of them.
#[derive(Debug)]
pub struct Refused<IO>(Arc<Mutex<Option<(IO, bool)>>>);

impl Heads {
    /// The headers of a request are complete; gives its body, which must be read in place of `body`.
    pub fn complete<B: Body>(&self, body: B) -> Announced<B> {
        let phase = match body.size_hint().exact() {
            _ if body.is_end_stream() => Phase::Head { seen: 0 },
            Some(left) => Phase::Sized { left },
            None => Phase::Unsized,
        };
        *self.phase() = phase;
        Announced { inner: body, end: (phase == Phase::Unsized).then(|| End(self.clone())) }
    }

    fn phase(&self) -> MutexGuard<'_, Phase> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A body after which headers are awaited.
#[derive(Debug)]
pub struct Announced<B> {
    inner: B,
    end: Option<End>,
}

/// Says that headers are awaited when it is dropped.
#[derive(Debug)]
struct End(Heads);

impl Drop for End {
    fn drop(&mut self) {
        *self.0.phase() = Phase::Head { seen: 0 };
    }
}

impl<B: Body<Data = Bytes> + Unpin> Body for Announced<B> {
    type Data = Bytes;
    type Error = B::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Self::Data>, Self::Error>>> {
        let frame = ready!(Pin::new(&mut self.inner).poll_frame(cx));
        if frame.is_none() {
            self.end = None;
        }
        Poll::Ready(frame)
    }

    fn is_end_stream(&self) -> bool {
        self.inner.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.inner.size_hint()
    }
}

impl<IO: AsyncRead + AsyncWrite + Unpin> Refused<IO> {
    /// Tells the client, if that was the end of the connection, and reads on for a while, so that one that is still
    /// sending gets to read it.
    ///
    /// # Errors
    /// When the client has gone.
    pub async fn tell(self) -> std::io::Result<()> {
        let Some((mut stream, answered)) = self.0.lock().unwrap_or_else(PoisonError::into_inner).take() else {
            return Ok(());
        };
        tracing::debug!("the headers of a request are too large");
        let telling = async {
            if !answered {
                stream.write_all(REFUSAL).await?;
            }
            stream.shutdown().await?;
            tokio::io::copy(&mut stream.take(LINGER), &mut tokio::io::sink()).await
        };
        tokio::time::timeout(LINGER_TIME, telling).await.map_err(|_| std::io::ErrorKind::TimedOut)??;
        Ok(())
    }
}

impl<IO> Bounded<IO> {
    /// Lets at most `most` bytes of headers through, and bodies in short pieces while `budget` is used up.
    pub fn new(inner: IO, most: usize, budget: Budget) -> (Self, Refused<IO>) {
        let heads = Heads(Arc::new(Mutex::new(Phase::Head { seen: 0 })));
        let slot = Arc::default();
        let refused = Refused(Arc::clone(&slot));
        (Self { inner: Some(inner), heads, most, budget, answered: false, refused: Refused(slot) }, refused)
    }

    /// Whom to tell that headers are complete.
    pub fn heads(&self) -> Heads {
        self.heads.clone()
    }

    /// The bytes of a body that are read at once, where `usual` are if there is memory for them.
    fn piece(&self, usual: usize) -> usize {
        if self.budget.is_scarce() { SHORT } else { usual }
    }

    fn refuse(&mut self) {
        let taken = self.inner.take().map(|inner| (inner, self.answered));
        *self.refused.0.lock().unwrap_or_else(PoisonError::into_inner) = taken;
    }
}

impl<IO: Unpin> Bounded<IO> {
    fn inner(&mut self) -> std::io::Result<Pin<&mut IO>> {
        let inner = self.inner.as_mut().map(Pin::new);
        inner.ok_or_else(|| std::io::Error::other("the headers of a request are too large"))
    }
}

impl<IO: AsyncRead + Unpin> Bounded<IO> {
    /// Reads at most `most` bytes; gives their number.
    fn poll_some(&mut self, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>, most: usize) -> Poll<std::io::Result<usize>> {
        let (inner, before) = (self.inner()?, buf.filled().len());
        if buf.remaining() <= most {
            ready!(inner.poll_read(cx, buf))?;
            return Poll::Ready(Ok(buf.filled().len() - before));
        }
        let mut piece = ReadBuf::new(buf.initialize_unfilled_to(most.min(CHUNKS)));
        ready!(inner.poll_read(cx, &mut piece))?;
        let read = piece.filled().len();
        buf.advance(read);
        Poll::Ready(Ok(read))
    }
}

impl<IO: AsyncRead + Unpin> AsyncRead for Bounded<IO> {
    fn poll_read(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<std::io::Result<()>> {
        let phase = *self.heads.phase();
        let next = match phase {
            Phase::Head { seen } => {
                if seen >= self.most {
                    self.refuse();
                }
                let most = PIECE.min(self.most.saturating_sub(seen));
                Phase::Head { seen: seen + ready!(self.poll_some(cx, buf, most))? }
            }
            Phase::Sized { left } => {
                let most = usize::try_from(left).unwrap_or(usize::MAX).min(self.piece(usize::MAX));
                let read = ready!(self.poll_some(cx, buf, most))?;
                match left.saturating_sub(read as u64) {
                    0 => Phase::Head { seen: 0 },
                    left => Phase::Sized { left },
                }
            }
            // Whoever reads the body may have said in the meantime that it has ended.
            Phase::Unsized => {
                let most = self.piece(CHUNKS);
                return self.poll_some(cx, buf, most).map_ok(|_| ());
            }
        };
        *self.heads.phase() = next;
        Poll::Ready(Ok(()))
    }
}

impl<IO: AsyncWrite + Unpin> AsyncWrite for Bounded<IO> {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, data: &[u8]) -> Poll<std::io::Result<usize>> {
        self.answered = true;
        self.inner()?.poll_write(cx, data)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<std::io::Result<()>> {
        self.inner()?.poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<std::io::Result<()>> {
        self.inner()?.poll_shutdown(cx)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        data: &[std::io::IoSlice<'_>],
    ) -> Poll<std::io::Result<usize>> {
        self.answered = true;
        self.inner()?.poll_write_vectored(cx, data)
    }

    fn is_write_vectored(&self) -> bool {
        self.inner.as_ref().is_some_and(AsyncWrite::is_write_vectored)
    }
}

#[cfg(test)]
mod tests {
    use http_body_util::{BodyExt as _, Full, StreamBody};

    use super::*;

    const MOST: usize = 10_000;

    type Stream = tokio::io::DuplexStream;

    /// A connection with these bytes in it, and its client.
    async fn connection(sent: usize) -> (Bounded<Stream>, Refused<Stream>, Stream) {
        let (server, mut client) = tokio::io::duplex(1 << 20);
        client.write_all(&vec![b'x'; sent]).await.unwrap();
        client.shutdown().await.unwrap();
        let (server, refused) = Bounded::new(server, MOST, Budget::default());
        (server, refused, client)
    }

    async fn told(refused: Refused<Stream>, mut client: Stream) -> Vec<u8> {
        refused.tell().await.unwrap();
        let mut answer = Vec::new();
        client.read_to_end(&mut answer).await.unwrap();
        answer
    }

    /// Reads until nothing more comes; gives how much came and whether that was the end.
    async fn read_all(io: &mut Bounded<Stream>) -> (usize, bool) {
        let (mut buffer, mut total) = (vec![0; 1 << 20], 0);
        loop {
            match io.read(&mut buffer).await {
                Ok(0) => return (total, true),
                Ok(read) => total += read,
                Err(_) => return (total, false),
            }
        }
    }

    fn endless() -> impl Body<Data = Bytes, Error = std::io::Error> + Unpin {
        StreamBody::new(futures_util::stream::pending())
    }

    #[tokio::test]
    async fn too_many_headers_are_refused_and_read_no_further() {
        let (mut io, refused, client) = connection(MOST + (512 << 10)).await;
        assert_eq!(read_all(&mut io).await, (MOST, false));
        assert!(io.write(b"x").await.is_err());
        assert_eq!(told(refused, client).await, REFUSAL);
        let (mut io, refused, client) = connection(MOST - 1).await;
        assert_eq!(read_all(&mut io).await, (MOST - 1, true));
        drop(io);
        assert_eq!(told(refused, client).await, b"");
    }

    #[tokio::test]
    async fn a_refusal_never_follows_an_answer() {
        let (mut io, refused, client) = connection(MOST + 1).await;
        io.write_all(b"an answer").await.unwrap();
        assert_eq!(read_all(&mut io).await, (MOST, false));
        assert_eq!(told(refused, client).await, b"an answer");
    }

    #[tokio::test]
    async fn a_body_is_not_counted_and_what_follows_it_is() {
        let (mut io, _refused, _client) = connection(700_000).await;
        let body = io.heads().complete(Full::new(Bytes::from(vec![0; 500_000])));
        assert_eq!(read_all(&mut io).await, (500_000 + MOST, false));
        drop(body);
    }

    #[tokio::test]
    async fn a_body_of_unknown_length_ends_when_it_is_dropped_or_read() {
        for ends in [true, false] {
            let (mut io, _refused, _client) = connection(700_000).await;
            let mut buffer = vec![0; 1 << 20];
            let heads = io.heads();
            let body = heads.complete(endless());
            assert_eq!(io.read(&mut buffer).await.unwrap(), CHUNKS);
            let kept = if ends {
                drop(body);
                None
            } else {
                let mut empty = heads
                    .complete(StreamBody::new(futures_util::stream::empty::<Result<Frame<Bytes>, std::io::Error>>()));
                assert!(empty.frame().await.is_none());
                drop(body);
                Some(empty)
            };
            assert_eq!(read_all(&mut io).await, (MOST, false));
            drop(kept);
        }
    }

    #[tokio::test]
    async fn while_memory_is_scarce_bodies_come_in_short_pieces() {
        let (mut io, _refused, _client) = connection(1 << 20).await;
        let mut buffer = vec![0; 1 << 20];
        let _body = io.heads().complete(Full::new(Bytes::from(vec![0; 1 << 20])));
        let share = io.budget.take(io.budget.left());
        assert_eq!(io.read(&mut buffer).await.unwrap(), SHORT);
        drop(share);
        assert!(io.read(&mut buffer).await.unwrap() > SHORT);
    }

    #[tokio::test]
    async fn each_request_has_headers_of_its_own() {
        let (mut io, _refused, _client) = connection(MOST + MOST / 2).await;
        let mut buffer = vec![0; MOST / 2];
        for _ in 0..3 {
            io.read_exact(&mut buffer).await.unwrap();
            drop(io.heads().complete(Full::new(Bytes::new())));
        }
        assert_eq!(read_all(&mut io).await, (0, true));
    }
}
