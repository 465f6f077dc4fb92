//! Four streams of 64-bit words in AVX2 registers, with the instructions that AVX-512 adds for them.

use std::arch::x86_64::*;

pub(in crate::kernels) use super::wide4::{LANES, Vector, add, load, shift_right, splat, store, words_be};

featured! { "avx2,avx512f,avx512vl";
    fn rotate_right<const BY: i32, const BACK: i32>(x: Vector) -> Vector = _mm256_ror_epi64::<BY>(x);
    fn xor3(x: Vector, y: Vector, z: Vector) -> Vector = _mm256_ternarylogic_epi64::<0x96>(x, y, z);
    fn choose(x: Vector, y: Vector, z: Vector) -> Vector = _mm256_ternarylogic_epi64::<0xca>(x, y, z);
    fn majority(x: Vector, y: Vector, z: Vector) -> Vector = _mm256_ternarylogic_epi64::<0xe8>(x, y, z);
}
