//! What is kept of a passing stream: its first bytes, its last bytes, and single regions in between.

/// QEMU's block layer reads whole sectors and finds zeroes behind the end of a file.
pub(crate) const SECTOR: usize = 512;

/// The first bytes of a stream, up to a limit.
#[derive(Debug)]
pub(crate) struct Head {
    bytes: Vec<u8>,
    limit: usize,
}

impl Head {
    pub(crate) const fn new(limit: usize) -> Self {
        Self { bytes: Vec::new(), limit }
    }

    pub(crate) fn feed(&mut self, chunk: &[u8]) {
        let missing = self.limit - self.bytes.len();
        self.bytes.extend_from_slice(&chunk[..chunk.len().min(missing)]);
    }

    pub(crate) fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// The head as QEMU probes it: a stream that ends within its first sector goes on with zeroes to the end of the
    /// sector. An empty stream stays empty.
    pub(crate) fn into_probed(self) -> Vec<u8> {
        let mut bytes = self.bytes;
        if !bytes.is_empty() {
            bytes.resize(bytes.len().max(SECTOR), 0);
        }
        bytes
    }
}

/// The last bytes of a stream, up to a limit.
#[derive(Debug)]
pub(crate) struct Tail {
    bytes: Vec<u8>,
    limit: usize,
}

impl Tail {
    pub(crate) const fn new(limit: usize) -> Self {
        Self { bytes: Vec::new(), limit }
    }

    pub(crate) fn feed(&mut self, chunk: &[u8]) {
        let fresh = &chunk[chunk.len().saturating_sub(self.limit)..];
        let stale = (self.bytes.len() + fresh.len()).saturating_sub(self.limit);
        self.bytes.drain(..stale);
        self.bytes.extend_from_slice(fresh);
    }

    pub(crate) fn bytes(&self) -> &[u8] {
        &self.bytes
    }
}

/// What a scanner can see at one moment: the head of the stream and the chunk that has just arrived.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Arrived<'a> {
    /// The head of the stream, including what this chunk added to it.
    pub(crate) head: &'a [u8],
    /// Where in the stream `chunk` starts.
    pub(crate) start: u64,
    /// The newest bytes.
    pub(crate) chunk: &'a [u8],
}

impl<'a> Arrived<'a> {
    /// Nothing but a head: the stream has ended.
    pub(crate) const fn head_only(head: &'a [u8]) -> Self {
        Self { head, start: u64::MAX, chunk: &[] }
    }

    /// The bytes at hand from `position` on; empty if that part of the stream is not here now.
    pub(crate) fn at(&self, position: u64) -> &'a [u8] {
        let (bytes, skip) = match position.checked_sub(self.start) {
            Some(skip) => (self.chunk, skip),
            None => (self.head, position),
        };
        usize::try_from(skip).ok().and_then(|skip| bytes.get(skip..)).unwrap_or_default()
    }
}

/// A region of the stream that is being collected. It must not start before the point up to which
/// the stream has been examined when it is created; see [`Region::after`].
#[derive(Debug)]
pub(crate) struct Region {
    start: u64,
    length: usize,
    bytes: Vec<u8>,
}

impl Region {
    pub(crate) const fn new(start: u64, length: usize) -> Self {
        Self { start, length, bytes: Vec::new() }
    }

    /// A region that starts at `start`, unless that lies before `examined` and has gone by.
    pub(crate) fn after(examined: u64, start: u64, length: usize) -> Option<Self> {
        (start >= examined).then_some(Self::new(start, length))
    }

    /// Takes what has arrived of the region, and returns whether it is whole.
    pub(crate) fn fill(&mut self, arrived: Arrived<'_>) -> bool {
        while self.bytes.len() < self.length {
            let rest = arrived.at(self.start.saturating_add(self.bytes.len() as u64));
            if rest.is_empty() {
                return false;
            }
            self.bytes.extend_from_slice(&rest[..rest.len().min(self.length - self.bytes.len())]);
        }
        true
    }

    pub(crate) const fn start(&self) -> u64 {
        self.start
    }

    /// The first position behind the region.
    pub(crate) const fn end(&self) -> u64 {
        self.start.saturating_add(self.length as u64)
    }

    pub(crate) fn bytes(&self) -> &[u8] {
        &self.bytes
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tail_keeps_the_last_bytes_whatever_the_chunks_are() {
        let stream: Vec<u8> = (0..100).collect();
        for size in 1..=stream.len() {
            let mut tail = Tail::new(10);
            stream.chunks(size).for_each(|chunk| tail.feed(chunk));
            assert_eq!(tail.bytes(), &stream[90..], "chunks of {size}");
        }
        let mut short = Tail::new(10);
        short.feed(b"abc");
        assert_eq!(short.bytes(), b"abc");
    }

    #[test]
    fn region_is_cut_out_whatever_the_chunks_are() {
        let stream: Vec<u8> = (0..100).collect();
        for size in 1..=stream.len() {
            let (mut head, mut region, mut start) = (Head::new(20), Region::new(15, 30), 0);
            for chunk in stream.chunks(size) {
                head.feed(chunk);
                region.fill(Arrived { head: head.bytes(), start, chunk });
                start += chunk.len() as u64;
            }
            assert_eq!(region.bytes(), &stream[15..45], "chunks of {size}");
        }
    }

    #[test]
    fn a_region_that_has_gone_by_is_refused() {
        assert!(Region::after(10, 9, 1).is_none());
        assert!(Region::after(10, 10, 1).is_some());
    }
}
