//! Eight streams of 64-bit words in AVX-512 registers.

use std::arch::x86_64::*;

/// How many streams a vector holds.
pub(in crate::kernels) const LANES: usize = 8;

/// One word of each stream.
pub(in crate::kernels) type Vector = __m512i;

/// Reverses the bytes of each word.
const SWAP: [u8; 64] = super::super::swap_bytes_of_words(8);

featured! { "avx512f,avx512bw";
    fn add(x: Vector, y: Vector) -> Vector = _mm512_add_epi64(x, y);
    fn rotate_right<const BY: i32, const BACK: i32>(x: Vector) -> Vector = _mm512_ror_epi64::<BY>(x);
    fn shift_right<const BY: u32>(x: Vector) -> Vector = _mm512_srli_epi64::<BY>(x);
    fn xor3(x: Vector, y: Vector, z: Vector) -> Vector = _mm512_ternarylogic_epi64::<0x96>(x, y, z);
    fn choose(x: Vector, y: Vector, z: Vector) -> Vector = _mm512_ternarylogic_epi64::<0xca>(x, y, z);
    fn majority(x: Vector, y: Vector, z: Vector) -> Vector = _mm512_ternarylogic_epi64::<0xe8>(x, y, z);
    fn splat(word: u64) -> Vector = _mm512_set1_epi64(word.cast_signed());
}

/// Reads one word of each stream.
#[inline]
#[target_feature(enable = "avx512f")]
pub(in crate::kernels) fn load(words: &[u64; LANES]) -> Vector {
    // SAFETY: the array is as long as the vector; the load needs no alignment.
    #[expect(unsafe_code, reason = "vector loads take pointers")]
    unsafe {
        _mm512_loadu_si512(words.as_ptr().cast())
    }
}

/// Writes one word of each stream.
#[inline]
#[target_feature(enable = "avx512f")]
pub(in crate::kernels) fn store(words: &mut [u64; LANES], vector: Vector) {
    // SAFETY: the array is as long as the vector; the store needs no alignment.
    #[expect(unsafe_code, reason = "vector stores take pointers")]
    unsafe {
        _mm512_storeu_si512(words.as_mut_ptr().cast(), vector)
    }
}

#[inline]
#[target_feature(enable = "avx512f")]
fn row(bytes: &[u8; 64]) -> Vector {
    // SAFETY: the array is as long as the vector; the load needs no alignment.
    #[expect(unsafe_code, reason = "vector loads take pointers")]
    unsafe {
        _mm512_loadu_si512(bytes.as_ptr().cast())
    }
}

/// The words of each stream's next block, read as big-endian numbers.
#[inline]
#[target_feature(enable = "avx512f,avx512bw")]
pub(in crate::kernels) fn words_be(blocks: &[&[[u8; 128]]; LANES], index: usize) -> [Vector; 16] {
    let mut words = [_mm512_setzero_si512(); 16];
    for (half, words) in words.as_chunks_mut().0.iter_mut().enumerate() {
        let mut rows = [_mm512_setzero_si512(); 8];
        for (row_of, blocks) in rows.iter_mut().zip(blocks) {
            *row_of = _mm512_shuffle_epi8(row(&blocks[index].as_chunks().0[half]), row(&SWAP));
        }
        *words = transpose(rows);
    }
    words
}

/// From one row for each stream to one vector for each word.
#[inline]
#[target_feature(enable = "avx512f")]
pub(in crate::kernels) fn transpose(rows: [Vector; 8]) -> [Vector; 8] {
    // Two rows at a time: `pairs[2 q + w]` has in its 128-bit part p the word 2 p + w of the rows 2 q and 2 q + 1.
    let mut pairs = rows;
    for q in 0..4 {
        pairs[2 * q] = _mm512_unpacklo_epi64(rows[2 * q], rows[2 * q + 1]);
        pairs[2 * q + 1] = _mm512_unpackhi_epi64(rows[2 * q], rows[2 * q + 1]);
    }
    // Then the 128-bit parts of the four vectors that have word w.
    let mut words = rows;
    for w in 0..2 {
        let [a, b, c, d] = [pairs[w], pairs[2 + w], pairs[4 + w], pairs[6 + w]];
        let [low, high] = [_mm512_shuffle_i64x2::<0x88>(a, b), _mm512_shuffle_i64x2::<0xdd>(a, b)];
        let [low2, high2] = [_mm512_shuffle_i64x2::<0x88>(c, d), _mm512_shuffle_i64x2::<0xdd>(c, d)];
        words[w] = _mm512_shuffle_i64x2::<0x88>(low, low2);
        words[2 + w] = _mm512_shuffle_i64x2::<0x88>(high, high2);
        words[4 + w] = _mm512_shuffle_i64x2::<0xdd>(low, low2);
        words[6 + w] = _mm512_shuffle_i64x2::<0xdd>(high, high2);
    }
    words
}
