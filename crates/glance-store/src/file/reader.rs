//! A file as a stream of chunks.
//!
//! What the page cache holds is copied right on the async thread, which is cheaper than waking another one. As soon as
//! data has to come from the disk, a blocking thread fetches it, always one chunk ahead of the reader.
//!
//! Where the budget for buffers is used up, chunks are short, and there is one at a time: whoever reads must let go of a
//! chunk, or copy it, before the next one comes.

use std::io::IoSliceMut;
use std::os::fd::OwnedFd;
use std::sync::Arc;

use bytes::Bytes;
use futures_util::stream;
use rustix::fs::{Advice, fadvise};
use rustix::io::{Errno, ReadWriteFlags, pread, preadv2};
use tokio::sync::Semaphore;

use crate::error::{Error, Kind, Result};
use crate::store::ByteStream;

use super::blocking::{Blocking, Job};
use super::buffers::{Buffer, Buffers};

/// An open file and the part of it that is to be read.
pub(super) struct Reader {
    file: Arc<OwnedFd>,
    offset: u64,
    end: u64,
    buffers: Arc<Buffers>,
    blocking: Blocking,
    ahead: Option<Job<Chunk>>,
    /// Taken by the one short chunk that may be on its way.
    turn: Arc<Semaphore>,
}

/// A chunk that a blocking thread has read.
struct Chunk {
    data: Bytes,
    was_cached: bool,
}

/// A part of the file to be read into a buffer whose first `filled` bytes are there already.
struct Piece {
    file: Arc<OwnedFd>,
    offset: u64,
    length: usize,
    buffer: Buffer,
    filled: usize,
}

impl Reader {
    pub(super) fn new(file: Arc<OwnedFd>, from: u64, to: u64, buffers: Arc<Buffers>, blocking: Blocking) -> Self {
        Self { file, offset: from, end: to, buffers, blocking, ahead: None, turn: Arc::new(Semaphore::new(1)) }
    }

    /// The chunks in order. An error is the last item.
    pub(super) fn into_stream(self) -> ByteStream {
        Box::pin(stream::try_unfold(self, |mut reader| async move {
            let chunk = reader.next().await?;
            Ok(chunk.map(|chunk| (chunk, reader)))
        }))
    }

    async fn next(&mut self) -> Result<Option<Bytes>> {
        if let Some(job) = self.ahead.take() {
            return self.fetched(job).await.map(Some);
        }
        if self.offset >= self.end {
            return Ok(None);
        }
        let buffer = self.next_buffer().await;
        let mut piece = self.next_piece(buffer);
        piece.fill_from_cache();
        if piece.filled == piece.length {
            return Ok(Some(piece.buffer.freeze(piece.length)));
        }
        let job = self.blocking.start(move || piece.read());
        self.fetched(job).await.map(Some)
    }

    async fn fetched(&mut self, job: Job<Chunk>) -> Result<Bytes> {
        let chunk = job.wait().await?;
        if !chunk.was_cached
            && self.offset < self.end
            && let Some(buffer) = self.buffers.take()
        {
            let mut piece = self.next_piece(buffer);
            self.ahead = Some(self.blocking.start(move || {
                piece.fill_from_cache();
                piece.read()
            }));
        }
        Ok(chunk.data)
    }

    /// A buffer of the usual size, or, where the budget has no room for it, a short one as soon as the last short one
    /// has been let go of.
    async fn next_buffer(&self) -> Buffer {
        match self.buffers.take() {
            Some(buffer) => buffer,
            None => self.buffers.short(Arc::clone(&self.turn).acquire_owned().await.ok()),
        }
    }

    fn next_piece(&mut self, buffer: Buffer) -> Piece {
        let length = usize::try_from(self.end - self.offset).unwrap_or(usize::MAX).min(buffer.size());
        let (file, offset) = (Arc::clone(&self.file), self.offset);
        self.offset += length as u64;
        Piece { file, offset, length, buffer, filled: 0 }
    }
}

impl Piece {
    /// Takes what is in the page cache. Never waits for a disk; where the file system cannot promise that, nothing is read.
    fn fill_from_cache(&mut self) {
        let space = self.buffer.space(self.length);
        let read = preadv2(&*self.file, &mut [IoSliceMut::new(space)], self.offset, ReadWriteFlags::NOWAIT);
        self.filled = read.unwrap_or(0);
    }

    fn read(mut self) -> Result<Chunk> {
        let was_cached = self.filled == self.length;
        while self.filled < self.length {
            let space = &mut self.buffer.space(self.length)[self.filled..];
            match pread(&*self.file, space, self.offset + self.filled as u64) {
                Ok(0) => return Err(Error::new(Kind::Unavailable, "the file has become shorter while it was read")),
                Ok(read) => self.filled += read,
                Err(Errno::INTR) => {}
                Err(errno) => return Err(Error::new(Kind::Unavailable, "cannot read an image file").with_source(errno)),
            }
        }
        Ok(Chunk { data: self.buffer.freeze(self.length), was_cached })
    }
}

