//! Any bytes, cut into any chunks, must neither panic nor be held in memory without bound, and must get
//! the verdict of the uncut stream. A stream shorter than a sector is what it is with zeroes behind it, as in QEMU.
//!
//! The first byte of the input chooses how the stream is cut. The rest are pieces of the stream: a byte
//! for where a piece starts, one for its length, and its content. Formats keep their structures far
//! apart, and so a short input can reach them all.

#![no_main]

use image_format::{Detected, Format, Inspection, Inspector};
use libfuzzer_sys::fuzz_target;

/// A piece starts at the next multiple of one of these.
const ALIGNMENTS: [usize; 7] = [1, 512, 2048, 32 << 10, 64 << 10, 192 << 10, 1 << 20];
const STREAM_LIMIT: usize = 2 << 20;
const SECTOR: usize = 512;

fuzz_target!(|input: &[u8]| {
    let [cut, pieces @ ..] = input else { return };
    let stream = assemble(pieces);
    let whole = inspect(&stream, usize::MAX);
    let step = 1 + usize::from(*cut) * usize::from(*cut);
    assert_eq!(inspect(&stream, step.max(stream.len() / 4096)), whole);
    assert_eq!(whole.bytes, stream.len() as u64);
    let raw = whole.formats.iter().any(|found| found.format == Format::Raw);
    assert!(!whole.formats.is_empty() && (!raw || whole.formats.len() == 1));
    let short = &stream[..stream.len().min(usize::from(*cut) * 2 + 1)];
    assert!(padding_hides_nothing(short), "the zeroes behind a short head");
});

/// Whether what is found in a short stream with zeroes behind it, up to a whole sector, is found without them.
fn padding_hides_nothing(short: &[u8]) -> bool {
    let mut padded = short.to_vec();
    padded.resize(if short.is_empty() { 0 } else { SECTOR }, 0);
    let (short, padded) = (inspect(short, usize::MAX), inspect(&padded, usize::MAX));
    let found =
        |one: &Detected| short.formats.iter().any(|other| other.format == one.format && other.findings == one.findings);
    padded.formats.iter().filter(|one| one.format != Format::Raw).all(found)
}

fn assemble(mut pieces: &[u8]) -> Vec<u8> {
    let mut stream = Vec::new();
    while let [place, length, rest @ ..] = pieces {
        let start = stream.len().next_multiple_of(ALIGNMENTS[usize::from(*place) % ALIGNMENTS.len()]);
        if start > STREAM_LIMIT {
            break;
        }
        let (piece, others) = rest.split_at(rest.len().min(4 * usize::from(*length)));
        stream.resize(start, 0);
        stream.extend_from_slice(piece);
        pieces = others;
    }
    stream
}

fn inspect(stream: &[u8], chunk: usize) -> Inspection {
    let mut inspector = Inspector::new();
    let mut possible = Format::ALL.to_vec();
    for chunk in stream.chunks(chunk) {
        inspector.feed(chunk);
        assert!(inspector.buffered_bytes() <= Inspector::BUFFER_LIMIT);
        possible.retain(|format| !inspector.rules_out(*format));
    }
    let inspection = inspector.finish();
    assert!(inspection.formats.iter().all(|found| possible.contains(&found.format)));
    inspection
}
