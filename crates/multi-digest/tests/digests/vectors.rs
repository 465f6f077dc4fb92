//! The standards' examples, computed by every kernel.

use crate::support::kernels;
use multi_digest::{Algorithm, Digest, Kernels, State, update_many};

/// RFC 1321, appendix A.5.
const MD5: &[(&str, usize, &str)] = &[
    ("", 1, "d41d8cd98f00b204e9800998ecf8427e"),
    ("a", 1, "0cc175b9c0f1b6a831c399e269772661"),
    ("abc", 1, "900150983cd24fb0d6963f7d28e17f72"),
    ("message digest", 1, "f96b697d7cb7938d525a2f31aaf161d0"),
    ("abcdefghijklmnopqrstuvwxyz", 1, "c3fcd3d76192e4007dfb496cca67e13b"),
    ("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789", 1, "d174ab98d277d9f5a5611c2c9f419d9f"),
    ("1234567890", 8, "57edf4a22be3c955ac49da2e2107b67a"),
];

const TWO_BLOCKS: &str = "abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq";
const TWO_LONG_BLOCKS: &str = "abcdefghbcdefghicdefghijdefghijkefghijklfghijklmghijklmnhijklmno\
                               ijklmnopjklmnopqklmnopqrlmnopqrsmnopqrstnopqrstu";

/// The examples to FIPS 180-4, RFC 3174 and RFC 6234.
const SHA1: &[(&str, usize, &str)] = &[
    ("", 1, "da39a3ee5e6b4b0d3255bfef95601890afd80709"),
    ("abc", 1, "a9993e364706816aba3e25717850c26c9cd0d89d"),
    (TWO_BLOCKS, 1, "84983e441c3bd26ebaae4aa1f95129e5e54670f1"),
    ("a", 1_000_000, "34aa973cd4c4daa4f61eeb2bdbad27316534016f"),
    (
        "0123456701234567012345670123456701234567012345670123456701234567",
        10,
        "dea356a2cddd90c7a7ecedc5ebb563934f460452",
    ),
];

/// The examples to FIPS 180-4 and RFC 6234.
const SHA256: &[(&str, usize, &str)] = &[
    ("", 1, "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"),
    ("abc", 1, "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"),
    (TWO_BLOCKS, 1, "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1"),
    ("a", 1_000_000, "cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0"),
    (
        "0123456701234567012345670123456701234567012345670123456701234567",
        10,
        "594847328451bdfa85056225462cc1d867d877fb388df0ce35f25ab5562bfbb5",
    ),
];

/// The examples to FIPS 180-4 and RFC 6234.
const SHA512: &[(&str, usize, &str)] = &[
    (
        "",
        1,
        "cf83e1357eefb8bdf1542850d66d8007d620e4050b5715dc83f4a921d36ce9ce\
         47d0d13c5d85f2b0ff8318d2877eec2f63b931bd47417a81a538327af927da3e",
    ),
    (
        "abc",
        1,
        "ddaf35a193617abacc417349ae20413112e6fa4e89a97ea20a9eeee64b55d39a\
         2192992a274fc1a836ba3c23a3feebbd454d4423643ce80e2a9ac94fa54ca49f",
    ),
    (
        TWO_LONG_BLOCKS,
        1,
        "8e959b75dae313da8cf4f72814fc143f8f7779c6eb9f7fa17299aeadb6889018\
         501d289e4900f7e4331b99dec4b5433ac7d329eeb6dd26545e96e55b874be909",
    ),
    (
        "a",
        1_000_000,
        "e718483d0ce769644e2e42c7bc15b4638e1f98b13b2044285632a803afa973eb\
         de0ff244877ea60a4cb0432ce577c31beb009c5c2c49aa2e4eadb217ad8cc09b",
    ),
    (
        "0123456701234567012345670123456701234567012345670123456701234567",
        10,
        "89d05ba632c699c31231ded4ffc127d5a894dad412c0e024db872d1abd2ba814\
         1a0f85072a9be1e2aa04cf33c765cb510813a39cd5a84c4acaa64d3f3fb7bae9",
    ),
];

fn examples(algorithm: Algorithm) -> &'static [(&'static str, usize, &'static str)] {
    match algorithm {
        Algorithm::Md5 => MD5,
        Algorithm::Sha1 => SHA1,
        Algorithm::Sha256 => SHA256,
        Algorithm::Sha512 => SHA512,
        other => panic!("no examples for {other}"),
    }
}

/// Hashes `messages` side by side, whole messages at once.
fn digests(algorithm: Algorithm, messages: &[Vec<u8>], kernels: Kernels) -> Vec<String> {
    let mut states = vec![State::new(algorithm); messages.len()];
    let mut streams: Vec<_> = states.iter_mut().zip(messages.iter().map(Vec::as_slice)).collect();
    update_many(&mut streams, kernels);
    states.into_iter().map(|state| state.finalize_with(kernels).to_string()).collect()
}

fn each_kernel(check: impl Fn(Kernels, Algorithm)) {
    for kernels in kernels() {
        Algorithm::ALL.iter().for_each(|algorithm| check(kernels, *algorithm));
    }
}

#[test]
fn each_example_in_as_many_lanes_as_there_may_be() {
    each_kernel(|kernels, algorithm| {
        for (text, times, digest) in examples(algorithm) {
            for streams in [1, 2, 3, 4, 8, 9, 16, 17] {
                let messages = vec![text.repeat(*times).into_bytes(); streams];
                let found = digests(algorithm, &messages, kernels);
                assert_eq!(found, vec![*digest; streams], "{kernels:?}, {algorithm}, {streams} times {text}");
            }
        }
    });
}

#[test]
fn all_examples_beside_each_other() {
    each_kernel(|kernels, algorithm| {
        let examples: Vec<_> = examples(algorithm).iter().cycle().take(23).collect();
        let messages: Vec<Vec<u8>> = examples.iter().map(|(text, times, _)| text.repeat(*times).into_bytes()).collect();
        let expected: Vec<&str> = examples.iter().map(|(_, _, digest)| *digest).collect();
        assert_eq!(digests(algorithm, &messages, kernels), expected, "{kernels:?}, {algorithm}");
    });
}

#[test]
fn a_digest_shows_its_bytes() {
    let digest: Digest = State::new(Algorithm::Md5).finalize();
    assert_eq!(digest.as_bytes()[..2], [0xd4, 0x1d]);
    assert_eq!(digest.as_bytes().len(), Algorithm::Md5.digest_bytes());
    assert_eq!(format!("{digest:?}"), "Digest(md5 d41d8cd98f00b204e9800998ecf8427e)");
}

#[test]
fn algorithms_have_the_names_of_hashlib() {
    for algorithm in Algorithm::ALL {
        assert_eq!(Algorithm::named(algorithm.name()), Some(*algorithm));
    }
    assert_eq!(Algorithm::named("sha3_512"), None);
}
