//! Eight streams of 32-bit words in AVX2 registers.

use std::arch::x86_64::*;

/// How many streams a vector holds.
pub(in crate::kernels) const LANES: usize = 8;

/// One word of each stream.
pub(in crate::kernels) type Vector = __m256i;

/// Reverses the bytes of each word.
const SWAP: [u8; 64] = super::super::swap_bytes_of_words(4);

featured! { "avx2";
    fn add(x: Vector, y: Vector) -> Vector = _mm256_add_epi32(x, y);
    fn rotate_left<const BY: i32, const BACK: i32>(x: Vector) -> Vector =
        _mm256_or_si256(_mm256_slli_epi32::<BY>(x), _mm256_srli_epi32::<BACK>(x));
    fn shift_right<const BY: i32>(x: Vector) -> Vector = _mm256_srli_epi32::<BY>(x);
    fn xor(x: Vector, y: Vector) -> Vector = _mm256_xor_si256(x, y);
    fn xor3(x: Vector, y: Vector, z: Vector) -> Vector = xor(x, xor(y, z));
    fn choose(x: Vector, y: Vector, z: Vector) -> Vector = xor(z, _mm256_and_si256(x, xor(y, z)));
    fn majority(x: Vector, y: Vector, z: Vector) -> Vector = xor(y, _mm256_and_si256(xor(x, y), xor(y, z)));
    fn md5_i(x: Vector, y: Vector, z: Vector) -> Vector =
        xor(y, _mm256_or_si256(x, xor(z, _mm256_set1_epi32(-1))));
    fn splat(word: u32) -> Vector = _mm256_set1_epi32(word.cast_signed());
}

/// Reads one word of each stream.
#[inline]
#[target_feature(enable = "avx2")]
pub(in crate::kernels) fn load(words: &[u32; LANES]) -> Vector {
    // SAFETY: the array is as long as the vector; the load needs no alignment.
    #[expect(unsafe_code, reason = "vector loads take pointers")]
    unsafe {
        _mm256_loadu_si256(words.as_ptr().cast())
    }
}

/// Writes one word of each stream.
#[inline]
#[target_feature(enable = "avx2")]
pub(in crate::kernels) fn store(words: &mut [u32; LANES], vector: Vector) {
    // SAFETY: the array is as long as the vector; the store needs no alignment.
    #[expect(unsafe_code, reason = "vector stores take pointers")]
    unsafe {
        _mm256_storeu_si256(words.as_mut_ptr().cast(), vector)
    }
}

/// Half of a block: the first for `half` 0, the second for 1.
#[inline]
#[target_feature(enable = "avx2")]
fn row(block: &[u8; 64], half: usize) -> Vector {
    let bytes: &[u8; 32] = &block.as_chunks().0[half];
    // SAFETY: half a block is as long as the vector; the load needs no alignment.
    #[expect(unsafe_code, reason = "vector loads take pointers")]
    unsafe {
        _mm256_loadu_si256(bytes.as_ptr().cast())
    }
}

/// The words of each stream's next block, read as little-endian numbers.
#[inline]
#[target_feature(enable = "avx2")]
pub(in crate::kernels) fn words_le(blocks: &[&[[u8; 64]]; LANES], index: usize) -> [Vector; 16] {
    let mut words = [_mm256_setzero_si256(); 16];
    for (half, words) in words.as_chunks_mut().0.iter_mut().enumerate() {
        let mut rows = [_mm256_setzero_si256(); 8];
        for (row_of, blocks) in rows.iter_mut().zip(blocks) {
            *row_of = row(&blocks[index], half);
        }
        *words = transpose(rows);
    }
    words
}

/// The words of each stream's next block, read as big-endian numbers.
#[inline]
#[target_feature(enable = "avx2")]
pub(in crate::kernels) fn words_be(blocks: &[&[[u8; 64]]; LANES], index: usize) -> [Vector; 16] {
    let swap = row(&SWAP, 0);
    let mut words = [_mm256_setzero_si256(); 16];
    for (half, words) in words.as_chunks_mut().0.iter_mut().enumerate() {
        let mut rows = [_mm256_setzero_si256(); 8];
        for (row_of, blocks) in rows.iter_mut().zip(blocks) {
            *row_of = _mm256_shuffle_epi8(row(&blocks[index], half), swap);
        }
        *words = transpose(rows);
    }
    words
}

/// From one row for each stream to one vector for each word.
#[inline]
#[target_feature(enable = "avx2")]
fn transpose(rows: [Vector; 8]) -> [Vector; 8] {
    // Four rows at a time: `quads[4 q + w]` has in its 128-bit part p the word 4 p + w of the rows 4 q to 4 q + 3.
    let mut quads = rows;
    for q in 0..2 {
        let [a, b, c, d] = [rows[4 * q], rows[4 * q + 1], rows[4 * q + 2], rows[4 * q + 3]];
        let [low, high] = [_mm256_unpacklo_epi32(a, b), _mm256_unpackhi_epi32(a, b)];
        let [low2, high2] = [_mm256_unpacklo_epi32(c, d), _mm256_unpackhi_epi32(c, d)];
        quads[4 * q] = _mm256_unpacklo_epi64(low, low2);
        quads[4 * q + 1] = _mm256_unpackhi_epi64(low, low2);
        quads[4 * q + 2] = _mm256_unpacklo_epi64(high, high2);
        quads[4 * q + 3] = _mm256_unpackhi_epi64(high, high2);
    }
    let mut words = rows;
    for w in 0..4 {
        words[w] = _mm256_permute2x128_si256::<0x20>(quads[w], quads[4 + w]);
        words[4 + w] = _mm256_permute2x128_si256::<0x31>(quads[w], quads[4 + w]);
    }
    words
}
