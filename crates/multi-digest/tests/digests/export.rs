//! States as bytes.

use crate::support::{by_openssl, bytes};
use multi_digest::{Algorithm, ImportError, State};

fn state(algorithm: Algorithm, length: usize) -> State {
    let mut state = State::new(algorithm);
    state.update(&bytes(0, length));
    state
}

#[test]
fn a_stream_goes_on_from_anywhere() {
    let data = bytes(0, 1000);
    for algorithm in Algorithm::ALL {
        let digest = by_openssl(*algorithm, &data);
        for at in 0..300 {
            let mut state = State::import(&state(*algorithm, at).export()).unwrap();
            assert_eq!((state.algorithm(), state.length()), (*algorithm, at as u64));
            state.update(&data[at..]);
            assert_eq!(state.finalize().to_string(), digest, "{algorithm}, {at}");
        }
    }
}

/// States of earlier versions must be read for ever.
#[test]
fn version_1() {
    let mut state = State::new(Algorithm::Md5);
    state.update(b"abc");
    let initial = [0x01, 0x23, 0x45, 0x67, 0x89, 0xab, 0xcd, 0xef, 0xfe, 0xdc, 0xba, 0x98, 0x76, 0x54, 0x32, 0x10];
    let expected = [&[1, 1, 0, 0, 0, 0, 0, 0, 0, 3], initial.as_slice(), b"abc"].concat();
    assert_eq!(state.export(), expected);
    let codes = Algorithm::ALL.iter().map(|algorithm| (State::new(*algorithm).export()[1], algorithm.name()));
    assert_eq!(codes.collect::<Vec<_>>(), [(1, "md5"), (2, "sha1"), (3, "sha256"), (4, "sha512")]);
}

#[test]
fn what_is_no_state_is_refused() {
    for algorithm in Algorithm::ALL {
        let exported = state(*algorithm, 200).export();
        for length in 0..exported.len() {
            assert_eq!(State::import(&exported[..length]).unwrap_err(), ImportError::Length, "{algorithm}, {length}");
        }
        let longer = [exported.as_slice(), b"x"].concat();
        assert_eq!(State::import(&longer).unwrap_err(), ImportError::Length);
        let changed = |at: usize, byte| {
            let mut bytes = exported.clone();
            bytes[at] = byte;
            State::import(&bytes).unwrap_err()
        };
        assert_eq!(changed(0, 2), ImportError::Version(2));
        assert_eq!(changed(1, 0), ImportError::Algorithm(0));
        assert_eq!(changed(1, 5), ImportError::Algorithm(5));
        assert_eq!(changed(9, 201), ImportError::Length);
        assert!(!changed(0, 2).to_string().is_empty());
    }
}

#[test]
fn a_state_shows_none_of_its_bytes() {
    assert_eq!(format!("{:?}", state(Algorithm::Sha512, 200)), "State(sha512 of 200 bytes)");
}

/// A stream of almost 2⁶⁴ bytes comes to no harm, although nobody will live to see one.
#[test]
fn the_length_may_overflow() {
    for algorithm in Algorithm::ALL {
        let mut exported = State::new(*algorithm).export();
        exported[2..10].copy_from_slice(&(u64::MAX - 127).to_be_bytes());
        let mut state = State::import(&exported).unwrap();
        state.update(&[0; 200]);
        assert_eq!(state.length(), 72);
        assert_eq!(state.finalize().as_bytes().len(), algorithm.digest_bytes());
    }
}
