//! What the tests share.

use multi_digest::{Algorithm, Kernel, Kernels};
use openssl::hash::{MessageDigest, hash};

/// The kernels that this processor has, each by itself, and then all of them together.
pub(crate) fn kernels() -> Vec<Kernels> {
    let alone = Kernel::ALL.iter().filter_map(|kernel| Kernels::only(*kernel));
    alone.chain([Kernels::detected()]).collect()
}

/// The digest by OpenSSL, in hexadecimal digits.
pub(crate) fn by_openssl(algorithm: Algorithm, data: &[u8]) -> String {
    let digest = hash(MessageDigest::from_name(algorithm.name()).unwrap(), data).unwrap();
    digest.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// Bytes that differ from stream to stream and from place to place.
pub(crate) fn bytes(stream: usize, length: usize) -> Vec<u8> {
    let mut state = 0x9e37_79b9_7f4a_7c15_u64.wrapping_mul(stream as u64 + 1);
    let next = || {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (state >> 56) as u8
    };
    std::iter::repeat_with(next).take(length).collect()
}
