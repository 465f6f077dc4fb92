//! SHA-1 and SHA-256 with the processor's own instructions for them.
//!
//! These work for one stream at a time but take several cycles each: those of a second stream fit in between.

#![expect(clippy::needless_range_loop, reason = "blocks, words and constants are counted alike")]

use std::arch::x86_64::*;
use std::array;

use crate::constants::SHA256;
use crate::lanes::Lane;

/// Reverses the bytes of each word.
const SWAP_WORDS: [u8; 64] = super::swap_bytes_of_words(4);
/// Reverses the bytes of the whole vector.
const SWAP_ALL: [u8; 64] = super::swap_bytes_of_words(16);

#[inline]
#[target_feature(enable = "sse2")]
fn load(bytes: &[u8; 16]) -> __m128i {
    // SAFETY: the array is as long as the vector; the load needs no alignment.
    #[expect(unsafe_code, reason = "vector loads take pointers")]
    unsafe {
        _mm_loadu_si128(bytes.as_ptr().cast())
    }
}

#[inline]
#[target_feature(enable = "sse2")]
fn load_words(words: &[u32; 4]) -> __m128i {
    // SAFETY: the array is as long as the vector; the load needs no alignment.
    #[expect(unsafe_code, reason = "vector loads take pointers")]
    unsafe {
        _mm_loadu_si128(words.as_ptr().cast())
    }
}

/// The highest word first.
#[inline]
#[target_feature(enable = "sse4.1")]
fn words_of(vector: __m128i) -> [u32; 4] {
    [
        _mm_extract_epi32::<3>(vector).cast_unsigned(),
        _mm_extract_epi32::<2>(vector).cast_unsigned(),
        _mm_extract_epi32::<1>(vector).cast_unsigned(),
        _mm_extract_epi32::<0>(vector).cast_unsigned(),
    ]
}

/// From the highest word to the lowest.
#[inline]
#[target_feature(enable = "sse2")]
fn vector_of([x, y, z, w]: [u32; 4]) -> __m128i {
    _mm_set_epi32(x.cast_signed(), y.cast_signed(), z.cast_signed(), w.cast_signed())
}

/// The next `count` blocks of exactly `S` lanes; fewer lanes are filled up with the first.
#[inline(always)]
fn blocks_of<'a, C, const S: usize>(lanes: &[Lane<'a, C, [u8; 64]>], count: usize) -> [&'a [[u8; 64]]; S] {
    array::from_fn(|at| &lanes.get(at).unwrap_or(&lanes[0]).blocks[..count])
}