/// Tells the kernel to read ahead further than usual. It may not listen.
pub(super) fn expect_sequential(file: &OwnedFd) {
    if let Err(error) = fadvise(file, 0, None, Advice::Sequential) {
        tracing::debug!(%error, "no advice for the read-ahead of an image");
    }
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use futures_util::{FutureExt as _, TryStreamExt};

    use super::*;
    use crate::budget::{Budget, SHORT};

    fn reader(file: &Arc<OwnedFd>, length: usize) -> Reader {
        reader_within(file, length, Budget::default())
    }

    fn reader_within(file: &Arc<OwnedFd>, length: usize, budget: Budget) -> Reader {
        Reader::new(Arc::clone(file), 0, length as u64, Buffers::new(64 * 1024, budget), Blocking::new(None))
    }

    #[tokio::test]
    async fn data_from_the_disk_is_fetched_one_chunk_ahead() {
        let data: Vec<u8> = (0..1_000_000_u32).map(|number| (number % 253) as u8).collect();
        let mut file = tempfile::NamedTempFile::new_in(".").unwrap();
        file.write_all(&data).unwrap();
        file.as_file().sync_all().unwrap();
        let file = Arc::new(OwnedFd::from(file.reopen().unwrap()));
        fadvise(&*file, 0, None, Advice::DontNeed).unwrap();

        let mut cold = reader(&file, data.len());
        let first = cold.next().await.unwrap().unwrap();
        if cold.ahead.is_none() {
            eprintln!("SKIPPED: the page cache of this file system cannot be emptied");
        }
        let rest: Vec<Bytes> = cold.into_stream().try_collect().await.unwrap();
        assert!([vec![first], rest].concat().concat() == data);

        let mut warm = reader(&file, data.len());
        assert!(data.starts_with(&warm.next().await.unwrap().unwrap()));
        let rest: Vec<Bytes> = warm.into_stream().try_collect().await.unwrap();
        assert!(rest.concat() == data[64 * 1024..]);
    }

    #[tokio::test]
    async fn what_is_cached_needs_no_other_thread() {
        let mut file = tempfile::tempfile_in(".").unwrap();
        file.write_all(&[7; 200_000]).unwrap();
        let mut reader = reader(&Arc::new(OwnedFd::from(file)), 200_000);
        let mut length = 0;
        while let Some(chunk) = reader.next().await.unwrap() {
            assert!(reader.ahead.is_none());
            length += chunk.len();
        }
        assert_eq!(length, 200_000);
    }

    #[tokio::test]
    async fn a_file_that_is_cut_while_it_is_read_is_an_error() {
        let mut file = tempfile::tempfile_in(".").unwrap();
        file.write_all(&[7; 200_000]).unwrap();
        let mut reader = reader(&Arc::new(OwnedFd::from(file.try_clone().unwrap())), 200_000);
        assert_eq!(reader.next().await.unwrap().unwrap().len(), 64 * 1024);
        file.set_len(100_000).unwrap();
        let rest: Result<Vec<Bytes>> = reader.into_stream().try_collect().await;
        assert_eq!(rest.unwrap_err().kind(), Kind::Unavailable);
    }

    #[tokio::test]
    async fn without_a_share_there_is_one_short_chunk_at_a_time() {
        let mut file = tempfile::tempfile_in(".").unwrap();
        file.write_all(&[7; 200_000]).unwrap();
        let file = Arc::new(OwnedFd::from(file));
        let budget = Budget::new(64 * 1024);
        let mut first = reader_within(&file, 200_000, budget.clone());
        let held = first.next().await.unwrap().unwrap();
        assert_eq!((held.len(), budget.left()), (64 * 1024, 0));
        let short = first.next().await.unwrap().unwrap();
        assert_eq!(short.len(), SHORT);
        assert!(first.next().now_or_never().is_none(), "the short chunk is still there");
        // Another reader goes on meanwhile, to its end.
        let mut other = reader_within(&file, 200_000, budget.clone());
        let mut length = 0;
        while let Some(chunk) = other.next().await.unwrap() {
            assert!(chunk.len() <= SHORT);
            length += chunk.len();
        }
        assert_eq!(length, 200_000);
        drop(short);
        assert_eq!(first.next().await.unwrap().unwrap().len(), SHORT);
        drop(held);
        assert_eq!(first.next().await.unwrap().unwrap().len(), 64 * 1024, "there is room again");
        assert_eq!(budget.left(), 64 * 1024);
    }
}
