//! One stream of MD5 and one of SHA-512 at the same time.
//!
//! This is what a lone upload needs. MD5 is a chain of instructions on the general registers, and most of the processor
//! waits for it; SHA-512 on vector registers fills the gaps, and together they take little longer than SHA-512 alone. Two
//! blocks of MD5 are as long as one of SHA-512. The streams need not have the same bytes.

use std::arch::asm;

use super::sha512::x86::inputs_avx512;
use super::vectors::wide1_vl as v;
use crate::constants::MD5;
use crate::lanes::Lane;
use crate::processor::{Kernel, Kernels};

type Md5Lane<'a> = Lane<'a, [u32; 4], [u8; 64]>;
type Sha512Lane<'a> = Lane<'a, [u64; 8], [u8; 128]>;

/// Advances both streams by as many KiB as both have, if the kernels allow it.
pub(crate) fn advance(md5: &mut Md5Lane<'_>, sha512: &mut Sha512Lane<'_>, kernels: Kernels) {
    if kernels.contains(Kernel::Avx512) {
        // SAFETY: `Kernels` holds only what was detected, and this kernel needs all that the function does.
        #[expect(unsafe_code, reason = "functions for special instructions may be called only where these exist")]
        unsafe {
            advance_avx512(md5, sha512);
        }
    }
}

#[target_feature(enable = "avx2,avx512f,avx512bw,avx512vl,bmi1,bmi2")]
fn advance_avx512(md5: &mut Md5Lane<'_>, sha512: &mut Sha512Lane<'_>) {
    let (md5_groups, _) = md5.blocks.as_chunks::<16>();
    let (groups, _) = sha512.blocks.as_chunks::<8>();
    // The compiler would add what it knows to be constant last, where the next step waits for it.
    let constants = std::hint::black_box(&MD5);
    let mut chain = [v::splat(0); 8];
    for (vector, word) in chain.iter_mut().zip(*sha512.chain) {
        *vector = v::splat(word);
    }
    for (md5_group, group) in md5_groups.iter().zip(groups) {
        let inputs = inputs_avx512(group);
        for (at, blocks) in md5_group.as_chunks::<2>().0.iter().enumerate() {
            let mut state = chain;
            for (block, inputs) in blocks.iter().zip(inputs.as_chunks::<40>().0) {
                half(md5.chain, (block, constants), &mut state, (inputs, at));
            }
            for (vector, sum) in chain.iter_mut().zip(state) {
                *vector = v::add(*vector, sum);
            }
        }
    }
    for (word, vector) in sha512.chain.iter_mut().zip(chain) {
        *word = v::word(vector);
    }
    let count = md5_groups.len().min(groups.len());
    md5.blocks = &md5.blocks[16 * count..];
    sha512.blocks = &sha512.blocks[8 * count..];
}

/// A block of MD5, and half the rounds of block number `at` of SHA-512.
#[inline]
#[target_feature(enable = "avx2,avx512f,avx512vl,bmi1,bmi2")]
fn half(
    md5: &mut [u32; 4],
    (block, constants): (&[u8; 64], &[u32; 64]),
    sha512: &mut [v::Vector; 8],
    (inputs, at): (&[[u64; 8]; 40], usize),
) {
    let before = *md5;
    macro_rules! eight_steps_and_five_rounds {
        ($($g:literal),*) => { $(
            round::<{ 5 * $g }>(sha512, inputs[5 * $g][at]);
            step::<{ 8 * $g }>(md5, block, constants);
            step::<{ 8 * $g + 1 }>(md5, block, constants);
            tie(md5, sha512);
            round::<{ 5 * $g + 1 }>(sha512, inputs[5 * $g + 1][at]);
            step::<{ 8 * $g + 2 }>(md5, block, constants);
            tie(md5, sha512);
            round::<{ 5 * $g + 2 }>(sha512, inputs[5 * $g + 2][at]);
            step::<{ 8 * $g + 3 }>(md5, block, constants);
            step::<{ 8 * $g + 4 }>(md5, block, constants);
            tie(md5, sha512);
            round::<{ 5 * $g + 3 }>(sha512, inputs[5 * $g + 3][at]);
            step::<{ 8 * $g + 5 }>(md5, block, constants);
            tie(md5, sha512);
            round::<{ 5 * $g + 4 }>(sha512, inputs[5 * $g + 4][at]);
            step::<{ 8 * $g + 6 }>(md5, block, constants);
            step::<{ 8 * $g + 7 }>(md5, block, constants);
            tie(md5, sha512);
        )* };
    }
    eight_steps_and_five_rounds!(0, 1, 2, 3, 4, 5, 6, 7);
    for (word, before) in md5.iter_mut().zip(before) {
        *word = word.wrapping_add(before);
    }
}