/// Advances `S` streams by `count` blocks of SHA-256.
#[target_feature(enable = "sha,sse2,ssse3,sse4.1")]
pub(super) fn sha256<const S: usize>(lanes: &mut [Lane<'_, [u32; 8], [u8; 64]>], count: usize) {
    let blocks: [_; S] = blocks_of(lanes, count);
    let swap = load(&SWAP_WORDS.as_chunks().0[0]);
    // The instructions want the words in the order a, b, e, f and c, d, g, h, from the highest down.
    let mut abef = [_mm_setzero_si128(); S];
    let mut cdgh = abef;
    for s in 0..S {
        let [a, b, c, d, e, f, g, h] = *lanes.get(s).unwrap_or(&lanes[0]).chain;
        (abef[s], cdgh[s]) = (vector_of([a, b, e, f]), vector_of([c, d, g, h]));
    }
    for index in 0..count {
        let before = (abef, cdgh);
        let mut w = [[_mm_setzero_si128(); 4]; S];
        for s in 0..S {
            for (word, bytes) in w[s].iter_mut().zip(blocks[s][index].as_chunks().0) {
                *word = _mm_shuffle_epi8(load(bytes), swap);
            }
        }
        let (constants, _) = SHA256.as_chunks::<4>();
        for k in constants[..12].as_chunks::<4>().0 {
            for i in 0..4 {
                sha256_rounds(&mut abef, &mut cdgh, &w, (i, load_words(&k[i])));
                sha256_schedule(&mut w, i);
            }
        }
        for i in 0..4 {
            sha256_rounds(&mut abef, &mut cdgh, &w, (i, load_words(&constants[12 + i])));
        }
        for s in 0..S {
            abef[s] = _mm_add_epi32(abef[s], before.0[s]);
            cdgh[s] = _mm_add_epi32(cdgh[s], before.1[s]);
        }
    }
    for (s, lane) in lanes.iter_mut().enumerate() {
        let ([a, b, e, f], [c, d, g, h]) = (words_of(abef[s]), words_of(cdgh[s]));
        *lane.chain = [a, b, c, d, e, f, g, h];
        lane.blocks = &lane.blocks[count..];
    }
}

/// Four rounds with the words `i` and their constants.
#[inline]
#[target_feature(enable = "sha,sse2")]
fn sha256_rounds<const S: usize>(
    abef: &mut [__m128i; S],
    cdgh: &mut [__m128i; S],
    w: &[[__m128i; 4]; S],
    (i, k): (usize, __m128i),
) {
    for s in 0..S {
        let input = _mm_add_epi32(w[s][i], k);
        cdgh[s] = _mm_sha256rnds2_epu32(cdgh[s], abef[s], input);
        abef[s] = _mm_sha256rnds2_epu32(abef[s], cdgh[s], _mm_shuffle_epi32::<0x0e>(input));
    }
}

/// Replaces the words `i` with those for the rounds 16 later.
#[inline]
#[target_feature(enable = "sha,ssse3")]
fn sha256_schedule<const S: usize>(w: &mut [[__m128i; 4]; S], i: usize) {
    for w in w {
        let early = _mm_sha256msg1_epu32(w[i], w[(i + 1) % 4]);
        let middle = _mm_alignr_epi8::<4>(w[(i + 3) % 4], w[(i + 2) % 4]);
        w[i] = _mm_sha256msg2_epu32(_mm_add_epi32(early, middle), w[(i + 3) % 4]);
    }
}

/// Advances `S` streams by `count` blocks of SHA-1.
#[target_feature(enable = "sha,sse2,ssse3,sse4.1")]
pub(super) fn sha1<const S: usize>(lanes: &mut [Lane<'_, [u32; 5], [u8; 64]>], count: usize) {
    let blocks: [_; S] = blocks_of(lanes, count);
    let swap = load(&SWAP_ALL.as_chunks().0[0]);
    let mut abcd = [_mm_setzero_si128(); S];
    let mut e = abcd;
    for s in 0..S {
        let [a, b, c, d, last] = *lanes.get(s).unwrap_or(&lanes[0]).chain;
        (abcd[s], e[s]) = (vector_of([a, b, c, d]), vector_of([last, 0, 0, 0]));
    }
    for index in 0..count {
        let before = (abcd, e);
        let mut w = [[_mm_setzero_si128(); 4]; S];
        for s in 0..S {
            for (word, bytes) in w[s].iter_mut().zip(blocks[s][index].as_chunks().0) {
                *word = _mm_shuffle_epi8(load(bytes), swap);
            }
            // What the instruction for the rounds wants is the sum of e and the words.
            e[s] = _mm_add_epi32(e[s], w[s][0]);
        }
        sha1_twenty::<0, S>(&mut abcd, &mut e, &mut w);
        sha1_twenty::<1, S>(&mut abcd, &mut e, &mut w);
        sha1_twenty::<2, S>(&mut abcd, &mut e, &mut w);
        sha1_twenty::<3, S>(&mut abcd, &mut e, &mut w);
        for s in 0..S {
            e[s] = _mm_sha1nexte_epu32(e[s], before.1[s]);
            abcd[s] = _mm_add_epi32(abcd[s], before.0[s]);
        }
    }
    for (s, lane) in lanes.iter_mut().enumerate() {
        let ([a, b, c, d], [last, ..]) = (words_of(abcd[s]), words_of(e[s]));
        *lane.chain = [a, b, c, d, last];
        lane.blocks = &lane.blocks[count..];
    }
}

/// Twenty rounds with the function `F`. `e` holds what goes into the next four, and holds it afterwards; after the last
/// rounds of all it holds the value of a, b, c and d four rounds before.
#[inline]
#[target_feature(enable = "sha,sse2")]
fn sha1_twenty<const F: i32, const S: usize>(abcd: &mut [__m128i; S], e: &mut [__m128i; S], w: &mut [[__m128i; 4]; S]) {
    for group in 0..5 {
        let i = (F as usize + group) % 4;
        let (is_followed, is_last) = (F < 3 || group == 0, F == 3 && group == 4);
        for s in 0..S {
            let w = &mut w[s];
            if is_followed {
                let mixed = _mm_xor_si128(_mm_sha1msg1_epu32(w[i], w[(i + 1) % 4]), w[(i + 2) % 4]);
                w[i] = _mm_sha1msg2_epu32(mixed, w[(i + 3) % 4]);
            }
            let before = abcd[s];
            abcd[s] = _mm_sha1rnds4_epu32::<F>(before, e[s]);
            e[s] = if is_last { before } else { _mm_sha1nexte_epu32(before, w[(i + 1) % 4]) };
        }
    }
}
