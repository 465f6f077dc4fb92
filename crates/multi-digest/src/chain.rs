//! Chaining values: what an algorithm remembers of the blocks it has seen.

use crate::algorithm::Algorithm;
use crate::constants::{MD5_INITIAL, SHA1_INITIAL, SHA256_INITIAL, SHA512_INITIAL};
#[cfg(target_arch = "x86_64")]
use crate::kernels::pair;
use crate::kernels::{md5, sha1, sha256, sha512};
use crate::lanes::{self, Lane};
use crate::processor::Kernels;

/// A chaining value. `W` is an array of the words that the standard calls A, B, C …
#[derive(Clone, PartialEq, Eq)]
pub(crate) enum Chain {
    Md5([u32; 4]),
    Sha1([u32; 5]),
    Sha256([u32; 8]),
    Sha512([u64; 8]),
}

impl Chain {
    /// The value before the first block.
    pub(crate) fn new(algorithm: Algorithm) -> Self {
        match algorithm {
            Algorithm::Md5 => Self::Md5(MD5_INITIAL),
            Algorithm::Sha1 => Self::Sha1(SHA1_INITIAL),
            Algorithm::Sha256 => Self::Sha256(SHA256_INITIAL),
            Algorithm::Sha512 => Self::Sha512(SHA512_INITIAL),
        }
    }

    pub(crate) fn algorithm(&self) -> Algorithm {
        match self {
            Self::Md5(_) => Algorithm::Md5,
            Self::Sha1(_) => Algorithm::Sha1,
            Self::Sha256(_) => Algorithm::Sha256,
            Self::Sha512(_) => Algorithm::Sha512,
        }
    }

    /// The words as the digest has them: as many bytes as [`Algorithm::digest_bytes`] says.
    pub(crate) fn to_bytes(&self) -> Vec<u8> {
        match self {
            Self::Md5(words) => words.iter().flat_map(|word| word.to_le_bytes()).collect(),
            Self::Sha1(words) => words.iter().flat_map(|word| word.to_be_bytes()).collect(),
            Self::Sha256(words) => words.iter().flat_map(|word| word.to_be_bytes()).collect(),
            Self::Sha512(words) => words.iter().flat_map(|word| word.to_be_bytes()).collect(),
        }
    }

    /// Takes the words from `bytes`, in the order of [`Self::to_bytes`].
    pub(crate) fn set_bytes(&mut self, bytes: &[u8]) {
        fn set<W, const S: usize>(words: &mut [W], bytes: &[u8], read: fn([u8; S]) -> W) {
            for (word, bytes) in words.iter_mut().zip(bytes.as_chunks().0) {
                *word = read(*bytes);
            }
        }
        match self {
            Self::Md5(words) => set(words, bytes, u32::from_le_bytes),
            Self::Sha1(words) => set(words, bytes, u32::from_be_bytes),
            Self::Sha256(words) => set(words, bytes, u32::from_be_bytes),
            Self::Sha512(words) => set(words, bytes, u64::from_be_bytes),
        }
    }
}

/// Hashes whole blocks of many streams, which may be of different algorithms.
pub(crate) fn advance<'a>(streams: impl Iterator<Item = (&'a mut Chain, &'a [u8])>, kernels: Kernels) {
    let (mut md5s, mut sha1s, mut sha256s, mut sha512s) = (Vec::new(), Vec::new(), Vec::new(), Vec::new());
    for (chain, data) in streams {
        match chain {
            Chain::Md5(chain) => md5s.push(lane(chain, data)),
            Chain::Sha1(chain) => sha1s.push(lane(chain, data)),
            Chain::Sha256(chain) => sha256s.push(lane(chain, data)),
            Chain::Sha512(chain) => sha512s.push(lane(chain, data)),
        }
    }
    #[cfg(target_arch = "x86_64")]
    if let (Some(md5), Some(sha512)) = (lanes::only(&mut md5s), lanes::only(&mut sha512s)) {
        pair::advance(md5, sha512, kernels);
    }
    lanes::advance(&mut md5s, md5::PLANS, kernels);
    lanes::advance(&mut sha1s, sha1::PLANS, kernels);
    lanes::advance(&mut sha256s, sha256::PLANS, kernels);
    lanes::advance(&mut sha512s, sha512::PLANS, kernels);
}

fn lane<'a, C, const B: usize>(chain: &'a mut C, data: &'a [u8]) -> Lane<'a, C, [u8; B]> {
    Lane { chain, blocks: data.as_chunks().0 }
}
