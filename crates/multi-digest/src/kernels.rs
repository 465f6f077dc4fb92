//! The code that hashes whole blocks, in several ways.
//!
//! An algorithm is written once, as a macro, and made for each kind of vector: a module of [`vectors`] with the same
//! small functions in each (`add`, `xor3`, `choose`, …). The functions for AVX2 and AVX-512 are safe: the compiler lets
//! only such code call them as needs these instructions itself. The step from ordinary code is [`Plan::advance`].

/// Defines short functions that need the instructions `$features`.
#[cfg(target_arch = "x86_64")]
macro_rules! featured {
    ($features:tt; $(
        fn $name:ident $(<$(const $generic:ident: $kind:ty),*>)? ($($arg:ident: $type:ty),*) -> $result:ty = $body:expr;
    )*) => { $(
        #[inline]
        #[target_feature(enable = $features)]
        pub(in crate::kernels) fn $name $(<$(const $generic: $kind),*>)? ($($arg: $type),*) -> $result { $body }
    )* };
}

/// Defines short functions that every processor can do.
macro_rules! plain {
    ($(
        fn $name:ident $(<$(const $generic:ident: $kind:ty),*>)? ($($arg:ident: $type:ty),*) -> $result:ty = $body:expr;
    )*) => { $(
        #[inline(always)]
        pub(in crate::kernels) fn $name $(<$(const $generic: $kind),*>)? ($($arg: $type),*) -> $result { $body }
    )* };
}

pub(crate) mod md5;
#[cfg(feature = "openssl")]
mod openssl;
#[cfg(target_arch = "x86_64")]
pub(crate) mod pair;
pub(crate) mod sha1;
pub(crate) mod sha256;
pub(crate) mod sha512;
#[cfg(target_arch = "x86_64")]
mod sha_ni;
mod vectors;

use crate::lanes::Lane;
use crate::processor::{Kernel, Kernels};

