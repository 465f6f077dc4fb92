//! SHA-256.

/// Defines a function that advances streams by `count` blocks in the lanes of the vectors of `$v`.
macro_rules! sha256 {
    ($(#[$attribute:meta])* $name:ident, $v:ident) => {
        $(#[$attribute])*
        pub(super) fn $name(lanes: &mut [Lane<'_, [u32; 8], [u8; 64]>], count: usize) {
            let (mut words, blocks) = crate::kernels::gather::<_, _, { $v::LANES }, _>(lanes, count);
            let mut chain = [$v::splat(0); 8];
            for (vector, words) in chain.iter_mut().zip(&words) {
                *vector = $v::load(words);
            }
            // The compiler would add what it knows to be constant last, where the next round waits for it.
            let (constants, _) = std::hint::black_box(&SHA256).as_chunks::<16>();
            for index in 0..count {
                let mut w = $v::words_be(&blocks, index);
                let [mut a, mut b, mut c, mut d, mut e, mut f, mut g, mut h] = chain;
                for k in &constants[..3] {
                    sixteen!($v, [a, b, c, d, e, f, g, h], w, k, schedule);
                }
                sixteen!($v, [a, b, c, d, e, f, g, h], w, constants[3], keep);
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

/// Sixteen rounds, after which each variable has its place again.
macro_rules! sixteen {
    ($v:ident, $state:tt, $w:ident, $k:expr, $then:ident) => {
        eight!($v, $state, $w, $k, $then, [0, 1, 2, 3, 4, 5, 6, 7]);
        eight!($v, $state, $w, $k, $then, [8, 9, 10, 11, 12, 13, 14, 15]);
    };
}

macro_rules! eight {
    ($v:ident, [$a:ident, $b:ident, $c:ident, $d:ident, $e:ident, $f:ident, $g:ident, $h:ident], $w:ident, $k:expr,
     $then:ident,
     [$i0:literal, $i1:literal, $i2:literal, $i3:literal, $i4:literal, $i5:literal, $i6:literal, $i7:literal]) => {
        round!($v, [$a, $b, $c, $d, $e, $f, $g, $h], $w, $k, $i0, $then);
        round!($v, [$h, $a, $b, $c, $d, $e, $f, $g], $w, $k, $i1, $then);
        round!($v, [$g, $h, $a, $b, $c, $d, $e, $f], $w, $k, $i2, $then);
        round!($v, [$f, $g, $h, $a, $b, $c, $d, $e], $w, $k, $i3, $then);
        round!($v, [$e, $f, $g, $h, $a, $b, $c, $d], $w, $k, $i4, $then);
        round!($v, [$d, $e, $f, $g, $h, $a, $b, $c], $w, $k, $i5, $then);
        round!($v, [$c, $d, $e, $f, $g, $h, $a, $b], $w, $k, $i6, $then);
        round!($v, [$b, $c, $d, $e, $f, $g, $h, $a], $w, $k, $i7, $then);
    };
}

/// One round, and the word for the round 16 later. What does not wait for the round before comes first.
macro_rules! round {
    ($v:ident, [$a:ident, $b:ident, $c:ident, $d:ident, $e:ident, $f:ident, $g:ident, $h:ident], $w:ident, $k:expr,
     $i:literal, $then:ident) => {
        $h = $v::add($h, $v::add($w[$i], $v::splat($k[$i])));
        $h = $v::add($h, $v::choose($e, $f, $g));
        $h = $v::add(
            $h,
            $v::xor3($v::rotate_left::<26, 6>($e), $v::rotate_left::<21, 11>($e), $v::rotate_left::<7, 25>($e)),
        );
        $d = $v::add($d, $h);
        $h = $v::add($h, $v::majority($a, $b, $c));
        $h = $v::add(
            $h,
            $v::xor3($v::rotate_left::<30, 2>($a), $v::rotate_left::<19, 13>($a), $v::rotate_left::<10, 22>($a)),
        );
        $then!($v, $w, $i);
    };
}

macro_rules! schedule {
    ($v:ident, $w:ident, $i:literal) => {
        let (early, late) = ($w[($i + 1) % 16], $w[($i + 14) % 16]);
        let early =
            $v::xor3($v::rotate_left::<25, 7>(early), $v::rotate_left::<14, 18>(early), $v::shift_right::<3>(early));
        let late =
            $v::xor3($v::rotate_left::<15, 17>(late), $v::rotate_left::<13, 19>(late), $v::shift_right::<10>(late));
        $w[$i] = $v::add($v::add($w[$i], $w[($i + 9) % 16]), $v::add(early, late));
    };
}

macro_rules! keep {
    ($v:ident, $w:ident, $i:literal) => {};
}

use super::vectors::narrow1;
#[cfg(target_arch = "x86_64")]
use super::vectors::{narrow8, narrow8_vl, narrow16};
use super::{Kernel, Plan};
use crate::constants::SHA256;
use crate::lanes::Lane;

sha256!(one, narrow1);

#[cfg(target_arch = "x86_64")]
mod x86 {
    use super::*;

    sha256!(
        #[target_feature(enable = "bmi1,bmi2")]
        one_bmi,
        narrow1
    );
    sha256!(
        #[target_feature(enable = "avx2")]
        eight_avx2,
        narrow8
    );
    sha256!(
        #[target_feature(enable = "avx2,avx512f,avx512bw,avx512vl")]
        eight_avx512,
        narrow8_vl
    );
    sha256!(
        #[target_feature(enable = "avx512f,avx512bw,avx512vl")]
        sixteen_avx512,
        narrow16
    );
}

/// The ways to compute SHA-256.
pub(crate) const PLANS: &[Plan<[u32; 8], [u8; 64]>] = &[
    Plan { kernel: Kernel::Portable, lanes: 1, cost: 160, advance: one },
    #[cfg(feature = "openssl")]
    Plan { kernel: Kernel::OpenSsl, lanes: 1, cost: 120, advance: super::openssl::sha256 },
    #[cfg(target_arch = "x86_64")]
    Plan { kernel: Kernel::Avx2, lanes: 1, cost: 150, advance: x86::one_bmi },
    #[cfg(target_arch = "x86_64")]
    Plan { kernel: Kernel::Avx2, lanes: 8, cost: 300, advance: x86::eight_avx2 },
    #[cfg(target_arch = "x86_64")]
    Plan { kernel: Kernel::Avx512, lanes: 8, cost: 150, advance: x86::eight_avx512 },
    #[cfg(target_arch = "x86_64")]
    Plan { kernel: Kernel::Avx512, lanes: 16, cost: 280, advance: x86::sixteen_avx512 },
    #[cfg(target_arch = "x86_64")]
    Plan { kernel: Kernel::ShaNi, lanes: 1, cost: 35, advance: super::sha_ni::sha256::<1> },
    #[cfg(target_arch = "x86_64")]
    Plan { kernel: Kernel::ShaNi, lanes: 2, cost: 40, advance: super::sha_ni::sha256::<2> },
];
