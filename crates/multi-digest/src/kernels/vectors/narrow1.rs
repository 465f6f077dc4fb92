//! One stream of 32-bit words in general registers.

/// How many streams a vector holds.
pub(in crate::kernels) const LANES: usize = 1;

/// One word of the stream.
pub(in crate::kernels) type Vector = u32;

plain! {
    fn add(x: Vector, y: Vector) -> Vector = x.wrapping_add(y);
    fn rotate_left<const BY: u32, const BACK: u32>(x: Vector) -> Vector = x.rotate_left(BY);
    fn shift_right<const BY: u32>(x: Vector) -> Vector = x >> BY;
    fn xor(x: Vector, y: Vector) -> Vector = x ^ y;
    fn xor3(x: Vector, y: Vector, z: Vector) -> Vector = x ^ y ^ z;
    fn choose(x: Vector, y: Vector, z: Vector) -> Vector = z ^ (x & (y ^ z));
    fn majority(x: Vector, y: Vector, z: Vector) -> Vector = y ^ ((x ^ y) & (y ^ z));
    fn md5_i(x: Vector, y: Vector, z: Vector) -> Vector = y ^ (x | !z);
    fn splat(word: u32) -> Vector = word;
    fn load(words: &[u32; LANES]) -> Vector = words[0];
    fn store(words: &mut [u32; LANES], vector: Vector) -> () = words[0] = vector;
}

/// The words of the stream's next block, read as little-endian numbers.
#[inline(always)]
pub(in crate::kernels) fn words_le(blocks: &[&[[u8; 64]]; LANES], index: usize) -> [Vector; 16] {
    let mut words = [0; 16];
    for (word, bytes) in words.iter_mut().zip(blocks[0][index].as_chunks().0) {
        *word = u32::from_le_bytes(*bytes);
    }
    words
}

/// The words of the stream's next block, read as big-endian numbers.
#[inline(always)]
pub(in crate::kernels) fn words_be(blocks: &[&[[u8; 64]]; LANES], index: usize) -> [Vector; 16] {
    words_le(blocks, index).map(u32::swap_bytes)
}
