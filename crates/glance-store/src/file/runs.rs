//! Which bytes of a batch go where: everything in one piece, or the zeroes left out as holes.

use std::io::IoSlice;
use std::os::fd::OwnedFd;

use bytes::Bytes;
use rustix::io::{Errno, pwritev};

use super::options::Provisioning;

/// Zeroes are looked for in pieces of this size, aligned as blocks of usual file systems are.
const BLOCK: u64 = 4096;

/// Data without gaps.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Run {
    offset: u64,
    parts: Vec<Bytes>,
}

/// The runs of `chunks`, which follow each other from `offset`.
pub(super) fn plan(offset: u64, chunks: Vec<Bytes>, provisioning: Provisioning) -> Vec<Run> {
    match provisioning {
        Provisioning::Thick => vec![Run { offset, parts: chunks }],
        Provisioning::Thin => without_zeroes(offset, &chunks),
    }
}

fn without_zeroes(mut offset: u64, chunks: &[Bytes]) -> Vec<Run> {
    let mut runs: Vec<Run> = Vec::new();
    let mut end_of_last = None;
    for chunk in chunks {
        let mut start = 0;
        while start < chunk.len() {
            let end = end_of_stretch(offset, chunk, start);
            let at = offset + start as u64;
            if !is_zero(&chunk[start..block_end(offset, chunk, start)]) {
                match runs.last_mut().filter(|_| end_of_last == Some(at)) {
                    Some(run) => run.parts.push(chunk.slice(start..end)),
                    None => runs.push(Run { offset: at, parts: vec![chunk.slice(start..end)] }),
                }
                end_of_last = Some(offset + end as u64);
            }
            start = end;
        }
        offset += chunk.len() as u64;
    }
    runs
}

/// Where the blocks from `start` on stop being all zero or all not zero.
fn end_of_stretch(offset: u64, chunk: &[u8], start: usize) -> usize {
    let mut end = block_end(offset, chunk, start);
    let zero = is_zero(&chunk[start..end]);
    while end < chunk.len() {
        let next = block_end(offset, chunk, end);
        if is_zero(&chunk[end..next]) != zero {
            break;
        }
        end = next;
    }
    end
}

/// The end of the block that the byte at `start` of a chunk at `offset` lies in, or of the chunk.
fn block_end(offset: u64, chunk: &[u8], start: usize) -> usize {
    let into_block = (offset + start as u64) % BLOCK;
    let rest = usize::try_from(BLOCK - into_block).unwrap_or(usize::MAX);
    chunk.len().min(start.saturating_add(rest))
}

/// Whether all bytes are zero. The loop over fixed pieces becomes vector instructions.
fn is_zero(data: &[u8]) -> bool {
    let (pieces, rest) = data.as_chunks::<64>();
    pieces.iter().all(|piece| piece.iter().fold(0, |all, byte| all | byte) == 0) && rest.iter().all(|byte| *byte == 0)
}

impl Run {
    /// Writes all of the run.
    pub(super) fn write(&self, file: &OwnedFd) -> Result<(), Errno> {
        let mut slices: Vec<IoSlice<'_>> = self.parts.iter().map(|part| IoSlice::new(part)).collect();
        let (mut rest, mut offset) = (slices.as_mut_slice(), self.offset);
        IoSlice::advance_slices(&mut rest, 0);
        while !rest.is_empty() {
            match pwritev(file, rest, offset) {
                Ok(0) => return Err(Errno::IO),
                Ok(written) => {
                    IoSlice::advance_slices(&mut rest, written);
                    offset += written as u64;
                }
                Err(Errno::INTR) => {}
                Err(errno) => return Err(errno),
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn summary(runs: &[Run]) -> Vec<(u64, usize)> {
        runs.iter().map(|run| (run.offset, run.parts.iter().map(Bytes::len).sum())).collect()
    }

    fn thin(offset: u64, chunks: &[&[u8]]) -> Vec<(u64, usize)> {
        let chunks = chunks.iter().map(|chunk| Bytes::copy_from_slice(chunk)).collect();
        summary(&plan(offset, chunks, Provisioning::Thin))
    }

    #[test]
    fn zero_blocks_are_left_out() {
        let (zero, data) = ([0; 4096], [1; 4096]);
        let mut mixed = [0; 4096];
        mixed[4095] = 1;
        assert_eq!(thin(0, &[&[zero, data, data, zero, mixed].concat()]), [(4096, 8192), (16384, 4096)]);
        assert_eq!(thin(0, &[&data, &data, &zero, &data]), [(0, 8192), (12288, 4096)]);
        assert_eq!(thin(0, &[&zero, &zero]), []);
        assert_eq!(thin(0, &[]), []);
    }

    #[test]
    fn blocks_are_those_of_the_file_not_of_the_chunk() {
        let mut chunk = vec![0; 3 * 4096];
        chunk[0] = 1;
        chunk[3 * 4096 - 1] = 1;
        // The chunk starts 96 bytes before a block and ends 96 bytes before one.
        assert_eq!(thin(4000, &[&chunk]), [(4000, 96), (12288, 4000)]);
    }

    #[test]
    fn thick_is_one_piece() {
        let chunks = vec![Bytes::from_static(&[0; 10]), Bytes::from_static(&[1; 10])];
        assert_eq!(summary(&plan(7, chunks, Provisioning::Thick)), [(7, 20)]);
    }

    #[test]
    fn every_single_byte_counts() {
        for length in [0, 1, 63, 64, 65, 200] {
            let mut data = vec![0; length];
            assert!(is_zero(&data));
            for at in 0..length {
                data[at] = 1;
                assert!(!is_zero(&data), "{at} of {length}");
                data[at] = 0;
            }
        }
    }
}
