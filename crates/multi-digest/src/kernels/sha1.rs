//! SHA-1.

/// Defines a function that advances streams by `count` blocks in the lanes of the vectors of `$v`.
macro_rules! sha1 {
    ($(#[$attribute:meta])* $name:ident, $v:ident) => {
        $(#[$attribute])*
        pub(super) fn $name(lanes: &mut [Lane<'_, [u32; 5], [u8; 64]>], count: usize) {
            let (mut words, blocks) = crate::kernels::gather::<_, _, { $v::LANES }, _>(lanes, count);
            let mut chain = [$v::splat(0); 5];
            for (vector, words) in chain.iter_mut().zip(&words) {
                *vector = $v::load(words);
            }
            // The compiler would add what it knows to be constant last, where the next round waits for it.
            let constants = std::hint::black_box(SHA1);
            for index in 0..count {
                let mut w = $v::words_be(&blocks, index);
                let [mut a, mut b, mut c, mut d, mut e] = chain;
                twenty!($v, choose, [a, b, c, d, e], w, constants[0], [0, 5, 10, 15]);
                twenty!($v, xor3, [a, b, c, d, e], w, constants[1], [20, 25, 30, 35]);
                twenty!($v, majority, [a, b, c, d, e], w, constants[2], [40, 45, 50, 55]);
                twenty!($v, xor3, [a, b, c, d, e], w, constants[3], [60, 65, 70, 75]);
                for (vector, sum) in chain.iter_mut().zip([a, b, c, d, e]) {
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

/// Twenty rounds with one of the functions, from those rounds on that `$first` lists.
macro_rules! twenty {
    ($v:ident, $f:ident, $state:tt, $w:ident, $k:expr, [$($first:literal),*]) => { $(
        five!($v, $f, $state, $w, $k, $first);
    )* };
}

/// Five rounds, after which each variable has its place again.
macro_rules! five {
    ($v:ident, $f:ident, [$a:ident, $b:ident, $c:ident, $d:ident, $e:ident], $w:ident, $k:expr, $first:literal) => {
        round!($v, $f, $a, $b, $c, $d, $e, $w, $k, $first);
        round!($v, $f, $e, $a, $b, $c, $d, $w, $k, ($first + 1));
        round!($v, $f, $d, $e, $a, $b, $c, $w, $k, ($first + 2));
        round!($v, $f, $c, $d, $e, $a, $b, $w, $k, ($first + 3));
        round!($v, $f, $b, $c, $d, $e, $a, $w, $k, ($first + 4));
    };
}

/// Round `$i`. From the sixteenth on, its word follows from those before. What does not wait for the round before
/// comes first.
macro_rules! round {
    ($v:ident, $f:ident, $a:ident, $b:ident, $c:ident, $d:ident, $e:ident, $w:ident, $k:expr, $i:expr) => {
        if $i >= 16 {
            let mixed = $v::xor3($w[($i + 13) % 16], $w[($i + 8) % 16], $w[($i + 2) % 16]);
            $w[$i % 16] = $v::rotate_left::<1, 31>($v::xor(mixed, $w[$i % 16]));
        }
        $e = $v::add($e, $v::add($w[$i % 16], $v::splat($k)));
        $e = $v::add($v::add($e, $v::$f($b, $c, $d)), $v::rotate_left::<5, 27>($a));
        $b = $v::rotate_left::<30, 2>($b);
    };
}

use super::vectors::narrow1;
#[cfg(target_arch = "x86_64")]
use super::vectors::{narrow8, narrow8_vl, narrow16};
use super::{Kernel, Plan};
use crate::constants::SHA1;
use crate::lanes::Lane;

sha1!(one, narrow1);

#[cfg(target_arch = "x86_64")]
mod x86 {
    use super::*;

    sha1!(
        #[target_feature(enable = "bmi1,bmi2")]
        one_bmi,
        narrow1
    );
    sha1!(
        #[target_feature(enable = "avx2")]
        eight_avx2,
        narrow8
    );
    sha1!(
        #[target_feature(enable = "avx2,avx512f,avx512bw,avx512vl")]
        eight_avx512,
        narrow8_vl
    );
    sha1!(
        #[target_feature(enable = "avx512f,avx512bw,avx512vl")]
        sixteen_avx512,
        narrow16
    );
}

/// The ways to compute SHA-1.
pub(crate) const PLANS: &[Plan<[u32; 5], [u8; 64]>] = &[
    Plan { kernel: Kernel::Portable, lanes: 1, cost: 80, advance: one },
    #[cfg(feature = "openssl")]
    Plan { kernel: Kernel::OpenSsl, lanes: 1, cost: 60, advance: super::openssl::sha1 },
    #[cfg(target_arch = "x86_64")]
    Plan { kernel: Kernel::Avx2, lanes: 1, cost: 79, advance: x86::one_bmi },
    #[cfg(target_arch = "x86_64")]
    Plan { kernel: Kernel::Avx2, lanes: 8, cost: 140, advance: x86::eight_avx2 },
    #[cfg(target_arch = "x86_64")]
    Plan { kernel: Kernel::Avx512, lanes: 8, cost: 120, advance: x86::eight_avx512 },
    #[cfg(target_arch = "x86_64")]
    Plan { kernel: Kernel::Avx512, lanes: 16, cost: 150, advance: x86::sixteen_avx512 },
    #[cfg(target_arch = "x86_64")]
    Plan { kernel: Kernel::ShaNi, lanes: 1, cost: 35, advance: super::sha_ni::sha1::<1> },
    #[cfg(target_arch = "x86_64")]
    Plan { kernel: Kernel::ShaNi, lanes: 2, cost: 50, advance: super::sha_ni::sha1::<2> },
];
