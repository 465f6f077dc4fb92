//! Streams that are hashed side by side in any order must have the digests that OpenSSL computes of each.
//!
//! The first byte of the input chooses the kernel, unless `FUZZ_KERNEL` names one (`Avx512`, …). The rest are turns of
//! three bytes: which streams take part and how they are exchanged for what they export; how many bytes they take.
//! What the streams contain follows from the input.

#![no_main]

use libfuzzer_sys::fuzz_target;
use multi_digest::{Algorithm, Kernel, Kernels, State, update_many};
use openssl::hash::{MessageDigest, hash};

/// Three streams for each lane of the widest kernel.
const STREAMS: usize = 48;
const MOST_BYTES: usize = 64 << 10;

struct Stream {
    state: State,
    /// Where its bytes begin in the common content.
    start: usize,
    taken: usize,
}

fuzz_target!(|input: &[u8]| {
    let [kernel, turns @ ..] = input else { return };
    let Some(kernels) = kernels(*kernel) else { return };
    let content: Vec<u8> = content(input).take(MOST_BYTES + STREAMS).collect();
    let stream = |at: usize| Stream {
        state: State::new(Algorithm::ALL[(at + usize::from(*kernel)) % Algorithm::ALL.len()]),
        start: at,
        taken: 0,
    };
    let mut streams: Vec<Stream> = (0..STREAMS).map(stream).collect();
    for turn in turns.as_chunks().0 {
        take_turn(&mut streams, *turn, &content, kernels);
    }
    for stream in streams {
        let algorithm = stream.state.algorithm();
        let expected = hash(message_digest(algorithm), &content[stream.start..][..stream.taken]);
        assert_eq!(stream.state.finalize_with(kernels).as_bytes(), &*expected.expect("OpenSSL hashes"));
    }
});

fn kernels(choice: u8) -> Option<Kernels> {
    let named = std::env::var("FUZZ_KERNEL").ok();
    let is_named = |kernel: &&Kernel| named.as_ref().is_some_and(|name| format!("{kernel:?}") == *name);
    let choice = usize::from(choice) % (Kernel::ALL.len() + 1);
    match (named.is_some(), Kernel::ALL.get(choice)) {
        (true, _) => Kernels::only(*Kernel::ALL.iter().find(is_named).expect("FUZZ_KERNEL is a kernel")),
        (false, Some(kernel)) => Kernels::only(*kernel),
        (false, None) => Some(Kernels::detected()),
    }
}

fn content(input: &[u8]) -> impl Iterator<Item = u8> {
    let mut state = input.iter().fold(1_u64, |state, byte| state.wrapping_mul(0x100_0000_01b3) ^ u64::from(*byte));
    std::iter::repeat_with(move || {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (state >> 56) as u8
    })
}

/// A low bit of `which` exchanges all streams for their exports; the other bits are the distance between those that take
/// part. Stream number n takes `least` + n · `more` bytes, of which bit 7 makes whole blocks.
fn take_turn(streams: &mut [Stream], [which, least, more]: [u8; 3], content: &[u8], kernels: Kernels) {
    if which & 1 != 0 {
        for stream in &mut *streams {
            stream.state = State::import(&stream.state.export()).expect("exported states can be imported");
        }
    }
    let unit = if least & 0x80 != 0 { 64 } else { 1 };
    let mut pieces = Vec::new();
    let (first, step) = (usize::from(which >> 5), usize::from(which >> 1 & 0x0f) + 1);
    for (at, stream) in streams.iter_mut().enumerate().skip(first).step_by(step) {
        let wanted = unit * (usize::from(least & 0x7f) + at * usize::from(more) / 8);
        let piece = &content[stream.start + stream.taken..];
        let piece = &piece[..wanted.min(MOST_BYTES - stream.taken)];
        stream.taken += piece.len();
        pieces.push((&mut stream.state, piece));
    }
    update_many(&mut pieces, kernels);
}

fn message_digest(algorithm: Algorithm) -> MessageDigest {
    MessageDigest::from_name(algorithm.name()).expect("OpenSSL has the digest")
}
