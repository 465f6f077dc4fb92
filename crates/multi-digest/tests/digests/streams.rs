//! Streams that advance together in all ways have the digests that OpenSSL computes of each.

use crate::support::{by_openssl, bytes, kernels};
use multi_digest::{Algorithm, Kernels, State, update_many};
use proptest::prelude::*;

/// A stream with its bytes, some of which it has taken.
struct Stream {
    state: State,
    data: Vec<u8>,
    taken: usize,
}

impl Stream {
    fn new(algorithm: Algorithm, number: usize, length: usize) -> Self {
        Self { state: State::new(algorithm), data: bytes(number, length), taken: 0 }
    }

    /// The state, and up to `most` of the bytes to come.
    fn next(&mut self, most: usize) -> (&mut State, &[u8]) {
        let rest = &self.data[self.taken..];
        let piece = &rest[..most.min(rest.len())];
        self.taken += piece.len();
        (&mut self.state, piece)
    }

    fn check(self, kernels: Kernels) {
        let taken = &self.data[..self.taken];
        assert_eq!(self.state.length(), taken.len() as u64);
        let algorithm = self.state.algorithm();
        assert_eq!(self.state.finalize_with(kernels).to_string(), by_openssl(algorithm, taken), "{kernels:?}");
    }
}

/// What happens to a stream in a turn.
#[derive(Clone, Copy, Debug)]
enum Turn {
    Waits,
    Takes(usize),
    /// Goes through its exported form.
    Moves,
}

fn turn() -> impl Strategy<Value = Turn> {
    prop_oneof![
        2 => Just(Turn::Waits),
        4 => (0_usize..300).prop_map(Turn::Takes),
        2 => (0_usize..6000).prop_map(Turn::Takes),
        1 => (0_usize..50).prop_map(|blocks| Turn::Takes(64 * blocks)),
        1 => Just(Turn::Moves),
    ]
}

/// Streams of all algorithms, and for each its turns.
fn streams() -> impl Strategy<Value = Vec<(Algorithm, Vec<Turn>)>> {
    let stream = (prop::sample::select(Algorithm::ALL), prop::collection::vec(turn(), 1..12));
    prop::collection::vec(stream, 1..40)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 200, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn any_streams_in_any_order(plan in streams(), kernels in prop::sample::select(kernels())) {
        let mut streams: Vec<Stream> =
            plan.iter().enumerate().map(|(at, (algorithm, _))| Stream::new(*algorithm, at, 70_000)).collect();
        for round in 0..12 {
            let mut pieces = Vec::new();
            for (stream, (_, turns)) in streams.iter_mut().zip(&plan) {
                match turns.get(round) {
                    Some(Turn::Takes(most)) => pieces.push(stream.next(*most)),
                    Some(Turn::Moves) => stream.state = State::import(&stream.state.export()).unwrap(),
                    Some(Turn::Waits) | None => {}
                }
            }
            update_many(&mut pieces, kernels);
        }
        streams.into_iter().for_each(|stream| stream.check(kernels));
    }
}

#[test]
fn one_stream_gains_and_loses_seven_companions() {
    for kernels in kernels() {
        for algorithm in Algorithm::ALL {
            let mut streams: Vec<Stream> = (0..8).map(|number| Stream::new(*algorithm, number, 200_000)).collect();
            let company = (1..=8).chain((1..8).rev());
            for (turn, together) in company.enumerate() {
                // Each takes another number of bytes, and the companions leave in the order in which they came.
                let first = if turn < 8 { 0 } else { turn - 7 };
                let (one, companions) = streams.split_first_mut().unwrap();
                let mut pieces = vec![one.next(1000 + 77 * turn)];
                let others = companions.iter_mut().skip(first).take(together - 1).enumerate();
                pieces.extend(others.map(|(at, stream)| stream.next(500 * at + 131 * turn)));
                update_many(&mut pieces, kernels);
            }
            streams.into_iter().for_each(|stream| stream.check(kernels));
        }
    }
}

/// The two digests of an upload, by itself at first, then beside another, and then by itself again.
#[test]
fn both_digests_of_one_upload() {
    for kernels in kernels() {
        let digests = |number| [Algorithm::Md5, Algorithm::Sha512].map(|kind| Stream::new(kind, number, 200_000));
        let (mut one, mut other) = (digests(0), digests(1));
        for turn in 0..30 {
            let most = 777 * turn;
            let mut pieces: Vec<_> = one.iter_mut().map(|stream| stream.next(most)).collect();
            if (10..20).contains(&turn) {
                pieces.extend(other.iter_mut().map(|stream| stream.next(most / 2)));
            }
            update_many(&mut pieces, kernels);
        }
        one.into_iter().chain(other).for_each(|stream| stream.check(kernels));
    }
}

/// Every length of padding, with streams of all lengths beside each other.
#[test]
fn every_length_around_the_ends_of_blocks() {
    for kernels in kernels() {
        for algorithm in Algorithm::ALL {
            let mut streams: Vec<Stream> = (0..300).map(|length| Stream::new(*algorithm, length, length)).collect();
            let mut pieces: Vec<_> = streams.iter_mut().map(|stream| stream.next(300)).collect();
            update_many(&mut pieces, kernels);
            streams.into_iter().for_each(|stream| stream.check(kernels));
        }
    }
}

/// Longer than the strips that `update_many` cuts for the sake of the caches, and more streams than lanes.
#[test]
fn long_streams_of_two_algorithms() {
    for kernels in kernels() {
        let stream = |number: usize| {
            let algorithm = if number.is_multiple_of(2) { Algorithm::Md5 } else { Algorithm::Sha512 };
            Stream::new(algorithm, number, 100_000 + 4_321 * number)
        };
        let mut streams: Vec<Stream> = (0..38).map(stream).collect();
        let mut pieces: Vec<_> = streams.iter_mut().map(|stream| stream.next(usize::MAX)).collect();
        update_many(&mut pieces, kernels);
        streams.into_iter().for_each(|stream| stream.check(kernels));
    }
}
