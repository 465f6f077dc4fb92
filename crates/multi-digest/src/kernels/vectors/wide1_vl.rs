//! One stream of 64-bit words in the lower half of a vector register.

use std::arch::x86_64::*;

/// One word of the stream.
pub(in crate::kernels) type Vector = __m128i;

featured! { "avx2,avx512f,avx512vl";
    fn add(x: Vector, y: Vector) -> Vector = _mm_add_epi64(x, y);
    fn rotate_right<const BY: i32>(x: Vector) -> Vector = _mm_ror_epi64::<BY>(x);
    fn xor3(x: Vector, y: Vector, z: Vector) -> Vector = _mm_ternarylogic_epi64::<0x96>(x, y, z);
    fn choose(x: Vector, y: Vector, z: Vector) -> Vector = _mm_ternarylogic_epi64::<0xca>(x, y, z);
    fn majority(x: Vector, y: Vector, z: Vector) -> Vector = _mm_ternarylogic_epi64::<0xe8>(x, y, z);
    fn splat(word: u64) -> Vector = _mm_set1_epi64x(word.cast_signed());
    fn word(vector: Vector) -> u64 = _mm_cvtsi128_si64(vector).cast_unsigned();
}
