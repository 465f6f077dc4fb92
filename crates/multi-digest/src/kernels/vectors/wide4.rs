//! Four streams of 64-bit words in AVX2 registers.

use std::arch::x86_64::*;

/// How many streams a vector holds.
pub(in crate::kernels) const LANES: usize = 4;

/// One word of each stream.
pub(in crate::kernels) type Vector = __m256i;

/// Reverses the bytes of each word.
const SWAP: [u8; 64] = super::super::swap_bytes_of_words(8);

featured! { "avx2";
    fn add(x: Vector, y: Vector) -> Vector = _mm256_add_epi64(x, y);
    fn rotate_right<const BY: i32, const BACK: i32>(x: Vector) -> Vector =
        _mm256_or_si256(_mm256_srli_epi64::<BY>(x), _mm256_slli_epi64::<BACK>(x));
    fn shift_right<const BY: i32>(x: Vector) -> Vector = _mm256_srli_epi64::<BY>(x);
    fn xor(x: Vector, y: Vector) -> Vector = _mm256_xor_si256(x, y);
    fn xor3(x: Vector, y: Vector, z: Vector) -> Vector = xor(x, xor(y, z));
    fn choose(x: Vector, y: Vector, z: Vector) -> Vector = xor(z, _mm256_and_si256(x, xor(y, z)));
    fn majority(x: Vector, y: Vector, z: Vector) -> Vector = xor(y, _mm256_and_si256(xor(x, y), xor(y, z)));
    fn splat(word: u64) -> Vector = _mm256_set1_epi64x(word.cast_signed());
}

/// Reads one word of each stream.
#[inline]
#[target_feature(enable = "avx2")]
pub(in crate::kernels) fn load(words: &[u64; LANES]) -> Vector {
    // SAFETY: the array is as long as the vector; the load needs no alignment.
    #[expect(unsafe_code, reason = "vector loads take pointers")]
    unsafe {
        _mm256_loadu_si256(words.as_ptr().cast())
    }
}

/// Writes one word of each stream.
#[inline]
#[target_feature(enable = "avx2")]
pub(in crate::kernels) fn store(words: &mut [u64; LANES], vector: Vector) {
    // SAFETY: the array is as long as the vector; the store needs no alignment.
    #[expect(unsafe_code, reason = "vector stores take pointers")]
    unsafe {
        _mm256_storeu_si256(words.as_mut_ptr().cast(), vector)
    }
}

#[inline]
#[target_feature(enable = "avx2")]
fn row(bytes: &[u8; 32]) -> Vector {
    // SAFETY: the array is as long as the vector; the load needs no alignment.
    #[expect(unsafe_code, reason = "vector loads take pointers")]
    unsafe {
        _mm256_loadu_si256(bytes.as_ptr().cast())
    }
}

/// The words of each stream's next block, read as big-endian numbers.
#[inline]
#[target_feature(enable = "avx2")]
pub(in crate::kernels) fn words_be(blocks: &[&[[u8; 128]]; LANES], index: usize) -> [Vector; 16] {
    let swap = row(&SWAP.as_chunks().0[0]);
    let mut words = [_mm256_setzero_si256(); 16];
    for (quarter, words) in words.as_chunks_mut().0.iter_mut().enumerate() {
        let mut rows = [_mm256_setzero_si256(); 4];
        for (row_of, blocks) in rows.iter_mut().zip(blocks) {
            *row_of = _mm256_shuffle_epi8(row(&blocks[index].as_chunks().0[quarter]), swap);
        }
        *words = transpose(rows);
    }
    words
}

/// From one row for each stream to one vector for each word.
#[inline]
#[target_feature(enable = "avx2")]
pub(in crate::kernels) fn transpose([a, b, c, d]: [Vector; 4]) -> [Vector; 4] {
    let [even, odd] = [_mm256_unpacklo_epi64(a, b), _mm256_unpackhi_epi64(a, b)];
    let [even2, odd2] = [_mm256_unpacklo_epi64(c, d), _mm256_unpackhi_epi64(c, d)];
    [
        _mm256_permute2x128_si256::<0x20>(even, even2),
        _mm256_permute2x128_si256::<0x20>(odd, odd2),
        _mm256_permute2x128_si256::<0x31>(even, even2),
        _mm256_permute2x128_si256::<0x31>(odd, odd2),
    ]
}
