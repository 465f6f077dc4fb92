//! Bytes that can be made again from a number, and digests to compare bytes by.

use openssl::hash::{Hasher, MessageDigest};

/// A generator of numbers that look random and repeat with the seed (SplitMix64, Steele et al. 2014).
#[derive(Debug, Clone)]
pub struct Random(u64);

impl Random {
    /// Starts the sequence of `seed`.
    #[must_use]
    pub fn new(seed: u64) -> Self {
        Self(seed)
    }

    /// The next number of the sequence.
    pub fn next_number(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    /// A number from 0 to `limit` - 1; `limit` is not 0.
    pub fn below(&mut self, limit: u64) -> u64 {
        self.next_number() % limit
    }

    /// `length` bytes.
    pub fn bytes(&mut self, length: usize) -> Vec<u8> {
        let mut bytes = Vec::with_capacity(length + 8);
        while bytes.len() < length {
            bytes.extend(self.next_number().to_le_bytes());
        }
        bytes.truncate(length);
        bytes
    }
}

/// `length` bytes that depend on `seed`; no format of disk images begins like them.
#[must_use]
pub fn bytes(seed: u64, length: usize) -> Vec<u8> {
    Random::new(seed).bytes(length)
}

/// MD5 and SHA-512 of bytes that come in pieces.
pub struct Digests {
    md5: Hasher,
    sha512: Hasher,
}

impl Digests {
    /// Of nothing yet.
    ///
    /// # Panics
    /// When OpenSSL refuses to compute them.
    #[must_use]
    pub fn new() -> Self {
        Self { md5: Hasher::new(MessageDigest::md5()).unwrap(), sha512: Hasher::new(MessageDigest::sha512()).unwrap() }
    }

    /// Adds bytes.
    ///
    /// # Panics
    /// When OpenSSL fails.
    pub fn update(&mut self, bytes: &[u8]) {
        self.md5.update(bytes).unwrap();
        self.sha512.update(bytes).unwrap();
    }

    /// MD5 and SHA-512 in hexadecimal, as images carry them in `checksum` and `os_hash_value`.
    ///
    /// # Panics
    /// When OpenSSL fails.
    #[must_use]
    pub fn finish(mut self) -> (String, String) {
        (hex(&self.md5.finish().unwrap()), hex(&self.sha512.finish().unwrap()))
    }
}

impl Default for Digests {
    fn default() -> Self {
        Self::new()
    }
}

/// MD5 and SHA-512 of `bytes` in hexadecimal.
#[must_use]
pub fn digests(bytes: &[u8]) -> (String, String) {
    let mut digests = Digests::new();
    digests.update(bytes);
    digests.finish()
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_sequence_and_the_digests_are_the_published_ones() {
        assert_eq!(Random::new(1_234_567).next_number(), 6_457_827_717_110_365_317);
        let (md5, sha512) = digests(b"abc");
        assert_eq!(md5, "900150983cd24fb0d6963f7d28e17f72");
        assert!(sha512.starts_with("ddaf35a193617abacc417349ae204131"), "{sha512}");
        assert_eq!(bytes(7, 13), bytes(7, 20)[..13]);
    }
}