/// One way to hash blocks of some algorithm.
pub(crate) struct Plan<C, B> {
    /// What the processor must be able to do.
    pub(crate) kernel: Kernel,
    /// How many streams advance at once.
    pub(crate) lanes: usize,
    /// The time for one block of each of them, in nanoseconds on a Zen 4 at 3.7 GHz. Only the ratios matter.
    /// For OpenSSL's it is that without the SHA extensions, with which it does what our own code does.
    pub(crate) cost: usize,
    /// Advances one to `lanes` streams by a number of blocks that all of them have.
    pub(crate) advance: unsafe fn(&mut [Lane<'_, C, B>], usize),
}

impl<C, B> Plan<C, B> {
    /// The plan of `plans` that takes the least time for each block if `streams` wait.
    pub(crate) fn best(plans: &[Self], streams: usize, kernels: Kernels) -> Option<&Self> {
        let useful = plans.iter().filter(|plan| kernels.contains(plan.kernel));
        useful.min_by_key(|plan| 1000 * plan.cost / plan.lanes.min(streams.max(1)))
    }

    /// Advances one to `lanes` streams by `count` blocks, which all of them have. `kernels` must have this plan's.
    pub(crate) fn run(&self, lanes: &mut [Lane<'_, C, B>], count: usize, kernels: Kernels) {
        assert!(kernels.contains(self.kernel), "the processor cannot run {:?}", self.kernel);
        // SAFETY: the function needs the instructions of its kernel, and `Kernels` holds only what was detected.
        #[expect(unsafe_code, reason = "functions for special instructions may be called only where these exist")]
        unsafe {
            (self.advance)(lanes, count)
        }
    }
}

/// The positions by which a byte shuffle reverses each word of `size` bytes, within each 16 bytes.
#[cfg(target_arch = "x86_64")]
const fn swap_bytes_of_words(size: u8) -> [u8; 64] {
    let mut positions = [0; 64];
    let mut at = 0;
    while at < 64 {
        positions[at as usize] = (at % 16 / size * size) + size - 1 - at % size;
        at += 1;
    }
    positions
}

/// Arranges up to `L` lanes by words, and their next `count` blocks beside them. Lanes that nobody needs do what the
/// first one does.
#[inline(always)]
fn gather<'a, W: Copy + Default, const N: usize, const L: usize, B>(
    lanes: &[Lane<'a, [W; N], B>],
    count: usize,
) -> ([[W; L]; N], [&'a [B]; L]) {
    let mut words = [[W::default(); L]; N];
    let mut blocks = [&lanes[0].blocks[..count]; L];
    for at in 0..L {
        let lane = lanes.get(at).unwrap_or(&lanes[0]);
        blocks[at] = &lane.blocks[..count];
        for (words, word) in words.iter_mut().zip(*lane.chain) {
            words[at] = word;
        }
    }
    (words, blocks)
}

/// Gives the lanes back what became of them in `count` blocks.
#[inline(always)]
fn scatter<W: Copy, const N: usize, const L: usize, B>(
    lanes: &mut [Lane<'_, [W; N], B>],
    words: &[[W; L]; N],
    count: usize,
) {
    for (at, lane) in lanes.iter_mut().enumerate() {
        for (word, words) in lane.chain.iter_mut().zip(words) {
            *word = words[at];
        }
        lane.blocks = &lane.blocks[count..];
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Each plan does what the first, portable one does, in each number of lanes, and leaves the blocks behind `count`.
    fn agree<W: Copy + PartialEq + std::fmt::Debug, const N: usize, const B: usize>(
        plans: &[Plan<[W; N], [u8; B]>],
        word: impl Fn(usize) -> W,
    ) {
        let kernels = Kernels::detected();
        let data: Vec<[u8; B]> = (0..64).map(|at| std::array::from_fn(|i| (at * 89 + i * 7 + at * i) as u8)).collect();
        for plan in plans.iter().filter(|plan| kernels.contains(plan.kernel)) {
            for (streams, count) in (1..=plan.lanes).flat_map(|streams| [(streams, 1), (streams, 21)]) {
                let run = |plan: &Plan<_, _>, size: usize| {
                    let mut chains: Vec<[W; N]> =
                        (0..streams).map(|at| std::array::from_fn(|i| word(at * 8 + i))).collect();
                    let mut lanes: Vec<_> =
                        chains.iter_mut().enumerate().map(|(at, chain)| lane(chain, &data[at..])).collect();
                    lanes.chunks_mut(size).for_each(|lanes| plan.run(lanes, count, kernels));
                    assert!(lanes.iter().enumerate().all(|(at, lane)| lane.blocks.len() == 64 - at - count));
                    chains
                };
                assert_eq!(run(plan, plan.lanes), run(&plans[0], 1), "{:?}, {streams} of {}", plan.kernel, plan.lanes);
            }
        }
    }

    fn lane<'a, C, B>(chain: &'a mut C, blocks: &'a [B]) -> Lane<'a, C, B> {
        Lane { chain, blocks }
    }

    #[test]
    fn all_plans_of_an_algorithm_agree() {
        let word = |at: usize| (at as u32).wrapping_mul(0x9e37_79b9);
        agree(md5::PLANS, word);
        agree(sha1::PLANS, word);
        agree(sha256::PLANS, word);
        agree(sha512::PLANS, |at| (at as u64).wrapping_mul(0x9e37_79b9_7f4a_7c15));
    }

    #[test]
    #[should_panic(expected = "cannot run")]
    fn no_plan_runs_without_its_instructions() {
        let plan = Plan::<[u32; 4], [u8; 64]> { kernel: Kernel::Avx2, lanes: 8, cost: 1, advance: |_, _| () };
        plan.run(&mut [], 0, Kernels::only(Kernel::Portable).unwrap());
    }

    #[test]
    fn the_plan_depends_on_the_number_of_streams() {
        let Some(kernels) = Kernels::only(Kernel::Avx512) else { return };
        let lanes = |streams| Plan::best(md5::PLANS, streams, kernels).unwrap().lanes;
        assert_eq!([1, 2, 8, 10, 40].map(lanes), [1, 8, 8, 16, 16]);
    }
}