/// Keeps the compiler from sorting the two chains apart: all that was before comes before all that follows.
#[inline(always)]
fn tie([a, b, c, d]: &mut [u32; 4], [s, t, u, v, w, x, y, z]: &mut [v::Vector; 8]) {
    // SAFETY: the text is a comment and does nothing.
    #[expect(unsafe_code, reason = "the compiler believes that it changes all these registers")]
    unsafe {
        asm!(
            "/* {:e} {:e} {:e} {:e} {} {} {} {} {} {} {} {} */",
            inout(reg) * a,
            inout(reg) * b,
            inout(reg) * c,
            inout(reg) * d,
            inout(xmm_reg) * s,
            inout(xmm_reg) * t,
            inout(xmm_reg) * u,
            inout(xmm_reg) * v,
            inout(xmm_reg) * w,
            inout(xmm_reg) * x,
            inout(xmm_reg) * y,
            inout(xmm_reg) * z,
            options(pure, nomem, nostack, preserves_flags)
        );
    }
}

/// Step `T` of MD5. Instead of the variables, their names move on.
#[inline(always)]
fn step<const T: usize>(state: &mut [u32; 4], block: &[u8; 64], constants: &[u32; 64]) {
    const FIRST: [usize; 4] = [0, 1, 5, 0];
    const DISTANCE: [usize; 4] = [1, 5, 3, 7];
    const ROTATE: [[u32; 4]; 4] = [[7, 12, 17, 22], [5, 9, 14, 20], [4, 11, 16, 23], [6, 10, 15, 21]];
    let part = T / 16;
    let word = u32::from_le_bytes(block.as_chunks().0[(FIRST[part] + DISTANCE[part] * (T % 16)) % 16]);
    let place = |variable: usize| (variable + 4 - T % 4) % 4;
    let [b, c, d] = [state[place(1)], state[place(2)], state[place(3)]];
    let mixed = match part {
        0 => d ^ (b & (c ^ d)),
        1 => c ^ (d & (b ^ c)),
        2 => b ^ c ^ d,
        _ => c ^ (b | !d),
    };
    let sum = state[place(0)].wrapping_add(word.wrapping_add(constants[T])).wrapping_add(mixed);
    state[place(0)] = sum.rotate_left(ROTATE[part][T % 4]).wrapping_add(b);
}

/// Round `R` of SHA-512, or one that is a multiple of eight rounds from it. Instead of the variables, their names move on.
#[inline]
#[target_feature(enable = "avx2,avx512f,avx512vl")]
fn round<const R: usize>(state: &mut [v::Vector; 8], input: u64) {
    let place = |variable: usize| (variable + 8 - R % 8) % 8;
    let [a, b, c] = [state[place(0)], state[place(1)], state[place(2)]];
    let [e, f, g, h] = [state[place(4)], state[place(5)], state[place(6)], state[place(7)]];
    let sum = v::add(v::add(h, v::splat(input)), v::choose(e, f, g));
    let sum = v::add(sum, v::xor3(v::rotate_right::<14>(e), v::rotate_right::<18>(e), v::rotate_right::<41>(e)));
    let other = v::xor3(v::rotate_right::<28>(a), v::rotate_right::<34>(a), v::rotate_right::<39>(a));
    state[place(3)] = v::add(state[place(3)], sum);
    state[place(7)] = v::add(v::add(sum, v::majority(a, b, c)), other);
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kernels::{md5, sha512};
    use crate::lanes;

    /// Both lengths are cut to what both have, in whole KiB.
    #[test]
    fn a_pair_does_what_each_does_alone() {
        let Some(kernels) = Kernels::only(Kernel::Avx512) else { return };
        let portable = Kernels::only(Kernel::Portable).unwrap();
        let data: Vec<u8> = (0..9000_usize).map(|at| (at * at / 7) as u8).collect();
        let (md5_blocks, sha512_blocks) = (data.as_chunks().0, data[500..].as_chunks().0);
        for (md5_count, sha512_count, done) in [(48, 24, 3), (140, 10, 1), (20, 60, 1), (15, 8, 0), (140, 60, 7)] {
            let mut chains = ([1, 2, 3, 4], [1, 2, 3, 4, 5, 6, 7, 8]);
            let mut md5 = Lane { chain: &mut chains.0, blocks: &md5_blocks[..md5_count] };
            let mut sha512 = Lane { chain: &mut chains.1, blocks: &sha512_blocks[..sha512_count] };
            advance(&mut md5, &mut sha512, kernels);
            assert_eq!((md5.blocks.len(), sha512.blocks.len()), (md5_count - 16 * done, sha512_count - 8 * done));

            let mut expected = ([1, 2, 3, 4], [1, 2, 3, 4, 5, 6, 7, 8]);
            let md5 = Lane { chain: &mut expected.0, blocks: &md5_blocks[..16 * done] };
            lanes::advance(&mut [md5], md5::PLANS, portable);
            let sha512 = Lane { chain: &mut expected.1, blocks: &sha512_blocks[..8 * done] };
            lanes::advance(&mut [sha512], sha512::PLANS, portable);
            assert_eq!(chains, expected);
        }
    }
}
