//! Eight streams of 32-bit words in AVX2 registers, with the instructions that AVX-512 adds for them.

use std::arch::x86_64::*;

pub(in crate::kernels) use super::narrow8::{
    LANES, Vector, add, load, shift_right, splat, store, words_be, words_le, xor,
};

featured! { "avx2,avx512f,avx512vl";
    fn rotate_left<const BY: i32, const BACK: i32>(x: Vector) -> Vector = _mm256_rol_epi32::<BY>(x);
    fn xor3(x: Vector, y: Vector, z: Vector) -> Vector = _mm256_ternarylogic_epi32::<0x96>(x, y, z);
    fn choose(x: Vector, y: Vector, z: Vector) -> Vector = _mm256_ternarylogic_epi32::<0xca>(x, y, z);
    fn majority(x: Vector, y: Vector, z: Vector) -> Vector = _mm256_ternarylogic_epi32::<0xe8>(x, y, z);
    fn md5_i(x: Vector, y: Vector, z: Vector) -> Vector = _mm256_ternarylogic_epi32::<0x39>(x, y, z);
}
