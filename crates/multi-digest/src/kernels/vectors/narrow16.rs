//! Sixteen streams of 32-bit words in AVX-512 registers.

use std::arch::x86_64::*;

/// How many streams a vector holds.
pub(in crate::kernels) const LANES: usize = 16;

/// One word of each stream.
pub(in crate::kernels) type Vector = __m512i;

/// Reverses the bytes of each word.
const SWAP: [u8; 64] = super::super::swap_bytes_of_words(4);

featured! { "avx512f,avx512bw";
    fn add(x: Vector, y: Vector) -> Vector = _mm512_add_epi32(x, y);
    fn rotate_left<const BY: i32, const BACK: i32>(x: Vector) -> Vector = _mm512_rol_epi32::<BY>(x);
    fn shift_right<const BY: u32>(x: Vector) -> Vector = _mm512_srli_epi32::<BY>(x);
    fn xor(x: Vector, y: Vector) -> Vector = _mm512_xor_si512(x, y);
    fn xor3(x: Vector, y: Vector, z: Vector) -> Vector = _mm512_ternarylogic_epi32::<0x96>(x, y, z);
    fn choose(x: Vector, y: Vector, z: Vector) -> Vector = _mm512_ternarylogic_epi32::<0xca>(x, y, z);
    fn majority(x: Vector, y: Vector, z: Vector) -> Vector = _mm512_ternarylogic_epi32::<0xe8>(x, y, z);
    fn md5_i(x: Vector, y: Vector, z: Vector) -> Vector = _mm512_ternarylogic_epi32::<0x39>(x, y, z);
    fn splat(word: u32) -> Vector = _mm512_set1_epi32(word.cast_signed());
}

/// Reads one word of each stream.
#[inline]
#[target_feature(enable = "avx512f")]
pub(in crate::kernels) fn load(words: &[u32; LANES]) -> Vector {
    // SAFETY: the array is as long as the vector; the load needs no alignment.
    #[expect(unsafe_code, reason = "vector loads take pointers")]
    unsafe {
        _mm512_loadu_si512(words.as_ptr().cast())
    }
}

/// Writes one word of each stream.
#[inline]
#[target_feature(enable = "avx512f")]
pub(in crate::kernels) fn store(words: &mut [u32; LANES], vector: Vector) {
    // SAFETY: the array is as long as the vector; the store needs no alignment.
    #[expect(unsafe_code, reason = "vector stores take pointers")]
    unsafe {
        _mm512_storeu_si512(words.as_mut_ptr().cast(), vector)
    }
}

#[inline]
#[target_feature(enable = "avx512f")]
fn row(block: &[u8; 64]) -> Vector {
    // SAFETY: the block is as long as the vector; the load needs no alignment.
    #[expect(unsafe_code, reason = "vector loads take pointers")]
    unsafe {
        _mm512_loadu_si512(block.as_ptr().cast())
    }
}

/// The words of each stream's next block, read as little-endian numbers.
#[inline]
#[target_feature(enable = "avx512f,avx512bw")]
pub(in crate::kernels) fn words_le(blocks: &[&[[u8; 64]]; LANES], index: usize) -> [Vector; 16] {
    let mut rows = [_mm512_setzero_si512(); 16];
    for (row_of, blocks) in rows.iter_mut().zip(blocks) {
        *row_of = row(&blocks[index]);
    }
    transpose(rows)
}

/// The words of each stream's next block, read as big-endian numbers.
#[inline]
#[target_feature(enable = "avx512f,avx512bw")]
pub(in crate::kernels) fn words_be(blocks: &[&[[u8; 64]]; LANES], index: usize) -> [Vector; 16] {
    let swap = row(&SWAP);
    let mut rows = [_mm512_setzero_si512(); 16];
    for (row_of, blocks) in rows.iter_mut().zip(blocks) {
        *row_of = _mm512_shuffle_epi8(row(&blocks[index]), swap);
    }
    transpose(rows)
}

/// From one row for each stream to one vector for each word.
#[inline]
#[target_feature(enable = "avx512f")]
fn transpose(rows: [Vector; 16]) -> [Vector; 16] {
    // Four rows at a time: `quads[4 q + w]` has in its 128-bit part p the word 4 p + w of the rows 4 q to 4 q + 3.
    let mut quads = rows;
    for q in 0..4 {
        let [a, b, c, d] = [rows[4 * q], rows[4 * q + 1], rows[4 * q + 2], rows[4 * q + 3]];
        let [low, high] = [_mm512_unpacklo_epi32(a, b), _mm512_unpackhi_epi32(a, b)];
        let [low2, high2] = [_mm512_unpacklo_epi32(c, d), _mm512_unpackhi_epi32(c, d)];
        quads[4 * q] = _mm512_unpacklo_epi64(low, low2);
        quads[4 * q + 1] = _mm512_unpackhi_epi64(low, low2);
        quads[4 * q + 2] = _mm512_unpacklo_epi64(high, high2);
        quads[4 * q + 3] = _mm512_unpackhi_epi64(high, high2);
    }
    // Then the same with the 128-bit parts of the four vectors that have word w.
    let mut words = rows;
    for w in 0..4 {
        let [a, b, c, d] = [quads[w], quads[4 + w], quads[8 + w], quads[12 + w]];
        let [low, high] = [_mm512_shuffle_i32x4::<0x88>(a, b), _mm512_shuffle_i32x4::<0xdd>(a, b)];
        let [low2, high2] = [_mm512_shuffle_i32x4::<0x88>(c, d), _mm512_shuffle_i32x4::<0xdd>(c, d)];
        words[w] = _mm512_shuffle_i32x4::<0x88>(low, low2);
        words[4 + w] = _mm512_shuffle_i32x4::<0x88>(high, high2);
        words[8 + w] = _mm512_shuffle_i32x4::<0xdd>(low, low2);
        words[12 + w] = _mm512_shuffle_i32x4::<0xdd>(high, high2);
    }
    words
}
