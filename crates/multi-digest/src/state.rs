//! A digest under way: the state of one stream.

use crate::algorithm::Algorithm;
use crate::chain::Chain;
use crate::digest::Digest;
use crate::error::ImportError;
use crate::processor::Kernels;

/// The first byte of an exported state.
const VERSION: u8 = 1;
/// Version, algorithm and length.
const HEADER_BYTES: usize = 10;
/// The longest block of all algorithms.
const MOST_BLOCK_BYTES: usize = 128;

/// The state of one stream: the chaining value after its whole blocks, the beginning of the next block, and how many
/// bytes there have been. Nothing in it depends on the kernel that computed it.
#[derive(Clone)]
pub struct State {
    chain: Chain,
    /// The bytes behind the last whole block, and then old ones without a meaning.
    block: [u8; MOST_BLOCK_BYTES],
    length: u64,
}

/// The next bytes of a stream, cut at the ends of its blocks.
pub(crate) struct Cut<'a> {
    chain: &'a mut Chain,
    block: &'a mut [u8],
    /// Whether `block` has become full.
    fills: bool,
    /// The whole blocks.
    pub(crate) body: &'a [u8],
    /// The beginning of another block.
    rest: &'a [u8],
}

impl State {
    /// The state before the first byte.
    #[must_use]
    pub fn new(algorithm: Algorithm) -> Self {
        Self { chain: Chain::new(algorithm), block: [0; MOST_BLOCK_BYTES], length: 0 }
    }

    /// The algorithm.
    #[must_use]
    pub fn algorithm(&self) -> Algorithm {
        self.chain.algorithm()
    }

    /// How many bytes there have been. More than 2⁶⁴ begin again at zero.
    #[must_use]
    pub fn length(&self) -> u64 {
        self.length
    }

    /// Adds bytes, with the fastest code for one stream. [`update_many`](crate::update_many) is faster for several.
    pub fn update(&mut self, data: &[u8]) {
        crate::update_many(&mut [(self, data)], Kernels::detected());
    }

    /// Ends the stream.
    #[must_use]
    pub fn finalize(self) -> Digest {
        self.finalize_with(Kernels::detected())
    }

    /// Ends the stream with some of the kernels.
    #[must_use]
    pub fn finalize_with(mut self, kernels: Kernels) -> Digest {
        let end = self.padding();
        crate::update_many(&mut [(&mut self, &end)], kernels);
        debug_assert_eq!(self.buffered(), 0);
        Digest::new(self.algorithm(), &self.chain.to_bytes())
    }

    /// What the standards put behind the last byte: a bit, zeros up to the end of a block, and the length in bits.
    fn padding(&self) -> Vec<u8> {
        let bits = u128::from(self.length) * 8;
        let length = match self.algorithm() {
            Algorithm::Md5 => (bits as u64).to_le_bytes().to_vec(),
            Algorithm::Sha1 | Algorithm::Sha256 => (bits as u64).to_be_bytes().to_vec(),
            Algorithm::Sha512 => bits.to_be_bytes().to_vec(),
        };
        let with_bit = self.buffered() + 1;
        let whole = (with_bit + length.len()).next_multiple_of(self.algorithm().block_bytes());
        let mut padding = vec![0x80];
        padding.resize(1 + whole - with_bit - length.len(), 0);
        padding.extend(length);
        padding
    }

    /// How many bytes wait for the rest of their block.
    fn buffered(&self) -> usize {
        (self.length % self.algorithm().block_bytes() as u64) as usize
    }

    /// Takes what completes the block begun before, and cuts the rest at the end of the last whole block.
    pub(crate) fn cut<'a>(&'a mut self, data: &'a [u8]) -> Cut<'a> {
        let (begun, size) = (self.buffered(), self.algorithm().block_bytes());
        self.length = self.length.wrapping_add(data.len() as u64);
        let wanted = if begun == 0 { 0 } else { (size - begun).min(data.len()) };
        let (first, others) = data.split_at(wanted);
        self.block[begun..begun + wanted].copy_from_slice(first);
        let (body, rest) = others.split_at(others.len() - others.len() % size);
        Cut { chain: &mut self.chain, block: &mut self.block[..size], fills: begun + wanted == size, body, rest }
    }

    /// The state as bytes that [`Self::import`] reads, in this version of the crate or a later one.
    ///
    /// These are: the version, 1; the algorithm, 1 for MD5, 2 for SHA-1, 3 for SHA-256, 4 for SHA-512; the length in
    /// eight bytes, the highest first; the chaining value in the form of a digest; the bytes of the unfinished block.
    #[must_use]
    pub fn export(&self) -> Vec<u8> {
        let mut bytes = vec![VERSION, self.algorithm().code()];
        bytes.extend(self.length.to_be_bytes());
        bytes.extend(self.chain.to_bytes());
        bytes.extend(&self.block[..self.buffered()]);
        bytes
    }

    /// Reads an exported state. A state that was changed on its way may be read and give a wrong digest: whoever keeps
    /// it where others can write must protect it.
    ///
    /// # Errors
    /// [`ImportError`] if the bytes cannot be a state.
    pub fn import(bytes: &[u8]) -> Result<Self, ImportError> {
        let (header, content) = bytes.split_first_chunk::<HEADER_BYTES>().ok_or(ImportError::Length)?;
        let [VERSION, code, length @ ..] = *header else { return Err(ImportError::Version(header[0])) };
        let algorithm = Algorithm::with_code(code).ok_or(ImportError::Algorithm(code))?;
        let mut state = Self::new(algorithm);
        state.length = u64::from_be_bytes(length);
        let (chain, begun) = content.split_at_checked(algorithm.digest_bytes()).ok_or(ImportError::Length)?;
        if begun.len() != state.buffered() {
            return Err(ImportError::Length);
        }
        state.chain.set_bytes(chain);
        state.block[..begun.len()].copy_from_slice(begun);
        Ok(state)
    }
}

impl<'a> Cut<'a> {
    /// The block begun before, if it has become full.
    pub(crate) fn filled(&mut self) -> Option<(&mut Chain, &[u8])> {
        self.fills.then_some((&mut *self.chain, &*self.block))
    }

    /// Up to `most` bytes of the whole blocks, from `start` on.
    pub(crate) fn whole_blocks(&mut self, start: usize, most: usize) -> (&mut Chain, &'a [u8]) {
        let rest = self.body.get(start..).unwrap_or_default();
        (&mut *self.chain, &rest[..rest.len().min(most)])
    }

    /// Keeps what is left for the next block, once the whole ones are hashed.
    pub(crate) fn keep_rest(self) {
        self.block[..self.rest.len()].copy_from_slice(self.rest);
    }
}

impl std::fmt::Debug for State {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "State({} of {} bytes)", self.algorithm(), self.length)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// No test can hash as much as makes a length that needs more than 32 bits, or more than 64.
    #[test]
    fn the_padding_has_the_whole_length() {
        let padding = |algorithm, length| State { length, ..State::new(algorithm) }.padding();
        let long = (1 << 61) + 5;
        assert_eq!(padding(Algorithm::Md5, 1 << 40)[56..], (1_u64 << 43).to_le_bytes());
        assert_eq!(padding(Algorithm::Sha256, 1 << 40)[56..], (1_u64 << 43).to_be_bytes());
        assert_eq!(padding(Algorithm::Sha1, long)[64 - 5 - 8..], 40_u64.to_be_bytes());
        assert_eq!(padding(Algorithm::Sha512, long)[128 - 5 - 16..], ((1_u128 << 64) + 40).to_be_bytes());
    }
}
