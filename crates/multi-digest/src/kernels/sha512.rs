//! SHA-512.

/// Defines a function that advances streams by `count` blocks in the lanes of the vectors of `$v`.
macro_rules! sha512 {
    ($(#[$attribute:meta])* $name:ident, $v:ident) => {
        $(#[$attribute])*
        pub(super) fn $name(lanes: &mut [Lane<'_, [u64; 8], [u8; 128]>], count: usize) {
            let (mut words, blocks) = crate::kernels::gather::<_, _, { $v::LANES }, _>(lanes, count);
            let mut chain = [$v::splat(0); 8];
            for (vector, words) in chain.iter_mut().zip(&words) {
                *vector = $v::load(words);
            }
            // The compiler would add what it knows to be constant last, where the next round waits for it.
            let (constants, _) = std::hint::black_box(&SHA512).as_chunks::<16>();
            for index in 0..count {
                let mut w = $v::words_be(&blocks, index);
                let [mut a, mut b, mut c, mut d, mut e, mut f, mut g, mut h] = chain;
                for k in &constants[..4] {
                    sixteen!($v, [a, b, c, d, e, f, g, h], w, k, schedule);
                }
                sixteen!($v, [a, b, c, d, e, f, g, h], w, constants[4], keep);
                for (vector, sum) in chain.iter_mut().zip([a, b, c, d, e, f, g, h]) {
                    *vector = $v::add(*vector, sum);
                }
            }
            for (words, vector) in words.iter_mut().zip(chain) {
                $v::store(words, vector);
            }
            crate::kernels::scatter(lanes, &words, count);
        }
    };
}

/// Defines a function that computes what goes into all rounds of as many blocks of one stream as `$v` has lanes.
#[cfg(target_arch = "x86_64")]
macro_rules! inputs {
    ($(#[$attribute:meta])* $name:ident, $v:ident) => {
        $(#[$attribute])*
        #[inline]
        pub(in crate::kernels) fn $name(group: &[[u8; 128]; $v::LANES]) -> [[u64; $v::LANES]; 80] {
            let mut w = $v::words_be(&group.each_ref().map(std::slice::from_ref), 0);
            let mut inputs = [[0; $v::LANES]; 80];
            for (inputs, k) in inputs.as_chunks_mut::<16>().0.iter_mut().zip(SHA512.as_chunks::<16>().0) {
                ahead!($v, w, k, inputs, [0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15]);
            }
            inputs
        }
    };
}

/// Defines a function that advances one stream, and computes the inputs of its rounds with `$inputs`: only the rounds
/// of a block wait for those of the block before.
#[cfg(target_arch = "x86_64")]
macro_rules! sha512_ahead {
    ($(#[$attribute:meta])* $name:ident, $inputs:ident, $v:ident) => {
        $(#[$attribute])*
        pub(super) fn $name(lanes: &mut [Lane<'_, [u64; 8], [u8; 128]>], count: usize) {
            let [lane] = lanes else { return };
            let (now, later) = lane.blocks.split_at(count);
            let (groups, rest) = now.as_chunks::<{ $v::LANES }>();
            for group in groups {
                let inputs = $inputs(group);
                for at in 0..$v::LANES {
                    let [mut a, mut b, mut c, mut d, mut e, mut f, mut g, mut h] = *lane.chain;
                    for inputs in inputs.as_chunks::<8>().0 {
                        eight!(wide1, [a, b, c, d, e, f, g, h], input_ahead, (inputs, at), [0, 1, 2, 3, 4, 5, 6, 7]);
                    }
                    for (word, sum) in lane.chain.iter_mut().zip([a, b, c, d, e, f, g, h]) {
                        *word = word.wrapping_add(sum);
                    }
                }
            }
            lane.blocks = rest;
            one_bmi(std::slice::from_mut(lane), rest.len());
            lane.blocks = later;
        }
    };
}

/// Writes what goes into sixteen rounds, and computes the words for the next sixteen.
#[cfg(target_arch = "x86_64")]
macro_rules! ahead {
    ($v:ident, $w:ident, $k:ident, $inputs:ident, [$($i:literal),*]) => { $(
        $v::store(&mut $inputs[$i], $v::add($w[$i], $v::splat($k[$i])));
        schedule!($v, $w, $i);
    )* };
}

/// Sixteen rounds, after which each variable has its place again.
macro_rules! sixteen {
    ($v:ident, $state:tt, $w:ident, $k:expr, $then:ident) => {
        eight!($v, $state, input_now, ($w, $k, $then), [0, 1, 2, 3, 4, 5, 6, 7]);
        eight!($v, $state, input_now, ($w, $k, $then), [8, 9, 10, 11, 12, 13, 14, 15]);
    };
}

macro_rules! eight {
    ($v:ident, [$a:ident, $b:ident, $c:ident, $d:ident, $e:ident, $f:ident, $g:ident, $h:ident], $input:ident, $from:tt,
     [$i0:literal, $i1:literal, $i2:literal, $i3:literal, $i4:literal, $i5:literal, $i6:literal, $i7:literal]) => {
        round!($v, $a, $b, $c, $d, $e, $f, $g, $h, $input!($v, $i0, $from));
        round!($v, $h, $a, $b, $c, $d, $e, $f, $g, $input!($v, $i1, $from));
        round!($v, $g, $h, $a, $b, $c, $d, $e, $f, $input!($v, $i2, $from));
        round!($v, $f, $g, $h, $a, $b, $c, $d, $e, $input!($v, $i3, $from));
        round!($v, $e, $f, $g, $h, $a, $b, $c, $d, $input!($v, $i4, $from));
        round!($v, $d, $e, $f, $g, $h, $a, $b, $c, $input!($v, $i5, $from));
        round!($v, $c, $d, $e, $f, $g, $h, $a, $b, $input!($v, $i6, $from));
        round!($v, $b, $c, $d, $e, $f, $g, $h, $a, $input!($v, $i7, $from));
    };
}

/// One round. What does not wait for the round before comes first.
macro_rules! round {
    ($v:ident, $a:ident, $b:ident, $c:ident, $d:ident, $e:ident, $f:ident, $g:ident, $h:ident, $input:expr) => {
        $h = $v::add($h, $input);
        $h = $v::add($h, $v::choose($e, $f, $g));
        $h = $v::add(
            $h,
            $v::xor3($v::rotate_right::<14, 50>($e), $v::rotate_right::<18, 46>($e), $v::rotate_right::<41, 23>($e)),
        );
        $d = $v::add($d, $h);
        $h = $v::add($h, $v::majority($a, $b, $c));
        $h = $v::add(
            $h,
            $v::xor3($v::rotate_right::<28, 36>($a), $v::rotate_right::<34, 30>($a), $v::rotate_right::<39, 25>($a)),
        );
    };
}

/// What goes into round `$i`; the word for the round 16 later takes its place.
macro_rules! input_now {
    ($v:ident, $i:literal, ($w:ident, $k:expr, $then:ident)) => {{
        let input = $v::add($w[$i], $v::splat($k[$i]));
        $then!($v, $w, $i);
        input
    }};
}

/// What goes into round `$i`, computed before.
#[cfg(target_arch = "x86_64")]
macro_rules! input_ahead {
    ($v:ident, $i:literal, ($inputs:ident, $at:ident)) => {
        $inputs[$i][$at]
    };
}

macro_rules! schedule {
    ($v:ident, $w:ident, $i:literal) => {
        let (early, late) = ($w[($i + 1) % 16], $w[($i + 14) % 16]);
        let early =
            $v::xor3($v::rotate_right::<1, 63>(early), $v::rotate_right::<8, 56>(early), $v::shift_right::<7>(early));
        let late =
            $v::xor3($v::rotate_right::<19, 45>(late), $v::rotate_right::<61, 3>(late), $v::shift_right::<6>(late));
        $w[$i] = $v::add($v::add($w[$i], $w[($i + 9) % 16]), $v::add(early, late));
    };
}

macro_rules! keep {
    ($v:ident, $w:ident, $i:literal) => {};
}

use super::vectors::wide1;
#[cfg(target_arch = "x86_64")]
use super::vectors::{wide4, wide4_vl, wide8};
use super::{Kernel, Plan};
use crate::constants::SHA512;
use crate::lanes::Lane;

sha512!(one, wide1);

#[cfg(target_arch = "x86_64")]
pub(super) mod x86 {
    use super::*;

    sha512!(
        #[target_feature(enable = "bmi1,bmi2")]
        one_bmi,
        wide1
    );
    inputs!(
        #[target_feature(enable = "avx2")]
        inputs_avx2,
        wide4
    );
    inputs!(
        #[target_feature(enable = "avx512f,avx512bw,avx512vl")]
        inputs_avx512,
        wide8
    );
    sha512_ahead!(
        #[target_feature(enable = "avx2,bmi1,bmi2")]
        one_avx2,
        inputs_avx2,
        wide4
    );
    sha512_ahead!(
        #[target_feature(enable = "avx512f,avx512bw,avx512vl,bmi1,bmi2")]
        one_avx512,
        inputs_avx512,
        wide8
    );
    sha512!(
        #[target_feature(enable = "avx2")]
        four_avx2,
        wide4
    );
    sha512!(
        #[target_feature(enable = "avx2,avx512f,avx512bw,avx512vl")]
        four_avx512,
        wide4_vl
    );
    sha512!(
        #[target_feature(enable = "avx512f,avx512bw,avx512vl")]
        eight_avx512,
        wide8
    );
}

/// The ways to compute SHA-512.
pub(crate) const PLANS: &[Plan<[u64; 8], [u8; 128]>] = &[
    Plan { kernel: Kernel::Portable, lanes: 1, cost: 212, advance: one },
    #[cfg(feature = "openssl")]
    Plan { kernel: Kernel::OpenSsl, lanes: 1, cost: 150, advance: super::openssl::sha512 },
    #[cfg(target_arch = "x86_64")]
    Plan { kernel: Kernel::Avx2, lanes: 1, cost: 190, advance: x86::one_avx2 },
    #[cfg(target_arch = "x86_64")]
    Plan { kernel: Kernel::Avx2, lanes: 4, cost: 325, advance: x86::four_avx2 },
    #[cfg(target_arch = "x86_64")]
    Plan { kernel: Kernel::Avx512, lanes: 1, cost: 180, advance: x86::one_avx512 },
    #[cfg(target_arch = "x86_64")]
    Plan { kernel: Kernel::Avx512, lanes: 4, cost: 174, advance: x86::four_avx512 },
    #[cfg(target_arch = "x86_64")]
    Plan { kernel: Kernel::Avx512, lanes: 8, cost: 335, advance: x86::eight_avx512 },
];
