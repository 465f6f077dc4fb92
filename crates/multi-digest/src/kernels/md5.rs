//! MD5.

/// Defines a function that advances streams by `count` blocks in the lanes of the vectors of `$v`.
macro_rules! md5 {
    ($(#[$attribute:meta])* $name:ident, $v:ident) => {
        $(#[$attribute])*
        pub(super) fn $name(lanes: &mut [Lane<'_, [u32; 4], [u8; 64]>], count: usize) {
            let (mut words, blocks) = crate::kernels::gather::<_, _, { $v::LANES }, _>(lanes, count);
            let [mut a, mut b, mut c, mut d] =
                [$v::load(&words[0]), $v::load(&words[1]), $v::load(&words[2]), $v::load(&words[3])];
            // The compiler would add what it knows to be constant last, where the next step waits for it.
            let constants = std::hint::black_box(&MD5);
            for index in 0..count {
                let m = $v::words_le(&blocks, index);
                let before = [a, b, c, d];
                rounds!($v, f, [a, b, c, d], m, constants, 0,
                    [0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15], [7, 12, 17, 22], [25, 20, 15, 10]);
                rounds!($v, g, [a, b, c, d], m, constants, 16,
                    [1, 6, 11, 0, 5, 10, 15, 4, 9, 14, 3, 8, 13, 2, 7, 12], [5, 9, 14, 20], [27, 23, 18, 12]);
                rounds!($v, h, [a, b, c, d], m, constants, 32,
                    [5, 8, 11, 14, 1, 4, 7, 10, 13, 0, 3, 6, 9, 12, 15, 2], [4, 11, 16, 23], [28, 21, 16, 9]);
                rounds!($v, i, [a, b, c, d], m, constants, 48,
                    [0, 7, 14, 5, 12, 3, 10, 1, 8, 15, 6, 13, 4, 11, 2, 9], [6, 10, 15, 21], [26, 22, 17, 11]);
                [a, b, c, d] =
                    [$v::add(a, before[0]), $v::add(b, before[1]), $v::add(c, before[2]), $v::add(d, before[3])];
            }
            for (words, vector) in words.iter_mut().zip([a, b, c, d]) {
                $v::store(words, vector);
            }
            crate::kernels::scatter(lanes, &words, count);
        }
    };
}

/// Sixteen steps with one of MD5's four functions.
macro_rules! rounds {
    ($v:ident, $f:ident, $state:tt, $m:ident, $k:ident, $first:expr, [], $by:tt, $back:tt) => {};
    ($v:ident, $f:ident, $state:tt, $m:ident, $k:ident, $first:expr,
     [$w0:literal, $w1:literal, $w2:literal, $w3:literal $(, $more:literal)*], $by:tt, $back:tt) => {
        four!($v, $f, $state, $m, $k, $first, [$w0, $w1, $w2, $w3], $by, $back);
        rounds!($v, $f, $state, $m, $k, $first + 4, [$($more),*], $by, $back);
    };
}

/// Four steps, after which each variable has its place again.
macro_rules! four {
    ($v:ident, $f:ident, [$a:ident, $b:ident, $c:ident, $d:ident], $m:ident, $k:ident, $first:expr,
     [$w0:literal, $w1:literal, $w2:literal, $w3:literal],
     [$by0:literal, $by1:literal, $by2:literal, $by3:literal],
     [$back0:literal, $back1:literal, $back2:literal, $back3:literal]) => {
        step!($v, $f, $a, $b, $c, $d, $m[$w0], $k[$first], $by0, $back0);
        step!($v, $f, $d, $a, $b, $c, $m[$w1], $k[$first + 1], $by1, $back1);
        step!($v, $f, $c, $d, $a, $b, $m[$w2], $k[$first + 2], $by2, $back2);
        step!($v, $f, $b, $c, $d, $a, $m[$w3], $k[$first + 3], $by3, $back3);
    };
}

/// One step. What does not wait for the step before comes first.
macro_rules! step {
    ($v:ident, $f:ident, $a:ident, $b:ident, $c:ident, $d:ident,
     $word:expr, $constant:expr, $by:literal, $back:literal) => {
        $a = $v::add($a, $v::add($word, $v::splat($constant)));
        $a = $v::add($a, function!($v, $f, $b, $c, $d));
        $a = $v::add($v::rotate_left::<$by, $back>($a), $b);
    };
}

macro_rules! function {
    ($v:ident, f, $b:ident, $c:ident, $d:ident) => {
        $v::choose($b, $c, $d)
    };
    ($v:ident, g, $b:ident, $c:ident, $d:ident) => {
        $v::choose($d, $b, $c)
    };
    ($v:ident, h, $b:ident, $c:ident, $d:ident) => {
        $v::xor3($b, $c, $d)
    };
    ($v:ident, i, $b:ident, $c:ident, $d:ident) => {
        $v::md5_i($b, $c, $d)
    };
}

use super::vectors::narrow1;
#[cfg(target_arch = "x86_64")]
use super::vectors::{narrow8, narrow8_vl, narrow16};
use super::{Kernel, Plan};
use crate::constants::MD5;
use crate::lanes::Lane;

md5!(one, narrow1);

#[cfg(target_arch = "x86_64")]
mod x86 {
    use super::*;

    md5!(
        #[target_feature(enable = "bmi1,bmi2")]
        one_bmi,
        narrow1
    );
    md5!(
        #[target_feature(enable = "avx2")]
        eight_avx2,
        narrow8
    );
    md5!(
        #[target_feature(enable = "avx2,avx512f,avx512bw,avx512vl")]
        eight_avx512,
        narrow8_vl
    );
    md5!(
        #[target_feature(enable = "avx512f,avx512bw,avx512vl")]
        sixteen_avx512,
        narrow16
    );
}

/// The ways to compute MD5.
pub(crate) const PLANS: &[Plan<[u32; 4], [u8; 64]>] = &[
    Plan { kernel: Kernel::Portable, lanes: 1, cost: 88, advance: one },
    #[cfg(target_arch = "x86_64")]
    Plan { kernel: Kernel::Avx2, lanes: 1, cost: 83, advance: x86::one_bmi },
    #[cfg(target_arch = "x86_64")]
    Plan { kernel: Kernel::Avx2, lanes: 8, cost: 110, advance: x86::eight_avx2 },
    #[cfg(target_arch = "x86_64")]
    Plan { kernel: Kernel::Avx512, lanes: 1, cost: 83, advance: x86::one_bmi },
    #[cfg(target_arch = "x86_64")]
    Plan { kernel: Kernel::Avx512, lanes: 8, cost: 112, advance: x86::eight_avx512 },
    #[cfg(target_arch = "x86_64")]
    Plan { kernel: Kernel::Avx512, lanes: 16, cost: 131, advance: x86::sixteen_avx512 },
];
